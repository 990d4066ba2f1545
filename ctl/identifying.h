/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct ctl;

/*
 * Whether machines say their MAC address, so that it names entries: by
 * PXESRV_IDENTIFY of this process or, if that is not set, of the running
 * responder. Warns if the responder's can't be trusted, and then returns false.
 * As responder_of(), first call it before as_user_begin().
 */
bool identifying_by_mac(const struct ctl *ctl);
