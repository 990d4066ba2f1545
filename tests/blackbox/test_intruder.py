# SPDX-License-Identifier: MIT
"""What somebody could do who has taken the responder over: tests/intruder.

The same attempts are made inside a confined responder, and where they must
succeed: else it would not be the sandbox that stands in the way.
"""
import errno
import os
import platform
import shutil
import subprocess

import pytest

import fastcgi
import place
from deployments import meta_variables
from place import until
from responder import Responder
from tree import Directory, Link, Tree

OUTSIDE = place.SERVERS + "/outside"
ALLOWED = place.SERVERS + "/allowed"
OTHER_LOG = "/var/log/other.log"
NEW_LOG = "/var/log/new.log"
INSIDE = {
    "default": "default", "os/boot": "os", "os/cut": "x", "os/victim": "x",
    "os/moved": "x", "os/empty": Directory(), "os/grub/grub.cfg-7F000001": "x",
    "static/a": "x", "once/link": Link("../default"), "once/cut": "x",
    "once/out": Link("../default"), "once/empty": Directory(),
    "once/.claimed/other": Link("../default"), "grub/1/grub.cfg-7F000001": "x",
    "grub/2": Link("../os/grub")}

# By Landlock. A file can't come or go by a move or a link either.
FILES = {name: {"EACCES"} for name in """
    read_passwd list_system open_device write_own_memory read_outside
    list_outside write_outside create_outside remove_outside mkdir_outside
    write_allowed read_another_log create_in_tree create_in_static
    create_in_grub write_boot_file truncate_boot_file truncate_in_once
    mkdir_in_tree rmdir_in_tree rmdir_in_once remove_boot_file
    rename_in_static""".split()}
FILES.update({name: {"EACCES", "EXDEV"} for name in """
    rename_into_once rename_out_of_once link_into_once""".split()})

# By seccomp; these succeed where there is none.
CALLS = """
    fork_by_fork fork_by_libc fork_by_clone fork_by_clone3 map_code
    data_to_code memory_file socket_unix socket_inet socket_pair kill_self
    have_signals_sent
    set_user set_group set_personality ask_prctl set_limit make_link make_fifo
    make_setuid give_away cut watch_files leave_namespace""".split()

# By seccomp; elsewhere the kernel looks at them and finds another error.
REFUSED_CALLS = """
    execute execute_at connect_to bind_to listen_on kill_thread_of_another
    trace read_process open_process set_groups set_capabilities key make_device
    cut_open push_input open_by_handle mount_something unmount
    change_root enter_namespace io_uring bpf page_faults counters load_module
    another_filter""".split()

# What a responder needs.
NEEDED = """
    may_read_tree may_list_claims may_read_allowed may_make_lock may_open_log
    may_make_log may_claim may_put_back may_put_back_on_nfs may_unlink_claim
    may_make_directory may_stamp may_clear_grub may_clear_by_link
    may_reopen may_compare""".split()


def own(path):
    os.chown(path, *place.OWNER)


def make_outside():
    for path in (OUTSIDE + "/file", OUTSIDE + "/victim", ALLOWED + "/file",
                 OTHER_LOG):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("x")
        own(path)
    own(OUTSIDE)
    own(ALLOWED)


def remove_outside():
    shutil.rmtree(OUTSIDE)
    shutil.rmtree(ALLOWED)
    for path in (OTHER_LOG, NEW_LOG):
        if os.path.exists(path):
            os.unlink(path)


@pytest.fixture(scope="module")
def built():
    """The intruder and the unconfined responder, where all can read them."""
    build = os.environ["PXESRV_TESTS_BUILD"]
    names = {"libintruder.so": "intruder.so", "unconfined.fcgi": "unconfined"}
    subprocess.run(
        ["ninja", "-C", build, *(f"tests/intruder/{n}" for n in names)],
        check=True, stdout=subprocess.DEVNULL)
    for name, short in names.items():
        shutil.copy(f"{build}/tests/intruder/{name}",
                    f"{place.SERVERS}/{short}")
    yield
    for short in names.values():
        os.unlink(f"{place.SERVERS}/{short}")


MODES = {
    "confined": {},
    "confined, as root": dict(how=dict(user=0, group=0)),
    "without a root": dict(env={"PXESRV_ROOT": None}),
    "unconfined": dict(
        how=dict(program=(place.SERVERS + "/unconfined",))),
}


def names_in(stderr):
    """What was tried, and the name of its error, "" when it succeeded."""
    with open(stderr) as file:
        words = [line.split() for line in file
                 if line.startswith("tried ") and line != "tried all\n"]
    return {name: errno.errorcode.get(int(number), "")
            for _, name, number in words}


def intrude(mode, stderr):
    tree = Tree(place.ROOT, place.OWNER)
    tree.clear()
    tree.make(INSIDE)
    make_outside()
    env = {"LD_PRELOAD": place.SERVERS + "/intruder.so",
           "PXESRV_ALLOW": ALLOWED, **mode.get("env", {})}
    r = Responder(stderr, env=env, **mode.get("how", {}))
    try:
        got = fastcgi.ask(r.path, meta_variables(
            "GET", "/redirect", "127.0.0.66"))
        until(lambda: "tried all\n" in r.messages(), "all attempts")
        assert got.startswith(b"Status: ")
        r.stop()
    finally:
        if r.is_running():
            r.end()
        tree.clear()
        remove_outside()
    return names_in(stderr)


@pytest.fixture(scope="module", params=MODES)
def tried(request, built, tmp_path_factory):
    """The mode, and what came of each attempt."""
    if "as root" in request.param and not place.AS_ROOT:
        pytest.skip("only root can start it as root")
    stderr = tmp_path_factory.mktemp("intruder") / "stderr"
    return request.param, intrude(MODES[request.param], str(stderr))


def result(tried, name):
    if name == "fork_by_fork" and platform.machine() != "x86_64":
        pytest.skip("this machine has no such system call")
    return tried[1][name]


def test_the_tables_name_each_attempt_once(tried):
    names = [*FILES, *CALLS, *REFUSED_CALLS, *NEEDED]
    assert len(set(names)) == len(names)
    assert set(tried[1]) == {name for name in names if name in tried[1] or
                             name != "fork_by_fork"}


@pytest.mark.parametrize("name", FILES)
def test_files(tried, name):
    if tried[0].startswith("confined"):
        assert result(tried, name) in FILES[name]
    else:
        assert result(tried, name) == ""


@pytest.mark.parametrize("name", CALLS)
def test_system_calls(tried, name):
    want = "" if tried[0] == "unconfined" else "ENOSYS"
    assert result(tried, name) == want


@pytest.mark.parametrize("name", REFUSED_CALLS)
def test_system_calls_that_fail_anyway(tried, name):
    if tried[0] != "unconfined":
        assert result(tried, name) == "ENOSYS"
    elif result(tried, name) == "ENOSYS":
        pytest.skip("this kernel does not have it")


@pytest.mark.parametrize("name", NEEDED)
def test_what_it_needs(tried, name):
    assert result(tried, name) == ""
