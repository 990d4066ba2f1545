# SPDX-License-Identifier: MIT
"""The pages: their length, and where their links lead."""
import glob
import html
import os
import re

import pytest

import place

PAGES = sorted(
    path for path in glob.glob("**/*.md", root_dir=place.SOURCE, recursive=True)
    # Nor what somebody builds or tries in the checkout.
    if not path.startswith(("build", "public/once/", "public/until/",
                            "public/static/", "public/names/")))
# docs/man/ is made from man/.
WRITTEN = [path for path in PAGES if path != "README.md"
           and (path in ("SECURITY.md", "CONTRIBUTING.md")
                or path.startswith(("docs/", "public/")))
           and not path.startswith("docs/man/")]


def read(path):
    with open(os.path.join(place.SOURCE, path)) as file:
        return file.read()


def prose(path):
    """Without blocks of code, in which nothing is a link or a heading."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2 *$", "", read(path),
                  flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?:\A|(?<=\n\n))(?: {4}.*\n|\n(?= {4}))+", "", text)


def links(path):
    """The targets of all links and pictures."""
    text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "code", prose(path),
                  flags=re.DOTALL)
    return re.findall(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)", text) \
        + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE) \
        + re.findall(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"", text)


def anchors(path):
    """Of its headings, as GitHub makes them: lower case, a hyphen for each
    blank, no punctuation; a number behind one that was there."""
    found = []
    for heading in re.findall(r"^#{1,6} +(.*?)[ #]*$", prose(path),
                              re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        heading = re.sub(r"[*`]|\b_|_\b", "", heading)
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        name, number = plain, 0
        while name in found:
            number += 1
            name = f"{plain}-{number}"
        found.append(name)
    return found + re.findall(r"<a (?:id|name)=\"([^\"]+)\"", read(path))


def is_elsewhere(target):
    return re.match(r"[a-z][a-z0-9+.-]*:", target)


def leads_to(path, target):
    """The file in the repository, and the anchor in it."""
    name, _, anchor = target.partition("#")
    if name:
        path = os.path.normpath(os.path.join(os.path.dirname(path), name))
    return path, anchor


def what_is_wrong(path, target):
    file, anchor = leads_to(path, target)
    if file.startswith(("..", "/")):
        return "leads out of the repository"
    if not os.path.exists(os.path.join(place.SOURCE, file)):
        return "is not there"
    if anchor and (not file.endswith(".md") or anchor not in anchors(file)):
        return "has no such heading"
    return None


def test_the_readme_is_short():
    assert read("README.md").count("\n") <= 180


@pytest.mark.parametrize("path", WRITTEN)
def test_a_page_is_short(path):
    assert read(path).count("\n") < 200


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_somewhere(path):
    wrong = {target: why for target in links(path)
             if not is_elsewhere(target)
             and (why := what_is_wrong(path, target))}
    assert not wrong, f"{path}: {wrong}"


def test_the_index_reaches_every_page():
    reached = {leads_to("docs/README.md", target)[0]
               for target in links("docs/README.md")}
    pages = {path for path in PAGES if path.startswith("docs/")}
    assert pages - reached == {"docs/README.md"}


def test_the_picture_shows_what_the_page_says():
    """tests/clients/record makes it anew."""
    picture = html.unescape(read("docs/images/first-boot.svg"))
    assert len(picture) < 60_000
    page = read("docs/first-boot.md")
    for heading in "Arm the machine", "Read the log":
        command, = re.findall(
            rf"^## {heading}\n\n    (.*)$", page, re.MULTILINE)
        assert f">$ {command}<" in picture


@pytest.mark.parametrize("heading, want", [
    ("Plain words", "plain-words"), ("What is it?", "what-is-it"),
    ("`/grub/clear/` and so on", "grubclear-and-so-on"),
    ("A [link](there.md) in it", "a-link-in-it"), ("Two - one", "two---one"),
    ("The *unit's* `PXESRV_ROOT`", "the-units-pxesrv_root"),
    ("pxesrv.fcgi(8)", "pxesrvfcgi8")])
def test_the_rule_for_anchors(heading, want, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# {heading}\n\n    # code\n\n```sh\n# code\n```\n"
                    f"## {heading}\n")
    assert anchors(page) == [want, f"{want}-1"]


def test_what_counts_as_a_link(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n[one](a.md) and [two\nlines](b.md#c \"title\"), ![](d.png)\n"
        "`[no](e.md)`\n\n    [no](f.md)\n\n- text\n\n      [no](g.md)\n\n"
        "1. [three](h.md),\n   [four](i.md)\n\n[ref]: j.md\n")
    assert links(page) == ["a.md", "b.md#c", "d.png", "h.md", "i.md", "j.md"]
