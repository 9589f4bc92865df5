"""``router: local``: the addresses that follow, and what is refused."""

import io

import pytest
import yaml

from ocsd.access.records import Identity
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, host_key, ticket_of
from ocsd.access.upkeep import router_trouble
from ocsd.daemon.builtin import keys
from ocsd.daemon.builtin.router import RouterPlan
from ocsd.daemon.instances.plan import plan
from ocsd.daemon.planning.settings import Settings
from ocsd.errors import SiteFileError
from ocsd.router.config import node_config
from ocsd.router.guard.book import Book
from ocsd.router.guard.door import Denied, with_ticket
from ocsd.router.transports import SOCKETS_ONLY
from ocsd.site import load
from ocsd.system.entrance import Credentials
from ocsd.system.paths import HostPaths
from ocsd.web.settings import of_launch

HUB = {"wamp_server": "ws://control:8001/ws", "wamp_http": "http://control:8001/call"}


def loaded(folder, hub=HUB, **lab):
    """Return a site with a hub's host and `lab`, which has a router of its own."""
    content = {"hub": hub, "hosts": {"control": {"crossbar": {}}, "lab": {"router": "local"} | lab}}
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(content))
    return load.load(file)


def refusal(folder, *args, **lab):
    with pytest.raises(SiteFileError) as caught:
        loaded(folder, *args, **lab)
    return str(caught.value)


def test_the_router_of_a_host_is_at_loopback_at_the_port_of_the_hub(tmp_path):
    site = loaded(tmp_path)
    hub = site.hosts["lab"].hub(site.hub)
    assert hub.wamp_server == "ws://127.0.0.1:8001/ws"
    assert hub.wamp_http == "http://127.0.0.1:8001/call"
    assert site.hosts["control"].hub(site.hub) == site.hub


def test_its_port_can_be_chosen(tmp_path):
    site = loaded(tmp_path, wamp_server="ws://127.0.0.1:9001/ws")
    hub = site.hosts["lab"].hub(site.hub)
    assert (hub.wamp_server, hub.wamp_http) == (
        "ws://127.0.0.1:9001/ws",
        "http://127.0.0.1:9001/call",
    )


def test_it_is_for_programs_of_its_machine_only(tmp_path):
    text = refusal(tmp_path, wamp_server="ws://lab:8001/ws")
    assert "write e.g. ws://127.0.0.1:8001/ws, not ws://lab:8001/ws" in text


def test_it_needs_another_port_than_a_hub_of_the_same_machine(tmp_path):
    here = {"wamp_server": "ws://localhost:8001/ws"}
    assert "add e.g. wamp_server: ws://127.0.0.1:8002/ws" in refusal(tmp_path, here)
    assert loaded(tmp_path, here, wamp_server="ws://127.0.0.1:8002/ws")


def test_the_host_of_the_hub_has_no_second_router(tmp_path):
    assert "crossbar" in refusal(tmp_path, crossbar={})


CLOSED = {"access": "closed", "wamp_server": "wss://control:8443/ws"}


def test_on_a_closed_site_it_has_a_name_and_no_port(tmp_path):
    site = loaded(tmp_path, CLOSED)
    hub = site.hosts["lab"].hub(site.hub)
    assert hub.wamp_server == "wss://127.0.0.1:8443/ws"
    assert hub.is_closed
    made = node_config(hub, tmp_path / "router.sock", SOCKETS_ONLY)
    (worker,) = made["workers"]
    assert {each["endpoint"]["type"] for each in worker["transports"]} == {"unix"}
    assert not any(role["permissions"] for role in worker["realms"][0]["roles"])


def test_on_a_closed_site_its_url_is_not_that_of_a_hub_of_the_same_machine(tmp_path):
    here = CLOSED | {"wamp_server": "wss://localhost:8443/ws"}
    assert "add e.g. wamp_server: wss://127.0.0.1:8444/ws" in refusal(tmp_path, here)
    assert loaded(tmp_path, here, wamp_server="wss://127.0.0.1:8444/ws")
    assert "is not encrypted" in refusal(tmp_path, CLOSED, wamp_server="ws://127.0.0.1:8444/ws")


@pytest.mark.parametrize("more", [{"user": "observer"}, {"runtime": "ocs"}])
def test_on_a_closed_site_agents_that_need_a_port_are_refused(tmp_path, more):
    plain = {"agent-class": "FakeDataAgent", "instance-id": "plain"}
    entries = [plain, plain | {"instance-id": "thermo"} | more]
    site = loaded(tmp_path, CLOSED, **{"agent-instances": entries})
    with pytest.raises(SiteFileError, match=r"'thermo' has .*, so it needs a port"):
        plan(site, site.hosts["lab"], "/data")


