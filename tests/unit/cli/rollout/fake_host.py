"""A host that a roll-out talks to, in memory."""

import threading

from ocsd.cli.rollout.port import HeldFile, InstalledCode
from ocsd.errors import DaemonRefusedError, UnreachableError
from ocsd.site.load import digest

OLD, NEW = "old", "new"
OLD_DIGEST, NEW_DIGEST = digest(OLD.encode()), digest(NEW.encode())


class FakeHost:
    """A host with the instance `a`, which restarts at each reload that brings another file.

    `broken` names texts with which `a` fails, `refused` has what a method is refused with, and
    `away` the methods that get no answer. Each call is in `calls`.
    """

    def __init__(self, name="lab", *, broken=(), refused=None, away=()):
        self.name = name
        self.text, self.previous, self.used = OLD, None, OLD
        self.version = "1"
        self.broken, self.refused, self.away = broken, refused or {}, set(away)
        self.since_at = 1.0
        self.calls = []
        self.on_reload = self.on_status = lambda: None
        self.may_come_up = threading.Event()
        self.may_come_up.set()

    def _called(self, method):
        self.calls.append(method)
        if method in self.away:
            raise UnreachableError(f"no daemon of host {self.name!r} answers")
        if method in self.refused:
            raise DaemonRefusedError(*self.refused[method])

    def status(self):
        self.on_status()
        self._called("status")
        state = "up" if self.may_come_up.is_set() else "starting"
        row = {"instance_id": "a", "state": state, "target": "up", "health": "ok"}
        row |= {"since_at": self.since_at, "uptime_s": 60.0}
        if self.used in self.broken:
            row |= {"state": "failed", "health": None, "reason": "no port"}
        return {
            "host": self.name,
            "version": self.version,
            "router": {"state": "up", "health": "ok"},
            "site": {"digest": digest(self.used.encode())},
            "instances": [row],
        }

    def file(self):
        self._called("file")
        return HeldFile(digest(self.text.encode()))

    def foresee(self, text):
        self._called("foresee")
        return {"effects": {"a": "restarts"} if text != self.used else {}}

    def installed(self):
        self._called("installed")
        return InstalledCode("2")

    def take(self, text, digest_before):
        self._called("take")
        if digest_before != digest(self.text.encode()):
            raise DaemonRefusedError("the file was changed meanwhile", 2)
        self.previous, self.text = self.text, text

    def put_back(self):
        self._called("put_back")
        self.text, self.previous = self.previous, None
        return HeldFile(digest(self.text.encode()))

    def reload(self):
        self._called("reload")
        change = {"effects": {"a": "restarts"} if self.text != self.used else {}}
        self.used = self.text
        self.since_at += 1.0
        self.on_reload()
        return change

    def upgrade(self):
        self._called("upgrade")
        self.version = "2"
