# SPDX-License-Identifier: MIT
"""What the AppArmor profile allows, and what a traced responder did."""
import functools
import os
import re
import subprocess

PARSER = "/usr/sbin/apparmor_parser"


def parse(*options, text=None):
    return subprocess.run([PARSER, *options], input=text, capture_output=True,
                          text=True, timeout=60)


HEAD = re.compile(r"profile \S+ \S+ flags=\(attach_disconnected\) {")
# What it may have beside rules for files.
OTHERS = {"network unix stream,", "network unix dgram,", "signal (receive),",
          "ptrace (readby),"}


class Profile:
    """Its rules for files: apparmor.d(5), as far as they are used here. What
    else there is raises, since it could allow anything."""

    def __init__(self, text):
        done = parse("-p", text=text)
        assert done.returncode == 0, done.stderr
        self.variables, self.rules = {}, []
        lines = [line for line in map(str.strip, done.stdout.splitlines())
                 if line and line[0] != "#"]
        head, = (at for at, line in enumerate(lines) if HEAD.fullmatch(line))
        for line in lines[:head]:
            self.read_variable(line)
        for line in lines[head + 1:-1]:
            if line not in OTHERS:
                self.read_rule(line)

    def read_variable(self, line):
        if found := re.fullmatch(r"@{(\w+)}\s*\+?=\s*(.*)", line):
            name, values = found.groups()
            self.variables.setdefault(name, []).extend(values.split())
        elif not re.fullmatch(r"abi <[\w./]+>,", line):
            raise ValueError(line)

    def read_rule(self, line):
        found = re.fullmatch(r"([/@]\S+)\s+([A-Za-z]+),", line)
        if not found:
            raise ValueError(line)
        glob, rights = found[1], found[2].lower()
        # However it is started; and to append is to write.
        if "x" in rights:
            rights = re.sub("[pciu]", "", rights)
        rights = set(rights.replace("a", "w"))
        if not rights <= set("rwlkmx"):
            raise ValueError(line)
        self.rules.append((self.pattern(glob), rights))

    def pattern(self, glob):
        """As a regular expression. A variable is one of its values."""
        while found := re.search(r"@{(\w+)}(/?)", glob):
            # Two slashes count as one: some values end in one.
            values = [value.rstrip("/") + found[2] if found[2] else value
                      for value in self.variables[found[1]]]
            glob = glob.replace(found[0], "{" + ",".join(values) + "}")
        rest = glob
        while rest != (rest := re.sub(r"{[^{}]*}", "", rest)):
            pass
        # A comma stands between two in braces only.
        if not re.fullmatch(r"[\w./*{},-]+", glob) or "//" in glob \
                or "," in rest:
            raise ValueError(glob)
        out = {"{": "(?:", "}": ")", ",": "|"}
        return re.compile("".join(
            out.get(piece) or {"**": ".", "*": "[^/]"}[piece] +
            ("+" if glob[at - 1] == "/" else "*")
            if piece in out or piece[0] == "*" else re.escape(piece)
            for piece, at in ((m[0], m.start()) for m in re.finditer(
                r"\*\*|.", glob))))

    @functools.cache
    def allows(self, path, wanted):
        granted = {right for pattern, rights in self.rules
                   if pattern.fullmatch(path) for right in rights}
        return set(wanted) <= granted


def _as_named(path):
    return path + "/" if os.path.isdir(path) else path


def _whole(trace):
    """Its lines, those joined that another thread's came between."""
    begun = {}
    for line in trace.splitlines():
        thread, _, call = line.partition(" ")
        if line.endswith(" <unfinished ...>"):
            begun[thread] = call.removesuffix(" <unfinished ...>")
        elif found := re.match(r" *<\.\.\. \w+ resumed>(.*)", call):
            yield f"{thread} {begun.pop(thread)}{found[1]}"
        else:
            yield line


def accesses(trace):
    """(path, rights, line) of each call that succeeded, from the output of
    strace -f -y. A lock that nobody else may have is a write, too."""
    at = r'(?:AT_FDCWD(?:<[^>]*>)?|\d+<(?P<{0}>[^>]*)>), "(?P<{1}>[^"]*)"'
    two = at.format("da", "a") + ", " + at.format("db", "b")
    calls = [(re.compile(pattern), rights) for pattern, rights in (
        (r'openat2?\(.*\) = \d+<(?P<a>[^>]*)>', None),
        (r'flock\(\d+<(?P<a>[^>]*)>, LOCK_EX', "kw"),
        (r'mmap\(.*PROT_EXEC.*, \d+<(?P<a>[^>]*)>', "mr"),
        (r'(?:bind|connect)\(.*sun_path="(?P<a>[^"]*)"', "w"),
        (r'(?:unlink|chmod|chown|mkdir)\("(?P<a>[^"]*)"', "w"),
        (r'(?:unlink|mkdir|fchmod|fchown|utimens)at\('
         + at.format("da", "a"), "w"),
        (rf'renameat2?\({two}', "rw"), (rf'linkat\({two}', "l"))]
    for line in _whole(trace):
        call = re.sub(r"\) += ", ") = ", re.sub(r"^\d+ +", "", line))
        if not re.search(r"\) = \d", call) or "O_PATH" in call:
            continue
        for pattern, rights in calls:
            found = pattern.match(call)
            if not found:
                continue
            names = found.groupdict()
            if rights is None:
                rights = "rw" if "O_RDWR" in line else \
                    "w" if "O_WRONLY" in line else "r"
            # Both ends of a move; of a link the new one.
            ends = "b" if rights == "l" else "ab"
            for end in ends:
                if names.get(end):
                    path = os.path.join(names.get("d" + end) or "",
                                        names[end])
                    yield _as_named(path), rights, line
            break
