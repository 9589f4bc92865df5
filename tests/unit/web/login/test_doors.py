"""Who may come in at the page of a closed site."""

import json
from dataclasses import dataclass, field

import pytest
from twisted.internet.defer import Deferred, succeed

from ocsd.audit.entry import AuditKind
from ocsd.audit.notes import AUDIT_KEY, Notes, decode_entries
from ocsd.errors import UsageError
from ocsd.system.notify import Delivery
from ocsd.web.login.attempts import OF_ADDRESS, OF_NAME_HERE, LoginAttempts
from ocsd.web.login.doors import (
    ClosedDoors,
    Knock,
    LoginNeededError,
    OpenDoors,
    TooManyAttemptsError,
    Trusted,
)
from ocsd.web.login.sessions import LOGIN_IDLE_LIMIT_S, LONGEST_LOGIN_S, LoginSessions
from ocsd.web.login.viewer import ForbiddenError, Viewer, check_role, may


@dataclass
class World:
    """A page of a closed site, its people and a clock."""

    path: object
    now_at: float = 1000.0
    roles: dict = field(default_factory=lambda: {"vera": "viewer", "otto": "operator"})
    since_at: dict = field(default_factory=dict)
    checks: int = 0
    told: list = field(default_factory=list)
    trusted: Trusted = field(default_factory=lambda: Trusted(("10.0.0.0/8",)))

    def __post_init__(self):
        self.open()

    def open(self):
        notes = Notes(AuditKind.LOGIN, self.take, lambda: self.now_at, lambda: self.now_at)
        sessions = LoginSessions(self.path / "logins" / "logins.json", lambda: self.now_at)
        self.doors = ClosedDoors(
            self, sessions, self.trusted, self, notes, "ocsd-lab", clock=lambda: self.now_at
        )

    def take(self, **fields):
        self.told += decode_entries(fields[AUDIT_KEY])
        return Delivery.DONE

    # The people, and the threads that check passwords

    def checked(self, name, password):
        self.checks += 1
        return self.roles.get(name) if password == "right" else None

    def role_now(self, name, since_at, role):
        if self.since_at.get(name, 0.0) > since_at:
            return None
        return self.roles.get(name)

    def do(self, function, *args):
        return succeed(function(*args))

    # What a browser does

    def log_in(self, name="vera", password="right", address="192.0.2.7"):
        outcome = []
        knock = Knock(address, lambda _: "")
        found = Deferred.fromCoroutine(self.doors.log_in(name, password, knock))
        found.addBoth(outcome.append)
        [result] = outcome
        if hasattr(result, "raiseException"):
            result.raiseException()
        return result[1]

    def viewer(self, cookie="", address="192.0.2.7", **headers):
        named = {"cookie": cookie.partition(";")[0], **headers}
        return self.doors.viewer(Knock(address, lambda name: named.get(name.replace("-", "_"), "")))

    def audit(self):
        self.doors.notes.send()
        told, self.told = self.told, []
        return [(each.action, each.outcome, each.person or each.target) for each in told]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_nobody_is_in_without_a_login(world):
    assert world.viewer() is None
    assert world.viewer("ocsd-lab=guessed") is None
    assert world.viewer("x=y; =; ;;; ocsd-lab=") is None


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get(world):
    cookie = world.log_in()
    for word in ("HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert world.viewer(cookie)[:3] == ("vera", "viewer", "192.0.2.7")
    assert world.audit() == [("login", "done", "vera")]


def test_a_wrong_password_and_an_unknown_name_get_the_same_words(world):
    texts = set()
    for name in ("vera", "nobody"):
        with pytest.raises(LoginNeededError) as caught:
            world.log_in(name, "wrong")
        texts.add(str(caught.value))
    assert len(texts) == 1
    assert world.checks == 2
    assert world.audit() == [("login", "refused", "vera"), ("login", "refused", "nobody")]


@pytest.mark.parametrize(("name", "password"), [("", "x"), (7, "x"), ("vera", None)])
def test_a_login_without_name_or_password_is_refused(world, name, password):
    with pytest.raises(UsageError, match="NAME"):
        world.log_in(name, password)


def test_logins_outlast_a_restart_and_the_file_has_no_token(world):
    cookie = world.log_in()
    token = cookie.partition("=")[2].partition(";")[0]
    path = world.path / "logins" / "logins.json"
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    world.open()
    assert world.viewer(cookie).person == "vera"


def test_a_file_of_logins_that_others_may_read_is_not_used(world):
    cookie = world.log_in()
    (world.path / "logins" / "logins.json").chmod(0o644)
    world.open()
    assert world.viewer(cookie) is None
    assert "mode 0644" in world.doors.sessions.trouble


def test_a_login_is_over_after_a_logout_and_after_a_time(world):
    cookie = world.log_in()
    world.doors.log_out(world.viewer(cookie))
    assert world.viewer(cookie) is None
    assert world.audit() == [("login", "done", "vera"), ("logout", "done", "vera")]
    cookie = world.log_in()
    world.now_at += LOGIN_IDLE_LIMIT_S - 1
    assert world.viewer(cookie) is not None
    world.now_at += LOGIN_IDLE_LIMIT_S - 1
    assert world.viewer(cookie) is not None
    world.now_at += LOGIN_IDLE_LIMIT_S + 1
    assert world.viewer(cookie) is None


def test_a_login_does_not_last_for_ever(world):
    cookie = world.log_in()
    end_at = world.now_at + LONGEST_LOGIN_S
    while world.now_at + LOGIN_IDLE_LIMIT_S / 2 < end_at:
        world.now_at += LOGIN_IDLE_LIMIT_S / 2
        assert world.viewer(cookie) is not None
    world.now_at = end_at + 1
    assert world.viewer(cookie) is None


def test_who_is_removed_or_has_another_role_or_password_is_that_at_once(world):
    cookie = world.log_in()
    viewer = world.viewer(cookie)
    assert world.doors.still(viewer)
    world.roles["vera"] = "admin"
    assert not world.doors.still(viewer)
    assert world.viewer(cookie).role == "admin"
    world.since_at["vera"] = world.now_at + 1
    assert world.viewer(cookie) is None
    world.since_at.clear()
    cookie = world.log_in()
    del world.roles["vera"]
    assert world.viewer(cookie) is None


def test_a_thousand_tries_check_few_passwords_and_are_two_lines_of_audit(world):
    for _ in range(1000):
        with pytest.raises((LoginNeededError, TooManyAttemptsError)):
            world.log_in("vera", "wrong")
        world.now_at += 0.001
    assert world.checks <= OF_NAME_HERE.at_once + 1
    world.now_at += 60
    assert world.audit()[0] == ("login", "refused", "vera")
    assert len(world.told) <= 4
    # Vera herself, at another address, is not locked out.
    assert world.log_in("vera", "right", "192.0.2.8")


def test_many_names_from_one_address_are_limited_as_well():
    attempts = LoginAttempts()
    taken = [attempts.take(f"user{n}", "192.0.2.7", 0.0) == 0 for n in range(100)]
    assert sum(taken) == OF_ADDRESS.at_once
    assert attempts.take("vera", "192.0.2.7", 0.0) > 0
    assert attempts.take("vera", "192.0.2.8", 0.0) == 0
    assert attempts.take("vera", "192.0.2.7", OF_ADDRESS.each_s + 0.1) == 0


def test_a_web_server_is_believed_if_the_site_file_names_it(world):
    told = {"x_remote_user": "otto", "x_forwarded_for": "203.0.113.9, 192.0.2.55"}
    assert world.viewer(address="10.1.2.3", **told) == Viewer("otto", "operator", "192.0.2.55")
    assert world.viewer(address="192.0.2.7", **told) is None
    assert world.viewer(address="127.0.0.1", **told) is None
    assert world.viewer(address=None, **told) is None
    with pytest.raises(ForbiddenError, match="mallory is not among the people"):
        world.viewer(address="10.1.2.3", x_remote_user="mallory")
    assert world.audit() == [("login", "refused", "mallory")]
    # IPv4 in IPv6, as sockets for both have it
    assert world.viewer(address="::ffff:10.1.2.3", **told).person == "otto"


def test_the_web_server_at_the_socket_is_believed_if_the_site_file_says_so(tmp_path):
    world = World(tmp_path, trusted=Trusted(("unix",)))
    assert world.viewer(address=None, x_remote_user="otto").person == "otto"
    assert world.viewer(address="127.0.0.1", x_remote_user="otto") is None


def test_an_open_site_lets_everybody_in_and_believes_nobody_by_tcp():
    doors = OpenDoors(Trusted(by_socket=True))
    headers = {"x-remote-user": "otto", "x-forwarded-for": "192.0.2.55"}
    by_tcp = doors.viewer(Knock("127.0.0.1", lambda name: headers.get(name, "")))
    by_socket = doors.viewer(Knock(None, lambda name: headers.get(name, "")))
    assert by_tcp == Viewer("", "", "this machine")
    assert by_socket.words == "otto of the page, from 192.0.2.55"
    assert by_socket.caller() is None


def test_each_role_may_do_what_those_before_it_may():
    assert [may("operator", each) for each in ("viewer", "operator", "expert", "admin")] == [
        *(True, True, False, False)
    ]
    assert not may("agent", "viewer")
    with pytest.raises(ForbiddenError, match="needs the role operator, and vera is viewer"):
        check_role(Viewer("vera", "viewer"), "operator", "restart")


def test_what_is_kept_of_a_login_is_plain(world):
    world.log_in()
    [row] = json.loads((world.path / "logins" / "logins.json").read_text()).values()
    assert set(row) == {"person", "role", "since_at", "seen_at", "address"}
