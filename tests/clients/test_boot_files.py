# SPDX-License-Identifier: MIT
"""What iPXE does with boot files of all kinds: the other half of what
pxesrvctl says of them."""
import boot_files
import pytest
from machine import Ipxe, IpxeUefi, needs_ipxe_under_uefi

ONE = 61


@boot_files.BOOTED
def test_on_a_bios(server, tree, network, directory, file):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": file.content()})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows(file.shows)
    server.decided(1)


@needs_ipxe_under_uefi
@pytest.mark.parametrize("text", ["#!ipxe;\n", "echo\n"])
def test_under_uefi_no_text_is_run(server, tree, network, directory, text):
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": text})
    with IpxeUefi(network, ONE, directory).boots() as machine:
        machine.shows(boot_files.REFUSES)
