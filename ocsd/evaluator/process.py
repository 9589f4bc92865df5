"""The process that evaluates alarms: from its start to its end."""

import argparse
import gc
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

from twisted.logger import Logger

from ocsd.agent.wellbeing.own_code import OWN_CODE
from ocsd.alarms.conditions import PolledCondition
from ocsd.errors import ConfigurationError, OcsdError
from ocsd.evaluator.attempts import DeliveryAttempts
from ocsd.evaluator.daemon import DaemonFacts
from ocsd.evaluator.desk import Desk
from ocsd.evaluator.facts import facts_of, page_of, trouble_of
from ocsd.evaluator.heartbeats import Heartbeats
from ocsd.evaluator.kept import KeptAlarms, KeptFile, read_kept
from ocsd.evaluator.port import EvaluatorPort
from ocsd.evaluator.wording import Links
from ocsd.journal import Entry, JournalFollower, journal_folder
from ocsd.log import logs
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.site.values import told as launches
from ocsd.site.values.told import ToldLaunch
from ocsd.system import paths
from ocsd.system.notify import notify
from ocsd.system.paths import HostPaths
from ocsd.system.runs import ALARMS_KEY, CHANGED_CODE_KEY

ALARM_ROUND_S: Final = 0.5
"""Period of the rounds [s]: an alarm is raised within two of them, and the journal's own delay."""
REPORT_S: Final = 1.0
AWAY_S: Final = 60.0
"""Absence of an evaluator after which feeds get their time anew before they are silent [s]: the
host may have been down.
"""
HUNG_AFTER_S: Final = 10.0
"""Time without a whole round after which this process does not report that it is well [s]."""
POLL_STATES_S: Final = 1.0
POLL_LIFE_S: Final = 5.0
POLL_PAGE_S: Final = 30.0
"""Periods of asking for the status [s]: for alarms on states, for heartbeats, and for neither."""
_JOURNAL_RETRY_S: Final = 5.0
_POLL_BYTES: Final = 2**23


def main() -> None:
    """Evaluate alarms until SIGINT or SIGTERM.

    Raises
    ------
    ConfigurationError
        If no daemon has started this process.
    """
    logs.start()
    launch = launches.current()
    if launch is None:
        raise ConfigurationError("alarms are evaluated by the daemon's own child; use `ocsd start`")
    host_paths = paths.of_host(launch.host, launch.log_dir)
    if address := os.environ.get("NOTIFY_SOCKET"):
        host_paths = host_paths._replace(runtime=Path(address).parent)
    Evaluator(launch, host_paths, the_reactor()).run()


