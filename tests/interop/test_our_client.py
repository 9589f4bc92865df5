"""ocsd's clients and an agent of the published OCS."""

import json

import pytest

from ocsd.base import ERROR, OK, TIMEOUT
from ocsd.client_http import ControlClientError
from ocsd.ocs_client import OCSClient

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def arguments(ocs, site):
    """What leads a client to the site, on which OCS's fake-data3 runs."""
    with ocs.agent("fake_data", "fake-data3"):
        yield ["--site-file", str(site.site_file)]


@pytest.fixture
def client(arguments, until):
    """Our client of OCS's agent."""
    found = []

    def connected():
        try:
            found.append(OCSClient("fake-data3", args=arguments))
        except ControlClientError:
            return False
        return True

    until(connected, limit_s=60)
    return found[0]


def test_a_task_of_ocs_is_run_aborted_and_refused(client):
    done = client.delay_task(delay=0.3)
    assert (done.status, done.session["success"]) == (OK, True)
    assert "status=done without error" in repr(done)
    assert client.delay_task.start(delay=60).status == OK
    assert client.delay_task.abort().status == OK
    assert client.delay_task.wait(timeout=10).session["success"] is False
    refused = client.delay_task.start(dealy=1)
    assert refused[:2] == (ERROR, "params included unexpected values: ['dealy']")


def test_a_process_of_ocs_is_started_watched_and_stopped(client, until):
    client.acq.start()
    until(lambda: client.acq().session["status"] == "running")
    assert client.acq.start().status == ERROR
    assert client.acq.wait(timeout=0.2).status == TIMEOUT
    assert client.acq.stop().status == OK
    assert client.acq.wait(timeout=10).session["status"] == "done"


def test_the_command_line_lists_and_calls_operations_of_ocs(client, site):
    listed = site.ocsd("ops", "fake-data3")
    rows = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    assert any(row.startswith("delay_task task ") and "delay=5" in row for row in rows), rows
    called = site.ocsd("call", "fake-data3", "delay_task", "delay=0.1", "--json")
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["session"]["success"] is True
