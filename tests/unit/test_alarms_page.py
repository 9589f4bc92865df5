"""What docs/see/alarms.md says is what the program does."""

import re
from pathlib import Path

import pytest

from ocsd.alarms.alarm import AlarmPhase
from ocsd.alarms.board import AlarmBoard
from ocsd.alarms.view import UNSEEN
from ocsd.cli.main import main as command_line
from ocsd.evaluator.pages import AlarmPage, PageKind
from ocsd.evaluator.wording import Links, content
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.site.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "see" / "alarms.md").read_text()
SITE_FILES = [
    re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
    for indent, text in re.findall(r"^( *)```yaml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize("text", SITE_FILES)
def test_every_site_file_is_right_and_warns_of_nothing(text, tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text(text)
    site = load(file)
    assert site.hosts["grumpy"].alarms
    assert [each for each in site.warnings if "alarm" in str(each)] == []


def test_every_command_is_understood(capsys):
    commands = re.findall(r"^ +ocsd (.*?)(?:  +#.*)?$|`ocsd ([^`]*)`", PAGE, re.MULTILINE)
    assert len(commands) >= 15
    for command in filter(None, sum(commands, ())):
        words = re.findall(r"'[^']*'|\S+", command)
        assert command_line([*(word.strip("'") for word in words), "--help"]) == 0, command
        assert "Usage" in capsys.readouterr().out


def test_the_states_are_told():
    table = PAGE.partition("## The life")[2].partition("\n\n**One")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {*AlarmPhase, UNSEEN}


def test_every_key_of_a_message_is_told(tmp_path):
    file = tmp_path / "site.yaml"
    file.write_text(SITE_FILES[0])
    keys = AlarmsKeys.model_validate(load(file).hosts["grumpy"].alarms)
    board = AlarmBoard(keys.entries(), begun_at=0.0)
    page = AlarmPage(PageKind.RAISED, ("log",), ("stage-warm",), 1)
    told = content(page, board, "grumpy", Links("", "observatory"), at=0.0)
    table = PAGE.partition("| key of the JSON |")[2].partition("\n\n")[0]
    left, *_ = zip(*(row.split(" | ") for row in table.splitlines()[2:]), strict=True)
    assert set(re.findall(r"`(\w+)`", " ".join(left))) == {*told, "key", "thread", "repeated"}
    kinds = re.search(r"the host; (.*) \|", table)[1]
    assert set(re.findall(r"`(\w+)`", kinds)) == {str(kind) for kind in PageKind}
