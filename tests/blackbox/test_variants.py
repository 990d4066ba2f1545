# SPDX-License-Identifier: MIT
"""What the shipped configuration has commented out, switched on."""
import fcntl
import os
import re
import signal
import socket
import struct

import pytest

import deployments
import fastcgi
import howto
import place
from place import until
from responder import Responder
from tree import Link

CLIENT = "127.0.0.7"
TREE = {"default": "default", "os/boot": "os" * 1000, "os/a b%20": "odd", "os/\u00e4 +": "odd",
        "os/shim.efi": "MZ"}
SERVERS = [name for name, kind in deployments.ALL.items()
           if issubclass(kind, deployments.WebServer)]


def uncomment(text, *patterns):
    """Takes the comment sign from the lines that match."""
    for pattern in patterns:
        text, count = re.subn(
            rf"^(\s*)#(\s*\S*{pattern}.*)$", r"\1\2", text, flags=re.MULTILINE)
        assert count, f"{pattern} is not among the comments"
    return text


def check_offload(one, tree):
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot"),
               "static/127.0.0.8": Link(place.ROOT + "/os/a b%20"),
               "static/127.0.0.7": Link("../os/\u00e4 +"),
               "static/127.0.0.9": Link("../os/shim.efi")})
    head = one.ask(method="HEAD")
    assert (head.status, head.length) == (200, 2000)
    assert tree.link(f"once/{CLIENT}")
    got = one.ask()
    assert (got.status, got.body) == (200, TREE["os/boot"].encode())
    assert got.headers["cache-control"] == "no-store"
    assert got.type == "text/plain; charset=utf-8"
    assert not {"x-accel-redirect", "x-sendfile"} & set(got.headers)
    # PXESrv itself has sent no byte of it.
    until(lambda: [line for line in one.log() if "GET" in line and
                   " 200 0 " in line and line.endswith(" once os/boot")],
          "a line in the log")
    for client in (CLIENT, "127.0.0.8"):
        assert one.ask(client=client).body == b"odd"
    got = one.ask(client="127.0.0.9")
    assert (got.body, got.type) == (b"MZ", "application/efi")
    # A file of 48 MiB.
    content = os.urandom(1 << 20) * 48
    tree.add("os/large", content)
    tree.add("static/127.0.0.10", Link("../os/large"))
    assert one.ask(client="127.0.0.10").body == content


def identifying(text):
    """PXESRV_IDENTIFY, switched on in any of the files."""
    if '"PXESRV_IDENTIFY"' in text:  # lighttpd: several lines
        return text.replace("\t#setenv.add", "\tsetenv.add") \
            .replace('\t#\t"PXESRV_IDENTIFY"', '\t\t"PXESRV_IDENTIFY"') \
            .replace("\t#)", "\t)")
    return uncomment(text, r"\S* ?PXESRV_IDENTIFY") \
        if "PXESRV_IDENTIFY" in text else text


@pytest.mark.parametrize("name", SERVERS)
def test_the_query_says_who_asks(variant, tree, name):
    """As iPXE expands it, and with the colons encoded."""
    one = variant(name, identifying)
    mac = "00:00:5e:00:53:07"
    tree.make({**TREE, f"names/{mac}": Link("node7"),
               "once/node7": Link("../os/boot"),
               "until/node7": Link("../os/shim.efi")})
    query = "?mac=00%3A00%3a5e:00-53:07"
    assert one.ask("/redirect" + query).body == b"default", "it is malformed"
    query = f"?mac={mac}&uuid="
    assert one.ask().body == b"default"
    assert one.ask("/redirect" + query, "HEAD").length == 2000
    assert one.ask("/redirect" + query).body == b"os" * 1000
    until(lambda: tree.link("once/.served/node7"), "it is settled")
    for _ in range(2):
        assert one.ask("/redirect?mac=00%3A00%3a5e:00:53:07").body == b"MZ"
    assert one.ask("/done").status == 400
    got = one.ask("/done" + query)
    assert (got.status, got.body) == (200, b"Done until/node7\n")
    assert tree.link("until/.done/node7") == "../os/shim.efi"
    got = one.ask("/done" + query)
    assert (got.status, got.body) == (400, b"Missing\n")
    assert one.ask("/redirect" + query).body == b"default"


