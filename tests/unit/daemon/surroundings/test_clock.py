"""What chrony and systemd-timesyncd tell of the clock."""

import pytest

from ocsd.daemon.surroundings.clock import ClockOffset, ask, of_chrony, of_timesyncd, output_of

CHRONY = (
    "A9FEA97B,169.254.169.123,4,1795332781.123456789,{offset},-0.000001823,0.000006130,"
    "-14.301,0.000,0.009,0.000401822,0.000379114,16.3,{leap}\n"
)
TIMESYNCD = """\
       Server: 185.125.190.56 (ntp.ubuntu.com)
Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap: normal
      Version: 4
      Stratum: 2
       Offset: {offset}
        Delay: 28.6ms
 Packet count: 12
"""


@pytest.mark.parametrize("offset", ["0.000312000", "-0.000312000"])
def test_chrony_tells_the_offset(offset):
    told = of_chrony(CHRONY.format(offset=offset, leap="Normal"), 7.0)
    assert told == ClockOffset("chrony", synchronised=True, offset_s=0.000312, asked_at=7.0)


def test_chrony_tells_that_it_follows_nothing():
    told = of_chrony(CHRONY.format(offset="0.0", leap="Not synchronised"), 7.0)
    assert told == ClockOffset("chrony", synchronised=False, offset_s=None, asked_at=7.0)


@pytest.mark.parametrize(
    "answer", ["", "506 Cannot talk to daemon\n", CHRONY.format(offset="x", leap="Normal")]
)
def test_what_chrony_cannot_have_said_counts_for_nothing(answer):
    assert of_chrony(answer, 7.0) is None


@pytest.mark.parametrize(
    ("text", "offset_s"),
    [("-1.162ms", 0.001162), ("+32us", 0.000032), ("+1min 2.5s", 62.5), ("0", 0.0)],
)
def test_timesyncd_tells_the_offset(text, offset_s):
    told = of_timesyncd(TIMESYNCD.format(offset=text), 7.0)
    assert told.synchronised
    assert told.offset_s == pytest.approx(offset_s)


def test_timesyncd_without_an_answer_of_its_server_is_not_synchronised():
    answer = "       Server: n/a (ntp.ubuntu.com)\nPoll interval: 0 (min: 32s; max 34min 8s)\n"
    assert of_timesyncd(answer, 7.0) == ClockOffset("systemd-timesyncd", False, None, 7.0)
    assert of_timesyncd("Failed to query server\n", 7.0) is None


def test_the_first_program_that_answers_is_believed():
    answers = {"timedatectl": TIMESYNCD.format(offset="+2s")}
    told = ask(lambda command: answers.get(command[0]), lambda: 7.0)
    assert told == ClockOffset("systemd-timesyncd", True, 2.0, 7.0)
    assert ask(lambda command: None) is None


def test_a_program_that_is_not_there_or_fails_has_no_output():
    assert output_of(("no-such-program-of-time",)) is None
    assert output_of(("false",)) is None
    assert output_of(("echo", "x")) == "x\n"
