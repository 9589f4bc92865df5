"""What a new version of a site file means for what runs."""

from ocsd.site.difference import difference
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance


def told(name="thermo1", port=8001, agent_paths=(), **fields):
    instance = Instance(instance_id=name, agent_class="FakeDataAgent", **fields)
    return Launch(
        site_file="site.yaml",
        host="lab",
        hub=Hub(wamp_server=f"ws://localhost:{port}/ws"),
        instance=instance,
        agent_paths=agent_paths,
        working_dir="/",
    )


def test_the_same_file_changes_nothing():
    launches = {"a": told("a"), "b": told("b")}
    assert str(difference(launches, dict(launches))) == "nothing changed"


def test_an_entry_that_only_moved_in_the_file_is_the_same():
    assert str(difference({"a": told(line=3)}, {"a": told(line=9)})) == "nothing changed"


def test_new_and_missing_entries_are_told_in_the_order_of_the_file():
    found = difference({"a": told("a"), "b": told("b")}, {"d": told("d"), "b": told("b")})
    assert (found.added, found.removed, found.changed) == (("d",), ("a",), {})


def test_changed_arguments_concern_this_instance_only():
    before = {"a": told("a"), "b": told("b")}
    after = {"a": told("a", arguments=("--mode", "acq")), "b": told("b")}
    found = difference(before, after)
    assert (found.changed, found.kept) == ({"a": ("arguments",)}, {"b": ()})
    assert str(found) != "nothing changed"


def test_a_variable_is_told_as_it_is_spelt():
    before, after = told(env={"T_A": "1", "x.y_z": "1"}), told(env={"T_A": "2", "x.y_z": "2"})
    found = difference({"a": before}, {"a": after})
    assert sorted(found.changed["a"]) == ["T_A", "x.y_z"]


def test_a_changed_alarm_is_told_by_its_name():
    def watching(when):
        return told("alarms").model_copy(update={"alarms": {"rules": {"too-warm_2": when}}})

    found = difference({"a": watching("t > 5")}, {"a": watching("t > 6")})
    assert found.changed == {"a": ("rules.too-warm_2",)}


def test_what_concerns_the_daemon_only_restarts_nothing():
    edited = told(
        restart="never",
        manage="down",
        after=("b",),
        retry_when="tcp://device:1",
        liveness={"feeds": "nothing"},
        limits={"memory": "500M"},
    )
    found = difference({"a": told()}, {"a": edited})
    assert found.changed == {}
    assert sorted(found.kept["a"]) == [
        *("after", "feeds", "manage", "memory", "restart", "retry-when"),
    ]
    assert str(found) != "nothing changed"


def test_what_docker_is_to_run_from_now_on_is_restarted():
    found = difference({"a": told(manage="up")}, {"a": told(manage="docker/up")})
    assert found.changed == {"a": ("manage",)}


def test_a_changed_hub_concerns_every_instance():
    before = {name: told(name) for name in "ab"}
    after = {name: told(name, port=8002) for name in "ab"}
    found = difference(before, after)
    assert {name: sorted(keys) for name, keys in found.changed.items()} == {
        name: ["wamp_http", "wamp_server"] for name in "ab"
    }


def test_that_hosts_take_files_from_now_on_concerns_the_daemon_only():
    before = told()
    hub = before.hub.model_copy(update={"take_files": True})
    found = difference({"a": before}, {"a": before.model_copy(update={"hub": hub})})
    assert not found.changed


def test_changed_agent_paths_concern_only_classes_that_are_found_elsewhere():
    before, after = {"a": told()}, {"a": told(agent_paths=("/opt/agents",))}
    found = difference(before, after, moved={"FakeDataAgent", "Other"})
    assert found.changed == {"a": ("agent-paths",)}
    found = difference(before, after, moved={"Other"})
    assert (found.changed, found.kept) == ({}, {"a": ()})


def test_limits_that_a_process_is_started_with_need_a_restart():
    found = difference({"a": told()}, {"a": told(limits={"memory": "500M", "nice": 5})})
    assert {name: sorted(keys) for name, keys in found.changed.items()} == {"a": ["memory", "nice"]}


def test_it_is_told_in_words():
    before = {"a": told("a"), "b": told("b"), "c": told("c"), "d": told("d")}
    after = {
        "b": told("b", arguments=("--mode", "acq"), env={"A": "1"}),
        "c": told("c", restart="never"),
        "d": told("d"),
        "e": told("e"),
    }
    assert str(difference(before, after)) == (
        "new: e; left the file: a; restarted: b (A, arguments); "
        "changed without a restart: c (restart)"
    )
    assert str(difference(before, before)) == "nothing changed"


def test_a_changed_hook_of_the_host_is_told():
    found = difference({}, {}, hooks=({"on-ok": ["say"]}, {"on-ok": ["say", "ok"]}))
    assert str(found) == "hooks: on-ok"
