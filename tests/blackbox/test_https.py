# SPDX-License-Identifier: MIT
"""The routes in a server that speaks HTTPS, as docs/howto/https.md has it."""
import http.client
import os
import shutil
import ssl
import subprocess

import pytest

import howto
import place
from place import until
from tree import Link

PORT = 4443
CLIENT = "127.0.0.7"
SERVERS = {"nginx": ("nginx", "nginx", []),
           "lighttpd": ("lighttpd", "lighttpd", []),
           "apache-fcgi": ("apache", "apache", ["ssl", "socache_shmcb"])}


@pytest.fixture(scope="module")
def certificate():
    """The page's names, and the files of this test in their place."""
    directory = os.path.join(place.SERVERS, "https")
    os.makedirs(directory)
    own = {f"/etc/ssl/{name}": f"{directory}/{os.path.basename(name)}"
           for name in ("certs/boot.example.org.pem",
                        "private/boot.example.org.key")}
    pem, key = own.values()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
         "/CN=boot", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
         "-out", pem], check=True, capture_output=True)
    os.chmod(key, 0o644)  # lighttpd's user is not root here
    yield own
    shutil.rmtree(directory)


def ask(certificate, path, method="GET", client=CLIENT):
    trusts = ssl.create_default_context(
        cafile=certificate["/etc/ssl/certs/boot.example.org.pem"])
    connection = http.client.HTTPSConnection(
        "127.0.0.1", PORT, timeout=place.PATIENCE, context=trusts,
        source_address=(client, 0))
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers.get_content_type(), body


@pytest.mark.parametrize("name", SERVERS)
def test_https(variant, tree, certificate, name):
    kind, word, modules = SERVERS[name]
    block = howto.block("https.md", kind, "443")
    for path, own in certificate.items():
        assert path in block
        block = block.replace(path, own)
    block = block.replace("443", str(PORT)).replace(
        "/usr/share/pxesrv/conf", place.CONF)
    if name == "apache-fcgi":
        block = f"Listen {PORT}\n{block}"

    def add(text):
        return text + block if "/srv/pxesrv" in text and "4567" in text else text
    variant(name, add, modules)
    tree.make({"default": "default", "os/boot": "os", "x.efi": "MZ",
               f"once/{CLIENT}": Link("../os/boot"), "once/file": "hidden"})
    assert ask(certificate, "/redirect", "HEAD")[0] == 200
    assert ask(certificate, "/redirect")[::2] == (200, b"os")
    assert ask(certificate, "/redirect")[::2] == (200, b"default")
    until(lambda: tree.link(f"once/.served/{CLIENT}"), "it is settled")
    assert ask(certificate, "/x.efi")[:2] == (200, "application/efi")
    assert ask(certificate, "/once/file")[0] == 404
