"""A terminal of a given size, and what stands on it: tmux, with a server of its own."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.system.waiting import wait_until

MISSING = None if shutil.which("tmux") else "tmux is not installed (Debian: tmux)"


@dataclass
class Tmux:
    """A server of tmux with one terminal at a time."""

    folder: Path
    environment: dict

    def run(self, *words):
        # xdist tells its workers a size, which is not that of this terminal.
        sizes = {"COLUMNS", "LINES"}
        inherited = {key: value for key, value in self.environment.items() if key not in sizes}
        return subprocess.run(
            ["tmux", "-u", "-S", str(self.folder / "tmux.sock"), "-f", "/dev/null", *words],
            env={**inherited, "TERM": "xterm-256color"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def open(self, command, width=80, height=24):
        """Open a terminal, in place of the one before, for a command line of the shell."""
        self.close()
        size = ("-x", str(width), "-y", str(height))
        # The window stays when the command has ended, so that its last words can be read.
        begun = self.run("new-session", "-d", *size, f"{command}; echo END $?; exec sleep 600")
        assert begun.returncode == 0, begun.stderr

    def close(self):
        self.run("kill-server")
        # Until it has ended, it would take what is meant for the next one.
        wait_until(lambda: self.run("list-sessions").returncode != 0, "the end of tmux")

    def press(self, *keys):
        self.run("send-keys", *keys)

    def screen(self, *, escapes=False):
        """Return the text of the terminal, as it stands there."""
        options = ("-e",) if escapes else ()
        return self.run("capture-pane", "-p", *options).stdout.rstrip("\n")

    def written(self):
        """Return all lines since it was opened; one that was too wide for it is one line."""
        return self.run("capture-pane", "-p", "-J", "-S", "-").stdout.rstrip("\n").split("\n")

    def shows(self, text, limit_s=60):
        """Wait until a text stands on the terminal; return all of it."""
        wait_until(lambda: text in self.screen(), f"{text!r} on the terminal", limit_s)
        return self.screen()
