# SPDX-License-Identifier: MIT
"""Runs the suites that are named, or all. See run."""
import os
import platform
import subprocess
import sys

import setups
import suite_cgi
import suite_clients
import suite_decision
import suite_large
import suite_nginx
import suite_peers
import suite_servers
import suite_slow
import suite_start
from figures import Report

FIGURES = os.path.join(setups.BUILD, "figures")

SUITES = {
    "peers": suite_peers.run,
    "nginx": suite_nginx.run,
    "clients": suite_clients.run,
    "start": suite_start.run,
    "large": suite_large.run,
    "slow": suite_slow.run,
    "servers": suite_servers.run,
    "cgi": suite_cgi.run,
    "decision": suite_decision.run,
}


def versions():
    nginx = subprocess.run(["nginx", "-v"], env=setups.place.clean_env(),
                           capture_output=True, text=True)
    return (f"{os.cpu_count()} processors, Linux {platform.release()}, "
            + nginx.stderr.strip().partition(": ")[2])


def main():
    if not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        sys.exit("-r wants a number of rounds")
    rounds, names = int(sys.argv[1]), sys.argv[2:] or list(SUITES)
    for name in names:
        if name not in SUITES:
            sys.exit(f"{name}: no suite; there are {' '.join(SUITES)}")
    setups.install()
    print(f"{versions()}; {rounds} rounds: median (lowest-highest)")
    for name in names:
        print(f"\n# {name}", flush=True)
        SUITES[name](Report(FIGURES, name), rounds)


main()
