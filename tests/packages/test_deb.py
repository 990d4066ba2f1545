# SPDX-License-Identifier: MIT
"""The Debian package on a machine that has nothing else of PXESrv.

tests/packages/deb boots that machine, with systemd, and runs this on it as
root. The tests are the life of one installation: each goes on where the one
before it ended. What docs/howto/ tells to do is done as it stands there.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from errno import EACCES, EAFNOSUPPORT, ECONNREFUSED, ENOENT, EPERM, EROFS

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    BOOT, LOG, TREE, Armed, Load, as_alice, ask, boots_once, do, figure,
    main_pid, owner, read, run, stop, until, what_is_theirs)

DEBIAN = "install-debian"
MONITORING = "prometheus"
DROP_IN = "/run/systemd/system/{}.d/test.conf"
METRICS = "/var/cache/pxesrv/pxesrv.prom"


# Installed


def test_it_is_installed_and_runs():
    do(DEBIAN, "Install the package")
    for unit in "pxesrv.socket", "pxesrv.service":
        assert run("systemctl", "is-active", unit) == "active\n"
        assert run("systemctl", "is-enabled", unit) == "enabled\n"
    assert owner("/run/pxesrv/fcgi.sock") == "root:www-data 660"
    assert owner(TREE) == "root:root 755"
    assert owner(f"{TREE}/static") == "root:pxesrv-admin 2775"
    assert owner(f"{TREE}/once") == "pxesrv:pxesrv-admin 3770"
    assert owner(LOG) == "pxesrv:adm 640"
    assert "pxesrv-admin" in run("id", "-nG", "alice")


def test_the_responder_builds_its_own_sandbox_too():
    """Within the one of systemd, which must let it."""
    line = re.search("sandbox: .*", read(LOG)).group(0)
    figure(line)
    assert "Landlock" in line and "seccomp" in line
    assert "not confined" not in line


def test_what_it_makes_is_for_the_administrators():
    """To see, or to write to, where nobody is in another's way."""
    for name, mode in (".claimed", 2750), (".served", 2750), (
            ".cancelled", 3770):
        assert owner(f"{TREE}/once/{name}") == f"pxesrv:pxesrv-admin {mode}"
    assert owner(f"{TREE}/once/.lock") == "pxesrv:pxesrv-admin 660"


def test_the_units_are_right():
    assert run("systemd-analyze", "verify", "pxesrv.service",
               "pxesrv.socket", "pxesrv-metrics.service",
               "pxesrv-metrics.timer") == ""


# The second one asks the web server, and its file is for another user.
@pytest.mark.parametrize("unit, most", [("pxesrv", 0.2),
                                        ("pxesrv-metrics", 0.9)])
def test_the_units_leave_little_open(unit, most):
    path = run("systemctl", "show", "-P", "FragmentPath", f"{unit}.service")
    said = run("systemd-analyze", "security", "--offline=true", path.strip())
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", said).group(1)
    figure(f"systemd-analyze security: {unit}.service: {exposure}")
    assert float(exposure) <= most, said


def test_the_man_pages_and_the_tool_are_there():
    for page in "pxesrv.8", "pxesrv.fcgi.8", "pxesrv.cgi.8", "pxesrvctl.8":
        assert os.path.exists(f"/usr/share/man/man8/{page}.gz")
    assert "once" in as_alice("pxesrvctl -h")


# Inside

# systemd has the kernel refuse it since 253, and before that by a filter of calls.
NO_NEW_CODE = EACCES if int(run("systemctl", "--version").split()[1]) >= 253 \
    else EPERM

