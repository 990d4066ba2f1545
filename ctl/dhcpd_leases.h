/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "ctl/leases.h"

/* As leases_read(), of ISC dhcpd's format. 0 or -EBADMSG. */
int dhcpd_leases_read(FILE *file, lease_found *found, void *context);
