"""The table of docs/run/supervision.md, made from the table that decides."""

from typing import assert_never, get_args

from ocsd.supervisor.answers import Answer, Ignored, Impossible, Rule
from ocsd.supervisor.events import Event, State
from ocsd.supervisor.lifecycle import TRANSITIONS

EVENTS: tuple[type[Event], ...] = get_args(Event)
"""Everything that can happen to an instance."""


def table() -> str:
    """Return the answer to every event in every state, as a markdown table."""
    rows = [
        "| | " + " | ".join(f"`{state}`" for state in State) + " |",
        "|---" * (len(State) + 1) + "|",
    ]
    for event in EVENTS:
        answers = (_words(TRANSITIONS[state][event]) for state in State)
        rows.append(f"| {event.__name__} | " + " | ".join(answers) + " |")
    return "\n".join(rows) + "\n"


def _words(answer: Answer) -> str:
    match answer:
        case Rule(leads_to=()):
            return "stays"
        case Rule(leads_to=states):
            return "→ " + ", ".join(states)
        case Ignored(why):
            return f"ignored: {why}"
        case Impossible(why):
            return f"cannot be: {why}"
        case other:
            assert_never(other)
