/* SPDX-License-Identifier: MIT */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * Output is for people on a terminal, and stable in a pipe. Escape what comes
 * from the tree or from clients before: boot/text.h.
 */

/* Whether to use colour: on a terminal, without NO_COLOR (no-color.org). */
bool print_has_colour(void);

enum colour { PLAIN, GOOD, BAD, DIM };

/* Prints a text in a colour, or without one. */
void print_coloured(enum colour colour, const char *text);

#define AGE_SIZE 32 /* bytes */

/* Writes a duration in seconds as people say it: 45 s, 12 min, 3 h, 2 d. */
void format_age(long long seconds, char out[static AGE_SIZE]);

/* Writes a time as ISO 8601 in UTC: 2026-11-22T13:28:00Z. */
void format_time(time_t time, char out[static AGE_SIZE]);

/* Makes a JSON string. Bytes that are not UTF-8 become \xHH. */
json_t *json_string_of(const char *text);

/* Prints an object on one line, and frees it. */
void print_json(json_t *object);

/*
 * Prints "PATH -> TEXT" without a newline, or the path alone if text is empty.
 */
void print_link(const char *path, const char *text);

/*
 * Prints "pxesrvctl: SUBJECT: MESSAGE" to standard error, the subject escaped.
 * Returns false.
 */
__attribute__((format(printf, 2, 3))) bool print_error(
	const char *subject, const char *format, ...);
