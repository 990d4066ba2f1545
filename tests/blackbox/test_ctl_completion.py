# SPDX-License-Identifier: MIT
"""What bash, zsh and fish complete for pxesrvctl."""
import os
import pty
import re
import shlex
import subprocess
import tempfile

import pytest

import place
from tree import Directory, Link

FILES = os.path.join(place.SOURCE, "packaging/completion")
TREE = {
    "once/10.0.0.7": Link("../default"), "once/10.0.0.8": Link("../gone"),
    "once/2001:db8::7": Link("../default"),
    "once/2001:db8::18": Link("../default"),
    "once/README.md": "no client", "static/README.md": "no client",
    "once/.lock": "", "once/.served/10.0.0.9": Link("../default"),
    "once/.cancelled/fd00::9.33": Link("../default"),
    "until/10.0.2.1": Link("../default"), "until/.done/10.0.2.2": Link("x"),
    "static/10.0.1.1": Link("../default"), "static/fd00::1": "",
    "default": "", ".hidden": "", "debian/12/default": "",
    "debian/12/.hidden": "", "debian/12/pre seed": "", "debian/static/x": "",
    "empty": Directory(), "link": Link("debian"),
}


def run(command, *arguments, **variables):
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=place.PATIENCE,
        env=place.clean_env(HOME="/srv", LC_ALL="C.UTF-8", TERM="dumb",
                            **variables))
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.replace("\r", "").splitlines()


