"""What agents written for OCS count on, beside its API."""

import pytest

from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
import os
import txaio
from ocs import ocs_agent, site_config

def main(args=None):
    txaio.use_twisted()
    txaio.start_logging(level='info')
    args = site_config.parse_args(agent_class='OlderAgent', args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    agent.log.info('looks for files in {folder}', folder=os.environ['OCS_CONFIG_DIR'])
    runner.run(agent, auto_reconnect=True)
"""


@pytest.fixture
def log(site):
    """The log of an agent that starts logging before it does anything else."""
    plugins = site.folder / "plugins"
    plugins.mkdir()
    (plugins / "older.py").write_text(AGENT)
    (plugins / "ocs_plugin_lab.py").write_text("agents = [('OlderAgent', 'older.py')]\n")
    instance = {"agent-class": "OlderAgent", "instance-id": "older"}
    site.write(instance, **{"agent-paths": [str(plugins)]})
    site.start()
    (path,) = site.folder.glob("log/**/older.log")
    wait_until(lambda: "joined realm" in path.read_text(), "the agent")
    return path.read_text().splitlines()


def test_its_log_begins_with_its_own_first_line(log):
    # The fork server has rehearsed an agent's life before, which must not be told.
    assert "looks for files in" in log[0]


def test_it_finds_its_files_beside_the_site_file(log, site):
    assert log[0].endswith(f"looks for files in {site.folder}")
