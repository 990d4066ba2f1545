#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first process of a virtual machine: tests/packages/apparmor. Prints TAP."""
import os
import subprocess
import sys
import time

sys.path.insert(0, "/")
import fastcgi  # noqa: E402

PARSER = "/usr/sbin/apparmor_parser"
PROFILE = "/etc/apparmor.d/usr.libexec.pxesrv.pxesrv.fcgi"
RESPONDER = "/usr/libexec/pxesrv/pxesrv.fcgi"
SOCKET = "/run/pxesrv/fcgi.sock"
LOG = "/var/log/pxesrv.log"
USER = 33
count = 0


def check(passed, what):
    global count
    count += 1
    print(f"{'ok' if passed else 'not ok'} {count} - {what}", flush=True)


def until(condition):
    limit = time.monotonic() + 60
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


def make_tree(root):
    for name in ("once", "until", "static", "grub/2"):
        os.makedirs(f"{root}/{name}")
    for name in ("once", "until", "grub/2"):
        os.chown(f"{root}/{name}", USER, USER)
    for name, text in (("default", "default"), ("boot", "boot"),
                       ("large", "x" * (8 << 20)),
                       ("grub/2/grub.cfg-0A000007", "x")):
        with open(f"{root}/{name}", "w") as file:
            file.write(text)
    os.symlink("../boot", f"{root}/once/10.0.0.7")
    os.symlink("../large", f"{root}/once/10.0.0.9")
    os.symlink("../boot", f"{root}/until/10.0.0.10")
    os.symlink("/srv/images/image", f"{root}/static/10.0.0.8")


def start(root, log=LOG, stderr=None):
    env = {"PXESRV_ROOT": root, "PXESRV_LOG": log, "PXESRV_ALLOW":
           "/srv/images"}
    # By hand where there is a terminal, else as NoNewPrivileges=yes has it.
    how = [] if stderr else ["/usr/bin/setpriv", "--no-new-privs"]
    one = subprocess.Popen([*how, RESPONDER, "-s", SOCKET], env=env, user=USER,
                           group=USER, extra_groups=[], stderr=stderr)

    def accepts():
        try:
            fastcgi.Connection(SOCKET).close()
        except OSError:
            return one.poll() is not None
        return True
    until(accepts)
    return one


def stop(one):
    if one.poll() is None:
        one.terminate()
    return one.wait(30)


def variables(client, path):
    return {"REQUEST_METHOD": "GET", "REQUEST_URI": path,
            "REMOTE_ADDR": client, "SERVER_PROTOCOL": "HTTP/1.1"}


def ask(client, path="/redirect"):
    try:
        answer = fastcgi.ask(SOCKET, variables(client, path))
    except OSError as error:
        return repr(error)
    return answer.decode().partition("\r\n\r\n")[2]


def denied():
    """What the kernel says that AppArmor refused, since the last time."""
    lines = []
    while True:
        try:
            lines.append(os.read(kernel, 8192).decode(errors="replace"))
        except BlockingIOError:
            return [line for line in lines if 'apparmor="DENIED"' in line]


def label(one):
    """As the page says to look at it."""
    return read(f"/proc/{one.pid}/attr/current").strip("\n\0")


def load(option):
    done = subprocess.run([PARSER, option, "-K", PROFILE], text=True,
                          capture_output=True)
    check(done.returncode == 0, f"apparmor_parser {option} {done.stderr}")


for kind, where in (("proc", "/proc"), ("sysfs", "/sys"),
                    ("devtmpfs", "/dev"),
                    ("devpts", "/dev/pts"),
                    ("securityfs", "/sys/kernel/security")):
    os.makedirs(where, exist_ok=True)
    subprocess.run(["/usr/bin/mount", "-nt", kind, kind, where], check=True)
with open("/etc/group", "w") as file:
    file.write("root:x:0:\n")
with open("/etc/passwd", "w") as file:
    file.write("root:x:0:0::/:/bin/sh\n")
