"""The YAML of a site file: plain values, and the line of each.

YAML 1.1 as PyYAML and so OCS read it, with three differences: equal keys are
refused (PyYAML silently keeps the last), keys that start with ``x-`` are left
out (a place for anchors, as in docker compose), and numbers among agents' arguments
keep their spelling (``0.50``, ``010``, ``12:30:00``). Words that YAML reads as true,
false or null become the texts ``True``, ``False`` and ``None``, as in OCS.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Location = tuple[str | int, ...]
"""The keys and indices that lead from the top of the document to a value."""

MOST_NODES = 200_000
"""Maximum number of values in a file, aliases followed."""

MOST_LEVELS = 50
"""Maximum number of lists and mappings within each other; a site file needs 7."""

_TOO_DEEP = f"lists and mappings stand more than {MOST_LEVELS} deep in each other"
_TOO_DEEP_FOR_LIBYAML = "exceeded maximum nesting depth"
"""The problem that libyaml reports since PyYAML 6.0.4, at 1,000 brackets ahead of the parser."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: libyaml's, or Python's where PyYAML was built without it."""

_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(
    _TAG + name
    for name in ("null", "bool", "int", "float", "str", "map", "seq", "timestamp", "value", "merge")
)
_YAML_NUMBERS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The values of a YAML file, with the line of each."""

    value: Any
    lines: Mapping[Location, int]
    key_lines: Mapping[Location, int]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    """Things that are read in another way than they may be meant."""

    def line(self, location: Location) -> int:
        """Return the line of a value, or of the nearest thing around it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def key_line(self, location: Location) -> int:
        """Return the line of a value's key (a long value starts further down)."""
        return self.key_lines.get(location) or self.line(location)


def read(text: str, spellings: Mapping[str, str], loader: Any = LOADER) -> Document:
    """Read one YAML document with a loader class of PyYAML.

    `spellings` has the key that is meant by each other spelling, e.g. ``log-dir`` by
    ``log_dir``.
    """
    try:
        line = _line_too_deep(text, loader)
        if line:
            return Document(None, {}, {}, (Problem(line, _TOO_DEEP),))
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        return Document(None, {}, {}, (_syntax(error, text),))
    except yaml.reader.ReaderError as error:
        character = error.character
        if not isinstance(character, str):
            character = chr(int(character))
        line = text.count("\n", 0, text.find(character)) + 1
        return Document(None, {}, {}, (Problem(line, f"YAML syntax: {error.reason}"),))
    if root is None:
        return Document(None, {}, {}, ())
    reading = _Reading(spellings)
    value = reading.value(root, ())
    problems, warnings = tuple(reading.problems), tuple(reading.warnings)
    return Document(value, reading.lines, reading.key_lines, problems, warnings)


