"""The tables of ``ocsbow``: the agents of each host by site file and HostManager. Pure.

Scripts read these tables, so they have the columns and words of OCS's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HOST_MANAGER = "HostManager"
UNKNOWN = "?"
_STABLE = 0.5
"""An instance of this stability or less is shown as unstable."""
_ORDER = ("hm", "host", "docker", "ignore")
"""Managers come first, then what is managed, then the rest."""
_MARKS = {"docker": "[d]", "ignore": "[unman]"}
_CLASSES_DIFFER = (
    "***WARNING -- a class with a slash (/) is one thing in the site file (before the slash) and "
    "another for the HostManager (after it)."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One agent."""

    instance_id: str
    agent_class: str
    state: str
    target: str
    kind: str
    """``hm``, ``host``, ``docker`` or ``ignore``."""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The cells in the order of the table."""
        return self.instance_id, self.agent_class, self.state, self.target


@dataclass(frozen=True, slots=True)
class HostReport:
    """One host's agents."""

    name: str
    rows: tuple[Row, ...]


def host_report(
    name: str,
    entries: Iterable[tuple[str, Mapping[str, Any]]],
    children: Sequence[Mapping[str, Any]],
    managers: Mapping[str, str],
) -> HostReport:
    """Join what the site file and the managers say.

    Parameters
    ----------
    name : str
        The host.
    entries : iterable of (str, mapping)
        ``manage`` in OCS's full words, and the entry, of each instance in the site file.
    children : sequence of mapping
        ``child_states`` of all managers of the host.
    managers : mapping of str to str
        The state of each manager by its instance-id.
    """
    told = {str(child["instance_id"]): child for child in children}
    rows: dict[str, Row] = {}
    for manage, entry in entries:
        row = _row(manage, entry, told, managers)
        rows.setdefault(row.instance_id, row)
    for instance_id, child in told.items():
        rows.setdefault(instance_id, _unlisted(instance_id, child))
    ordered = sorted(rows.values(), key=lambda row: (_ORDER.index(row.kind), row.instance_id))
    return HostReport(name, tuple(ordered))


def _row(
    manage: str,
    entry: Mapping[str, Any],
    told: Mapping[str, Mapping[str, Any]],
    managers: Mapping[str, str],
) -> Row:
    instance_id, agent_class = str(entry["instance-id"]), str(entry["agent-class"])
    if agent_class == HOST_MANAGER:
        state = managers.get(instance_id, UNKNOWN)
        return Row(instance_id, agent_class, state, "n/a", "hm")
    kind = manage.partition("/")[0]
    shown = agent_class + _MARKS.get(kind, "")
    child = told.get(instance_id)
    if child is not None:
        reported = str(child["agent_class"])
        if reported != shown:
            shown += f"/{reported}"
        return Row(instance_id, shown, _state(child), str(child["target_state"]), kind)
    if kind != "ignore":
        shown += f"/{UNKNOWN}"
    return Row(instance_id, shown, UNKNOWN, UNKNOWN, kind)


def _unlisted(instance_id: str, child: Mapping[str, Any]) -> Row:
    """Return the row of an agent that a manager runs and the site file lacks."""
    agent_class = str(child["agent_class"])
    kind = "host"
    if "[d" in agent_class:
        kind = "docker"
    shown = f"{UNKNOWN}/{agent_class}"
    return Row(instance_id, shown, _state(child), str(child["target_state"]), kind)


def _state(child: Mapping[str, Any]) -> str:
    """Return the present state, which OCS calls the next action."""
    if child["next_action"] != "down" and child["stability"] <= _STABLE:
        return "unstable"
    return str(child["next_action"])


def status_lines(
    site_file: str | None,
    url: str,
    problem: str,
    hosts: Sequence[HostReport],
    notes: Sequence[str] = (),
) -> list[str]:
    """Return the report of all hosts.

    Parameters
    ----------
    site_file, url : str
        The site file and the router's call bridge.
    problem : str
        A fault of the bridge; empty if it answers.
    hosts : sequence of HostReport
        The hosts.
    notes : sequence of str
        Written below the tables.
    """
    lines = ["ocs status", "----------", "", "The site config file is :", f"  {site_file}", ""]
    lines += ["The crossbar base url is :", f"  {url}"]
    if problem:
        lines.append(f"  ****Warning**** {problem}")
    lines.append("")
    for host in hosts:
        lines += _host_lines(host)
    if any("/" in row.agent_class for host in hosts for row in host.rows):
        notes = [*notes, _CLASSES_DIFFER]
    if notes:
        lines += ["Important Notes:", *(f"  {note}" for note in notes), ""]
    return lines


def _host_lines(host: HostReport) -> list[str]:
    ids = max([20, *(len(row.instance_id) for row in host.rows)])
    classes = max([30, *(len(row.agent_class) for row in host.rows)])

    def line(*cells: str) -> str:
        return f"  {cells[0]:{ids}} {cells[1]:{classes}} {cells[2]:>10} {cells[3]:>10}"

    header = line("[instance-id]", "[agent-class]", "[state]", "[target]")
    table = [header, *(line(*row.cells) for row in host.rows)]
    return ["-" * len(header), f"Host: {host.name}", "", *table, ""]
