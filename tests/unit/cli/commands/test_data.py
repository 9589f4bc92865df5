"""`ocsd data` on folders that are made for each test."""

import functools
import json
import subprocess
import sys
import time

import click
import numpy as np
import pytest

from ocsd.cli.data import offered, place
from ocsd.cli.data import text as data_text
from ocsd.cli.data.out import named
from ocsd.cli.main import main
from ocsd.errors import NoDataError
from tests.unit.aggregator.rig import START, Recording
from tests.unit.data import recorded
from tests.unit.data.recorded import HOLES, OPENED, THERMO, every, hole, samples, sound

FIELD = f"{THERMO}.channel_00"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Keep the test from this machine's daemons, site files and folders."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)


@pytest.fixture
def folder(tmp_path):
    """One hour-old feed at 4 Hz with a silence, and a recorded hole."""
    times = [*every(0.25, 40), *every(0.25, 40, OPENED + 60)]
    frames = [
        samples(times, channel_00=[0.5] * 80, label=["on"] * 80),
        recorded.holes(1, hole(OPENED + 10, OPENED + 60)),
    ]
    sound(tmp_path / "data", *frames, addresses=(THERMO, HOLES))
    return tmp_path / "data"


@pytest.fixture
def run(capsys):
    def run(*words, code=0):
        assert main(["data", *map(str, words)]) == code, capsys.readouterr()
        return capsys.readouterr()

    return run


def as_json(run, *words, **more):
    return json.loads(run(*words, "--json", **more).out)


def test_ls_lists_feeds_with_rates_and_times(run, folder):
    out = run("ls").out
    assert out.splitlines()[0].split() == ["FEED", "FIELDS", "RATE", "SAMPLES", "FROM", "UNTIL"]
    (line,) = [line for line in out.splitlines() if line.startswith(THERMO)]
    assert line.split()[1:4] == ["2", "4", "Hz"]
    assert line.endswith("80  2026-11-22T06:17:05Z  2026-11-22T06:18:14Z")
    last = out.splitlines()[-1]
    assert last.startswith(f"{folder}: 1 file, ")
    assert last.endswith("; missing: 1 hole (see: ocsd data gaps)")


def test_ls_lists_files(run, folder):
    with next(folder.glob("*/*.g3")).open("ab") as file:
        file.write(b"torn")
    head, line, *_ = run("ls", "--files").out.splitlines()
    assert head.split() == ["FILE", "SIZE", "FEEDS", "FROM", "UNTIL", "STATE"]
    assert line.startswith(f"17953/{OPENED}.g3")


def test_ls_answers_programs(run, folder):
    answer = as_json(run, "ls")
    assert answer["folder"] == str(folder)
    feed = {one["feed"]: one for one in answer["feeds"]}[THERMO]
    assert feed["blocks"][0]["fields"] == {"channel_00": "float", "label": "str"}
    assert (feed["samples"], feed["from_at"], feed["until_at"]) == (80, OPENED, OPENED + 69.75)
    assert answer["files"][0]["name"] == f"17953/{OPENED}.g3"


def test_ls_leaves_out_what_is_not_of_the_time_asked_for(run, folder):
    assert as_json(run, "ls", "--since", "2026-11-22T06:18", "--until", "2026-11-22T06:19")["feeds"]
    assert as_json(run, "ls", "--since", "2026-11-23")["feeds"] == []
    assert "missing" not in run("ls", "--since", "2026-11-22T07:00", code=4).out
    refused = run("ls", "--since", "2026-11-25", "--until", "2026-11-24T12:00", code=2).err
    assert "--until (2026-11-24T12:00:00Z) is not later than --since (2026-11-25T00:00" in refused


def test_info_tells_fields_types_and_spans(run, folder):
    out = run("info", "temps").out
    for text in (
        "4 Hz, 80 samples",
        "channel_00  float",
        "label       str",
        "from 2026-11-22T06:17:05Z to 2026-11-22T06:17:14Z",
        f"17953/{OPENED}.g3",
        "1 of its agent",
    ):
        assert text in out
    assert "label" not in run("info", "channel_00").out
    assert as_json(run, "info", "channel_00")["feeds"][0]["feed"] == THERMO


