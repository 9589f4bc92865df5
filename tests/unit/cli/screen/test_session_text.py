"""A run of an operation in words."""

import time

from ocsd.cli.screen.session_text import reply_lines
from ocsd.cli.screen.terminal import Terminal

PLAIN = Terminal(interactive=False, unicode=False, colour=False, width_columns=80)
DONE = {
    "session_id": 2,
    "op_name": "delay_task",
    "status": "done",
    "success": True,
    "start_time": 1795332781.0,
    "end_time": 1795332782.0,
}
SENTENCE = 'Operation "delay_task" is currently not running (SUCCEEDED).'


def test_the_outcome_stands_in_place_of_the_agents_sentence_about_it():
    [line] = reply_lines("OK", SENTENCE, DONE, PLAIN)
    assert line == "OK: delay_task  succeeded after 1.00 s, started 2026-11-22T07:33:01Z"
    failed = {**DONE, "success": False, "data": {"steps": 3}}
    assert reply_lines("OK", SENTENCE, failed, PLAIN) == [
        "FAILED: delay_task  failed after 1.00 s, started 2026-11-22T07:33:01Z",
        "  data",
        "    steps: 3",
    ]


def test_what_else_an_agent_says_is_kept():
    lines = reply_lines("OK", "Requested stop on process.", DONE, PLAIN)
    assert lines[0] == "OK: Requested stop on process."
    assert lines[1].startswith("  delay_task  succeeded after 1.00 s")
    assert reply_lines("OK", SENTENCE, {}, PLAIN) == [f"OK: {SENTENCE}"]


def test_a_run_that_goes_on_says_for_how_long():
    session = {**DONE, "status": "running", "success": None, "start_time": time.time() - 3}
    [_, line] = reply_lines("OK", "Started.", {**session, "end_time": None}, PLAIN)
    assert line.startswith("  delay_task  running for 3.")


def test_the_times_of_messages_have_their_zone():
    session = {**DONE, "messages": [(1795332781.5, "warming up")]}
    assert reply_lines("OK", SENTENCE, session, PLAIN)[-1] == "    07:33:01.500Z  warming up"
