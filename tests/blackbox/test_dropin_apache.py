# SPDX-License-Identifier: MIT
"""
The routes for Apache, included in <VirtualHost>s that somebody has. One Apache
has all hosts, each on a port of its own.
"""
import itertools
import os
import re
import signal
import socket

import pytest

import howto
import place
from dropin import (
    BOOT, CLIENT, DEFAULT, HIDDEN, TREE, ask, check_answer, check_error, check_hidden,
    check_routes, clear, everything_else, is_comment, make_owned, values)
from place import CONF, Program, until
from responder import Responder
from tree import Link

MODULES = "/usr/lib/apache2/modules"
LOADED = """mpm_event authz_core authz_host authz_user authn_core authn_file
    auth_basic access_compat mime dir alias env setenvif headers rewrite
    filter deflate brotli expires include substitute sed ext_filter charset_lite
    data buffer ratelimit reflector cache cache_socache socache_shmcb session
    session_cookie negotiation speling dav dav_fs dav_lock autoindex status
    asis actions allowmethods vhost_alias usertrack
    proxy proxy_fcgi proxy_http xml2enc proxy_html cgid request""".split()
KINDS = ("fcgi", "cgi")
ports = itertools.count(5000)
GRANTED = f"""
    DocumentRoot "{place.ROOT}"
    <Directory "{place.ROOT}">
        Require all granted
    </Directory>"""


INCLUDE = {kind: f"Include conf-available/pxesrv-{kind}.conf\n"
           for kind in KINDS}


def shown(word):
    """The lines of the page that have this word, as they stand there."""
    return howto.block("apache.md", "apache", word)


class Host:
    """A <VirtualHost>, with or without the routes."""

    def __init__(self, text):
        self.port = next(ports)
        self.text = f"""
            Listen 127.0.0.1:{self.port}
            <VirtualHost *:{self.port}>
            {text}
            </VirtualHost>"""


class Owner:
    """Somebody's Apache with these hosts."""

    def __init__(self, name, hosts, text=""):
        self.directory = os.path.join(place.SERVERS, name)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o777)
        link = os.path.join(self.directory, "conf-available")
        if not os.path.islink(link):
            os.symlink(f"{CONF}/apache", link)
        loads = "\n".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so"
                          for m in LOADED)
        self.main = os.path.join(self.directory, "apache2.conf")
        with open(self.main, "w") as file:
            file.write(f"""
                ServerName localhost
                ServerRoot "{self.directory}"
                DefaultRuntimeDir "{self.directory}"
                PidFile "{self.directory}/pid"
                ErrorLog "{self.directory}/error.log"
                {"User www-data" if place.AS_ROOT else ""}
                {"Group www-data" if place.AS_ROOT else ""}
                {loads}
                TypesConfig /etc/mime.types
                StartServers 1
                ServerLimit 1
                ThreadsPerChild 8
                MaxRequestWorkers 8
                DavLockDB "{self.directory}/dav"
                <Directory />
                    AllowOverride None
                    Require all denied
                </Directory>
                <FilesMatch "^\\.ht">
                    Require all denied
                </FilesMatch>
                {text}
                {"".join(host.text for host in hosts)}""")
        self.port = hosts[-1].port

    def __enter__(self):
        self.server = Program(
            ["apache2", "-D", "FOREGROUND", "-f", self.main],
            self.directory + "/server.stderr")
        until(lambda: self.answers() or not self.server.is_running(), "Apache")
        assert self.server.is_running(), self.server.messages()
        return self

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.server.end(signal.SIGTERM)


@pytest.fixture(scope="module", autouse=True)
def responder():
    """One for all of them."""
    one = Responder("/run/servers/dropin.stderr", arguments=["-m", "0666"])
    yield one
    one.stop()


def has(name, text=""):
    return lambda got: any(text in value for value in values(got[1], name))


def status(number):
    return lambda got: got[0] == number


def body(text):
    return lambda got: text in got[2]


