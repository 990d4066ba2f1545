# SPDX-License-Identifier: MIT
"""pxesrvctl stats --prometheus: what it says of the log and of the tree."""
import os
import re
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest

import ctl
import fastcgi
from deployments import meta_variables
from log_lines import line, note
from place import until
from tree import Link

SOURCES = "once", "until", "static", "subnet", "default"
# What PXESrv answers. These series are there before the first such request.
EXPECTED = {(source, status) for source in SOURCES
            for status in ("200", "403", "404", "499", "503")} | {
    ("names", status) for status in ("403", "404", "503")} | {
    ("other", status) for status in ("200", "400", "404", "405", "500", "503")}
ALWAYS = {"pxesrv_requests_total": "counter",
          "pxesrv_target_requests_total": "counter",
          "pxesrv_booting_clients": "gauge", "pxesrv_links": "gauge",
          "pxesrv_stats_timestamp_seconds": "gauge"}
SAMPLE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})?'
    r' (?P<value>[0-9]+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')
PROMTOOL = shutil.which("promtool")


def ago(**how):
    return datetime.now(timezone.utc) - timedelta(**how)


@pytest.fixture
def log(tmp_path):
    """A function that makes a log of these lines, and says where."""
    def make(*lines):
        path = tmp_path / "hand.log"
        path.write_text("".join(lines))
        return str(path)
    return make


