# SPDX-License-Identifier: MIT
"""The boot scripts that pxesrvctl makes."""
import os
import subprocess

import pytest

import place

MIRROR = "http://mirror.example.org"
ROCKY = MIRROR + "/rocky/9/BaseOS/x86_64/os"
NETBOOT = (MIRROR + "/debian/dists/bookworm/main/installer-amd64/current/"
           "images/netboot/debian-installer/amd64")
KS = "http://boot.example.org/rocky/ks.cfg"
KERNELS = {"kickstart": "vmlinuz initrd=initrd.img",
           "preseed": "linux initrd=initrd.gz"}
both = pytest.mark.parametrize("command", KERNELS)


def run(*arguments):
    return subprocess.run([place.CTL, *arguments], env=place.clean_env(),
                          capture_output=True, text=True, check=False)


def lines_of(*arguments):
    """The lines of a script, comments left out."""
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("#!ipxe\n")
    assert done.stdout.endswith("\nboot || goto failed\n")
    return [line for line in done.stdout.splitlines()
            if line and line[0] != "#"]


def command_line(lines):
    """What the kernel is told."""
    [line] = [line for line in lines if line.startswith("imgargs ")]
    return line.split()[2:]


# arguments, lines of the script
GOOD = [
    ("kickstart", ["--repo", ROCKY, KS],
     [f"set repo {ROCKY}", f"set answers {KS}",
      "imgfetch --name answers ${file} || goto failed",
      "set file ${repo}/images/pxeboot/vmlinuz",
      "kernel --name vmlinuz ${file} || goto failed",
      "set file ${repo}/images/pxeboot/initrd.img",
      "initrd --name initrd.img ${file} || goto failed",
      "imgargs vmlinuz initrd=initrd.img inst.repo=${repo} "
      "inst.ks=${answers} inst.text BOOTIF=01-${netX/mac:hexhyp}"]),
    ("kickstart", ["--repo", ROCKY],
     ["imgargs vmlinuz initrd=initrd.img inst.repo=${repo} "
      "BOOTIF=01-${netX/mac:hexhyp}"]),
    ("kickstart", ["--repo", ROCKY + "//"], [f"set repo {ROCKY}"]),
    ("kickstart", ["--repo", "rocky/9", "rocky/9/ks.cfg"],
     ["set repo ${pxesrv}rocky/9", "set answers ${pxesrv}rocky/9/ks.cfg"]),
    ("kickstart", ["--repo", "/rocky/9/", "/ks/"],
     ["set repo ${pxesrv}rocky/9", "set answers ${pxesrv}ks/"]),
    ("kickstart", ["--repo", "https://[2001:db8::1]:8080/os",
                   "ftp://u@h.example.org/ks?a=1&b=%20"],
     ["set repo https://[2001:db8::1]:8080/os",
      "set answers ftp://u@h.example.org/ks?a=1&b=%20"]),
    ("preseed", ["--repo", "debian/12", KS],
     ["set repo /debian/12", f"set answers {KS}",
      "imgfetch --name answers ${file} || goto failed",
      "set file ${repo}/linux",
      "kernel --name linux ${file} || goto failed",
      "set file ${repo}/initrd.gz",
      "initrd --name initrd.gz ${file} || goto failed",
      "imgargs linux initrd=initrd.gz interface=auto auto=true "
      "priority=critical url=${answers} netcfg/no_default_route=true "
      "netcfg/get_nameservers= BOOTIF=01-${netX/mac:hexhyp}"]),
    ("preseed", ["--repo", "tftp://boot.example.org/d"],
     ["set repo tftp://boot.example.org/d",
      "imgargs linux initrd=initrd.gz interface=auto "
      "BOOTIF=01-${netX/mac:hexhyp}"]),
    ("preseed", ["--repo", "nfs://boot.example.org/d"],
     ["set repo nfs://boot.example.org/d"]),
]


@pytest.mark.parametrize("release", ["9", "10"])
def test_the_example_tree_has_what_is_printed(release):
    path = os.path.join(place.SOURCE, f"public/rocky/{release}/default")
    with open(path) as file:
        assert run("kickstart", "--repo", ROCKY.replace("/9/", f"/{release}/"),
                   f"centos/{release}-stream/kickstart.cfg"
                   ).stdout == file.read()


@pytest.mark.parametrize("command, arguments, want", GOOD)
def test_a_script(command, arguments, want):
    lines = lines_of(command, *arguments)
    assert [line for line in lines if line in want] == want


@both
def test_each_jump_has_its_label(command):
    for answers in ([], [KS], ["ks.cfg"]):
        for repo in (ROCKY, "some/where"):
            lines = lines_of(command, "--repo", repo, *answers)
            labels = {line[1:] for line in lines if line[0] == ":"}
            jumps = {line.rpartition("goto ")[2] for line in lines
                     if "goto " in line}
            assert jumps <= labels


@both
def test_only_a_path_asks_for_the_url_of_this_server(command):
    assert not any("pxesrv" in line
                   for line in lines_of(command, "--repo", ROCKY, KS))
    lines = lines_of(command, "--repo", ROCKY, "ks.cfg")
    assert lines.index("isset ${pxesrv} || set pxesrv ${cwduri}") < \
        lines.index("set answers ${pxesrv}ks.cfg")


