"""client_t: requests over a WAMP session."""

from autobahn.exception import PayloadExceededError
from twisted.internet.defer import Deferred

from ocsd.client_t import TaskClient


class App:
    """A session whose messages have at most 1000 characters."""

    def call(self, address, *args, **kwargs):
        if len(str(kwargs)) > 1000:
            raise PayloadExceededError("too large")
        return Deferred()


def test_params_that_no_message_can_carry_fail_at_once():
    failures = []
    asked = TaskClient(App(), "observatory.dev1", "init").start({"text": "x" * 2000})
    asked.addErrback(failures.append)
    assert failures[0].check(PayloadExceededError)
