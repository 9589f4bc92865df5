"""The control library sorunlib, unmodified, on ocsd: its use of OCS, against a site of ocsd."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from ocsd import compat
from tests.compatibility import environment

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def sorunlib(site, tmp_path_factory):
    """Run a script with sorunlib; return what it leaves in `result`."""
    try:
        packages = environment.few()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"sorunlib cannot be installed: {error}")
    folder = tmp_path_factory.mktemp("sorunlib")
    (folder / "sorunlib.yaml").write_text("registry: registry\n")

    def run(script, config_dir=site.folder):
        code = f"import json, ocs, sorunlib as run\n{textwrap.dedent(script)}\n"
        done = subprocess.run(
            [sys.executable, "-c", f"{code}print(json.dumps([ocs.__name__, result]))"],
            env=os.environ
            | {
                # As with `python -m ocsd.compat`: the published ocs is in `packages`, too.
                "PYTHONPATH": os.pathsep.join([compat.FOLDER, str(packages)]),
                "OCS_CONFIG_DIR": str(config_dir),
                "SORUNLIB_CONFIG": str(folder / "sorunlib.yaml"),
            },
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        name, result = json.loads(done.stdout.splitlines()[-1])
        assert name == "ocsd"
        return result

    return run


def test_it_finds_the_instances_of_a_class_in_the_site_file(sorunlib):
    found = sorunlib("""
        from sorunlib.util import _find_instances
        result = [_find_instances("FakeDataAgent"), _find_instances("ACUAgent", host="interop")]
    """)
    assert found == [["fake-data1", "fake-data2", "fake-data3"], ["acu1"]]


def test_it_finds_the_agents_that_are_there_and_commands_them(sorunlib, until):
    moved = sorunlib("""
        run.initialize()
        run.acu.move_to(180.0, 60.0)
        run.acu.set_boresight(20.0)
        result = run.CLIENTS["acu"].go_to.status().session["data"]
    """)
    assert moved == {"az": 180.0, "el": 60.0}


def test_a_task_that_fails_ends_its_schedule(sorunlib):
    said = sorunlib("""
        run.initialize()
        try:
            run.acu.move_to(180.0, -5.0)
        except RuntimeError as error:
            result = str(error)
    """)
    assert "Task go_to in Agent acu1" in said
    assert "below the horizon" in said


def test_it_watches_a_process(sorunlib):
    said = sorunlib("""
        import datetime as dt
        from sorunlib import _internal
        run.initialize()
        acu = run.CLIENTS["acu"]
        _internal.check_started(acu, acu.monitor.start())
        now = dt.datetime.now(dt.timezone.utc)
        stop = (now + dt.timedelta(seconds=1)).isoformat()
        _internal.monitor_process(acu, "monitor", stop, check_interval=0.5)
        acu.monitor.stop()
        acu.monitor.wait()
        try:
            _internal.check_running(acu, acu.monitor.status())
        except RuntimeError as error:
            result = str(error)
    """)
    assert said.startswith("Operation monitor in Agent acu1 is not in the 'running'")


def test_an_agent_that_is_not_there_is_no_client(sorunlib):
    assert (
        sorunlib("""
        from sorunlib.util import _try_client
        result = _try_client("nobody")
    """)
        is None
    )


def test_it_tells_a_router_that_is_not_there(sorunlib, tmp_path):
    (tmp_path / "default.yaml").write_text(
        "hub: {wamp_server: ws://127.0.0.1:1/ws, wamp_http: http://127.0.0.1:1/call}\n"
    )
    said = sorunlib(
        """
        from sorunlib import util
        try:
            util._try_client("acu1")
        except util.CrossbarConnectionError as error:
            result = str(error)
    """,
        config_dir=tmp_path,
    )
    assert said.startswith("Cannot connect to crossbar server http://127.0.0.1:1/call.")
