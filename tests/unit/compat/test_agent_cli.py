"""`python -m ocs.agent_cli` finds the class of an instance and runs it."""

import json
import sys

import pytest

from ocsd.compat import agent_cli, host_manager

TEXT = """
hub: {wamp_server: ws://hub:8001/ws}
hosts:
  dome:
    agent-paths: [plugins]
    agent-instances:
      - {agent-class: HostManager, instance-id: hm-east}
      - {agent-class: PumpAgent, instance-id: pump1}
      - {agent-class: LostAgent, instance-id: lost1}
"""
AGENT = """
import json, os, sys

def begin(args=None):
    json.dump([__name__, args, sys.argv], open(os.environ["SEEN"], "w"))

if __name__ == "__main__":
    begin()
"""


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Write a site with a plug-in; return what the agent was given."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "pump_of_test.py").write_text(AGENT)
    (plugins / "ocs_plugin_pump.py").write_text("agents = [('PumpAgent', 'pump_of_test.py')]\n")
    (tmp_path / "peak.yaml").write_text(TEXT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["ocs-agent-cli"])
    monkeypatch.setattr(agent_cli.compat, "use", lambda: None)  # of this process and its children
    for name in ("INSTANCE_ID", "SITE_HOST", "SITE_HUB", "SITE_HTTP", "CROSSBAR_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    return lambda: (tmp_path / "seen").read_text()


@pytest.fixture
def site(tmp_path):
    return ["--site-file", str(tmp_path / "peak.yaml"), "--site-host", "dome"]


def test_the_script_of_an_instance_runs_as_by_hand(seen, site, tmp_path):
    words = ["--instance-id", "pump1", *site, "--own", "3"]
    agent_cli.main(words)
    script = str(tmp_path / "plugins" / "pump_of_test.py")
    expected = ["__main__", None, [script, *words]]
    assert seen() == json.dumps(expected)


def test_the_environment_of_a_container_names_the_instance(seen, site, monkeypatch):
    monkeypatch.setenv("INSTANCE_ID", "pump1")
    monkeypatch.setenv("SITE_HOST", "dome")
    agent_cli.main(site[:2])
    assert "__main__" in seen()


def test_an_agent_may_be_named_by_its_file(seen, tmp_path):
    file = tmp_path / "plugins" / "pump_of_test.py"
    agent_cli.main(["--agent", str(file), "--entrypoint", "begin", "--instance-id", "x"])
    expected = ["pump_of_test", ["--instance-id", "x"], ["ocs-agent-cli"]]
    assert seen() == json.dumps(expected)


def test_the_host_manager_is_the_daemon(seen, site, monkeypatch):
    started = []
    monkeypatch.setattr(host_manager, "main", lambda args: started.append(args))
    agent_cli.main([*site, "--instance-id", "hm-east"])
    assert started == [[*site, "--instance-id", "hm-east"]]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ([], "pass --instance-id, or set INSTANCE_ID", 2),
        (["--instance-id", "pump2"], "did you mean 'pump1'?", 78),
        (["--instance-id", "lost1"], "LostAgent", 78),
        (["--agent", "gone.py"], "there is no file gone.py", 2),
        (["--agent", __file__], "--agent needs --entrypoint", 2),
        (["--site=none", "--instance-id", "pump1"], "--site=none names no class", 2),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(seen, site, capsys, words, said, code):
    if "--site=none" not in words:
        words = [*site, *words]
    with pytest.raises(SystemExit) as ending:
        agent_cli.main(words)
    assert ending.value.code == code
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("ocs-agent-cli: error: ")
