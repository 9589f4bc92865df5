import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocsd_agents.fake_data.agent import TEMPERATURE_FEED, FakeDataAgent, add_agent_args, begin
from ocsd_agents.fake_data.noise import PinkNoise

from ocsd.ocs_agent import OpSession


@pytest.fixture
def fake(agent):
    return FakeDataAgent(agent, num_channels=3, sample_rate=200.0, frame_length=30)


def acquired(link):
    blocks = [
        message["temps"]
        for topic, (message, _) in link.published
        if topic.endswith(TEMPERATURE_FEED)
    ]
    times = [t for block in blocks for t in block["timestamps"]]
    return blocks, np.array(times)


def acquire_until(fake, link, count, **params):
    """Run acq in this thread; stop it from another after `count` messages."""
    session = OpSession(0, "acq")
    session.enter()
    publish = link.publish

    def publish_and_count(topic, message):
        publish(topic, message)
        if len(link.published) == count:
            threading.Thread(target=fake.stop_acq, args=(session, None)).start()

    link.publish = publish_and_count
    result = fake.acq(session, {"test_mode": False, "degradation_period": None, **params})
    return session, result


def test_timestamps_are_evenly_spaced_without_gap_or_repeat(fake, link):
    acquire_until(fake, link, 2)
    blocks, times = acquired(link)
    # On a busy machine the first batch may be short, and one may be due when the stop comes.
    assert len(blocks) >= 2
    assert np.abs(np.diff(times) - 1 / 200.0).max() < 1e-6
    assert len(times) >= 200


@pytest.mark.parametrize(
    ("now_at", "expected"), [(1010.0, 1000.0), (1010.9, 1000.0), (4610.0, 4600.0), (10.0, 0.0)]
)
def test_timestamps_follow_a_clock_that_was_set(now_at, expected):
    assert begin(1000.0, 10.0, now_at) == expected


def test_every_channel_has_a_value_for_every_timestamp(fake, link):
    acquire_until(fake, link, 1)
    [block, *_], _ = acquired(link)
    times = block["timestamps"]
    assert list(block["data"]) == ["channel_00", "channel_01", "channel_02"]
    assert all(len(column) == len(times) for column in block["data"].values())
    assert all(0 < value < 1 for value in block["data"]["channel_02"])


def test_the_session_shows_the_latest_values(fake, link):
    session, result = acquire_until(fake, link, 1, test_mode=True)
    [*_, block], times = acquired(link)
    last = {name: column[-1] for name, column in block["data"].items()}
    assert session.encoded()["data"] == {"fields": last, "timestamp": times[-1]}
    assert result == (True, "Acquisition exited cleanly.")


def test_a_stop_that_comes_before_the_start_is_not_lost(fake):
    session = OpSession(0, "acq")
    fake.stop_acq(session, None)
    params = {"test_mode": False, "degradation_period": None}
    assert fake.acq(session, params)[0] is True


@pytest.fixture
def tasks(agent, fake):
    agent.register_process("count", fake.count, fake.end, blocking=False)
    agent.register_task("set_heartbeat", fake.set_heartbeat)
    agent.register_task("delay_task", fake.delay_task, aborter=fake.end, blocking=False)


def test_counting_stops_at_once(agent, reactor, tasks):
    agent.start("count")
    for _ in range(4):
        reactor.advance(1)
    assert agent.status("count")[2]["data"]["counter"] >= 3
    agent.stop("count")
    assert agent.status("count")[2]["success"] is True


def test_a_delay_shows_its_progress_and_is_aborted_at_once(agent, reactor, tasks):
    agent.start("delay_task", {"delay": 5})
    reactor.advance(0)
    reactor.advance(0.6)
    data = agent.status("delay_task")[2]["data"]
    assert data["requested_delay"] == 5.0
    assert data["delay_so_far"] >= 0
    agent.abort("delay_task")
    session = agent.status("delay_task")[2]
    assert (session["status"], session["success"]) == ("done", False)


@pytest.mark.parametrize("succeed", [True, False])
def test_a_delay_ends_as_requested(agent, reactor, tasks, succeed):
    agent.start("delay_task", {"delay": 0, "succeed": succeed})
    reactor.advance(0)
    assert agent.status("delay_task")[2]["success"] is succeed


@pytest.mark.parametrize("params", [{"delay": -1}, {"delay": "long"}, {"dely": 3}])
def test_a_bad_delay_is_refused(agent, tasks, params):
    assert agent.start("delay_task", params)[0] == -1


def test_the_heartbeat_is_switched_off(agent, tasks):
    agent.start("set_heartbeat", {"heartbeat": False})
    assert agent.heartbeat.on is False


def test_options_have_the_defaults_of_ocs():
    args = add_agent_args().parse_args([])
    assert (args.mode, args.num_channels, args.sample_rate, args.frame_length) == (
        "idle",
        2,
        9.5,
        60,
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_noise_does_not_depend_on_the_size_of_batches(sizes):
    noise = PinkNoise(2, 4, np.random.default_rng(1))
    taken = np.concatenate([noise.take(size) for size in sizes])
    assert taken.shape == (sum(sizes), 2)
    assert np.isfinite(taken).all()


def test_noise_has_more_power_at_low_frequencies():
    noise = PinkNoise(4, 10, np.random.default_rng(2)).take(2**14)
    power = (np.abs(np.fft.rfft(noise, axis=0)) ** 2).mean(axis=1)
    assert power[10:40].mean() > 20 * power[4000:].mean()
    assert 0.5 < noise.var() < 2
