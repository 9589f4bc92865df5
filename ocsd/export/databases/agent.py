"""The agents ``InfluxDBAgent`` and ``InfluxDBAgentv2``, with the options of OCS 0.12.1."""

import argparse
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ocsd import ocs_agent, site_config
from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.cursor import CursorFile
from ocsd.export.databases.destination import CursorStore, Destination
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.server import (
    Endpoint,
    HttpDatabase,
    influxdb_1,
    influxdb_2,
    is_database_name,
)
from ocsd.export.databases.writer import Writer
from ocsd.site.recording import INFLUXDB_1_CLASS, INFLUXDB_2_CLASS
from ocsd.site.values import told as launches
from ocsd.status.activity import WritingStatus
from ocsd.system import paths
from ocsd.system.runs import WRITING_KEY

REPORT_S: Final = 1.0
"""Period of the report in the session [s]."""

OpenedDestination = Callable[[Path], tuple[Destination[Any], CursorStore]]

_LONGEST_DATABASE_NAME: Final = 120
_FALSE: Final = frozenset({"", "0", "false", "no", "off", "f", "n"})
_TRUE: Final = frozenset({"1", "true", "yes", "on", "t", "y"})
_HIGHEST_PORT: Final = 65535


class DatabaseWriter:
    """Writes all recorded feeds to a database, in the thread of its process ``record``.

    Parameters
    ----------
    agent : OCSAgent
        The agent; gets the process ``record``.
    opened : callable
        Takes the folder of the writer's state; returns a new destination and the keeper of its
        cursor.
    args : argparse.Namespace
        The options (`add_writer_options`).
    """

    def __init__(
        self, agent: ocs_agent.OCSAgent, opened: OpenedDestination, args: argparse.Namespace
    ) -> None:
        self._agent = agent
        self._log = agent.log
        self._opened = opened
        self._data_dir: Path | None = args.data_dir
        self._folder = state_folder(str(agent.agent_address).partition(".")[2])
        self._session: ocs_agent.OpSession | None = None
        agent.facts[WRITING_KEY] = lambda: brief(self._session)
        self._inbox = Inbox(takes_all=self._data_dir is None, clock=time.time)
        agent.subscribe_on_start(
            self._receive, f"{agent.site_args.address_root}..feeds.", options={"match": "wildcard"}
        )
        # True before `record` is entered, so that no message is missed meanwhile.
        self._listening = args.initial_state == "record"
        agent.register_process("record", self.record, self._stop_record, startup=self._listening)

    @ocs_agent.param("test_mode", default=False, type=bool)
    def record(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """record(test_mode=False)

        **Process** - Write all recorded feeds of the site to the database.

        Parameters
        ----------
        test_mode : bool, optional
            End after the first step.

        Notes
        -----
        ``lag_s`` is the age of the time up to which the database has everything, ``newest_s`` that
        of the newest entry of the journal that it has: behind an outage, what is new comes first.
        ``backlog_bytes`` is what is left to write. By measurement, ``refused`` counts the lines
        that the database did not take; they are set aside. ``reason`` is for operators::

            >>> response.session['data']
            {'connected': True, 'last_updated': 1795328301.8,
             'database': 'http://influxdb:8086', 'lag_s': 0.6, 'newest_s': 0.6,
             'backlog_bytes': 0, 'waiting': 0, 'lines': 76210, 'refused': {}, 'refused_because': {},
             'not_kept': 0, 'dropped': 0, 'reason': ''}
        """  # noqa: D400 # clients show the first line as the call
        self._listening = True
        self._session = session
        destination, cursor = self._opened(self._folder)
        quarantine = Quarantine(self._folder / "refused")
        writer = Writer(destination, self._data_dir, cursor, quarantine, self._inbox)
        reported_s = 0.0
        try:
            while session.status in {"starting", "running"}:
                delay_s = writer.step()
                if time.monotonic() - reported_s >= REPORT_S or params["test_mode"]:
                    reported_s = time.monotonic()
                    self._report(session, writer.report())
                    self._tell_first_start(session, writer)
                if params["test_mode"]:
                    break
                time.sleep(delay_s)
        finally:
            self._listening = False
            self._session = None
            writer.close()
        session.data = writer.report()
        return True, "writing has ended"

    def _stop_record(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``record`` to write what it has in hand and to end."""
        session.set_status("stopping")
        return True, "requested to stop writing"

    def _receive(self, pair: Any, *_more: Any) -> None:
        if self._listening:
            self._inbox.receive(pair)

    def _report(self, session: ocs_agent.OpSession, data: dict[str, Any]) -> None:
        before = (session.data or {}).get("reason", "")
        session.data = data
        reason = data["reason"]
        if reason and not session.degraded:
            session.add_message(reason)
            self._log.warn("{reason}", reason=reason)
        if before and not reason:
            self._log.info("the database at {name} is up to date again", name=data["database"])
        session.degraded = bool(reason)

    def _tell_first_start(self, session: ocs_agent.OpSession, writer: Writer[Any]) -> None:
        if not writer.condition.leaves_out_files:
            return
        writer.condition.leaves_out_files = False
        name = str(self._agent.agent_address).partition(".")[2]
        why = writer.condition.cursor_lost or "first start"
        text = (
            f"{why}: what is recorded from now on is written, and what the journal has; to write "
            f"older data, which are in files: ocsd data push --to {name} --since 30d"
        )
        session.add_message(text)
        self._log.info("{text}", text=text)


def brief(session: ocs_agent.OpSession | None) -> str:
    """Return the text of ``X_WRITING`` for the present run of ``record``: a JSON object.

    It is empty if nothing is being written.
    """
    data = session and session.data
    if not data:
        return "{}"
    facts = {key: data[key] for key in WritingStatus._fields if key in data}
    facts["refused"] = sum(data["refused"].values())
    facts["database"] = data["database"][:_LONGEST_DATABASE_NAME]
    return json.dumps(facts)


def state_folder(instance_id: str) -> Path:
    """Return the folder of an instance's cursor and of the lines that were refused."""
    launch = launches.current()
    if launch is None:
        state = paths.of_host(socket.gethostname()).state
    else:
        state = paths.of_host(launch.host, launch.log_dir).state
    return state / "export" / quote(instance_id, safe="")


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of ``InfluxDBAgent`` to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = _add_influx_options(parser)
    group.add_argument("--host", default="influxdb", help="name of its machine")
    group.add_argument("--port", type=_port, default=8086, help="its port (default: 8086)")
    group.add_argument(
        "--database", type=_database, default="ocs_feeds", help="database to write to; made if new"
    )
    group.add_argument("--ssl", type=_truth, default=False, help="use https (default: False)")
    group.add_argument(
        "--verify-ssl", type=_truth, default=False, help="check its certificate (default: False)"
    )
    return parser


def make_parser_v2(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of ``InfluxDBAgentv2`` to a parser."""
    parser = parser or argparse.ArgumentParser()
    _add_influx_options(parser)
    return parser


def add_writer_options(parser: argparse.ArgumentParser) -> Any:
    """Add the options of every writer, and return their group."""
    group = parser.add_argument_group("Agent options")
    group.add_argument(
        "--initial-state",
        choices=["idle", "record"],
        default="record",
        help="whether to write from the start (default: record)",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        help="data folder of the aggregator of this host, from which samples are read; ocsd sets "
        "it. Without, they come off the bus, and an outage of the database may lose some",
    )
    return group


def _add_influx_options(parser: argparse.ArgumentParser) -> Any:
    """Add the options of both classes for InfluxDB, and return their group."""
    group = add_writer_options(parser)
    group.add_argument(
        "--protocol",
        choices=["json", "line"],
        default="line",
        help="as in OCS; both write the same points",
    )
    group.add_argument(
        "--gzip", type=_truth, default=False, help="compress what is sent (default: False)"
    )
    group.add_argument(
        "--settle-time",
        type=float,
        default=0.0,
        help="time after which the database has on its disk what it acknowledged [s] (default: 0, "
        "for InfluxDB; VictoriaMetrics: 10)",
    )
    return group


def main(args: list[str] | None = None) -> None:
    """Run ``InfluxDBAgent`` until it has to end."""
    parsed = site_config.parse_args(agent_class=INFLUXDB_1_CLASS, parser=make_parser(), args=args)
    endpoint = influxdb_1(
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        uses_tls=parsed.ssl,
        verifies=parsed.verify_ssl,
        compresses=parsed.gzip,
    )
    _run(endpoint, parsed)


def main_v2(args: list[str] | None = None) -> None:
    """Run ``InfluxDBAgentv2`` until it has to end."""
    parsed = site_config.parse_args(
        agent_class=INFLUXDB_2_CLASS, parser=make_parser_v2(), args=args
    )
    _run(influxdb_2(compresses=parsed.gzip), parsed)


def _run(endpoint: Endpoint, parsed: argparse.Namespace) -> None:
    if parsed.settle_time < 0:
        raise AgentArgumentsError(f"--settle-time {parsed.settle_time} is negative; give 0 or more")

    def opened(folder: Path) -> tuple[LineDestination, CursorFile]:
        cursor = CursorFile(folder / "cursor.json", parsed.settle_time)
        return LineDestination(HttpDatabase(endpoint)), cursor

    agent, runner = ocs_agent.init_site_agent(parsed)
    DatabaseWriter(agent, opened, parsed)
    runner.run(agent, auto_reconnect=True)


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return word in _TRUE


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give one from 1 to 65535")
    return int(text)


def _database(text: str) -> str:
    if not is_database_name(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a database; give one without / and \\"
        )
    return text


if __name__ == "__main__":
    main()