kernel = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
check(read("/sys/module/apparmor/parameters/enabled").strip() == "Y",
      "the kernel has AppArmor")
os.mkdir("/run/pxesrv")
os.chown("/run/pxesrv", USER, USER)
with open(LOG, "w") as file:
    os.chown(LOG, USER, USER)
os.mkdir("/srv/images")
with open("/srv/images/image", "w") as file:
    file.write("image")
for root in ("/srv/pxesrv", "/srv/other"):
    make_tree(root)
os.symlink("other", "/srv/link")

one = start("/srv/pxesrv")
load("-r")
check(label(one) == "unconfined", f"one that runs is not held: {label(one)}")
stop(one)
denied()
one = start("/srv/pxesrv")
if one.poll() is not None:
    check(False, f"it starts: {one.returncode} {denied()}")
    sys.exit(1)
check(label(one) == "pxesrv.fcgi (enforce)", f"a new one is: {label(one)}")
check(ask("10.0.0.7") == "boot", "a once link is served")
check(ask("10.0.0.7") == "default", "and then the default")
check(until(lambda: os.path.islink("/srv/pxesrv/once/.served/10.0.0.7")),
      "it was moved")
with fastcgi.Connection(SOCKET) as connection:
    connection.send(fastcgi.request(variables("10.0.0.9", "/redirect")))
    connection.read_record()
check(until(lambda: os.path.islink("/srv/pxesrv/once/10.0.0.9")),
      "a link whose answer was not taken goes back")
check(ask("10.0.0.10", "/done") == "Done until/10.0.0.10\n",
      "a machine is done")
check(ask("10.0.0.7", "/grub/clear/2").startswith("Delete "),
      "a client's GRUB configuration is removed")
check(read(LOG).count("GET /redirect") >= 2, "the log is written")
found = denied()
check(not found, f"AppArmor refused nothing of that: {found}")
# Of what the sandbox allows, by PXESRV_ALLOW, only the profile can refuse this.
body = ask("10.0.0.8")
check("Permission denied" in body, f"a file outside is refused: {body.strip()}")
found = denied()
check(len(found) == 1 and "/srv/images/image" in found[0],
      f"by AppArmor: {found}")
check(stop(one) == 0, "it ends")
found = denied()
check(not found, f"as it may: {found}")

master, terminal = os.openpty()
os.fchown(terminal, USER, USER)
one = start("/srv/pxesrv", log="-", stderr=terminal)
check(ask("10.0.0.7") == "default", "it starts on a terminal")
check(stop(one) == 0, "it ends")
said = os.read(master, 8192).decode()
check("GET /redirect" in said, "that has the log")
found = denied()
check(not found, f"AppArmor refused nothing of that: {found}")

one = start("/srv/other")
body = ask("10.0.0.7")
check(body != "boot", f"another tree is refused: {body.strip()}")
check(denied(), "by AppArmor")
stop(one)


def name_root(path):
    with open("/etc/apparmor.d/tunables/pxesrv", "w") as file:
        file.write(f"@{{PXESRV_ROOT}}+={path}\n")
    load("-r")


name_root("/srv/link")
one = start("/srv/link")
body = ask("10.0.0.7")
check(body != "boot", f"and where a link to it is named: {body.strip()}")
check(denied(), "by AppArmor")
stop(one)
with open("/etc/apparmor.d/local/" + os.path.basename(PROFILE), "w") as file:
    file.write("/srv/images/** r,\n")
name_root("/srv/other")
one = start("/srv/link")
check(ask("10.0.0.7") == "boot", "but where a site's own file names it")
check(ask("10.0.0.8") == "image", "and the other directory")
found = denied()
check(not found, f"AppArmor refused nothing of that: {found}")
load("-R")
check(label(one) == "unconfined", f"without the profile it is: {label(one)}")
check(stop(one) == 0, "it ends")
print(read(LOG).splitlines()[0].partition('"')[2].join(("# ", "")))
print(f"1..{count}", flush=True)
