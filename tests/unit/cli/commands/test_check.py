import socket
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[4]

SITE = """\
hub:
  wamp_server: ws://localhost:8001/ws
  wamp_http: http://localhost:8001/call
  wamp_realm: test_realm
  address_root: observatory
hosts:
  grumpy:
    agent-paths: [{folder}]
    agent-instances:
      - {{agent-class: ThermoAgent, instance-id: thermo1}}
      - {{agent-class: ThermAgent, instance-id: thermo2}}
      - {{agent-class: InAContainer, instance-id: elsewhere, manage: docker}}
  sleepy:
    agent-instances:
      - {{agent-class: AggregatorAgent, instance-id: agg, arguments: [--initial-state, record]}}
"""


@pytest.fixture
def site(ocsd):
    folder = ocsd.base / "plug-ins"
    folder.mkdir()
    (folder / "ocs_plugin_good.py").write_text("agents = [('ThermoAgent', 'thermo.py')]\n")
    (folder / "thermo.py").write_text("raise SystemExit('check must not run an agent')\n")
    path = ocsd.base / "site.yaml"
    path.write_text(SITE.format(folder=folder))
    return path


@pytest.mark.parametrize("name", ["default.yaml", "observatory.yaml", "databases.yaml"])
def test_the_site_files_of_the_repository_are_right(ocsd, name):
    path = REPOSITORY / "site-configs" / name
    done = ocsd("check", "--site-file", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"ok  site file {path}\nok  host ")
    assert done.stderr == ""


def test_a_missing_class_is_named_with_its_line_and_exit_code_78(ocsd, site):
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    assert f"{site}:11: instance 'thermo2': " in done.stderr
    assert "ThermoAgent" in done.stderr
    assert "thermo1" not in done.stderr
    assert "elsewhere" not in done.stderr
    assert done.stdout.startswith("ok  host sleepy: 1 instance, every class found\n")
    assert "ok  site file" not in done.stdout
    assert done.stderr.splitlines()[-1] == f"ocsd: 1 problem in {site}"


def test_docker_is_asked_if_it_is_to_run_an_instance_of_this_machine(ocsd, site):
    away = {"DOCKER_HOST": f"unix://{ocsd.base}/none.sock"}
    done = ocsd("check", "--site-file", str(site), "--host", "grumpy", **away)
    place = f"{site}:12: instance 'elsewhere': Docker is not there ({ocsd.base}/none.sock: "
    assert f"ocsd: warning: {place}No such file or directory); start it" in done.stderr
    assert (
        "Docker" not in ocsd("check", "--site-file", str(site), "--host", "sleepy", **away).stderr
    )


def test_the_interpreter_of_an_instance_on_ocs_is_checked(ocsd, site):
    runtime = f"agent-class: OldAgent, runtime: ocs, python: {sys.executable}"
    site.write_text(site.read_text().replace("agent-class: ThermAgent", runtime))
    assert ocsd("check", "--site-file", str(site)).returncode == 0
    site.write_text(site.read_text().replace(sys.executable, "no/python"))
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    wrong = f"{site}:11: instance 'thermo2': python {site.parent}/no/python is not a program"
    assert wrong in done.stderr


def test_one_host_can_be_checked_alone(ocsd, site):
    assert ocsd("check", "--site-file", str(site), "--host", "sleepy").returncode == 0
    unknown = ocsd("check", "--site-file", str(site), "--host", "sleapy")
    assert unknown.returncode == 78
    assert "sleepy" in unknown.stderr


def test_a_plug_in_that_fails_to_import_is_told_once(ocsd, site):
    bad = site.parent / "plug-ins" / "ocs_plugin_bad.py"
    bad.write_text("import no_such_library\n")
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    assert done.stderr.count("no_such_library") == 1
    assert str(bad) in done.stderr
    assert "Traceback" not in done.stderr


def test_all_errors_of_a_site_file_are_told_at_once(ocsd, site):
    text = site.read_text()
    site.write_text(
        text.replace("agent-class: ThermAgent", "agent-clas: X").replace("docker", "upp")
    )
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    assert done.stdout == ""
    assert f"{site}:11" in done.stderr
    assert f"{site}:12" in done.stderr


def test_a_missing_site_file_is_told(ocsd):
    done = ocsd("check", "--site-file", "nowhere.yaml")
    assert done.returncode == 78
    assert "nowhere.yaml" in done.stderr


def test_what_this_machine_has_not_is_warned_of(ocsd, site):
    entry = "instance-id: thermo1, user: nosuch"
    text = (
        site.read_text().replace("instance-id: thermo1", entry).replace("ThermAgent", "ThermoAgent")
    )
    site.write_text(text.replace("manage: docker", "manage: ignore"))
    done = ocsd("check", "--site-file", str(site), "--host", "grumpy")
    assert done.returncode == 0
    assert done.stderr == (
        f"ocsd: warning: {site}:10: instance 'thermo1': there is no user 'nosuch' on this machine\n"
    )
    # Nobody can see from here what the machines of other hosts have.
    assert "user" not in ocsd("check", "--site-file", str(site)).stderr


