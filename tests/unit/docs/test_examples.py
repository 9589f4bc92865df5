"""Commands and site files of pages can be typed as they stand."""

import ast
import json
import re
import shlex
import tomllib
from configparser import ConfigParser
from contextlib import suppress
from textwrap import dedent
from unittest.mock import patch

import click
import pytest
import yaml

from ocsd.aggregator.options import make_parser
from ocsd.cli.main import OF_OTHER_HOSTS
from ocsd.cli.main import ocsd as here
from ocsd.daemon.instances.plan import plan
from ocsd.site.load import load
from tests.unit.docs.shown import ROOT

_NOT_TO_TYPE = {
    "docs/run/operating.md",  # forms of commands, held by test_pages
    "docs/reference/commands.md",  # made from the code
    "docs/develop/decisions.md",  # has commands of before
}
COMMAND_PAGES = sorted(
    {"README.md", *(str(each.relative_to(ROOT)) for each in (ROOT / "docs").rglob("*.md"))}
    - _NOT_TO_TYPE
)
_BEFORE = r"\$ |(?:\.venv|/opt/ocsd)/bin/|docker exec HOST |docker-compose exec ocsd "
OF_OCS = "docs/moving-from-ocs/migrate.md"
"""Its site file is one of OCS, with mistakes (tests/unit/cli/migration/test_command.py)."""


def in_blocks(text):
    """Return what follows `ocsd` in each command that stands on a line of its own."""
    found = re.findall(rf"^ {{4,}}(?:{_BEFORE})?ocsd ([a-z-].*?)(?: {{2}}.*)?$", text, re.MULTILINE)
    return [each for each in found if not each.startswith("--")]  # of an image's entry point


def in_sentences(text):
    """Return the same of commands within sentences and tables."""
    return re.findall(r"`ocsd ([a-z-][^`]*)`", text)


def read(command):
    """Read a command and check all of it, without doing anything."""
    words = shlex.split(command.replace("/mnt/image", "/"), comments=True)
    if words[0] in OF_OTHER_HOSTS:
        words = [word for word in words if not word.endswith(":")]  # a host
    with patch.object(click.Command, "invoke", lambda *_: None):
        here.main(words, prog_name="ocsd", standalone_mode=False)


def test_a_wrong_command_is_not_read():
    for wrong in ("statsu", "status --sight", "start -d --host", "stop now", "logs -n few"):
        with pytest.raises(click.UsageError):
            read(wrong)


@pytest.mark.parametrize("name", COMMAND_PAGES)
def test_every_command_of_a_page_is_understood(name):
    text = (ROOT / name).read_text()
    for command in in_blocks(text):
        read(command)
    for command in in_sentences(text):
        with suppress(click.MissingParameter):  # It may only be named.
            read(command)


def test_the_pages_install_what_there_is():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for name in ("README.md", "docs/start/index.md"):
        lines = re.findall(r"pip install -c (\S+) '\.\[(.*?)\]'", (ROOT / name).read_text())
        assert lines
        for constraints, extras in lines:
            assert (ROOT / constraints).is_file()
            assert {*extras.split(",")} <= {*setup["options.extras_require"]}


def blocks_of_yaml(name):
    """Return the blocks of YAML of a page."""
    found = re.findall(r"^ *```yaml\n(.*?)```", (ROOT / name).read_text(), re.M | re.DOTALL)
    return list(map(dedent, found))


def site_files():
    """Yield each page and each whole site file on it."""
    for name in COMMAND_PAGES:
        for example in blocks_of_yaml(name):
            if re.search(r"^hub:", example, re.M) and re.search(r"^hosts:", example, re.M):
                yield name, example


SITE_FILES = [each for each in site_files() if each[0] != OF_OCS]


def test_the_pages_have_site_files():
    names = {name for name, _ in SITE_FILES}
    assert names >= {"README.md", "docs/start/index.md"}
    assert names >= {"docs/run/keeping.md", "docs/run/changing.md"}


@pytest.mark.parametrize(("name", "example"), SITE_FILES)
def test_a_site_file_of_a_page_is_right(name, example, tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text(example)
    site = load(file)
    assert site.warnings == ()
    assert site.hosts.keys() == yaml.safe_load(example)["hosts"].keys()
    for host in site.hosts.values():
        assert plan(site, host, "data").instances
        for entry in host.instances:
            if entry.agent_class == "AggregatorAgent":
                make_parser().parse_args(entry.arguments)


_HUB = {"wamp_server": "ws://localhost:8001/ws"}
_OTHER_FILES = {
    "services": "docker compose",
    "thermo1-view": "docker compose",
    "scrape_configs": "Prometheus",
    "user": "a person's settings",
    "password_file": "a person's settings",
    "distrib_hashfunc": "an access director",
    "default": "an access director",
}
"""A key of each kind of file that is no site file, with the program that reads it."""


def completed(part):
    """Return the site file of which an example is a part; None if it is of another file."""
    match part:
        case [{"agent-class": _}, *_]:
            return completed({"agent-instances": part})
        case {"hub": _, "hosts": _}:
            return part
        case {"hosts": _}:
            return {"hub": _HUB, **part}
        case {"hub": hub}:
            return {"hub": hub, "hosts": {"lab": {"agent-instances": []}}}
        case {"agent-instances": _} | {"hooks": _} | {"alarms": _}:
            return {"hub": _HUB, "hosts": {"lab": {"agent-instances": [], **part}}}
    return None


PARTS = [
    (name, example)
    for name in COMMAND_PAGES
    for example in blocks_of_yaml(name)
    if name != OF_OCS and (name, example) not in SITE_FILES
]


@pytest.mark.parametrize(("name", "example"), PARTS)
def test_a_part_of_a_site_file_fits_into_one(name, example, tmp_path):
    part = yaml.safe_load(example)
    whole = completed(part)
    if whole is None:
        keys = {*(part[0] if isinstance(part, list) else part)}
        assert keys & _OTHER_FILES.keys(), "name the program that reads it, or complete it"
        return
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(whole))
    # The agents that an alarm is about need not stand in the example.
    assert [
        each for each in load(file).warnings if "which the site file does not" not in each
    ] == []


READERS = {
    "python": ast.parse,
    "json": json.loads,
    "toml": tomllib.loads,
    "ini": lambda text: ConfigParser(strict=False).read_string(text),
}
"""The readers of blocks in other languages; what they do is tested with their subjects."""


def other_blocks():
    for name in COMMAND_PAGES:
        text = (ROOT / name).read_text()
        for language, block in re.findall(r"^ *```(\w+)\n(.*?)```", text, re.M | re.DOTALL):
            if language in READERS:
                yield name, language, dedent(block)


@pytest.mark.parametrize(("name", "language", "block"), [*other_blocks()])
def test_a_block_of_a_page_is_of_its_language(name, language, block):
    READERS[language](block)
