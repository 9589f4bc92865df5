"""The published OCS and ocsd read the same arguments from the same site files."""

import json
import os
import subprocess

import pytest

from ocsd.site.load import load
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
