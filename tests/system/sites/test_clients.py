"""Clients on a real site: each call ends, whatever becomes of agent and router."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ocsd import site_config
from ocsd.client_http import ControlClientError
from ocsd.ocs_client import OCSClient
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

# Waiting is done in requests of 10 s, and each has 10 s more to be answered.
BOUND_S = 25.0
PAGE = Path(__file__).parents[3] / "docs/clients/index.md"


@pytest.fixture(scope="module")
def shared():
    """A site with one agent, that acquires, and with a router of its own."""
    with a_site(free_port()) as site:
        site.write(fake_agent("fake-data1"))
        site.bring_up()
        yield site


@pytest.fixture
def lab(shared):
    """The site, which runs again if the last test has killed its router."""

    def is_well():
        status = shared.status()
        rows = [row for row in status["instances"] if row["pid"]]
        return status["router"]["state"] == "up" and {row["health"] for row in rows} == {"ok"}

    wait_until(is_well, "router and agents")
    restarted = shared.ocsd("restart", "fake-data1")
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    return shared


def client(site):
    return OCSClient("fake-data1", args=["--site-file", str(site.file)])


def script(site, *words, **more):
    """Begin a Python program in the site's folder."""
    return subprocess.Popen(
        [sys.executable, *words],
        env=site.environment,
        cwd=site.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@contextlib.contextmanager
def ending(process):
    """Give a process, and kill it in the end if it runs still."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_line_runs_a_task_and_lists_operations(lab):
    done = lab.ocsd("call", "fake-data1", "delay_task", "delay=1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"OK: delay_task  succeeded after 1\.\d+ s, started 2", done.stdout)
    rows = [line.split() for line in lab.ocsd("ops", "fake-data1").stdout.splitlines()]
    assert ["delay_task", "task", "succeeded", "delay=5.0", "succeed=true"] in [r[:5] for r in rows]
    assert ["acq", "process", "running"] in [row[:3] for row in rows]
    stopped = lab.ocsd("call", "fake-data1", "acq", "stop", "--wait", "--json")
    assert json.loads(stopped.stdout)["session"]["status"] == "done"
    assert lab.ocsd("call", "fake-data1", "delay_task", "succeed=false", "delay=0").returncode == 1


def test_listen_prints_messages_and_no_heartbeats(lab):
    with ending(script(lab, "-m", "ocsd", "listen", "fake-data1", "--json")) as listener:
        heard = [json.loads(listener.stdout.readline()) for _ in range(2)]
        listener.send_signal(signal.SIGINT)
        assert listener.wait(10) == 130
    for line in heard:
        assert line["topic"] == "observatory.fake-data1.feeds.false_temperatures"
        assert line["feed_info"]["agent_class"] == "FakeDataAgent"
        assert sorted(line["message"]["temps"]["data"]) == ["channel_00", "channel_01"]


def test_listen_takes_addresses_and_heartbeats_if_they_are_asked_for(lab):
    for words in (["fake-data1.heartbeat"], ["observatory..feeds.heartbeat"]):
        with ending(script(lab, "-m", "ocsd", "listen", *words)) as listener:
            assert re.match(
                r"\d\d:\d\d:\d\d\.\d{3}Z \S+\.heartbeat  \{", listener.stdout.readline()
            )
            listener.terminate()
            _, errors = listener.communicate(timeout=10)
            assert (listener.returncode, errors) == (0, "")


def test_listen_outlives_the_router(lab):
    with ending(script(lab, "-m", "ocsd", "listen", "fake-data1")) as listener:
        assert "false_temperatures" in listener.stdout.readline()
        os.kill(lab.status()["router"]["pid"], signal.SIGKILL)
        assert "was lost; trying again" in listener.stderr.readline()
        assert "false_temperatures" in listener.stdout.readline()


def test_python_gets_tasks_processes_and_docstrings(lab):
    agent = client(lab)
    assert "Wait for a while" in agent.delay_task.__doc__
    done = agent.delay_task(delay=0.2)
    assert done.session["success"] is True
    assert agent.acq().session["status"] == "running"
    assert agent.delay_task.start(delay=60).status == 0
    assert agent.delay_task.wait(timeout=0.1).status == 1
    assert agent.delay_task.abort().status == 0
    assert agent.delay_task.wait(timeout=10).session["success"] is False


def call_in_background(call):
    """Begin a call; return its thread and the list that gets what came of it."""
    outcome = []

    def run():
        try:
            outcome.append(call())
        except ControlClientError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def running_call(site):
    """Begin a task of a minute and wait until it runs."""
    agent, looker = client(site), client(site)
    thread, outcome = call_in_background(lambda: agent.delay_task(delay=60))
    wait_until(
        lambda: looker.delay_task.status().session.get("status") == "running", "the task to run"
    )
    return thread, outcome


def test_a_call_ends_when_its_agent_is_killed(lab):
    thread, outcome = running_call(lab)
    os.kill(lab.instance("fake-data1")["pid"], signal.SIGKILL)
    thread.join(BOUND_S)
    (result,) = outcome
    # The restarted agent may be back before the next question.
    if isinstance(result, ControlClientError):
        assert result.error.startswith(("wamp.error.", "client_http.error."))
    else:
        assert "the agent was restarted" in result.msg


def test_a_call_ends_when_the_router_is_killed(lab):
    thread, outcome = running_call(lab)
    os.kill(lab.status()["router"]["pid"], signal.SIGKILL)
    thread.join(BOUND_S)
    (result,) = outcome
    assert isinstance(result, ControlClientError)
    assert result.error == "client_http.error.connection_error"


def test_every_request_to_a_frozen_agent_ends(lab):
    agent = client(lab)
    pid = lab.instance("fake-data1")["pid"]
    calls = [
        agent.acq.status,
        agent.acq.stop,
        agent.acq.wait,
        agent.delay_task.start,
        lambda: client(lab),
    ]
    os.kill(pid, signal.SIGSTOP)
    begun_s = time.monotonic()
    running = [call_in_background(call) for call in calls]
    command = script(lab, "-m", "ocsd", "call", "fake-data1", "delay_task")
    for thread, _ in running:
        thread.join(BOUND_S)
    _, errors = command.communicate(timeout=BOUND_S)
    assert time.monotonic() - begun_s < BOUND_S
    # The daemon kills an agent that is hung and starts it anew meanwhile, which
    # ends some calls earlier, with another error.
    for _, (result,) in running:
        assert isinstance(result, ControlClientError) or "restarted" in result.msg
    assert command.returncode == 69, errors
    assert "fake-data1" in errors


def test_a_twisted_script_runs_and_ends(lab):
    program = lab.folder / "script.py"
    program.write_text(
        "import argparse\n"
        "from ocsd import client_t\n"
        "def work(app, args, more):\n"
        "    task = client_t.TaskClient(app, args.address_root + '.fake-data1', 'delay_task')\n"
        "    yield task.start(params={'delay': args.delay})\n"
        "    reply = yield task.wait(timeout=20)\n"
        "    print('printed', reply[2]['success'], more)\n"
        "    if args.delay == 0:\n"
        "        raise ValueError('nothing to wait for')\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--delay', type=float, default=0.1)\n"
        "client_t.run_control_script(work, parser, 'more')\n"
    )
    words = [str(program), "--site-file", str(lab.file)]
    with ending(script(lab, *words)) as done:
        output, errors = done.communicate(timeout=BOUND_S)
    assert (done.returncode, output) == (0, "printed True more\n"), errors
    with ending(script(lab, *words, "--delay", "0")) as failed:
        _, errors = failed.communicate(timeout=BOUND_S)
    assert failed.returncode == 1
    assert "ValueError: nothing to wait for" in errors
    # A minute's task: the script loses its router while it waits.
    with ending(script(lab, *words, "--delay", "60")) as cut:
        looker = client(lab)
        wait_until(
            lambda: looker.delay_task.status().session.get("status") == "running", "the task"
        )
        os.kill(lab.status()["router"]["pid"], signal.SIGKILL)
        _, errors = cut.communicate(timeout=BOUND_S)
    assert cut.returncode == 69, errors
    assert "was lost" in errors


def test_a_twisted_script_without_router_ends_with_an_error(own_router, site):
    site.write(fake_agent("fake-data1"))
    program = site.folder / "script.py"
    program.write_text(
        "from ocsd import client_t\nclient_t.run_control_script(lambda app, args: None)\n"
    )
    words = [str(program), "--site-file", str(site.file), "--crossbar-timeout", "1"]
    with ending(script(site, *words)) as done:
        _, errors = done.communicate(timeout=BOUND_S)
    assert done.returncode == 69
    assert f"no router at ws://localhost:{site.port}/ws" in errors


def test_the_examples_for_script_writers_run(lab):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(examples) >= 4
    (lab.folder / "site-configs").mkdir()
    (lab.folder / "site-configs/default.yaml").write_text(lab.file.read_text())
    for number, example in enumerate(examples):
        program = lab.folder / f"example{number}.py"
        program.write_text(example)
        with ending(script(lab, str(program))) as done:
            output, errors = done.communicate(timeout=60)
        assert done.returncode == 0, example + errors
        assert output, example


def test_a_site_config_client_reaches_the_agent(lab):
    args = site_config.parse_args("*control*", args=["--site-file", str(lab.file)])
    control = site_config.get_control_client("fake-data1", args=args)
    assert control.request("status", "acq")[0] == 0
    assert control.get_api(simple=True)["tasks"] == ["delay_task", "set_heartbeat"]


@pytest.mark.parametrize(
    "work",
    [
        "async def work(app, args):\n"
        "    print(await app.call('observatory.registry', 'get_agent_class'))",
        "def work(app, args):\n    print('ran')",
        "def work(app, args):\n    print('left')\n    return app.leave()",
    ],
    ids=["coroutine", "function", "leaves by itself"],
)
def test_every_kind_of_function_can_be_a_script(lab, work):
    program = lab.folder / "script.py"
    program.write_text(f"from ocsd import client_t\n{work}\nclient_t.run_control_script2(work)\n")
    with ending(script(lab, str(program), "--site-file", str(lab.file))) as done:
        output, errors = done.communicate(timeout=BOUND_S)
    assert (done.returncode, output.count("\n")) == (0, 1), errors