def linted(text):
    """By Prometheus' own rules for names, types and units, where it is there."""
    if PROMTOOL:
        done = subprocess.run([PROMTOOL, "check", "metrics"], input=text,
                              capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return text


def metrics_of(*arguments, said="", **env):
    """Samples by name and labels; and the type of each metric."""
    done = ctl.run("stats", "--prometheus", *arguments, env=env)
    assert (done.status, done.err) == (0, said)
    assert done.out.endswith("\n")
    types, helped, samples = {}, [], {}
    for one in linted(done.out).splitlines():
        if one.startswith("# HELP "):
            helped.append(one.split()[2])
        elif one.startswith("# TYPE "):
            _, _, name, kind = one.split()
            assert name not in types and name == helped[-1]
            types[name] = kind
        else:
            sample = SAMPLE.fullmatch(one)
            assert sample, one
            name = sample["name"]
            assert name == list(types)[-1]  # the lines of one stand together
            key = name, *(re.sub(r"\\(.)", r"\1", value) for _, value
                          in LABEL.findall(sample["labels"] or ""))
            assert key not in samples
            samples[key] = int(sample["value"])
    assert {key[0] for key in samples} | {
        "pxesrv_target_requests_total",
        "pxesrv_recent_target_requests"} >= set(types)
    return samples, types


def values(samples, name):
    """The values of one metric by its labels."""
    return {key[1] if len(key) == 2 else key[1:]: value
            for key, value in samples.items() if key[0] == name}


@pytest.mark.skipif(not PROMTOOL, reason="no promtool here")
@pytest.mark.parametrize("bad", [
    "pxesrv_requests 1\n",
    "# HELP pxesrv_requests x\n# TYPE pxesrv_requests counter\n"
    "pxesrv_requests 1\n",
    "# HELP pxesrv_age_hours x\n# TYPE pxesrv_age_hours gauge\n"
    "pxesrv_age_hours 1\n", "a b c\n"])
def test_promtool_has_something_against_others(bad):
    with pytest.raises(AssertionError):
        linted(bad)


# The log

def test_requests_and_targets(tree, log):
    path = log(line(decision="once os/boot"),
               line(decision='once a\\x22b"\\'),
               line(decision="static x (Is a directory)", status=403),
               line(decision="-", status=404),
               line(decision="-", status=418), note("x"))
    samples, types = metrics_of(path)
    assert types == {**ALWAYS, "pxesrv_last_boot_timestamp_seconds": "gauge"}
    counted = {("once", "200"): 2, ("static", "403"): 1, ("other", "404"): 1,
               ("other", "418"): 1}
    assert values(samples, "pxesrv_requests_total") == {
        **dict.fromkeys(EXPECTED, 0), **counted}
    assert values(samples, "pxesrv_target_requests_total") == {
        "os/boot": 1, 'a\\x22b"\\': 1, "x": 1}


def test_each_status_of_a_responder_is_expected(responder, tree):
    """Its series has begun with 0, so that increase() sees the first one."""
    r = responder()
    samples, _ = metrics_of()
    before = set(values(samples, "pxesrv_requests_total"))
    tree.make({"default": "menu", "directory/x": "x",
               "static/10.0.0.1": Link("../nothing"),
               "static/10.0.0.2": Link("../directory")})
    asked = [("GET", "/redirect", "10.0.0.9"), ("GET", "/redirect", "10.0.0.1"),
             ("GET", "/redirect", "10.0.0.2"), ("GET", "/no", "10.0.0.9"),
             ("PUT", "/redirect", "10.0.0.9"), ("GET", "/done", "10.0.0.9"),
             ("GET", "/redirect", "nobody")]
    for one in asked:
        fastcgi.ask(r.path, meta_variables(*one))

    def counted():
        samples, _ = metrics_of()
        found = {key: n for key, n in values(
            samples, "pxesrv_requests_total").items() if n}
        return sum(found.values()) == len(asked) and found

    found = until(counted, "the lines")
    assert {status for _, status in found} == {
        "200", "400", "403", "404", "405", "500"}
    assert set(found) <= before == EXPECTED


def test_of_the_last_hours(tree, log):
    """What can shrink is no counter."""
    path = log(line(), line(time=ago(minutes=30)), line(time=ago(seconds=1)))
    samples, types = metrics_of("--since", "10m", path)
    assert types["pxesrv_recent_requests"] == "gauge"
    assert types["pxesrv_recent_target_requests"] == "gauge"
    assert not any(name.endswith("_total") for name in types)
    assert samples["pxesrv_recent_requests", "once", "200"] == 1
    assert samples["pxesrv_recent_target_requests", "os/boot"] == 1
    # This one is always of an hour.
    assert samples["pxesrv_booting_clients", "2"] == 1


def test_so_many_labels_and_no_more(tree, log):
    path = log(*(line(f"10.0.{n >> 8}.{n & 255}", time=ago(seconds=9),
                      decision=f"once t{n}") for n in range(3000)))
    samples, _ = metrics_of(path)
    assert len(values(samples, "pxesrv_target_requests_total")) == 100
    assert len(samples) == 100 + len(EXPECTED) + len(BOOTS) + 4 + 2
    assert not any("10.0." in label for key in samples for label in key)


def test_nothing_of_a_log_that_cannot_be_read(tree):
    done = ctl.run("stats", "--prometheus", "/nothing")
    assert (done.status, done.out) == (1, "")


BOOTS = "1", "2", "3", "5", "10", "20", "50"


def booting(*boots):
    """What the metric is if these many are the boots of each client."""
    return {least: sum(n >= int(least) for n in boots) for least in BOOTS}


def test_clients_that_boot_again_and_again(tree, log):
    """Not those before an hour ago, not HEAD, not an error, not /done."""
    path = log(*[line("10.0.0.1", ago(minutes=59))] * 5,
               *[line("10.0.0.2", ago(minutes=61))] * 5,
               *[line("10.0.0.3", ago(minutes=1), method="HEAD")] * 5,
               *[line("10.0.0.4", ago(minutes=1), 404)] * 5,
               *[line("10.0.0.5", ago(minutes=1), decision="done x")] * 5,
               *[line("10.0.0.6", ago(minutes=1), decision="default default")],
               line("10.0.0.7", ago(minutes=1), 499),
               *[line("2001:db8::7", ago(minutes=1))] * 60)
    samples, _ = metrics_of(path)
    assert values(samples, "pxesrv_booting_clients") == booting(5, 1, 60)
    assert values(samples, "pxesrv_booting_clients") == {
        "1": 3, "2": 2, "3": 2, "5": 2, "10": 1, "20": 1, "50": 1}


def test_when_the_last_boot_was(tree, log):
    last = ago(minutes=9)
    path = log(line(time=last), line(time=last - timedelta(seconds=5)),
               line(time=ago(minutes=5), method="HEAD"),
               line(time=ago(minutes=5), status=503))
    samples, _ = metrics_of(path)
    assert samples["pxesrv_last_boot_timestamp_seconds",] == int(
        last.timestamp())
    samples, _ = metrics_of(log(note("x")))
    assert not values(samples, "pxesrv_last_boot_timestamp_seconds")
    assert values(samples, "pxesrv_booting_clients") == booting()


def test_a_log_that_was_rotated(tree, log):
    """The counts begin again from 0, as after a restart."""
    path = log(line(), line(decision="static x", status=404))
    before, _ = metrics_of(path)
    os.rename(path, path + ".1")
    after, _ = metrics_of(log(""))
    names = set(values(before, "pxesrv_requests_total"))
    assert values(after, "pxesrv_requests_total") == dict.fromkeys(names, 0)


def test_its_own_time(tree, log):
    before = int(time.time())
    samples, _ = metrics_of(log(line()))
    assert before <= samples["pxesrv_stats_timestamp_seconds",] <= time.time()


# The tree

def age(tree, name, days):
    moment = time.time() - 86400 * days
    os.utime(tree.full(name), (moment, moment), follow_symlinks=False)
    return int(moment)


def test_links_that_wait(tree, log):
    path = log("")
    samples, _ = metrics_of(path)
    assert values(samples, "pxesrv_links") == {
        "armed": 0, "until": 0, "unsure": 0, "expired": 0}
    assert not values(samples, "pxesrv_oldest_link_timestamp_seconds")
    tree.make({"default": "menu", "once/README": Link("x"),
               "once/10.0.0.1": Link("../default"),
               "once/10.0.0.2": Link("../nothing"),
               "once/10.0.0.3": "no link", "until/node7": Link("../default"),
               "once/.claimed/10.0.0.4.1": Link("../default"),
               "once/.served/10.0.0.5": Link("../default")})
    when = {"armed": age(tree, "once/10.0.0.2", 3),
            "until": age(tree, "until/node7", 2),
            "unsure": age(tree, "once/.claimed/10.0.0.4.1", 1)}
    age(tree, "once/10.0.0.1", 1)
    age(tree, "once/10.0.0.3", 9)
    age(tree, "once/README", 9)
    samples, _ = metrics_of(path)
    assert values(samples, "pxesrv_links") == {
        "armed": 2, "until": 1, "unsure": 1, "expired": 0}
    assert values(samples, "pxesrv_oldest_link_timestamp_seconds") == when
    tree.clear()


def test_links_that_have_expired(tree, log):
    tree.make({"default": "menu", "once/10.0.0.1": Link("../default"),
               "once/10.0.0.2": Link("../default")})
    old = age(tree, "once/10.0.0.1", 2)
    new = age(tree, "once/10.0.0.2", .5)
    samples, _ = metrics_of(log(""), PXESRV_ONCE_EXPIRES="86400")
    assert values(samples, "pxesrv_links") == {
        "armed": 1, "until": 0, "unsure": 0, "expired": 1}
    assert values(samples, "pxesrv_oldest_link_timestamp_seconds") == {
        "armed": new, "expired": old}


def test_nothing_of_a_tree_that_cannot_be_read(tree, log):
    path = log(line())
    done = ctl.run("stats", "--prometheus", "-r", "/nothing", path)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "pxesrvctl: the tree /nothing: No such file or directory\n")
    tree.make({"once": "a file"})
    done = ctl.run("stats", "--prometheus", path)
    assert (done.status, done.out) == (1, "")
    assert done.err == "pxesrvctl: /srv/pxesrv/once: Not a directory\n"
    # People are shown the log alone.
    assert ctl.good("stats", "-r", "/nothing", path).out
