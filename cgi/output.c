/* SPDX-License-Identifier: MIT */
#include "output.h"

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

static bool put(struct sink *sink, const void *bytes, size_t size)
{
	const struct output *output = output_of(sink);
	const char *next = bytes;

	while (size > 0) {
		ssize_t n = write(output->fd, next, size);
		if (n >= 0) {
			next += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (!wait_for(output))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool end(struct sink *sink)
{
	(void)sink; /* put() keeps nothing back */
	return true;
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

	*out = (struct output){.sink = {is_gone, put, end}, .fd = fd};
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
