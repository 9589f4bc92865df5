"""Alarms of one cause tell people once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.alarms.incident import OpenIncidents, Severity

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def test_alarms_about_one_instance_are_one_incident():
    incidents, first = OpenIncidents().raised("warm", "thermo1", WARNING, 100.0)
    assert first.tells
    incidents, second = incidents.raised("silent", "thermo1", WARNING, 500.0)
    assert (second.tells, second.incident.number) == (False, 1)
    assert second.incident.alarms == ("warm", "silent")
    incidents, left = incidents.cleared("warm")
    assert not left.tells
    incidents, over = incidents.cleared("silent")
    assert over.tells
    assert incidents == OpenIncidents(1)


def test_alarms_that_come_together_are_one_incident_whatever_they_are_about():
    incidents, _ = OpenIncidents().raised("a", "thermo1", WARNING, 100.0)
    incidents, second = incidents.raised("b", "thermo2", WARNING, 105.0)
    assert not second.tells
    incidents, third = incidents.raised("c", "thermo3", WARNING, 111.0)
    assert (third.tells, third.incident.number) == (True, 2)
    assert len(incidents.open) == 2


def test_people_are_told_again_if_it_is_worse_than_they_know():
    incidents, _ = OpenIncidents().raised("a", "thermo1", WARNING, 100.0)
    incidents, worse = incidents.raised("b", "thermo1", CRITICAL, 200.0)
    assert (worse.tells, worse.incident.severity) == (True, CRITICAL)
    _, same = incidents.raised("c", "thermo1", CRITICAL, 300.0)
    assert not same.tells


def test_one_more_alarm_of_a_cause_is_news_after_an_hour():
    incidents, _ = OpenIncidents().raised("a", "thermo1", WARNING, 100.0)
    _, later = incidents.raised("b", "thermo1", WARNING, 3700.0)
    assert (later.tells, later.incident.number) == (True, 1)


def test_the_next_incident_of_a_cause_is_a_new_one():
    incidents, _ = OpenIncidents().raised("a", "thermo1", WARNING, 100.0)
    incidents, _ = incidents.cleared("a")
    _, again = incidents.raised("a", "thermo1", WARNING, 101.0)
    assert (again.tells, again.incident.number) == (True, 2)


def test_an_alarm_that_belongs_to_no_incident_is_cleared_without_one():
    assert OpenIncidents().cleared("a") == (OpenIncidents(), None)


def test_severities_have_the_words_of_the_site_file():
    assert [each.word for each in Severity] == ["info", "warning", "critical"]


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from(Severity), st.sampled_from([0.0, 3.0, 9.0])
        ),
        max_size=30,
    )
)
def test_every_raised_alarm_is_in_one_incident_and_every_incident_has_a_beginning_and_an_end(
    happened,
):
    incidents, at, up, told = OpenIncidents(), 0.0, set(), {}
    for name, severity, later_s in happened:
        at += later_s
        if name in up:
            incidents, joined = incidents.cleared(name)
            up.remove(name)
        else:
            incidents, joined = incidents.raised(name, f"cause of {name}", severity, at)
            up.add(name)
        if joined.tells:
            told.setdefault(joined.incident.number, []).append(bool(joined.incident.open))
        assert sorted(each for one in incidents.open for each in one.open) == sorted(up)
    numbers = {each.number for each in incidents.open}
    for number, opens in told.items():
        assert opens[0] is True
        assert opens[:-1] == [True] * (len(opens) - 1)
        assert (opens[-1] is True) == (number in numbers)
