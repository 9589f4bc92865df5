"""The full screen, with keys pressed by textual's Pilot, against the stand-in daemon."""

import asyncio
import re
import time

import pytest
from textual.events import Key
from textual.widgets import RichLog, Static

from ocsd.cli.talk.control import DaemonClient
from ocsd.cli.top.app import Overview, Top
from ocsd.cli.top.source import DaemonSource
from tests.unit.cli import answers
from tests.unit.cli.overview.hosts import screen
from tests.unit.cli.stand_in_daemon import instance

LIMIT_S = 20.0
LETTERS = {"/": "slash"}
RED = 1  # Its number among the colours of a terminal.


class Source(DaemonSource):
    """Asks the stand-in; its reasons come at once."""

    def why(self, instance_id):
        return f"{instance_id}: hung (target up)\n" + "".join(f"line {n}\n" for n in range(60))


class Seen:
    """The screen, as a person sees it."""

    def __init__(self, app, pilot):
        self.app, self.pilot = app, pilot

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition):
        deadline_s = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline_s, self.overview()
            await self.pilot.pause(0.02)

    def overview(self):
        return self.app.screen_stack[0].query_one(Overview).render().plain

    def marked(self):
        text = self.app.screen_stack[0].query_one(Overview).render()
        spans = [span for span in text.spans if "reverse" in str(span.style)]
        begin = min(span.start for span in spans)
        return text.plain[begin:].split()[0]

    def line(self, name):
        widget = self.app.screen_stack[0].query_one(name, Static)
        return str(widget.render()) if widget.display else ""

    def page(self):
        found = self.app.screen.query(RichLog)
        return "\n".join(line.text.rstrip() for log in found for line in log.lines)


@pytest.fixture
def daemon(daemon_of):
    return daemon_of(
        "one",
        instance("thermo1"),
        instance("thermo2"),
        instance("camera", state="backoff", reason="ended with exit code 3", next_try_s=7.0),
    )


@pytest.fixture
def run(daemon, ocsd):
    """Run the application, and what a test does at the keys."""

    def begun(at_the_keys, width=80, height=24, **abilities):
        async def main():
            source = Source(DaemonClient("one", ocsd.runtime / "one" / "control.sock"))
            app = Top(source, screen(width, height, **abilities))
            async with app.run_test(size=(width, height)) as pilot:
                seen = Seen(app, pilot)
                await seen.until(lambda: "camera" in seen.overview())
                await at_the_keys(seen)
            return app

        return asyncio.run(main())

    return begun


def test_the_report_is_that_of_status_and_the_worst_is_selected(run):
    async def look(seen):
        lines = seen.overview().split("\n")
        assert lines[0].startswith("one: attention · 2 up, 1 backoff · 1 not in target state")
        assert seen.marked() == "camera"
        assert seen.line("#keys").startswith("w why  l logs  r restart")

    run(look)


def test_arrows_and_letters_select(run):
    async def select(seen):
        await seen.press("down")
        assert seen.marked() == "thermo1"
        await seen.press("j")
        assert seen.marked() == "thermo2"
        await seen.press("k", "up")
        assert seen.marked() == "camera"
        await seen.press("end")
        assert seen.marked() == "thermo2"
        await seen.press("home")
        assert seen.marked() == "camera"

    run(select)


def test_the_screen_renews_itself_also_below_a_page(run, daemon):
    async def wait(seen):
        await seen.press("question_mark")
        daemon.status["instances"][2] |= {"state": "up", "reason": "", "next_try_s": None}
        await seen.until(lambda: seen.overview().startswith("one: ok · 3 up"))
        assert "restart it; asks first" in seen.page()
        await seen.press("q")
        assert len(seen.app.screen_stack) == 1

    run(wait)


def test_a_daemon_that_does_not_answer_is_told_in_red_until_it_is_back(run, daemon):
    async def wait(seen):
        daemon.silent.set()
        await seen.until(lambda: seen.line("#silence"))
        told = seen.line("#silence")
        assert re.match(r"no answer since \d\d:\d\d:\d\dZ \(\d+s\)", told)
        widget = seen.app.screen_stack[0].query_one("#silence", Static)
        assert widget.styles.color.ansi == RED
        # Keys work meanwhile, and the last answer stays.
        await seen.press("j")
        assert seen.marked() == "thermo1"
        await seen.until(lambda: "has not answered within" in seen.line("#silence"))
        daemon.silent.clear()
        await seen.until(lambda: not seen.line("#silence"))

    run(wait)


