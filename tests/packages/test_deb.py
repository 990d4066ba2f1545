# SPDX-License-Identifier: MIT
"""The Debian package on a machine that has nothing else of PXESrv.

tests/packages/deb boots that machine, with systemd, and runs this on it as
root. The tests are the life of one installation: each goes on where the one
before it ended. What README.md and docs/install-debian.md tell to do is done
as it stands there.
"""
import os
import re
import shutil
import signal

import pytest

pytest.register_assert_rewrite("machine_steps")
from machine_steps import (  # noqa: E402
    BOOT, LOG, TREE, Load, as_alice, ask, boots_once, do, figure, main_pid,
    owner, read, run, stop, until, what_is_theirs)

DROP_IN = "/run/systemd/system/pxesrv.service.d/intruder.conf"


# Installed


def test_it_is_installed_and_runs():
    do("Install the package")
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
    """chmod(2) is refused to it where that would set setgid."""
    for name in ".claimed", ".served":
        assert owner(f"{TREE}/once/{name}") == "pxesrv:pxesrv-admin 2770"
    assert owner(f"{TREE}/once/.lock") == "pxesrv:pxesrv-admin 660"


def test_the_units_are_right():
    assert run("systemd-analyze", "verify", "pxesrv.service",
               "pxesrv.socket") == ""


def test_the_units_leave_little_open():
    said = run("systemd-analyze", "security", "--offline=true",
               "/lib/systemd/system/pxesrv.service")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", said).group(1)
    figure(f"systemd-analyze security: {exposure}")
    assert float(exposure) <= 0.2, said


def test_the_man_pages_and_the_tool_are_there():
    for page in "pxesrv.8", "pxesrv.fcgi.8", "pxesrv.cgi.8", "pxesrvctl.8":
        assert os.path.exists(f"/usr/share/man/man8/{page}.gz")
    assert "once" in as_alice("pxesrvctl -h || /usr/sbin/pxesrvctl -h")


# Inside

EPERM, ENOENT, EACCES, EROFS, EAFNOSUPPORT = 1, 2, 13, 30, 97
REFUSED = {
    "read_shadow": EACCES, "read_home": EACCES, "read_state": EACCES,
    "read_boot": EACCES, "read_tmp_of_others": ENOENT,
    "read_process_1": ENOENT, "read_memory_size": ENOENT,
    "open_device": ENOENT, "write_etc": EROFS, "write_programs": EACCES,
    "write_run": EROFS, "write_tree": EROFS, "write_static": EROFS,
    "write_default": EROFS, "write_settings": ENOENT,
    "make_control_group": EROFS,
    "make_device": EPERM, "open_by_handle": EPERM, "make_setuid": EPERM,
    "make_setgid": EPERM, "execute_program": EACCES,
    "execute_own_file": EACCES, "map_writable_code": EPERM,
    "data_to_code": EPERM, "code_from_file": EPERM,
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


@pytest.fixture(scope="module")
def outcomes():
    """What an intruder could in the responder's unit, and without it."""
    program = "/usr/libexec/pxesrv/unit-intruder"
    shutil.copy("/results/unit-intruder", program)
    for name in "/tmp/of-others", f"{TREE}/default":
        with open(name, "a"):
            os.chmod(name, 0o644)
    shutil.chown(f"{TREE}/default", "pxesrv")
    os.mknod("/dev/of-others", 0o20666, os.makedev(1, 3))
    os.chmod("/dev/of-others", 0o666)
    run("systemctl", "stop", "pxesrv.service")
    os.makedirs(os.path.dirname(DROP_IN), exist_ok=True)
    with open(DROP_IN, "w") as file:
        file.write("[Service]\nType=exec\nRestart=no\nExecStart=\n"
                   f"ExecStart={program}\n"
                   "StandardOutput=append:/results/in-unit\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "--wait", "pxesrv.service")
    inside = tried(read("/results/in-unit"))
    shutil.rmtree(os.path.dirname(DROP_IN))
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "pxesrv.service")
    outside = tried(run(program))
    os.unlink(program)
    os.unlink("/dev/of-others")
    os.unlink(f"{TREE}/default")
    run("umount", "/mnt")
    for name in ("/etc/intruder", "/usr/libexec/pxesrv/intruder",
                 "/run/intruder", f"{TREE}/intruder",
                 f"{TREE}/static/intruder", "/tmp/of-others"):
        os.unlink(name)
    figure(f"attempts in the unit: {len(inside)}, refused: "
           f"{sum(error != 0 for error in inside.values())}; without it, "
           f"refused in the same way: "
           f"{sum(outside[name] == error for name, error in REFUSED.items())}")
    return inside, outside


@pytest.mark.parametrize("name", REFUSED)
def test_the_unit_refuses(outcomes, name):
    inside, outside = outcomes
    assert inside[name] == REFUSED[name]
    assert outside[name] != REFUSED[name], "nothing is shown"


def test_the_unit_leaves_what_is_needed(outcomes):
    inside, _ = outcomes
    needed = [name for name in inside if name.startswith("may_")]
    assert len(needed) == 3
    assert [inside[name] for name in needed] == [0, 0, 0]


def test_each_attempt_has_its_row(outcomes):
    inside, _ = outcomes
    assert set(inside) == set(REFUSED) | {
        "may_read_tree", "may_make_lock", "may_open_log"}


# Web servers


def test_a_tree():
    do("Fill the tree")
    assert read(f"{TREE}/{BOOT}").startswith("#!ipxe\n")
    assert owner(f"{TREE}/once") == "pxesrv:pxesrv-admin 3770"
    assert as_alice("/usr/sbin/pxesrvctl check") == ""


def test_nginx():
    assert "200 OK" in do("nginx on Debian")
    boots_once(4567, "127.0.0.7")
    assert ask(4567, "127.0.0.1")[0] == 200


def test_restarts_fail_no_request():
    with Load("100 restarts under load"):
        pids = {main_pid()}
        for _ in range(100):
            run("systemctl", "restart", "pxesrv.service")
            pids.add(main_pid())
    assert len(pids) == 101


def test_another_tree():
    """The lines that pxesrv.service shows; and what lies where it hides."""
    unit = read("/lib/systemd/system/pxesrv.service")
    shown = re.search(r"systemctl edit pxesrv.service\n((?:#\t.*\n)+)", unit)
    lines = re.sub("^#\t", "", shown.group(1), flags=re.MULTILINE)
    for root, more in ("/data/boot", ""), ("/mnt/boot", "InaccessiblePaths=\n"):
        os.makedirs(f"{root}/once")
        shutil.chown(f"{root}/once", "pxesrv", "pxesrv")
        for name in "default", "other":
            with open(f"{root}/{name}", "w") as file:
                file.write(f"{name} of {root}")
        os.symlink("../other", f"{root}/once/127.0.0.16")
        os.makedirs(os.path.dirname(DROP_IN))
        with open(DROP_IN, "w") as file:
            file.write(lines.replace("/data/boot", root) + more)
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "pxesrv.service")
        assert ask(4567, "127.0.0.16") == (200, f"other of {root}")
        assert ask(4567, "127.0.0.16") == (200, f"default of {root}")
        shutil.rmtree(root)
        shutil.rmtree(os.path.dirname(DROP_IN))
    os.rmdir("/data")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "pxesrv.service")
    assert ask(4567, "127.0.0.16") == (200, read(f"{TREE}/default"))


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
    assert "200 OK" in do("lighttpd on Debian")
    boots_once(80, "127.0.0.11")


