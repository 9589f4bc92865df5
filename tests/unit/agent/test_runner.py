"""Starting an agent: its imports, its log file and its access control."""

import subprocess
import sys


def test_importing_the_faces_starts_no_reactor_and_no_thread():
    code = (
        "import sys, threading\n"
        "import ocsd.ocs_agent, ocsd.ocs_feed, ocsd.ocs_twisted, ocsd.site_config, ocsd.access\n"
        "import ocsd_agents.fake_data.agent, ocsd.bus.connection\n"
        "assert 'twisted.internet.reactor' not in sys.modules, 'reactor'\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not sys.modules.get('bjdata')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_module_can_be_imported_first():
    code = "import sys, importlib; importlib.import_module(sys.argv[1])"
    for name in (
        "ocsd.agent.feeds.feed",
        "ocsd.agent.operations.thread_deaths",
        "ocsd.agent.runner",
        "ocsd.bus.connection",
        "ocsd.bus.endpoint",
        "ocsd.bus.standing",
    ):
        command = [sys.executable, "-c", code, name]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), name


def test_an_agent_started_by_hand_logs_to_its_log_dir_as_well(tmp_path):
    code = (
        "import sys\n"
        "from ocsd import ocs_agent, site_config\n"
        "words = ['--site=none', '--instance-id=thermo1', '--working-dir', sys.argv[1]]\n"
        "args = site_config.parse_args('ThermoAgent', args=[*words, '--log-dir', sys.argv[2]])\n"
        "agent, runner = ocs_agent.init_site_agent(args)\n"
        "agent.log.info('{n} samples', n=4)\n"
    )

    def logs_of(log_dir):
        command = [sys.executable, "-c", code, str(tmp_path), log_dir]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    (tmp_path / "logs").mkdir()
    for log_dir in ("logs", str(tmp_path / "logs")):
        assert logs_of(log_dir).endswith("[info] 4 samples\n")
    written = (tmp_path / "logs" / "observatory.thermo1.log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in written] == ["[info] 4 samples"] * 2
    assert "no log file in --log-dir" in logs_of("nowhere")


def test_what_the_daemon_starts_logs_to_the_daemons_file_only(tmp_path):
    code = (
        "import sys\n"
        "from argparse import Namespace\n"
        "from ocsd import ocs_agent\n"
        "from ocsd.site.values import told\n"
        "told.set_current(Namespace(host='lab', log_dir=None))\n"
        "args = Namespace(instance_id='x', address_root='a', site_realm='r', log_dir=sys.argv[1])\n"
        "ocs_agent.init_site_agent(args)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
