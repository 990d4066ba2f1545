# SPDX-License-Identifier: MIT
"""source_me.sh, in the shells that are here."""
import http.client
import os
import shlex
import shutil
import signal
import subprocess

import pytest

import place
from place import SOURCE, Program, clean_env, free_port, until
from tree import Link

KNOWING = ["bash", "bash --posix", "zsh"]  # which file it is
SHELLS = [*KNOWING, "dash"]
STATE = "/.local/state/pxesrv"  # from HOME
NAMES = ("PXESRV_PATH", "PXESRV_ROOT", "PXESRV_PORT", "PXESRV_LOG", "PATH")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Of the user whose shell it is."""
    path = tmp_path / "my $HOME"
    path.mkdir()
    monkeypatch.setitem(os.environ, "HOME", str(path))
    return path


def run(shell, script, options="-euc", **env):
    env.setdefault("HOME", os.environ["HOME"])
    return subprocess.run([*shell.split(), options, script], text=True,
                          cwd="/", env=clean_env(**env), capture_output=True,
                          timeout=place.PATIENCE)


def program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def make_source(path):
    """A source tree, as far as that matters. It is first in PATH, so its QEMU
    is the one."""
    path.mkdir()
    shutil.copy(f"{SOURCE}/source_me.sh", path)
    program(path / "pxesrv", 'echo "$@"\n')
    program(path / "packaging/install-needs", "")
    program(path / "qemu-system-x86_64", 'for last; do :; done; echo "$last"\n')
    return str(path)


@pytest.fixture
def source(tmp_path):
    """With an odd name."""
    return make_source(tmp_path / "a $source's tree")


def variables(shell, script, **env):
    """What a program that the shell starts then finds."""
    done = run(shell, script + "\nenv", **env)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = dict(line.split("=", 1) for line in done.stdout.splitlines()
                 if "=" in line)
    return {name: found[name] for name in NAMES}


def expected(source):
    return {"PXESRV_PATH": source, "PXESRV_ROOT": source + "/public",
            "PXESRV_PORT": "4567",
            "PXESRV_LOG": os.environ["HOME"] + STATE + "/pxesrv.log",
            "PATH": f"{source}:{source}/build/ctl:{clean_env()['PATH']}"}


@pytest.mark.parametrize("shell", SHELLS)
def test_where_it_lies(shell, source):
    quoted = shlex.quote(source)
    assert variables(shell, f"cd {quoted}; . ./source_me.sh") == \
        expected(source)
    # Twice makes no difference, and it may be followed by others.
    assert variables(shell, f"cd {quoted}; . ./source_me.sh && "
                     ". ./source_me.sh && cd /") == expected(source)


@pytest.mark.parametrize("shell", KNOWING)
def test_from_elsewhere(shell, source):
    quoted = shlex.quote(source)
    inside = shlex.quote(os.path.basename(source))
    for script in (f"cd /; . {quoted}/source_me.sh",
                   f"cd {quoted}/..; . {inside}/source_me.sh",
                   f"mkdir -p {quoted}/b; cd {quoted}/b; . ../source_me.sh"):
        assert variables(shell, script, CDPATH=os.path.dirname(source)) == \
            expected(source)


@pytest.mark.parametrize("shell", KNOWING)
def test_a_cd_and_a_pwd_of_the_users_own(shell, source):
    quoted = shlex.quote(source)
    own = "chpwd() { echo there; }" if shell == "zsh" else \
        'cd() { builtin cd "$@" && echo there; }'
    assert variables(shell, f"{own}\npwd() {{ echo /nowhere; }}\n"
                     f"cd {quoted}/..; . {quoted}/source_me.sh") == \
        expected(source)


@pytest.mark.parametrize("shell", SHELLS)
def test_through_a_link(shell, source, tmp_path):
    link = tmp_path / "elsewhere/source_me.sh"
    link.parent.mkdir()
    link.symlink_to(f"{source}/source_me.sh")
    assert variables(shell, f"cd {link.parent}; . ./source_me.sh") == \
        expected(source)
    if shell in KNOWING:
        other = link.rename(tmp_path / "other name")
        assert variables(shell, f"cd /; . {shlex.quote(str(other))}") == \
            expected(source)


FAILED = " || echo \"failed ${PXESRV_PATH-unset} ${PXESRV_ROOT-unset}\""


def test_a_shell_that_does_not_know_says_so(source):
    done = run("dash", f"cd /; . {shlex.quote(source)}/source_me.sh" + FAILED,
               "-uc")
    assert done.stdout == "failed unset unset\n"
    assert "cd there" in done.stderr


@pytest.mark.parametrize("shell", KNOWING)
def test_another_says_what_is_wrong(shell, source):
    os.unlink(f"{source}/pxesrv")
    done = run(shell, f"cd /; . {shlex.quote(source)}/source_me.sh" + FAILED)
    assert done.stdout == "failed unset unset\n"
    assert done.stderr == f"source_me.sh: {source} is no source tree\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_set_stays(shell, source):
    own = {"PXESRV_ROOT": "/srv/other", "PXESRV_PORT": "80",
           "PXESRV_LOG": "-"}
    found = variables(shell, f"cd {shlex.quote(source)}; . ./source_me.sh",
                      PXESRV_PATH="/elsewhere", **own)
    assert found == {**expected(source), **own}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_log_lies_where_nobody_else_can_write(shell, source, home):
    """Whatever the umask is."""
    script = f"umask 0; cd {shlex.quote(source)}; . ./source_me.sh"
    assert variables(shell, script) == expected(source)
    directory = home
    for name in STATE.strip("/").split("/"):
        directory /= name
        assert directory.stat().st_mode & 0o777 == 0o700, directory
    assert os.listdir(directory) == []
    other = home / "other"
    assert variables(shell, script, XDG_STATE_HOME=str(other)) == {
        **expected(source), "PXESRV_LOG": f"{other}/pxesrv/pxesrv.log"}
    assert (other / "pxesrv").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("shell", SHELLS)
def test_no_directory_is_made_for_a_log_of_the_users_own(shell, source, home):
    variables(shell, f"cd {shlex.quote(source)}; . ./source_me.sh",
              PXESRV_LOG=f"{home}/a/log")
    assert os.listdir(home) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_home_that_cannot_be_written_to(shell, source):
    """The responder then logs to the terminal, and says so."""
    done = run(shell, f"cd {shlex.quote(source)}; . ./source_me.sh; "
               "echo $PXESRV_PORT", HOME="/dev/null")
    assert done.stdout == "4567\n" and "mkdir" in done.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_another_source_tree_takes_over(shell, source, tmp_path):
    second = make_source(tmp_path / "b")
    read = "".join(f"cd {shlex.quote(path)}; . ./source_me.sh\n"
                   for path in (source, second, source, second))
    assert variables(shell, read) == expected(second)
    # In a shell that was started by one that had read the first.
    inherited = expected(source)
    inherited["PATH"] = "/first:" + inherited["PATH"]
    found = variables(shell, f"cd {second}; . ./source_me.sh", **inherited)
    path = f"{second}:{second}/build/ctl:/first:{clean_env()['PATH']}"
    assert found == {**expected(second), "PATH": path}
    # But for what the user has chosen.
    assert variables(shell, read, PXESRV_ROOT="/public")["PXESRV_ROOT"] == \
        "/public"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_functions(shell, source):
    quoted = shlex.quote(source)
    done = run(shell, f"cd {quoted}; . ./source_me.sh; cd /; "
               "pxesrv_start -w nginx; pxesrv_start; pxe_instance 'last one'")
    assert done.stdout.splitlines() == \
        ["-p 4567 -w nginx", "-p 4567", "last one"], done.stderr


@pytest.mark.parametrize("name", ["pxe-instance", "vm-boot-pxe"])
@pytest.mark.parametrize("shell", SHELLS)
def test_the_names_that_they_had(shell, name, source):
    # An alias holds from the next line on.
    end = ";" if shell in ("bash", "zsh") else "\n"
    script = f"cd {shlex.quote(source)}; . ./source_me.sh{end}" \
        f"{name} 'last one'"
    # One of that name from before must not be in the way.
    for before in ("", f"shopt -s expand_aliases 2>/dev/null || :\n"
                   f"alias {name}=pxe_instance\n"):
        done = run(shell, before + script)
        assert (done.stdout, done.stderr) == ("last one\n", "")


def ask(port):
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=place.PATIENCE,
        source_address=("127.0.0.7", 0))
    connection.request("GET", "/redirect")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


@pytest.mark.parametrize("shell", SHELLS)
def test_it_starts_the_server(shell, tree, tmp_path, home):
    tree.make({"default": "default", "os/boot": "os",
               "once/127.0.0.7": Link("../os/boot")})
    port, out = free_port(), tmp_path / "out"
    with open(out, "wb") as file:
        one = Program(
            [*shell.split(), "-c", f"cd {shlex.quote(SOURCE)}; "
             ". ./source_me.sh; pxesrv_start; echo ended $?"],
            str(tmp_path / "err"), stdout=file, start_new_session=True,
            env=clean_env(PXESRV_PORT=str(port), PXESRV_ROOT=place.ROOT,
                          HOME=str(home)))
    log = home / STATE[1:] / "pxesrv.log"
    try:
        # It may have to build first.
        until(lambda: "DHCP" in out.read_text() or not one.is_running(),
              "its start")
        assert one.is_running(), one.messages()
        assert ask(port) == (200, b"os")
        assert ask(port) == (200, b"default")
        until(lambda: log.read_text().count("GET") == 2,
              "its log")
        # What another terminal shows of it.
        done = run(shell, f"cd {shlex.quote(SOURCE)}; . ./source_me.sh; "
                   "pxesrvctl log")
        assert done.stdout.count("127.0.0.7") == 2, done.stderr
    finally:
        # Ctrl-C, for all that the terminal has started.
        os.killpg(one.pid, signal.SIGINT)
        one.process.wait(place.PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        ask(port)
