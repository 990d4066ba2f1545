/* SPDX-License-Identifier: MIT */
/*
 * Reads lease files of dnsmasq and ISC dhcpd, after detecting the format. Words
 * have a fixed size, so memory does not depend on the file.
 */
#include "ctl/leases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Reads words of a file in constant memory. */

#define WORDS_MAX 8
#define WORD_SIZE 64 /* bytes; longer words are cut off */

/* The first words of a line or a statement. */
struct words {
	char text[WORDS_MAX][WORD_SIZE];
	unsigned count;
	int end; /* character after them; EOF: maybe cut off */
};

#define BLANKS " \t\r\n\f\v"

struct word_reader {
	FILE *file;
	struct words *words;
	size_t length; /* of the current word */
};

static void end_word(struct word_reader *reader)
{
	if (reader->length > 0)
		reader->words->count++;
	reader->length = 0;
}

static void add_character(struct word_reader *reader, int c)
{
	struct words *words = reader->words;

	if (words->count == WORDS_MAX || reader->length == WORD_SIZE - 1)
		return;
	words->text[words->count][reader->length++] = (char)c;
	words->text[words->count][reader->length] = '\0';
}

static bool is_blank(int c)
{
	return c != '\0' && strchr(BLANKS, c) != NULL;
}

/* Bytes of UTF-8 are text: client names may have them. */
static bool is_text(int c)
{
	return c >= ' ' ? c != 0x7f : is_blank(c);
}

static bool end_words(struct word_reader *reader, int c)
{
	end_word(reader);
	reader->words->end = c;
	return c != EOF || reader->words->count > 0;
}

/* False: no more lines. end is 0 after a control character. */
static bool words_line(FILE *file, struct words *out)
{
	struct word_reader reader = {.file = file, .words = out};

	out->count = 0;
	for (;;) {
		const int c = getc_unlocked(file);
		if (c == EOF || c == '\n')
			return end_words(&reader, c);
		if (!is_text(c))
			return end_words(&reader, 0);
		if (is_blank(c))
			end_word(&reader);
		else
			add_character(&reader, c);
	}
}

/*
 * Reads a string behind its first quote. Returns the last quote, or whatever
 * else ended the string.
 */
static int read_string(struct word_reader *reader)
{
	bool is_escaped = false;

	for (;;) {
		const int c = getc_unlocked(reader->file);
		if (c == EOF || c == '\n')
			return c;
		if (!is_text(c))
			return 0;
		add_character(reader, c);
		if (c == '"' && !is_escaped)
			return c;
		is_escaped = c == '\\' && !is_escaped;
	}
}

static int skip_comment(struct word_reader *reader)
{
	int c;

	do
		c = getc_unlocked(reader->file);
	while (c != '\n' && c != EOF && is_text(c));
	return c;
}

/*
 * As words_line(), for statements, which end at ; { or }. # begins a comment. A
 * string is one word that keeps its first quote. A newline ends a string and
 * its statement; end is then a newline.
 */
static bool words_statement(FILE *file, struct words *out)
{
	struct word_reader reader = {.file = file, .words = out};

	out->count = 0;
	for (;;) {
		int c = getc_unlocked(file);
		if (c == '#')
			c = skip_comment(&reader);
		if (c == EOF || c == ';' || c == '{' || c == '}')
			return end_words(&reader, c);
		if (c == '"') {
			add_character(&reader, c);
			c = read_string(&reader);
			if (c != '"')
				return end_words(&reader, c);
		} else if (!is_text(c)) {
			return end_words(&reader, 0);
		} else if (is_blank(c)) {
			end_word(&reader);
		} else {
			add_character(&reader, c);
		}
	}
}

struct dhcpd_reader {
	lease_found *found;
	void *context;
	time_t now;
	unsigned depth; /* blocks that are open */
	bool any;       /* any statement was read: the format is right */

	/* The lease whose block was opened last. */
	bool in_lease, is_active, has_state, is_over;
	time_t started, seen; /* starts, cltt; 0: none */
	struct lease lease;
};

static bool has_word(const struct words *words, unsigned at, const char *text)
{
	return at < words->count && strcmp(words->text[at], text) == 0;
}

/*
 * Whether a statement may be outside of all blocks, or begins like one if it is
 * cut off. A DHCPv6 file has others.
 */
