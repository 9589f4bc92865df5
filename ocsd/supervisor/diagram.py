"""The life of an instance as docs/supervision.md shows it, made from the table that decides it."""

from typing import assert_never, get_args

from ocsd.supervisor.events import Event, State
from ocsd.supervisor.lifecycle import TRANSITIONS, Ignored, Impossible, Rule

Answer = Rule | Ignored | Impossible

EVENTS: tuple[type[Event], ...] = get_args(Event)
"""Everything that can happen to an instance."""


def mermaid() -> str:
    """Return the states and what leads from one to another, as a mermaid state diagram."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for before, answers in TRANSITIONS.items():
        for event in EVENTS:
            for after in _in_order(_leads_to(answers[event])):
                if after is not before or len(_leads_to(answers[event])) > 1:
                    arrows.setdefault((before, after), []).append(event.__name__)
    lines = ["stateDiagram-v2", f"    [*] --> {State.DOWN}"]
    for (before, after), names in arrows.items():
        lines.append(f"    {before} --> {after}: {', '.join(names)}")
    return "\n".join(lines) + "\n"


def table() -> str:
    """Return the answer to every event in every state, as a markdown table."""
    rows = [
        "| | " + " | ".join(f"`{state}`" for state in State) + " |",
        "|---" * (len(State) + 1) + "|",
    ]
    for event in EVENTS:
        answers = (_words(state, TRANSITIONS[state][event]) for state in State)
        rows.append(f"| {event.__name__} | " + " | ".join(answers) + " |")
    return "\n".join(rows) + "\n"


def _words(state: State, answer: Answer) -> str:
    match answer:
        case Rule(leads_to=states):
            if states == {state}:
                return "stays"
            return "→ " + ", ".join(str(each) for each in _in_order(states))
        case Ignored(why):
            return f"ignored: {why}"
        case Impossible(why):
            return f"cannot be: {why}"
        case other:
            assert_never(other)


def _leads_to(answer: Answer) -> frozenset[State]:
    return answer.leads_to if isinstance(answer, Rule) else frozenset()


def _in_order(states: frozenset[State]) -> list[State]:
    return [each for each in State if each in states]
