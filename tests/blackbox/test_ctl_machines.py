# SPDX-License-Identifier: MIT
"""pxesrvctl: one machine that is named, by a MAC address or by a host name,
is one client."""
import os
import time

import pytest

import ctl
from cases import MENU, OS
from tree import Directory, Link

TREE = {"default": MENU, "os/boot": OS, "once": Directory(),
        "static": Directory()}
MAC, OTHER = "00:00:5e:00:53:0b", "00:00:5e:00:53:0c"
NOW = int(time.time())
LATER, AGO = NOW + 86400, NOW - 86400


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    return tree


@pytest.fixture
def leases(tmp_path):
    """A function that writes a lease file, and gives the option that names it.
    """
    def write(content):
        path = tmp_path / "leases"
        path.write_bytes(content if isinstance(content, bytes)
                         else content.encode())
        return f"--leases={path}"
    return write


def entries(tree, directory="once"):
    return sorted(name for name in os.listdir(tree.full(directory))
                  if not name.startswith("."))


def dnsmasq(*lines):
    """Of (expiry, MAC address, address)."""
    return "".join(f"{expiry} {mac} {address} * *\n"
                   for expiry, mac, address in lines)


def utc(seconds):
    return time.strftime("%w %Y/%m/%d %H:%M:%S", time.gmtime(seconds))


def record(address, mac, state="active", ends="never", starts=AGO, cltt=None):
    """As dhcpd writes it; times are texts, or seconds."""
    ends = utc(ends) if isinstance(ends, int) else ends
    return (f"lease {address} {{\n  starts {utc(starts)};\n  ends {ends};\n"
            + (f"  cltt {utc(cltt)};\n" if cltt else "")
            + f"  binding state {state};\n  next binding state free;\n"
            + (f"  hardware ethernet {mac};\n" if mac else "") + "}\n")


def once(option, word=MAC, *more):
    return ctl.run("once", option, *more, word, "os/boot")


# How MAC addresses are written

@pytest.mark.parametrize("text", [
    MAC, MAC.upper(), MAC.replace(":", "-"), "0:0:5e:0:53:b", "0-0-5E-0-53-B",
    "0000.5e00.530b", "00005e00530b", "00005E00530B", "01-" +
    MAC.replace(":", "-"), "01:" + MAC])
@pytest.mark.parametrize("content", [
    dnsmasq((LATER, MAC, "10.0.0.7"), (LATER, OTHER, "10.0.0.8")),
    record("10.0.0.7", MAC) + record("10.0.0.8", OTHER)],
    ids=["dnsmasq", "dhcpd"])
def test_a_mac_address(tree, leases, content, text):
    option = leases(content)
    ctl.good("once", option, text, "os/boot")
    assert entries(tree) == ["10.0.0.7"]
    assert ctl.good("explain", option, text).lines[0] == "10.0.0.7"
    ctl.good("cancel", option, text)
    assert entries(tree) == []


@pytest.mark.parametrize("text, why", [
    ("01-00-5e-00-53-0b", "multicast"),
    ("ff:ff:ff:ff:ff:ff", "multicast or broadcast"),
    ("0100.5e00.530b", "multicast"),
    ("00:00:00:00:00:00", "zeros"), ("000000000000", "MAC address of zeros"),
    ("01-00-00-00-00-00-00", "zeros"),
    ("06-00-00-5e-00-53-0b", "hardware type"),
    ("20-00-00-5e-00-53-0b", "hardware type"),
    ("00:00:5e:00:53", "six octets"), ("00-00-5e-00-53", "six octets"),
    ("00:00:5e:00:53:00b", "six octets"),
    ("00-00-5e-ff-fe-00-53-0b", "six octets"),
    ("20:00:00:5e:00:53:00:31:33", "six octets"),
    ("00:00:5e:ff:fe:00:53:0b", "or an IPv6 address"),
    ("0100005e00530b", "12 digits"),
])
def test_what_no_machine_has(tree, leases, text, why):
    """It is told at once, and no name server is asked."""
    done = once(leases(dnsmasq((LATER, text, "10.0.0.7"))), text)
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert done.err.startswith(f"pxesrvctl: {text}: ") and why in done.err
    assert entries(tree) == []


@pytest.mark.parametrize("text, want", [
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::5e", "::5e"),
    ("2001:db8:0:0:0:0:0:7", "2001:db8::7"), ("10.0.0.7-10.0.0.7", "10.0.0.7"),
])
def test_an_address_is_no_mac_address(tree, text, want):
    ctl.good("once", text, "os/boot")
    assert entries(tree) == [want]
