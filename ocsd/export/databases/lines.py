"""InfluxDB's line protocol.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.schema import TICKS_PER_SECOND
from ocsd.export.databases.points import BlockSamples, Series, series_of
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Values

_FORMATS: Final = {Kind.FLOAT: "%r", Kind.INT: "%di", Kind.BOOL: "%s", Kind.TEXT: '"%s"'}
_IN_NAME: Final = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\n"})
_IN_TEXT: Final = str.maketrans({"\\": r"\\", '"': r"\""})
_HEAD: Final = re.compile(r"((?:[^ \\]|\\.)+) (.*) (-?\d+)", re.DOTALL)
_FIELD: Final = re.compile(r'((?:[^=\\]|\\.)+=(?:"(?:[^"\\]|\\.)*"|[^,"]*))(?:,|$)', re.DOTALL)

FieldName = tuple[str, str]
"""Measurement and field of a database."""


class _Template(NamedTuple):
    """The lines of a series, to fill in values."""

    head: str
    """Measurement and tags."""
    names: Sequence[str]
    """The fields, as the columns are called."""
    parts: Sequence[str]
    """Each field with the place of its value."""

    @property
    def line(self) -> str:
        """A line of all fields."""
        return f"{self.head} {','.join(self.parts)} %d"


def lines_of(samples: BlockSamples, floats: Container[FieldName] = ()) -> list[str]:
    """Return the lines of samples; values that are NaN or infinite are left out.

    Parameters
    ----------
    samples : BlockSamples
        The samples of a block.
    floats : container of FieldName
        Fields that are floats in the database, whatever they are here.
    """
    block = samples.block
    times = (np.asarray(samples.columns[""]) * 1e9).astype(np.int64).tolist()
    lines: list[str] = []
    for series in series_of(block):
        template = _template(series, block.kinds, floats)
        columns = [_listed(block.kinds[name], samples.columns[name]) for name in template.names]
        if all(_is_finite(samples.columns[name]) for name in template.names):
            line = template.line
            lines += [line % row for row in zip(*columns, times, strict=True)]
        else:
            lines += _sparse(template, columns, times)
    return lines


def times_of(ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the Unix times [s] of which the recorder has made these ticks, to the last bit.

    A quotient of 64-bit ticks would be off by up to 160 ns, and the point another one than that
    of the same sample in the journal.

    Parameters
    ----------
    ticks : ndarray of int64, shape (n,)
        Times in G3 ticks.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    whole, fraction = np.divmod(ticks, TICKS_PER_SECOND)
    times: NDArray[np.float64] = whole + fraction / TICKS_PER_SECOND
    return times


def single_fields(line: str) -> list[str]:
    """Return a line as lines of one field each; together they are the same point."""
    parts = _HEAD.fullmatch(line)
    if parts is None:
        return [line]
    head, fields, time = parts.groups()
    return [f"{head} {field} {time}" for field in _FIELD.findall(fields)]


def measurement_of(line: str) -> str:
    """Return the measurement of a line, as it stands there."""
    return re.split(r"(?<!\\)[, ]", line, maxsplit=1)[0]


def _template(series: Series, kinds: Mapping[str, Kind], floats: Container[FieldName]) -> _Template:
    tags = "".join(
        f",{_escaped(key)}={_escaped(value)}" for key, value in series.tags.items() if value
    )
    head = _for_filling(_escaped(series.measurement) + tags)
    parts = []
    for name, in_database in series.fields.items():
        form = _FORMATS[kinds[name]]
        if kinds[name] is Kind.INT and (series.measurement, in_database) in floats:
            form = "%d"
        parts.append(f"{_for_filling(_escaped(in_database))}={form}")
    return _Template(head, list(series.fields), parts)


def _sparse(
    template: _Template, columns: Sequence[Sequence[Any]], times: Sequence[int]
) -> Iterator[str]:
    head = template.head % ()
    for *values, time in zip(*columns, times, strict=True):
        fields = [
            part % value
            for part, value in zip(template.parts, values, strict=True)
            if not _is_no_number(value)
        ]
        if fields:
            yield f"{head} {','.join(fields)} {time}"


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and (value != value or value in {np.inf, -np.inf})


def _is_finite(values: Values) -> bool:
    if isinstance(values, list) or values.dtype.kind != "f":
        return True
    return bool(np.isfinite(values).all())


def _listed(kind: Kind, values: Values) -> list[Any]:
    if kind is Kind.TEXT:
        return [str(text).translate(_IN_TEXT) for text in values]
    listed: list[Any] = np.asarray(values).tolist()
    return listed


@lru_cache(maxsize=10_000)
def _escaped(name: str) -> str:
    return name.translate(_IN_NAME)


def _for_filling(text: str) -> str:
    return text.replace("%", "%%")
