# SPDX-License-Identifier: MIT
"""The role of examples/ansible, by Ansible and ssh, on a machine that boots.

tests/packages/ansible makes that machine, and runs this in a network namespace
that the machine shares. The tests are the life of one installation: each goes on
where the one before it ended. The files of the machine are seen from outside.
"""
import contextlib
import functools
import glob
import hashlib
import http.client
import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "blackbox"))

import checkout  # noqa: E402

WORK, MACHINE = os.environ["PXESRV_WORK"], os.environ["PXESRV_MACHINE"]
TREE = f"{MACHINE}/srv/pxesrv"
CHECKOUT, CONTROL = f"{WORK}/a place/pxesrv", f"{WORK}/a place/boot-server"
PATIENCE = 60
PAGE = "docs/howto/ansible.md"
# Those of the page.
CLIENT, TARGET = "192.0.2.7", "debian/13/default"
SITE, INSTALL = "ansible-playbook site.yml", "ansible-playbook install.yml"


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def until(is_so, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def documented(section):
    """The commands of a section of the page."""
    body = re.search(rf"^## {re.escape(section)}\n(.*?)(^## |\Z)",
                     read(f"{SOURCE}/{PAGE}"),
                     re.MULTILINE | re.DOTALL).group(1)
    body = re.sub(r"^```.*?^```$", "", body, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^    (.*)$", body, re.MULTILINE)
    assert found, section
    return found


class Played:
    """What ansible-playbook has done, and what it said."""

    def __init__(self, command):
        self.started = time.monotonic()
        done = subprocess.run(
            command, shell=True, cwd=CONTROL, text=True, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"HOME": f"{WORK}/home", "PATH": os.environ["PATH"],
                 "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"})
        self.status, self.out = done.returncode, done.stdout
        recap = re.search(r"PLAY RECAP.*ok=(\d+) +changed=(\d+) .*failed=(\d+)",
                          self.out, re.DOTALL)
        self.changed = int(recap.group(2)) if recap else None
        with open(f"{WORK}/results/seconds", "a") as file:
            file.write(f"{time.monotonic() - self.started:.1f} {command}\n")

    def changes(self):
        """The names of the tasks that changed something."""
        name, found = None, []
        for line in self.out.splitlines():
            match = re.match(r"(TASK|RUNNING HANDLER) \[(?:pxesrv : )?(.*)\]",
                             line)
            if match:
                name = match.group(2)
            elif line.startswith("changed:") and name not in found:
                found.append(name)
        return found


def play(command):
    played = Played(command)
    assert played.status == 0, played.out
    return played


def refused(command):
    """What a play says that must fail."""
    played = Played(command)
    assert played.status != 0, played.out
    return played.out


def on_the_machine(command):
    subprocess.run(
        ["ssh", "-i", f"{WORK}/keys/alice", "-o",
         f"UserKnownHostsFile={WORK}/home/known_hosts", "alice@127.0.0.1",
         f"sudo {command}"], check=True, stdin=subprocess.DEVNULL)


def ask(client, path="/redirect"):
    """Status and body, as a machine that boots gets them."""
    with contextlib.closing(http.client.HTTPConnection(
            "127.0.0.1", 4567, timeout=PATIENCE,
            source_address=(client, 0))) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def everything(top):
    """All that is beneath a directory, whose it is, and when it was made."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(directory, name)
            st = os.lstat(path)
            found[os.path.relpath(path, top)] = (
                st.st_ino, st.st_mtime_ns, st.st_uid, st.st_gid, st.st_mode,
                os.path.islink(path) and os.readlink(path))
    return found


def machine_files():
    """What a play could change. Not the log, and not what apt looks up."""
    return {**everything(TREE), **{
        f"/{top}/{path}": what for top in ("etc", "usr", "var/cache")
        for path, what in everything(f"{MACHINE}/{top}").items()
        if "__pycache__" not in path and path.split("/")[0] != "apt"}}


def answers_ssh():
    with contextlib.suppress(OSError), \
            socket.create_connection(("127.0.0.1", 22), 5) as connection:
        connection.settimeout(5)
        return connection.recv(4) == b"SSH-"
    return False


@pytest.fixture(scope="module", autouse=True)
def machine():
    """It runs, and there is a control node that may log in."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in "192.0.2.7/24", "192.0.2.8/24", "192.0.2.9/24", \
            "198.51.100.7/24":
        subprocess.run(["ip", "address", "add", address, "dev", "lo"],
                       check=True)
    shutil.copytree(f"{SOURCE}/examples/ansible", f"{CHECKOUT}/examples/ansible")
    checkout.copy_public(f"{CHECKOUT}/public")
    os.symlink(f"{WORK}/packages", f"{WORK}/a place/packages")
    subprocess.run("\n".join(["set -e", *documented("Prepare it")]), shell=True,
                   cwd=CHECKOUT, check=True)
    os.symlink("debian/13", f"{CONTROL}/tree/latest")
    os.symlink("rescue/default", f"{CONTROL}/tree/help")
    key = read(f"{MACHINE}/etc/ssh/ssh_host_ed25519_key.pub")
    write(f"{WORK}/home/known_hosts", f"127.0.0.1 {key}")
    write(f"{CONTROL}/inventory.ini", f"""\
[pxesrv]
boot1 ansible_host=127.0.0.1 ansible_user=alice
[pxesrv:vars]
ansible_ssh_private_key_file={WORK}/keys/alice
ansible_ssh_common_args=-o UserKnownHostsFile={WORK}/home/known_hosts
""")
    with open(f"{WORK}/results/console", "w") as console:
        nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", MACHINE, "-b", "--register=no",
             "--keep-unit", "--console=pipe"], stdin=subprocess.DEVNULL,
            stdout=console, stderr=subprocess.STDOUT)
    try:
        until(answers_ssh, "that it answers")
        yield
    finally:
        nspawn.kill()
        nspawn.wait()



