"""The points of a block in OCS's data model (ocs.common.influxdb_drivers of OCS 0.12.1).

Without ``influxdb_tags`` the measurement is the address of the agent, the tag is ``feed``, and
each sample is one point of all fields. With them the measurement is the class of the agent, and
each field of a sample is a point of its own, with tags of its own.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, Tags, Values


class PointModel(NamedTuple):
    """The facts that decide the points of a block."""

    feed: str
    """Address of the feed, such as ``observatory.thermo1.feeds.temps``."""
    kinds: Mapping[str, Kind]
    """The type of each field."""
    tags: Tags | None = None
    """The block's ``influxdb_tags``, by field."""
    agent_class: str = ""


FieldName = tuple[str, str]
"""Measurement and field of a database."""


class BlockSamples(NamedTuple):
    """Samples of one block."""

    block: PointModel
    columns: Mapping[str, Values]
    """By field, each of n values; "" are the Unix times [s], float64."""


class Series(NamedTuple):
    """The points that a block makes of some of its fields."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, str]
    """Names in the database, by the field's name."""


def described(layout: Layout) -> PointModel:
    """Return what decides the points of the blocks of a layout."""
    origin = layout.origin
    return PointModel(origin.address, layout.kinds, layout.tags, origin.agent_class)


def series_of(block: PointModel) -> Sequence[Series]:
    """Return the series of a block: one, or one for each field if it has ``influxdb_tags``."""
    agent, _, feed = block.feed.partition(".feeds.")
    if not block.tags:
        return [Series(agent, {"feed": feed}, {name: name for name in block.kinds})]
    return list(_tagged(block, block.tags, agent, feed))


def without(samples: BlockSamples, fields: Container[FieldName]) -> BlockSamples:
    """Return samples without some fields of a database."""
    return _of_fields(samples, [name for key, name in _fields(samples.block) if key not in fields])


def only(samples: BlockSamples, field: FieldName) -> BlockSamples:
    """Return one field of a database of samples."""
    return _of_fields(samples, [name for key, name in _fields(samples.block) if key == field])


def pieces(samples: BlockSamples, points: int, values: int) -> Iterator[BlockSamples]:
    """Yield samples in pieces of so many points and values at most; of one sample at least."""
    fields = max(1, len(samples.block.kinds))
    step = max(1, min(values // fields, points // len(series_of(samples.block))))
    length = len(samples.columns[""])
    if length <= step:
        yield samples
        return
    for begin in range(0, length, step):
        columns = {name: each[begin : begin + step] for name, each in samples.columns.items()}
        yield BlockSamples(samples.block, columns)


def _fields(block: PointModel) -> Iterator[tuple[FieldName, str]]:
    for series in series_of(block):
        for name, in_database in series.fields.items():
            yield (series.measurement, in_database), name


def _of_fields(samples: BlockSamples, names: Sequence[str]) -> BlockSamples:
    kinds = {name: samples.block.kinds[name] for name in names}
    return BlockSamples(samples.block._replace(kinds=kinds), samples.columns)


def _tagged(block: PointModel, tags: Tags, agent: str, feed: str) -> Iterator[Series]:
    address_root, _, rest = agent.partition(".")
    shared = {"feed": feed, "address_root": address_root, "instance_id": rest.partition(".")[0]}
    for name in block.kinds:
        own = dict(tags[name])
        in_database = str(own.pop("_field"))
        texts = {key: str(value) for key, value in own.items()}
        yield Series(block.agent_class or agent, {**shared, **texts}, {name: in_database})
