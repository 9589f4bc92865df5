"""The agent that records the site's feeds."""

import argparse
import errno
import math
import os
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ocsd import ocs_agent, site_config
from ocsd.agent.feeds.heartbeat import HEARTBEAT
from ocsd.aggregator.disk.archive import LONGEST_FILE_S, Archive
from ocsd.aggregator.disk.cause import LINK_AWAY
from ocsd.aggregator.fetching.answers import read_numbers
from ocsd.aggregator.fetching.ask import Fetcher, Snapshot
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.incoming.message import is_recorded, sender_of
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Tally
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording.condition import Condition
from ocsd.aggregator.recording.intake import Intake, do, size_of
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.errors import DataFolderError
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.site import launch as launches
from ocsd.system import paths

AGENT_CLASS: Final = "AggregatorAgent"
TICK_S: Final = 1.0

# How often agents are asked for what is missing, if nothing else gives occasion.
STEP_S: Final = 0.5

# The figures are shown by the reactor's thread if the other one does not get to it.
STALLED_S: Final = 3.0

# A link can be dead for about so long before it is noticed.
UNNOTICED_S: Final = 60.0

# What keeps a folder from being written for some time only: a full disk, a server that is
# away, another recorder that is just ending.
PASSING: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN}
)
RETRY_S: Final = 2.0

FULL: Final = "the recording is too slow: the queue is full"


