# SPDX-License-Identifier: MIT
"""pxesrvctl: who is meant, and the entries that it makes and takes away."""
import concurrent.futures
import grp
import os
import resource
import subprocess

import pytest

import answer
import ctl
import fastcgi
import place
from cases import MENU, OS
from deployments import meta_variables
from place import until
from tree import Directory, Link

CLIENT = "127.0.0.7"
TREE = {"default": MENU, "os/boot": OS, "os/other": OS + "#",
        "once": Directory(), "static": Directory()}


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    return tree


def armed(tree):
    return sorted(name for name in os.listdir(tree.full("once"))
                  if not name.startswith("."))


def ask(one, client=CLIENT):
    return answer.from_cgi(fastcgi.ask(
        one.path, meta_variables("GET", "/redirect", client)))


# Who is meant

@pytest.mark.parametrize("arguments, want", [
    (["10.0.0.7"], ["10.0.0.7"]),
    (["2001:DB8:0::7"], ["2001:db8::7"]),
    (["::ffff:10.0.0.7"], ["10.0.0.7"]),
    (["10.0.0.9-10.0.0.11"], ["10.0.0.10", "10.0.0.11", "10.0.0.9"]),
    (["10.0.0.255-10.0.1.0"], ["10.0.0.255", "10.0.1.0"]),
    (["10.0.0.4/30"], [f"10.0.0.{n}" for n in (4, 5, 6, 7)]),
    (["10.0.0.6/31"], ["10.0.0.6", "10.0.0.7"]),
    (["10.0.0.7/32", "10.0.0.7"], ["10.0.0.7"]),
    (["2001:db8::/127"], ["2001:db8::", "2001:db8::1"]),
    (["fe80::1%lo"], ["fe80::1"]),
    (["255.255.255.255-255.255.255.255"], ["255.255.255.255"]),
    (["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"],
     ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
])
def test_who_is_meant(tree, arguments, want):
    ctl.good("once", *arguments, "os/boot")
    assert armed(tree) == want


@pytest.mark.parametrize("bad", [
    "010.0.0.7", "10.1", "0x0a000007", "167772167", "10.0.0.300", "",
    "10.0.0.1/33", "10.0.0.0/8", "10.0.0.2-10.0.0.1", "10.0.0.1-::1",
    "2001:db8::/64", "2001:db8::/129", "10.0.0.1/-1", "10.0.0.1/",
    "host.invalid", "52:54:00:00:00:99", "52:54:00:00:00", "../x", ".lock",
    "10.0.0.7 ", "10.0.0.7/once", "10.0.0.1-2001:db8::1", "10.0.0.1-5"])
def test_one_that_is_nobody_does_not_stop_the_others(tree, bad):
    done = ctl.run("once", bad, "10.0.0.8", "os/boot")
    assert done.status == ctl.FOUND
    assert done.err.startswith(f"pxesrvctl: {bad}")
    assert done.lines == ["once/10.0.0.8 -> ../os/boot"]
    assert armed(tree) == ["10.0.0.8"]


def test_many_need_force(tree):
    done = ctl.run("once", "10.0.0.0/19", "os/boot")
    assert done.status == ctl.FOUND and "--force" in done.err
    assert armed(tree) == []
    ctl.good("once", "--force", "10.0.0.0/19", "os/boot")
    assert len(armed(tree)) == 8192


def test_standard_input(tree):
    done = ctl.run("once", "-", "os/boot", stdin=(
        "10.0.0.1\n  10.0.0.2 10.0.0.3 # the third\n\n# none\nnobody!\n"
        "10.0.0.8/31"))
    assert armed(tree) == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.8",
                           "10.0.0.9"]
    assert done.status == ctl.FOUND and done.err.count("\n") == 1


@pytest.mark.parametrize("line", [
    "10.0.0.2\0", "10.0.0.2 \0 10.0.0.3", "\0", "# none\0",
    "10.0.0.2 # no\0ne"])
@pytest.mark.parametrize("end", ["\n10.0.0.8\n", "\n10.0.0.8", ""])
def test_a_line_with_nul_is_left_out(tree, line, end):
    done = ctl.run("once", "-", "os/boot", stdin=f"10.0.0.1\n{line}{end}")
    assert armed(tree) == ["10.0.0.1"] + ["10.0.0.8"] * bool(end)
    assert done.status == ctl.FOUND
    assert done.err == ("pxesrvctl: standard input, line 2: left out, since "
                        "it has a NUL byte\n")


