# SPDX-License-Identifier: MIT
"""GRUB as a boot program for UEFI."""
import os
import subprocess

# What its configuration may use here, and all that it takes to get one.
MODULES = ["cat", "configfile", "echo", "efinet", "http", "net", "normal",
           "sleep", "tftp"]


def make_program(path, directory, *lines):
    """One that does this at its start."""
    first = os.path.join(directory, "first.cfg")
    with open(first, "w") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.run(["grub-mkimage", "-O", "x86_64-efi", "-o", path, "-p", "/",
                    "-c", first, *MODULES], check=True)
