"""Summaries, trends and samples of the nodes of a data folder, kept as long as they are needed."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from ocsd.data.archive.changing import changes_among
from ocsd.data.archive.growing import GrowingFile
from ocsd.data.archive.pieces import layout_of
from ocsd.data.archive.samples import Part, SampleReader
from ocsd.data.archive.tree import FINEST_S, Node
from ocsd.data.folder import DataFolder
from ocsd.data.index import FileSummary
from ocsd.data.spans import Span, union
from ocsd.data.trend import build
from ocsd.data.trend.bins import Bins, binned, merged
from ocsd.data.trend.build import Block, Child, PartOfFolder
from ocsd.data.trend.digest import digest, reach
from ocsd.data.trend.format import BadTrendError, Trend, TrendFile
from ocsd.data.trend.levels import ticks_of
from ocsd.data.trend.places import TrendPlaces
from ocsd.data.trend.texts import Change

_MOST_TRENDS: Final = 512
_MOST_TREND_BYTES: Final = 64 * 2**20
"""Most bytes of trends that are held because they cannot be written; the last one always is."""
_MOST_FOLDERS: Final = 64
_ANY_TIME: Final = (-(2**62), 2**62)

T = TypeVar("T")


class RecentNodes(Generic[T]):
    """The values that were used last, each as long as its node has the same key.

    At most `most` are kept, of together at most `most_bytes`, but always the last one.
    """

    def __init__(self, most: int, most_bytes: int = 0) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._values: OrderedDict[str, tuple[str, T, int]] = OrderedDict()

    def get(self, node: Node) -> T | None:
        """Return the value of a node; None if there is none."""
        key, value, _ = self._values.get(node.name, ("", None, 0))
        if key != node.key:
            return None
        self._values.move_to_end(node.name)
        return value

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
        self._bytes = 0

    def put(self, node: Node, value: T, size_bytes: int = 0) -> None:
        """Keep a value."""
        _, _, before_bytes = self._values.pop(node.name, ("", None, 0))
        self._values[node.name] = node.key, value, size_bytes
        self._bytes += size_bytes - before_bytes
        while len(self._values) > 1 and (
            len(self._values) > self._most or self._bytes > self._most_bytes
        ):
            _, (_, _, oldest_bytes) = self._values.popitem(last=False)
            self._bytes -= oldest_bytes


class Store:
    """Everything that the nodes of a data folder hold.

    Parameters
    ----------
    folder : DataFolder
        The data folder.
    places : TrendPlaces
        Where its trends are.
    """

    def __init__(self, folder: DataFolder, places: TrendPlaces) -> None:
        self._folder = folder
        self._places = places
        self._samples = SampleReader()
        self._trends: RecentNodes[TrendFile] = RecentNodes(_MOST_TRENDS, _MOST_TREND_BYTES)
        self._bare: RecentNodes[Trend] = RecentNodes(_MOST_TRENDS)
        self._part: tuple[Node | None, PartOfFolder] = None, PartOfFolder()
        self._indexed: RecentNodes[dict[str, FileSummary]] = RecentNodes(_MOST_FOLDERS)
        self._digests: RecentNodes[list[FileSummary]] = RecentNodes(10**6)
        self._spans: RecentNodes[list[Span]] = RecentNodes(10**6)
        self._growing: dict[str, GrowingFile] = {}
        self._folders: dict[str, Node] = {}

    def advance(self, groups: Sequence[Node], limits: Mapping[str, int | None]) -> None:
        """Take the nodes of now, and read on in the files that are being written.

        `limits` has the name of each of these, and the byte up to which it counts, if there is one.

        Raises
        ------
        OcsdError
            If one cannot be read.
        """
        self._folders = {folder.name: folder for group in groups for folder in group.children}
        self._growing = {
            name: self._growing.get(name) or GrowingFile(self._folder.path / name, name)
            for name in limits
        }
        for name, limit in limits.items():
            self._growing[name].advance(limit)

    def index(self, folder: Node, wanted: Iterable[Node], *, read: bool = True) -> None:
        """Read those of the wanted files of a folder that are in no index yet.

        Without `read` only the index is read, to which another process or thread may have added.
        """
        known = self._known(folder)
        new = [self._path(node) for node in wanted if node.closed and node.name not in known]
        if new:
            found = self._folder.summaries_of(new, read)
            known |= {self._name(path): summary for path, summary in found.items()}

    def unread(self, node: Node) -> list[tuple[Node, list[Node]]]:
        """Return the folders of a group that have closed files in no index yet, and these."""
        if self._trend_there(node) is not None:
            return []
        found = [(folder, self._unread(folder)) for folder in node.children]
        return [(folder, files) for folder, files in found if files]

    def _unread(self, folder: Node) -> list[Node]:
        if self._trend_there(folder) is not None:
            return []
        known = self._known(folder)
        return [node for node in folder.children if node.closed and node.name not in known]

    def digest(self, node: Node) -> list[FileSummary]:
        """Return the summaries of all files of a folder or group that were read, as few."""
        if node.tier == 2 and not node.closed:
            return [summary for child in node.children for summary in self.digest(child)]
        kept = self._digests.get(node)
        if kept is None or not node.closed:
            kept = self._new_digest(node)
        return kept

    def _new_digest(self, node: Node) -> list[FileSummary]:
        trend = self._trend_there(node)
        if trend is not None:
            found = [FileSummary.of_json(each) for each in trend.summaries()]
        elif node.tier == 2:
            found = digest(
                node.name, [each for part in node.children for each in self.digest(part)]
            )
        else:
            found = digest(node.name, [*filter(None, map(self.summary, node.children))])
        if self._is_known(node):
            self._digests.put(node, found)
        return found

    def summary(self, node: Node) -> FileSummary | None:
        """Return the summary of a file; None if it is in no index yet."""
        growing = self._growing.get(f"{node.name}.g3")
        if growing is not None:
            return growing.summary()
        return self._known(self._folder_of(node)).get(node.name)

    def spans(self, node: Node) -> Sequence[Span]:
        """Return the times with samples [s, Unix time], of the files that were read."""
        kept = self._spans.get(node)
        if kept is None or not node.closed:
            kept = self._new_spans(node)
            if self._is_known(node):
                self._spans.put(node, kept)
        return kept

    def _new_spans(self, node: Node) -> list[Span]:
        if node.tier == 0:
            return reach(filter(None, [self.summary(node)]))
        trend = self._trend_there(node)
        if trend is not None:
            self._learn(node, trend)
            return list(trend.spans)
        return union(span for child in node.children for span in self.spans(child))

    def _is_known(self, node: Node) -> bool:
        """Return whether a node is closed, and all of its files were read."""
        if node.tier == 0:
            return node.closed and self.summary(node) is not None
        if node.tier == 1:
            return node.closed and not self._unread(node)
        return node.closed and not self.unread(node)

    def trend(self, node: Node) -> Trend | TrendFile:
        """Return the trend of a closed node; it is made if it is not there.

        A file that has no more to say than the trend of its folder has none: the answer has no
        bins then, and a window that the folder is too coarse for reads the samples.

        Raises
        ------
        OcsdError
            If a file cannot be read.
        """
        if node.tier == 0 and self.summary(node) is None:
            self._read_new(node)
        there = self._bare_trend(node) or self._trend_there(node)
        if there is not None:
            return there
        return self._keep(node, self._made(node))

    def prepare(self, node: Node) -> bool:
        """Make the trend of a closed node; return whether it has one.

        Raises
        ------
        OcsdError
            If a file cannot be read.
        """
        return self.trend(node) is not self._bare.get(node)

    def _keep(self, node: Node, made: Trend) -> TrendFile:
        trend = self._places.keep(node.name, made)
        self._trends.put(node, trend, trend.held_bytes)
        return trend

    def _bare_trend(self, node: Node) -> Trend | None:
        """Return a trend without bins if the trend of a closed folder has all that one would have.

        None if the file is in no index yet, or has more to say.
        """
        if node.tier > 0 or not self._folder_of(node).closed:
            return None
        trend = self._bare.get(node)
        if trend is None:
            summary = self.summary(node)
            if summary is None or not build.needs_none(summary):
                return None
            trend = build.bare(summary, node.key)
            self._bare.put(node, trend)
        return trend

    def _gather(self, folder: Node) -> None:
        """Gather what the files without trends of a closed folder have for its trend.

        They are read in the order of time: samples that ascend are summed up faster.
        """
        part, known = self._part_of(folder), self._known(folder)
        for node in folder.children:
            if not self.prepare(node) and node.name not in part.names:
                path, summary = self._path(node), known[node.name]
                part.add_file(node.name, path, summary, self._samples.frames)

    def _part_of(self, folder: Node) -> PartOfFolder:
        """Return what the files without trends of a closed folder have for its trend so far."""
        if self._part[0] is not folder:
            self._part = folder, PartOfFolder()
        return self._part[1]

    def _read_new(self, node: Node) -> None:
        """Read a file that is in no index yet: once, for the index and for the trend."""
        making = build.TrendOfFile()
        folder = self._folder_of(node)
        summary = self._folder.summary_of(self._path(node), making.add)
        self._known(folder)[node.name] = summary
        if self._bare_trend(node) is None:
            self._keep(node, making.trend(node.key, summary))
        else:
            self._part_of(folder).add_bins(node.name, making.for_folder())

    def save(self) -> None:
        """Write what was read, for the next process."""
        self._folder.save_index()

    def sound(self, work: Callable[[], T]) -> T:
        """Return the result of some work, done again without trends that turn out to be damaged."""
        while True:
            try:
                return work()
            except BadTrendError as error:
                self._places.discard(error.path)
                self._trends.clear()

    def samples(
        self, node: Node, feed: str, names: Sequence[str], begin: int, end: int
    ) -> Iterator[Part]:
        """Yield the samples of fields of a file with `begin` <= time < `end` [ticks].

        Raises
        ------
        OcsdError
            If it cannot be read.
        """
        summary = self.summary(node)
        if summary is not None:
            yield from self._samples.parts(self._path(node), summary, feed, names, begin, end)

    def _trend_there(self, node: Node) -> TrendFile | None:
        if not node.closed:
            return None
        trend = self._trends.get(node)
        if trend is None:
            trend = self._places.find(node.name, node.key)
            if trend is not None:
                self._trends.put(node, trend)
        return trend

    def _made(self, node: Node) -> Trend:
        if node.tier == 0:
            summary = self._known(self._folder_of(node))[node.name]
            return build.of_file(self._path(node), summary, node.key, self._samples.frames)
        if node.tier == 1:
            self.index(node, node.children)
            self._gather(node)
        children = {child.name: self._child(child) for child in node.children}
        if node.tier == 2:
            summaries = [each for child in node.children for each in self.digest(child)]
            return build.of_children(node.key, children, summaries, FINEST_S[2], node.name)
        known = self._known(node)
        summaries = [known[child.name] for child in node.children]
        part = self._part_of(node).blocks()
        self._part = None, PartOfFolder()
        return build.of_children(node.key, children, summaries, FINEST_S[1], node.name, part)

    def _child(self, node: Node) -> Child:
        trend = self._bare.get(node) or self.trend(node)
        blocks = trend.blocks
        if isinstance(trend, Trend):
            blocks = []  # they are in the part of the folder
        return Child(
            trend.spans,
            blocks,
            lambda block, step_s: self._finer(node, block, step_s),
            lambda block, name: self._texts(node, block, name),
        )

    def _finer(self, node: Node, block: Block, step_s: int) -> Bins:
        """Return the bins of a block of a file at a level that is not kept."""
        names = list(block.kinds)
        parts = [
            binned(part.ticks, part.columns, ticks_of(step_s))
            for part in self.samples(node, block.feed, names, *_ANY_TIME)
            if part.layout == layout_of(block)
        ]
        return merged(parts)

    def _texts(self, node: Node, block: Block, name: str) -> list[Change]:
        parts = self.samples(node, block.feed, [name], *_ANY_TIME)
        return changes_among((part for part in parts if part.layout == layout_of(block)), name)

    def _learn(self, node: Node, trend: TrendFile) -> None:
        """Keep the times of the folders of a group, which its trend knows."""
        if node.tier == 2:
            spans = trend.children()
            for child in node.children:
                self._spans.put(child, spans[child.name])

    def _known(self, folder: Node) -> dict[str, FileSummary]:
        known = self._indexed.get(folder)
        if known is None:
            paths = [self._path(node) for node in folder.children if node.closed]
            found = self._folder.summaries_of(paths, read=False)
            known = {self._name(path): summary for path, summary in found.items()}
            self._indexed.put(folder, known)
        return known

    def _folder_of(self, node: Node) -> Node:
        return self._folders[node.name.partition("/")[0]]

    def _path(self, node: Node) -> Path:
        return self._folder.path / f"{node.name}.g3"

    def _name(self, path: Path) -> str:
        return self._folder.name(path).removesuffix(".g3")
