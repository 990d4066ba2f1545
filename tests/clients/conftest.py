# SPDX-License-Identifier: MIT
import functools
import glob
import os
import re
import shutil
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "blackbox"))

import deployments  # noqa: E402
import place  # noqa: E402
from network import Network, Network6, refused  # noqa: E402
from tree import Tree  # noqa: E402

KEPT = os.path.join(place.SOURCE, "build", "clients")
# Seconds after which a case has failed, whatever it waits for.
LIMIT, LONG_LIMIT = 240, 1800

# The second one is long: each of its boots by UEFI takes seconds.
NGINX_LIGHTTPD = pytest.mark.parametrize(
    "server", ["nginx", pytest.param("lighttpd", marks=pytest.mark.long)],
    indirect=True)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: left to tests/clients/run")


def pytest_collection_modifyitems(items):
    if not place.IN_SANDBOX:
        pytest.exit("these tests run by tests/clients/run", 64)
    why = refused() if place.AS_ROOT else "a bridge and taps need root"
    for item in items:
        if why:
            item.add_marker(pytest.mark.skip(why))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.has_failed = True


def _too_long(*_):
    raise TimeoutError("the case takes too long")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONG_LIMIT if item.get_closest_marker("long") else LIMIT)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session", autouse=True)
def _begin():
    os.chown(place.ROOT, *place.OWNER)
    shutil.rmtree(KEPT, ignore_errors=True)  # of an earlier run


@pytest.fixture
def directory(request):
    """Of one case: kept when it fails."""
    path = os.path.join(KEPT, request.node.name.replace("/", "-"))
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
def settings():
    """Those of the shipped files that the administrator switches on."""
    return []


def switched_on(settings, text):
    """A shipped file, without the comment sign in front of these settings."""
    if not settings:
        return text
    names = "|".join(settings)
    text = re.sub(rf'^(\t+)#((fastcgi_param |SetEnv |\t")({names})\b)',
                  r"\1\2", text, flags=re.MULTILINE)
    # lighttpd has all of them in one list.
    return re.sub(r"^\t#(setenv\.add-environment|\)$)", r"\t\1", text,
                  flags=re.MULTILINE)


@pytest.fixture
def server(request, tree, directory, settings):
    """A web server with the shipped files, and PXESrv behind it: nginx and the
    responder, unless the test is parametrized with others."""
    deployment = deployments.ALL[getattr(request, "param", "nginx")]
    written = os.path.join(place.SERVERS, "web")
    shutil.rmtree(written, ignore_errors=True)
    os.makedirs(written)
    os.chmod(written, 0o777)
    for name in ("once", "until", "static"):
        os.mkdir(tree.full(name))
        os.chown(tree.full(name), *place.OWNER)
    open(place.LOG, "w").close()
    os.chown(place.LOG, *place.OWNER)
    one = deployment(written)
    one.access_log = os.path.join(written, "access.log")
    one.change = functools.partial(switched_on, settings)
    try:
        one.start()
        yield one
        one.stop()
    finally:
        # Beside the machine's console, for whoever looks why it failed.
        for path in (place.LOG, *glob.glob(written + "/*.*")):
            shutil.copy(path, directory)


@pytest.fixture
def network(request, directory):
    kind = {"IPv4": Network, "IPv6 alone": Network6}[
        getattr(request, "param", "IPv4")]
    network = kind(directory)
    yield network
    network.stop()
