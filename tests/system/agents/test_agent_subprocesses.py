"""What agents start themselves: subprocesses and multiprocessing, in every way of being started."""

import json
import subprocess
import sys

import pytest

from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
import json, multiprocessing, os, subprocess, sys, threading
import ocs
from ocs import ocs_agent, site_config

BLAME = os.environ['BLAME']

def work(number):
    import ocs
    main = sys.modules['__main__']
    return (number * number, ocs.__name__, 'ocsd.forkserver' in sys.modules,
            getattr(main.__spec__, 'name', None))

def report():
    code = 'import ocs, ocs.ocs_feed; print(ocs.__name__, ocs.ocs_feed.__name__)'
    found = {'subprocess': subprocess.check_output([sys.executable, '-c', code], text=True)}
    for method in ('fork', 'spawn'):
        with multiprocessing.get_context(method).Pool(1) as pool:
            found[method] = pool.map(work, range(3))
    with open(BLAME, 'a') as file:
        print(json.dumps(found), file=file)

def main(args=None):
    args = site_config.parse_args(agent_class='Probe', args=args)
    # Not in an operation: Python cannot safely fork a process that has threads.
    report()
    agent, runner = ocs_agent.init_site_agent(args)
    runner.run(agent, auto_reconnect=True)
"""

# The oldest form; what multiprocessing imports anew must not run the set-up again.
OLD_END = """
if __name__ == '__main__':
    with open(BLAME, 'a') as file:
        print(json.dumps('set-up'), file=file)
    begin()
"""


@pytest.fixture
def lab(site):
    folder = site.folder / "plugins"
    folder.mkdir()
    (folder / "ocs_plugin_probe.py").write_text(
        "agents = {'Probe': 'probe.py', 'Old': 'old.py',\n"
        "          'Cold': {'module': 'cold_probe', 'fork_safe': False}}\n"
    )
    (folder / "probe.py").write_text(AGENT)
    (folder / "cold_probe.py").write_text(AGENT)
    (folder / "old.py").write_text(
        AGENT.replace("def main(", "def begin(") + OLD_END.replace("main()", "begin()")
    )
    site.extra_environment["PYTHONPATH"] = str(folder)
    return site


def reports(lab, agent_class):
    file = lab.folder / "reports"
    lab.extra_environment["BLAME"] = str(file)
    entry = {"agent-class": agent_class, "instance-id": "probe1"}
    lab.write(entry, **{"agent-paths": [str(lab.folder / "plugins")]})
    assert lab.start().returncode == 0, (lab.folder / "log/lab/probe1.log").read_text()

    def told():
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    wait_until(lambda: any(isinstance(each, dict) for each in told()), "the report", limit_s=90)
    return told()


def test_import_ocs_is_ocsd_in_all_that_a_script_agent_starts(lab):
    (found,) = reports(lab, "Probe")
    assert found["subprocess"] == "ocsd ocsd.ocs_feed\n"
    for method in ("fork", "spawn"):
        squares, names, has_fork_server, mains = zip(*found[method], strict=True)
        assert (squares, set(names)) == ((0, 1, 4), {"ocsd"}), method
        # The fork server is no main module of theirs.
        assert set(mains) == {None}, method
        assert method == "fork" or not any(has_fork_server)


def test_import_ocs_is_ocsd_in_all_that_an_agent_of_the_oldest_form_starts(lab):
    begun, found = reports(lab, "Old")
    assert begun == "set-up"
    for method in ("fork", "spawn"):
        squares, names, *_ = zip(*found[method], strict=True)
        assert (squares, set(names)) == ((0, 1, 4), {"ocsd"}), method


def test_import_ocs_is_ocsd_in_all_that_an_agent_starts_that_is_unsafe_to_fork(lab):
    (found,) = reports(lab, "Cold")
    assert found["subprocess"] == "ocsd ocsd.ocs_feed\n"
    for method in ("fork", "spawn"):
        squares, names, *_ = zip(*found[method], strict=True)
        assert (squares, set(names)) == ((0, 1, 4), {"ocsd"}), method


def test_import_ocs_is_ocsd_in_all_that_an_agent_in_the_foreground_starts(lab):
    file = lab.folder / "reports"
    code = (
        (lab.folder / "plugins/probe.py")
        .read_text()
        .replace("def main(args=None):", "def main(args=None):\n    return report()\n")
    )
    (lab.folder / "plugins/probe.py").write_text(code)
    subprocess.run(
        [sys.executable, "-m", "ocsd", "run", "plugins/probe.py"],
        env=lab.environment | {"BLAME": str(file)},
        cwd=lab.folder,
        check=True,
        timeout=60,
    )
    found = json.loads(file.read_text())
    assert found["spawn"] == [
        [0, "ocsd", False, None],
        [1, "ocsd", False, None],
        [4, "ocsd", False, None],
    ]