def test_problems_in_the_file_are_each_told_with_the_prefix_and_nothing_is_called_ok(ocsd, site):
    site.write_text(site.read_text().replace("wamp_realm", "wamp_relm").replace("docker", "dcoker"))
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("ocsd: ") for line in lines)
    assert lines[-1] == f"ocsd: 2 problems in {site}"


def test_a_missing_file_of_an_agent_is_told_once_with_the_instance(ocsd, site):
    (site.parent / "plug-ins" / "ocs_plugin_good.py").write_text(
        "agents = [('ThermoAgent', 'therma.py'), ('ThermAgent', 'thermo.py')]\n"
    )
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 78
    first, count = done.stderr.splitlines()
    assert first.startswith(f"ocsd: {site}:10: instance 'thermo1': plug-in ")
    assert "agent class ThermoAgent: there is no file" in first
    assert count == f"ocsd: 1 problem in {site}"


def test_a_stale_folder_of_agents_is_a_warning_if_every_class_is_found(ocsd, site):
    text = site.read_text().replace("ThermAgent", "ThermoAgent")
    site.write_text(text.replace("agent-paths: [", "agent-paths: [/opt/socs/agents, "))
    done = ocsd("check", "--site-file", str(site), "--host", "grumpy")
    assert done.returncode == 0
    assert f"{site}:8: agent-paths names /opt/socs/agents, and there is no such folder" in (
        done.stderr
    )
    site.write_text(site.read_text().replace("ThermoAgent", "Thermometer"))
    done = ocsd("check", "--site-file", str(site), "--host", "grumpy")
    assert done.returncode == 78
    assert "plug-in folder /opt/socs/agents: agent-paths names it" in done.stderr


def test_it_says_for_which_host_it_looked_and_which_one_this_machine_is(ocsd, site):
    text = site.read_text().replace("ThermAgent", "ThermoAgent")
    site.write_text(text)
    done = ocsd("check", "--site-file", str(site))
    assert "ok  host grumpy: 2 instances" in done.stdout
    assert f"this machine, '{socket.gethostname()}', is none of these hosts" in done.stdout
    assert "ocsd start --host grumpy" in done.stdout
    site.write_text(text.replace("sleepy", "localhost"))
    done = ocsd("check", "--site-file", str(site))
    assert f"this machine, '{socket.gethostname()}', is host localhost" in done.stdout


def test_what_the_file_says_in_vain_is_warned_of(ocsd, site):
    text = site.read_text().replace("ThermAgent", "ThermoAgent").replace("record", "idle")
    text = text.replace("instance-id: thermo1", "instance-id: thermo1, arguments: [--x, yes]")
    site.write_text(text.replace("  address_root", "  registry_agent: x\n  address_root"))
    done = ocsd("check", "--site-file", str(site))
    assert done.returncode == 0
    first, second, third = done.stderr.splitlines()
    assert first.startswith(f"ocsd: warning: {site}:5: nothing reads 'registry_agent' in hub")
    assert f"{site}:11: YAML does not read the argument yes as text" in second
    assert f"{site}:16: instance 'agg' records nothing until" in third


def test_a_folder_without_the_routers_configuration_is_a_problem(ocsd, site):
    text = site.read_text().replace("ThermAgent", "ThermoAgent")
    site.write_text(
        text.replace("    agent-paths", "    crossbar: {config-dir: /no}\n    agent-paths")
    )
    done = ocsd("check", "--site-file", str(site), "--host", "grumpy")
    assert done.returncode == 78
    assert "crossbar: config-dir /no (line 8) holds no config.json" in done.stderr


def test_a_missing_class_hides_no_wrong_argument_of_others(ocsd, site):
    text = site.read_text()
    entry = "      - {agent-class: FakeDataAgent, instance-id: fake, arguments: [--mode, acqq]}\n"
    site.write_text(text.replace("  sleepy:", entry + "  sleepy:").replace("ThermoAgent", "Tgent"))
    done = ocsd("check", "--deep", "--host", "grumpy", "--site-file", str(site))
    assert done.returncode == 78
    problems = [line for line in done.stderr.splitlines() if "warning" not in line]
    assert [
        name for line in problems for name in ("thermo1", "thermo2", "fake") if f"'{name}'" in line
    ] == [
        "thermo1",
        "thermo2",
        "fake",
    ]
    assert problems[-1] == f"ocsd: 3 problems in {site}"


def test_without_a_site_file_that_of_the_running_daemon_is_checked(ocsd, site, daemon_of):
    assert "no site file found" in ocsd("check").stderr
    daemon_of("sleepy").status["site_file"] = str(site)
    done = ocsd("check", "--host", "sleepy")
    assert done.returncode == 0, done.stderr
    assert f"this is {site}, that of the daemon that runs here for host sleepy" in done.stderr
    assert done.stdout.startswith(f"ok  site file {site}\n")
    assert "ThermAgent" in ocsd("check").stderr
    daemon_of("grumpy")
    assert "--host" in ocsd("check").stderr
