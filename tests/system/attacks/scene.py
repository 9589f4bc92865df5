"""The closed site that is attacked, the people and programs that attack it, and its audit."""

import base64
import contextlib
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, host_key, ticket_of
from tests.system.attacks.wire import RawSocket, RefusedError, Session, WebSocket, unix, untrusting
from tests.system.conftest import NO_PAGE, fake_agent
from tests.system.waiting import wait_until

ROUTER_PORT, PAGE_PORT = 8443, 8002
HUB = {"access": "closed", "wamp_server": f"wss://hub:{ROUTER_PORT}/ws"}
PEOPLE = {"vera": "viewer", "otto": "operator", "emma": "expert", "anna": "admin"}
PLUGINS = Path(__file__).parent / "plugins"
ROOT = Path(__file__).resolve().parents[3]
DIRECTOR = "access-dir"
GRANT_PASSWORD = "grant-password-that-nobody-guesses"
DIRECTOR_FILE = {
    "passwords": [{"default": True, "password_2": GRANT_PASSWORD}],
}


CONTROLS = f"observatory.{DIRECTOR}.feeds.controls"
OPEN_TO_ALL = {"hash": "none", "value": ""}
ALL_RIGHTS = {
    "reset": True,
    "ac_version": 1,
    "step": 9_999,
    "rules": [
        {"hashed_pass": OPEN_TO_ALL, "cred_level": 3, "scope_spec": {"default": True}},
    ],
}
FORGED = [{"session": 1, "authid": "anna", "authrole": "admin"}]
NOT_AUTHORIZED = "not_authorized|not authorized|may not|no_auth|login"
LEVEL = "requires credential level"


class SucceededError(AssertionError):
    """An attack was not refused."""


@dataclass(frozen=True)
class Attack:
    """One row of the table."""

    name: str
    who: str
    attempt: object
    refused: str
    """Pattern of the words of the refusal."""
    audit: dict | None
    """Patterns of the fields of its entry in the audit; None: no server sees it."""

    def __str__(self):
        return f"{self.who}-{self.name}"


TABLE: list[Attack] = []


def attack(who, refused, audit=None):
    """Put a function into the table; it gets the scene, and raises or returns the refusal."""

    def listed(attempt):
        TABLE.append(Attack(attempt.__name__, who, attempt, refused, audit))
        return attempt

    return listed


def by_router(action, person="", **more):
    """Return the entry of the router that refused somebody something."""
    return {"kind": "router", "action": action, "outcome": "refused", "person": person, **more}


def no_login(name="", action="join"):
    """Return the entry of the router that refused a login; nobody vouches for the name."""
    return {"kind": "router", "action": action, "outcome": "refused", "target": name}


def by_agent(action, person, **more):
    """Return the entry of an agent that refused somebody an operation."""
    return {"kind": "operation", "action": action, "outcome": "refused", "person": person, **more}


