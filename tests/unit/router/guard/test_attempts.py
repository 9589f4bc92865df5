"""Failed logins are counted in windows of time, and never without a bound."""

from ocsd.router.guard import attempts
from ocsd.router.guard.attempts import Attempts, FailureLimit


def test_whoever_fails_too_often_waits_until_the_window_is_over():
    tried = Attempts(FailureLimit(3, 60.0))
    for second in range(3):
        assert tried.wait_s("otto", second) == 0
        tried.failed("otto", second)
    assert tried.wait_s("otto", 10) == 50
    assert tried.wait_s("vera", 10) == 0
    assert tried.wait_s("otto", 60) == 0
    assert tried.failed("otto", 60) == 1


def test_success_forgets_and_an_excuse_takes_one_back():
    tried = Attempts(FailureLimit(2, 60.0))
    tried.failed("otto", 0)
    tried.failed("otto", 0)
    tried.excused("otto")
    assert tried.wait_s("otto", 1) == 0
    tried.failed("otto", 1)
    tried.succeeded("otto")
    assert tried.wait_s("otto", 1) == 0
    tried.excused("nobody")


def test_the_oldest_are_forgotten_first(monkeypatch):
    monkeypatch.setattr(attempts, "MOST_KEYS", 2)
    tried = Attempts(FailureLimit(1, 60.0))
    for name in "abc":
        tried.failed(name, 0)
    assert [tried.wait_s(name, 1) > 0 for name in "abc"] == [False, True, True]
