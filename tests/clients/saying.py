# SPDX-License-Identifier: MIT
"""Boot scripts that say on the console which they are."""
from machine import Ipxe


def script(mark, *lines):
    # The last characters before a machine goes on may be lost.
    return "\n".join(["#!ipxe", f"echo SAYS-{mark}-END", *lines,
                      "prompt --timeout 60000 Waiting."]) + "\n"


def boot(network, number, directory, mark, kind=Ipxe):
    with kind(network, number, directory).boots() as machine:
        machine.shows(f"SAYS-{mark}-END")
