"""A closed site with three hosts on this machine, shared by the tests of this folder."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from ocsd.access import making, passwords
from ocsd.access.private_files import make_folder
from ocsd.access.records import AdmittedHost, CapabilityUrl, Identity, Person
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, host_key, ticket_of
from ocsd.client.http import ControlClient
from ocsd.system.entrance import Credentials
from tests.system.conftest import NO_PAGE, Site, a_site, fake_agent
from tests.system.waiting import free_port

PASSWORD = "a-password-of-a-test"
SECRETS = {"published": "a" * 32, "looking": "b" * 32, "script": "c" * 32}


@dataclass
class ClosedSite(Site):
    """A site whose hub is closed, with keys, people and capability URLs."""

    people: dict = field(default_factory=dict)

    @property
    def url(self):
        return f"localhost:{self.port}"

    @property
    def store(self):
        return AccessStore(self.folder / "state" / "hub" / "access")

    @property
    def socket(self):
        return str(self.folder / "run" / "hub" / "router.sock")

    @property
    def ca_file(self):
        return str(self.store.authority_file)

    def write(self, *instances, host="hub", **keys):
        """Write the site file, with these instances on a host."""
        self.hosts[host] = {"web": NO_PAGE, **keys, "agent-instances": list(instances)}
        hub = {"access": "closed", "wamp_server": f"wss://{self.url}/ws"}
        self.file.write_text(yaml.safe_dump({"hub": hub, "hosts": self.hosts}))

    def make_keys(self):
        """Make the keys of the hub and of the other hosts, four people and three URLs."""
        now_at = time.time()
        self.store.folder.parent.mkdir(parents=True)
        making.make_site(self.store.folder, "hub", f"wss://{self.url}/ws", (), now_at)
        others = {name: AdmittedHost(1, now_at) for name in ("far", "leaf")}
        self.store.change_hosts(lambda hosts: hosts.update(others))
        known = passwords.hashed(PASSWORD)
        roles = {"vera": "viewer", "otto": "operator", "xenia": "expert", "gone": "operator"}
        people = {name: Person(role, known, now_at) for name, role in roles.items()}
        self.store.change_people(lambda listed: listed.update(people))
        urls = {
            "published": CapabilityUrl("agent", "agent", "pub", SECRETS["published"], now_at),
            "looking": CapabilityUrl("client", "viewer", "looking", SECRETS["looking"], now_at),
            "script": CapabilityUrl("client", "operator", "script", SECRETS["script"], now_at),
        }
        self.store.change_urls(lambda listed: listed.update(urls))
        for name in others:
            self._make_keys_of(name)

    def _make_keys_of(self, name):
        store = AccessStore(self.folder / "state" / name / "access")
        store.folder.parent.mkdir(parents=True)
        make_folder(store.folder)
        store.write_authority_certificate(self.store.authority_certificate())
        store.write_host_key(host_key(self.store.secret(), name))
        hub = self.store.identity()
        identity = {**hub.as_json(), "host": name, "is_hub": False, "generation": 1}
        store.write_identity(Identity.of_json(identity))

    def ticket(self, instance_id, host="hub"):
        """Return the credentials of an agent."""
        login = Login(instance_id, host)
        generation = self.store.hosts()[host].generation
        key = host_key(self.store.secret(), host, generation)
        return Credentials(str(login), ticket_of(key, login))

    def client(self, name, url=None):
        """Return a client of an agent, of whoever the environment of the test says."""
        return ControlClient(f"observatory.{name}", url or f"https://{self.url}/call")


@pytest.fixture(scope="package")
def closed():
    """The closed site; its hub runs the router and an agent, its host `far` another agent."""
    with a_site(free_port()) as plain:
        # A test reads the environments with which the processes have begun.
        site = ClosedSite(plain.folder, plain.port, forks_daemons=False)
        plain.daemons = site.daemons  # what it starts is cleared with it
        site.make_keys()
        site.write(fake_agent("thermo"), crossbar={})
        site.write(fake_agent("distant"), host="far")
        # `test_leaf.py` starts this one.
        own = {"router": "local", "wamp_server": f"wss://127.0.0.1:{free_port()}/ws"}
        site.write(fake_agent("outpost"), host="leaf", **own)
        # Hosts are machines; here they are folders.
        site.bring_up("hub")
        site.bring_up("far")
        yield site


@pytest.fixture
def logged_in(closed, monkeypatch, tmp_path):
    """Return a function that lets clients of this process log in as a person."""
    password = tmp_path / "password"
    monkeypatch.setenv("OCSD_CA_FILE", closed.ca_file)
    monkeypatch.setenv("OCSD_PASSWORD_FILE", str(password))
    # The sockets and keys of hosts are not for people elsewhere.
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    def log_in(name, word=PASSWORD):
        password.write_text(word)
        password.chmod(0o600)
        monkeypatch.setenv("OCSD_USER", name)

    return log_in


@pytest.fixture
def folder_of_another(tmp_path):
    """A folder in which nothing of the site is."""
    return Path(tmp_path)