REWRITING = "RewriteEngine On\n" + shown("RewriteCond")
LOCATION = '<Location "/">\n{}\n</Location>'
DIRECTORY = f'<Directory "{place.ROOT}">\n{{}}\n</Directory>'
# Directives of the owner; a path, or a method and a path, and what shows there that they work at all.
ROWS = {
    # Filters
    "deflate": ("SetOutputFilter DEFLATE", "/page.html",
                has("content-encoding", "gzip")),
    "deflate by type": (
        "AddOutputFilterByType DEFLATE text/plain text/html application/efi",
        "/page.html", has("content-encoding", "gzip")),
    "deflate always": ("SetOutputFilter DEFLATE\nSetEnv force-gzip 1",
                       "/page.html", has("content-encoding", "gzip")),
    "deflate unconditionally": (
        'SetOutputFilter DEFLATE\nSetEnvIf Remote_Addr . !no-gzip force-gzip',
        "/page.html", has("content-encoding", "gzip")),
    "brotli": ("AddOutputFilterByType BROTLI_COMPRESS text/plain text/html "
               "application/efi", "/page.html", has("content-encoding", "br")),
    "inflate": ("SetOutputFilter INFLATE;DEFLATE", "/page.html",
                has("content-encoding", "gzip")),
    "a chain of filters": (
        "FilterDeclare X\nFilterProvider X DEFLATE \"%{REQUEST_URI} =~ /./\"\n"
        "FilterChain X", "/page.html", has("content-encoding", "gzip")),
    "filters of extensions": (
        'AddOutputFilter SUBSTITUTE .html .cgi .efi\nSubstitute "s/e/E/n"',
        "/page.html", body(b"pagE")),
    "substitute": ("AddOutputFilterByType SUBSTITUTE text/plain text/html\n"
                   'Substitute "s/e/E/n"', "/page.html", body(b"pagE")),
    "sed": (LOCATION.format('SetOutputFilter Sed\nOutputSed "s/e/E/g"'), "/page.html",
            body(b"pagE")),
    "include": ("Options +Includes\nSetOutputFilter INCLUDES", "/page.html",
                body(b"<p>page (none)")),
    "include by the executable bit": (
        "Options +Includes\nXBitHack full", "/bit.html", body(b"(none)")),
    "an external filter": (
        "SetOutputFilter upper", "/page.html", body(b"PAGE")),
    "data": ("SetOutputFilter DATA", "/page.html", body(b"base64,")),
    "buffer": ("SetOutputFilter BUFFER;DEFLATE", "/page.html",
               has("content-encoding", "gzip")),
    "a character set": (
        "CharsetSourceEnc ISO-8859-1\nCharsetDefault UTF-16LE", "/page.html",
        body(b"p\0a\0g\0e\0")),
    # At the level of the server it can't be taken back.
    "links in pages": (
        '<Location "/app">\nProxyHTMLEnable On\nProxyHTMLLinks a href\n'
        "ProxyHTMLURLMap /page /other\n"
        "ProxyPass http://127.0.0.1:{other}\n</Location>", "/app/link.html",
        body(b"/other")),
    # Headers
    "expires": ('ExpiresActive On\nExpiresDefault "access plus 1 day"',
                "/page.html", has("cache-control", "max-age")),
    "expires by type": (
        'ExpiresActive On\nExpiresByType text/plain A100\n'
        "ExpiresByType application/efi A100\nExpiresByType text/html A100",
        "/page.html", has("expires")),
    "a header": ('Header set Cache-Control "public, max-age=99"',
                 "/page.html", has("cache-control", "public")),
    "a header always": ('Header always set Cache-Control "public, max-age=99"',
                        "/page.html", has("cache-control", "public")),
    "headers that are added": (
        'Header append Cache-Control "public"\n'
        'Header always append Cache-Control "immutable"\n'
        'Header add Cache-Control "max-age=99"\n'
        'Header always add Cache-Control "max-age=98"',
        "/page.html", has("cache-control", "immutable")),
    "other headers": ("\n".join(
        f'Header {when} {name} "{value}"' for when in ("set", "always set")
        for name, value in (
            ("ETag", "x"), ("Expires", "0"), ("Last-Modified", "x"),
            ("Age", "9"), ("Accept-Ranges", "bytes"))), "/page.html", has("age", "9")),
    "headers of a location": (LOCATION.format(
        'Header set Cache-Control "public"\nHeader set ETag x\n'
        "SetOutputFilter DEFLATE\nErrorDocument 405 /page.html\n"
        "ForceType text/css"), "/page.html", has("content-type", "css")),
    "a header of the request": (
        'RequestHeader set Range "bytes=1-2"\nRequestHeader unset If-None-Match',
        "/page.html", status(206)),
    "digests": ("ContentDigest On\nFileETag All", "/page.html",
                has("content-md5")),
    "cookies": ("CookieTracking On\nCookieName x", "/page.html",
                has("set-cookie")),
    "a session": ("Session On\nSessionCookieName s path=/\nSessionMaxAge 60\n"
                  "SessionHeader X-S", "/page.html", has("set-cookie", "s=")),
    # Types, handlers
    "a default character set": ("AddDefaultCharset utf-16", "/page.html",
                                has("content-type", "utf-16")),
    "a type": ("ForceType text/css", "/page.html", has("content-type", "css")),
    "types of extensions": (
        "AddType text/css .html .cgi .efi\nAddEncoding x-gzip .html .cgi\n"
        "AddCharset utf-16 .html .cgi\nAddLanguage de .html .cgi",
        "/page.html", has("content-encoding", "gzip")),
    "a handler": ("SetHandler server-status", "/page.html",
                  body(b"Server Status")),
    "handlers of extensions": (
        "AddHandler server-status .html .cgi .efi\nAddHandler send-as-is .txt",
        "/page.html", body(b"Server Status")),
    "an action": (
        "SetHandler x-own\nAction x-own /own virtual\n"
        '<Location "/own">\nSetHandler server-status\n</Location>',
        "/page.html", body(b"Server Status")),
    "dav": (LOCATION.format("Dav On"), "OPTIONS /page.html", has("dav", "1")),
    # Where a path leads
    "a fallback": ("FallbackResource /page.html", "/nothing", body(b"page")),
    "an index": ("DirectoryIndex /page.html\nOptions +Indexes", "/",
                 body(b"page")),
    "several views": ("Options +MultiViews", "/page", body(b"page")),
    "spelling": ("CheckSpelling On", "/pagee.html", status(301)),
    "rewriting": (REWRITING + "RewriteRule ^ /page.html [L]", "/nothing",
                  body(b"page")),
    "rewriting to elsewhere": (
        REWRITING + "RewriteRule ^ https://example.org/ [R=301,L]",
        "/nothing", status(301)),
    "rewriting by a proxy": (
        REWRITING + "RewriteRule ^/(.*) http://127.0.0.1:{other}/page.html "
        "[P]", "/nothing", body(b"page")),
    "rewriting what is not there": (
        REWRITING + "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} !-f\n"
        "RewriteRule ^ /page.html [L]", "/nothing", body(b"page")),
    "rewriting in a location": (
        f'<Location "/">\n{REWRITING}RewriteCond %{{REQUEST_URI}} !page\n'
        "RewriteRule .* /page.html [L]\n</Location>", "/nothing",
        body(b"page")),
    "a redirect of all": (
        shown("RedirectMatch"), "/nothing",
        lambda got: ("location", "https://boot.example.org/nothing") in got[1]),
    "the type by a header": (
        '<Files "*.html">\nHeader set Content-Type text/css\n</Files>',
        "/page.html", has("content-type", "css")),
    "a proxy": ("ProxyPass / http://127.0.0.1:{other}/", "/page.html",
                body(b"page")),
    "a proxy by a pattern": ("ProxyPassMatch ^/(.*) http://127.0.0.1:{other}/$1",
                             "/page.html", body(b"page")),
    "a proxy in a location": (LOCATION.format(
        "ProxyPass http://127.0.0.1:{other}/"), "/page.html", body(b"page")),
    "an alias": (f'AliasMatch "^/.*" "{place.ROOT}/page.html"', "/nothing",
                 body(b"page")),
    "roots by name": (f'VirtualDocumentRoot "{place.ROOT}/%-1"', "/page.html",
                      status(404)),
    "no following path": ("AcceptPathInfo Off\nOptions None", "/page.html/x",
                          status(404)),
    # Errors
    "error pages": ("\n".join(f"ErrorDocument {n} /page.html" for n in (
        400, 401, 403, 404, 405, 500, 503)), "/nothing", body(b"page")),
    "errors of a proxy": (
        "ProxyErrorOverride On\nErrorDocument 404 /page.html\n"
        "ErrorDocument 405 /page.html\nErrorDocument 400 /page.html\n"
        "ProxyPass /app http://127.0.0.1:{other}", "/app/nothing",
        body(b"page")),
    "methods": (LOCATION.format("AllowMethods GET HEAD"), "OPTIONS /page.html",
                status(405)),
    # The proxy itself
    "a closed proxy": (
        '<Proxy "*">\nRequire all denied\n</Proxy>\n'
        "ProxyPass /app http://127.0.0.1:{other}", "/app/page.html",
        status(403)),
    "settings of the proxy": (
        "ProxyTimeout 1\nProxyVia On\nProxyPreserveHost On\n"
        "ProxyFCGIBackendType GENERIC\nSetEnv proxy-nokeepalive 1\n"
        "ProxyPass /app http://127.0.0.1:{other}", "/app/page.html",
        has("via")),
    "variables of a program": (
        LOCATION.format("CGIVar REQUEST_URI current-uri")
        + "\nFallbackResource /own.cgi\n"
        '<Files "own.cgi">\nSetHandler cgi-script\nOptions +ExecCGI\n</Files>',
        "/nothing", body(b"uri=/own.cgi")),
    # Caches; twice, to be answered from there.
    "a cache": (
        "CacheEnable socache /\nCacheSocache shmcb:{directory}/cache\n"
        "CacheStoreNoStore On\nCacheStorePrivate On\nCacheIgnoreCacheControl On\n"
        "CacheIgnoreNoLastMod On\nCacheHeader On", "/page.html", has("x-cache")),
    "a cache that asks the rules": (
        "CacheQuickHandler Off\n"
        "CacheEnable socache /\nCacheSocache shmcb:{directory}/cache\n"
        "CacheStoreNoStore On\nCacheStorePrivate On\nCacheIgnoreCacheControl On\n"
        "CacheIgnoreNoLastMod On\nCacheHeader On", "/page.html", has("x-cache")),
}
PAGES = {"page.html": "<p>page <!--#echo var='nothing' -->\n" * 100,
         "bit.html": "<p><!--#echo var='nothing' -->\n",
         "own.cgi": "#!/bin/sh\necho\necho uri=$REQUEST_URI\n",
         "link.html": '<html><body><a href="/page.html">x</a></body></html>'}
