"""Samples of several quantities that were taken together."""

from collections.abc import Iterable, Mapping
from typing import Any


class Block:
    """Columns of samples that share their timestamps.

    Parameters
    ----------
    name : str
        Name of the block within its feed.
    keys : iterable of str
        Names of the columns.

    Attributes
    ----------
    timestamps : list of float
        Unix times of the samples [s].
    data : dict
        The columns by name, each as long as `timestamps`.
    tags : dict or None
        Tags for the database publisher, passed through.
    """

    def __init__(self, name: str, keys: Iterable[str]) -> None:
        self.name = name
        self.timestamps: list[float] = []
        self.data: dict[str, list[Any]] = {key: [] for key in keys}
        self.tags: dict[str, Any] | None = None

    def empty(self) -> bool:
        """Return whether the block holds no sample."""
        return not self.timestamps

    def clear(self) -> None:
        """Drop all samples; lists handed out before stay as they are."""
        self.timestamps = []
        self.data = {key: [] for key in self.data}

    def takes(self, data: Mapping[str, list[Any]]) -> bool:
        """Return whether columns can be added: with the same names, none of text to numbers."""
        return self.data.keys() == data.keys() and all(
            not (column and more) or isinstance(column[0], str) == isinstance(more[0], str)
            for column, more in ((column, data[key]) for key, column in self.data.items())
        )

    def append(self, d: Mapping[str, Any]) -> None:
        """Add one sample.

        Parameters
        ----------
        d : dict
            With keys ``timestamp`` and ``data``.

        Raises
        ------
        ValueError
            If the sample has other columns than the block.
        """
        self._require_columns(d)
        self.timestamps.append(d["timestamp"])
        for key, column in self.data.items():
            column.append(d["data"][key])

    def extend(self, block: Mapping[str, Any]) -> None:
        """Add many samples.

        Parameters
        ----------
        block : dict
            With keys ``timestamps`` and ``data``, whose values are lists.

        Raises
        ------
        ValueError
            If the samples have other columns than the block.
        """
        self._require_columns(block)
        self.timestamps.extend(block["timestamps"])
        for key, column in self.data.items():
            column.extend(block["data"][key])

    def encoded(self) -> dict[str, Any]:
        """Return the block as it is sent.

        Raises
        ------
        ValueError
            If a column is longer or shorter than the timestamps.
        """
        for key, column in self.data.items():
            if len(column) != len(self.timestamps):
                counts = f"{len(column)} values for {len(self.timestamps)} timestamps"
                raise ValueError(f"block {self.name!r}: column {key!r} has {counts}")
        block = {"block_name": self.name, "data": dict(self.data), "timestamps": self.timestamps}
        if self.tags is not None:
            block["influxdb_tags"] = self.tags
        return block

    def _require_columns(self, message: Mapping[str, Any]) -> None:
        given = message["data"].keys()
        if given != self.data.keys():
            raise ValueError(
                f"block {self.name!r} has the columns {sorted(self.data)}, "
                f"the message has {sorted(given)}"
            )
        if message.get("influxdb_tags") is not None:
            self.tags = message["influxdb_tags"]
