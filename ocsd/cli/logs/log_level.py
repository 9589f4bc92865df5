"""Changing how much agents log while they run: `ocsd logs --level`.

The level is written into a file beside the log, at which the agent looks twice a second
(`ocsd.log.level_file`), so it needs no daemon and no router.
"""

from pathlib import Path

from ocsd.errors import NotPermittedError, UsageError
from ocsd.system import files

USUAL = "usual"
LEVELS = ("critical", "error", "warn", "info", "debug", "trace", USUAL)
"""What may be asked for; `USUAL` is what the agent was started with."""

_NO_AGENTS = {"router", "ocsd"}


def set_level(name: str, log: Path, level: str) -> None:
    """Have an agent log from this level on, and after its next start, too.

    Parameters
    ----------
    name : str
        The instance.
    log : Path
        Its log.
    level : str
        One of `LEVELS`.

    Raises
    ------
    UsageError
        If it is no agent.
    NotPermittedError
        If this user may not write there.
    """
    if name in _NO_AGENTS:
        raise UsageError(f"--level is for agents; '{name}' is none")
    file = log.with_name(f"{log.name}.level")
    try:
        if level == USUAL:
            file.unlink(missing_ok=True)
            return
        files.replace(file, f"{level}\n".encode())
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not write {file}; use the account of the daemon, or sudo"
        ) from error
