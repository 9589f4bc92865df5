"""The requests of operators, remembered over restarts of the daemon."""

import contextlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocsd.errors import StateFolderError
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target
from ocsd.supervisor.wish import Word
from ocsd.system import files
from ocsd.text.times import utc


class Targets:
    """The targets that an operator has asked for, where the site file says something else.

    They are kept in the file `path`. A remembered target holds until the entry's ``manage`` is
    changed: the author of that change then has the last word.
    """

    notice = ""
    """Why the remembered targets are lost; empty if they are not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._words: dict[str, dict[str, Any]] = {}
        try:
            words = json.loads(path.read_text(encoding="utf-8"))
            self._words = {str(key): dict(value) for key, value in words.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.notice = (
                f"remembered targets are lost, {path} cannot be read: {error}; what you had put "
                "down is up again unless its entry says otherwise: put it down once more, "
                "or remove that file"
            )

    @staticmethod
    def managed(instance: Instance) -> Target:
        """Return the target of an instance by the site file."""
        return Target.UP if instance.manage is Manage.UP else Target.DOWN

    def word(self, instance: Instance) -> Word | None:
        """Return the last request for an instance; None if there is none that still holds."""
        stored = self._words.get(instance.instance_id, {})
        if stored.get("manage") != instance.manage:
            return None
        when = ""
        with contextlib.suppress(KeyError, ValueError, TypeError):
            when = utc(stored["at"])
        with contextlib.suppress(KeyError, ValueError):
            return Word(Target(stored["target"]), str(stored.get("by") or ""), when)
        return None

    def of(self, instance: Instance) -> Target:
        """Return the target of an instance, whether it has ended for good or not."""
        word = self.word(instance)
        return word.target if word else self.managed(instance)

    def remember(self, instances: Iterable[Instance], target: Target, by: str = "") -> None:
        """Put the target of instances on disk, where it is another one than before.

        A full disk therefore does not prevent the restart of an instance whose target is up.
        `by` is the person who asked.

        Raises
        ------
        StateFolderError
            If it cannot be written; the targets of before still hold.
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
        words = {**self._words, **entries}
        content = json.dumps(words, indent=1, sort_keys=True).encode()
        try:
            files.replace(self._path, content, durable=True)
        except OSError as error:
            raise StateFolderError(
                f"nothing was done, because it could not be remembered: {self._path}: "
                f"{error.strerror}"
            ) from error
        self._words = words
