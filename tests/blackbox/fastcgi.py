# SPDX-License-Identifier: MIT
"""A FastCGI client (specification 1.0) that can also say what none should."""
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES = range(1, 10)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3


def record(kind, content=b"", request=1, version=1, padding=0):
    head = struct.pack(">BBHHBx", version, kind, request, len(content), padding)
    return head + content + bytes(padding)


def begin(role=RESPONDER, keep=False, request=1):
    return record(BEGIN, struct.pack(">HB5x", role, keep), request)


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 1 << 31)


def pairs(params):
    out = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode("utf-8", "surrogateescape")
        out += length(len(name)) + length(len(value)) + name + value
    return out


def request(params, keep=False, stdin=b"", number=1):
    """A whole request, as bytes."""
    out = begin(keep=keep, request=number)
    content = pairs(params)
    for kind, data in ((PARAMS, content), (STDIN, stdin)):
        for i in range(0, len(data), 32768):
            out += record(kind, data[i:i + 32768], number)
        out += record(kind, b"", number)
    return out


class Closed(Exception):
    """The responder closed the connection before END_REQUEST."""


class Connection:
    """A connection to a responder on a Unix socket."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _exactly(self, n):
        out = bytearray()
        while len(out) < n:
            piece = self.socket.recv(min(n - len(out), 1 << 16))
            if not piece:
                raise Closed(bytes(out))
            out += piece
        return bytes(out)

    def read_record(self):
        version, kind, number, size, padding = struct.unpack(
            ">BBHHBx", self._exactly(8))
        assert version == 1
        content = self._exactly(size)
        self._exactly(padding)
        return kind, number, content

    def read_answer(self, at_the_end=False):
        """The standard output of one request, up to its END_REQUEST.

        At its end the responder asks for the connection to be closed, by
        empty records of STDERR."""
        out = []
        while True:
            kind, _, content = self.read_record()
            if kind == STDOUT:
                out.append(content)
            elif at_the_end and kind == STDERR and not content:
                pass
            elif kind == END:
                assert content == bytes(8), "appStatus and protocolStatus"
                return b"".join(out)
            else:
                raise AssertionError(f"record of type {kind}: {content!r}")

    def is_closed(self):
        """Waits for the responder to close without another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def ask(path, params, stdin=b""):
    with Connection(path) as connection:
        connection.send(request(params, stdin=stdin))
        return connection.read_answer()
