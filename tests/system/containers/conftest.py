"""One container engine for all tests of this folder."""

import pytest

from tests.system.containers.engine import Engine, obstacle


@pytest.fixture(scope="session")
def engine():
    """A podman of its own that serves Docker's API and has the image that ours build on."""
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    engine = Engine()
    try:
        engine.clear()
        engine.make_base()
        with engine.serving():
            yield engine
    finally:
        engine.close()
