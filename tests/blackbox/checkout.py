# SPDX-License-Identifier: MIT
"""Copies of the source tree, to build in and to change.

Without what somebody has tried there: builds, and entries in public/once/ and the
like, which ./pxesrv may have given to another user.
"""
import os
import shutil

from place import SOURCE

PUBLIC = os.path.join(SOURCE, "public")
TRIED = [os.path.join(PUBLIC, name) for name in (
    "once", "until", "static", "names")]


def _tried(directory, names):
    if directory == SOURCE:
        return [name for name in names if name.startswith(("build", ".git"))]
    if directory in TRIED:
        return [name for name in names if name != ".gitignore"]
    return []


def copy(to):
    return shutil.copytree(SOURCE, to, symlinks=True, ignore=_tried)


def copy_public(to):
    """The example tree alone; the directory may be there."""
    return shutil.copytree(PUBLIC, to, symlinks=True, ignore=_tried,
                           dirs_exist_ok=True)
