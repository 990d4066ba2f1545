# SPDX-License-Identifier: MIT
"""A network of machines: a bridge, a tap for each, and a DHCP server.

All inside the network namespace that tests/sandbox has made."""
import os
import subprocess

import place
from place import Program, until

PREFIX = "10.77.0"
SERVER = f"{PREFIX}.1"
BRIDGE = "boot0"


class Refused(Exception):
    """The system does not let a bridge or a tap be made."""


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def address(number):
    return f"{PREFIX}.{number}"


def hardware_address(number):
    return f"52:54:00:77:00:{number:02x}"


class Network:
    """One bridge; numbers, from 2 to 254, name the machines on it."""

    def __init__(self, directory):
        self.directory = directory
        self.taps = []
        self.dhcp = None
        ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0",
           "forward_delay", "0")
        ip("address", "add", f"{SERVER}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")

    def add_tap(self):
        name = f"tap{len(self.taps)}"
        ip("tuntap", "add", name, "mode", "tap")
        self.taps.append(name)
        ip("link", "set", name, "master", BRIDGE)
        ip("link", "set", name, "up")
        return name

    def serve_dhcp(self, numbers, lines):
        """Addresses by number, and what these lines say besides."""
        conf = os.path.join(self.directory, "dnsmasq.conf")
        with open(conf, "w") as file:
            file.write("\n".join([
                "port=0", f"interface={BRIDGE}", "except-interface=lo",
                "bind-interfaces", "user=root", "group=root", "no-ping",
                "dhcp-authoritative", "log-dhcp", "no-resolv", "no-hosts",
                f"dhcp-leasefile={self.directory}/leases",
                f"pid-file={self.directory}/dnsmasq.pid",
                f"dhcp-range={PREFIX}.0,static,255.255.255.0,1h",
                "dhcp-option=3", "dhcp-option=6",
                *(f"dhcp-host={hardware_address(n)},{address(n)}"
                  for n in numbers), *lines]) + "\n")
        self.dhcp = Program(["dnsmasq", "-k", "--log-facility=-", "-C", conf],
                            os.path.join(self.directory, "dhcp.log"),
                            env=place.clean_env())
        until(lambda: "DHCP, static leases" in self.dhcp.messages() or
              not self.dhcp.is_running(), "the DHCP server's start")
        assert self.dhcp.is_running(), self.dhcp.messages()

    def stop(self):
        if self.dhcp and self.dhcp.is_running():
            self.dhcp.end()
        for name in self.taps:
            subprocess.run(["ip", "link", "delete", name], check=False,
                           capture_output=True)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False,
                       capture_output=True)
