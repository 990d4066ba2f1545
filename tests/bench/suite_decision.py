# SPDX-License-Identifier: MIT
"""The decision alone, by the number of entries; see decision.c."""
import shutil
import subprocess
import tempfile

import setups
from figures import Figures, spread

SIZES = (10, 10_000, 100_000, 1_000_000)
DECISIONS = 100_000  # a measurement
KINDS = ("once/", "static/", "default", "names/ and static/", "subnet/")


def run(report, rounds):
    figures = Figures()
    directory = tempfile.mkdtemp(dir=setups.BUILD)
    try:
        done = subprocess.run(
            [setups.DECISION, directory, str(rounds), str(DECISIONS),
             *map(str, SIZES)], stdout=subprocess.PIPE, text=True, check=True)
    finally:
        shutil.rmtree(directory)
    for line in done.stdout.splitlines():
        size, *times = line.split()
        for kind, us in zip(KINDS, times, strict=True):
            figures.add((int(size), kind), float(us))
    report.table(
        "Microseconds per decision, by the entries in each directory",
        ["", *(f"{size:,}" for size in SIZES), "largest, of smallest"],
        [[kind, *(spread(figures.values[size, kind], ".2f")
                  for size in SIZES),
          spread(figures.ratios((SIZES[-1], kind), (SIZES[0], kind)), ".2f")]
         for kind in KINDS])
    report.keep(figures)
