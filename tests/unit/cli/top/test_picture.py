"""The lines of the full screen."""

import re

import pytest

from ocsd.cli.top.picture import HELP, Choice, Contact, key_lines, moved, picture, selected, shown
from tests.unit.cli.overview.hosts import agent, host, screen
from tests.unit.cli.overview.test_page import NIGHT

HEARD_AT = 1795332781.7
MARK = "\x1b[7m"

AT_80 = """\
one: degraded · 52 up · 1 not healthy (starcamera hung) · router up
recording 50 feeds · last sample 1s ago
  /var/lib/ocsd/one/data/17953/1795328225.g3
  disk 30 % free (12.0G), full in 3h00m
lost in the last day: 2 holes in 1 feed, 12 messages; see: ocsd data gaps
stopped or failed: 1 operation (gps-clock acq stopped 07:33:01Z by a client)
INSTANCE    STATE  TARGET  HEALTH  UPTIME  RESTARTS  SAMPLE  OPERATIONS
starcamera  ● up   up      hung     3h12m         0     44s  acq running
    no answer for 42 s: it is stopped (SIGSTOP); kill -CONT 8913 lets it go on
gps-clock   ● up   up      ok       3h12m         0   1h02m  acq stopped
thermo-00   ● up   up      ok       3h12m         0      0s  acq running
thermo-01   ● up   up      ok       3h12m         0      0s  acq running
07:33:01Z · 52 of 52"""

ONLY_WRONG = """\
one: degraded · 52 up · 1 not healthy (starcamera hung)
  router up
recording 50 feeds · last sample 1s ago
  /var/lib/ocsd/one/data/17953/1795328225.g3
  disk 30 % free (12.0G), full in 3h00m
lost in the last day: 2 holes in 1 feed, 12 messages; see:
    ocsd data gaps
stopped or failed: 1 operation (gps-clock acq stopped
    07:33:01Z by a client)
INSTANCE   STATE  HEALTH  UPTIME  SAMPLE  OPERATIONS
gps-clock  ● up   ok       3h12m   1h02m  acq stopped
router ws://localhost:8001/ws
  site file /etc/ocsd/default.yaml
  clock 0.3 ms off (chrony) · ocsd 0.1.0, pid 77


07:33:01Z · 1 of 52 · filter 'gps'
  only what is not well; 50 up and well"""


def plain(lines):
    return "\n".join(re.sub(r"\x1b\[[0-9]*m", "", line).rstrip() for line in lines)


def drawn(choice, *size, **abilities):
    return picture(NIGHT, choice, HEARD_AT, screen(*size, **abilities))


def test_the_screen_shows_the_verdict_and_as_many_rows_as_fit():
    assert plain(drawn(Choice(), 80, 13)) == AT_80


def test_a_narrow_screen_that_shows_a_part_says_which():
    assert plain(drawn(Choice(only_wrong=True, words="gps"), 60, 18)) == ONLY_WRONG


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("height", [8, 12, 22, 60])
@pytest.mark.parametrize("unicode", [True, False])
def test_every_selection_is_in_sight_and_no_line_is_too_long(width, height, unicode):
    choice = Choice()
    for each in shown(NIGHT, choice):
        choice = Choice(selected=each.instance_id)
        lines = drawn(choice, width, height, unicode=unicode)
        assert len(lines) == height
        assert max(map(len, plain(lines).split("\n"))) <= width
        assert unicode or plain(lines).isascii()
        marked = [line for line in lines if MARK in line]
        assert plain(marked).startswith(each.instance_id)


def test_the_selected_line_stands_out_without_colours_and_nothing_else_does():
    lines = drawn(Choice(selected="gps-clock"), 80, 22)
    assert [line.startswith(f"{MARK}gps-clock ") for line in lines if "\x1b" in line] == [True]


def test_the_selection_moves_among_what_is_shown_and_stops_at_the_ends():
    choice = moved(NIGHT, Choice(), 1)
    assert choice.selected == "gps-clock"
    assert moved(NIGHT, choice, -5).selected == "starcamera"
    assert moved(NIGHT, choice, 1000).selected == "registry"
    assert moved(NIGHT, Choice(words="no such"), 1) == Choice(words="no such")


def test_a_selection_that_has_left_is_the_first():
    assert selected(NIGHT, Choice(selected="gone")).instance_id == "starcamera"
    assert selected(host(), Choice()) is None


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("", 52),
        ("thermo-1", 10),
        ("THERMO-1", 10),
        (" thermo-?1 ", 5),
        ("hung", 1),
        ("AggregatorAgent", 1),
        ("no such", 0),
    ],
)
def test_the_filter_takes_parts_and_patterns_of_names_classes_states_and_health(words, number):
    assert len(shown(NIGHT, Choice(words=words))) == number
    where = plain(drawn(Choice(words=words), 80, 22)).split("\n")[-1]
    assert f"{number} of 52" in where
    assert ("filter" in where) == bool(words)


def test_only_what_is_wrong_is_what_status_does_not_fold():
    names = [each.instance_id for each in shown(NIGHT, Choice(only_wrong=True))]
    assert names == ["starcamera", "gps-clock"]
    well = host(agent("a"))
    lines = plain(picture(well, Choice(only_wrong=True), HEARD_AT, screen(80, 10)))
    assert "no instance fits; a shows all" in lines
    assert "1 up and well" in lines


def test_entries_that_are_not_managed_are_shown_where_there_is_room():
    left = [{"instance_id": "influx", "agent_class": "InfluxDBAgent", "manage": "docker"}]
    report = host(agent("a"), not_managed=left)
    assert "influx" in plain(picture(report, Choice(), HEARD_AT, screen(80, 22)))


@pytest.mark.parametrize(
    ("contact", "now_s", "text"),
    [
        (Contact(), 50.0, ""),
        (Contact(trouble="no daemon"), 50.0, "no answer yet: no daemon"),
        (Contact(100.0, HEARD_AT), 102.9, ""),
        (Contact(100.0, HEARD_AT), 104.2, "no answer since 07:33:01Z (4s)"),
        (
            Contact(100.0, HEARD_AT, "it is stopped\n(SIGSTOP)"),
            190.0,
            "no answer since 07:33:01Z (1m30s): it is stopped (SIGSTOP)",
        ),
    ],
)
def test_a_silence_says_since_when_and_why(contact, now_s, text):
    assert contact.silence(now_s) == text


@pytest.mark.parametrize("width", [20, 60, 80])
def test_the_keys_are_wrapped(width):
    lines = key_lines(screen(width))
    assert max(map(len, lines)) <= width
    assert "q quit" in lines[-1]
    assert len(lines) == 1 or width < 80


def test_the_help_fits_60_columns():
    assert max(map(len, HELP.split("\n"))) <= 60
    assert len(HELP.split("\n")) <= 22