AROUND = {"before": "{text}\n{include}", "after": "{include}\n{text}"}
# The page says to include the routes at the end: these do not heed <If>.
BEFORE_ALONE = ("a proxy in a location",)


@pytest.fixture(scope="module")
def rows():
    """A host for each row, way to run, and place of the Include."""
    other = Host(GRANTED)
    hosts = {}
    for name, (text, *_) in ROWS.items():
        text = text.replace("{other}", str(other.port)).replace(
            "{directory}", os.path.join(place.SERVERS, "rows"))
        for kind, (where, form) in itertools.product(KINDS, AROUND.items()):
            if where == "before" or name not in BEFORE_ALONE:
                hosts[name, kind, where] = Host(
                    GRANTED + "\n" + form.format(
                        text=text, include=INCLUDE[kind]))
    with Owner("rows", [other, *hosts.values()],
               'ExtFilterDefine upper mode=output cmd="/usr/bin/tr a-z A-Z"'):
        yield hosts


@pytest.mark.parametrize("name", ROWS)
def test_what_the_server_has_by_itself(rows, tree, name):
    probe, shows = ROWS[name][1:]
    method, path = ("GET " + probe).split()[-2:]
    tree.make(PAGES)
    for program in ("bit.html", "own.cgi"):
        os.chmod(tree.full(program), 0o755)
    for (row, kind, where), host in rows.items():
        if row == name:
            for _ in range(2):
                got = ask(host.port, path, method, headers={
                    "Accept-Encoding": "br" if name == "brotli" else "gzip"})
            assert shows(got), f"the row shows nothing: {kind}, {where}: {got}"
    for (row, kind, where), host in rows.items():
        if row == name:
            print(f"{kind}, {where}")  # of which a failure tells
            check_routes(host.port, tree)
            check_a_plain_client(host.port, tree)
            check_hidden(host.port, tree)


