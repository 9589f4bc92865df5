"""Each line of an OCS site gets its verdict, with the place, the cause and the next step."""

import pytest

from ocsd.migration import attempt, entries, node, returning, services, units
from ocsd.migration.attempt import Observed
from ocsd.migration.edits import Rewritten
from ocsd.migration.finding import MoveVerdict, Paper, in_order
from ocsd.migration.units import Unit, UnitRole
from ocsd.site.load import load
from tests.unit.migration.ocs_site import COMPOSE, LAUNCHER, NODE, UNIT, WRITTEN, world

MANAGER = Unit("ocs-hostmanager.service", "/u/ocs-hostmanager.service", UNIT, "/l.sh", LAUNCHER)


@pytest.fixture
def site(tmp_path):
    return load(tmp_path / "site.yaml", WRITTEN)


def of_entries(site, host="daq-1", **has):
    here = site.hosts.get(host)
    return list(entries.Reader(Paper("s"), site, int, world(**has), here, "/py").findings())


def told(findings, *verdicts):
    return [str(each) for each in in_order(findings) if each.verdict in verdicts]


def test_a_class_that_is_missing_has_to_be_installed_first(site):
    (text,) = told(of_entries(site, classes={"HostManager", "AggregatorAgent"}), MoveVerdict.FIRST)
    assert text.startswith("s:18: instance fake1 (FakeDataAgent): ocsd has not got this class")
    assert "python: /py" in text


def test_what_somebody_has_to_do_is_told_with_its_line(site):
    assert told(of_entries(site), MoveVerdict.DO) == [
        "s:11: agent-paths: /home/ocs/git/socs/agents is no folder on this machine, and neither "
        "OCS nor ocsd needs it; take it out",
        "s:14: instance aggregator (AggregatorAgent): it records nothing until somebody starts its "
        "operation 'record', as in OCS; to record from the start, add --initial-state record to "
        "its arguments",
    ]


def test_a_host_for_containers_is_left_alone(site):
    taken = told(of_entries(site), MoveVerdict.TAKEN)
    assert any("host daq-1-docker: no machine has this name" in each for each in taken)
    assert any("host empty: the entry of another machine" in each for each in taken)


def test_the_folder_of_logs_that_comes_first_is_named(site):
    texts = [str(each) for each in of_entries(site) if each.thing == "log-dir"]
    assert "log-dir: logs are written to /log; as a service of the system, to /var" in texts[0]
    found = of_entries(site, "daq-1-docker", logs="/srv/log")
    texts = [str(each) for each in found if each.thing == "log-dir"]
    assert "log-dir: logs are written to /srv/log/daq-1-docker, not to it; LOGS" in texts[0]


def test_a_machine_that_is_in_no_entry_is_told_so(site):
    (text,) = [each for each in told(of_entries(site, "x"), MoveVerdict.DO) if "hosts:" in each]
    assert text.endswith("name its entry with --host")


def test_a_host_without_a_host_manager_is_warned_of_what_ocsd_starts(tmp_path):
    text = WRITTEN.replace("'HostManager'", "'Other'")
    found = told(of_entries(load(tmp_path / "s.yaml", text)), MoveVerdict.DO)
    assert any(
        "starts nothing by itself, while ocsd starts hm-daq-1, agg" in each for each in found
    )


def test_every_problem_of_a_refused_file_comes_first():
    message = "/a/s.yaml:5: instance-id 'x.y' is bad; use another\n/a/s.yaml:9: no hub"
    found = list(entries.refusals(Paper("s"), message, Rewritten("", added=(3,))))
    assert [(each.line, each.verdict) for each in found] == [(4, "first"), (8, "first")]
    assert str(found[0]) == "s:4: site file: instance-id 'x.y' is bad; use another"


def test_services_are_managed_joined_or_left_alone(site):
    found = list(services.findings(COMPOSE, "dc", site, site.hosts["daq-1"]))
    assert [(each.verdict, each.line, each.thing) for each in found] == [
        ("to do", 3, "service crossbar"),
        ("taken", 6, "service influxdb"),
        ("taken", 8, "service ocs-LSA11AA"),
        ("to do", 8, "service ocs-LSA11AA"),
        ("to do", 13, "service smurf (instance pysmurf-monitor)"),
    ]
    assert "name the service ocs-pysmurf-monitor" in found[-1].step


def test_a_router_in_a_container_stays_where_the_host_has_none(tmp_path):
    text = WRITTEN.replace("'crossbar': {", "'x-crossbar': {")
    host = load(tmp_path / "s.yaml", text).hosts["daq-1"]
    first = next(services.findings(COMPOSE, "dc", load(tmp_path / "s.yaml", text), host))
    assert (first.verdict, first.text) == ("taken", "it stays the router, and ocsd joins it")


@pytest.mark.parametrize("text", ["", "a: [", "services: 3\n", "version: '2'\n"])
def test_a_compose_file_without_services_is_told(text, site):
    (found,) = services.findings(text, "dc", site, site.hosts["daq-1"])
    assert found.verdict == "to do"


def test_crossbars_own_configuration_is_compared_with_the_hub(site):
    found = list(node.findings(NODE, "config.json", site.hub))
    assert [(each.verdict, each.line, each.thing) for each in found] == [
        ("taken", 5, "realm"),
        ("differs", 5, "realm"),
        ("taken", 8, "wamp_server"),
        ("taken", 8, "wamp_http"),
        ("differs", 12, "path /"),
    ]


