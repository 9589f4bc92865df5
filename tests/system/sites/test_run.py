"""`ocsd run`: one agent in the foreground, without and with a reload on save."""

import os
import signal
import subprocess
import sys

import pytest

from tests.system.conftest import fake_agent
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
import sys
import ocs
from ocs import ocs_agent, site_config
import parts

def main(args=None):
    args = site_config.parse_args(agent_class='MineAgent', args=args)
    print(ocs.__name__, parts.WORD, sys.argv[1:], args.instance_id, flush=True)
    agent, runner = ocs_agent.init_site_agent(args)
    agent.register_task('greet', lambda session, params: (True, parts.WORD))
    runner.run(agent, auto_reconnect=True)
"""

OLD_AGENT = """
from ocs import ocs_agent, site_config

if __name__ == '__main__':
    args = site_config.parse_args(agent_class='OldAgent')
    agent, runner = ocs_agent.init_site_agent(args)
    print('old style', args.instance_id, flush=True)
    runner.run(agent, auto_reconnect=True)
"""


class Terminal:
    """A program of which a person reads the output, and ends it with Ctrl-C."""

    def __init__(self, site, *words):
        self.log = site.folder / "terminal.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ocsd", "run", *map(str, words)],
                env=site.environment | {"PYTHONFAULTHANDLER": "1"},
                cwd=site.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def shows(self, text, times=1):
        """Wait until a text has been written so many times."""
        wait_until(
            lambda: self.log.read_text().count(text) >= times or self.process.poll() is not None,
            f"{text!r} on the terminal",
        )
        shown = self.log.read_text()
        assert shown.count(text) >= times, shown

    def ctrl_c(self):
        """Press Ctrl-C; return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGABRT)  # Python shows where it stands
            self.process.wait()
            raise AssertionError(f"Ctrl-C did not end it:\n{self.log.read_text()}") from None


@pytest.fixture
def mine(own_router, site):
    """A site whose plug-in folder has an agent of two files."""
    plugins = site.folder / "plugins"
    plugins.mkdir()
    (plugins / "ocs_plugin_mine.py").write_text(
        "agents = [('MineAgent', 'mine.py'), ('OldAgent', 'old.py')]\n"
    )
    (plugins / "mine.py").write_text(AGENT)
    (plugins / "old.py").write_text(OLD_AGENT)
    (plugins / "parts.py").write_text("WORD = 'first'\n")
    site.write(
        fake_agent("fake1"),
        {"agent-class": "MineAgent", "instance-id": "mine1"},
        {"agent-class": "OldAgent", "instance-id": "old1"},
        {"agent-class": "HostManager", "instance-id": "hm-lab"},
        {"agent-class": "FakeDatAgent", "instance-id": "misspelt"},
        fake_agent("published", runtime="ocs", python="/opt/python"),
        **{"agent-paths": [str(plugins)]},
    )
    yield site
    assert site.processes() == []


def options(site):
    return "--site-file", site.file, "--host", "lab"


def test_an_agent_runs_in_the_foreground_without_a_daemon(mine):
    terminal = Terminal(mine, "mine1", *options(mine), "--", "--crossbar-timeout=0")
    terminal.shows("ocsd first ['--crossbar-timeout=0'] mine1")
    terminal.shows("waiting for the router")
    assert terminal.ctrl_c() == 0


def test_an_agent_of_the_oldest_form_runs_in_the_foreground(mine):
    terminal = Terminal(mine, "old1", *options(mine))
    terminal.shows("old style old1")
    terminal.shows("waiting for the router")
    assert terminal.ctrl_c() == 0


def test_an_agent_without_an_entry_is_run_by_its_file(mine):
    file = mine.folder / "plugins/mine.py"
    terminal = Terminal(mine, file, "--", "--site=none", "--instance-id=try1")
    terminal.shows("ocsd first ['--site=none', '--instance-id=try1'] try1")
    assert terminal.ctrl_c() == 0


