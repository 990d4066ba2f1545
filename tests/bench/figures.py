# SPDX-License-Identifier: MIT
"""Figures of several rounds, and how they are shown."""
import collections
import os
import statistics


class Figures:
    """What was measured, by name: one value a round."""

    def __init__(self):
        self.values = collections.defaultdict(list)

    def add(self, name, value):
        self.values[name].append(value)

    def median(self, name):
        return statistics.median(self.values[name])

    def ratios(self, name, to):
        """Of each round: only what was measured side by side is compared."""
        return [a / b for a, b in zip(self.values[name], self.values[to],
                                      strict=True)]


def spread(values, form):
    """The median, and the lowest and the highest."""
    return (f"{statistics.median(values):{form}} "
            f"({min(values):{form}}-{max(values):{form}})")


class Report:
    """The tables of one suite: printed, and kept."""

    def __init__(self, directory, suite):
        self.directory, self.suite = directory, suite
        for kind in ("txt", "csv"):
            open(self.path(kind), "w").close()

    def path(self, kind):
        return os.path.join(self.directory, f"{self.suite}.{kind}")

    def say(self, text=""):
        print(text, flush=True)
        with open(self.path("txt"), "a") as file:
            file.write(text + "\n")

    def table(self, title, head, rows):
        """A Markdown table, with columns of one width."""
        rows = [[str(cell) for cell in row] for row in [head, *rows]]
        widths = [max(map(len, column)) for column in zip(*rows)]
        rows.insert(1, ["-" * width for width in widths])
        self.say(f"\n{title}\n")
        for row in rows:
            self.say("| " + " | ".join(
                cell.ljust(w) for cell, w in zip(row, widths)) + " |")

    def keep(self, figures):
        """Each single figure."""
        with open(self.path("csv"), "a") as file:
            for name, values in figures.values.items():
                file.write(",".join([" ".join(map(str, name)),
                                     *(f"{v:.6g}" for v in values)]) + "\n")
