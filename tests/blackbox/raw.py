# SPDX-License-Identifier: MIT
"""Requests as they are written, which an HTTP library would not send."""
import socket

import answer
from place import PATIENCE


def send(port, request, client="127.0.0.7"):
    """All bytes that come back until the web server closes."""
    out = b""
    with socket.create_connection(
            ("127.0.0.1", port), source_address=(client, 0),
            timeout=PATIENCE) as s:
        try:
            s.sendall(request.encode("latin-1"))
            while piece := s.recv(65536):
                out += piece
        except (BrokenPipeError, ConnectionResetError):
            pass  # it did not want the rest
    return out


def get(port, target, client="127.0.0.7", method="GET", headers=""):
    return parse(send(
        port, f"{method} {target} HTTP/1.1\r\nHost: pxesrv\r\n"
        f"Connection: close\r\n{headers}\r\n", client))


def parse(response):
    head, separator, body = response.partition(b"\r\n\r\n")
    assert separator, f"no end of head in {response[:200]!r}"
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return answer.Answer(int(status.split()[1]), headers, body)
