"""What the operator wants outlives the daemon."""

import pytest

from ocsd.daemon.targets import Targets
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


def test_what_is_wanted_already_needs_no_disk(tmp_path):
    targets = Targets(tmp_path / "gone" / "targets.json")
    targets.remember([agent()], Target.UP)
    assert targets.of(agent()) is Target.UP