def test_gaps_tells_holes_with_causes(run, folder):
    head, line = run("gaps").out.splitlines()
    assert head.split() == ["FROM", "FOR", "KIND", "LOST", "FEED", "CAUSE"]
    assert line.split(maxsplit=5) == [
        *("2026-11-22T06:17:15Z", "50s", "hole", "10", THERMO, "the disk was full")
    ]
    assert as_json(run, "gaps", "temps")["gaps"][0]["count"] == 10
    until = "2026-11-22T06:17:10"
    assert run("gaps", "temps", "--until", until).out.startswith("nothing is missing")
    assert "did you mean" in run("gaps", "tempz", code=4).err


@pytest.mark.parametrize("command", ["ls", "gaps"])
def test_a_time_without_any_data_is_not_called_whole(run, folder, command):
    told = run(command, "--since", "2001-01-01", "--until", "2001-01-02", code=4)
    assert "there are no data" in told.out + told.err
    assert "nothing is missing" not in told.out


@pytest.mark.parametrize("command", ["ls", "gaps"])
def test_samples_that_wait_in_the_journal_are_no_data_of_another_time(capsys, tmp_path, command):
    recording = Recording(tmp_path / "data")
    recording.start()
    recording.send([START], a=[1.0])
    sound(recording.folder, samples([OPENED]))
    assert main(["data", command, "--folder", str(recording.folder), "--until", "2001-01-02"]) == 4
    assert "there are no data of that time: no message" in capsys.readouterr().out


def test_verify_ends_with_1_if_something_is_wrong_and_repairs_it(run, folder):
    assert run("verify").out == f"{folder}: 1 file, all sound\n"
    path = next(folder.glob("*/*.g3"))
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])
    out = run("verify", code=1).out
    assert f"17953/{OPENED}.g3: torn at byte {len(whole)}: 100 bytes cannot be read" in out
    assert "--repair cuts torn frames off" in out
    (problem,) = as_json(run, "verify", code=1)["problems"]
    assert (problem["file"], problem["kind"]) == (f"17953/{OPENED}.g3", "torn")
    out = run("verify", "--repair").out
    assert f"repaired; the part that was cut off is in {path}.torn" in out
    assert path.read_bytes() == whole
    run("verify")
    assert f"they are in 17953/{OPENED}.g3.torn" in run("gaps").out
    assert "missing: 1 hole, 1 damage" in run("ls").out


def test_verify_leaves_the_file_alone_that_is_being_written(run, tmp_path):
    now = int(time.time())
    path = sound(tmp_path / "data", samples(every(1, 3, now)), b"\x01\x01", opened=now)
    before = path.read_bytes()
    assert "all sound" in run("verify", "--repair").out
    assert path.read_bytes() == before


def test_verify_of_damage_that_cannot_be_repaired_ends_with_1(run, folder):
    path = next(folder.glob("*/*.g3"))
    content = bytearray(path.read_bytes())
    content[len(recorded.session()) + 30] ^= 1
    path.write_bytes(content)
    out = run("verify", "--repair", code=1).out
    assert "damage at byte" in out
    assert path.read_bytes() == content


def test_export_writes_what_is_asked_for(run, folder, tmp_path):
    out = run("export", "channel_00", "-o", tmp_path / "out.csv").out
    assert out == f"{tmp_path}/out.csv: 1 field, 80 samples\n"
    assert (tmp_path / "out.csv").read_text().startswith(f"time,{FIELD}\n1795328225.00000000,0.5\n")
    answer = as_json(run, "export", "temps.*", "-o", tmp_path / "out.npz")
    assert answer["fields"] == [FIELD, f"{THERMO}.label"]
    with np.load(tmp_path / "out.npz") as read:
        assert len(read["time"]) == 80


