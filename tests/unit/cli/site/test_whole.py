"""The report of `ocsd status --site`."""

import json

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.site.whole import WholeSite, as_json, exit_code, lines
from ocsd.status.site import SiteHost
from tests.unit.cli.stand_in_daemon import instance, status

PIPE = Terminal(interactive=False, unicode=True, colour=False, width_columns=80)
WELL = SiteHost("lab-1", status("lab-1", instance("thermo1"), instance("dome")), 5.0)
ILL = SiteHost(
    "lab-2",
    status("lab-2", instance("stage", state="failed", reason="no port")),
    5.0,
    notes=("its clock is 3m00s ahead of that of lab-1",),
)
AWAY = WELL._replace(host="lab-3", trouble="it hangs; it last answered 9s ago")
NOBODY = SiteHost("lab-4", trouble="nobody")


def test_each_host_has_a_line_and_below_it_what_is_wrong():
    printed = lines(WholeSite((WELL, ILL, AWAY, NOBODY)), PIPE)
    assert printed == [
        "site: attention · 2 of 4 hosts answer · 2 up, 1 failed",
        "lab-1: ok · 2 up · router up",
        "lab-2: attention · 1 failed · 1 not in target state (stage failed) · router up",
        "  stage is failed: no port · mend that, then: ocsd up lab-2:stage",
        "  lab-2 its clock is 3m00s ahead of that of lab-1",
        "lab-3: no answer · it hangs; it last answered 9s ago · then: 2 up · on its machine: ocsd "
        "status",
        "lab-4: no answer · nobody · if it is not started: ocsd start --host lab-4 on its machine",
    ]


def test_a_host_that_was_put_down_does_not_speak_for_the_site():
    resting = SiteHost("lab-5", status("lab-5", instance("lamp", state="down", target="down")))
    assert lines(WholeSite((WELL, resting)), PIPE)[0].startswith("site: ok · ")
    assert lines(WholeSite((resting,)), PIPE)[0].startswith("site: nothing runs · ")


def test_a_host_of_another_site_on_this_machine_is_shown_and_counts_for_nothing():
    other = SiteHost("yard", status("yard", instance("crane", state="failed")), 5.0)
    site = WholeSite((WELL,), beside=(other,))
    printed = lines(site, PIPE)
    assert printed[0] == "site: ok · 1 of 1 host answers · 2 up"
    assert printed[-1] == (
        "  yard is of another site; all of that one: ocsd status --site --host yard"
    )
    assert exit_code(site) == 0
    assert json.loads(as_json(site))["beside"] == ["yard"]


def test_a_host_of_the_same_hub_is_new_to_the_host_that_was_asked():
    hub = {"wamp_server": "ws://localhost:8001/ws", "address_root": "observatory"}
    asked = WELL._replace(status={**WELL.status, "hub": hub})
    new = SiteHost("lab-2", {**status("lab-2"), "hub": hub}, 5.0)
    printed = lines(WholeSite((asked,), beside=(new,), asked="lab-1"), PIPE)
    assert printed[-1] == (
        "  lab-2 has the same hub, and lab-1 uses another version of the site file, without lab-2: "
        "ocsd reload lab-1:"
    )
    other = new._replace(status={**new.status, "hub": {**hub, "address_root": "test"}})
    printed = lines(WholeSite((asked,), beside=(other,), asked="lab-1"), PIPE)
    assert "lab-2 is of another site" in printed[-1]


def test_all_of_a_host_is_shown_if_that_is_asked_for():
    printed = lines(WholeSite((WELL, AWAY), trouble="no router"), PIPE, everything=True)
    assert "other hosts are not known: no router" in printed
    assert any("dome" in line for line in printed)


def test_the_exit_code_is_that_of_the_host_that_is_worst_off():
    assert exit_code(WholeSite((WELL,))) == 0
    assert exit_code(WholeSite((WELL, ILL))) == 3
    assert exit_code(WholeSite((WELL, AWAY))) == 3
    noted = WELL._replace(notes=("runs ocsd 2, and lab-1 1",))
    assert exit_code(WholeSite((noted,))) == 0
    assert exit_code(WholeSite((noted,)), strict=True) == 5


def test_programs_get_one_object():
    found = json.loads(as_json(WholeSite((WELL, AWAY))))
    assert [row["verdict"] for row in found["hosts"]] == ["ok", "no answer"]
    assert found["hosts"][1]["status"]["host"] == "lab-1"
    assert found["trouble"] == ""
