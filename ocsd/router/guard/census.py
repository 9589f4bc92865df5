"""A count of those who join an open router without a login, for the day on which it is closed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

CENSUS_FILE: Final = "open-joins.json"
"""Name of the file, in the router's folder."""

MOST_COUNTED: Final = 1000


class Census:
    """Counts them by name.

    Parameters
    ----------
    folder : Path
        The router's folder, which holds the file.
    now : callable
        Returns the time [s, Unix time].
    """

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._file = folder / CENSUS_FILE
        self._now = now
        self._changed = False
        self._names = read(self._file)

    def joined(self, name: str, peer: str) -> None:
        """Count somebody."""
        if name not in self._names and len(self._names) >= MOST_COUNTED:
            return
        count = self._names.get(name, {}).get("count", 0)
        self._names[name] = {"count": count + 1, "last_at": self._now(), "peer": peer}
        self._changed = True

    def registered(self, address_root: str, address: str, peer: str) -> None:
        """Count an agent, by the address that it registers; on the Unix socket it need not move."""
        name = address.removeprefix(f"{address_root}.")
        if "." not in name and not peer.startswith("unix"):
            self.joined(f"agent {name}", peer)

    def write(self) -> None:
        """Write what has changed."""
        if not self._changed:
            return
        self._changed = False
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(self._names, indent=1) + "\n", encoding="utf-8")
        new.replace(self._file)


def read(file: Path) -> dict[str, dict[str, Any]]:
    """Return who has joined, by name: ``count``, ``last_at`` [s, Unix time] and ``peer``."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}