class Aggregator:
    """Takes messages off the bus, fetches what is missing, and has a thread write all.

    Parameters
    ----------
    agent : OCSAgent
        The agent; gets the process ``record``.
    folder : Path
        The data folder.
    time_per_file_s : float
        How long one file is written [s].
    record_at_start : bool
        Whether ``record`` starts by itself.
    """

    def __init__(
        self,
        agent: ocs_agent.OCSAgent,
        folder: Path,
        time_per_file_s: float = 3600.0,
        record_at_start: bool = False,
    ) -> None:
        self._agent = agent
        self._log = agent.log
        if time_per_file_s > LONGEST_FILE_S:
            self._log.warn(
                "--time-per-file {given} is cut to {longest} s, for readers look no further",
                given=time_per_file_s,
                longest=LONGEST_FILE_S,
            )
        self._folder = folder
        self._time_per_file_s = time_per_file_s
        # Before `record` is entered, so that nothing is missed meanwhile.
        self._listening = record_at_start
        self._heard_at = 0.0
        self._away_since_at: float | None = None
        self._intake = Intake()
        self._left_out = Tally(self._log, "left to the spool")
        self._dropped = Tally(self._log, "dropped")
        self._fetcher = Fetcher(agent.call, self._intake, _post, self._log)
        self._ticker = Ticker(STEP_S, self._step)
        # Of the present run of `record`.
        self._session: ocs_agent.OpSession | None = None
        self._recorded: dict[str, Any] = {}
        self._condition = Condition()
        self._shown_s = 0.0
        agent.on("join", self._joined)
        agent.on("leave", self._left)
        agent.subscribe_on_start(
            self.receive, f"{agent.site_args.address_root}..feeds.", options={"match": "wildcard"}
        )
        agent.register_process(
            "record", self.record, self.stop_record, stopper_blocking=False, startup=record_at_start
        )

    def receive(self, pair: Any, *_more: Any) -> None:
        """Take one message off the bus (reactor thread); the recording thread does the rest."""
        if not self._listening or not isinstance(pair, list | tuple) or len(pair) != 2:
            return
        self._heard_at = time.time()
        message, feed_info = pair
        numbered = isinstance(feed_info, Mapping) and type(feed_info.get("seq")) is int
        if numbered:
            self._note_sender(feed_info)
        if not is_recorded(feed_info):
            return
        if self._intake.full:
            # What has a number is missed, and fetched later.
            (self._left_out if numbered else self._dropped).add(sender_of(feed_info), FULL)
            return
        self._intake.put(lambda recorder: recorder.accept(message, feed_info), size_of(message))

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
        ``lost`` those that nobody can give any more, by feed. Feeds without numbers
        have ``estimated_holes``: how often they were silent for unusually long while
        nothing could be recorded; how many messages that cost nobody knows. By sender:
        ``refused`` is in quarantine, ``left_out`` was left to the agents to be
        fetched later, ``dropped`` had no number and is gone; ``not_kept`` was refused
        and could not be put in quarantine either. ``waiting`` messages
        have come in and are not recorded yet, the oldest for ``lag_s``; agents that
        are being asked are in ``asking``, and ``fetched`` messages came that way.
        ``reason`` is what an operator should know, and what `ocsd status` shows;
        ``trouble`` is the part of it that keeps data from being written::

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
             'refused': {}, 'refused_because': {}, 'not_kept': {},
             'not_kept_because': {}, 'dropped': {}, 'left_out': {},
             'recorded_since': 1795328225.2, 'trouble': None, 'lag_s': 0.0, 'waiting': 0,
             'waiting_bytes': 0, 'asking': [], 'fetched': 0, 'reason': ''}
        """  # noqa: D400 # clients show the first line as the call
        try:
            recorder = self._begin(session)
        except DataFolderError as error:
            self._listening = False
            self._intake.clear()
            return False, str(error)
        self._session, self._condition = session, Condition()
        self._look(recorder)
        _post(self._ticker.start)
        try:
            while session.status in {"starting", "running"}:
                self._intake.work(recorder, TICK_S)
                do(Recorder.tick, recorder)
                self._look(recorder)
                if params["test_mode"]:
                    break
        finally:
            self._listening = False
            self._session = None
            _post(self._ticker.stop)
            _post(self._fetcher.forget)
        return self._finish(recorder, session)

    def stop_record(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``record`` to write what it has and to end."""
        session.set_status("stopping")
        self._intake.wake()
        return True, "requested to stop recording"

    def _begin(self, session: ocs_agent.OpSession) -> Recorder:
        """Return a recorder at work, as soon as the folder lets there be one.

        Raises
        ------
        DataFolderError
            If somebody has to do something about the folder, or about this process.
        """
        self._listening = True
        while True:
            archive = Archive(self._folder, self._time_per_file_s, Instant.now, time.sleep)
            run = RecordingRun.begin(Instant.now())
            recorder = Recorder(
                archive, self._log, run, Instant.now, str(self._agent.agent_address)
            )
            try:
                recorder.start()
            except DataFolderError as error:
                if not (may_pass(error) and self._waits(session, str(error))):
                    raise
            else:
                return recorder

    def _waits(self, session: ocs_agent.OpSession, why: str) -> bool:
        """Let some time pass, in which messages pile up; False if the process is to end."""
        if not session.degraded:
            self._log.warn("{why}; it is tried again and again", why=why)
            session.add_message(why)
            session.degraded = True
        end_s = time.monotonic() + RETRY_S
        while time.monotonic() < end_s and session.status in {"starting", "running"}:
            time.sleep(RETRY_S / 20)
        return session.status in {"starting", "running"}

    def _note_sender(self, feed_info: Mapping[str, Any]) -> None:
        """Note that an agent is there, and which numbers its heartbeat tells."""
        sender = sender_of(feed_info)
        session_id = feed_info.get("session_id")
        self._fetcher.heard(sender, str(session_id))
        if feed_info.get("feed_name") != HEARTBEAT or self._intake.full:
            return
        numbers = read_numbers(sender, session_id, feed_info.get("feeds"))
        if numbers:
            # In line with the messages: what is before it in the queue is not missing.
            self._intake.put(lambda recorder: _tell(recorder, sender, numbers))

    def _left(self, *_details: Any) -> None:
        # A link that cannot be had again is told of as well: the outage goes on.
        if self._away_since_at is None:
            # The link may have been dead for a while before it was closed.
            self._away_since_at = max(self._heard_at, time.time() - UNNOTICED_S)
        self._fetcher.left()

    def _joined(self, *_details: Any) -> None:
        began_at, self._away_since_at = self._away_since_at, None
        if began_at is not None and self._listening:
            ended_at = time.time()
            self._intake.put(lambda recorder: recorder.outage(began_at, ended_at, LINK_AWAY))

    def _finish(self, recorder: Recorder, session: ocs_agent.OpSession) -> tuple[bool, str]:
        """Record what came in until now, and close the file."""
        self._intake.finish(recorder)
        try:
            recorder.close()
        except DataFolderError as error:
            return False, str(error)
        finally:
            self._recorded = recorder.encoded()
            session.data = self._data()
        return True, "recording has ended"

    def _look(self, recorder: Recorder) -> None:
        """Tell reactor and clients how it goes (recording thread)."""
        _post(self._fetcher.know, Snapshot.of(recorder))
        self._recorded = recorder.encoded()
        self._condition.look(self._data(), time.monotonic())
        self._show()

    def _step(self) -> None:
        """Ask agents for what is missing (reactor thread)."""
        self._fetcher.step()
        if time.monotonic() - self._shown_s > STALLED_S:
            self._show()

    def _show(self) -> None:
        session = self._session
        if session is None:
            return
        self._shown_s = time.monotonic()
        data = self._data()
        session.data = data
        if data["reason"] and not session.degraded:
            session.add_message(data["reason"])
        session.degraded = bool(data["reason"])

    def _data(self) -> dict[str, Any]:
        """Return session.data."""
        recorded = self._recorded
        data = {
            **recorded,
            "dropped": _sum(recorded["dropped"], self._dropped.counts),
            "left_out": _sum(recorded["left_out"], self._left_out.counts),
            "lag_s": round(self._intake.lag_s, 1),
            "waiting": self._intake.waiting,
            "waiting_bytes": self._intake.size_bytes,
            "asking": self._fetcher.asking,
            "fetched": self._fetcher.fetched,
        }
        data["reason"] = self._condition.reason(data)
        return data


