"""The files of a data folder as a tree: groups of 10^7 s, folders of 10^5 s, files. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ocsd.data.archive.listing import SourceFile
from ocsd.data.trend.levels import FOLDER_FROM_S
from ocsd.data.trend.places import key_of

_FOLDER_S: Final = 10**5
_GROUP_S: Final = 10**7

FINEST_S: Final = (1, FOLDER_FROM_S, 4096)
"""The finest level [s] of the trend of a file, a folder, a group."""


@dataclass(frozen=True, eq=False)
class Node:
    """A file, a folder of files, or a group of folders."""

    name: str
    """Of a file without ``.g3``; that of the trend file is the same."""
    tier: int
    """0 for a file, 1 for a folder, 2 for a group."""
    closed: bool
    """Whether nothing will be added."""
    files: tuple[SourceFile, ...]
    """All files in it."""
    children: tuple["Node", ...] = ()

    @cached_property
    def key(self) -> str:
        """The key of its trend."""
        return key_of(file.source for file in self.files)


class Tree:
    """Makes the nodes; those that are as before are the same objects."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[object, Node]] = {}
        self._groups: dict[str, tuple[tuple[Node, ...], Node]] = {}

    def groups(
        self, folders: Mapping[str, tuple[SourceFile, ...]], growing: set[str], now_at: float
    ) -> list[Node]:
        """Return all groups now [s, Unix time]; files with the names `growing` are not closed."""
        of_group: dict[str, list[Node]] = defaultdict(list)
        for name, files in folders.items():
            of_group[name[:3]].append(self._folder(name, files, growing, now_at))
        return [self._group(name, tuple(nodes), now_at) for name, nodes in of_group.items()]

    def _folder(
        self, name: str, files: tuple[SourceFile, ...], growing: set[str], now_at: float
    ) -> Node:
        open_files = {each for each in growing if each.startswith(f"{name}/")}
        over = now_at >= (int(name) + 1) * _FOLDER_S
        state = files, frozenset(open_files), over
        known = self._folders.get(name)
        if known and known[0] == state:
            return known[1]
        children = tuple(
            Node(
                file.name.removesuffix(".g3"),
                tier=0,
                closed=file.name not in open_files,
                files=(file,),
            )
            for file in files
        )
        closed = over and not open_files
        node = Node(name, 1, closed, files, children)
        self._folders[name] = state, node
        return node

    def _group(self, name: str, nodes: tuple[Node, ...], now_at: float) -> Node:
        known = self._groups.get(name)
        closed = all(node.closed for node in nodes) and now_at >= (int(name) + 1) * _GROUP_S
        if known and known[0] == nodes and known[1].closed == closed:
            return known[1]
        files = tuple(file for node in nodes for file in node.files)
        node = Node(name, 2, closed, files, nodes)
        self._groups[name] = nodes, node
        return node
