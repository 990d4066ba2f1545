/* SPDX-License-Identifier: MIT */
/* Prints colours, ages, times, JSON and errors for all commands. */
#include "ctl/print.h"

#include <err.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/text.h"

bool print_has_colour(void)
{
	static enum { UNKNOWN, NO, YES } has;

	if (has == UNKNOWN) {
		const char *no = getenv("NO_COLOR");
		has = isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0')
		              ? YES
		              : NO;
	}
	return has == YES;
}

void print_coloured(enum colour colour, const char *text)
{
	/* ECMA-48, section 8.3.117 */
	static const char *const codes[] = {
		[PLAIN] = "0", [GOOD] = "32", [BAD] = "31", [DIM] = "2"};

	if (colour == PLAIN || !print_has_colour())
		fputs(text, stdout);
	else
		printf("\033[%sm%s\033[0m", codes[colour], text);
}

void format_age(long long seconds, char out[static AGE_SIZE])
{
	static const struct {
		long long from, unit;
		const char *name;
	} units[] = {{172800, 86400, "d"}, {7200, 3600, "h"}, {120, 60, "min"},
		{0, 1, "s"}};
	size_t i = 0;

	if (seconds < 0) /* the clock was set back */
		seconds = 0;
	while (seconds < units[i].from)
		i++;
	snprintf(out, AGE_SIZE, "%lld %s", seconds / units[i].unit,
		units[i].name);
}

void format_time(time_t time, char out[static AGE_SIZE])
{
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL ||
		strftime(out, AGE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

json_t *json_string_of(const char *text)
{
	char escaped[4 * PATH_MAX];
	json_t *string = json_string(text);

	if (string != NULL)
		return string;
	escape_line(text, escaped, sizeof escaped);
	return json_string(escaped);
}

void print_json(json_t *object)
{
	if (object == NULL || json_dumpf(object, stdout,
				      JSON_COMPACT | JSON_ENSURE_ASCII |
					      JSON_REAL_PRECISION(15)) < 0)
		errx(EX_OSERR, "cannot write JSON");
	putchar('\n');
	json_decref(object);
}

void print_link(const char *path, const char *text)
{
	char escaped[PATH_MAX];

	escape_line(text, escaped, sizeof escaped);
	printf("%s%s%s", path, text[0] == '\0' ? "" : " -> ", escaped);
}

bool print_error(const char *subject, const char *format, ...)
{
	char shown[PATH_MAX], why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	escape_line(subject, shown, sizeof shown);
	warnx("%s: %s", shown, why);
	return false;
}
