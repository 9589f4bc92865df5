"""Play an agent's life in the fork server, so that forked agents share more and do less.

Python writes into the code that it runs: it replaces bytecode by faster, specialised
bytecode and fills caches at the first uses. In a forked agent each such write
costs a private copy of a page of memory. Here most of it happens before the fork:
an agent with one process and one feed joins a router that consists of a few
lines of this file, publishes and ends, and does so again. Nothing is left of
it: no thread, no descriptor, no reactor, no line in a log.

Measured with 50 agents: each takes 3 MB (PSS) and 33 ms of CPU time less, for 0.2 s of one core.
It pays from a dozen agents on (`ocsd.forkserver.warmth.loading`).
"""

import gc
import io
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import setproctitle
from autobahn.wamp import message, role
from twisted.internet import protocol
from twisted.internet.defer import inlineCallbacks
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, globalLogBeginner
from twisted.python import threadable
from twisted.python.failure import Failure

from ocsd import compat, ocs_agent, site_config
from ocsd.agent.runner import WORKER_THREADS
from ocsd.agent.spool.service import SpoolService
from ocsd.agent.wellbeing.readiness import Readiness
from ocsd.bus.connection import Connection
from ocsd.bus.wamp import CBORSerializer, ComponentConfig, txaio
from ocsd.forkserver import program
from ocsd.forkserver.protocol import LineBuffer, Spawned, SpawnRequest
from ocsd.forkserver.protocol import encode as encode_line
from ocsd.log import logs
from ocsd.log.file import LogFile
from ocsd.log.level_file import LevelFile
from ocsd.log.lines import LineObserver
from ocsd.reactor import threads
from ocsd.site import plugins
from ocsd.site.values import told as launches
from ocsd.site.values.hub import ToldHub
from ocsd.site.values.instance import ToldInstance
from ocsd.system.notify import encode
from ocsd.system.proc import start_ticks

TIMES = 2
"""More plays, and more seconds' work in each, cost time and save no memory."""
REHEARSAL_LIMIT_S = 10.0
"""Time limit of a rehearsal [s]. It takes 0.2 s, but longer on a machine that has just booted."""

_CLASS = "FakeDataAgent"
_originals: list[CodeType] = []


def rehearse() -> None:
    """Play an agent's life once, and then again on copies of its code.

    Raises
    ------
    Exception
        Any failure of the agent; children can be forked all the same.
    """
    # Its first use copies the environment.
    setproctitle.getproctitle()
    # Agents inherit what was read here, and a recorded read takes 50 ms longer.
    plugins.packages()
    with _leaving_nothing():
        played: dict[int, CodeType] = {}
        with _recording(played):
            _play()
        _replace_code_by_adjacent_copies(played)
        for _ in range(TIMES):
            _play()


def play_again() -> None:
    """Play an agent's life in a process that waits to be an agent, where it has been rehearsed.

    What every agent writes to is then in its own pages before it is asked for.

    Raises
    ------
    Exception
        Any failure of the agent.
    """
    with _leaving_nothing():
        _play()


@contextmanager
def _leaving_nothing() -> Iterator[None]:
    argv = sys.argv
    try:
        yield
    finally:
        sys.argv = argv
        threads.use_reactor(None)
        threadable.ioThread = None
        launches.set_current(None)
    # An agent's own txaio.start_logging() would write the messages until now to its log.
    globalLogBeginner._initialBuffer._buffer.clear()  # noqa: SLF001 - Twisted has no other way
    # The child sets every logger to this level again, which then changes nothing.
    # Only now, because the rehearsal must not be logged.
    txaio.set_global_log_level("info")