def check_a_plain_client(port, tree):
    """One whose requests have no header that keeps a cache from answering."""
    check_answer(ask(port, headers={}), DEFAULT)
    tree.arm(CLIENT, "../os/boot")
    check_answer(ask(port, headers={}), BOOT)
    until(lambda: not tree.claimed(), "settled")
    check_answer(ask(port, headers={}), DEFAULT)
    tree.make(PAGES)
    got = ask(port, "/grub/clear/2/", headers={})
    assert got[0] == 400 and got[2].startswith(b"Missing"), got


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", AROUND)
def test_a_tree_that_webdav_writes(tree, kind, where):
    """A route stands for the whole tree: it must not be removed by one."""
    host = Host(GRANTED + "\n" + AROUND[where].format(
        text=DIRECTORY.format("Dav On"), include=INCLUDE[kind]))
    os.chmod(place.ROOT, 0o777)  # Apache may write there.
    with Owner("webdav", [host]):
        for path, method in itertools.product(
                ("/redirect", "/grub/clear/2", "/once/file"),
                ("OPTIONS", "PROPFIND", "PUT", "MKCOL", "LOCK", "DELETE", "MOVE")):
            tree.clear()
            tree.make({**TREE, "grub/2/x": "x"})
            os.chmod(tree.full("os"), 0o777)
            got = ask(host.port, path, method, body=b"", headers={
                "Destination": f"http://127.0.0.1:{host.port}/moved"})
            check_error(got, 404 if "once" in path else 405)
            move(host, path)
            assert tree.is_there("os/boot") and tree.is_there("once/file")
        assert ask(host.port, "/default", "DELETE", headers={})[0] == 204
        check_routes(host.port, tree)
    os.chmod(place.ROOT, 0o755)


