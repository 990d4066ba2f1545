# SPDX-License-Identifier: MIT
"""What the shipped configuration makes the web servers do."""
import os
import socket
import struct

import pytest

import place
from deployments import ApacheCgi
from place import until
from tree import Link

CLIENT = "127.0.0.7"
TREE = {"default": "default", "os/boot": "os"}
MISSING = b"# The requested route is not available\n"


# Static files

@pytest.mark.parametrize("name, want", [
    ("default", "text/plain"), ("os/boot", "text/plain"),
    ("static/10.0.0.7", "text/plain"), ("a.ipxe", "text/plain"),
    ("ks.cfg", "text/plain"), ("vmlinuz-6.1.0-13-amd64", "text/plain"),
    ("boot.efi", "application/efi"), ("BOOTX64.EFI", "application/efi"),
    ("disk.iso", "application/vnd.efi-iso"),
    ("disk.img", "application/vnd.efi-img"),
    ("page.html", "text/html"),
])
def test_the_type_of_a_static_file(web_server, tree, name, want):
    tree.make({name: "content"})
    got = web_server.ask("/" + name)
    assert (got.status, got.body) == (200, b"content")
    assert got.type.split(";")[0] == want
    if want.startswith("application/"):
        assert got.type == want, "UEFI HTTP Boot takes no parameter"
    head = web_server.ask("/" + name, "HEAD")
    assert (head.status, head.length, head.body) == (200, 7, b"")


@pytest.mark.parametrize("path", [
    f"/once/{CLIENT}", "/once/file", "/once/", "/once", "//once/file",
    "/%6fnce/file", "/os/../once/file", "/os/%2e%2e/once/file", "/./once/file",
    "/once/.lock", f"/once/.served/{CLIENT}", "/.hidden", "/os/.hidden",
    "/.git/config", "/os/%2ehidden", "/.htaccess", "/static/.hidden/file",
    *[path for name in ("until", "names", "subnet") for path in (
        f"/{name}", f"/{name}/", f"/{name}/file", f"//{name}/file",
        f"/os/../{name}/file", f"/{name}/../{name}/file")],
])
def test_what_is_not_downloadable(web_server, tree, path):
    tree.make({**TREE, "once/file": "secret", ".hidden": "secret",
               "until/file": "secret", "names/file": "secret",
               "subnet/file": "secret",
               "once/.lock": "secret", "os/.hidden": "secret",
               ".git/config": "secret", ".htaccess": "secret",
               "static/.hidden/file": "secret",
               f"once/.served/{CLIENT}": Link("../../os/boot"),
               f"once/{CLIENT}": Link("../os/boot")})
    got = web_server.ask(path)
    assert got.status == 404 and got.body == MISSING
    assert tree.link(f"once/{CLIENT}") == "../os/boot"


