"""The full screen itself: keys in, the lines of `picture` out.

Whatever may wait (the daemon, a file) does so in a thread of its own, which ends with the process
and tells the screen by messages; so a key is answered at once.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.top.picture import HELP, Choice, Contact, key_lines, moved, picture, selected
from ocsd.cli.top.screens import LogPage, Page, Question
from ocsd.cli.top.source import HostSource
from ocsd.cli.up_down_restart import event_line
from ocsd.errors import OcsdError
from ocsd.status.replies import HostStatus, InstanceStatus

_RENEWAL_PERIOD_S = 1.0
_ASKED = {"restart": "restart {}?", "up": "bring {} up?", "down": "bring {} down?"}
"""The question before each change."""
_PAGE_ROWS = 10
_ALL_ROWS = 1 << 30


class Answered(Message):
    """The daemon has answered."""

    def __init__(self, report: HostStatus) -> None:
        super().__init__()
        self.report = report


class Unanswered(Message):
    """The daemon has not answered."""

    def __init__(self, trouble: str) -> None:
        super().__init__()
        self.trouble = trouble


class Told(Message):
    """Something has become of a request."""

    def __init__(self, text: str, *, is_bad: bool = False) -> None:
        super().__init__()
        self.text = text
        self.is_bad = is_bad


class Explained(Message):
    """The reasons for the state of an instance have come."""

    def __init__(self, instance_id: str, text: str) -> None:
        super().__init__()
        self.instance_id = instance_id
        self.text = text


class Overview(Widget):
    """The report on the host, fitted to its place on the screen."""

    report: HostStatus | None = None
    heard_at = 0.0
    choice = Choice()

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self.terminal = terminal

    def render(self) -> Text:
        """Return the lines, as many as fit."""
        if self.report is None:
            return Text("asking the daemon")
        lines = picture(self.report, self.choice, self.heard_at, self._fitted())
        return Text("\n").join(Text.from_ansi(self.terminal.written(line)) for line in lines)

    def _fitted(self) -> Terminal:
        return self.terminal._replace(width_columns=self.size.width, height_lines=self.size.height)


class Top(App[None]):
    """The full screen of `ocsd top`."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None  # Keys are for the overview.
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    Overview { height: 1fr; }
    Static { height: auto; }
    #silence { color: ansi_red; text-style: bold reverse; }
    #told.bad { color: ansi_red; }
    Input, Input:focus { border: none; height: 1; padding: 0; background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown", f"move({_PAGE_ROWS})", show=False),
        Binding("pageup", f"move(-{_PAGE_ROWS})", show=False),
        Binding("end,G", f"move({_ALL_ROWS})", show=False),
        Binding("home,g", f"move(-{_ALL_ROWS})", show=False),
        Binding("w,enter", "why", "why"),
        Binding("l", "log", "logs"),
        Binding("r", "change('restart')", "restart"),
        Binding("u", "change('up')", "up"),
        Binding("d", "change('down')", "down"),
        # At once: the letters that follow are not keys.
        Binding("slash", "filter", "filter", priority=True),
        Binding("a", "all", "all/wrong"),
        Binding("question_mark", "help", "help"),
        Binding("q", "quit", "quit"),
        Binding("escape", "clear", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, source: HostSource, terminal: Terminal) -> None:
        super().__init__(ansi_color=True)
        self._source = source
        self._terminal = terminal
        self._contact = Contact()
        self._over = threading.Event()
        # A page may stand above them, where a query would not find them.
        self._silence = Static("", id="silence", markup=False)
        self._overview = Overview(terminal)
        self._told = Static("", id="told", markup=False)
        self._filter = Input(placeholder="part of a name, class, state or health; Enter, Esc")
        self._keys = Static("", id="keys", markup=False)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield self._silence
        yield self._overview
        yield self._told
        yield self._filter
        yield self._keys

    def on_mount(self) -> None:
        """Begin to ask the daemon."""
        for widget in (self._silence, self._told, self._filter):
            widget.display = False
        _beside(self._ask)
        self.set_interval(_RENEWAL_PERIOD_S, self._tell_silence)

    def on_unmount(self) -> None:
        """End the asking."""
        self._over.set()

    def on_resize(self, event: Resize) -> None:
        """Fit the keys to the width."""
        fitted = self._terminal._replace(width_columns=event.size.width)
        self._keys.update("\n".join(key_lines(fitted)))

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                self.post_message(Answered(self._source.status()))
            except OcsdError as error:
                self.post_message(Unanswered(str(error)))
            self._over.wait(_RENEWAL_PERIOD_S)

    def on_answered(self, message: Answered) -> None:
        """Show an answer."""
        self._contact = Contact(time.monotonic(), time.time())
        overview = self._overview
        overview.report, overview.heard_at = message.report, self._contact.heard_at
        overview.refresh()
        self._tell_silence()

    def on_unanswered(self, message: Unanswered) -> None:
        """Show since when there is no answer."""
        self._contact = replace(self._contact, trouble=message.trouble)
        self._tell_silence()

    def _tell_silence(self) -> None:
        self._show(self._silence, self._contact.silence(time.monotonic()))

    def _show(self, widget: Static, text: str) -> None:
        widget.update(self._terminal.written(text))
        widget.display = bool(text)

    @property
    def _selected(self) -> InstanceStatus | None:
        overview = self._overview
        if overview.report is None:
            return None
        return selected(overview.report, overview.choice)

    def _choose(self, choice: Choice) -> None:
        self._overview.choice = choice
        self._overview.refresh()

    def action_move(self, by: int) -> None:
        """Move the selection."""
        overview = self._overview
        if overview.report is not None:
            self._choose(moved(overview.report, overview.choice, by))

    def action_all(self) -> None:
        """Show all instances, or only those that are not well."""
        choice = self._overview.choice
        self._choose(replace(choice, only_wrong=not choice.only_wrong))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let keys act on the overview only while nothing lies on it; a slash may be written."""
        if len(self.screen_stack) > 1:
            return action == "quit"
        return action != "filter" or not self._filter.display

    def action_filter(self) -> None:
        """Ask for a part of a name."""
        self._asked(asked=True)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Show what fits the words until now."""
        self._choose(replace(self._overview.choice, words=message.value))

    def on_input_submitted(self) -> None:
        """Keep the words."""
        self._asked(asked=False)

    def action_clear(self) -> None:
        """End the filter, and take the last message away."""
        self._filter.value = ""
        self._asked(asked=False)
        self._show(self._told, "")

    def _asked(self, *, asked: bool) -> None:
        self._filter.display = asked
        if asked:
            self.screen.set_focus(self._filter)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Page("ocsd top", HELP, self._terminal))

    def action_why(self) -> None:
        """Show why the selected instance is in its state, once that has been found out."""
        instance = self._selected
        if instance is None:
            return
        name = instance.instance_id
        self._show(self._told, f"why {name}: reading the history")
        _beside(lambda: self.post_message(Explained(name, self._source.why(name))))

    def on_explained(self, message: Explained) -> None:
        """Show the reasons."""
        self._show(self._told, "")
        title = f"ocsd why {message.instance_id}"
        self.push_screen(Page(title, message.text, self._terminal))

    def action_log(self) -> None:
        """Show the log of the selected instance."""
        instance = self._selected
        if instance is not None:
            title = f"ocsd logs -f {instance.instance_id}"
            self.push_screen(LogPage(title, lambda: self._source.log(instance), self._terminal))

    def action_change(self, verb: str) -> None:
        """Ask whether to change the selected instance."""
        instance = self._selected
        if instance is None:
            return
        name = instance.instance_id

        def answered(yes: bool | None) -> None:
            if yes:
                self._show(self._told, f"{verb} {name} ...")
                _beside(lambda: self._change(verb, name))

        question = f"{_ASKED[verb].format(name)} It is {instance.state}."
        self.push_screen(Question(question), answered)

    def _change(self, verb: str, name: str) -> None:
        plain = self._terminal._replace(colour=False)
        try:
            for event in self._source.change(verb, name):
                is_bad = not getattr(event, "ok", True)
                self.post_message(Told(event_line(event, plain), is_bad=is_bad))
        except OcsdError as error:
            self.post_message(Told(f"{verb} {name}: {error}", is_bad=True))

    def on_told(self, message: Told) -> None:
        """Show what has become of a request."""
        self._show(self._told, message.text)
        self._told.set_class(message.is_bad, "bad")


def _beside(work: Callable[[], object]) -> None:
    """Do something that may wait beside the screen; it does not hold up the end."""
    threading.Thread(target=work, daemon=True).start()
