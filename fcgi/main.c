/* SPDX-License-Identifier: MIT */
/*
 * The FastCGI responder: options and settings, the listening socket, the
 * sandbox, the threads. Then main() waits for signals.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#include "fcgi/pool.h"
#include "fcgi/sandbox/sandbox.h"
#include "fcgi/turns.h"

/*
 * Opens standard descriptors that are closed, so that no socket and no log gets
 * their number. Read-only, because writing there must still fail.
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

/* 0: not said. */
static unsigned read_threads(void)
{
	const char *text = getenv("PXESRV_THREADS");
	unsigned threads = 0;

	if (text != NULL && text[0] != '\0' &&
		!number_parse(text, 10, 1, POOL_THREADS_MAX, &threads))
		refuse_setting("PXESRV_THREADS", text);
	return threads;
}

/* The signals that main() waits for. Threads inherit that they are blocked. */
static sigset_t block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		errx(EX_OSERR, "signals"); /* no test: it does not fail */
	/* A log that can't be written to fails its write instead. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	return signals;
}

/* Until TERM or INT. */
static void wait_for_end(
	const sigset_t *signals, const char *log_path, struct log *log)
{
	for (;;) {
		int signal = sigwaitinfo(signals, NULL);
		if (signal == SIGHUP)
			log_reopen(log_path, log);
		else if (signal > 0)
			return;
	}
}

/* On standard error too, when a part of the sandbox is missing. */
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
 * Leaves a quarter of the threads for other roots than one whose disk hangs.
 * With few threads there are none to spare.
 */
static void limit_roots(unsigned threads, struct root_limit *out)
{
	const unsigned processors = turns_processors();

	out->most = threads >= THREADS_MANY ? threads - threads / 4 : threads;
	/* So many may be at work in one root when no disk hangs. */
	if (out->most < processors)
		out->most = processors;
}

/* Confines the process before it takes anything from a peer. NULL: errno. */
static struct pool *start_confined(unsigned threads,
	const struct listener *listener, struct service *service)
{
	struct sandbox sandbox;

	sandbox_confine_files(&service->settings, listener->path, &sandbox);
	service->is_confined = sandbox.confines_files;
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
		errx(EX_SOFTWARE, "libfcgi does not start");
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

int main(int argc, char *argv[])
{
	struct options options;
	struct listener listener;
	struct log log;
	struct root_limit limit = {.most = 0};
	struct service service = {
		.log = &log, .no_root_status = 503, .limit = &limit};

	fill_standard();
	umask(0); /* each call that makes something gives its mode */
	options_parse(argc, argv, &options);
	service.settings = read_settings();
	const unsigned asked = read_threads();
	if (options.check_only)
		return check_all(&service) ? EX_OK : EX_CONFIG;
	if (!check_root(&service))
		return EX_CONFIG;

	const sigset_t signals = block_signals();
	const int manager = notify_open();
	listener_open(&options, &listener);
	tzset();
	log_open(service.settings.log, &log);
	prepare_claims(&service);
	struct pool *pool = start_pool(asked, &listener, &service);
	notify_send(manager, "READY=1");
	wait_for_end(&signals, service.settings.log, &log);
	notify_send(manager, "STOPPING=1");
	pool_stop(pool);
	listener_close(&listener);
	log_close(&log);
	return EX_OK;
}
