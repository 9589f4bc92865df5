"""Command lines that mean other hosts."""

import pytest

from ocsd.cli.site import elsewhere
from ocsd.errors import UnreachableError, UsageError
from ocsd.status.site import SiteHost
from tests.unit.cli.stand_in_daemon import instance, status


@pytest.mark.parametrize("words", [["data", "lab-2:", "export"], ["alarm", "lab-2:", "edit"]])
def test_a_part_that_other_hosts_do_not_run_is_no_name_of_an_instance(words):
    with pytest.raises(UsageError) as refused:
        elsewhere.addressed(words)
    assert f"another host runs no `ocsd {words[0]} {words[2]}`; of {words[0]} it runs" in str(
        refused.value
    )


def test_a_host_that_is_away_and_runs_here_is_told_with_the_way_to_it(ocsd, daemon_of):
    server = daemon_of("lab-1", instance("thermo1"))
    rows = [
        {"host": "lab-1", "trouble": "the router is away", "listed": ["thermo1"]},
        {"host": "lab-2", "trouble": "nobody", "listed": ["thermo2"]},
    ]
    server.streams["/v1/site/lab-1"] = [{"hosts": rows}]
    done = ocsd("restart", "lab-*:thermo*")
    assert done.returncode == UnreachableError.exit_code
    assert done.stderr == (
        "ocsd: host 'lab-1' does not answer: the router is away; a daemon of that name runs here: "
        "add --host lab-1, without a colon; host 'lab-2' does not answer: nobody\n"
    )


def test_a_pattern_is_done_on_the_hosts_that_have_such_an_instance(ocsd, daemon_of):
    server = daemon_of("lab-1", instance("thermo1"))
    names = {"lab-1": "thermo1", "lab-2": "thermo2"}
    rows = [{"host": host, "status": status(host, instance(names[host]))} for host in names]
    done_there = {"run": "1", "out": "thermo2: restarted\n", "err": "", "exit_code": 0}
    server.streams["/v1/site/lab-1"] = [{"hosts": rows}]
    server.streams["/v1/site/lab-2"] = [done_there]
    done = ocsd("restart", "lab-*:thermo[23]")
    assert (done.returncode, done.stdout) == (0, "thermo2: restarted\n")


def test_hosts_that_answer_are_not_called_away():
    assert elsewhere._why_away([SiteHost("lab-1", {})]) == ""
