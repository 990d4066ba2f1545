# SPDX-License-Identifier: MIT
"""What the tests of the Debian package and of the RPM do on their machines.

tests/packages/machine.sh boots these: alice, who may use sudo, has a checkout,
and what is told to one who installs PXESrv is done as it stands there.
"""
import os
import pwd
import re
import signal
import subprocess
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


def documented(section, file="README.md"):
    """The commands of a section, one string."""
    with open(f"{SOURCE}/{file}") as f:
        text = f.read()
    body = re.search(rf"^###? {re.escape(section)}\n(.*?)(^##|\Z)", text,
                     re.MULTILINE | re.DOTALL).group(1)
    found = re.findall(r"^    (.*)$", body, re.MULTILINE)
    assert found, section
    return "\n".join(found)


def do(section, file="README.md"):
    return as_alice(documented(section, file))


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
    said = run("curl", "-sS", "-w", "%{http_code}", "--interface", client,
               f"http://127.0.0.1:{port}/redirect")
    return int(said[-3:]), said[:-3]


def boots_once(port, client):
    """Armed by hand of one without root, served, moved, and gone."""
    as_alice(f"/usr/sbin/pxesrvctl once {client} {BOOT}")
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
            figure(f"{self.what}: {count} requests, failed: "
                   f"{said.count('Non-2xx') + said.count('Socket errors')}")
            assert count > 1000
            assert "Non-2xx" not in said and "Socket errors" not in said, said


def main_pid():
    return int(run("systemctl", "show", "-P", "MainPID", "pxesrv.service"))


def what_is_theirs():
    """Names, kinds, owners, modes, targets, content."""
    return run("sh", "-c", f"cd {TREE} && find . -printf '%p %y %u:%g %m %l\\n'"
               " | sort && find . -type f -exec md5sum {} + | sort")