def move(host, path):
    """Nor does anything take its place."""
    got = ask(host.port, "/default", "MOVE", headers={
        "Overwrite": "T",
        "Destination": f"http://127.0.0.1:{host.port}{path}"})
    assert got[0] >= 400, (path, got)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", AROUND)
def test_what_all_hosts_inherit(tree, kind, where):
    """From outside of any <VirtualHost>, and so is the Include."""
    text = "\n".join(ROWS[name][0] for name in (
        "deflate by type", "substitute", "expires", "headers that are added",
        "a default character set", "a handler", "a fallback", "error pages"))
    host = Host(GRANTED)
    with Owner("all", [host], AROUND[where].format(
            text=text, include=INCLUDE[kind])):
        tree.make(PAGES)
        got = ask(host.port, "/page.html", headers={})
        assert b"SErvEr Status" in got[2] and \
            has("cache-control", "immutable")(got), got
        check_routes(host.port, tree)
        check_hidden(host.port, tree)


# All else stays as it is

ELSEWHERE = "/run/servers/elsewhere"
ACME = "/run/servers/acme"
FRONT = "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} " \
    "!-d\nRewriteRule . /index.html [L]\n"
SETUPS = {
    "a plain root": "",
    "a closed directory": LOCATION.replace('"/"', '"/private"').format(
        "Require all denied"),
    "a password": LOCATION.replace('"/"', '"/private"').format(
        "AuthType Basic\nAuthName x\nAuthBasicProvider file\n"
        "AuthUserFile /dev/null\nRequire valid-user"),
    "addresses": DIRECTORY.format("Require ip 127.0.0.0/8"),
    "a front controller": "RewriteEngine On\nRewriteCond "
    "%{DOCUMENT_ROOT}%{REQUEST_URI} !-f\n" + shown("RewriteCond")
    + "RewriteRule ^ /index.html [L]",
    "a front controller of the directory":
        DIRECTORY.format("RewriteEngine On\n" + FRONT),
    "a fallback": "FallbackResource /index.html",
    "listings": DIRECTORY.format(
        "Options Indexes FollowSymLinks\nDirectoryIndex none"),
    "several views": DIRECTORY.format("Options +MultiViews"),
    "spelling": "CheckSpelling On",
    "a proxy for all": "ProxyPass / http://127.0.0.1:{other}/",
    "a proxy for a part": "ProxyPass /os http://127.0.0.1:{other}/os",
    "dav": DIRECTORY.format("Dav On"),
    "error pages": "ErrorDocument 404 /page.html\nErrorDocument 403 no\n"
                   "ErrorDocument 405 /nothing",
    "types": "AddType text/x-own .efi .iso .img\nForceType text/css\n"
             "AddDefaultCharset utf-8",
    "encoded slashes": "AllowEncodedSlashes NoDecode\nAcceptPathInfo On",
    "headers": "Header set X-Own y\nHeader always set Cache-Control private",
    "certificates": f'Alias "/.well-known/acme-challenge/" "{ACME}/"\n'
                    f'<Directory "{ACME}">\nRequire all granted\n</Directory>',
    "a prefix": f'DocumentRoot "{ELSEWHERE}"\n<Directory "{ELSEWHERE}">\n'
                "Require all granted\n</Directory>",
}


