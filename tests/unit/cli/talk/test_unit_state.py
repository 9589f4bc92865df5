"""The unit of systemd that is just starting a daemon."""

import pytest

from ocsd.cli.talk.unit_state import of_properties


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", ""),
        ("Id=ocsd.service\nActiveState=inactive\n\nId=ocsd@lab1.service\nActiveState=active\n", ""),
        (
            "Id=ocsd.service\nActiveState=inactive\n\n"
            "Id=ocsd@lab1.service\nActiveState=activating\n",
            "ocsd@lab1",
        ),
        ("ActiveState=reloading\nId=ocsd.service\n", "ocsd"),
        ("Failed to connect to bus: No such file or directory", ""),
    ],
)
def test_only_a_unit_that_starts_is_named(text, unit):
    assert of_properties(text) == unit
