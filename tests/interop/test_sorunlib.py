"""The control library sorunlib, unmodified, on ocsd: its use of OCS, against a site of ocsd."""

import json
import os
import re
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
    (folder / "sorunlib.yaml").write_text("{registry: registry, smurf_failure_threshold: 1}\n")

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


SOON = """
import datetime as dt
run.initialize()
acu = run.CLIENTS["acu"]
acu.monitor.start()

def soon(seconds):
    return (dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=seconds)).isoformat()
"""
"""Begins a schedule: the telescope is watched, and `soon` is a time to come."""


def test_it_scans_while_all_readouts_stream(sorunlib, until):
    scanned = sorunlib(f"""{SOON}
run.acu.set_scan_params(2.0, 1.0)
run.seq.scan("field", soon(2), width=20.0, tag="tag1", subtype="obs")
scans = acu.generate_scan.status().session
streams = [each.stream.status().session for each in run.CLIENTS["smurf"]]
result = [scans["data"], [[one["success"], one["data"]["tag"]] for one in streams]]
acu.monitor.stop()
acu.monitor.wait()
""")
    data, streams = scanned
    assert (data["az_endpoint1"], data["az_endpoint2"]) == (120.0, 140.0)
    assert streams == [[True, "tag1"], [True, "tag1"]]


def test_a_scan_that_ends_early_ends_its_schedule(sorunlib):
    # sorunlib looks at it every 10 s.
    said = sorunlib(f"""{SOON}
try:
    run.seq.scan("field", soon(15), width=0.0)
except RuntimeError as error:
    result = str(error)
acu.monitor.stop()
acu.monitor.wait()
""")
    assert re.match("Operation generate_scan in Agent acu1 is not (in the )?'running'", said)


def test_a_readout_that_fails_is_left_out_until_too_few_remain(sorunlib):
    left = sorunlib("""
        run.initialize()
        before = sorted(each.instance_id for each in run.CLIENTS["smurf"])
        run.smurf._run_op("take_noise", concurrent=True, settling_time=0)
        left = [each.instance_id for each in run.CLIENTS["smurf"]]
        run.smurf.set_targets(["smurf2"])
        try:
            run.smurf._run_op("take_noise", concurrent=False, settling_time=0)
        except RuntimeError as error:
            result = [before, left, str(error)]
    """)
    assert left[:2] == [["smurf1", "smurf2"], ["smurf1"]]
    assert "(0 < 1)" in left[2]


def test_what_takes_too_long_and_what_is_refused_are_told(sorunlib):
    timeout, refusal, unknown = sorunlib("""
        from sorunlib import _internal
        run.initialize()
        acu, smurf = run.CLIENTS["acu"], run.CLIENTS["smurf"][0]
        said = []

        def check(client, response):
            try:
                _internal.check_response(client, response)
            except RuntimeError as error:
                said.append(str(error))

        smurf.stream.start()
        check(smurf, smurf.stream.wait(timeout=0.2))
        check(smurf, smurf.stream.start())
        smurf.stream.stop()
        smurf.stream.wait()
        check(acu, acu.set_boresight(angle=1.0))
        result = said
    """)
    assert re.match("Timeout reached waiting for stream in Agent smurf[12] to complete", timeout)
    assert re.match("Request for Operation stream in Agent smurf[12] failed", refusal)
    assert "set_boresight" in unknown or unknown.startswith("Unable to parse response")


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
