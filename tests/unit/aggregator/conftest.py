import pytest

from tests.unit.aggregator.rig import Recording


@pytest.fixture
def recording(tmp_path):
    recording = Recording(tmp_path / "data")
    recording.start()
    return recording
