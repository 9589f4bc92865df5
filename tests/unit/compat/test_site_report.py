"""The table of `ocsbow` joins the site file with what HostManagers answer."""

from ocsd.compat.site_report import HostReport, Row, host_report, status_lines


def entry(name, agent_class="PumpAgent"):
    return {"instance-id": name, "agent-class": agent_class}


def child(name, agent_class="PumpAgent", now="up", stability=1.0):
    return {
        "instance_id": name,
        "agent_class": agent_class,
        "next_action": now,
        "target_state": "up",
        "stability": stability,
    }


def row_of(manage, name, *children, agent_class="PumpAgent"):
    return host_report("dome", [(manage, entry(name, agent_class))], children, {"hm1": "up"}).rows


def test_what_file_and_manager_agree_on_has_its_state():
    assert row_of("host/up", "p1", child("p1")) == (Row("p1", "PumpAgent", "up", "up", "host"),)


def test_a_manager_has_no_target():
    [row] = row_of("host/up", "hm1", agent_class="HostManager")
    assert row.cells == ("hm1", "HostManager", "up", "n/a")
    [row] = row_of("host/up", "hm2", agent_class="HostManager")
    assert row.state == "?"


def test_what_the_manager_does_not_report_is_unknown():
    [row] = row_of("host/down", "p1")
    assert row.cells == ("p1", "PumpAgent/?", "?", "?")
    [row] = row_of("docker/up", "p1")
    assert row.cells == ("p1", "PumpAgent[d]/?", "?", "?")


def test_what_nobody_manages_says_so():
    [row] = row_of("ignore", "p1")
    assert row.cells == ("p1", "PumpAgent[unman]", "?", "?")


def test_another_class_than_in_the_file_is_seen():
    [row] = row_of("host/up", "p1", child("p1", "FanAgent"))
    assert row.agent_class == "PumpAgent/FanAgent"


def test_what_the_file_lacks_is_listed():
    rows = host_report("dome", [], [child("x1"), child("x2", "FanAgent[d?]")], {}).rows
    assert [row.cells[:2] for row in rows] == [("x1", "?/PumpAgent"), ("x2", "?/FanAgent[d?]")]
    assert [row.kind for row in rows] == ["host", "docker"]


def test_an_unstable_agent_is_unstable_unless_it_is_down():
    assert row_of("host/up", "p1", child("p1", stability=0.5))[0].state == "unstable"
    assert row_of("host/up", "p1", child("p1", now="down", stability=0.0))[0].state == "down"


def test_managers_come_first_and_the_first_of_two_entries_counts():
    entries = [
        ("ignore", entry("a")),
        ("host/up", entry("z")),
        ("host/up", entry("b")),
        ("ignore", entry("b")),
        ("host/up", entry("hm", "HostManager")),
    ]
    rows = host_report("dome", entries, [], {}).rows
    assert [row.instance_id for row in rows] == ["hm", "b", "z", "a"]


def test_the_report_has_the_form_that_scripts_read():
    rows = (Row("pump-with-a-long-name-1", "PumpAgent", "up", "down", "host"),)
    lines = status_lines("/s.yaml", "http://r:1/call", "", [HostReport("dome", rows)])
    assert lines[:8] == [
        *("ocs status", "----------", ""),
        *("The site config file is :", "  /s.yaml", ""),
        *("The crossbar base url is :", "  http://r:1/call"),
    ]
    rule, host, _, header, row, _ = lines[9:]
    assert host == "Host: dome"
    assert header.split() == ["[instance-id]", "[agent-class]", "[state]", "[target]"]
    assert rule == "-" * len(header) == "-" * len(row)
    assert row.split() == list(rows[0].cells)


def test_a_router_that_is_away_and_a_mismatch_are_told():
    rows = (Row("p1", "PumpAgent/?", "?", "?", "host"),)
    lines = status_lines("/s.yaml", "url", "gone", [HostReport("dome", rows)], ["a note"])
    assert "  ****Warning**** gone" in lines
    notes = lines[lines.index("Important Notes:") + 1 :]
    assert notes[0] == "  a note"
    assert "slash" in notes[1]
