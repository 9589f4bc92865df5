"""A stranger forges his identity in every way, on a router that lets him; prints who was seen.

Run as a program, with the port of the router.
"""

import json
import sys

from autobahn.wamp.types import CallOptions, PublishOptions
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint

from ocsd.bus.caller import caller_of
from ocsd.bus.wamp import (
    ApplicationError,
    RegisterOptions,
    RouterLink,
    SubscribeOptions,
    WampWebSocketClientFactory,
)

BOSS = {"session": 1, "authid": "boss", "authrole": "admin"}
BRIDGE = {"session": 2, "authid": "tcp:10.9.9.9:1 root (root@boss)", "authrole": "ocs-bridge"}
CHAINS = [[BOSS], [BOSS, BRIDGE], [BRIDGE], [BRIDGE, BOSS]]


class Owner:
    """The owner of a link; `joined` fires with it."""

    def __init__(self):
        self.joined = Deferred()

    def link_joined(self, link):
        self.joined.callback(link)

    def link_left(self, link, reason, text):
        pass

    def link_unregistered(self, link):
        pass


def joined(port):
    owner = Owner()
    factory = WampWebSocketClientFactory(
        lambda: RouterLink("test_realm", owner), url=f"ws://127.0.0.1:{port}/ws"
    )
    TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)
    return owner.joined


@inlineCallbacks
def run(port):
    agent, stranger = (yield joined(port)), (yield joined(port))
    seen = {"stranger": stranger.session_id, "calls": [], "publications": [], "refused": {}}

    def called(details=None):
        caller = caller_of(details)
        seen["calls"].append([caller.session, caller.role])

    def heard(details=None):
        seen["publications"].append([details.publisher, details.publisher_authrole])

    yield agent.register(called, "observatory.x.ops", RegisterOptions(details=True))
    yield agent.subscribe(heard, "observatory.d.feeds.controls", SubscribeOptions(details=True))
    for chain in CHAINS:
        yield stranger.call("observatory.x.ops", options=CallOptions(forward_for=chain))
        options = PublishOptions(forward_for=chain, acknowledge=True)
        yield stranger.publish("observatory.d.feeds.controls", options=options)
    forged = {
        "register": lambda: stranger.register(
            called, "observatory.x.ops", RegisterOptions(forward_for=[BOSS])
        ),
        "subscribe": lambda: stranger.subscribe(
            heard, "observatory.d.feeds.controls", SubscribeOptions(forward_for=[BOSS])
        ),
    }
    for what, ask in forged.items():
        try:
            yield ask()
            seen["refused"][what] = None
        except ApplicationError as error:
            seen["refused"][what] = error.error
    # A last call: what was published before has come.
    yield agent.call("observatory.x.ops")
    print(json.dumps(seen))


def end(result):
    if hasattr(result, "printTraceback"):
        result.printTraceback()
    reactor.stop()


run(int(sys.argv[1])).addBoth(end)
reactor.run()
