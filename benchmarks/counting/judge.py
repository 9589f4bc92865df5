"""Reads back what was recorded, and holds it against what was published."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from so3g.hk import load_range
from spt3g import core

from benchmarks.counting.published import Published
from ocsd.aggregator.frames.schema import DATA
from ocsd.aggregator.numbers.hole import HOLES_FEED_NAME, Hole

FIELDS = ("number", "half", "text")
TIME_ERROR_S = 1e-6

Key: TypeAlias = tuple[str, str]
"""Feed and session."""


@dataclass(slots=True)
class Recorded:
    """What the files have.

    Attributes
    ----------
    columns : dict
        Of each feed and session the times and fields, as pieces of arrays.
    holes : list of Hole
        In the order of the files.
    """

    columns: dict[Key, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    holes: list[Hole] = field(default_factory=list)

    def samples(self, key: Key) -> dict[str, Any]:
        """Return times and fields of a feed in a session, in the order of the files."""
        pieces = self.columns[key]
        return {name: np.concatenate([each[name] for each in pieces]) for name in pieces[0]}


def read(*folders: Path) -> Recorded:
    """Read all files of data folders, frame by frame."""
    recorded = Recorded()
    paths = [path for folder in folders for path in folder.glob("[0-9]*/*.g3")]
    for path in sorted(paths, key=lambda each: int(each.stem)):
        for frame in core.G3File(str(path)):
            if frame["hkagg_type"] != DATA:
                continue
            feed, session_id = frame["address"], frame["provider_session_id"]
            for block in frame["blocks"]:
                columns = {name: np.asarray(block[name]) for name in list(block.keys())}
                columns["times"] = np.asarray(block.times) / core.G3Units.s
                if feed.endswith(f".feeds.{HOLES_FEED_NAME}"):
                    recorded.holes += _holes(columns)
                else:
                    recorded.columns[feed, session_id].append(columns)
    return recorded


def _holes(columns: Mapping[str, Any]) -> Iterator[Hole]:
    names = list(Hole.__dataclass_fields__)
    for values in zip(*(columns[name].tolist() for name in names), strict=True):
        yield Hole(**dict(zip(names, values, strict=True)))


@dataclass(slots=True)
class Verdict:
    """How the two go together.

    Attributes
    ----------
    published, recorded, duplicate, changed : int
        Samples: that were published for sure, that are in the files (each once), that
        are there once more, and that are not as they were published.
    missing : int
        Samples that were published and are neither in the files nor in a hole.
    in_holes : int
        Samples that were published and are in a recorded hole.
    holes : list of Hole
        Of the feeds that count.
    other_holes : list of Hole
        Of other feeds.
    violations : list of str
        What must not be.
    """

    published: int = 0
    recorded: int = 0
    duplicate: int = 0
    changed: int = 0
    missing: int = 0
    in_holes: int = 0
    holes: list[Hole] = field(default_factory=list)
    other_holes: list[Hole] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Excuses:
    """When agents could not write their spools.

    Attributes
    ----------
    ended : dict
        When [s, Unix time] a life of which agent was ended that had messages in
        memory only at that time, as far as that can be known.
    """

    ended: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def could_forget(self, each: Published, published: Sequence[Published]) -> bool:
        """Tell whether messages of this life may be lost with its memory."""
        begun = {float(one.session_id) for one in published if one.feed == each.feed}
        later = [at for at in begun if at > float(each.session_id)]
        until_at = min(later, default=float("inf"))
        return any(float(each.session_id) < at < until_at for at in self.ended.get(each.agent, ()))


def judge(published: Sequence[Published], recorded: Recorded, excuses: Excuses) -> Verdict:
    """Hold what was recorded against what was published.

    Parameters
    ----------
    published : sequence of Published
        What was published.
    recorded : Recorded
        What is in the files.
    excuses : Excuses
        Why a life of an agent may lack what was in memory only.
    """
    verdict = Verdict()
    feeds = {each.feed for each in published}
    keys = {(each.feed, each.session_id) for each in published}
    verdict.violations += [
        f"{feed} of session {session_id} is in the files, but nobody has published it"
        for feed, session_id in recorded.columns
        if feed in feeds and (feed, session_id) not in keys
    ]
    for hole in recorded.holes:
        (verdict.holes if hole.feed in feeds else verdict.other_holes).append(hole)
    for each in published:
        _judge_one(each, published, recorded, excuses, verdict)
    return verdict


def _judge_one(
    each: Published,
    published: Sequence[Published],
    recorded: Recorded,
    excuses: Excuses,
    verdict: Verdict,
) -> None:
    label = f"{each.feed} of session {each.session_id}"
    counts = _count(label, each, recorded, verdict)
    in_hole = np.zeros(each.may_be, bool)
    its_holes = [
        hole
        for hole in verdict.holes
        if (hole.feed, hole.agent_session) == (each.feed, each.session_id)
    ]
    for hole in its_holes:
        in_hole[hole.first * each.per_message : (hole.last + 1) * each.per_message] = True
    lacking = (counts == 0) & ~in_hole
    lacking[each.sure :] = False
    verdict.published += each.sure
    verdict.recorded += int((counts > 0).sum())
    verdict.duplicate += int((counts - 1).clip(0).sum())
    verdict.in_holes += int(in_hole[: each.sure].sum())
    verdict.missing += int(lacking.sum())
    if not excuses.could_forget(each, published):
        verdict.violations += [f"{label}: nothing explains the {hole}" for hole in its_holes]
    for what, wrong in (
        ("are missing without a hole", lacking),
        ("are there more than once", counts > 1),
        ("are there, and in a hole", (counts > 0) & in_hole),
    ):
        if wrong.any():
            verdict.violations.append(f"{label}: {int(wrong.sum())} {what}: {_where(each, wrong)}")


def _count(label: str, each: Published, recorded: Recorded, verdict: Verdict) -> Any:
    """Return how often each number is there; see that each sample is as it was published."""
    if (each.feed, each.session_id) not in recorded.columns:
        return np.zeros(each.may_be, np.int64)
    samples = recorded.samples((each.feed, each.session_id))
    _compare(label, each, samples, verdict)
    numbers = samples["number"].astype(np.int64)
    could_be = (numbers >= 0) & (numbers < each.may_be)
    if not could_be.all():
        some = numbers[~could_be][:10].tolist()
        verdict.violations.append(f"{label}: never published, but there: {some}")
    return np.bincount(numbers[could_be], minlength=each.may_be)


def _compare(label: str, each: Published, samples: Mapping[str, Any], verdict: Verdict) -> None:
    """See that each sample is as it was published."""
    numbers = samples["number"]
    times = each.begun_at + numbers / each.rate_hz
    right = (
        (abs(samples["times"] - times) < TIME_ERROR_S)
        & (samples["half"] == numbers / 2)
        & (samples["text"] == numbers.astype(str))
    )
    if not right.all():
        wrong = np.flatnonzero(~right)
        verdict.changed += len(wrong)
        one = {name: column[wrong[0]] for name, column in samples.items()}
        verdict.violations.append(f"{label}: {len(wrong)} were changed, e.g. {one}")


def _where(each: Published, wrong: Any) -> str:
    """Return the ranges of samples, with their times."""
    places = np.flatnonzero(wrong)
    begins = places[np.diff(places, prepend=-2) > 1]
    ends = places[np.diff(places, append=places[-1] + 2) > 1]
    told = [
        f"{first}-{last} of {each.sure} (published at {each.begun_at + first / each.rate_hz:.1f} "
        f"to {each.begun_at + last / each.rate_hz:.1f})"
        for first, last in zip(begins[:5].tolist(), ends[:5].tolist(), strict=True)
    ]
    more = len(begins) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def loaded_otherwise(folder: Path, published: Sequence[Published], recorded: Recorded) -> list[str]:
    """Return what `so3g.hk.load_range` reads otherwise than we do, as violations."""
    amiss = []
    begin = min(each.begun_at for each in published) - 10
    end = max(each.begun_at + each.may_be / each.rate_hz for each in published) + 10
    for feed in sorted({each.feed for each in published}):
        names = [f"{feed}.{name}" for name in FIELDS[:2]]
        loaded = load_range(begin, end, fields=names, data_dir=str(folder))
        own = sum(
            len(piece["times"])
            for key, pieces in recorded.columns.items()
            if key[0] == feed
            for piece in pieces
        )
        for name in names:
            found = len(loaded[name][0]) if name in loaded else 0
            if found != own:
                amiss.append(f"load_range finds {found} of {own} samples of {name}")
    return amiss
