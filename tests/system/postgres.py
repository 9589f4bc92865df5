"""PostgreSQL of Debian at a Unix socket of its own, to be killed and started again."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.system.waiting import wait_until

_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 20
shared_buffers = 16MB
fsync = {fsync}
logging_collector = off
"""
# The server refuses root.
_USERS = ("postgres", "nobody")


def programs():
    """Return the folder of PostgreSQL's programs; skip the test if there is none."""
    told = os.environ.get("OCSD_POSTGRES")
    found = [Path(told)] if told else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found and shutil.which("postgres"):
        found = [Path(shutil.which("postgres")).resolve().parent]
    if not found or not (found[-1] / "initdb").exists():
        pytest.skip("there is no PostgreSQL here: apt-get install postgresql")
    return found[-1]


class Postgres:
    """A server with a folder of its own, which another user than root owns.

    Parameters
    ----------
    data : Path, optional
        Where the data are kept, to be another disk.
    is_quick : bool
        Wait for no disk: what is killed loses nothing by that, only a machine without power would.
    """

    def __init__(self, data=None, *, is_quick=False):
        self._programs = programs()
        # Not in pytest's folder, which other users may not enter.
        self.folder = Path(tempfile.mkdtemp(prefix="ocsd-pg-", dir="/tmp"))
        self._data = data or self.folder / "data"
        self._data.mkdir(exist_ok=True)
        self._user = {}
        if os.geteuid() == 0:
            user = next(pwd.getpwnam(name) for name in _USERS if _is_user(name))
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            for path in (self.folder, self._data):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._process = None
        words = ["-U", "ocs", "-A", "trust", "-E", "UTF8", "--no-sync"]
        self._run("initdb", "-D", self._data, *words, *(["--wal-segsize=1"] if is_quick else []))
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(folder=self.folder, fsync="off" if is_quick else "on"))
        self.dsn = f"host={self.folder} user=ocs dbname=feeds"

    def start(self, *, is_new=False):
        self._log = (self.folder / "log").open("ab")
        command = [self._programs / "postgres", "-D", self._data]
        options = {"stdout": self._log, "stderr": self._log, "cwd": self.folder, **self._user}
        self._process = subprocess.Popen(command, **options)
        wait_until(self._answers, "postgres", 60)
        if is_new:
            self.execute("CREATE DATABASE feeds", "dbname=postgres")

    def end(self, number=signal.SIGINT):
        """End it; SIGKILL also kills the processes of the connections."""
        if number == signal.SIGKILL:
            self._signal_family(number)
        self._process.send_signal(number)
        self._process.wait(60)
        self._log.close()

    def pause(self):
        self._process.send_signal(signal.SIGSTOP)
        self._signal_family(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)
        self._signal_family(signal.SIGCONT)

    @property
    def pid(self):
        return self._process.pid

    def is_up(self):
        return self._process is not None and self._process.poll() is None

    def close(self):
        if self.is_up():
            self.go_on()
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)

    def execute(self, statement, more=""):
        """Run a statement; return its rows."""
        with psycopg.connect(f"{self.dsn} {more}", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def values(self):
        """Return all values by agent, feed, field and time [us], and how many rows there are."""
        found, rows = {}, 0
        fields = self.execute("SELECT agent, feed, field, table_name, column_name FROM ocs_fields")
        for table in sorted({field[3] for field in fields}):
            rows += self.execute(f'SELECT count(*) FROM "{table}"')[0][0]
        for agent, feed, field, table, column in fields:
            us = "(extract(epoch FROM time) * 1000000)::bigint"
            query = f'SELECT {us}, "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'
            found |= {(agent, feed, field, at): value for at, value in self.execute(query)}
        return found, rows

    def _signal_family(self, number):
        for child in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(number)

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())
        try:
            psycopg.connect(f"{self.dsn} dbname=postgres connect_timeout=2").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
            return False
        return True

    def _run(self, program, *words):
        command = [self._programs / program, *words]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, **self._user
        )
        assert done.returncode == 0, done.stderr


def _is_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