@contextmanager
def _recording(played: dict[int, CodeType]) -> Iterator[None]:
    """Record which code is entered meanwhile, in any thread, by its identity.

    To hash or compare code reads all of it, which takes a tenth of the rehearsal.
    """

    def record(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            played[id(code)] = code

    threading.setprofile(record)
    sys.setprofile(record)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _replace_code_by_adjacent_copies(played: dict[int, CodeType]) -> None:
    """Rewrite ``__code__`` of the functions that agents run, so that all of it lies together.

    To run a function writes into its code, which lies where it was loaded, between code that
    never runs, so that nearly each function costs a page of its own.
    """
    # An agent's own objects must not fill the gaps that the originals would leave.
    _originals.extend(played.values())
    gc.unfreeze()
    objects = gc.get_objects()
    # What was loaded is no garbage: only that of the plays is collected after them.
    gc.freeze()
    for function in objects:
        # `isinstance` asks modules of autobahn that are loaded when anything is asked of them.
        if type(function) is FunctionType and id(function.__code__) in played:
            function.__code__ = _copy(function.__code__, played)


def _copy(code: CodeType, played: dict[int, CodeType]) -> CodeType:
    """Return a copy of code, and in it copies of the functions that were entered as well."""
    inner = [
        _copy(each, played) if type(each) is CodeType and id(each) in played else each
        for each in code.co_consts
    ]
    return code.replace(co_consts=tuple(inner))


def _exchange() -> dict[str, Any]:
    """Exchange the messages of a start; return the launch that is in them."""
    # A socket without a name in the file system, gone with its last descriptor.
    launch = _launch(f"\0ocsd-rehearsal-{os.getpid()}").as_json()
    pid = os.getpid()
    spawned = Spawned("agent", pid, start_ticks(pid))
    lines = encode_line(SpawnRequest("agent", "/", "/", {}, (), launch)) + encode_line(spawned)
    (spawn, _) = LineBuffer().feed(lines)
    return dict(spawn.launch)  # type: ignore[union-attr, arg-type] # what was encoded


def _launch(path: str) -> launches.ToldLaunch:
    hub = ToldHub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
    instance = ToldInstance(
        instance_id="agent", agent_class=_CLASS, arguments=("--mode", "acq", "--num-channels", "4")
    )
    return launches.ToldLaunch(
        site_file="/site.yaml",
        host="rehearsal",
        hub=hub,
        instance=instance,
        working_dir="/",
        router_socket=path,
    )


def _play() -> None:
    launch = _exchange()
    # A reactor of our own, which is never the process's.
    reactor: Any = EPollReactor()  # type: ignore[no-untyped-call] # Twisted's
    threads.use_reactor(reactor)
    failures: list[Any] = []

    def begin() -> None:
        _perform(reactor, launch).addErrback(failures.append).addBoth(end)

    def end(_: object) -> None:
        reactor.stop()

    def give_up() -> None:
        failures.append(Failure(TimeoutError("no end")))  # type: ignore[no-untyped-call] # Twisted's
        reactor.stop()

    reactor.callLater(REHEARSAL_LIMIT_S, give_up)
    reactor.callWhenRunning(begin)
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        _close(reactor)
    for failure in failures:
        failure.raiseException()


@inlineCallbacks
def _perform(reactor: Any, launch: dict[str, Any]) -> Any:
    """Run an agent as `ocsd.agent.runner` does, for a second's work without the wait."""
    reactor.suggestThreadPoolSize(WORKER_THREADS)
    launches.set_current(launches.ToldLaunch.of(launch))
    agent, args = _agent()
    readiness = Readiness(agent, send=_prepare)
    connection = Connection(agent, args, on_change=readiness.report)
    # Not Twisted's listener, which reserves a descriptor for the rest of its life.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(launch["router_socket"])
        listener.listen()
        readiness.start(connection)
        connection.start()
        yield deferLater(reactor, 0)
        yield deferLater(reactor, 0)
        _be_router(reactor, listener)
    while not connection.joined:
        yield deferLater(reactor, 0)
    yield agent.call(str(agent.agent_address), "get_agent_class")
    _check_log()
    agent.heartbeat.beat()
    readiness.look()
    readiness.report()
    agent.publish_to_feed("rehearsal", _sample())
    _log("{op} {what}", op="acq", what="Status is now")
    yield deferLater(reactor, 0)
    readiness.stop()
    yield agent.end_operations(1.0)
    yield connection.stop()


def _be_router(reactor: Any, listener: socket.socket) -> None:
    listener.settimeout(REHEARSAL_LIMIT_S)
    factory: Any = protocol.Factory.forProtocol(_Router)
    factory.noisy = False
    with listener.accept()[0] as accepted:
        reactor.adoptStreamConnection(accepted.fileno(), socket.AF_UNIX, factory)


def _close(reactor: Any) -> None:
    """Close the descriptors that Twisted leaves to the end of the process."""
    for reader in list(reactor._internalReaders):  # noqa: SLF001 - there is no other way
        reader.connectionLost(None)
    reactor._poller.close()  # noqa: SLF001 - there is no other way


def _agent() -> tuple[ocs_agent.OCSAgent, Any]:
    # First on the search path of agents; Python remembers the folder's content.
    sys.path.insert(0, compat.FOLDER)
    before = set(sys.modules)
    try:
        entry = site_config.agent_class(_CLASS)
    finally:
        sys.path.remove(compat.FOLDER)
    program.entry_point(entry)
    module = sys.modules[str(entry.module)]
    # Not kept: an agent's own modules, and the lists of authors' plug-ins, are loaded in the
    # child, fresh at each start.
    packages = tuple(f"{name}." for name in (*plugins.packages(), "ocsd_agents"))
    for name in set(sys.modules) - before:
        if f"{name}.".startswith(packages):
            del sys.modules[name]
    parser = module.add_agent_args()
    args = site_config.parse_args(agent_class=_CLASS, parser=parser, args=[])
    agent = ocs_agent.OCSAgent(
        ComponentConfig(args.site_realm, {}),
        args,
        address=f"{args.address_root}.{args.instance_id}",
        class_name=_CLASS,
    )
    # Not on the disk, where it would stay for ever.
    agent.spools = SpoolService(None, agent.agent_session_id, agent.log)
    _offer(agent)
    return agent, args


def _prepare(**fields: str | int) -> None:
    # The datagram for a supervisor, which does not exist here.
    encode(fields)


def _check_log() -> None:
    """Check log and level as a thread of an agent does."""
    nothing = Path(os.devnull)
    log = os.open(nothing, os.O_WRONLY)
    LogFile(nothing, streams=(log,)).rotate_if_due()
    LevelFile(Path("/none"), logs.set_level).apply()
    os.close(log)


def _offer(agent: ocs_agent.OCSAgent) -> None:
    asked = threading.Event()

    @ocs_agent.param("period", default=None, type=float)
    def acq(session: ocs_agent.OpSession, params: Any) -> Any:
        agent.publish_to_feed("rehearsal", _sample())
        asked.wait(REHEARSAL_LIMIT_S)
        return True, "ended"

    def stop(session: ocs_agent.OpSession, params: Any) -> None:
        session.set_status("stopping")
        asked.set()

    agent.register_feed("rehearsal", record=True, agg_params={"frame_length": 60})
    agent.register_process("acq", acq, stop, startup=True)
    agent.register_task("task", acq, aborter=stop, blocking=False)


def _sample() -> dict[str, Any]:
    fields = {f"channel_{number:02}": [0.0, 1.0] for number in range(4)}
    now_at = time.time()
    return {"block_name": "block", "timestamps": [now_at, now_at], "data": fields}


def _log(text: str, **fields: Any) -> None:
    event = {"log_time": 0.0, "log_level": LogLevel.info, "log_format": text, **fields}
    LineObserver(io.StringIO())(event)


class _Router(protocol.Protocol):
    """Speaks as much of the raw socket protocol and of WAMP as an agent needs."""

    def connectionMade(self) -> None:
        self._serializer = CBORSerializer()
        self._received = b""
        self._hands_shaken = False
        self._registrations: dict[str, int] = {}

    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        self._received += data
        while len(self._received) >= 4:
            length = 4
            if self._hands_shaken:
                length += int.from_bytes(self._received[:4], "big")
            if len(self._received) < length:
                return
            piece, self._received = self._received[:length], self._received[length:]
            # To shake hands, the router sends the same bytes back.
            answer: bytes | None = piece
            if self._hands_shaken:
                answer = self._serve(piece)
            self._hands_shaken = True
            if answer is not None:
                transport.write(answer)

    def _serve(self, piece: bytes) -> bytes | None:
        (asked,) = self._serializer.unserialize(piece[4:])
        reply = self._reply(asked)
        if reply is None:
            return None
        data: bytes = self._serializer.serialize(reply)[0]
        return len(data).to_bytes(4, "big") + data

    def _reply(self, asked: Any) -> Any:
        match asked:
            case message.Hello():
                roles = {"broker": role.RoleBrokerFeatures(), "dealer": role.RoleDealerFeatures()}
                return message.Welcome(1, roles, realm=asked.realm, authid="agent", authrole="any")
            case message.Register():
                self._registrations[asked.procedure] = asked.request
                return message.Registered(asked.request, asked.request)
            case message.Call():
                registration = self._registrations[asked.procedure]
                return message.Invocation(asked.request, registration, args=asked.args)
            case message.Yield():
                return message.Result(asked.request, args=asked.args)
            case message.Goodbye():
                return message.Goodbye()
        return None