def test_a_dry_run_shows_what_would_change():
    before = machine_files()
    [command] = documented("See what would change")
    played = play(command)
    assert played.changes() == [
        "Install the web server", "Copy the package",
        "Enable it in the web server", "Copy the tree",
        "Make the links at the top of the tree"]
    assert "+#!ipxe" in played.out
    assert not os.path.exists(TREE)
    assert machine_files() == before


def test_it_is_set_up():
    [command] = documented("Set it up")
    played = play(command)
    assert played.changes() == [
        "Install the web server", "Copy the package", "Install the package",
        "Enable it in the web server", "Copy the tree",
        "Make the links at the top of the tree",
        "Give machines their names", "Link networks to their boot files",
        "Reload the web server"]
    assert ask("192.0.2.8") == (200, read(f"{CONTROL}/tree/default"))
    assert ask("198.51.100.7") == (200, read(f"{CONTROL}/tree/rescue/default"))
    assert os.readlink(f"{TREE}/names/{CLIENT}") == "node7"
    assert os.readlink(f"{TREE}/names/2001:db8::7") == "node7"
    assert read(f"{TREE}/{TARGET}") == read(f"{CONTROL}/tree/{TARGET}")
    assert os.readlink(f"{TREE}/latest") == "debian/13"
    assert os.readlink(f"{TREE}/help") == "rescue/default"
    # By the packages; copying leaves them as they are.
    assert os.stat(f"{TREE}/static").st_mode & 0o7777 == 0o2775
    assert os.stat(f"{TREE}/once").st_mode & 0o7777 == 0o3770


def test_the_second_time_changes_nothing():
    before = machine_files()
    for command in SITE, f"{SITE} --check":
        played = play(command)
        assert (played.changed, played.changes()) == (0, [])
    assert machine_files() == before


def by_hand():
    """What people and the responder put there, and their answers."""
    # The last one is of the machine itself: the role asks whether it answers.
    armed = {"once/192.0.2.9": f"../{TARGET}", "until/192.0.2.10": f"../{TARGET}",
             "names/192.0.2.11": "node11", "static/192.0.2.12": f"../{TARGET}",
             "subnet/203.0.113.0_24": f"../{TARGET}",
             "once/.claimed/192.0.2.13.0123456789abcdef": f"../{TARGET}",
             "once/.served/192.0.2.14": f"../{TARGET}",
             "until/.done/192.0.2.15": f"../{TARGET}",
             "once/127.0.0.1": f"../{TARGET}"}
    for path, text in armed.items():
        os.makedirs(os.path.dirname(f"{TREE}/{path}"), exist_ok=True)
        os.symlink(text, f"{TREE}/{path}")
        os.chown(f"{TREE}/{path}", 1000, 1000, follow_symlinks=False)
    write(f"{TREE}/mine/default", "#!ipxe\nexit\n")
    os.chmod(f"{TREE}/mine/default", 0o640)


