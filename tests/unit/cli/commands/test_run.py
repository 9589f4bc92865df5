"""`ocsd run`: which site file and host it takes."""

import pytest

from tests.unit.cli.stand_in_daemon import instance


@pytest.fixture
def site(ocsd):
    path = ocsd.base / "site.yaml"
    path.write_text(
        "hub: {wamp_server: 'ws://localhost:1/ws'}\nhosts:\n  grumpy:\n    agent-instances:\n"
        "      - {agent-class: FakeDataAgent, instance-id: a, arguments: [--mode, acqq]}\n"
        "  dopey: {}\n"
    )
    return path


def test_it_takes_host_and_site_file_of_the_daemon_that_lists_the_instance(ocsd, daemon_of, site):
    daemon_of("dopey", instance("z")).status["site_file"] = str(site)
    daemon_of("grumpy", instance("a", state="down")).status["site_file"] = str(site)
    done = ocsd("run", "a")
    assert done.returncode == 78
    assert f"FakeDataAgent refuses the arguments of 'a' ({site}:5)" in done.stderr


def test_it_takes_the_daemons_host_for_the_same_site_file(ocsd, daemon_of, site):
    daemon_of("grumpy", instance("a", state="down")).status["site_file"] = str(site)
    done = ocsd("run", "a", "--site-file", str(site))
    assert f"FakeDataAgent refuses the arguments of 'a' ({site}:5)" in done.stderr


def test_it_takes_the_daemons_host_for_the_site_file_of_the_environment(ocsd, daemon_of, site):
    file = site.rename(site.parent / "default.yaml")
    (site.parent / "link").symlink_to(site.parent)
    daemon_of("grumpy", instance("a", state="down")).status["site_file"] = str(file)
    done = ocsd("run", "a", OCS_CONFIG_DIR=str(site.parent / "link"))
    assert "FakeDataAgent refuses the arguments of 'a' (" in done.stderr


def test_another_site_file_is_read_for_this_machine(ocsd, daemon_of, site):
    daemon_of("grumpy", instance("a", state="down")).status["site_file"] = "/other.yaml"
    done = ocsd("run", "a", "--site-file", str(site))
    assert done.returncode == 78
    assert "(this machine) and no 'localhost'; it has grumpy, dopey" in done.stderr


def test_what_the_daemon_runs_is_refused(ocsd, daemon_of, site):
    daemon_of("grumpy", instance("a", state="up")).status["site_file"] = str(site)
    done = ocsd("run", "a")
    assert done.returncode == 1
    assert "'a' is run by the daemon of host 'grumpy' already" in done.stderr
