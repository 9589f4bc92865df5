"""What a site file that can be used does not do."""

import pytest

from ocsd.site import advice
from ocsd.site.load import load

HUB = """\
hub:
  wamp_server: ws://localhost:8001/ws
"""


def site(folder, text):
    file = folder / "lab.yaml"
    file.write_text(text)
    return load(file)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("  wamp_http: http://h:1/c\n  wamp_realm: r\n  address_root: o\n", ""),
        (
            "  wamp_http: http://h:1/c\n",
            "hub has no wamp_realm and no address_root; ocsd takes wamp_realm: test_realm, "
            "address_root: observatory, but",
        ),
        ("  wamp_realm: r\n  address_root: o\n", "hub has no wamp_http; ocsd takes wamp_http: "),
    ],
)
def test_a_hub_with_less_than_ocss_clients_need_is_told_with_its_line(tmp_path, more, told):
    found = list(advice.of_site(site(tmp_path, HUB + more)))
    if told:
        (warning,) = found
        assert warning.startswith(f"{tmp_path / 'lab.yaml'}:2: {told}")
    else:
        assert found == []


@pytest.mark.parametrize(
    ("arguments", "records"),
    [
        ("[]", False),
        ("[--initial-state, idle]", False),
        ("[--initial-state]", False),
        ("[['--initial-state', 'record'], ['--data-dir', 'd']]", True),
        ("[--initial-state=record]", True),
    ],
)
def test_an_aggregator_that_records_nothing_is_told_with_its_line(tmp_path, arguments, records):
    entry = f"{{agent-class: AggregatorAgent, instance-id: agg, arguments: {arguments}}}"
    text = f"{HUB}hosts:\n  lab:\n    agent-instances:\n      - {entry}\n"
    host = site(tmp_path, text).hosts["lab"]
    found = list(advice.of_host(site(tmp_path, text), host))
    if records:
        assert found == []
    else:
        (warning,) = found
        assert warning.startswith(f"{tmp_path / 'lab.yaml'}:6: instance 'agg' records nothing")


def test_an_aggregator_that_something_else_runs_is_no_matter(tmp_path):
    entry = "{agent-class: AggregatorAgent, instance-id: agg, manage: docker}"
    text = f"{HUB}hosts:\n  lab:\n    agent-instances:\n      - {entry}\n"
    found = site(tmp_path, text)
    assert list(advice.of_host(found, found.hosts["lab"])) == []
