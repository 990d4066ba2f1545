/* SPDX-License-Identifier: MIT */
/* pxesrvctl log: prints the log as short lines or as JSON. -f follows it. */
#include <err.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/client.h"
#include "ctl/clients.h"
#include "ctl/ctl.h"
#include "ctl/logfile.h"
#include "ctl/print.h"

#define TIME_SIZE 40 /* bytes */

struct log_query {
	time_t since;
	bool json;
	struct client *clients; /* only these, sorted; none: all */
	size_t count;
};

static bool add_client(
	struct ctl *ctl, const struct client *client, void *context)
{
	struct log_query *query = context;

	(void)ctl;
	query->clients =
		reallocarray(query->clients, query->count + 1, sizeof *client);
	if (query->clients == NULL)
		err(EX_OSERR, NULL);
	query->clients[query->count++] = *client;
	return true;
}

/* A client begins with its name, so strcmp(3) can compare clients. */
static int compare_client_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False: a word named no client. Other words count. */
static bool collect_clients(struct ctl *ctl, struct log_query *query)
{
	char *const arguments[] = {(char *)ctl->client};

	if (ctl->client == NULL)
		return true;
	const bool done =
		clients_each_known(ctl, 1, arguments, add_client, query);
	if (query->count > 0)
		qsort(query->clients, query->count, sizeof *query->clients,
			compare_client_names);
	return done;
}

static bool is_wanted_line(
	const struct log_query *query, const struct parsed_line *line)
{
	return line->time >= query->since &&
	       (query->count == 0 ||
		       bsearch(line->client, query->clients, query->count,
			       sizeof *query->clients,
			       compare_client_names) != NULL);
}

/* ISO 8601 in the log's time zone: 2026-11-22T13:28:00+00:00. */
static void format_line_time(
	const struct parsed_line *line, char out[static TIME_SIZE])
{
	const time_t local = line->time + line->offset;
	const int minutes = abs(line->offset) / 60;
	struct tm tm;
	size_t n = 0;

	if (gmtime_r(&local, &tm) != NULL)
		n = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_SIZE - n, "%c%02d:%02d",
		line->offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void print_log_text(const struct parsed_line *line, const char *time)
{
	char status[16] = "  -", bytes[24] = "-";

	if (line->status != 0) {
		snprintf(status, sizeof status, "%3u", line->status);
		snprintf(bytes, sizeof bytes, "%lld", line->bytes);
	}
	printf("%s  %-15s  ", time, line->client);
	print_coloured(line->status >= 400 ? BAD : PLAIN, status);
	printf("  %10s  %s\n", bytes, line->decision);
}

/* "-" is the log's mark for nothing. */
static json_t *string_or_null(const char *text)
{
	return strcmp(text, "-") == 0 ? json_null() : json_string(text);
}

static void print_log_json(const struct parsed_line *line, const char *time)
{
	const bool is_request = line->status != 0;
	const bool has_target = line->target != NULL;

	json_t *object = json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "time",
		time, "client", string_or_null(line->client), "method",
		string_or_null(line->method), "uri", string_or_null(line->uri),
		"status", is_request ? json_integer(line->status) : json_null(),
		"bytes", is_request ? json_integer(line->bytes) : json_null(),
		"seconds", is_request ? json_real(line->seconds) : json_null(),
		"source",
		has_target ? json_string(logparse_sources[line->source])
			   : json_null(),
		"target",
		has_target ? json_stringn(line->target, line->target_length)
			   : json_null(),
		"decision", line->decision);
	print_json(object);
}

static void print_log_line(const struct parsed_line *line, void *context)
{
	const struct log_query *query = context;
	char time[TIME_SIZE];

	if (!is_wanted_line(query, line))
		return;
	format_line_time(line, time);
	if (query->json)
		print_log_json(line, time);
	else
		print_log_text(line, time);
}

static void print_log_lines(struct logfile *file, struct log_query *query)
{
	struct parsed_line line;

	while (logfile_next(file, &line))
		print_log_line(&line, query);
}

