"""What the operator wants outlives the daemon."""

import pytest

from ocsd.daemon.instances.targets import Targets
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target
from ocsd.supervisor.wish import Word


def agent(manage=Manage.UP):
    return Instance(instance_id="thermo1", agent_class="FakeDataAgent", manage=manage)


def test_without_a_word_of_the_operator_the_site_file_decides(tmp_path):
    targets = Targets(tmp_path / "targets.json")
    assert targets.of(agent()) is Target.UP
    assert targets.of(agent(Manage.DOWN)) is Target.DOWN


def test_the_operators_word_holds_until_the_site_file_changes(tmp_path):
    Targets(tmp_path / "targets.json").remember([agent()], Target.DOWN)
    later = Targets(tmp_path / "targets.json")
    assert later.of(agent()) is Target.DOWN
    later.remember([agent(Manage.DOWN)], Target.UP)
    assert Targets(tmp_path / "targets.json").of(agent(Manage.DOWN)) is Target.UP
    assert Targets(tmp_path / "targets.json").of(agent()) is Target.UP


def test_what_cannot_be_written_holds_and_is_told_until_it_is_written(tmp_path):
    targets = Targets(tmp_path / "gone" / "targets.json")
    targets.remember([agent()], Target.DOWN)
    for _ in range(2):
        assert "No such file or directory; they hold until this daemon ends" in targets.unwritten
        assert targets.of(agent()) is Target.DOWN
        targets.catch_up()
    (tmp_path / "gone").mkdir()
    targets.catch_up()
    assert targets.unwritten == ""
    assert Targets(tmp_path / "gone" / "targets.json").of(agent()) is Target.DOWN


def test_while_the_disk_takes_nothing_the_runtime_folder_keeps_the_targets(tmp_path):
    places = tmp_path / "gone" / "targets.json", tmp_path / "latest.json"
    targets = Targets(*places)
    targets.remember([agent()], Target.DOWN)
    assert "they hold until the machine is restarted" in targets.unwritten
    # The daemon is replaced: `ocsd upgrade`.
    successor = Targets(*places)
    assert successor.of(agent()) is Target.DOWN
    assert successor.unwritten
    places[0].parent.mkdir()
    successor.catch_up()
    assert not places[1].exists()
    assert Targets(*places).of(agent()) is Target.DOWN


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}'])
def test_a_damaged_file_in_the_runtime_folder_is_left_alone(tmp_path, content):
    (tmp_path / "latest.json").write_text(content)
    targets = Targets(tmp_path / "targets.json", tmp_path / "latest.json")
    assert targets.of(agent()) is Target.UP
    assert targets.notice == targets.unwritten == ""


def test_a_damaged_file_is_said_and_not_believed(tmp_path):
    file = tmp_path / "targets.json"
    file.write_text('{"thermo1": ["down"')
    targets = Targets(file)
    assert str(file) in targets.notice
    assert targets.of(agent()) is Target.UP
    targets.remember([agent()], Target.DOWN)
    assert Targets(file).notice == ""


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    targets = Targets(tmp_path / "targets.json")
    targets.remember([agent()], Target.DOWN)
    assert "No space left" in targets.unwritten
    assert list(tmp_path.iterdir()) == []


def test_what_is_wanted_already_needs_no_disk(tmp_path):
    targets = Targets(tmp_path / "gone" / "targets.json")
    targets.remember([agent()], Target.UP)
    assert targets.of(agent()) is Target.UP


def test_who_put_an_instance_down_and_when_outlives_the_daemon(tmp_path):
    Targets(tmp_path / "targets.json").remember([agent()], Target.DOWN, "alice (uid 1000)")
    word = Targets(tmp_path / "targets.json").word(agent())
    assert (word.target, word.by) == (Target.DOWN, "alice (uid 1000)")
    assert word.when.endswith("Z")


@pytest.mark.parametrize("more", ["", ', "at": "noon", "by": ""', ', "by": null'])
def test_a_word_of_an_older_version_has_no_author_and_time(tmp_path, more):
    file = tmp_path / "targets.json"
    file.write_text(f'{{"thermo1": {{"target": "down", "manage": "up"{more}}}}}')
    assert Targets(file).word(agent()) == Word(Target.DOWN)


@pytest.mark.parametrize("content", ["{}", '{"manage": "up"}', '{"manage": "up", "target": "on"}'])
def test_what_makes_no_sense_is_no_word(tmp_path, content):
    file = tmp_path / "targets.json"
    file.write_text(f'{{"thermo1": {content}}}')
    assert Targets(file).word(agent()) is None
