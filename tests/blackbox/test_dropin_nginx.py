# SPDX-License-Identifier: MIT
"""
The routes for nginx, included in servers that somebody has. All of these servers
are in one nginx, each on a port of its own.
"""
import os
import re

import pytest

import howto
import place
import raw
from dropin import (BOOT, CLIENT, TREE, ask, check_error, check_hidden,
                    check_routes, everything_else, is_comment, make_owned,
                    values)
from owned_nginx import (DIRECTORY, PARAMS, ROUTES, Owned, fill, make_dated,
                         row_server)
from place import ROOT, until
from tree import Link

STATIC = "/os/boot"

# Directives at the level of the server; a request on which they show; and whether
# its answer (status, headers, body) is as they want it. Without them it is not.
INHERITED = {
    "add_header": (
        "add_header Cache-Control max-age=60 always; add_header ETag x always;"
        "add_header Content-Type text/html always; add_header X-Own x always;",
        STATIC, lambda s, h, b: h.get("x-own")),
    "add_header of an encoding": (
        "add_header Content-Encoding br always;",
        STATIC, lambda s, h, b: h.get("content-encoding")),
    "add_trailer": (
        "add_trailer X-Own x always;",
        STATIC, lambda s, h, b: h.get("transfer-encoding") == "chunked"),
    "expires": (
        "expires 1h;", STATIC, lambda s, h, b: "max-age" in h.get("cache-control", "")),
    "expires in the past": (
        "expires epoch;",
        STATIC, lambda s, h, b: h.get("cache-control") == "no-cache"),
    "gzip": (
        "gzip on; gzip_types text/plain application/efi; gzip_min_length 1;"
        "gzip_vary on; gzip_proxied any;",
        STATIC, lambda s, h, b: h.get("content-encoding") == "gzip"),
    "gzip of all types": (
        "gzip on; gzip_types *; gzip_min_length 1; gzip_vary on;",
        STATIC, lambda s, h, b: h.get("content-encoding") == "gzip"),
    "gzip_static": (
        "gzip_static always;",
        "/packed", lambda s, h, b: h.get("content-encoding") == "gzip"),
    "gunzip": (
        "gzip_static always; gunzip on; gzip_vary on;",
        "/packed", lambda s, h, b: h.get("vary")),
    "ssi": (
        "ssi on; ssi_types text/plain application/efi; ssi_last_modified on;",
        STATIC, lambda s, h, b: s == 200 and b"<!--#" not in b),
    "ssi of all types": (
        "ssi on; ssi_types *;",
        STATIC, lambda s, h, b: s == 200 and b"<!--#" not in b),
    "sub_filter": (
        "sub_filter installer other; sub_filter_once off;"
        "sub_filter_types text/plain application/efi;"
        "sub_filter_last_modified on;",
        STATIC, lambda s, h, b: b"other" in b),
    "charset": (
        "charset utf-8; source_charset koi8-r; override_charset on;"
        "charset_types text/plain application/efi;",
        STATIC, lambda s, h, b: "utf-8" in h["content-type"]),
    "charset of all types": (
        "charset utf-8; source_charset koi8-r; override_charset on;"
        "charset_types *;",
        STATIC, lambda s, h, b: "\u0434".encode() in b.lower() or
        "\u0414".encode() in b),
    "add_before_body": (
        "add_before_body /default; addition_types text/plain application/efi;",
        STATIC, lambda s, h, b: b.startswith(TREE["default"]) and BOOT in b),
    "add_after_body": (
        "add_after_body /default; addition_types text/plain application/efi;",
        STATIC, lambda s, h, b: b.endswith(TREE["default"])),
    "userid": (
        "userid on; userid_p3p x; userid_expires max;",
        STATIC, lambda s, h, b: h.get("set-cookie")),
    "conditions": (
        "if_modified_since before;", (STATIC, {
            "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
        lambda s, h, b: s == 304),
    "ranges": (
        "max_ranges 0;", (STATIC, {"Range": "bytes=1-3"}),
        lambda s, h, b: s == 200),
    "chunked_transfer_encoding": (
        "chunked_transfer_encoding off; gzip on; gzip_types *;",
        STATIC, lambda s, h, b: h.get("connection") == "close"),
    "types": (
        "default_type application/x-own; types { text/x-own efi; }",
        STATIC, lambda s, h, b: h["content-type"] == "application/x-own"),
    "error_page": (
        "error_page 400 401 403 404 405 500 502 503 504 /page.html;",
        "/nothing", lambda s, h, b: b == b"<p>page\n"),
    "error_page with another status": (
        "error_page 400 403 404 405 418 =200 /page.html; recursive_error_pages on;",
        "/nothing", lambda s, h, b: (s, b) == (200, b"<p>page\n")),
    "error_page that redirects": (
        "error_page 403 404 405 418 =302 http://192.0.2.1/;",
        "/nothing", lambda s, h, b: s == 302),
    "fastcgi_intercept_errors": (
        "fastcgi_intercept_errors on; error_page 400 404 405 /page.html;",
        "POST /other", lambda s, h, b: b == b"<p>page\n"),
    "fastcgi_cache": (
        "fastcgi_cache pages; fastcgi_cache_key $uri; fastcgi_cache_valid any 1h;"
        "fastcgi_ignore_headers Cache-Control Expires Set-Cookie Vary;"
        "fastcgi_cache_methods GET HEAD POST; add_header X-Own $upstream_cache_status;",
        "/other", lambda s, h, b: h.get("x-own")),
    "fastcgi_store": (
        f"fastcgi_store {DIRECTORY}/store$uri; fastcgi_store_access all:rw;",
        "/other", lambda s, h, b: os.path.exists(f"{DIRECTORY}/store/other") and
        not os.path.exists(f"{DIRECTORY}/store/redirect")),
    "fastcgi_force_ranges": (
        "fastcgi_force_ranges on;", ("/other", {"Range": "bytes=1-3"}),
        lambda s, h, b: s == 206),
    "fastcgi_bind": (
        "fastcgi_bind 127.0.0.9;", "/other", lambda s, h, b: s >= 500),
    "fastcgi_buffers": (
        "fastcgi_buffer_size 32; fastcgi_buffers 2 32;"
        "fastcgi_busy_buffers_size 32; fastcgi_temp_file_write_size 32;",
        "/other", lambda s, h, b: s == 502),
    "fastcgi_hide_header": (
        "fastcgi_hide_header Cache-Control; fastcgi_hide_header Content-Length;",
        "/other", lambda s, h, b: "cache-control" not in h),
    "fastcgi_pass_header": (
        "fastcgi_pass_header Content-Type; fastcgi_pass_header Status;",
        "/other", lambda s, h, b: h.get("status")),
    "fastcgi_param": (
        PARAMS.replace("$request_method", "DELETE"),
        "/bare", lambda s, h, b: s == 405),
    "fastcgi_buffering": (
        "fastcgi_buffering off; fastcgi_keep_conn off; fastcgi_buffer_size 32;",
        "/other", lambda s, h, b: s == 502),
    "root": (
        "root /var/empty;", STATIC, lambda s, h, b: s == 404),
    "try_files": (
        "try_files $uri /page.html;",
        "/nothing", lambda s, h, b: b == b"<p>page\n"),
    "dav_methods": (
        "dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on;",
        "DELETE /packed.gz", lambda s, h, b: s == 204),
    "autoindex": (
        "autoindex on;", "/os/", lambda s, h, b: s == 200),
    "index": (
        "index boot;", "/os/", lambda s, h, b: b == BOOT),
    "disable_symlinks": (
        "disable_symlinks on;", "/link", lambda s, h, b: s == 403),
    "open_file_cache": (
        "open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;"
        "open_file_cache_errors on;",
        "/appears", lambda s, h, b: s == 404),
    "merge_slashes": (
        "merge_slashes off;", "/a//b", lambda s, h, b: s == 404),
    "client_max_body_size": (
        "client_max_body_size 1;", "POST /other", lambda s, h, b: s == 413),
    "mirror": (
        "mirror /mirror;", STATIC,
        lambda s, h, b: os.path.getsize(DIRECTORY + "/mirror.log")),
    "keepalive_timeout": (
        "keepalive_timeout 0; server_tokens off; msie_refresh on;",
        STATIC, lambda s, h, b: h["server"] == "nginx"),
    "limit_req that is not reached": (
        "limit_req zone=many burst=100 nodelay; limit_conn conns 100; limit_rate 10m;"
        "add_header X-Own $limit_req_status;",
        STATIC, lambda s, h, b: h.get("x-own") == "PASSED"),
}

# What a server has for its own files, beside the root that PLACES names.
OWNED_SERVERS = {
    "root at the level of the server": "root {root};",
    "root in location /": "location / {{ root {root}; autoindex on; }}",
    "addresses": "location / {{ root {root}; allow 192.0.2.0/24; deny all; }}",
    "passwords": """location / {{ root {root}; auth_basic x;
        auth_basic_user_file /dev/null; }}""",
    "another server as the fallback": """root {root};
        location / {{ try_files $uri @mirror; }}
        location @mirror {{ return 200 "from the mirror\\n"; }}""",
    "a front controller": """root {root};
        location / {{ try_files $uri $uri/ /index.html; }}""",
    "a proxy": "location / {{ proxy_pass http://127.0.0.1:{behind}; }}",
    "a proxy for what is not there": """root {root};
        error_page 404 = @proxy; proxy_intercept_errors on;
        location @proxy {{ proxy_pass http://127.0.0.1:{behind}; }}""",
    "WebDAV": """root {root}; dav_methods PUT DELETE; client_max_body_size 1k;""",
    "listings": "root {root}; autoindex on; autoindex_format json; charset utf-8;",
    "regular expressions": r"""root {root};
        location ~* \.(efi|iso|img)$ {{ expires max; deny 127.0.0.7; }}
        location ~ /\.(?!well-known) {{ deny all; }}
        location ~ ^/(.+)$ {{ add_header X-Own $1; }}""",
    "a location before all regular expressions": """
        location ^~ / {{ root {root}; add_header X-Own x; }}""",
    "error pages": """root {root}; error_page 403 404 405 /page.html;
        location = /page.html {{ internal; }}""",
    "nested locations": r"""root {root};
        location / {{ location ~ \.efi$ {{ types {{ }} default_type a/b; }} }}
        location /static/ {{ expires max; }}
        location /grub/ {{ alias {root}/os/; }}""",
    "its own X-Accel-Redirect": """root {root};
        location = /nothing {{ fastcgi_pass pxesrv; """ +
    PARAMS.replace("$request_method", "GET") +
    """ fastcgi_param PXESRV_SEND x-accel-redirect; }}""",
    "filters": """root {root}; gzip on; gzip_types *; ssi on; expires max;
        sub_filter echo other; add_header X-Own x always; etag off;
        disable_symlinks on; add_before_body /default;""",
}

# Rules at the level of the server; and the status that they give.
RULES = {
    "deny": ("deny 127.0.0.7;", 403),
    "allow": ("allow 192.0.2.0/24; deny all;", 403),
    "a password": ("auth_basic x; auth_basic_user_file /dev/null;", 401),
    "one of both": ("satisfy any; allow 192.0.2.1; deny all;"
                    "auth_basic x; auth_basic_user_file /dev/null;", 401),
    "auth_request, 403": ("auth_request /auth/403;", 403),
    "auth_request, 401": ("auth_request /auth/401;", 401),
    "with a page": ("deny all; error_page 403 /page.html;", 403),
    "with another status": ("deny all; error_page 403 =200 /page.html;", 403),
    "with filters": ("deny all; gzip on; gzip_types *; gzip_min_length 1;"
                     "add_trailer X x always; ssi on; ssi_types *;"
                     "add_header Content-Type text/html always;"
                     "default_type text/html; expires 1h;", 403),
    "limit_req": ("limit_req zone=one; limit_req_status 429;", 429),
    "limit_req, 503": ("limit_req zone=one;", 503),
    "limit_req, 402": ("limit_req zone=one; limit_req_status 402;", 402),
}


def shown(word):
    """The part of a configuration on the page that has this word."""
    return howto.block("nginx.md", "nginx", word)


def limits():
    """What the page names as limits: as it is, and then as it advises."""
    return {
        "limit return": row_server("return 301 https://192.0.2.1/;"),
        "advice return": row_server("location / { return 301 https://192.0.2.1/; }"),
        "limit if": row_server(
            'if ($request_method != GET) { return 405 "<p>no\\n"; }'),
        "advice if": row_server("""
            location / { if ($request_method != GET) { return 405 "<p>no\\n"; } }"""),
        "limit merge_slashes": row_server("merge_slashes off; location ^~ / { }"),
        "advice merge_slashes": row_server("merge_slashes off; location / { }"),
        "limit merge_slashes, an expression": row_server(
            "merge_slashes off; location ~ ^/ { }"),
        "advice merge_slashes, an expression": row_server(
            "merge_slashes off;", "location ~ ^/ { }"),
        "limit sub_filter_types": row_server(
            "sub_filter installer other; sub_filter_types *;"),
        "advice sub_filter_types": row_server(
            "location / { sub_filter installer other; sub_filter_types *; }"),
        "limit addition_types": row_server(
            "add_before_body /default; addition_types *;"),
        "advice addition_types": row_server(
            "location / { add_before_body /default; addition_types *; }"),
    }


def all_servers():
    servers = {"plain": row_server("")}
    for name, (directives, _, _) in INHERITED.items():
        servers[name] = row_server(directives)
    for name, text in OWNED_SERVERS.items():
        text = text.format(root=ROOT, behind=20000)
        servers["without " + name] = text
        servers["with " + name] = text + ROUTES
    for name, (directives, _) in RULES.items():
        servers["before " + name] = row_server(directives)
        servers["after " + name] = row_server("", directives)
    prefix = shown("alias")
    servers["without a prefix"] = re.sub(
        r"location ~.*\n", "", prefix).replace(ROUTES, "") + \
        "location / { return 404; }"
    servers["with a prefix"] = prefix + "location / { return 404; }"
    servers["as the page advises"] = re.fullmatch(
        r"server {\n *listen 80;(.*)}\n", shown("error_page"),
        re.DOTALL).group(1)
    return {**servers, **limits()}


@pytest.fixture(scope="module")
def nginx():
    one = Owned(all_servers())
    one.start()
    yield one
    one.stop()


# What the server sets by itself

def probe(port, request):
    """Status, headers and body of a request that INHERITED names."""
    path, headers = request if isinstance(request, tuple) else (request, {})
    method, path = path.split() if " " in path else ("GET", path)
    status, found, body = ask(
        port, path, method, body=b"ab" if method == "POST" else None,
        headers={"Accept-Encoding": "gzip", **headers})
    return status, dict(found), body


def all_of_it(got):
    return got[0], [(k, v) for k, v in got[1] if k not in ("date", "server")], got[2]


def check_same(port, plain, tree):
    """To the last header, as in a server without anything."""
    fill(tree)
    tree.add(f"static/{CLIENT}", Link("../os/boot"))
    for method, path in (("GET", "/redirect"), ("HEAD", "/redirect"),
                         ("PUT", "/redirect"), ("OPTIONS", "/redirect"),
                         ("GET", "/redirect?a=b"), ("GET", "/grub/clear/x"),
                         ("GET", "/once/file"), ("PUT", "/once/new")):
        got, want = (all_of_it(ask(p, path, method)) for p in (port, plain))
        if "keep-alive" not in dict(got[1]).get("connection", ""):
            got[1][:] = [pair for pair in got[1] if pair[0] != "connection"]
            want[1][:] = [pair for pair in want[1] if pair[0] != "connection"]
        assert got == want, (method, path)
    # By its name it has a type that a server knows.
    for path in ("/once/file.html", "/once/x.efi"):
        check_error(ask(port, path), 404)


@pytest.mark.parametrize("name", INHERITED)
def test_what_the_server_sets_changes_no_answer(nginx, tree, name):
    port = nginx.ports[name]
    check_routes(port, tree)
    check_hidden(port, tree)
    tree.clear()
    check_same(port, nginx.ports["plain"], tree)


@pytest.mark.parametrize("name", INHERITED)
def test_what_the_server_sets_does_work(nginx, tree, name):
    """Else the test before could not fail."""
    _, request, works = INHERITED[name]
    fill(tree)
    os.truncate(DIRECTORY + "/mirror.log", 0)
    if name == "open_file_cache":
        assert probe(nginx.ports[name], request)[0] == 404
        tree.make({"appears": "x"})
    assert not works(*probe(nginx.ports["plain"], request)), "without it, too"
    # What fastcgi_store stores is there after the answer.
    until(lambda: works(*probe(nginx.ports[name], request)), name)


# What the server has for its own files

def compare(nginx, tree, name, prefix=""):
    answers = []
    for kind in ("without ", "with "):
        make_dated(tree)
        port = nginx.ports[kind + name]
        found = everything_else(port, prefix)
        answers.append({asked: str(answer).replace(str(port), "PORT")
                        for asked, answer in found.items()})
    for asked, want in answers[0].items():
        assert answers[1][asked] == want, asked


@pytest.mark.parametrize("name", OWNED_SERVERS)
def test_the_routes_change_nothing_else(nginx, tree, name):
    compare(nginx, tree, name)
    check_routes(nginx.ports["with " + name], tree)
    check_hidden(nginx.ports["with " + name], tree)


def test_a_prefix_as_on_the_page(nginx, tree):
    compare(nginx, tree, "a prefix", "/boot")
    compare(nginx, tree, "a prefix")
    check_routes(nginx.ports["with a prefix"], tree, "/boot")
    check_hidden(nginx.ports["with a prefix"], tree, "/boot")
    check_routes(nginx.ports["with a prefix"], tree)


def test_certificates_in_the_own_server(nginx, tree):
    token = "/.well-known/acme-challenge/token"
    tree.make({token[1:]: "token"})
    got = ask(nginx.ports["with root at the level of the server"], token, headers={})
    assert (got[0], got[2]) == (200, b"token")


def test_the_advice_of_the_page(nginx, tree):
    """Errors as comments, types and links, for files of the own server."""
    port = nginx.ports["as the page advises"]
    make_owned(tree)
    for path, status in (("/nothing", 404), ("/sub/", 403), ("/.hidden", 404),
                         ("/static/127.0.0.9", 403)):
        check_error(ask(port, path), status)
    check_error(ask(port, "/default", headers={"If-Match": '"x"'}), 412)
    token = "/.well-known/acme-challenge/token"
    for path, want in (("/default", "text/plain"), (token, "text/plain"), ("/os/boot.efi", "application/efi"),
                       ("/x.iso", "application/vnd.efi-iso"),
                       ("/page.html", "text/html")):
        assert values(ask(port, path, headers={})[1], "content-type") == [want]
    check_routes(port, tree)
    check_hidden(port, tree)


# Its rules hold

@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("name", RULES)
def test_rules_of_the_server(nginx, tree, name, where):
    status, port = RULES[name][1], nginx.ports[f"{where} {name}"]
    fill(tree)
    tree.make({"grub/2/grub.cfg-7F000007": "x"})
    tree.arm(CLIENT, "../os/boot")
    if "limit" in name:
        ask(port, STATIC)  # which is one too many for the others
    for path in ("/redirect", "/grub/clear/2"):
        for method in ("GET", "POST"):
            got = ask(port, path, method, body=b"" if method == "POST" else None)
            check_error(got, status)
            assert values(got[1], "retry-after") == ["5"] * (status == 503)
            assert bool(values(got[1], "www-authenticate")) == (status == 401)
        got = ask(port, path, "HEAD")
        assert (got[0], got[2]) == (status, b"")
    # What is said of the tree is the server's own affair.
    if name != "with another status":
        assert ask(port, STATIC, headers={})[0] == status
    assert ask(port, "/once/file")[0] in (status, 404)
    assert tree.link(f"once/{CLIENT}")
    assert tree.is_there("grub/2/grub.cfg-7F000007")


@pytest.mark.parametrize("name", ["plain", "before allow", "before a password"])
def test_a_body_that_breaks_off(nginx, tree, name):
    """A second error after the first."""
    fill(tree)
    for path in ("/redirect", "/grub/clear/2", "/once/file"):
        got = raw.parse(raw.send(nginx.ports[name], (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\nzzz\r\n")))
        assert got.status >= 400 and is_comment(got.body), (path, got)
        assert got.type == "text/plain"


# What the page names as limits

@pytest.mark.parametrize("name", [
    name.split(" ", 1)[1] for name in limits() if name.startswith("advice")])
def test_what_can_not_be_held(nginx, tree, name):
    with pytest.raises(AssertionError):
        check_routes(nginx.ports["limit " + name], tree)
        check_hidden(nginx.ports["limit " + name], tree)
    check_routes(nginx.ports["advice " + name], tree)
    check_hidden(nginx.ports["advice " + name], tree)
