"""`ocsbow`, `ocs-local-support` and `ocs-install-systemd` on ocsd."""

import configparser
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocsd.compat import agent_cli, g32influx, local_support, ocs_systemd, ocsbow
from ocsd.errors import UsageError
from tests.unit.client.stand_in_bridge import NO_SUCH

SITE = """
hub: {{wamp_server: ws://hub:8001/ws, wamp_http: "{url}"}}
hosts:
  dome:
    crossbar: {{}}
    agent-instances:
      - {{agent-class: HostManager, instance-id: hm-east}}
      - {{agent-class: PumpAgent, instance-id: pump1}}
      - {{agent-class: CameraAgent, instance-id: cam1, manage: ignore}}
  lab:
    agent-instances:
      - {{agent-class: PumpAgent, instance-id: pump2}}
"""
OPERATION = {"docstring": "", "blocking": True}


class Daemons:
    """Two HostManagers: one with an entry, and one whose host has none."""

    def __init__(self):
        self.asked = []
        self.running = "running"
        self.away = set()

    def answer(self, procedure, args, kwargs):
        _, name, *rest = procedure.split(".")
        child = {"hm-east": "pump1", "hm-lab": "pump2"}.get(name)
        if child is None or name in self.away:
            return NO_SUCH
        if not rest:
            process = ["manager", None, {**OPERATION, "op_type": "process"}]
            task = ["update", None, {**OPERATION, "op_type": "task"}]
            return {"tasks": [task], "processes": [process], "feeds": []}
        action, operation, params, *_ = args
        if action == "start":
            self.asked.append((name, operation, params))
        state = {
            "instance_id": child,
            "agent_class": "PumpAgent",
            "next_action": "up",
            "target_state": "up",
            "stability": 1.0,
        }
        session = {"status": self.running, "data": {"child_states": [state]}, "messages": []}
        if operation == "update":
            session |= {"status": "done", "success": True}
        return [0, "said", session]


@pytest.fixture
def daemons(bridge):
    made = Daemons()
    bridge.answer = made.answer
    return made


@pytest.fixture
def site(tmp_path, bridge, monkeypatch):
    for name in ("INSTANCE_ID", "SITE_HOST", "SITE_HUB", "SITE_HTTP"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(url=bridge.url))
    return ["--site-file", str(path)]


def rows(text):
    lines = (line.split() for line in text.splitlines() if line.startswith("  "))
    return [line for line in lines if len(line) == 4 and line[0][0] != "["]


def test_status_shows_the_agents_of_all_hosts(daemons, site, capsys):
    ocsbow.main(site)
    assert rows(capsys.readouterr().out) == [
        ["hm-east", "HostManager", "up", "n/a"],
        ["pump1", "PumpAgent", "up", "up"],
        ["cam1", "CameraAgent[unman]", "?", "?"],
        ["pump2", "PumpAgent", "up", "up"],
    ]


def test_status_of_one_host_has_its_site_file_read_first(daemons, site, capsys):
    ocsbow.main([*site, "status", "-H", "lab", "-r"])
    said = capsys.readouterr().out
    assert [row[0] for row in rows(said)] == ["pump2"]
    assert "  Ok on hm-lab." in said
    assert daemons.asked == [("hm-lab", "update", {"reload_config": True})]


def test_a_manager_whose_process_rests_sleeps(daemons, site, capsys):
    daemons.running = "done"
    ocsbow.main([*site, "status", "-H", "dome"])
    assert rows(capsys.readouterr().out)[0] == ["hm-east", "HostManager", "sleeping", "n/a"]


def test_without_a_router_all_is_unknown(site, tmp_path, capsys):
    file = tmp_path / "site.yaml"
    file.write_text(SITE.format(url="http://127.0.0.1:1/call"))
    ocsbow.main(site)
    said = capsys.readouterr().out
    assert "****Warning**** http bridge not found at http://127.0.0.1:1/call" in said
    assert {row[2] for row in rows(said)} == {"?"}


def test_one_agent_is_asked_of_its_manager(daemons, site, capsys):
    ocsbow.main([*site, "down", "pump2"])
    assert "  down agent pump2 via hm-lab" in capsys.readouterr().out
    requests = {"requests": [["pump2", "down"]], "reload_config": False}
    assert daemons.asked == [("hm-lab", "update", requests)]


@pytest.mark.parametrize(
    ("words", "managers"), [(["--all"], ["hm-east", "hm-lab"]), (["hm-lab"], ["hm-lab"])]
)
def test_a_manager_or_all_mean_their_agents(daemons, site, capsys, words, managers):
    ocsbow.main([*site, "up", *words])
    said = capsys.readouterr().out
    assert [f"  up hostmanager {name} all" in said for name in managers] == [True] * len(managers)
    assert [name for name, _, _ in daemons.asked] == managers


def test_a_manager_at_rest_is_started_with_all_else_down(daemons, site):
    daemons.running = "done"
    ocsbow.main([*site, "up", "pump1"])
    requests = {"requests": [["all", "down"], ["pump1", "up"]]}
    assert daemons.asked == [("hm-east", "manager", requests)]


