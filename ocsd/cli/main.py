"""The command `ocsd`: runs the given command and turns errors into exit codes."""

import errno
import importlib
import os
import sys
from typing import Any, cast

import click

from ocsd import __version__
from ocsd.cli.arguments.completion import COMPLETE_VARIABLE, PROGRAM
from ocsd.cli.arguments.short_help import SHORT_HELP
from ocsd.cli.screen.terminal import size
from ocsd.errors import (
    BROKEN_PIPE_EXIT,
    INTERRUPTED_EXIT,
    DaemonRefusedError,
    NoDaemonError,
    NoDataError,
    NoHistoryError,
    NoSuchInstanceError,
    OcsdError,
    SeveralDaemonsError,
)
from ocsd.system.garbage import loaded
from ocsd.system.interrupts import ends_at_once
from ocsd.text.characters import adapt

# In the order of the help, each with its room in `ocsd.cli.commands`. A command is a module with
# a function of its name; only the module of the given command is imported.
_COMMANDS = {
    "start": "supervise",
    "stop": "supervise",
    "status": "look",
    "top": "look",
    "up": "supervise",
    "down": "supervise",
    "restart": "supervise",
    "upgrade": "supervise",
    "why": "look",
    "history": "look",
    "audit": "look",
    "reload": "supervise",
    "logs": "look",
    "loglevel": "operate",
    "ops": "operate",
    "call": "operate",
    "listen": "operate",
    "hook": "operate",
    "alarm": "operate",
    "values": "operate",
    "view-feed": "operate",
    "data": "look",
    "run": "supervise",
    "init": "setup",
    "new": "setup",
    "check": "setup",
    "migrate": "setup",
    "site": "site",
    "access": "setup",
    "install": "setup",
    "completion": "setup",
    "docs": "setup",
}

OF_OTHER_HOSTS = {
    "status",
    "up",
    "down",
    "restart",
    "upgrade",
    "why",
    "history",
    "reload",
    "logs",
    "alarm",
    "values",
    "data",
}
"""Commands that may mean another host of the site (`ocsd.status.commands`)."""

_MAYBE_ELSEWHERE = (
    DaemonRefusedError,
    NoDaemonError,
    NoDataError,
    NoHistoryError,
    NoSuchInstanceError,
    SeveralDaemonsError,
)
"""Errors after which another host of the site may have what was named."""
_NOT_HERE_EXITS = {
    NoSuchInstanceError.exit_code,
    NoDaemonError.exit_code,
    NoHistoryError.exit_code,
    SeveralDaemonsError.exit_code,
}

_NARROWEST_HELP, _WIDEST_HELP = 50, 100
"""Width of the help [columns]."""

# Never proposed to somebody who has made a slip: they end agents.
_ENDING = {"stop", "down", "restart"}

# Words of other supervisors.
_INSTEAD = {
    "watch": "; for a display that renews itself: ocsd top, or ocsd status --watch",
    "ps": "; see: ocsd status",
    "list": "; see: ocsd status",
}

_EPILOG = """\b
Examples:
  ocsd check --site-file site-configs/default.yaml
  ocsd start --host grumpy -d
  ocsd status
  ocsd restart fake-data1
  ocsd logs -f fake-data1
  ocsd call fake-data1 delay_task delay=2

\b
Exit codes:
  0    done, or everything is in its target state
  1    the request, or the operation that was called, failed
  2    the command was used wrongly
  3    something is not in its target state (status, start -d)
  4    no such instance, operation, feed or data
  5    all is in its target state, but not well (status --strict)
  69   no daemon is running; router or agent do not answer
  75   timed out waiting
  77   not permitted
  78   configuration error
  130  Ctrl-C

'ocsd COMMAND --help' describes a command and shows examples of it.
"""


