# SPDX-License-Identifier: MIT
"""To whom DHCP servers give the URL that hold what docs/ says."""
import os

import pytest

import place
from dhcp_fixtures import *  # noqa: F401, F403
from dhcp_fixtures import (
    GRUB_HTTP, GRUB_TFTP, HTTP_BOOT, IPXE_FIRST, IPXE_IDENTIFIED, IPXE_ROM,
    OTHER_ROM, PXELINUX, TWO_KINDS, each_server)
from network import Network
from pages import block, with_own_addresses

HTTP = f"http://{Network.server}:4567/"
URL = HTTP + "redirect"
# iPXE expands these, so no server may.
IDENTIFIED = URL + "?mac=${mac}&uuid=${uuid}"
# Options of DHCP as udhcpc takes them: the architecture, and the user class.
BIOS, UEFI, UEFI_HTTP = "0x5d:0000", "0x5d:0007", "0x5d:0010"
ARM64, ARM64_HTTP = "0x5d:000b", "0x5d:0013"
IS_IPXE = "0x4d:" + b"iPXE".hex()


def given_to(offered):
    """The file name that each kind of client is given."""
    clients = {
        "a system": offered(),
        "the Debian installer": offered("d-i"),
        "a BIOS": offered("PXEClient:Arch:00000:UNDI:002001", [BIOS]),
        "UEFI": offered("PXEClient:Arch:00007:UNDI:003001", [UEFI]),
        "HTTP Boot": offered("HTTPClient:Arch:00016:UNDI:003001",
                             [UEFI_HTTP]),
        "arm64": offered("PXEClient:Arch:00011:UNDI:003001", [ARM64]),
        "HTTP Boot of arm64": offered("HTTPClient:Arch:00019:UNDI:003001",
                                      [ARM64_HTTP]),
        "iPXE": offered("PXEClient:Arch:00000:UNDI:002001", [BIOS, IS_IPXE]),
        "iPXE on UEFI": offered("PXEClient:Arch:00007:UNDI:003001",
                                [UEFI, IS_IPXE]),
    }
    return {who: said.get("boot_file") or said.get("bootfile")
            for who, said in clients.items()
            if "boot_file" in said or "bootfile" in said}


@pytest.mark.parametrize("section, want", [
    (IPXE_ROM, {"iPXE": URL, "iPXE on UEFI": URL}),
    (IPXE_IDENTIFIED, {"iPXE": IDENTIFIED, "iPXE on UEFI": IDENTIFIED}),
    (OTHER_ROM, {"iPXE": URL, "iPXE on UEFI": URL, "a BIOS": "undionly.kpxe",
                 "UEFI": "snponly.efi"}),
    (HTTP_BOOT, {"HTTP Boot": URL, "HTTP Boot of arm64": URL}),
    (IPXE_FIRST, {"iPXE": URL, "iPXE on UEFI": URL,
                  "HTTP Boot": HTTP + "snponly.efi",
                  "HTTP Boot of arm64": HTTP + "snponly.efi"}),
    (TWO_KINDS, {"HTTP Boot": HTTP + "grub/grubx64.efi",
                 "HTTP Boot of arm64": HTTP + "grub/grubaa64.efi"}),
    (GRUB_HTTP, {"HTTP Boot": HTTP + "grub/grubx64.efi",
                 "HTTP Boot of arm64": HTTP + "grub/grubx64.efi"}),
    (GRUB_TFTP, {"a BIOS": "grub/12/core.0", "iPXE": "grub/12/core.0",
                 "UEFI": "grub/12/grubx64.efi",
                 "iPXE on UEFI": "grub/12/grubx64.efi"}),
    (PXELINUX, {"a BIOS": "lpxelinux.0", "iPXE": "lpxelinux.0"}),
], ids=["ipxe", "ipxe-identified", "other-rom", "http-boot", "ipxe-first",
        "two-kinds", "grub-http", "grub-tftp", "pxelinux"])
@each_server
def test_who_is_given_what(serve, offered, server_class, section, want):
    """Nobody but those: an installer that is given the URL stops."""
    serve(server_class, section)
    assert given_to(offered) == want


def test_all_say_the_same_for_ipxe(network):
    """The page, README, and what the other cases boot from."""
    for kind, lines in ("dnsmasq", 2), ("dhcpd", 3):
        said = block(*IPXE_ROM, kind).splitlines()
        assert len(said) == lines
        with open(os.path.join(place.SOURCE, "README.md")) as file:
            readme = with_own_addresses(file.read())
        assert "\n".join("    " + line for line in said) in readme
        if kind == "dnsmasq":
            assert network.for_ipxe()[:lines] == said
