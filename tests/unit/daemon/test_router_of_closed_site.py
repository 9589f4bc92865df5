"""The router of a closed site is planned with its keys, or has a reason not to start."""

import sys
from pathlib import Path

import pytest

from ocsd.access import making
from ocsd.daemon.builtin import keys
from ocsd.daemon.builtin.router import plan_router
from ocsd.daemon.instances.plan import plan
from ocsd.errors import RouterError
from ocsd.router import config
from ocsd.site.model import Crossbar, Host, Hub, Site
from ocsd.system.paths import HostPaths

URL = "wss://localhost:8443/ws"


@pytest.fixture
def places(tmp_path, monkeypatch):
    own = str(Path(sys.executable).parent / "crossbar")
    monkeypatch.setattr(config, "find_crossbar", lambda _: own)
    made = HostPaths("control", tmp_path / "run", tmp_path / "state", tmp_path / "log")
    made.create()
    return made


def planned(places, crossbar=None, **hub):
    hub = Hub(**{"access": "closed", "wamp_server": URL, **hub})
    site = Site(hub=hub, hosts={"control": Host(name="control", crossbar=crossbar or Crossbar())})
    own, trouble = keys.usable_keys(hub, places)
    host_plan = plan(site, site.hosts["control"], str(places.state / "data"))
    return own, plan_router(site, host_plan, places, True, trouble)


def test_with_keys_it_may_start_and_its_agents_have_tickets(places):
    making.make_site(places.access, "control", URL, [], 1e9)
    own, router = planned(places)
    assert own.ticket("thermo1")
    assert router.refusal == ""
    assert (places.router_config / "config.json").exists()


def test_without_keys_it_has_a_reason_and_is_never_written_open(places):
    own, router = planned(places)
    assert own is None
    assert "has no keys" in router.refusal
    assert router.refusal.endswith("mend that, then: ocsd stop, ocsd start -d")
    assert router.command
    assert not (places.router_config / "config.json").exists()


def test_keys_that_others_can_read_are_a_reason(places):
    making.make_site(places.access, "control", URL, [], 1e9)
    (places.access / "router.key").chmod(0o640)
    _, router = planned(places)
    assert "router.key has mode 0640" in router.refusal


def test_an_open_router_stays_open_without_usable_keys(places):
    _, router = planned(places, access="open", wamp_server="ws://localhost:8001/ws", wamp_tls=URL)
    assert router.refusal == ""
    assert "tls" not in (places.router_config / "config.json").read_text()


def test_a_configuration_of_ones_own_cannot_be_closed(places, tmp_path):
    making.make_site(places.access, "control", URL, [], 1e9)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(RouterError, match="take config-dir out"):
        planned(places, Crossbar(**{"config-dir": str(tmp_path)}))
