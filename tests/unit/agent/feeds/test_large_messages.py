"""Messages that would be too large: sent in parts, or refused where they are published."""

import pytest

from ocsd.agent.feeds.losses import SHOWN_S, Losses
from ocsd.agent.feeds.size import LARGEST_MESSAGE_BYTES, PART_BYTES, TooLargeError, parts_of
from ocsd.agent.spool.segment import packed
from ocsd.bus.wamp import PayloadExceededError, SerializationError
from tests.unit.agent.faulty_runs import status_line

MIB = 2**20


def samples(count, block="b", begin=0, **columns):
    columns = columns or {"v": [0.5] * count}
    times = [float(begin + row) for row in range(count)]
    return {"block_name": block, "timestamps": times, "data": columns}


def sizes(link):
    return [len(packed(message)) for _, (message, _) in link.published]


def rows(link, field="v", block="b"):
    return [row for _, (message, _) in link.published for row in message[block]["data"][field]]


def times(link, block="b"):
    return [at for _, (message, _) in link.published for at in message[block]["timestamps"]]


def test_a_feed_sends_what_it_has_gathered_before_it_is_too_large(agent, link, reactor):
    feed = agent.register_feed("fast", record=True, buffer_time=60)
    for piece in range(25):
        feed.publish_message(samples(50_000, begin=50_000 * piece))
    feed.flush_buffer()
    assert times(link) == [float(row) for row in range(25 * 50_000)]
    assert max(sizes(link)) <= PART_BYTES + 1000
    assert len(link.published) < 10


def test_what_several_blocks_have_gathered_counts_together(agent, link, reactor):
    feed = agent.register_feed("fast", record=True, buffer_time=60)
    for block in range(10):
        feed.publish_message(samples(50_000, block=f"b{block}"))
    feed.flush_buffer()
    assert max(sizes(link)) <= PART_BYTES + 1000
    assert {name for _, (message, _) in link.published for name in message} == {
        f"b{block}" for block in range(10)
    }


def test_a_block_that_is_too_large_is_divided_by_rows(agent, link):
    agent.register_feed("fast", record=True)
    tags = {"v": {"_field": "v"}, "name": {"_field": "name"}}
    columns = {"v": list(range(1_000_000)), "name": ["é" * (row % 7) for row in range(1_000_000)]}
    agent.publish_to_feed("fast", {**samples(1_000_000, **columns), "influxdb_tags": tags})
    assert rows(link) == columns["v"]
    assert rows(link, "name") == columns["name"]
    assert max(sizes(link)) <= PART_BYTES + 1000
    assert all(message["b"]["influxdb_tags"] == tags for _, (message, _) in link.published)


def test_rows_of_uneven_size_are_divided_where_they_are_large(agent, link):
    agent.register_feed("log", record=True)
    texts = ["x" * 3 * MIB if row in {0, 5, 6} else "short" for row in range(1000)]
    agent.publish_to_feed("log", samples(1000, text=texts))
    assert rows(link, "text") == texts
    assert max(sizes(link)) <= PART_BYTES + 1000


def test_a_small_spool_gets_messages_of_which_it_can_keep_several(agent, link):
    agent.register_feed("fast", record=True, agg_params={"spool_size": "1M"})
    agent.publish_to_feed("fast", samples(100_000))
    assert len(rows(link)) == 100_000
    assert max(sizes(link)) <= MIB // 4 + 1000


@pytest.mark.parametrize("buffer_time", [0, 10])
def test_a_row_that_no_message_can_carry_is_refused_with_all_of_its_call(
    agent, link, reactor, buffer_time
):
    feed = agent.register_feed("big", record=True, buffer_time=buffer_time)
    texts = ["small", "x" * 17 * MIB]
    said = r"feed 'big': block 'b': one row has 17,8\d\d,\d\d\d bytes; .* at most 16,711,680"
    with pytest.raises(TooLargeError, match=said):
        feed.publish_message(samples(2, text=texts))
    feed.publish_message(samples(1, text=["small"]))
    feed.flush_buffer()
    assert rows(link, "text") == ["small"]
    assert agent.spools.numbers() == {"big": 1}


def test_a_row_of_very_many_fields_is_sent_while_it_fits(agent, link):
    agent.register_feed("wide", record=True)
    fields = {f"f{number}": [number] for number in range(200_000)}
    agent.publish_to_feed("wide", samples(1, **fields))
    assert len(link.published) == 1
    with pytest.raises(TooLargeError, match="feed 'wide'"):
        agent.publish_to_feed(
            "wide", samples(1, **{f"{name:_>100}": v for name, v in fields.items()})
        )


def test_a_free_message_that_is_too_large_is_refused(agent, link):
    agent.register_feed("images")
    with pytest.raises(
        TooLargeError, match=r"feed 'images': the message has 2\d,\d\d\d,\d\d\d bytes"
    ):
        agent.publish_to_feed("images", {"pixels": [0.5] * 2_500_000})
    agent.publish_to_feed("images", {"pixels": [0.5] * 1_500_000})
    assert len(link.published) == 1


def test_the_estimate_is_never_far_below_the_size():
    columns = {"f": [0.1] * 999, "i": [2**62] * 999, "t": ["é" * 50] * 999, "b": [True] * 999}
    sample = {**samples(999, **columns)}
    [(_, estimate)] = parts_of("feed 'x'", sample, PART_BYTES)
    assert len(packed(sample)) < 2 * estimate


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (PayloadExceededError("20 of 16"), "it is too large: 20 of 16"),
        (SerializationError("odd"), "it cannot be encoded: odd"),
    ],
)
def test_a_message_that_could_not_be_sent_is_told_with_its_cause(agent, link, error, cause):
    def refuse(_topic, _pair):
        raise error

    feed = agent.register_feed("f", record=True)
    send = link.publish
    feed.publish_message(samples(1))
    link.publish = refuse
    feed.publish_message(samples(1))
    link.publish = send
    feed.publish_message(samples(1))
    answer = agent.spools.answer("f")
    assert [info["seq"] for _, info in answer["messages"]] == [0, 2]
    assert answer["lost"] == [[1, cause]]
    agent._link = None
    assert f"feed f lost message 1: {cause}" in status_line(agent)


def test_losses_are_shown_for_some_time_and_the_latest_thousand_remembered():
    losses = Losses()
    assert losses.complaint(0.0) == ""
    for number in range(1200):
        losses.add(number, "it is too large", 5.0)
    assert losses.complaint(5.0) == "lost 1200 messages, the latest, 1199, because it is too large"
    assert losses.complaint(6.0 + SHOWN_S) == ""
    assert losses.rows(1198) == [[1198, "it is too large"], [1199, "it is too large"]]
    assert not losses.has(199)
    assert losses.has(200)


def test_the_limit_is_below_what_a_raw_socket_carries():
    assert LARGEST_MESSAGE_BYTES == 16_711_680 < 2**24