static bool is_known_statement(const struct words *words, bool is_cut_off)
{
	static const char *const known[] = {"authoring-byte-order", "class",
		"failover", "group", "host", "lease", "server-duid",
		"subclass"};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (has_word(words, 0, known[i]) ||
			(is_cut_off && strncmp(words->text[0], known[i],
					       strlen(words->text[0])) == 0))
			return true;
	}
	return false;
}

static bool parse_seconds(const char *digits, time_t *out)
{
	errno = 0;
	const long long seconds = strtoll(digits, NULL, 10);
	if (digits[strspn(digits, "0123456789")] != '\0' || errno != 0)
		return false;
	*out = seconds;
	return true;
}

/*
 * Reads "ends 0 2026/11/22 13:28:00" (UTC), "ends epoch 1795354080" or "ends
 * never", which is 0. False: something else.
 */
static bool parse_dhcpd_time(const struct words *words, time_t *out)
{
	struct tm tm = {0};
	char text[2 * WORD_SIZE];

	*out = 0;
	if (has_word(words, 1, "never"))
		return true;
	if (words->count < 3)
		return false;
	if (has_word(words, 1, "epoch"))
		return parse_seconds(words->text[2], out);
	if (words->count < 4)
		return false;
	strcpy(text, words->text[2]);
	strcat(strcat(text, " "), words->text[3]);
	const char *end = strptime(text, "%Y/%m/%d %H:%M:%S", &tm);
	if (end == NULL || *end != '\0')
		return false;
	*out = timegm(&tm);
	return true;
}

static bool begin_dhcpd_lease(struct dhcpd_reader *reader, const char *address)
{
	reader->is_active = reader->has_state = reader->is_over = false;
	reader->started = reader->seen = 0;
	reader->lease = (struct lease){.is_followed = true};
	reader->in_lease = address_parse(address, &reader->lease.address);
	reader->depth = 1;
	return reader->in_lease;
}

/* False: the lease has no state, as in a file of OpenBSD's dhcpd. */
static bool end_dhcpd_lease(struct dhcpd_reader *reader)
{
	struct lease *lease = &reader->lease;

	lease->holds = reader->is_active && !reader->is_over;
	lease->order = reader->seen != 0 ? reader->seen : reader->started;
	if (reader->has_state)
		reader->found(lease, reader->context);
	reader->in_lease = false;
	return reader->has_state;
}

static bool read_dhcpd_statement(
	struct dhcpd_reader *reader, const struct words *words)
{
	const char *why;
	time_t ends;

	if (has_word(words, 0, "starts"))
		return parse_dhcpd_time(words, &reader->started);
	if (has_word(words, 0, "cltt"))
		return parse_dhcpd_time(words, &reader->seen);
	if (has_word(words, 0, "ends")) {
		const bool is_good = parse_dhcpd_time(words, &ends);
		reader->is_over = ends != 0 && ends <= reader->now;
		return is_good;
	}
	if (has_word(words, 0, "binding")) {
		reader->has_state = true;
		reader->is_active = has_word(words, 2, "active");
	} else if (has_word(words, 0, "hardware") &&
		   has_word(words, 1, "ethernet") && words->count == 3) {
		mac_parse(words->text[2], &reader->lease.mac, &why);
	}
	return true;
}

/* "lease ADDRESS {" begins a lease even inside one whose end is missing. */
static bool open_block(struct dhcpd_reader *reader, const struct words *words)
{
	const unsigned count = words->count;

	if (count >= 2 && has_word(words, count - 2, "lease"))
		return begin_dhcpd_lease(reader, words->text[count - 1]);
	return reader->depth++ > 0 || is_known_statement(words, false);
}

static bool close_block(struct dhcpd_reader *reader)
{
	if (reader->depth == 0)
		return false;
	reader->depth--;
	return reader->depth > 0 || !reader->in_lease ||
	       end_dhcpd_lease(reader);
}

/* False: not ISC dhcpd's format. */
static bool take_statement(
	struct dhcpd_reader *reader, const struct words *words)
{
	switch (words->end) {
	case EOF:
		return reader->depth > 0 || words->count == 0 ||
		       (reader->any && is_known_statement(words, true));
	case '{':
		return open_block(reader, words);
	case '}':
		return close_block(reader);
	case 0:
		return false;
	default:
		if (reader->depth == 0)
			return is_known_statement(words, false);
		return reader->depth > 1 || !reader->in_lease ||
		       read_dhcpd_statement(reader, words);
	}
}

