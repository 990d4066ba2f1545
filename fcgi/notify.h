/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Opens the service manager's socket, by the protocol of sd_notify(3), before
 * the responder is confined. Returns -1 if NOTIFY_SOCKET is not set. Ends the
 * program with a message on failure, since the manager would wait in vain.
 */
int notify_open(void);

/* Sends the manager a state, such as READY=1. Does nothing if fd is -1. */
void notify_send(int fd, const char *state);
