# SPDX-License-Identifier: MIT
"""docs/howto/deploy.md: what tools that deploy the tree do to armed links."""
import concurrent.futures
import contextlib
import os
import re
import shutil
import subprocess
import threading

import pytest

import ctl
import deploying
import place
from deploying import (
    ARMED, AT_ONCE, CREATED, DELETED, DONE, FIRST, INSTALL, MODIFIED, NOBODY, OWN,
    SECOND, SERVED, TARGET, UNTIL, commands, fenced, without)
from place import until
from tree import Link

IGNORED = [f"--exclude=/{name}" for name in OWN]


@pytest.fixture
def site(tree, tmp_path, responder):
    one = deploying.Site(tree, tmp_path / "home with a space", responder)
    one.fill()
    yield one
    one.clear()


def needs(*programs):
    for program in programs:
        if not shutil.which(program, path=place.clean_env()["PATH"]):
            pytest.skip(f"no {program} here")


@contextlib.contextmanager
def asking(site):
    """A machine asks all the time; each answer is a whole default."""
    end, answers = threading.Event(), []

    def ask():
        while not end.is_set():
            got = site.ask(NOBODY)
            answers.append((got.status, got.body))
            end.wait(0.001)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
    assert set(answers) <= {(200, FIRST), (200, SECOND)}


# By the page


def rsync(site):
    os.chmod(f"{site.boot}/default", 0o600)
    site.run(commands("rsync", "rsync"))


def synchronize(site):
    os.chmod(f"{site.boot}/default", 0o600)
    site.playbook(fenced("Ansible", "yaml", "synchronize:"))


def copy(site):
    site.playbook(fenced("Ansible", "yaml", "copy:"))


def puppet(site):
    site.manifest(fenced("Puppet", "puppet"))


def ansible(module):
    """Debian's ansible-core has no synchronize."""
    needs("ansible-playbook", "rsync")
    done = subprocess.run(
        ["ansible-doc", "-t", "module", module], capture_output=True, text=True,
        env=place.clean_env(HOME=place.SERVERS, LC_ALL="C.UTF-8"))
    assert done.returncode == 0, done.stderr
    if "not found" in done.stderr:
        pytest.skip(f"no {module} here")


SAFE = [
    ("rsync", True), ("rsync", False),
    *[pytest.param(*row, marks=pytest.mark.deep) for row in (
        ("synchronize", True), ("synchronize", False), ("copy", False),
        ("puppet", True), ("puppet", False))]]


@pytest.mark.parametrize("tool, old", SAFE)
def test_what_is_left_alone(site, tool, old):
    """With the options of the page, also if the copy has an old once/."""
    {"rsync": lambda: needs("rsync"), "puppet": lambda: needs("puppet"),
     "synchronize": lambda: ansible("ansible.posix.synchronize"),
     "copy": lambda: ansible("ansible.builtin.copy")}[tool]()
    site.serve()
    site.copy(old)
    site.live()
    before, watch = site.own(), deploying.Watch(place.ROOT)
    with asking(site):
        globals()[tool](site)
    assert watch.seen("default") == AT_ONCE
    assert site.own() == before
    assert site.tree.is_there("obsolete") == (tool == "copy")
    as_before(site)


def as_before(site):
    """Nothing is lost, and nothing served twice, by the same responder."""
    assert site.responder.is_running()
    for client in (SERVED, DONE, NOBODY):
        assert site.ask(client).body == SECOND
    assert site.ask(UNTIL).body == INSTALL
    assert [site.ask(ARMED).body for _ in range(2)] == [INSTALL, SECOND]


# Without its options


def plain(words, source="~/boot/"):
    return lambda site: site.run(f"{words} {source} {place.ROOT}/")


def plain_synchronize(site):
    site.playbook(without(fenced("Ansible", "yaml", "synchronize:"),
                          r" *rsync_opts:\n *\[[^\]]*\]\n"))


def plain_copy(site):
    site.playbook(without(fenced("Ansible", "yaml", "copy:"),
                          r" *local_follow: .*\n"))


def plain_puppet(site):
    site.manifest(without(fenced("Puppet", "puppet"), r" *ignore .*\n"))