def test_a_dry_run_asks_nobody(daemons, site, capsys):
    ocsbow.main([*site, "down", "--all", "--dry-run"])
    assert capsys.readouterr().out.startswith("[dry-run, no requests will be issued]")
    assert daemons.asked == []


def test_nobody_of_that_name_is_told(daemons, site, capsys):
    ocsbow.main([*site, "up", "pump9"])
    assert "No targets found matching" in capsys.readouterr().out


def test_what_nobody_manages_is_refused(daemons, site, capsys):
    with pytest.raises(SystemExit) as ending:
        ocsbow.main([*site, "up", "cam1"])
    assert ending.value.code == 1
    assert "cam1 cannot be changed" in capsys.readouterr().err


def test_config_lists_the_file_and_the_classes(site, capsys):
    ocsbow.main([*site, "config"])
    said = capsys.readouterr().out
    assert "  Host dome includes 3 agent instances:\n    HostManager::hm-east\n" in said
    ocsbow.main([*site, "config", "plugins"])
    assert "  FakeDataAgent             : ocsd_agents.fake_data.agent" in capsys.readouterr().out
    ocsbow.main([*site, "--site-host", "dome", "config", "crossbar"])
    assert "service on this host (dome)" in capsys.readouterr().out


def test_a_site_file_that_is_wrong_is_told_in_its_own_words(capsys):
    with pytest.raises(SystemExit) as ending:
        ocsbow.main(["--site-file", "/no/site.yaml"])
    assert ending.value.code == 78
    assert capsys.readouterr().err.startswith("ocsbow: error: there is no site file")


def local(command, target=None, foreground=False):
    return SimpleNamespace(
        here_cmd=command, target=target, foreground=foreground, site_file="/s.yaml"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (local("start"), "start --site-file /s.yaml --host dome -d"),
        (local("start", "agent", True), "start --site-file /s.yaml --host dome"),
        (local("start", "process"), "up --all --host dome"),
        (local("stop"), "stop --yes --host dome"),
        (local("stop", "process"), "down --all --yes --host dome"),
    ],
)
def test_local_support_is_commands_of_ocsd(args, words):
    assert local_support.command(args, "dome") == words.split()


@pytest.mark.parametrize("words", [("generate_crossbar_config",), ("stop", "crossbar")])
def test_what_ocsd_does_otherwise_names_the_command(words):
    with pytest.raises(UsageError, match=r"ocsd (start|stop) "):
        local_support.command(local(*words), "dome")


def test_local_support_shows_router_and_daemon(daemons, site, capsys):
    local_support.main_local([*site, "--site-host", "dome", "status"])
    said = capsys.readouterr().out
    assert "crossbar managed on this host:       True" in said
    assert "agent running?                     True" in said
    assert "instance-id:                       hm-east" in said
    daemons.away = {"hm-lab"}
    local_support.main_local([*site, "--site-host", "lab", "status"])
    said = capsys.readouterr().out
    assert "crossbar running?:                 n/a" in said
    assert "agent running?                     False" in said


def unit(*words):
    args = ocs_systemd.get_parser().parse_args(words)
    args.site_file = "/s.yaml"
    return args


def test_a_unit_is_that_of_ocsd():
    command = ocs_systemd.command
    assert command(unit("--shell", "sh"), "dome", True) == ["install", "--site-file", "/s.yaml"]
    other = command(unit("--service-user", "ocs"), "dome", False)
    assert other[3:] == ["--host", "dome", "--user", "ocs"]
    assert command(unit("--service-host", "dome"), "dome", True)[3:] == ["--host", "dome"]


def test_a_unit_in_another_folder_is_refused_with_the_way_to_see_it():
    with pytest.raises(UsageError, match=r"ocsd install --site-file /s\.yaml --dry-run"):
        ocs_systemd.command(unit("--service-dir", "."), "dome", True)


def test_the_copy_to_influx_names_our_command(capsys):
    with pytest.raises(SystemExit):
        g32influx.main()
    assert "ocsd data push --to http" in capsys.readouterr().err


def test_the_classes_are_listed_with_their_code():
    found = agent_cli.build_agent_list()
    assert found["FakeDataAgent"] == {
        "module": "ocsd_agents.fake_data.agent",
        "entry_point": "main",
    }
    assert found["HostManager"]["module"] == "ocsd.compat.host_manager"


def test_scripts_of_ocs_are_those_of_the_published_package():
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[3] / "setup.cfg")
    scripts = config["options.entry_points"]["console_scripts"].split("\n")
    ours = dict(line.split(" = ") for line in scripts if line)
    assert {name: place for name, place in ours.items() if place.startswith("ocs.")} == {
        "ocs-agent-cli": "ocs.agent_cli:main",
        "ocs-client-cli": "ocs.client_cli:main",
        "ocs-install-systemd": "ocs.ocs_systemd:main",
        "ocs-local-support": "ocs.ocsbow:main_local",
        "ocsbow": "ocs.ocsbow:main",
    }