LINE_MOST = 65535  # bytes


def test_a_line_may_be_long(tree):
    line = "10.0.0.2" + "#" * (LINE_MOST - 8)
    for text in (line, line + "\n", line[:-1] + "\n10.0.0.3"):
        ctl.good("once", "-", "os/boot", stdin=text)
    assert armed(tree) == ["10.0.0.2", "10.0.0.3"]


@pytest.mark.parametrize("start", ["10.0.0.2", "10.0.0.2\0", "10.0.0.2 #"])
@pytest.mark.parametrize("end", ["\n10.0.0.8\n", "\n10.0.0.8", ""])
def test_a_line_that_is_too_long_is_left_out(tree, start, end):
    line = start + " " * (LINE_MOST + 1 - len(start))
    done = ctl.run("once", "-", "os/boot", stdin=f"10.0.0.1\n{line}{end}")
    assert armed(tree) == ["10.0.0.1"] + ["10.0.0.8"] * bool(end)
    assert done.status == ctl.FOUND
    assert done.err == ("pxesrvctl: standard input, line 2: left out, since "
                        f"it is longer than {LINE_MOST} bytes\n")


@pytest.mark.skipif(place.IS_SANITIZED, reason="it needs room of its own")
@pytest.mark.parametrize("fill", [b" ", b"\0", b"x"])
def test_a_line_without_an_end_takes_no_memory(tree, fill):
    room = 24 << 20
    with subprocess.Popen(
            [place.CTL, "once", "-", "os/boot"], stdin=subprocess.PIPE,
            stderr=subprocess.PIPE, env=place.clean_env(PXESRV_ROOT=place.ROOT),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS,
                                                  (room, room))) as process:
        process.stdin.write(b"10.0.0.1\n10.0.0.2 ")
        for _ in range(4 * room >> 20):
            process.stdin.write(fill * (1 << 20))
        said = process.communicate(b"\n10.0.0.8", place.PATIENCE)[1]
    assert (process.returncode, said.count(b"\n")) == (ctl.FOUND, 1)
    assert b"line 2: left out" in said
    assert armed(tree) == ["10.0.0.1", "10.0.0.8"]


def test_a_name_that_is_not_for_a_terminal(tree):
    done = ctl.run("explain", "bad\x1b[31mname", "10.0.0.7\n")
    assert done.status == ctl.FOUND and "\x1b" not in done.err
    assert r"bad\x1B[31mname: " in done.err
    done = ctl.run("once", CLIENT, "os/\x1b[31m")
    assert done.status == ctl.FOUND and "\x1b" not in done.err


# Targets

@pytest.mark.parametrize("target, text", [
    ("os/boot", "../os/boot"),
    (place.ROOT + "/os/boot", "../os/boot"),
    (place.ROOT + "//os/./boot", "../os/./boot"),
    ("default", "../default"),
    ("latest/boot", "../latest/boot"),
])
def test_targets(tree, target, text):
    tree.make({"latest": Link("os")})
    done = ctl.good("once", CLIENT, target)
    assert done.out == f"once/{CLIENT} -> {text}\n"
    assert tree.link(f"once/{CLIENT}") == text


@pytest.mark.parametrize("target, reason", [
    ("nowhere", "No such file or directory"),
    ("os", "Is a directory"),
    ("loop", "Too many levels of symbolic links"),
    ("/etc/hostname",
     "Outside the directories that files may come from"),
    ("../../etc/hostname",
     "Outside the directories that files may come from"),
    ("", "the last argument must be a boot file"),
])
@pytest.mark.parametrize("command", ["once", "static"])
def test_targets_that_would_not_be_served(tree, command, target, reason):
    tree.make({"loop": Link("loop")})
    done = ctl.run(command, CLIENT, target)
    assert done.status == ctl.FOUND and reason in done.err
    assert not os.path.lexists(tree.full(f"{command}/{CLIENT}"))


def test_a_target_that_is_allowed(tree):
    image = place.SERVERS + "/image"
    with open(image, "w") as file:
        file.write(MENU)
    ctl.good("once", CLIENT, image, env={"PXESRV_ALLOW": place.SERVERS})
    assert tree.link(f"once/{CLIENT}") == image


