"""Each pair of phase and event of a connection to the router has one outcome."""

from dataclasses import replace

import pytest

from ocsd.bus.connector import RouterConnector
from ocsd.bus.reconnection import (
    LATE,
    LINK_TRANSITIONS,
    ImpossibleLinkEventError,
    LinkAction,
    LinkEvent,
    Phase,
    Reconnection,
)

AGENT = Reconnection(rejoins=True)
CLIENT = Reconnection(rejoins=False)

# Where an agent's connection goes: "." stays without an action, "!" cannot be.
TABLE = """
            idle       connecting joining    registered joined     dropping   waiting    ended
wanted      connecting !          !          !          !          !          !          !
opened      !          joining    !          !          !          !          !          ended
not_opened  !          waiting    !          !          !          !          !          .
registered  .          .          registered !          !          .          .          .
joined      .          .          joined     joined     !          .          .          .
refused     .          .          dropping   dropping   dropping   .          .          .
held        .          .          dropping   dropping   dropping   .          .          .
too_slow    .          .          dropping   .          .          .          .          .
closed      !          !          waiting    waiting    waiting    waiting    !          .
waited      .          .          .          .          .          .          connecting .
time_over   .          ended      ended      ended      .          ended      ended      .
unwanted    ended      ended      ended      ended      ended      ended      ended      .
"""
HEAD, *ROWS = (line.split() for line in TABLE.strip().splitlines())
PAIRS = [
    (Phase(phase), LinkEvent(row[0]), outcome)
    for row in ROWS
    for phase, outcome in zip(HEAD, row[1:], strict=True)
]
# A client does otherwise here.
OF_A_CLIENT = {
    (Phase.JOINED, LinkEvent.CLOSED): "idle",
    (Phase.JOINING, LinkEvent.REFUSED): "ended",
    (Phase.JOINING, LinkEvent.HELD): "ended",
    (Phase.REGISTERED, LinkEvent.REFUSED): "ended",
    (Phase.REGISTERED, LinkEvent.HELD): "ended",
    (Phase.JOINED, LinkEvent.REFUSED): "ended",
    (Phase.JOINED, LinkEvent.HELD): "ended",
}


def check(state, event, outcome):
    if outcome == "!":
        with pytest.raises(ImpossibleLinkEventError, match=f"{event} while {state.phase}"):
            state.after(event, 0.0)
    elif outcome == ".":
        assert state.after(event, 0.0) == (state, ())
    else:
        after, actions = state.after(event, 0.0)
        assert after.phase == outcome
        assert actions


def test_the_table_of_this_test_has_every_pair():
    assert len(PAIRS) == len(Phase) * len(LinkEvent)


@pytest.mark.parametrize(("phase", "event", "outcome"), PAIRS)
def test_an_agents_connection_goes_where_the_table_says(phase, event, outcome):
    check(replace(AGENT, phase=phase), event, outcome)


@pytest.mark.parametrize(("phase", "event", "outcome"), PAIRS)
def test_a_clients_connection_differs_in_loss_and_refusal(phase, event, outcome):
    check(replace(CLIENT, phase=phase), event, OF_A_CLIENT.get((phase, event), outcome))


@pytest.mark.parametrize("phase", list(Phase))
def test_an_event_either_leads_on_or_is_late(phase):
    assert not LATE[phase] & set(LINK_TRANSITIONS[phase])


def run(state, *events):
    """Return the state and the actions after events at one time."""
    actions = ()
    for event in events:
        state, actions = state.after(event, 100.0)
    return state, actions


JOINED = (
    LinkEvent.WANTED,
    LinkEvent.OPENED,
    LinkEvent.REGISTERED,
    LinkEvent.JOINED,
)


def test_failures_are_counted_until_the_addresses_are_registered():
    failure = LinkEvent.NOT_OPENED, LinkEvent.WAITED
    state, _ = run(AGENT, LinkEvent.WANTED, *failure, *failure)
    assert state.failures == 2
    state, _ = run(state, LinkEvent.OPENED, LinkEvent.CLOSED, LinkEvent.WAITED)
    assert state.failures == 3
    state, _ = run(state, LinkEvent.OPENED, LinkEvent.REGISTERED)
    assert (state.failures, state.joined) == (0, False)


def test_a_change_is_reported_first_and_once():
    state, _ = run(AGENT, LinkEvent.WANTED)
    state, actions = state.after(LinkEvent.NOT_OPENED, 0.0, "no route")
    assert actions == (LinkAction.REPORT, LinkAction.CANCEL, LinkAction.WAIT)
    state, _ = run(state, LinkEvent.WAITED)
    state, actions = state.after(LinkEvent.NOT_OPENED, 0.0, "no route")
    assert actions == (LinkAction.CANCEL, LinkAction.WAIT)
    assert state.reason == "no route"


def test_the_end_of_a_transport_does_not_hide_a_refusal():
    state, _ = run(AGENT, *JOINED)
    assert state.reason == ""
    state, _ = state.after(LinkEvent.REFUSED, 0.0, "no such realm")
    state, actions = state.after(LinkEvent.CLOSED, 0.0, "closed")
    assert state.reason == "no such realm"
    assert actions == (LinkAction.CANCEL, LinkAction.WAIT)


def test_only_an_address_that_was_ours_is_taken_by_force():
    state, _ = run(AGENT, LinkEvent.WANTED, LinkEvent.OPENED, LinkEvent.HELD)
    assert not state.force
    state, _ = run(AGENT, *JOINED, LinkEvent.CLOSED, LinkEvent.WAITED, LinkEvent.OPENED)
    assert not run(state, LinkEvent.REFUSED)[0].force
    assert run(state, LinkEvent.HELD)[0].force


def test_the_first_failure_after_the_time_limit_is_the_last():
    state = replace(AGENT, give_up_s=10.0)
    state, _ = state.after(LinkEvent.WANTED, 100.0)
    state, actions = state.after(LinkEvent.NOT_OPENED, 110.0, "no route")
    assert actions[-1] is LinkAction.WAIT
    state, _ = state.after(LinkEvent.WAITED, 110.1)
    state, actions = state.after(LinkEvent.NOT_OPENED, 110.1, "no route")
    assert state.phase is Phase.ENDED
    assert LinkAction.GIVE_UP in actions


@pytest.mark.parametrize("last", [LinkEvent.CLOSED, LinkEvent.REFUSED])
def test_the_time_limit_begins_when_the_connection_ends(last):
    state, _ = run(replace(AGENT, give_up_s=10.0), *JOINED)
    state, actions = state.after(last, 500.0)
    if last is LinkEvent.REFUSED:
        state, actions = state.after(LinkEvent.CLOSED, 509.0)
    assert actions[-1] is LinkAction.WAIT
    assert state.away_since_s == 500.0


def test_to_stop_is_not_reported_as_a_loss():
    _, actions = run(AGENT, *JOINED, LinkEvent.UNWANTED)
    assert actions == (LinkAction.CANCEL,)


def test_a_transport_that_opens_after_the_end_is_dropped():
    _, actions = run(CLIENT, LinkEvent.WANTED, LinkEvent.TIME_OVER, LinkEvent.OPENED)
    assert actions == (LinkAction.DROP,)


def test_each_action_is_a_method_of_the_connector():
    assert [action for action in LinkAction if not hasattr(RouterConnector, action)] == []