def test_x_accel_redirect(variant, tree):
    one = variant("nginx", lambda text: uncomment(text, "fastcgi_param PXESRV_SEND")
                  if "PXESRV_SEND" in text else text)
    check_offload(one, tree)


# Names that mean something to nginx, in a path or in its configuration.
ODD = ["redirect", "x/redirect", "grub/clear/2", "grub/clear", "once/redirect",
       "once/file", "static/file", f"static/{CLIENT}9", ".hidden/file",
       ".pxesrv-file", ".pxesrv-error", ".pxesrv-file/default", "a b%20",
       "a%2fb", "%zz", "a?b", "a?b=c", "a#b", "a+b", "a;b", "a&b", "a\\b",
       "a'\"b", "a\nb", "$uri", "..x", "...", "\u00e4", "x.EFI", "x.iso"]


@pytest.fixture
def accel(variant):
    return variant("nginx", lambda text: uncomment(
        text, "fastcgi_param PXESRV_SEND") if "PXESRV_SEND" in text else text)


@pytest.mark.parametrize("name", ODD)
def test_x_accel_redirect_to_a_file_with_an_odd_name(accel, tree, name):
    """It is that file, whole and once, whatever nginx has of that name."""
    content = "content of the file"
    tree.make({**TREE, "grub/2/grub.cfg-7F000007": "x", name: content,
               f"once/{CLIENT}": Link("../way"), "way": Link(name)})
    accel.clear_log()
    head = accel.ask(method="HEAD")
    assert (head.status, head.length) == (200, len(content))
    accel.decided(1)  # another thread may log the next one before
    got = accel.ask(headers={
        "Range": "bytes=2-3", "If-Modified-Since":
        "Fri, 01 Jan 2100 00:00:00 GMT", "If-None-Match": "*"})
    assert (got.status, got.body) == (200, content.encode())
    assert not {"last-modified", "etag", "accept-ranges"} & set(got.headers)
    assert got.headers["cache-control"] == "no-store"
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
    assert [(method, status) for method, status, _ in accel.decided(2)] == [
        ("HEAD", "200"), ("GET", "200")]
    assert tree.is_there("grub/2/grub.cfg-7F000007")
    assert accel.ask().body == b"default"


@pytest.mark.parametrize("name", ["os/boot", "redirect", "static/file"])
def test_x_accel_redirect_to_a_file_that_nginx_may_not_read(
        variant, tree, name):
    one = variant("nginx", lambda text: uncomment(
        text, "fastcgi_param PXESRV_SEND") if "PXESRV_SEND" in text
        else text.replace(
            "disable_symlinks on from=$document_root;",
            "disable_symlinks on from=$document_root; deny all;", 1))
    tree.make({**TREE, name: "content", f"static/{CLIENT}": Link("../" + name)})
    one.clear_log()
    got = one.ask()
    assert (got.status, got.body) == (
        403, b"# The web server can not answer this request\n")
    assert len(one.decided(1)) == 1


def test_x_sendfile_by_lighttpd(variant, tree):
    def change(text):
        if "x-sendfile-docroot" in text:
            text = uncomment(text, '"x-sendfile"', '"x-sendfile-docroot"')
            # As its comment says: several lines.
            text = text.replace("\t#setenv.add", "\tsetenv.add") \
                .replace('\t#\t"PXESRV_SEND"', '\t\t"PXESRV_SEND"') \
                .replace("\t#)", "\t)")
        return text
    check_offload(variant("lighttpd", change), tree)


