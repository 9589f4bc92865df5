"""What the recorder writes is what the reading expects."""

from ocsd.data.check import ProblemKind, check
from ocsd.data.folder import DataFolder
from ocsd.data.gaps import GapKind, find
from ocsd.data.table import load
from tests.unit.aggregator.rig import START, Recording


def test_files_of_the_recorder_are_sound_and_read_back(tmp_path):
    recording = Recording(tmp_path / "data")
    recording.start()
    for number in range(320):
        recording.send([START + number], seq=number, x=[number / 8], n=[number], s=["a"], b=[True])
        recording.run(1)
    recording.send([START + 320], seq=320, x=[1.5], n=[0.5], s=["a"], b=[False])
    recording.recorder.close()
    folder = DataFolder(tmp_path / "data")
    (problem,) = [problem for path in folder.files() for problem in check(path)]
    assert (problem.kind, problem.text.split()[0]) == (
        ProblemKind.TYPE,
        "observatory.thermo1.feeds.temps.n",
    )
    field = "observatory.thermo1.feeds.temps.x"
    (table,) = load(folder, folder.summaries(), [field])
    assert table.columns[field].values.tolist() == [*(n / 8 for n in range(320)), 1.5]
    assert find(folder.summaries()) == []


def test_a_hole_that_the_recorder_notes_is_told(tmp_path):
    recording = Recording(tmp_path / "data")
    recording.start()
    for number in [*range(10), *range(20, 30)]:
        recording.send([START + number], seq=number, x=[0.5])
    recording.run(5)
    for key in list(recording.recorder.pending()):
        recording.lose(key, 10, 19, "the spool reached back only so far")
    recording.recorder.close()
    (gap,) = find(DataFolder(tmp_path / "data").summaries())
    assert (gap.kind, gap.feed) == (GapKind.HOLE, "observatory.thermo1.feeds.temps")
    cause = "the messages did not arrive, and the spool reached back only so far"
    assert (gap.count, gap.cause) == (10, cause)
