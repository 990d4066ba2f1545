# SPDX-License-Identifier: MIT
"""An answer, whichever way it came."""
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    @property
    def type(self):
        return self.headers.get("content-type")

    @property
    def length(self):
        return int(self.headers["content-length"])


def from_cgi(output):
    """Reads a CGI response (RFC 3875, section 6)."""
    head, separator, body = output.partition(b"\r\n\r\n")
    assert separator, f"no end of head in {output[:200]!r}"
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        assert name.lower() not in headers, f"{name} is there twice"
        headers[name.lower()] = value
    status = headers.pop("status")
    return Answer(int(status.split()[0]), headers, body)
