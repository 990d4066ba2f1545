# SPDX-License-Identifier: MIT
"""A network of machines: a bridge, a tap for each, and a DHCP server.

All inside the network namespace that tests/sandbox has made. Numbers, from 2
to 254, name the machines on it."""
import ipaddress
import os
import re
import subprocess

import place
from place import Program, until

BRIDGE = "boot0"
PORT = 4567
ROUTER = ["enable-ra", f"ra-param={BRIDGE},4,0"]
ADVERTISED = "fd00:77:7::"  # beside the IPv4 that is tested


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


def refused():
    """Why the system lets no bridge or tap be made; None when it does."""
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("link", "delete", BRIDGE)
        ip("tuntap", "add", "tap0", "mode", "tap")
        ip("tuntap", "delete", "tap0", "mode", "tap")
    except AssertionError as error:
        return str(error).strip()
    return None


def hardware_address(number):
    return f"52:54:00:77:00:{number:02x}"


def of_each_dnsmasq(directory, name):
    """Lines for one on the bridge alone, whatever it serves there."""
    return ["port=0", f"interface={BRIDGE}", "except-interface=lo",
            "bind-interfaces", "user=root", "group=root", "no-resolv",
            "no-hosts", f"pid-file={directory}/{name}.pid"]


def of_each_dhcp(directory):
    """Lines for a dnsmasq that gives out addresses."""
    return ["dhcp-authoritative", "log-dhcp", "no-ping",
            f"dhcp-leasefile={directory}/leases"]


class Network:
    """IPv4, with a router that advertises IPv6: without, iPXE waits 16 s."""

    prefix = "10.77.0."
    server = prefix + "1"

    def __init__(self, directory):
        self.directory = directory
        self.taps = []
        self.dhcp, self.dhcp_starts = None, 0
        ip("link", "add", BRIDGE, "type", "bridge", "stp_state", "0",
           "forward_delay", "0")
        self.add_address()
        ip("link", "set", BRIDGE, "up")

    def add_address(self):
        ip("address", "add", f"{self.server}/24", "dev", BRIDGE)
        ip("-6", "address", "add", f"{ADVERTISED}1/64", "dev", BRIDGE, "nodad")

    @classmethod
    def address(cls, number):
        return f"{cls.prefix}{number}"

    def url(self, path="redirect"):
        return f"http://{self.server}:{PORT}/{path}"

    def add_tap(self):
        name = f"tap{len(self.taps)}"
        ip("tuntap", "add", name, "mode", "tap")
        self.taps.append(name)
        ip("link", "set", name, "master", BRIDGE)
        ip("link", "set", name, "up")
        return name

    def addresses(self, numbers):
        """What the DHCP server has to know to give them out."""
        return [dhcp_range(numbers), "dhcp-option=3", "dhcp-option=6",
                *ROUTER, f"dhcp-range={ADVERTISED},ra-only",
                *(f"dhcp-host={hardware_address(n)},{self.address(n)}"
                  for n in numbers)]

    def for_ipxe(self):
        """iPXE only: the installer that it starts asks this server as well."""
        return ["dhcp-userclass=set:ipxe,iPXE",
                f"dhcp-boot=tag:ipxe,{self.url()}",
                # Without a wait for a proxy DHCP server.
                "dhcp-option-force=tag:ipxe,encap:175,176,1b"]

    def for_http_boot(self, path="redirect"):
        return ["dhcp-vendorclass=set:httpc,HTTPClient",
                f"dhcp-boot=tag:httpc,{self.url(path)}",
                "dhcp-option-force=tag:httpc,60,HTTPClient"]

    def serve_dhcp(self, numbers, lines):
        """In the place of one that was there, all of whose leases are over."""
        self.stop_dhcp()
        self.dhcp_starts += 1
        conf = os.path.join(self.directory, "dnsmasq.conf")
        with open(conf, "w") as file:
            file.write("\n".join([
                *of_each_dnsmasq(self.directory, "dnsmasq"),
                *of_each_dhcp(self.directory),
                *self.addresses(numbers), *lines]) + "\n")
        self.dhcp = Program(["dnsmasq", "-k", "--log-facility=-", "-C", conf],
                            os.path.join(self.directory,
                                         f"dhcp-{self.dhcp_starts}.log"),
                            env=place.clean_env())
        until(lambda: re.search("DHCP(v6)?, (static leases|IP range)",
                                self.dhcp.messages()) or
              not self.dhcp.is_running(), "the DHCP server's start")
        assert self.dhcp.is_running(), self.dhcp.messages()

    def stop_dhcp(self):
        if self.dhcp and self.dhcp.is_running():
            self.dhcp.end()
        leases = os.path.join(self.directory, "leases")
        if os.path.exists(leases):
            os.unlink(leases)

    def stop(self):
        self.stop_dhcp()
        for name in [*self.taps, BRIDGE]:
            ip("link", "delete", name)


class Pool:
    """Addresses for whoever comes, from one number to another. None is
    reserved for a machine, so there is nothing to go through."""

    def __init__(self, first, last):
        self.first, self.last = Network.address(first), Network.address(last)

    def __iter__(self):
        return iter(())

    def __contains__(self, address):
        return ipaddress.ip_address(self.first) \
            <= ipaddress.ip_address(address) \
            <= ipaddress.ip_address(self.last)


def dhcp_range(numbers):
    """dnsmasq's line for a Pool, or for the machines of these numbers."""
    if isinstance(numbers, Pool):
        return f"dhcp-range={numbers.first},{numbers.last},255.255.255.0,1h"
    return f"dhcp-range={Network.prefix}0,static,255.255.255.0,1h"


class Network6(Network):
    """IPv6 alone."""

    prefix = "fd00:77:6::"
    server = prefix + "1"

    def add_address(self):
        ip("-6", "address", "add", f"{self.server}/64", "dev", BRIDGE, "nodad")

    @classmethod
    def address(cls, number):
        return f"{cls.prefix}{number:x}"

    def addresses(self, numbers):
        return [f"ra-param={BRIDGE},4,0",
                f"dhcp-range={self.prefix},static,64,1h",
                *(f"dhcp-host={hardware_address(n)},[{self.address(n)}]"
                  for n in numbers)]
