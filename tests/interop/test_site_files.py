"""The published OCS and ocsd read the same in site files, also as `ocsd migrate` writes them."""

import json
import os
import subprocess

import pytest
import yaml

from ocsd.migration.rewriting import rewrite
from ocsd.migration.world import World
from ocsd.site.load import load
from ocsd.site.parts import site_of
from tests.interop.conftest import HOST
from tests.unit.migration.ocs_site import SITE
from tests.unit.site.test_ocs_site_files import HOSTS, HUB, INSTANCES

SCRIPT = """\
import json, sys
from ocs import site_config

def flat(items):
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from flat(item)
        else:
            yield str(item)

site = site_config.SiteConfig.from_yaml(sys.argv[1])
print(json.dumps({
    f"{host.name}/{each['instance-id']}": list(flat(each.get("arguments", [])))
    for host in site.hosts.values()
    for each in host.instances
}))
"""

ENTRIES = "".join(f"      - {entry}\n" for entry, _ in INSTANCES.values())
LAB = f"hosts:\n  lab:\n    agent-instances:\n{ENTRIES}"


@pytest.mark.parametrize("hub", HUB.values(), ids=HUB)
@pytest.mark.parametrize("hosts", [HOSTS, LAB], ids=["several hosts", "kinds of agents"])
def test_ocs_reads_the_same_arguments(ocs_python, tmp_path, hub, hosts):
    file = tmp_path / "site.yaml"
    file.write_text(hub + hosts)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [ocs_python, "-c", SCRIPT, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=60,
    )
    ours = {
        f"{host.name}/{each.instance_id}": list(each.arguments)
        for host in load(file).hosts.values()
        for each in host.instances
    }
    assert json.loads(done.stdout) == ours


WORDS = """\
hosts:
  lab:
    agent-instances:
      - {agent-class: A, instance-id: a, manage: no, arguments: [--a, [on, 0x1F, 12:30, ~, True]]}
      - {agent-class: B, instance-id: b, manage: yes, arguments: [--a, [010, 1000, 'x', 1e-3]]}
      - {agent_class: C, instance_id: c, manage: docker, arguments: }
  empty:
"""
# What OCS's reader and its HostManager make of each file.
READ_ALL = """\
import json, sys
from ocs import site_config

def flat(items):
    for item in items or ():
        if isinstance(item, (list, tuple)):
            yield from flat(item)
        else:
            yield str(item)

answers = []
for file in sys.argv[1:]:
    site = site_config.SiteConfig.from_yaml(file)
    keys = ('wamp_server', 'wamp_http', 'wamp_realm', 'address_root')
    hub = {key: site.hub.data[key] for key in keys}
    hosts = {}
    for host in site.hosts.values():
        hosts[host.name] = {}
        for each in host.instances:
            instance = site_config.InstanceConfig.from_dict(each)
            manage = site_config.InstanceConfig._MANAGE_MAP[each.get('manage')]
            told = [each['agent-class'], manage, list(flat(instance.arguments))]
            hosts[host.name][each['instance-id']] = told
    answers.append([hub, hosts])
print(json.dumps(answers))
"""


def everything_of_ocs():
    """Return site files of OCS's and socs's documentation, of laboratories, and of our own."""
    yield from (hub + hosts for hub in HUB.values() for hosts in (HOSTS, LAB, WORDS))
    yield SITE


def flat(items):
    for item in items or ():
        if isinstance(item, list | tuple):
            yield from flat(item)
        else:
            yield str(item)


def rewritten(text):
    nothing = World(
        has_program=lambda _: False,
        has_folder=lambda _: False,
        has_node_config=lambda _: False,
        why_no_class=lambda _: "",
    )
    return rewrite(text, "site.yaml", nothing, ["/srv/dc.yaml"], "daq-1").rewritten.text


def of_ocsd(file):
    site = load(file)
    assert site.warnings == ()
    parts = site_of(site)
    hub = {key: parts.hub.data[key] for key in site.hub.addresses}
    told = {
        name: {
            each["instance-id"]: [
                each["agent-class"],
                each.get("manage", "host/up"),
                arguments(each),
            ]
            for each in host.instances
        }
        for name, host in parts.hosts.items()
    }
    return [hub, told]


def arguments(entry):
    return list(flat(entry.get("arguments", [])))


def test_both_read_the_same_in_every_file_that_was_written(ocs_python, tmp_path):
    files = []
    for number, text in enumerate(everything_of_ocs()):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(rewritten(text))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [ocs_python, "-c", READ_ALL, *map(str, files)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [of_ocsd(file) for file in files]


@pytest.mark.parametrize("hub", HUB.values(), ids=HUB)
def test_nothing_that_ocs_read_is_lost(hub):
    """Each key of the old file is in the new one, under its name or hidden by `x-`."""
    for hosts in (HOSTS, LAB):
        old, new = yaml.safe_load(hub + hosts), yaml.safe_load(rewritten(hub + hosts))
        for name, host in old["hosts"].items():
            kept = new["hosts"][name]
            assert {key.removeprefix("x-") for key in kept} >= set(host)
            for before, after in zip(host["agent-instances"], kept["agent-instances"], strict=True):
                assert list(flat(before.get("arguments"))) == list(flat(after.get("arguments")))


def test_a_try_beside_a_running_site_starts_nothing_of_it(site, ocs):
    before = site.pids()
    with ocs.agent("fake_data", "fake-data3", "--mode", "acq", until_joined=True) as pid:
        words = ("--site-file", str(site.site_file), "--host", HOST)
        done = site.ocsd(
            "migrate", *words, "--units", str(site.folder), "--try", "--json", limit_s=200
        )
        assert os.path.exists(f"/proc/{pid}")
    found = {each["thing"]: each for each in json.loads(done.stdout)}
    assert found["instance fake-data1"]["text"].startswith("it is alive under OCS, and was not")
    assert found["instance fake-data3"]["text"].startswith("it is alive, and stays so")
    assert found["instance probe-ocs (ProbeAgent)"]["verdict"] == "taken"
    assert "which is alive" not in str(found.get("instance probe-ocs"))
    assert "were ended again" in found["router, recorder and page"]["text"], done.stderr
    assert site.pids() == before
