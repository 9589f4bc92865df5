"""What is tried at the router by an agent or a host that somebody has taken over."""

from ocsd.access.tickets import Login, ticket_of
from tests.system.attacks.scene import (
    ALL_RIGHTS,
    CONTROLS,
    DIRECTOR,
    FORGED,
    LEVEL,
    NOT_AUTHORIZED,
    attack,
    by_agent,
    by_router,
    no_login,
    refused_operation,
    succeeded,
)
from tests.system.attacks.wire import RawSocket, Session, unix

# An agent, or code that has taken one over.


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x", target="fake-y.ops"))
def registers_the_address_of_another(scene):
    succeeded(scene.agent("fake-x").register("observatory.fake-y.ops"))


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x", target="new-one"))
def registers_an_address_that_nobody_has(scene):
    succeeded(scene.agent("fake-x").register("observatory.new-one.ops"))


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x"))
def registers_by_a_prefix(scene):
    succeeded(scene.agent("fake-x").register("observatory.fake-", match="prefix"))


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x"))
def registers_below_itself_by_a_prefix(scene):
    succeeded(scene.agent("fake-x").register("observatory.fake-x.more", match="prefix"))


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x"))
def registers_by_a_wildcard(scene):
    succeeded(scene.agent("fake-x").register("observatory..ops", match="wildcard"))


@attack("agent", NOT_AUTHORIZED, by_router("publish", "fake-x", target="fake-y.feeds.temps"))
def publishes_on_the_feed_of_another(scene):
    succeeded(scene.agent("fake-x").publish("observatory.fake-y.feeds.temps", {}, {}))


@attack("agent", NOT_AUTHORIZED, by_router("publish", "fake-x", target="fake-y.feeds.heartbeat"))
def sends_the_heartbeat_of_another(scene):
    forged = [{"session": 1, "authid": "fake-y", "authrole": "agent"}]
    topic = "observatory.fake-y.feeds.heartbeat"
    succeeded(scene.agent("fake-x").publish(topic, {}, {}, forward_for=forged))


@attack("agent", NOT_AUTHORIZED, by_router("publish", "fake-x", target=CONTROLS))
def plays_the_director(scene):
    succeeded(scene.agent("fake-x").publish(CONTROLS, ALL_RIGHTS, {}))


@attack("agent", NOT_AUTHORIZED, by_router("register", "fake-x", target="request_exclusive"))
def answers_for_the_director(scene):
    succeeded(scene.agent("fake-x").register("observatory.fake-x.request_exclusive"))


@attack("agent", NOT_AUTHORIZED, by_router("call", "fake-x", target="dome.ops"))
def starts_more_than_agents_may_start(scene):
    options = {"forward_for": FORGED}
    return refused_operation(scene.agent("fake-x"), "dome", "start", "open_roof", options=options)


@attack("agent", NOT_AUTHORIZED, no_login("fake-y@hub"))
def joins_as_another_with_its_own_ticket(scene):
    ticket = ticket_of(scene.store.host_key(), Login("fake-x", "hub"))
    link = RawSocket(unix(scene.hub.runtime / "router.sock"))
    succeeded(Session(link, name="fake-y@hub", ticket=ticket).welcome)


@attack("agent", NOT_AUTHORIZED, by_router("register", "old-1", target="fake-y"))
def registers_another_over_its_own_url(scene):
    session = Session(scene.websocket(scene.url("old-1")))
    succeeded(session.register("observatory.fake-y.ops"))


@attack("agent", NOT_AUTHORIZED, by_router("publish", "old-1", target="fake-y"))
def publishes_as_another_over_its_own_url(scene):
    session = Session(scene.websocket(scene.url("old-1")), authid="fake-y", authrole="host")
    succeeded(session.publish("observatory.fake-y.feeds.heartbeat", {}, {}))


# A host of the site that somebody has taken over.


@attack("another host", NOT_AUTHORIZED + "|instance of", no_login("fake-x@elsewhere"))
def joins_as_the_agent_of_another_host(scene):
    succeeded(scene.from_host("elsewhere", "fake-x").welcome)


@attack("another host", NOT_AUTHORIZED, by_router("publish", "elsewhere", target=CONTROLS))
def hands_out_rights(scene):
    succeeded(scene.from_host("elsewhere").publish(CONTROLS, ALL_RIGHTS, {}))


@attack("another host", NOT_AUTHORIZED, by_router("subscribe", "elsewhere", target=CONTROLS))
def listens_to_the_director(scene):
    succeeded(scene.from_host("elsewhere").subscribe(CONTROLS))


@attack("another host", NOT_AUTHORIZED, by_router("register", "elsewhere", target="agent_poll"))
def answers_agents_for_the_director(scene):
    succeeded(scene.from_host("elsewhere").register(f"observatory.{DIRECTOR}.agent_poll"))


@attack("another host", NOT_AUTHORIZED, by_router("register", "elsewhere"))
def registers_everything_by_a_prefix(scene):
    succeeded(scene.from_host("elsewhere").register("observatory.", match="prefix"))


# A host with a router of its own that somebody has taken over. Its bridge says who calls.


def _call_of(scene, name, authid, role, action="start", operation="open_roof"):
    chain = [{"session": 1, "authid": authid, "authrole": role}]
    options = {"forward_for": chain}
    session = scene.from_host(name)
    return refused_operation(session, "dome", action, operation, options=options)


@attack("another host", NOT_AUTHORIZED, by_router("call", "leaf", target="dome.ops"))
def calls_over_its_bridge_as_the_hub(scene):
    return _call_of(scene, "leaf", "hub", "host")


@attack("another host", NOT_AUTHORIZED, by_router("call", "leaf", target="dome.ops"))
def calls_over_its_bridge_as_the_agent_of_another_host(scene):
    return _call_of(scene, "leaf", "fake-x", "agent")


@attack("another host", NOT_AUTHORIZED, by_router("call", "leaf", target="dome.ops"))
def calls_over_its_bridge_as_the_bridge_of_the_router(scene):
    return _call_of(scene, "leaf", "leaf", "ocs-bridge")


@attack("another host", NOT_AUTHORIZED, by_router("call", "elsewhere", target="dome.ops"))
def calls_for_others_without_a_bridge(scene):
    return _call_of(scene, "elsewhere", "anna", "admin")


@attack("another host", NOT_AUTHORIZED, by_router("publish", "leaf", target=CONTROLS))
def hands_out_rights_over_its_bridge(scene):
    chain = [{"session": 1, "authid": DIRECTOR, "authrole": "director"}]
    succeeded(scene.from_host("leaf").publish(CONTROLS, ALL_RIGHTS, {}, forward_for=chain))


@attack("another host", NOT_AUTHORIZED, by_router("register", "leaf"))
def takes_all_calls_of_the_hub_over_its_bridge(scene):
    succeeded(scene.from_host("leaf").register("observatory.", match="prefix"))


@attack("another host", LEVEL, by_agent("start", "otto@leaf", target="dome.open_roof"))
def lets_an_operator_on_it_do_what_only_administrators_may(scene):
    return _call_of(scene, "leaf", "unix:otto", "operator")
