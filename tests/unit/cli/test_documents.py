"""`ocsd docs` finds what stands in the documentation."""

import subprocess
import sys
from pathlib import Path

import pytest

from ocsd.cli import documents
from ocsd.cli.commands.setup import docs as command
from ocsd.cli.main import main

ROOT = Path(__file__).parents[3]
TEXTS = {
    "run/disk": "# Disks\n\nHow large.\n\n## Full\n\nA full disk pauses.\n",
    "develop/why": "# Decisions\n\n## Disk\n\nThe size of a disk.\n",
    "see/page": "# The page\n\nNothing.\n\n```yaml\n# disk.yml\na: disk\n```\n",
}


def test_a_page_about_it_comes_first_and_reasons_last():
    found = [each.page for each in documents.search(["disk"], TEXTS)]
    assert found[0] == "run/disk"
    assert set(found) == set(TEXTS)
    assert documents.search(["DISK"], TEXTS) == documents.search(["disk"], TEXTS)


def test_all_words_have_to_stand_in_one_section():
    assert [each.heading for each in documents.search(["disk", "pauses"], TEXTS)] == ["Full"]
    assert documents.search(["disk", "nosuch"], TEXTS) == []


def test_a_comment_of_an_example_is_no_heading():
    (found,) = documents.search(["yml"], TEXTS)
    assert (found.heading, found.line) == ("The page", "# disk.yml")


def test_the_command_names_pages_sections_and_how_to_go_on(capsys):
    assert main(["docs", "move", "data", "folder"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("run/changing: Move the data folder\n")
    assert "print a page: ocsd docs run/changing" in shown


def test_a_page_is_printed_by_its_name(capsys):
    assert main(["docs", "run/keeping"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "run" / "keeping.md").read_text()


def test_without_a_browser_the_pages_are_listed(capsys, monkeypatch):
    monkeypatch.setenv("DISPLAY", "")
    assert main(["docs"]) == 0
    assert "start/index" in capsys.readouterr().out


def test_words_that_stand_nowhere_are_no_data(capsys):
    assert main(["docs", "xyzzy"]) == 4
    assert "no page has 'xyzzy'; the pages: ocsd docs" in capsys.readouterr().err


def test_an_installation_without_documentation_says_where_it_is(capsys, monkeypatch):
    monkeypatch.setattr(command, "pages_folder", lambda: None)
    assert main(["docs"]) == 1
    assert "in the folder docs/ of ocsd's source" in capsys.readouterr().err


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "ocsd" / "documents"


def test_a_package_that_is_built_has_every_page_and_picture(built):
    for kind in ("*.md", "*.png", "*.svg"):
        pages = {each.relative_to(ROOT / "docs") for each in (ROOT / "docs").rglob(kind)}
        assert pages
        assert {each for each in pages if not (built / each).exists()} == set()
    assert not (built / "conf.py").exists()


def test_the_pages_for_browsers_are_in_it_if_they_were_made(built):
    made = (ROOT / "build" / "docs" / "index.html").exists()
    assert (built / "html" / "index.html").exists() == made
