"""What the operator wants, remembered over restarts of the daemon."""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from ocsd.errors import StateFolderError
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target


class Targets:
    """The targets that differ from what the site file says, by the operator's word.

    A remembered target holds until the entry's ``manage`` is changed: whoever
    edits the site file after that has the last word.

    Parameters
    ----------
    path : Path
        File in which they are kept.

    Attributes
    ----------
    notice : str
        Why what was remembered is lost; empty if it is not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[str, str]] = {}
        self.notice = ""
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            self._known = {name: dict(each) for name, each in known.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.notice = f"remembered targets are lost, {path} cannot be read: {error}"

    def of(self, instance: Instance) -> Target:
        """Return what is wanted of an instance."""
        remembered = self._known.get(instance.instance_id, {})
        if remembered.get("manage") == instance.manage:
            with contextlib.suppress(KeyError, ValueError):
                return Target(remembered["target"])
        return Target.UP if instance.manage is Manage.UP else Target.DOWN

    def remember(self, instances: Iterable[Instance], target: Target) -> None:
        """Put on disk what the operator wants of instances, where that is news.

        So a full disk hinders nobody from restarting what is wanted up anyway.

        Raises
        ------
        StateFolderError
            If it cannot be written; what was remembered before still holds.
        """
        entries = {
            each.instance_id: {"target": str(target), "manage": str(each.manage)}
            for each in instances
            if self.of(each) is not target
        }
        if not entries:
            return
        known = {**self._known, **entries}
        unfinished = self._path.with_suffix(".new")
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                json.dump(known, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        except OSError as error:
            raise StateFolderError(
                f"nothing was done, for it cannot be remembered: {self._path}: {error.strerror}"
            ) from error
        self._known = known