def test_apache():
    stop("lighttpd")
    assert "200 OK" in do("Apache on Debian")
    boots_once(80, "127.0.0.12")


MORE = "docs/install-debian.md"


def test_nobody_undoes_an_owner_that_was_chosen():
    """At each boot systemd-tmpfiles looks at what is there."""
    do("The web server's user as the responder's", MORE)
    assert "active" not in run("sh", "-c", "systemctl is-active pxesrv.service "
                               "pxesrv.socket || :").splitlines()
    run("systemd-tmpfiles", "--create")
    assert owner(f"{TREE}/once") == "www-data:pxesrv-admin 3770"


def test_apache_without_a_responder():
    assert "200 OK" in do("Apache and the CGI program", MORE)
    boots_once(80, "127.0.0.13")


def test_lighttpd_starts_the_responder():
    stop("apache2")
    assert "200 OK" in do("lighttpd that starts the responder", MORE)
    boots_once(80, "127.0.0.14")


def test_back_to_the_package_s_own_user():
    stop("lighttpd")
    do("Back to the responder of the package", MORE)
    run("systemctl", "enable", "--now", "nginx")
    boots_once(4567, "127.0.0.15")


# Upgrade and removal

ARMED = f"{TREE}/once/127.0.0.20"
EDITED = ["/etc/nginx/snippets/pxesrv.conf", "/etc/logrotate.d/pxesrv",
          "/etc/apache2/conf-available/pxesrv-fcgi.conf",
          "/etc/lighttpd/conf-available/50-pxesrv.conf"]


def test_an_upgrade_loses_nothing():
    as_alice(f"/usr/sbin/pxesrvctl once 127.0.0.20 {BOOT}")
    as_alice(f"/usr/sbin/pxesrvctl static 127.0.0.21 {BOOT}")
    for path in EDITED:
        with open(path, "a") as file:
            file.write("# edited\n")
    before, pid = what_is_theirs(), main_pid()
    with Load("upgrade under load"):
        run("apt-get", "install", "-y", "/results/upgrade.deb")
    assert run("dpkg-query", "-W", "-f", "${Version}", "pxesrv") == "1.0.0+1"
    assert main_pid() not in (0, pid)
    assert what_is_theirs() == before
    for path in EDITED:
        assert read(path).endswith("# edited\n")
    assert ask(4567, "127.0.0.20") == (200, read(f"{TREE}/{BOOT}"))


def test_removed_it_leaves_the_configuration():
    as_alice(f"/usr/sbin/pxesrvctl once 127.0.0.20 {BOOT}")
    before = what_is_theirs()
    run("apt-get", "remove", "-y", "pxesrv")
    assert what_is_theirs() == before
    assert all(os.path.exists(path) for path in EDITED)
    assert not os.path.exists("/usr/libexec/pxesrv")
    assert not os.path.exists("/run/pxesrv/fcgi.sock")
    assert os.path.exists(LOG)
    # Others start all the same.
    for server in "nginx", "apache2", "lighttpd":
        run("systemctl", "restart", server)
        run("systemctl", "stop", server)


def test_purged_it_leaves_what_is_not_its_own():
    empty = re.compile(r"once/\.lock$|once/\.lock f|once/\.claimed d")
    before = [line for line in what_is_theirs().splitlines()
              if not empty.search(line)]
    run("apt-get", "purge", "-y", "pxesrv")
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
    as_alice("sudo apt-get install -y ../packages/pxesrv_*.deb")
    assert run("systemctl", "is-active", "pxesrv.service") == "active\n"
    run("apt-get", "purge", "-y", "pxesrv")
    assert not os.path.exists(TREE)
