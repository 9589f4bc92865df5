"""docs/reference/ names what the code has."""

import argparse
import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from ocsd.agent.feeds.settings import KNOWN
from ocsd.agent.operations.session import OpSession
from ocsd.base import OpCode
from ocsd.daemon.ocs.host_manager import _NEXT_ACTION
from ocsd.ocs_agent import OCSAgent
from ocsd.site import arguments
from tests.unit.test_api import NAMES, SIGNATURES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
WIRE = (REFERENCE / "wire.md").read_text()
API = (REFERENCE / "agent-api.md").read_text()
PAGE_OF_WORDS = (REFERENCE / "glossary.md").read_text()


def part(title):
    """Return what the page of the wire has under a title."""
    return re.split(r"\n##+ ", WIRE.split(f"# {title}\n")[1])[0]


@pytest.mark.parametrize("name", sorted({name for _, name, _ in SIGNATURES}))
def test_the_api_page_has_every_name_that_authors_use(name):
    assert re.search(rf"\b{name.rpartition('.')[2]}\b", API)


def test_the_api_page_has_every_word_that_old_agents_use():
    words = "_no_check_strays exclude_aggregator exclude_influx fresh_time influxdb_tags min_privs"
    settings = " ".join(KNOWN)
    for word in f"{words} {settings} max_messages dsleep _heartbeat_on".split():
        assert re.search(rf"\b{word}\b", API), word


def test_the_api_page_has_every_constant_and_every_option():
    assert all(name in API for _, names in NAMES for name in names.split())
    parser = arguments.add_arguments(argparse.ArgumentParser(add_help=False))
    options = {option for action in parser._actions for option in action.option_strings}
    listed = API.split("**Options of every agent:**")[1].split("\n\n")[0]
    assert set(re.findall(r"--[a-z-]+", listed)) == options


def test_the_wire_page_has_every_op_code():
    told = re.findall(r"\| (\d) \| ([A-Z]+)\b", part("Operations"))
    assert {name: int(code) for code, name in told} == {code.name: code.value for code in OpCode}


def test_the_wire_page_has_every_key_of_sessions_and_feeds():
    told = re.findall(r"^\| (`.*?`) \|", part("The session"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(told))) == set(OpSession(0, "acq").encoded())
    agent = OCSAgent(MagicMock(), MagicMock(), address="root.name", class_name="Thermo")
    info = agent.register_feed("temps", record=True).encoded()
    assert set(re.findall(r"^\| `(\w+)` \|", part("Feeds"), re.MULTILINE)) == set(info)


def test_the_wire_page_translates_every_state_for_hostmanagers_clients():
    ours, theirs = re.findall(r"^\| (?:ocsd|`next_action`) \|(.*)\|$", WIRE, re.MULTILINE)
    pairs = zip(re.findall(r"`(\w+)`", ours), re.findall(r"`(\w+)`", theirs), strict=True)
    assert dict(pairs) == {str(state): word for state, word in _NEXT_ACTION.items()}


def test_every_decision_has_the_next_number_a_date_and_a_status():
    text = (REFERENCE.parent / "develop" / "decisions.md").read_text()
    entries = re.findall(r"^### (\d+)\. .+\n\n(\d{4}-\d\d-\d\d), (\w+.*)\n\n\S", text, re.MULTILINE)
    assert [int(number) for number, _, _ in entries] == [*range(1, text.count("\n### ") + 1)]
    for _, _, status in entries:
        assert re.match(r"accepted|changed on \d{4}-\d\d-\d\d|superseded by \d+$", status)
        assert all(0 < int(other) <= len(entries) for other in re.findall(r"by (\d+)", status))
    listed = re.findall(r"^- \[.*?\]\(#.*?\): (\d+)(?: to (\d+))?\.", text, re.MULTILINE)
    numbers = [each for first, last in listed for each in range(int(first), int(last or first) + 1)]
    assert numbers == [*range(1, len(entries) + 1)]


def test_the_glossary_is_in_order_and_defines_every_word_once():
    words = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE_OF_WORDS.split("## All words")[1], re.M)[
        2:
    ]
    assert words == sorted(set(words), key=str.lower)
