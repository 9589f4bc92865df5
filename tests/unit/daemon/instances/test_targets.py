"""What the operator wants outlives the daemon."""

import re

import pytest

from ocsd.daemon.instances.targets import Targets
from ocsd.errors import StateFolderError
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import Target


def agent(manage=Manage.UP):
    return Instance(instance_id="thermo1", agent_class="FakeDataAgent", manage=manage)


def test_without_a_word_of_the_operator_the_site_file_decides(tmp_path):
    targets = Targets(tmp_path / "targets.json")
    assert targets.of(agent()) is Target.UP
    assert targets.of(agent(Manage.DOWN)) is Target.DOWN


def test_the_operators_word_holds_until_the_site_file_says_something_new(tmp_path):
    Targets(tmp_path / "targets.json").remember([agent()], Target.DOWN)
    later = Targets(tmp_path / "targets.json")
    assert later.of(agent()) is Target.DOWN
    later.remember([agent(Manage.DOWN)], Target.UP)
    assert Targets(tmp_path / "targets.json").of(agent(Manage.DOWN)) is Target.UP
    assert Targets(tmp_path / "targets.json").of(agent()) is Target.UP


def test_what_cannot_be_written_is_refused_each_time(tmp_path):
    targets = Targets(tmp_path / "gone" / "targets.json")
    for _ in range(2):
        with pytest.raises(StateFolderError, match="No such file or directory"):
            targets.remember([agent()], Target.DOWN)
    assert targets.of(agent()) is Target.UP


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
    with pytest.raises(StateFolderError, match="No space left"):
        Targets(tmp_path / "targets.json").remember([agent()], Target.DOWN)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wanted_already_needs_no_disk(tmp_path):
    targets = Targets(tmp_path / "gone" / "targets.json")
    targets.remember([agent()], Target.UP)
    assert targets.of(agent()) is Target.UP


def test_who_put_an_instance_down_and_when_outlives_the_daemon(tmp_path):
    Targets(tmp_path / "targets.json").remember([agent()], Target.DOWN, "alice (uid 1000)")
    told = Targets(tmp_path / "targets.json").reason(agent())
    assert re.fullmatch(
        r"put down on \S+Z by alice \(uid 1000\); `ocsd up thermo1` starts it", told
    )


@pytest.mark.parametrize("more", ["", ', "at": "noon", "by": ""'])
def test_what_an_older_version_remembered_says_as_much_as_it_can(tmp_path, more):
    file = tmp_path / "targets.json"
    file.write_text(f'{{"thermo1": {{"target": "down", "manage": "up"{more}}}}}')
    told = Targets(file).reason(agent())
    assert told == "put down by an operator; `ocsd up thermo1` starts it"


def test_what_the_site_file_keeps_down_or_nobody_put_down_needs_no_reason(tmp_path):
    targets = Targets(tmp_path / "targets.json")
    assert targets.reason(agent()) == ""
    targets.remember([agent()], Target.DOWN, "alice")
    assert targets.reason(agent(Manage.DOWN)) == ""
    targets.remember([agent()], Target.UP, "alice")
    assert targets.reason(agent()) == ""
