/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What there is to tell of once/ that belongs to no request: a line each. Until
 * somebody wants to know, nothing is told. Set it before there are threads.
 */
void once_news_to(void (*tell)(const char *line, void *context), void *context);

/* Tells, as printf(3) would print it. */
__attribute__((format(printf, 1, 2))) void once_news(const char *format, ...);
