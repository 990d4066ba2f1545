# SPDX-License-Identifier: MIT
"""pxesrvctl: a MAC address or a host name is found by what the DHCP servers have:
reservations in their configurations, and leases of Kea and systemd-networkd. The
servers themselves check the samples, and write leases, where they are installed."""
import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest

import ctl
import place
from cases import MENU, OS
from test_ctl_machines import (  # noqa: F401: fixtures
    AGO, LATER, MAC, OTHER, as_root, dnsmasq, entries, hosts, ip, leases,
    listed, once, record, utc)
from tree import Directory

TREE = {"default": MENU, "os/boot": OS, "once": Directory(),
        "static": Directory()}


@pytest.fixture
def tree(tree):
    tree.make(TREE)
    return tree


KEA_HEAD = ("address,hwaddr,client_id,valid_lifetime,expire,subnet_id,"
            "fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id\n")
KEA_HEAD_6 = ("address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,"
              "lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,"
              "state,user_context,hwtype,hwaddr_source,pool_id\n")


def kea(*rows, head=KEA_HEAD):
    """Of (address, MAC address, and maybe: state, end, lifetime)."""
    text = head
    for address, mac, *more in rows:
        state, end, lifetime = [*more, *(0, LATER, 4000)[len(more):]]
        text += (f"{address},{mac},,{lifetime},{end},1,0,0,node,{state},,0\n"
                 if head == KEA_HEAD else
                 f"{address},00:01,{lifetime},{end},1,3000,0,7,128,0,0,,{mac},"
                 f"{state},,1,2,0\n")
    return text


def networkd(*rows):
    """Of (address, MAC address, end)."""
    return json.dumps({
        "BootID": "0123456789abcdef0123456789abcdef", "Address": [10, 0, 0, 1],
        "PrefixLength": 24, "Leases": [{
            "ClientId": [255, 1, 2, 3], "Hostname": "node",
            "Address": [int(part) for part in address.split(".")],
            "HardwareAddressType": 1, "HardwareAddressLength": 6,
            "HardwareAddress": [int(octet, 16) for octet in mac.split(":")]
            + [0] * 10,
            "ExpirationUSec": 99, "ExpirationRealtimeUSec": end * 10**6}
            for address, mac, end in rows]}) + "\n"


KEA_CONF = """# Kea takes this comment,
// this one,
{ "Dhcp4": { /* and this
  one. "reservations": [ */
  "lease-database": { "type": "memfile", "persist": false },
  "interfaces-config": { "interfaces": [ ] },
  "option-data": [ { "name": "domain-name", "data": "x // y # /* z.org" } ],
  "host-reservation-identifiers": [ "hw-address", "duid" ],
  "shared-networks": [ { "name": "rack", "subnet4": [
    { "id": 1, "subnet": "10.0.0.0/24", "reservations": [
      { "hw-address": "%(other)s", "ip-address": "10.0.0.8" },
      { "duid": "01:02:03:04:05", "ip-address": "10.0.0.5" } ] } ] } ],
  "subnet4": [
    { "id": 2, "subnet": "10.0.1.0/24", "reservations": [
      { "hw-address": "%(mac)s", "ip-address": "10.0.1.7",
        "hostname": "node7", } ] } ] } }
"""
DHCPD_CONF = """# host a { hardware ethernet %(mac)s; fixed-address 10.0.0.1; }
authoritative;
default-lease-time 600;
option domain-name "host b { fixed-address 10.0.0.1; }
}";
shared-network rack {
  subnet 10.0.0.0 netmask 255.255.255.0 {
    range 10.0.0.100 10.0.0.200;
    group {
      filename "lpxelinux.0";
      host node8 { hardware ethernet %(other)s; fixed-address 10.0.0.8; }
    }
  }
}
subnet 10.0.1.0 netmask 255.255.255.0 {
  host node7 {
    if exists user-class { filename "x"; }
    hardware ethernet %(mac)s;
    fixed-address 10.0.1.7;
  }
}
"""
DNSMASQ_CONF = """# dhcp-host=%(mac)s,10.0.0.1
domain-needed
dhcp-range=10.0.0.0,static,255.255.255.0,1h
dhcp-range=10.0.1.0,static,255.255.255.0,1h
dhcp-host=%(other)s,set:red,10.0.0.8,node8,45m
dhcp-host = %(mac)s, 10.0.1.7, node7, infinite # dhcp-host=
dhcp-host=00:00:5e:00:53:*,10.0.0.1
dhcp-host=00:00:5e:00:53:0d,ignore
dhcp-host=id:01:02:03,10.0.0.2
"""
NETWORK = """[Match]
Name=pxesrv0
[Network]
Address=10.0.1.1/24
DHCPServer=yes
[DHCPServerStaticLease]
MACAddress=%(other)s
Address=10.0.0.8
[DHCPServerStaticLease]
# Address=10.0.0.1
MACAddress=%(mac)s
Address=10.0.1.7
"""
ETHERS = """# %(mac)s 10.0.0.1
%(other)s 10.0.0.8
%(mac)s	10.0.1.7
"""
HOSTSFILE = "%(other)s,10.0.0.8,node8\n%(mac)s,set:red,10.0.1.7\n"
NAMES = {"mac": MAC, "other": OTHER}
CONFIGURATIONS = {
    "Kea": KEA_CONF % NAMES, "dhcpd": DHCPD_CONF % NAMES,
    "dnsmasq": DNSMASQ_CONF % NAMES, "networkd": NETWORK % NAMES,
    "ethers": ETHERS % NAMES, "dhcp-hostsfile": HOSTSFILE % NAMES}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