def test_a_root_that_is_a_link(tree, tmp_path):
    link = tmp_path / "root"
    link.symlink_to(place.ROOT)
    ctl.good("once", "-r", str(link), CLIENT, f"{link}/os/boot")
    ctl.good("-r", str(link), "once", "10.0.0.8", f"{place.ROOT}/os/boot")
    ctl.good("once", "-r", "root", "10.0.0.9", "os/boot", cwd=tmp_path)
    assert {tree.link(f"once/{c}") for c in (CLIENT, "10.0.0.8", "10.0.0.9")
            } == {"../os/boot"}


def test_a_file_that_no_firmware_runs(tree):
    tree.make({"os/text": "echo\n"})
    done = ctl.run("once", CLIENT, "os/text")
    assert done.status == ctl.OK
    assert "does not begin with #!ipxe" in done.err
    assert tree.link(f"once/{CLIENT}") == "../os/text"


@pytest.mark.skipif(not place.AS_ROOT, reason="only root has others' eyes")
def test_root_looks_as_the_responder(tree):
    with open(tree.full("os/boot"), "r") as file:
        os.fchmod(file.fileno(), 0o600)
        os.fchown(file.fileno(), 0, 0)
    tree._own(tree.full("once"))
    done = ctl.run("once", CLIENT, "os/boot")
    assert done.status == ctl.FOUND and "Permission denied" in done.err
    assert ctl.run("once", "-u", "root", CLIENT, "os/boot").status == ctl.OK
    assert ctl.run("once", "-u", "nobody-of-that-name", CLIENT,
                   "os/boot").status == ctl.USAGE


@pytest.mark.skipif(not place.AS_ROOT, reason="only root has others' eyes")
def test_only_root_looks_as_another(tree):
    done = ctl.run("explain", "-u", "root", CLIENT, **place.AS_USER)
    assert done.status == ctl.USAGE and "only root" in done.err


@pytest.mark.parametrize("command, client, target", [
    ("static", "10.0.0.7", "static/10.0.0.7"),
    ("static", "10.0.0.6-10.0.0.7", "static/10.0.0.7"),
    ("static", "10.0.0.8", "static/10.0.0.9"),
    ("static", "10.0.0.8", "os/../static/10.0.0.9"),
])
def test_an_entry_is_not_made_its_own_target(tree, command, client, target):
    tree.make({"static/10.0.0.7": OS, "static/10.0.0.8": Link("../os/boot"),
               "static/10.0.0.9": Link("10.0.0.8")})
    done = ctl.run(command, "--force", client, target)
    assert done.status == ctl.FOUND and "through this entry" in done.err
    assert not os.path.islink(tree.full("static/10.0.0.7"))
    assert tree.link("static/10.0.0.8") == "../os/boot"
    # Others may have it.
    ctl.good("static", "10.0.0.5", target)
    ctl.good("once", "10.0.0.5", target)


def test_a_one_time_link_is_no_target(tree):
    tree.make({"once/10.0.0.9": Link("../os/boot")})
    done = ctl.run("static", CLIENT, "once/10.0.0.9")
    assert done.status == ctl.FOUND and "a once link cannot be a target" in done.err


def test_directories_that_are_links(tree):
    """As of people who have once/ and static/ elsewhere."""
    for name in ("once", "static"):
        os.rmdir(tree.full(name))
        os.makedirs(tree.full(f"var/lib/{name}"))
        os.chown(tree.full(f"var/lib/{name}"), *place.OWNER)
        os.symlink(f"var/lib/{name}", tree.full(name))
    for command in ("once", "static"):
        ctl.good(command, CLIENT, "os/boot")
        assert tree.link(f"{command}/{CLIENT}") == place.ROOT + "/os/boot"
    assert ctl.good("explain", CLIENT).lines[-1].startswith("  200 os/boot")


def test_static_without_once(tree):
    os.rmdir(tree.full("once"))
    ctl.good("static", CLIENT, "os/boot")
    assert tree.link(f"static/{CLIENT}") == "../os/boot"


