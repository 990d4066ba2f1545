# SPDX-License-Identifier: MIT
"""The last step of the example's answers: it ends a link in until/, and a
machine without such a link is installed all the same."""
import os
import re
import subprocess

import pytest

import place
from place import until
from tree import Link

CLIENT = "127.0.0.1"
TREE = {"default": "default", "os/boot": "os"}
CMDLINE = ("initrd=x inst.ks={url} inst.text "
           "BOOTIF=01-00-00-5e-00-53-07 quiet\n")


def read(name):
    with open(os.path.join(place.SOURCE, "public", name)) as file:
        return file.read()


def late_command(release):
    """The command, as the installer has it."""
    text = read(f"debian/{release}/preseed.cfg").replace("\\\n", "")
    found, = re.findall("^d-i preseed/late_command string (.*)$", text, re.M)
    return found


def post(release):
    found, = re.findall("^%post --nochroot --erroronfail\n(.*?)^%end$",
                        read(f"centos/{release}-stream/kickstart.cfg"),
                        re.M | re.S)
    return found


ANSWERS = {
    "debian/13/preseed.cfg": lambda: late_command("13"),
    "debian/12/preseed.cfg": lambda: late_command("12"),
    "centos/10-stream/kickstart.cfg": lambda: post("10"),
    "centos/9-stream/kickstart.cfg": lambda: post("9"),
}


@pytest.fixture(params=ANSWERS)
def install(request, tmp_path):
    """Runs the last step, and returns its exit status. url is what the
    installer was given for its answers."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "target/root").mkdir(parents=True)
    debconf_get = tmp_path / "bin/debconf-get"

    def run(base):
        url = base + request.param
        (tmp_path / "cmdline").write_text(CMDLINE.format(url=url))
        # What the installer's command of this name prints.
        debconf_get.write_text(
            "#!/bin/sh\n"
            f"case $1 in preseed/url) echo {url} ;; *) echo KEY ;; esac\n")
        debconf_get.chmod(0o755)
        script = ANSWERS[request.param]()
        assert script.count("/proc/cmdline") >= 1
        script = script.replace("/proc/cmdline", '"$CMDLINE"').replace(
            "/target/", '"$TARGET"/')
        path = f"{tmp_path}/bin:{place.clean_env()['PATH']}"
        return subprocess.run(
            ["sh", "-c", script], timeout=place.PATIENCE,
            env=place.clean_env(PATH=path, CMDLINE=f"{tmp_path}/cmdline",
                                TARGET=f"{tmp_path}/target")).returncode
    return run


def test_it_ends_the_link(web_server, tree, install):
    tree.make({**TREE, f"until/{CLIENT}": Link("../os/boot")})
    assert install("http://127.0.0.1:4567/") == 0
    assert not tree.is_there(f"until/{CLIENT}")
    assert tree.link(f"until/.done/{CLIENT}") == "../os/boot"


def test_a_machine_without_a_link_is_installed(web_server, tree, install):
    tree.make(TREE)
    web_server.clear_log()
    assert install("http://127.0.0.1:4567/") == 0
    line, = until(web_server.log, "its line")
    assert "/done?mac=00-00-5e-00-53-07&uuid=" in line


def test_without_the_server_too(install):
    assert install("http://127.0.0.1:1/") == 0
