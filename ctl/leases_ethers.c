/* SPDX-License-Identifier: MIT */
/* Reads ethers(5): "MAC-ADDRESS HOST" in each line. */
#include <errno.h>
#include <sys/socket.h>

#include "ctl/lease_formats.h"
#include "ctl/lease_words.h"

/* As ether_line(3), ignores a line that is no entry. */
static int read_line(const struct words *words, struct lease_sink *sink)
{
	struct address address;
	struct mac mac;
	const char *why;

	if (!words->are_all || words->count < 2 ||
		!mac_parse(words->text[0], &mac, &why))
		return 0;
	if (words->count > 2 && words->text[2][0] != '#')
		return 0;
	if (!address_parse(words->text[1], &address))
		leases_name(sink, words->text[1], &mac, 0, NULL);
	return leases_reserve(sink, &mac, 0, words->text[1], AF_INET);
}

int leases_of_ethers(FILE *file, struct lease_sink *sink)
{
	struct words words;
	int err = 0;

	while (err == 0 && words_line(file, &words)) {
		if (words.end == 0)
			return -EBADMSG;
		/* A last line without its newline may be cut off. */
		if (words.end == '\n' && words.count > 0 &&
			words.text[0][0] != '#')
			err = read_line(&words, sink);
	}
	return err;
}
