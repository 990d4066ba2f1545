# SPDX-License-Identifier: MIT
"""The container image, run by crun as its own configuration says.

No network namespace is asked for: the tests stand in one of their own.
"""
import http.client
import itertools
import json
import os
import re
import shlex
import socket
import subprocess
import time

import pytest

if "PXESRV_IMAGE" not in os.environ:
    pytest.exit("these tests run by tests/packages/container", 64)
with open(os.environ["PXESRV_IMAGE"]) as file:
    IMAGE = json.load(file)["OCIv1"]["config"]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PATIENCE = 20  # seconds
NUMBERS = itertools.count()


def mount(destination, kind, source, *options):
    return {"destination": destination, "type": kind, "source": source,
            "options": list(options)}


class Container:
    """A container that is started at once, with a read-only image, and with
    what stands in bundle.

    user: as podman's --user; else the image's own. command: instead of the
    image's own. capabilities: there are none else.
    """

    def __init__(self, bundle, tree, user=None, command=None, capabilities=(),
                 **settings):
        self.bundle = str(bundle)
        self.name = f"pxesrv-{os.getpid()}-{next(NUMBERS)}"
        self.user = user or IMAGE["User"]
        uid, gid = map(int, self.user.split(":"))
        env = [line for line in IMAGE["Env"]
               if line.split("=")[0] not in settings]
        env += [f"{name}={value}" for name, value in settings.items()]
        config = {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": uid, "gid": gid},
                "args": command or IMAGE["Entrypoint"] + IMAGE.get("Cmd", []),
                "env": env, "cwd": IMAGE.get("WorkingDir") or "/",
                "capabilities": {kind: list(capabilities) for kind in (
                    "bounding", "effective", "permitted")},
                "noNewPrivileges": True},
            "root": {"path": os.environ["PXESRV_IMAGE_ROOT"],
                     "readonly": True},
            "mounts": [
                mount("/proc", "proc", "proc"),
                mount("/dev", "tmpfs", "tmpfs", "nosuid", "mode=755"),
                mount("/tmp", "tmpfs", "tmpfs", "nosuid", "mode=1777"),
                mount("/srv/pxesrv", "bind", str(tree), "bind", "rw")],
            "linux": {"namespaces": [
                {"type": kind} for kind in ("pid", "mount", "ipc", "uts")]}}
        with open(f"{self.bundle}/config.json", "w") as file:
            json.dump(config, file)
        with open(f"{self.bundle}/stdout", "w") as out, \
                open(f"{self.bundle}/stderr", "w") as err:
            self.process = subprocess.Popen(
                self.crun("run", "--bundle", self.bundle, self.name),
                stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def crun(self, *arguments):
        return ["crun", "--root", f"{self.bundle}/crun",
                "--cgroup-manager=disabled", *arguments]

    def said(self, stream="stdout"):
        with open(f"{self.bundle}/{stream}") as file:
            return file.read()

    def until(self, condition, what):
        limit = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < limit, f"{what}: {self.said()}" + \
                self.said("stderr")
            time.sleep(0.01)

    def serves(self):
        self.until(lambda: "DHCP filename" in self.said()
                   or self.process.poll() is not None, "its start")
        assert self.process.poll() is None, self.said("stderr")
        return self

    def run(self, *command):
        """As podman exec does. Returns what the command printed."""
        done = subprocess.run(self.crun("exec", "--user", self.user,
                                        self.name, *command),
                              capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def signal(self, name):
        subprocess.run(self.crun("kill", self.name, name), check=True)

    def kill(self, name):
        self.signal(name)
        return self.process.wait(PATIENCE)

    def end(self):
        if self.process.poll() is None:
            self.kill("KILL")


@pytest.fixture
def tree(tmp_path):
    """A tree in which the image's user owns once/, as the page says."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("once", "static", "os"):
        (tree / name).mkdir()
    (tree / "default").write_text("default")
    (tree / "os/boot").write_text("#!ipxe\n")
    os.chmod(tmp_path, 0o755)
    give(tree, IMAGE["User"])
    return tree


def give(tree, user):
    os.chown(tree / "once", *map(int, user.split(":")))


@pytest.fixture
def start(tmp_path, tree):
    started = []

    def start(user=None, **settings):
        bundle = tmp_path / f"bundle-{len(started)}"
        bundle.mkdir()
        started.append(Container(bundle, tree, user, **settings))
        return started[-1]

    yield start
    for container in started:
        container.end()


def ask(path="/redirect", client="127.0.0.7"):
    connection = http.client.HTTPConnection(
        "127.0.0.1", 4567, timeout=PATIENCE, source_address=(client, 0))
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def takes_nobody():
    try:
        socket.create_connection(("127.0.0.1", 4567)).close()
    except ConnectionError:
        return True
    return False


@pytest.fixture
def slow(tree):
    """A client that asks, and takes nothing for now. Its boot file is as large
    as nginx takes at once; the kernel has no room for it."""
    path = "/proc/sys/net/ipv4/tcp_wmem"  # of the test's own network
    with open(path) as file:
        before = file.read()
    with open(path, "w") as file:
        file.write("4096 16384 65536")
    (tree / "os/large").write_bytes(b"l" * 200_000)
    (tree / "once/127.0.0.7").symlink_to("../os/large")
    with socket.socket() as s:
        s.settimeout(PATIENCE)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.bind(("127.0.0.7", 0))

        def ask():
            s.connect(("127.0.0.1", 4567))
            s.sendall(b"GET /redirect HTTP/1.1\r\nHost: pxesrv\r\n\r\n")
            return s
        yield ask
    with open(path, "w") as file:
        file.write(before)


def commands(section):
    """The commands of a section of the page."""
    with open(f"{SOURCE}/docs/howto/container.md") as file:
        text = re.search(rf"^## {section}\n(.*?)^## ", file.read(),
                         re.MULTILINE | re.DOTALL).group(1)
    block, = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return re.sub(r"\\\n *|^    ", "", block, flags=re.MULTILINE).splitlines()


def test_what_the_image_says():
    assert IMAGE["User"] == "4567:4567"
    assert IMAGE["Entrypoint"] == ["/usr/bin/pxesrv"]
    assert not IMAGE.get("Cmd")
    assert set(IMAGE["ExposedPorts"]) == {"4567/tcp"}
    assert set(IMAGE["Volumes"]) == {"/srv/pxesrv"}
    assert {"PXESRV_ROOT=/srv/pxesrv", "PXESRV_LOG=-"} <= set(IMAGE["Env"])


def test_nothing_of_the_build_is_in_it():
    root = os.environ["PXESRV_IMAGE_ROOT"]
    assert os.path.exists(f"{root}/usr/libexec/pxesrv/pxesrv.fcgi")
    for path in ("usr/bin/cc", "usr/bin/meson", "src", "build",
                 "tmp/install-needs"):
        assert not os.path.lexists(f"{root}/{path}"), path


def test_nothing_of_what_was_tried_is_in_it():
    root = os.environ["PXESRV_IMAGE_ROOT"]
    for name in ("once", "static"):
        assert os.listdir(f"{root}/srv/pxesrv/{name}") == []
        assert not os.path.lexists(f"{root}/usr/share/pxesrv/public/{name}")


def test_what_of_the_source_goes_there():
    context = os.environ["PXESRV_IMAGE_CONTEXT"]
    found = {os.path.relpath(os.path.join(directory, name), context)
             for directory, _, names in os.walk(context) for name in names}
    known = subprocess.run(
        ["git", "-C", SOURCE, "ls-tree", "-r", "-z", "--name-only", "HEAD"],
        check=True, capture_output=True, text=True).stdout.split("\0")[:-1]
    assert found == set(known)


@pytest.mark.parametrize("user", [None, "1234:1234"])
def test_once(start, tree, user):
    """And with another user, whom the image does not know."""
    give(tree, user or IMAGE["User"])
    one = start(user).serves()
    assert ask() == (200, b"default")
    (tree / "once/127.0.0.7").symlink_to("../os/boot")
    assert ask() == (200, b"#!ipxe\n")
    assert ask() == (200, b"default")
    assert ask("/os/boot") == (200, b"#!ipxe\n")
    assert ask("/once/127.0.0.7")[0] == 404
    one.until((tree / "once/.served/127.0.0.7").is_symlink, "it is settled")
    one.until(lambda: one.said().count("GET /redirect") == 3, "its log")
    # Nobody in there is root.
    seen = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/status") as file:
            status = dict(line.split(":\t", 1) for line in file)
        if len(status["NSpid"].split()) > 1:
            seen.setdefault(status["Name"].strip(), set()).add(
                status["Uid"].split()[1])
    assert {"pxesrv.fcgi", "nginx"} <= set(seen)
    assert set.union(*seen.values()) == {(user or IMAGE["User"]).split(":")[0]}
    assert one.kill("TERM") == 0, one.said("stderr")
    with pytest.raises(ConnectionRefusedError):
        ask()


def test_int_ends_it_as_well(start):
    assert start().serves().kill("INT") == 0


def test_an_answer_that_nginx_has_is_handed_over(start, tree, slow):
    """It counts as served."""
    one = start().serves()
    client = slow()
    one.until((tree / "once/.served/127.0.0.7").is_symlink, "the answer")
    one.signal("TERM")
    one.until(takes_nobody, "its end")
    response = http.client.HTTPResponse(client)
    response.begin()
    assert response.read() == b"l" * 200_000
    assert one.process.wait(PATIENCE) == 0


def test_a_client_that_takes_nothing_does_not_hold_it_for_ever(
        start, tree, slow):
    one = start().serves()
    slow()
    one.until((tree / "once/.served/127.0.0.7").is_symlink, "the answer")
    assert one.kill("TERM") == 0


def test_the_tree_that_comes_with_it(start, tree):
    """As a named volume begins."""
    subprocess.run(["cp", "-aT", os.environ["PXESRV_IMAGE_ROOT"]
                    + "/srv/pxesrv", tree], check=True)
    start().serves()
    status, body = ask()
    assert status == 200 and body.startswith(b"#!ipxe\n")
    (tree / "once/127.0.0.7").symlink_to("../debian/12/default")
    assert b"debian" in ask()[1]
    assert ask()[1] == body


def test_the_operator_s_tool(start, tree):
    one = start().serves()
    one.run("pxesrvctl", "once", "127.0.0.7", "os/boot")
    assert os.readlink(tree / "once/127.0.0.7") == "../os/boot"
    assert ask() == (200, b"#!ipxe\n")


def test_a_log_that_is_a_file(start, tree):
    log = tree / "once/log"
    one = start(PXESRV_LOG="/srv/pxesrv/once/log").serves()
    assert ask() == (200, b"default")
    one.until(lambda: "GET /redirect" in log.read_text(), "a line")
    log.rename(tree / "once/log.1")
    one.signal("HUP")
    one.until(log.exists, "a new log")
    assert ask() == (200, b"default")
    one.until(lambda: "GET /redirect" in log.read_text(), "a line")
    assert one.kill("TERM") == 0


@pytest.mark.parametrize("root", ["/nothing", "/srv/pxesrv/default"])
def test_a_wrong_root(start, root):
    one = start(PXESRV_ROOT=root)
    assert one.process.wait(PATIENCE) == 78
    assert f"{root}: the boot tree does not exist" in one.said("stderr")


def test_a_user_that_may_not_rename(start, tree):
    """It says so, and the link stays."""
    give(tree, "0:0")
    (tree / "once/127.0.0.7").symlink_to("../os/boot")
    start().serves()
    status, body = ask()
    assert status == 503 and b"Permission denied" in body
    assert (tree / "once/127.0.0.7").is_symlink()


# What root has in a container of podman or Docker, as far as it matters here.
OF_PODMAN = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER")


def test_a_tree_that_somebody_else_has_served(start, tree, tmp_path):
    """By the command of the page. In a sticky once/ it is not needed."""
    give(tree, "1234:1234")
    (tree / "once").chmod(0o2770)
    one = start("1234:1234").serves()
    (tree / "once/127.0.0.7").symlink_to("../os/boot")
    assert ask() == (200, b"#!ipxe\n")
    assert one.kill("TERM") == 0
    (tree / "once/127.0.0.7").symlink_to("../os/boot")
    give(tree, IMAGE["User"])
    one = start().serves()
    assert ask()[0] == 503
    own = shlex.split(commands("As root")[1])
    options = ["sudo", "podman", "run", "--rm", "--user", "0", "--entrypoint",
               "pxesrvctl", "-v", "/srv/pxesrv:/srv/pxesrv:z", "pxesrv"]
    assert own[:len(options)] == options
    (tmp_path / "own").mkdir()
    given = Container(tmp_path / "own", tree, "0:0",
                      ["pxesrvctl", *own[len(options):]], OF_PODMAN)
    assert given.process.wait(PATIENCE) == 0, given.said("stderr")
    assert ask() == (200, b"#!ipxe\n")
    assert ask() == (200, b"default")
    one.until((tree / "once/.served/127.0.0.7").is_symlink, "it is settled")
    # Without root it is the same, in the user namespace of podman.
    assert shlex.split(commands("Without root")[1]) == [
        re.sub("^/srv/", "~/", word) for word in own[1:]]
