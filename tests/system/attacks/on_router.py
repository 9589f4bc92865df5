"""What is tried at the router, by strangers, people and agents."""

import time

from tests.system.attacks.scene import (
    ALL_RIGHTS,
    CONTROLS,
    DIRECTOR,
    FORGED,
    LEVEL,
    NOT_AUTHORIZED,
    SucceededError,
    attack,
    basic,
    by_agent,
    by_router,
    no_login,
    refused,
    refused_operation,
    succeeded,
)
from tests.system.attacks.wire import CALL, RefusedError, Session, WebSocket

# A stranger.


@attack("stranger", NOT_AUTHORIZED, no_login())
def joins_without_a_login(scene):
    succeeded(Session(scene.websocket()).welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("otto"))
def guesses_a_password(scene):
    succeeded(Session(scene.websocket(), name="otto", ticket="otto").welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("nobody-of-this-name"))
def names_somebody_who_does_not_exist(scene):
    succeeded(Session(scene.websocket(), name="nobody-of-this-name", ticket="otto").welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("fake-x@hub"))
def guesses_the_ticket_of_an_agent(scene):
    succeeded(Session(scene.websocket(), name="fake-x@hub", ticket="A" * 43).welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("@hub"))
def guesses_the_ticket_of_the_host(scene):
    succeeded(Session(scene.websocket(), name="@hub", ticket="").welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("@elsewhere"))
def claims_to_be_a_host_that_nobody_has_admitted(scene):
    succeeded(Session(scene.websocket(), name="@elsewhere", ticket="A" * 43).welcome)


@attack("stranger", NOT_AUTHORIZED, no_login("<img src=x onerror=alert"))
def has_html_in_its_name(scene):
    name = "<img src=x onerror=alert(1)>\n\x1b[31m"
    succeeded(Session(scene.websocket(), name=name, ticket="x").welcome)


@attack("stranger", NOT_AUTHORIZED, no_login())
def asks_for_the_role_of_an_administrator(scene):
    succeeded(Session(scene.websocket(), authrole="admin", authid="anna").welcome)


@attack("stranger", NOT_AUTHORIZED, no_login())
def asks_for_a_way_to_log_in_that_is_not_offered(scene):
    methods = ["anonymous-proxy", "cookie", "scram", "cryptosign-proxy"]
    succeeded(Session(scene.websocket(), authid="anna", authmethods=methods).welcome)


@attack("stranger", "no_such_realm", None)
def joins_another_realm(scene):
    password = scene.passwords["otto"]
    succeeded(Session(scene.websocket(), name="otto", ticket=password, realm="crossbar").welcome)


@attack("stranger", "closed|protocol|1002", None)
def calls_before_it_has_joined(scene):
    link = scene.websocket()
    link.send([CALL, 1, {}, "observatory.dome.ops", ["start", "look"], {}])
    succeeded(link.receive())


@attack("stranger", "404|closed", None)
def guesses_the_path_of_an_agent(scene):
    for path in ("/k-" + "0" * 64, "/c-" + "0" * 64, "/k-", "/"):
        try:
            succeeded(Session(scene.websocket(path)).welcome)
        except RefusedError as error:
            words = str(error)
    return words


@attack("stranger", "40[134]", None)
def guesses_the_path_of_the_bridge(scene):
    body = {"procedure": "observatory.dome.ops", "args": ["start", "look"]}
    return refused(scene.http("POST", "/call-" + "0" * 64, body), 401, 403, 404)


@attack("stranger", "40[13]", no_login(action="call"))
def calls_over_http_without_a_login(scene):
    body = {"procedure": "observatory.dome.ops", "args": ["start", "look"]}
    return refused(scene.http("POST", "/call", body), 401, 403)


@attack("stranger", "40[13]", no_login("otto", "call"))
def calls_over_http_with_a_guessed_password(scene):
    body = {"procedure": "observatory.dome.ops", "args": ["start", "look"]}
    login = basic("otto", "guessed")
    return refused(scene.http("POST", "/call", body, Authorization=login), 401, 403)


@attack("stranger", "closed|Error|reset", None)
def speaks_ws_instead_of_wss(scene):
    plain = scene.elsewhere.connect(scene.hub.address, 8443)
    succeeded(Session(WebSocket(plain, "/ws")).welcome)


