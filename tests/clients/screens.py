# SPDX-License-Identifier: MIT
"""Takes the pictures in docs/images/, see tests/clients/screenshots."""
import json
import os
import shutil
import socket

import place
from dhcp_fixtures import *  # noqa: F401, F403
from dhcp_fixtures import HTTP_BOOT, IPXE_ROM, ONE, OTHER_ROM
from dhcp_servers import Dnsmasq
from machine import Ipxe, Uefi, UefiPxe
from pages import run_commands

IMAGES = os.path.join(place.SOURCE, "docs", "images")


class Screen:
    """What a machine needs to have one that can be looked at."""

    def on_screen(self):
        # In the abstract namespace: no path is too long there.
        return ["-device", "VGA", "-qmp",
                f"unix:path=screen-{self.number},abstract=on,server=on,"
                "wait=off"]

    def take(self, name):
        path = os.path.join(IMAGES, name)
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(place.PATIENCE)
            monitor.connect(f"\0screen-{self.number}")
            lines = monitor.makefile("rw")
            lines.readline()  # its greeting
            self._ask(lines, "qmp_capabilities")
            self._ask(lines, "screendump", filename=path, format="png")

    @staticmethod
    def _ask(lines, command, **arguments):
        lines.write(json.dumps({"execute": command, "arguments": arguments}))
        lines.flush()
        while "return" not in (answer := json.loads(lines.readline())):
            assert "error" not in answer, answer


class PcScreen(Screen, Ipxe):
    def options(self):
        port = os.path.join(self.directory, "port")
        with open(port, "wb") as file:
            file.write((0x3f8).to_bytes(2, "little"))
        # SeaBIOS shows all on the serial port besides, to be waited for.
        return [*(option.replace(",graphics=off", "")
                  for option in super().options()),
                "-fw_cfg", f"name=etc/sercon-port,file={port}",
                *self.on_screen()]


class UefiScreen(Screen, Uefi):
    def options(self):
        return super().options() + self.on_screen()


class UefiPxeScreen(Screen, UefiPxe):
    def options(self):
        return super().options() + self.on_screen()


def test_ipxe(router, serve, server, tree, network, directory):
    serve(Dnsmasq, IPXE_ROM)
    shutil.copy(place.SOURCE + "/public/default", place.ROOT)
    with PcScreen(network, ONE, directory).boots() as machine:
        machine.shows("Reboot")
        machine.take("menu.png")
    os.symlink("../debian/13/default", tree.full(f"once/{network.address(ONE)}"))
    with PcScreen(network, ONE, directory).boots() as machine:
        machine.shows("No more network devices\\s+Press Ctrl-B for .*[.]{3}")
        machine.take("ipxe-404.png")


def test_uefi(router, serve, server, tree, network, directory):
    serve(Dnsmasq, OTHER_ROM)
    run_commands(OTHER_ROM, directory)
    shutil.copy(place.SOURCE + "/public/default", place.ROOT)
    with UefiPxeScreen(network, ONE, directory) as machine:
        machine.shows("Reboot")
        machine.take("menu-uefi.png")


def test_uefi_http_boot(serve, server, tree, network, directory):
    serve(Dnsmasq, HTTP_BOOT)
    shutil.copy(place.SOURCE + "/public/default", place.ROOT)
    with UefiScreen(network, ONE, directory) as machine:
        machine.shows(r"Uri\(\): Not Found")
        machine.take("uefi-http-boot-type.png")
    os.symlink("../os/boot.efi", tree.full(f"once/{network.address(ONE)}"))
    with UefiScreen(network, ONE, directory) as machine:
        machine.shows(r"Uri\(\): Not Found")
        machine.take("uefi-http-boot-404.png")
