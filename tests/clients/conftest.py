# SPDX-License-Identifier: MIT
import glob
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "blackbox"))

import deployments  # noqa: E402
import place  # noqa: E402
from network import Network, Network6, Refused  # noqa: E402
from tree import Tree  # noqa: E402

KEPT = os.path.join(place.SOURCE, "build", "clients")


# The second one is long: each of its boots by UEFI takes seconds.
NGINX_LIGHTTPD = pytest.mark.parametrize(
    "server", ["nginx", pytest.param("lighttpd", marks=pytest.mark.long)],
    indirect=True)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: left to tests/clients/run")


def pytest_collection_modifyitems(items):
    if not place.IN_SANDBOX:
        pytest.exit("these tests run by tests/clients/run", 64)
    if not place.AS_ROOT:
        for item in items:
            item.add_marker(pytest.mark.skip("bridge and taps need root"))


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
def server(request, tree, directory):
    """A web server with the shipped files, and PXESrv behind it: nginx and the
    responder, unless the test is parametrized with others."""
    deployment = deployments.ALL[getattr(request, "param", "nginx")]
    written = os.path.join(place.SERVERS, "web")
    shutil.rmtree(written, ignore_errors=True)
    os.makedirs(written)
    os.chmod(written, 0o777)
    for name in ("once", "static"):
        os.mkdir(tree.full(name))
        os.chown(tree.full(name), *place.OWNER)
    open(place.LOG, "w").close()
    os.chown(place.LOG, *place.OWNER)
    one = deployment(written)
    one.access_log = os.path.join(written, "access.log")
    one.start()
    yield one
    one.stop()
    # Beside the machine's console, for whoever looks why it failed.
    for path in (place.LOG, *glob.glob(written + "/*.*")):
        shutil.copy(path, directory)


@pytest.fixture
def network(request, directory):
    kind = {"IPv4": Network, "IPv6 alone": Network6}[
        getattr(request, "param", "IPv4")]
    try:
        network = kind(directory)
    except Refused as refused:
        pytest.skip(str(refused))
    yield network
    network.stop()