@pytest.mark.parametrize("path", ["/nothing", "/os/nothing", "/grub/x",
                                  "/redirectx", "/%zz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there(web_server, tree, path, method):
    """GRUB runs the body of an error as configuration."""
    tree.make(TREE)
    got = web_server.ask(path, method)
    if path == "/%zz":
        assert got.status in (400, 404)
    else:
        assert got.status == 404
        assert got.body == (MISSING if method == "GET" else b"")
    assert got.type.startswith("text/plain") or got.status == 400


def test_a_directory_without_a_listing(web_server, tree):
    tree.make(TREE)
    got = web_server.ask("/os/")
    assert got.status in (403, 404) and got.body.startswith(b"#")
    assert b"boot" not in got.body.replace(b"boot server", b"")


def test_a_static_file_can_be_resumed(web_server, tree):
    tree.make({"os/kernel": "0123456789"})
    got = web_server.ask("/os/kernel", headers={"Range": "bytes=2-3"})
    assert (got.status, got.body) == (206, b"23")


# /redirect

@pytest.mark.parametrize("name, value", [
    ("Range", "bytes=0-0"), ("Range", "bytes=1-"), ("Range", "bytes=9-"),
    ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ("If-None-Match", "*"), ("Accept-Encoding", "gzip"),
])
def test_an_answer_is_always_whole(web_server, tree, name, value):
    tree.make({**TREE, "os/boot": "os" * 2000,
               f"once/{CLIENT}": Link("../os/boot")})
    got = web_server.ask(headers={name: value})
    assert (got.status, got.body) == (200, b"os" * 2000)
    assert got.length == 4000
    assert "content-encoding" not in got.headers


@pytest.mark.parametrize("name", [
    "X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP",
    "X-Client-IP", "CF-Connecting-IP", "Remote-Addr"])
def test_a_client_is_not_who_it_says(web_server, tree, name):
    tree.make({**TREE, "once/192.0.2.1": Link("../os/boot")})
    for value in ("192.0.2.1", "for=192.0.2.1"):
        assert web_server.ask(headers={name: value}).body == b"default"
    assert tree.link("once/192.0.2.1")


@pytest.mark.parametrize("name", [
    "PXESRV_ROOT", "PXESRV-ROOT", "Pxesrv-Send", "Proxy"])
def test_a_client_cannot_set_settings(web_server, tree, name):
    tree.make(TREE)
    assert web_server.ask(headers={name: "/etc"}).body == b"default"


def test_head_tells_the_length_and_uses_nothing_up(web_server, tree):
    tree.make({**TREE, "os/shim.efi": "MZ" * 1000,
               f"once/{CLIENT}": Link("../os/shim.efi")})
    connection = web_server.connect(CLIENT)
    for method in ("HEAD", "GET"):  # as UEFI HTTP Boot does
        got = web_server.ask_on(connection, "/redirect", method)
        assert got.status == 200 and got.type == "application/efi"
        assert got.length == 2000
    assert got.body == b"MZ" * 1000
    connection.close()


def test_a_48_mib_target_arrives_whole(web_server, tree):
    content = os.urandom(1 << 20) * 48
    tree.make({**TREE, "os/large": content,
               f"once/{CLIENT}": Link("../os/large")})
    got = web_server.ask()
    assert got.body == content
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "settled")
    if web_server.responder:
        memory = web_server.responder.memory()
        print(f"most memory of the responder: {memory / (1 << 20):.1f} MiB")
        if not place.IS_SANITIZED:
            assert memory < 8 << 20


def test_many_clients_on_kept_connections(web_server, tree):
    tree.make(TREE)
    clients = [f"127.0.1.{n}" for n in range(1, 21)]
    for client in clients:
        tree.arm(client, "../os/boot")
    connections = {c: web_server.connect(c) for c in clients}
    for want in (b"os", b"default", b"default"):
        for client, connection in connections.items():
            assert web_server.ask_on(connection).body == want, client
    for connection in connections.values():
        connection.close()


@pytest.mark.parametrize("size", [100, 40000, 1 << 20])
def test_a_post_with_a_body(web_server, tree, size):
    """At most it is refused by the web server; then it goes on."""
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    # The CGI program reads it; the gate takes 64 KiB.
    may_fail = size > 40000 and not isinstance(web_server, ApacheCgi)
    try:
        got = web_server.ask(method="POST", body=bytes(size))
        assert got.status == 405 or (may_fail and got.status in (413, 503))
    except (BrokenPipeError, ConnectionResetError):
        assert may_fail
    assert web_server.ask().body == b"os"


def test_a_client_that_hangs_up_gets_its_link_back(web_server, tree):
    """In the middle of an answer that is larger than all buffers."""
    tree.make({**TREE, "os/large": bytes(64 << 20)})
    tree.arm(CLIENT, "../os/large")
    with socket.create_connection(
            ("127.0.0.1", web_server.port), source_address=(CLIENT, 0)) as s:
        s.sendall(b"GET /redirect HTTP/1.0\r\n\r\n")
        s.recv(1000)
        assert tree.link(f"once/{CLIENT}") is None
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    until(lambda: not tree.claimed(), "the claim is settled")
    assert tree.link(f"once/{CLIENT}") == "../os/large"
