/* SPDX-License-Identifier: MIT */
/* Reads from the query string what a machine says of itself. */
#include "cgi/identify.h"

#include <stddef.h>
#include <string.h>

#include "boot/text.h"
#include "cgi/percent.h"

/* Bytes of a decoded value. No valid one is longer. */
#define VALUE_SIZE 64

bool identify_parse(const char *text, struct identify *out)
{
	struct identify parsed = {false, false};

	do {
		const size_t length = strcspn(text, ",");
		if (length == strlen("mac") &&
			strncmp(text, "mac", length) == 0)
			parsed.by_mac = true;
		else if (length == strlen("uuid") &&
			 strncmp(text, "uuid", length) == 0)
			parsed.by_uuid = true;
		else
			return false;
		text += length + 1;
	} while (text[-1] == ',');
	*out = parsed;
	return true;
}

enum value {
	VALUE_MISSING,
	VALUE_EMPTY,
	VALUE_GIVEN,
	VALUE_WRONG, /* not decodable, or too long */
	VALUE_TWICE,
};

static enum value decode_value(
	const char *text, size_t length, char out[static VALUE_SIZE])
{
	if (length == 0)
		return VALUE_EMPTY;
	return percent_decode(text, length, out, VALUE_SIZE) ? VALUE_GIVEN
	                                                     : VALUE_WRONG;
}

/* Finds the value of a parameter. name ends with "=". */
static enum value find_value(
	const char *query, const char *name, char out[static VALUE_SIZE])
{
	enum value found = VALUE_MISSING;

	while (query != NULL && *query != '\0') {
		const size_t length = strcspn(query, "&");
		const size_t skip = strlen(name);

		if (strncmp(query, name, skip) == 0)
			found = found == VALUE_MISSING
			                ? decode_value(query + skip,
						  length - skip, out)
			                : VALUE_TWICE;
		query += length + (query[length] == '&');
	}
	return found;
}

static void add_note(char notes[static IDENTIFY_NOTES_SIZE], const char *name,
	const char *why)
{
	struct text text = {.out = notes,
		.size = IDENTIFY_NOTES_SIZE,
		.length = strlen(notes)};

	text_add(&text, " (");
	text_add(&text, name);
	text_add(&text, why);
	text_add(&text, ": ignored)");
}

/* Whether the value can be parsed; notes why not. name ends with "=". */
static bool is_usable(enum value value, const char *name,
	char notes[static IDENTIFY_NOTES_SIZE])
{
	static const char *const whys[] = {
		[VALUE_MISSING] = NULL,
		[VALUE_EMPTY] = " is empty",
		[VALUE_GIVEN] = NULL,
		[VALUE_WRONG] = " is malformed",
		[VALUE_TWICE] = " is given twice",
	};

	if (whys[value] != NULL)
		add_note(notes, name, whys[value]);
	return value == VALUE_GIVEN;
}

void identify_read(const struct identify *wanted, const char *query,
	struct identities *out, char notes[static IDENTIFY_NOTES_SIZE])
{
	char value[VALUE_SIZE];

	out->mac[0] = '\0';
	out->uuid[0] = '\0';
	notes[0] = '\0';
	if (wanted->by_mac &&
		is_usable(find_value(query, "mac=", value), "mac", notes) &&
		!identity_parse_mac(value, out->mac))
		add_note(notes, "mac", " is malformed");
	if (!wanted->by_uuid ||
		!is_usable(find_value(query, "uuid=", value), "uuid", notes))
		return;
	if (!identity_parse_uuid(value, out->uuid)) {
		add_note(notes, "uuid", " is malformed");
	} else if (identity_is_shared_uuid(out->uuid)) {
		add_note(notes, "uuid", " is shared by many boards");
		out->uuid[0] = '\0';
	}
}