def may_pass(error: DataFolderError) -> bool:
    """Tell whether time alone may make a folder one that can be written."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in PASSING


def _tell(recorder: Recorder, sender: str, numbers: Mapping[SourceKey, int]) -> None:
    for key, number in numbers.items():
        recorder.told(key, sender, number)


def _sum(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    # The copies are made in one go, though another thread may be counting.
    return dict(Counter(dict(counts)) + Counter(dict(more)))


def _post(function: Any, *args: Any) -> None:
    the_reactor().callFromThread(function, *args)


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the agent's own options to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent options")
    group.add_argument(
        "--data-dir",
        help="folder to write to, in subfolders by time; required unless ocsd starts the "
        "aggregator: then `data` in the host's state folder by default",
    )
    group.add_argument(
        "--initial-state",
        choices=["idle", "record"],
        default="idle",
        help="whether to record from the start (default: idle)",
    )
    group.add_argument(
        "--time-per-file",
        type=_time_per_file,
        default=3600.0,
        help="how long one file is written [s] (default: 3600, at most 7200)",
    )
    return parser


def data_folder(args: argparse.Namespace, parser: argparse.ArgumentParser) -> Path:
    """Return the absolute path of the data folder that the arguments mean."""
    if args.data_dir:
        base = getattr(args, "working_dir", None) or os.getcwd()
        return Path(os.path.abspath(Path(base) / Path(args.data_dir).expanduser()))
    launch = launches.current()
    if launch is None:
        parser.error("the following arguments are required: --data-dir")
    return paths.of_host(launch.host, launch.log_dir).state / "data"


def main(args: list[str] | None = None) -> None:
    """Run the aggregator until it is told to end."""
    parser = make_parser()
    parsed = site_config.parse_args(agent_class=AGENT_CLASS, parser=parser, args=args)
    folder = data_folder(parsed, parser)
    agent, runner = ocs_agent.init_site_agent(parsed)
    Aggregator(agent, folder, parsed.time_per_file, parsed.initial_state == "record")
    runner.run(agent, auto_reconnect=True)


def _time_per_file(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number of seconds")
    return seconds


if __name__ == "__main__":
    main()
