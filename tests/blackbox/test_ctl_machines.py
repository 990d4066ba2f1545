# SPDX-License-Identifier: MIT
"""pxesrvctl: one machine that is named, by a MAC address or by a host name,
is one client, by lease files, the kernel's neighbour table and /etc/hosts."""
import contextlib
import gzip
import json
import os
import random
import re
import subprocess
import time

import pytest

import ctl
import place
from cases import MENU, OS
from tree import Directory, Link

TREE = {"default": MENU, "os/boot": OS, "once": Directory(),
        "static": Directory()}
MAC, OTHER = "00:00:5e:00:53:0b", "00:00:5e:00:53:0c"
NOW = int(time.time())
LATER, AGO = NOW + 86400, NOW - 86400
MISC, DHCP = "/var/lib/misc", "/var/lib/dhcp"


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


def listed(done):
    """The addresses that standard error has, one a line."""
    return [line.split()[0] for line in done.err.splitlines()
            if line.startswith("  ")]


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


# Lease files

FOLLOWS = "lease 10.0.0.9 {\n  starts 1 2026/11/23 13:28:00;\n  binding sta"
SCRIPT = """  on expiry or release {
    set x = "binding state free";
    if exists agent.circuit-id { log (info, "}"); } else { execute ("lease"); }
  }
"""
STRINGS = r"""  uid "\377}lease 10.0.0.9 {\000;\"x\"";
  set vendor-class-identifier = "hardware ethernet 00:00:5e:00:53:99;";
  client-hostname "node } 20";
"""
ODD = {
    "failover": 'failover peer "x" state {\n  my state normal at 4 2026/11/26 '
                "20:09:24;\n}\n" + record("10.0.0.7", MAC),
    "top level": 'authoring-byte-order little-endian;\nserver-duid "\\000{;";\n'
                 'class "known" { }\nsubclass "known" "x" ;\n'
                 "host node1 {\n  dynamic;\n  hardware ethernet "
                 f"{OTHER};\n  fixed-address 10.0.0.9;\n}}\n"
                 + record("10.0.0.7", MAC),
    "comments": "# lease 10.0.0.9 { binding state active; }\n"
                + record("10.0.0.7", MAC, ends=f"epoch {LATER}; # {{ ;"),
    "script": record("10.0.0.7", MAC).replace("  hardware", SCRIPT +
                                              "  hardware"),
    "strings": record("10.0.0.7", MAC).replace("  hardware", STRINGS +
                                               "  hardware"),
    "string without end": record("10.0.0.7", MAC).replace(
        "  hardware", '  uid "\\000x\n  hardware'),
    "reserved": record("10.0.0.7", MAC).replace("  next", "  reserved;\n"
                                                "  dynamic-bootp;\n  next"),
    "one line": record("10.0.0.7", MAC).replace("\n", " "),
    "crlf": record("10.0.0.7", MAC).replace("\n", "\r\n"),
    "never": record("10.0.0.7", MAC),
    "far away": record("10.0.0.7", MAC, ends="6 2999/11/22 13:28:00"),
    "far away epoch": record("10.0.0.7", MAC, ends="epoch 32500000000"),
    "cut off": record("10.0.0.7", MAC) + FOLLOWS,
    "cut off, then more": FOLLOWS + "\n" + record("10.0.0.7", MAC),
    "cut off outside": record("10.0.0.7", MAC) + "failov",
    "cut off outside of all": record("10.0.0.7", MAC) + "lease 10.0",
    "cut off in a script": record("10.0.0.9", MAC)[:-2] + SCRIPT[:60] + "\n" +
                           record("10.0.0.7", MAC),
    "another's before": record("10.0.0.7", OTHER) + record("10.0.0.7", MAC),
    "freed, and taken": record("10.0.0.7", MAC, "free") +
                        record("10.0.0.7", MAC),
    "long lines": record("10.0.0.7", MAC).replace(
        "  hardware", f'  set x = "{"y;" * 99999}";\n  hardware'),
    "dnsmasq": dnsmasq((LATER, MAC, "10.0.0.7")),
    "dnsmasq, never": dnsmasq((0, MAC, "10.0.0.7")),
    "dnsmasq, crlf": dnsmasq((LATER, MAC, "10.0.0.7")).replace("\n", "\r\n"),
    "dnsmasq, IPv6": dnsmasq((LATER, MAC, "10.0.0.7")) +
                     "duid 00:01:00:01:29:df\n" +
                     dnsmasq((LATER, "6161419", "2001:db8::b"),
                             (LATER, "T6161420", "2001:db8::c")),
    "dnsmasq, being written": dnsmasq((LATER, MAC, "10.0.0.7")) +
                              f"{LATER} {MAC} 10.0.0.9",
    "dnsmasq, no end of line": dnsmasq((LATER, MAC, "10.0.0.7"))[:-1],
    "dnsmasq, hardware type": dnsmasq((LATER, "01-" + MAC, "10.0.0.7"),
                                      (LATER, "06-" + MAC, "10.0.0.9")),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_lease_file(tree, leases, name):
    ctl.good("once", leases(ODD[name]), MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]


@pytest.mark.parametrize("state", [
    "free", "expired", "released", "abandoned", "reset", "backup"])
def test_a_lease_that_is_not_active(tree, leases, state):
    done = once(leases(record("10.0.0.6", MAC, state)))
    assert done.status == ctl.FOUND and listed(done) == ["10.0.0.6"]
    assert done.err.startswith(
        f"pxesrvctl: {MAC}: cannot tell which address it has now; "
        "known addresses:\n")
    ctl.good("once", leases(record("10.0.0.6", MAC, state)
                            + record("10.0.0.7", MAC)), MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]


@pytest.mark.parametrize("content", [
    dnsmasq((AGO, MAC, "10.0.0.6")), record("10.0.0.6", MAC, ends=AGO),
    record("10.0.0.6", MAC, ends=f"epoch {AGO}"),
    record("10.0.0.6", MAC) + record("10.0.0.6", OTHER),
    record("10.0.0.6", MAC) + record("10.0.0.6", OTHER, "free"),
    record("10.0.0.6", MAC) + record("10.0.0.6", None),
    record("10.0.0.6", MAC) + record("10.0.0.6", None, "abandoned"),
    dnsmasq((LATER, MAC, "10.0.0.6"), (LATER, OTHER, "10.0.0.6")),
    dnsmasq((0, OTHER, "10.0.0.6"), (0, MAC, "10.0.0.6")),
    dnsmasq((0, "06-" + MAC, "10.0.0.6"), (0, MAC, "10.0.0.6")),
])
def test_an_address_that_is_not_its_own(tree, leases, content):
    for more in [], ["--each"]:
        done = once(leases(content), MAC, *more)
        assert (done.status, done.out) == (ctl.FOUND, "")
        assert listed(done) == ["10.0.0.6"]
        assert entries(tree) == []


@pytest.mark.parametrize("content", [
    "", "\n", "# nothing yet\n", "authoring-byte-order little-endian;\n",
    "duid 00:01:00:01:29:df\n", dnsmasq((LATER, OTHER, "10.0.0.7")),
    record("10.0.0.7", OTHER)])
def test_a_lease_file_without_the_machine(tree, leases, content):
    option = leases(content)
    done = once(option)
    assert done.status == ctl.FOUND and entries(tree) == []
    assert done.err == (f"pxesrvctl: {MAC}: not in any lease or reservation of "
                        f"{option.partition('=')[2]}\n")


KEA = ("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,"
       "fqdn_rev,hostname,state,user_context,pool_id\n")
UNKNOWN = {
    "Kea, no heading": f"10.0.0.7,{MAC},01:{MAC},4000,{LATER},1,0,0,n,0,,0\n",
    "libvirt": json.dumps([{"ip-address": "10.0.0.7", "mac-address": MAC,
                            "expiry-time": LATER}], indent=2),
    "libvirt, empty": "[\n]\n",
    "networkd": json.dumps({"Address": [10, 0, 0, 1], "PrefixLength": 24,
                            "Leases": [{"Address": [10, 0, 0, 7]}]}),
    "OpenBSD": "lease 10.0.0.7 {\n\tstarts 4 2026/11/26 19:56:59 UTC;\n"
               f"\tends 6 2099/11/28 19:56:59 UTC;\n\thardware ethernet {MAC};\n"
               '\tclient-hostname "node7";\n}\n',
    "DHCPv6": "authoring-byte-order little-endian;\n"
              'ia-na "\\017\\000^S" {\n  cltt 4 2026/11/26 19:56:59;\n'
              "  iaaddr 2001:db8::f {\n    binding state active;\n"
              "    ends 6 2099/11/28 19:56:59;\n  }\n}\n",
    "dnsmasq, DHCPv6 alone": "duid 00:01:00:01:29:df\n" +
                             dnsmasq((LATER, "6161419", "2001:db8::b")),
    "dnsmasq without a clock": dnsmasq((43200, MAC, "10.0.0.7")),
    "hosts": "10.0.0.7 node7\n",
    "gzip": gzip.compress(dnsmasq((LATER, MAC, "10.0.0.7")).encode()),
    "text": "no lease at all",
    "a sentence": "It has more than four words. 10.0.0.7\n",
    "numbers": "1 2 3 4 5\n",
    "binary": bytes(range(256)) * 9,
    "zeros": bytes(9999),
    "UTF-16": dnsmasq((LATER, MAC, "10.0.0.7")).encode("utf-16"),
    "binary behind a lease": dnsmasq((LATER, MAC, "10.0.0.7")).encode() +
                             b"\0\1\2\n",
    "binary behind a record": record("10.0.0.7", MAC).encode() + b"\0\1\2\n",
    "another format behind a lease": dnsmasq((LATER, MAC, "10.0.0.7")) + KEA,
    "both formats": dnsmasq((LATER, MAC, "10.0.0.7")) +
                    record("10.0.0.8", MAC),
    "both formats, turned": record("10.0.0.8", MAC) +
                            dnsmasq((LATER, MAC, "10.0.0.7")),
    "no time": record("10.0.0.7", MAC, ends="soon"),
    "closed twice": record("10.0.0.7", MAC) + "}\n",
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("command", ["once", "explain", "cancel"])
def test_a_format_that_is_not_known(tree, leases, command, name):
    """Each of them has the machine, and must not be said to have none."""
    option = leases(UNKNOWN[name])
    done = ctl.run(command, option, MAC, *["os/boot"][:command == "once"])
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert done.err == (f"pxesrvctl: {option.partition('=')[2]}: not a file "
                        "of a DHCP server that pxesrvctl knows\n")
    assert entries(tree) == []


@pytest.mark.parametrize("make, why", [
    (os.mkdir, "is a directory"),
    (os.mkfifo, "not a regular file"),
    (lambda path: os.symlink("/dev/zero", path), "not a regular file"),
    (lambda path: os.symlink("/dev/tty", path), None),
    (lambda path: os.symlink("loop", path), "No such file or directory"),
    (lambda path: os.symlink(path, path), "Too many levels"),
])
def test_what_is_no_file(tree, tmp_path, make, why):
    path = str(tmp_path / "leases")
    make(path)
    done = once(f"--leases={path}")
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert done.err.startswith(f"pxesrvctl: {path}: ")
    assert why is None or why in done.err
    assert entries(tree) == []


@pytest.mark.skipif(place.IS_SANITIZED, reason="it needs room of its own")
@pytest.mark.parametrize("start, end", [
    ("# ", "\n" + record("10.0.0.7", MAC)),
    ("lease 10.0.0.9 {\n  set x = ", ";\n" + record("10.0.0.7", MAC)),
    ('lease 10.0.0.9 {\n  uid "', '";\n' + record("10.0.0.7", MAC)),
    (f"{LATER} {OTHER} 10.0.0.9 ", " *\n" + dnsmasq((0, MAC, "10.0.0.7"))),
    ("", "\n" + dnsmasq((0, MAC, "10.0.0.7"))),
], ids=["comment", "value", "string", "name", "number"])
def test_a_long_line_takes_no_memory(tree, tmp_path, start, end):
    room = 24 << 20
    path = tmp_path / "leases"
    with open(path, "w") as file:
        file.write(start)
        for _ in range(2 * room >> 20):
            file.write("1" * (1 << 20))
        file.write(end)
    done = subprocess.run(
        ["prlimit", f"--as={room}", place.CTL, "once", "--leases", path,
         MAC, "os/boot"], capture_output=True, text=True,
        env=place.clean_env(PXESRV_ROOT=place.ROOT), timeout=place.PATIENCE)
    if start:
        assert (done.returncode, done.stderr) == (ctl.OK, "")
        assert entries(tree) == ["10.0.0.7"]
    else:
        assert done.returncode == ctl.FOUND
        assert "not a file of a DHCP server" in done.stderr


def test_leases_that_are_not_there(tree):
    done = once("--leases=/nowhere")
    assert done.status == ctl.FOUND
    assert done.err == "pxesrvctl: /nowhere: No such file or directory\n"


@pytest.mark.skipif(not place.AS_ROOT, reason="it is about root")
def test_leases_that_only_root_may_read(tree, tmp_path):
    path = tmp_path / "leases"
    path.write_text(dnsmasq((LATER, MAC, "10.0.0.7")))
    path.chmod(0o600)
    tmp_path.chmod(0o700)
    for arguments in (["once", "--leases", path, MAC, "os/boot"],
                      ["explain", "--leases", path, MAC],
                      ["cancel", "--leases", path, MAC]):
        ctl.good(*map(str, arguments))
    done = ctl.run("explain", "--leases", str(path), MAC, **place.AS_USER)
    assert done.status == ctl.FOUND and "Permission denied" in done.err


# Several leases

NEWEST = {
    "dnsmasq": dnsmasq((LATER, MAC, "10.0.0.6"), (LATER + 60, MAC, "10.0.0.7"),
                       (LATER + 90, OTHER, "10.0.0.8")),
    "dnsmasq, turned": dnsmasq((LATER + 60, MAC, "10.0.0.7"),
                               (LATER, MAC, "10.0.0.6")),
    "dhcpd": record("10.0.0.7", MAC, starts=AGO + 60) +
             record("10.0.0.6", MAC, starts=AGO),
    "dhcpd, cltt": record("10.0.0.6", MAC, starts=AGO + 60, cltt=AGO + 90) +
                   record("10.0.0.7", MAC, starts=AGO, cltt=AGO + 120),
    "dhcpd, renewed": record("10.0.0.7", MAC, starts=AGO) +
                      record("10.0.0.6", MAC, starts=AGO + 60) +
                      record("10.0.0.7", MAC, starts=AGO + 90),
}


@pytest.mark.parametrize("name", NEWEST)
@pytest.mark.parametrize("command", ["once", "static"])
def test_the_newest_of_several_leases(tree, leases, command, name):
    option = leases(NEWEST[name])
    done = ctl.run(command, option, MAC, "os/boot")
    assert done.status == ctl.OK
    assert entries(tree, command) == ["10.0.0.7"]
    assert listed(done) == ["10.0.0.6"] and "--each" in done.err
    ctl.good(command, option, "--each", MAC, "os/boot")
    assert entries(tree, command) == ["10.0.0.6", "10.0.0.7"]


SEVERAL = {
    "dnsmasq": dnsmasq((LATER, MAC, "10.0.0.6"), (LATER, MAC, "10.0.0.7")),
    "dnsmasq, never": dnsmasq((LATER, MAC, "10.0.0.6"), (0, MAC, "10.0.0.7")),
    "dhcpd": record("10.0.0.6", MAC) + record("10.0.0.7", MAC),
    "dhcpd, cltt": record("10.0.0.6", MAC, starts=AGO, cltt=AGO + 9) +
                   record("10.0.0.7", MAC, starts=AGO + 1, cltt=AGO + 9),
    "dhcpd, no time": record("10.0.0.6", MAC) + record(
        "10.0.0.7", MAC).replace("starts", "option x"),
}


def is_told(done):
    """Nothing was done, and the two addresses are listed."""
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert listed(done) == ["10.0.0.6", "10.0.0.7"]
    assert "--each" in done.err


@pytest.mark.parametrize("name", SEVERAL)
def test_which_is_the_newest_can_not_be_told(tree, leases, name):
    option = leases(SEVERAL[name])
    tree.make({"once/.served/10.0.0.6": Link("../../os/boot"),
               "once/.served/10.0.0.7": Link("../../os/boot")})
    for arguments in (["once", MAC, "os/boot"], ["static", MAC, "os/boot"],
                      ["rearm", MAC], ["explain", MAC]):
        is_told(ctl.run(*arguments, option))
        assert entries(tree) == entries(tree, "static") == []
    ctl.good("once", option, "--each", MAC, "os/boot")
    assert entries(tree) == ["10.0.0.6", "10.0.0.7"]
    said = ctl.good("explain", "--json", "--each", option, MAC).objects()
    assert [one["client"] for one in said] == ["10.0.0.6", "10.0.0.7"]


def test_one_that_is_told_does_not_stop_the_others(tree, leases):
    option = leases(SEVERAL["dnsmasq"] + dnsmasq((LATER, OTHER, "10.0.0.8")))
    done = ctl.run("once", option, MAC, OTHER, "os/boot")
    assert done.status == ctl.FOUND and entries(tree) == ["10.0.0.8"]
    done = ctl.run("once", option, "-", "os/boot", stdin=f"{MAC}\n10.0.0.9\n")
    assert done.status == ctl.FOUND
    assert entries(tree) == ["10.0.0.8", "10.0.0.9"]


@pytest.mark.parametrize("command, directory", [
    ("cancel", "once"), ("forget", "static")])
def test_entries_are_taken_from_each_address(tree, leases, command, directory):
    """Those of times past, too; but none of another machine."""
    option = leases(dnsmasq(
        (LATER, MAC, "10.0.0.6"), (LATER + 1, MAC, "10.0.0.7"),
        (AGO, MAC, "10.0.0.5"), (LATER, OTHER, "10.0.0.4"),
        (AGO, MAC, "10.0.0.4")))
    done = ctl.run(command, option, MAC)
    assert done.status == ctl.FOUND and entries(tree, directory) == []
    assert f"none of its addresses has an entry in {directory}/" in done.err
    assert listed(done) == [f"10.0.0.{n}" for n in (4, 5, 6, 7)]
    for names, status, left in (
            ([5, 6, 7, 8], ctl.OK, [8]), ([6], ctl.OK, [8]),
            ([4, 7], ctl.FOUND, [4, 8])):
        for n in names:
            tree.add(f"{directory}/10.0.0.{n}", Link("../os/boot"))
        done = ctl.run(command, option, MAC)
        assert done.status == status, done.err
        assert entries(tree, directory) == [f"10.0.0.{n}" for n in left]
        assert done.out.count("\n") == len({5, 6, 7} & set(names))
    assert f"{directory}/10.0.0.4: left alone" in done.err


# The neighbour table

def ip(*arguments, **how):
    return subprocess.run(["ip", *arguments], check=True, text=True,
                          capture_output=True, **how).stdout


@pytest.fixture(scope="module")
def _link():
    """A network that this module makes itself. What is confirmed stays so."""
    ip("link", "add", "pxesrv0", "type", "veth", "peer", "pxesrv1")
    for family in "ipv4", "ipv6":
        with open(f"/proc/sys/net/{family}/neigh/pxesrv0/"
                  "base_reachable_time_ms", "w") as file:
            file.write("3600000")
    ip("link", "set", "pxesrv0", "up")
    ip("address", "add", "192.0.2.1/24", "dev", "pxesrv0")
    yield
    ip("link", "delete", "pxesrv0")


@pytest.fixture
def neighbours(_link):
    """A function that has this in the table: (address, MAC address, state)."""
    def fill(*table):
        ip("-batch", "-", input="".join(
            f"neighbour flush dev pxesrv0 nud {state}\n"
            for state in ("permanent", "noarp", "all")) + "".join(
            f"neighbour replace {address} lladdr {mac} dev pxesrv0 nud {state}"
            "\n" for address, mac, state in table))
    yield fill
    fill()


@pytest.fixture
def usual():
    """Where servers have their leases, and networkd its reservations: a function
    that writes them.

    The sandbox has these directories empty."""
    os.makedirs("/run/systemd/network", exist_ok=True)

    def write(of_dnsmasq=None, of_dhcpd=None, of_kea=None, reserved=None):
        for path, text in ((MISC + "/dnsmasq.leases", of_dnsmasq),
                           (DHCP + "/dhcpd.leases", of_dhcpd),
                           ("/var/lib/kea/kea-leases4.csv", of_kea),
                           ("/run/systemd/network/a.network", reserved)):
            if text is not None:
                with open(path, "w") as file:
                    file.write(text)
            elif os.path.exists(path):
                os.unlink(path)
    yield write
    write()


as_root = pytest.mark.skipif(not place.AS_ROOT,
                             reason="only root can mount, or make a network")


@as_root
@pytest.mark.parametrize("state, is_taken", [
    ("reachable", True), ("permanent", True), ("stale", False),
    ("delay", False), ("probe", False), ("failed", False), ("noarp", False),
    ("none", False)])
@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db8::9"])
def test_a_neighbour(tree, usual, neighbours, address, state, is_taken):
    neighbours((address, MAC, state), ("192.0.2.8", OTHER, "reachable"),
               ("fe80::9", MAC, "permanent"))
    done = ctl.run("once", MAC, "os/boot")
    assert entries(tree) == [address][:is_taken], done.err
    assert done.status == (ctl.OK if is_taken else ctl.FOUND)
    assert is_taken or MAC in done.err


@as_root
def test_a_stale_neighbour_that_another_machine_has(tree, usual, neighbours,
                                                    leases):
    """One that moved to another address; the kernel remembers both."""
    content = dnsmasq((LATER, MAC, "192.0.2.60"), (LATER, OTHER, "192.0.2.50"))
    for old, new in (("stale", "reachable"), ("stale", "stale"),
                     ("reachable", "reachable"), ("permanent", "reachable")):
        neighbours(("192.0.2.50", MAC, old), ("192.0.2.60", MAC, new))
        for option in leases(content), "--force":
            usual(content)
            ctl.good("once", option, MAC, "os/boot")
            assert entries(tree) == ["192.0.2.60"]
            ctl.good("cancel", option, MAC)


@as_root
def test_neighbours_only_without_a_lease(tree, usual, neighbours, leases):
    table = [("192.0.2.9", MAC, "reachable")]
    neighbours(*table)
    # Not at all where a file is named.
    done = once(leases(""))
    assert done.status == ctl.FOUND and listed(done) == ["192.0.2.9"]
    usual(dnsmasq((AGO, MAC, "192.0.2.7")), record("192.0.2.7", OTHER))
    ctl.good("once", MAC, "os/boot")
    assert entries(tree) == ["192.0.2.9"]
    ctl.good("cancel", MAC)
    usual(dnsmasq((LATER, MAC, "192.0.2.7")))
    ctl.good("once", MAC, "os/boot")
    assert entries(tree) == ["192.0.2.7"]
    # A lease that another has as well hides nothing.
    usual(dnsmasq((LATER, MAC, "192.0.2.7")), record("192.0.2.7", OTHER))
    ctl.run("cancel", "192.0.2.7")
    done = ctl.run("once", MAC, "os/boot")
    assert done.status == ctl.FOUND and entries(tree) == []
    assert listed(done) == ["192.0.2.7", "192.0.2.9"] and OTHER in done.err


@as_root
@pytest.mark.parametrize("state, is_taken", [
    ("reachable", False), ("permanent", False), ("stale", True)])
def test_a_lease_whose_address_another_machine_uses(
        tree, usual, neighbours, leases, state, is_taken):
    content = dnsmasq((LATER, MAC, "192.0.2.7"))
    usual(content)
    neighbours(("192.0.2.7", OTHER, state))
    for option in "--force", leases(content):
        done = once(option)
        assert entries(tree) == ["192.0.2.7"][:is_taken]
        assert is_taken or OTHER in done.err
        ctl.run("cancel", "192.0.2.7")


@as_root
def test_several_neighbours(tree, usual, neighbours):
    neighbours(("192.0.2.9", MAC, "reachable"), ("192.0.2.8", MAC, "stale"),
               ("2001:db8::9", MAC, "permanent"))
    done = ctl.run("once", MAC, "os/boot")
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert listed(done) == ["192.0.2.9", "2001:db8::9"]
    ctl.good("once", "--each", MAC, "os/boot")
    assert entries(tree) == ["192.0.2.9", "2001:db8::9"]
    # No link of it is left.
    tree.add("once/192.0.2.8", Link("../os/boot"))
    ctl.good("cancel", MAC)
    assert entries(tree) == []


@as_root
@pytest.mark.parametrize("text", [KEA, UNKNOWN["OpenBSD"]])
def test_usual_leases_that_are_not_understood(tree, usual, neighbours, text):
    """Whose the address is may stand there."""
    neighbours(("192.0.2.9", MAC, "reachable"))
    usual(None, text)
    done = ctl.run("once", MAC, "os/boot")
    assert done.status == ctl.FOUND and entries(tree) == []
    assert "dhcpd.leases: not a file of a DHCP" in done.err


# Host names

@pytest.fixture
def hosts(tmp_path):
    """A function that writes /etc/hosts, which is one of this test's own."""
    path = tmp_path / "hosts"
    path.write_text("")
    # A fresh system may have none to mount over.
    with contextlib.ExitStack() as stack:
        if not os.path.exists("/etc/hosts"):
            with open("/etc/hosts", "x"):
                stack.callback(os.unlink, "/etc/hosts")
        subprocess.run(["mount", "--bind", path, "/etc/hosts"], check=True)
        stack.callback(subprocess.run, ["umount", "/etc/hosts"], check=True)
        yield path.write_text


@as_root
@pytest.mark.parametrize("addresses", [
    ["192.0.2.7", "2001:db8::7"], ["192.0.2.7", "192.0.2.8"],
    ["192.0.2.7", "192.0.2.8", "2001:db8::7", "2001:db8::8"]])
def test_a_host_with_several_addresses(tree, hosts, addresses):
    name = "node7.example.org"
    hosts("".join(f"{address} {name} node7\n" for address in addresses))
    for command in ["once", name, "os/boot"], ["static", "node7", "os/boot"], \
            ["rearm", name], ["explain", name]:
        done = ctl.run(*command)
        assert (done.status, done.out) == (ctl.FOUND, "")
        assert listed(done) == addresses and "--each" in done.err
        assert entries(tree) == entries(tree, "static") == []
    ctl.good("once", "--each", name, "os/boot")
    assert entries(tree) == addresses
    ctl.good("cancel", "node7")
    assert entries(tree) == []
    # As one machine it has one link, and is not installed twice.
    assert "pxesrvctl name" in ctl.run("once", "node7", "os/boot").err
    tree.add("names", Directory())
    assert len(ctl.good("name", "node7").lines) == len(addresses)
    for who in ("node7", name, addresses[-1]):
        ctl.good("once", who, "os/boot")
        assert entries(tree) == ["node7"]
        ctl.good("cancel", who)
    for who in ("node7", name):
        assert len(ctl.good("explain", who, "--json").lines) == len(addresses)


@as_root
def test_a_host_with_one_address(tree, hosts):
    hosts("192.0.2.7 node7\n192.0.2.7 node7 again\n::ffff:192.0.2.7 node7\n")
    ctl.good("once", "node7", "os/boot")
    assert entries(tree) == ["192.0.2.7"]
    assert ctl.good("explain", "node7").lines[0] == "192.0.2.7"
    ctl.good("cancel", "node7")
    done = ctl.run("cancel", "node7")
    assert done.status == ctl.FOUND and "none of its addresses" in done.err


@as_root
def test_the_log_of_a_machine(tree, hosts):
    """All that it has had: a look back at two addresses is one machine's."""
    hosts("192.0.2.7 node7\n192.0.2.8 node7\n")
    with open(place.LOG, "w") as file:
        os.fchown(file.fileno(), *place.OWNER)  # for later responders
        for n in (7, 8, 9):
            file.write(f'192.0.2.{n} - - [22/Nov/2026:13:28:00 +0000] "GET '
                       '/redirect HTTP/1.1" 200 5 0.0003 default\n')
    said = ctl.good("log", "--json", "--client", "node7").objects()
    assert [one["client"] for one in said] == ["192.0.2.7", "192.0.2.8"]


def test_the_log_of_a_machine_that_has_lost_its_address(tree, usual):
    usual(dnsmasq((AGO, MAC, "10.0.0.6"), (LATER, OTHER, "10.0.0.6")))
    done = ctl.run("log", "--client", MAC)
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert listed(done) == ["10.0.0.6"] and OTHER in done.err


def test_check_finds_two_names_of_one_machine(tree, usual):
    usual(dnsmasq((LATER, MAC, "10.0.0.6"), (LATER, OTHER, "10.0.0.7")))
    tree.make({f"names/{MAC}": Link("node6"), "names/10.0.0.6": Link("node6"),
               f"names/{OTHER}": Link("node7")})
    names = [f"names/{MAC}", "names/10.0.0.6", f"names/{OTHER}"]
    assert not set(names) & {one["path"] for one in
                             ctl.run("check", "--json").objects()}
    tree.add("names/10.0.0.7", Link("node8"))
    [found] = [one for one in ctl.run("check", "--json").objects()
               if one["path"].startswith("names/")]
    assert found["path"] == f"names/{OTHER}"
    assert "two names" in found["problem"] and "node8" in found["advice"]


# All of it at random

ROUNDS = 1000
SEED = int(os.environ.get("PXESRV_TESTS_SEED", random.randrange(1 << 32)))
MACS = [f"00:00:5e:00:53:{n:02x}" for n in range(4)][1:]
IPV4 = [f"192.0.2.{n}" for n in range(10, 16)]
IPV6 = ["2001:db8::1", "2001:db8::2"]


class World:
    """What lease files, the table and /etc/hosts say; and who is who by it."""

    def __init__(self, draw):
        self.files = []  # of (what usual() calls it, text, its lines)
        kinds = draw.choice([[], ["of_dnsmasq"], ["of_dhcpd"], ["of_kea"],
                             ["of_dnsmasq", "of_dhcpd"]])
        for kind in kinds + ["reserved"] * (draw.random() < 0.3):
            lines = [self.line(draw, kind) for _ in range(draw.randrange(9))]
            if kind == "of_dnsmasq" and draw.random() < 0.8:  # as it has it
                lines = list({line["address"]: line
                              for line in lines}.values())
            head = {"of_kea": KEA, "reserved": "[Match]\nName=x\n"}
            self.files.append((kind, head.get(kind, "") + "".join(
                line["text"] for line in lines), lines))
        self.is_named = len(self.files) == 1 and draw.random() < 0.5
        self.table = [
            (address, draw.choice(MACS), draw.choice(
                ["reachable"] * 3 + ["permanent", "stale", "delay", "failed"]))
            for address in draw.sample(IPV4 + IPV6, draw.randrange(6))]
        self.names = {f"node{n}": draw.sample(IPV4 + IPV6, draw.choice(
            [1, 1, 1, 2, 3])) for n in range(2)}

    @staticmethod
    def line(draw, kind):
        mac = draw.choice(MACS + [None] * (draw.random() < 0.2))
        ends = draw.choice([None, AGO, LATER, LATER + draw.randrange(3)])
        line = {"mac": mac, "address": draw.choice(IPV4),
                "holds": ends != AGO, "order": ends or 0}
        if kind == "of_dnsmasq":
            line["text"] = dnsmasq((ends or 0, mac or "20-00:11",
                                    line["address"]))
            return line
        if kind == "reserved":
            line.update(mac=mac or MACS[0], holds=True, order=None)
            line["text"] = ("[DHCPServerStaticLease]\nMACAddress="
                            f"{line['mac']}\nAddress={line['address']}\n")
            return line
        starts, cltt = (AGO + draw.randrange(4) for _ in range(2))
        if kind == "of_kea":
            state = draw.choice([0] * 4 + [1, 2, 3])
            lifetime = (ends or 0) - starts if ends and ends != AGO else \
                draw.choice([0, 4])
            line["text"] = (f"{line['address']},{mac or ''},,{lifetime},"
                            f"{starts + lifetime},1,0,0,n,{state},,0\n")
            line["holds"] = lifetime > 4 and state == 0
            line["order"] = starts
            return line
        state = draw.choice(["active"] * 4 + ["free", "abandoned", "released"])
        cltt = draw.choice([None, cltt])
        line["text"] = record(line["address"], mac, state,
                              ends or "never", starts, cltt)
        line["holds"] = line["holds"] and state == "active"
        line["order"] = cltt or starts
        return line

    def last_words(self):
        """What counts: (file, line)."""
        for n, (kind, _, lines) in enumerate(self.files):
            last = {line["address"]: line for line in lines}
            yield from ((n, line) for line in lines
                        if kind in ("of_dnsmasq", "reserved")
                        or last[line["address"]] is line)

    def holders(self, address):
        return {line["mac"] for _, line in self.last_words()
                if line["address"] == address and line["holds"]} | {
            mac for at, mac, state in self.seen
            if at == address and state in ("REACHABLE", "PERMANENT")}

    def candidates(self, mac):
        """The machine's own, with its ages: (file, order) or None."""
        leased = {}
        for n, line in self.last_words():
            if line["mac"] == mac and line["holds"]:
                ages = leased.setdefault(line["address"], [])
                if line["order"] is not None:
                    ages.append((n, line["order"]))
        if not leased and not self.is_named:
            leased = {at: [None] for at, other, state in self.seen
                      if other == mac and state in ("REACHABLE", "PERMANENT")}
        return {address: age for address, age in leased.items()
                if self.holders(address) == {mac}}

    def own(self, word):
        return dict.fromkeys(self.names[word], [None]) \
            if word in self.names else self.candidates(word)

    def armed(self, word, each):
        """The clients that get a link."""
        own = self.own(word)
        if each or len(own) <= 1:
            return sorted(own)
        if not all(own.values()):  # it is only reserved
            return []
        ages = [(age, at) for at, many in own.items() for age in many]
        files = {age and age[0] for age, _ in ages}
        if len(files) > 1 or None in files or len(ages) > len(own) or any(
                age[1] == 0 for age, _ in ages):
            return []
        ages.sort(reverse=True)
        return [ages[0][1]] if ages[0][0] > ages[1][0] else []


def spelled(draw, mac):
    return draw.choice([mac, mac.upper(), mac.replace(":", "-"),
                        "01-" + mac.replace(":", "-"), mac.replace(":", ""),
                        re.sub("(..):(..):?", r"\1\2.", mac)[:14],
                        ":".join(f"{int(o, 16):x}" for o in mac.split(":"))])


def compare(tree, draw, world, leases):
    word = draw.choice(MACS + MACS + list(world.names))
    each = draw.random() < 0.2
    want = world.armed(word, each)
    arguments = ["--each"] * each
    if world.is_named:
        arguments.append(leases(world.files[0][1]))
    said = spelled(draw, word) if word in MACS else word
    done = ctl.run("once", *arguments, said, "os/boot")
    got = entries(tree)
    for address in got:
        assert word not in MACS or world.holders(address) == {word}
    assert len(got) <= 1 or each
    assert got == sorted(want), done.err
    assert done.status == (ctl.OK if want else ctl.FOUND)
    own = world.own(word)
    if len(own) > 1 and not each:
        assert sorted(listed(done) + want) == sorted(own)
    if want:
        ctl.good("cancel", *arguments[each:], said)
        assert entries(tree) == []
    return word in MACS, each, min(len(own), 2), min(len(want), 2)


@as_root
def test_random_worlds(tree, usual, neighbours, hosts, leases):
    place.figure(f"machines at random: seed {SEED}")
    seen = set()
    for number in range(ROUNDS):
        draw = random.Random(f"{SEED} {number}")
        world = World(draw)
        texts = {} if world.is_named else {
            kind: text for kind, text, _ in world.files}
        usual(**texts)
        neighbours(*world.table)
        hosts("".join(f"{address} {name}\n" for name, addresses in
                      world.names.items() for address in addresses))
        world.seen = [(one["dst"], one.get("lladdr"), *one["state"])
                      for one in json.loads(ip("-j", "neighbour", "show"))]
        try:
            seen.add(compare(tree, draw, world, leases))
        except AssertionError as failure:
            raise AssertionError(
                f"seed {SEED}, round {number}: {failure}\n{world.files}\n"
                f"{world.is_named} {world.seen} {world.names}") from failure
    # By a MAC address and by a name: with --each, and without; how many
    # addresses the machine has, and how many of them get a link.
    assert {(True, False, 0, 0), (True, False, 1, 1), (True, False, 2, 0),
            (True, False, 2, 1), (True, True, 2, 2), (False, False, 1, 1),
            (False, False, 2, 0), (False, True, 2, 2)} <= seen