@pytest.fixture(scope="module")
def setups():
    """For each a host without the routes, and one for each way to run them."""
    for path in (ELSEWHERE, ACME):
        os.makedirs(path + "/once", exist_ok=True)
        for name in ("index.html", "once/file", "token"):
            with open(f"{path}/{name}", "w") as file:
                file.write(f"{name} of {path}\n")
    other = Host(GRANTED)
    hosts = {}
    for name, text in SETUPS.items():
        text = GRANTED + "\n" + text.replace("{other}", str(other.port)) + "\n"
        with_prefix = shown("pxesrv_at")
        for kind, include in {"without": "", **INCLUDE}.items():
            if name == "a prefix":
                include = with_prefix.replace(INCLUDE["fcgi"], include) if \
                    include else with_prefix.splitlines()[0]
            hosts[name, kind] = Host(text + include)
    with Owner("setups", [other, *hosts.values()]):
        yield hosts


LISTED = '<li><a href="once/"> once/</a></li>\\n'


def all_else(host, tree):
    """Of everything; without the port, and without once/ in a listing."""
    make_owned(tree)
    found = {}
    for key, answer in everything_else(host.port).items():
        if key[0] != "range":  # which order these have differs from start to start
            answer = (answer[0], [(k, sorted(v.split(",")) if k == "allow" else v)
                                  for k, v in answer[1]], answer[2])
        text = repr(answer).replace(str(host.port), "PORT")
        if "<title>Index of /</title>" in text:
            text = re.sub(r"\('content-length', '\d+'\), ", "", text)
        found[key] = text.replace(LISTED, "")
    return found


@pytest.mark.parametrize("name", SETUPS)
def test_all_else_stays_as_it_is(setups, tree, name):
    want = all_else(setups[name, "without"], tree)
    prefix = "/boot" if name == "a prefix" else ""
    for kind in KINDS:
        host = setups[name, kind]
        got = all_else(host, tree)
        differs = [(k, got[k], want[k]) for k in want if got[k] != want[k]]
        assert not differs, kind
        # With the owner's files, and one that is called as the route is.
        make_owned(tree)
        tree.add("redirect/index.html", "file")
        check_answer(ask(host.port, prefix + "/redirect"), DEFAULT)
        check_routes(host.port, tree, prefix)
        check_hidden(host.port, tree, prefix)


# The owner's rules

NOBODY = "Require ip 192.0.2.0/24"
PASSWORD = """AuthType Basic
    AuthName x
    AuthBasicProvider file
    AuthUserFile /dev/null
    Require valid-user"""
ROUTES = ("/redirect", "/grub/clear/2")
TREES = ("/default", f"/once/{CLIENT}")
ALL = ROUTES + TREES
COMMENTED = ROUTES + (f"/once/{CLIENT}",)
# What stands in the host; the status; for which paths.
RULES = {
    "a directory": (DIRECTORY.format(NOBODY), 403, ALL),
    "the directory above": (
        f'<Directory "/srv">\n{NOBODY}\n</Directory>', 403, ALL),
    "directories by a pattern": (
        f'<DirectoryMatch "^/srv/">\n{NOBODY}\n</DirectoryMatch>', 403, ALL),
    "a location": (LOCATION.format(NOBODY), 403, ALL),
    "a location with pages of its own": (
        LOCATION.format(f"{PASSWORD}\nErrorDocument 401 /page.html"), 401, ALL),
    "a location by a pattern": (
        f'<LocationMatch "^/(r|d)">\n{NOBODY}\n</LocationMatch>', 403,
        ("/redirect", "/default")),
    "a route": (LOCATION.replace('"/"', '"/redirect"').format(
        "Require all denied"), 403, ("/redirect",)),
    "a condition": (f"""<If "%{{REMOTE_ADDR}} == '{CLIENT}'">
        Require all denied\n</If>""", 403, ALL),
    "the old way": (
        LOCATION.format("Order deny,allow\nDeny from all"), 403, ALL),
    "a password for a directory": (DIRECTORY.format(PASSWORD), 401, ALL),
    "a password for a location": (LOCATION.format(PASSWORD), 401, ALL),
    "all of them": (LOCATION.format(
        f"<RequireAll>\n{NOBODY}\nRequire all granted\n</RequireAll>"), 403,
        ALL),
    "none of them": (LOCATION.format(
        f"<RequireAll>\n<RequireNone>\nRequire ip {CLIENT}\n</RequireNone>\n"
        "Require all granted\n</RequireAll>"), 403, ALL),
    "methods": (LOCATION.format("AllowMethods POST"), 405, ALL),
    "rewriting": ("RewriteEngine On\nRewriteCond %{REMOTE_ADDR} ^127\n"
                  "RewriteRule ^ - [F]", 403, ROUTES + ("/default",)),
    "rewriting for a directory": (
        DIRECTORY.format("RewriteEngine On\nRewriteRule ^ - [F]"), 403,
        ROUTES + ("/default",)),
    "a redirect": ("Redirect 403 /", 403, ALL),
    "what is gone": ("Redirect gone /", 410, ALL),
    "nothing is granted": ("", 403, ALL),
    "the tree's own file": (
        DIRECTORY.format("AllowOverride AuthConfig") + "\nAccessFileName .rules",
        403, ALL),
}