@pytest.mark.skipif(not place.AS_ROOT, reason="it is root who is misled")
def test_root_follows_no_directory_of_others(tree, tmp_path):
    (tmp_path / CLIENT).write_text("root's own")
    for name in ("once", "static"):
        os.rmdir(tree.full(name))
        tree.add(name, Link(str(tmp_path)))
    for arguments in (["static", "--force", CLIENT, "os/boot"],
                      ["once", CLIENT, "os/boot"], ["rearm", CLIENT],
                      ["forget", "--force", CLIENT], ["cancel", CLIENT]):
        done = ctl.run(*arguments)
        assert done.status == ctl.FOUND, arguments
    assert os.listdir(tmp_path) == [CLIENT]
    assert (tmp_path / CLIENT).read_text() == "root's own"


@pytest.mark.skipif(not place.AS_ROOT, reason="it is about root")
def test_root_makes_nothing_where_once_is_its_own(tree):
    """The responder could not use it."""
    os.chmod(tree.full("once"), 0o775)
    os.chown(tree.full("once"), 0, place.OWNER[1])
    ctl.good("once", CLIENT, "os/boot")
    done = ctl.run("cancel", CLIENT)
    assert done.status == ctl.FOUND and "-u" in done.err
    assert os.listdir(tree.full("once")) == [CLIENT]
    os.chown(tree.full("once"), *place.OWNER)
    ctl.good("cancel", CLIENT)
    assert {os.stat(tree.full(f"once/{name}")).st_uid
            for name in (".lock", ".claimed", ".served", ".cancelled")} == {
                place.OWNER[0]}


@pytest.mark.skipif(not place.AS_ROOT, reason="it is about root")
def test_root_that_can_not_become_another(tree):
    tree.make({f"once/{CLIENT}": Link("../os/boot")})
    without = ["setpriv", "--bounding-set", "-setuid,-setgid", place.CTL]
    env = place.clean_env(PXESRV_ROOT=place.ROOT)
    done = subprocess.run([*without, "list"], env=env, capture_output=True,
                          text=True)
    assert done.returncode == 0 and done.stdout.startswith(CLIENT)
    assert "looking at the tree as root" in done.stderr
    done = subprocess.run([*without, "list", "-u", "www-data"], env=env,
                          capture_output=True, text=True)
    assert done.returncode == 71


# Entries

def test_what_it_replaces(tree):
    ctl.good("once", CLIENT, "os/boot")
    done = ctl.good("once", CLIENT, "os/other")
    assert done.out == (
        f"once/{CLIENT} -> ../os/other (instead of ../os/boot)\n")
    done = ctl.good("static", CLIENT, "os/boot")
    assert done.out == f"static/{CLIENT} -> ../os/boot\n"


@pytest.mark.parametrize("directory", ["once", "static"])
def test_a_file_is_not_replaced(tree, directory):
    tree.make({f"{directory}/{CLIENT}": "mine"})
    done = ctl.run(directory, CLIENT, "10.0.0.8", "os/boot")
    assert done.status == ctl.FOUND and f"{directory}/{CLIENT}:" in done.err
    assert os.path.isfile(tree.full(f"{directory}/{CLIENT}"))
    assert not os.path.islink(tree.full(f"{directory}/{CLIENT}"))
    assert tree.link(f"{directory}/10.0.0.8") == "../os/boot"
    assert sorted(os.listdir(tree.full(directory))) == ["10.0.0.8", CLIENT]


def test_force_replaces_and_forgets_a_file_in_static(tree):
    path = f"static/{CLIENT}"
    tree.make({path: "mine", "static/10.0.0.8": "mine",
               "static/10.0.0.9": Directory()})
    ctl.good("static", "--force", CLIENT, "os/boot")
    assert tree.link(path) == "../os/boot"
    assert ctl.good("forget", CLIENT).out == f"{path} -> ../os/boot\n"
    assert not os.path.lexists(tree.full(path))
    done = ctl.run("forget", CLIENT, "10.0.0.8")
    assert done.status == ctl.FOUND and "--force" in done.err
    assert "there is none" in done.err
    assert os.path.isfile(tree.full("static/10.0.0.8"))
    ctl.good("forget", "--force", "10.0.0.8")
    assert os.listdir(tree.full("static")) == ["10.0.0.9"]
    done = ctl.run("static", "--force", "10.0.0.9", "os/boot")
    assert done.status == ctl.FOUND
    assert "a directory is there" in done.err
    assert os.path.isdir(tree.full("static/10.0.0.9"))
    assert ctl.run("forget", "--force", "10.0.0.9").status == ctl.FOUND