def test_export_says_when_fields_do_not_share_their_times(run, folder, tmp_path):
    out = run("export", "channel_00", "holes.count", "-o", tmp_path / "out.csv").out
    assert "2 fields of 2 timelines" in out
    assert "cells are empty" in out
    out = run("export", "channel_00", "holes.count", "-o", tmp_path / "out.npz").out
    assert "array FIELD:time" in out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["export", "channel_00"], 2, "'-o'"),
        (["export", "channel_00", "-o", "out.xls"], 2, ".csv, .npz, .parquet"),
        (["export", "channel_0O", "-o", "out.csv"], 4, "did you mean 'channel_00'"),
        (["export", "channel_00", "--since", "1h", "-o", "o.csv"], 4, "'channel_00' of that time"),
        (["info", "temps", "--until", "1999-01-01"], 4, "no data of 'temps' of that time"),
        (["ls", "--folder", ""], 2, "no name"),
        (["export", "channel_00", "--until", "2026-11-22T06:17", "-o", "out.csv"], 4, "no samples"),
        (["plot", "label", "-o", "out.png"], 2, "holds texts"),
        (["ls", "--folder", "nowhere"], 4, "there is no data folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_next_step(run, folder, words, code, text):
    assert text in run(*words, code=code).err


def test_plot_writes_a_picture_or_says_that_it_needs_a_name(run, folder, tmp_path, monkeypatch):
    assert FIELD in run("plot", "channel_00", "-o", tmp_path / "out.png").out
    assert (tmp_path / "out.png").stat().st_size > 1000
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert "with -o" in run("plot", "channel_00", code=2).err


def test_plot_says_that_files_of_other_times_were_never_read(run, folder, tmp_path):
    later = OPENED + 90_000
    sound(folder, samples(every(1, 10, later), channel_00=[0.5] * 10), opened=later)
    words = "plot", "channel_00", "--until", "2026-11-22T08:00Z", "-o", tmp_path / "out.png"
    assert "what 1 file of other times" in run(*words).err
    run("trend")
    assert "never read" not in run(*words).err


def test_many_fields_of_a_picture_are_counted():
    assert named(["a", "b", "c"]) == "a, b, c"
    assert named(["a", "b", "c", "d"]) == "4 fields"


def test_the_folder_is_that_of_the_hosts_aggregator(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(
        "hub: {wamp_server: 'ws://localhost:8001/ws'}\n"
        "hosts:\n"
        "  lab:\n"
        "    agent-instances:\n"
        "      - agent-class: AggregatorAgent\n"
        "        instance-id: aggregator\n"
        f"        arguments: [--data-dir={tmp_path}/hk, --initial-state, record]\n"
        "  other:\n"
        "    agent-instances: []\n"
    )
    with pytest.raises(
        NoDataError, match=rf"the folder {tmp_path}/hk is not there, nor is {tmp_path}/data;"
    ):
        place.find(None, str(site), "lab")
    (tmp_path / "data").mkdir()
    found = place.find(None, str(site), "lab")
    assert found.path == tmp_path / "data"
    assert found.note == f"the folder {tmp_path}/hk is not there; this is {tmp_path}/data"
    found = place.find(None, str(site), "other")
    assert found.path == tmp_path / "data"
    assert found.note.startswith("the aggregator of this site runs on host 'lab'; this is ")
    (tmp_path / "hk").mkdir()
    found = place.find(None, str(site), "lab")
    assert (found.path, found.note, found.idle()) == (tmp_path / "hk", "", "")
    (tmp_path / "state/other/data").mkdir(parents=True)
    assert place.find(None, str(site), "other").path == tmp_path / "state/other/data"
    assert place.find(tmp_path, str(site), "lab").path == tmp_path


def idle_site(tmp_path):
    """Write a site file whose aggregator waits until it is asked to record."""
    site = tmp_path / "site.yaml"
    site.write_text(
        "hub: {wamp_server: 'ws://localhost:8001/ws'}\n"
        "hosts:\n"
        "  lab:\n"
        "    agent-instances:\n"
        "      - agent-class: AggregatorAgent\n"
        "        instance-id: agg\n"
        f"        arguments: [--data-dir, {tmp_path}/hk]\n"
    )
    return site


def test_without_site_file_the_folder_of_the_last_time_is_read(tmp_path):
    site = idle_site(tmp_path)
    (tmp_path / "hk").mkdir()
    (tmp_path / "data").mkdir()
    assert place.find(None, None, None).path == tmp_path / "data"
    found = place.find(None, str(site), "lab")
    assert found.idle() == (
        "agg is idle until it is asked to record: give it --initial-state record, or run: "
        "ocsd call agg record"
    )
    found = place.find(None, None, None)
    assert found.path == tmp_path / "hk"
    assert found.note == (f"no daemon runs here, and no site file was found; this is {tmp_path}/hk")


def test_ls_says_that_the_aggregator_is_idle(run, tmp_path):
    site = idle_site(tmp_path)
    (tmp_path / "hk").mkdir()
    out = run("ls", "--site-file", site, "--host", "lab").out
    assert "agg is idle until it is asked to record: give it --initial-state record" in out


def test_export_to_the_standard_output_is_csv(run, folder):
    lines = run("export", "channel_00", "-o", "-").out.splitlines()
    assert lines[0] == f"time,{FIELD}"
    assert len(lines) == 81
    assert "standard output" in run("export", "channel_00", "-o", "-", "--json", code=2).err


def test_a_silence_says_who_stopped_the_agent_according_to_the_history(run, tmp_path):
    site = idle_site(tmp_path)
    times = [*every(0.25, 40), *every(0.25, 40, OPENED + 60)]
    sound(tmp_path / "hk", samples(times, channel_00=[0.5] * 80))
    entry = {
        "at": OPENED + 10.5,
        "name": "thermo1",
        "event": "DownRequested",
        "before": "up",
        "after": "stopping",
        "reason": "put down",
        "by": "jane",
    }
    history = tmp_path / "state/lab/journal.jsonl"
    history.parent.mkdir(parents=True)
    history.write_text(json.dumps(entry) + "\n")
    (gap,) = as_json(run, "gaps", "--site-file", site, "--host", "lab")["gaps"]
    assert gap["kind"] == "silence"
    assert gap["cause"] == ("thermo1 left `up` at 2026-11-22T06:17:15Z: put down, asked by jane")


@pytest.mark.parametrize(
    ("rows", "folder"),
    [([], "elsewhere/lab/data"), ([{"instance_id": "recorder", "data_dir": "hk"}], "hk")],
)
def test_the_folder_is_that_of_the_daemon_that_runs_here(ocsd, daemon_of, rows, folder):
    """It is the aggregator's; on a host without one, the folder of an earlier one."""
    daemon = daemon_of("lab")
    rows = [row | {"data_dir": str(ocsd.base / row["data_dir"])} for row in rows]
    daemon.status |= {
        "instances": rows,
        "journal_path": str(ocsd.base / "elsewhere/lab/journal.jsonl"),
    }
    sound(ocsd.base / folder, samples(every(1, 3)))
    done = ocsd("data", "ls", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(ocsd.base / folder)


def test_ls_of_an_indexed_folder_loads_no_numpy(run, folder):
    run("ls")
    script = (
        "import sys; from ocsd.cli.main import main\n"
        f"assert main(['data', 'ls', '--folder', {str(folder)!r}]) == 0\n"
        "print({'numpy', 'so3g', 'twisted'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_a_folder_that_this_user_may_not_read_is_told(ocsd, as_stranger):
    sound(ocsd.base / "closed" / "data", samples(every(1, 3)))
    folder = str(ocsd.base / "closed" / "data")
    for command in ("ls", "verify"):
        done = as_stranger(ocsd.base / "closed", "data", command, "--folder", folder)
        assert done.returncode == 77, done.stderr
        assert "may not read" in done.stderr


def test_a_subfolder_that_this_user_may_not_read_is_not_left_out(ocsd, as_stranger):
    data = ocsd.base / "data"
    sound(data, samples(every(1, 3)))
    sound(data, samples(every(1, 3, OPENED + 90_000)), opened=OPENED + 90_000)
    for command in ("ls", "verify"):
        done = as_stranger(data / "17954", "data", command, "--folder", str(data))
        assert done.returncode == 77, done.stdout
        assert "17954" in done.stderr


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300])
def test_a_hole_at_an_odd_time_is_told_all_the_same(run, tmp_path, at):
    entry = hole(OPENED, OPENED + 1) | {"from_time": at}
    frame = recorded.holes(0, entry)
    sound(tmp_path / "data", frame, addresses=(HOLES,))
    assert "the disk was full" in run("gaps").out


def test_a_folder_without_files_is_not_called_sound(run, tmp_path):
    (tmp_path / "data").mkdir()
    for command in ("verify", "gaps"):
        assert "there are no G3 files in" in run(command, code=4).err
    assert "there are no data in files" in run("ls").out


def test_ls_says_when_a_new_recording_will_have_data(run, tmp_path):
    sound(tmp_path / "data", opened=int(time.time()))
    assert "no data in files yet: samples come into a file frame by frame" in run("ls").out
    assert "no data of that time in files" in run("ls", "--since", "1d", "--until", "2h").out


def test_verify_reports_an_unreadable_file_and_checks_the_others(run, folder):
    (folder / "17953/1795328300.g3").symlink_to("/archive/gone")
    (folder / "17953/1795328400.g3").write_bytes(b"torn")
    out = run("verify", code=1).out
    assert "17953/1795328300.g3: unread at byte 0: " in out
    assert "is a link to /archive/gone" in out
    assert "17953/1795328400.g3: torn at byte 0" in out
    assert "wrong in 2 of 3 files" in out


def test_without_a_command_the_help_is_shown(capsys):
    assert main(["data"]) == 2
    assert capsys.readouterr().err.startswith("Usage: ocsd data")


@pytest.mark.parametrize(
    ("interval_s", "text"),
    [(0.0009999, "1000 Hz"), (0.25, "4 Hz"), (30.04, "every 30 s"), (3600.0, "every 3600 s")],
)
def test_rates_are_written_without_powers_of_ten(interval_s, text):
    assert data_text.rate(interval_s) == text


def test_ls_tells_the_fastest_and_the_slowest_of_many_rates(run, tmp_path):
    frames = [
        samples(every(interval_s, 10), name=f"b{interval_s}") for interval_s in (1, 10, 2, 30, 0.25)
    ]
    sound(tmp_path / "data", *frames)
    assert " 4 Hz to every 30 s " in run("ls").out


@pytest.mark.filterwarnings("error::UserWarning")
def test_names_in_a_file_cannot_steer_the_terminal(run, tmp_path):
    frame = samples(every(1, 3), name="b\x1b[31m", **{"c\x1b]0;$x^$": [1, 2, 3]})
    sound(tmp_path / "data", frame)
    assert "\x1b" not in run("info", "temps").out
    assert "\x1b" not in run("export", "temps.*", "-o", tmp_path / "o.csv").out
    assert "\x1b" not in run("plot", "temps.*", "-o", tmp_path / "o.png").out


def test_the_tab_key_offers_recent_fields_and_feeds(folder):
    recent = int(time.time()) - 60
    sound(folder, samples(every(1, 3, recent), channel_00=[0.5] * 3), opened=recent)
    context = click.Context(click.Command("plot"))
    context.params = {"folder": folder}
    parameter = click.Argument(["wanted"])
    offer = functools.partial(offered.fields, context, parameter)
    assert offer("thermo1.feeds.temps.ch") == ["thermo1.feeds.temps.channel_00"]
    assert offer("observatory.th") == [FIELD]
    assert offer("pump") == []
    assert offered.feeds(context, parameter, "") == ["thermo1.feeds.temps"]
    context.params = {"folder": folder / "none"}
    assert offer("") == []


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"recording": {"recording": True}}, ""),
        ({"recording": {}}, "nothing is recorded now; to record: ocsd call agg record start"),
        ({"recording": {"paused": True, "trouble": "recording pauses: full"}}, "pauses: full"),
        ({"state": "backoff"}, "nothing is recorded now: agg is backoff"),
    ],
)
def test_ls_says_when_the_aggregator_that_runs_records_nothing(ocsd, daemon_of, told, line):
    sound(ocsd.base / "hk", samples(every(1, 3)))
    row = {"instance_id": "agg", "agent_class": "AggregatorAgent", "state": "up", "target": "up"}
    daemon_of("lab", {**row, "data_dir": str(ocsd.base / "hk"), **told})
    last = ocsd("data", "ls").stdout.splitlines()[-1]
    assert last.endswith(line)
    assert (line == "") == (str(ocsd.base / "hk") in last)