def test_a_reservation(tree, leases, name, end):
    option = leases(CONFIGURATIONS[name].replace("\n", end))
    ctl.good("once", option, MAC, "os/boot")
    assert entries(tree) == ["10.0.1.7"]
    ctl.good("cancel", option, MAC)
    ctl.good("static", option, OTHER, "os/boot")
    assert entries(tree, "static") == ["10.0.0.8"]
    ctl.good("forget", option, OTHER)
    done = once(option, "00:00:5e:00:53:99")
    assert done.status == ctl.FOUND and "not in any lease or reservation of" in done.err


def of_server(program, *arguments, **env):
    return subprocess.run(
        [program, *map(str, arguments)], text=True, env=place.clean_env(**env),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=place.PATIENCE)


def needs(program):
    return pytest.mark.skipif(not shutil.which(program),
                              reason=f"{program} is not installed")


@pytest.mark.parametrize("name, program, arguments", [
    pytest.param("Kea", "kea-dhcp4", ["-t"], marks=needs("kea-dhcp4")),
    pytest.param("dhcpd", "dhcpd", ["-t", "-4", "-cf"], marks=needs("dhcpd")),
    pytest.param("dnsmasq", "dnsmasq", ["--test", "-C"],
                 marks=needs("dnsmasq"))])
def test_a_sample_is_what_the_server_takes(tmp_path, name, program, arguments):
    path = tmp_path / "conf"
    path.write_text(CONFIGURATIONS[name])
    done = of_server(program, *arguments, path, KEA_LOCKFILE_DIR="none",
                     KEA_PIDFILE_DIR=str(tmp_path))
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout


INCLUDES = {
    "Kea": ('{ "Dhcp4": { <?include "%s"?> } }\n',
            f'"reservations": [ {{ "hw-address": "{MAC}", '
            '"ip-address": "10.0.0.7" } ]\n'),
    "dhcpd": ('subnet 10.0.0.0 netmask 255.255.255.0 {\n  include "%s";\n}\n',
              f"host a {{ hardware ethernet {MAC}; fixed-address 10.0.0.7; }}\n"),
    "dnsmasq": ("conf-file=%s\n", f"dhcp-host={MAC},10.0.0.7\n"),
}


@pytest.mark.parametrize("name", INCLUDES)
def test_a_file_that_is_included(tree, leases, tmp_path, name):
    path = tmp_path / "included"
    text, included = INCLUDES[name]
    path.write_text(included)
    option = leases(text % path)
    ctl.good("once", option, MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]
    ctl.good("cancel", option, MAC)
    # A reservation of another machine may be in what can't be read.
    path.unlink()
    done = once(option)
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert done.err == f"pxesrvctl: {path}: No such file or directory\n"
    path.write_text(text % path)
    done = once(option)
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert "Too many levels" in done.err


# Leases

