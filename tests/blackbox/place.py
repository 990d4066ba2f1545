# SPDX-License-Identifier: MIT
"""Where things are, who runs them, and how programs are started and ended."""
import os
import pwd
import signal
import socket
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# These are the installed ones: tests/sandbox makes them.
IN_SANDBOX = os.environ.get("PXESRV_TESTS_SANDBOX") == "1"
CONF = "/srv/conf" if IN_SANDBOX else os.path.join(SOURCE, "conf")
ROOT = "/srv/pxesrv"
SOCKET = "/run/pxesrv/fcgi.sock"
SERVERS = "/run/servers"  # what private web servers write
LIBEXEC = "/usr/libexec/pxesrv"
LOG = "/var/log/pxesrv.log"
FCGI = LIBEXEC + "/pxesrv.fcgi"
CGI = LIBEXEC + "/pxesrv.cgi"
CTL = LIBEXEC + "/pxesrvctl"

IS_SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
AS_ROOT = os.geteuid() == 0
_user = pwd.getpwnam("www-data") if AS_ROOT else None
OWNER = (_user.pw_uid, _user.pw_gid) if AS_ROOT else (os.getuid(), os.getgid())
# For subprocess: the responder is never root, since that could do anything.
AS_USER = dict(user=OWNER[0], group=OWNER[1], extra_groups=[]) \
    if AS_ROOT else {}

PATIENCE = 20  # seconds that anything may take to happen


def clean_env(**variables):
    """The environment of a service: nothing of the caller's."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    # What the sanitizers were told, and where coverage is counted.
    env.update({k: v for k, v in os.environ.items()
                if k.endswith("_OPTIONS") or k == "GCOV_PREFIX"})
    env.update(variables)
    return env


def until(condition, what, within=PATIENCE):
    """Waits for condition() to be true, and returns what it returned."""
    limit = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < limit, f"{what}: not within {within} s"
        time.sleep(0.005)


def settle_root():
    """From here on each request of a kind makes the same calls.

    What a root lacks that has just been changed is looked for again."""
    until(lambda: time.time() - os.stat(ROOT).st_ctime > 0.2,
          "it is no new one")


def free_port():
    """One that is free for IPv4 and for IPv6."""
    with socket.socket(socket.AF_INET6) as s:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", 0))
        return s.getsockname()[1]


def figure(text):
    """A figure that tests/run prints at its end."""
    with open(os.environ.get("PXESRV_TESTS_FIGURES", "/dev/stdout"),
              "a") as file:
        file.write(text + "\n")


def children_of(pid):
    """What its main thread has started and not waited for."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def has_open(pid, path):
    """Whether a process has a file open."""
    directory = f"/proc/{pid}/fd"
    for fd in os.listdir(directory):
        try:
            if os.readlink(f"{directory}/{fd}") == path:
                return True
        except FileNotFoundError:
            pass
    return False


class Program:
    """A running program whose standard error is kept."""

    def __init__(self, arguments, stderr, env=None, **how):
        self.stderr = stderr
        how.setdefault("stdin", subprocess.DEVNULL)
        how.setdefault("stdout", subprocess.DEVNULL)
        with open(stderr, "ab") as file:
            self.process = subprocess.Popen(
                arguments, env=env or clean_env(), stderr=file, **how)

    @property
    def pid(self):
        return self.process.pid

    def messages(self):
        with open(self.stderr, errors="replace") as file:
            return file.read()

    def is_running(self):
        return self.process.poll() is None

    def halt(self):
        """Stops it where it is; no thread runs any more until go_on()."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, number=signal.SIGTERM, timeout=PATIENCE):
        """Sends a signal and returns the exit status."""
        if self.is_running():
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"{self.process.args[0]} did not end within {timeout} s")