def test_a_daemon_that_this_user_may_not_ask_is_not_denied(ocsd, daemon_of, as_stranger):
    daemon_of("grumpy")
    done = as_stranger(ocsd.runtime / "grumpy", "data", "ls")
    assert "this user may not speak to the daemon" in done.stderr
    assert "no daemon runs here" not in done.stderr


def test_trend_makes_what_is_missing_and_with_rebuild_all(run, folder):
    assert "made 2 trends" in run("trend").out
    assert "made 0 trends" in run("trend").out
    answer = as_json(run, "trend", "--rebuild")
    assert (answer["built"], answer["problems"]) == (2, [])
    assert answer["trends"] == str(folder / "ocsd" / "trend")
    assert answer["size"] > 1000


def test_trend_says_what_it_could_not_read_or_write(run, folder):
    (folder / "17953" / f"{OPENED + 60}.g3").symlink_to("/nowhere")
    assert "is a link to /nowhere" in run("trend", code=1).out
    (folder / "17953" / f"{OPENED + 60}.g3").unlink()
    for path in sorted((folder / "ocsd" / "trend").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (folder / "ocsd" / "trend").rmdir()
    (folder / "ocsd" / "trend").write_text("in the way")
    assert "cannot write trends into" in run("trend", code=1).err


def test_sync_copies_closed_files_and_says_how_many(run, folder, tmp_path):
    words = ("sync", tmp_path / "copy", "--folder", folder)
    assert "1 file copied" in run(*words).out
    told = as_json(run, *words)
    assert (told["copied"], told["present"], told["problems"]) == ([], 1, {})
    again = as_json(run, "ls", "--folder", tmp_path / "copy")
    assert {feed["feed"] for feed in again["feeds"]} == {THERMO, HOLES}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("archive:/data",), "is on another machine: mount it"),
        (("copy", "--delete-after-verify", "1h"), "takes an age of at least 3h"),
        (("copy", "--folder", "data", "--folder", "other"), "takes one --folder"),
    ],
)
def test_sync_refuses_what_it_cannot_do(run, folder, tmp_path, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    assert text in run("sync", *words, code=2).err


def test_sync_ends_with_1_if_a_file_was_not_copied(run, folder, tmp_path):
    (folder / "17953" / "1795320000.g3").symlink_to("/nowhere.g3")
    out = run("sync", tmp_path / "copy", "--folder", folder, code=1).out
    assert "17953/1795320000.g3: not copied: " in out


def test_several_folders_are_read_as_one(run, folder, tmp_path):
    run("sync", tmp_path / "copy", "--folder", folder)
    both = ("--folder", folder, "--data-dir", tmp_path / "copy")
    single = as_json(run, "gaps", "--folder", folder)["gaps"]
    assert as_json(run, "gaps", *both)["gaps"] == single
    assert len(as_json(run, "ls", *both)["files"]) == 2
    assert as_json(run, "verify", *both)["files"] == 2
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run("export", f"{THERMO}.*", "-o", one, "--folder", folder)
    run("export", f"{THERMO}.*", "-o", two, *both)
    assert one.read_text() == two.read_text()
    run("plot", f"{THERMO}.channel_00", "-o", tmp_path / "out.png", *both)