def test_a_restart_asks_first_and_tells_what_became_of_it(run, daemon):
    daemon.streams["/v1/instances/restart"] = [
        answers.transition("camera", "starting"),
        answers.result("camera"),
    ]

    async def restart(seen):
        await seen.press("r")
        question = str(seen.app.screen.query_one(Static).render())
        assert question == "restart camera? It is backoff. [y/N]"
        await seen.press("enter")
        assert len(seen.app.screen_stack) == 1
        assert daemon.requests == []
        await seen.press("r", "y")
        await seen.until(lambda: seen.line("#told") == "camera: up after 0.05 s")
        [(place, body)] = daemon.requests
        assert place == "/v1/instances/restart"
        assert body["names"] == ["camera"]
        await seen.press("escape")
        assert seen.line("#told") == ""

    run(restart)


@pytest.mark.parametrize(("key", "verb"), [("u", "up"), ("d", "down")])
def test_up_and_down_ask_first(run, daemon, key, verb):
    daemon.streams[f"/v1/instances/{verb}"] = [answers.result("thermo1", state=verb)]

    async def change(seen):
        await seen.press("j", key, "n")
        assert daemon.requests == []
        await seen.press(key, "y")
        await seen.until(lambda: seen.line("#told").startswith(f"thermo1: {verb} after"))
        assert [place for place, _ in daemon.requests] == [f"/v1/instances/{verb}"]

    run(change)


def test_a_refusal_is_told(run, daemon):
    async def change(seen):
        daemon.refusal = (409, b'{"error": {"message": "everything is being stopped"}}')
        await seen.press("r", "y")
        await seen.until(lambda: "everything is being stopped" in seen.line("#told"))
        assert seen.line("#told") == "restart camera: everything is being stopped"

    run(change)


def test_the_reasons_have_a_page(run):
    async def read(seen):
        await seen.press("w")
        await seen.until(lambda: "camera: hung (target up)" in seen.page())
        log = seen.app.screen.query_one(RichLog)
        assert log.scroll_y == 0
        await seen.press("j")
        assert log.scroll_y == 1
        await seen.press("q")
        assert seen.line("#told") == ""

    run(read)


def test_the_log_goes_on_unless_somebody_reads_further_up(run, daemon, ocsd):
    path = ocsd.base / "camera.log"
    path.write_text("".join(f"line {number}\n" for number in range(60)))
    daemon.status["instances"][2]["log_path"] = str(path)

    async def read(seen):
        await seen.until(lambda: seen.app._selected.log_path == str(path))
        await seen.press("l")
        await seen.until(lambda: "line 59" in seen.page())
        log = seen.app.screen.query_one(RichLog)
        await seen.until(lambda: log.is_vertical_scroll_end)
        with path.open("a") as file:
            file.write("password: \x1b[2Jsent without an end")
        await seen.until(lambda: "password: ?[2Jsent without an end" in seen.page())
        await seen.until(lambda: log.is_vertical_scroll_end)
        await seen.press("home")
        with path.open("a") as file:
            file.write("\nmore\n")
        await seen.until(lambda: "more" in seen.page())
        assert log.scroll_y == 0

    run(read)


def test_a_log_that_cannot_be_read_says_why(run, daemon, ocsd):
    daemon.status["instances"][2]["log_path"] = str(ocsd.base)

    async def read(seen):
        await seen.until(lambda: seen.app._selected.log_path == str(ocsd.base))
        await seen.press("l")
        await seen.until(lambda: "cannot be read" in seen.page())

    run(read)


def test_the_filter_takes_letters_that_are_keys_elsewhere(run):
    async def choose(seen):
        for letter in "/thermo2":
            # As fast as a terminal sends them when somebody pastes.
            seen.app.post_message(Key(LETTERS.get(letter, letter), letter))
        await seen.until(lambda: "1 of 3" in seen.overview())
        assert len(seen.app.screen_stack) == 1
        assert "1 of 3 · filter 'thermo2'" in seen.overview()
        await seen.press("slash", "backspace")
        await seen.press("enter", "a")
        assert "only what is not well" in seen.overview()
        await seen.press("a", "escape")
        assert "3 of 3" in seen.overview()
        await seen.press("slash", "d", "escape", "j")
        assert "3 of 3" in seen.overview()
        assert seen.marked() == "thermo1"

    run(choose)


def test_q_and_ctrl_c_end_it(run):
    async def end(seen):
        await seen.press("q")

    assert run(end).return_code == 0

    async def interrupt(seen):
        await seen.press("question_mark")
        await seen.press("ctrl+c")

    assert run(interrupt).return_code == 0


def test_60_columns_and_ascii_are_enough(run):
    async def look(seen):
        assert seen.overview().isascii()
        lines = seen.overview().split("\n")
        assert max(map(len, lines)) <= 60
        assert len(seen.line("#keys").split("\n")) == 2
        await seen.pilot.resize_terminal(100, 30)
        await seen.until(lambda: len(seen.line("#keys").split("\n")) == 1)

    run(look, 60, 24, unicode=False)