REFUSED = {
    "read_shadow": EACCES, "read_home": EACCES, "read_state": EACCES,
    "read_boot": EACCES, "read_tmp_of_others": ENOENT,
    "read_process_1": ENOENT, "read_memory_size": ENOENT,
    "open_device": ENOENT, "write_etc": EROFS, "write_programs": EROFS,
    "write_libraries": EROFS, "connect_bus": EACCES,
    "connect_nameless": ECONNREFUSED,
    "write_run": EROFS, "write_tree": EROFS, "write_static": EROFS,
    "write_default": EROFS, "write_settings": ENOENT,
    "make_control_group": EROFS,
    "make_device": EPERM, "open_by_handle": EPERM, "make_setuid": EPERM,
    "make_setgid": EPERM, "execute_program": EACCES,
    "execute_own_file": EACCES, "map_writable_code": NO_NEW_CODE,
    "data_to_code": NO_NEW_CODE, "code_from_file": EPERM,
    "code_from_log_directory": EPERM, "code_from_memory_file": EPERM,
    "socket_inet": EAFNOSUPPORT, "socket_inet6": EAFNOSUPPORT,
    "socket_netlink": EAFNOSUPPORT, "socket_packet": EAFNOSUPPORT,
    "signal_process_1": EPERM, "trace": EPERM, "read_process": EPERM,
    "set_user": EPERM, "set_groups": EPERM, "give_away": EPERM,
    "set_personality": EPERM, "set_priority": EPERM, "set_real_time": EPERM,
    "lock_memory": EPERM, "key": EPERM, "mount_something": EPERM,
    "unmount": EPERM, "change_root": EPERM, "new_user_namespace": EPERM,
    "new_mount_namespace": EPERM, "enter_namespace": EPERM,
    "io_uring": EPERM, "aio": EPERM, "bpf": EPERM, "page_faults": EPERM,
    "counters": EPERM, "load_module": EPERM, "set_host_name": EPERM,
    "set_clock": EPERM, "swap": EPERM, "restart_machine": EPERM,
}


def tried(text):
    assert text.splitlines()[-1] == "tried all", text
    return {name: int(error) for name, error
            in re.findall(r"^tried (\w+) (\d+)$", text, re.MULTILINE)}


# The unit's wall is that it has a user of its own.
LEFT_TO_THE_USER = {"signal_process_1"}
INTRUDER = "/usr/libexec/pxesrv/unit-intruder"
MADE = ("/etc/intruder", "/usr/libexec/pxesrv/intruder", "/run/intruder",
        f"{TREE}/intruder", f"{TREE}/static/intruder",
        "/usr/lib/of-pxesrv/intruder", "/tmp/mode", "/tmp/program", "/tmp/code")


def drop_in(lines, unit="pxesrv.service"):
    """For the unit, or none."""
    path = DROP_IN.format(unit)
    shutil.rmtree(os.path.dirname(path), ignore_errors=True)
    if lines:
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as file:
            file.write(lines)
    run("systemctl", "daemon-reload")


def in_the_unit(more="", unit="pxesrv.service"):
    said = "/results/in-unit"
    drop_in(f"[Service]\nType=exec\nRestart=no\nExecStart=\n"
            f"ExecStart={INTRUDER}\nStandardOutput=truncate:{said}\n{more}", unit)
    run("systemctl", "start", "--wait", unit)
    drop_in("", unit)
    return tried(read(said))


def without_it(*command):
    result = tried(run(*command, INTRUDER))
    os.system("umount /mnt 2>/dev/null")
    for path in filter(os.path.lexists, MADE):
        os.unlink(path)
    return result


@pytest.fixture(scope="module")
def outcomes():
    """What an intruder could in the responder's unit: as the responder's user,
    and as root; and without the unit."""
    shutil.copy("/results/unit-intruder", INTRUDER)
    for name in "/tmp/of-others", f"{TREE}/default":
        with open(name, "a"):
            os.chmod(name, 0o644)
    shutil.chown(f"{TREE}/default", "pxesrv")
    os.mknod("/dev/of-others", 0o20666, os.makedev(1, 3))
    os.chmod("/dev/of-others", 0o666)
    os.mkdir("/usr/lib/of-pxesrv")
    shutil.chown("/usr/lib/of-pxesrv", "pxesrv")
    run("systemctl", "stop", "pxesrv.service")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0of-others")
        listener.listen()
        found = {"inside": in_the_unit(),
                 "root inside": in_the_unit("User=root\nGroup=root\n"),
                 "metrics": in_the_unit("ExecPaths=/usr/libexec/pxesrv\n",
                                        "pxesrv-metrics.service"),
                 "user outside": without_it("setpriv", "--reuid=pxesrv",
                                            "--regid=pxesrv", "--clear-groups"),
                 "root outside": without_it()}
    run("systemctl", "start", "pxesrv.service")
    for name in (INTRUDER, "/dev/of-others", f"{TREE}/default",
                 "/tmp/of-others"):
        os.unlink(name)
    os.rmdir("/usr/lib/of-pxesrv")
    inside = found["inside"]
    figure(f"attempts in the unit: {len(inside)}, refused: "
           f"{sum(error != 0 for error in inside.values())}; refused in the "
           f"same way without it, to root: "
           f"{sum(found['root outside'][n] == e for n, e in REFUSED.items())}, "
           f"to the responder's user: "
           f"{sum(found['user outside'][n] == e for n, e in REFUSED.items())}")
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_the_unit_refuses(outcomes, name):
    assert outcomes["inside"][name] == REFUSED[name]
    assert outcomes["root outside"][name] != REFUSED[name], "nothing is shown"
    # What its user may not do anyhow, root may not do in there.
    if outcomes["user outside"][name] == REFUSED[name] and \
            name not in LEFT_TO_THE_USER:
        assert outcomes["root inside"][name] != 0, "the unit leaves it to others"