def test_the_keys_of_its_host_are_all_that_its_guard_has(tmp_path):
    """It has no list of people and no secret, and lets in the programs of this host only."""
    site, paths = loaded(tmp_path, CLOSED), HostPaths("lab", tmp_path, tmp_path, tmp_path)
    paths.access.mkdir(mode=0o700)
    store = AccessStore(paths.access)
    store.write_host_key(host_key(b"s" * 32, "lab"))
    store.write_identity(Identity("s", "lab", False, CLOSED["wamp_server"], 1, 0.0))
    secured, facts = keys.secured(site, site.hosts["lab"].hub(site.hub), paths)
    assert secured == SOCKETS_ONLY
    assert (facts.host, facts.site_hub, facts.leaves) == ("lab", "control", ("lab",))
    book = Book(facts.write(tmp_path))

    def decided(host, key):
        login = Login("thermo", host)
        return with_ticket(book.premises, login, ticket_of(key, login))

    assert decided("lab", store.host_key()).party == ("thermo", "agent")
    assert isinstance(decided("control", store.host_key()), Denied)
    assert isinstance(decided("control", host_key(b"s" * 32, "control")), Denied)
    assert isinstance(decided("lab", host_key(b"", "lab")), Denied)
    assert book.person("otto") is None
    assert router_trouble(store, "lab", is_leaf=True) == ""
    assert "has the keys of a host without the router" in router_trouble(store, "lab")


def test_the_bridge_logs_in_as_the_host_and_the_page_asks_the_hub_for_people(tmp_path):
    site, paths = loaded(tmp_path, CLOSED), HostPaths("lab", tmp_path, tmp_path, tmp_path)
    own = keys.HostKeys("lab", b"k" * 32, "/ca.pem", "/bundle.pem")
    planned, log = plan(site, site.hosts["lab"], "/data"), io.StringIO()
    settings = Settings(site, planned, RouterPlan(), paths, tmp_path, log, False, own)
    bridge, page = map(settings.launch, planned.instances)
    assert bridge.entrance.credentials == Credentials("@lab", ticket_of(own.key, Login("", "lab")))
    assert page.entrance.credentials.authid == "web@lab"
    assert bridge.site_hub == page.site_hub == site.hub
    assert of_launch(page).people_hub == site.hub
    assert of_launch(page).hub.wamp_server == "wss://127.0.0.1:8443/ws"


def test_without_keys_it_does_not_start(tmp_path):
    trouble = router_trouble(AccessStore(tmp_path / "access"), "lab", is_leaf=True)
    assert "make them: ocsd access join lab.bundle" in trouble


def test_another_word_than_local_is_refused(tmp_path):
    assert "router" in refusal(tmp_path, router="mine")


def test_a_host_with_a_router_of_its_own_runs_it_and_a_bridge(tmp_path):
    site = loaded(tmp_path)
    planned = plan(site, site.hosts["lab"], "/data")
    assert planned.runs_router
    assert [each.instance_id for each in planned.instances] == ["bridge", "web"]
    assert not load.runs_router(site, site.hosts["lab"])


def test_its_bridge_can_have_another_name(tmp_path):
    entries = [{"agent-class": "Bridge", "instance-id": "link"}]
    site = loaded(tmp_path, **{"agent-instances": entries})
    planned = plan(site, site.hosts["lab"], "/data")
    assert [each.instance_id for each in planned.instances] == ["link", "web"]


def test_an_agent_called_bridge_is_refused(tmp_path):
    entries = [{"agent-class": "FakeDataAgent", "instance-id": "bridge"}]
    site = loaded(tmp_path, **{"agent-instances": entries})
    with pytest.raises(SiteFileError, match="the bridge of router: local has no name"):
        plan(site, site.hosts["lab"], "/data")


def test_a_bridge_without_a_router_of_its_own_and_a_second_one_are_refused(tmp_path):
    entries = [{"agent-class": "Bridge", "instance-id": name} for name in ("one", "two")]
    second = loaded(tmp_path, **{"agent-instances": entries})
    with pytest.raises(SiteFileError, match="take this entry out"):
        plan(second, second.hosts["lab"], "/data")
    lone = loaded(tmp_path, router=None, **{"agent-instances": entries[:1]})
    with pytest.raises(SiteFileError, match="take this entry out"):
        plan(lone, lone.hosts["lab"], "/data")


def test_its_router_has_a_socket_for_the_bridge_alone(tmp_path):
    site = loaded(tmp_path)
    hub = site.hosts["lab"].hub(site.hub)
    socket = tmp_path / "bridge" / "router.sock"
    made = node_config(hub, tmp_path / "router.sock", bridge_socket=socket)
    *_, bridge, raw = made["workers"][0]["transports"]
    assert bridge["endpoint"] == {"type": "unix", "path": str(socket)}
    assert bridge["auth"]["anonymous"]["role"] == "ocs-bridge"
    assert raw["auth"]["anonymous"]["role"] == "ocs"


def test_nobody_may_change_anything_through_the_meta_api(tmp_path):
    made = node_config(loaded(tmp_path).hub, tmp_path / "router.sock")
    (realm,) = made["workers"][0]["realms"]
    for role in realm["roles"]:
        meta = [each for each in role["permissions"] if each["uri"].startswith("wamp.")]
        assert {each["match"] for each in meta} == {"exact"}
        assert {word for each in meta for word in each["allow"]} == {"call", "subscribe"}
        called = {each["uri"].rpartition(".")[2] for each in meta if each["allow"].get("call")}
        assert called <= {
            *("list", "get", "match", "lookup", "count"),
            *("list_callees", "list_subscribers"),
        }
