# SPDX-License-Identifier: MIT
"""What a user would pick in the place of PXESrv, all behind one nginx."""
import glob
import os
import shutil
import textwrap

import place
import setups
from figures import Figures, spread
from measure import wrk
from place import Program, until
from responder import accepts
from suite_nginx import BOOT_SCRIPT
from tree import Directory, Link

CONNECTIONS = (1, 16, 64)
PEERS = os.path.join(setups.SOURCE, "tests/bench/peers")
# The client of wrk, and one that has an entry in each directory.
WRK, ARMED = "127.0.0.1", "127.0.0.9"
TREE = {"default": BOOT_SCRIPT, "os/static": "static", "os/once": "once",
        f"static/{ARMED}": Link("../os/static"), "once/.served": Directory()}


class Peers(setups.Nginx):
    """PXESrv's server as it is shipped, and three others in the same nginx."""

    def __init__(self):
        super().__init__("peers", workers=os.cpu_count())
        self.ports = {"PXESrv": self.port}
        for name in "TRY_FILES", "PHP", "SINATRA":
            self.ports[name] = setups.Setup.next_port
            setups.Setup.next_port += 1
        self.programs = []

    def start_responder(self):
        super().start_responder()
        for name in "redirect.php", "redirect.ru":
            shutil.copy(os.path.join(PEERS, name), self.directory)
        self.begin("php.sock", self.php())
        self.begin("puma.sock", [
            "puma", "-e", "production", "-w", str(os.cpu_count()), "-t", "5:5",
            "-b", f"unix://{self.directory}/puma.sock",
            f"{self.directory}/redirect.ru"])

    def php(self):
        """Its manager, with four processes for each processor."""
        path = f"{self.directory}/fpm.conf"
        with open(path, "w") as file:
            file.write(textwrap.dedent(f"""\
                [global]
                error_log = {self.directory}/fpm.log
                daemonize = no
                [peers]
                listen = {self.directory}/php.sock
                listen.mode = 0666
                pm = static
                pm.max_children = {4 * os.cpu_count()}
                """))
        program, *_ = sorted(glob.glob("/usr/sbin/php-fpm*"))
        return [program, "-y", path]

    def begin(self, socket, command):
        """A peer, as the user of the responder."""
        path = os.path.join(self.directory, socket)
        one = Program(command, path + ".stderr", cwd=self.directory,
                      env=place.clean_env(PXESRV_ROOT=place.ROOT),
                      **place.AS_USER)
        self.programs.append(one)
        until(lambda: accepts(path) or not one.is_running(), socket)
        assert one.is_running(), one.messages()
        os.chmod(path, 0o666)

    def command(self):
        with open(os.path.join(PEERS, "nginx.conf")) as file:
            text = file.read().replace("PEERS/", self.directory + "/")
        for name, port in self.ports.items():
            text = text.replace(f"listen {name};", f"listen {port};").replace(
                f"listen [::]:{name};", f"listen [::]:{port};")
        self.write("conf.d/peers.conf", text)
        return super().command()

    def stop(self):
        super().stop()
        for one in self.programs:
            one.end()


def check(server, tree):
    """Each gives the right answers. try_files gives a once link at every boot."""
    for name, port in server.ports.items():
        server.port = port
        tree.arm(ARMED, "../os/once")
        told = [server.ask(client=ARMED).body.decode() for _ in range(2)]
        want = ["once", "once" if name == "TRY_FILES" else "static"]
        assert told == want, f"{name}: {told}"
        assert server.ask(client=WRK).body.decode() == BOOT_SCRIPT, name
    server.port = server.ports["PXESrv"]


def run(report, rounds):
    tree = setups.fresh_tree(TREE)
    figures, server = Figures(), Peers()
    with setups.started(server):
        check(server, tree)
        for c in CONNECTIONS:
            for _ in range(rounds):
                for name, port in server.ports.items():
                    figures.add((c, name), wrk(
                        f"http://127.0.0.1:{port}/redirect", c).rate)
    report.table(
        "Requests a second behind nginx, as a share of try_files",
        ["", *(f"c={c}" for c in CONNECTIONS)],
        [["try_files", *(f"{figures.median((c, 'TRY_FILES')):,.0f}/s"
                         for c in CONNECTIONS)],
         *([name, *(spread(figures.ratios((c, key), (c, "TRY_FILES")), ".2f")
                    for c in CONNECTIONS)]
           for name, key in (("PXESrv", "PXESrv"), ("php-fpm", "PHP"),
                             ("Sinatra", "SINATRA")))])
    report.keep(figures)
