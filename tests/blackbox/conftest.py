# SPDX-License-Identifier: MIT
import os
import signal

import pytest

import deployments
import place
from place import until
from responder import Responder
from tree import Tree


def pytest_configure(config):
    # A shell that starts us in the background has it ignored, and what is
    # ignored stays so in the programs that are to be ended by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "deep: left to tests/run --all")


def pytest_collection_modifyitems(items):
    if not place.IN_SANDBOX:
        pytest.exit("these tests run by tests/run, inside tests/sandbox", 64)


@pytest.fixture(scope="session", autouse=True)
def _owned_by_the_responder():
    os.chown(place.ROOT, *place.OWNER)


@pytest.fixture
def tree():
    """An empty boot tree."""
    tree = Tree(place.ROOT, place.OWNER)
    tree.clear()
    if os.path.exists(place.LOG):
        os.truncate(place.LOG, 0)
    yield tree
    # Not before each answer is settled.
    until(lambda: not tree.claimed(), "no claim is left")
    tree.clear()


def _started(name):
    # Where the web server's own user can look, too.
    directory = os.path.join(place.SERVERS, name)
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o777)
    deployment = deployments.ALL[name](directory)
    deployment.start()
    return deployment


@pytest.fixture(scope="module", params=deployments.ALL)
def deployment(request):
    """Each way of deployment in turn."""
    deployment = _started(request.param)
    yield deployment
    deployment.stop()


@pytest.fixture(scope="module", params=[
    name for name, kind in deployments.ALL.items()
    if issubclass(kind, deployments.WebServer)])
def web_server(request):
    """Each web server in turn."""
    deployment = _started(request.param)
    yield deployment
    deployment.stop()


@pytest.fixture(scope="module", params=[
    name for name, kind in deployments.ALL.items() if kind.takes_params])
def program(request):
    """Each program in turn, without a web server."""
    deployment = _started(request.param)
    yield deployment
    deployment.stop()


@pytest.fixture
def responder(tmp_path):
    """A function that starts a responder with these arguments and settings."""
    started = []

    def start(*arguments, **how):
        env = {k: v for k, v in how.items() if k.startswith("PXESRV_")}
        rest = {k: v for k, v in how.items() if k not in env}
        started.append(Responder(
            str(tmp_path / f"responder{len(started)}.stderr"),
            arguments=arguments, env=env, **rest))
        return started[-1]

    yield start
    for one in started:
        if one.is_running():
            one.stop()


@pytest.fixture
def alone(request):
    """A deployment by name, for one test."""
    one = _started(request.param)
    yield one
    one.stop()


@pytest.fixture
def variant():
    """Starts a deployment with changed files, and ends it."""
    started = []

    def start(name, change, modules=()):
        directory = os.path.join(place.SERVERS, f"variant-{name}")
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o777)
        one = deployments.ALL[name](directory)
        one.change = change
        one.more_modules = [*getattr(one, "more_modules", []), *modules]
        one.start()
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()
