"""The table of attacks: each is refused and is in the audit, and the site goes on."""

import contextlib
import re

import pytest

from tests.system import namespaces
from tests.system.attacks import as_agent, by_force, on_machine, on_page, on_router, secrets  # noqa: F401 # rows
from tests.system.attacks.scene import TABLE, SucceededError, pids
from tests.system.attacks.wire import RefusedError
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]


def samples(scene):
    """Return the numbers of samples of the feeds that have some each second."""
    counted = scene.hub.recorded()
    return {feed: number for feed, number in counted.items() if ".fake-" in feed}


def test_the_table_has_forty_attacks_with_different_names():
    assert len({attack.name for attack in TABLE}) == len(TABLE) >= 40
    whos = {attack.who for attack in TABLE}
    assert whos >= {
        "stranger",
        "viewer",
        "operator",
        "agent",
        "another user of the machine",
        "another host",
    }


@pytest.mark.parametrize("attack", TABLE, ids=str)
def test_it_is_refused(scene, attack):
    try:
        words = scene.attempt(attack)
    except SucceededError as error:
        pytest.fail(f"the attack succeeded: {error}")
    except (RefusedError, OSError) as error:
        words = f"{type(error).__name__}: {error}"
    assert re.search(attack.refused, words, re.IGNORECASE), words
    assert "Traceback" not in words


@pytest.fixture(scope="module")
def audited(scene):
    """The scene, once the entries of all rows are there, or have had the time to come."""
    tried = [each for each in TABLE if each.audit and each.name in scene.begun_at]
    with contextlib.suppress(pytest.fail.Exception):
        wait_until(lambda: all(map(scene.in_audit, tried)), "all entries", limit_s=25)
    return scene


@pytest.mark.parametrize("attack", [each for each in TABLE if each.audit], ids=str)
def test_it_is_in_the_audit(audited, attack):
    assert attack.name in audited.begun_at, "it was not tried"
    assert audited.in_audit(attack), f"{attack} is not in the audit"
    [*_, entry] = audited.in_audit(attack)
    assert entry["reason"]
    assert len(entry["reason"]) < 400
    assert not set(entry["reason"]) & set("\n\x1b")


def test_the_audit_is_whole_after_all_that(scene):
    done = scene.hub.ocsd("audit", "--verify", "--host", "hub")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_goes_on(scene):
    """All are the processes that they were, and answer and record."""
    assert pids(scene) == scene.pids
    assert scene.hub.is_well()
    before = samples(scene)
    assert before
    wait_until(
        lambda: all(samples(scene)[feed] > number for feed, number in before.items()),
        "more samples",
    )
    answer = scene.person("otto").call("observatory.dome.ops", "start", "look")
    assert answer[0][0][0] == 0, answer
