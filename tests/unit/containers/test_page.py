"""What docs/run/containers.md says of managed services is what ocsd does."""

import re
from pathlib import Path

from ocsd.containers.services import ComposeFile, Service, find, services
from ocsd.daemon.instances.plan import plan
from ocsd.site.compose import options
from ocsd.site.load import load

PAGE = Path(__file__).parents[3] / "docs" / "run" / "containers.md"
HUB = "hub: {wamp_server: ws://localhost:8001/ws}\n"


def test_the_example_names_a_service_and_the_agent_that_it_is(tmp_path):
    section = PAGE.read_text().split("## Managed services")[1]
    site_text, compose_text, *_ = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text(HUB + site_text)
    site = load(file)
    host = site.hosts["dome"]
    given = options(host, {})
    assert given.files == ("/srv/dome/docker-compose.yml",)
    assert "faker1" in [each.instance_id for each in plan(site, host, "data").instances]
    compose = ComposeFile("c.yml", services(compose_text, "c.yml"))
    assert isinstance(find(f"{given.prefix}faker1", [compose]), Service)


def test_every_option_stands_on_the_page():
    for option in ("--docker-compose", "--docker-service-prefix", "--docker-compose-bin"):
        assert option in PAGE.read_text()
