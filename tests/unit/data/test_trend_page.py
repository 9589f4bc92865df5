"""What docs/reference/trend.md says is what a trend file has."""

import re
from pathlib import Path

from ocsd.cli.main import main
from ocsd.data.trend import format as trend_format
from ocsd.data.trend import levels, texts
from tests.unit.data.recorded import OPENED, every, samples, sound

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "trend.md").read_text()


def test_the_example_of_the_page_reads_a_trend(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sound(tmp_path / "data", samples(every(0.25, 600), a=[0.5] * 599 + [99.0]))
    assert main(["data", "trend", "--folder", "data"]) == 0
    assert {str(path) for path in Path("data/ocsd/trend").rglob("*.trend")} == {
        "data/ocsd/trend/17953.trend",
        f"data/ocsd/trend/17953/{OPENED}.trend",
    }
    capsys.readouterr()
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out.endswith(".a: 600 samples from 0.5 to 99.0\n")


def test_the_page_has_the_numbers_of_the_code():
    assert f"describes version {trend_format.VERSION}." in PAGE
    assert f"`{trend_format.TREND_MAGIC.decode()}`" in PAGE
    first, always = levels.STEPS_S[:3], levels.STEPS_S[3:]
    assert f"{', '.join(map(str, first))} s; {', '.join(map(str, always))} s always" in PAGE
    assert always[0] == levels.ALWAYS_KEPT_FROM_S
    assert (
        f"at least {levels.LEAST_SAMPLES}\n  samples on average (in the file of a folder: 4)"
        in PAGE
    )
    assert levels.LEAST_SAMPLES_OF_FOLDER == 4
    assert f"more than {texts.MOST_CHANGES}" in PAGE
