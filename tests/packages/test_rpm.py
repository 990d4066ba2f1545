# SPDX-License-Identifier: MIT
"""The RPM, installed into an empty root."""
import glob
import os
import re
import subprocess
import sys

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "blackbox"))

import fastcgi  # noqa: E402
from place import Program, clean_env, until  # noqa: E402

if "PXESRV_PACKAGES" not in os.environ:
    pytest.exit("these tests run by tests/packages/rpm", 64)
BUILT = os.environ["PXESRV_PACKAGES"]
PACKAGES = [path for path in glob.glob(f"{BUILT}/*.rpm")
            if "-debug" not in path and not path.endswith(".src.rpm")]
PROGRAMS = ("/usr/bin/pxesrv", "/usr/bin/pxesrvctl",
            "/usr/libexec/pxesrv/pxesrv.cgi",
            "/usr/libexec/pxesrv/pxesrv.fcgi")
# What there must be, beside the copies of conf/ and public/.
FILES = {
    *PROGRAMS, "/etc/logrotate.d/pxesrv",
    "/usr/lib/systemd/system/pxesrv-metrics.service",
    "/usr/lib/systemd/system/pxesrv-metrics.timer",
    "/usr/lib/systemd/system/pxesrv.service",
    "/usr/lib/systemd/system/pxesrv.socket",
    "/usr/lib/systemd/system/pxesrv.socket.d/50-web-server.conf",
    "/usr/lib/sysusers.d/pxesrv.conf", "/usr/lib/tmpfiles.d/pxesrv.conf",
    "/usr/share/bash-completion/completions/pxesrvctl",
    "/usr/share/fish/vendor_completions.d/pxesrvctl.fish",
    "/usr/share/zsh/site-functions/_pxesrvctl",
    *(f"/usr/share/man/man{name[-1]}/{name}"
      for name in os.listdir(f"{SOURCE}/man"))}
DOCS = {"README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"}


def said(*command, **how):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          timeout=120, **how).stdout


def rpm(root, *arguments):
    """Debian's rpm keeps the database in the home directory else."""
    return said("rpm", "--root", root, "--dbpath", "/var/lib/rpm", *arguments)


@pytest.fixture(scope="module")
def package():
    assert len(PACKAGES) == 1, PACKAGES
    return PACKAGES[0]


def install(package, root):
    rpm(root, "-i", "--nodeps", "--noscripts", package)
    assert rpm(root, "-qa") == \
        os.path.basename(package).removesuffix(".rpm") + "\n"
    return root


@pytest.fixture(scope="module")
def root(package, tmp_path_factory):
    """An empty root into which it was installed."""
    return install(package, str(tmp_path_factory.mktemp("root")))


# rpm makes the users of a package by itself since 4.19.
USERS = re.compile(r"/etc/(\.pwd\.lock|g?shadow-?|passwd-?|group-?)")


def installed(root):
    """path: mode, of all files but rpm's own database, and users."""
    found = {}
    for directory, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(directory, name)
            inside = path.removeprefix(root)
            if not inside.startswith("/var/lib/rpm") and \
                    not USERS.fullmatch(inside):
                found[inside] = os.lstat(path)
    return found


def beneath(directory):
    """What git knows of a directory of the source."""
    return {path.removeprefix(directory) for path in said(
        "git", "-C", SOURCE, "ls-files", directory).split()}


