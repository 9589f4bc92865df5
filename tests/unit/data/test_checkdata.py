"""`checkdata` prints the age of what was recorded last, in the form of OCS's program."""

import pytest

from ocsd.data import checkdata
from ocsd.data.checkdata import DataChecker, Last, report_lines
from tests.unit.data import recorded

OPENED = recorded.OPENED
NOW = 1_795_330_000.0
FOUND = {
    "pump2": {"flow": {"lpm": Last(NOW - 1.25, 7.5), "on": Last(NOW - 700.0, True)}},
    "fan1": {"air": {"rpm": Last(NOW - 3.0, 900)}},
}


def test_a_feed_is_as_old_as_its_oldest_field():
    assert report_lines(FOUND, False, NOW, coloured=False) == [
        "fan1",
        "  air: 3.0 s old",
        "",
        "pump2",
        "  flow: 700.0 s old",
        "",
    ]


def test_what_is_old_is_red_on_a_terminal():
    lines = report_lines(FOUND, False, NOW, coloured=True)
    assert lines[1] == "  air: 3.0 s old"
    assert lines[4] == "  flow: \x1b[31m700.0 s old\x1b[0m"


def test_verbose_has_a_table_of_fields():
    lines = report_lines({"fan1": FOUND["fan1"]}, True, NOW, coloured=False)
    assert lines[1:6] == [
        "  air",
        "  " + "-" * 89,
        f"  {'Field':>20} | {'Last Seen [s ago]':>20} | {'Seen At [ctime]':>20} | {'Value':>20}",
        "  " + "-" * 89,
        f"  {'rpm':>20} | {'3.0':>20} | {NOW - 3.0:>20} | {'900':>20}",
    ]


@pytest.fixture
def folder(tmp_path):
    """Two files, the newer one torn at its end."""
    for opened in (OPENED, OPENED + 100_000):
        last = recorded.samples(recorded.every(1.0, 3, opened), kelvin=[1.5, 2.5, float(opened)])
        recorded.sound(tmp_path, last, opened=opened)
    with (tmp_path / "17954" / f"{opened}.g3").open("ab") as file:
        file.write(last[:40])
    return tmp_path


def test_files_are_read_below_a_folder_or_by_name(folder):
    checker = DataChecker(str(folder))
    checker.run()
    last = checker.instances["thermo1"]["temps"]["kelvin"]
    assert (last.at, last.value) == (OPENED + 100_002.0, OPENED + 100_000.0)
    one = DataChecker(str(next(folder.glob("17953/*"))))
    one.run()
    assert one.instances["thermo1"]["temps"]["kelvin"].at == OPENED + 2.0


def test_a_place_that_is_not_there_is_told(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["checkdata", "/no/where"])
    with pytest.raises(SystemExit) as ending:
        checkdata.main()
    assert ending.value.code == 4
    assert "no file or folder /no/where" in capsys.readouterr().err
