"""Rewrites a site file of OCS so that OCS and ocsd both accept it, and read the same in it.

Everything that stands in the file stays there, with all comments. A key that only one of the two
would read is kept with `x-` before it, which both leave out. Rules of OCS: ocs 0.12.1,
`ocs/site_config.py` and `ocs/agents/host_manager/agent.py`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ocsd.migration.edits import Edit, Rewritten, apply
from ocsd.migration.finding import MoveFinding, Paper
from ocsd.migration.world import World
from ocsd.site.document import LOADER, Location
from ocsd.site.model import ADDRESS_ROOT, HOST_MANAGER, REALM, http_beside
from ocsd.site.wording import keys_at, spellings, unused_key
from ocsd.text.nearest import did_you_mean

_TAG: Final = "tag:yaml.org,2002:"
_NEEDED: Final = frozenset(
    {"agent-instances", "instance-id", "agent-class", "wamp_server", "wamp_realm", "address_root"}
)
"""Keys without which OCS cannot read a file, so another spelling of one is a slip."""
_NO_ENTRIES: Final = "OCS cannot read a host without agent-instances"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rewritten site file, and what was changed in it."""

    rewritten: Rewritten
    findings: tuple[MoveFinding, ...] = ()


def rewrite(
    text: str, file: str, world: World, compose_files: Sequence[str] = (), host: str = ""
) -> Draft:
    """Return a site file as both read it.

    Parameters
    ----------
    text : str
        The file's content. What is no YAML comes back as it is.
    file : str
        Its name, for the findings.
    world : World
        What this machine has got.
    compose_files : sequence of str
        Files that the unit of the HostManager of `host` names, and its entry has to name.
    host : str
        The entry of this machine; empty if it has none.
    """
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError:
        return Draft(Rewritten(text))
    if not isinstance(root, MappingNode):
        return Draft(Rewritten(text))
    writing = _Writing(text, Paper(file), world, tuple(compose_files), host)
    writing.site(root)
    return Draft(apply(text, writing.edits), tuple(writing.findings))


