"""The models of a site: what they accept, and that JSON keeps them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ocsd.site import advice
from ocsd.site.launch import Launch
from ocsd.site.model import Crossbar, Host, Hub, Instance, Manage, Site
from ocsd.site.values.told import ToldLaunch, current, set_current
from ocsd.system.classes import BRIDGE_CLASS
from ocsd.system.entrance import Credentials

IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,20}", fullmatch=True)
INSTANCES = st.builds(
    Instance,
    instance_id=IDS,
    agent_class=st.just("FakeDataAgent"),
    manage=st.sampled_from(Manage),
    arguments=st.lists(st.text(max_size=10)).map(tuple),
    restart=st.sampled_from(["always", "on-failure", "never"]),
    line=st.none() | st.integers(1, 1000),
)


def a_hub(**changes):
    return Hub(**{"wamp_server": "ws://localhost:8001/ws", **changes})


@given(INSTANCES, st.none() | st.builds(Crossbar, bin=st.none() | st.text()))
def test_json_keeps_a_site(instance, crossbar):
    host = Host(name="grumpy", crossbar=crossbar, instances=(instance,))
    site = Site(hub=a_hub(), hosts={"grumpy": host}, path="/etc/ocsd/default.yaml")

    assert Site.model_validate_json(site.model_dump_json()) == site


def test_json_keeps_a_launch():
    launch = Launch(
        site_file=None,
        host="grumpy",
        hub=a_hub(),
        instance=Instance(instance_id="a", agent_class="A"),
        working_dir="/",
    )

    assert Launch.model_validate_json(launch.model_dump_json()) == launch


def test_a_fork_server_of_the_release_before_alarms_takes_the_launch_of_an_agent():
    """An upgrade leaves it running, and it refuses what it does not know."""
    launch = Launch(
        site_file=None,
        host="grumpy",
        hub=a_hub(),
        instance=Instance(instance_id="a", agent_class="A"),
        working_dir="/",
    )
    assert "alarms" not in launch.encoded()
    assert "take_files" not in launch.encoded()["hub"]
    assert Launch.model_validate(launch.encoded()) == launch
    watched = launch.model_copy(update={"alarms": {"rules": {}}})
    assert Launch.model_validate(watched.encoded()) == watched


@given(INSTANCES)
def test_a_process_gets_the_values_of_its_launch(instance):
    launch = Launch(
        site_file="/site.yaml",
        host="grumpy",
        hub=a_hub(access_policy="roles"),
        instance=instance,
        working_dir="/",
        ticket="secret",
        site_hub=a_hub(),
    )
    told = launch.told()

    name = "" if instance.agent_class == BRIDGE_CLASS else instance.instance_id
    assert told.entrance.credentials == Credentials(f"{name}@grumpy", "secret")
    assert told.hub.addresses == launch.hub.addresses
    assert told.instance.arguments == instance.arguments
    assert "secret" not in repr(told)
    assert Launch.model_validate(told.as_json()) == launch


def test_what_is_not_told_has_the_same_value_as_in_the_site_file():
    hub = {"wamp_server": "ws://localhost:8001/ws", "wamp_http": "http://localhost:8001/call"}
    instance = {"instance_id": "a", "agent_class": "A"}
    told = {"site_file": None, "host": "grumpy", "hub": hub, "instance": instance}
    told["working_dir"] = "/"
    of_process = ToldLaunch.of(told).as_json()
    assert Launch.model_validate(of_process) == Launch.model_validate(told)


def test_a_launch_of_another_release_is_refused_by_name():
    launch = Launch(
        site_file=None,
        host="grumpy",
        hub=a_hub(),
        instance=Instance(instance_id="a", agent_class="A"),
        working_dir="/",
    ).encoded()

    with pytest.raises(ValueError, match="moon, which this release of ocsd does not know"):
        ToldLaunch.of({**launch, "moon": 1})
    with pytest.raises(ValueError, match="did not tell host"):
        ToldLaunch.of({key: value for key, value in launch.items() if key != "host"})


def test_a_process_knows_what_it_was_started_for():
    assert current() is None
    launch = Launch(
        site_file=None,
        host="grumpy",
        hub=a_hub(),
        instance=Instance(instance_id="a", agent_class="A"),
        working_dir="/",
    )
    told = launch.told()
    set_current(told)
    try:
        assert current() is told
    finally:
        set_current(None)


@pytest.mark.parametrize(
    ("word", "manage"),
    [
        ("up", "up"),
        ("down", "down"),
        ("ignore", "ignore"),
        ("host", "up"),
        ("host/up", "up"),
        ("host/down", "down"),
        ("docker", "docker-up"),
        ("docker/up", "docker-up"),
        ("docker/down", "docker-down"),
        ("yes", "up"),
        ("no", "ignore"),
        (True, "up"),
        (False, "ignore"),
        (None, "up"),
    ],
)
def test_the_manage_words_of_ocs_mean_what_they_mean_there(word, manage):
    assert Instance(instance_id="a", agent_class="A", manage=word).manage == manage


@pytest.mark.parametrize("instance_id", ["a.b", "a b", "a/b", "", "-a", "ä", "a\n", "a" * 129])
def test_an_instance_id_that_breaks_addresses_or_files_is_refused(instance_id):
    with pytest.raises(ValidationError, match="cannot be part of an address"):
        Instance(instance_id=instance_id, agent_class="A")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "\0"])
def test_a_host_name_that_is_no_folder_name_is_refused(name):
    with pytest.raises(ValidationError, match="cannot be the name of a folder"):
        Host(name=name)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8001/ws",
        "localhost:8001",
        "ws://",
        "ws://:8001",
        "ws://a:99999",
        "ws://a:b",
        "ws://[::1",
        "ws://a b",
    ],
)
def test_a_server_url_that_no_websocket_can_use_is_refused(url):
    with pytest.raises(ValidationError, match="not a usable URL"):
        a_hub(wamp_server=url)


@pytest.mark.parametrize(
    ("server", "http"),
    [
        ("ws://localhost:8001/ws", "http://localhost:8001/call"),
        ("wss://ocs.lab.edu/ws", "https://ocs.lab.edu/call"),
        ("ws://[::1]:8001/ws", "http://[::1]:8001/call"),
    ],
)
def test_the_call_bridge_stands_beside_the_websocket_unless_given(server, http):
    assert a_hub(wamp_server=server).wamp_http == http
    assert a_hub(wamp_server=server, wamp_http="http://x:1/c").wamp_http == "http://x:1/c"


def test_a_host_overrides_only_what_it_names():
    host = Host(name="grumpy", wamp_realm="other")

    assert host.hub(a_hub()) == a_hub(wamp_realm="other")


def test_values_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        a_hub().wamp_realm = "other"


def test_a_host_under_another_name_is_refused():
    with pytest.raises(ValidationError, match="another name"):
        Site(hub=a_hub(), hosts={"grumpy": Host(name="doc")})


def test_agents_for_ocs_read_the_keys_of_the_file():
    instance = Instance(instance_id="a", agent_class="A", arguments=("--x", "1"))

    assert a_hub().data["wamp_server"] == "ws://localhost:8001/ws"
    assert instance.data["instance-id"] == "a"
    assert instance.data["agent-class"] == "A"


@pytest.mark.parametrize(
    ("keys", "interface", "is_local"),
    [
        ({}, "control", False),
        ({"wamp_server": "ws://localhost:1/ws"}, "127.0.0.1", True),
        ({"wamp_server": "ws://[::1]:1/ws"}, "127.0.0.1", True),
        ({"listen": "0.0.0.0"}, "0.0.0.0", False),
        ({"listen": "127.0.0.1"}, "127.0.0.1", True),
        ({"listen": "fe80::1"}, "fe80::1", False),
    ],
)
def test_a_router_listens_at_the_hubs_address_only(keys, interface, is_local):
    hub = Hub(**{"wamp_server": "ws://control:1/ws", **keys})
    assert (hub.interface, hub.is_local) == (interface, is_local)


def test_an_open_hub_may_take_logins_at_an_address_beside_it():
    hub = Hub(wamp_server="ws://control:1/ws", wamp_tls="wss://control:2/ws")
    assert (hub.is_closed, hub.tls_url) == (False, "wss://control:2/ws")
    assert Hub(wamp_server="ws://control:1/ws").tls_url is None


@pytest.mark.parametrize(
    ("hub", "told"),
    [
        ({}, "to close it: ocsd access init"),
        ({"wamp_tls": "wss://control:2/ws"}, "who still needs that: ocsd access check"),
        ({"listen": "127.0.0.1"}, None),
        ({"wamp_server": "ws://localhost:1/ws", "listen": "0.0.0.0"}, "the router at ws://local"),
        ({"wamp_server": "ws://localhost:1/ws"}, None),
        ({"access": "closed", "wamp_server": "wss://control:1/ws"}, None),
    ],
)
def test_an_open_router_that_other_machines_reach_is_told_in_one_line(hub, told):
    made = Hub(**{"wamp_server": "ws://control:1/ws", **hub})
    warnings = list(
        advice.openness(Site(hub=made, path="s.yaml", lines={"hub/wamp_server": 3}), made)
    )
    assert len(warnings) == (told is not None)
    for warning in warnings:
        assert warning.startswith("s.yaml:3: the router at ")
        assert told in warning
