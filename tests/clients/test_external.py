# SPDX-License-Identifier: MIT
"""Machines handed over to a provisioner, which is a stand-in: that it is asked
what the product expects, and that the machine runs what it answers."""
import contextlib
import http.server
import os
import threading
import urllib.parse

import pytest

import ctl
import place
from machine import Ipxe
from network import BRIDGE, Network, hardware_address, ip
from standin import Installer, kernel  # noqa: F401

pytestmark = pytest.mark.long
OTHER = Network.prefix + "2"  # not the address of PXESrv
NOBODY = Network.prefix + "3"
UUID = "6c1f0a3e-58d4-4b7c-9a52-0d3e7f918b24"
# The machine of each script; what else is changed in it, as its comments say.
FOREMAN, MATCHBOX, COBBLER, FAI, OLDER = 51, 52, 53, 54, 55
SCRIPTS = {FOREMAN: "foreman", MATCHBOX: "matchbox", COBBLER: "cobbler",
           FAI: "fai", OLDER: "cobbler"}
CHANGES = {FAI: [("#set args", "set args")],
           OLDER: [("set machine mac/${netX/mac}",
                    "set machine system/${hostname}"),
                   ("set service ipxe", "set service gpxe")]}
RELEASE = "6.1.0-18-amd64"

# What the products are asked for, in this order, some of it decoded: iPXE
# encodes the colons of an address.
ASKED = {
    FOREMAN: [f"/unattended/iPXE?mac={hardware_address(FOREMAN)}"],
    MATCHBOX: ["/boot.ipxe", f"/ipxe?uuid={UUID}&mac="
               f"{hardware_address(MATCHBOX).replace(':', '-')}&"
               "hostname=web52&serial=S52"],
    COBBLER: [f"/cblr/svc/op/ipxe/mac/{hardware_address(COBBLER)}"],
    OLDER: ["/cblr/svc/op/gpxe/system/web55"],
}
ANSWER = ("#!ipxe\necho SAYS-{}-END\n"
          "prompt --timeout 60000 Waiting.\nexit 1\n")
ANSWERS = {
    **{ASKED[n][-1].partition("?")[0]: ANSWER.format(n).encode()
       for n in ASKED},
    "/boot.ipxe": b"#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&"
                  b"hostname=${hostname}&serial=${serial}\n"}


class Provisioner:
    """Answers by path, and keeps what each address asked for."""

    def __init__(self, answers):
        asked = self.asked = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = urllib.parse.unquote(self.path)
                asked.setdefault(self.client_address[0], []).append(path)
                answer = answers.get(path.partition("?")[0])
                self.send_response(404 if answer is None else 200)
                self.send_header("Content-Length", str(len(answer or b"")))
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, text, *values):
                pass

        self.servers = [http.server.ThreadingHTTPServer((OTHER, port), Handler)
                        for port in (80, 8080)]
        self.threads = [threading.Thread(target=server.serve_forever)
                        for server in self.servers]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        for thread in self.threads:
            thread.join()


class Known(Ipxe):
    """One with a UUID and a serial number of its own."""

    def options(self):
        return [*super().options(), "-uuid", UUID, "-smbios",
                f"type=1,serial=S{self.number}"]


@pytest.fixture
def lan(server, network):
    network.serve_dhcp([], [*network.for_ipxe(), *(
        f"dhcp-host={hardware_address(n)},{network.address(n)},web{n}"
        for n in SCRIPTS)])
    ip("address", "add", f"{OTHER}/24", "dev", BRIDGE)
    return network


def hand_over(lan, tree, number, provisioner=OTHER):
    """Links a machine to a script, in which the server is named."""
    name = SCRIPTS[number]
    with open(os.path.join(place.SOURCE, "public/external", name)) as file:
        text = file.read()
    for old, new in [("provisioner.example.org", provisioner),
                     *CHANGES.get(number, [])]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    tree.make({f"external/{name}-{number}": text})
    ctl.good("static", lan.address(number), f"external/{name}-{number}")


@contextlib.contextmanager
def machines(lan, directory, numbers):
    """At once: what takes them long is to wait for who is not there."""
    with contextlib.ExitStack() as stack:
        started = {n: stack.enter_context(Known(lan, n, directory))
                   for n in numbers}
        for machine in started.values():
            machine.boots()
        yield started


def goes_on(machine):
    """A key, and its firmware looks for the next boot device."""
    machine.type("\n")
    machine.shows("No bootable device")


def fails(machine, message):
    machine.shows(f"^FAILED: {message}", within=120)
    machine.shows("Press a key to go on.")
    goes_on(machine)


def test_they_are_asked_and_their_answers_are_run(lan, tree, directory):
    for number in ASKED:
        hand_over(lan, tree, number)
    with Provisioner(ANSWERS) as provisioner, \
            machines(lan, directory, ASKED) as started:
        for number, machine in started.items():
            machine.shows(f"SAYS-{number}-END")
            machine.shows("Waiting.")
        for machine in started.values():
            # That the answer ends so starts the disk, and is no failure.
            goes_on(machine)
            assert "FAILED" not in machine.text()
        assert provisioner.asked == {lan.address(n): ASKED[n] for n in ASKED}


def test_fai_is_started(lan, tree, directory, kernel):  # noqa: F811
    hand_over(lan, tree, FAI)
    answers = {}
    for name, path in zip(("vmlinuz", "initrd.img"), kernel):
        with open(path, "rb") as file:
            answers[f"/fai/{name}-{RELEASE}"] = file.read()
    with Provisioner(answers) as provisioner, \
            Installer(lan, FAI, directory) as machine:
        line, _, _ = machine.boots().handed_over()
        assert provisioner.asked == {lan.address(FAI): list(answers)}
    assert line == (
        f"initrd=initrd.img ip=dhcp root=nfs:{OTHER}:/srv/fai/nfsroot:vers=3 "
        "rootovl FAI_FLAGS=verbose,sshd,createvt "
        f"FAI_CONFIG_SRC=nfs://{OTHER}/srv/fai/config FAI_ACTION=sysinfo "
        "console=ttyS0,115200")


NO_ANSWER = "(.* gave no answer|kernel or initrd of FAI cannot be fetched)"


def test_nothing_listens_there_or_nobody_is_there(lan, tree, directory):
    numbers = [FOREMAN, MATCHBOX, COBBLER, FAI]
    for number in numbers:
        hand_over(lan, tree, number)
    hand_over(lan, tree, OLDER, NOBODY)
    with machines(lan, directory, [*numbers, OLDER]) as started:
        for machine in started.values():
            fails(machine, NO_ANSWER)


def test_the_machine_is_not_known_there(lan, tree, directory):
    numbers = [FOREMAN, MATCHBOX, COBBLER, FAI]
    for number in numbers:
        hand_over(lan, tree, number)
    with Provisioner({}) as provisioner, \
            machines(lan, directory, numbers) as started:
        for machine in started.values():
            fails(machine, NO_ANSWER)
        assert {n: len(provisioner.asked[lan.address(n)]) for n in numbers} == \
            dict.fromkeys(numbers, 1)


def test_an_empty_answer(lan, tree, directory):
    numbers = [FOREMAN, MATCHBOX, COBBLER]
    for number in numbers:
        hand_over(lan, tree, number)
    with Provisioner(dict.fromkeys(ANSWERS, b"")), \
            machines(lan, directory, numbers) as started:
        for machine in started.values():
            fails(machine, "this is no script")
