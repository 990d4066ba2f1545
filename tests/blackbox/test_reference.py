# SPDX-License-Identifier: MIT
"""The manual pages are the reference: they have each setting, command, option and
exit code, and no other page explains one of these again."""
import glob
import os
import re
import subprocess

import pytest

import ctl
import place

# What sysexits.h says.
SYSEXITS = {"EX_OK": "0", "EX_USAGE": "64", "EX_SOFTWARE": "70",
            "EX_OSERR": "71", "EX_CONFIG": "78"}
# pxesrvctl's own, for what could not be done.
NOT_DONE = "1"
PAGES = [page for pattern in ("*.md", "docs/**/*.md", "public/*.md")
         for page in sorted(glob.glob(pattern, root_dir=place.SOURCE,
                                      recursive=True))
         if not page.startswith("docs/man/") and page != "CHANGELOG.md"]


def read(path):
    with open(os.path.join(place.SOURCE, path)) as file:
        return file.read()


def sources(room):
    return "".join(read(path) for path in glob.glob(
        f"{room}/**/*.c", root_dir=place.SOURCE, recursive=True))


def said(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout


# What the programs have


def settings():
    """Of the table in the source, and what the responder alone has."""
    found = re.findall(r'^\t\t\{"(PXESRV_\w+)", vars->', read("cgi/settings.c"),
                       re.M)
    assert len(found) >= 7
    return {*found, *re.findall(r'getenv\("(PXESRV_\w+)"\)', sources("fcgi"))}


def options(help_text):
    """Those of the lines that begin with one: all but what follows two blanks."""
    heads = re.findall(r"^  (-\S.*?)(?:  |$)", help_text, re.M)
    return {option for head in heads
            for option in re.findall(r"(?<!\S)--?\w[\w-]*", head)}


def commands():
    return re.findall(r"^  (\w+) ", ctl.good("-h").out, re.M)


def command_options():
    found = {name: options(ctl.good(name, "-h").out) for name in commands()}
    assert "--timeout" in found["wait"]
    return found


def help_of(program):
    return said({"pxesrv.fcgi": place.FCGI,
                 "pxesrv": place.SOURCE + "/pxesrv"}[program], "-h")


def exit_codes(room):
    names = set(re.findall(r"\bEX_\w+", sources(room)))
    return {SYSEXITS[name] for name in names}


def standalone_exit_codes():
    return set(re.findall(r"\b(?:exit|fail) (\d+)", read("pxesrv")))


# What the manual pages have


def section(page, heading):
    return re.search(rf'^\.S[hs] {heading}\n(.*?)(?=^\.Sh |\Z)',
                     read(f"man/{page}"), re.M | re.S)[1]


def items(text, macro):
    """The first word of each item of a list that has this macro."""
    return set(re.findall(rf"^\.It {macro}(\S+)", text, re.M))


def manual_options(page):
    """mdoc(7) writes "-f file, --file file" as "Fl f Ar file , Fl -file Ar file"."""
    return {"-" + option
            for line in re.findall(r"^\.It (Fl .*)$", read(f"man/{page}"), re.M)
            for option in re.findall(r"(?:Fl|,) (?!Fl)(\S+)", line)}


def test_each_setting_is_in_the_manual():
    named = re.findall(r"PXESRV_\w+", help_of("pxesrv.fcgi"))
    assert settings() == set(named)
    assert settings() == items(section("pxesrv.fcgi.8", "ENVIRONMENT"), "Ev ")


def test_the_other_programs_name_their_settings():
    ours = settings()
    for page, without in (("pxesrv.8", {"PXESRV_ROOT"}),
                          ("pxesrvctl.8", {"PXESRV_SEND", "PXESRV_THREADS"})):
        text = section(page, "ENVIRONMENT")
        assert ours - without <= set(re.findall(r"PXESRV_\w+", text)), page


def test_each_command_is_in_the_manual():
    names = commands()
    assert len(names) >= 17
    overview = re.findall(r"^\.It Cm (\w+)$",
                          read("man/pxesrvctl.8").split(".Ss Commands")[0], re.M)
    assert sorted(overview) == sorted(names)
    heads = re.findall(r"^\.It Cm (\w+) ", read("man/pxesrvctl.8"), re.M)
    assert set(names) <= set(heads)


def test_the_manual_has_the_options_of_each_command():
    """At its head, but for -r, which all have; and each is described."""
    described = manual_options("pxesrvctl.8")
    for name, has in command_options().items():
        heads = " ".join(re.findall(rf"^\.It Cm {name} (.*)$",
                                    read("man/pxesrvctl.8"), re.M))
        shown = {"-" + option for option in re.findall(r"\bFl (\S+)", heads)}
        assert has - {"-r"} == shown, name
        assert has <= described, name


@pytest.mark.parametrize("program", ["pxesrv.fcgi", "pxesrv"])
def test_each_option_is_in_the_manual(program):
    has = options(help_of(program))
    assert len(has) >= 4
    assert manual_options(program + ".8") == has


@pytest.mark.parametrize("program, find", [
    ("pxesrv.fcgi", lambda: exit_codes("fcgi")),
    ("pxesrvctl", lambda: exit_codes("ctl") | {NOT_DONE}),
    ("pxesrv", standalone_exit_codes)],
    ids=lambda one: one if isinstance(one, str) else "")
def test_each_exit_code_is_in_the_manual(program, find):
    codes = find()
    assert len(codes) > 3
    assert items(section(program + ".8", "EXIT STATUS"), "") == codes


# What no other page may do


def explained(text, names):
    """Of these names, and of exit codes, those that a row of a table or an item of
    a list begins with."""
    found = []
    header = before = ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        is_row = line.lstrip().startswith("|")
        if is_row and re.fullmatch(r"[-: |]+", line.strip()):
            header = before
        elif is_row:
            code = re.fullmatch(r"`?(\d+)`?", cells[0])
            if code and "exit" in header.lower():
                found.append(code[1])
            if not re.sub(r"`[^`]*`|[\s,]|and|or", "", cells[0]):
                found += names_in(cells[0], names)
        elif item := re.match(r"\s*[-*] (\W*`[^`]+`[^\w`]*)\s*(?::|-|–|—)", line):
            found += names_in(item[1], names)
        before = line if is_row else ""
    return found


def names_in(text, names):
    found = []
    for span in re.findall(r"`([^`]+)`", text):
        words = re.split(r"[\s=,]+", span)
        # Options of other programs, such as rsync -r, are not ours.
        if words[0] in names or words[0].startswith("pxesrv"):
            found += [word for word in words if word in names]
    return found


def all_names():
    found = settings() | options(help_of("pxesrv.fcgi"))
    found |= options(help_of("pxesrv"))
    return found.union(*command_options().values())


@pytest.mark.parametrize("page", PAGES)
def test_no_other_page_explains_it_again(page):
    assert explained(read(page), all_names()) == []


@pytest.mark.parametrize("text, expected", [
    ("| variable | |\n| --- | --- |\n| `PXESRV_LOG` | the log |", ["PXESRV_LOG"]),
    ("| `-p PORT` | the port |", ["-p"]),
    ("| `-f`, `--force` | allow |", ["-f", "--force"]),
    ("- `PXESRV_ROOT`: the tree", ["PXESRV_ROOT"]),
    ("- **`--each`** - all addresses", ["--each"]),
    ("| exit status | |\n| --- | --- |\n| 64 | usage |", ["64"]),
    # These are none:
    ("| clients | |\n| --- | --- |\n| 64 | 100 |", []),
    ("| 403 for `PXESRV_ALLOW` | the unit hides it |", []),
    ("- `PXESRV_SEND` works on port 4567 alone", []),
    ("Set `PXESRV_ROOT`: it is the tree", [])])
def test_what_an_explanation_is(text, expected):
    assert explained(text, all_names()) == expected
