# SPDX-License-Identifier: MIT
"""What root is told to run, while somebody else writes to the same directories.

The commands are those of the pages, as they stand there; a new one is among
them by itself. Members of the group that arms machines, and the responder's
user, may do in once/, static/ and grub/ what they like. Nothing that is not
theirs may get another owner, mode or content by that.
"""
import contextlib
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import time

import pytest

import place

PAGES = [page for pattern in (
    "README.md", "docs/*.md", "docs/howto/*.md", "public/*.md")
         for page in sorted(glob.glob(pattern, root_dir=place.SOURCE))]
SCRIPTS = ["pxesrv", "source_me.sh", "packaging/container/Containerfile",
           "packaging/rpm/pxesrv.spec", *(
               path for pattern in ("packaging/debian/pxesrv.*",
                                    "conf/systemd/*", "conf/logrotate/*")
               for path in sorted(glob.glob(pattern, root_dir=place.SOURCE)))]
EXAMPLES = "/usr/share/pxesrv/public"


def read(path):
    with open(os.path.join(place.SOURCE, path)) as file:
        return file.read()


def commands_of(page):
    """Each command in the blocks of a page, with its directory."""
    text = re.sub(r"^```\w*\n(.*?)^```$",
                  lambda block: re.sub("^", "    ", block[1], flags=re.M),
                  read(page), flags=re.M | re.S)
    for block in re.findall(r"(?:^ {4,}\S.*\n)+", text, re.M):
        directory = "."
        block = re.sub(r"\\\n *|(?<=\|)\n *", " ", block)
        for line in map(str.strip, block.splitlines()):
            if line.startswith("cd "):
                directory = line[3:]
            yield line, directory


# What they say

DANGEROUS = [
    r"\bfind\b.*\s-(exec|execdir|ok|okdir|delete|fprint)\b",
    r"\bxargs\b",
    r"\b(chown|chgrp|chmod|setfacl|chcon)\b.*\s(-\w*R|--recursive)",
    # By a path, these follow a link.
    r"(?<!pxesrvctl )(?<!pxesrv )\b(chown|chgrp|chmod|setfacl|chcon)\s.*"
    r"\b(once|until|static|names|grub)\b",
    r"\bsudo (cp|install|rsync|tar|tee|mv)\b.*\b(once|until|static|names|grub)/",
    r"\bsudo (rsync|tar|unzip|cpio)\b",
    rf"\bsudo cp -\w*[rRa](?! {EXAMPLES}(/\.)? /srv/pxesrv$)",
    r"\brestorecon -\w*R(?! -e /srv/pxesrv/once -e /srv/pxesrv/static )",
]


@pytest.mark.parametrize("path", PAGES + SCRIPTS)
def test_no_dangerous_command(path):
    if path in PAGES:
        lines = [line for line, _ in commands_of(path)]
        lines += re.findall(r"`([^`\n]+)`", read(path))
    else:
        lines = [line for line in
                 re.sub(r"\\\n\s*", " ", read(path)).splitlines()
                 if not line.lstrip().startswith("#")]
    assert [line for line in lines for pattern in DANGEROUS
            if re.search(pattern, line)] == []


@pytest.mark.parametrize("line", [
    "sudo find /srv/pxesrv/once ! -type l -exec chown 4567 {} +",
    "podman unshare find ~/pxesrv/once ! -type l -exec chown 4567 {} +",
    "sudo find grub/ -type d -execdir chmod 2775 {} +",
    "sudo chown -R pxesrv /srv/pxesrv", "chmod --recursive g+w /srv/pxesrv",
    "sudo chown pxesrv: /srv/pxesrv/once", "sudo chmod 2775 static",
    "sudo cp -r ~/boot/. /srv/pxesrv", "sudo cp -a ~/boot /srv",
    "sudo cp README.md /srv/pxesrv/once/", "sudo tar -xf boot.tar",
    "sudo restorecon -R /srv/pxesrv", "ls | sudo xargs chown pxesrv"])
def test_what_is_dangerous(line):
    assert [pattern for pattern in DANGEROUS if re.search(pattern, line)]


# What they do

# These do not go through directories that others write to.
HARMLESS = {
    "a2enmod", "a2ensite", "apparmor_parser", "apt",
    "ausearch", "dnf", "firewall-cmd", "groupadd", "lighty-disable-mod",
    "lighty-enable-mod", "meson", "mount", "nginx", "semanage", "semodule",
    "systemctl", "systemd-sysusers", "usermod",
}
# Where nobody but root writes, or whoever types the command.
SAFE = ("/etc/", "/usr/", "/data/", "/home/")
# These can't be run here, and their directories are root's.
NOT_RUN = {
    "./build.sh": "it makes a system in live/",
    "restorecon": "there is no SELinux; test_no_dangerous_command has it",
}