@pytest.mark.parametrize("name", ["apache-cgi", "apache-fcgi"])
def test_x_sendfile_by_apache(variant, tree, name):
    one = variant(
        name, lambda text: uncomment(
            text, "SetEnv PXESRV_SEND", "XSendFile ", "XSendFilePath")
        if "PXESRV_SEND" in text else text, ["xsendfile"])
    check_offload(one, tree)


@pytest.mark.parametrize("name", SERVERS)
def test_a_proxy_in_front(variant, tree, name):
    """The client is who the trusted proxy says; nobody else is believed."""
    def change(text):
        if "192.0.2.1" not in text:
            return text
        text = text.replace("192.0.2.1", "127.0.0.9")
        if name == "nginx":
            return uncomment(text, "set_real_ip_from", "real_ip_header",
                             "real_ip_recursive")
        if name.startswith("lighttpd"):
            return uncomment(text, "server.modules", "extforward.forwarder",
                             "extforward.headers")
        return uncomment(text, "RemoteIPInternalProxy", "RemoteIPHeader")

    one = variant(name, change,
                  ["remoteip"] if name.startswith("apache") else [])
    tree.make({**TREE, "static/192.0.2.77": "behind the proxy",
               "static/2001:db8::7": "behind it, by IPv6"})
    headers = {"X-Forwarded-For": "192.0.2.77"}
    assert one.ask(client="127.0.0.9", headers=headers).body == \
        b"behind the proxy"
    assert one.ask(client="127.0.0.9", headers={
        "X-Forwarded-For": "2001:db8::7"}).body == b"behind it, by IPv6"
    assert one.ask(client="127.0.0.8", headers=headers).body == b"default"


@pytest.mark.parametrize("server", ["nginx", "lighttpd", "apache"])
def test_the_lines_for_a_proxy_are_those_of_the_page(server):
    """The file has them as comments, and test_a_proxy_in_front takes these."""
    with open(f"{place.CONF}/{server}/server.conf") as file:
        commented = [line for line in
                     re.findall(r"^\s*#(\S.*)$", file.read(), re.MULTILINE)
                     if re.search("real_ip|extforward|RemoteIP", line)]
    page = re.search(rf"^{server}.*:\n\n((?:    .*\n)+)", howto.text("proxy.md"),
                     re.MULTILINE | re.IGNORECASE)[1]
    assert [line.strip() for line in page.splitlines()] == commented
    assert len(commented) > 1


def read_params(connection):
    """What a web server sends: the params of one request."""
    content, out = b"", {}
    while True:
        head = connection.recv(8, socket.MSG_WAITALL)
        _, kind, _, size, padding = struct.unpack(">BBHHBx", head)
        body = connection.recv(size + padding, socket.MSG_WAITALL) \
            if size + padding else b""
        if kind == fastcgi.PARAMS:
            content += body[:size]
        if kind == fastcgi.STDIN and size == 0:
            break
    while content:
        lengths = []
        for _ in range(2):
            if content[0] < 128:
                lengths.append(content[0])
                content = content[1:]
            else:
                lengths.append(struct.unpack(">I", content[:4])[0] & 0x7fffffff)
                content = content[4:]
        name, content = content[:lengths[0]], content[lengths[0]:]
        out[name.decode()] = content[:lengths[1]].decode()
        content = content[lengths[1]:]
    return out


def test_nginx_passes_only_what_is_read(variant, tree):
    one = variant("nginx", lambda text: text)
    one.responder.stop()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place.SOCKET)
        os.chmod(place.SOCKET, 0o666)
        listening.listen()
        listening.settimeout(place.PATIENCE)
        with socket.create_connection(
                ("127.0.0.1", one.port), source_address=(CLIENT, 0)) as client:
            client.sendall(b"GET /redirect?a=b HTTP/1.1\r\nHost: x\r\n"
                           b"X-Secret: y\r\nContent-Length: 3\r\n\r\nabc")
            with listening.accept()[0] as connection:
                params = read_params(connection)
    os.unlink(place.SOCKET)
    one.start_responder()
    # nginx 1.30 always passes the host that it has found.
    assert params.pop("HTTP_HOST", "x") == "x"
    assert params == {
        "REQUEST_METHOD": "GET", "REQUEST_URI": "/redirect?a=b",
        "QUERY_STRING": "a=b",
        "SCRIPT_NAME": params["SCRIPT_NAME"], "REMOTE_ADDR": CLIENT,
        "SERVER_PROTOCOL": "HTTP/1.1", "DOCUMENT_ROOT": place.ROOT}


