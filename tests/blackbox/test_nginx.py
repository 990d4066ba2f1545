# SPDX-License-Identifier: MIT
"""nginx with more in its server than what is shipped."""
import os

import place
from deployments import Nginx

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
