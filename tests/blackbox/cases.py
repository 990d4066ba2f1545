# SPDX-License-Identifier: MIT
"""What is asked, and what must come of it: one table for all deployments.

CLIENT stands for the address of the client that asks, HEX for GRUB's form of
it, ROOT for the root of the tree.
"""
from dataclasses import dataclass, field

from tree import (Directory, Fifo, Link, NewLink, OldLink, Socket,
                  Unreadable)

PLAIN = "text/plain; charset=utf-8"
MENU = "#!ipxe\necho default\n"
OS = "#!ipxe\necho os\n"
TREE = {"default": MENU, "os/boot": OS, "os/shim.efi": "MZ",
        "os/disk.iso": "ISO", "os/disk.img": "IMG"}


@dataclass
class Case:
    name: str
    status: int
    body: str
    tree: dict = field(default_factory=dict)  # beside TREE
    method: str = "GET"
    path: str = "/redirect"
    type: str = PLAIN
    log: str = "-"  # how the line in the log goes on after the time
    after: dict = field(default_factory=dict)  # links there afterwards, or None
    params: dict = field(default_factory=dict)  # of the request
    without: tuple = ()  # what is not in TREE this time
    only: str = ""  # "ipv4", "ipv6"


ONCE = "once/CLIENT"
SERVED = "once/.served/CLIENT"
STATIC = "static/CLIENT"


def stays(text):
    return {ONCE: text, SERVED: None}


def broken(name, text, status, reason, tree=None, log=None):
    """An entry that can't be served, once in once/ and once in static/."""
    shown = log or (text[3:] if text.startswith("../") else text)
    for directory in ("once", "static"):
        entry = f"{directory}/CLIENT"
        yield Case(
            f"{directory}: {name}", status, f"# {entry} -> {text}: {reason}\n",
            {entry: Link(text), **(tree or {})},
            log=f"{directory} {shown} ({reason})",
            after={entry: text, SERVED: None})


OUTSIDE = "Outside the directories that files may come from"
NO_FILE = "No such file or directory"
LOOP = "Too many levels of symbolic links"
NOT_REGULAR = "Not a regular file"

