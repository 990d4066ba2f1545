# SPDX-License-Identifier: MIT
"""Takes docs/images/first-boot.svg, see tests/clients/record."""
import os
import re
from xml.sax.saxutils import escape

import pyte

import place
from test_first_boot import home, of_page  # noqa: F401
from terminal import Terminal

PICTURE = os.path.join(place.SOURCE, "docs", "images", "first-boot.svg")
# Pixels: a character, and what is around the text of a pane.
WIDTH, HEIGHT, MARGIN, BAR, GAP = 8.4, 18, 14, 26, 10
COLORS = {
    "green": "#7ee787", "red": "#ff7b72", "brown": "#e3b341",
    "cyan": "#76d9e6", "magenta": "#d2a8ff"}
TEXT = "#d5dae0"
# The firmware loses the blue ground of some of iPXE's lines, so none has it.
GROUNDS = {"red": "#a3262b"}
GROUND, BAR_GROUND, BAR_TEXT = "#22272e", "#373e47", "#adbac7"


class Pane:
    """What a terminal shows, and what stands above it."""

    def __init__(self, title, terminal, first, last):
        """From the first line that has a text to the last one that does."""
        self.title = title
        self.screen = pyte.Screen(terminal.columns, terminal.rows)
        pyte.ByteStream(self.screen).feed(bytes(terminal.raw))

        def rows(text):
            return [row for row, line in enumerate(self.screen.display)
                    if text in line]
        self.rows = range(rows(first)[0], rows(last)[-1] + 1)

    def height(self):
        return BAR + 2 * MARGIN + HEIGHT * len(self.rows)

    def runs(self, row):
        """Of one style each: column, text, colours, weight."""
        found = []
        line = self.screen.buffer[row]
        for column in range(self.screen.columns):
            one = line[column]
            style = (COLORS.get(one.fg, TEXT), GROUNDS.get(one.bg, GROUND),
                     one.bold)
            if found and found[-1][2] == style:
                found[-1][1] += one.data
            else:
                found.append([column, one.data, style])
        return found

    def draw(self, top):
        width = self.screen.columns * WIDTH + 2 * MARGIN
        yield (f'<rect y="{top}" width="{width:g}" height="{self.height()}" '
               f'rx="8" fill="{GROUND}"/>')
        yield (f'<path d="M0 {top + BAR}v-18q0-8 8-8h{width - 16:g}q8 0 8 8v18'
               f'z" fill="{BAR_GROUND}"/>')
        yield (f'<text x="{MARGIN}" y="{top + 18}" fill="{BAR_TEXT}" '
               f'class="t">{escape(self.title)}</text>')
        for number, row in enumerate(self.rows):
            y = top + BAR + MARGIN + HEIGHT * number
            for column, text, (color, ground, bold) in self.runs(row):
                yield from self.run(column, text, color, ground, bold, y)

    @staticmethod
    def run(column, text, color, ground, bold, y):
        if ground != GROUND:
            yield (f'<rect x="{MARGIN + column * WIDTH:g}" y="{y}" '
                   f'width="{len(text) * WIDTH:g}" height="{HEIGHT}" '
                   f'fill="{ground}"/>')
        weight = ' font-weight="bold"' if bold else ""
        for words in re.finditer(r"\S+( \S+)*", text):
            x = MARGIN + (column + words.start()) * WIDTH
            # So that the columns hold in any font.
            length = len(words[0]) * WIDTH
            yield (f'<text x="{x:g}" y="{y + 13}" textLength="{length:g}" '
                   f'fill="{color}"{weight}>{escape(words[0])}</text>')


def picture(panes, title):
    width = panes[0].screen.columns * WIDTH + 2 * MARGIN
    height = sum(pane.height() + GAP for pane in panes) - GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" '
        f'height="{height}" viewBox="0 0 {width:g} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        "<style>text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans "
        "Mono',monospace}.t{font:13px sans-serif}</style>"]
    top = 0
    for pane in panes:
        lines += pane.draw(top)
        top += pane.height() + GAP
    return "\n".join([*lines, "</svg>", ""])


def test_first_boot(home):  # noqa: F811
    panes = []
    with Terminal(HOME=home) as one, Terminal(HOME=home) as two:
        def take(*pane):
            panes.append(Pane(pane[0], two, *pane[1:]))

        one.run(of_page("Start the server"))
        one.shows("DHCP filename: http://.*:4567/redirect")
        two.says(of_page("Open a second terminal"))
        two.says(of_page("Write a boot script"))

        two.says("clear")
        two.says(of_page("Arm the machine"))
        take("Arm the machine", "$ pxesrvctl once", "200 hello")
        two.run(of_page("Boot it twice"))
        two.shows("Hello 10.0.2.15, you get this script once.")
        take("Its next boot gets the script", "Filename", "Hello")
        two.shows(r"you get this script once[^~]*Network boot: .*Reboot")
        take("Each later boot gets the menu", "Network boot", "Reboot")
        two.switch_off()
        two.says("clear")
        two.says(of_page("Read the log").splitlines()[0])
        take("The log", "$ pxesrvctl log", " default")
    with open(PICTURE, "w") as file:
        file.write(picture(panes, "A machine is armed, boots its script once, "
                                  "and then gets the menu"))