ROWS = {
    "`rsync -a --delete`": plain("rsync -a --delete"),
    "`rsync -rl --delete`": plain("rsync -rl --delete"),
    "`synchronize` without `rsync_opts`": plain_synchronize,
    "`copy`": plain_copy,
    "`copy` with `local_follow: false`": copy,
    "Puppet's `file` without `ignore`": plain_puppet,
    "`cp -a`": plain("cp -a", "~/boot/."),
    "`cp -r`": plain("cp -r", "~/boot/."),
}
SLOW = ("`synchronize`", "`copy`", "Puppet")
NEEDS = {"`rsync": lambda: needs("rsync"), "Puppet": lambda: needs("puppet"),
         "`synchronize`": lambda: ansible("ansible.posix.synchronize"),
         "`copy`": lambda: ansible("ansible.builtin.copy"), "`cp": needs}
REPLACED = {"by one rename": AT_ONCE, "in place": {MODIFIED},
            "removes it first": {DELETED, CREATED, MODIFIED}}


RESTIC = "`restic restore` without `--exclude`"
GIT_PULL = "`git pull` in the tree"
GIT_RESET = "`git reset --hard`, `git checkout .` and `git stash`"
GIT_CLEAN = "`git clean -fd` and `git stash -u`"


def test_each_row_is_tested():
    assert set(deploying.rows()) == {*ROWS, RESTIC, GIT_PULL, GIT_RESET, GIT_CLEAN}


@pytest.mark.parametrize("command, old", [
    pytest.param(command, old, marks=[pytest.mark.deep]
                 if command.startswith(SLOW) else [])
    for command in ROWS for old in (True, False)
    # Nothing new, where the copy brings nothing and deletes nothing.
    if old or deploying.rows().get(command, "  ")[1] == "deleted"])
def test_row(site, command, old):
    next(need for name, need in NEEDS.items() if command.startswith(name))()
    replaced, armed, back = deploying.rows()[command]
    site.serve()
    site.copy(old)
    site.live()
    watch = deploying.Watch(place.ROOT)
    ROWS[command](site)
    assert watch.seen("default") == REPLACED[replaced]
    assert site.tree.is_there(f"once/{ARMED}") == (armed == "stay")
    assert site.tree.is_there("once") == (armed == "stay" or old)
    assert site.tree.is_there(f"once/.served/{SERVED}") == (armed == "stay")
    assert bool(site.tree.claimed()) == (armed == "stay")
    assert site.ask(ARMED).body == (INSTALL if armed == "stay" else SECOND)
    came_back(site, back if old else "stays away")


def came_back(site, how, default=SECOND):
    """Whether the machines that were served, or done, are installed again."""
    assert how in ("stays away", "comes back as new",
                   "comes back with its old time",
                   "comes back as a file, which is ignored")
    link, age = site.link(f"once/{SERVED}")
    assert (link == TARGET) == (how in ("comes back as new",
                                        "comes back with its old time"))
    if link == TARGET:
        assert (age > 1800) == ("old time" in how)
    expected = INSTALL if link == TARGET else default
    # The limit of docs/howto/reinstall.md helps only where the time was kept.
    site.responder.stop()
    site.serve(PXESRV_ONCE_EXPIRES="1800")
    assert site.ask(SERVED).body == (default if "old time" in how else expected)
    if "old time" in how:
        reported = f"once/{SERVED}: older than" in ctl.run("check").out
        assert reported == site.tree.is_there(f"once/.served/{SERVED}")
        site.responder.stop()
        site.serve()
        assert site.ask(SERVED).body == INSTALL
    assert site.ask(SERVED).body == default
    assert site.ask(DONE).body == expected


# A backup


@pytest.fixture
def backup(site):
    """After it was made, machines booted, and default was changed."""
    needs("restic")
    site.serve()
    script = commands("Back up and restore", "restic")
    make, restore = script.split("\n", 1)
    assert make.startswith("restic backup")
    site.run(f"restic init\n{make}")
    site.live()
    with open(site.tree.full("default"), "wb") as file:
        file.write(SECOND)
    return restore


