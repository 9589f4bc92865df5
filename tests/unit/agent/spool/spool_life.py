"""Lives of an agent that keeps what it publishes, one after the other."""

from types import SimpleNamespace

from ocsd.agent.feeds.losses import Losses
from ocsd.agent.spool.limits import SpoolLimits
from ocsd.agent.spool.service import SpoolService

ADDRESS = "observatory.thermo1.feeds"


class Log:
    def __init__(self):
        self.lines = []

    def warn(self, text, **fields):
        self.lines.append(text.format(**fields))

    info = warn


class Life:
    """One life of an agent: its spools, and feeds that only have numbers."""

    def __init__(self, folder, session_id, limits=None):
        self.now_s = 1000.0
        self.log = Log()
        self.limits = limits or SpoolLimits()
        self.service = SpoolService(folder, session_id, self.log, lambda: self.now_s)
        self.feeds = {}
        self.more_info = {}

    def put(self, name, *messages):
        feed = self.feeds.get(name)
        if feed is None:
            spool = self.service.spool(name, self.limits, lambda: self.now_s)
            feed = SimpleNamespace(
                feed_name=name,
                address=f"{ADDRESS}.{name}",
                spool=spool,
                next_number=0,
                losses=Losses(),
            )
            self.feeds[name] = self.service.feeds[name] = feed
        info = {
            "feed_name": name,
            "address": feed.address,
            "session_id": self.service.session_id,
            **self.more_info,
        }
        for message in messages:
            feed.spool.put(feed.next_number, message, info)
            feed.next_number += 1

    def sessions(self):
        return self.service.answer()["sessions"]

    def read(self, *args, **kwargs):
        answer = self.service.answer(*args, **kwargs)
        return [message for message, _ in answer["messages"]]