def _line_too_deep(text: str, loader: Any) -> int:
    """Return the line where the file first exceeds `MOST_LEVELS`, or 0 if it never does.

    The parser reports one event after another and needs no recursion. PyYAML's composer
    recurses: on a deep file it overflows the stack of Python or of C, depending on the release.
    """
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_LEVELS:
                return _line(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return 0


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    line = _line_of(error.problem_mark or error.context_mark)
    if error.problem == _TOO_DEEP_FOR_LIBYAML:
        return Problem(line, _TOO_DEEP)
    cause = error.problem or "cannot be read"
    if error.context:
        context = error.context
        if error.context_mark and _line_of(error.context_mark) != line:
            context += f" that starts in line {_line_of(error.context_mark)}"
        cause = f"{context}, {cause}"
    if re.match(r" *\t", "".join(text.splitlines()[line - 1 : line])):
        cause += "; indent with spaces, not tabs"
    return Problem(line, f"YAML syntax: {cause}")


class _Reading:
    """Turns nodes into values and records their lines."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        self.lines: dict[Location, int] = {}
        self.key_lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._spellings = spellings
        self._scalars = yaml.constructor.SafeConstructor()
        self._open: list[Node] = []
        self._left = MOST_NODES

    def value(self, node: Node, location: Location) -> Any:
        """Return the value of `node`, which stands at `location`."""
        self.lines[location] = _line(node)
        if not self._may_open(node):
            return None
        with self._inside(node):
            if location and location[-1] == "arguments" and isinstance(node, SequenceNode):
                return list(self._arguments(node))
            match node:
                case MappingNode():
                    return self._mapping(node, location)
                case SequenceNode():
                    items = enumerate(node.value)
                    return [self.value(item, (*location, index)) for index, item in items]
                case _:
                    return self._scalar(node)

    @contextmanager
    def _inside(self, node: Node) -> Iterator[None]:
        self._open.append(node)
        yield
        self._open.pop()

    def _may_open(self, node: Node) -> bool:
        self._left -= 1
        if self._left < 0:
            if self._left == -1:
                self._refuse(node, f"the file holds more than {MOST_NODES} values")
            return False
        if len(self._open) > MOST_LEVELS:
            self._refuse(node, _TOO_DEEP)
            return False
        if any(node is outer for outer in self._open):
            self._refuse(node, "this anchor contains an alias of itself")
            return False
        if node.tag not in _KNOWN_TAGS:
            self._refuse(node, f"the YAML tag {node.tag!r} means nothing in a site file; remove it")
            return False
        return True

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, (key_node, value_node) in self._entries(node, location).items():
            inner = (*location, key)
            self.key_lines[inner] = _line(key_node)
            result[key] = self.value(value_node, inner)
        return result

    def _entries(self, node: MappingNode, location: Location) -> dict[str, tuple[Node, Node]]:
        """Return a mapping's entries; as in YAML, its own keys beat merged ones."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                for part in self._merged(value_node):
                    for key, entry in self._nested(part, location).items():
                        merged.setdefault(key, entry)
            elif not isinstance(key_node, ScalarNode):
                self._refuse(key_node, "a key must be text")
            elif not key_node.value.startswith("x-"):
                key = self._key(key_node.value, location)
                if key in own:
                    self._refuse_repeat(key_node, own[key][0])
                else:
                    own[key] = (key_node, value_node)
        return merged | own

    def _nested(self, node: MappingNode, location: Location) -> dict[str, tuple[Node, Node]]:
        if not self._may_open(node):
            return {}
        with self._inside(node):
            return self._entries(node, location)

    def _merged(self, node: Node) -> Iterator[MappingNode]:
        parts = [node]
        if isinstance(node, SequenceNode):
            parts = node.value
        for part in parts:
            if isinstance(part, MappingNode):
                yield part
            else:
                self._refuse(part, "'<<' takes a mapping or a list of mappings")

    def _key(self, written: str, location: Location) -> str:
        if location == ("hosts",) or "alarms" in location[2:3]:
            return written  # a name that people chose
        return self._spellings.get(written, written)

    def _refuse_repeat(self, again: Node, first: Node) -> None:
        text = f"key {again.value!r} stands in line {_line(first)} already"
        if again.value != first.value:
            text += f" (there spelled {first.value!r})"
        self._refuse(again, text)

    def _scalar(self, node: Node) -> Any:
        if node.tag == _TAG + "float" and node.value.lower() in _YAML_NUMBERS:
            return float(_YAML_NUMBERS[node.value.lower()])
        if node.tag in {_TAG + "null", _TAG + "bool", _TAG + "int", _TAG + "float"}:
            try:
                return self._scalars.construct_object(node)
            except (ValueError, KeyError, IndexError):  # e.g. `!!int x`
                self._refuse(node, f"{node.value!r} is not a valid {node.tag.removeprefix(_TAG)}")
                return None
        return node.value

    def _arguments(self, node: SequenceNode) -> Iterator[str]:
        """Flatten a list of arguments; the texts stay as written."""
        for item in node.value:
            if not self._may_open(item):
                continue
            if isinstance(item, SequenceNode):
                with self._inside(item):
                    yield from self._arguments(item)
            elif isinstance(item, MappingNode):
                self._refuse(item, "an argument is text or a number, not a mapping; quote it")
            elif item.tag in {_TAG + "null", _TAG + "bool"}:
                yield self._python_word(item)
            elif item.tag == _TAG + "int":
                yield self._whole_number(item)
            elif item.tag == _TAG + "float":
                yield _YAML_NUMBERS.get(item.value.lower(), item.value)
            else:
                yield item.value

    def _python_word(self, node: ScalarNode) -> str:
        """Return the text that OCS makes of a word for true, false or null."""
        text = str(self._scalar(node))
        if node.value != text:
            remedy = f"to pass {node.value!r}, put it in quotes; to say what is meant, write {text}"
            if not node.value:
                remedy = "write it, or take the empty item out"
            self._warn(
                node,
                f"YAML does not read the argument {node.value or '(empty)'} as text, so the agent "
                f"gets {text!r}, as in OCS; {remedy}",
            )
        return text

    def _whole_number(self, node: ScalarNode) -> str:
        """Return a number as written, with a warning if OCS makes another number of it."""
        of_ocs = self._scalar(node)
        with suppress(ValueError):
            if int(node.value) == of_ocs:
                return str(node.value)
        if of_ocs is not None:
            self._warn(
                node,
                f"the agent gets the argument {node.value} as written, and not {of_ocs} as from "
                f"OCS; put it in quotes, or write {of_ocs}",
            )
        return str(node.value)

    def _warn(self, node: Node, text: str) -> None:
        self.warnings.append(Problem(_line(node), text))

    def _refuse(self, node: Node, text: str) -> None:
        self.problems.append(Problem(_line(node), text))


def _line(node: Node | yaml.Event) -> int:
    return _line_of(node.start_mark)


def _line_of(mark: Any) -> int:
    return mark.line + 1 if mark else 1