class _Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def make_context(self, *words: Any, **settings: Any) -> click.Context:
        # click would ask shutil for the width (`size` of ocsd.cli.screen.terminal).
        width = max(_NARROWEST_HELP, min(size()[0], _WIDEST_HELP) - 2)
        return super().make_context(*words, **{"terminal_width": width, **settings})

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        with ends_at_once(), loaded():
            function = name.replace("-", "_")
            module = importlib.import_module(f"ocsd.cli.commands.{_COMMANDS[name]}.{function}")
        return cast(click.Command, getattr(module, function))

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        limit = formatter.width - 6 - max(map(len, _COMMANDS))
        rows = [(name, self._short_help(context, name, limit)) for name in _COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, context: click.Context, name: str, limit: int) -> str:
        if name in SHORT_HELP:
            return click.Command(name, help=SHORT_HELP[name]).get_short_help_str(limit)
        return cast(click.Command, self.get_command(context, name)).get_short_help_str(limit)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if arguments and arguments[0] not in _COMMANDS and not arguments[0].startswith("-"):
            raise click.UsageError(
                f"no such command {arguments[0]!r}{_hint(arguments[0])}", context
            )
        return super().resolve_command(context, arguments)

    def invoke(self, context: click.Context) -> Any:
        try:
            code = super().invoke(context)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader of our output has gone (`ocsd status | head -1`).
            _let_go_of_output()
            return BROKEN_PIPE_EXIT
        return code


def _hint(word: str) -> str:
    """Return the end of the message about a word that is no command."""
    from ocsd.text.nearest import did_you_mean

    if word in _INSTEAD:
        return _INSTEAD[word]
    begun = [name for name in _COMMANDS if name.startswith(word)]
    harmless = [name for name in begun or _COMMANDS if name not in _ENDING]
    if begun and harmless:
        return f"; did you mean {' or '.join(map(repr, harmless))}?"
    return did_you_mean(word, harmless)


def _let_go_of_output() -> None:
    """Redirect the output, because Python complains at its end if it cannot flush the buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    cls=_Commands,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="ocsd %(version)s")
@click.pass_context
def ocsd(context: click.Context) -> int:
    """Run one host of an observatory: its agents, router, registry and aggregator."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        return click.UsageError.exit_code
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, by default that of the process, and return its exit code."""
    # The command line prints with print, because click.echo writes UTF-8 even where
    # the terminal is plain ASCII.
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot show must not fail the command.
        adapt(stream)
    try:
        code = _run(arguments)
    except OcsdError as error:
        from ocsd.text.logins import without_logins

        print(f"{PROGRAM}: {without_logins(str(error))}", file=sys.stderr)
        return error.exit_code
    except click.ClickException as error:
        print(f"{PROGRAM}: {error.format_message()}", file=sys.stderr)
        if isinstance(error, click.UsageError) and error.ctx is not None:
            print(f"See: {error.ctx.command_path} --help", file=sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED_EXIT
    except RuntimeError as error:
        # Before 3.12, Python wraps what comes while a field of a dataclass is being named.
        if isinstance(error.__cause__, KeyboardInterrupt):
            return INTERRUPTED_EXIT
        raise
    return int(code or 0)


def _run(arguments: list[str] | None) -> Any:
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = _here_or_elsewhere(words)
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
            raise
        _let_go_of_output()
        raise OcsdError(f"cannot write the output: {error.strerror}") from error
    return code


def _here_or_elsewhere(words: list[str]) -> Any:
    """Run a command line, on other hosts if it names them or this one has not what it names."""
    if not words or words[0] not in OF_OTHER_HOSTS or COMPLETE_VARIABLE in os.environ:
        return _here(words)
    if any(":" in word for word in words):
        from ocsd.cli.site import elsewhere

        code = elsewhere.addressed(words)
        if code is not None:
            return code
    try:
        return _here(words)
    except _MAYBE_ELSEWHERE as error:
        if error.exit_code not in _NOT_HERE_EXITS:
            raise
        from ocsd.cli.site import elsewhere

        return elsewhere.after(error, words)


def _here(words: list[str]) -> Any:
    return ocsd.main(
        words, prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE, standalone_mode=False
    )
