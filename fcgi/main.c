/* SPDX-License-Identifier: MIT */
/* The FastCGI responder: starts everything, then waits for signals. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "boot/number.h"
#include "boot/root_limit.h"
#include "cgi/log.h"
#include "cgi/logline.h"
#include "cgi/metavar.h"
#include "cgi/respond.h"
#include "fcgi/check.h"
#include "fcgi/libfcgi.h"
#include "fcgi/listener.h"
#include "fcgi/notify.h"
#include "fcgi/options.h"
#include "fcgi/outdated.h"
#include "fcgi/pool.h"
#include "fcgi/sandbox/sandbox.h"
#include "fcgi/turns.h"

/*
 * Opens closed standard descriptors, so that no socket or log gets their
 * number. Read-only, because writing to them must still fail.
 */
static void fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static _Noreturn void refuse_setting(const char *name, const char *value)
{
	errx(EX_CONFIG, "%s=%s: not a valid value", name, value);
}

static struct settings read_settings(void)
{
	struct metavars vars;
	struct settings settings = settings_default;
	struct bad_setting bad;

	metavars_read(environ, &vars);
	if (!settings_overlay(&vars, &settings, &bad))
		refuse_setting(bad.name, bad.value);
	return settings;
}

/* Returns 0 if not set. */
static unsigned read_threads(void)
{
	const char *text = getenv("PXESRV_THREADS");
	unsigned threads = 0;

	if (text != NULL && text[0] != '\0' &&
		!number_parse(text, 10, 1, POOL_THREADS_MAX, &threads))
		refuse_setting("PXESRV_THREADS", text);
	return threads;
}

/*
 * Blocks the signals that main() waits for, in this thread and in those that it
 * starts. Returns a descriptor to read them from: signalfd(2).
 */
static int block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		errx(EX_OSERR, "signals"); /* no test: it does not fail */
	/* A log past its size limit must fail to write, not end us. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	const int fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (fd < 0)
		err(EX_OSERR, "cannot start");
	return fd;
}

/* As outdated_open(); -1 if no root is set: then files are not confined. */
static int open_outdated(const struct service *service)
{
	if (service->settings.root == NULL)
		return -1;
	const int fd = outdated_open(service->settings.root);
	if (fd < 0)
		err(EX_OSERR, "cannot start");
	return fd;
}

/* Handles signals until TERM or INT, or until the sandbox is outdated. */
static void wait_for_end(
	int signals, int outdated, const char *log_path, struct log *log)
{
	struct pollfd ready[] = {{.fd = signals, .events = POLLIN},
		{.fd = outdated, .events = POLLIN}};
	struct signalfd_siginfo signal;

	for (;;) {
		if (poll(ready, 2, -1) <= 0)
			continue; /* no test: poll fails */
		if (ready[1].revents != 0)
			return; /* no test: as of outdated_check() */
		if (read(signals, &signal, sizeof signal) != sizeof signal)
			continue; /* no test: read fails */
		if (signal.ssi_signo != SIGHUP)
			return;
		log_reopen(log_path, log);
	}
}

/* Uses standard error, too, if a part of the sandbox is missing. */
static void report_sandbox(const struct sandbox *sandbox, struct log *log)
{
	char note[sizeof sandbox->report.text + 16];

	snprintf(note, sizeof note, "sandbox: %s", sandbox->report.text);
	logline_write_event(log, note);
	if (sandbox->is_incomplete)
		warnx("%s", note); /* no test: needs an old kernel */
}

#define THREADS_MANY 8

/*
 * Keeps a quarter of the threads for roots other than one whose disk hangs. If
 * there are few threads, none can be spared.
 */
static void limit_roots(unsigned threads, struct root_limit *out)
{
	const unsigned processors = turns_processors();

	out->most = threads >= THREADS_MANY ? threads - threads / 4 : threads;
	/* Without a disk that hangs, this many may be at work in one root. */
	if (out->most < processors)
		out->most = processors;
}

/* Confines the process before it reads from a peer. NULL with errno. */
static struct pool *start_confined(unsigned threads,
	const struct listener *listener, struct service *service)
{
	struct sandbox sandbox;

	sandbox_confine_files(&service->settings, listener->path, &sandbox);
	service->is_confined = sandbox.confines_files;
	if (sandbox.confines_files)
		/* no test: as of outdated_check() */
		service->is_outdated = outdated_check;
	struct pool *pool = pool_start(threads, listener, service);
	if (pool == NULL)
		return NULL;
	sandbox_confine_calls(&sandbox);
	report_sandbox(&sandbox, service->log);
	return pool_begin_accepting(pool) ? pool : NULL;
}

static struct pool *start_pool(
	unsigned asked, struct listener *listener, struct service *service)
{
	if (libfcgi_init() != 0)
		/* no test: it always starts */
		errx(EX_SOFTWARE, "cannot start libfcgi");
	const unsigned threads = pool_count(asked);
	limit_roots(threads, service->limit);
	struct pool *pool = start_confined(threads, listener, service);
	if (pool == NULL) {
		int error = errno;
		listener_close(listener);
		errno = error;
		err(EX_OSERR, "cannot start");
	}
	return pool;
}

/*
 * Ends the process although some of its threads can't be ended. They may still
 * run, so exit(3) must not take anything away from them.
 *
 * no test: the counters of a process that ends by _exit(2) are lost
 */
static _Noreturn void leave_threads(unsigned count, struct log *log)
{
	char note[128];

	snprintf(note, sizeof note,
		"ended while %u threads wait for a file system that does not answer",
		count);
	logline_write_event(log, note);
	_exit(EX_OK);
}

int main(int argc, char *argv[])
{
	struct options options;
	struct listener listener;
	struct log log;
	struct root_limit limit = {.most = 0};
	struct service service = {
		.log = &log, .no_root_status = 503, .limit = &limit};

	fill_standard();
	umask(0); /* each call that creates something gives its mode */
	options_parse(argc, argv, &options);
	service.settings = read_settings();
	const unsigned asked = read_threads();
	if (options.check_only)
		return check_all(&service) ? EX_OK : EX_CONFIG;
	if (!check_root(&service))
		return EX_CONFIG;

	const int signals = block_signals();
	const int outdated = open_outdated(&service);
	const int manager = notify_open();
	listener_open(&options, &listener);
	tzset();
	log_open(service.settings.log, &log);
	prepare_tree(&service);
	struct pool *pool = start_pool(asked, &listener, &service);
	notify_send(manager, "READY=1");
	wait_for_end(signals, outdated, service.settings.log, &log);
	notify_send(manager, "STOPPING=1");
	const unsigned left = pool_stop(pool);
	listener_close(&listener);
	if (left > 0)
		leave_threads(left, &log); /* no test: as there */
	log_close(&log);
	return EX_OK;
}