GOOD = {
    "Kea": kea(("10.0.0.8", OTHER), ("10.0.0.7", MAC)),
    "Kea, given to this one": kea(("10.0.0.7", OTHER), ("10.0.0.7", MAC)),
    "Kea, released and taken again": kea(("10.0.0.7", MAC, 0, LATER, 0),
                                         ("10.0.0.7", MAC)),
    "Kea, for ever": kea(("10.0.0.7", MAC, 0, AGO, 4294967295)),
    "Kea, context": kea(("10.0.0.7", MAC)).replace(",,0\n", ',{ "x": 1 },0\n'),
    "Kea, newest": kea(("10.0.0.7", MAC, 0, LATER + 1), ("10.0.0.6", MAC)),
    "Kea, being written": kea(("10.0.0.7", MAC), ("10.0.0.17", MAC))[:-1],
    "networkd": networkd(("10.0.0.8", OTHER, LATER), ("10.0.0.7", MAC, LATER)),
    "networkd, newest": networkd(("10.0.0.6", MAC, LATER),
                                 ("10.0.0.7", MAC, LATER + 60)),
    "OMAPI": f"host x {{\n  dynamic;\n  hardware ethernet {MAC};\n"
             "  fixed-address 10.0.0.7;\n}\n" + record("10.0.0.8", OTHER),
    "starts epoch": record("10.0.0.7", MAC).replace(
        f"starts {utc(AGO)}", f"starts epoch {AGO}"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_lease(tree, leases, name):
    assert once(leases(GOOD[name])).status == ctl.OK
    assert entries(tree) == ["10.0.0.7"]


def test_a_lease_of_ipv6(tree, leases):
    option = leases(kea(("2001:db8::8", OTHER), ("2001:db8::7", MAC),
                        ("2001:db8::9", ""), head=KEA_HEAD_6))
    ctl.good("once", option, MAC, "os/boot")
    assert entries(tree) == ["2001:db8::7"]


@pytest.mark.parametrize("content", [
    kea(("10.0.0.6", MAC, 0, AGO)), kea(("10.0.0.6", MAC, 1)),
    kea(("10.0.0.6", MAC, 2)), kea(("10.0.0.6", MAC, 3)),
    kea(("10.0.0.6", MAC), ("10.0.0.6", MAC, 0, LATER, 0)),
    kea(("10.0.0.6", MAC), ("10.0.0.6", OTHER)),
    kea(("10.0.0.6", MAC), ("10.0.0.6", "", 1)),
    networkd(("10.0.0.6", MAC, AGO))])
def test_a_lease_that_is_over(tree, leases, content):
    done = once(leases(content))
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert listed(done) == ["10.0.0.6"]


def test_kea_cleans_its_leases_up(tree, tmp_path, leases):
    """Meanwhile the older ones are in files beside."""
    option = leases(kea(("10.0.0.8", OTHER)))
    beside = tmp_path / "leases.2"
    beside.write_text(kea(("10.0.0.7", MAC)))
    ctl.good("once", option, MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]
    ctl.good("cancel", option, MAC)
    (tmp_path / "leases.1").write_text(kea(("10.0.0.7", OTHER)))
    done = once(option)
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert "leased to another machine since" in done.err or OTHER in done.err


# Reservations and leases that differ

CONFLICTS = {
    "two subnets": f"dhcp-host={MAC},10.0.0.6\ndhcp-host={MAC},10.0.0.7\n",
    "two addresses": f"host a {{ hardware ethernet {MAC}; fixed-address "
                     "10.0.0.6, 10.0.0.7; }\n",
    "of OMAPI, and a lease": record("10.0.0.6", MAC) + "host x {\n  dynamic;\n"
                             f"  hardware ethernet {MAC};\n"
                             "  fixed-address 10.0.0.7;\n}\n"}


@pytest.mark.parametrize("name", CONFLICTS)
def test_several_addresses(tree, leases, name):
    option = leases(CONFLICTS[name])
    done = once(option)
    assert (done.status, done.out, entries(tree)) == (ctl.FOUND, "", [])
    assert listed(done) == ["10.0.0.6", "10.0.0.7"] and "--each" in done.err
    assert "reserved" in done.err
    ctl.good("once", option, "--each", MAC, "os/boot")
    assert entries(tree) == ["10.0.0.6", "10.0.0.7"]


def test_an_address_that_is_reserved_for_two(tree, leases):
    """Whoever boots first would get the link, unless they are one machine."""
    option = leases(f"dhcp-host={MAC},10.0.0.7\ndhcp-host={OTHER},10.0.0.7\n")
    done = once(option)
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert f"10.0.0.7  reserved for {OTHER}" in done.err
    option = leases(f"dhcp-host={MAC},{OTHER},10.0.0.7\n")
    for mac in MAC, OTHER:
        ctl.good("once", option, mac, "os/boot")
        assert entries(tree) == ["10.0.0.7"]
        ctl.good("cancel", option, mac)


# The usual places

@pytest.fixture
def usual():
    """A function that writes a file where a server has it. The sandbox has most
    of the directories empty; others are made for the test."""
    with contextlib.ExitStack() as stack:
        def write(path, text):
            directory = os.path.dirname(path)
            missing = []
            while not os.path.isdir(directory):
                missing.append(directory)
                directory = os.path.dirname(directory)
            for one in reversed(missing):
                os.mkdir(one)
                stack.callback(os.rmdir, one)
            if not os.path.exists(path):
                stack.callback(os.unlink, path)
            else:
                stack.callback(os.truncate, path, 0)
            with open(path, "w") as file:
                file.write(text)
        yield write


HOST = (f"host a {{ hardware ethernet {MAC}; fixed-address 10.0.0.7; }}\n")
STATIC_LEASE = f"[DHCPServerStaticLease]\nMACAddress={MAC}\nAddress=10.0.0.7\n"
KEA_RESERVED = ('{ "Dhcp4": { "reservations": [ { "hw-address": "%s", '
                '"ip-address": "10.0.0.7" } ] } }\n' % MAC)
USUAL = {
    "/var/lib/misc/dnsmasq.leases": dnsmasq((LATER, MAC, "10.0.0.7")),
    "/var/lib/dnsmasq/dnsmasq.leases": dnsmasq((LATER, MAC, "10.0.0.7")),
    "/etc/dnsmasq.conf": f"dhcp-host={MAC},10.0.0.7\n",
    "/etc/dnsmasq.d/rack7": f"no-resolv\ndhcp-host={MAC},10.0.0.7\n",
    "/etc/ethers": f"{MAC} 10.0.0.7\n",
    "/var/lib/dhcp/dhcpd.leases": record("10.0.0.7", MAC),
    "/var/lib/dhcpd/dhcpd.leases": record("10.0.0.7", MAC),
    "/etc/dhcp/dhcpd.conf": HOST,
    "/etc/dhcp/dhcpd6.conf": HOST.replace("fixed-address 10.0.0.7",
                                          "fixed-address6 2001:db8::7"),
    "/var/lib/kea/kea-leases4.csv": kea(("10.0.0.7", MAC)),
    "/var/lib/kea/kea-leases6.csv": kea(("2001:db8::7", MAC), head=KEA_HEAD_6),
    "/etc/kea/kea-dhcp4.conf": KEA_RESERVED,
    "/etc/kea/kea-dhcp6.conf": KEA_RESERVED.replace("Dhcp4", "Dhcp6").replace(
        '"ip-address": "10.0.0.7"', '"ip-addresses": [ "2001:db8::7" ]'),
    "/var/lib/systemd/network/dhcp-server-lease/eth0":
        networkd(("10.0.0.7", MAC, LATER)),
    "/run/systemd/netif/dhcp-server-lease/eth0":
        networkd(("10.0.0.7", MAC, LATER)),
    "/etc/systemd/network/a.network": STATIC_LEASE,
    "/etc/systemd/network/a.network.d/b.conf": STATIC_LEASE,
    "/run/systemd/network/a.network": STATIC_LEASE,
}


@as_root
@pytest.mark.parametrize("path", USUAL)
def test_where_a_server_has_it(tree, usual, path):
    usual(path, USUAL[path])
    ctl.good("once", MAC, "os/boot")
    assert entries(tree) == ["2001:db8::7" if "6." in path else "10.0.0.7"]
    ctl.good("cancel", MAC)
    usual(path, "{ \x01")
    done = ctl.run("once", MAC, "os/boot")
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert done.err == (f"pxesrvctl: {path}: not a file of a DHCP server that "
                        "pxesrvctl knows\n")


@as_root
def test_what_servers_do_not_read(tree, usual):
    usual("/etc/dnsmasq.d/rack7", "bogus-priv\n")
    for end in ".dpkg-old", ".dpkg-dist", ".rpmsave", "~":
        usual("/etc/dnsmasq.d/rack7" + end, f"dhcp-host={MAC},10.0.0.6\n")
    done = ctl.run("once", MAC, "os/boot")
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert "not in any lease" in done.err


@as_root
def test_a_usual_file_that_only_root_may_read(tree, usual):
    """Whose the address is may stand there."""
    usual("/etc/kea/kea-dhcp4.conf", KEA_RESERVED)
    os.chmod("/etc/kea/kea-dhcp4.conf", 0o600)
    done = ctl.run("explain", MAC, **place.AS_USER)
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert done.err == ("pxesrvctl: /etc/kea/kea-dhcp4.conf: Permission "
                        "denied\n")
    assert ctl.good("explain", MAC).lines[0] == "10.0.0.7"


@as_root
def test_a_file_that_is_read_twice(tree, usual):
    """As where dnsmasq.conf names dnsmasq.d, which Debian does without."""
    usual("/etc/dnsmasq.conf", "conf-dir=/etc/dnsmasq.d\n")
    usual("/etc/dnsmasq.d/rack7", f"dhcp-host={MAC},{OTHER},10.0.0.7\n")
    for mac in MAC, OTHER:
        ctl.good("once", mac, "os/boot")
        assert entries(tree) == ["10.0.0.7"]
        ctl.good("cancel", mac)


@as_root
def test_ethers_by_dnsmasq(tree, usual, leases):
    option = leases("domain-needed\nread-ethers\n"
                    f"dhcp-host={OTHER},10.0.0.8\n")
    assert once(option).status == ctl.FOUND
    usual("/etc/ethers", f"{MAC} 10.0.0.7\n")
    ctl.good("once", option, MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]


@as_root
def test_a_reservation_and_a_lease_in_different_places(tree, usual):
    usual("/etc/kea/kea-dhcp4.conf", KEA_RESERVED)
    usual("/var/lib/kea/kea-leases4.csv", kea(("10.0.0.6", MAC)))
    done = ctl.run("once", MAC, "os/boot")
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert listed(done) == ["10.0.0.6", "10.0.0.7"]
    assert "10.0.0.6  leased" in done.err and "10.0.0.7  reserved" in done.err
    # One address by both is one.
    usual("/var/lib/kea/kea-leases4.csv", kea(("10.0.0.7", MAC)))
    ctl.good("once", MAC, "os/boot")
    assert entries(tree) == ["10.0.0.7"]
    ctl.good("cancel", MAC)
    # Another machine has it until it asks again.
    usual("/var/lib/kea/kea-leases4.csv", kea(("10.0.0.7", OTHER)))
    for mac, how in (MAC, "in use by " + OTHER), (OTHER, "reserved for " + MAC):
        done = ctl.run("once", mac, "os/boot")
        assert (done.status, entries(tree)) == (ctl.FOUND, [])
        assert f"10.0.0.7  {how}" in done.err


@as_root
def test_names_in_reservations(tree, hosts, leases):
    """They have the addresses that the resolver knows. Those of other machines
    are not asked for."""
    hosts("192.0.2.7 node7\n2001:db8::7 node7\n")
    for text in (f"{MAC} node7\n{OTHER} nowhere.invalid\n",
                 f"host a {{ hardware ethernet {MAC}; fixed-address node7; }}\n"
                 f"host b {{ hardware ethernet {OTHER}; fixed-address "
                 "nowhere.invalid; }\n"):
        option = leases(text)
        ctl.good("once", option, MAC, "os/boot")
        assert entries(tree) == ["192.0.2.7"]
        ctl.good("cancel", option, MAC)
        done = once(option, OTHER)
        assert (done.status, entries(tree)) == (ctl.FOUND, [])
        assert "nowhere.invalid, which is reserved for the machine" in done.err
    # getaddrinfo(3) would take it for 10.0.0.1.
    done = once(leases(f"{MAC} 10.1\n"))
    assert (done.status, entries(tree)) == (ctl.FOUND, [])


# Host names

@pytest.fixture
def named(tree):
    """The tree, and what the names in it are."""
    tree.make({"names": Directory()})

    def names():
        return {name: os.readlink(tree.full(f"names/{name}"))
                for name in sorted(os.listdir(tree.full("names")))}
    return names


def name(option, *words, **how):
    return ctl.run("name", option, *words, **how)


@pytest.mark.parametrize("server", ["Kea", "dhcpd", "dnsmasq"])
@pytest.mark.parametrize("word", ["node7", "NODE7"])
def test_a_host_name_of_a_reservation(named, leases, server, word):
    option = leases(CONFIGURATIONS[server])
    ctl.good("name", option, word)
    assert named() == {"10.0.1.7": word}
    ctl.good("name", option, "-d", word)
    ctl.good("name", option, word, env={"PXESRV_IDENTIFY": "mac"})
    assert named() == {"10.0.1.7": word, MAC: word}
    done = name(option, "node9")
    assert done.status == ctl.FOUND and "give its addresses" in done.err
    assert "in no reservation and no lease; as a host name: " in done.err


def kea_hosts(*hosts, servers="Dhcp4"):
    return json.dumps({servers: {"reservations": list(hosts)}}) + "\n"


def kea_host(mac, address, hostname="node7"):
    return {"hw-address": mac, "ip-address": address, "hostname": hostname}


CARDLESS = {
    "Kea": json.dumps({"Dhcp4": {"reservations": [
        {"client-id": "01:02", "hostname": "node7",
         "ip-address": "10.0.0.7"}]}, "Dhcp6": {"reservations": [
             {"duid": "01:02", "hostname": "node7.example.org",
              "ip-addresses": ["2001:db8::7", "2001:db8::8"]}]}}) + "\n",
    "dhcpd": "option x 1;\nhost a { option dhcp-client-identifier \"x\"; option "
             "host-name \"node7\"; fixed-address 10.0.0.7; fixed-address6 "
             "2001:db8::7, 2001:db8::8; }\n",
    "dnsmasq": "dhcp-host=id:*,node7,10.0.0.7,[2001:db8::7],[2001:db8::8],7d\n",
}


@pytest.mark.parametrize("server", CARDLESS)
def test_a_host_name_without_a_card(tree, named, leases, server):
    option = leases(CARDLESS[server])
    ctl.good("name", option, "node7", env={"PXESRV_IDENTIFY": "mac"})
    assert named() == dict.fromkeys(
        ["10.0.0.7", "2001:db8::7", "2001:db8::8"], "node7")
    ctl.good("name", "-d", "node7")
    ctl.good("once", option, "--each", "node7", "os/boot")
    assert entries(tree) == ["10.0.0.7", "2001:db8::7", "2001:db8::8"]


def test_all_that_a_card_has(named, leases):
    """A reservation without an address gives those of the card."""
    option = leases(kea_hosts(
        {"hw-address": MAC, "hostname": "node7.example.org."},
        {"hw-address": MAC, "ip-address": "10.0.0.7"},
        kea_host(MAC, "10.0.1.7", "other"), kea_host(OTHER, "10.0.0.8", "node70")))
    ctl.good("name", option, "node7")
    assert named() == {"10.0.0.7": "node7", "10.0.1.7": "node7"}
    done = name(leases(kea_hosts({"hw-address": MAC, "hostname": "n"})), "n")
    assert done.status == ctl.FOUND and "it has no address in" in done.err
    ctl.good("name", leases(kea_hosts({"hw-address": MAC, "hostname": "n"})), "n",
             env={"PXESRV_IDENTIFY": "mac"})
    assert named()[MAC] == "n"


def test_a_domain_is_asked_for_as_a_whole(named, leases):
    option = leases(kea_hosts(kea_host(MAC, "10.0.0.7"),
                              kea_host(OTHER, "10.0.0.8", "node7.example.org")))
    ctl.good("name", option, "node7.example.org")
    assert named() == {"10.0.0.8": "node7.example.org"}


def test_two_cards_of_one_machine(named, leases):
    option = leases(f"dhcp-host={MAC},{OTHER},10.0.0.7,node7\n")
    ctl.good("name", option, "node7", env={"PXESRV_IDENTIFY": "mac"})
    assert named() == dict.fromkeys(["10.0.0.7", MAC, OTHER], "node7")


TWO = {
    "Kea": kea_hosts(kea_host(MAC, "10.0.0.7"),
                     kea_host(OTHER, "10.0.0.8", "node7.example.org")),
    "dnsmasq": f"dhcp-host={MAC},10.0.0.7,node7\n"
               f"dhcp-host={OTHER},10.0.0.8,node7.example.org\n",
    "dhcpd": f"host node7 {{ hardware ethernet {MAC}; fixed-address 10.0.0.7; }}\n"
             f"host node7.example.org {{ hardware ethernet {OTHER}; "
             "fixed-address 10.0.0.8; }\n",
    "ethers": f"{MAC} node7\n{OTHER} node7.example.org\n",
}


@pytest.mark.parametrize("server", TWO)
@pytest.mark.parametrize("command", [["name", "node7"],
                                     ["once", "node7", "os/boot"]])
def test_two_machines_of_one_name(tree, named, leases, server, command):
    option = leases(TWO[server])
    done = ctl.run(*command, option)
    assert (done.status, done.out) == (ctl.FOUND, "")
    assert (entries(tree), named()) == ([], {})
    first, *rest = done.err.splitlines()
    path = option.partition("=")[2]
    assert first.startswith("pxesrvctl: node7: 2 machines have this host name")
    assert "pxesrvctl name node7 ADDRESS" in first
    assert rest == [f"  {MAC}  node7, in {path}",
                    f"  {OTHER}  node7.example.org, in {path}"]


@as_root
def test_dns_and_reservations_together(named, hosts, leases):
    hosts("10.0.0.7 node7\n10.0.1.7 node7\n2001:db8::7 node7\n")
    ctl.good("name", leases(kea_hosts(kea_host(MAC, "10.0.2.7"))), "node7")
    assert named() == dict.fromkeys(
        ["10.0.0.7", "10.0.1.7", "10.0.2.7", "2001:db8::7"], "node7")


@as_root
def test_dns_says_that_two_are_one_machine(tree, named, hosts, leases):
    option = leases(TWO["Kea"])
    hosts("10.0.0.7 node7\n")
    assert "2 machines" in name(option, "node7").err and named() == {}
    hosts("10.0.0.7 node7\n10.0.0.8 node7\n")
    ctl.good("name", option, "node7", env={"PXESRV_IDENTIFY": "mac"})
    assert named() == dict.fromkeys(
        ["10.0.0.7", "10.0.0.8", MAC, OTHER], "node7")


@as_root
def test_a_name_in_ethers(named, hosts, leases):
    """The resolver has its addresses, so it is not asked twice."""
    option = leases(f"{MAC} node7\n")
    ctl.good("name", option, "node7", env={"PXESRV_IDENTIFY": "mac"})
    assert named() == {MAC: "node7"}
    hosts("10.0.0.7 node7\n")
    ctl.good("name", option, "node7")
    assert named() == {"10.0.0.7": "node7", MAC: "node7"}


LEASED = {
    "dnsmasq": f"0 {OTHER} 10.0.0.8 * *\n0 {MAC} 10.0.0.7 node7 *\n",
    "dhcpd": record("10.0.0.8", OTHER) + record("10.0.0.7", MAC).replace(
        "}", '  client-hostname "node7";\n}'),
    "Kea": kea(("10.0.0.8", OTHER), ("10.0.0.7", MAC)).replace(
        f"{MAC},,4000,{LATER},1,0,0,node", f"{MAC},,4000,{LATER},1,0,0,node7"),
    "networkd": networkd(("10.0.0.7", MAC, LATER)).replace('"node"', '"node7"'),
    "Kea, without a card": kea(("2001:db8::7", ""), head=KEA_HEAD_6).replace(
        "128,0,0,,", "128,0,0,node7,"),
}


@pytest.mark.parametrize("server", LEASED)
def test_a_host_name_of_a_lease(tree, named, leases, server):
    """It may be the client's own choice. So it is the last that counts, and no
    machine is armed by it."""
    option = leases(LEASED[server])
    address = "2001:db8::7" if "without" in server else "10.0.0.7"
    done = name(option, "node7")
    assert (done.status, named()) == (ctl.OK, {address: "node7"})
    assert done.err == (
        f"pxesrvctl: warning: {address} is not reserved for node7 (leased), "
        "so another machine may get it later\n")
    ctl.good("name", "-d", "node7")
    done = once(option, "node7")
    assert (done.status, entries(tree)) == (ctl.FOUND, [])
    assert "in a reservation; as a host name" in done.err


def test_a_name_that_was_leased(named, leases):
    over = record("10.0.0.7", MAC).replace("}", '  client-hostname "node7";\n}')
    option = leases(over + record("10.0.0.7", OTHER))
    done = name(option, "node7")
    assert (done.status, named()) == (ctl.FOUND, {})
    option = leases(over.replace("ends never", f"ends {utc(AGO)}"))
    assert (name(option, "node7").status, named()) == (ctl.FOUND, {})
    # The client has another name by now, or none.
    for later in over.replace("node7", "node8"), record("10.0.0.7", MAC):
        option = leases(over + later)
        assert (name(option, "node7").status, named()) == (ctl.FOUND, {})
    option = leases(over + over)
    assert (name(option, "node7").status, named()) == (
        ctl.OK, {"10.0.0.7": "node7"})


@as_root
def test_a_lease_of_the_name_is_nothing_beside_a_reservation(
        named, usual, hosts):
    usual("/etc/kea/kea-dhcp4.conf", kea_hosts(kea_host(MAC, "10.0.0.7")))
    usual("/var/lib/misc/dnsmasq.leases", f"0 {OTHER} 10.0.0.8 node7 *\n")
    ctl.good("name", "node7")
    assert named() == {"10.0.0.7": "node7"}
    ctl.good("name", "-d", "node7")
    usual("/etc/kea/kea-dhcp4.conf", kea_hosts())
    hosts("10.0.0.9 node7\n")
    ctl.good("name", "node7")
    assert named() == {"10.0.0.9": "node7"}


@as_root
def test_an_address_of_the_name_that_another_machine_has(named, usual):
    usual("/etc/kea/kea-dhcp4.conf", kea_hosts(
        kea_host(MAC, "10.0.0.7"), kea_host(MAC, "10.0.1.7")))
    usual("/var/lib/misc/dnsmasq.leases", dnsmasq((LATER, OTHER, "10.0.0.7")))
    done = ctl.run("name", "node7")
    assert (done.status, named()) == (ctl.FOUND, {"10.0.1.7": "node7"})
    assert done.err == f"pxesrvctl: 10.0.0.7: left out: in use by {OTHER}\n"


@as_root
def test_reservations_that_only_root_may_read(tree, named, usual, hosts):
    usual("/etc/kea/kea-dhcp4.conf", kea_hosts(kea_host(MAC, "10.0.0.7")))
    os.chmod("/etc/kea/kea-dhcp4.conf", 0o600)
    denied = "pxesrvctl: /etc/kea/kea-dhcp4.conf: Permission denied\n"
    done = ctl.run("name", "node7", **place.AS_USER)
    assert (done.status, named()) == (ctl.FOUND, {})
    assert done.err.startswith(denied + "pxesrvctl: node7: as a host name: ")
    done = ctl.run("explain", "node7", **place.AS_USER)
    assert done.status == ctl.FOUND and done.err.startswith(
        denied + "pxesrvctl: node7: not an IP or MAC address")
    hosts("10.0.0.8 node7\n")
    os.chown(tree.full("names"), *place.OWNER)
    done = ctl.run("name", "node7", **place.AS_USER)
    assert (done.status, named()) == (ctl.FOUND, {"10.0.0.8": "node7"})
    assert done.err == denied + ("pxesrvctl: node7: only the addresses in DNS "
                                 "were taken, since not all reservations can be "
                                 "read\n")


@as_root
def test_a_client_that_dns_does_not_know(tree, leases, hosts):
    """Its reservations count, as if it was called by its MAC address."""
    option = leases(kea_hosts(kea_host(MAC, "10.0.0.7"),
                              kea_host(OTHER, "10.0.0.8", "node8")))
    ctl.good("once", option, "node7", "os/boot")
    assert entries(tree) == ["10.0.0.7"]
    assert ctl.good("explain", option, "Node7").lines[0] == "10.0.0.7"
    ctl.good("cancel", option, "node7")
    env = {"PXESRV_IDENTIFY": "mac"}
    ctl.good("once", option, "node7", "os/boot", env=env)
    assert entries(tree) == [MAC]
    ctl.good("cancel", option, "node7", env=env)
    # What DNS knows is all that counts.
    hosts("10.0.0.9 node7\n")
    ctl.good("once", option, "node7", "os/boot")
    assert entries(tree) == ["10.0.0.9"]


# Leases that real servers write

def started_server(name, directory):
    """The server on the link pxesrv0, and its lease file."""
    conf, file = directory / "conf", directory / "leases"
    if name == "dnsmasq":
        conf.write_text(
            f"port=0\ninterface=pxesrv0\nbind-interfaces\nuser=root\n"
            f"dhcp-range=192.0.2.100,192.0.2.200\ndhcp-leasefile={file}\n")
        return ["dnsmasq", "-k", "--log-facility=-", "-C", conf], file, {}
    if name == "dhcpd":
        conf.write_text("authoritative;\nsubnet 192.0.2.0 netmask 255.255.255.0"
                        " { range 192.0.2.100 192.0.2.200; }\n")
        file.touch()
        return ["dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", conf, "-lf", file,
                "pxesrv0"], file, {}
    conf.write_text(json.dumps({"Dhcp4": {
        "interfaces-config": {"interfaces": ["pxesrv0"]},
        "lease-database": {"type": "memfile", "name": str(file)},
        "subnet4": [{"id": 1, "subnet": "192.0.2.0/24", "pools": [
            {"pool": "192.0.2.100 - 192.0.2.200"}]}]}}))
    return ["kea-dhcp4", "-c", conf], file, {
        "KEA_PIDFILE_DIR": str(directory), "KEA_LOCKFILE_DIR": "none",
        "KEA_DHCP_DATA_DIR": str(directory)}


@pytest.fixture
def asking():
    """A network card with the machine's MAC address, and its other end."""
    ip("link", "add", "pxesrv0", "type", "veth", "peer", "pxesrv1")
    ip("link", "set", "pxesrv1", "address", MAC)
    for name in "pxesrv0", "pxesrv1":
        ip("link", "set", name, "up")
    ip("address", "add", "192.0.2.1/24", "dev", "pxesrv0")
    yield "pxesrv1"
    ip("link", "delete", "pxesrv0")


@as_root
@needs("busybox")
@pytest.mark.parametrize("name", [
    pytest.param("dnsmasq", marks=needs("dnsmasq")),
    pytest.param("dhcpd", marks=needs("dhcpd")),
    pytest.param("kea", marks=needs("kea-dhcp4"))])
def test_a_lease_of_a_real_server(tree, named, asking, tmp_path, name):
    command, file, env = started_server(name, tmp_path)
    server = place.Program([str(word) for word in command],
                           str(tmp_path / "log"), env=place.clean_env(**env))
    script = tmp_path / "says"
    script.write_text('#!/bin/sh\n[ "$1" != bound ] || echo "$ip"\n')
    script.chmod(0o755)
    try:
        done = of_server("busybox", "udhcpc", "-f", "-q", "-n", "-t", "20", "-i",
                         asking, "-s", script, "-x", "hostname:node7")
        assert done.returncode == 0, done.stdout + server.messages()
        address = done.stdout.split("\n")[-2]
        place.until(lambda: address in file.read_text(), "the lease is written")
        option = f"--leases={file}"
        assert once(option).status == ctl.OK, file.read_text()
        assert entries(tree) == [address]
        assert once(option, OTHER).status == ctl.FOUND
        done = ctl.run("name", option, "node7")
        assert done.status == ctl.OK, file.read_text()
        assert named() == {address: "node7"}
    finally:
        server.end()
