from hypothesis import given
from hypothesis import strategies as st

from ocsd.registry.table import KnownAgents, field_name


def info(address="observatory.thermo1", agent_class="Lakeshore"):
    return {"agent_address": address, "agent_class": agent_class, "feed_name": "heartbeat"}


def test_an_agent_is_listed_in_the_form_of_ocs():
    table = KnownAgents()
    table.beat({"acq": 3, "init": 1}, info(), at=1000.0, mono_s=10.0)
    assert dict(table) == {
        "observatory.thermo1": {
            "expired": False,
            "time_expired": None,
            "last_updated": 1000.0,
            "op_codes": {"acq": 3, "init": 1},
            "agent_class": "Lakeshore",
            "agent_address": "observatory.thermo1",
        }
    }


def test_only_a_change_is_reported():
    table = KnownAgents()
    assert table.beat({"acq": 3, "init": 1}, info(), 1000.0, 10.0) == {"acq": 3, "init": 1}
    assert table.beat({"acq": 3, "init": 1}, info(), 1001.0, 11.0) == {}
    assert table.beat({"acq": 5, "init": 1}, info(), 1002.0, 12.0) == {"acq": 5}
    assert table.entries["observatory.thermo1"].last_updated == 1002.0


def test_an_operation_that_disappears_is_dropped():
    table = KnownAgents()
    table.beat({"acq": 3, "old": 1}, info(), 1000.0, 10.0)
    assert table.beat({"acq": 3}, info(), 1001.0, 11.0) == {}
    assert table.entries["observatory.thermo1"].op_codes == {"acq": 3}


def test_an_agent_expires_after_five_silent_seconds_and_the_moment_stays():
    table = KnownAgents()
    table.beat({"acq": 3}, info(), 1000.0, 10.0)
    assert table.expire(1005.0, 15.0) == []
    (entry,) = table.expire(1005.5, 15.5)
    assert entry.encoded()["expired"] is True
    assert entry.op_codes == {"acq": 7}
    assert table.expire(1006.5, 16.5) == []
    assert entry.time_expired == 1005.5


def test_after_a_pause_of_the_registry_itself_the_heartbeats_that_wait_are_read_first():
    table = KnownAgents()
    table.beat({"acq": 1}, info(), 1000.0, 10.0)
    assert table.expire(1001.0, 11.0) == []
    assert table.expire(1010.0, 20.0) == []
    assert len(table.expire(1010.0, 20.0)) == 1


def test_a_registry_that_is_always_slow_expires_the_silent_nevertheless():
    table = KnownAgents()
    table.beat({"acq": 1}, info(), 1000.0, 10.0)
    found = [len(table.expire(1000.0 + at, 10.0 + at)) for at in (0, 3, 6, 9, 12)]
    assert sum(found) == 1


def test_a_stepped_wall_clock_expires_nobody():
    table = KnownAgents()
    table.beat({"acq": 3}, info(), 1000.0, 10.0)
    assert table.expire(5000.0, 11.0) == []


def test_an_expired_agent_that_is_heard_again_is_as_new():
    table = KnownAgents()
    table.beat({"acq": 3}, info(), 1000.0, 10.0)
    table.expire(1010.0, 20.0)
    assert table.beat({"acq": 3}, info(), 1011.0, 21.0) == {"acq": 3}
    entry = table.entries["observatory.thermo1"]
    assert (entry.expired, entry.time_expired, entry.op_codes) == (False, None, {"acq": 3})


def test_heartbeats_are_known_by_the_life_of_the_agent_that_sent_them():
    table = KnownAgents()
    table.beat({}, info() | {"session_id": "1.5"}, 1000.0, 10.0)
    table.beat_again(table.entries["observatory.thermo1"], 1001.0, 11.0)
    assert table.heard_s() == {"1.5": 11.0}
    table.beat({}, info() | {"session_id": "2.5"}, 1002.0, 12.0)
    assert table.heard_s() == {"2.5": 12.0}


def test_the_zero_of_a_very_old_agent_counts_as_no_operations():
    table = KnownAgents()
    table.beat(0, info(), 1000.0, 10.0)
    assert table.entries["observatory.thermo1"].op_codes == {}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(st.text() | st.sampled_from(["agent_address", "agent_class"]), x)
        ),
    ),
    st.data(),
)
def test_no_heartbeat_whatever_its_shape_disturbs_the_table(op_codes, data):
    feed_info = data.draw(
        st.none()
        | st.integers()
        | st.dictionaries(
            st.sampled_from(["agent_address", "agent_class", "x"]),
            st.none() | st.text() | st.integers(),
        )
    )
    table = KnownAgents()
    table.beat(op_codes, feed_info, 1.0, 1.0)
    table.expire(9.0, 9.0)
    dict(table)


def test_fields_are_named_as_dashboards_know_them():
    assert field_name("observatory.fake-data1", "acq") == "observatory_fake_data1_acq"


def test_characters_that_fields_cannot_have_fall_away():
    assert field_name("1obs.größe", "a b") == "obs_gre_ab"
    assert field_name("_9obs.x", "y") == "_obs_x_y"
    assert field_name("12", "34") is None
    assert len(field_name("observatory." + "x" * 300, "acq")) == 255


def test_a_repeated_heartbeat_counts_as_long_as_it_is_the_latest_word():
    table = KnownAgents()
    table.beat({"acq": 3}, info(), 1000.0, 10.0)
    first = table.entries["observatory.thermo1"]
    assert table.beat_again(first, 1001.0, 11.0)
    assert (first.last_updated, first.heard_s) == (1001.0, 11.0)
    table.beat({"acq": 5}, info(), 1002.0, 12.0)
    second = table.entries["observatory.thermo1"]
    assert not table.beat_again(first, 1003.0, 13.0)
    table.expire(1010.0, 20.0)
    assert not table.beat_again(second, 1011.0, 21.0)