def test_rpmlint(package):
    done = subprocess.run(
        ["rpmlint", "-c", f"{SOURCE}/packaging/rpm/rpmlint.toml", package,
         *glob.glob(f"{BUILT}/*.src.rpm"),
         f"{SOURCE}/packaging/rpm/pxesrv.spec"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"3 packages|2 packages and 1 specfiles", done.stdout)
    assert ": E: " not in done.stdout


def test_the_version_is_the_program_s(package, root):
    with open(f"{SOURCE}/meson.build") as file:
        version = re.search(r"version: '(.*)'", file.read()).group(1)
    assert said("rpm", "-q", "-p", "--qf", "%{VERSION}", package) == version
    for program in ("/usr/libexec/pxesrv/pxesrv.fcgi", "/usr/bin/pxesrvctl"):
        assert version in said(root + program, "-V")


def test_the_unit_tests_were_run():
    with open(os.environ["PXESRV_PACKAGES_LOG"]) as file:
        log = file.read()
    check = log[log.index("Executing(%check)"):]
    assert int(re.search(r"^Ok: +(\d+)", check, re.MULTILINE).group(1)) > 0
    assert re.search(r"^Fail: +0", check, re.MULTILINE)


def test_the_files(root):
    found = {path.removesuffix(".gz") for path, stat in installed(root).items()
             if not os.path.isdir(root + path)
             and "/.build-id/" not in path}
    docs = {path for path in found
            if re.match("/usr/share/(doc|licenses)/pxesrv", path)}
    assert {os.path.basename(path) for path in docs} == DOCS | {
        os.path.basename(path) for path in beneath("docs")}
    copies = {f"/usr/share/pxesrv/{name}{path}" for name in ("conf", "public")
              for path in beneath(name)
              if not path.endswith("/.gitignore")}
    # Of what lies where it is used a copy is not needed.
    spare = {path for path in copies
             if re.match("/usr/share/pxesrv/conf/(systemd|logrotate)/", path)}
    assert found - docs - spare == FILES | copies - spare


def test_the_modes(root):
    for path, stat in installed(root).items():
        if not os.path.islink(root + path):
            assert (stat.st_uid, stat.st_gid) == (0, 0), path
            # A copy is what git says that it is: live/build.sh is a program.
            source = SOURCE + path.removeprefix("/usr/share/pxesrv")
            executable = path in PROGRAMS or os.path.isdir(root + path) or \
                os.path.isfile(source) and os.access(source, os.X_OK)
            assert stat.st_mode & 0o7777 == (0o755 if executable else 0o644), \
                path
    assert os.path.getsize(f"{root}/usr/libexec/pxesrv/pxesrv.cgi") < 4 << 20


def test_rpm_finds_nothing_changed(root):
    rpm(root, "-V", "--nodeps", "pxesrv")
    assert rpm(root, "-qc", "pxesrv") == "/etc/logrotate.d/pxesrv\n"


# Of Fedora's packages filesystem, systemd and logrotate.
OF_OTHERS = re.compile(
    "/(etc(/logrotate.d)?|usr(/bin|/libexec|/lib(/.build-id.*|/sysusers.d|"
    "/tmpfiles.d|/systemd(/system)?)?|/share(/doc|/licenses|/man(/man[58])?|"
    "/bash-completion(/completions)?|/fish(/vendor_completions.d)?|"
    "/zsh(/site-functions)?)?)?)?")


def test_its_directories_have_an_owner(root):
    listed = rpm(root, "-ql", "pxesrv").split()
    for path in listed:
        directory = os.path.dirname(path)
        assert directory in listed or OF_OTHERS.fullmatch(directory), path


def test_what_the_readme_refers_to_is_there(root):
    # Debian's rpm adds the version.
    readme, = glob.glob(f"{root}/usr/share/doc/pxesrv*/README.md")
    directory = os.path.dirname(readme)
    with open(readme) as file:
        links = re.findall(r"\]\(([^)#:]+)[)#]", file.read())
    assert len(links) > 10
    for link in links:
        # Those of the source are for whoever has it.
        if link.startswith(("docs/", "SECURITY")):
            assert os.path.exists(f"{directory}/{link}"), link


def test_the_scriptlets(package):
    text = said("rpm", "-q", "-p", "--scripts", package)
    for what in ("install-system-units pxesrv.socket pxesrv.service",
                 "remove-system-units pxesrv.socket pxesrv.service",
                 "mark-restart-system-units pxesrv.service"):
        assert what in text
    for script in re.split(r"^\w+ scriptlet .*:$", text,
                           flags=re.MULTILINE)[1:]:
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)


@pytest.fixture
def tree(tmp_path):
    for name in ("once", "static", "os"):
        (tmp_path / name).mkdir()
    (tmp_path / "default").write_text("default")
    (tmp_path / "os/boot").write_text("#!ipxe\n")
    (tmp_path / "once/127.0.0.7").symlink_to("../os/boot")
    return tmp_path


def params(tree):
    return {"REQUEST_METHOD": "GET", "REQUEST_URI": "/redirect",
            "REMOTE_ADDR": "127.0.0.7", "SERVER_PROTOCOL": "HTTP/1.1",
            "PXESRV_ROOT": str(tree), "PXESRV_LOG": "-"}


def split(answer):
    head, body = answer.decode().split("\r\n\r\n", 1)
    return head.split("\r\n")[0], body


