# SPDX-License-Identifier: MIT
"""The routes in a host of lighttpd that somebody has, and the whole server.

Beside lighttpd itself: lighttpd-mod-deflate, lighttpd-mod-webdav and
lighttpd-modules-lua.
"""
import itertools
import os
import re
import socket

import pytest

import dropin
import howto
import place
import raw
from dropin import ask, check_error, check_hidden, check_routes, values
from place import until
from responder import Responder, accepts
from tree import Link

NUMBERS = itertools.count()
DEAD = '(("host" => "127.0.0.1", "port" => 9, "check-local" => "disable"))'
# By which certificates are renewed.
TOKEN = "/.well-known/acme-challenge/token"
LUA = place.SERVERS + "/dropin.lua"


def shown(mark):
    """The lines of the page's one block that has this mark."""
    return howto.block("lighttpd.md", "lighttpd", mark).replace(
        "/usr/share/pxesrv/conf", place.CONF)


NEEDED, = re.findall(r"server\.modules \+= \( (.*) \)", shown("server.modules"))


@pytest.fixture(scope="module")
def directory():
    """Where an administrator has put the files."""
    path = os.path.join(place.SERVERS, "dropin")
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)
    for name in ("pxesrv.conf", "server.conf", "pxesrv-bin-path.conf"):
        with open(f"{place.CONF}/lighttpd/{name}") as file:
            text = file.read().replace("/usr/share/pxesrv/conf", place.CONF)
        with open(f"{path}/{name}", "w") as file:
            file.write(text)
    return path


@pytest.fixture
def answering(directory):
    one = Responder(f"{directory}/responder.stderr", arguments=["-m", "0666"])
    yield one
    one.stop()


@pytest.fixture
def start(directory):
    """Starts a lighttpd with this configuration below what each one has."""
    started = []

    def start(text, modules=(), responder=False):
        port = place.free_port()
        number = next(NUMBERS)
        main = f"{directory}/lighttpd{number}.conf"
        names = "".join(f'"{name}", ' for name in modules) + NEEDED
        with open(main, "w") as file:
            file.write(f"""
                server.port = {port}
                server.errorlog = "{directory}/error.log"
                server.upload-dirs = ("{place.SERVERS}")
                server.modules = ({names})
                {text}
                """)
        server = place.Program(["lighttpd", "-D", "-f", main],
                               f"{directory}/lighttpd{number}.stderr",
                               **place.AS_USER)
        started.append(server)
        until(lambda: connects(port) or not server.is_running(), "its start")
        assert server.is_running(), server.messages()
        # What it says of its configuration, with a line of its source.
        assert not re.search(r"\(\w+\.c\.\d+\)", server.messages())
        if responder:
            # Its sandbox is for the tree that it finds, which is empty still.
            until(lambda: "sandbox: " in server.messages(), "its responder")
        return port

    start.servers = started
    yield start
    for server in started:
        server.end()