def test_there_is_no_once(tree):
    os.rmdir(tree.full("once"))
    done = ctl.run("once", CLIENT, "os/boot")
    assert done.status == ctl.FOUND and f"{place.ROOT}/once: No such file" in done.err
    assert ctl.run("cancel", CLIENT).status == ctl.FOUND
    assert ctl.run("rearm", CLIENT).status == ctl.FOUND
    assert ctl.good("list").out == ""


def test_cancel_and_rearm(responder, tree):
    one = responder(PXESRV_ONCE_GRACE="3600")
    ctl.good("once", CLIENT, "os/boot")
    assert ctl.good("cancel", CLIENT).out == f"once/{CLIENT} -> ../os/boot\n"
    assert tree.link(f"once/.served/{CLIENT}") is None
    assert [tree.link(f"once/.cancelled/{name}")
            for name in os.listdir(tree.full("once/.cancelled"))] == [
        "../os/boot"]
    # It was never served, so there is no grace for it.
    assert ask(one).body == MENU.encode()
    done = ctl.run("cancel", CLIENT)
    assert (done.status, done.err) == (
        ctl.FOUND, f"pxesrvctl: once/{CLIENT}: not armed\n")
    assert ctl.good("list", "served").out.split("\t")[:3] == [
        CLIENT, "cancelled", "-"]

    ctl.good("rearm", CLIENT)
    assert ask(one).body == OS.encode()
    until(lambda: not tree.claimed(), "it is settled")
    assert [line.split("\t")[1] for line in
            ctl.good("list", "served").lines] == ["served", "cancelled"]
    # What came last, whichever that is.
    ctl.good("once", CLIENT, "os/other")
    ctl.good("cancel", CLIENT)
    assert ctl.good("rearm", CLIENT).out == f"once/{CLIENT} -> ../os/other\n"
    ctl.good("once", CLIENT, "os/boot")
    assert ask(one).body == OS.encode()
    until(lambda: not tree.claimed(), "it is settled")
    ctl.good("rearm", CLIENT)
    assert ask(one).body == OS.encode()
    done = ctl.run("rearm", "10.0.0.1")
    assert done.status == ctl.FOUND and "nothing was served" in done.err


def test_a_broken_link_can_be_cancelled_but_not_rearmed(tree):
    tree.make({f"once/{CLIENT}": Link("../nowhere")})
    ctl.good("cancel", CLIENT)
    done = ctl.run("rearm", CLIENT)
    assert done.status == ctl.FOUND and "No such file" in done.err
    assert armed(tree) == []
    tree.make({f"once/{CLIENT}": "a file"})
    assert ctl.run("cancel", CLIENT).status == ctl.FOUND
    assert armed(tree) == [CLIENT]


@pytest.mark.skipif(not place.AS_ROOT, reason="only root makes other users")
@pytest.mark.parametrize("mode", [0o2775, 0o3770])
def test_a_group_of_administrators(responder, tree, mode):
    """README's chmod 2775, and what tmpfiles.conf makes: all but root's own
    doings."""
    os.chmod(tree.full("once"), mode)
    os.chown(tree.full("once"), place.OWNER[0], 4242)
    one = responder()
    admin = dict(user=4241, group=4240, extra_groups=[4242])
    for _ in range(2):
        ctl.good("once", CLIENT, "os/boot", **admin)
        ctl.good("cancel", CLIENT, **admin)
        ctl.good("rearm", CLIENT, **admin)
        assert ask(one).body == OS.encode()
        until(lambda: not tree.claimed(), "it is settled")
    ctl.good("check", **admin)
    one.stop()
    # What the responder makes in once/, they don't: it could not use it.
    for name in (".claimed", ".served", ".cancelled"):
        tree.clear_directory(f"once/{name}")
        os.rmdir(tree.full(f"once/{name}"))
    os.unlink(tree.full("once/.lock"))
    ctl.good("once", CLIENT, "os/boot", **admin)
    done = ctl.run("cancel", CLIENT, **admin)
    assert done.status == ctl.FOUND and "has never run on this tree" in done.err
    assert os.listdir(tree.full("once")) == [CLIENT]
    # Root does it as the responder's user.
    ctl.good("cancel", CLIENT)
    ctl.good("rearm", CLIENT)
    assert ask(responder()).body == OS.encode()


