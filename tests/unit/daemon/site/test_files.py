"""A site file that is taken from another host, and put back."""

import hashlib

import pytest

from ocsd.daemon.site.files import SiteFileKeeper
from ocsd.errors import ConfigurationError, SiteFileError, UsageError

TEXT = """\
hub: {wamp_server: 'ws://localhost:8001/ws', wamp_realm: test_realm, address_root: observatory}
hosts:
  lab: {agent-instances: [{agent-class: FakeDataAgent, instance-id: fake1}]}
"""
NEW = TEXT.replace("fake1", "fake2")


@pytest.fixture
def keeper(tmp_path):
    (tmp_path / "site.yaml").write_text(TEXT)
    return SiteFileKeeper(tmp_path / "site.yaml", "lab")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_file_that_fits_takes_the_place_of_the_present_one_which_is_kept(keeper, tmp_path):
    keeper.path.chmod(0o640)
    shown = keeper.shown()
    assert (shown["text"], shown["digest"], shown["has_previous"]) == (TEXT, digest(TEXT), False)
    taken = keeper.take(NEW, shown["digest"])
    assert (taken["changed"], taken["digest"]) == (True, digest(NEW))
    assert keeper.path.read_text() == NEW
    assert keeper.path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["site.yaml", "site.yaml.previous"]
    assert keeper.put_back()["digest"] == digest(TEXT)
    assert keeper.path.read_text() == TEXT
    with pytest.raises(UsageError, match="to put back"):
        keeper.put_back()  # a request that is repeated changes nothing more


def test_a_file_that_the_host_cannot_use_changes_nothing(keeper, tmp_path):
    with pytest.raises(ConfigurationError, match="nothing is changed there") as refused:
        keeper.take(NEW.replace("FakeDataAgent", "FakeDatAgent"), None)
    assert f"{keeper.path}:3" in str(refused.value)
    assert [each.name for each in tmp_path.iterdir()] == ["site.yaml"]


def test_a_file_that_was_changed_meanwhile_stays(keeper):
    with pytest.raises(UsageError, match="was changed meanwhile"):
        keeper.take(NEW, digest("another one"))
    with pytest.raises(UsageError, match="is a text"):
        keeper.take(3, None)
    assert keeper.take(TEXT, None)["changed"] is False


def test_an_edit_while_the_new_file_is_checked_is_not_lost(keeper, monkeypatch):
    edited = f"{TEXT}# by hand\n"
    monkeypatch.setattr(SiteFileKeeper, "_checked", lambda self, _: self.path.write_text(edited))
    with pytest.raises(UsageError, match="was changed meanwhile"):
        keeper.take(NEW, None)
    assert keeper.path.read_text() == edited


def test_a_file_that_is_gone_is_told(keeper):
    keeper.path.unlink()
    with pytest.raises(SiteFileError, match="cannot be read"):
        keeper.shown()