@dataclass(slots=True)
class _Writing:
    """Walks through the nodes of a site file and collects edits."""

    text: str
    paper: Paper
    world: World
    compose_files: tuple[str, ...]
    host_here: str
    edits: list[Edit] = field(default_factory=list)
    findings: list[MoveFinding] = field(default_factory=list)

    def site(self, root: MappingNode) -> None:
        """Walk through the file."""
        for name, value in self._keys(root, ()):
            if name == "hub" and isinstance(value, MappingNode):
                self._hub(value)
            elif name == "hosts" and isinstance(value, MappingNode):
                for host, content in self._keys(value, ("hosts",)):
                    self._host(host, content)

    def _hub(self, node: MappingNode) -> None:
        values = {name: value.value for name, value in self._keys(node, ("hub",))}
        defaults = {
            "wamp_http": http_beside(values.get("wamp_server")),
            "wamp_realm": REALM,
            "address_root": ADDRESS_ROOT,
        }
        for name in sorted(defaults.keys() - values.keys() if "wamp_server" in values else ()):
            self._put_in(node, f"{name}: {defaults[name]}")
            cause = f"OCS needs it, and ocsd takes {defaults[name]} if it is not there"
            self._tell(node, f"hub has no {name}", cause, "written in")

    def _host(self, name: str, node: Node) -> None:
        if _is_empty(node):
            self._replace(node, "{agent-instances: []}")
            self._tell(node, f"host {name}", _NO_ENTRIES)
        if not isinstance(node, MappingNode):
            return
        values = dict(self._keys(node, ("hosts", name)))
        entries = values.get("agent-instances")
        if entries is None:
            self._put_in(node, "agent-instances: []")
            self._tell(node, f"host {name}", _NO_ENTRIES)
        elif _is_empty(entries):
            self._replace(entries, "[]")
            self._tell(entries, f"host {name}", _NO_ENTRIES)
        for index, entry in enumerate(entries.value if isinstance(entries, SequenceNode) else ()):
            if isinstance(entry, MappingNode):
                self._entry(name, index, entry)
        crossbar = values.get("crossbar")
        if isinstance(crossbar, MappingNode):
            self._crossbar(name, crossbar)

    def _crossbar(self, host: str, node: MappingNode) -> None:
        keys = {key.value: key for key, _ in node.value}
        for name, value in self._keys(node, ("hosts", host, "crossbar")):
            missing = self._missing(name, str(value.value))
            if missing and host == self.host_here and name in keys:
                self._hide(keys[name], f"{missing}, so ocsd writes crossbar's configuration itself")

    def _missing(self, name: str, written: str) -> str:
        """Say what this machine lacks of a value of `crossbar`; empty if nothing."""
        if name == "bin" and not self.world.has_program(written):
            return f"{written} is no program on this machine"
        if name == "config-dir" and not self.world.has_node_config(written):
            return f"{written} holds no config.json or config.yaml"
        return ""

    def _entry(self, host: str, index: int, node: MappingNode) -> None:
        values = dict(self._keys(node, ("hosts", host, "agent-instances", index)))
        manage, arguments = values.get("manage"), values.get("arguments")
        if manage is not None and manage.tag == f"{_TAG}bool":
            self._manage(manage, str(getattr(values.get("instance-id"), "value", "?")))
        if isinstance(arguments, SequenceNode):
            for each in _scalars(arguments):
                self._argument(each)
        is_manager = getattr(values.get("agent-class"), "value", None) == HOST_MANAGER
        named = any(word.startswith("--docker-compose") for word in _written(arguments))
        if is_manager and host == self.host_here and self.compose_files and not named:
            self._name_compose_files(node, arguments)

    def _manage(self, node: Node, instance_id: str) -> None:
        meant = {True: "up", False: "ignore"}[
            yaml.constructor.SafeConstructor.bool_values[node.value.lower()]
        ]
        self._replace(node, meant)
        self._tell(
            node,
            f"instance {instance_id!r}",
            f"YAML takes {node.value} for no word, so OCS leaves the entry out, and ocsd reads "
            f"manage: {meant}",
            f"written as {meant}; write ignore if nothing is to start it",
        )

    def _argument(self, node: ScalarNode) -> None:
        """Quote an argument that YAML takes for something else than its text."""
        if node.tag not in {_TAG + "bool", _TAG + "null", _TAG + "int"}:
            return
        try:
            passed = str(yaml.constructor.SafeConstructor().construct_object(node))
        except (ValueError, KeyError, IndexError):
            return  # the reader of site files refuses it
        same = passed == node.value or (node.tag == _TAG + "int" and _is_number(node.value, passed))
        self._replace(node, f"'{passed}'", is_wanted=not same)
        if not same:
            self._tell(
                node,
                f"argument {node.value or '(empty)'}",
                f"OCS passes {passed!r} to the agent, as YAML makes it of this word",
                f"written as '{passed}'; if the agent is to get {node.value!r}, write it in quotes",
            )

    def _name_compose_files(self, node: MappingNode, arguments: Node | None) -> None:
        pair = f"--docker-compose, {_quoted(','.join(self.compose_files))}"
        if isinstance(arguments, SequenceNode) and arguments.flow_style:
            comma = ", " if arguments.value else ""
            place = arguments.start_mark.index + 1
            self.edits.append(Edit(place, place, f"{pair}{comma}"))
        elif isinstance(arguments, SequenceNode):
            place, column = arguments.start_mark.index, arguments.start_mark.column
            self.edits.append(Edit(place, place, f"- [{pair}]\n{' ' * column}"))
        elif arguments is not None:
            self._replace(arguments, f"[{pair}]")
        else:
            self._put_in(node, f"arguments: [{pair}]")
        cause = f"its unit passes --docker-compose {','.join(self.compose_files)}"
        step = "written in, where OCS and ocsd both read it"
        self._tell(node, "HostManager", cause, step)

    def _keys(self, node: MappingNode, location: Location) -> Iterator[tuple[str, Node]]:
        """Yield what both read of a mapping; hide what only one of them does."""
        names = [key.value for key, _ in node.value if isinstance(key, ScalarNode)]
        left = Counter(names)
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                for part in _parts(value):
                    yield from self._keys(part, location)
            elif isinstance(key, ScalarNode) and not key.value.startswith("x-"):
                left[key.value] -= 1
                name = self._name(key, location, names, is_last=not left[key.value])
                if name:
                    yield name, value

    def _name(
        self, key: ScalarNode, location: Location, names: Sequence[str], *, is_last: bool
    ) -> str:
        """Return the name under which both read a key; empty if it is to be hidden."""
        written = str(key.value)
        if not is_last:
            self._hide(key, "it stands here again further down, and OCS reads the last one only")
            return ""
        if location == ("hosts",) or written in keys_at(location):
            return written
        right = spellings().get(written, "")
        if right in keys_at(location) and right in _NEEDED and right not in names:
            self._rename(key, right)
            return right
        if right in keys_at(location):
            self._hide(key, "OCS has never read it", f"to have it read, write {right}")
            return ""
        meant = ""
        if unused_key((*location, written)) is None:
            meant = did_you_mean(written, keys_at(location))
        self._hide(key, f"neither OCS nor ocsd reads it{meant}")
        return ""

    def _rename(self, key: ScalarNode, right: str) -> None:
        self._replace(key, _in_quotes_of(key, right))
        self._tell(key, f"key {key.value}", f"OCS reads it as {right} only", f"written as {right}")

    def _hide(self, key: Node, cause: str, step: str = "") -> None:
        kept = f"kept as x-{key.value}, which both leave out"
        self._replace(key, _in_quotes_of(key, f"x-{key.value}"))
        self._tell(key, f"key {key.value}", cause, "; ".join(filter(None, (kept, step))))

    def _put_in(self, node: MappingNode, pair: str) -> None:
        """Put a key and its value before the first key of a mapping."""
        if not node.value:
            place = node.start_mark.index + 1
            self.edits.append(Edit(place, place, pair))
            return
        mark = node.value[0][0].start_mark
        after = ", " if node.flow_style else f"\n{' ' * mark.column}"
        self.edits.append(Edit(mark.index, mark.index, f"{pair}{after}"))

    def _replace(self, node: Node, text: str, *, is_wanted: bool = True) -> None:
        start, end = node.start_mark.index, node.end_mark.index
        if is_wanted and self.text[start : start + 1] not in {"&", "!"}:
            space = " " if start == end else ""
            self.edits.append(Edit(start, end, f"{space}{text}"))

    def _tell(self, node: Node, thing: str, cause: str, step: str = "written in") -> None:
        self.findings.append(self.paper.differs(node.start_mark.line + 1, thing, cause, step))


def _parts(node: Node) -> Iterator[MappingNode]:
    candidates = node.value if isinstance(node, SequenceNode) else [node]
    yield from (each for each in candidates if isinstance(each, MappingNode))


def _scalars(node: SequenceNode) -> Iterator[ScalarNode]:
    for each in node.value:
        if isinstance(each, SequenceNode):
            yield from _scalars(each)
        elif isinstance(each, ScalarNode):
            yield each


def _written(node: Node | None) -> list[str]:
    if not isinstance(node, SequenceNode):
        return []
    return [str(each.value) for each in _scalars(node)]


def _is_empty(node: Node) -> bool:
    return bool(node.tag == _TAG + "null")


def _is_number(written: str, passed: str) -> bool:
    """Whether a number is the same for an agent that reads it from its text."""
    try:
        return int(written) == int(passed)
    except ValueError:
        return False


def _in_quotes_of(key: Node, text: str) -> str:
    style = getattr(key, "style", None)
    if style in {"'", '"'}:
        return f"{style}{text}{style}"
    return text


def _quoted(text: str) -> str:
    if text.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum():
        return text
    return "'{}'".format(text.replace("'", "''"))
