"""Sessions with the router, in a program of their own, for tests that look at each message."""

import json

from tests import forked_scripts

PROGRAM = """
import json, sys
from twisted.internet import defer, reactor, task
from ocsd.bus.endpoint import RouterAddress, connect
from ocsd.bus.wamp import ComponentConfig, LoggedInSession, RegisterOptions, SubscribeOptions
from autobahn.wamp.types import CallOptions, PublishOptions
from ocsd.system.entrance import Credentials

class Session(LoggedInSession):
    def __init__(self):
        super().__init__(ComponentConfig("test_realm"))
        self.joined, self.left, self.heard = defer.Deferred(), "", []
    def onJoin(self, details):
        self.joined.callback([details.authid, details.authrole])
    def onLeave(self, details):
        self.left = f"{details.reason} {details.message}"
        if not self.joined.called:
            self.joined.callback(self.left)
        self.disconnect()

async def join(url, socket=None, authid=None, secret=None, ca_file=None):
    session = Session()
    credentials = None if authid is None else Credentials(authid, secret)
    address = RouterAddress(url, "test_realm", socket, credentials, ca_file)
    try:
        protocol = await connect(address, lambda: session, reactor)
    except Exception as error:
        return session, f"not opened: {error}"
    def closed(_):
        if not session.joined.called:
            session.joined.callback(f"closed: {protocol.wasNotCleanReason}")
    protocol.is_closed.addCallback(lambda _: reactor.callLater(0, closed, _))
    return session, await session.joined

async def do(session, action, uri, *args, **options):
    try:
        if action == "call":
            return await session.call(uri, *args, options=CallOptions(**options))
        if action == "publish":
            options = PublishOptions(acknowledge=True, **options)
            return bool(await session.publish(uri, *args, options=options))
        if action == "subscribe":
            options = SubscribeOptions(details_arg="details", **options)
            hear = lambda *_, details: session.heard.append(details.topic or uri)
            return bool(await session.subscribe(hear, uri, options))
        options = RegisterOptions(**options)
        return bool(await session.register(lambda *_, **__: [0, "done", {}], uri, options))
    except Exception as error:
        return f"{getattr(error, 'error', type(error).__name__)} {error}"

async def run():
    sessions = {}
    for step in json.load(sys.stdin):
        name, action, *rest = step
        if action == "join":
            sessions[name], answer = await join(**rest[0])
        elif action == "wait":
            await task.deferLater(reactor, rest[0], lambda: None)
            answer = None
        elif action == "heard":
            answer = sessions[name].heard
        elif action == "left":
            answer = sessions[name].left
        else:
            options = rest.pop() if rest and isinstance(rest[-1], dict) else {}
            answer = await do(sessions[name], action, *rest, **options)
        print(json.dumps(answer), flush=True)

task.react(lambda _: defer.ensureDeferred(run()))
"""


def perform(*steps, limit_s=60):
    """Perform steps ``[session, action, …]`` one after the other; return their answers."""
    done = forked_scripts.run(PROGRAM, json.dumps(steps), limit_s)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(steps), done.stdout + done.stderr
    return answers
