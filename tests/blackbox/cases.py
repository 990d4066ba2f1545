# SPDX-License-Identifier: MIT
"""What is asked, and what must come of it: one table for all deployments.

CLIENT stands for the address of the client that asks, HEX for GRUB's form of
it, ROOT for the root of the tree.
"""
from dataclasses import dataclass, field

from tree import Directory, Fifo, Link, Socket, Unreadable

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
                          ("PXESRV_ROOT", "srv"),
                          ("PXESRV_ALLOW", "srv"))],
]
