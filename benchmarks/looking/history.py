"""How fast the past is drawn: windows of 2,000 columns of years and days.

``python -m benchmarks.looking [--days N] [--hours N] [--only PART] [--influxd PATH] [--cache DIR]``
writes, once, a year of 4 fields at 1 Hz and two days of 160 fields at 10 Hz with ocsd's own
Recorder, and prints markdown tables: trends (how large, how fast they are made), windows (warm;
cold, with a new `Archive` and all files dropped from the page cache), and the same spans with
so3g's `load_range` and InfluxDB 1.6, as far as these are done in a few minutes.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.looking.folders import START_AT, Recorded, a_year, made, two_days
from benchmarks.looking.influx import Influx, running
from ocsd.aggregator.frames.schema import spt3g_core
from ocsd.data import Archive, Builder

COLUMNS = 2000
REPEATS = 5
DAY_S = 86400.0


class Cost(NamedTuple):
    """Time that something took."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s * 1e3:.1f} ms ({self.cpu_s * 1e3:.1f})"


class Question(NamedTuple):
    """A field over a time."""

    recorded: Recorded
    text: str
    length_s: float

    @property
    def span(self) -> tuple[float, float]:
        """The last part of the recording [s, Unix time], not at a whole second."""
        end = START_AT + self.recorded.hours * 3600 + 1
        return max(end - self.length_s, START_AT) - 0.3, end - 0.3


def questions(year: Recorded, days: Recorded) -> list[Question]:
    """Return what is asked."""
    spans = {"all of it": 1e12, "30 d": 30 * DAY_S, "7 d": 7 * DAY_S, "1 d": DAY_S, "1 h": 3600.0}
    found = []
    for recorded in (year, days):
        rate = f"{recorded.rate_hz:g} Hz, {recorded.feeds * recorded.fields} fields"
        for text, length_s in spans.items():
            if text == "all of it" or length_s < recorded.hours * 3600:
                what = text
                if text == "all of it":
                    what = f"{recorded.hours / 24:g} d"
                found.append(Question(recorded, f"{rate}, {what}", length_s))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folders if they are not there, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=365.0, help="of 4 fields at 1 Hz")
    parser.add_argument("--hours", type=float, default=48.0, help="of 160 fields at 10 Hz")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ocsd-looking")
    parts_of_it = ["trends", "windows", "so3g", "influx"]
    parser.add_argument("--only", action="append", choices=parts_of_it, help="may come again")
    parser.add_argument("--influxd", default=shutil.which("influxd"), help="program of InfluxDB 1")
    parser.add_argument("--so3g-days", type=float, default=30.0, help="longest span for so3g")
    parser.add_argument("--influx-days", type=float, default=30.0, help="longest span for InfluxDB")
    options = parser.parse_args(arguments)
    year, days = a_year(options.days), two_days(options.hours)
    folders = {each: made(options.cache, each) for each in (year, days)}
    parts: dict[str, Callable[[], None]] = {
        "trends": lambda: _trends(folders),
        "windows": lambda: _windows(folders, questions(year, days)),
        "so3g": lambda: _so3g(folders, questions(year, days), options.so3g_days),
        "influx": lambda: _influx(options.influxd, options.cache, year, options.influx_days),
    }
    for name, part in parts.items():
        if name in (options.only or parts_of_it):
            part()
            print(f"\nload {' '.join(f'{each:.1f}' for each in os.getloadavg())}\n", flush=True)


def _trends(folders: dict[Recorded, Path]) -> None:
    print("| recording | values | G3 files | index | trends | of the raw size | ", end="")
    print("values/s of CPU: trends | with the index | so3g touches each array |")
    print("|---|---|---|---|---|---|---|---|---|")
    for recorded, folder in folders.items():
        both_s = _made_again(folder, "index", "trend").cpu_s
        trends_s = _made_again(folder, "trend").cpu_s
        raw = _size(folder, "*/*.g3")
        indexed, trended = _size(folder, "ocsd/index/*"), _size(folder, "ocsd/trend/**/*.trend")
        touched_s = _cost(lambda folder=folder: _touch(folder)).cpu_s
        rates = (recorded.values / cpu_s / 1e6 for cpu_s in (trends_s, both_s, touched_s))
        print(
            f"| {recorded.name} | {recorded.values / 1e6:.1f} M | {raw / 1e6:.0f} MB "
            f"| {indexed / 1e6:.1f} MB | {trended / 1e6:.1f} MB | {100 * trended / raw:.2f} % | "
            + " | ".join(f"{rate:.1f} M" for rate in rates)
            + " |",
            flush=True,
        )


def _made_again(folder: Path, *removed: str) -> Cost:
    """Remove index or trends, or both, and make them again."""
    for name in removed:
        shutil.rmtree(folder / "ocsd" / name, ignore_errors=True)
    builder = Builder(Archive(folder))
    builder.survey()
    return _cost(lambda: _all_steps(builder))