/*
 * Watches a file's directory for a new file of this name, or for a mode that
 * makes the file readable.
 */
static bool watch_directory(int inotify, const char *path)
{
	char directory[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash != NULL)
		snprintf(directory, sizeof directory, "%.*s",
			(int)(slash - path + 1), path);
	if (inotify_add_watch(inotify, directory,
		    IN_CREATE | IN_MOVED_TO | IN_ATTRIB) >= 0)
		return true;
	warn("cannot watch %s", directory);
	return false;
}

/* Returns an inotify(7) descriptor, or -1 with a message. */
static int start_watching(const struct logfile *file)
{
	char real[PATH_MAX];

	const int inotify = inotify_init1(IN_CLOEXEC);
	if (inotify < 0) {
		warn("inotify");
		return -1;
	}
	/* The log may link to a file that is rotated elsewhere. */
	if (watch_directory(inotify, file->path) &&
		(realpath(file->path, real) == NULL ||
			watch_directory(inotify, real)))
		return inotify;
	close(inotify);
	return -1;
}

/*
 * Whether a new file has replaced the log. While the new one is empty, the
 * responder has not reopened its log and still writes to the old one.
 */
static bool is_log_replaced(const struct logfile *file)
{
	struct stat old, new;

	return stat(file->path, &new) == 0 && new.st_size > 0 &&
	       fstat(file->fd, &old) == 0 &&
	       (old.st_ino != new.st_ino || old.st_dev != new.st_dev);
}

/* False: nobody reads standard output any more. */
static bool wait_for_log_event(int inotify)
{
	struct pollfd fds[] = {{.fd = inotify, .events = POLLIN},
		{.fd = STDOUT_FILENO}}; /* for POLLERR only */
	char events[4096];

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	if (fds[1].revents != 0) {
		raise(SIGPIPE); /* as the next write would, much later */
		return false;
	}
	/* The caller looks at everything after each event. */
	return read(inotify, events, sizeof events) > 0;
}

/* Prints new lines. Returns on an error. */
static void follow_lines(
	struct logfile *file, struct log_query *query, int inotify)
{
	for (;;) {
		/*
		 * Watch before looking, so that nothing is missed. A second
		 * watch changes nothing; the kernel drops that of a deleted
		 * file.
		 */
		if (inotify_add_watch(inotify, file->path, IN_MODIFY) < 0 &&
			errno != ENOENT && errno != EACCES) {
			file->error = errno;
			return;
		}
		const bool replaced = is_log_replaced(file);
		print_log_lines(file, query);
		if (fflush(stdout) != 0 || file->error != 0)
			return;
		if (replaced) {
			const int fd = logfile_descriptor(file->path);
			if (fd >= 0) {
				logfile_move(file, fd);
				continue;
			}
			if (fd != -ENOENT) {
				file->error = -fd;
				return;
			}
		}
		if (!wait_for_log_event(inotify))
			return;
	}
}

/* Follows the log until an error. Returns false. */
static bool follow_log(const char *path, struct log_query *query)
{
	struct logfile file;

	if (path == NULL || !logfile_open_growing(path, &file))
		return false;
	const int inotify = start_watching(&file);
	if (inotify >= 0) {
		follow_lines(&file, query, inotify);
		close(inotify);
	}
	logfile_close(&file);
	return false;
}

bool cmd_log(struct ctl *ctl, int count, char *const operands[])
{
	struct log_query query = {
		.since = logparse_since(ctl->since), .json = ctl->json};

	if (ctl->follow &&
		(count > 1 || (count == 1 && strcmp(operands[0], "-") == 0)))
		errx(EX_USAGE, "-f follows one file only");
	bool done = collect_clients(ctl, &query);
	if (ctl->client != NULL && query.count == 0)
		done = false;
	else if (ctl->follow)
		done = follow_log(
			count > 0 ? operands[0] : logfile_default(ctl), &query);
	else
		done = logfile_each(
			       ctl, count, operands, print_log_line, &query) &&
		       done;
	free(query.clients);
	return done;
}
