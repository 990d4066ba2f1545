# SPDX-License-Identifier: MIT
"""GRUB that gets its configuration by network."""
import itertools
import os

import ctl
import grub
import place
from conftest import NGINX_LIGHTTPD
from machine import Uefi, UefiPxe
from network import PORT

# A new machine for each boot in which it speaks HTTP. GRUB 2.06 takes the same
# ports and sequence numbers at each start, and leaves its last connection half
# open: while the server remembers that, a machine that comes back gets no
# connection.
numbers = itertools.count(31)


def says(mark):
    return f"echo SAYS-{mark}-END\n"


# GRUB ends, and the firmware goes on, where its configuration does.
WAIT = "sleep 60\n"


@NGINX_LIGHTTPD
def test_its_own_configuration_is_cleared(server, tree, network, directory):
    """As it does by itself where it was loaded by TFTP: it looks for
    grub.cfg-<its address>, then for grub.cfg."""
    one = next(numbers)
    own = f"grub/12/grub.cfg-0A4D00{one:02X}"
    network.serve_dhcp([one], [
        "enable-tftp", f"tftp-root={place.ROOT}",
        "dhcp-boot=grub/12/grubx64.efi"])
    host = f"{network.server}:{PORT}"
    tree.make({
        "grub/12/grubx64.efi": "",
        own: f"cat (http,{host})/grub/clear/12\n" + says("installer") + WAIT,
        "grub/12/grub.cfg": says("disk") + WAIT})
    grub.make_program(tree.full("grub/12/grubx64.efi"), directory,
                      f"set prefix=(tftp,{network.server})/grub/12", "normal")
    with UefiPxe(network, one, directory) as machine:
        machine.shows(f"Delete {own}", within=120)
        machine.shows("SAYS-installer-END")
    assert not os.path.exists(tree.full(own))
    with UefiPxe(network, one, directory) as machine:
        machine.shows("SAYS-disk-END", within=120)
    assert [d[:2] for d in server.decided(1)] == [("GET", "200")]


@NGINX_LIGHTTPD
def test_its_configuration_is_the_redirect(server, tree, network, directory):
    """Loaded by the firmware's HTTP Boot; no iPXE and no TFTP."""
    one, broken = next(numbers), next(numbers)
    network.serve_dhcp([one, broken], network.for_http_boot("grubx64.efi"))
    tree.make({"grubx64.efi": "", "default": says("default"),
               "grub/installer.cfg": says("installer")})
    ask = f"configfile (http,{network.server}:{PORT})/redirect"
    grub.make_program(tree.full("grubx64.efi"), directory, ask, ask,
                      "echo SAYS-that-is-all-END", WAIT)
    ctl.good("once", network.address(one), "grub/installer.cfg")
    with Uefi(network, one, directory) as machine:
        machine.shows("SAYS-installer-END", within=120)
        machine.shows("SAYS-default-END")
    os.symlink("nowhere", tree.full(f"once/{network.address(broken)}"))
    with Uefi(network, broken, directory) as machine:
        machine.shows("SAYS-that-is-all-END", within=120)
        assert "SAYS-default" not in machine.text()
        said = machine.text()
    installer, default = "once grub/installer.cfg", "default default"
    missing = "once once/nowhere (No such file or directory)"
    if server.decided(4)[0][0] == "GET":
        # GRUB 2.06 runs the text of an error as well.
        assert "error" not in said
        assert server.decided(4) == [
            ("GET", "200", installer), ("GET", "200", default),
            ("GET", "404", missing), ("GET", "404", missing)]
    else:
        # GRUB 2.12 asks by the firmware, and for nothing that is not there.
        assert said.count("error: file `/redirect' not found.") == 2
        assert server.decided(6) == [
            ("HEAD", "200", installer), ("GET", "200", installer),
            ("HEAD", "200", default), ("GET", "200", default),
            ("HEAD", "404", missing), ("HEAD", "404", missing)]
