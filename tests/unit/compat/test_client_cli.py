"""`python -m ocs.client_cli` prints what OCS's program prints."""

from types import SimpleNamespace

import pytest

from ocsd.client_http import ControlClientError
from ocsd.compat import client_cli


def test_agents_are_listed_with_their_operations():
    found = {"pump1": {"acq": 3, "init": 5, "odd": 99}, "fan1": {}}
    assert client_cli.scan_lines("Registered", found, details=True) == [
        "List of Registered Agents: (2)",
        "  pump1",
        "    acq                 : RUNNING",
        "    init                : SUCCEEDED",
        "    odd                 : 99",
        "  fan1",
        "",
    ]
    assert client_cli.scan_lines("Detected", found, details=False)[1:] == ["  pump1", "  fan1", ""]


def test_an_address_is_of_the_site_or_refused():
    args = SimpleNamespace(address_root="peak.west")
    assert client_cli.get_instance_id("peak.west.pump1", args) == "pump1"
    with pytest.raises(ValueError, match=r"peak\.west"):
        client_cli.get_instance_id("peak.pump1", args)


@pytest.mark.parametrize(
    ("arguments", "decoded"),
    [
        (([0, 0, 0, 0, "wamp.error.canceled", ["gone"], {}],), (True, "wamp.error.canceled")),
        (([0, 0, 0, 0, "client_http.error.x", [], {}],), (True, "client_http.error.x")),
        (([0, 0, 0, 0, "other", [], {}],), (False, ([0, 0, 0, 0, "other", [], {}],))),
        (("text",), (False, ("text",))),
        ((), (False, ())),
    ],
)
def test_an_error_is_taken_apart(arguments, decoded):
    error = ControlClientError(*arguments)
    assert client_cli.decode_exception(error.args)[:2] == decoded


@pytest.fixture
def words(bridge):
    return ["--site", "none", "--site-http", bridge.url]


def test_a_site_without_a_registry_is_told(words, capsys):
    with pytest.raises(SystemExit):
        client_cli.main([*words, "scan", "--use-registry", "nobody"])
    assert "no registry at observatory.nobody" in capsys.readouterr().err


def test_a_router_that_is_not_there_is_told_in_one_line(capsys):
    words = ["--site", "none", "--site-http", "http://127.0.0.1:1/call"]
    with pytest.raises(SystemExit) as ending:
        client_cli.main([*words, "shell", "pump1"])
    assert ending.value.code == 1
    said = "error: Failed to connect to http://127.0.0.1:1/call: Connection refused"
    assert capsys.readouterr().err == f"ocs-client-cli: {said}\n"


def test_the_agents_of_the_registry_are_listed(words, bridge, capsys):
    listed = {"observatory.pump1": {"op_codes": {"acq": 3}}}
    main = ["main", {"session": None}, {"docstring": "", "blocking": True, "op_type": "process"}]

    def answer(procedure, args, kwargs):
        if procedure.endswith(".ops"):
            return [0, "Session active.", {"data": listed}]
        return {"tasks": [], "processes": [main], "feeds": []}

    bridge.answer = answer
    client_cli.main([*words, "scan", "--use-registry", "--details"])
    assert capsys.readouterr().out == (
        "List of Registered Agents: (1)\n  pump1\n    acq                 : RUNNING\n\n"
    )


def test_a_shell_has_a_client(words, monkeypatch, capsys):
    seen = {}
    monkeypatch.setattr(
        client_cli.code.InteractiveConsole,
        "interact",
        lambda console, banner: seen.update(console.locals, banner=banner),
    )
    client_cli.main([*words, "shell", "--simple", "dev1"])
    assert seen["client"].init.status().session is not None
    assert seen["banner"] == "ocs-client-cli -- use client.<op_name> to talk to dev1"
    client_cli.main([*words, "shell", "--simple", "dev1", "dev1"])
    assert len(seen["clients"]) == 2
    assert "use clients[1].<op_name> to talk to dev1" in seen["banner"]
