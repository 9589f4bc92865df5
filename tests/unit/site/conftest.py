"""Site files in the unit tests."""

import pytest

from ocsd.errors import SiteFileError
from ocsd.site.load import load


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
