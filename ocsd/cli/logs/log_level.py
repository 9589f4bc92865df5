"""The log level of a running agent: `ocsd logs --level`.

The level is written into a file beside the log, which the agent reads twice a second
(`ocsd.log.level_file`), so it needs no daemon and no router.
"""

from pathlib import Path

from ocsd.cli.talk.replies import DAEMON, ROUTER
from ocsd.errors import NotPermittedError, UsageError
from ocsd.system import files

USUAL = "usual"
LEVEL_CHOICES = ("critical", "error", "warn", "info", "debug", "trace", USUAL)
"""The levels of `--level`; `USUAL` is that with which the agent was started."""


def set_level(instance_id: str, log: Path, level: str) -> None:
    """Have an agent log from this level on, one of `LEVEL_CHOICES`, and after its next start, too.

    Raises
    ------
    UsageError
        If it is not an agent.
    NotPermittedError
        If this user may not write there.
    """
    if instance_id in {ROUTER, DAEMON}:
        raise UsageError(f"--level is for agents; '{instance_id}' is none")
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
