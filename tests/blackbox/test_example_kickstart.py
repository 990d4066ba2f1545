# SPDX-License-Identifier: MIT
"""The guard in the example's answers for Anaconda, run as its %pre is: no key,
no installation."""
import os
import re
import subprocess

import pytest

import place

KEY = 'sshkey --username=root "ssh-ed25519 {} admin@example.org"\n'


@pytest.fixture(params=["9-stream", "10-stream"])
def guard(request, tmp_path):
    with open(os.path.join(place.SOURCE, "public/centos", request.param,
                           "kickstart.cfg")) as file:
        text = file.read()
    pre = re.search("^%pre --erroronfail\n(.*?)^%end$", text,
                    re.MULTILINE | re.DOTALL)[1]
    assert pre.count("/run/install/ks.cfg") == 1
    answers, console = tmp_path / "ks.cfg", tmp_path / "console"
    console.touch()
    script = pre.replace("/run/install/ks.cfg", str(answers)).replace(
        ">/dev/console", f">>{console}")

    def run(text):
        if text is not None:
            answers.write_text(text)
        done = subprocess.run(["sh", "-c", script], env=place.clean_env(),
                              capture_output=True, timeout=place.PATIENCE)
        return done.returncode, console.read_text()
    return run


@pytest.mark.parametrize("text", [
    None, "", "text\n", "#" + KEY.format("AAAA"), KEY.format("CHANGE-ME")])
def test_it_stops_without_a_key(guard, text):
    status, said = guard(text)
    assert status == 1 and "has no SSH key yet" in said
    assert "Nothing was changed" in said


def test_it_goes_on_with_a_key(guard):
    """As far as to look for a disk, by a command that Anaconda alone has."""
    _, said = guard(KEY.format("AAAA"))
    assert said == "PXESrv: this machine has no disk.\n"
