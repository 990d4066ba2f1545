# SPDX-License-Identifier: MIT
"""The DHCP servers, each with what a page of docs/ says for it.

A page gives the part that names the boot file. What stands around it here is
the least that the server starts with: a network, and an address for each
machine. All that a server writes goes to the case's directory."""
import json
import os

import place
from network import (
    ADVERTISED, BRIDGE, ROUTER, Network, Pool, dhcp_range, hardware_address,
    of_each_dhcp, of_each_dnsmasq)
from place import Program, until


class DhcpServer:
    """Starts at once, and answers when it has been made."""

    kind = None  # the info string of its blocks
    says_ready = None
    log = "dhcp.log"

    def __init__(self, directory, numbers, *blocks):
        self.directory = directory
        conf = self.path(f"{self.kind}.conf")
        with open(conf, "w") as file:
            file.write(self.around(numbers, blocks))
        self.program = Program(self.command(conf), self.path(self.log),
                               env=place.clean_env(**self.variables()))
        try:
            until(lambda: self.says_ready in self.program.messages() or
                  not self.program.is_running(), f"the start of {self.kind}")
            assert self.program.is_running(), self.program.messages()
        except AssertionError:
            self.stop()
            raise

    def path(self, name):
        return os.path.join(self.directory, name)

    def around(self, numbers, blocks):
        raise NotImplementedError

    def command(self, conf):
        raise NotImplementedError

    def variables(self):
        return {}

    def stop(self):
        if self.program.is_running():
            self.program.end()


class Dhcpd(DhcpServer):
    """ISC dhcpd."""

    kind = "dhcpd"
    says_ready = "Server starting service."

    def around(self, numbers, blocks):
        hosts = "".join(
            f"host machine-{n} {{ hardware ethernet {hardware_address(n)}; "
            f"fixed-address {Network.address(n)}; }}\n" for n in numbers)
        pool = f"range {numbers.first} {numbers.last};" \
            if isinstance(numbers, Pool) else ""
        return ("authoritative;\n" + "".join(blocks) +
                f"subnet {Network.prefix}0 netmask 255.255.255.0 {{ {pool} }}"
                "\n" + hosts)

    def command(self, conf):
        leases = self.path("leases")
        open(leases, "w").close()  # it wants one that is there
        return ["dhcpd", "-4", "-f", "-d", "--no-pid", "-cf", conf,
                "-lf", leases, BRIDGE]


class Kea(DhcpServer):
    kind = "kea"
    says_ready = "DHCP4_STARTED"

    def around(self, numbers, blocks):
        rest = json.dumps({
            "interfaces-config": {"interfaces": [BRIDGE]},
            # A newer one refuses a file for them in any but its own place.
            "lease-database": {"type": "memfile", "persist": False},
            "authoritative": True,
            "subnet4": [{
                "id": 1, "subnet": f"{Network.prefix}0/24",
                "pools": [{"pool": f"{numbers.first} - {numbers.last}"}]
                if isinstance(numbers, Pool) else [],
                "reservations": [
                    {"hw-address": hardware_address(n),
                     "ip-address": Network.address(n)} for n in numbers]}],
            "loggers": [{"name": "kea-dhcp4", "severity": "DEBUG",
                         "output_options": [{"output": "stderr"}]}]},
            indent=1)
        # The page has members of Dhcp4, with comments, as Kea reads them.
        return f'{{ "Dhcp4": {{\n{",".join(blocks)},\n{rest[1:]}\n}}\n'

    def command(self, conf):
        return ["kea-dhcp4", "-c", conf]

    def variables(self):
        return {"KEA_PIDFILE_DIR": self.directory, "KEA_LOCKFILE_DIR": "none"}


class Dnsmasq(DhcpServer):
    kind = "dnsmasq"
    says_ready = "DHCP, "

    def around(self, numbers, blocks):
        lines = self.always() + of_each_dhcp(self.directory) + [
            dhcp_range(numbers),
            *(f"dhcp-host={hardware_address(n)},{Network.address(n)}"
              for n in numbers)]
        return "\n".join(lines) + "\n" + "".join(blocks)

    def always(self):
        return of_each_dnsmasq(self.directory, self.kind)

    def command(self, conf):
        return ["dnsmasq", "-k", "--log-facility=-", "-C", conf]


class Tftp(Dnsmasq):
    """dnsmasq as a TFTP server alone, beside a DHCP server without one."""

    kind = "tftp"
    says_ready = "TFTP root is"
    log = "tftp.log"

    def __init__(self, directory, root):
        self.root = root
        super().__init__(directory, [])

    def around(self, numbers, blocks):
        return "\n".join(self.always() + [
            "enable-tftp", f"tftp-root={self.root}"]) + "\n"


class Router(Dnsmasq):
    """dnsmasq as an IPv6 router alone: iPXE waits 16 seconds for one where
    there is none."""

    kind = "router"
    says_ready = "router advertisement on"
    log = "router.log"

    def around(self, numbers, blocks):
        return "\n".join(self.always() + [
            *ROUTER, f"dhcp-range={ADVERTISED},ra-only"]) + "\n"


SERVERS = [Dhcpd, Kea, Dnsmasq]
