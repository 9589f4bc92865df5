"""What docs/run/supervision.md shows of the table, and that it is the table."""

import re
from pathlib import Path

from ocsd.supervisor.answers import Ignored, Impossible, Rule
from ocsd.supervisor.diagram import EVENTS, table
from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import TRANSITIONS

PAGE = Path(__file__).parents[3] / "docs" / "run" / "supervision.md"
HOW = (
    "docs/run/supervision.md is not what the table says; paste what this prints: "
    "python -c 'from ocsd.supervisor import diagram; print(diagram.table())'"
)


def test_the_page_shows_the_table_that_decides():
    text = PAGE.read_text()
    assert f"\n\n{table()}\n" in text, HOW


def test_the_table_has_an_answer_for_every_state_and_event():
    head, _, *rows = table().splitlines()
    assert re.findall(r"`(\w+)`", head) == [*map(str, State)]
    for event, row in zip(EVENTS, rows, strict=True):
        name, *words = (cell.strip() for cell in row.strip("|").split("|"))
        assert name == event.__name__
        for state, cell in zip(State, words, strict=True):
            match TRANSITIONS[state][event]:
                case Rule(leads_to=()):
                    assert cell == "stays"
                case Rule(leads_to=states):
                    assert cell == "→ " + ", ".join(states)
                case Ignored(why):
                    assert cell == f"ignored: {why}"
                case Impossible(why):
                    assert cell == f"cannot be: {why}"
