# SPDX-License-Identifier: MIT
"""GRUB as a boot program for UEFI."""
import os
import subprocess

import pytest

import place

# What its configuration may use here, and all that it takes to get one.
MODULES = ["cat", "configfile", "echo", "efinet", "http", "net", "normal",
           "sleep", "tftp"]
# What tests/download has of a kind of machine that is not this one.
ARM64 = os.path.join(place.SOURCE, "build", "arm64")
MODULES_OF = {"x86_64-efi": "/usr/lib/grub/x86_64-efi",
              "arm64-efi": ARM64 + "/usr/lib/grub/arm64-efi"}
needs_arm64 = pytest.mark.skipif(
    not os.path.exists(MODULES_OF["arm64-efi"]),
    reason="apt has no GRUB for arm64 here")


def make_program(path, directory, *lines, kind="x86_64-efi", options=()):
    """One that does this at its start."""
    first = os.path.join(directory, "first.cfg")
    with open(first, "w") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.run(["grub-mkimage", "-O", kind, "-d", MODULES_OF[kind], "-o",
                    path, "-p", "/", "-c", first, *options, *MODULES],
                   check=True)
