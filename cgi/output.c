/* SPDX-License-Identifier: MIT */
/* The CGI program's sink: standard output, as the web server gives it. */
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

static bool output_is_gone(struct sink *sink)
{
	struct pollfd out = {.fd = output_of(sink)->fd};
	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

/* Waits until the output takes more. False: it does not, or we must end. */
static bool output_wait(const struct output *output)
{
	const struct timespec limit = {.tv_sec = WAIT_SECONDS};
	struct pollfd out = {.fd = output->fd, .events = POLLOUT};
	return ppoll(&out, 1, &limit, &output->waiting) == 1;
}

/* Writes all bytes. Returns how many could not be written. */
static size_t output_write(
	const struct output *output, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(output->fd, bytes, size);
		if (n >= 0) {
			bytes += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!output_wait(output))
				break;
		} else if (errno != EINTR) {
			break;
		}
	}
	return size;
}

static long long output_send(struct sink *sink, const struct answer *answer)
{
	const struct output *output = output_of(sink);
	char bytes[ANSWER_BYTES_MAX];
	off_t next = answer->next;
	size_t left = output_write(output, answer->bytes, answer->size);

	while (left == 0 && next < answer->end) {
		const off_t rest = answer->end - next;
		ssize_t n = pread(answer->file, bytes,
			rest < (off_t)sizeof bytes ? (size_t)rest
						   : sizeof bytes,
			next);
		if (n < 0 && errno == EINTR)
			continue; /* no test: pread is interrupted */
		if (n <= 0)
			/* no test: it has become shorter, or can't be read */
			break;
		next += n;
		left = output_write(output, bytes, (size_t)n);
	}
	return (long long)left + answer->end - next;
}

static void interrupt_wait(int signal)
{
	(void)signal; /* it only has to end ppoll(2) */
}

void output_open(int fd, struct output *out)
{
	static const int end_signals[] = {SIGTERM, SIGINT, SIGHUP};
	const struct sigaction interrupt = {.sa_handler = interrupt_wait};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct stat st;
	sigset_t held;

	*out = (struct output){
		.sink = {.is_gone = output_is_gone, .send = output_send},
		.fd = fd};
	sigemptyset(&held);
	for (size_t i = 0; i < sizeof end_signals / sizeof end_signals[0];
		i++) {
		sigaddset(&held, end_signals[i]);
		sigaction(end_signals[i], &interrupt, NULL);
	}
	sigprocmask(SIG_BLOCK, &held, &out->waiting);
	/* The write then fails instead. SIGXFSZ: of the log. */
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);

	/* A pipe or a socket is ours alone. A terminal is shared. */
	if (fstat(fd, &st) == 0 &&
		(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