def test_the_unit_leaves_what_is_needed(outcomes):
    inside = outcomes["inside"]
    needed = [name for name in inside if name.startswith("may_")]
    assert len(needed) == 3
    assert [inside[name] for name in needed] == [0, 0, 0]


def test_each_attempt_has_its_row(outcomes):
    assert set(outcomes["inside"]) == set(REFUSED) | {
        "may_read_tree", "may_make_lock", "may_open_log"}


# Web servers


def test_a_tree():
    do(DEBIAN, "Fill the tree")
    assert read(f"{TREE}/{BOOT}").startswith("#!ipxe\n")
    assert owner(f"{TREE}/once") == "pxesrv:pxesrv-admin 3770"
    assert as_alice("pxesrvctl check") == ""


def test_nginx():
    assert "200 OK" in do(DEBIAN, "nginx")
    boots_once(4567, "127.0.0.7")
    assert ask(4567, "127.0.0.1")[0] == 200


def test_restarts_fail_no_request():
    with Load("100 restarts under load"), Armed("100 restarts"):
        pids = {main_pid()}
        for _ in range(100):
            run("systemctl", "restart", "pxesrv.service")
            pids.add(main_pid())
    assert len(pids) == 101


def test_another_place_for_the_tree():
    here = read(f"{TREE}/default")
    os.makedirs("/data/boot")
    with open("/data/boot/default", "w") as file:
        file.write("default of another place")
    do(DEBIAN, "Another place for the tree")
    assert owner("/data/boot/once") == "pxesrv:pxesrv-admin 3770"
    os.makedirs(f"/data/boot/{os.path.dirname(BOOT)}")
    with open(f"/data/boot/{BOOT}", "w") as file:
        file.write("an installer of another place")
    boots_once(4567, "127.0.0.16")
    assert run("curl", "-sS", "http://127.0.0.1:4567/default") == \
        "default of another place"
    assert os.path.lexists("/data/boot/once/.served/127.0.0.16")
    run("systemctl", "stop", "pxesrv.service")
    run("umount", TREE)
    run("sed", "-i", "/pxesrv/d", "/etc/fstab")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "pxesrv.service")
    assert ask(4567, "127.0.0.16") == (200, here)
    shutil.rmtree("/data")


def test_a_tree_without_once():
    """It is as an empty one."""
    run("mv", f"{TREE}/once", "/srv/once")
    run("systemctl", "restart", "pxesrv.service")
    assert ask(4567, "127.0.0.7") == (200, read(f"{TREE}/default"))
    run("mv", "/srv/once", f"{TREE}/once")
    run("systemctl", "restart", "pxesrv.service")
    boots_once(4567, "127.0.0.16")


def starts():
    return int(run("systemctl", "show", "-P", "NRestarts", "pxesrv.service"))


def test_a_wrong_setting_is_tried_at_leisure():
    """Were it left alone, a request would start it again without end."""
    drop_in("[Service]\nEnvironment=PXESRV_THREADS=abc\n")
    os.system("systemctl restart pxesrv.service 2>/dev/null")
    begin, before = time.monotonic(), starts()
    client = subprocess.Popen(
        ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
         "http://127.0.0.1:4567/redirect"], stdout=subprocess.PIPE, text=True)
    until(lambda: starts() >= before + 4, "some starts")
    assert time.monotonic() - begin > 3
    drop_in("")
    assert client.communicate(timeout=20)[0] == "200"


def test_without_the_mount_of_its_tree():
    """PID 1 must not be kept busy by one request, and the client is told."""
    with open("/run/systemd/system/srv-pxesrv.mount", "w") as file:
        file.write(f"[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere={TREE}\n"
                   "Options=size=nonsense\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "stop", "pxesrv.service")
    assert ask(4567, "127.0.0.16")[0] in (502, 503, 504)
    until(lambda: "trigger-limit-hit" in run(
        "systemctl", "show", "-P", "Result", "pxesrv.socket"), "the limit")
    failures = run("sh", "-c", "journalctl -b -u pxesrv.service | "
                   "grep -c 'Dependency failed' || :")
    figure(f"without the mount of its tree: {failures.strip()} attempts to "
           "start it, then 503")
    assert 0 < int(failures) <= 210
    assert ask(4567, "127.0.0.16")[0] == 503
    os.unlink("/run/systemd/system/srv-pxesrv.mount")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "pxesrv.service")
    boots_once(4567, "127.0.0.16")


