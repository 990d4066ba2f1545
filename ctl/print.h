/* SPDX-License-Identifier: MIT */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * Standard output: for people on a terminal, stable in a pipe. What comes from
 * the tree or from clients is escaped before: escape.h.
 */

/* Whether there may be colour: a terminal, and no NO_COLOR (no-color.org). */
bool print_has_colour(void);

enum colour { PLAIN, GOOD, BAD, DIM };

/* Text in a colour, or without where there is none. */
void print_coloured(enum colour colour, const char *text);

#define AGE_SIZE 32 /* bytes */

/* A time in seconds as people say it: 45 s, 12 min, 3 h, 2 d. */
void print_age(long long seconds, char out[static AGE_SIZE]);

/* A point in time as ISO 8601 has it, in UTC: 2026-11-22T13:28:00Z. */
void print_time(time_t time, char out[static AGE_SIZE]);

/* A JSON string of bytes that may be no UTF-8: those become \xHH. */
json_t *print_json_string(const char *text);

/* Prints an object as one line, and frees it. */
void print_json(json_t *object);

/* Prints the path of a link, and where it leads if it has a text. */
void print_link(const char *path, const char *text);

/* Says what is wrong with something on standard error. Returns false. */
__attribute__((format(printf, 2, 3))) bool print_error(
	const char *subject, const char *format, ...);
