# SPDX-License-Identifier: MIT
"""What the tests of the Debian package and of the RPM do on their machines.

tests/packages/machine.sh boots these: alice, who may use sudo, has a checkout,
and what is told to one who installs PXESrv is done as it stands there.
"""
import concurrent.futures
import contextlib
import http.client
import os
import pwd
import re
import signal
import subprocess
import threading
import time

SOURCE = "/home/alice/pxesrv"
TREE = "/srv/pxesrv"
LOG = "/var/log/pxesrv.log"
PATIENCE = 20
BOOT = "debian/12/default"


def run(*words):
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{words}: {done.stdout}"
    return done.stdout


def as_alice(command):
    """By one who may use sudo, and only that."""
    with open("/results/step", "w") as file:
        file.write(f"cd {SOURCE}\n{command}\n")
    return run("runuser", "-l", "alice", "-c", "sh -eu /results/step")


def documented(page, section):
    """The commands of a section, one string: what is indented, not fenced."""
    text = re.sub(r"^```.*?^```$", "", read(f"{SOURCE}/docs/howto/{page}.md"),
                  flags=re.MULTILINE | re.DOTALL)
    body = re.search(rf"^###? {re.escape(section)}\n(.*?)(^##|\Z)", text,
                     re.MULTILINE | re.DOTALL).group(1)
    found = re.findall(r"^    (.*)$", body, re.MULTILINE)
    assert found, (page, section)
    return "\n".join(found)


def do(page, section):
    return as_alice(documented(page, section))


def until(is_so, what):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def read(path):
    with open(path) as file:
        return file.read()


def figure(text):
    with open("/results/figures", "a") as file:
        file.write(text + "\n")


def owner(path):
    return run("stat", "-c", "%U:%G %a", path).strip()


def ask(port, client):
    """Status and body."""
    with contextlib.closing(http.client.HTTPConnection(
            "127.0.0.1", port, timeout=PATIENCE,
            source_address=(client, 0))) as connection:
        connection.request("GET", "/redirect")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def boots_once(port, client):
    """Armed by hand of one without root, served, moved, and gone."""
    as_alice(f"pxesrvctl once {client} {BOOT}")
    armed, served = f"{TREE}/once/{client}", f"{TREE}/once/.served/{client}"
    assert pwd.getpwuid(os.lstat(armed).st_uid).pw_name == "alice"
    assert ask(port, client) == (200, read(f"{TREE}/{BOOT}"))
    until(lambda: os.path.lexists(served), "that it is put to once/.served")
    assert not os.path.lexists(armed)
    assert os.readlink(served) == f"../{BOOT}"
    assert ask(port, client) == (200, read(f"{TREE}/default"))


def stop(server):
    run("systemctl", "disable", "--now", server)


class Load:
    """Many requests at a time, until it is left; then none may have failed."""

    def __init__(self, what, port=4567):
        self.what = what
        self.url = f"http://127.0.0.1:{port}/redirect"

    def __enter__(self):
        self.wrk = subprocess.Popen(
            ["wrk", "-t1", "-c32", "-d300s", "--timeout", "20s",
             self.url], stdout=subprocess.PIPE, text=True)
        before = len(read(LOG))
        until(lambda: len(read(LOG)) > before, "the load")
        return self

    def __exit__(self, kind, value, trace):
        self.wrk.send_signal(signal.SIGINT)
        said = self.wrk.communicate(timeout=PATIENCE)[0]
        if kind is None:
            count = int(re.search(r"(\d+) requests in", said).group(1))
            failed = [int(n) for line in said.splitlines()
                      if "Non-2xx" in line or "Socket errors" in line
                      for n in re.findall(r"\b(\d+)\b(?!xx)", line)]
            figure(f"{self.what}: {count} requests, failed: {sum(failed)}")
            assert count > 1000
            assert failed == [], said


class Armed:
    """Machines that are armed one after the other, until it is left; each asks
    twice, and must have had its link once, and then the default."""

    ASKERS = 4

    def __init__(self, what):
        self.what = what
        self.is_over = threading.Event()

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(self.ASKERS)
        self.counts = [self.pool.submit(self.ask_on, n)
                       for n in range(self.ASKERS)]
        return self

    def ask_on(self, asker):
        want = [(200, read(f"{TREE}/{name}")) for name in (BOOT, "default")]
        number = 0
        while not self.is_over.is_set():
            number += 1
            client = f"127.{asker + 1}.{number // 250}.{number % 250 + 1}"
            os.symlink(f"../{BOOT}", f"{TREE}/once/{client}")
            assert [ask(4567, client), ask(4567, client)] == want, client
            # It may still be on its way there.
            until(lambda: os.path.lexists(f"{TREE}/once/.served/{client}"),
                  f"{client}: served")
            os.unlink(f"{TREE}/once/.served/{client}")
        return number

    def __exit__(self, kind, value, trace):
        self.is_over.set()
        self.pool.shutdown()
        count = sum(one.result() for one in self.counts)
        figure(f"{self.what}: {count} links, each answered once")
        assert count > 100


def main_pid():
    return int(run("systemctl", "show", "-P", "MainPID", "pxesrv.service"))


def what_is_theirs():
    """Names, kinds, owners, modes, targets, content."""
    return run("sh", "-c", f"cd {TREE} && find . -printf '%p %y %u:%g %m %l\\n'"
               " | sort && find . -type f -exec md5sum {} + | sort")
