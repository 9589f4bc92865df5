"""The requests of operators, remembered over restarts of the daemon."""

import contextlib
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target
from ocsd.supervisor.wish import Word
from ocsd.system import files
from ocsd.text.times import utc


class Targets:
    """The targets that an operator has asked for, where the site file says something else.

    They are kept in the file `path`. While its disk takes nothing, they are kept in `substitute`,
    a file of the runtime folder, until the machine is restarted. A remembered target holds until
    the entry's ``manage`` is changed: the author of that change then has the last word.
    """

    notice = ""
    """Why the remembered targets are lost; empty if they are not."""
    unwritten = ""
    """Why the latest requests are not on the disk; empty if they are."""

    def __init__(self, path: Path, substitute: Path | None = None) -> None:
        self._path = path
        self._substitute = substitute
        self._words: dict[str, dict[str, Any]] = {}
        try:
            self._words = _read(path)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self.notice = (
                f"remembered targets are lost, {path} cannot be read: {error}; what you had put "
                "down is up again unless its entry says otherwise: put it down once more, "
                "or remove that file"
            )
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            if substitute is not None and (later := _read(substitute)):
                self._words = later
                self._write()

    @staticmethod
    def managed(instance: Instance) -> Target:
        """Return the target of an instance by the site file."""
        return Target.UP if instance.manage in {Manage.UP, Manage.DOCKER_UP} else Target.DOWN

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
        """Keep the target of instances, where it is another one than before.

        A disk that takes nothing prevents nobody from stopping an agent: `unwritten` says so
        then. `by` is the person who asked.
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
        if entries:
            self._words |= entries
            self._write()

    def catch_up(self) -> None:
        """Try again to put on the disk what is not there."""
        if self.unwritten:
            self._write()

    def _write(self) -> None:
        content = json.dumps(self._words, indent=1, sort_keys=True).encode()
        try:
            files.replace(self._path, content, durable=True)
        except OSError as error:
            until = self._keep_elsewhere(content)
            self.unwritten = (
                f"up and down are not remembered in {self._path}: {error.strerror}; they hold "
                f"until {until}"
            )
            return
        self.unwritten = ""
        if self._substitute is not None:
            self._substitute.unlink(missing_ok=True)

    def _keep_elsewhere(self, content: bytes) -> str:
        """Keep the targets in the runtime folder, if it takes them; return until when they hold."""
        if self._substitute is not None:
            with contextlib.suppress(OSError):
                files.replace(self._substitute, content)
                return "the machine is restarted"
        return "this daemon ends"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the words in a file; none if there is no file."""
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(key): dict(value) for key, value in words.items()}