def test_grub_s_configuration_is_cleared():
    os.makedirs(f"{TREE}/grub/12")
    mine, other = (f"{TREE}/grub/12/grub.cfg-{name}"
                   for name in ("7F000011", "7F000012"))
    for path in mine, other:
        with open(path, "w"):
            pass
    do("grub", "Let the responder remove it")
    said = run("curl", "-sS", "--interface", "127.0.0.17",
               "http://127.0.0.1:4567/grub/clear/12")
    assert said.strip() == "Delete grub/12/grub.cfg-7F000011"
    assert not os.path.exists(mine) and os.path.exists(other)


def test_a_killed_responder_is_there_again():
    pid = main_pid()
    assert pid > 0
    os.kill(pid, signal.SIGKILL)
    until(lambda: main_pid() not in (0, pid), "another one")
    assert ask(4567, "127.0.0.1")[0] == 200


def test_the_log_goes_on_after_a_rotation():
    run("logrotate", "-f", "/etc/logrotate.d/pxesrv")
    assert owner(LOG) == "pxesrv:adm 640"
    old = len(read(f"{LOG}.1"))

    def goes_on():
        return ask(4567, "127.0.0.9")[0] == 200 and "127.0.0.9" in read(LOG)
    until(goes_on, "a line in the new log")
    again = ask(4567, "127.0.0.10")
    assert again[0] == 200
    until(lambda: "127.0.0.10 " in read(LOG), "a line in the new log")
    assert "127.0.0.10 " not in read(f"{LOG}.1")[old:]


def test_lighttpd():
    stop("nginx")
    assert "200 OK" in do(DEBIAN, "lighttpd")
    boots_once(4567, "127.0.0.11")


def test_apache():
    stop("lighttpd")
    assert "200 OK" in do(DEBIAN, "Apache")
    boots_once(4567, "127.0.0.12")


def test_nobody_undoes_an_owner_that_was_chosen():
    """At each boot systemd-tmpfiles looks at what is there."""
    do(DEBIAN, "Give the tree to the web server's user")
    assert "active" not in run("sh", "-c", "systemctl is-active pxesrv.service "
                               "pxesrv.socket || :").splitlines()
    run("systemd-tmpfiles", "--create")
    assert owner(f"{TREE}/once") == "www-data:pxesrv-admin 3770"


def test_apache_without_a_responder():
    assert "200 OK" in do("apache", "With the Debian package")
    boots_once(4567, "127.0.0.13")


def test_lighttpd_starts_the_responder():
    stop("apache2")
    assert "200 OK" in do("lighttpd", "With the Debian package")
    boots_once(4567, "127.0.0.14")


def test_back_to_the_package_s_own_user():
    stop("lighttpd")
    do(DEBIAN, "Back to the packaged responder")
    run("systemctl", "start", "apache2")
    boots_once(4567, "127.0.0.15")
    stop("apache2")
    run("systemctl", "enable", "--now", "nginx")
    boots_once(4567, "127.0.0.15")


# Metrics

def metrics():
    return dict(line.rsplit(" ", 1) for line in read(METRICS).splitlines()
                if not line.startswith("#"))


def test_nobody_writes_metrics_by_himself():
    for unit in "pxesrv-metrics.timer", "pxesrv-metrics.service":
        assert run("sh", "-c", f"systemctl is-active {unit} || :") == "inactive\n"
    assert run("sh", "-c", "systemctl is-enabled pxesrv-metrics.timer || :") == \
        "disabled\n"
    assert not os.path.exists(METRICS)


def test_node_exporter_has_the_metrics():
    said = do(MONITORING, "On the boot server")
    assert "pxesrv_probe_http_status_code 200\n" in said
    assert "pxesrv_stats_timestamp_seconds " in said
    assert owner(METRICS) == "pxesrv:pxesrv 644"
    assert run("systemctl", "is-enabled", "pxesrv-metrics.timer") == "enabled\n"
    assert int(metrics()['pxesrv_requests_total{decision="once",status="200"}'])


