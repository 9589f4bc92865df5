"""The feed viewers that a host's page lists."""

import json

import pytest

from ocsd.web.sources.views import LIFE_S, View, ViewNotice, folders_of, views

LAB = View("lab", "two <b>channels</b>", "http://127.0.0.1:5000/", "fake-data1.temps")


def test_a_viewer_is_listed_while_it_renews_its_file(tmp_path):
    notice = ViewNotice(lambda: [tmp_path / "views"], LAB, 7)
    notice.renew(100.0)
    assert views(tmp_path, 100.0 + LIFE_S) == [LAB]
    assert views(tmp_path, 101.0 + LIFE_S) == []
    notice.renew(200.0)
    assert views(tmp_path, 201.0) == [LAB]
    notice.withdraw()
    assert views(tmp_path, 201.0) == []


def test_two_viewers_of_one_container_image_do_not_hide_each_other(tmp_path):
    other = View("lab2", "", "http://127.0.0.1:5000/", "fake-data2.temps")
    for view in (other, LAB):
        ViewNotice(lambda: [tmp_path / "views"], view, 1).renew(100.0)
    assert views(tmp_path, 100.0) == [LAB, other]


def test_a_host_without_a_runtime_folder_is_left_out(tmp_path):
    notice = ViewNotice(lambda: [tmp_path / "host" / "views"], LAB, 7)
    notice.renew(100.0)
    assert not (tmp_path / "host").exists()
    (tmp_path / "host").mkdir()
    notice.renew(106.0)
    assert views(tmp_path / "host", 106.0) == [LAB]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        json.dumps({"name": "x", "renewed_at": "now"}).encode(),
        json.dumps(
            {"name": "x", "description": "", "url": "javascript:alert(1)", "feed": "f"}
            | {"renewed_at": 100.0}
        ).encode(),
        b"x" * 20_000,
    ],
)
def test_a_file_that_is_none_of_theirs_is_left_out(tmp_path, content):
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "a.json").write_bytes(content)
    assert views(tmp_path, 100.0) == []


def test_every_host_with_a_runtime_folder_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    (tmp_path / "grumpy").mkdir()
    (tmp_path / "file").touch()
    assert folders_of() == [tmp_path / "grumpy" / "views"]
    assert folders_of("doc") == [tmp_path / "doc" / "views"]
