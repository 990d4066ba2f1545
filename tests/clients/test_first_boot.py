# SPDX-License-Identifier: MIT
"""docs/first-boot.md, done as it stands there, in two terminals."""
import os

import pytest

from terminal import Terminal
from tutorial import commands


def of_page(heading):
    """The first block: what may follow is what is shown."""
    return commands("first-boot.md", heading)[0]


@pytest.fixture
def home(directory):
    """Where another user may go, if root runs this."""
    path = os.path.join(directory, "home of somebody")
    os.mkdir(path)
    return path


def test_the_page(home):
    with Terminal(HOME=home) as one, Terminal(HOME=home) as two:
        one.run(of_page("Start the server"))
        # It may have to build first.
        one.shows(rf"PXESrv serves {home}/pxesrv-tree, with nginx on port 4567")
        one.shows("DHCP filename: http://.*:4567/redirect")
        two.run(of_page("Open a second terminal"))
        two.has_prompt()

        two.run(of_page("Boot a machine"))
        two.shows("Network boot: .*Reboot")
        two.switch_off()

        two.says(of_page("Write a boot script"))
        said = two.says(of_page("Arm the machine"))
        assert "200 hello" in said

        two.run(of_page("Boot it twice"))
        two.shows("Hello 10.0.2.15, you get this script once.")
        two.shows(r"you get this script once[^~]*Network boot: .*Reboot")
        two.switch_off()

        log, listing = of_page("Read the log").splitlines()
        lines = [line.split()[1:] for line in two.says(log).splitlines()[:-1]]
        assert [line[0] for line in lines] == ["127.0.0.1"] * 3
        assert [line[-2] for line in lines] == ["default", "once", "default"]
        assert "served" in two.says(listing)

        two.run(of_page("Start the disk"))
        two.shows("Network boot:")
        two.shows("This is the disk[.]")
        two.switch_off()

        wrong, link, check = of_page("Make a mistake").splitlines()
        assert "No such file or directory" in two.says(wrong)
        assert two.says(link) == "$"
        assert "once/127.0.0.1: No such file or directory" in two.says(check)

        one.type("\3")
        one.has_prompt()
        two.says(of_page("Clean up"))
        assert os.listdir(home) == [".local"]
