"""The files and calls of docs/run/access-levels.md are right."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

from ocsd.access import passwords
from ocsd.access.levels import CredLevel
from ocsd.client.exclusive import ExclusiveAccessClient
from ocsd.client.passwords import client_get_password
from ocsd.director.configuration import load
from ocsd.director.secret import FileHash

PAGE = (Path(__file__).parents[3] / "docs/run/access-levels.md").read_text()
_, OF_DIRECTOR, OF_PERSON = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_file_of_the_director_is_read(tmp_path):
    file = tmp_path / "access.yaml"
    file.write_text(OF_DIRECTOR)
    file.chmod(0o600)
    config = load(file)
    assert [each.name for each in config.blocks] == ["wiregrid"]
    assert len(config.passwords) == 3


def test_the_file_of_a_person_gives_the_passwords_that_the_page_says(tmp_path, monkeypatch):
    file = tmp_path / "passwords.yaml"
    file.write_text(OF_PERSON)
    file.chmod(0o600)
    monkeypatch.setenv("OCS_PASSWORDS_FILE", str(file))
    assert client_get_password(2, "FakeDataAgent", "faker1") == "for the fakers"
    assert client_get_password(2, "FakeDataAgent", "faker4") == "for everything"


def test_the_hashes_of_the_page_are_those_that_the_director_reads():
    table = PAGE.split("| hash | value |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [str(each) for each in FileHash]


def test_the_command_of_the_page_makes_a_hash():
    (code,) = re.findall(r'`python -c "(.*?)"`', PAGE)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="open sesame\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert passwords.fits("open sesame", done.stdout.strip())


def test_the_levels_of_the_page_are_those_of_the_code():
    table = PAGE.split("## Levels")[1].split("\n\n")[1]
    cells = re.findall(r"^\| (\d[\d, ]*) \|", table, re.MULTILINE)
    assert [int(level) for cell in cells for level in cell.split(",")] == [
        int(each) for each in CredLevel
    ]


def test_the_calls_of_the_page_are_those_of_the_client():
    (call,) = re.findall(r"ExclusiveAccessClient\((.*?)\)\n", PAGE)
    inspect.signature(ExclusiveAccessClient).bind(*call.split(", "))
    for method in re.findall(r"access\.(\w+)\(\)", PAGE):
        assert callable(getattr(ExclusiveAccessClient, method))