def test_what_others_made_stays():
    """The tree of the control node has some of it, too."""
    by_hand()
    tree = f"{CONTROL}/tree"
    write(f"{tree}/default", "#!ipxe\n# another\nexit\n")
    write(f"{tree}/new/default", "#!ipxe\nexit\n")
    write(f"{tree}/once/.lock", "not this")
    for path in ("once/192.0.2.9", "once/192.0.2.20", "until/192.0.2.20",
                 "names/192.0.2.20", "subnet/192.0.2.0_24",
                 "once/.claimed/192.0.2.20.0123456789abcdef",
                 "until/.done/192.0.2.20"):
        os.makedirs(os.path.dirname(f"{tree}/{path}"), exist_ok=True)
        os.symlink("../rescue/default", f"{tree}/{path}")
    os.makedirs(f"{tree}/static")
    os.symlink("../mine/default", f"{tree}/static/192.0.2.21")
    before = everything(TREE)
    played = play(f"{SITE} --check --diff")
    assert played.changes() == ["Copy the tree"]
    assert "+# another" in played.out
    assert everything(TREE) == before

    assert play(SITE).changes() == ["Copy the tree"]
    after = everything(TREE)
    assert set(after) - set(before) == {"new", "new/default",
                                        "static/192.0.2.21"}
    assert [name for name in before if name != "static"
            and after.get(name) != before[name]] == ["default"]
    assert after["static"][2:5] == before["static"][2:5]
    assert ask("192.0.2.8") == (200, "#!ipxe\n# another\nexit\n")


def test_a_dry_run_knows_of_what_it_would_copy():
    write(f"{CONTROL}/tree/later/default", "#!ipxe\nexit\n")
    network = ('[{"network": "198.51.100.0/24", "target": "later/default"}]')
    played = play(f"""{SITE} --check -e '{{"pxesrv_subnets": {network}}}'""")
    assert played.changes() == ["Copy the tree",
                                "Link networks to their boot files"]
    # What is no longer there stays on the machine; and less is faster.
    for name in "later", "new", "debian", "once", "static":
        shutil.rmtree(f"{CONTROL}/tree/{name}")


def test_a_dry_run_arms_nothing():
    dry, _ = documented("Arm machines")
    before = everything(TREE)
    assert play(dry).changes() == ["Arm them"]
    assert everything(TREE) == before


def test_a_machine_is_armed_once():
    _, command = documented("Arm machines")
    link = f"{TREE}/once/node7"
    short = f"{command} -e pxesrv_wait_seconds=1"
    said = refused(short)
    assert CLIENT in said or "node7" in said
    assert "time" in said
    assert os.readlink(link) == f"../{TARGET}"
    # Again, and by the play that does not arm: it is the very link.
    before = os.lstat(link)
    again = Played(short)
    assert again.status != 0 and again.changed == 0
    assert play(SITE).changed == 0
    after = os.lstat(link)
    assert (after.st_ino, after.st_uid) == (before.st_ino, before.st_uid)


def is_waiting():
    """Whether pxesrvctl wait runs on the machine."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if read(path).startswith("pxesrvctl\0wait\0"):
                return True
    return False


def booted(answers):
    """A machine that boots while it is waited for."""
    until(is_waiting, "that it is waited for")
    answers.append(ask(CLIENT))


def test_it_is_waited_for_and_not_armed_again():
    _, command = documented("Arm machines")
    link, answers = f"{TREE}/once/node7", []
    boot = threading.Thread(target=booted, args=(answers,))
    boot.start()
    played = play(command)
    boot.join(PATIENCE)
    assert played.changed == 0  # it was armed before
    assert answers == [(200, read(f"{TREE}/{TARGET}"))]
    assert not os.path.lexists(link)
    assert play(SITE).changed == 0
    assert not os.path.lexists(link)
    # But whoever asks for it gets it.
    [arm] = Played(f"{command} -e pxesrv_wait_seconds=1").changes()
    assert arm == "Arm them" and os.path.lexists(link)
    assert ask(CLIENT) == (200, read(f"{TREE}/{TARGET}"))


def test_until_it_is_done():
    command = documented("Arm machines")[1] + (
        " -e pxesrv_kind=until -e pxesrv_wait_seconds=1")
    assert Played(command).changes() == ["Arm them"]
    assert os.readlink(f"{TREE}/until/node7") == f"../{TARGET}"
    assert ask(CLIENT, "/done") == (200, "Done until/node7\n")


@contextlib.contextmanager
def served(directory):
    """A URL of the files of a directory."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                                directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_package_by_url():
    shutil.copytree(f"{WORK}/packages", f"{WORK}/served")
    with open(f"{CONTROL}/pxesrv.deb", "rb") as file:
        checksum = hashlib.sha256(file.read()).hexdigest()
    [name] = [os.path.basename(path)
              for path in glob.glob(f"{WORK}/served/pxesrv_*.deb")]
    with served(f"{WORK}/served") as url:
        command = f"{SITE} -e pxesrv_package={url}/{name}"
        wrong = refused(f"{command} -e pxesrv_package_checksum=sha256:{0:064}")
        assert "The checksum for " in wrong
        command += f" -e pxesrv_package_checksum=sha256:{checksum}"
        assert play(command).changes() == ["Download the package"]
        assert play(command).changed == 0


