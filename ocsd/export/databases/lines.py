"""InfluxDB's line protocol, a whole block at a time.

https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

import re
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from ocsd.aggregator.frames.schema import TICKS_PER_SECOND
from ocsd.export.databases.points import BlockSamples, FieldName, Series, series_of
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Values

_IN_NAME: Final = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\n"})
_IN_TEXT: Final = str.maketrans({"\\": r"\\", '"': r"\""})
_HEAD: Final = re.compile(r"((?:[^ \\]|\\.)+) (.*) (-?\d+)", re.DOTALL)
_FIELD: Final = re.compile(r'((?:[^=\\]|\\.)+=(?:"(?:[^"\\]|\\.)*"|[^,"]*))(?:,|$)', re.DOTALL)

_PLAIN: Final = 1e-4, 1e16
"""Between them orjson writes a float as OCS does, which is as Python's repr does."""


class LineText(NamedTuple):
    """Lines as one text."""

    text: str
    """Each line has its end."""
    points: int


class _Column(NamedTuple):
    """The values of a field."""

    name: str
    """Its name in the database, escaped."""
    texts: list[str]
    missing: NDArray[np.bool_] | None
    """Values that have no text; None if there are none."""


class _Rows(NamedTuple):
    """The lines of a series in pieces, the same number for each: names and values by turns."""

    pieces: list[str]
    width: int
    """Pieces of a line."""
    empty: int
    """Lines all of whose pieces are empty, because the sample has no value."""


def text_of(samples: BlockSamples, floats: Container[FieldName] = ()) -> LineText:
    """Return the lines of samples; values that are NaN or infinite are left out.

    Parameters
    ----------
    samples : BlockSamples
        The samples of a block.
    floats : container of FieldName
        Fields that are floats in the database, whatever they are here.
    """
    text, count = "", 0
    for pieces, width, empty in _rows_of(samples, floats):
        text += "".join(pieces)
        count += len(pieces) // width - empty
    return LineText(text, count)


def lines_of(samples: BlockSamples, floats: Container[FieldName] = ()) -> list[str]:
    """Return the same lines, each by itself and without its end."""
    lines: list[str] = []
    for pieces, width, _ in _rows_of(samples, floats):
        each = ("".join(pieces[at : at + width - 1]) for at in range(0, len(pieces), width))
        lines += filter(None, each)
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


def _rows_of(samples: BlockSamples, floats: Container[FieldName]) -> Iterator[_Rows]:
    times = (np.asarray(samples.columns[""]) * 1e9).astype(np.int64)
    if not len(times):
        return
    stamps = _numbers(times)
    texts, missing = _all_floats(samples)
    for series in series_of(samples.block):
        columns = []
        for name, in_database in series.fields.items():
            if name not in texts:
                is_float = (series.measurement, in_database) in floats
                texts[name] = _others(
                    samples.block.kinds[name], samples.columns[name], is_float=is_float
                )
            if name not in missing or not missing[name].all():
                columns.append(_Column(_escaped(in_database), texts[name], missing.get(name)))
        if columns:
            yield _rows(_head(series), columns, stamps)


def _rows(head: str, columns: Sequence[_Column], stamps: list[str]) -> _Rows:
    line = [f"{head} {columns[0].name}=", ""]
    for column in columns[1:]:
        line += f",{column.name}=", ""
    line += " ", "", "\n"
    width = len(line)
    pieces = line * len(stamps)
    for place, column in enumerate(columns):
        pieces[2 * place + 1 :: width] = column.texts
    pieces[width - 2 :: width] = stamps
    return _Rows(pieces, width, _leave_out(pieces, width, head, columns))


def _leave_out(pieces: list[str], width: int, head: str, columns: Sequence[_Column]) -> int:
    """Take missing values out of the pieces; return the number of lines that become empty."""
    gaps = [column.missing for column in columns if column.missing is not None]
    if not gaps:
        return 0
    empty = 0
    for row in np.flatnonzero(np.logical_or.reduce(gaps)).tolist():
        begin = row * width
        there = [
            place
            for place, column in enumerate(columns)
            if column.missing is None or not column.missing[row]
        ]
        line = [""] * width
        for place in there:
            name, value = begin + 2 * place, begin + 2 * place + 1
            line[2 * place : 2 * place + 2] = pieces[name], pieces[value]
        if there:
            line[2 * there[0]] = f"{head} {columns[there[0]].name}="
            line[-3:] = pieces[begin + width - 3 : begin + width]
        else:
            empty += 1
        pieces[begin : begin + width] = line
    return empty


def _head(series: Series) -> str:
    """Return the measurement and the tags of a series."""
    tags = [f",{_escaped(key)}={_escaped(value)}" for key, value in series.tags.items() if value]
    return _escaped(series.measurement) + "".join(tags)


def _numbers(values: NDArray[Any], unit: str = "") -> list[str]:
    """Return numbers as texts; a unit behind each of them."""
    whole = np.require(values, requirements=["C", "ALIGNED"])
    text = orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    if unit:
        text = text.replace(",", f"{unit},") + unit
    return text.split(",")


def _all_floats(
    samples: BlockSamples,
) -> tuple[dict[str, list[str]], dict[str, NDArray[np.bool_]]]:
    """Return the texts of all fields of floats, and where values have none, by field."""
    names = [name for name, kind in samples.block.kinds.items() if kind is Kind.FLOAT]
    if not names:
        return {}, {}
    numbers = np.array([samples.columns[name] for name in names], dtype=np.float64)
    text = orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].decode()
    texts = [column.split(",") for column in text.split("],[")]
    missing: dict[str, NDArray[np.bool_]] = {}
    sizes = np.abs(numbers)
    smallest, largest = _PLAIN
    # NaN is not plain either.
    others = ~(((sizes >= smallest) & (sizes < largest)) | (sizes == 0))
    for place in np.flatnonzero(others.any(axis=1)).tolist():
        gaps = others[place] & ~np.isfinite(numbers[place])
        if gaps.any():
            missing[names[place]] = gaps
        for row in np.flatnonzero(others[place] & ~gaps).tolist():
            texts[place][row] = repr(float(numbers[place, row]))
    return dict(zip(names, texts, strict=True)), missing


def _others(kind: Kind, values: Values, *, is_float: bool) -> list[str]:
    """Return the texts of a field of anything but floats."""
    match kind:
        case Kind.TEXT:
            return [f'"{str(text).translate(_IN_TEXT)}"' for text in values]
        case Kind.BOOL:
            return list(np.where(np.asarray(values), "True", "False"))
        case _:
            return _numbers(np.asarray(values, dtype=np.int64), "" if is_float else "i")


@lru_cache(maxsize=10_000)
def _escaped(name: str) -> str:
    return name.translate(_IN_NAME)
