/* SPDX-License-Identifier: MIT */
#include "cgi/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SECONDS 60 /* that the web server may take nothing */

static struct output *output_of(struct sink *sink)
{
	return (struct output *)sink; /* its first member */
}

static bool is_gone(struct sink *sink)
{
	struct pollfd out = {.fd = output_of(sink)->fd};
	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

/* Waits until the output takes more. False: it won't, or we are to end. */
static bool wait_for(const struct output *output)
{
	const struct timespec limit = {.tv_sec = WAIT_SECONDS};
	struct pollfd out = {.fd = output->fd, .events = POLLOUT};
	return ppoll(&out, 1, &limit, &output->waiting) == 1;
}

/* Writes all of it. How many bytes could not be written. */
static size_t write_all(
	const struct output *output, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(output->fd, bytes, size);
		if (n >= 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!wait_for(output))
				break;
		} else if (errno != EINTR) {
			break;
		}
	}
	return size;
}

static long long send_answer(struct sink *sink, const struct answer *answer)
{
	const struct output *output = output_of(sink);
	char bytes[ANSWER_BYTES_MAX];
	off_t next = answer->next;
	size_t left = write_all(output, answer->bytes, answer->size);

	while (left == 0 && next < answer->end) {
		const off_t rest = answer->end - next;
		ssize_t n = pread(answer->file, bytes,
			rest < (off_t)sizeof bytes ? (size_t)rest
						   : sizeof bytes,
			next);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* it has become shorter, or can't be read */
			break;
		next += n;
		left = write_all(output, bytes, (size_t)n);
	}
	return (long long)left + answer->end - next;
}

static void be_interrupted(int signal)
{
	(void)signal; /* that ppoll(2) ends is all that is wanted */
}

void output_open(int fd, struct output *out)
{
	static const int enders[] = {SIGTERM, SIGINT, SIGHUP};
	const struct sigaction interrupt = {.sa_handler = be_interrupted};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct stat st;
	sigset_t held;

	*out = (struct output){
		.sink = {.is_gone = is_gone, .send = send_answer}, .fd = fd};
	sigemptyset(&held);
	for (size_t i = 0; i < sizeof enders / sizeof enders[0]; i++) {
		sigaddset(&held, enders[i]);
		sigaction(enders[i], &interrupt, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, &out->waiting);
	/* The write fails instead, and a full log file does no harm. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);

	/* A pipe or socket is ours alone; a terminal would be shared. */
	if (fstat(fd, &st) == 0 &&
		(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
