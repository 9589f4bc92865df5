"""WAMP, message by message, without a library that would refuse to send what is wrong."""

import base64
import contextlib
import itertools
import json
import os
import socket
import ssl
import struct
import time

HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE = 1, 2, 3, 4, 5, 6
ERROR, PUBLISH, PUBLISHED, SUBSCRIBE, SUBSCRIBED, EVENT = 8, 16, 17, 32, 33, 36
CALL, RESULT, REGISTER, REGISTERED, INVOCATION = 48, 50, 64, 65, 68
ROLES = {
    "caller": {"features": {"caller_identification": True}},
    "callee": {"features": {"pattern_based_registration": True, "caller_identification": True}},
    "publisher": {"features": {"publisher_exclusion": True, "publisher_identification": True}},
    "subscriber": {"features": {"pattern_based_subscription": True}},
}


class RefusedError(Exception):
    """The other side refused; its words are the text."""


class WebSocket:
    """JSON in messages of a WebSocket."""

    def __init__(self, connection, path, host="hub", headers=()):
        self.connection = connection
        asked = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: wamp.2.json",
            *headers,
        ]
        connection.sendall("\r\n".join([*asked, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = connection.recv(1)
            if not more:
                raise RefusedError(f"closed after {answer[:200]!r}")
            answer += more
        status = answer.split(b"\r\n")[0].decode()
        if " 101" not in status:
            raise RefusedError(status)

    def send(self, message):
        """Send a message."""
        self.send_frame(json.dumps(message).encode())

    def send_frame(self, body, opcode=1, claimed=None):
        """Send a frame, which may claim to be longer than it is."""
        size = len(body) if claimed is None else claimed
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 2**16:
            head += bytes([0x80 | 126]) + struct.pack("!H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", size)
        self.connection.sendall(head + bytes(4) + body)

    def receive(self):
        """Return the next message."""
        while True:
            first, second = _exactly(self.connection, 2)
            size = second & 0x7F
            if size == 126:
                [size] = struct.unpack("!H", _exactly(self.connection, 2))
            elif size == 127:
                [size] = struct.unpack("!Q", _exactly(self.connection, 8))
            body = _exactly(self.connection, size)
            if first & 0x0F == 8:
                raise RefusedError(f"closed: {body[2:].decode(errors='replace') or body!r}")
            if first & 0x0F == 1:
                return json.loads(body)


class RawSocket:
    """JSON in messages of WAMP's raw socket, as the router speaks it on its Unix socket."""

    def __init__(self, connection):
        self.connection = connection
        connection.sendall(bytes([0x7F, 0xF1, 0, 0]))
        answer = _exactly(connection, 4)
        if answer[1] & 0x0F != 1:
            raise RefusedError(f"handshake {answer!r}")

    def send(self, message):
        """Send a message."""
        body = json.dumps(message).encode()
        self.connection.sendall(struct.pack("!I", len(body)) + body)

    def receive(self):
        """Return the next message."""
        while True:
            kind, *size = _exactly(self.connection, 4)
            body = _exactly(self.connection, int.from_bytes(bytes(size), "big"))
            if kind == 0:
                return json.loads(body)


def _exactly(connection, size):
    got = b""
    while len(got) < size:
        try:
            more = connection.recv(min(2**16, size - len(got)))
        except OSError as error:
            raise RefusedError(f"{type(error).__name__}: {error}") from error
        if not more:
            raise RefusedError("connection closed")
        got += more
    return got


class Session:
    """A session that has joined, or was refused."""

    def __init__(self, link, *, name=None, ticket=None, realm="test_realm", **details):
        self.link = link
        self.numbers = itertools.count(1)
        self.events = []
        login = {"authmethods": ["ticket"], "authid": name}
        if name is None:
            login = {"authmethods": ["anonymous"]}
        link.send([HELLO, realm, {"roles": ROLES, **login, **details}])
        answer = link.receive()
        if answer[0] == CHALLENGE:
            link.send([AUTHENTICATE, ticket or "", {}])
            answer = link.receive()
        if answer[0] != WELCOME:
            raise RefusedError(json.dumps(answer))
        self.welcome = answer[2]

    def ask(self, kind, options, *rest):
        """Send a request; return its answer, or raise what it was refused with."""
        number = next(self.numbers)
        self.link.send([kind, number, options, *rest])
        while True:
            answer = self.link.receive()
            if answer[0] == ERROR and answer[2] == number:
                raise RefusedError(json.dumps(answer[4:]))
            if answer[0] == EVENT:
                self.events.append(answer)
            elif answer[0] in (ABORT, GOODBYE):
                raise RefusedError(json.dumps(answer))
            elif answer[1] == number:
                return answer

    def call(self, uri, *args, options=None, **kwargs):
        """Return the value that a call returns."""
        return self.ask(CALL, options or {}, uri, list(args), kwargs)[3:]

    def publish(self, uri, *args, **options):
        """Publish, and wait until the router has taken it."""
        return self.ask(PUBLISH, {"acknowledge": True, **options}, uri, list(args))

    def register(self, uri, **options):
        """Register a procedure."""
        return self.ask(REGISTER, options, uri)

    def subscribe(self, uri, **options):
        """Subscribe to a topic, or to those that match."""
        return self.ask(SUBSCRIBE, options, uri)

    def events_within(self, limit_s):
        """Return what arrives within a time [s]."""
        until_s = time.monotonic() + limit_s
        with contextlib.suppress(RefusedError):
            while (left_s := until_s - time.monotonic()) > 0:
                self.link.connection.settimeout(left_s)
                self.events.append(self.link.receive())
        return self.events


def over_tls(connection, ca_file, name="hub"):
    """Return the connection with TLS, the other side's certificate checked."""
    context = ssl.create_default_context(cafile=ca_file)
    return context.wrap_socket(connection, server_hostname=name)


def untrusting(connection, name="hub"):
    """Return the connection with TLS, nothing checked: an attacker does not care."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=name)


def unix(path):
    """Connect to a Unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    connection.connect(str(path))
    return connection