@dataclass
class Scene:
    """A host `hub` with everything on it, a host of the site, and a machine of a stranger."""

    hub: object
    elsewhere: object
    """The host of which somebody has the key; nothing runs on it."""
    stranger: object
    """The machine that floods the others."""
    passwords: dict = field(default_factory=dict)
    urls: dict = field(default_factory=dict)
    begun_at: dict = field(default_factory=dict)
    """Time of each attack."""

    def make(self):
        """Write the site file and the keys, and start the daemon."""
        director_file = self.hub.folder / "director.yaml"
        director_file.touch(0o600)
        director_file.write_text(yaml.safe_dump(DIRECTOR_FILE))
        rows = [
            fake_agent("fake-x", rate_hz=10),
            fake_agent("fake-y", rate_hz=10),
            {"agent-class": "Dome", "instance-id": "dome"},
            self._directed("vault"),
            {"agent-class": "HostManager", "instance-id": "hm-hub"},
            {
                "agent-class": "AccessDirector",
                "instance-id": DIRECTOR,
                "arguments": ["--config-file", str(director_file)],
            },
        ]
        host = {
            "crossbar": {},
            "web": {"listen": f"{self.hub.address}:{PAGE_PORT}", "names": ["hub"]},
            "agent-paths": [str(PLUGINS)],
            "agent-instances": rows,
        }
        other = {"web": NO_PAGE, "agent-instances": [fake_agent("fake-z")]}
        leaf = {"web": NO_PAGE, "router": "local", "agent-instances": [fake_agent("fake-l")]}
        hosts = {"hub": host, "elsewhere": other, "leaf": leaf}
        self.hub.site_file.write_text(yaml.safe_dump({"hub": HUB, "hosts": hosts}))
        self.access("init")
        self.access("host", "elsewhere", "-o", self.hub.folder / "elsewhere.bundle")
        self.access("host", "leaf", "-o", self.hub.folder / "leaf.bundle")
        for name, role in PEOPLE.items():
            self.add_person(name, role)
        self.access("agent-url", "old-1")
        self.hub.bring_up()

    def url(self, name):
        """Return the path of a capability URL."""
        return f"/k-{json.loads((self.store.folder / 'urls.json').read_text())[name]['secret']}"

    def _directed(self, name):
        entry = {"agent-class": "Dome", "instance-id": name}
        return {**entry, "arguments": ["--access-policy", f"director:{DIRECTOR}"]}

    def access(self, *words, **more):
        """Run `ocsd access` on the hub, as root."""
        return self.hub.checked_ocsd("access", *words, "--host", "hub", **more)

    def add_person(self, name, role):
        """Let somebody log in."""
        self.passwords[name] = f"{name} has a long password"
        given = ("--password-file", "-")
        self.access("user", "add", name, "--role", role, *given, input=self.passwords[name])

    @property
    def store(self):
        """The files of access control."""
        return AccessStore(self.hub.state / "access")

    # Ways to the router.

    def dial(self, port=ROUTER_PORT, at=None):
        """Connect with TLS, from elsewhere or another machine."""
        return untrusting((at or self.elsewhere).connect(self.hub.address, port))

    def websocket(self, path="/ws", at=None, **more):
        """Open a WebSocket, from elsewhere or another machine."""
        return WebSocket(self.dial(at=at), path, **more)

    def person(self, name, at=None):
        """Log in as somebody, from elsewhere or another machine."""
        return Session(self.websocket(at=at), name=name, ticket=self.passwords[name])

    def first_login(self, name):
        """Log in as somebody who was added just now; the router looks once a second."""

        def joined():
            with contextlib.suppress(RefusedError):
                return self.person(name)

        return wait_until(joined, f"the login of {name}", limit_s=10)

    def host_key(self, name):
        """Return the key in the bundle of another host, as whoever has taken it over."""
        return host_key(self.store.secret(), name, self.store.hosts()[name].generation)

    def from_host(self, name, instance_id=""):
        """Join with a ticket made with the key of another host."""
        login = Login(instance_id, name)
        ticket = ticket_of(self.host_key(name), login)
        return Session(self.websocket(), name=str(login), ticket=ticket)

    def agent(self, name, over=None):
        """Join with the ticket of an agent, as code would that has taken it over."""
        login = Login(name, "hub")
        ticket = ticket_of(self.store.host_key(), login)
        link = over or RawSocket(unix(self.hub.runtime / "router.sock"))
        return Session(link, name=str(login), ticket=ticket)

    def http(self, method, path, body=None, *, port=ROUTER_PORT, plain=False, **headers):
        """Send a request from elsewhere; return its status, headers and body."""
        connection = self.elsewhere.connect(self.hub.address, port)
        if not plain:
            connection = untrusting(connection)
        return http(connection, method, path, body, **headers)

    def page(self, method, path, body=None, **headers):
        """Send a request to the page."""
        return self.http(method, path, body, port=PAGE_PORT, **headers)

    def local(self, name, user="nobody"):
        """Run a function of `local_user` on the hub as another user; return what it prints."""
        words = (sys.executable, "-m", "tests.system.attacks.local_user", name, self.hub.folder)
        done = self.hub.run(*words, user=user, environment={"PYTHONPATH": str(ROOT)})
        if done.returncode == 0:
            raise SucceededError(done.stdout)
        return done.stdout + done.stderr

    # The audit.

    def audit(self):
        """Return the entries of the audit."""
        lines = []
        for file in sorted((self.hub.state / "audit").glob("*.jsonl")):
            lines += file.read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    def in_audit(self, attack):
        """Return the entries that an attack has made."""
        since = self.begun_at[attack.name] - 1
        return [
            entry
            for entry in self.audit()
            if entry["at"] > since
            and all(re.search(want, str(entry.get(key, ""))) for key, want in attack.audit.items())
        ]

    def attempt(self, attack):
        """Carry out an attack; return the words with which it was refused."""
        self.begun_at[attack.name] = time.time()
        return attack.attempt(self)


def http(connection, method, path, body=None, **headers):
    """Send a request over a connection; return its status, headers and body."""
    sent = {"Host": "hub", "Connection": "close"}
    sent |= {key.replace("_", "-"): value for key, value in headers.items()}
    content = b""
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
        sent["Content-Length"] = str(len(content))
    head = "".join(f"{key}: {value}\r\n" for key, value in sent.items())
    connection.settimeout(20)
    connection.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
    answer = b""
    try:
        while more := connection.recv(2**16):
            answer += more
    except OSError as error:
        if not answer:
            return 0, {}, f"{type(error).__name__}: {error}"
    head, _, rest = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode(errors="replace").split("\r\n")
    status = int(first.split()[1]) if first.startswith("HTTP/") else 0
    fields = {}
    for line in lines:
        key, _, value = line.partition(":")
        fields[key.lower()] = value.strip()
    return status, fields, rest.decode(errors="replace")


def basic(name, password):
    """Return the header of a login over HTTP."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def refused(answer, *statuses):
    """Return an answer of HTTP that must be a refusal."""
    status, _, body = answer
    if (statuses and status not in statuses) or (status < 400 and status != 0):
        raise SucceededError(f"{status} {body[:500]}")
    return f"{status} {body}"


def succeeded(answer):
    """Say that an attack was not refused."""
    raise SucceededError(str(answer))


def refused_operation(session, agent, action, operation, options=None, **more):
    """Return an agent's refusal, in its words."""
    uri = f"observatory.{agent}.ops"
    code, message, _ = session.call(uri, action, operation, options=options, **more)[0][0]
    if code == 0:
        raise SucceededError(message)
    return message


def pids(scene):
    """Return the process of everything that runs."""
    status = scene.hub.status()
    rows = [status["router"], *status["instances"]]
    named = {row.get("instance_id", "router"): row.get("pid") for row in rows}
    return {**named, "daemon": status["pid"]}