class Bash:
    """As bash calls the function. It puts a reply behind the last break."""

    breaks = ":"
    script = """
        COMP_WORDBREAKS=$3
        source "$1/pxesrvctl.bash"
        [[ $(complete -p pxesrvctl) == 'complete -F _pxesrvctl pxesrvctl' ]] ||
            exit
        compopt() { :; }
        COMP_LINE=$2 COMP_POINT=${#2}
        # These are as they come where words end at colons.
        read -ra COMP_WORDS <<<"${2//:/ : }"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _pxesrvctl pxesrvctl
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def complete(self, line, word, **variables):
        replies = run(["bash", "--norc", "-c", self.script, "bash"], FILES,
                      line, " \t\n\"'><=;|&(" + self.breaks, **variables)
        kept = word[:word.rfind(":") + 1] if self.breaks else ""
        return [kept + reply.replace("\\ ", " ") for reply in replies if reply]


class BashWithoutColons(Bash):
    """For those who took the colon away from what parts words."""

    breaks = ""


class Zsh:
    """A real line editor on a terminal of its own, which inserts each match.

    What it shows there is only waited for; the matches come by a file."""

    inner = r"""
        PROMPT= fpath=($FILES $fpath)
        autoload -Uz compinit; compinit -u -D
        pick() { total=$compstate[nmatches]
            (( total )) && compstate[insert]=$n }
        matches() { local line=$BUFFER n=0 total=1
            for (( n = 1; n <= total; n++ )) {
                BUFFER=$line CURSOR=$#line comppostfuncs=(pick) total=0
                zle complete-word
                print -r -- "<$BUFFER>" >>$MATCHES }
            print FINISHED }
        zle -N matches; bindkey "^I" matches
        print READY
        """
    outer = r"""
        zmodload zsh/zpty
        zpty inner zsh -f -i
        zpty -w inner '. $SETUP'
        zpty -r inner out '*READY*'
        zpty -w -n inner "$1"$'\t'
        zpty -r inner out '*FINISHED*'
        """

    @staticmethod
    def complete(line, word, **variables):
        with tempfile.TemporaryDirectory() as directory:
            setup, matches = directory + "/setup", directory + "/matches"
            with open(setup, "w") as file:
                file.write(Zsh.inner)
            run(["zsh", "-f", "-c", Zsh.outer, "zsh"], line, FILES=FILES,
                SETUP=setup, MATCHES=matches, **variables)
            with open(matches) as file:
                said = file.read().splitlines()
        buffers = [one[1:-1] for one in said if one.startswith("<")]
        start = len(line) - len(word)
        # What is only explained is "inserted" as nothing; and where there is
        # nothing, so is that.
        return [buffer[start:].replace("\\ ", " ").rstrip("=")
                for buffer in buffers if buffer != line]


class Fish:
    """Its own command for this. It takes what contains the word, too."""

    @staticmethod
    def complete(line, word, **variables):
        script = ("source $argv[1]/pxesrvctl.fish; "
                  "complete -C $argv[2]")
        said = run(["fish", "--no-config", "-c", script], FILES, line,
                   **variables)
        return [one.split("\t")[0] for one in said]


@pytest.fixture(params=[Bash, BashWithoutColons, Zsh, Fish],
                ids=lambda shell: shell.__name__)
def complete(request):
    def candidates(line, **variables):
        line = "pxesrvctl " + line
        word = line[line.rindex(" ") + 1:]
        return sorted(request.param().complete(line, word, **variables))
    return candidates


ARMED = ["10.0.0.7", "10.0.0.8", "2001:db8::18", "2001:db8::7"]
STATIC = ["10.0.1.1", "fd00::1"]
TOP = ["debian/", "default", "empty/", "link/"]
DEBIAN = ["debian/12/default", "debian/12/pre seed"]


@pytest.mark.parametrize("line, want", [
    ("can", ["cancel"]),
    ("st", ["static", "stats"]),
    ("no-such-command ", []),
    ("list ", ["armed", "broken", "done", "name", "served", "static", "subnet",
              "unsure", "until"]),
    ("list a", ["armed"]),
    ("list armed b", ["broken"]),
    ("cancel ", sorted(ARMED + ["10.0.2.1"])),
    ("cancel 10.0.0.7 10.", [*ARMED[:2], "10.0.2.1"]),
    ("cancel --force 2001:", ARMED[2:]),
    ("cancel 2001:db8::1", ["2001:db8::18"]),
    ("cancel 2001:db8::7 2001:db8::1", ["2001:db8::18"]),
    ("explain ", sorted(ARMED + STATIC + ["10.0.2.1"])),
    ("explain fd", ["fd00::1"]),
    ("wait ", sorted(ARMED + ["10.0.2.1"])),
    ("wait --timeout ", ["15m", "2h", "7d"]),
    ("wait -f /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("wait -f /x 10.0.2", ["10.0.2.1"]),
    ("cancel -f /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("log -f /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("once -f /x de", ["debian/", "default"]),
    ("rearm ", ["10.0.0.9", "fd00::9"]),
    ("forget ", STATIC),
    ("log --client 10.0.1", ["10.0.1.1"]),
    ("log --client fd00:", ["fd00::1"]),
    ("log --since ", ["15m", "2h", "7d"]),
    ("log /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("stats --prometheus x /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("once ", []),
    ("once --leases /x ", []),
    ("once 10.0.0.7 ", TOP),
    ("static 10.0.0.7 ", TOP),
    ("once 2001:db8::7 --force fd00::1 de", ["debian/", "default"]),
    ("once 10.0.0.7 debian/", ["debian/12/", "debian/static/"]),
    ("once 10.0.0.7 debian/12/", DEBIAN),
    ("once 10.0.0.7 link/12/d", ["link/12/default"]),
    ("once 10.0.0.7 empty/", []),
    ("once 10.0.0.7 /srv/px", ["/srv/pxesrv/"]),
    ("-r /nonexistent cancel ", []),
    ("-r /srv/pxesrv/empty once 10.0.0.7 ", []),
    ("-r /srv/px", ["/srv/pxesrv/"]),
    ("once -r /srv/px", ["/srv/pxesrv/"]),
    ("once --leases /srv/pxesrv/def", ["/srv/pxesrv/default"]),
    ("once -u www-d", ["www-data"]),
    ("chown www-d", ["www-data"]),
    ("kickstart --repo ", []),
    ("preseed --cmdline ", []),
])
def test_what_is_offered(complete, tree, line, want):
    tree.make(TREE)
    # The slash of a directory may be left to the shell.
    assert complete(line) == want or (
        want == ["/srv/pxesrv/"] and complete(line) == ["/srv/pxesrv"])


def test_the_root(complete, tree, tmp_path):
    tree.make({"home/once/10.0.0.1": Link("x"), "once/10.0.0.2": Link("x")})
    other = tmp_path / "other" / "once"
    other.mkdir(parents=True)
    (other / "10.0.0.3").symlink_to("x")
    one, two, three = ["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"]
    there = {"PXESRV_ROOT": str(other.parent)}
    assert complete("cancel ") == two
    assert complete("cancel ", **there) == three
    assert complete(f"-r {other.parent} cancel ") == three
    assert complete(f"cancel -r {other.parent} 10") == three
    assert complete(f"cancel --root={other.parent} 10") == three
    assert complete("-r ~/pxesrv/home cancel ", **there) == one
    assert complete("-r /nonexistent cancel ", **there) == []


def test_the_commands_are_those_of_the_program(complete):
    commands = commands_of_the_program()
    assert len(commands) == 17
    assert complete("") == commands


def commands_of_the_program():
    return sorted(line.split()[0] for line in run([place.CTL, "-h"])
                  if re.match(r"  \w", line))


def test_the_options_are_those_of_the_program(complete):
    for command in commands_of_the_program():
        want = {match[1] for match in (
            re.match(r"  (--?[\w-]+)", line)
            for line in run([place.CTL, command, "-h"])) if match}
        assert set(complete(f"{command} -")) == want, command


def typed(keys):
    """The arguments that bash passes on when these keys are typed."""
    terminal, inside = pty.openpty()
    with subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=inside,
            stdout=inside, stderr=inside, start_new_session=True,
            env=place.clean_env(TERM="dumb", HOME="/srv")) as bash:
        os.close(inside)
        os.write(terminal, (
            f"source {shlex.quote(FILES)}/pxesrvctl.bash\n"
            "pxesrvctl() { printf '<%s>\\n' \"$@\"; }\n"
            f"pxesrvctl {keys}\nexit\n").encode())
        said = b""
        try:
            while piece := os.read(terminal, 4096):
                said += piece
        except OSError:  # EIO: it has gone
            pass
        finally:
            os.close(terminal)
            bash.kill()
    return re.findall(r"^<(.*)>\r$", said.decode(), re.MULTILINE)


@pytest.mark.parametrize("keys, want", [
    ("can\t2001:db8::1\t", ["cancel", "2001:db8::18"]),
    ("can\t2\t7\t", ["cancel", "2001:db8::7"]),
    ("once 2001:db8::7 deb\t12/d\t", ["once", "2001:db8::7",
                                      "debian/12/default"]),
    ("once 10.0.0.7 debian/12/p\t", ["once", "10.0.0.7",
                                     "debian/12/pre seed"]),
    ("-r /srv/px\t fo\tfd\t", ["-r", "/srv/pxesrv/", "forget", "fd00::1"]),
    ("once --leases /srv/pxesrv/def\tx", ["once", "--leases",
                                          "/srv/pxesrv/default", "x"]),
])
def test_a_line_typed_into_bash(tree, keys, want):
    tree.make(TREE)
    assert typed(keys) == want
