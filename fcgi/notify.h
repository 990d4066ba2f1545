/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The service manager's socket, by the protocol of sd_notify(3), opened before
 * the responder confines itself. -1 when none has asked to be told: there is
 * no NOTIFY_SOCKET in the environment. Ends the program with a message when it
 * can't be had, since the manager would wait for nothing.
 */
int notify_open(void);

/* Tells the manager that state, such as READY=1. Nothing is sent to -1. */
void notify_send(int fd, const char *state);
