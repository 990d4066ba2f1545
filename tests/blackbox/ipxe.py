# SPDX-License-Identifier: MIT
"""A machine that asks as iPXE does: how long it waits, and when it gives up.

iPXE sends a SYN again after 0.25 s, and doubles that until it is more than ten
seconds. tests/clients/test_several_servers.py boots iPXE itself to see this."""
import http.client
import socket
import time

SYN_AT = (0, .25, .75, 1.75, 3.75, 7.75)  # seconds after it began to connect
# A server that is back before is missed by nobody.
LAST_SYN_AT = SYN_AT[-1]
GIVES_UP_AFTER = 15.75  # seconds without an answer to any SYN
# The kernel would send a SYN of its own after a second.
BEFORE_THE_KERNEL = .9
KEEPALIVE = 15  # seconds of silence after which iPXE asks whether the server lives
SILENCE = 60  # seconds; a slow server is waited for
REQUEST = (b"GET /redirect HTTP/1.1\r\nConnection: keep-alive\r\n"
           b"User-Agent: iPXE/1.0.0\r\nHost: %s\r\n\r\n")


class GaveUp(Exception):
    """iPXE shows an error and goes on with the next boot device."""

    def __init__(self, why, begun, connected):
        super().__init__(why)
        self.why = why
        self.begun = begun
        self.connected = connected  # when, or None
        self.at = time.monotonic()

    def was_under_way(self, when):
        """Whether its connection was there at that time."""
        return self.connected is not None and self.connected <= when


class Ipxe:
    def __init__(self, own, server, port):
        self.own, self.server, self.port = own, server, port
        self.waits = []  # seconds of each Retry-After

    def connect(self):
        begun = time.monotonic()
        for at, following in zip(SYN_AT, (*SYN_AT[1:], GIVES_UP_AFTER)):
            time.sleep(max(0, begun + at - time.monotonic()))
            peer = socket.socket()
            try:
                peer.settimeout(min(following - at, BEFORE_THE_KERNEL))
                # Little, as iPXE. Or the kernel would take a large file whole.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                peer.bind((self.own, 0))
                peer.connect((self.server, self.port))
                return peer
            except ConnectionError:
                peer.close()
                raise GaveUp("refused", begun, None) from None
            except OSError:  # no answer to the SYN, or to ARP
                peer.close()
        time.sleep(max(0, begun + GIVES_UP_AFTER - time.monotonic()))
        raise GaveUp("nobody there", begun, None)

    def get(self, pause=lambda: None):
        """One request. pause() comes after the headers."""
        begun = time.monotonic()
        with self.connect() as peer:
            connected = time.monotonic()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in (("IDLE", KEEPALIVE), ("INTVL", KEEPALIVE),
                                ("CNT", 1)):
                peer.setsockopt(socket.IPPROTO_TCP,
                                getattr(socket, "TCP_KEEP" + name), value)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT,
                            int(GIVES_UP_AFTER * 1000))
            peer.settimeout(SILENCE)
            try:
                peer.sendall(REQUEST % self.server.encode())
                response = http.client.HTTPResponse(peer)
                response.begin()
                pause()
                return response.status, response.headers, response.read()
            except (OSError, http.client.HTTPException) as failure:
                raise GaveUp(f"cut off: {failure!r}", begun, connected) \
                    from None

    def boot(self, pause=lambda: None):
        """The boot file, or GaveUp; a 503 is waited out."""
        while True:
            begun = time.monotonic()
            status, headers, body = self.get(pause)
            if status == 200:
                return body
            if status != 503 or not headers["Retry-After"]:
                raise GaveUp(f"status {status}", begun, None)
            self.waits.append(int(headers["Retry-After"]))
            time.sleep(self.waits[-1])