def test_a_web_server_that_names_no_client(variant, tree):
    """nginx on a Unix socket gives no address: the log says what to mend."""
    one = variant("nginx", lambda text: text.replace(
        "listen 4567;", "listen 4567; listen unix:/run/servers/http.sock;"))
    tree.make(TREE)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(place.PATIENCE)
        client.connect("/run/servers/http.sock")
        client.sendall(b"GET /redirect HTTP/1.0\r\n\r\n")
        out = b""
        while piece := client.recv(4096):
            out += piece
    assert b" 500 " in out.split(b"\r\n")[0]
    line = until(lambda: [l for l in one.log() if " 500 " in l], "the log")[0]
    assert "REMOTE_ADDR" in line and "unix:" in line


def test_one_listener_for_ipv4_and_ipv6(variant, tree):
    """nginx then names an IPv4 client ::ffff:127.0.0.7."""
    one = variant("nginx", lambda text: text.replace("listen 4567;", "").replace(
        "listen [::]:4567;", "listen [::]:4567 ipv6only=off;"))
    tree.make({**TREE, f"static/{CLIENT}": "mine"})
    assert one.ask().body == b"mine"
    assert one.ask(client="fd00:77::7").body == b"default"
    until(lambda: any(line.startswith(CLIENT + " ") and "static" in line
                      for line in one.log()), "the client in the log")


def test_a_second_upstream_server_gets_no_request_twice(variant, tree):
    second = "/run/pxesrv/second.sock"
    one = variant("nginx", lambda text: text.replace(
        "\tkeepalive 256;", f"\tserver unix:{second} backup;\n\tkeepalive 32;"))
    tree.make({**TREE, "once/.lock": ""})
    other = Responder(one.stderr("second"), path=second,
                      arguments=["-m", "0666"])
    assert one.ask().body == b"default"
    tree.arm(CLIENT, "../os/boot")
    with open(tree.full("once/.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = one.connect(CLIENT)
        connection.putrequest("GET", "/redirect")
        connection.endheaders()
        until(lambda: place.has_open(one.responder.pid, lock.name),
              "the first one has the request")
        one.responder.end(signal.SIGKILL)
    assert connection.getresponse().status == 503
    connection.close()
    assert tree.link(f"once/{CLIENT}")
    assert len(one.log()) == 1
    other.stop()
    os.unlink(place.SOCKET)
    one.start_responder()


@pytest.mark.parametrize("name", SERVERS)
def test_a_prefix(variant, tree, name):
    """As the comments say; and nothing else becomes a route by that."""
    def change(text):
        route = re.search(r"location = /redirect \{.*?\n\}\n", text, re.S)
        if route:
            text += route.group().replace("= /", "= /boot/")
        return text.replace(
            'pxesrv_prefix := ""', 'pxesrv_prefix := "(/boot)?"').replace(
                "Include conf", 'Define pxesrv_at "/(boot/)?"\n\tInclude conf')

    one = variant(name, change)
    tree.make({**TREE, f"once/{CLIENT}": Link("../os/boot")})
    for path in ("/x/redirect", "/boot/boot/redirect", "/boot/redirect/x",
                 "/boot/redirect/redirect", "/bootredirect", "/boot/"):
        assert one.ask(path).status in (403, 404), path
    assert tree.link(f"once/{CLIENT}")
    assert one.ask("/boot/redirect").body == TREE["os/boot"].encode()
    assert one.ask("/redirect").body == one.ask("/boot/redirect").body == \
        b"default"
