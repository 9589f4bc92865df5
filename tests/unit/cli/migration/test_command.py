"""`ocsd migrate` reads a site of OCS, writes a new site file and says how to return."""

import json
import re
from pathlib import Path

import pytest

from tests.unit.migration.ocs_site import COMPOSE, LAUNCHER, NODE, SITE, UNIT

PAGE = (Path(__file__).parents[4] / "docs" / "moving-from-ocs" / "migrate.md").read_text()
BLOCKS = re.findall(r"```\w*\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^    ocsd (migrate .*)$", PAGE, re.MULTILINE)


@pytest.fixture
def migrate(ocsd, monkeypatch):
    monkeypatch.chdir(ocsd.base)

    def run(*words):
        units = ocsd.base / "units"
        units.mkdir(exist_ok=True)
        return ocsd("migrate", *words, "--units", str(units))

    return run


def test_the_examples_of_the_page_are_what_it_prints(migrate, ocsd):
    (ocsd.base / "default.yaml").write_text(BLOCKS[0])
    read, write, _, back = COMMANDS
    done = migrate(*read.split()[1:])
    assert (done.returncode, done.stdout) == (0, BLOCKS[1])
    assert done.stderr.endswith("ocsd: 16 lines: 7 taken, 8 differs, 1 to do\n")
    assert migrate(*write.split()[1:]).returncode == 0
    checked = ocsd("check", "--site-file", "new.yaml", "--host", "daq-1", "--deep")
    assert checked.returncode == 0, checked.stderr
    steps = migrate(*back.split()[1:])
    own = steps.stdout.replace(f"{ocsd.base}/", "")
    assert (steps.returncode, own) == (0, BLOCKS[2])


def test_a_whole_site_is_read_from_its_unit_on(migrate, ocsd):
    base = ocsd.base
    (base / "units").mkdir()
    launcher = base / "launcher-hm-daq-1.sh"
    unit = UNIT.replace("/home/ocs/site/launcher-hm-daq-1.sh", str(launcher))
    (base / "units" / "ocs-hostmanager.service").write_text(unit)
    (base / "units" / "nginx.service").write_text("[Service]\nExecStart=/usr/sbin/nginx\n")
    launcher.write_text(LAUNCHER.replace("/srv/dc.yaml", str(base / "dc.yaml")))
    (base / "dc.yaml").write_text(COMPOSE)
    (base / "crossbar").mkdir()
    (base / "crossbar" / "config.json").write_text(NODE)
    site = SITE.replace("/home/ocs/.crossbar/", f"{base}/crossbar")
    (base / "default.yaml").write_text(site)

    done = migrate("--site-file", "default.yaml", "--host", "daq-1", "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    places = {(Path(each["file"]).name, each["verdict"]) for each in found}
    assert ("dc.yaml", "taken") in places
    assert ("config.json", "taken") in places
    assert ("ocs-hostmanager.service", "to do") in places
    assert ("launcher-hm-daq-1.sh", "to do") in places
    assert "nginx" not in done.stdout


def test_a_file_that_cannot_be_read_is_told_line_by_line_and_not_written(migrate, ocsd):
    text = SITE.replace("'instance-id': 'fake1'", "'instance-id': 'fake.1'")
    (ocsd.base / "default.yaml").write_text(text)
    words = ("--site-file", "default.yaml", "--host", "daq-1", "--write", "new.yaml")
    done = migrate(*words)
    assert done.returncode == 78
    assert "first    default.yaml:16: site file: instance-id 'fake.1' cannot" in done.stdout
    assert "new.yaml is not written: ocsd cannot read it before" in done.stderr
    assert not (ocsd.base / "new.yaml").exists()


def test_an_existing_file_is_not_overwritten(migrate, ocsd):
    (ocsd.base / "default.yaml").write_text(BLOCKS[0])
    words = ("--site-file", "default.yaml", "--host", "daq-1", "--write", "default.yaml")
    done = migrate(*words)
    assert (done.returncode, "is not overwritten; name another file" in done.stderr) == (78, True)
    assert (ocsd.base / "default.yaml").read_text() == BLOCKS[0]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--site-file", "none.yaml"), 78, "there is no site file none.yaml"),
        (("--site-file", "default.yaml", "--host", "daq"), 78, "has no host 'daq'"),
        (("--try", "--back"), 2, "exclude each other"),
        (("--site-file", "default.yaml", "--crossbar", "x"), 78, "x holds no config.json"),
    ],
)
def test_a_wrong_word_is_told_with_the_next_step(migrate, ocsd, words, code, told):
    (ocsd.base / "default.yaml").write_text(BLOCKS[0])
    done = migrate(*words)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