@pytest.fixture(scope="module")
def rules():
    hosts = {}
    for name, (text, *_) in RULES.items():
        for kind, (where, form) in itertools.product(KINDS, AROUND.items()):
            granted = f'DocumentRoot "{place.ROOT}"' if name in (
                "nothing is granted", "the directory above") else GRANTED
            hosts[name, kind, where] = Host(granted + "\n" + form.format(
                text=text, include=INCLUDE[kind]))
    with Owner("rules", list(hosts.values())):
        yield hosts


@pytest.mark.parametrize("where", AROUND)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RULES)
def test_a_rule_of_the_owner(rules, tree, name, kind, where):
    """Whom it shuts out gets nothing, and GRUB a comment."""
    host, want, shut = rules[name, kind, where], *RULES[name][1:]
    tree.make({"default": DEFAULT, "grub/2/grub.cfg-7F000007": "x",
               ".rules": "Require all denied\n"})
    tree.arm(CLIENT, "../default")
    for path in shut:
        got = ask(host.port, path, headers={})
        assert got[0] == want, (path, got)
        assert DEFAULT not in got[2]
        if path in COMMENTED:
            check_error(got, want)
        if want == 401:
            assert values(got[1], "www-authenticate")
    if "/redirect" in shut:
        assert tree.link(f"once/{CLIENT}")
    if "/grub/clear/2" in shut:
        assert tree.is_there("grub/2/grub.cfg-7F000007")
    if "/default" not in shut:
        assert ask(host.port, "/default", headers={})[2] == DEFAULT


# The text of the page, and the whole server


@pytest.mark.parametrize("kind", KINDS)
def test_the_site_of_the_page(tree, kind):
    """As it stands there, on port 80."""
    site = shown("<VirtualHost").replace(INCLUDE["fcgi"], INCLUDE[kind])
    host = Host("")
    host.text, host.port = "Listen 80\n" + site, 80
    with Owner("page", [host]):
        check_routes(80, tree)
        check_hidden(80, tree)
        tree.make({"x.html": "x", ".well-known/acme-challenge/token": "token"})
        assert ask(80, "/x.html", headers={})[2] == b"x"
        assert ask(80, "/.well-known/acme-challenge/token",
                   headers={})[2] == b"token"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_site_may_add(tree, kind):
    """What the page says of a site that serves the tree in its own way."""
    plain = Host(GRANTED + "\n" + INCLUDE[kind])
    better = Host(GRANTED + "\n" + INCLUDE[kind] + shown("ErrorDocument 404"))
    with Owner("added", [plain, better]):
        tree.make({"default": DEFAULT, "x.efi": "MZ", "static/x": Link("../default"),
                   "link": Link("default")})
        got = ask(plain.port, "/nothing", headers={})
        assert got[0] == 404 and not is_comment(got[2])
        assert ask(plain.port, "/static/x", headers={})[2] == DEFAULT
        got = ask(better.port, "/nothing", headers={})
        assert got[0] == 404 and is_comment(got[2]), got
        got = ask(better.port, "/static/x", headers={})
        assert got[0] == 403 and is_comment(got[2]), got
        assert ask(better.port, "/link", headers={})[2] == DEFAULT
        assert has("content-type", "application/efi")(
            ask(better.port, "/x.efi", headers={}))
        check_routes(better.port, tree)
        check_hidden(better.port, tree)


LIMITS = {
    "rewriting": "RewriteEngine On\nRewriteRule ^ https://example.org/ [R=301,L]",
    "a redirect": "Redirect permanent / https://example.org/",
    "a type by a header": "Header set Content-Type text/css",
    "no length by a header": "Header unset Content-Length",
    "links in pages": "ProxyHTMLEnable On",
    "a proxy below": '<Location "/">\nProxyPass http://127.0.0.1:1/\n</Location>',
}


