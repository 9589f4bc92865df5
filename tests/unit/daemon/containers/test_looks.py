"""What is remembered of containers between two looks."""

import json

from ocsd.containers.engine import EngineSocket
from ocsd.daemon.containers.engine import Engine
from ocsd.daemon.containers.looks import Looks


class Clock:
    """A reactor that never calls."""

    def callLater(self, _delay_s, _call):
        return None


def died(container_id, code):
    actor = {"ID": container_id, "Attributes": {"exitCode": str(code)}}
    return json.dumps({"Action": "die", "Actor": actor}).encode() + b"\n"


def test_ends_of_other_peoples_containers_are_forgotten_and_ours_once_they_are_told():
    looks = Looks(Clock(), Engine(None, EngineSocket("")), list, lambda: None)
    looks._known = {"ours": None}
    looks._heard(died("ours", 7) + died("theirs", 1))
    looks._forget_all_but(set())
    assert looks.died_with == {"ours": 7}
    looks._forget_all_but(set())
    assert looks.died_with == {}
