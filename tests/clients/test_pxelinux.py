# SPDX-License-Identifier: MIT
"""PXELINUX, in its variant with HTTP."""
import re
import shutil

import ctl
from machine import Ipxe

ONE = 31
HEX = "0A4D001F"
FILES = ["/usr/lib/PXELINUX/lpxelinux.0",
         "/usr/lib/syslinux/modules/bios/ldlinux.c32"]


def test_its_configuration(server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_ipxe())
    # What it says while the serial line is set anew may be lost in part.
    tree.make({"pxelinux.cfg/default":
               "serial 0\nsay Hello.\nsay SAYS-pxelinux-END\n"
               "prompt 1\ntimeout 0\n"})
    for file in FILES:
        shutil.copy(file, tree.path)
    ctl.good("static", network.address(ONE), "lpxelinux.0")
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows("SAYS-pxelinux-END")
        machine.shows("^boot:")
    with open(server.access_log) as file:
        asked = re.findall(r'"GET (\S+) HTTP/1\.(\d)" (\d+)', file.read())
    names = [HEX[:n] for n in range(len(HEX), 0, -1)]
    assert asked == [
        ("/redirect", "1", "200"), ("/ldlinux.c32", "0", "200"),
        ("/pxelinux.cfg/01-52-54-00-77-00-1f", "0", "404"),
        *[(f"/pxelinux.cfg/{name}", "0", "404") for name in names],
        ("/pxelinux.cfg/default", "0", "200")]
