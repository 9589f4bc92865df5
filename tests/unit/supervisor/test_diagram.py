"""What docs/run/supervision.md shows of the table, and that it is the table."""

import re
from pathlib import Path

from ocsd.supervisor.answers import Ignored, Impossible, Rule
from ocsd.supervisor.diagram import EVENTS, mermaid, table
from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import TRANSITIONS

PAGE = Path(__file__).parents[3] / "docs" / "run" / "supervision.md"
HOW = (
    "docs/run/supervision.md is not what the table says; paste what this prints: "
    "python -c 'from ocsd.supervisor import diagram; print(diagram.mermaid(), diagram.table())'"
)


def test_the_page_shows_the_table_that_decides():
    text = PAGE.read_text()
    assert f"```mermaid\n{mermaid()}```\n" in text, HOW
    assert f"\n\n{table()}\n" in text, HOW


def test_the_diagram_has_just_the_changes_of_state():
    arrows = {
        (before, after, event)
        for before, after, events in re.findall(r"^    (\w+) --> (\w+): (.*)$", mermaid(), re.M)
        for event in events.split(", ")
    }
    changes = {
        (before, after, event.__name__)
        for before, answers in TRANSITIONS.items()
        for event, answer in answers.items()
        if isinstance(answer, Rule)
        for after in answer.leads_to
        if after is not before
    }
    assert changes <= arrows
    # The only loop: an instance that ended while it started is started again at once.
    assert arrows - changes == {("starting", "starting", "Exited")}


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
