/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Sets who gets the messages about once/ that belong to no request, a line
 * each. Without a listener they are dropped. Call it before there are threads.
 */
void once_news_to(void (*tell)(const char *line, void *context), void *context);

/* Sends a message to the listener, formatted as by printf(3). */
__attribute__((format(printf, 1, 2))) void once_news(const char *format, ...);
