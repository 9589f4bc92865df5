"""OCS's aggregator records the feeds of our agents, and ours those of OCS's.

What the files hold is compared with what a subscriber heard at the same time.
"""

import itertools

import pytest
import so3g  # noqa: F401 - spt3g is inside, and found only after this import
from spt3g import core

pytestmark = pytest.mark.interop

HEARD = 5


@pytest.fixture
def folder_of_theirs(tmp_path):
    """Where OCS's aggregator writes."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    return folder


def test_the_aggregator_of_ocs_records_our_feed(ocs, until, folder_of_theirs):
    address = "observatory.fake-data1.feeds.false_temperatures"
    arguments = ["--data-dir", str(folder_of_theirs), "--initial-state", "record"]
    with ocs.agent("aggregator", "aggregator-ocs", *arguments, until_joined=True):
        _until_recording(ocs, "aggregator-ocs", address)
        heard = _heard(ocs, address)
        # When it is stopped it drops what waits in its queue: give it time for some more.
        _heard(ocs, address)
        ocs.run("""
            record = client('aggregator-ocs').record
            record.stop()
            result = record.wait(timeout=30)
        """)
        files = list(folder_of_theirs.glob("**/*.g3"))
        recorded = _recorded(files, address)
    assert heard.items() <= recorded.items()


def test_our_aggregator_records_the_feed_of_an_agent_of_ocs(ocs, site, until):
    address = "observatory.fake-data3.feeds.false_temperatures"
    with ocs.agent("fake_data", "fake-data3", until_joined=True):
        _until_recording(ocs, "aggregator", address)
        heard = _heard(ocs, address)
        # A frame is written when it is five seconds old.
        until(lambda: heard.items() <= _recorded(site.data_files(), address).items())


def _until_recording(ocs, aggregator, address):
    ocs.run(f"""
        record = client({aggregator!r}).record
        def known():
            return record.status().session.get('data', {{}}).get('providers', {{}})
        until(lambda: {address!r} in known(), 30)
        result = None
    """)


def _heard(ocs, address):
    """Return some samples that a subscriber hears, {(channel, time): value}."""
    samples = {}
    with ocs.listener(address) as events:
        for event in itertools.islice(events, HEARD):
            message, _ = event["message"]
            for block in message.values():
                for name, column in block["data"].items():
                    for at, value in zip(block["timestamps"], column, strict=True):
                        samples[name, round(at, 4)] = value
    assert len(samples) >= HEARD
    return samples


def _recorded(files, address):
    """Return all samples of a feed in some files, {(channel, time): value}."""
    samples = {}
    for path in files:
        of_feed = set()
        for frame in _frames(path):
            if frame["hkagg_type"] == 1:
                of_feed |= {
                    provider["prov_id"].value
                    for provider in frame["providers"]
                    if provider["description"].value == address
                }
            elif frame["hkagg_type"] == 2 and frame["prov_id"] in of_feed:
                for block in frame["blocks"]:
                    stamps = [round(time.time / core.G3Units.s, 4) for time in block.times]
                    for name, column in block.items():
                        samples.update(zip(((name, at) for at in stamps), column, strict=True))
    return samples


def _frames(path):
    frames = core.G3File(str(path))
    while True:
        try:
            yield next(frames)
        except (StopIteration, RuntimeError):
            return  # The file is still being written.