@pytest.mark.parametrize("repo, want", [
    (NETBOOT, ["mirror.example.org", "/debian"]),
    ("http://mirror.example.org:81/dists/x", ["mirror.example.org:81", "/"]),
    ("http://u:p@mirror.example.org/debian/dists/x", None),
    ("https://mirror.example.org/debian/dists/x", None),
    ("http://mirror.example.org", None),
    ("debian/dists/x", None)])
def test_the_mirror_of_the_installer_is_that_of_the_packages(repo, want):
    words = command_line(lines_of("preseed", "--repo", repo))
    mirror = [word for word in words if word.startswith("mirror/")]
    assert mirror == ([] if want is None else [
        "mirror/country=manual", f"mirror/http/hostname={want[0]}",
        f"mirror/http/directory={want[1]}", "mirror/http/proxy="])


@both
@pytest.mark.parametrize("text", [
    "console=ttyS0,115200", "a b=c", "--- quiet", "-x", 'a="b c"',
    "a=b#c;d|e&f$g'h", "a\\b", "a||b", "inst.sshd ip=dhcp"])
def test_more_for_the_command_line(command, text):
    words = command_line(lines_of(
        command, "--repo", ROCKY, f"--cmdline={text}", KS))
    assert words[-len(text.split()):] == text.split()


@both
def test_an_empty_text_adds_nothing(command):
    assert lines_of(command, "--repo", ROCKY, "--cmdline", "") == \
        lines_of(command, "--repo", ROCKY)


def refused(*arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (64, "")
    return done.stderr


# a URL, and how it is named
BAD_URLS = [
    ("", ""),
    ("/", "/"),
    ("//mirror.example.org/x", "//mirror.example.org/x"),
    ("http://", "http://"),
    ("http:///x", "http:///x"),
    ("http://:80/x", "http://:80/x"),
    ("http:x", "http:x"),
    ("HTTP://mirror.example.org/x", "HTTP://mirror.example.org/x"),
    ("file:///x", "file:///x"),
    ("nfs:mirror.example.org:/x", "nfs:mirror.example.org:/x"),
    ("http://h.example.org/a b", "http://h.example.org/a b"),
    (" http://h.example.org/", " http://h.example.org/"),
    ("http://h.example.org/\nshell", "http://h.example.org/\\x0Ashell"),
    ("http://h.example.org/\t", "http://h.example.org/\\x09"),
    ("http://h.example.org/${uuid}", "http://h.example.org/${uuid}"),
    ("http://h.example.org/#a", "http://h.example.org/#a"),
    ("http://h.example.org/a;b", "http://h.example.org/a;b"),
    ("http://h.example.org/a|b", "http://h.example.org/a|b"),
    ("http://h.example.org/a'b", "http://h.example.org/a'b"),
    ('http://h.example.org/a"b', "http://h.example.org/a\\x22b"),
    ("http://h.example.org/a\\", "http://h.example.org/a\\x5C"),
    ("http://h.example.org/\u00e4", "http://h.example.org/\\xC3\\xA4"),
    ("\x1b[31m", "\\x1B[31m"),
]


@both
@pytest.mark.parametrize("url, named", BAD_URLS)
def test_a_url_that_can_not_be_used(command, url, named):
    want = f"pxesrvctl: {named}: "
    assert refused(command, "--repo", url).startswith(want)
    assert refused(command, "--repo", ROCKY, url).startswith(want)


@pytest.mark.parametrize("arguments, named", [
    (["kickstart", "--repo", "tftp://h/x"], "tftp://h/x"),
    (["kickstart", "--repo", "nfs://h/x"], "nfs://h/x"),
    (["kickstart", "--repo", ROCKY, "tftp://h/x"], "tftp://h/x"),
    (["preseed", "--repo", NETBOOT, "tftp://h/x"], "tftp://h/x"),
    (["kickstart", "--repo", "http://h/x?y"], "http://h/x?y"),
    (["preseed", "--repo", "x?y"], "x?y")])
def test_a_url_that_is_of_no_use_there(arguments, named):
    assert refused(*arguments).startswith(f"pxesrvctl: {named}: ")


@both
@pytest.mark.parametrize("text, named", [
    ("a\nshell", "a\\x0Ashell"), ("a\tb", "a\\x09b"), ("\u00e4", "\\xC3\\xA4"),
    ("${uuid}", "${uuid}"), ("a=${net0/mac}", "a=${net0/mac}"),
    ("a #b", "a #b"), ("#", "#"), ("a || shell", "a || shell"),
    ("a && b", "a && b"), ("a ; b", "a ; b"), (";", ";"),
    ("a\\", "a\\x5C"), ('a="b', "a=\\x22b"), ('a="b  c"', "a=\\x22b  c\\x22")])
def test_a_text_that_ipxe_would_change(command, text, named):
    said = refused(command, "--repo", ROCKY, "--cmdline", text)
    assert said.startswith(f"pxesrvctl: {named}: ")


@both
def test_values_that_a_kernel_would_cut_off(command):
    long = "x" * (1500 - len(ROCKY))
    lines_of(command, "--repo", ROCKY, "--cmdline", long)
    assert "1501 bytes" in refused(command, "--repo", ROCKY, long + "x")


@both
def test_there_must_be_a_repository(command):
    assert "--repo is missing" in refused(command)
    assert "usage: " in refused(command, "--repo", ROCKY, KS, KS)


@both
def test_the_tree_is_not_needed(command):
    lines_of(command, "-r", "/nonexistent", "--repo", ROCKY)
