# SPDX-License-Identifier: MIT
"""The whole server that is shipped for nginx, with more in it, and beside others."""
import os
import re

import pytest

import howto
import place
from deployments import Nginx
from dropin import (DEFAULT, ask, check_answer, check_error, check_hidden,
                    check_routes, everything_else, values)
from owned_nginx import DIRECTORY, ROUTES, Owned, fill, make_dated, row_server
from place import CONF, ROOT
from test_variants import uncomment
from tree import Link

TREE = {"default": "default", "os/boot": "os"}


class NginxThatDenies(Nginx):
    """With an access rule in its server."""

    def command(self):
        command = super().command()
        path = f"{self.etc}/conf.d/server.conf"
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("gzip off;", "gzip off; deny 127.0.0.9;"))
        return command


def test_what_nginx_refuses_by_itself_is_a_comment(tree):
    """GRUB runs the body of an error as configuration."""
    directory = os.path.join(place.SERVERS, "nginx-that-denies")
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o777)
    tree.make(TREE)
    one = NginxThatDenies(directory)
    one.start()
    try:
        for path in ("/redirect", "/grub/clear/2", "/os/boot"):
            got = one.ask(path, client="127.0.0.9")
            assert got.status == 403 and got.body.startswith(b"# "), path
            got = one.ask(path, headers={"Content-Length": str(3 << 20)})
            assert got.status == 413 and got.body.startswith(b"# "), path
        assert one.ask().status == 200
    finally:
        one.stop()


# At the level of http, so in all servers.
EVERYWHERE = """
    add_header X-Own x always; add_trailer X-Own x always; expires 1h;
    gzip on; gzip_types *; gzip_min_length 1; gzip_vary on;
    ssi on; ssi_types *;
    charset utf-8; source_charset koi8-r; override_charset on; charset_types *;
    userid on;
    error_page 403 404 405 418 =200 /page.html; default_type text/html;
    fastcgi_intercept_errors on; fastcgi_cache pages; fastcgi_cache_key $uri;
    fastcgi_cache_valid any 1h; fastcgi_force_ranges on; fastcgi_bind 127.0.0.9;
    fastcgi_ignore_headers X-Accel-Redirect Cache-Control;
    fastcgi_hide_header Cache-Control; fastcgi_pass_header Content-Type;
    fastcgi_busy_buffers_size 16k; fastcgi_temp_file_write_size 16k;
    autoindex on; disable_symlinks off; merge_slashes off;
    open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
    mirror /default; max_ranges 1; root /var/empty; server_tokens off;
"""


# These change the files that nginx itself sends, so what it sends for PXESrv, too.
FILTERS = """
    sub_filter echo other; sub_filter_types text/plain application/efi;
    add_before_body /default; addition_types text/plain application/efi;
"""


@pytest.fixture
def whole():
    """A function that starts nginx with server.conf beside other servers."""
    started = []

    def start(http="", servers=None, change=lambda text: text, env=None):
        one = Owned({"plain": row_server(""), **(servers or {})},
                    http + "include server.conf;", env)
        path = DIRECTORY + "/snippets/pxesrv.conf"
        with open(path) as file:
            text = change(file.read())
        with open(path, "w") as file:
            file.write(text)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


def send_by_nginx(text):
    return uncomment(text, "fastcgi_param PXESRV_SEND")


def name_the_tree(text):
    return uncomment(text, "fastcgi_param PXESRV_ROOT")


@pytest.mark.parametrize("http, change", [
    (EVERYWHERE + FILTERS, lambda text: text), (EVERYWHERE, send_by_nginx)],
                         ids=["inline", "x-accel-redirect"])
def test_what_all_servers_have_changes_no_answer(whole, tree, http, change):
    one = whole(http, change=change)
    fill(tree)
    assert values(ask(one.ports["plain"], "/os/boot")[1], "x-own"), "it has them"
    check_routes(4567, tree)
    check_hidden(4567, tree)
    tree.clear()
    tree.make({"os/boot": "os", "static/link": Link("../os/boot"), ".hidden": "x"})
    for path in ("/static/link", "//static/link", "/.hidden", "//.hidden"):
        check_error(ask(4567, path, headers={}), 404 if "hidden" in path else 403)


@pytest.mark.parametrize("sends", [False, True])
@pytest.mark.parametrize("http", [
    "gzip_static always;", "sub_filter echo other; sub_filter_types text/plain;",
    "add_before_body /default; addition_types text/plain;"])
def test_what_changes_a_file_that_nginx_sends(whole, tree, http, sends):
    """The page names these: nginx knows the type, and the name of the file."""
    whole(http, change=send_by_nginx if sends else lambda text: text)
    fill(tree)
    tree.add("default.gz", "packed")
    got = ask(4567, headers={})
    if not sends:
        check_answer(got, DEFAULT)
        return
    assert got[0] == 200 and got[2] != DEFAULT
    limit, = [text for text in howto.text("nginx.md").split("\n- ")
              if text.startswith("With `PXESRV_SEND`, nginx")]
    assert f"`{http.split()[0]}`" in limit


def test_nginx_sends_the_file_in_an_own_server(whole, tree):
    """By what the page says to copy."""
    with open(f"{CONF}/nginx/server.conf") as file:
        (copied,) = re.findall(
            r"^\tif .*?^\t}\n.*?^\tlocation \^~ /.pxesrv-file/ {.*?^\t}\n",
            file.read(), re.MULTILINE | re.DOTALL)
    one = whole(servers={"own": row_server("", copied)}, change=send_by_nginx)
    check_routes(one.ports["own"], tree)
    check_hidden(one.ports["own"], tree)


@pytest.mark.parametrize("change", [lambda text: text, name_the_tree],
                         ids=["not named", "named"])
def test_where_the_tree_is(whole, tree, change):
    """A responder that is not told takes the root of the server."""
    one = whole(servers={"own": f"location / {{ root {ROOT}; }} {ROUTES}"},
                change=change, env={"PXESRV_ROOT": None})
    check_routes(one.ports["plain"], tree)
    if change is name_the_tree:
        check_routes(one.ports["own"], tree)
    else:
        fill(tree)
        got = ask(one.ports["own"])
        check_error(got, 503 if got[0] == 503 else 404)


def test_the_whole_server_changes_no_other(tree):
    answers = []
    for http in "", "include server.conf;":
        one = Owned({"own": f"location / {{ root {ROOT}; }}"},
                    http)
        one.start()
        make_dated(tree)
        answers.append(everything_else(one.ports["own"]))
        one.stop()
    assert answers[0] == answers[1]


def test_what_is_hidden_in_the_whole_server(whole, tree):
    """All names with a dot but those that a certificate takes."""
    whole()
    tree.make({".well-known/acme-challenge/token": "token",
               ".well-known/.hidden": "dot", "os/.well-known/file": "dot",
               ".well-knownx": "dot", ".hidden": "dot"})
    got = ask(4567, "/.well-known/acme-challenge/token", headers={})
    assert (got[0], got[2]) == (200, b"token")
    for path in ("/.well-known/.hidden", "/os/.well-known/file", "/.well-knownx",
                 "/.hidden", "/.well-known/acme-challenge/nothing",
                 "/.well-known/../.hidden", "/.pxesrv-file/default",
                 "/.pxesrv-error"):
        check_error(ask(4567, path), 404)
    assert ask(4567, "/default")[0] == 404
    check_hidden(4567, tree)
