"""The words of a bridge for the status."""

from ocsd.bridge.condition import Condition, of_duplicate

HUB = "ws://control:8001/ws"
WELL = Condition(hub=HUB, is_connected=True, since_at=1.0)
AWAY = Condition(
    hub=HUB,
    is_connected=False,
    since_at=0.0,
    why="connection refused",
    waiting=3,
    waiting_bytes=3 * 2**20,
)


def test_a_bridge_that_is_well_says_nothing():
    assert (WELL.of_link(), WELL.of_feeds(), WELL.of_addresses()) == ("", "", "")


def test_a_hub_that_is_away_is_told_with_since_when_why_and_what_waits():
    assert AWAY.of_link() == (
        "not connected to the hub since 1970-01-01T00:00:00Z: connection refused; 3 events "
        "(3.0 MiB) for it waiting here; this host works on without it"
    )
    told = AWAY.as_json()
    assert (told["connected"], told["reason"], told["waiting"]) == (
        False,
        "connection refused",
        3,
    )


def test_what_was_dropped_is_told():
    told = Condition(hub=HUB, is_connected=True, since_at=1.0, dropped=7, dropped_here=1)
    assert "7 events for the hub, 1 for this host" in told.of_feeds()


def test_a_router_that_does_not_tell_who_subscribes_is_told_with_the_remedy():
    told = Condition(hub=HUB, is_connected=True, since_at=1.0, knows_demand=False)
    assert "all feeds of this host are sent to it" in told.of_feeds()
    assert "'wamp.subscription.'" in told.of_feeds()


def test_duplicates_are_told_with_the_other_place():
    holder = {"instance_hostname": "lab-2", "instance_pid": 41}
    text = of_duplicate("thermo1", "lab-1", holder)
    assert "'thermo1' is in use on this host (lab-1) and on lab-2 (pid 41)" in text
    assert "on another host" in of_duplicate("thermo1", "lab-1", None)
    told = Condition(hub=HUB, is_connected=True, since_at=1.0, duplicates={"thermo1": text})
    assert told.of_addresses() == text


def test_many_faults_of_addresses_are_counted():
    refused = {f"observatory.a{number}": "not authorized" for number in range(5)}
    told = Condition(hub=HUB, is_connected=True, since_at=1.0, refused=refused)
    assert told.of_addresses().endswith("; and 2 more")
    assert told.of_addresses().count("not authorized") == 3
