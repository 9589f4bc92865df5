"""The site files that we ship."""

from pathlib import Path

import pytest

from ocsd.site.load import load
from ocsd.site.model import Crossbar
from ocsd.site_config import agent_class

FOLDER = Path(__file__).parents[3] / "site-configs"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_site_file_loads_and_its_classes_exist(file):
    for host in load(file).hosts.values():
        for instance in host.instances:
            agent_class(instance.agent_class, host.agent_paths)


def test_the_default_site_is_the_host_of_the_guide():
    site = load(FOLDER / "default.yaml")
    instances = {each.instance_id: each for each in site.hosts["grumpy"].instances}

    assert site.hub.data == {
        "wamp_server": "ws://localhost:8001/ws",
        "wamp_http": "http://localhost:8001/call",
        "wamp_realm": "test_realm",
        "address_root": "observatory",
        "access": "open",
        "listen": None,
        "wamp_tls": None,
        "access_policy": None,
        "registry_address": None,
        "take_files": False,
    }
    assert site.hosts["grumpy"].crossbar == Crossbar()
    assert " ".join(instances["fake-data1"].arguments) == (
        "--mode acq --num-channels 16 --sample-rate 4"
    )
    assert " ".join(instances["aggregator"].arguments) == (
        "--initial-state record --time-per-file 3600 --data-dir data"
    )


def test_the_observatory_has_three_hosts_and_fifty_agents():
    hosts = load(FOLDER / "observatory.yaml").hosts

    assert [name for name, host in hosts.items() if host.crossbar] == ["control"]
    assert len(hosts) == 3
    instances = [each for host in hosts.values() for each in host.instances]
    assert [each.agent_class for each in instances] == ["FakeDataAgent"] * 50
