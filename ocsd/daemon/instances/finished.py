"""Jobs that have ended, remembered so that no later daemon does them again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from ocsd.daemon.instances.transition import Transition
from ocsd.forkserver.record import boot_id
from ocsd.site.model import Instance
from ocsd.supervisor.events import Exited, State, Target
from ocsd.supervisor.wish import JobEnd
from ocsd.system import files


class Finished:
    """The instances that have ended and that their ``restart`` does not start again.

    An end holds until the machine boots, an operator starts the instance, its entry
    changes or everything is stopped. The ends are kept in a file of the runtime folder,
    beside the record of processes, which does not outlive the machine's run either; without
    a `path` they are forgotten with this object. `boot` returns the id of the machine's run.
    """

    log = Logger()

    def __init__(self, path: Path | None = None, boot: Callable[[], str] = boot_id) -> None:
        self._path = path
        self._boot = boot
        self._ends = self._read(path) if path else {}

    def of(self, instance: Instance) -> JobEnd | None:
        """Return the end of an instance; None if it may be started."""
        end = self._ends.get(instance.instance_id)
        if end is None or end.entry != _entry(instance):
            return None
        return end

    def record(self, transition: Transition, instance: Instance) -> None:
        """Remember the end of a job, or forget it because the job was started again."""
        before, after = transition.before, transition.after
        unasked = isinstance(transition.event, Exited) and before.target is Target.UP
        if after.state is State.STARTING:
            self.forget(transition.instance_id)
        elif after.state is State.DOWN and unasked:
            end = JobEnd(after.target, after.reason, transition.at, _entry(instance))
            self._ends[transition.instance_id] = end
            self._write()

    def forget(self, instance_id: str) -> None:
        """Let an instance be started again."""
        if self._ends.pop(instance_id, None) is not None:
            self._write()

    def clear(self) -> None:
        """Forget all, because everything was stopped: the next start starts everything."""
        self._ends = {}
        self._write()

    def _read(self, path: Path) -> dict[str, JobEnd]:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["boot"] != self._boot():
                return {}
            return {
                str(key): JobEnd(Target(end["target"]), str(end["reason"]), end["at"], end["entry"])
                for key, end in kept["ends"].items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            self.log.warn("jobs that are done run again: {path}: {error}", path=path, error=error)
            return {}

    def _write(self) -> None:
        if self._path is None:
            return
        ends = {key: asdict(end) for key, end in self._ends.items()}
        kept = {"boot": self._boot(), "ends": ends}
        try:
            if self._ends:
                files.replace(self._path, json.dumps(kept, indent=1).encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            # The end holds in memory, and is written with the next one.
            self.log.error("cannot remember which jobs are done: {error}", error=error)


def _entry(instance: Instance) -> Mapping[str, Any]:
    """Return an instance's entry in the site file, wherever it stands in there.

    It lacks defaults, and is therefore the same for a later version that has more keys.
    """
    return instance.model_dump(mode="json", exclude_defaults=True, exclude={"line"})
