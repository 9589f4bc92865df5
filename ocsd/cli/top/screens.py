"""The pages over the overview of `ocsd top`: a text, a log that goes on, a question."""

import threading
from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import RichLog, Static

from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.errors import OcsdError
from ocsd.log.logfile import Follower
from ocsd.text.printable import printable

_LOG_POLL_S = 0.2
_MOST_LINES = 10_000
_LEAVE = "q back  arrows, Page Up, Page Down, Home, End"


class Came(Message):
    """Text for a page has come."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Page(Screen[None]):
    """A text that can be longer than the screen; q and Escape close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "close", "back"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]
    CSS = """
    Page RichLog { scrollbar-size: 0 0; height: 1fr; background: ansi_default; }
    Page .bar { height: 1; }
    """

    def __init__(self, title: str, text: str, terminal: Terminal) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._terminal = terminal
        self._lines = RichLog(
            wrap=True, min_width=1, max_lines=_MOST_LINES, auto_scroll=False, markup=False
        )

    def compose(self) -> ComposeResult:
        """Lay the page out: a title, the text, the keys."""
        yield Static(Text(self._title, style="bold"), classes="bar")
        yield self._lines
        yield Static(_LEAVE, classes="bar", markup=False)

    def on_mount(self) -> None:
        """Show the text from its beginning on, and give it the keys."""
        self._lines.focus()
        if self._text:
            self.write(self._text.removesuffix("\n"), follow=False)

    def write(self, text: str, *, follow: bool) -> None:
        """Add lines; show the new end if it is to `follow`."""
        shown = self._terminal.written(printable(text, keep=LAYOUT))
        self._lines.write(Text(shown), scroll_end=follow)

    def action_scroll(self, by: int) -> None:
        """Scroll by a number of lines."""
        self._lines.scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Go back to the overview."""
        self.dismiss()


class LogPage(Page):
    """A log that goes on: the newest line is shown unless a person has scrolled up."""

    def __init__(self, title: str, open_log: Callable[[], Follower], terminal: Terminal) -> None:
        super().__init__(title, "", terminal)
        self._open_log = open_log
        self._unfinished = ""
        self._over = threading.Event()

    def on_mount(self) -> None:
        """Begin to read the log beside the screen."""
        threading.Thread(target=self._read, daemon=True).start()

    def on_unmount(self) -> None:
        """End the reading."""
        self._over.set()

    def on_came(self, message: Came) -> None:
        """Write the lines that are whole."""
        *whole, self._unfinished = f"{self._unfinished}{message.text}".split("\n")
        if whole:
            self.write("\n".join(whole), follow=self._lines.is_vertical_scroll_end)

    def _read(self) -> None:
        try:
            for text in self._texts():
                self.post_message(Came(text))
        except (OcsdError, OSError) as error:
            self.post_message(Came(f"{error}\n"))

    def _texts(self) -> Iterator[str]:
        """Yield the text of the log; a line that stays unfinished is ended."""
        text = ""
        with self._open_log() as log:
            if not log.exists:
                yield "there is no log yet\n"
            while not self._over.is_set():
                before, text = text, "".join(log.fresh())
                if not text and before and not before.endswith("\n"):
                    text = "\n"
                if text:
                    yield text
                self._over.wait(_LOG_POLL_S)


class Question(ModalScreen[bool]):
    """A question on the last line of the screen; only y says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,Y", "answer(True)", "yes"),
        Binding("n,N,q,escape,enter", "answer(False)", "no"),
    ]
    CSS = """
    Question { align: left bottom; background: transparent; }
    Question Static { height: auto; width: 100%; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Show the question."""
        yield Static(Text(f"{self._text} [y/N]", style="bold"))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