@pytest.mark.skipif(not place.AS_ROOT, reason="only root makes other users")
@pytest.mark.parametrize("command, directory", [
    (["once", CLIENT, "os/boot"], "once"),
    (["static", CLIENT, "os/boot"], "static"), (["forget", CLIENT], "static"),
    (["cancel", CLIENT], "until"), (["cancel", "10.0.0.99"], "once")])
@pytest.mark.parametrize("mode, group, named", [
    (0o2775, 1, True), (0o2755, 1, False), (0o2775, 4242, False),
    (0o2775, 0, False)])
def test_who_may_is_named(tree, command, directory, mode, group, named):
    """Group 1 has a name everywhere, 4242 has none."""
    path = tree.full(directory)
    os.makedirs(path, exist_ok=True)
    if command[0] in ("forget", "cancel"):
        os.symlink("../os/boot", f"{path}/{CLIENT}")
        ctl.good("cancel", "10.0.0.99", "--missing-ok")  # makes .cancelled
    os.chown(path, place.OWNER[0], group)
    os.chmod(path, mode)
    done = ctl.run(*command, user=4241, group=4240, extra_groups=[])
    name = grp.getgrgid(1).gr_name
    advice = (f"; members of the group {name} may write there: "
              f"sudo usermod -aG {name} USER, then log in again")
    assert (done.status, done.err) == (
        ctl.FOUND, f"pxesrvctl: {directory}/{command[1]}: Permission denied"
        f"{advice if named else ''}\n")


@pytest.mark.skipif(not place.AS_ROOT, reason="only root makes other users")
def test_a_member_is_not_told_to_join(tree):
    path = tree.full("static")
    os.chown(path, place.OWNER[0], 1)
    os.chmod(path, 0o765)
    done = ctl.run("static", CLIENT, "os/boot", user=4241, group=4240,
                   extra_groups=[1])
    assert (done.status, done.err) == (
        ctl.FOUND, f"pxesrvctl: static/{CLIENT}: Permission denied\n")


# Races

