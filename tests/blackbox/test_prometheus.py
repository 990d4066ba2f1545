# SPDX-License-Identifier: MIT
"""Prometheus, from the responder to an alert: the rules, the unit, the page."""
import functools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from datetime import datetime

import pytest

import place
from deployments import Nginx
from place import CONF, SOURCE, Program, until
from tree import Link, Tree

RULES = f"{CONF}/prometheus/pxesrv.rules.yml"
RULE_TESTS = f"{SOURCE}/tests/prometheus/rules.test.yml"
UNIT = f"{CONF}/systemd/pxesrv-metrics.service"
PAGE = f"{SOURCE}/docs/howto/prometheus.md"

PATH = place.clean_env()["PATH"]
which = functools.partial(shutil.which, path=PATH)
NODE_EXPORTER = which("prometheus-node-exporter") or which("node_exporter")
needs_promtool = pytest.mark.skipif(not which("promtool"),
                                    reason="no promtool here")


def read(path):
    with open(path) as file:
        return file.read()


ALERTS = re.findall(r"- alert: (\w+)$", read(RULES), re.MULTILINE)


def promtool(*arguments, text=None):
    done = subprocess.run([which("promtool"), *arguments], text=True, input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


# The files

@needs_promtool
def test_the_rules_are_right():
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool(
        "check", "rules", RULES)


@needs_promtool
def test_the_rules_over_hours_and_days():
    promtool("test", "rules", RULE_TESTS)


def test_each_alert_is_tested_and_described():
    tests, page = read(RULE_TESTS), read(PAGE)
    assert len(ALERTS) == 8
    for alert in ALERTS:
        assert re.search(
            rf"alertname: {alert}\n    exp_alerts:( &\w+)?\n", tests), alert
        assert re.search(rf"alertname: {alert}, exp_alerts: \[\]", tests), alert
        assert re.search(rf"^\| \[{alert}\]\(#", page, re.MULTILINE), alert
        assert re.search(rf"^### .*{alert}\b", page, re.MULTILINE), alert


def test_a_label_of_the_rules_is_one_of_the_metrics():
    """A rule on boots="4" would never fire."""
    metrics = read(f"{SOURCE}/ctl/metrics.c")
    least, = re.findall(r'boots="(\d+)"', read(RULES))
    assert least in re.search(r"boots\[\] = \{(.*)\}", metrics)[1].split(", ")


@needs_promtool
def test_the_page_adds_the_rules(tmp_path):
    """To the file that Debian has, by its commands."""
    if not os.path.exists("/etc/prometheus/prometheus.yml"):
        pytest.skip("no prometheus.yml here")
    page = re.sub(r"^```.*?^```$", "", read(PAGE), flags=re.MULTILINE | re.DOTALL)
    section = re.search(r"^## On the Prometheus server\n(.*?)^## ", page,
                        re.MULTILINE | re.DOTALL)[1]
    commands = "\n".join(re.findall(r"^    (.*)$", section, re.MULTILINE))
    shutil.copy("/etc/prometheus/prometheus.yml", tmp_path)
    done = subprocess.run(
        ["sh", "-euc", "sudo() { \"$@\"; }\n"
         "systemctl() { [ \"$*\" = 'reload prometheus' ]; }\n"
         + commands.replace("/usr/share/pxesrv/conf", CONF).replace(
             "/etc/prometheus", f"'{tmp_path}'")],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in done.stdout


@pytest.mark.skipif(not which("systemd-analyze"), reason="no systemd here")
def test_the_unit_leaves_little_open():
    """systemctl can load it in tests/packages/deb, where its programs are."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", UNIT],
        env=place.clean_env(LC_ALL="C.UTF-8"), capture_output=True, text=True)
    if done.returncode and "--offline" in done.stderr:
        pytest.skip("this systemd can't look at a file")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", done.stdout)
    assert exposure and float(exposure[1]) <= 0.9, done.stdout + done.stderr


# The command of the unit

# What systemd makes of a command.
AS_SYSTEMD = ("$$", "$"), ("%%", "%"), ("\\\\", "\\")


class Unit:
    """What the service does, without systemd: its command and its settings."""

    def __init__(self, directory, curl="/usr/bin/curl", **settings):
        self.directory = str(directory)
        os.chmod(directory, 0o755)
        os.chown(directory, *place.OWNER)
        self.file = f"{self.directory}/pxesrv.prom"
        text = read(UNIT)
        self.env = dict(one.split("=", 1) for one in re.findall(
            r"^Environment=(.*)$", text, re.MULTILINE))
        self.env.update(settings)
        command = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.MULTILINE)[1]
        for theirs, ours in (("\\\n", " "), *AS_SYSTEMD,
                             ("/usr/bin/pxesrvctl", place.CTL),
                             ("/usr/bin/curl", curl)):
            assert theirs in command
            command = command.replace(theirs, ours)
        self.command = shlex.split(command)
        self.umask = int(re.search(r"^UMask=(.*)$", text, re.MULTILINE)[1], 8)

    def run(self):
        return subprocess.run(
            self.command, cwd=self.directory, env=place.clean_env(**self.env),
            umask=self.umask, capture_output=True, text=True,
            timeout=place.PATIENCE, **place.AS_USER)


@pytest.fixture
def directory():
    """One that the responder's user gets to."""
    path = f"{place.SERVERS}/metrics"
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    yield path
    shutil.rmtree(path)


def test_the_file_is_whole_or_the_one_before(responder, tree, directory):
    r = responder()
    unit = Unit(directory, PROBE="")
    assert unit.run().returncode == 0
    first = read(unit.file)
    assert first.endswith("\n") and "pxesrv_stats_timestamp_seconds " in first
    assert "pxesrv_probe" not in first
    assert os.stat(unit.file).st_mode & 0o7777 == 0o644
    tree.make({"once": "no directory"})
    done = unit.run()
    assert done.returncode == 1 and "Not a directory" in done.stderr
    assert read(unit.file) == first
    os.unlink(tree.full("once"))
    assert unit.run().returncode == 0
    assert sorted(os.listdir(directory)) == ["pxesrv.prom"]
    r.stop()


# The probe

URL = f"http://127.0.0.1:{Nginx.port}/redirect"


def probed(directory, url):
    """The metric, and what curl says."""
    unit = Unit(directory, PROBE=url)
    done = unit.run()
    assert done.returncode == 0, done.stderr
    written = read(unit.file)
    if which("promtool"):
        assert promtool("check", "metrics", text=written) == ""
    return int(re.search(r"^pxesrv_probe_http_status_code (\d+)$", written,
                         re.MULTILINE)[1]), done.stderr


def test_the_probe_is_that_of_the_shipped_server(directory):
    assert Unit(directory).env["PROBE"] == URL
    assert f"listen {Nginx.port};" in read(f"{CONF}/nginx/server.conf")


@pytest.mark.parametrize("alone", ["nginx"], indirect=True)
def test_the_status_of_the_answer(alone, tree, directory):
    assert probed(directory, URL) == (404, "")  # there is no default
    tree.make({"default": "menu"})
    tree.arm("127.0.0.1", "../default")
    for host in "127.0.0.1", "localhost", "[::1]":
        url = URL.replace("127.0.0.1", host)
        assert probed(directory, url) == (200, ""), host
    assert tree.is_there("once/127.0.0.1")
    assert [one[:2] for one in alone.decided(4)] == [
        ("HEAD", "404"), *[("HEAD", "200")] * 3]
    alone.responder.stop()
    assert probed(directory, URL) == (503, "")


def test_no_answer(responder, directory):
    responder()  # for its log
    assert probed(directory, f"http://127.0.0.1:{place.free_port()}/")[0] == 0
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, said = probed(
            directory, f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert code == 0 and "timed out after 5" in said


@pytest.mark.parametrize("url", [
    "http://no.invalid/", "http://", " ", "-h", "file:///etc/passwd",
    "http://127.0.0.1/ x", "@/etc/passwd"])
def test_a_url_that_leads_nowhere(responder, directory, url):
    responder()
    code, said = probed(directory, url)
    assert code == 0 and said.startswith("curl: (")


def test_without_curl_the_service_fails(responder, directory):
    """It would not say whether the responder is away."""
    responder()
    unit = Unit(directory, curl=f"{directory}/nothing")
    done = unit.run()
    assert done.returncode == 1 and "nothing: not found" in done.stderr
    assert not os.path.exists(unit.file)
    unit = Unit(directory, curl=f"{directory}/nothing", PROBE="")
    assert unit.run().returncode == 0
    assert os.path.exists(unit.file)


# From a request to an alert

ALL_IS_WELL = 3  # evaluations of all rules without an alert


class Site:
    """nginx and the responder, node exporter, and Prometheus with the rules."""

    def __init__(self, directory):
        self.directory = directory
        for name in "nginx", "metrics", "textfile":
            os.makedirs(f"{directory}/{name}")
            os.chmod(f"{directory}/{name}", 0o777)
        self.tree = Tree(place.ROOT, place.OWNER)
        self.tree.clear()
        self.tree.make({"default": "menu", "os/boot": "os"})
        self.web = Nginx(f"{directory}/nginx")
        self.web.start()
        until(lambda: os.path.exists(place.LOG), "the log")
        self.unit = Unit(f"{directory}/metrics")
        # The link that the page tells to make.
        os.symlink(self.unit.file, f"{directory}/textfile/pxesrv.prom")
        self.write()
        self.exporter_port, self.port = place.free_port(), place.free_port()
        self.exporter = Program(
            [NODE_EXPORTER, "--collector.disable-defaults",
             "--collector.textfile", "--collector.textfile.directory",
             f"{directory}/textfile", "--web.listen-address",
             f"127.0.0.1:{self.exporter_port}"], f"{directory}/exporter.log")
        self.prometheus = self.start_prometheus()
        self.wait_for(lambda: self.get("rules")["groups"], "Prometheus")

    def start_prometheus(self):
        # The shipped rules, but for how long an alert has to last.
        text, count = re.subn(r"^    for: \w+$", "    for: 1s", read(RULES),
                              flags=re.MULTILINE)
        assert count == 2
        with open(f"{self.directory}/pxesrv.rules.yml", "w") as file:
            file.write(text)
        with open(f"{self.directory}/prometheus.yml", "w") as file:
            file.write(f"""
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [pxesrv.rules.yml]
scrape_configs:
- job_name: node
  static_configs: [{{targets: ['127.0.0.1:{self.exporter_port}']}}]
""")
        return Program(
            ["prometheus", f"--config.file={self.directory}/prometheus.yml",
             f"--storage.tsdb.path={self.directory}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            f"{self.directory}/prometheus.log", cwd=self.directory)

    def wait_for(self, condition, what):
        def checked():
            for one in self.prometheus, self.exporter:
                assert one.is_running(), one.messages()
            try:
                return condition()
            except OSError:
                return False
        return until(checked, what, within=60)

    def get(self, what):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{what}",
                timeout=place.PATIENCE) as answer:
            return json.load(answer)["data"]

    def write(self):
        """As the timer has it done each minute."""
        done = self.unit.run()
        assert done.returncode == 0, done.stderr

    def ask(self, client="127.0.0.7", path="/redirect"):
        before = len(self.web.log())
        answer = self.web.ask(path, client=client)
        until(lambda: len(self.web.log()) > before, "the line in the log")
        return answer.status

    def rules(self):
        (group,) = self.get("rules")["groups"]
        assert {rule["name"] for rule in group["rules"]} == set(ALERTS)
        return group["rules"]

    def firing(self):
        """The alerts that fire, by name and the labels that matter."""
        return {(one["labels"]["alertname"], *(
            value for name, value in sorted(one["labels"].items())
            if name in ("kind", "decision", "status", "boots")))
            for one in self.get("alerts")["alerts"] if one["state"] == "firing"}

    def evaluated(self):
        """Waits until all rules have seen what is in the file now."""
        written = time.time()

        def scraped():
            targets = self.get("targets")["activeTargets"]  # none at first
            return targets and targets[0]["health"] == "up" and \
                epoch(targets[0]["lastScrape"]) > written
        self.wait_for(scraped, "Prometheus has the file")
        since = time.time()

        def all_later():
            rules = self.rules()
            assert not [rule for rule in rules if rule.get("lastError")]
            return all(rule["health"] == "ok" and
                       epoch(rule["lastEvaluation"]) > since for rule in rules)
        self.wait_for(all_later, "an evaluation")

    def wait_for_alerts(self, *wanted):
        """These fire, and no others."""
        self.write()
        self.settle(*wanted)

    def settle(self, *wanted):
        self.evaluated()
        try:
            self.wait_for(lambda: self.firing() == set(wanted), "the alerts")
        finally:
            assert self.firing() == set(wanted)

    def stop(self):
        for one in self.prometheus, self.exporter:
            one.end()
        if self.web.responder.is_running():
            self.web.stop()
        else:
            self.web.server.end()


def epoch(text):
    """Seconds of a time as Go writes it, with nanoseconds."""
    match = re.fullmatch(r"(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)?(Z|[+-]\d+:\d+)", text)
    zone = "+00:00" if match[3] == "Z" else match[3]
    return datetime.fromisoformat(match[1] + zone).timestamp() + float(
        match[2] or 0)


@pytest.fixture(scope="module")
def site():
    if not (which("prometheus") and NODE_EXPORTER):
        pytest.skip("no Prometheus or no node exporter here")
    path = f"{place.SERVERS}/prometheus"
    os.makedirs(path)
    os.chmod(path, 0o755)
    one = Site(path)
    yield one
    one.stop()
    one.tree.clear()


deep = pytest.mark.deep


@deep
def test_all_is_well(site):
    """Machines boot, one link waits, one is unsure for a moment: no alert."""
    site.tree.arm("127.0.0.7", "../os/boot")
    assert [site.ask() for _ in range(4)] == [200] * 4
    assert site.ask(path="/done") == 400
    site.tree.arm("127.0.0.8", "../os/boot")
    for _ in range(ALL_IS_WELL):
        site.wait_for_alerts()
        assert not site.get("alerts")["alerts"]  # not even a pending one
    up = site.get("query?query=pxesrv_probe_http_status_code")["result"]
    assert up[0]["value"][1] == "200"
    os.unlink(site.tree.full("once/127.0.0.8"))


@deep
def test_a_forgotten_link(site):
    for entry, kind in ("once/127.0.0.8", "armed"), ("until/node7", "until"):
        site.tree.add(entry, Link("../os/boot"))
        touch(site, entry, "-23 hours")
        site.wait_for_alerts()
        touch(site, entry, "-25 hours")
        site.wait_for_alerts(("PXESrvLinkForgotten", kind))
        os.unlink(site.tree.full(entry))
        site.wait_for_alerts()


def touch(site, entry, when):
    subprocess.run(["touch", "-h", "-d", when, site.tree.full(entry)], check=True)


@deep
def test_a_claim_that_a_crash_left(site):
    """The responder is killed while it sends the answer."""
    site.tree.add("os/large", b"x" * (64 << 20))
    site.tree.arm("127.0.0.8", "../os/large")
    connection = site.web.connect("127.0.0.8")
    connection.request("GET", "/redirect")
    claim, = until(site.tree.claimed, "its claim")
    site.wait_for_alerts()  # it is under way
    pid = site.web.responder.pid
    os.kill(pid, signal.SIGKILL)
    site.web.responder.process.wait()
    connection.close()
    site.web.start_responder()
    site.wait_for_alerts()  # it could still be under way
    touch(site, f"once/.claimed/{claim}", "-11 minutes")
    site.wait_for_alerts(("PXESrvClaimLeft", "unsure"))
    os.unlink(site.tree.full(f"once/.claimed/{claim}"))
    site.wait_for_alerts()


@deep
def test_the_responder_is_away(site):
    site.web.responder.stop()
    site.wait_for_alerts(("PXESrvAway",))
    site.web.start_responder()
    site.wait_for_alerts()
    site.web.responder.halt()  # there, but it does not answer
    site.wait_for_alerts(("PXESrvAway",))
    site.web.responder.go_on()
    site.wait_for_alerts()


@deep
def test_metrics_that_nobody_writes(site):
    """The file is as it was left eleven minutes ago, then it is gone."""
    text = re.sub(r"(?m)^(pxesrv_stats_timestamp_seconds) .*$",
                  rf"\1 {int(time.time()) - 660}", read(site.unit.file))
    with open(site.unit.file + ".test", "w") as file:
        file.write(text)
    os.rename(site.unit.file + ".test", site.unit.file)
    site.settle(("PXESrvStatsStale",))
    os.rename(site.unit.file, site.unit.file + ".gone")
    site.settle(("PXESrvStatsMissing",))
    os.unlink(site.unit.file + ".gone")
    site.wait_for_alerts()


# Last, since these alerts look at what was: they end after ten minutes or an hour.

LOOP = "PXESrvBootLoop", "5"
BROKEN = "PXESrvBrokenEntry", "static", "404"
SERVER = "PXESrvServerError", "once", "503"


def loop(site):
    """The fifth boot of one machine, not of several."""
    for client in range(20, 40):
        assert site.ask(f"127.0.0.{client}") == 200
    assert [site.ask("127.0.0.9") for _ in range(4)] == [200] * 4
    site.wait_for_alerts()
    assert site.ask("127.0.0.9") == 200
    site.wait_for_alerts(LOOP)


def fail(site):
    """The first error of its kind in the log counts."""
    site.tree.add("static/127.0.0.10", Link("../os/nothing"))
    site.wait_for_alerts(LOOP)
    assert site.ask("127.0.0.10") == 404
    site.wait_for_alerts(LOOP, BROKEN)
    site.tree.arm("127.0.0.11", "../os/boot")
    os.chmod(site.tree.full("once"), 0o555)  # the link can't be moved
    assert site.ask("127.0.0.11") == 503
    os.chmod(site.tree.full("once"), 0o755)
    site.wait_for_alerts(LOOP, BROKEN, SERVER)
    assert site.ask("127.0.0.11") == 200


def rotate(site):
    """The loop is forgotten, the errors are not, and nothing counts twice."""
    os.rename(place.LOG, place.LOG + ".1")
    os.kill(site.web.responder.pid, signal.SIGHUP)
    until(lambda: os.path.exists(place.LOG), "the new log")
    before = requests(site)
    site.wait_for_alerts(BROKEN, SERVER)
    assert site.ask() == 200
    site.wait_for_alerts(BROKEN, SERVER)
    # Prometheus guesses at what is between its samples.
    assert before - 1 < requests(site) < before + 10
    os.unlink(place.LOG + ".1")


@deep
def test_a_boot_loop_then_errors_then_a_rotation(site):
    loop(site)
    fail(site)
    rotate(site)


def requests(site):
    """How many Prometheus has seen come."""
    query = "query?query=sum(increase(pxesrv_requests_total[10m]))"
    return float(site.get(query)["result"][0]["value"][1])