/*
 * ISC dhcpd appends a record whenever a lease changes; the last one of an
 * address counts. A crash may cut a record off before further ones, so one
 * without an end is left out. Returns 0 or -EBADMSG.
 */
static int read_dhcpd(FILE *file, lease_found *found, void *context)
{
	struct dhcpd_reader reader = {
		.found = found, .context = context, .now = time(NULL)};
	struct words words;

	while (words_statement(file, &words)) {
		if (!take_statement(&reader, &words))
			return -EBADMSG;
		reader.any = true;
	}
	return 0;
}

#define DIGITS "0123456789"
/*
 * 2000-01-01. Without a clock, dnsmasq writes the length of a lease instead of
 * its end: a smaller number.
 */
#define EPOCH_MIN 946684800

/* A hardware type may precede the MAC address. */
static void read_dnsmasq_mac(const char *text, struct mac *out)
{
	const char *why;

	if (strncmp(text, "01-", 3) == 0 && strchr(text, ':') != NULL)
		text += 3;
	mac_parse(text, out, &why);
}

/* Reads "EXPIRY MAC ADDRESS NAME ID"; EXPIRY 0 is never. False: no lease. */
static bool read_dnsmasq_line(
	const struct words *words, time_t now, struct lease *out)
{
	const char *digits = words->text[0];

	if (words->count < 4 || digits[strspn(digits, DIGITS)] != '\0')
		return false;
	errno = 0;
	const long long expiry = strtoll(digits, NULL, 10);
	if (errno != 0 || (expiry != 0 && expiry < EPOCH_MIN))
		return false;
	*out = (struct lease){
		.holds = expiry == 0 || expiry > now, .order = expiry};
	read_dnsmasq_mac(words->text[1], &out->mac);
	return address_parse(words->text[2], &out->address);
}

static int read_dnsmasq(FILE *file, lease_found *found, void *context)
{
	const time_t now = time(NULL);
	struct words words;
	struct lease lease;
	bool any = false, any_ipv6 = false;

	while (words_line(file, &words)) {
		const bool is_duid =
			words.count == 2 && strcmp(words.text[0], "duid") == 0;
		if (words.end != 0 && (words.count == 0 || is_duid))
			continue;
		/* dnsmasq is still writing this line. */
		if (words.end == EOF && words.count < 4 && any)
			break;
		if (words.end == 0 || !read_dnsmasq_line(&words, now, &lease))
			return -EBADMSG;
		if (!IN6_IS_ADDR_V4MAPPED(&lease.address.bits)) {
			any_ipv6 = true;
			continue;
		}
		any = true;
		found(&lease, context);
	}
	/* DHCPv6 leases have no MAC address. */
	return any_ipv6 && !any ? -EBADMSG : 0;
}

/* Guesses by the first word; the readers check the rest. */
static bool is_dnsmasq(FILE *file)
{
	struct words words;
	bool more;

	do
		more = words_line(file, &words);
	while (more && words.count == 0 && words.end > 0);
	const char *first = words.text[0];
	return words.count > 0 && (strcmp(first, "duid") == 0 ||
					  first[strspn(first, DIGITS)] == '\0');
}

/* NULL with errno. */
static FILE *open_lease_file(const char *path)
{
	struct stat st;
	FILE *file = NULL;
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	int err = fstat(fd, &st) < 0 ? errno : 0;
	if (err == 0 && !S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
	if (err == 0) {
		file = fdopen(fd, "r");
		err = errno;
	}
	if (file == NULL) {
		close(fd);
		errno = err;
	}
	return file;
}

int leases_read(const char *path, lease_found *found, void *context)
{
	FILE *file = open_lease_file(path);

	if (file == NULL)
		return -errno;
	const bool of_dnsmasq = is_dnsmasq(file);
	int err = fseek(file, 0, SEEK_SET) < 0 ? -errno : 0;
	if (err == 0)
		err = of_dnsmasq ? read_dnsmasq(file, found, context)
		                 : read_dhcpd(file, found, context);
	if (ferror(file))
		err = -EIO;
	fclose(file);
	return err;
}
