# SPDX-License-Identifier: MIT
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "blackbox"))

import place  # noqa: E402
from deployments import Nginx  # noqa: E402
from network import SERVER, Network, Refused  # noqa: E402
from tree import Tree  # noqa: E402

KEPT = os.path.join(place.SOURCE, "build", "clients")
URL = f"http://{SERVER}:4567/redirect"
# iPXE only: the installer that it starts asks the DHCP server as well.
IPXE = ["dhcp-userclass=set:ipxe,iPXE", f"dhcp-boot=tag:ipxe,{URL}",
        # Without a wait for a proxy DHCP server.
        "dhcp-option-force=tag:ipxe,encap:175,176,1b"]
UEFI = ["dhcp-vendorclass=set:httpc,HTTPClient",
        f"dhcp-boot=tag:httpc,{URL}",
        "dhcp-option-force=tag:httpc,60,HTTPClient"]


def pytest_collection_modifyitems(items):
    if not place.IN_SANDBOX or not place.AS_ROOT:
        pytest.exit("these tests run by tests/clients/run, as root", 64)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.has_failed = True


@pytest.fixture(scope="session", autouse=True)
def _owned_by_the_responder():
    os.chown(place.ROOT, *place.OWNER)


@pytest.fixture
def directory(request):
    """Of one case: kept when it fails."""
    path = os.path.join(KEPT, request.node.name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    yield path
    if not getattr(request.node, "has_failed", False):
        shutil.rmtree(path)


@pytest.fixture
def tree():
    tree = Tree(place.ROOT, place.OWNER)
    tree.clear()
    yield tree
    tree.clear()


@pytest.fixture
def server(tree, directory):
    """nginx and the responder, from the shipped files."""
    servers = os.path.join(place.SERVERS, "nginx")
    os.makedirs(servers, exist_ok=True)
    os.chmod(servers, 0o777)
    for name in ("once", "static"):
        os.mkdir(tree.full(name))
        os.chown(tree.full(name), *place.OWNER)
    open(place.LOG, "w").close()
    os.chown(place.LOG, *place.OWNER)
    one = Nginx(servers)
    one.start()
    yield one
    one.stop()
    shutil.copy(place.LOG, os.path.join(directory, "pxesrv.log"))


@pytest.fixture
def network(directory):
    try:
        network = Network(directory)
    except Refused as refused:
        pytest.skip(str(refused))
    yield network
    network.stop()
