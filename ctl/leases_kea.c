/* SPDX-License-Identifier: MIT */
/*
 * Reads Kea's lease files, kea-leases4.csv and kea-leases6.csv: the columns by
 * their names in the first line, since each release added some. Values have a
 * fixed size, so memory does not depend on the file.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

#define VALUE_SIZE 256 /* bytes; more than any value that we read has */
#define COLUMNS_MAX 64

enum column {
	ADDRESS,
	HWADDR,
	LIFETIME,
	EXPIRE,
	STATE,
	TYPE,
	HOSTNAME,
	COLUMN_COUNT
};

static const char *const column_names[] = {"address", "hwaddr",
	"valid_lifetime", "expire", "state", "lease_type", "hostname"};

#define STATE_ASSIGNED 0 /* others: declined, reclaimed, released */
#define TYPE_PREFIX 2    /* a delegated prefix, no address of the machine */
#define FOREVER 4294967295

struct table {
	int kinds[COLUMNS_MAX]; /* enum column; -1: another one */
	unsigned count;
	bool has[COLUMN_COUNT];
};

struct row {
	char values[COLUMN_COUNT][VALUE_SIZE];
	unsigned count;
	int end; /* newline; EOF: maybe cut off; 0: a control character */
};

/* A value that is too long is read as an empty one. Returns what ended it. */
static int read_value(FILE *file, char out[static VALUE_SIZE])
{
	size_t length = 0;
	bool fits = true;
	int c;

	while ((c = getc_unlocked(file)) != ',' && c != '\n' && c != EOF &&
		words_is_text(c)) {
		fits = fits && length < VALUE_SIZE - 1;
		if (fits)
			out[length++] = (char)c;
	}
	if (length > 0 && out[length - 1] == '\r')
		length--;
	out[fits ? length : 0] = '\0';
	return c == ',' || c == '\n' || c == EOF ? c : 0;
}

static int column_of(const char *name)
{
	for (int i = 0; i < COLUMN_COUNT; i++) {
		if (strcmp(name, column_names[i]) == 0)
			return i;
	}
	return -1;
}

static bool read_head(FILE *file, struct table *out)
{
	char name[VALUE_SIZE];
	int end = ',';

	*out = (struct table){.count = 0};
	while (end == ',' && out->count < COLUMNS_MAX) {
		end = read_value(file, name);
		const int kind = column_of(name);
		out->kinds[out->count++] = kind;
		if (kind >= 0)
			out->has[kind] = true;
	}
	return end == '\n' && out->has[ADDRESS] && out->has[LIFETIME] &&
	       out->has[EXPIRE];
}

/* False: no more rows. */
static bool read_row(FILE *file, const struct table *table, struct row *out)
{
	char value[VALUE_SIZE];

	*out = (struct row){.end = ','};
	while (out->end == ',') {
		out->end = read_value(file, value);
		const int kind = out->count < table->count
		                         ? table->kinds[out->count]
		                         : -1;
		if (kind >= 0)
			strcpy(out->values[kind], value);
		out->count++;
	}
	return out->end != EOF;
}

/* False: Kea would not take the row either, or it is of no address. */
static bool parse_row(const struct table *table, const struct row *row,
	time_t now, struct lease *out)
{
	long long lifetime, expire, state = STATE_ASSIGNED, type = 0;
	const char *why;

	*out = (struct lease){.is_followed = true};
	if (row->count != table->count ||
		!address_parse(row->values[ADDRESS], &out->address) ||
		!leases_number(row->values[LIFETIME], &lifetime) ||
		!leases_number(row->values[EXPIRE], &expire))
		return false;
	if (table->has[STATE] && !leases_number(row->values[STATE], &state))
		return false;
	if (table->has[TYPE] && (!leases_number(row->values[TYPE], &type) ||
					type == TYPE_PREFIX))
		return false;
	mac_parse(row->values[HWADDR], &out->mac, &why);
	if (row->values[HOSTNAME][0] != '\0')
		out->name = row->values[HOSTNAME];
	/* A lifetime of 0 removes the lease. */
	out->holds = state == STATE_ASSIGNED && lifetime > 0 &&
	             (expire > now || lifetime == FOREVER);
	out->order = expire > lifetime ? expire - lifetime : 0;
	return true;
}

/* Kea appends a row whenever a lease changes: the last one counts. */
int leases_of_kea(FILE *file, struct lease_sink *sink)
{
	const time_t now = time(NULL);
	struct table table;
	struct row row;
	struct lease lease;
	const int first = getc_unlocked(file);

	if (first == EOF)
		return 0;
	ungetc(first, file);
	if (!read_head(file, &table))
		return -EBADMSG;
	while (read_row(file, &table, &row)) {
		if (row.end == 0)
			return -EBADMSG;
		if (parse_row(&table, &row, now, &lease))
			sink->found(&lease, sink->context);
	}
	return 0;
}
