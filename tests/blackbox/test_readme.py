# SPDX-License-Identifier: MIT
"""What the README shows is what the tool says, on the example tree."""
import http.client
import os
import re
import shlex
import subprocess

import answer
import checkout
import ctl
import fastcgi
import place
from deployments import meta_variables
from tree import Link, Tree


def readme():
    with open(os.path.join(place.SOURCE, "README.md")) as file:
        return file.read()


def shown():
    """The commands of its section on daily use, each with its lines."""
    text = readme()
    section = re.search(r"^## Use it\n(.*?)^## ", text,
                        re.MULTILINE | re.DOTALL).group(1)
    found = []
    for line in re.findall(r"^    (.*)$", section, re.MULTILINE):
        if line.startswith("$ "):
            found.append((shlex.split(line[2:]), []))
        else:
            found[-1][1].append(line)
    return found


def boots(responder, client):
    got = answer.from_cgi(fastcgi.ask(
        responder.path, meta_variables("GET", "/redirect", client)))
    assert got.status == 200


def said(words, responder):
    if words[0] != "pxesrvctl":
        subprocess.run(words, check=True)
        return []
    if words[1] == "wait":
        boots(responder, words[2])
        lines = ctl.good(*words[1:]).lines
    else:
        lines = ctl.on_a_terminal(*words[1:], NO_COLOR="1").splitlines()
    return [re.sub(r"  \d+ s  ", "  1 s  ",
                   re.sub(r" at \d\d:\d\d:\d\d$", " at 14:03:27", line))
            for line in lines]


def test_what_it_shows(tree: Tree, responder):
    checkout.copy_public(place.ROOT)
    for name in "once", "until":
        os.chown(tree.full(name), *place.OWNER)
    one = responder()
    examples = shown()
    assert len(examples) == 8
    for words, lines in examples:
        assert said(words, one) == lines, words


def test_the_tool_after_the_first_command(tmp_path):
    """In a tree that is not built here, it is the one that was installed."""
    os.symlink(place.CTL, tmp_path / "pxesrvctl")
    commands = re.search(r"^    \. \./source_me\.sh\n(?:    .*\n)+",
                         readme(), re.MULTILINE)[0]
    env = place.clean_env(HOME=str(tmp_path))
    env["PATH"] += f":{tmp_path}"
    done = subprocess.run(["sh", "-euc", commands], cwd=place.SOURCE, env=env,
                          capture_output=True, text=True)
    assert done.returncode == 0 and "200 default" in done.stdout, done


def get(port, client):
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=place.PATIENCE, source_address=(client, 0))
    connection.request("GET", "/redirect")
    body = connection.getresponse().read()
    connection.close()
    return body


def test_what_it_says_of_nginx_alone(tree: Tree):
    tree.make({"default": "default", "os/boot": "os",
               "static/127.0.0.7": Link("../os/boot"),
               "static/127.0.0.8": Link("../os/gone")})
    directory, port = f"{place.SERVERS}/alone", place.free_port()
    os.makedirs(directory)
    with open(f"{directory}/nginx.conf", "w") as file:
        file.write(f"""daemon off; pid {directory}/pid; error_log stderr;
            events {{}}
            http {{ access_log off; server {{
                listen {port}; root {place.ROOT};
                location = /redirect {{ {re.search("try_files .*?;",
                                                   readme())[0]} }}
            }} }}""")
    nginx = place.Program(
        ["nginx", "-e", "stderr", "-c", f"{directory}/nginx.conf"],
        f"{directory}/stderr")
    try:
        place.until(lambda: os.path.exists(f"{directory}/pid"), "its start")
        for _ in range(2):
            assert get(port, "127.0.0.7") == b"os"
        assert get(port, "127.0.0.8") == get(port, "127.0.0.9") == b"default"
    finally:
        nginx.end()
