"""The log level of a running agent: `ocsd loglevel`.

The level is written into a file beside the log, which the agent reads now and then
(`ocsd.log.level_file`), so it needs no daemon and no router.
"""

from collections.abc import Iterable
from pathlib import Path

from ocsd.cli.logs.places import BESIDE
from ocsd.errors import NotPermittedError, OcsdError, UsageError
from ocsd.log.levels import LEVELS, USUAL
from ocsd.system import files

LEVEL_CHOICES = (*LEVELS[::-1], USUAL)
"""The levels that an agent may be given; `USUAL` is that with which the agent was started."""


def refuse_others(names: Iterable[str]) -> None:
    """Refuse the logs of what is no agent, before any level is changed.

    Raises
    ------
    UsageError
        If there is one among them.
    """
    for name in names:
        if name in BESIDE:
            raise UsageError(f"only agents have a level that can be changed; '{name}' is none")


def set_level(log: Path, level: str) -> None:
    """Have an agent log from this level on, one of `LEVEL_CHOICES`, and after its next start, too.

    Raises
    ------
    NotPermittedError
        If this user may not write there.
    OcsdError
        If the disk is full or read-only.
    """
    file = _level_file(log)
    try:
        if level == USUAL:
            file.unlink(missing_ok=True)
            return
        files.replace(file, f"{level}\n".encode())
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not write {file}; use the account of the daemon, or sudo"
        ) from error
    except OSError as error:
        raise OcsdError(
            f"the level was not changed: cannot write {file}: {error.strerror}; make room on its "
            "disk, or make it writable"
        ) from error


def level_of(log: Path) -> str:
    """Return the level that was set for an agent; `USUAL` if none was."""
    try:
        word = _level_file(log).read_text("utf-8", "replace").strip()
    except OSError:
        return USUAL
    return word if word in LEVEL_CHOICES else USUAL


def _level_file(log: Path) -> Path:
    return log.with_name(f"{log.name}.level")