@pytest.mark.deep
def test_restore(site, backup):
    """In the place of a tree that was lost, and over the one that is there."""
    before = site.own("once", "until")
    # Links that are there are an error to restic.
    site.run(backup, check=False)
    assert site.own("once", "until") == before
    assert site.ask(SERVED).body == FIRST
    site.tree.clear_directory("once/.claimed")
    site.tree.clear()
    site.run(backup)
    listed = re.search(r"`(restic ls .*?)`", deploying.section(
        "Back up and restore"))[1]
    assert f"{place.ROOT}/once/{SERVED}\n" in site.run(listed).stdout
    assert sorted(os.listdir(place.ROOT)) == [
        "debian", "default", "names", "obsolete", "static", "subnet"]
    assert site.link("names/10.0.0.12")[0] == "node12"
    assert site.ask(SERVED).body == site.ask(DONE).body == FIRST


@pytest.mark.deep
def test_restore_of_all(site, backup):
    _, armed, back = deploying.rows()[RESTIC]
    watch = deploying.Watch(place.ROOT)
    site.run(without(backup, r"--exclude \S+", r"\\\n"), check=False)
    assert MODIFIED in watch.seen("default")
    assert armed == "stay" and site.ask(ARMED).body == INSTALL
    came_back(site, back, default=FIRST)


# Git


@pytest.fixture
def clone(site):
    """The tree is a clone of ~/boot, and ~/boot has a newer commit."""
    needs("git")
    site.serve()
    site.run("git init -q -b main ~/boot")

    def start(committed):
        # The links that the machines are armed by.
        for name in (f"once/{SERVED}", f"until/{DONE}") if committed else ():
            os.makedirs(os.path.dirname(f"{site.boot}/{name}"))
            os.symlink(TARGET, f"{site.boot}/{name}")
            os.unlink(site.tree.full(name))
        for name in "default", "debian", "obsolete":
            site.run(f"cp -a {place.ROOT}/{name} ~/boot/")
        site.run(f"""
            cd ~/boot
            git add .
            git commit -qm first
            cd {place.ROOT}
            git init -q -b main
            git remote add origin ~/boot
            git fetch -q
            git reset -q --hard origin/main
            git branch -q -u origin/main""")
        site.live()
        with open(f"{site.boot}/default", "wb") as file:
            file.write(SECOND)
        site.run("git -C ~/boot commit -qam second")

    return start


@pytest.mark.parametrize("ignored", [True, False])
def test_git(site, clone, ignored):
    clone(False)
    if ignored:
        site.run(commands("Git", "cd ~/boot"))
    before, watch = site.own(), deploying.Watch(place.ROOT)
    replaced, armed, _ = deploying.rows()[GIT_PULL]
    site.run(f"git -C {place.ROOT} pull -q")
    assert watch.seen("default") == REPLACED[replaced]
    assert armed == "stay" and site.own() == before
    site.run(f"cd {place.ROOT}\ngit clean -qfd")
    if not ignored:
        assert deploying.rows()[GIT_CLEAN] == ["not at all", "deleted", "stays away"]
        assert not [name for name in OWN if site.tree.is_there(name)]
        return
    site.run(f"cd {place.ROOT}\ntouch more\ngit stash -qu")
    assert site.own() == before
    as_before(site)
    site.run(f"git -C {place.ROOT} clean -qfdx")
    assert not [name for name in OWN if site.tree.is_there(name)]


def test_git_stash_takes_links_away(site, clone):
    clone(False)
    site.run(f"git -C {place.ROOT} stash -qu")
    assert not site.tree.is_there(f"once/{ARMED}")
    assert site.ask(SERVED).body == FIRST


@pytest.mark.parametrize("command", GIT_RESET.replace(" and", ",").split(", "))
def test_git_with_a_committed_link(site, clone, command):
    clone(True)
    assert deploying.rows()[GIT_RESET][1:] == [
        "stay", "if it is committed, comes back as new"]
    site.run(f"git -C {place.ROOT} pull -q")
    assert site.ask(SERVED).body == SECOND
    site.run(f"cd {place.ROOT}\n{command.strip('`')} -q")
    assert site.ask(ARMED).body == INSTALL
    came_back(site, "comes back as new")


