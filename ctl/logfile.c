/* SPDX-License-Identifier: MIT */
/*
 * Reads logs line by line: compressed ones, growing ones, and those in which
 * another program has put its own words before each line.
 */
#include "ctl/logfile.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "boot/reason.h"
#include "cgi/log.h"
#include "ctl/ctl.h"

/* A line with what another program may have put before it. */
#define LINE_KEPT ((size_t)4 * LOG_LINE_MAX)

int logfile_descriptor(const char *path)
{
	struct stat st;

	/*
	 * Check the open file, since whoever can write to its directory could
	 * swap it. O_NONBLOCK: opening a FIFO would wait for a writer, and
	 * opening a leased file for the lease holder.
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

/*
 * Takes ownership of fd, which may be -errno: then prints that and returns
 * false.
 */
static bool start_logfile(const char *path, int fd, struct logfile *out)
{
	*out = (struct logfile){.path = path, .fd = fd};
	if (fd < 0)
		warnx("%s: %s", path, reason_text(-fd));
	return fd >= 0;
}

const char *logfile_default(const struct ctl *ctl)
{
	if (strcmp(ctl->log, "-") != 0)
		return ctl->log;
	warnx("PXESRV_LOG is \"-\": the log goes to the responder's standard error, so name a file, or - to read the journal from standard input");
	return NULL;
}

bool logfile_open_growing(const char *path, struct logfile *out)
{
	unsigned char magic[2] = {0};

	if (!start_logfile(path, logfile_descriptor(path), out))
		return false;
	/* RFC 1952, section 2.3.1 */
	if (pread(out->fd, magic, sizeof magic, 0) == sizeof magic &&
		magic[0] == 0x1f && magic[1] == 0x8b) {
		warnx("%s: it is compressed, so -f cannot follow it", path);
		close(out->fd);
		return false;
	}
	return true;
}

/* Opens a log to read to its end, compressed or not. */
static bool open_whole_log(const char *path, struct logfile *out)
{
	const bool is_input = strcmp(path, "-") == 0;
	const int fd = is_input ? dup(STDIN_FILENO) : logfile_descriptor(path);

	if (!start_logfile(is_input ? "standard input" : path,
		    is_input && fd < 0 ? -errno : fd, out))
		return false;
	out->gz = gzdopen(fd, "rb");
	if (out->gz == NULL)
		err(EX_OSERR, NULL);
	return true;
}

static bool read_log(const char *path,
	void (*found)(const struct parsed_line *line, void *context),
	void *context)
{
	struct logfile file;
	struct parsed_line line;

	if (!open_whole_log(path, &file))
		return false;
	while (logfile_next(&file, &line))
		found(&line, context);
	return logfile_close(&file);
}

bool logfile_each(const struct ctl *ctl, int count, char *const paths[],
	void (*found)(const struct parsed_line *line, void *context),
	void *context)
{
	bool done = true;

	if (count == 0) {
		const char *path = logfile_default(ctl);
		return path != NULL && read_log(path, found, context);
	}
	for (int i = 0; i < count; i++)
		done = read_log(paths[i], found, context) && done;
	return done;
}

static void restart_logfile(struct logfile *file)
{
	file->offset = 0;
	file->begin = file->end = 0;
}

static bool is_log_truncated(const struct logfile *file)
{
	struct stat st;

	return fstat(file->fd, &st) == 0 && st.st_size < file->offset;
}

/* As read(2). A compressed file that is cut off gives an error. */
static ssize_t read_compressed(struct logfile *file, void *out, size_t size)
{
	int error;
	const int n = gzread(file->gz, out, (unsigned)size);

	/* Since zlib 1.3.2 the error comes once, with the last of the bytes. */
	gzerror(file->gz, &error);
	if (error == Z_ERRNO)
		file->error = errno;
	else if (error == Z_BUF_ERROR)
		file->trouble = "the compressed data is cut off";
	else if (error != Z_OK && error != Z_STREAM_END)
		file->trouble = "the compressed data is damaged";
	return n;
}

static ssize_t read_growing(struct logfile *file, void *out, size_t size)
{
	if (is_log_truncated(file)) {
		restart_logfile(file);
		lseek(file->fd, 0, SEEK_SET);
	}
	const ssize_t n = read(file->fd, out, size);
	if (n < 0)
		file->error = errno;
	return n;
}

/* Reads more bytes. False: there are none now. */
static bool fill_buffer(struct logfile *file)
{
	file->end -= file->begin;
	memmove(file->bytes, file->bytes + file->begin, file->end);
	file->begin = 0;
	if (file->end == sizeof file->bytes) {
		/* This is more than any line of ours; drop all but the end. */
		file->end = LINE_KEPT;
		memmove(file->bytes,
			file->bytes + sizeof file->bytes - LINE_KEPT,
			LINE_KEPT);
	}
	char *at = file->bytes + file->end;
	const size_t room = sizeof file->bytes - file->end;
	const ssize_t n = file->gz != NULL ? read_compressed(file, at, room)
	                                   : read_growing(file, at, room);
	if (n <= 0)
		return false;
	file->offset += n;
	file->end += (size_t)n;
	return true;
}

/*
 * Takes the next line and replaces its newline by a NUL. NULL: there is none,
 * or, in a growing log, it is not finished.
 */
static char *take_line(struct logfile *file, size_t *length)
{
	for (;;) {
		char *line = file->bytes + file->begin;
		char *end = memchr(line, '\n', file->end - file->begin);

		if (end == NULL && fill_buffer(file))
			continue;
		/* The last line may lack a newline. There is room for a NUL. */
		line = file->bytes + file->begin;
		if (end == NULL && file->gz != NULL && file->begin < file->end)
			end = file->bytes + file->end++;
		if (end == NULL)
			return NULL;
		*end = '\0';
		*length = (size_t)(end - line);
		file->begin = (size_t)(end + 1 - file->bytes);
		return line;
	}
}

bool logfile_next(struct logfile *file, struct parsed_line *out)
{
	size_t length;
	char *line;

	while ((line = take_line(file, &length)) != NULL) {
		if (logparse_line(line, length, out)) {
			file->own++;
			return true;
		}
		file->foreign++;
	}
	return false;
}

void logfile_move(struct logfile *file, int fd)
{
	close(file->fd);
	file->fd = fd;
	restart_logfile(file);
}

bool logfile_close(struct logfile *file)
{
	if (file->gz != NULL)
		gzclose(file->gz);
	else
		close(file->fd);
	if (file->error != 0)
		file->trouble = reason_text(file->error);
	if (file->own == 0 && file->foreign > 0 && file->trouble == NULL)
		warnx("%s: none of its %llu lines was written by PXESrv",
			file->path, file->foreign);
	else if (file->foreign > 0)
		warnx(file->foreign == 1
				? "%s: %llu line was not written by PXESrv"
				: "%s: %llu lines were not written by PXESrv",
			file->path, file->foreign);
	if (file->trouble != NULL)
		warnx("%s: %s", file->path, file->trouble);
	return file->trouble == NULL && (file->own > 0 || file->foreign == 0);
}
