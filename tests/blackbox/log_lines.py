# SPDX-License-Identifier: MIT
"""Lines as the log has them, for tests of what reads it."""
from datetime import datetime, timezone

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=timezone.utc)


def stamp(time):
    return time.strftime("%d/%b/%Y:%H:%M:%S %z")


def line(client="127.0.0.7", time=NOON, status=200, decision="once os/boot",
         uri="/redirect", size=2, method="GET"):
    return (f'{client} - - [{stamp(time)}] "{method} {uri} HTTP/1.1" {status} '
            f"{size} 0.0003 {decision}\n")


def note(text):
    """A line that belongs to no request."""
    return f'- - - [{stamp(NOON)}] "- - -" 0 0 0.0000 {text}\n'
