"""The agent that records the site's feeds."""

import argparse
import math
import os
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from ocsd import ocs_agent, paths, site_config
from ocsd.aggregator.archive import LONGEST_FILE_S, Archive
from ocsd.aggregator.frames import Run
from ocsd.aggregator.moment import Moment
from ocsd.aggregator.recorder import Recorder
from ocsd.errors import DataFolderError
from ocsd.site import launch as launches

AGENT_CLASS: Final = "AggregatorAgent"
TICK_S: Final = 1.0


class Aggregator:
    """Takes messages off the bus and has a thread write them.

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
        self._incoming: SimpleQueue[Any] = SimpleQueue()
        agent.subscribe_on_start(
            self.receive, f"{agent.site_args.address_root}..feeds.", options={"match": "wildcard"}
        )
        agent.register_process(
            "record", self.record, self.stop_record, stopper_blocking=False, startup=record_at_start
        )

    def receive(self, pair: Any, *_more: Any) -> None:
        """Take one message off the bus (reactor thread); the recording thread does the rest."""
        if self._listening:
            self._incoming.put(pair)

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
        The session data name the present file and the providers, what was not
        recorded (by sender or feed), and what keeps the files from being
        written, if anything does::

            >>> response.session['data']
            {'current_file': '/data/17953/1795328225.g3',
             'providers': {
                'observatory.fake-data1.feeds.false_temperatures': {
                    'last_refresh': 1795328301.8,
                    'sessid': '1795328224.1',
                    'stale': False,
                    'last_block_received': 'temps'}},
             'messages': 76, 'samples': 304, 'buffered_bytes': 41344,
             'missing': {}, 'duplicates': {}, 'refused': {}, 'refused_because': {},
             'dropped': {}, 'trouble': None}
        """  # noqa: D400 # clients show the first line as the call
        self._listening = True
        archive = Archive(self._folder, self._time_per_file_s, Moment.now, time.sleep)
        recorder = Recorder(archive, self._log, Run.begin(Moment.now()), Moment.now)
        try:
            recorder.start()
        except DataFolderError as error:
            session.degraded = True
            self._stop_listening()
            return False, str(error)
        self._show(recorder, session)
        while session.status in {"starting", "running"}:
            self._take_until(recorder, time.monotonic() + TICK_S)
            recorder.tick()
            self._show(recorder, session)
            if params["test_mode"]:
                break
        return self._finish(recorder, session)

    def stop_record(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``record`` to write what it has and to end."""
        session.set_status("stopping")
        self._incoming.put(None)  # Wakes the recording thread.
        return True, "requested to stop recording"

    def _take_until(self, recorder: Recorder, end_s: float) -> None:
        """Hand messages over, in order, until a monotonic time or a request to stop."""
        while True:
            left_s = end_s - time.monotonic()
            try:
                pair = self._incoming.get(timeout=left_s) if left_s > 0 else None
            except Empty:
                return
            if pair is None:
                return
            _hand_over(recorder, pair)

    def _finish(self, recorder: Recorder, session: ocs_agent.OpSession) -> tuple[bool, str]:
        """Record what came in until now, and close the file."""
        for pair in self._stop_listening():
            _hand_over(recorder, pair)
        try:
            recorder.close()
        except DataFolderError as error:
            return False, str(error)
        finally:
            session.data = recorder.encoded()
        return True, "recording has ended"

    def _stop_listening(self) -> list[Any]:
        self._listening = False
        rest = []
        while not self._incoming.empty():
            rest.append(self._incoming.get())
        return rest

    @staticmethod
    def _show(recorder: Recorder, session: ocs_agent.OpSession) -> None:
        session.data = recorder.encoded()
        trouble = recorder.trouble
        if trouble is not None and not session.degraded:
            # The supervisor shows the last message of a degraded operation.
            session.add_message(trouble)
        session.degraded = trouble is not None


def _hand_over(recorder: Recorder, pair: Any) -> None:
    if isinstance(pair, list | tuple) and len(pair) == 2:
        recorder.accept(*pair)


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
