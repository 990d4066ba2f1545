/* SPDX-License-Identifier: MIT */
#include "logfile.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

int logfile_descriptor(const char *path)
{
	struct stat st;

	/*
	 * Looked at when it is open, since whoever may write in its directory
	 * could put something else there between the two. O_NONBLOCK: to open
	 * a fifo would wait for its writer, and a leased file for its lessee.
	 */
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = 0;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

bool logfile_open(const char *path, struct logfile *out)
{
	if (strcmp(path, "-") == 0) {
		warnx("PXESRV_LOG is \"-\": the log goes to the responder's "
		      "standard error, so look in the journal");
		return false;
	}
	*out = (struct logfile){.path = path, .fd = logfile_descriptor(path)};
	if (out->fd < 0)
		warnx("%s: %s", path, boot_reason(-out->fd));
	return out->fd >= 0;
}

static void begin(struct logfile *file)
{
	file->offset = 0;
	file->begin = file->end = 0;
}

static bool is_truncated(const struct logfile *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 && st.st_size < file->offset;
}

/* Reads more behind what is not used yet. False: there is none now. */
static bool fill(struct logfile *file)
{
	file->end -= file->begin;
	memmove(file->bytes, file->bytes + file->begin, file->end);
	file->begin = 0;
	if (file->end == sizeof file->bytes)
		file->end = 0; /* far more than a line has */
	if (is_truncated(file)) {
		begin(file);
		lseek(file->fd, 0, SEEK_SET);
	}
	const ssize_t n = read(file->fd, file->bytes + file->end,
		sizeof file->bytes - file->end);
	if (n < 0)
		file->error = errno;
	if (n <= 0)
		return false;
	file->offset += n;
	file->end += (size_t)n;
	return true;
}

bool logfile_next(struct logfile *file, struct logged *out)
{
	for (;;) {
		char *line = file->bytes + file->begin;
		char *end = memchr(line, '\n', file->end - file->begin);

		if (end == NULL) {
			if (!fill(file))
				return false;
			continue;
		}
		*end = '\0';
		file->begin = (size_t)(end + 1 - file->bytes);
		if (logged_parse(line, (size_t)(end - line), out))
			return true;
		file->foreign++;
	}
}

void logfile_move(struct logfile *file, int fd)
{
	close(file->fd);
	file->fd = fd;
	begin(file);
}

bool logfile_close(struct logfile *file)
{
	close(file->fd);
	if (file->foreign > 0)
		warnx("%s: %llu %s none of PXESrv's", file->path, file->foreign,
			file->foreign == 1 ? "line is" : "lines are");
	if (file->error != 0)
		warnx("%s: %s", file->path, boot_reason(file->error));
	return file->error == 0;
}