def test_git_pull_with_a_committed_link(site, clone):
    clone(True)
    assert deploying.rows()[GIT_PULL][2] == \
        "if it is committed, comes back as new when its target is changed"
    site.run(f"git -C {place.ROOT} pull -q")
    assert site.ask(SERVED).body == SECOND
    site.run(f"""
        cd ~/boot
        ln -sfn ../debian/13/./default once/{SERVED}
        git commit -qam third
        git -C {place.ROOT} pull -q""")
    assert site.ask(SERVED).body == INSTALL


# A directory of its own


def test_releases(site):
    """Each is there at once, and the web server may follow."""
    needs("rsync")
    site.copy(False)
    for name in "default", "debian", "obsolete":
        site.run(f"mv {place.ROOT}/{name} ~/boot/first-{name}")
    shutil.move(f"{site.home}/boot/first-default", f"{site.home}/first")
    site.run("rm -r ~/boot/first-*\nmkdir -p ~/boot/rocky")
    links = commands("Into a directory of its own", "ln")
    deploy = commands("Into a directory of its own", "rsync")
    older = deploy.replace("os.42", "os.41")
    site.run("cp -a ~/boot ~/newer\ncp ~/first ~/boot/default\n" + older)
    site.run(links)
    site.serve()
    site.live()
    before, watch = site.own(), deploying.Watch(place.ROOT)
    site.run("rm -r ~/boot\nmv ~/newer ~/boot")
    with asking(site):
        site.run(deploy)
    assert watch.seen("os") == AT_ONCE
    assert site.own() == before
    as_before(site)
    site.run(f"ln -sfn os.41 {place.ROOT}/os")
    assert site.ask(NOBODY).body == FIRST


# What else the page says


def test_static_of_the_copy(site):
    """Without two options of the list, and only without these."""
    needs("rsync")
    site.serve()
    site.copy(True)
    site.live()
    for client in "10.0.0.14", "10.0.0.15":
        where = site.boot if client.endswith("15") else place.ROOT
        os.symlink(TARGET, f"{where}/static/{client}")
    before = site.own("once", "until", "names")
    site.run(without(commands("rsync", "rsync"), "--exclude=/static ",
                     "--exclude=/subnet "))
    assert site.own("once", "until", "names") == before
    assert site.ask("10.0.0.14").body == SECOND
    assert site.ask("10.0.0.15").body == INSTALL
    as_before(site)


@pytest.mark.skipif(not place.AS_ROOT, reason="it takes two users")
@pytest.mark.parametrize("command", ["rsync -a --delete", "cp -a", "cp -r"])
def test_a_user_of_its_own(site, command):
    """A user without rights to the links can't change them, whatever the options."""
    needs(command.split()[0])
    site.serve()
    site.copy(True)
    site.live()
    site.chown_to_deploy()
    before = site.own()
    done = site.run(f"{command} ~/boot/. {place.ROOT}/", check=False,
                    **deploying.DEPLOY)
    assert done.returncode and "Permission denied" in done.stdout
    assert site.own() == before
    as_before(site)


@pytest.mark.skipif(not place.AS_ROOT, reason="it takes two users")
def test_empty_directories_and_a_user_of_its_own(site):
    needs("rsync")
    site.copy(False)
    for name in "names", "static", "once", "until":
        site.tree.clear_directory(name)
    site.serve()
    site.chown_to_deploy()
    site.run(f"rsync -a --delete ~/boot/ {place.ROOT}/", check=False,
             **deploying.DEPLOY)
    assert {name for name in OWN if not site.tree.is_there(name)} == {
        "names", "static"}


