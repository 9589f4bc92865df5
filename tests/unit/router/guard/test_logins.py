"""Logins: each is checked, those that fail too often are not, and nobody waits for them."""

from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from ocsd.access.records import Person
from ocsd.access.tickets import Login, host_key, ticket_of
from ocsd.router.guard import logins
from ocsd.router.guard.door import Admitted, Applicant, Denied, Door, Premises
from ocsd.router.guard.logins import Logins

SECRET = b"s" * 32
OTTO = Person("operator", "hash-of-right", 0.0)


class Book:
    """The people and secrets of this test."""

    def __init__(self):
        self.people = {"otto": OTTO}
        self.premises = Premises("hub", 1000, True, generations={"hub": 1}, secret=SECRET)

    def person(self, name):
        return self.people.get(name)

    def entry(self, basis):
        return self.people.get(basis.removeprefix("person "))


@pytest.fixture
def desk():
    """Logins whose passwords are checked at once, at a time that the test sets."""
    clock = SimpleNamespace(now_s=0.0, checks=0, waiting=None)

    def fits(password, known):
        clock.checks += 1
        return known == f"hash-of-{password}"

    def in_thread(function, *args):
        if clock.waiting is None:
            return maybeDeferred(function, *args)
        clock.waiting.append(Deferred().addCallback(lambda _: function(*args)))
        return clock.waiting[-1]

    made = Logins(Book(), fits, in_thread, lambda: clock.now_s)
    made.clock = clock
    return made


def result(deferred):
    found = []
    deferred.addCallback(found.append)
    return found[0] if found else None


def of(name, peer="10.0.0.9"):
    return Applicant(Door.TLS, peer, name)


def test_a_person_comes_in_with_the_password(desk):
    decision = result(desk.proven(of("otto"), "right"))
    assert decision.party == ("otto", "operator")
    assert isinstance(result(desk.proven(of("otto"), "wrong")), Denied)


def test_a_name_that_nobody_has_takes_as_long_and_is_told_the_same(desk):
    wrong = result(desk.proven(of("otto"), "wrong"))
    assert result(desk.proven(of("nemo"), "wrong")) == wrong
    assert desk.clock.checks == 2


def test_somebody_who_was_removed_during_the_check_stays_out(desk):
    desk.clock.waiting = []
    deferred = desk.proven(of("otto"), "right")
    desk.book.people.clear()
    desk.clock.waiting[0].callback(None)
    assert isinstance(result(deferred), Denied)


def test_a_thousand_attempts_cost_ten_checks(desk):
    for _ in range(1000):
        decision = result(desk.proven(of("otto"), "wrong"))
    assert "too many logins have failed; try again in 60 s" in decision.reason
    assert desk.clock.checks == 10
    # From another place the person comes in.
    assert isinstance(result(desk.proven(of("otto", "10.0.0.8"), "right")), Admitted)
    assert desk.turned_away("10.0.0.9")
    assert not desk.turned_away("10.0.0.8")
    desk.clock.now_s = 61.0
    assert isinstance(result(desk.proven(of("otto"), "right")), Admitted)


def test_attempts_at_the_same_moment_count_before_they_are_checked(desk):
    desk.clock.waiting = []
    many = [desk.proven(of("otto"), "wrong") for _ in range(100)]
    assert len([each for each in many if each.called]) == 90


def test_a_right_password_over_http_is_remembered_until_it_changes(desk):
    reported = []

    def report(admitted, peer):
        reported.append((admitted.party.role, peer))

    def ask(password="right"):
        return result(desk.over_http(of("otto"), password, report))

    assert isinstance(ask("wrong"), Denied)
    for _ in range(5):
        assert isinstance(ask(), Admitted)
    assert desk.clock.checks == 2
    desk.book.people["otto"] = Person("viewer", "hash-of-right", 1.0)
    assert ask().party.role == "viewer"
    desk.clock.now_s = logins.LOGIN_REMEMBERED_S + 1
    ask()
    assert desk.clock.checks == 4
    peer = of("otto").peer
    assert reported == [("operator", peer), ("viewer", peer), ("viewer", peer)]


def test_wrong_tickets_keep_no_right_one_out(desk):
    login = Login("thermo", "hub")
    for _ in range(100):
        assert isinstance(result(desk.proven(of("thermo@hub"), "wrong")), Denied)
    right = ticket_of(host_key(SECRET, "hub", 1), login)
    assert result(desk.proven(of("thermo@hub"), right)).party == ("thermo", "agent")


def test_a_role_that_is_none_of_a_person_stays_out(desk):
    desk.book.people["otto"] = Person("trusted", "hash-of-right", 0.0)
    assert isinstance(result(desk.proven(of("otto"), "right")), Denied)
