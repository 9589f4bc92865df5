"""The data folder is read from an aggregator's arguments."""

from pathlib import Path

import pytest

from ocsd.site.recording import data_folder


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--initial-state", "record", "--data-dir", "/hk"], "/hk"),
        (["--data-dir=/hk", "--unknown", "1"], "/hk"),
        (["--data-dir", "/old", "--data-dir", "/hk"], "/hk"),
        (["--data-dir"], "/state/data"),
        (["--data-dir="], "/state/data"),
        ([], "/state/data"),
    ],
)
def test_the_last_data_dir_counts(arguments, folder):
    assert data_folder(arguments, Path("/state")) == Path(folder)


def test_a_relative_folder_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert data_folder(["--data-dir", "hk"], Path("/state")) == tmp_path / "hk"
