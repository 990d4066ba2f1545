/* SPDX-License-Identifier: MIT */
/* The FastCGI responder. */
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
#include "cgi/metavar.h"
#include "cgi/respond.h"
#include "fcgi/check.h"
#include "fcgi/libfcgi.h"
#include "fcgi/listener.h"
#include "fcgi/note.h"
#include "fcgi/notify.h"
#include "fcgi/options.h"
#include "fcgi/sandbox/sandbox.h"
#include "fcgi/turns.h"
#include "fcgi/workers.h"

/*
 * So that no socket and no log gets the number of a standard descriptor that
 * is closed. Read-only, since what is written there must still fail.
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

static _Noreturn void refuse(const char *name, const char *value)
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
		refuse(bad.name, bad.value);
	return settings;
}

/* 0: not said. */
static unsigned read_threads(void)
{
	const char *text = getenv("PXESRV_THREADS");
	unsigned threads = 0;

	if (text != NULL && text[0] != '\0' &&
		!number_parse(text, 10, 1, WORKERS_MAX, &threads))
		refuse("PXESRV_THREADS", text);
	return threads;
}

/* The signals that main() waits for; threads inherit that they are held. */
static sigset_t hold_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		errx(EX_OSERR, "signals");
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

/* One that is not whole is told to whoever starts it, too. */
static void tell(const struct sandbox *sandbox, struct log *log)
{
	char note[sizeof sandbox->story.text + 16];

	snprintf(note, sizeof note, "sandbox: %s", sandbox->story.text);
	note_log(log, note);
	if (sandbox->is_lacking)
		warnx("%s", note);
}

#define THREADS_MANY 8

/*
 * A quarter of the threads is for others than one root whose disk hangs. Of few
 * there are none to spare.
 */
static void limit_roots(unsigned threads, struct root_limit *out)
{
	const unsigned processors = turns_processors();

	out->most = threads >= THREADS_MANY ? threads - threads / 4 : threads;
	/* Without a disk that hangs, so many are at work in one. */
	if (out->most < processors)
		out->most = processors;
}

/* Nothing is taken from a peer before all is confined. NULL with errno. */
static struct workers *start_confined(unsigned threads,
	const struct listener *listener, struct service *service)
{
	struct sandbox sandbox;

	sandbox_enter(&service->settings, listener->path, &sandbox);
	service->is_bound = sandbox.binds_files;
	struct workers *workers = workers_start(threads, listener, service);
	if (workers == NULL)
		return NULL;
	sandbox_close(&sandbox);
	tell(&sandbox, service->log);
	return workers_open(workers) ? workers : NULL;
}

static struct workers *start(
	unsigned asked, struct listener *listener, struct service *service)
{
	if (handover_start() != 0)
		errx(EX_SOFTWARE, "libfcgi does not start");
	const unsigned threads = workers_count(asked);
	limit_roots(threads, service->limit);
	struct workers *workers = start_confined(threads, listener, service);
	if (workers == NULL) {
		int error = errno;
		listener_close(listener);
		errno = error;
		err(EX_OSERR, "cannot start");
	}
	return workers;
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
	umask(0); /* what is made says its mode itself */
	options_parse(argc, argv, &options);
	service.settings = read_settings();
	const unsigned asked = read_threads();
	if (options.check_only)
		return check_all(&service) ? EX_OK : EX_CONFIG;
	if (!check_root(&service))
		return EX_CONFIG;

	const sigset_t signals = hold_signals();
	const int manager = notify_open();
	listener_open(&options, &listener);
	tzset();
	log_open(service.settings.log, &log);
	check_claims(&service);
	struct workers *workers = start(asked, &listener, &service);
	notify_send(manager, "READY=1");
	wait_for_end(&signals, service.settings.log, &log);
	notify_send(manager, "STOPPING=1");
	workers_stop(workers);
	listener_close(&listener);
	log_close(&log);
	return EX_OK;
}