def test_logins_tls_and_programs_of_crossbar_are_told(site):
    text = NODE.replace('"anonymous": {}', '"ticket": {}').replace(
        '"port": 8001', '"port": 8443, "tls": {"key": "k"}'
    )
    text = text.replace('"workers": [', '"workers": [{"type": "container", "components": [1]}, ')
    found = list(node.findings(text, "config.json", site.hub))
    assert [each.thing for each in found if each.verdict != "taken"] == [
        "components",
        "realm",
        "wamp_server",
        "wamp_http",
        "auth",
        "tls",
        "path /",
    ]
    assert next(node.findings("[", "config.json", site.hub)).text == "it cannot be read"


def test_a_unit_of_ocs_is_to_be_disabled_and_its_settings_are_not_lost():
    assert (MANAGER.role, MANAGER.python) == (UnitRole.MANAGER, "/opt/ocs/bin/python3")
    assert MANAGER.compose_files == ("/srv/dc.yaml",)
    assert [str(each).partition(": ")[0] for each in units.findings([MANAGER])] == [
        "/u/ocs-hostmanager.service:5",
        "/u/ocs-hostmanager.service:6",
        "/u/ocs-hostmanager.service:7",
        "/l.sh:2",
        "/l.sh:4",
    ]


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("/usr/bin/ocs-local-support start --foreground", UnitRole.SUPPORT),
        ("/usr/local/bin/crossbar start --cbdir /home/ocs/.crossbar", UnitRole.ROUTER),
        ("/usr/bin/docker compose -f /srv/dc.yaml up", UnitRole.CONTAINERS),
        ("/opt/ocs/bin/ocs-agent-cli --instance-id=thermo1", UnitRole.AGENT),
        ("/usr/bin/python3 -m ocs.agents.host_manager.agent", UnitRole.MANAGER),
        ("/usr/sbin/nginx", None),
    ],
)
def test_the_part_that_a_unit_starts_is_known_from_its_command(command, role):
    assert Unit("x", "x", f"[Service]\nExecStart={command}\n").role == role


def test_the_way_back_starts_the_router_before_the_agents(site):
    listed = [("/srv/dc.yaml", each) for each in services.services_of(COMPOSE)[0]]
    steps = returning.steps(site, site.hosts["daq-1"], [MANAGER], listed, has_unit=True)
    assert [each.command for each in steps] == [
        "systemctl disable --now ocsd",
        "docker compose -f /srv/dc.yaml up -d crossbar",
        "systemctl enable --now ocs-hostmanager.service",
        "/opt/ocs/bin/ocsbow status",
        "leave /data as it is",
        f"leave {site.path} as it is",
    ]


def test_the_way_back_without_units_uses_the_programs_of_ocs(site):
    steps = returning.steps(site, site.hosts["daq-1"], [], [], has_unit=False)
    commands = [each.command for each in steps]
    assert commands[:3] == ["ocsd stop", "crossbar start", "ocs-local-support start"]


def seen(**more):
    given = {"router": "nothing", "holder": "x", "page_is_taken": False, "page": "p", "alive": ()}
    return Observed(**{**given, "faults": (), **more})


def test_an_agent_that_is_alive_is_not_started_again(site):
    host = site.hosts["daq-1"]
    observed = seen(router="router", alive={"fake1", "hm-daq-1", "LSA11AA"}, page_is_taken=True)
    found = list(attempt.findings(observed, "s", host, site.hub))
    assert [(each.verdict, each.thing) for each in found] == [
        ("to do", "router"),
        ("differs", "page"),
        ("to do", "instance hm-daq-1"),
        ("taken", "instance aggregator"),
        ("taken", "instance LSA11AA"),
        ("to do", "instance fake1"),
    ]
    assert "was not started a second time" in found[-1].text


def test_a_stranger_at_the_hubs_address_and_wrong_arguments_come_first(site):
    observed = seen(router="stranger", faults=["s:3: instance 'a': no option --x; correct it"])
    found = list(attempt.findings(observed, "s", site.hosts["daq-1"], site.hub))
    assert [each.thing for each in found if each.verdict == "first"] == ["router", "arguments"]


def test_a_docker_that_is_away_is_told_with_the_next_step(site):
    observed = seen(no_engine="Docker is not there (/s: No such file); start it")
    found = list(attempt.findings(observed, "s", site.hosts["daq-1"], site.hub))
    (told_of,) = [each for each in found if each.thing == "Docker"]
    assert (told_of.verdict, told_of.step) == ("to do", "start it")
    line = next(each.line for each in of_entries(site) if "LSA11AA" in each.thing)
    assert told_of.line == line


def test_every_message_names_place_thing_cause_and_step(site):
    host = site.hosts["daq-1"]
    found = [
        *of_entries(site),
        *services.findings(COMPOSE, "dc", site, host),
        *node.findings(NODE, "config.json", site.hub),
        *units.findings([MANAGER]),
    ]
    assert {each.file for each in found} == {"s", "dc", "config.json", MANAGER.file, "/l.sh"}
    for each in found:
        assert each.text
        assert each.line or each.thing == "hosts"
        assert each.step or each.verdict in {MoveVerdict.TAKEN, MoveVerdict.DIFFERS}
        assert "\n" not in str(each)
