"""Site files in the unit tests."""

import pytest

from ocsd.errors import SiteFileError
from ocsd.site.load import load
from tests.unit.site.lab_agent import TEXT

ENVIRONMENT = (
    *("INSTANCE_ID", "SITE_HUB", "SITE_HTTP", "SITE_HOST", "CROSSBAR_TIMEOUT"),
    "OCS_CONFIG_DIR",
)


@pytest.fixture
def loaded(tmp_path):
    """Load a text."""

    def load_text(text):
        file = tmp_path / "lab.yaml"
        file.write_text(text)
        return load(file)

    return load_text


@pytest.fixture
def problems(loaded, tmp_path):
    """Load a text and return its problems as (line, text) pairs."""

    def find_problems(text):
        with pytest.raises(SiteFileError) as caught:
            loaded(text)
        prefix = f"{tmp_path / 'lab.yaml'}:"
        lines = str(caught.value).splitlines()
        assert all(line.startswith(prefix) for line in lines)
        split = (line.removeprefix(prefix).split(": ", 1) for line in lines)
        return [(int(line), text) for line, text in split]

    return find_problems


@pytest.fixture
def no_site_in_environment(monkeypatch):
    """Take away what the environment says of a site."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path):
    """The site file of `lab_agent`."""
    path = tmp_path / "lab.yaml"
    path.write_text(TEXT)
    return path