def _touch(folder: Path) -> None:
    """Read every frame with so3g, and take every column as an array: no reading is cheaper."""
    core = spt3g_core()
    for path in sorted(folder.glob("*/*.g3")):
        for frame in core.G3File(str(path)):
            for block in frame.get("blocks", ()):
                np.asarray(block.times)
                for key in block.keys():  # noqa: SIM118 # no dict
                    np.asarray(block[key])


def _windows(folders: dict[Recorded, Path], asked: Sequence[Question]) -> None:
    print("| one field | samples | columns | warm: wall (CPU) | cold |\n|---|---|---|---|---|")
    for question in asked:
        print(_window_row(question, folders[question.recorded]), flush=True)


def _window_row(question: Question, folder: Path) -> str:
    field, span = question.recorded.field(), question.span
    archive = Archive(folder)
    found = archive.window([field], *span, COLUMNS).fields[field]
    warm = _median(lambda: archive.window([field], *span, COLUMNS))
    cold = _median(lambda: Archive(folder).window([field], *span, COLUMNS), folder)
    return f"| {question.text} | {found.n.sum()} | {len(found.t)} | {warm} | {cold} |"


def _so3g(folders: dict[Recorded, Path], asked: Sequence[Question], most_days: float) -> None:
    print("| so3g's load_range | samples | wall (CPU) |\n|---|---|---|")
    for question in asked:
        begin, end = question.span
        if end - begin <= most_days * DAY_S:
            print(_so3g_row(question, folders[question.recorded]), flush=True)


def _so3g_row(question: Question, folder: Path) -> str:
    from so3g.hk import load_range

    field, answer = question.recorded.field(), {}
    cost = _cost(
        lambda: answer.update(load_range(*question.span, fields=[field], data_dir=str(folder)))
    )
    return f"| {question.text} | {len(answer[field][0])} | {cost} |"


def _influx(program: str | None, cache: Path, year: Recorded, days: float) -> None:
    if program is None:
        print("InfluxDB is not here: apt-get install influxdb, or --influxd PATH")
        return
    count = round(min(days * DAY_S, year.samples) * year.rate_hz)
    with (
        tempfile.TemporaryDirectory(dir=cache) as scratch,
        running(program, Path(scratch)) as influx,
    ):
        before_s = influx.cpu_s()
        client = _cost(lambda: influx.write(_lines(year, count)))
        server_s = influx.cpu_s() - before_s
        print(
            f"InfluxDB took {server_s:.1f} s of CPU to write {count * year.fields / 1e6:.1f} M ",
            end="",
        )
        print(f"values, the client {client.cpu_s:.1f} s.\n")
        print("| InfluxDB, one field | samples | wall (CPU of the server) |\n|---|---|---|")
        for length_s in (count / year.rate_hz, 7 * DAY_S, DAY_S, 3600.0):
            samples, cost = _asked(influx, count, length_s)
            print(f"| {length_s / DAY_S:.3g} d | {samples} | {cost} |", flush=True)


def _asked(influx: Influx, count: int, length_s: float) -> tuple[int, Cost]:
    end_ms = round((START_AT + count) * 1e3)
    step_ms = max(round(length_s / COLUMNS * 1e3), 1)
    text = (
        "SELECT min(channel_00), max(channel_00), mean(channel_00), count(channel_00) FROM temps "
        f"WHERE time >= {end_ms - round(length_s * 1e3)}ms AND time < {end_ms}ms "
        f"GROUP BY time({step_ms}ms) fill(none)"
    )
    costs, rows = [], []
    for _ in range(3):
        begun_s, before_s = time.perf_counter(), influx.cpu_s()
        rows = influx.query(text)
        costs.append(Cost(time.perf_counter() - begun_s, influx.cpu_s() - before_s))
    return sum(row[4] for row in rows), statistics.median_low(costs)


def _lines(recorded: Recorded, count: int) -> Iterator[str]:
    noise = np.random.default_rng(1).standard_normal((1000, recorded.fields)).tolist()
    begin_ms = round(START_AT * 1e3)
    pattern = ",".join(f"channel_{number:02d}=%r" for number in range(recorded.fields))
    for at in range(count):
        yield f"temps,feed=bench-00 {pattern % tuple(noise[at % 1000])} {begin_ms + at * 1000}"


def _all_steps(builder: Builder) -> None:
    while builder.step():
        pass


def _cost(work: Callable[[], Any]) -> Cost:
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - begun_s, time.process_time() - begun_cpu_s)


def _median(work: Callable[[], Any], dropped: Path | None = None) -> Cost:
    """Return the median of several runs; files below `dropped` leave the page cache before each."""
    costs = []
    for _ in range(REPEATS):
        if dropped is not None:
            _drop(dropped)
        costs.append(_cost(work))
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
    )


def _drop(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern))


if __name__ == "__main__":
    main()
