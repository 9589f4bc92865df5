"""The testing kit, used as authors use it: by a pytest of their own, in a folder of their own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ocsd.client.http import ControlClientError
from ocsd.testing import wait_until

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
FAKE = ROOT / "agents" / "fake_data" / "agent.py"
SOUND = ROOT / "tests/system/authors/broken_agents" / "sound.py"

SITE = """
hub:
  wamp_server: ws://localhost:18001/ws
  wamp_http: http://localhost:18001/call
  wamp_realm: lab_realm
  address_root: lab
hosts:
  localhost:
    agent-instances:
      - {agent-class: FakeDataAgent, instance-id: fake-data1, arguments: [--mode, idle]}
"""

OCS_STYLE = """
import ocs
import pytest
from ocs.base import OpCode
from ocs.ocs_client import OCSClient
from ocs.testing import (
    check_crossbar_connection,
    create_agent_runner_fixture,
    create_client_fixture,
)

wait_for_crossbar = pytest.fixture(scope="session")(check_crossbar_connection)
run_agent = create_agent_runner_fixture("fake.py", "fake_data", args=["--sample-rate", "4"])
client = create_client_fixture("fake-data1")

@pytest.mark.parametrize("succeed", [True, False])
def test_delay_task(wait_for_crossbar, run_agent, client, succeed):
    resp = client.delay_task(delay=0.01, succeed=succeed)
    assert resp.status == ocs.OK
    expected = OpCode.SUCCEEDED if succeed else OpCode.FAILED
    assert resp.session["op_code"] == expected.value

def test_another_client_finds_the_agent_too(wait_for_crossbar, run_agent, client):
    again = OCSClient("fake-data1", args=[])
    assert again.delay_task.status().msg == "No session active."
"""


def pytest_of(folder, *words):
    """Run pytest in a folder, away from this repository's settings; return what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )


def outcome(done):
    """Return pytest's last line without time and colour."""
    last = done.stdout.strip().splitlines()[-1]
    return re.sub(r" in .*", "", last.strip("= "))


def test_a_test_module_of_ocs_works_as_it_is(tmp_path):
    shutil.copy(FAKE, tmp_path / "fake.py")
    (tmp_path / "default.yaml").write_text(SITE)
    (tmp_path / "test_fake.py").write_text(OCS_STYLE)
    done = pytest_of(tmp_path)
    assert outcome(done) == "3 passed", done.stdout


def test_a_test_module_without_a_site_file_works(tmp_path):
    shutil.copy(FAKE, tmp_path / "fake.py")
    given = OCS_STYLE.replace('args=["', 'args=["--instance-id", "fake-data1", "')
    (tmp_path / "test_fake.py").write_text(given)
    done = pytest_of(tmp_path, "-k", "delay")
    assert outcome(done) == "2 passed, 1 deselected", done.stdout


def test_an_agent_that_crashes_fails_its_test_and_shows_its_output(tmp_path):
    (tmp_path / "crashing.py").write_text("raise OSError('no device at /dev/ttyUSB7')\n")
    (tmp_path / "test_crashing.py").write_text(
        "from ocsd.testing import create_agent_runner_fixture\n"
        "run = create_agent_runner_fixture('crashing.py', 'crashing')\n"
        "def test_it(run): pass\n"
    )
    done = pytest_of(tmp_path)
    assert outcome(done) == "1 error", done.stdout
    assert "agent crashing ended with code 1 when it was started" in done.stdout
    assert "OSError: no device at /dev/ttyUSB7" in done.stdout


def test_an_agent_that_does_not_end_fails_its_test_unless_it_may_be_killed(tmp_path):
    (tmp_path / "deaf.py").write_text(
        "import signal, time\n"
        "from ocsd.system.notify import notify\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "notify(READY=1)\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "test_deaf.py").write_text(
        "from ocsd.testing import create_agent_runner_fixture\n"
        "deaf = create_agent_runner_fixture('deaf.py', 'deaf')\n"
        "killed = create_agent_runner_fixture('deaf.py', 'deaf', kill_to_exit=True)\n"
        "limited = create_agent_runner_fixture('deaf.py', 'deaf', timeout=0.5)\n"
        "def test_deaf(deaf): pass\n"
        "def test_killed(killed): pass\n"
        "def test_limited(limited): limited.wait(20)\n"
    )
    done = pytest_of(tmp_path)
    assert outcome(done) == "3 passed, 2 errors", done.stdout
    assert "agent deaf did not end within 10.0 s of SIGINT" in done.stdout
    assert "agent deaf ended with code -9 within the test (limit: 0.5 s)" in done.stdout


def test_every_example_of_the_page_works(tmp_path):
    page = (ROOT / "docs" / "write" / "testing.md").read_text()
    examples = re.findall(r"```python\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in examples] == ["simulator.py", "test_thermometer.py"]
    for name, text in examples:
        (tmp_path / name).write_text(text)
    shutil.copy(SOUND, tmp_path / "agent.py")
    done = pytest_of(tmp_path)
    assert outcome(done) == "3 passed", done.stdout
    # The suite alone, with the page's simulator; one of its checks shows that it is used.
    done = pytest_of(tmp_path, "--ocsd-agent", "agent.py", "-k", "outlives and unplugged")
    assert re.match(r"1 passed, \d\d deselected", outcome(done)), done.stdout


def test_an_agent_that_there_is_not_is_refused_with_the_nearest(tmp_path):
    done = pytest_of(tmp_path, "--ocsd-agent", "FakeDatAgent")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "did you mean 'FakeDataAgent'" in done.stdout


def test_a_pytest_that_does_not_ask_for_it_loads_nothing_of_ocsd(tmp_path):
    (tmp_path / "test_light.py").write_text(
        "import sys\n"
        "def test_light():\n"
        "    heavy = {'twisted', 'autobahn', 'numpy', 'pydantic', 'serial', 'ocsd.site'}\n"
        "    assert 'ocsd.testing.plugin' in sys.modules\n"
        "    assert not heavy & sys.modules.keys()\n"
    )
    done = pytest_of(tmp_path)
    assert outcome(done) == "1 passed", done.stdout


def test_agents_can_be_paused_and_killed(ocsd_router):
    with ocsd_router.agent(FAKE, "fake1") as agent:
        client = ocsd_router.client("fake1", timeout_s=1)
        assert client.get_api()["instance_pid"] == agent.pid
        agent.pause()
        with pytest.raises(ControlClientError):
            client.get_api()
        agent.resume()
        assert client.get_api()["agent_class"] == "FakeDataAgent"
        agent.kill()
        assert agent.wait(20) == -9


def test_the_router_can_be_paused_and_killed(ocsd_router):
    with ocsd_router.agent(FAKE, "fake2") as agent:
        client = ocsd_router.client("fake2", timeout_s=1)
        ocsd_router.pause()
        with pytest.raises(ControlClientError):
            client.get_api()
        ocsd_router.resume()
        assert client.get_api()
        port = ocsd_router.hub.wamp_http
        ocsd_router.stop()
        with pytest.raises(ControlClientError, match="connection_error"):
            client.get_api()
        ocsd_router.start()
        assert ocsd_router.hub.wamp_http == port

        def is_back():
            try:
                return client.get_api()
            except ControlClientError:
                return None

        assert wait_until(is_back, 20)["instance_pid"] == agent.pid


def test_an_agent_that_does_not_join_shows_its_output(ocsd_router):
    with (
        pytest.raises(RuntimeError, match=r"unrecognized arguments: --no-such-option"),
        ocsd_router.agent(FAKE, "fake3", "--no-such-option"),
    ):
        pass
