"""Jobs that are done, remembered so that no later daemon does them again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ocsd.daemon.instances.transition import Transition
from ocsd.forkserver.record import boot_id
from ocsd.site.model import Instance
from ocsd.supervisor.events import Exited, State, Target
from ocsd.system import files


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended.

    Attributes
    ----------
    target : Target
        What was wanted of it afterwards: nothing more, or what its ``restart`` forbids.
    reason : str
        How it ended, in words.
    at : float
        When [s, Unix time].
    entry : mapping
        Its entry in the site file.
    """

    target: Target
    reason: str
    at: float
    entry: Mapping[str, Any]


class Finished:
    """The instances that have ended and that their ``restart`` does not start again.

    An end holds for as long as the machine runs, until the instance is started by
    somebody's word, its entry changes or everything is stopped. It is a file in the
    runtime folder, as the record of processes is: what ends the machine ends it, too.

    Parameters
    ----------
    path : Path, optional
        File in which they are kept; without one they are forgotten with this object.
    """

    log = Logger()

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ends = {} if path is None else self._read(path)

    def of(self, instance: Instance) -> JobEnd | None:
        """Return how an instance ended; None if it may be started."""
        end = self._ends.get(instance.instance_id)
        return end if end is not None and end.entry == _entry(instance) else None

    def note(self, transition: Transition, instance: Instance) -> None:
        """Remember the end of a job, or that it was started anew."""
        before, after = transition.before, transition.after
        if after.state is State.STARTING:
            self.forget(transition.instance_id)
        elif (
            after.state is State.DOWN
            and isinstance(transition.event, Exited)
            and before.target is Target.UP
        ):
            end = JobEnd(after.target, after.reason, transition.at, _entry(instance))
            self._ends[transition.instance_id] = end
            self._write()

    def forget(self, name: str) -> None:
        """Let an instance be started again."""
        if self._ends.pop(name, None) is not None:
            self._write()

    def clear(self) -> None:
        """Forget all: everything was stopped, and the next start is one of everything."""
        self._ends = {}
        self._write()

    def _read(self, path: Path) -> dict[str, JobEnd]:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["boot"] != boot_id():
                return {}
            return {
                str(name): JobEnd(
                    Target(end["target"]), str(end["reason"]), end["at"], end["entry"]
                )
                for name, end in kept["ends"].items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            self.log.warn("jobs that are done run again: {path}: {error}", path=path, error=error)
            return {}

    def _write(self) -> None:
        if self._path is None:
            return
        kept = {"boot": boot_id(), "ends": {name: asdict(end) for name, end in self._ends.items()}}
        try:
            if self._ends:
                files.replace(self._path, json.dumps(kept, indent=1).encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            # It holds in memory, and the next one that is written takes it along.
            self.log.error("cannot remember which jobs are done: {error}", error=error)


def _entry(instance: Instance) -> Mapping[str, Any]:
    """Return what the site file says of an instance, in whatever line.

    Without defaults, so that it is the same for a later version that has more keys.
    """
    return instance.model_dump(mode="json", exclude_defaults=True, exclude={"line"})
