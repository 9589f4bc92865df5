"""The files of the page: what they may not hold, and that nothing of them is missing."""

import hashlib
import re
from pathlib import Path

import pytest

from ocsd.log.levels import LEVELS

PAGE = Path(__file__).parents[3] / "ocsd" / "web" / "page"
VENDOR = PAGE / "vendor"
MODULES = sorted(PAGE.rglob("*.js"))
OURS = [path for path in PAGE.rglob("*") if path.is_file() and VENDOR not in path.parents]

FORBIDDEN = {
    "HTML made of text": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc",
    "code made of text": r"\beval\(|new Function|setTimeout\(\s*[\"'`]|javascript:",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_nothing_from_the_server_can_become(what):
    found = [path.name for path in OURS if re.search(FORBIDDEN[what], path.read_text())]
    assert found == []


def test_the_page_has_no_script_or_style_of_its_own():
    html = (PAGE / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html) == []


def test_the_page_asks_no_other_place():
    names = r"[\"'(]\s*(?:https?:)?//[\w.]+"
    allowed = '"http://www.w3.org'  # the namespace of SVG
    found = {
        (path.name, url)
        for path in OURS
        for url in re.findall(names, path.read_text())
        if url != allowed
    }
    assert found == set()


def test_all_addresses_of_the_page_are_relative():
    html = (PAGE / "index.html").read_text()
    addresses = re.findall(r"(?:href|src)=\"([^\"#]+)", html)
    assert [each for each in addresses if not each.startswith("static/")] == []
    assert [each for each in addresses if not (PAGE / each.removeprefix("static/")).is_file()] == []


def test_every_imported_module_exists_and_has_what_is_imported():
    missing = []
    for path in MODULES:
        for names, module in re.findall(r"import (.+?) from \"(.+?)\"", path.read_text()):
            target = path.parent / module
            if not target.is_file():
                missing.append((path.name, module))
                continue
            text = target.read_text()
            for name in re.findall(r"\w+", names.partition("{")[2].partition("}")[0]):
                if not re.search(rf"export (?:async )?(?:function|class|const) {name}\b", text):
                    missing.append((path.name, name))
    assert missing == []


def test_every_module_is_used():
    scripts = [
        Path(src).name
        for html in PAGE.rglob("*.html")
        for src in re.findall(r"<script[^>]* src=\"([^\"]+)", html.read_text())
    ]
    used = {path.relative_to(PAGE).as_posix() for path in MODULES if path.name in scripts}
    for path in MODULES:
        for module in re.findall(r"from \"(.+?)\"", path.read_text()):
            used.add((path.parent / module).resolve().relative_to(PAGE).as_posix())
    assert {path.relative_to(PAGE).as_posix() for path in MODULES} == used


def test_the_levels_of_the_log_filter_are_those_of_the_api():
    listed = re.search(r"\[\"\", (.+?)\]\.map\(\(level\)", (PAGE / "parts/log.js").read_text())[1]
    chosen = re.findall(r"\w+", listed)
    coloured = re.findall(r"data-level=\"(\w+)\"", (PAGE / "css/instance.css").read_text())
    assert set(chosen + coloured) <= set(LEVELS)


def test_the_logic_touches_no_page():
    world = r"\b(?:document|navigator|localStorage|fetch|performance|Math\.random|Date\.now)\b"
    found = {}
    for path in (PAGE / "logic").iterdir():
        code = re.sub(r"/\*.*?\*/|//.*", "", path.read_text(), flags=re.DOTALL)
        found[path.name] = re.findall(world, code)
    assert {name: words for name, words in found.items() if words} == {}


def test_the_modules_are_small():
    assert [path.name for path in OURS if len(path.read_text().splitlines()) > 300] == []


@pytest.mark.parametrize("folder", sorted(each.name for each in VENDOR.iterdir()))
def test_what_comes_from_others_is_unchanged_and_has_its_licence(folder):
    sums = dict(
        reversed(line.split()) for line in (VENDOR / folder / "SHA256SUMS").read_text().splitlines()
    )
    assert "LICENSE" in sums
    assert {
        path.name for path in (VENDOR / folder).iterdir() if path.suffix in (".js", ".css")
    } <= set(sums)
    assert sums == {
        name: hashlib.sha256((VENDOR / folder / name).read_bytes()).hexdigest() for name in sums
    }


def test_the_page_of_docs_lists_the_keys():
    pattern = r"\{ key: \"(.+?)\"(?:, name: \"(.+?)\")?, text: \"(.+?)\""
    found = re.findall(pattern, (PAGE / "main.js").read_text())
    keys = {name or key: text for key, name, text in found}
    docs = (PAGE.parents[2] / "docs" / "see" / "page.md").read_text()
    section = docs.partition("## Keys")[2].partition("## ")[0]
    mouse = {"drag", "wheel", "double click"}
    assert dict(re.findall(r"^\| `(.+?)` \| (.+?) \|$", section, re.MULTILINE)) == {
        key: text for key, text in keys.items() if key not in mouse
    }