CASES = [
    # Which entry decides
    Case("no entry: default", 200, MENU, log="default default"),
    Case("default as a link", 200, OS, {"default": Link("os/boot")},
         without=("default",), log="default os/boot"),
    Case("static as a file", 200, "mine", {STATIC: "mine"},
         log="static static/CLIENT"),
    Case("static as a link", 200, OS, {STATIC: Link("../os/boot")},
         log="static os/boot", after={STATIC: "../os/boot"}),
    Case("static beats default, once beats static", 200, OS,
         {ONCE: Link("../os/boot"), STATIC: "mine"}, log="once os/boot",
         after={ONCE: None, SERVED: "../os/boot"}),
    Case("another client's entries", 200, MENU,
         {"once/192.0.2.1": Link("../os/boot"), "static/192.0.2.1": "x"},
         log="default default", after={"once/192.0.2.1": "../os/boot"}),
    Case("empty once/ and static/", 200, MENU,
         {"once": Directory(), "static": Directory()}, log="default default"),
    Case("an empty file", 200, "", {STATIC: ""}, log="static static/CLIENT"),

    # Machines with a name
    Case("a name: once", 200, OS,
         {"names/CLIENT": Link("node7"), "once/node7": Link("../os/boot")},
         log="once os/boot node7",
         after={"once/node7": None, "once/.served/node7": "../os/boot",
                "names/CLIENT": "node7"}),
    Case("a name: static, until and once, HEAD", 200, OS,
         {"names/CLIENT": Link("node7"), "once/node7": Link("../os/boot"),
          "until/node7": Link("../default"), "static/node7": "x"},
         method="HEAD", log="once os/boot node7",
         after={"once/node7": "../os/boot", "until/node7": "../default"}),
    Case("a name comes before the address", 200, OS,
         {"names/CLIENT": Link("node7"), STATIC: "x", "static/node7": OS},
         log="static static/node7 node7"),
    Case("a machine with a name and an entry by its address", 200, OS,
         {"names/CLIENT": Link("node7"), STATIC: OS},
         log="static static/CLIENT"),
    Case("a name, and no entry", 200, MENU, {"names/CLIENT": Link("node7")},
         log="default default"),
    Case("another machine's name", 200, MENU,
         {"names/192.0.2.1": Link("node7"), "static/node7": "x"},
         log="default default"),
    Case("a broken entry by name does not fall through to the address", 404,
         f"# once/node7 -> ../x: {NO_FILE}\n",
         {"names/CLIENT": Link("node7"), "once/node7": Link("../x"),
          ONCE: Link("../os/boot")}, log=f"once x node7 ({NO_FILE})",
         after={ONCE: "../os/boot", "once/node7": "../x"}),
    Case("the longest name", 200, OS,
         {"names/CLIENT": Link("n" * 64), "static/" + "n" * 64: OS},
         log="static static/" + "n" * 64 + " " + "n" * 64),
    *[Case(f"no name: {shown}", 403,
           f"# names/CLIENT -> {shown}: Not a machine's name\n",
           {"names/CLIENT": Link(text), ONCE: Link("../os/boot")},
           log="names names/CLIENT (Not a machine's name)",
           after=stays("../os/boot"))
      for text, shown in [(text, text) for text in (
          "../once/node7", "a/b", ".node7", "..", "n" * 65, "n" * 300,
          "node,7", "10.0.0.7", "2001:db8::7", "00-00-5e-00-53-07",
          "00005e005307", "123e4567-e89b-12d3-a456-426614174000")] + [
              ("node 7", "node 7"), ("n\u00f6de", "n\\xC3\\xB6de"),
              ("node\n7", "node\\x0A7")]],
    Case("a name in a file", 403,
         "# names/CLIENT: Not a link to a machine's name\n",
         {"names/CLIENT": "node7", ONCE: Link("../os/boot")},
         log="names names/CLIENT (Not a link to a machine's name)",
         after=stays("../os/boot")),
    Case("a name is no path: a circle", 200, OS,
         {"names/CLIENT": Link("a"), "names/a": Link("b"),
          "names/b": Link("a"), "static/a": OS}, log="static static/a a"),

    # Until the machine is done
    Case("until beats static, and stays", 200, OS,
         {"until/CLIENT": Link("../os/boot"), STATIC: "x"},
         log="until os/boot", after={"until/CLIENT": "../os/boot"}),
    Case("once beats until", 200, MENU,
         {ONCE: Link("../default"), "until/CLIENT": Link("../os/boot")},
         log="once default",
         after={ONCE: None, "until/CLIENT": "../os/boot"}),
    Case("until: no target", 404, f"# until/CLIENT -> ../x: {NO_FILE}\n",
         {"until/CLIENT": Link("../x"), STATIC: "x"},
         log=f"until x ({NO_FILE})"),
    Case("a file in until/ is ignored", 200, "mine",
         {"until/CLIENT": OS, STATIC: "mine"},
         log="static static/CLIENT (until/CLIENT is no link: ignored)"),
    Case("done", 200, "Done until/CLIENT\n",
         {"until/CLIENT": Link("../os/boot")}, path="/done",
         log="done until/CLIENT",
         after={"until/CLIENT": None, "until/.done/CLIENT": "../os/boot"}),
    Case("done: by name, and only that", 200, "Done until/node7\n",
         {"names/CLIENT": Link("node7"), "until/node7": Link("../os/boot"),
          "until/CLIENT": Link("../os/boot")}, path="/done",
         log="done until/node7",
         after={"until/node7": None, "until/.done/node7": "../os/boot",
                "until/CLIENT": "../os/boot"}),
    Case("done: the second time", 200, "Done until/CLIENT\n",
         {"until/CLIENT": Link("../os/boot"),
          "until/.done/CLIENT": Link("../default")}, path="/done",
         log="done until/CLIENT",
         after={"until/CLIENT": None, "until/.done/CLIENT": "../os/boot"}),
    Case("done: a HEAD moves nothing", 200, "Done until/CLIENT\n",
         {"until/CLIENT": Link("../os/boot")}, path="/done", method="HEAD",
         log="done until/CLIENT", after={"until/CLIENT": "../os/boot"}),
    Case("done: a broken link is done as well", 200, "Done until/CLIENT\n",
         {"until/CLIENT": Link("../x")}, path="/done",
         log="done until/CLIENT", after={"until/.done/CLIENT": "../x"}),
    Case("done: there is none", 400, "Missing\n", {ONCE: Link("../os/boot")},
         path="/done", log="done (no entry in until/)",
         after=stays("../os/boot")),
    Case("done: a file", 400, "Missing\n", {"until/CLIENT": "x"},
         path="/done", log="done (no entry in until/)",
         after={"until/CLIENT": "file"}),
    Case("done: a name that is none", 403,
         "# names/CLIENT -> a/b: Not a machine's name\n",
         {"names/CLIENT": Link("a/b"), "until/CLIENT": Link("../os/boot")},
         path="/done", log="done names/CLIENT (Not a machine's name)",
         after={"until/CLIENT": "../os/boot"}),
    Case("POST to done", 405, "# Only GET and HEAD are answered here\n",
         {"until/CLIENT": Link("../os/boot")}, method="POST", path="/done",
         after={"until/CLIENT": "../os/boot"}),

    # Subnets
    *[Case(f"subnet/{name}", 200, OS, {f"subnet/{name}": Link("../os/boot")},
           only=family, log=f"subnet os/boot {name}")
      for family, name in (
          ("ipv4", "127.0.0.7_32"), ("ipv4", "127.0.0.6_31"),
          ("ipv4", "127.0.0.0_24"), ("ipv4", "127.0.0.0_8"),
          ("ipv4", "0.0.0.0_0"), ("ipv6", "fd00:77::7_128"),
          ("ipv6", "fd00:77::_124"), ("ipv6", "fd00:77::_64"),
          ("ipv6", "fd00:70::_28"), ("ipv6", "f000::_4"), ("ipv6", "::_0"))],
    *[Case(f"no subnet: {name}", 200, MENU, {f"subnet/{name}": OS},
           only=family, log="default default")
      for family, name in (
          ("ipv4", "127.0.0.7_24"), ("ipv4", "127.0.0.0_024"),
          ("ipv4", "127.0.0.7_33"), ("ipv4", "127.0.0.0"),
          ("ipv4", "127.0.1.0_24"), ("ipv4", "127.0.0.0_24 "),
          ("ipv4", "127.0.0.0_-1"), ("ipv6", "fd00:77::_63"),
          ("ipv6", "fd00:77::7_64"), ("ipv6", "fd00:77:0::_64"))],
    Case("the longest prefix", 200, OS,
         {"subnet/127.0.0.0_8": "x", "subnet/127.0.0.0_24": Link("../os/boot"),
          "subnet/127.0.0.0_16": "x", "subnet/0.0.0.0_0": "x"}, only="ipv4",
         log="subnet os/boot 127.0.0.0_24"),
    Case("a subnet's file", 200, "rack", {"subnet/127.0.0.0_24": "rack"},
         only="ipv4", log="subnet subnet/127.0.0.0_24 127.0.0.0_24"),
    Case("static beats subnet", 200, "mine",
         {"subnet/127.0.0.0_24": "rack", STATIC: "mine"}, only="ipv4",
         log="static static/CLIENT"),
    Case("a broken subnet does not fall through", 404,
         f"# subnet/127.0.0.0_24 -> x: {NO_FILE}\n",
         {"subnet/127.0.0.0_24": Link("x"), "subnet/127.0.0.0_8": "rack"},
         only="ipv4", log=f"subnet subnet/x 127.0.0.0_24 ({NO_FILE})"),

    # How links are written
    Case("once: absolute", 200, OS, {ONCE: Link("ROOT/os/boot")},
         log="once os/boot", after={ONCE: None, SERVED: "ROOT/os/boot"}),
    Case("once: beside it", 200, OS,
         {ONCE: Link("boot"), "once/boot": OS}, log="once once/boot",
         after={ONCE: None, SERVED: "boot"}),
    Case("once: a link to a link", 200, OS,
         {ONCE: Link("../current"), "current": Link("os/boot")},
         log="once current",
         after={ONCE: None, SERVED: "../current", "current": "os/boot"}),
    Case("once: a link to an absolute link", 200, OS,
         {ONCE: Link("../current"), "current": Link("ROOT/os/boot")},
         log="once current", after={ONCE: None, SERVED: "../current"}),
    Case("once: through an absolute link to a directory", 200, OS,
         {ONCE: Link("../dir/boot"), "dir": Link("ROOT/os")},
         log="once dir/boot", after={ONCE: None, SERVED: "../dir/boot"}),
    Case("static: a link to a link to a link", 200, OS,
         {STATIC: Link("../a"), "a": Link("b"), "b": Link("ROOT/os/boot")},
         log="static a"),
    Case("a name with a space, a percent sign, an umlaut", 200, OS,
         {STATIC: Link("../os/a b%20\u00e4"), "os/a b%20\u00e4": OS},
         log="static os/a\\x20b%20\\xC3\\xA4"),
    Case("a client served before is armed again", 200, OS,
         {ONCE: Link("../os/boot"), SERVED: Link("../default")},
         log="once os/boot", after={ONCE: None, SERVED: "../os/boot"}),

    # The type, by the name of the file or of a link on the way
    Case("an EFI program", 200, "MZ", {ONCE: Link("../os/shim.efi")},
         type="application/efi", log="once os/shim.efi"),
    Case("an ISO image", 200, "ISO", {STATIC: Link("../os/disk.iso")},
         type="application/vnd.efi-iso", log="static os/disk.iso"),
    Case("a disk image", 200, "IMG", {STATIC: Link("../os/disk.img")},
         type="application/vnd.efi-img", log="static os/disk.img"),
    Case("an EFI program by the name of a link", 200, OS,
         {STATIC: Link("../boot.efi"), "boot.efi": Link("os/boot")},
         type="application/efi", log="static boot.efi"),
    Case("an EFI program behind a link without a name", 200, "MZ",
         {"default": Link("current"), "current": Link("os/shim.efi")},
         without=("default",), type="application/efi", log="default current"),

    # What is broken is an error, and never falls through
    *broken("no target", "../os/nothing", 404, NO_FILE),
    *broken("no directory of the target", "../nothing/boot", 404, NO_FILE),
    *broken("a link to itself", "CLIENT", 404, LOOP,
            log="DIR/CLIENT"),
    *broken("a circle", "../a", 404, LOOP, {"a": Link("b"), "b": Link("a")}),
    *broken("a file as a directory", "../os/boot/x", 404, "Not a directory"),
    *broken("a directory", "../os", 403, "Is a directory"),
    *broken("the root", "..", 403, "Is a directory", log="DIR/.."),
    *broken("a fifo", "../fifo", 403, NOT_REGULAR, {"fifo": Fifo()}),
    *broken("a socket", "../sock", 403, NOT_REGULAR, {"sock": Socket()}),
    *broken("a device", "/dev/zero", 403, OUTSIDE),
    *broken("unreadable", "../secret", 403, "Permission denied",
            {"secret": Unreadable("x")}),
    *broken("outside, absolute", "/etc/passwd", 403, OUTSIDE),
    *broken("outside, relative", "../../../etc/passwd", 403, OUTSIDE,
            log="../../etc/passwd"),
    *broken("outside, by a second link", "../a", 403, OUTSIDE,
            {"a": Link("/etc/passwd")}),
    *broken("outside, through the root", "ROOT/../../etc/passwd", 403, OUTSIDE,
            log="../../etc/passwd"),
    Case("once is broken, static is not", 404,
         f"# {ONCE} -> ../os/nothing: {NO_FILE}\n",
         {ONCE: Link("../os/nothing"), STATIC: "mine"},
         log=f"once os/nothing ({NO_FILE})", after=stays("../os/nothing")),
    Case("static is broken, default is not", 404,
         f"# {STATIC} -> x: {NO_FILE}\n", {STATIC: Link("x")},
         log=f"static static/x ({NO_FILE})"),
    Case("static is a directory", 403, f"# {STATIC}: Is a directory\n",
         {STATIC: Directory()}, log="static static/CLIENT (Is a directory)"),
    Case("no entry and no default", 404, f"# default: {NO_FILE}\n",
         without=("default",), log=f"default default ({NO_FILE})"),
    Case("default is broken", 404, f"# default -> os/x: {NO_FILE}\n",
         {"default": Link("os/x")}, without=("default",),
         log=f"default os/x ({NO_FILE})"),
    Case("a target with control characters stays one line", 404,
         f"# {ONCE} -> ../a\\x0Areboot\\x22: {NO_FILE}\n",
         {ONCE: Link('../a\nreboot"')},
         log=f"once a\\x0Areboot\\x22 ({NO_FILE})"),
    Case("a file in once/ is ignored", 200, MENU, {ONCE: OS},
         log="default default (once/CLIENT is no link: ignored)"),
    Case("a directory in once/ is ignored", 200, "mine",
         {ONCE: Directory(), STATIC: "mine"},
         log="static static/CLIENT (once/CLIENT is no link: ignored)"),

    # HEAD answers as GET would, and moves nothing
    Case("HEAD: default", 200, MENU, method="HEAD", log="default default"),
    Case("HEAD: once stays", 200, OS, {ONCE: Link("../os/boot")},
         method="HEAD", log="once os/boot", after=stays("../os/boot")),
    Case("HEAD: an EFI program", 200, "MZ", {ONCE: Link("../os/shim.efi")},
         method="HEAD", type="application/efi", log="once os/shim.efi",
         after=stays("../os/shim.efi")),
    Case("HEAD: no target", 404, f"# {ONCE} -> ../x: {NO_FILE}\n",
         {ONCE: Link("../x")}, method="HEAD", log=f"once x ({NO_FILE})"),

    # Which requests there are
    Case("a query", 200, MENU, path="/redirect?mac=52:54:00:12:34:56&a=/b",
         log="default default"),
    Case("an identity that nobody asked for", 200, MENU,
         {"static/00:00:5e:00:53:07": "x"},
         path="/redirect?mac=00:00:5e:00:53:07", log="default default"),
    Case("a query of one word", 200, MENU, path="/redirect?-h",
         log="default default"),
    *[Case(f"{method} is not allowed", 405,
           "# Only GET and HEAD are answered here\n",
           {ONCE: Link("../os/boot")}, method=method,
           after=stays("../os/boot"))
      for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH")],

    # GRUB's own configuration
    Case("grub/clear", 200, "Delete grub/2.06/grub.cfg-HEX\n",
         {"grub/2.06/grub.cfg-HEX": "x", "grub/2.06/grub.cfg-00000000": "x"},
         path="/grub/clear/2.06", only="ipv4",
         log="grub/clear grub/2.06/grub.cfg-HEX",
         after={"grub/2.06/grub.cfg-HEX": None,
                "grub/2.06/grub.cfg-00000000": "file"}),
    Case("grub/clear removes a link, not its target", 200,
         "Delete grub/2.06/grub.cfg-HEX\n",
         {"grub/2.06/grub.cfg-HEX": Link("../../os/boot")},
         path="/grub/clear/2.06", only="ipv4",
         log="grub/clear grub/2.06/grub.cfg-HEX",
         after={"grub/2.06/grub.cfg-HEX": None, "os/boot": "file"}),
    Case("grub/clear: encoded", 200, "Delete grub/a b/grub.cfg-HEX\n",
         {"grub/a b/grub.cfg-HEX": "x"}, path="/grub/clear/a%20b?x=y",
         only="ipv4", log="grub/clear grub/a\\x20b/grub.cfg-HEX",
         after={"grub/a b/grub.cfg-HEX": None}),
    Case("grub/clear: a HEAD removes nothing", 200,
         "Delete grub/2.06/grub.cfg-HEX\n", {"grub/2.06/grub.cfg-HEX": "x"},
         method="HEAD", path="/grub/clear/2.06", only="ipv4",
         log="grub/clear grub/2.06/grub.cfg-HEX",
         after={"grub/2.06/grub.cfg-HEX": "file"}),
    Case("grub/clear: there is none", 400, "Missing grub/2.06/grub.cfg-HEX\n",
         {"grub/2.06": Directory()}, path="/grub/clear/2.06", only="ipv4",
         log="grub/clear grub/2.06/grub.cfg-HEX"),
    Case("grub/clear: no such version", 400, "Missing grub/9/grub.cfg-HEX\n",
         path="/grub/clear/9", only="ipv4",
         log="grub/clear grub/9/grub.cfg-HEX"),
    Case("grub/clear: an IPv6 client", 400, "Missing\n",
         path="/grub/clear/2.06", only="ipv6",
         log="grub/clear (no IPv4 address)"),
    Case("grub/clear: a version that leads elsewhere", 403,
         f"# grub.cfg-HEX: {OUTSIDE}\n", {"grub/x": Link("/tmp")},
         path="/grub/clear/x", only="ipv4",
         log=f"grub/clear grub/x/grub.cfg-HEX ({OUTSIDE})"),
    Case("grub/clear: a directory", 403, "# grub.cfg-HEX: Is a directory\n",
         {"grub/1/grub.cfg-HEX/x": "x"}, path="/grub/clear/1", only="ipv4",
         log="grub/clear grub/1/grub.cfg-HEX (Is a directory)",
         after={"grub/1/grub.cfg-HEX/x": "file"}),
    Case("grub/clear: an absolute link inside", 200,
         "Delete grub/1/grub.cfg-HEX\n",
         {"grub/1": Link("ROOT/grub/2"), "grub/2/grub.cfg-HEX": "x"},
         path="/grub/clear/1", only="ipv4",
         log="grub/clear grub/1/grub.cfg-HEX",
         after={"grub/2/grub.cfg-HEX": None}),
    Case("POST to grub/clear", 405, "# Only GET and HEAD are answered here\n",
         {"grub/2.06/grub.cfg-HEX": "x"}, method="POST",
         path="/grub/clear/2.06",
         after={"grub/2.06/grub.cfg-HEX": "file"}),
]

# What only a program that is spoken to directly can be asked.
MAC = "static/00:00:5e:00:53:07"
UUID = "123e4567-e89b-12d3-a456-426614174000"


def identified(name, query):
    return Case(f"identified: {name}", 200, OS, {MAC: OS, STATIC: "x"},
                path="/redirect?" + query, params={"PXESRV_IDENTIFY": "mac"},
                log=f"static {MAC} 00:00:5e:00:53:07")


def unidentified(name, query, why):
    return Case(f"not identified: {name}", 200, MENU, {MAC: "x"},
                path="/redirect?" + query, params={"PXESRV_IDENTIFY": "mac"},
                log=f"default default ({why}: ignored)")


NOT_AVAILABLE = "# The requested route is not available\n"
NO_VERSION = "grub/clear (no plain version)"
DIRECT = [
    Case("no route", 404, NOT_AVAILABLE, path="/"),
    Case("no route: a file of the tree", 404, NOT_AVAILABLE, path="/default"),
    Case("no route, and no method either", 404, NOT_AVAILABLE, path="/x",
         method="POST"),
    Case("a prefix", 200, MENU, path="/boot/redirect", log="default default"),
    Case("double slashes", 200, MENU, path="//boot//redirect",
         log="default default"),
    Case("encoded", 200, MENU, path="/%72edirect", log="default default"),
    Case("wrongly encoded", 404, NOT_AVAILABLE, path="/redirect%g"),
    Case("an encoded NUL", 404, NOT_AVAILABLE, path="/redirect%00"),
    Case("no REQUEST_URI", 200, MENU, log="default default",
         params={"REQUEST_URI": None, "SCRIPT_NAME": "/redirect"}),
    Case("neither REQUEST_URI nor PATH_INFO", 404, NOT_AVAILABLE,
         params={"REQUEST_URI": None}),
    *[Case(f"grub/clear: {version or 'nothing'} is no version", 400,
           "Missing\n", path="/grub/clear/" + version, only="ipv4",
           log=NO_VERSION)
      for version in ("", ".", "..", "%2e%2e", "a/b", "a%2fb", "..%2fx",
                      "a%0ab")],

    Case("an IPv4-mapped client", 200, "mine", {"static/192.0.2.9": "mine"},
         params={"REMOTE_ADDR": "::ffff:192.0.2.9"},
         log="static static/192.0.2.9"),
    Case("a client in another spelling", 200, "mine",
         {"static/2001:db8::9": "mine"},
         params={"REMOTE_ADDR": "2001:DB8:0::0009"},
         log="static static/2001:db8::9"),
    *[Case(f"{name} is not read", 200, MENU,
           {"static/192.0.2.9": "x", "once/192.0.2.9": Link("../os/boot")},
           params={name: "192.0.2.9"}, log="default default")
      for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP",
                   "HTTP_CLIENT_IP", "REMOTE_HOST", "HTTP_REMOTE_ADDR")],
    Case("no REMOTE_ADDR", 500, "# The web server does not say who asks\n",
         params={"REMOTE_ADDR": None},
         log="- the web server must pass REMOTE_ADDR "),
    Case("a REMOTE_ADDR that is none", 500,
         "# The web server does not say who asks\n",
         params={"REMOTE_ADDR": "unix:"},
         log="- the web server must pass an IP address as REMOTE_ADDR, not "
             "unix:"),
    Case("no method", 405, "# Only GET and HEAD are answered here\n",
         params={"REQUEST_METHOD": None}),

    Case("a fifo behind an absolute link", 403,
         f"# {STATIC} -> ../way/fifo: {NOT_REGULAR}\n",
         {"other/fifo": Fifo(), "way": Link("ROOT/other"),
          STATIC: Link("../way/fifo")},
         log=f"static way/fifo ({NOT_REGULAR})"),
    Case("once is a file", 404, f"# {ONCE}: Not a directory\n", {"once": "x"},
         log=f"once {ONCE} (Not a directory)"),
    Case("static is a file", 404, f"# {STATIC}: Not a directory\n",
         {"static": "x"}, log=f"static {STATIC} (Not a directory)"),

    *[Case(f"{name} is a file", 404,
           f"# {entry}: Not a directory\n", {name: "x"},
           log=f"{name} {entry} (Not a directory)", only="ipv4")
      for name, entry in (("names", "names/CLIENT"),
                          ("until", "until/CLIENT"))],
    Case("subnet is a file", 404, "# subnet/: Not a directory\n",
         {"subnet": "x"}, log="subnet subnet/ (Not a directory)"),

    # A forgotten link
    *[Case(f"PXESRV_ONCE_EXPIRES={limit}: {what.__name__}", 200, OS,
           {ONCE: what("../os/boot")},
           params={"PXESRV_ONCE_EXPIRES": limit}, log="once os/boot",
           after={ONCE: None, SERVED: "../os/boot"})
      for limit, what in (("0", OldLink), ("3700", OldLink), ("60", Link),
                          ("60", NewLink))],
    Case("an expired link", 200, MENU, {ONCE: OldLink("../os/boot")},
         params={"PXESRV_ONCE_EXPIRES": "3500"},
         log="default default (once/CLIENT has expired: ignored)",
         after=stays("../os/boot")),
    Case("an expired link: HEAD", 200, "mine",
         {ONCE: OldLink("../os/boot"), STATIC: "mine"}, method="HEAD",
         params={"PXESRV_ONCE_EXPIRES": "3500"},
         log="static static/CLIENT (once/CLIENT has expired: ignored)",
         after=stays("../os/boot")),
    Case("an expired link by name, a fresh one by address", 200, OS,
         {"names/CLIENT": Link("node7"), "once/node7": OldLink("../default"),
          ONCE: Link("../os/boot")},
         params={"PXESRV_ONCE_EXPIRES": "3500"},
         log="once os/boot (once/node7 has expired: ignored)",
         after={ONCE: None, "once/node7": "../default"}),
    Case("until does not expire", 200, OS,
         {"until/CLIENT": OldLink("../os/boot")},
         params={"PXESRV_ONCE_EXPIRES": "60"}, log="until os/boot"),

    # What machines say of themselves
    *[identified(name, "mac=" + text)
      for name, text in (
          ("colons", "00:00:5E:00:53:07"), ("hyphens", "00-00-5e-00-53-07"),
          ("bare", "00005e005307"), ("encoded", "00%3A00%3a5e:00:53:07"),
          ("behind others", "00:00:5e:00:53:07&uuid=&a=mac="))],
    *[unidentified(name, "mac=" + text, "mac " + why)
      for name, text, why in (
          ("empty", "", "is empty"), ("a word", "x", "is malformed"),
          ("encoded twice", "00%253A00:5e:00:53:07", "is malformed"),
          ("a NUL", "00:00:5e:00:53:07%00", "is malformed"),
          ("a NUL within", "00:00:5e%00:00:53:07", "is malformed"),
          ("half an escape", "00:00:5e:00:53:07%0", "is malformed"),
          ("five bytes", "00:00:5e:00:53", "is malformed"),
          ("seven bytes", "00:00:5e:00:53:07:08", "is malformed"),
          ("mixed", "00:00-5e:00:53:07", "is malformed"),
          ("4 kB", "0" * 4096, "is malformed"),
          ("of nobody", "00:00:00:00:00:00", "is malformed"),
          ("of a group", "01:00:5e:00:53:07", "is malformed"),
          ("a path", "../static/x", "is malformed"),
          ("twice", "00:00:5e:00:53:07&mac=00:00:5e:00:53:07",
           "is given twice"),
          ("twice, one empty", "00:00:5e:00:53:07&mac=", "is given twice"))],
    Case("a query that has no mac", 200, MENU, {MAC: "x"},
         path="/redirect?xmac=00:00:5e:00:53:07&MAC=00:00:5e:00:53:07",
         params={"PXESRV_IDENTIFY": "mac"}, log="default default"),
    Case("a UUID", 200, OS, {"once/" + UUID: Link("../os/boot")},
         path="/redirect?uuid=" + UUID.upper(),
         params={"PXESRV_IDENTIFY": "uuid"}, log="once os/boot " + UUID,
         after={"once/" + UUID: None, "once/.served/" + UUID: "../os/boot"}),
    *[Case(f"a UUID that {why}: {text}", 200, MENU,
           {"static/" + text: "x"}, path="/redirect?uuid=" + text,
           params={"PXESRV_IDENTIFY": "uuid"},
           log=f"default default (uuid {why}: ignored)")
      for text, why in (
          ("00000000-0000-0000-0000-000000000000", "is shared by many boards"),
          ("ffffffff-ffff-ffff-ffff-ffffffffffff", "is shared by many boards"),
          ("fefefefe-fefe-fefe-fefe-fefefefefefe", "is shared by many boards"),
          ("03000200-0400-0500-0006-000700080009", "is shared by many boards"),
          ("123e4567e89b12d3a456426614174000", "is malformed"),
          ("123e4567-e89b-12d3-a456-42661417400", "is malformed"))],
    Case("UUID, MAC and IP address, in this order", 200, OS,
         {"static/" + UUID: OS, MAC: "x", STATIC: "x"},
         path=f"/redirect?mac=00-00-5e-00-53-07&uuid={UUID}",
         params={"PXESRV_IDENTIFY": "mac,uuid"},
         log=f"static static/{UUID} {UUID}"),
    Case("the directory comes before the identity", 200, OS,
         {"static/" + UUID: "x", ONCE: Link("../os/boot")},
         path="/redirect?uuid=" + UUID, params={"PXESRV_IDENTIFY": "uuid,mac"},
         log="once os/boot",
         after={ONCE: None}),
    Case("the name of the first identity that has one", 200, OS,
         {"names/00:00:5e:00:53:07": Link("by-mac"),
          "names/CLIENT": Link("by-ip"), "static/by-mac": OS,
          "static/by-ip": "x"},
         path=f"/redirect?mac=00-00-5e-00-53-07&uuid={UUID}",
         params={"PXESRV_IDENTIFY": "mac,uuid"},
         log="static static/by-mac by-mac"),
    Case("done by MAC address", 200, "Done until/00:00:5e:00:53:07\n",
         {"until/00:00:5e:00:53:07": Link("../os/boot")},
         path="/done?mac=00:00:5e:00:53:07",
         params={"PXESRV_IDENTIFY": "mac"},
         log="done until/00:00:5e:00:53:07",
         after={"until/00:00:5e:00:53:07": None}),
    Case("REQUEST_URI has the query where QUERY_STRING is missing", 200, OS,
         {MAC: OS}, path="/redirect?mac=00:00:5e:00:53:07",
         params={"PXESRV_IDENTIFY": "mac", "QUERY_STRING": None},
         log=f"static {MAC} 00:00:5e:00:53:07"),

    # Settings of a request
    Case("PXESRV_ALLOW", 200, "allowed", {STATIC: Link("/run/servers/image")},
         params={"PXESRV_ALLOW": "/nothing:/run/servers"},
         log="static /run/servers/image"),
    Case("PXESRV_ALLOW: everything", 200, "allowed",
         {STATIC: Link("/run/servers/image")}, params={"PXESRV_ALLOW": "/"},
         log="static /run/servers/image"),
    Case("PXESRV_ALLOW: elsewhere", 403, f"# {STATIC} -> /etc/passwd: "
         f"{OUTSIDE}\n", {STATIC: Link("/etc/passwd")},
         params={"PXESRV_ALLOW": "/run/servers"},
         log=f"static /etc/passwd ({OUTSIDE})"),
    Case("PXESRV_ALLOW is not for grub/clear", 403,
         f"# grub.cfg-HEX: {OUTSIDE}\n", {"grub/1": Link("/run/servers")},
         path="/grub/clear/1", only="ipv4",
         params={"PXESRV_ALLOW": "/run/servers"},
         log=f"grub/clear grub/1/grub.cfg-HEX ({OUTSIDE})"),
    Case("PXESRV_SEND=inline", 200, MENU, params={"PXESRV_SEND": "inline"},
         log="default default"),
    Case("PXESRV_ROOT wins over DOCUMENT_ROOT", 200, OS,
         {"os/default": OS}, params={"PXESRV_ROOT": "ROOT/os",
                                     "DOCUMENT_ROOT": "/nothing"},
         log="default default"),
    *[Case(f"{name}={value}", 500, "# A setting of the boot server is wrong\n",
           params={name: value}, log=f"- {name} is not valid: {value}")
      for name, value in (("PXESRV_SEND", "sendfile"),
                          ("PXESRV_ONCE_GRACE", "-1"),
                          ("PXESRV_ONCE_GRACE", "10s"),
                          ("PXESRV_ONCE_EXPIRES", "1d"),
                          ("PXESRV_IDENTIFY", "serial"),
                          ("PXESRV_IDENTIFY", "mac,"),
                          ("PXESRV_IDENTIFY", "MAC"),
                          ("PXESRV_ROOT", "srv"),
                          ("PXESRV_ALLOW", "srv"))],
]
