"""Pictures of terminals, from what commands write: ``python -m tests.unit.docs.drawings``."""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.site.whole import WholeSite, lines
from ocsd.status.site import SiteHost
from tests.unit.cli.overview.hosts import RECORDING, agent, aggregator, host, run, shown
from tests.unit.cli.pictures.draw import Kind, drawn
from tests.unit.cli.stand_in_daemon import status

_WIDTH = 80
_COLUMN, _LINE, _MARGIN = 8.4, 18, 16
"""Width of a character of 14 px, height of a line, and space around all [px]."""
_COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#76d9e6"}
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_STYLE = """\
<style>
 text { font: 14px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #e6edf3; \
white-space: pre }
 .typed { fill: #9da7b3 }
 .bold { font-weight: bold }
</style>"""

_NAMES = ("thermo1", "thermo2", "stage", "dome")
_CLOCK = {"source": "chrony", "synchronised": True, "offset_s": 0.0003}
_NO_PORT = "/dev/ttyACM0: there is no such port; is the cable plugged in?"
_STUCK = "no answer for 16 s: it is stopped (SIGSTOP); kill -CONT 8913 lets it go on"


def _well() -> str:
    return _status([agent(name) for name in _NAMES])


def _status(agents: list[dict[str, Any]]) -> str:
    file = str(RECORDING["file"]).replace("/one/", "/lab/")
    recorder = aggregator({**RECORDING, "feeds": len(agents), "file": file})
    return "\n".join(shown(host(*agents, recorder, host="lab", clock=_CLOCK), colour=True))


def _ill() -> str:
    agents = [agent(name) for name in _NAMES]
    degraded = run(state="degraded", reason=_NO_PORT)
    reason = f"operation 'acq' is degraded: {_NO_PORT}"
    agents[1] = agent("thermo2", degraded, health="degraded", reason=reason, sample_age_s=312.0)
    agents[2] = agent("stage", health="hung", reason=_STUCK, sample_age_s=18.0)
    return _status(agents)


def _why() -> str:
    words = "why thermo-03"
    text = drawn(Kind(_WIDTH, variables=()), (words,))[words]
    return text.replace("/tmp/ocsd-p-pictures/log", "/var/log/ocsd/one").rstrip("\n")


def _site() -> str:
    answers = status("lab-1", *(agent(name) for name in _NAMES[:2]))
    failed = agent("stage", state="failed", health=None, reason="no port /dev/ttyUSB0")
    ahead = ("its clock is 3m00s ahead of that of lab-1",)
    hosts = (
        SiteHost("lab-1", answers, 5.0),
        SiteHost("lab-2", status("lab-2", failed, agent("dome")), 5.0, notes=ahead),
        SiteHost("lab-3", answers, 5.0, trouble="it hangs; it last answered 9s ago"),
    )
    screen = Terminal(interactive=True, unicode=True, colour=True, width_columns=_WIDTH)
    return "\n".join(lines(WholeSite(hosts), screen))


def _picture(words: str, write: Callable[[], str]) -> str:
    rows = write().split("\n")
    width = int(_WIDTH * _COLUMN) + 2 * _MARGIN
    height = _LINE * (len(rows) + 1) + 2 * _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'xml:space="preserve">\n'
        f"<title>ocsd {words}</title>\n{_STYLE}\n"
        f'<rect width="{width}" height="{height}" rx="8" fill="#161b22"/>\n'
    )
    typed = f'<tspan class="typed">$ </tspan>ocsd {escape(words)}'
    texts = [typed, *("".join(_spans(row)) for row in rows)]
    placed = [
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * (number + 0.75):g}">{text}</text>'
        for number, text in enumerate(texts)
    ]
    return head + "\n".join(placed) + "\n</svg>\n"


def _spans(row: str) -> Iterator[str]:
    """Yield the parts of a line that has ANSI colours, each as SVG has it."""
    plain, *coloured = _SGR.split(row)
    yield escape(plain, quote=False)
    for codes, text in zip(coloured[::2], coloured[1::2], strict=True):
        if text:
            yield _span(codes, escape(text, quote=False))


def _span(codes: str, text: str) -> str:
    if codes == "1":
        return f'<tspan class="bold">{text}</tspan>'
    if codes in _COLOURS:
        return f'<tspan fill="{_COLOURS[codes]}">{text}</tspan>'
    return text


_COMMANDS: dict[str, tuple[str, Callable[[], str]]] = {
    "terminal-status.svg": ("status", _well),
    "terminal-fault.svg": ("status", _ill),
    "terminal-why.svg": ("why thermo-03", _why),
    "terminal-site.svg": ("status --site", _site),
}


def _drawing(words: str, write: Callable[[], str]) -> Callable[[], str]:
    return lambda: _picture(words, write)


TERMINALS = {name: _drawing(*command) for name, command in _COMMANDS.items()}
