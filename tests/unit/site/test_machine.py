"""What a site file asks of a machine that has not got it."""

import os
import sys

import pytest

from ocsd.site import machine
from ocsd.site.model import Crossbar, Host, Hub, Instance, Site

FILE = "/lab.yaml"


def told(hooks=None, agent_class="A", **keys):
    instance = Instance(instance_id="a", agent_class=agent_class, line=9, **keys)
    return of_host(instances=(instance,), hooks=hooks or {}, lines={"hooks/on-failed": 4})


def of_host(**fields):
    host = Host(name="lab", **fields)
    hub = Hub(wamp_server="ws://localhost:8001/ws")
    return list(machine.missing(Site(hub=hub, hosts={"lab": host}, path=FILE), host))


def test_what_this_machine_has_is_no_matter():
    hooks = {"on-up": (sys.executable, "-c", ""), "on-down": ("sh",)}
    assert told(hooks, user="root", limits={"open_files": 64}) == []


def test_a_hook_without_a_program_is_told():
    assert told({"on-failed": ("/no/such/pager", "--urgent")}) == [
        "/lab.yaml:4: hook on-failed: there is no program '/no/such/pager' on this machine"
    ]


def test_an_unknown_user_is_told():
    assert told(user="nosuch") == [
        "/lab.yaml:9: instance 'a': there is no user 'nosuch' on this machine"
    ]


def test_an_instance_that_something_else_runs_is_no_matter():
    assert told(user="nosuch", manage="docker") == []


@pytest.mark.parametrize("uid", [0, 1000])
def test_more_open_files_than_are_allowed_are_told(monkeypatch, uid):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    most = machine.most_open_files()
    assert told(limits={"open_files": most}) == []
    (warning,) = told(limits={"open_files": most + 1})
    assert f"open-files {most + 1} is above the {most} that are allowed here" in warning


def test_a_folder_of_agents_that_is_not_there_is_told_with_its_line(tmp_path):
    paths, lines = (str(tmp_path), "/opt/socs/agents"), {"agent-paths/1": 7}
    assert of_host(agent_paths=paths, lines=lines) == [
        "/lab.yaml:7: agent-paths names /opt/socs/agents, and there is no such folder; take it "
        "out, if every class is found without it"
    ]


def test_a_crossbar_that_is_not_there_is_told_with_its_line():
    (warning,) = of_host(crossbar=Crossbar(bin="/no/crossbar"), lines={"crossbar/bin": 3})
    assert warning.startswith("/lab.yaml:3: crossbar: bin /no/crossbar is not a program on this")
    assert warning.endswith("; take bin out")
    assert of_host(crossbar=Crossbar(bin=sys.executable)) == []


def test_a_router_is_refused_a_folder_without_its_configuration(tmp_path):
    folder = tmp_path / ".crossbar"
    host = Host(
        name="lab", crossbar=Crossbar(config_dir=str(folder)), lines={"crossbar/config-dir": 5}
    )
    assert machine.router_refusal(host).startswith(
        f"crossbar: config-dir {folder} (line 5) holds no config.json or config.yaml; take "
    )
    folder.mkdir()
    (folder / "config.yaml").touch()
    assert machine.router_refusal(host) == ""


def test_a_relative_folder_of_the_router_is_judged_where_the_router_starts(tmp_path):
    host = Host(name="lab", crossbar=Crossbar(config_dir="cb"))
    assert machine.router_refusal(host) == ""
    assert f"config-dir {tmp_path / 'cb'} holds no" in machine.router_refusal(host, tmp_path)
    assert machine.router_refusal(Host(name="lab"), tmp_path) == ""


def managed(*files, **keys):
    """Return the warnings for a host with these compose files and one agent in a container."""
    arguments = ("--docker-compose", ", ".join(map(str, files)), "--docker-service-prefix", "x-")
    manager = Instance(instance_id="hm", agent_class="HostManager", line=9, arguments=arguments)
    boxed = Instance(instance_id="a", agent_class="A", line=12, manage="docker", **keys)
    return of_host(instances=(manager, boxed))


def test_a_compose_file_that_is_not_there_is_told(tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  influxdb: {}\n  x-a: {}\n")
    assert managed(file) == []
    assert managed(file, "/no/compose.yaml") == [
        "/lab.yaml:9: the services of /no/compose.yaml cannot be managed: No such file or "
        "directory; correct that file"
    ]


def test_a_service_in_two_compose_files_is_told(tmp_path):
    files = [tmp_path / name for name in ("a.yaml", "b.yaml")]
    for file in files:
        file.write_text("services: {x-a: {}}")
    assert managed(*files) == [f"/lab.yaml:9: service 'x-a' stands in {files[0]} and in {files[1]}"]


def test_an_entry_without_a_service_is_told_with_the_nearest_one(tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text("services: {x-b: {}}")
    assert managed(file) == [
        f"/lab.yaml:12: instance 'a': there is no service 'x-a' in {file}; did you mean 'x-b'?; it "
        "cannot be started"
    ]


def test_keys_without_effect_on_a_container_are_told(tmp_path):
    file = tmp_path / "compose.yaml"
    file.write_text("services: {x-a: {}}")
    assert managed(file, user="root", env={"A": "b"}) == [
        "/lab.yaml:12: instance 'a': user, env has no effect, because Docker runs it; say the same "
        "in the compose file"
    ]


@pytest.mark.parametrize("text", ["", "services:\n", "[a]\n", "services: [", "a: !odd b\n"])
def test_a_compose_file_that_cannot_be_understood_is_told_as_such(tmp_path, text):
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    (warning,) = told(agent_class="HostManager", arguments=("--docker-compose", str(file)))
    assert f"the services of {file} cannot be managed: " in warning


@pytest.mark.parametrize("arguments", [(), ("--docker-compose",), ("--initial-state", "up")])
def test_a_hostmanager_without_containers_is_no_matter(arguments):
    assert told(agent_class="HostManager", arguments=arguments) == []