def test_machines_boot_meanwhile(site):
    """Each is served exactly once, and none is lost."""
    needs("rsync")
    site.serve()
    site.copy(True)
    machines = [f"10.0.2.{n}" for n in range(200)]
    for machine in machines:
        site.tree.add(f"once/{machine}", Link(TARGET))
    end = threading.Event()

    def deploy():
        while not end.is_set():
            for content in SECOND, FIRST:
                with open(f"{site.boot}/default", "wb") as file:
                    file.write(content)
                rsync(site)

    deployer = threading.Thread(target=deploy)
    with concurrent.futures.ThreadPoolExecutor(4) as pool, asking(site):
        deployer.start()
        try:
            answers = list(pool.map(
                lambda machine: [site.ask(machine).body for _ in range(3)],
                machines))
        finally:
            end.set()
            deployer.join()
    assert all(first == INSTALL and not {second, third} - {FIRST, SECOND}
               for first, second, third in answers)
    until(lambda: not site.tree.claimed(), "the last one is settled")
    assert all(site.tree.is_there(f"once/.served/{machine}")
               for machine in machines)


def test_grub(site):
    """A machine has removed its file; it must not come back."""
    needs("rsync")
    option = re.search(r"add `(--exclude='/grub.*?)`", deploying.section("rsync"))[1]
    site.copy(False)
    for path in (site.boot, place.ROOT):
        os.makedirs(f"{path}/grub/2")
    for path in (f"{site.boot}/grub/2/grub.cfg-0A000008",
                 f"{place.ROOT}/grub/2/grub.cfg-0A000007",
                 f"{site.boot}/grub/2/grub.cfg"):
        with open(path, "w"):
            pass
    site.run(commands("rsync", "rsync").replace("--delete", f"--delete {option}"))
    assert sorted(os.listdir(f"{place.ROOT}/grub/2")) == [
        "grub.cfg", "grub.cfg-0A000007"]


@pytest.mark.skipif(not place.AS_ROOT, reason="only root gives files away")
@pytest.mark.parametrize("command", ["rsync -a", "cp -a"])
def test_a_copy_that_is_the_administrators(site, command):
    needs(command.split()[0])
    site.serve()
    site.copy(True)
    site.live()
    for name in "once", "until":
        os.chown(f"{site.boot}/{name}", 0, 0)
        os.chmod(f"{site.boot}/{name}", 0o755)
    site.run(f"{command} ~/boot/. {place.ROOT}/")
    for client in ARMED, SERVED:
        got = site.ask(client)
        assert (got.status, INSTALL in got.body) == (503, False)
    assert "once" in ctl.run("check").out
    user, group = place.OWNER
    ctl.good("chown", f"{user}:{group}")
    assert site.ask(ARMED).body == INSTALL


def test_another_tree_in_the_place_of_the_root(site):
    site.tree.make({"site/default": FIRST, "site/os/boot": INSTALL,
                    f"site/once/{ARMED}": Link("../os/boot"),
                    "new/default": SECOND, "new/os/boot": INSTALL,
                    f"new/once/{SERVED}": Link("../os/boot")})
    root = site.tree.full("site")
    site.serve(PXESRV_ROOT=root)
    assert site.ask(NOBODY).body == FIRST
    site.run(f"cd {place.ROOT}\nmv site old\nmv new site")
    assert site.ask(ARMED).status == 503
    until(lambda: not site.responder.is_running(), "it ends")
    site.serve(PXESRV_ROOT=root)
    assert site.ask(ARMED).body == SECOND
    assert site.ask(SERVED).body == INSTALL
    assert site.tree.is_there(f"old/once/{ARMED}")


@pytest.mark.deep
def test_a_module_that_is_a_link(site):
    """What the page warns of."""
    needs("puppet")
    site.serve()
    site.copy(False)
    site.live()
    site.manifest(fenced("Puppet", "puppet"), link=True)
    assert os.listdir(place.ROOT) == []


def test_web_servers(web_server, site):
    """They follow the links to a directory of its own, but not to .git/."""
    site.tree.make({"os/rocky/kickstart": "answers\n",
                    "rocky": Link("os/rocky"), ".git/config": "[core]\n"})
    for name in "os", "os/rocky", "os/rocky/kickstart", "rocky":
        os.chown(site.tree.full(name), os.getuid(), os.getgid(),
                 follow_symlinks=False)
    assert web_server.ask("/rocky/kickstart").body == b"answers\n"
    assert web_server.ask("/.git/config").status == 404
