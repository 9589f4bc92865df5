"""Every deliberate error of ocsd.

The docstring of a class names the situation for which it stands. The message, which
the operator sees, says what was refused, the cause and the next step. An OcsdError is
printed without a traceback and ends a command with its ``exit_code``; any other
exception is a defect of ocsd.
"""

from typing import Final

PERMANENT_FAILURE_EXIT: Final = 125
"""Exit code of a process that need not be tried again until something changes (s6's convention)."""

INTERRUPTED_EXIT: Final = 130
"""Exit code after Ctrl-C, as shells report it."""

BROKEN_PIPE_EXIT: Final = 141
"""Exit code after the reader of the output went away, as shells report SIGPIPE."""


class OcsdError(Exception):
    """A failure that an operator can put right; the message says how."""

    exit_code = 1


class UsageError(OcsdError):
    """The command line cannot be carried out as written; see ``--help``."""

    exit_code = 2


class NoSuchInstanceError(OcsdError):
    """The host has no instance of that name; ``ocsd status`` lists them."""

    exit_code = 4


class InstanceRunsError(OcsdError):
    """A daemon runs this instance already; end it there first with ``ocsd down``."""


class StoppingError(OcsdError):
    """Everything on this host is being stopped; start it again to change anything."""


class ForkServerError(OcsdError):
    """There is no fork server that starts processes; its log says why."""


class UpgradeError(OcsdError):
    """The installed version cannot start, so the running daemon goes on; the message says why."""


class NoSuchOperationError(OcsdError):
    """The agent has no operation or feed of that name; ``ocsd ops NAME`` lists the operations."""

    exit_code = 4


class NoSuchAlarmError(OcsdError):
    """The host has no alarm or receiver of that name; ``ocsd alarm list`` lists the alarms."""

    exit_code = 4


class UnreachableError(OcsdError):
    """The router or the agent does not answer; look at ``ocsd status``."""

    exit_code = 69


class ContainerEngineError(OcsdError):
    """Docker does not do what was asked for; look at ``systemctl status docker``."""

    exit_code = 69


class EngineAwayError(ContainerEngineError):
    """Docker does not answer; look at ``systemctl status docker``."""


class NoDaemonError(OcsdError):
    """No daemon answers; start one with ``ocsd start``."""

    exit_code = 69


class ForeignDaemonError(NoDaemonError):
    """Only daemons with other folders run here; be their user and name their folders."""


class SilentDaemonError(NoDaemonError):
    """A daemon runs but does not answer; the message says what may help."""

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


class TimedOutError(OcsdError):
    """The request was accepted but did not finish in time; look at ``ocsd status``."""

    exit_code = 75


class UnfinishedError(TimedOutError):
    """The daemon has begun but needs more time, and goes on; look at ``ocsd status``."""


class NotPermittedError(OcsdError):
    """The user may not do this; ask the owner of the daemon or use sudo."""

    exit_code = 77


class ConfigurationError(OcsdError):
    """The configuration cannot be used; correct it and try again."""

    exit_code = 78


class SiteFileError(ConfigurationError):
    """The site file is missing or wrong at the places that the message lists."""


class UnknownHostError(ConfigurationError):
    """The site file has no entry for this host; pass ``--host``."""


class UnknownAgentClassError(ConfigurationError):
    """No plug-in registers this agent class; install it or correct the name."""


class AccessFilesError(ConfigurationError):
    """A file of access control is missing, open to others, or damaged; ``ocsd access check``."""


class DirectorFileError(ConfigurationError):
    """The file of the access director is missing, open to others, or wrong; correct it."""


class PasswordsFileError(ConfigurationError):
    """A client's file of passwords is missing, open to others, or wrong; correct it."""


class NoKeysAtStartError(AccessFilesError):
    """The daemon of a closed site found no usable keys; make them, and start it anew."""

    exit_code = PERMANENT_FAILURE_EXIT


class PluginError(ConfigurationError):
    """A plug-in cannot be imported; correct it and restart the instance."""


class AgentArgumentsError(ConfigurationError):
    """The agent's parser refuses its arguments; correct them in the site file."""


class RouterError(ConfigurationError):
    """There is no usable router; the message says what was found and what to do."""


class DataFolderError(ConfigurationError):
    """The data folder cannot be written; correct its owner or ``--data-dir``."""


class JournalVersionError(DataFolderError):
    """The recorder's journal was written by another version of ocsd; use that, or update."""


class NoDataError(OcsdError):
    """There is no such data folder, file or field; ``ocsd data ls`` lists what there is."""

    exit_code = 4


class MissingLibraryError(OcsdError):
    """A library that only this needs is not installed; the message says how to install it."""


class OutputFileError(OcsdError):
    """The file could not be written; choose another place with ``-o``."""


class DaemonRunningError(OcsdError):
    """A daemon for this host runs already; ``ocsd reload`` takes an edited site file into use."""


class ReloadRefusedError(OcsdError):
    """The site file changed what only a new start can change; the message says what."""


# The command line.


class DaemonRefusedError(OcsdError):
    """The daemon refused the request; the message, which is the daemon's own, says why."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SeveralDaemonsError(UsageError):
    """Daemons of several hosts run on this machine; say with ``--host`` which is meant."""


class NoLogError(OcsdError):
    """There is no log to read; start the instance, or look whether its name is right."""


class NoHistoryError(OcsdError):
    """There is no history to read; look whether ``--host`` is right."""


class AuditBrokenError(OcsdError):
    """The audit journal is not as it was written; compare it with a backup."""


class DaemonStartError(OcsdError):
    """The daemon ended while it started; look at its log, and at the kernel's if it was killed."""


class NoSystemdError(OcsdError):
    """systemd does not run this machine; start ocsd by hand or from another supervisor."""

    exit_code = 69


class SystemctlError(OcsdError):
    """systemctl failed; its own message says why."""


class UnitChangedError(OcsdError):
    """The unit on the disk is not what would be written; ``--force`` overwrites it."""


class NoSuchUserError(ConfigurationError):
    """The user that shall run the daemon does not exist; make it or pass ``--user``."""
