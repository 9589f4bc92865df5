"""Which site file is read, and which host of it is meant."""

import pytest

from ocsd.errors import SiteFileError, UnknownHostError, UsageError
from ocsd.site.load import find, pick_host
from tests.unit.site.site_text import HUB


@pytest.fixture
def folders(tmp_path, monkeypatch):
    configured, working = tmp_path / "config", tmp_path / "work"
    (working / "site-configs").mkdir(parents=True)
    configured.mkdir()
    monkeypatch.setenv("OCS_CONFIG_DIR", str(configured))
    monkeypatch.chdir(working)
    return configured, working / "site-configs"


def test_the_site_file_is_looked_for_in_the_documented_order(folders, tmp_path, monkeypatch):
    configured, local = folders
    (local / "default.yaml").touch()
    assert find().resolve() == local / "default.yaml"
    (configured / "default.yaml").touch()
    assert find() == configured / "default.yaml"
    monkeypatch.delenv("OCS_CONFIG_DIR")
    assert find().resolve() == local / "default.yaml"
    (tmp_path / "mine.yaml").touch()
    assert find(tmp_path / "mine.yaml") == tmp_path / "mine.yaml"


def test_a_site_is_a_file_of_its_name(folders):
    (folders[0] / "lab.yaml").touch()

    assert find(site="lab") == folders[0] / "lab.yaml"


def test_when_there_is_no_site_file_all_places_are_listed(folders):
    (folders[1] / "observatory.yaml").touch()

    with pytest.raises(SiteFileError) as caught:
        find(site="observatry")

    message = str(caught.value)
    assert "did you mean 'observatory.yaml'?" in message
    assert str(folders[0] / "observatry.yaml") in message
    assert "site-configs/observatry.yaml" in message
    assert "/etc/ocsd/observatry.yaml" in message
    assert "ocsd init" not in message
    with pytest.raises(SiteFileError, match="`ocsd init` writes a new one"):
        find()


def test_a_site_file_that_is_not_there_is_told(tmp_path):
    (tmp_path / "default.yaml").touch()

    with pytest.raises(SiteFileError, match=r"no site file .*defalt.yaml; did you mean 'default"):
        find(tmp_path / "defalt.yaml")


def test_a_site_and_a_site_file_exclude_each_other(tmp_path):
    with pytest.raises(UsageError, match="exclude each other"):
        find(tmp_path / "default.yaml", "lab")


@pytest.fixture
def site(loaded):
    return loaded(f"{HUB}hosts: {{grumpy: {{}}, doc: {{}}, localhost: {{}}}}\n")


@pytest.mark.parametrize(
    ("name", "hostname", "host"),
    [
        ("doc", "grumpy", "doc"),
        (None, "grumpy", "grumpy"),
        (None, "grumpy.lab.edu", "grumpy"),
        (None, "happy", "localhost"),
    ],
)
def test_the_host_is_the_named_one_else_this_machine_else_localhost(site, name, hostname, host):
    assert pick_host(site, name, hostname).name == host


def test_an_unknown_host_is_told_with_those_there_are(site):
    with pytest.raises(UnknownHostError) as caught:
        pick_host(site, "grumpyy", "doc")

    assert "no host 'grumpyy'; it has grumpy, doc, localhost; did you mean 'grumpy'?" in str(
        caught.value
    )


def test_an_unknown_machine_is_told_to_pass_host(loaded):
    with pytest.raises(UnknownHostError, match=r"'happy' \(this machine\).*has doc; .* --host"):
        pick_host(loaded(f"{HUB}hosts: {{doc: {{}}}}\n"), hostname="happy")
