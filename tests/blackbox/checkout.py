# SPDX-License-Identifier: MIT
"""Copies of the source tree, to build in and to change."""
import shutil

from place import SOURCE


def _all_but_builds(directory, names):
    return [name for name in names
            if directory == SOURCE and name.startswith(("build", ".git"))]


def copy(to):
    return shutil.copytree(SOURCE, to, symlinks=True, ignore=_all_but_builds)
