"""The page docs/moving-from-ocs/compatibility.md."""

import platform
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ocsd import __version__
from tests.compatibility.acquire import Acquired
from tests.compatibility.classes import AgentClass, package_versions
from tests.compatibility.examine import Outcome

FINDINGS = Path(__file__).with_name("findings.md")
REASON_LENGTH = 110

_HEAD = """\
# Agents of other packages

This page is made by `make compatibility`; do not edit it. On {day}, with Python {python},
ocsd {ocsd} ran every agent class of {packages}, unmodified, beside the published `ocs`:

1. with a device that does not answer (a TCP port that accepts and says nothing, a serial port on
   which nobody speaks), under `ocsd start`: is the class found and imported, does it parse its
   arguments and register its operations;
2. the same under the published OCS (`ocs-agent-cli`): does it offer the same operations and feeds,
   and end in the same way;
3. {count} classes with a simulated device, under ocsd only: does the feed carry the simulated
   values, twice at least (of a publisher: does its server get them). The simulated devices are
   written after the agents' drivers, not from the devices' manuals, and no real device was used.

{totals}

Operations are tasks and processes. Feeds are counted without the heartbeat. "-" under "acquires"
means that there is no simulated device.

| class | package | result | operations | feeds | acquires | remark |
|---|---|---|---:|---:|---|---|
"""


def page(
    classes: list[AgentClass],
    ours: Mapping[str, Outcome],
    theirs: Mapping[str, Outcome],
    acquired: Mapping[str, Acquired],
) -> str:
    """Return the page.

    Parameters
    ----------
    classes : list of AgentClass
        All that were examined.
    ours, theirs : mapping of class to Outcome
        Under ocsd and under the published OCS, without a device.
    acquired : mapping of class to Acquired
        Under ocsd with a simulated device.
    """
    rows = [
        _Row(each, ours[each.name], theirs[each.name], acquired.get(each.name)) for each in classes
    ]
    versions = [f"{name} {version}" for name, version in package_versions(classes).items()]
    head = _HEAD.format(
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        python=platform.python_version(),
        ocsd=__version__,
        packages=" and ".join(versions),
        count=len(acquired),
        totals="\n".join(_totals(rows)),
    )
    return head + "".join(f"{row}\n" for row in rows) + "\n" + FINDINGS.read_text()


def _totals(rows: list["_Row"]) -> Iterator[str]:
    missing = sum(bool(row.ours.not_imported) for row in rows)
    tried = [row for row in rows if row.tried]
    differ = [f"`{row.agent_class.name}`" for row in rows if not row.alike]
    yield f"- {len(rows)} classes; {sum(row.registered for row in rows)} register their operations."
    yield f"- {missing} cannot be imported for want of a library; the table says which."
    yield f"- {sum(row.acquires for row in tried)} of {len(tried)} with a simulated device acquire."
    exceptions = f", not {', '.join(differ)}" if differ else ""
    yield f"- {len(rows) - len(differ)} do the same as under OCS{exceptions}."


class _Row:
    """One line of the table."""

    def __init__(
        self, agent_class: AgentClass, ours: Outcome, theirs: Outcome, acquired: Acquired | None
    ) -> None:
        self.agent_class = agent_class
        self.ours = ours
        self.theirs = theirs
        self.acquired = acquired
        self.alike = (ours.operations, ours.feeds, ours.ended) == (
            theirs.operations,
            theirs.feeds,
            theirs.ended,
        )
        self.tried = acquired is not None
        self.acquires = acquired is not None and acquired.ok
        self._shown = ours
        if not ours.registered and acquired is not None and acquired.outcome.registered:
            self._shown = acquired.outcome
        self.registered = self._shown.registered

    def __str__(self) -> str:
        acquires = ("yes" if self.acquires else "no") if self.tried else "-"
        operations = self._shown.operations
        cells = [
            f"`{self.agent_class.name}`",
            self.agent_class.package,
            self._result(),
            "-" if operations is None else str(len(operations)),
            "-" if operations is None else str(len(self._shown.feeds)),
            acquires,
            "; ".join(filter(None, self._remarks())),
        ]
        return "| " + " | ".join(each.replace("|", "/") for each in cells) + " |"

    def _result(self) -> str:
        ours = self.ours
        if ours.not_imported:
            return "cannot be imported"
        if not ours.registered:
            return "registers once its device answers" if self.registered else "ends"
        return "registers, then ends" if ours.ended else "registers"

    def _remarks(self) -> Iterator[str]:
        yield from self._about_end()
        if self.acquired is not None:
            yield self.acquired.note
        needs = self.agent_class.needs
        yield f"needs {needs}" if needs else ""

    def _about_end(self) -> Iterator[str]:
        if self.ours.not_imported:
            yield self.ours.not_imported
        elif self.ours.ended or not self.ours.registered:
            yield f"without a device: {_short(self.ours.reason)}"
        if not self.alike:
            operations = self.theirs.operations
            count = "no" if operations is None else str(len(operations))
            then = f", then ends: {_short(self.theirs.reason)}" if self.theirs.ended else ""
            yield f"**differs**: under OCS {count} operations{then}"
        elif self.ours.ended:
            yield "the same under OCS"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= REASON_LENGTH else f"{text[:REASON_LENGTH]}…"
