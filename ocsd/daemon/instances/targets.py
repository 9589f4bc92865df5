"""What the operator wants, remembered over restarts of the daemon."""

import contextlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocsd.errors import StateFolderError
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target
from ocsd.system import files


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
        self._known: dict[str, dict[str, Any]] = {}
        self.notice = ""
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            self._known = {name: dict(each) for name, each in known.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.notice = (
                f"remembered targets are lost, {path} cannot be read: {error}; what you had put "
                "down is up again unless its entry says otherwise: put it down once more, "
                "or remove that file"
            )

    def of(self, instance: Instance) -> Target:
        """Return what is wanted of an instance."""
        with contextlib.suppress(KeyError, ValueError):
            return Target(self._word(instance)["target"])
        return Target.UP if instance.manage is Manage.UP else Target.DOWN

    def reason(self, instance: Instance) -> str:
        """Return why an instance is not wanted although the site file says so; else nothing."""
        if instance.manage is not Manage.UP or self.of(instance) is Target.UP:
            return ""
        word = self._word(instance)
        at = word.get("at")
        # Older versions of ocsd wrote down neither who nor when.
        when = time.strftime(" on %Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if _is_time(at) else ""
        return (
            f"put down{when} by {word.get('by') or 'an operator'}; "
            f"`ocsd up {instance.instance_id}` starts it"
        )

    def _word(self, instance: Instance) -> dict[str, Any]:
        """Return what the operator said last, if it still holds."""
        word = self._known.get(instance.instance_id, {})
        return word if word.get("manage") == instance.manage else {}

    def remember(self, instances: Iterable[Instance], target: Target, by: str = "") -> None:
        """Put on disk what the operator wants of instances, where that is news.

        So a full disk hinders nobody from restarting what is wanted up anyway.

        Parameters
        ----------
        instances : iterable of Instance
            The instances.
        target : Target
            What is wanted of them.
        by : str
            Who said so.

        Raises
        ------
        StateFolderError
            If it cannot be written; what was remembered before still holds.
        """
        entries = {
            each.instance_id: {
                "target": str(target),
                "manage": str(each.manage),
                "by": by,
                "at": round(time.time(), 3),
            }
            for each in instances
            if self.of(each) is not target
        }
        if not entries:
            return
        known = {**self._known, **entries}
        content = json.dumps(known, indent=1, sort_keys=True).encode()
        try:
            files.replace(self._path, content, durable=True)
        except OSError as error:
            raise StateFolderError(
                f"nothing was done, for it cannot be remembered: {self._path}: {error.strerror}"
            ) from error
        self._known = known


def _is_time(at: object) -> bool:
    return isinstance(at, int | float) and 0 <= at < 2**33