def root_commands():
    """What root runs over directories that others write to: where, words."""
    for page in PAGES:
        for line, directory in commands_of(page):
            as_root = re.search(r"\bsudo (?!-u)(.*)", line)
            if not as_root:
                continue
            words = shlex.split(re.sub(r"\|\|.*", "", as_root[1]))
            words = as_installed(words)
            if words[0] in HARMLESS or words[0] in NOT_RUN:
                continue
            where = "/home/me" if directory == "." else directory
            left = [word for word in words[1:] if not is_safe(where, word)]
            if left or words[0] in ("pxesrvctl", "systemd-tmpfiles"):
                words[1:] = [word for word in words[1:]
                             if word in left or word.startswith(EXAMPLES)
                             or "/" not in word
                             # A network, or a path in the tree.
                             or words[0] == "pxesrvctl"]
                yield where if where.startswith("/srv") else "/", tuple(words)


def is_safe(where, word):
    """Whether it is no path, or one to where only root writes."""
    return ("/" not in word and not where.startswith("/srv")
            or word.startswith("-") or re.fullmatch(r"/[^/]*/d", word)
            or os.path.normpath(os.path.join(where, word)).startswith(SAFE))


def as_installed(words):
    """The program of a container is the one here."""
    if words[:2] == ["podman", "run"] and "--entrypoint" in words:
        return [words[words.index("--entrypoint") + 1],
                *words[words.index("pxesrv") + 1:]]
    return ["meson"] if words[0] == "podman" else words


COMMANDS = sorted(set(root_commands()))
# And what the tool does as root.
COMMANDS += [("/", ("pxesrvctl", *words.split())) for words in (
    "once 10.0.0.7 os/boot", "static --force 10.0.0.7 os/boot",
    "cancel 10.0.0.7", "rearm 10.0.0.7", "forget --force 10.0.0.7", "list",
    "check", "explain 10.0.0.7")]
# And the packages' own scripts and files.
COMMANDS += [("/", ("sh", "packaging/debian/pxesrv.postrm", "purge"))]


def test_they_are_found():
    found = {" ".join(words) for _, words in COMMANDS}
    assert {f"cp -r {EXAMPLES}/. /srv/pxesrv", "pxesrvctl chown 4567",
            "pxesrvctl chown www-data", "pxesrvctl chown www-data:admins",
            "pxesrvctl chown pxesrv:pxesrv-admin",
            "systemd-tmpfiles --create"} <= found


VICTIM, MACHINE = "/srv/victim", "/srv/machine"
PXESRV, ALICE, ADMIN, ADMINS = 990, 1990, 991, 992
ROUNDS, SECONDS = 30, 4


@contextlib.contextmanager
def mounted(*arguments):
    subprocess.run(["mount", *arguments], check=True)
    yield
    subprocess.run(["umount", "-l", arguments[-1]], check=True)


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """One on which PXESrv is installed, with its users; where it is."""
    where = tmp_path_factory.mktemp("machine")
    installed = json.loads(subprocess.run(
        ["meson", "introspect", "--installed",
         os.environ["PXESRV_TESTS_BUILD"]], check=True, text=True,
        stdout=subprocess.PIPE).stdout)
    examples = where / "public"
    for source, to in installed.items():
        if "/share/pxesrv/public/" in to:
            to = examples / to.split("/share/pxesrv/public/")[1]
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to)
    assert (examples / "default").exists()
    (where / "tmpfiles.conf").write_text(
        read("conf/systemd/tmpfiles.conf") +
        "d /run/pxesrv 0750 www-data www-data\n")
    for name, more in (
            ("passwd", f"pxesrv:x:{PXESRV}:{PXESRV}::/:/bin/sh\n"
                       f"alice:x:{ALICE}:{ALICE}::/:/bin/sh\n"),
            ("group", f"pxesrv:x:{PXESRV}:\npxesrv-admin:x:{ADMIN}:alice\n"
                      f"admins:x:{ADMINS}:alice\n")):
        (where / name).write_text(read(f"/etc/{name}") + more)
    with mounted("--bind", where / "passwd", "/etc/passwd"), \
            mounted("--bind", where / "group", "/etc/group"):
        yield str(examples), str(where / "tmpfiles.conf")


def owned(path, user, group, mode):
    os.chown(path, user, group)
    os.chmod(path, mode)


@contextlib.contextmanager
def the_tree():
    """It is no mount as seen from there, so that it is purged."""
    os.makedirs(MACHINE + place.ROOT)
    with mounted("--bind", MACHINE + place.ROOT, place.ROOT):
        yield


