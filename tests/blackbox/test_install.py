# SPDX-License-Identifier: MIT
"""What is installed of public/: all that belongs to the project, no more."""
import os
import subprocess

import pytest

import checkout
from place import SOURCE

TRIED = ("once/127.0.0.1", "static/127.0.0.1", "own", "debian/12/own")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """path: its mode, from a source in which something was tried."""
    where = tmp_path_factory.mktemp("install")
    source = checkout.copy(where / "source")
    for name in TRIED:
        place = source / "public" / name
        place.symlink_to(os.path.relpath(source / "public/default",
                                         place.parent))
    (source / "public/static/127.0.0.2").write_text("secret")
    for command in (["meson", "setup", "build"],
                    ["meson", "install", "-C", "build"]):
        done = subprocess.run(
            command, cwd=source, env={**os.environ, "DESTDIR": f"{where}/root"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
    root, = (where / "root").rglob("share/pxesrv/public")
    return {str(path.relative_to(root)): path.lstat().st_mode
            for path in root.rglob("*") if path.is_symlink() or path.is_file()}


def test_nothing_of_what_was_tried(installed):
    assert not {*TRIED, "static/127.0.0.2"} & set(installed)


def test_nothing_where_others_write(installed):
    """Root copies it over a tree, and cp writes through their links."""
    assert not {name.split("/")[0] for name in installed} & {
        "once", "static", "grub", "until", "subnet", "names"}


def test_all_that_git_knows(installed):
    git = ["git", "-c", "safe.directory=*", "-C", SOURCE]
    if subprocess.run([*git, "rev-parse"], capture_output=True).returncode:
        pytest.skip("this source is not in git")
    known = subprocess.run(
        [*git, "ls-files", "-z", "public"], check=True,
        capture_output=True, text=True).stdout.split("\0")[:-1]
    assert known
    known = [name for name in known
             if not name.startswith(
                 ("public/once/", "public/until/", "public/static/",
                  "public/names/"))]
    assert {f"public/{name}" for name in installed} == set(known)
    for name in known:
        assert (os.access(f"{SOURCE}/{name}", os.X_OK)
                == bool(installed[name.removeprefix("public/")] & 0o111)), name
