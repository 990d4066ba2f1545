# SPDX-License-Identifier: MIT
"""HTTPS and Secure Boot, with what docs/howto/https.md says for them."""
import glob
import os
import shutil
import struct
import subprocess
import uuid

import pytest

import ctl
import grub
import howto
import place
from machine import Ipxe, Uefi
from network import Network
from pages import run_commands
from place import until
from saying import script

ONE = 41
PLAIN = f"http://{Network.server}:4567/"
SECURE = f"https://{Network.server}/"
KEY, CERTIFICATE = (f"/etc/ssl/{name}" for name in (
    "private/boot.example.org.key", "certs/boot.example.org.pem"))
# What tests/download has of the release whose GRUB reads files by HTTP.
SIGNED = os.path.join(place.SOURCE, "build", "signed")
SNAKEOIL = "/usr/share/ovmf/PkKek-1-snakeoil"
LINUX = "".join(glob.glob("/usr/lib/debian-installer/images/*/amd64/text/"
                          "debian-installer/amd64/linux")[:1])


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True,
                          capture_output=True).stdout


def as_signatures(certificate):
    """The file as EDK II has it, an EFI_SIGNATURE_LIST of UEFI, 32.4.1."""
    kind = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
    der = openssl("x509", "-in", certificate, "-outform", "DER")
    size = 16 + len(der)
    return kind + struct.pack("<3I", 28 + size, 0, size) + bytes(16) + der


@pytest.fixture
def name():
    return f"IP:{Network.server}"


@pytest.fixture
def https(server, directory, name):
    """The page's server, beside the one on port 4567."""
    own = {KEY: f"{directory}/key", CERTIFICATE: f"{directory}/certificate"}
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=boot",
            "-addext", f"subjectAltName={name}", "-keyout", own[KEY],
            "-out", own[CERTIFICATE])
    text = howto.block("https.md", "nginx", "listen")
    for path, there in own.items():
        assert path in text
        text = text.replace(path, f'"{there}"')
    server.stop()
    server.change = lambda file: file + text if "listen 4567;" in file else file
    server.start()
    with open(f"{directory}/cacerts", "wb") as file:
        file.write(as_signatures(own[CERTIFICATE]))


class UefiHttps(Uefi):
    """It trusts the certificate, where there is one."""

    memory = 512

    def options(self):
        path = f"{self.directory}/cacerts"
        return [*super().options(), *(
            ["-fw_cfg", f"name=etc/edk2/https/cacerts,file={path}"]
            if os.path.exists(path) else [])]


class SecureBoot(UefiHttps):
    """With the keys that PCs come with."""

    machine = ["-M", "q35,accel=tcg,smm=on", "-global",
               "driver=cfi.pflash01,property=secure,value=on"]
    firmware = ("/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
                "/usr/share/OVMF/OVMF_VARS_4M.ms.fd")


class OwnKey(SecureBoot):
    """With one key, for tests, whose secret is known."""

    firmware = ("/usr/share/OVMF/OVMF_CODE_4M.snakeoil.fd",
                "/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")


def for_https(network, path="redirect"):
    return [line.replace(PLAIN, SECURE) for line in network.for_http_boot(path)]


def make_says(tree, directory, path="os/boot.efi"):
    tree.make({path: ""})
    grub.make_program(tree.full(path), directory, "echo SAYS-boot-END",
                      "sleep 60")
    return path


def is_served(tree, network):
    return tree.link(f"once/.served/{network.address(ONE)}")


def test_uefi_boots_by_https(https, server, tree, network, directory):
    network.serve_dhcp([ONE], for_https(network))
    ctl.good("once", network.address(ONE), make_says(tree, directory))
    with UefiHttps(network, ONE, directory) as machine:
        machine.shows("SAYS-boot-END", within=120)
    until(lambda: is_served(tree, network), "it is served")
    assert server.decided(2) == [("HEAD", "200", "once os/boot.efi"),
                                 ("GET", "200", "once os/boot.efi")]


@pytest.mark.long
@pytest.mark.parametrize("name, trusted", [
    (f"IP:{Network.server}", False), (f"IP:{Network.address(99)}", True)],
    ids=["not-enrolled", "another-host"])