def test_two_at_the_same_time(tree):
    """Each time one of the two, and nothing else is left."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            done = list(pool.map(
                lambda target: ctl.run("once", CLIENT, target),
                ("os/boot", "os/other")))
            assert [d.status for d in done] == [ctl.OK, ctl.OK]
            assert armed(tree) == [CLIENT]
            assert tree.link(f"once/{CLIENT}") in ("../os/boot",
                                                   "../os/other")
            assert os.listdir(tree.full("once")) == [CLIENT]
            # The one that came second says so.
            assert sum("instead of" in d.out for d in done) >= 1 or \
                armed(tree)


def test_arming_and_cancelling_while_it_is_asked(responder, tree):
    """Each arming is served once, cancelled, or one with the next, and never
    lost."""
    one = responder()
    served = cancelled = replaced = armings = 0
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for _ in range(100):
            arm = pool.submit(ctl.run, "once", CLIENT, "os/boot")
            got = pool.submit(ask, one)
            cancel = pool.submit(ctl.run, "cancel", CLIENT)
            assert arm.result().status == ctl.OK
            armings += 1
            replaced += "unchanged" in arm.result().out
            served += got.result().body == OS.encode()
            cancelled += cancel.result().status == ctl.OK
    until(lambda: not tree.claimed(), "it is settled")
    assert armings == served + cancelled + replaced + len(armed(tree))


def names_in(tree, directory, begin=""):
    try:
        return [f"{directory}/{name}"
                for name in os.listdir(tree.full(directory))
                if name.startswith(begin)]
    except FileNotFoundError:
        return []


def what_is_left(tree):
    """The link, wherever it is; and what must not be anywhere."""
    left = names_in(tree, "once", ".arm-")
    links = [tree.link(path) for path in
             [f"once/{CLIENT}", *names_in(tree, "once/.cancelled", "127"),
              *left]]
    return links, left


def begin_anew(tree, *left):
    for path in (f"once/{CLIENT}", *names_in(tree, "once/.cancelled"), *left):
        if os.path.lexists(tree.full(path)):
            os.unlink(tree.full(path))
    tree.arm(CLIENT, "../os/boot")


@pytest.mark.parametrize("command", [
    ["once", CLIENT, "os/other"], ["cancel", CLIENT]])
def test_killed_at_each_call(tree, tmp_path, command):
    """It leaves the old link, or the new one; a cancelled one is somewhere."""
    begin_anew(tree)
    calls = list(ctl.calls_of(command, str(tmp_path / "calls")))
    assert ("renameat2" if command[0] == "once" else "renameat", 1) in calls
    seen, left, killed = set(), [], 0
    for name, number in calls:
        # What a cancel leaves may be the only place of the link.
        begin_anew(tree, *(left if command[0] == "cancel" else ()))
        done = ctl.under_strace(
            "-o", "/dev/null", "-e", f"trace={name}", "-e",
            f"inject={name}:signal=KILL:when={number}", command=command)
        killed += done.returncode == -9
        # The first time it had more to do.
        assert done.returncode in (-9, 0), (name, number)
        links, left = what_is_left(tree)
        if command[0] == "once":
            assert links[0] in ("../os/boot", "../os/other"), (name, number)
            seen.add(links[0])
        else:
            assert "../os/boot" in links, (name, number)
            seen.add(links[0])
    assert len(seen) == 2, "it was killed before, and after"
    assert killed > len(calls) * 0.8
    if command[0] == "once":
        # Told with the way to mend it, when it can't be under way any more.
        assert left
        until(lambda: all(name in ctl.run("check").out for name in left),
              "check finds them")
    begin_anew(tree)


# The command line

@pytest.mark.parametrize("arguments, status, text", [
    ([], ctl.USAGE, "usage: pxesrvctl"),
    (["-h"], ctl.OK, "usage: pxesrvctl"),
    (["-V"], ctl.OK, "pxesrvctl "),
    (["frob"], ctl.USAGE, "frob: no such command"),
    (["once"], ctl.USAGE, "usage: pxesrvctl once"),
    (["once", "10.0.0.7"], ctl.USAGE, "usage: pxesrvctl once"),
    (["once", "-h"], ctl.OK, "usage: pxesrvctl once"),
    (["--frob"], ctl.USAGE, "pxesrvctl: unrecognized option '--frob'\nusage: "),
    (["once", "-x", "10.0.0.7", "os/boot"], ctl.USAGE,
     "pxesrvctl: invalid option -- 'x'\nusage: pxesrvctl once"),
    (["list", "--root"], ctl.USAGE,
     "pxesrvctl: option '--root' requires an argument\nusage: pxesrvctl list"),
    (["once", "--follow", "10.0.0.7", "os/boot"], ctl.USAGE,
     "once has no option --follow"),
    (["check", "more"], ctl.USAGE, "usage: pxesrvctl check"),
    (["-r", "/nowhere", "list"], 1, "/nowhere: No such file or directory"),
    (["list", "frob"], ctl.USAGE, "list frob"),
])
def test_the_command_line(tree, arguments, status, text):
    done = ctl.run(*arguments)
    assert done.status == status
    assert text in (done.out if status == ctl.OK else done.err)


def test_the_help_fits_a_screen(tree):
    overview = ctl.good("-h")
    assert len(overview.lines) <= 24
    commands = [line.split()[0] for line in overview.lines
                if line.startswith("  ") and not line.startswith("   ")]
    assert len(commands) == 17
    for command in commands:
        lines = ctl.good(command, "-h").lines
        assert len(lines) <= 24
        assert all(len(line) <= 80 for line in lines), lines


def test_a_bad_setting_is_named(tree):
    done = ctl.run("list", env={"PXESRV_ONCE_GRACE": "soon"})
    assert done.status == 78 and "PXESRV_ONCE_GRACE=soon" in done.err


@pytest.mark.parametrize("command", [
    ["once", CLIENT, "os/boot"], ["-h"], ["-V"], ["once", "-h"]])
def test_output_that_can_not_be_written(tree, command):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [place.CTL, *command], stdout=full,
            stderr=subprocess.PIPE, text=True,
            env=place.clean_env(PXESRV_ROOT=place.ROOT))
    assert done.returncode == 1 and "No space left" in done.stderr
