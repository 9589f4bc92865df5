"""Hosts are asked what a file would change, and nothing is changed by that."""

import pytest

from ocsd.cli.rollout.looking import looked, seen
from ocsd.rollout.standing import Standing
from tests.unit.cli.rollout.fake_host import NEW, NEW_DIGEST, OLD, OLD_DIGEST, FakeHost


def test_what_a_host_runs_and_what_would_change_is_seen():
    host = FakeHost()
    sight = seen(host, NEW)
    assert (sight.version, sight.file_digest, sight.used_digest) == ("1", OLD_DIGEST, OLD_DIGEST)
    assert sight.moves == {"a": "restarts"}
    assert sight.runs_router
    assert host.calls == ["status", "file", "foresee"]
    assert (host.text, host.used) == (OLD, OLD)


def test_a_host_with_a_router_of_its_own_does_not_run_that_of_the_site():
    host = FakeHost()
    report = host.status()
    report["instances"].append({**report["instances"][0], "agent_class": "Bridge"})
    host.status = lambda: report
    assert not seen(host, NEW).runs_router


def test_the_installed_version_is_asked_only_for_an_upgrade():
    assert seen(FakeHost(), NEW).installed == ""
    assert seen(FakeHost(), NEW, upgrades=True).installed == "2"


def test_a_version_that_cannot_start_is_refused():
    sight = seen(FakeHost(refused={"installed": ("half installed", 1)}), NEW, upgrades=True)
    assert (sight.standing(NEW_DIGEST), sight.refusal) == (Standing.REFUSES, "half installed")


@pytest.mark.parametrize("method", ["status", "file", "foresee"])
def test_a_host_that_does_not_answer_is_away(method):
    sight = seen(FakeHost(away=[method]), NEW)
    assert sight.standing(NEW_DIGEST) is Standing.AWAY
    assert sight.away == "no daemon of host 'lab' answers"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(78, Standing.REFUSES), (1, Standing.REFUSES), (77, Standing.AWAY), (2, Standing.AWAY)],
)
def test_a_refused_file_is_told_apart_from_a_refused_person(code, expected):
    sight = seen(FakeHost(refused={"foresee": ("why", code)}), NEW)
    assert sight.standing(NEW_DIGEST) is expected


def test_hosts_are_seen_in_their_order():
    hosts = [FakeHost(name) for name in "cab"]
    assert [sight.host for sight in looked(hosts, NEW)] == ["c", "a", "b"]
    assert looked([], NEW) == []
