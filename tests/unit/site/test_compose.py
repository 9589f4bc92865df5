"""The arguments of a HostManager about docker."""

import pytest

from ocsd.site.compose import ComposeOptions, options
from ocsd.site.model import Host, Instance


def host(*arguments):
    manager = Instance(instance_id="hm", agent_class="HostManager", arguments=arguments)
    return Host(name="lab", instances=(Instance(instance_id="a", agent_class="A"), manager))


def test_the_arguments_name_files_prefix_and_program():
    words = ("--docker-compose", "a.yml, b.yml", "--docker-service-prefix=x-")
    assert options(host(*words, "--docker-compose-bin", "/opt/dc", "--quiet"), {}) == (
        ComposeOptions(files=("a.yml", "b.yml"), prefix="x-", binary="/opt/dc")
    )


@pytest.mark.parametrize("arguments", [(), ("--docker-compose",), ("--initial-state", "up")])
def test_without_them_no_container_is_managed(arguments):
    assert options(host(*arguments), {}) == ComposeOptions()
    assert options(Host(name="lab"), {}) == ComposeOptions()


def test_the_environment_has_the_last_word():
    given = {"OCSD_DOCKER_COMPOSE": "c.yml", "OCSD_DOCKER_SERVICE_PREFIX": ""}
    assert options(host("--docker-compose", "a.yml"), given) == (
        ComposeOptions(files=("c.yml",), prefix="")
    )