def test_a_task_of_the_page():
    section = read(f"{SOURCE}/{PAGE}").split("## In playbooks of your own\n")[1]
    task = re.search(r"^```yaml\n(.*?)^```$", section,
                     re.MULTILINE | re.DOTALL).group(1)
    write(f"{CONTROL}/cancel.yml", "- hosts: pxesrv\n  become: true\n"
          "  gather_facts: false\n  tasks:\n" +
          textwrap.indent(task, "    "))
    cancel, link = "ansible-playbook cancel.yml", f"{TREE}/once/node7"
    os.symlink(f"../{TARGET}", link)
    assert play(f"{cancel} --check").changed == 1 and os.path.lexists(link)
    assert play(cancel).changed == 1 and not os.path.lexists(link)
    assert play(cancel).changed == 0


@pytest.mark.parametrize("command, said", [
    (f"{SITE} -e pxesrv_web_server=iis", "value of pxesrv_web_server must be"),
    (f"{SITE} -e pxesrv_package=nothing.deb",
     "Could not find or access 'nothing.deb'"),
    (f"{SITE} -e pxesrv_tree=/nowhere", "pxesrv_tree: /nowhere: no such"),
    (f"""{SITE} -e '{{"pxesrv_names": [{{"name": "10.0.0.7"}}]}}'""",
     "pxesrvctl: 10.0.0.7: not a name"),
    (f"""{SITE} -e '{{"pxesrv_names": [{{"identities": []}}]}}'""",
     "missing required arguments: name"),
    (f"""{SITE} -e '{{"pxesrv_subnets": [{{"network": "198.51.100.0/24",
        "target": "nothing/default"}}]}}'""".replace("\n", " "),
     "pxesrvctl: nothing/default: No such file"),
    (INSTALL, "missing required arguments: pxesrv_clients, pxesrv_target"),
    (f"{INSTALL} -e pxesrv_clients= -e pxesrv_target={TARGET}",
     "pxesrv_clients: names no machine"),
    (f"{INSTALL} -e pxesrv_clients={CLIENT} -e pxesrv_target=nothing",
     "pxesrvctl: nothing: No such file"),
    (f"{INSTALL} -e pxesrv_clients=192.0.2.300 -e pxesrv_target={TARGET}",
     "pxesrvctl: 192.0.2.300: "),
])
def test_what_is_wrong_is_named(command, said):
    before = everything(TREE)
    assert said in refused(command)
    assert everything(TREE) == before


def test_the_environment():
    """The responder has it, and so has pxesrvctl."""
    os.symlink(f"../{TARGET}", f"{TREE}/once/192.0.2.8")
    os.utime(f"{TREE}/once/192.0.2.8", (1, 1), follow_symlinks=False)
    one = "-e '{\"pxesrv_environment\": {\"PXESRV_ONCE_EXPIRES\": 3600}}'"
    assert play(f"{SITE} --check {one}").changes() == [
        "Set the environment of the responder"]
    assert play(f"{SITE} {one}").changes() == [
        "Set the environment of the responder", "Restart the responder"]
    assert ask("192.0.2.8") == (200, read(f"{TREE}/default"))
    arm = (f"{INSTALL} {one} -e pxesrv_clients=192.0.2.8 "
           f"-e pxesrv_target={TARGET} -e pxesrv_wait_seconds=1")
    assert Played(arm).changes() == ["Arm them"]
    assert ask("192.0.2.8") == (200, read(f"{TREE}/{TARGET}"))


def test_names_and_networks_that_are_absent():
    absent = """-e '{"pxesrv_names": [{"name": "node7", "state": "absent"}],
        "pxesrv_subnets": [{"network": "198.51.100.0/24", "state": "absent"}]}'
        """.replace("\n", " ")
    both = ["Give machines their names", "Link networks to their boot files"]
    before = everything(TREE)
    assert play(f"{SITE} --check {absent}").changes() == both
    assert everything(TREE) == before
    assert play(f"{SITE} {absent}").changes() == both
    gone = set(before) - set(everything(TREE))
    assert gone == {f"names/{CLIENT}", "names/2001:db8::7",
                    "subnet/198.51.100.0_24"}
    assert play(f"{SITE} {absent}").changed == 0


@pytest.mark.parametrize("server, before", [
    ("lighttpd", "nginx"), ("apache", "lighttpd")])
def test_another_web_server(server, before):
    on_the_machine(f"systemctl disable --now {before}")
    command = f"{SITE} -e pxesrv_web_server={server}"
    assert play(command).changes()[-1] == "Reload the web server"
    assert ask("198.51.100.7") == (200, read(f"{TREE}/rescue/default"))
    assert play(command).changed == 0
