"""Options of clients, and of programs that are no agents."""

import pytest

from ocsd import site_config
from ocsd.errors import SiteFileError, UnknownHostError

pytestmark = pytest.mark.usefixtures("no_site_in_environment")


def test_a_client_needs_neither_host_nor_instance(file):
    args = site_config.parse_args("*control*", args=["--site-file", str(file)])

    assert (args.site_realm, args.instance_id) == ("test_realm", None)
    assert site_config.get_config(args, "*control*").host is None


def test_a_client_is_not_ended_by_a_wrong_site_file(tmp_path):
    with pytest.raises(SiteFileError):
        site_config.parse_args("*control*", args=["--site-file", str(tmp_path / "absent.yaml")])


def test_a_program_that_is_no_agent_gets_its_host(file):
    words = ["--site-file", str(file), "--site-host"]
    args = site_config.parse_args("*host*", args=[*words, "grumpy"])

    site, host, instance = site_config.get_config(args, "*host*")
    assert (site.hub.wamp_realm, host.name, instance) == ("grumpy_realm", "grumpy", None)
    with pytest.raises(UnknownHostError):
        site_config.parse_args("*host*", args=[*words, "grumpyy"])