@pytest.fixture(scope="module")
def limits():
    hosts = {name: Host(f"{GRANTED}\n{INCLUDE['fcgi']}{text}")
             for name, text in LIMITS.items()}
    with Owner("limits", list(hosts.values())):
        yield hosts


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_of_the_page(limits, tree, name):
    """One that is none any more has to go there; what helps is among ROWS."""
    with pytest.raises(AssertionError):
        check_routes(limits[name].port, tree)
    clear(tree)
    tree.make({"once/file": "hidden"})
    for path in HIDDEN:
        got = ask(limits[name].port, path, headers={})
        assert got[0] != 200 and b"hidden" not in got[2], (path, got)


@pytest.mark.skipif(not place.AS_ROOT, reason="once/ is given to another user")
@pytest.mark.parametrize("kind", KINDS)
def test_once_is_closed_by_its_mode(tree, kind):
    """As in the packages: Apache can't look in there, nor say so."""
    host = Host(GRANTED + "\n" + INCLUDE[kind])
    tree.make({"once/file": "hidden"})
    os.chown(tree.full("once"), 0, 0)
    os.chmod(tree.full("once"), 0o700)
    with Owner("mode", [host]):
        for path in HIDDEN:
            check_error(ask(host.port, path, headers={}), 404)


def test_once_by_another_path(tree):
    """A host that has the tree elsewhere as well, and follows no link."""
    host = Host(f'{GRANTED}\nAlias "/other" "{place.ROOT}"\n'
                + DIRECTORY.format("Options None") + "\n" + INCLUDE["fcgi"])
    with Owner("other", [host]):
        check_hidden(host.port, tree, "/other")
        tree.make({"os/x": "x", "until/x": Link("../os/x"),
                   "names/x": Link("../os/x"), "subnet/x": Link("../os/x")})
        for name in ("until", "names", "subnet"):
            for path in (name, name + "/", name + "/x", name + "/y"):
                check_error(ask(host.port, "/other/" + path, headers={}), 404)
        assert ask(host.port, "/other/os/x", headers={})[2] == b"x"


PAGES_OF_ERRORS = "\n".join(
    f"ErrorDocument {n} /page.html" for n in (401, 403, 404, 405, 410, 500, 503))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", AROUND)
@pytest.mark.parametrize("form", ("{}", LOCATION))
def test_without_an_answer(tree, kind, where, form, responder):
    """A responder that is away, or a program that can't be started."""
    host = Host(GRANTED + "\n" + AROUND[where].format(
        text=form.format(PAGES_OF_ERRORS), include=INCLUDE[kind]))
    tree.make({"default": DEFAULT, **PAGES})
    away = {"fcgi": place.SOCKET, "cgi": place.CGI}[kind]
    with Owner("away", [host]):
        os.rename(away, away + ".away")
        try:
            got = ask(host.port, headers={})
        finally:
            os.rename(away + ".away", away)
        assert got[0] in ((503,) if kind == "fcgi" else (404, 500)), got
        check_error(got, got[0])
        assert values(got[1], "retry-after") == ["5"] * (got[0] == 503)
        check_answer(ask(host.port), DEFAULT)


def test_the_second_path_is_not_for_clients(tree):
    host = Host(GRANTED + "\n" + INCLUDE["cgi"])
    tree.make(TREE)
    tree.arm(CLIENT, "../os/boot")
    with Owner("second", [host]):
        for path in ("redirect", "grub/clear/2", "nothing", ""):
            assert ask(host.port, f"/.pxesrv-cgi/{path}", headers={})[0] == 404
    assert tree.link(f"once/{CLIENT}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_server_beside_others(tree, kind):
    """It changes none of them, and renews certificates."""
    with open(CONF + "/apache/server.conf") as file:
        whole = file.read().replace("pxesrv-fcgi", f"pxesrv-{kind}")
    alone, beside = Host(GRANTED), Host(GRANTED)
    tree_of = {}
    for host, text in ((alone, ""), (beside, whole)):
        with Owner("beside", [host], text):
            tree_of[host] = all_else(host, tree)
            if not text:
                continue
            tree.add(".well-known/acme-challenge/.x", "hidden")
            got = ask(4567, "/.well-known/acme-challenge/token", headers={})
            assert (got[0], got[2]) == (200, b"token")
            for path in ("/.well-known/acme-challenge/nothing", "/os/.hidden",
                         "/.well-known/acme-challenge/.x", "/.hidden",
                         "/.well-known/../.hidden", "/os/../.hidden"):
                check_error(ask(4567, path, headers={}), 404)
            check_routes(4567, tree)
            check_hidden(4567, tree)
    assert tree_of[alone] == tree_of[beside]
