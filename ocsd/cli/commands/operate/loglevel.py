"""`ocsd loglevel`: change how much agents log while they run, or show it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.logs import log_level, places
from ocsd.cli.logs.log_level import LEVEL_CHOICES
from ocsd.cli.talk import control
from ocsd.errors import NoSuchInstanceError, OcsdError, UsageError
from ocsd.system.notify import knock
from ocsd.system.paths import NOTIFY_SOCKET
from ocsd.text.nearest import did_you_mean


@options.command(
    "ocsd loglevel thermo1 debug",
    "ocsd loglevel thermo1 usual        # as it was started",
    "ocsd loglevel 'thermo-*' debug",
    "ocsd loglevel thermo1              # its level now",
)
@click.argument("words", metavar="NAME... [LEVEL]", nargs=-1, shell_complete=completion.levels)
@targets.class_option
@options.host_option
def loglevel(words: tuple[str, ...], agent_class: str | None, host: str | None) -> None:
    """Change how much agents log from now on, also after a restart.

    LEVEL is critical, error, warn, info, debug, trace, or `usual`, the level with which the
    agent was started. Without LEVEL, the present ones are shown. Works without router and daemon.
    """
    names, level = words, None
    if words and words[-1] in LEVEL_CHOICES:
        names, level = words[:-1], words[-1]
    if not names and agent_class is None:
        raise UsageError("`ocsd loglevel` needs the names of agents, or --class")
    found = _found(names, words[-1:], agent_class, host)
    log_level.refuse_others(found)
    if level is not None:
        for name, path in found.items():
            log_level.set_level(path, level)
            _tell(host, name, level)
            print(f"{name}: level {level} from now on")
        return
    for name, path in found.items():
        print(f"{name}: {log_level.level_of(path)}")


def _tell(host: str | None, name: str, level: str) -> None:
    """Have the daemon write down who changed the level, and the agent look at once.

    A daemon that does not run learns nothing, and its agents look some seconds later.
    """
    with suppress(OcsdError):
        daemon = control.find(host)
        with suppress(OSError):
            knock(daemon.socket_path.with_name(NOTIFY_SOCKET))
        daemon.record("loglevel", name, {"level": level}, "change")


def _found(
    names: Sequence[str], last: Sequence[str], agent_class: str | None, host: str | None
) -> dict[str, Path]:
    """Return the logs of the names; if the `last` word of several is none, it may be a level."""
    try:
        return places.find(names, agent_class, host, follow=True)
    except NoSuchInstanceError as error:
        for word in last:
            if word in names[1:] and f"'{word}'" in str(error):
                neither = f"'{word}' is neither a level nor an instance"
                if near := did_you_mean(word, LEVEL_CHOICES):
                    raise UsageError(f"{neither}{near}") from error
                levels = ", ".join(LEVEL_CHOICES)
                raise NoSuchInstanceError(f"{neither}; levels are {levels}") from error
        raise