def test_uefi_refuses_a_certificate(https, server, tree, network, directory,
                                    trusted):
    if not trusted:
        os.unlink(f"{directory}/cacerts")
    network.serve_dhcp([ONE], for_https(network))
    ctl.good("once", network.address(ONE), make_says(tree, directory))
    with UefiHttps(network, ONE, directory) as machine:
        machine.shows(f"URI: {SECURE}redirect\n+ *Error", within=120)
    assert server.decisions() == []
    assert tree.link(f"once/{network.address(ONE)}")


@pytest.mark.long
def test_ipxe_refuses_it(https, server, tree, network, directory):
    """Debian 12's has no HTTPS, Debian 13's trusts others."""
    network.serve_dhcp([ONE], network.for_ipxe())
    tree.make({"default": script("default", f"chain {SECURE}x || echo NO-END"),
               "x": script("x")})
    with Ipxe(network, ONE, directory).boots() as machine:
        machine.shows("SAYS-default-END")
        machine.shows("NO-END")
        assert ("Permission denied" if "HTTPS" in machine.text() else
                "Operation not supported") in machine.text()


@pytest.mark.long
def test_secure_boot_refuses_an_unsigned_program(
        server, tree, network, directory):
    network.serve_dhcp([ONE], network.for_http_boot())
    ctl.good("once", network.address(ONE), make_says(tree, directory))
    with SecureBoot(network, ONE, directory) as machine:
        machine.shows("Access Denied", within=120)
    # The page says so.
    until(lambda: is_served(tree, network), "it is used up all the same")


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists(f"{SIGNED}/usr/lib/shim") or not LINUX,
                    reason="apt has no signed GRUB of Debian 13 here")
@pytest.mark.parametrize("url", [PLAIN, SECURE])
def test_shim_and_grub_of_debian(https, server, tree, network, directory, url):
    os.symlink(SIGNED, os.path.join(directory, "signed"))
    section = "With Debian's shim and GRUB"
    run_commands(("https.md", section), directory)
    network.serve_dhcp([ONE], [line.replace(PLAIN, url) for line in
                               network.for_http_boot("shimx64.efi")])
    shutil.copy(LINUX, tree.full("linux"))
    with open(LINUX, "rb") as file:
        changed = bytearray(file.read())
    changed[len(changed) // 2] ^= 1
    tree.add("changed", bytes(changed))
    tree.make({"os/grub": "if linux ($root)/changed; then echo SAYS-taken-END\n"
               "else echo SAYS-refused-END; fi\n"
               "linux ($root)/linux console=ttyS0\nboot\n"})
    tree.arm(network.address(ONE), "../os/grub")
    with SecureBoot(network, ONE, directory) as machine:
        machine.shows("SAYS-(taken|refused)-END", within=120)
        assert "SAYS-refused-END" in machine.text()
        assert "bad shim signature" in machine.text()
        machine.shows("Linux version", within=120)
    until(lambda: is_served(tree, network), "it is served")
    assert [decision for *_, decision in server.decisions()
            ][-1] == "once os/grub"


@pytest.mark.long
@pytest.mark.parametrize("signed", [True, False])
def test_a_key_of_one_s_own(server, tree, network, directory, signed):
    network.serve_dhcp([ONE], network.for_http_boot("grub/grubx64.efi"))
    tree.make({"grub/grubx64.efi": "",
               "os/grub": "echo SAYS-once-END\nsleep 60\n"})
    tree.arm(network.address(ONE), "../os/grub")
    grub.make_program(f"{directory}/grubx64.efi", directory,
                      f"configfile (http,{Network.server}:4567)/redirect",
                      options=["--disable-shim-lock"])
    shutil.copy(f"{directory}/grubx64.efi", tree.full("grub"))
    openssl("rsa", "-in", f"{SNAKEOIL}.key", "-passin", "pass:snakeoil",
            "-out", f"{directory}/db.key")
    shutil.copy(f"{SNAKEOIL}.pem", f"{directory}/db.crt")
    if signed:
        run_commands(("https.md", "With your own key"), directory)
    with OwnKey(network, ONE, directory) as machine:
        machine.shows("SAYS-once-END" if signed else "Access Denied", within=120)
    assert bool(tree.link(f"once/{network.address(ONE)}")) == (not signed)
