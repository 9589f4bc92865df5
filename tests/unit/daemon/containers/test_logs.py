"""The output of containers goes into the logs of their instances."""

import os
import time

from twisted.internet.defer import Deferred

from ocsd.containers.inspected import Container
from ocsd.daemon.containers.logs import ContainerLogs, LogCopy
from ocsd.errors import ContainerEngineError


def frame(text):
    return b"\1\0\0\0" + len(text).to_bytes(4, "big") + text


LINES = b"1970-01-01T00:00:01.5Z a\n1970-01-01T00:00:02.25Z b\n"


def test_the_log_goes_on_where_the_last_daemon_left_it(tmp_path):
    log = tmp_path / "one.log"
    LogCopy(log, is_terminal=False).take(frame(LINES[:25]))
    assert log.read_text() == "1970-01-01T00:00:01.5Z a\n"
    next_daemon = LogCopy(log, is_terminal=False)
    assert next_daemon.after_ns == 1_500_000_000
    next_daemon.take(frame(LINES))
    assert log.read_bytes() == LINES


def test_a_log_of_the_future_does_not_keep_lines_out(tmp_path):
    log = tmp_path / "one.log"
    log.write_text("")
    later_ns = time.time_ns() + 3600 * 10**9
    os.utime(log, ns=(later_ns, later_ns))
    assert LogCopy(log, is_terminal=False).after_ns < later_ns - 3000 * 10**9


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path):
    LogCopy(tmp_path / "no" / "one.log", is_terminal=True).take(LINES)
    assert list(tmp_path.iterdir()) == []


def test_nothing_new_leaves_the_log_as_it_is(tmp_path):
    log = tmp_path / "one.log"
    LogCopy(log, is_terminal=True).take(b"1970-01-01T00:00:01.5Z unfinished")
    assert not log.exists()


class Streams:
    """An engine that keeps what is called at the end of each stream."""

    def __init__(self):
        self.ends = []
        self.left = 0

    def follow(self, _path, _query, _on_data, on_end):
        self.ends.append(on_end)
        return self

    def leave(self):
        self.left += 1

    async def output(self, _container_id, _query):
        return frame(LINES + b"1970-01-01T00:00:03Z bye")


def seen(status, pid=0):
    return Container("a", "one", status, pid, started_at="2026-11-30T00:00:00Z")


def test_a_container_that_ended_while_docker_was_away_is_read_to_its_end_and_once(tmp_path):
    engine = Streams()
    logs = ContainerLogs(engine)

    def look(status, pid=0):
        logs.follow({tmp_path / "one.log": seen(status, pid)})

    look("running", 5)
    engine.ends[0]()
    for _ in range(2):
        look("exited")
    assert len(engine.ends) == 2
    engine.ends[1]()
    look("exited")
    assert len(engine.ends) == 2


def test_the_last_output_is_copied_before_the_container_is_removed_and_once(tmp_path):
    log, engine = tmp_path / "one.log", Streams()
    logs = ContainerLogs(engine)
    logs.follow({log: seen("running", 5)})
    Deferred.fromCoroutine(logs.finish(log, seen("running", 5)))
    assert log.read_bytes() == LINES + b"1970-01-01T00:00:03Z bye\n"
    assert engine.left == 1
    logs.follow({log: seen("exited")})
    assert len(engine.ends) == 1


def test_output_that_docker_refuses_keeps_nobody(tmp_path):
    engine = Streams()

    async def output(_container_id, _query):
        raise ContainerEngineError("no")

    engine.output = output
    done = ContainerLogs(engine).finish(tmp_path / "one.log", seen("exited"))
    Deferred.fromCoroutine(done)
    assert list(tmp_path.iterdir()) == []