class Evaluator:
    """Evaluates the alarms of a host in rounds."""

    log = Logger()

    def __init__(self, launch: ToldLaunch, host_paths: HostPaths, reactor: Any) -> None:
        self._paths = host_paths
        self._reactor = reactor
        self._keys = AlarmsKeys.model_validate(launch.alarms or {})
        self._root = launch.hub.address_root
        self._file = KeptFile(host_paths.alarms, host_paths.latest_alarms)
        kept, self._lost = taken_over((host_paths.alarms, host_paths.latest_alarms), time.time())
        attempts = DeliveryAttempts(host_paths.alarm_attempts)
        links = Links(self._keys.page, self._root)
        self._desk = Desk(launch.host, self._keys, kept, self._file.write, attempts, links)
        self._beats = Heartbeats(launch.host, self._keys, attempts)
        self._daemon = DaemonFacts(reactor, host_paths.control_socket)
        self._port = EvaluatorPort(reactor, host_paths.alarms_socket, self._answer)
        self._journal = _Journal(_data_folder(launch))
        self._rounds = Ticker(ALARM_ROUND_S, self._round)
        self._reports = Ticker(REPORT_S, self._report)
        self._poll_s = poll_period_s(self._keys)
        self._trouble = self._failure = ""
        self._worked_s = reactor.seconds()

    def run(self) -> None:
        """Run the reactor to its end."""
        self._catch_signals()
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()

    def _begin(self) -> None:
        gc.freeze()
        self._catch_signals()  # again, because the reactor has set handlers of its own
        if self._lost:
            self.log.error("{lost}", lost=self._lost)
        self._desk.begin(time.time())
        self._rounds.start()
        self._reports.start()

    def _round(self) -> None:
        """Make a round; one that fails is told, and several in a row end this process."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the next round may do better
            self._failure = f"a round has failed: {type(error).__name__}: {error}"
            self.log.failure("a round has failed")
        else:
            self._failure, self._worked_s = "", self._reactor.seconds()

    def _work(self) -> None:
        at = time.time()
        self._daemon.ask(self._poll_s)
        facts, status = None, self._daemon.take()
        if status is not None:
            facts = facts_of(status)
            if not self._keys.page:
                self._desk.links = Links(page_of(status), self._root)
        entries = self._journal.poll(self._reactor.seconds())
        self._desk.round(entries, facts, at, behind=self._journal.behind)
        self._daemon.record(
            self._desk.unrecorded, lambda count: self._desk.recorded(count, time.time())
        )
        self._beats.round(self._unwell(), at)
        if self._journal.behind:
            self._reactor.callLater(0, self._round)

    def _unwell(self) -> str:
        """Return what is not well of daemon, recorder and evaluator; empty if all is."""
        faults = (
            *(self._failure, self._daemon.unwell),
            *(self._file.trouble, self._journal.trouble),
        )
        return "; ".join(filter(None, faults)) or trouble_of(self._daemon.status)

    def _report(self) -> None:
        """Report to the daemon how this process does, and a summary of the alarms."""
        with_words: dict[str, str | int] = {CHANGED_CODE_KEY: OWN_CODE.changed}
        if self._reactor.seconds() - self._worked_s < HUNG_AFTER_S:
            with_words["WATCHDOG"] = 1
        try:
            self._port.keep_open()
        except OSError as error:
            self._trouble = f"cannot listen at {self._paths.alarms_socket}: {error}"
        else:
            self._trouble = ""
            with_words["READY"] = 1
        self._file.touch()
        summary = json.dumps(self._desk.summary(time.time()))
        notify(**with_words, **{"STATUS": self._status(), ALARMS_KEY: summary})

    def _status(self) -> str:
        faults = (
            *(self._failure, self._trouble, self._lost),
            *(self._file.trouble, self._journal.trouble),
        )
        return "; ".join(filter(None, (*faults, self._beats.trouble)))

    def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        told = self._desk.asked(request, time.time())
        if request.get("ask") == "alarms":
            told["heartbeats"] = self._beats.as_json()
            told["trouble"] = self._status()
            # Without heartbeats the daemon is asked too rarely to say so.
            told["unwell"] = self._unwell() if self._keys.heartbeats else ""
        return told

    def _catch_signals(self) -> None:
        def on_signal(number: int, _frame: object) -> None:
            self._reactor.callFromThread(self._end, signal.Signals(number).name)

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)

    def _end(self, why: str) -> NoReturn:
        """End at once: all is kept already, and attempts go on by themselves."""
        self.log.info("{signal}: ending", signal=why)
        notify(STOPPING=1, STATUS="ending")
        self._paths.alarms_socket.unlink(missing_ok=True)
        for stream in (sys.stdout, sys.stderr, sys.__stdout__):
            if stream is not None:
                stream.flush()
        os._exit(0)


class _Journal:
    """The recorder's journal, read from its beginning: what is old changes nothing any more.

    Attributes
    ----------
    trouble : str
        Why it cannot be read; empty if it can.
    """

    def __init__(self, folder: Path | None) -> None:
        self.trouble = ""
        self._follower: JournalFollower | None = None
        if folder is not None:
            self._follower = JournalFollower(journal_folder(folder))
        self._retry_s = 0.0

    @property
    def behind(self) -> bool:
        """Whether there is more at once."""
        return self._follower is not None and self._follower.behind

    def poll(self, now_s: float) -> list[Entry]:
        """Return what came since the last call."""
        if self._follower is None or (self.trouble and now_s < self._retry_s):
            return []
        try:
            entries = self._follower.poll(_POLL_BYTES)
        except (OSError, OcsdError) as error:
            self.trouble = f"the journal of samples cannot be read: {error}"
            self._retry_s = now_s + _JOURNAL_RETRY_S
            return []
        self.trouble = ""
        return entries


def taken_over(places: tuple[Path, Path], at: float) -> tuple[KeptAlarms, str]:
    """Return what the evaluator before has kept, at a time [s, Unix time], and what is lost."""
    kept, lost = read_kept(places, is_owner=True)
    ages_s = (at - each.stat().st_mtime for each in places if each.exists())
    if not 0 <= min(ages_s, default=AWAY_S) < AWAY_S:
        kept = replace(kept, begun_at=at)
    if not kept.origin:
        kept = replace(kept, origin=uuid.uuid4().hex[:12], begun_at=at)
    return kept, lost


def poll_period_s(keys: AlarmsKeys) -> float:
    """Return how often the status is needed [s]."""
    if any(isinstance(each.rule.condition, PolledCondition) for each in keys.rules.values()):
        return POLL_STATES_S
    if keys.heartbeats:
        return POLL_LIFE_S
    return POLL_PAGE_S


def _data_folder(launch: ToldLaunch) -> Path | None:
    """Return the folder of the host's aggregator; None if it has none."""
    parser = argparse.ArgumentParser(prog="alarms", exit_on_error=False, add_help=False)
    parser.add_argument("--data-dir", type=Path)
    found, _ = parser.parse_known_args(launch.instance.arguments)
    folder: Path | None = found.data_dir
    return folder