@attack("stranger", "only the router and the page", None)
def looks_for_another_open_port(scene):
    listening = scene.hub.checked("cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    rows = [line.split() for line in listening if ":" in line]
    ports = {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}
    anywhere = [row[1] for row in rows if row[3] == "0A" and set(row[1].partition(":")[0]) == {"0"}]
    if ports - {8443, 8002} or anywhere:
        succeeded(f"ports {ports}, everywhere {anywhere}")
    return "only the router and the page"


# Somebody who may look.


@attack("viewer", LEVEL, by_agent("start", "vera", target="dome.look"))
def starts_an_operation(scene):
    return refused_operation(scene.person("vera"), "dome", "start", "look")


@attack("viewer", LEVEL, by_agent("stop", "vera", target="dome.turn"))
def stops_an_operation(scene):
    return refused_operation(scene.person("vera"), "dome", "stop", "turn")


@attack("viewer", NOT_AUTHORIZED, by_router("call", "vera", target="dome.ops"))
def calls_in_the_name_of_an_administrator(scene):
    options = {"forward_for": FORGED}
    return refused_operation(scene.person("vera"), "dome", "start", "open_roof", options=options)


@attack("viewer", LEVEL, by_agent("start", "vera", target="dome.aim"))
def says_itself_for_whom_it_calls(scene):
    caller = {"person": "anna", "role": "admin", "address": ""}
    return refused_operation(scene.person("vera"), "dome", "start", "aim", caller=caller)


@attack("viewer", LEVEL, by_agent("abort", "vera", target="fake-x"))
def aborts_a_task(scene):
    return refused_operation(scene.person("vera"), "fake-x", "abort", "delay_task")


@attack("viewer", LEVEL + "|" + NOT_AUTHORIZED, {"outcome": "refused", "person": "vera"})
def ends_the_host_manager(scene):
    return refused_operation(scene.person("vera"), "hm-hub", "start", "die")


@attack("viewer", LEVEL + "|" + NOT_AUTHORIZED, {"outcome": "refused", "person": "vera"})
def stops_agents_by_the_host_manager(scene):
    requests = {"requests": [["all", "down"]]}
    session = scene.person("vera")
    answer = session.call("observatory.hm-hub.ops", "start", "update", requests)[0][0]
    if answer[0] == 0:
        succeeded(answer)
    return answer[1]


@attack("viewer", LEVEL + "|" + NOT_AUTHORIZED, {"outcome": "refused", "person": "vera"})
def ends_the_recording(scene):
    return refused_operation(scene.person("vera"), "aggregator", "stop", "record")


@attack("operator", LEVEL + "|" + NOT_AUTHORIZED, {"outcome": "refused", "person": "otto"})
def ends_the_director(scene):
    return refused_operation(scene.person("otto"), DIRECTOR, "stop", "manager")


@attack("viewer", NOT_AUTHORIZED, by_router("publish", "vera", target=CONTROLS))
def publishes_controls(scene):
    succeeded(scene.person("vera").publish(CONTROLS, ALL_RIGHTS, {}))


@attack("viewer", NOT_AUTHORIZED, by_router("publish", "vera", target="fake-x.feeds.heartbeat"))
def publishes_in_the_name_of_an_agent(scene):
    topic = "observatory.fake-x.feeds.heartbeat"
    succeeded(scene.person("vera").publish(topic, [{}, {}], forward_for=FORGED))


@attack("viewer", NOT_AUTHORIZED, by_router("register", "vera", target="dome.ops"))
def registers_in_the_name_of_an_agent(scene):
    succeeded(scene.person("vera").register("observatory.dome.ops", forward_for=FORGED))


@attack("viewer", NOT_AUTHORIZED, by_router("subscribe", "vera", target=CONTROLS))
def reads_controls(scene):
    succeeded(scene.person("vera").subscribe(CONTROLS))


@attack("viewer", NOT_AUTHORIZED, by_router("subscribe", "vera", target=CONTROLS))
def reads_controls_in_the_name_of_an_agent(scene):
    forged = [{"session": 1, "authid": "fake-x", "authrole": "agent"}]
    succeeded(scene.person("vera").subscribe(CONTROLS, forward_for=forged))


@attack("viewer", "nothing of controls", None)
def reads_controls_by_a_prefix(scene):
    return _hears_no_controls(scene, "observatory.", "prefix")


@attack("viewer", "nothing of controls", None)
def reads_controls_by_a_wildcard(scene):
    return _hears_no_controls(scene, "observatory..feeds.controls", "wildcard")


@attack("viewer", "nothing of controls", None)
def reads_controls_by_the_prefix_of_the_topic_itself(scene):
    return _hears_no_controls(scene, CONTROLS, "prefix")


@attack("viewer", "wamp.*error|not_authorized|no_such", None)
def asks_the_router_about_other_sessions(scene):
    succeeded(scene.person("vera").call("wamp.session.list"))


@attack("viewer", "wamp.*error|not_authorized|no_such", None)
def ends_the_sessions_of_others(scene):
    succeeded(scene.person("vera").call("wamp.session.kill_by_authid", "fake-x"))


# Somebody who may operate.


@attack("operator", LEVEL, by_agent("start", "otto", target="dome.aim"))
def starts_what_only_experts_may(scene):
    return refused_operation(scene.person("otto"), "dome", "start", "aim")


@attack("operator", NOT_AUTHORIZED, by_router("call", "otto", target="dome.ops"))
def starts_what_only_administrators_may_in_their_name(scene):
    options = {"forward_for": [*FORGED, *FORGED]}
    return refused_operation(scene.person("otto"), "dome", "start", "open_roof", options=options)


@attack("operator", LEVEL, by_agent("start", "otto", target="vault.aim"))
def guesses_the_password_of_a_grant(scene):
    return refused_operation(scene.person("otto"), "vault", "start", "aim", password="guessed")


@attack("operator", NOT_AUTHORIZED, by_router("publish", "otto", target=CONTROLS))
def gives_itself_all_rights(scene):
    succeeded(scene.person("otto").publish(CONTROLS, ALL_RIGHTS, {}))


@attack("operator", NOT_AUTHORIZED, by_router("register", "otto", target="agent_poll"))
def stands_in_for_the_director(scene):
    succeeded(scene.person("otto").register(f"observatory.{DIRECTOR}.agent_poll"))


@attack("operator", NOT_AUTHORIZED, by_router("register", "otto", target="fake-z"))
def runs_an_agent(scene):
    succeeded(scene.person("otto").register("observatory.fake-z.ops"))


@attack("operator", "40[13]|credential level", by_agent("start", "otto", target="dome.open_roof"))
def forges_its_name_over_http(scene):
    body = {
        "procedure": "observatory.dome.ops",
        "args": ["start", "open_roof"],
        "kwargs": {"options": {"forward_for": FORGED}},
        "options": {"forward_for": FORGED},
    }
    login = basic("otto", scene.passwords["otto"])
    status, _, answer = scene.http("POST", "/call", body, Authorization=login)
    if "Started" in answer:
        raise SucceededError(answer)
    return f"{status} {answer}"


@attack("operator", NOT_AUTHORIZED, no_login("oscar"))
def logs_in_after_it_was_removed(scene):
    scene.add_person("oscar", "operator")
    scene.first_login("oscar")
    scene.access("user", "remove", "oscar")
    for _ in range(50):  # the router looks once a second
        welcome = scene.person("oscar").welcome
        time.sleep(0.1)
    succeeded(welcome)


@attack("operator", NOT_AUTHORIZED + "|closed", None)
def goes_on_after_it_was_removed(scene):
    scene.add_person("olga", "operator")
    session = scene.first_login("olga")
    scene.access("user", "remove", "olga")
    for _ in range(100):
        _wait_a_moment(session)
        code, message, _ = session.call("observatory.dome.ops", "start", "look")[0][0]
        if code != 0 and "already" not in message:
            return message
    raise SucceededError("it still operates 10 s later")


def _hears_no_controls(scene, pattern, match):
    """Subscribe to a pattern, let the director speak, and return what was heard in words."""
    session = scene.person("vera")
    session.subscribe(pattern, match=match)
    director, operation = scene.person("anna"), (f"observatory.{DIRECTOR}.ops", "reload_config")
    for action in ("start", "wait"):
        director.call(operation[0], action, operation[1], timeout=10)
    for event in session.events_within(2):
        if "rules" in str(event):
            raise SucceededError(str(event))
    return "nothing of controls"


def _wait_a_moment(session):
    session.events_within(0.1)
    session.link.connection.settimeout(20)
