"""The drawings of docs/pictures/: ``python -m tests.unit.docs.drawings``.

The state diagram is drawn from the table that decides, the parts of a site by hand, terminals
from what commands write on them.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path

from ocsd.supervisor.answers import Rule
from ocsd.supervisor.events import Exited, State
from ocsd.supervisor.lifecycle import TRANSITIONS
from tests.unit.docs.terminals import TERMINALS

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
HOW = "run: python -m tests.unit.docs.drawings"

_STYLE = """\
<style>
 .ground { fill: #ffffff; stroke: #d0d0d0 }
 .box { fill: #eef4fb; stroke: #33658a; stroke-width: 1.5 }
 .soft { fill: #f7f7f7; stroke: #999999; stroke-dasharray: 4 3 }
 text { font: 14px sans-serif; fill: #1a1a1a; text-anchor: middle }
 .small { font-size: 11px; fill: #333333; paint-order: stroke; stroke: #ffffff; stroke-width: 3 }
 .end { stroke-dasharray: 5 4; opacity: 0.55 }
 .line { fill: none; stroke: #33658a; stroke-width: 1.3; marker-end: url(#head) }
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#33658a"/></marker></defs>"""

_STATES = {
    State.DOWN: (100, 215),
    State.STARTING: (390, 75),
    State.UP: (790, 75),
    State.STOPPING: (790, 395),
    State.BACKOFF: (520, 395),
    State.FAILED: (240, 395),
}
"""Where each state stands: its centre."""
_NAMES = {
    (State.DOWN, State.STARTING): (0.5, -70),
    (State.STARTING, State.UP): (0.5, 0),
    (State.STARTING, State.STOPPING): (0.42, 62),
    (State.UP, State.STOPPING): (0.5, 40),
    (State.BACKOFF, State.STARTING): (0.2, 58),
    (State.BACKOFF, State.DOWN): (0.62, 0),
    (State.FAILED, State.STARTING): (0.22, -30),
    (State.FAILED, State.DOWN): (0.6, -52),
}
"""Where the events of an arrow stand: which part of its way, and how far to the right."""
_HALF_WIDTH, _HALF_HEIGHT = 55, 22
_APART = 9
"""Half of the distance between the arrows of two states to one another."""
_LINE_HEIGHT = 13


def state_diagram() -> str:
    """Return the states and the events that lead from one to another, as SVG."""
    arrows: dict[tuple[State, State], list[str]] = {}
    ends = []
    for before, answers in TRANSITIONS.items():
        for event, answer in answers.items():
            for after in answer.leads_to if isinstance(answer, Rule) else ():
                if event is Exited:
                    ends.append(_arrow(before, after, "line end"))
                else:
                    arrows.setdefault((before, after), []).append(event.__name__)
    lines = [_arrow(*pair, "line") for pair in arrows]
    names = [_events(*pair, sorted(events)) for pair, events in arrows.items()]
    boxes = [_box(x, y, _HALF_WIDTH, _HALF_HEIGHT, str(state)) for state, (x, y) in _STATES.items()]
    legend = ['<path class="line end" d="M20 30 70 30"/>', _text(110, 34, "Exited", "small")]
    return _picture(890, 440, "The states of an instance", [*ends, *lines, *boxes, *names, *legend])


def architecture() -> str:
    """Return the parts of a site and how they are connected, as SVG."""
    parts = [
        '<rect class="soft" x="20" y="60" width="620" height="330" rx="8"/>',
        _text(100, 82, "host lab-1"),
        _box(150, 130, 90, 28, "ocsd", "the daemon, one per host"),
        _box(150, 230, 90, 28, "fork server", "starts the processes"),
        _box(150, 340, 90, 28, "page", "web: status, plots, metrics"),
        _box(380, 130, 80, 28, "router", "crossbar"),
        _box(380, 230, 80, 28, "agents", "one process each"),
        _box(380, 340, 80, 28, "aggregator", "records, notes holes"),
        _box(565, 230, 62, 28, "devices", "serial, TCP, HTTP"),
        _box(565, 340, 62, 28, "G3 files"),
        '<rect class="soft" x="670" y="60" width="200" height="150" rx="8"/>',
        _text(770, 82, "host lab-2"),
        _box(770, 130, 80, 28, "ocsd, agents", "and more hosts"),
        _box(770, 265, 80, 28, "clients", "Python, curl, ocs-web"),
        _box(150, 24, 90, 20, "site file"),
        _line(150, 44, 150, 102),
        _line(150, 158, 150, 202),
        _line(240, 230, 300, 230),
        _line(240, 215, 300, 150),
        _line(240, 245, 300, 325),
        _line(380, 202, 380, 158),
        _line(380, 258, 380, 312),
        _line(460, 230, 503, 230),
        _line(460, 340, 503, 340),
        _line(690, 130, 460, 130),
        _line(690, 245, 460, 148),
        _line(300, 345, 240, 345),
    ]
    return _picture(890, 410, "The parts of a site", parts)


DRAWINGS: dict[str, Callable[[], str]] = {
    "states.svg": state_diagram,
    "architecture.svg": architecture,
    **TERMINALS,
}


def _picture(width: int, height: int, title: str, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{title}</title>\n{_STYLE}\n"
        f'<rect class="ground" width="{width}" height="{height}" rx="6"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _box(x: int, y: int, half_width: int, half_height: int, *texts: str) -> str:
    corner = f'x="{x - half_width}" y="{y - half_height}"'
    size = f'width="{2 * half_width}" height="{2 * half_height}"'
    first, *rest = texts
    lines = [_text(x, y + (-2 if rest else 5), first)]
    lines += [_text(x, y + 15, each, "small") for each in rest]
    return f'<rect class="box" {corner} {size} rx="6"/>' + "".join(lines)


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="line" d="M{x1:g} {y1:g} {x2:g} {y2:g}"/>'


def _arrow(before: State, after: State, kind: str) -> str:
    x1, y1 = _STATES[before]
    x2, y2 = _STATES[after]
    if before is after:
        top = y1 - _HALF_HEIGHT
        loop = f"M{x1 - 18} {top}C{x1 - 40} {top - 42} {x1 + 40} {top - 42} {x1 + 18} {top}"
        return f'<path class="{kind}" d="{loop}"/>'
    right_x, right_y = _to_the_right(before, after)
    start_x, start_y = _edge(x1, y1, x2 - x1, y2 - y1)
    end_x, end_y = _edge(x2, y2, x1 - x2, y1 - y2)
    start = f"{start_x + right_x:.0f} {start_y + right_y:.0f}"
    end = f"{end_x + right_x:.0f} {end_y + right_y:.0f}"
    return f'<path class="{kind}" d="M{start} {end}"/>'


def _to_the_right(before: State, after: State) -> tuple[float, float]:
    """Return a step to the right of an arrow: the arrow back stands on the other side."""
    (x1, y1), (x2, y2) = _STATES[before], _STATES[after]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    return -(y2 - y1) / length * _APART, (x2 - x1) / length * _APART


def _events(before: State, after: State, events: list[str]) -> str:
    (x1, y1), (x2, y2) = _STATES[before], _STATES[after]
    share, aside = _NAMES[before, after]
    x = x1 + (x2 - x1) * share + aside
    y = y1 + (y2 - y1) * share - _LINE_HEIGHT * (len(events) - 1) / 2
    y += 24 if y1 == y2 else 0
    lines = [_text(x, y + _LINE_HEIGHT * n, each, "small") for n, each in enumerate(events)]
    return "".join(lines)


def _edge(x: float, y: float, dx: float, dy: float) -> tuple[float, float]:
    """Return where the edge of a box is left in a direction."""
    share = min(
        _HALF_WIDTH / abs(dx) if dx else 9.0,
        _HALF_HEIGHT / abs(dy) if dy else 9.0,
    )
    return x + dx * share, y + dy * share


if __name__ == "__main__":
    for name, drawing in DRAWINGS.items():
        (PICTURES / name).write_text(drawing())
