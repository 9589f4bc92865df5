"""What the operator wants, remembered over restarts of the daemon."""

import contextlib
import json
import os
from pathlib import Path

from ocsd.site.model import Instance, Manage
from ocsd.supervisor.lifecycle import Target


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

    def remember(self, instance: Instance, target: Target) -> None:
        """Put on disk what the operator wants of an instance.

        Raises
        ------
        OSError
            If it cannot be written; the earlier file then is still whole.
        """
        entry = {"target": str(target), "manage": str(instance.manage)}
        if self._known.get(instance.instance_id) == entry:
            return
        self._known[instance.instance_id] = entry
        unfinished = self._path.with_suffix(".new")
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(self._known, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)