def test_the_cgi_program(root, tree):
    program = f"{root}/usr/libexec/pxesrv/pxesrv.cgi"
    for body in ("#!ipxe\n", "default"):
        # Bytes: the ends of its lines count.
        answer = subprocess.run([program], env=params(tree), check=True,
                                capture_output=True).stdout
        assert split(answer) == ("Status: 200 OK", body)
    assert (tree / "once/.served/127.0.0.7").is_symlink()


def test_the_responder(root, tree):
    socket = str(tree / "fcgi.sock")
    one = Program([f"{root}/usr/libexec/pxesrv/pxesrv.fcgi", "-s", socket],
                  str(tree / "stderr"),
                  env=clean_env(PXESRV_ROOT=str(tree), PXESRV_LOG="-"))
    until(lambda: os.path.exists(socket) or not one.is_running(), "its start")
    for body in ("#!ipxe\n", "default"):
        answer = fastcgi.ask(socket, params(tree))
        assert split(answer) == ("Status: 200 OK", body)
    assert one.end() == 0, one.messages()


def test_the_operator_s_tool(root, tree):
    # Else no responder could use a link up.
    tree.chmod(0o755)
    os.chown(tree / "once", 65534, 65534)
    said(f"{root}/usr/bin/pxesrvctl", "-r", str(tree), "once", "127.0.0.8",
         "os/boot")
    assert os.readlink(tree / "once/127.0.0.8") == "../os/boot"


def test_the_stand_alone_command_finds_what_it_needs(root):
    assert "usage: pxesrv" in said(f"{root}/usr/bin/pxesrv", "-h")
    done = subprocess.run([f"{root}/usr/bin/pxesrv", "-r", "/nothing"],
                          capture_output=True, text=True)
    assert done.returncode == 78 and "does not exist" in done.stderr


def test_the_units_run_what_is_installed(root):
    units = f"{root}/usr/lib/systemd/system"
    with open(f"{units}/pxesrv.service") as file:
        program = re.search("^ExecStart=(.*)$", file.read(),
                            re.MULTILINE).group(1)
    assert os.access(root + program, os.X_OK)
    # The drop-in comes after the unit, so its group is the one that holds.
    with open(f"{units}/pxesrv.socket.d/50-web-server.conf") as file:
        said_so = [line for line in file.read().splitlines()
                   if not line.startswith("#")]
    assert said_so == ["[Socket]", "SocketGroup=nginx"]


def test_systemd_makes_user_tree_and_log_of_it(package, tmp_path):
    """As its triggers do on Fedora, when the package has been unpacked."""
    with open("/proc/self/uid_map") as file:
        if int(file.read().split()[2]) < 65536:
            pytest.skip("users of its own need real root")
    root = install(package, str(tmp_path))
    os.makedirs(f"{root}/var/log")
    with open(f"{root}/etc/group", "w") as file:
        file.write("adm:x:4:\n")  # Fedora's package setup has it
    said("systemd-sysusers", "--root", root)
    said("systemd-tmpfiles", "--root", root, "--create", "pxesrv.conf")
    with open(f"{root}/etc/passwd") as file:
        user = int(re.search(r"^pxesrv:x:(\d+):", file.read(),
                             re.MULTILINE).group(1))
    with open(f"{root}/etc/group") as file:
        group = int(re.search(r"^pxesrv-admin:x:(\d+):", file.read(),
                              re.MULTILINE).group(1))
    for path, want in (("srv/pxesrv", (0o755, 0, 0)),
                       ("srv/pxesrv/static", (0o2775, 0, group)),
                       ("srv/pxesrv/names", (0o2775, 0, group)),
                       ("srv/pxesrv/until", (0o3770, user, group)),
                       ("srv/pxesrv/once", (0o3770, user, group)),
                       ("var/log/pxesrv.log", (0o640, user, 4))):
        stat = os.stat(f"{root}/{path}")
        assert (stat.st_mode & 0o7777, stat.st_uid, stat.st_gid) == want, path
    said("systemctl", "--root", root, "enable", "pxesrv.socket",
         "pxesrv.service")
    for wanted in ("sockets.target.wants/pxesrv.socket",
                   "multi-user.target.wants/pxesrv.service"):
        assert os.path.islink(f"{root}/etc/systemd/system/{wanted}")