@pytest.fixture
def attacked(machine):
    """A tree as the packages make it, and what is theirs beside it."""
    os.makedirs(MACHINE, exist_ok=True)
    with mounted("-t", "tmpfs", "-o", "mode=755", "tmpfs", MACHINE), \
            the_tree(), \
            mounted("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run/pxesrv"), \
            mounted("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/var/log"):
        for name in ("once", "static", "grub", "grub/12", "os"):
            os.mkdir(f"{place.ROOT}/{name}", 0o755)
        for name in ("default", "os/boot", "menu"):
            with open(f"{place.ROOT}/{name}", "w") as file:
                file.write("#!ipxe\n")
        owned(f"{place.ROOT}/once", PXESRV, ADMIN, 0o3770)
        owned(f"{place.ROOT}/static", 0, ADMIN, 0o2775)
        owned(f"{place.ROOT}/grub/12", PXESRV, ADMIN, 0o2775)
        # Of whom fs.protected_hardlinks lets make another name.
        owned(f"{place.ROOT}/menu", 0, ADMIN, 0o664)
        with open("/var/log/pxesrv.log", "w"):
            owned("/var/log/pxesrv.log", PXESRV, 4, 0o640)
        owned("/run/pxesrv", PXESRV, ADMIN, 0o2770)
        os.mkdir(VICTIM)
        for name in ("f", "README.md", "default", ".lock", "10.0.0.7",
                     "pxesrv.log"):
            with open(f"{VICTIM}/{name}", "w") as file:
                file.write("root's own\n")
        yield
        shutil.rmtree(VICTIM)


@contextlib.contextmanager
def attackers():
    directories = [f"{place.ROOT}/{name}" for name in
                   ("once", "static", "grub/12", "once/.claimed",
                    "once/.served")] + ["/run/pxesrv"]
    with open(os.path.join(os.path.dirname(__file__), "attacker.py")) as file:
        program = file.read()
    started = [subprocess.Popen(
        ["/usr/bin/python3", "-c", program, f"{place.ROOT}/menu", VICTIM,
         *directories], user=user, group=user, extra_groups=groups,
        stdout=subprocess.PIPE, text=True, cwd="/")
        for user, groups in ((ALICE, [ADMIN, ADMINS]), (PXESRV, []))]
    try:
        for one in started:
            assert one.stdout.readline() == "at it\n"
        yield
        assert [one.poll() for one in started] == [None, None]
    finally:
        for one in started:
            one.kill()
            one.wait()
            one.stdout.close()


def as_it_was():
    """Owner, mode and content of what is not theirs."""
    found = {}
    for path in [VICTIM, f"{place.ROOT}/menu", "/etc", "/etc/passwd",
                 *(f"{VICTIM}/{name}" for name in os.listdir(VICTIM))]:
        st = os.lstat(path)
        content = open(path).read() if os.path.isfile(path) else \
            sorted(os.listdir(path)) if path == VICTIM else None
        found[path] = st.st_uid, st.st_gid, st.st_mode, content
    return found


def give_back():
    """once/ to the responder's user; not by a path, which they may swap."""
    fd = os.open(f"{place.ROOT}/once", os.O_RDONLY | os.O_DIRECTORY
                 | os.O_NOFOLLOW)
    os.fchown(fd, PXESRV, ADMIN)
    os.close(fd)


def run(machine, directory, words):
    """As root types it; what sudo would set is set already."""
    examples, tmpfiles = machine
    text = " ".join(word if "*" in word else shlex.quote(word)
                    for word in words).replace(EXAMPLES, examples)
    if words[0] == "systemd-tmpfiles":  # of the files that are PXESrv's
        text += f" {tmpfiles}"
    return subprocess.run(
        ["sh", "-c", text], capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=place.PATIENCE,
        cwd=place.SOURCE if directory == "/" else directory,
        env={**place.clean_env(PXESRV_ROOT=place.ROOT, DPKG_ROOT=MACHINE),
             "PATH": f"{place.LIBEXEC}:/usr/sbin:/usr/bin:/sbin:/bin"})


@pytest.mark.skipif(not place.AS_ROOT, reason="it is root who is misled")
@pytest.mark.parametrize("directory, words", COMMANDS, ids=[
    " ".join(words) for _, words in COMMANDS])
def test_nothing_of_others_is_changed(machine, attacked, directory, words):
    before = as_it_was()
    end = time.monotonic() + SECONDS
    with attackers():
        for _ in range(ROUNDS):
            run(machine, directory, words)
            assert as_it_was() == before
            give_back()
            if time.monotonic() > end:
                break
    done = run(machine, directory, words)
    assert done.returncode in (0, 1), done.stderr
