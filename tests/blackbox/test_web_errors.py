# SPDX-License-Identifier: MIT
"""
What a web server refuses by itself. GRUB runs the body of an error as
configuration, so each is one line that is a comment, whatever was wrong.
"""
import pytest

import raw
from deployments import Lighttpd, Nginx

TREE = {"default": "default", "os/boot": "os"}
HEAD = "Host: pxesrv\r\nConnection: close\r\n"


def request(method="GET", path="PATH", version="HTTP/1.1", head=HEAD, more=""):
    return f"{method} {path} {version}\r\n{head}{more}\r\n"


LONG = "x" * 70000
# What is sent, and the statuses that the three servers have for it: nginx,
# lighttpd, Apache. PATH is /redirect, and then a file. None: it is no error.
REFUSED = {
    "no request": ("nonsense\r\n\r\n", 400, 400, 400),
    "no version": (request(version="HTTX"), 400, 400, 400),
    "a higher version": (request(version="HTTP/9.1"), 505, (400, 505), None),
    "no host": (request(head="Connection: close\r\n"), 400, 400, 400),
    "two hosts": (request(more="Host: other\r\n"), 400, 400, 400),
    "a header without a colon": (request(more="no colon\r\n"), 400, 400, 400),
    "a control character": (request(path="PATH\x01"), 400, 400, 400),
    "an encoded NUL": (request(path="PATH%00"), 400, 400, 404),
    "wrongly encoded": (request(path="/%zz"), 400, 404, 400),
    "above the root": (request(path="/../../x"), 400, 404, 400),
    "a length that is none": (
        request("POST", more="Content-Length: x\r\n"), 400, 400, 400),
    "a length beyond all numbers": (
        request("POST", more=f"Content-Length: {'9' * 30}\r\n"), 400, 400, 400),
    "an unknown encoding": (
        request("POST", more="Transfer-Encoding: x\r\n"), 501, 501, 400),
    "an unknown scheme": (request(path="ftp://pxesrvPATH"), None, 400, 400),
    "a long target": (request(path=f"PATH?{LONG}"), 414, 431, 414),
    "a long header": (request(more=f"X: {LONG}{LONG}\r\n"), 431, 431, 400),
    "many headers": (request(more="X: x\r\n" * 3000), 431, 431, 400),
    "a long name": (request(path="/" + "x" * 300), 404, 404, 403),
    "an unknown method": (request("FOO"), 405, 501, (405, 501)),
    "CONNECT": (request("CONNECT", "pxesrv:80"), (400, 405), 400, 405),
    "an expectation": (request(more="Expect: x\r\n"), None, None, 417),
    "a directory": (request(path="/os/"), 403, 403, 404),
    "what is not there": (request(path="/x.html"), 404, 404, 404),
    "a hidden file": (request(path="/.x.html"), 404, 404, 404),
}
EMPTY = "412 without a body"
# The same for a file alone, for PXESrv answers these on /redirect.
REFUSED_FILE = {
    "PUT": (request("PUT", more="Content-Length: 0\r\n"), 405, 501, 405),
    "DELETE": (request("DELETE"), 405, 501, 405),
    "PROPFIND": (request("PROPFIND"), 405, 501, 405),
    "a POST": (request("POST", more="Content-Length: 0\r\n"), 405, None, None),
    "a POST without a length": (request("POST"), 405, 411, None),
    "no chunk": (request("POST", more="Transfer-Encoding: chunked\r\n")
                 + "zzz\r\n", 400, None, 400),
    "a large body": (request("POST", more="Content-Length: 9999999999\r\n"),
                     413, None, 413),
    "a range beyond the end": (request(more="Range: bytes=100-\r\n"),
                               416, 416, 416),
    "a condition": (request(more='If-Match: "x"\r\n'), 412, None, EMPTY),
    "a name as a directory": (request(path="PATH/x"), 404, 403, 404),
}


def is_comment(body):
    return body.startswith(b"# ") and body.endswith(b"\n") and \
        body.count(b"\n") == 1 and b"PATH" not in body and len(body) < 100


def which(server):
    return 0 if isinstance(server, Nginx) else \
        1 if isinstance(server, Lighttpd) else 2


def check(server, path, text, *wants):
    want = wants[which(server)]
    got = raw.parse(raw.send(server.port, text.replace("PATH", path)))
    if want is None:
        assert got.status < 400, got
        return
    if want is EMPTY:
        assert (got.status, got.body) == (412, b""), got
        return
    assert got.status in (want if isinstance(want, tuple) else (want,)), got
    assert is_comment(got.body), got
    # Where Apache has begun with the file it closes instead.
    assert got.headers.get("content-length", str(len(got.body))) == \
        str(len(got.body))
    # lighttpd's is that of the tree's files, or of what has no path yet.
    assert got.type.startswith("text/plain") or \
        isinstance(server, Lighttpd) and got.type == "text/html"


@pytest.mark.parametrize("path", ["/redirect", "/os/boot"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(web_server, tree, path, what):
    tree.make(TREE)
    check(web_server, path, *REFUSED[what])


@pytest.mark.parametrize("what", REFUSED_FILE)
def test_what_is_refused_for_a_file(web_server, tree, what):
    tree.make(TREE)
    check(web_server, "/os/boot", *REFUSED_FILE[what])


def test_an_answer_without_a_head(web_server, tree):
    """HTTP/0.9: it is the body alone, or the server refuses."""
    tree.make(TREE)
    for path in ("/nothing", "/once/x", "/redirectx"):
        got = raw.send(web_server.port, f"GET {path}\r\n\r\n")
        assert is_comment(got.split(b"\r\n\r\n")[-1]) or not got, got
