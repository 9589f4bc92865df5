"""Print the messages of a topic: ``python -m ocsd.client.listen``, for `ocsd listen`."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from ocsd.system.garbage import loaded

with loaded():
    from twisted.internet.defer import inlineCallbacks

    from ocsd.bus.encoding import json_safe
    from ocsd.bus.endpoint import RouterAddress
    from ocsd.bus.wamp import ApplicationError, ComponentConfig, LoggedInSession, SubscribeOptions
    from ocsd.client.joining import CLIENT_WAIT_LIMIT_S, Joining
    from ocsd.errors import BROKEN_PIPE_EXIT, INTERRUPTED_EXIT, UnreachableError
    from ocsd.reactor.threads import the_reactor
    from ocsd.text.characters import adapt
    from ocsd.text.times import clock

_HEARTBEAT = "heartbeat"


class FeedListener:
    """Prints publications, over all its connections; as JSON an object a line.

    A topic that has an empty part is a wildcard. Heartbeats are left out unless asked for. To
    `announce` is to print an empty object whenever it has begun to listen.
    """

    def __init__(self, topic: str, as_json: bool, heartbeats: bool, announce: bool = False) -> None:
        self.topic = topic
        self.announce = announce
        self.joining: Joining
        self.exit_code = 0
        self._ended = False
        self._as_json = as_json
        self._heartbeats = heartbeats

    def print_message(self, pair: Any, *_rest: Any) -> None:
        """Print one message, a pair of message and feed_info."""
        message, feed_info = parts(pair)
        if feed_info.get("feed_name") == _HEARTBEAT and not self._heartbeats:
            return
        if self._as_json:
            topic = feed_info.get("address", self.topic)
            line = json.dumps({"topic": topic, "message": message, "feed_info": feed_info})
        else:
            line = message_text(message, feed_info, time.time())
        try:
            print(line, flush=True)
        except BrokenPipeError:
            # The reader of our output is gone (`ocsd listen … | head`).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.end(BROKEN_PIPE_EXIT)

    def lost(self) -> None:
        """Report the loss, and try to join again for ever."""
        if self._ended:
            return
        complain(f"the connection to the router at {self.joining.address} was lost; trying again")
        self.joining.start(None)

    def failed(self, reason: str) -> None:
        """Report why there is no connection, and end."""
        complain(f"{reason}; see: ocsd status")
        self.end(UnreachableError.exit_code)

    def end(self, exit_code: int) -> None:
        """End the process."""
        if not self._ended:
            self._ended = True
            self.exit_code = exit_code
            the_reactor().stop()


class _Session(LoggedInSession):
    """One connection of a listener."""

    def __init__(self, realm: str, listener: FeedListener) -> None:
        super().__init__(ComponentConfig(realm))
        self._listener = listener

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        """Subscribe to the topic."""
        self._listener.joining.session_joined()
        topic = self._listener.topic
        options = SubscribeOptions(match="wildcard" if "" in topic.split(".") else "exact")
        try:
            yield self.subscribe(self._listener.print_message, topic, options)
        except ApplicationError as error:
            self._listener.failed(f"the router refuses to subscribe to {topic}: {error}")
            return
        if self._listener.announce:
            print("{}", flush=True)

    def onLeave(self, details: Any) -> None:
        """End the attempts if the router refuses the session, and close the connection."""
        if details.reason.startswith("wamp.error."):
            self._listener.joining.session_refused(
                f"{details.reason} {details.message or ''}".strip()
            )
        self.disconnect()


def parts(pair: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return message and feed_info of a publication, made of JSON's types only.

    What an agent publishes is a pair of both; anything else has no feed_info.
    """
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[1], Mapping):
        message, feed_info = pair
    else:
        message, feed_info = pair, {}
    return json_safe(message, lambda _: None), json_safe(feed_info, lambda _: None)


def message_text(message: Any, feed_info: Mapping[str, Any], now_at: float) -> str:
    """Return the line that shows a message to people at a time [s, Unix time]."""
    agent = str(feed_info.get("agent_address", "?")).rpartition(".")[2]
    head = f"{clock(now_at)} {agent}.{feed_info.get('feed_name', '?')}"
    if feed_info.get("record") and isinstance(message, Mapping):
        return f"{head}  {'; '.join(_block_text(name, block) for name, block in message.items())}"
    return f"{head}  {json.dumps(message, ensure_ascii=False)}"


def _block_text(name: str, block: Any) -> str:
    """Return the number of samples of a block, and the last sample."""
    try:
        count = len(block["timestamps"])
        last = " ".join(f"{key}={_number(values[-1])}" for key, values in block["data"].items())
    except (KeyError, TypeError, IndexError):
        return f"{name}: {json.dumps(block, ensure_ascii=False)}"
    return f"{name} ({count} sample{'s' * (count != 1)}) {last}"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)


def complain(text: str) -> None:
    """Print a complaint on standard error."""
    print(f"ocsd: {text}", file=sys.stderr, flush=True)


def main(words: list[str] | None = None) -> int:
    """Listen until a signal, or until there is no router.

    Returns
    -------
    int
        The exit code: 130 after Ctrl-C, 69 if there is no router.
    """
    parser = argparse.ArgumentParser(prog="ocsd listen")
    parser.add_argument("topic")
    parser.add_argument("--url", required=True, help="WebSocket address of the router")
    parser.add_argument("--realm", required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--heartbeats", action="store_true")
    parser.add_argument("--announce", action="store_true")
    args = parser.parse_args(words)
    adapt(sys.stdout)
    listener = FeedListener(args.topic, args.json, args.heartbeats, args.announce)
    listener.joining = Joining(
        RouterAddress.for_client(args.url, args.realm),
        lambda: _Session(args.realm, listener),
        listener.lost,
        listener.failed,
    )
    reactor = the_reactor()

    def begin() -> None:
        for number, code in ((signal.SIGINT, INTERRUPTED_EXIT), (signal.SIGTERM, 0)):
            signal.signal(number, lambda *_, code=code: reactor.callFromThread(listener.end, code))
        # `ocsd listen` has blocked them until here.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        listener.joining.start(CLIENT_WAIT_LIMIT_S)

    reactor.callWhenRunning(begin)
    reactor.run()
    return listener.exit_code


if __name__ == "__main__":
    sys.exit(main())
