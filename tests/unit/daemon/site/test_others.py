"""The other hosts as a daemon remembers them, and how they differ from its own."""

from ocsd.daemon.site.others import HostAnswer, OtherHosts, differences

OWN = {"host": "lab-1", "version": "1.0", "site": {"digest": "aa", "at": 100.0}}


def status(version="1.0", digest="aa", at=100.0):
    return {"host": "lab-2", "version": version, "site": {"digest": digest, "at": at}}


def test_hosts_that_agree_have_no_differences():
    assert differences(OWN, status(), 100.0, 100.0) == []
    assert differences(OWN, status(), 104.0, 100.0) == []
    assert differences(OWN, {"version": "1.0"}, None, 100.0) == []  # of an earlier release


def test_each_difference_is_told_with_both_hosts():
    found = differences(OWN, status("0.9", "bb"), 280.0, 100.0)
    assert found == [
        "runs ocsd 0.9, and lab-1 1.0",
        "uses another version of the site file than lab-1",
        "its clock is 3m00s ahead of that of lab-1",
    ]
    assert "1m00s behind" in differences(OWN, status(), 40.0, 100.0)[0]


def test_a_host_that_does_not_answer_is_shown_as_it_was():
    now = [1000.0]
    others = OtherHosts(lambda: now[0])
    others.answered("lab-2", {"status": status(at=1000.0)}, 0.0)
    now[0] = 1090.0
    row = others.row("lab-2", OWN, HostAnswer(None, "it hangs"))
    assert row["status"]["version"] == "1.0"
    assert row["seen_at"] == 1000.0
    assert row["trouble"] == "it hangs; it last answered 1m30s ago, at 1970-01-01T00:16:40Z"
    assert row["notes"] == []


def test_a_host_that_was_never_there_says_since_when_it_was_asked():
    now = [0.0]
    others = OtherHosts(lambda: now[0])
    first = others.row("lab-3", OWN, HostAnswer(None, "nobody"))["trouble"]
    now[0] = 60.0
    assert others.row("lab-3", OWN, HostAnswer(None, "nobody"))["trouble"] == first
    assert "since 1970-01-01T00:00:00Z" in first