def connects(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# What is set for the whole server

def header(name, value):
    def works(port):
        got = ask(port, "/os/boot", headers={"Accept-Encoding": "gzip"})
        assert value in values(got[1], name), got
    return works


def status(path, want, method="GET", headers={}):
    def works(port):
        got = ask(port, path, method, headers)
        assert got[0] == want, got
    return works


def body(path, want):
    def works(port):
        got = ask(port, path, headers={})
        assert want in got[2], got
    return works


def connection(want):
    return lambda port: values(ask(port, "/default")[1], "connection") == [want]


INDEX = b"<p>index"
WEBSOCKET = {"Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}
# What is set, the modules for it, what shows that it works elsewhere, and
# whether it takes the lines that the page has for it.
INHERITED = {
    "headers added": (
        'setenv.add-response-header = ("Cache-Control" => "public",'
        ' "Expires" => "x", "ETag" => "x", "Content-Type" => "text/html")',
        [], header("expires", "x")),
    "headers set": (
        'setenv.set-response-header = ("Cache-Control" => "public",'
        ' "Content-Type" => "text/html", "Last-Modified" => "x")',
        [], header("last-modified", "x")),
    "expire.url": (
        'expire.url = ("/" => "access plus 1 days")', ["mod_expire"],
        header("cache-control", "max-age=86400")),
    "expire.mimetypes": (
        'expire.mimetypes = ("text/" => "access plus 1 days")', ["mod_expire"],
        header("cache-control", "max-age=86400")),
    "deflate": (
        'deflate.mimetypes = ("text/")\ndeflate.allowed-encodings = ("gzip")',
        ["mod_deflate"], header("content-encoding", "gzip"), "the page"),
    "an error handler": (
        'server.error-handler = "/index.html"', [], body("/nothing", INDEX)),
    "an error handler for 404": (
        'server.error-handler-404 = "/index.html"', [],
        body("/nothing", INDEX)),
    "errors of backends intercepted": (
        'server.error-intercept = "enable"\ncgi.assign = (".cgi" => "/bin/sh")',
        ["mod_cgi"], body("/error.cgi", b"<h1>")),
    "pages of errors": (
        f'server.errorfile-prefix = "{place.ROOT}/page-"', [],
        body("/nothing", b"<p>an error")),
    "types": (
        'mimetype.assign = ("" => "text/html")', [],
        header("content-type", "text/html")),
    "rewriting once": (
        'url.rewrite-once = ("^/(.*)$" => "/index.html")', [],
        body("/default", INDEX)),
    "rewriting again": (
        'url.rewrite-repeat = ("^/(?!index)(.*)$" => "/index.html")', [],
        body("/default", INDEX)),
    "rewriting, by its old name": (
        'url.rewrite-final = ("^/(.*)$" => "/index.html")', [],
        body("/default", INDEX)),
    "rewriting what is no file": (
        'url.rewrite-if-not-file = ("^/(.*)$" => "/index.html")', [],
        body("/nothing", INDEX)),
    "rewriting again what is no file": (
        'url.rewrite-repeat-if-not-file = ("^/(.*)$" => "/index.html")', [],
        body("/nothing", INDEX)),
    "redirecting": (
        'url.redirect = ("^/(.*)$" => "https://localhost/$1")', [],
        status("/default", 301)),
    "a proxy": (
        f'proxy.server = ("" => {DEAD})', ["mod_proxy"],
        status("/default", 503), "the page"),
    "SCGI": (
        f'scgi.server = ("/" => {DEAD})', ["mod_scgi"],
        status("/default", 503), "the page"),
    "AJP": (
        f'ajp13.server = ("" => {DEAD})', ["mod_ajp13"],
        status("/default", 503), "the page"),
    "FastCGI": (
        f'fastcgi.server = ("/" => {DEAD})', [], status("/default", 503)),
    "FastCGI by another extension": (
        f'fastcgi.server = (".php" => {DEAD})\n'
        'fastcgi.map-extensions = ("redirect" => ".php", "2" => ".php",'
        ' "file" => ".php", "default" => ".php")', [],
        status("/default", 503)),
    "CGI": (
        'cgi.assign = ("" => "/bin/false")', ["mod_cgi"],
        status("/default", 500)),
    "server side includes": (
        'ssi.extension = ("boot", "redirect", "default")', ["mod_ssi"],
        body("/os/boot", b"(none)")),
    "Lua that takes requests": (
        f'magnet.attract-raw-url-to = ("{LUA}")', ["mod_magnet"],
        body("/default", b"from Lua"), "the page"),
    "Lua that takes files": (
        f'magnet.attract-physical-path-to = ("{LUA}")', ["mod_magnet"],
        body("/default", b"from Lua"), "the page"),
    "Lua that changes answers": (
        f'magnet.attract-response-start-to = ("{LUA}.header")', ["mod_magnet"],
        header("expires", "from Lua"), "the page"),
    "WebDAV": (
        'webdav.activate = "enable"', ["mod_webdav"],
        status("/new", 201, "MKCOL"), "the page"),
    "WebSocket": (
        f'wstunnel.server = ("" => {DEAD})', ["mod_wstunnel"],
        status("/default", 503, headers=WEBSOCKET), "the page"),
    "another root": (
        'server.document-root := "/usr/share"', [], status("/default", 404)),
    "hosts by their names": (
        f'evhost.path-pattern = "{place.ROOT}/os"', ["mod_evhost"],
        body("/boot", dropin.BOOT)),
    "simple hosts": (
        f'simple-vhost.server-root = "{place.ROOT}"\n'
        'simple-vhost.default-host = "os"\nsimple-vhost.document-root = "/"',
        ["mod_simple_vhost"], body("/boot", dropin.BOOT)),
    "an alias for all": (
        f'alias.url = ("/once" => "{place.ROOT}/once", '
        f'"/" => "{place.ROOT}/os/")', ["mod_alias"],
        body("/boot", dropin.BOOT)),
    "lists of directories": (
        'dir-listing.activate = "enable"', [], body("/os/", b"boot.efi")),
    "an index": (
        'index-file.names = ("file", "default")', ["mod_indexfile"],
        body("/", dropin.DEFAULT)),
    "files left out": (
        'static-file.exclude-extensions = ("t", "default")', [],
        status("/default", 403)),
    "links not followed": (
        'server.follow-symlink = "disable"', [], status("/link", 403)),
    "lower case": (
        'server.force-lowercase-filenames = "enable"', [],
        body("/DEFAULT", dropin.DEFAULT)),
    "no connection kept": (
        'server.max-keep-alive-requests = 0', [], connection("close")),
    "HTTP/1.0": (
        'server.protocol-http11 = "disable"', [], connection("close")),
    "bodies passed at once": (
        'server.stream-request-body = 2\nserver.stream-response-body = 1\n'
        'server.tag = "mine"', [], header("server", "mine")),
}
OWNER = f"""
    server.document-root = "{place.ROOT}"
    mimetype.assign = (".html" => "text/html", "default" => "text/plain",
                       "boot" => "text/plain")
    """


def write_lua():
    with open(LUA, "w") as file:
        file.write('lighty.content = {"from Lua"} return 200\n')
    with open(LUA + ".header", "w") as file:
        file.write('lighty.header["Expires"] = "from Lua"\n'
                   'lighty.header["Cache-Control"] = "public"\n')


@pytest.mark.parametrize("where", ["for all", "for a host, above"])
@pytest.mark.parametrize("what", INHERITED)
def test_what_the_server_sets(answering, start, tree, what, where):
    text, modules, works, *more = INHERITED[what]
    if where != "for all":
        text = f'$HTTP["host"] =~ "" {{ {text} }}'
    write_lua()
    after = shown("proxy.server") if more else ""
    if more:
        after = "\n".join(line for line in after.splitlines()
                          if uses(line, modules[0]) or not uses(line, "mod_"))
    own = OWNER if "mimetype.assign" not in text else \
        OWNER[:OWNER.index("mimetype")]
    port = start(f'{own}\n{text}\ninclude "pxesrv.conf"\n{after}', modules)
    dropin.make_owned(tree)
    tree.make({"page-404.html": "<p>an error",
               "error.cgi": "printf 'Status: 404\\n\\n# mine\\n'"})
    works(port)
    check_routes(port, tree)
    check_hidden(port, tree)
    check_upper_case(port, tree)
    check_other_requests(port, tree)


def check_other_requests(port, tree):
    """PXESrv answers what boot clients never send as well."""
    tree.clear()
    tree.make(dropin.TREE)
    dropin.check_answer(ask(port, headers=WEBSOCKET), dropin.DEFAULT)
    tree.arm(dropin.CLIENT, "../os/boot")
    for method in ("OPTIONS", "PROPFIND", "PROPPATCH", "LOCK", "MKCOL", "COPY",
                   "MOVE", "PUT", "DELETE"):
        asked = {"Depth": "1",
                 "Destination": f"http://127.0.0.1:{port}/copy"}
        got = ask(port, "/redirect", method, asked, b"x")
        check_error(got, 405)
        assert values(got[1], "allow") == ["GET, HEAD"], (method, got)
        assert not values(got[1], "dav"), (method, got)
        for path in (f"/once/{dropin.CLIENT}", "/once/file", "/once/new",
                     "/once/"):
            got = ask(port, path, method, asked, b"x")
            check_error(got, 404)
            assert not values(got[1], "dav"), (method, got)
    assert tree.link(f"once/{dropin.CLIENT}") == "../os/boot"
    assert tree.is_there("once/file")
    assert not tree.is_there("copy")
    assert not tree.is_there("once/new")


def uses(line, module):
    return module in line.partition("#")[2]


def check_upper_case(port, tree):
    """Where the server makes it lower case it is the same directory."""
    for path in ("/ONCE/file", "/Once/.lock"):
        check_error(ask(port, path, headers={}), 404)


# Who may ask

USERS = place.SERVERS + "/users"
PASSWORD = f"""
    auth.backend = "plain"
    auth.backend.plain.userfile = "{USERS}"
    """
WANTED = '("method" => "basic", "realm" => "x", "require" => "valid-user")'
# A rule of the host, and what an answer then is.
RULES = {
    "nobody": ('url.access-deny = ("")', 403),
    "nobody, by a condition": (
        '$HTTP["url"] =~ "^/" { url.access-deny = ("") }', 403),
    "certain names": ('url.access-allow = (".html")', 403),
    "another network": (
        '$HTTP["remote-ip"] != "10.0.0.0/8" { url.access-deny = ("") }', 403),
    "with a password": (f'auth.require = ("/" => {WANTED})', 401),
    "with a password, by a condition": (
        f'$HTTP["url"] =~ "" {{ auth.require = ("" => {WANTED}) }}', 401),
    "the routes alone, with a password": (
        f'auth.require = ("/redirect" => {WANTED}, "/grub/" => {WANTED},'
        f' "/once" => {WANTED})', 401),
}


def check_refused(port, tree, want, own=True):
    dropin.make_owned(tree)
    tree.arm(dropin.CLIENT, "../os/boot")
    tree.add("grub/2/grub.cfg-7F000007", "x")
    for path in ("/redirect", "/grub/clear/2", "/once/file", "/once/"):
        for method in "GET", "POST":
            check_error(ask(port, path, method, body=b"" if method == "POST"
                            else None), want)
    for path in ("/default", "/os/boot", "/x.iso") if own else ():
        assert ask(port, path, headers={})[0] == want
    assert tree.link(f"once/{dropin.CLIENT}")
    assert tree.is_there("grub/2/grub.cfg-7F000007")


@pytest.mark.parametrize("where", ["before", "after", "in a host"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_goes_on_holding(answering, start, tree, rule, where):
    text, want = RULES[rule]
    with open(USERS, "w") as file:
        file.write("me:secret\n")
    include = 'include "pxesrv.conf"'
    host = {"before": f"{text}\n{include}", "after": f"{include}\n{text}",
            "in a host": f'$HTTP["host"] =~ "" {{ {text}\n{include} }}'}[where]
    port = start(f"{OWNER}{PASSWORD}{host}",
                 ["mod_access", "mod_auth", "mod_authn_file"])
    check_refused(port, tree, want, own=not rule.startswith("the routes"))
    if want == 401:
        tree.arm(dropin.CLIENT, "../os/boot")
        got = ask(port, headers={"Authorization": "Basic bWU6c2VjcmV0"})
        dropin.check_answer(got, dropin.BOOT)


# What a host has

def front(text):
    return f'server.document-root = "{place.ROOT}"\n{text}'


SETUPS = {
    "a root": front(""),
    "lists": front('dir-listing.activate = "enable"\n'
                   'dir-listing.show-readme = "enable"'),
    "an index": front('index-file.names = ("default", "index.html")'),
    "a page for what is missing": front(
        'server.error-handler-404 = "/index.html"'),
    "a handler of errors": front('server.error-handler = "/index.html"'),
    "a front controller": front(
        'url.rewrite-if-not-file = ("^/(.*)$" => "/index.html")'),
    "a program for all": front('cgi.assign = ("" => "/bin/false")'),
    "names that are denied": front(
        'url.access-deny = ("~", ".inc", ".cfg")\n'
        '$HTTP["url"] =~ "/\\.ht" { url.access-deny = ("") }'),
    "a password": front(
        PASSWORD + f'auth.require = ("/private" => {WANTED})'),
    "WebDAV, to read": front(
        'webdav.activate = "enable"\nwebdav.is-readonly = "enable"'),
    "types and how long they stay": front(
        'mimetype.assign = (".iso" => "application/x-iso", ".tar.gz" => "x/y",'
        ' ".html" => "text/html", "" => "application/octet-stream")\n'
        'expire.url = ("" => "access plus 1 days")\n'
        'setenv.add-response-header = ("X-Mine" => "x")'),
    "TLS, but for certificates": front(
        '$HTTP["url"] !~ "^/(\\.well-known|redirect$|grub/clear/|once)" {'
        ' url.redirect = ("" => "https://localhost${url.path}") }'),
    "links that are not followed": front('server.follow-symlink = "disable"'),
    "its own pages of errors": front(
        f'server.errorfile-prefix = "{place.ROOT}/page-"'),
    "a host by its name": 'server.document-root = "/var/empty"\n'
                          f'evhost.path-pattern = "{place.ROOT}"',
    "an alias": 'server.document-root = "/var/empty"\n'
                f'alias.url = ("/" => "{place.ROOT}/")',
    "another server for a part": front(
        f'$HTTP["url"] =~ "^/(os|sub)/" {{ proxy.server = ("" => {DEAD}) }}'),
    "PHP": front(f'fastcgi.server = (".html" => {DEAD})'),
}
MODULES = ["mod_indexfile", "mod_access", "mod_alias", "mod_auth",
           "mod_authn_file", "mod_evhost", "mod_expire", "mod_cgi", "mod_proxy",
           "mod_webdav", "mod_dirlisting"]


@pytest.mark.parametrize("what", SETUPS)
def test_what_a_host_has_stays_as_it_is(answering, start, tree, what):
    """Two servers, one with the routes and one without."""
    with open(USERS, "w") as file:
        file.write("me:secret\n")
    dropin.make_owned(tree)
    tree.add("page-404.html", "<p>an error")
    lacking = start(SETUPS[what], MODULES)
    having = start(f'{SETUPS[what]}\ninclude "pxesrv.conf"', MODULES)
    want = same(dropin.everything_else(lacking), lacking)
    assert same(dropin.everything_else(having), having) == want
    assert what == "a program for all" or \
        ask(having, TOKEN, headers={})[2] == b"token"
    check_routes(having, tree)
    check_hidden(having, tree)


def same(answers, port):
    """Without the port, which some answers name."""
    return {asked: repr(got).replace(f":{port}", "") for asked, got in
            answers.items()}


# What the page says

def test_a_host_as_in_the_shown(answering, start, tree):
    port = start(OWNER + shown("boot.example.org"))
    dropin.make_owned(tree)
    assert ask(port)[0] == 404
    named = {"Host": "boot.example.org"}
    dropin.check_answer(ask(port, headers=named), dropin.DEFAULT)
    for path in dropin.HIDDEN:
        check_error(ask(port, path, headers=named), 404)


def test_a_prefix_as_in_the_shown(answering, start, tree):
    text = shown("pxesrv_prefix")
    port = start(f'server.document-root = "/var/empty"\n{text}', ["mod_alias"])
    other = start(f'server.document-root = "/var/empty"\n'
                  f'{text.splitlines()[0]}', ["mod_alias"])
    dropin.make_owned(tree)
    for prefix in "", "/boot":
        assert dropin.everything_else(port, prefix) == \
            dropin.everything_else(other, prefix)
    check_routes(port, tree, "/boot")
    check_hidden(port, tree, "/boot")
    tree.arm(dropin.CLIENT, "../os/boot")
    for path in ("/redirect", "/boot/redirect/x", "/boot/boot/redirect"):
        assert ask(port, path)[0] == 404
    assert tree.link(f"once/{dropin.CLIENT}")


def test_what_a_host_does_by_itself_is_changed_as_in_the_shown(
        answering, start, tree):
    """Errors that are comments, links in static/, types."""
    own = OWNER + 'mimetype.assign += ("" => "application/octet-stream")\n'
    plain = start(f'{own}include "pxesrv.conf"')
    port = start(f'{own}include "pxesrv.conf"\n$HTTP["host"] =~ "" {{\n'
                 f'{shown("follow-symlink")}}}')
    dropin.make_owned(tree)
    assert b"<html" in ask(plain, "/nothing")[2]
    assert ask(plain, "/static/127.0.0.9", headers={})[0] == 200
    check_error(ask(port, "/nothing"), 404)
    check_error(ask(port, "/static/127.0.0.9"), 403)
    for path, kind in (("/boot.efi", "application/efi"),
                       ("/x.iso", "application/vnd.efi-iso"),
                       ("/initrd.img", "application/vnd.efi-img"),
                       ("/ks.cfg", "text/plain"), ("/page.html", "text/html")):
        got = ask(port, path, headers={})
        assert got[0] == 200 and values(got[1], "content-type") == [kind], path
    check_routes(port, tree)
    check_hidden(port, tree)


# The whole server

@pytest.mark.parametrize("alone", ["lighttpd", "lighttpd-bin-path"],
                         indirect=True)
def test_the_whole_server(alone, tree):
    check_routes(alone.port, tree)
    check_hidden(alone.port, tree)
    dropin.make_owned(tree)
    assert ask(alone.port, TOKEN, headers={})[2] == b"token"
    tree.add(".well-known/.hidden", "hidden")
    tree.add("os/.well-known/file", "hidden")
    for path in ("/.well-known/.hidden", "/.hidden", "/os/.hidden", "/.htaccess",
                 "/os/.well-known/file", "/.well-knownx", "/%2ehidden",
                 "/.well-known/nothing", "/.well-known/../.hidden"):
        check_error(ask(alone.port, path, headers={}), 404)


@pytest.mark.parametrize("starts", ["", 'include "pxesrv-bin-path.conf"'])
def test_the_whole_server_beside_what_somebody_has(
        request, directory, start, tree, starts):
    """Port 80, as it were, answers what it did, and port 4567 is PXESrv's."""
    if not starts:
        request.getfixturevalue("answering")
    text = front('server.error-handler = "/index.html"\n'
                 'mimetype.assign = ("" => "x/y")\n'
                 'dir-listing.activate = "enable"\n'
                 'var.pxesrv_prefix = "/boot"')
    lacking = start(text, ["mod_access"])
    having = start(f'{text}\n{starts}\ninclude "server.conf"', ["mod_access"],
                   responder=starts)
    dropin.make_owned(tree)
    want = dropin.everything_else(lacking)
    assert same(dropin.everything_else(having), having) == same(want, lacking)
    for path in ("/redirect", "/boot/redirect", "/once/file"):
        assert ask(having, path)[2] == ask(lacking, path)[2]
    got = {}
    for host in "127.0.0.1", "::1":
        with socket.create_connection((host, 4567)) as s:
            s.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
            got[host] = s.makefile("rb").read()
    assert all(b"\r\n# The requested" in answer for answer in got.values())
    check_routes(4567, tree)
    check_hidden(4567, tree)


def test_the_whole_server_with_what_all_inherit(
        answering, directory, start, tree):
    """As the page says, with the lines below the include."""
    with open(f"{directory}/server.conf") as file:
        include = '\tinclude "pxesrv.conf"\n'
        text = file.read()
    assert text.count(include) == 1
    lines = "".join(line + "\n" for line in shown("proxy.server").splitlines()
                    if uses(line, "mod_webdav") or uses(line, "mod_deflate")
                    or not uses(line, "mod_"))
    with open(f"{directory}/server-inherits.conf", "w") as file:
        file.write(text.replace(include, include + lines))
    start('server.document-root = "/var/empty"\n'
          'webdav.activate = "enable"\ndeflate.mimetypes = ("text/")\n'
          'deflate.allowed-encodings = ("gzip")\n'
          'include "server-inherits.conf"', ["mod_webdav", "mod_deflate"])
    check_routes(4567, tree)
    check_hidden(4567, tree)
    check_other_requests(4567, tree)


HOST = "\r\nHost: localhost"
NOT_UNDERSTOOD = {
    "GET /redirect x": 400,
    "GET /redirect HTTP/1.1": 400,
    "GET /redirect HTTP/1.1\r\nHost: a b": 400,
    f"POST /redirect HTTP/1.1{HOST}": 411,
    f"GET /redirect HTTP/1.1{HOST}\r\nX: {'x' * 9000}": 431,
    f"GET /{'x' * 9000} HTTP/1.1{HOST}": 431,
    f"POST /redirect HTTP/1.1{HOST}\r\nTransfer-Encoding: gzip": 501,
    f"FOO /redirect HTTP/1.1{HOST}": 501,
    f"GET /redirect HTTP/3.0{HOST}": 505,
}


@pytest.mark.parametrize("helped", [False, True])
def test_what_lighttpd_does_not_understand(start, tree, helped):
    """It does not know the port then: the page says what helps."""
    line, = [line for line in shown("follow-symlink").splitlines()
             if "errorfile-prefix" in line]
    start('server.document-root = "/var/empty"\ninclude "server.conf"\n' +
          line * helped)
    for request, want in NOT_UNDERSTOOD.items():
        got = raw.parse(raw.send(4567, request + "\r\n\r\n"))
        # Version 1.4.79 says 400 to a version of HTTP that it does not know.
        assert got.status in ((want, 400) if want == 505 else (want,)), \
            (request, got)
        assert dropin.is_comment(got.body) == helped, (request, got)
    named, = re.findall(r"does not understand \(([\d,\s]+)\)",
                        howto.text("lighttpd.md"))
    assert re.findall(r"\d+", named) == \
        [str(code) for code in sorted(set(NOT_UNDERSTOOD.values()))]


def test_lighttpd_that_starts_the_responder_for_a_host(start, tree, directory):
    """And for the whole server beside it: it is one, started once."""
    sock = place.SOCKET + "-0"
    if os.path.exists(sock) and not accepts(sock):
        os.unlink(sock)
    port = start(f'{OWNER}include "pxesrv-bin-path.conf"\n'
                 'include "server.conf"\n'
                 '$HTTP["host"] =~ "" { include "pxesrv.conf" }',
                 responder=True)
    for one in port, 4567:
        check_routes(one, tree)
        check_hidden(one, tree)
    assert start.servers[0].messages().count("sandbox: ") == 1
