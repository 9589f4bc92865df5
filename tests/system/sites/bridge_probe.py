"""An agent for tests of the bridge: it counts, publishes, hears, answers and asks."""

import argparse
import math
import time

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, RegisterOptions, SubscribeOptions
from twisted.internet.defer import inlineCallbacks

from ocsd import ocs_agent, ocs_twisted, site_config

VALUES = [1.5, math.nan, math.inf, b"\x00\xff", 2**63, "ü", None, {"options": 1, "details": [2]}]
"""Values that CBOR carries and JSON does not."""


class Probe:
    """The agent."""

    def __init__(self, agent, other, root):
        self.agent = agent
        self.other = f"{root}.{other}"
        self.heard = {}
        self.counts = 0
        self.running = False
        self.followed = []
        self.following = None

    def begin(self):
        """Subscribe to the other agent in three ways, and register procedures."""
        topic = f"{self.other}.loose.numbers"
        for match, pattern in (
            ("exact", topic),
            ("prefix", f"{self.other}.loose."),
            ("wildcard", f"{self.other}..numbers"),
        ):
            heard = self.heard.setdefault(match, [])
            self.agent.subscribe(
                lambda number, heard=heard, **_: heard.append(number),
                pattern,
                SubscribeOptions(match=match),
                force_subscribe=True,
            )
        own = self.agent.agent_address
        self.agent.register(lambda *args, **kwargs: [list(args), kwargs], f"{own}.echo")
        self.agent.register(self.fail, f"{own}.fail")
        details = RegisterOptions(details_arg="details")
        self.agent.register(self.progress, f"{own}.progress", details)

    def fail(self, *_args, **_kwargs):
        raise ApplicationError("test.error.deliberate", "one", 2, three=b"3")

    def progress(self, details=None):
        for number in range(3):
            details.progress(number)
        return "done"

    @inlineCallbacks
    def ask(self, session, params):
        """Call the other agent in all ways; session.data says what came back."""
        told = []
        back = yield self.agent.call(f"{self.other}.echo", *VALUES, options_of=VALUES)
        told.append(repr(back) == repr([VALUES, {"options_of": VALUES}]))
        for address in (f"{self.other}.fail", f"{self.other}.unknown"):
            try:
                yield self.agent.call(address)
            except ApplicationError as error:
                told.append([error.error, repr(error.args), repr(error.kwargs)])
        parts = []
        options = CallOptions(on_progress=parts.append)
        last = yield self.agent.call(f"{self.other}.progress", options=options)
        told.append([parts, last])
        session.data = {"told": told}
        return True, "asked"

    @inlineCallbacks
    def burst(self, session, params):
        """Publish numbers, with values that JSON has not."""
        for number in range(params["first"], params["first"] + params["count"]):
            self.agent.publish(
                f"{self.agent.agent_address}.loose.numbers", number, values=VALUES, options_of=1
            )
            if number % 20 == 0:
                yield ocs_twisted.dsleep(0.005)
        return True, "published"

    def hear(self, session, params):
        """Tell what was heard so far."""
        session.data = {"heard": self.heard}
        return True, "heard"

    @inlineCallbacks
    def follow(self, session, params):
        """Begin to hear the recorded feed of the other agent, or end it."""
        if self.following is None:
            self.following = yield self.agent.subscribe(
                lambda pair, **_: self.followed.append(pair[1]["seq"]),
                f"{self.other}.feeds.counts",
                force_subscribe=True,
            )
        else:
            yield self.following.unsubscribe()
            self.following = None
        return True, "done"

    @inlineCallbacks
    def beats(self, session, params):
        """Hear five heartbeats of the other agent; tell their numbers."""
        seqs = []
        hearing = yield self.agent.subscribe(
            lambda pair, **_: seqs.append(pair[1]["seq"]),
            f"{self.other}.feeds.heartbeat",
            force_subscribe=True,
        )
        # The bridge learns of it with the first one or two.
        while len(seqs) < 7:
            yield ocs_twisted.dsleep(0.1)
        yield hearing.unsubscribe()
        session.data = {"seqs": seqs[2:]}
        return True, "heard"

    def tell(self, session, params):
        """Tell the numbers of the messages that were heard of the recorded feed."""
        session.data = {"followed": self.followed}
        return True, "told"

    @inlineCallbacks
    def count(self, session, params):
        """Count in a recorded feed, 20 numbers a second."""
        self.running = True
        while self.running:
            data = {"n": self.counts}
            message = {"block_name": "b", "timestamp": time.time(), "data": data}
            self.agent.publish_to_feed("counts", message)
            self.counts += 1
            session.data = {"published": self.counts}
            yield ocs_twisted.dsleep(0.05)
        return True, "counted"

    def stop(self, session, params):
        self.running = False


def main(args=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--other")
    args = site_config.parse_args("BridgeProbe", parser=parser, args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    probe = Probe(agent, args.other, args.address_root)
    agent.register_feed("counts", record=True, agg_params={"frame_length": 10})
    for name in ("ask", "burst", "hear", "follow", "tell", "beats"):
        agent.register_task(name, getattr(probe, name), blocking=False)
    agent.register_process("count", probe.count, probe.stop, blocking=False)
    probe.begin()
    runner.run(agent)


if __name__ == "__main__":
    main()
