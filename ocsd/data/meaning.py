"""Units and labels of recorded fields, as their agents declared them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ocsd.data.folder import DataFolder
from ocsd.data.overview import FeedOverview, feeds


class Meaning(NamedTuple):
    """Units and label of a field as its agent declares them; empty where it declares none."""

    units: str = ""
    label: str = ""
    """Name of the field for people."""
    earlier_units: tuple[str, ...] = ()
    """Other units that it had before in the same times, the last one first."""

    @property
    def known(self) -> dict[str, str]:
        """Units and label by their names, without those that were not declared."""
        texts = {"units": self.units, "label": self.label}
        return {key: text for key, text in texts.items() if text}


def units(
    folder: str | Path, since_at: float | None = None, until_at: float | None = None
) -> dict[str, Meaning]:
    """Return the units and the label of each recorded field.

    They are in the files themselves, those of the last minutes in the journal: a folder that
    was copied has them as well. Data of OCS have none.

    Parameters
    ----------
    folder : str or Path
        The data folder.
    since_at, until_at : float, optional
        Only data of these times count [s, Unix time].

    Returns
    -------
    dict of str to Meaning
        By full name, e.g. ``observatory.thermo1.feeds.temps.channel_00``; every field is there.

    Raises
    ------
    NoDataError
        If there is no such folder.
    NotPermittedError
        If this user may not read it.
    """
    summaries = DataFolder(Path(folder)).summaries(since_at, until_at)
    return {
        name: meaning
        for feed in feeds(summaries, since_at, until_at)
        for name, meaning in meanings(feed).items()
    }


def axis_label(shown: Iterable[Meaning]) -> str:
    """Return the units of a common axis; empty if they differ, or are not known of all."""
    kinds = {(meaning.units, *meaning.earlier_units) for meaning in shown}
    if len(kinds) != 1:
        return ""
    [kind] = kinds
    if len(kind) > 1:
        return ""
    return kind[0]


def meanings(feed: FeedOverview) -> dict[str, Meaning]:
    """Return units and label of each field of a feed, by full name."""
    return {
        name: Meaning(
            feed.units.get(name, ""),
            feed.labels.get(name, ""),
            feed.earlier_units.get(name, ()),
        )
        for name in feed.fields
    }


def with_units(name: str, meaning: Meaning) -> str:
    """Return a name with its units, e.g. ``temps.channel_00 [K]``; with both if they changed."""
    told = [text for text in (meaning.units, *meaning.earlier_units) if text]
    if not told:
        return name
    text = told[0]
    if len(told) > 1:
        text = f"{told[0]}; before {', '.join(told[1:])}"
    return f"{name} [{text}]"
