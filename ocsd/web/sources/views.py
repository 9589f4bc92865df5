"""The feed viewers that told a host about themselves: small files in its runtime folder.

A viewer may run in a container, whose process this machine's daemon does not see: its file is
renewed while it lives, and one that is not counts no more.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ocsd.system.files import replace
from ocsd.system.paths import of_host, runtime_base

VIEWS_FOLDER: Final = "views"
RENEWAL_S: Final = 5.0
LIFE_S: Final = 30.0
"""Time after which a viewer that has not renewed its file counts no more [s]."""
_MOST_VIEWS: Final = 500
_LARGEST_VIEW_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class View:
    """A feed viewer, as the page lists it."""

    name: str
    description: str
    url: str
    feed: str
    """Agent and feed, e.g. ``fake-data1.false_temperatures``."""


class ViewNotice:
    """The files by which a viewer tells hosts about itself."""

    def __init__(self, folders: Callable[[], Sequence[Path]], view: View, pid: int) -> None:
        self._folders = folders
        self._view = view
        # The process-ids of two containers may be the same.
        digest = hashlib.sha256(f"{view.url} {view.feed} {view.name}".encode()).hexdigest()[:12]
        self._name = f"{digest}-{pid}.json"
        self._renewed_at = float("-inf")

    def renew(self, now_at: float) -> None:
        """Write the files, if it is time to [s, Unix time]; a folder that is away is left out."""
        if 0 <= now_at - self._renewed_at < RENEWAL_S:
            return
        self._renewed_at = now_at
        content = json.dumps({**asdict(self._view), "renewed_at": now_at}).encode()
        for folder in self._folders():
            with suppress(OSError):
                if folder.parent.is_dir():
                    folder.mkdir(mode=0o750, exist_ok=True)
                    replace(folder / self._name, content)

    def withdraw(self) -> None:
        """Remove the files."""
        for folder in self._folders():
            with suppress(OSError):
                (folder / self._name).unlink(missing_ok=True)


def folders_of(host: str = "") -> list[Path]:
    """Return the folders of a host, or of each host that has a runtime folder here."""
    if host:
        return [of_host(host).runtime / VIEWS_FOLDER]
    with suppress(OSError):
        return [each / VIEWS_FOLDER for each in sorted(runtime_base().iterdir()) if each.is_dir()]
    return []


def views(runtime: Path, now_at: float) -> list[View]:
    """Return the viewers that live at a time [s, Unix time], in the order of their names.

    `runtime` is the runtime folder of a host. What cannot be read is left out.
    """
    found = []
    for path in sorted((runtime / VIEWS_FOLDER).glob("*.json"))[:_MOST_VIEWS]:
        try:
            if path.stat().st_size > _LARGEST_VIEW_BYTES:
                continue
            written = json.loads(path.read_bytes())
            if abs(now_at - written["renewed_at"]) <= LIFE_S:
                found.append(_view(written))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda view: (view.name, view.feed))


def _view(written: dict[str, Any]) -> View:
    view = View(*(str(written[key]) for key in View.__slots__))
    if not view.url.startswith(("http://", "https://")):
        raise ValueError(view.url)
    return view
