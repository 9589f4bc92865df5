"""The agent that records the site's feeds."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from ocsd import ocs_agent, site_config
from ocsd.aggregator.disk.archive import LONGEST_FILE_S, PASSING_FOLDER_ERRORS, G3Files
from ocsd.aggregator.disk.cause import LINK_AWAY
from ocsd.aggregator.fetching.ask import Fetcher, Snapshot
from ocsd.aggregator.fetching.own_agents import OwnAgents
from ocsd.aggregator.fetching.senders import Senders
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.incoming.message import sender_of
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Tally, together
from ocsd.aggregator.local.listeners import Listeners
from ocsd.aggregator.local.reading import READ_S, LocalSpools
from ocsd.aggregator.numbers.share import Share
from ocsd.aggregator.options import data_folder, make_parser, share_of, spools_folder
from ocsd.aggregator.recording.arrivals import (
    Announced,
    Arrival,
    Received,
    SpoolIndex,
    SpoolPage,
    Unreadable,
)
from ocsd.aggregator.recording.brief import brief
from ocsd.aggregator.recording.condition import Condition
from ocsd.aggregator.recording.intake import Intake, size_of
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.aggregator.recording.seam import await_seam
from ocsd.errors import DataFolderError
from ocsd.journal.format import Outage
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.site.recording import AGGREGATOR_CLASS
from ocsd.system.runs import RECORDING_KEY

TICK_S: Final = 1.0
# Period of asking agents for missing messages [s].
FETCH_INTERVAL_S: Final = 0.5
# If the recording thread has not shown the figures for this long, the reactor's thread does [s].
STALLED_S: Final = 3.0

RUNNING: Final = frozenset({"starting", "running"})

# A link can be dead for about this long before that is noticed [s].
UNNOTICED_S: Final = 60.0

FOLDER_RETRY_S: Final = 2.0


class Aggregator:
    """Takes messages off the bus, fetches missing ones, and lets a thread record all of them.

    Parameters
    ----------
    agent : OCSAgent
        The agent; gets the process ``record``.
    folder : Path
        The data folder.
    time_per_file_s : float
        Time for which one file is written [s].
    record_at_start : bool
        Whether ``record`` starts by itself.
    open_recorder, intake, clock
        `Recorder.open`, the queue for the recording thread and `Instant.now`, or doubles.
    tick_s, folder_retry_s : float
        Period of the recorder's work, and of retrying a folder that cannot be written [s].
    spools : Path, optional
        Folder of the spools of this host's agents, to read what they publish there.
    share : Share
        The messages that are recorded here.
    """

    def __init__(
        self,
        agent: ocs_agent.OCSAgent,
        folder: Path,
        time_per_file_s: float = 3600.0,
        record_at_start: bool = False,
        *,
        open_recorder: Callable[..., Recorder] = Recorder.open,
        intake: Intake | None = None,
        clock: Callable[[], Instant] = Instant.now,
        tick_s: float = TICK_S,
        folder_retry_s: float = FOLDER_RETRY_S,
        spools: Path | None = None,
        share: Share = Share(),  # noqa: B008 # it is frozen
    ) -> None:
        self._agent = agent
        self._log = agent.log
        if time_per_file_s > LONGEST_FILE_S:
            self._log.warn(
                "--time-per-file {given} is cut to {longest} s, because readers look no further",
                given=time_per_file_s,
                longest=LONGEST_FILE_S,
            )
        self._folder, self._time_per_file_s = folder, time_per_file_s
        self._open_recorder, self._clock = open_recorder, clock
        self._tick_s, self._folder_retry_s = tick_s, folder_retry_s
        # True before `record` is entered, so that no message is missed meanwhile.
        self._listening = record_at_start
        self._received_at = 0.0
        self._away_since_at: float | None = None
        self._intake = intake or Intake()
        self._left_out = Tally(self._log, "left to the spool")
        self._dropped = Tally(self._log, "dropped")
        self._fetcher = Fetcher(agent.call, self._intake, self._log, clock)
        self._share, self._senders = share, Senders(self._fetcher, self._intake, share)
        self._ticker = Ticker(FETCH_INTERVAL_S, self._step)
        self._spools = spools
        # Of the present recording run.
        self._local = self._local_spools(None)
        self._listeners = Listeners(spools, lambda: self._local.keys, self._log)
        self._session: ocs_agent.OpSession | None = None
        self._recorded: dict[str, Any] = {}
        self._condition = Condition()
        self._shown_s, self._obstacle = 0.0, ""
        agent.facts[RECORDING_KEY] = self._brief
        agent.on("join", self._joined)
        agent.on("join", lambda joined, *_: self._listeners.joined(joined.link))
        agent.on("leave", self._left)
        subscribe = partial(agent.subscribe_on_start, self.receive)
        self._own_agents = OwnAgents(subscribe, agent.site_args.address_root, share)
        agent.register_process(
            "record", self.record, self.stop_record, stopper_blocking=False, startup=record_at_start
        )

    def receive(self, pair: Any, *_more: Any) -> None:
        """Take one message off the bus (reactor thread); the recording thread does the rest."""
        if not self._listening or not isinstance(pair, list | tuple) or len(pair) != 2:
            return
        self._received_at = self._clock().at
        message, feed_info = pair
        # A dict, nearly always; checking for the abstract class takes ten times as long.
        if not isinstance(feed_info, dict | Mapping):
            self._put(Unreadable(message, feed_info), self._dropped)
            return
        tally = self._dropped
        if type(feed_info.get("seq")) is int:
            tally = self._left_out  # It is missing then, and fetched later.
            self._senders.register(feed_info, self._clock().mono_s)
            if self._local.has(feed_info):
                return
        if feed_info.get("record") and self._share.has(feed_info):
            self._put(Received(message, feed_info), tally)

    @ocs_agent.param("test_mode", default=False, type=bool)
    def record(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """record(test_mode=False)

        **Process** - Write all recorded feeds of the site to files.

        Parameters
        ----------
        test_mode : bool, optional
            End after the first second.

        Notes
        -----
        The session data name the present file and the providers. ``missing``
        are messages that are fetched from their agents as soon as possible,
        ``lost`` those that no agent can deliver any more, by feed. Feeds without numbers
        have ``estimated_holes``: unusually long silences while nothing could be recorded;
        the number of messages lost in them is unknown. By sender:
        ``refused`` is in quarantine, ``left_out`` was left to the agents to be
        fetched later, ``dropped`` had no number and is gone; ``not_kept`` was refused
        and could not be put in quarantine either. ``waiting`` messages
        have come in and are not recorded yet, the oldest for ``lag_s``; agents that
        are being asked are in ``asking``, and ``fetched`` messages came that way; ``read``
        messages were read from the spools of agents of this host.
        ``reason`` is for operators, and `ocsd status` shows it; ``trouble`` is the part of it
        that keeps data from being written, ``paused`` whether nothing is written::

            >>> response.session['data']
            {'current_file': '/data/17953/1795328225.g3',
             'providers': {
                'observatory.fake-data1.feeds.false_temperatures': {
                    'last_refresh': 1795328301.8,
                    'sessid': '1795328224.1',
                    'stale': False,
                    'last_block_received': 'temps'}},
             'messages': 76, 'samples': 304, 'buffered_bytes': 41344,
             'missing': {}, 'lost': {}, 'estimated_holes': {}, 'duplicates': {},
             'refused': {}, 'refused_because': {}, 'retyped': {}, 'retyped_because': {},
             'not_kept': {}, 'not_kept_because': {}, 'dropped': {}, 'left_out': {},
             'recorded_since': 1795328225.2, 'trouble': None, 'lag_s': 0.0, 'waiting': 0,
             'waiting_bytes': 0, 'asking': [], 'fetched': 0, 'read': 76, 'reason': '',
             'paused': False, 'lost_last_day': {'holes': 0, 'feeds': 0, 'messages': 0},
             'disk': {'disk_free_bytes': 5242880, 'disk_total_bytes': 10485760}}
        """  # noqa: D400 # clients show the first line as the call
        try:
            recorder = self._begin(session)
        except DataFolderError as error:
            self._listening, self._obstacle = False, ""
            self._intake.clear()
            return False, str(error)
        recorder.share = self._share
        self._session, self._condition, self._obstacle = session, Condition(), ""
        self._local = self._local_spools(self._spools)
        self._report(recorder)
        _post(self._ticker.start)
        try:
            while session.status in RUNNING:
                self._work(recorder, session)
                recorder.tick()
                self._report(recorder)
                if params["test_mode"]:
                    break
        finally:
            self._listening = False
            self._session = None
            _post(self._ticker.stop)
            _post(self._listeners.close)
            _post(self._fetcher.forget)
        return self._finish(recorder, session)

    def stop_record(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``record`` to write everything that waits and to end."""
        session.set_status("stopping")
        self._senders.flush()
        self._intake.wake()
        return True, "requested to stop recording"

    def _begin(self, session: ocs_agent.OpSession) -> Recorder:
        """Return a recorder at work, as soon as the folder can be written.

        Raises
        ------
        DataFolderError
            If an operator has to mend the folder, or this process is to end.
        """
        self._listening = True
        while True:
            archive = G3Files(self._folder, self._time_per_file_s, self._clock, time.sleep)
            run = RecordingRun.begin(self._clock())
            address = str(self._agent.agent_address)
            try:
                return self._open_recorder(archive, self._log, run, self._clock, address)
            except DataFolderError as error:
                passing = getattr(error.__cause__, "errno", None) in PASSING_FOLDER_ERRORS
                if not (passing and self._waits(session, str(error))):
                    raise

    def _waits(self, session: ocs_agent.OpSession, why: str) -> bool:
        """Let some time pass while messages wait in the queue; False if the process is to end."""
        self._obstacle = why
        if not session.degraded:
            self._log.warn("{why}; it is tried again until it works", why=why)
            session.add_message(why)
            session.degraded = True
        for _ in range(20):
            if session.status in RUNNING:
                time.sleep(self._folder_retry_s / 20)
        return session.status in RUNNING

    def _local_spools(self, folder: Path | None) -> LocalSpools:
        root = self._agent.site_args.address_root
        return LocalSpools(folder, root, self._intake.wake, self._log)

    def _work(self, recorder: Recorder, session: ocs_agent.OpSession) -> None:
        """Record for a while what comes off the bus and from this host's spools."""
        end_s = time.monotonic() + self._tick_s
        while session.status in RUNNING and (left_s := end_s - time.monotonic()) > 0:
            if self._local.read(recorder):
                # Both take turns.
                left_s = min(left_s, READ_S) if self._intake.waiting else 0.0
            self._intake.work(partial(self._record, recorder), left_s)

    def _put(self, arrival: Received | Unreadable, left_out: Tally) -> None:
        """Put a message into the queue; if that is full, count it instead."""
        message, feed_info = arrival
        if self._intake.full:
            left_out.add(sender_of(feed_info), "the recording is too slow: the queue is full")
        else:
            self._intake.put(arrival, size_of(message))

    def _record(self, recorder: Recorder, arrivals: list[Arrival]) -> None:
        """Record arrivals (recording thread), messages in a row together."""
        pairs: list[Received] = []
        for arrival in arrivals:
            if not isinstance(arrival, Received):
                recorder.accept_all(pairs)
                pairs = []
                self._record_other(recorder, arrival)
            # A source may have become local since its message came.
            elif not self._local.has(arrival.feed_info):
                pairs.append(arrival)
        recorder.accept_all(pairs)

    def _record_other(self, recorder: Recorder, arrival: Arrival) -> None:
        """Record an arrival, and go on with the agent that it answers for."""
        if isinstance(arrival, Announced):
            self._local.read_feeds(recorder, arrival.next_numbers)
        elif isinstance(arrival, SpoolIndex):
            ends = {key: held.end for key, held in arrival.held.items()}
            self._local.read_feeds(recorder, ends)
        recorder.record(arrival)
        if isinstance(arrival, SpoolIndex | SpoolPage):
            _post(self._fetcher.recorded, arrival, Snapshot.of(recorder, self._local.behind()))

    def _left(self, *_details: Any) -> None:
        # Failed attempts to restore the link are reported as well: the outage goes on.
        if self._away_since_at is None:
            # The link may have been dead for a while before it was closed.
            self._away_since_at = max(self._received_at, self._clock().at - UNNOTICED_S)
        self._fetcher.link_lost()
        self._listeners.left()

    def _joined(self, *_details: Any) -> None:
        began_at, self._away_since_at = self._away_since_at, None
        if began_at is not None and self._listening:
            self._intake.put(Outage(began_at, self._clock().at, LINK_AWAY))

    def _finish(self, recorder: Recorder, session: ocs_agent.OpSession) -> tuple[bool, str]:
        """Record everything that came in until now, and close the file."""
        await_seam(self._share)
        self._local.read_all(recorder)
        self._intake.finish(partial(self._record, recorder))
        try:
            recorder.close()
        except DataFolderError as error:
            return False, str(error)
        finally:
            self._local.close()
            self._recorded = recorder.encoded()
            session.data = self._data()
        return True, "recording has ended"

    def _brief(self) -> str:
        now = self._clock()
        share = self._senders.encoded(now.mono_s)
        return brief(self._session, now.at, self._listening, self._obstacle, share)

    def _report(self, recorder: Recorder) -> None:
        """Report the state to the reactor and to clients (recording thread)."""
        _post(self._fetcher.update, Snapshot.of(recorder, self._local.behind()))
        self._recorded = recorder.encoded()
        self._condition.update(self._data(), self._clock().mono_s)
        self._show()

    def _step(self) -> None:
        """Ask agents for missing messages (reactor thread)."""
        self._senders.flush()
        self._fetcher.step()
        self._listeners.step()
        self._own_agents.look()
        if self._clock().mono_s - self._shown_s > STALLED_S:
            self._show()

    def _show(self) -> None:
        session = self._session
        if session is None:
            return
        self._shown_s = self._clock().mono_s
        data = self._data()
        session.data = data
        reason = data["reason"]
        if reason and not session.degraded:
            session.add_message(reason)
        session.degraded = bool(reason)

    def _data(self) -> dict[str, Any]:
        """Return session.data."""
        data = {
            **self._recorded,
            "dropped": together(self._recorded["dropped"], self._dropped.counts),
            "left_out": together(self._recorded["left_out"], self._left_out.counts),
            "lag_s": round(self._intake.lag_s, 1),
            "waiting": self._intake.waiting,
            "waiting_bytes": self._intake.size_bytes,
            "asking": self._fetcher.asking,
            "fetched": self._fetcher.fetched,
            "read": self._local.messages,
        }
        data["reason"] = self._condition.reason(data)
        return data


def _post(function: Any, *args: Any) -> None:
    the_reactor().callFromThread(function, *args)


def main(args: list[str] | None = None) -> None:
    """Run the aggregator until it has to end."""
    parser = make_parser()
    parsed = site_config.parse_args(agent_class=AGGREGATOR_CLASS, parser=parser, args=args)
    folder = data_folder(parsed, parser)
    agent, runner = ocs_agent.init_site_agent(parsed)
    at_once, spools = parsed.initial_state == "record", spools_folder()
    share = share_of(parsed)
    Aggregator(agent, folder, parsed.time_per_file, at_once, spools=spools, share=share)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