def test_the_metrics_are_of_the_tree():
    as_alice(f"pxesrvctl once 127.0.0.22 {BOOT}")
    run("systemctl", "start", "pxesrv-metrics.service")
    assert metrics()['pxesrv_links{kind="armed"}'] == "1"
    assert ask(4567, "127.0.0.22") == (200, read(f"{TREE}/{BOOT}"))
    run("systemctl", "start", "pxesrv-metrics.service")
    assert metrics()['pxesrv_links{kind="armed"}'] == "0"


def test_the_timer_writes_the_metrics():
    drop_in("[Timer]\nOnCalendar=\nOnCalendar=*:*:*\n", "pxesrv-metrics.timer")
    run("systemctl", "restart", "pxesrv-metrics.timer")
    for _ in range(2):
        before = os.stat(METRICS).st_ino
        until(lambda: os.stat(METRICS).st_ino != before, "another file")
    drop_in("", "pxesrv-metrics.timer")
    run("systemctl", "restart", "pxesrv-metrics.timer")


def test_what_fails_leaves_the_file():
    # It may be under way.
    run("systemctl", "stop", "pxesrv-metrics.timer", "pxesrv-metrics.service")
    before = os.stat(METRICS)
    drop_in("[Service]\nEnvironment=PXESRV_ROOT=/nothing\n",
            "pxesrv-metrics.service")
    said = run("sh", "-c", "systemctl start pxesrv-metrics.service || "
               "journalctl -b -u pxesrv-metrics.service")
    assert "the tree /nothing: No such file or directory" in said
    assert os.stat(METRICS).st_ino == before.st_ino
    drop_in("", "pxesrv-metrics.service")
    run("systemctl", "start", "pxesrv-metrics.timer", "pxesrv-metrics.service")
    assert os.stat(METRICS).st_ino != before.st_ino


# It reads the tree, and has sockets, which lead nowhere but to this machine.
METRICS_MAY = {"may_read_tree", "socket_inet", "socket_inet6"}


def test_the_metrics_unit_refuses(outcomes):
    found = outcomes["metrics"]
    figure(f"attempts in pxesrv-metrics.service: {len(found)}, refused: "
           f"{sum(error != 0 for error in found.values())}")
    assert set(found) >= set(REFUSED)
    assert {name for name, error in found.items() if error == 0} == METRICS_MAY


def test_the_metrics_are_switched_off():
    do(MONITORING, "Switch it off")
    assert not os.path.lexists("/var/lib/prometheus/node-exporter/pxesrv.prom")
    assert run("sh", "-c", "systemctl is-enabled pxesrv-metrics.timer || :") == \
        "disabled\n"
    assert os.path.exists(METRICS)


# Upgrade and removal

ARMED = f"{TREE}/once/127.0.0.20"
EDITED = ["/etc/nginx/snippets/pxesrv.conf", "/etc/logrotate.d/pxesrv",
          "/etc/apache2/conf-available/pxesrv-fcgi.conf",
          "/etc/lighttpd/pxesrv.conf",
          "/etc/apache2/sites-available/pxesrv.conf",
          "/etc/lighttpd/conf-available/50-pxesrv.conf"]


def test_an_upgrade_loses_nothing():
    as_alice(f"pxesrvctl once 127.0.0.20 {BOOT}")
    as_alice(f"pxesrvctl static 127.0.0.21 {BOOT}")
    for path in EDITED:
        with open(path, "a") as file:
            file.write("# edited\n")
    # packaging/build-deb leaves the new one alone there.
    run("sh", "-c", "rm /home/alice/packages/pxesrv_*.deb")
    shutil.copy("/results/upgrade.deb", "/home/alice/packages/pxesrv_new.deb")
    before, pid = what_is_theirs(), main_pid()
    with Load("upgrade under load"), Armed("upgrade"):
        do("upgrade", "The Debian package")
    assert run("dpkg-query", "-W", "-f", "${Version}", "pxesrv") == "1.0.0+1"
    assert main_pid() not in (0, pid)
    assert what_is_theirs() == before
    for path in EDITED:
        assert read(path).endswith("# edited\n")
    assert ask(4567, "127.0.0.20") == (200, read(f"{TREE}/{BOOT}"))


