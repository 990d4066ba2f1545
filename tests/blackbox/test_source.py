# SPDX-License-Identifier: MIT
"""The source tree itself."""
import glob
import os
import re
import shutil
import subprocess

import pytest

import place

C_FILES = sorted(
    path for pattern in ("boot/*.[ch]", "cgi/*.[ch]", "fcgi/**/*.[ch]",
                    "ctl/*.[ch]", "tests/*/*.[ch]")
    for path in glob.glob(pattern, root_dir=place.SOURCE, recursive=True))
SCRIPTS = [path for path in glob.glob("public/**", root_dir=place.SOURCE,
                                      recursive=True)
           if os.path.isfile(os.path.join(place.SOURCE, path))
           and not path.endswith((".md", ".cfg", ".sh"))
           and not path.startswith(
                 ("public/once/", "public/until/", "public/static/",
                  "public/names/"))
           # Kernels and the like, which are put there by whoever uses it.
           and subprocess.run(["git", "check-ignore", "-q", path],
                              cwd=place.SOURCE).returncode]


def read(path):
    with open(os.path.join(place.SOURCE, path)) as file:
        return file.read()


@pytest.mark.deep
def test_the_format_of_c_files():
    said = subprocess.run(["clang-format", "--version"], text=True,
                          capture_output=True, check=True).stdout
    if "version 14." not in said:
        pytest.skip(f"clang-format 14 decides the format, not {said.strip()}")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *C_FILES],
                          cwd=place.SOURCE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", C_FILES)
def test_a_file_says_its_license(path):
    assert read(path).startswith("/* SPDX-License-Identifier: MIT */\n")


# The rooms that a file of a room may include. Arrows only go down.
BELOW = {"boot": {"boot"}, "cgi": {"boot", "cgi"},
         "fcgi": {"boot", "cgi", "fcgi"}, "ctl": {"boot", "cgi", "ctl"}}


@pytest.mark.parametrize("path", C_FILES)
def test_a_room_knows_only_those_below(path):
    included = re.findall(r'^#include "(\w+)/', read(path), re.MULTILINE)
    room = path.split("/")[0]
    assert room == "tests" or set(included) <= BELOW[room]


def functions_of(path):
    """By clang-format, a function begins and ends with a brace in column one."""
    return re.findall(r"^\{\n.*?^\}$", read(path), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", C_FILES)
def test_a_function_fits_on_a_screen(path):
    assert all(text.count("\n") <= 41 for text in functions_of(path))


@pytest.mark.parametrize("error", ["ENOSYS", "EPERM", "EAGAIN", "EXDEV"])
def test_links_are_followed_without_openat2(error):
    """As on an old kernel, in an old container, under many renames."""
    program = os.environ["PXESRV_TESTS_BUILD"] + "/tests/unit/test_target"
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", "trace=openat2", "-e",
         f"inject=openat2:error={error}", program], capture_output=True,
        text=True)
    failed = [line for line in done.stdout.splitlines()
              if line.startswith("not ok")]
    assert done.returncode == 0 and not failed, failed


def test_the_deliberate_bugs_fit_the_sources():
    check = subprocess.run([place.SOURCE + "/tests/mutants/check"],
                           capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


def test_a_need_is_named_once():
    names = re.findall(r"^([\w-]+): .* \| ", read("packaging/install-needs"),
                       re.MULTILINE)
    assert len(names) > 40 and len(names) == len(set(names))


def test_a_need_that_is_missing_is_asked_for(tmp_path):
    """Of each, the package: by a system that has nothing, and no apt-get."""
    names = re.findall(r"^([\w-]+): .* \| ", read("packaging/install-needs"),
                       re.MULTILINE)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in "sh", "grep", "tr", "id":
        os.symlink(shutil.which(tool), tools / tool)
    script = tmp_path / "install-needs"
    script.write_text(re.sub(
        "^PATH=.*$", f"PATH={tools}", re.sub(
            r"^([\w-]+): .*? \| ", r"\1: false || false | ",
            read("packaging/install-needs"), flags=re.MULTILINE),
        flags=re.MULTILINE))
    for name in names:
        done = subprocess.run(["/bin/sh", script, name], text=True,
                              stderr=subprocess.PIPE)
        assert done.returncode == 69 and re.fullmatch(
            r"install-needs: please install: [\w*. -]+ \(Debian's names\)\n",
            done.stderr), done


def test_the_example_tree_has_its_scripts():
    assert {"public/default",
            "public/debian/12/default", "public/debian/13/default",
            "public/centos/9-stream/default", "public/centos/10-stream/default",
            "public/rocky/9/default", "public/rocky/10/default",
            "public/live/default", "public/external/foreman"} <= set(SCRIPTS)


def test_the_examples_of_two_releases_are_in_step():
    """A fix in one goes into the other."""
    for name in "default", "preseed.cfg":
        assert re.sub("([Dd]ebian.)12", r"\g<1>13",
                      read(f"public/debian/12/{name}")) == \
            read(f"public/debian/13/{name}")


@pytest.mark.parametrize("path", SCRIPTS)
def test_an_example_script_is_one_that_ipxe_runs(path):
    """A text without this first line is run as machine code."""
    assert read(path).startswith("#!ipxe\n")


@pytest.mark.parametrize("path", glob.glob("conf/*/*", root_dir=place.SOURCE))
def test_a_shipped_configuration_trusts_no_proxy_by_itself(path):
    for line in read(path).splitlines():
        if re.search("set_real_ip|real_ip_|extforward|RemoteIP", line):
            assert line.lstrip().startswith("#"), line