def test_what_cannot_be_run_is_told_with_its_exit_code(mine):
    def run(*words):
        done = mine.ocsd("run", *map(str, words))
        return done.returncode, done.stderr.strip().splitlines()[-1]

    code, said = run("fake2", *options(mine))
    assert code == 4
    assert said.endswith("has no instance 'fake2'; did you mean 'fake1'?")
    code, said = run("misspelt", *options(mine))
    assert code == 78
    assert "'FakeDatAgent'; did you mean 'FakeDataAgent'?" in said
    code, said = run("hm-lab", *options(mine))
    assert code == 78
    assert "use `ocsd start`" in said
    code, said = run("fake1", *options(mine), "--", "--mde", "idle")
    assert code == 78
    assert "unrecognized arguments: --mde idle; did you mean '--mode'?" in said
    done = mine.ocsd("run", "published", *map(str, options(mine)))
    assert done.returncode == 2
    assert "run it with /opt/python -m ocs.agent_cli --site-file" in done.stderr
    code, said = run("absent.py")
    assert (code, said) == (78, "ocsd: there is no file absent.py")


def test_what_a_daemon_runs_is_refused_until_it_is_down(site):
    site.write(fake_agent("fake1"), fake_agent("fake2", manage="down"))
    started = site.start()
    assert started.returncode == 0, started.stdout
    pid = site.instance("fake1")["pid"]

    refused = site.ocsd("run", "fake1", *map(str, options(site)))
    assert refused.returncode == 1
    assert f"the daemon of host 'lab' already (pid {pid})" in refused.stderr
    assert refused.stderr.endswith("ocsd down fake1\n")
    assert site.instance("fake1")["pid"] == pid

    terminal = Terminal(site, "fake2", *options(site))
    terminal.shows("joined")
    assert terminal.ctrl_c() == 0


def test_a_saved_file_restarts_the_agent_and_a_broken_one_waits_to_be_mended(mine):
    parts = mine.folder / "plugins/parts.py"
    terminal = Terminal(mine, "mine1", "--reload", *options(mine))
    terminal.shows("ocsd first")
    terminal.shows("waiting for the router")

    parts.write_text("WORD = 'other'\n")
    terminal.shows("ocsd: parts.py changed: restarting")
    terminal.shows("ocsd other")

    parts.write_text("WORD = 'third\n")
    terminal.shows("SyntaxError: unterminated string literal")
    terminal.shows("ocsd: mine1 ended with exit code 78; waiting for a change")
    parts.write_text("WORD = 'third'\n")
    terminal.shows("ocsd third")

    (mine.folder / "plugins/mine.py").write_text("1 / 0\n")
    terminal.shows("ocsd: mine.py changed: restarting")
    terminal.shows("ZeroDivisionError")
    terminal.shows("waiting for a change", times=2)
    assert terminal.ctrl_c() == 0


def test_an_agent_that_is_broken_from_the_start_runs_once_it_is_mended(mine):
    parts = mine.folder / "plugins/parts.py"
    parts.write_text("WORD = oops\n")
    terminal = Terminal(mine, "mine1", "--reload", *options(mine))
    terminal.shows("NameError")
    terminal.shows("waiting for a change")
    parts.write_text("WORD = 'mended'\n")
    terminal.shows("ocsd mended")
    assert terminal.ctrl_c() == 0


def test_an_unknown_class_has_no_file_to_wait_for(mine):
    done = mine.ocsd("run", "misspelt", "--reload", *map(str, options(mine)))
    assert done.returncode == 78
    assert "did you mean 'FakeDataAgent'?" in done.stderr


def test_an_agent_ends_when_what_reloads_it_was_killed(mine):
    terminal = Terminal(mine, "mine1", "--reload", *options(mine))
    terminal.shows("waiting for the router")
    terminal.process.kill()
    terminal.process.wait()
    wait_until(lambda: mine.processes() == [], "the agent's end")