def test_who_has_switched_it_off_is_not_overruled():
    """By an upgrade, or by the same version again."""
    run("systemctl", "disable", "--now", "pxesrv.socket", "pxesrv.service")
    run("apt-get", "install", "-y", "--reinstall", "/results/upgrade.deb")
    for unit in "pxesrv.socket", "pxesrv.service":
        assert run("sh", "-c", f"systemctl is-enabled {unit} || :") == \
            "disabled\n"
    run("systemctl", "enable", "--now", "pxesrv.socket", "pxesrv.service")
    assert ask(4567, "127.0.0.9")[0] == 200


def test_removed_it_leaves_the_configuration():
    as_alice(f"pxesrvctl once 127.0.0.20 {BOOT}")
    # Its program will be gone, and lighttpd would not start.
    os.symlink("../conf-available/49-pxesrv-bin-path.conf",
               "/etc/lighttpd/conf-enabled/49-pxesrv-bin-path.conf")
    run("systemctl", "enable", "--now", "pxesrv-metrics.timer")
    before = what_is_theirs()
    do(DEBIAN, "Remove")
    assert what_is_theirs() == before
    assert run("sh", "-c", "systemctl is-active pxesrv-metrics.timer || :") == \
        "inactive\n"
    assert all(os.path.exists(path) for path in EDITED)
    assert not os.path.exists("/usr/libexec/pxesrv")
    assert not os.path.exists("/run/pxesrv/fcgi.sock")
    assert not os.path.exists("/var/cache/pxesrv")
    assert os.path.exists(LOG)
    # Others start all the same.
    for server in "nginx", "apache2", "lighttpd":
        run("systemctl", "restart", server)
        run("systemctl", "stop", server)


def test_purged_it_leaves_what_is_not_its_own():
    empty = re.compile(
        r"\./(once/\.(claimed|cancelled)|until(/\.done)?|names) d ")
    before = [line for line in what_is_theirs().splitlines()
              if not empty.search(line)]
    for name in "1", "2.gz", "-20261125", "-20261124.gz":
        with open(f"{LOG}{name}" if name[0] == "-" else f"{LOG}.{name}", "w"):
            pass
    # For another root all is taken there, and nothing of this one.
    theirs = [f"/tmp/other{path}" for path in (
        LOG, f"{LOG}.1", "/var/lib/apache2/site/enabled_by_admin/pxesrv",
        f"{TREE}/once/.lock")]
    for path in theirs:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w"):
            pass
    os.makedirs("/tmp/other/etc/nginx/sites-enabled")
    os.symlink("../nothing", "/tmp/other/etc/nginx/sites-enabled/pxesrv")
    before_all = run("find", "/etc", "/var/log", "/var/lib/apache2")
    run("env", "DPKG_ROOT=/tmp/other", "sh",
        "/var/lib/dpkg/info/pxesrv.postrm", "purge")
    assert run("find", "/tmp/other", "-not", "-type", "d") == ""
    assert not os.path.exists(f"/tmp/other{TREE}")
    assert run("find", "/etc", "/var/log", "/var/lib/apache2") == before_all
    shutil.rmtree("/tmp/other")
    do(DEBIAN, "Purge")
    assert what_is_theirs().splitlines() == before
    assert os.readlink(ARMED) == f"../{BOOT}"
    run("systemctl", "daemon-reload")
    # But for the cache of man(1), which is its own business.
    assert run("find", "/etc", "/usr", "/var", "/run", "-xdev", "-iname",
               "*pxesrv*", "-not", "-path", "/var/cache/man/*") == ""
    for server in "nginx", "apache2", "lighttpd":
        run("systemctl", "restart", server)
        run("systemctl", "stop", server)


def test_an_untouched_tree_goes_with_it():
    """Installed and purged, with nothing put into it."""
    run("mv", TREE, "/srv/theirs")
    do(DEBIAN, "Install the package")
    assert run("systemctl", "is-active", "pxesrv.service") == "active\n"
    run("apt-get", "purge", "-y", "pxesrv")
    assert not os.path.exists(TREE)


def test_a_tree_that_is_mounted_stays():
    """Others may use it, and it may be one that can't be written to."""
    do(DEBIAN, "Install the package")
    run("mkdir", "-p", "/srv/shared")
    run("cp", "-a", f"{TREE}/.", "/srv/shared")
    run("mount", "--bind", "/srv/shared", TREE)
    run("mount", "-o", "remount,bind,ro", TREE)
    run("apt-get", "purge", "-y", "pxesrv")
    assert sorted(os.listdir("/srv/shared")) == ["names", "once", "static", "until"]
    run("umount", TREE)
    shutil.rmtree("/srv/shared")
    shutil.rmtree(TREE)
