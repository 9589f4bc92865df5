"""`python -m ocs.agents.host_manager.agent` starts the daemon that the options mean."""

import pytest

from ocsd.compat import host_manager
from ocsd.errors import ConfigurationError
from ocsd.site import load
from ocsd.site.arguments import add_arguments

TEXT = """
hub: {wamp_server: ws://hub:8001/ws, wamp_http: http://hub:8001/call}
hosts:
  dome:
    agent-instances:
      - {agent-class: HostManager, instance-id: hm-east}
      - {agent-class: FanAgent, instance-id: fan1}
  lab:
    wamp_server: ws://nearby:8001/ws
    agent-instances: [{agent-class: HostManager, instance-id: hm-lab1}]
  bare: {agent-instances: []}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "peak.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def commanded(file):
    def command(*words):
        args = add_arguments().parse_args(["--site-file", str(file), *words])
        return host_manager.command(args)

    return command


@pytest.mark.parametrize(
    ("words", "host"),
    [
        (["--site-host", "dome"], "dome"),
        (["--instance-id", "hm-lab1"], "lab"),
        (["--site-host", "lab", "--instance-id", "hm-lab1"], "lab"),
        (["--site-host", "bare", "--instance-id", "hm-bare"], "bare"),
    ],
)
def test_host_or_instance_id_give_the_host(commanded, file, words, host):
    assert commanded(*words) == (["start", "--site-file", str(file), "--host", host], {})


def test_urls_of_the_router_go_to_the_daemons_environment(commanded):
    hub, http = "wss://cloud:443/ws", "https://cloud/call"
    words = ["--site-host", "lab", "--site-hub", hub]
    assert commanded(*words)[1] == {"OCSD_SITE_HUB": hub}
    assert commanded(*words, "--site-http", http)[1]["OCSD_SITE_HTTP"] == http


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--site-host", "dome", "--instance-id", "hm-lab1"], "answers as 'hm-east'"),
        (["--site-host", "dome", "--instance-id", "fan1"], "no HostManager 'fan1'"),
        (["--site-host", "bare", "--instance-id", "hm9"], "answers as 'hm-bare'"),
        (["--site-host", "doom"], "did you mean 'dome'"),
        (["--site-host", "lab", "--site-hub", "hub:8001"], "wamp_server 'hub:8001' is not"),
    ],
)
def test_what_does_not_fit_is_refused(commanded, words, said):
    with pytest.raises(ConfigurationError, match=said):
        commanded(*words)


def test_a_daemon_takes_the_urls_of_its_environment(file, monkeypatch):
    site = load.load(file)
    assert load.own_host(site, "lab").hub(site.hub).wamp_server == "ws://nearby:8001/ws"
    monkeypatch.setenv("OCSD_SITE_HUB", "ws://cloud:1/ws")
    monkeypatch.setenv("OCSD_SITE_HTTP", "http://cloud:1/call")
    hub = load.own_host(site, "lab").hub(site.hub)
    assert (hub.wamp_server, hub.wamp_http) == ("ws://cloud:1/ws", "http://cloud:1/call")
    assert site.hub.wamp_server == "ws://hub:8001/ws"


def test_an_error_ends_it_with_one_line(file, capsys):
    with pytest.raises(SystemExit) as ending:
        host_manager.main(["--site-file", str(file), "--site-host", "doom"])
    assert ending.value.code == ConfigurationError.exit_code
    assert capsys.readouterr().err.count("\n") == 1


def test_options_about_docker_go_to_the_daemons_environment(file):
    args = add_arguments().parse_args(["--site-file", str(file), "--site-host", "dome"])
    args.docker_compose, args.docker_service_prefix = "/srv/compose.yml", "x-"
    assert host_manager.command(args)[1] == {
        "OCSD_DOCKER_COMPOSE": "/srv/compose.yml",
        "OCSD_DOCKER_SERVICE_PREFIX": "x-",
    }
