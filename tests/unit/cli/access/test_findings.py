"""The judgement of `ocsd access check`, fact by fact."""

import pytest

from ocsd.access.records import Identity, Person
from ocsd.cli.access.findings import Facts, Weight, judged, worst

URL = "wss://control.example:8443/ws"
KEYS = Identity("site1", "control", True, URL, 0, 1e9)
SOUND = Facts(
    host="control",
    url=URL,
    tls_url=URL,
    is_closed=True,
    interface="control.example",
    now_at=1e9,
    addresses=("10.0.0.5",),
    folder="/var/lib/ocsd/control/access",
    identity=KEYS,
    certificate_until_at=1.1e9,
    people={"vera": Person("viewer", "x", 1e9)},
    hosts=("control", "lab-2"),
    site_hosts=("control", "lab-2"),
)
OTHER = SOUND._replace(
    host="lab-2", runs_router=False, identity=Identity("site1", "lab-2", False, URL, 1, 1e9)
)


def amiss(facts):
    return [each for each in judged(facts) if each.level is not Weight.FINE]


@pytest.mark.parametrize("facts", [SOUND, OTHER])
def test_nothing_is_amiss_with_a_sound_closed_site(facts):
    assert amiss(facts) == []
    assert worst(judged(facts)) is Weight.FINE


def test_a_local_open_site_is_fine():
    facts = Facts("lab", "ws://localhost:1/ws", None, False, "127.0.0.1", 1e9, True, ("127.0.0.1",))
    assert amiss(facts) == []


@pytest.mark.parametrize(
    ("facts", "level", "text", "remedy"),
    [
        (SOUND._replace(running="open"), "problem", "the router that runs is open", "ocsd stop"),
        (SOUND._replace(people={}), "open", "nobody but the users of this", "ocsd access user add"),
        (
            SOUND._replace(hosts=("control",)),
            "open",
            "host lab-2 of the site file cannot join",
            "ocsd access host lab-2",
        ),
        (
            SOUND._replace(site_hosts=("control",)),
            "open",
            "host lab-2 may join, but the site",
            "--remove",
        ),
        (
            SOUND._replace(certificate_faults=("has expired",)),
            "problem",
            "certificate has expired",
            "rotate router",
        ),
        (
            SOUND._replace(certificate_faults=("the clock is wrong",)),
            "problem",
            "clock is wrong",
            "correct the clock",
        ),
        (
            SOUND._replace(addresses=("127.0.1.1",)),
            "problem",
            "control.example is 127.0.1.1 on this machine",
            "listen: ADDRESS",
        ),
        (
            SOUND._replace(addresses=()),
            "problem",
            "is no address of this machine",
            "listen: ADDRESS",
        ),
        (
            SOUND._replace(identity=None),
            "problem",
            "host control has no keys in /var",
            "ocsd access init",
        ),
        (
            OTHER._replace(identity=None),
            "problem",
            "host lab-2 has no keys",
            "ocsd access host lab-2",
        ),
        (
            SOUND._replace(troubles=("x has mode 0644",), identity=None),
            "problem",
            "x has mode 0644",
            "",
        ),
        (
            SOUND._replace(host="other"),
            "problem",
            "are those of host 'control', and this is 'other'",
            "name the host",
        ),
        (
            SOUND._replace(runs_router=False),
            "problem",
            "with the router, which is elsewhere now",
            "remove /var",
        ),
        (
            OTHER._replace(runs_router=True),
            "problem",
            "without the router, which runs here now",
            "remove /var",
        ),
        (
            OTHER._replace(tls_url="wss://x/ws"),
            "problem",
            "the site file has wss://x/ws",
            "take a new bundle",
        ),
        (OTHER._replace(router_fault="the router is not reached"), "problem", "is not reached", ""),
        (
            OTHER._replace(clock_off_s=-86400.0),
            "problem",
            "differ by -86400 s",
            "correct the clock",
        ),
        (
            SOUND._replace(is_closed=False),
            "open",
            "whoever reaches wss",
            f"closed, wamp_server: {URL}",
        ),
    ],
)
def test_each_thing_that_is_amiss_has_its_remedy(facts, level, text, remedy):
    (found,) = amiss(facts)
    assert found.level == level
    assert text in found.text
    assert remedy in found.remedy


def test_of_lists_that_cannot_be_read_nothing_is_said():
    facts = SOUND._replace(troubles=("users.json has mode 0644",), people={}, hosts=())
    assert [each.text for each in amiss(facts)] == ["users.json has mode 0644"]


def test_the_worst_finding_counts():
    facts = SOUND._replace(people={}, certificate_faults=("has expired",))
    assert worst(judged(facts)) is Weight.PROBLEM


def test_who_joins_the_open_way_is_named_latest_first():
    joins = {
        "agent a": {"count": 1, "last_at": 1.0},
        "ocsbow (simon@grumpy)": {"count": 2, "last_at": 2.0, "peer": "tcp4:10.0.0.9:1"},
    }
    facts = SOUND._replace(
        is_closed=False, interface="127.0.0.1", addresses=("127.0.0.1",), joins=joins
    )
    first, second = amiss(facts)
    assert first.text.startswith("ocsbow (simon@grumpy) joined without a login 2 times")
    assert "client-url" in first.remedy
    assert "agent-url a" in second.remedy
