"""A class is looked up when its instance starts: nothing needs a restart of the daemon."""

import shutil

import pytest

from ocsd.system import notify
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

AGENT = """
from ocs import ocs_agent, site_config

def main(args=None):
    args = site_config.parse_args(args=args)
    print('this is', {word!r}, flush=True)
    agent, runner = ocs_agent.init_site_agent(args)
    runner.run(agent, auto_reconnect=True)
"""


class Lab:
    """A running site whose plug-ins come and go."""

    def __init__(self, site):
        self.site = site
        self.plugins = site.folder / "plugins"
        self.plugins.mkdir()
        # On the search path from the start, as site-packages are; one is made later.
        self.installed = site.folder / "installed"
        self.installed.mkdir()
        self.later = site.folder / "later"
        site.extra_environment["PYTHONPATH"] = f"{self.installed}:{self.later}"
        names = ("one", "two", "three")
        site.write(
            *({"agent-class": f"{name.title()}Agent", "instance-id": name} for name in names),
            **{"agent-paths": [str(self.plugins)]},
        )
        assert site.start().returncode == 3
        for name in names:
            assert site.instance(name)["state"] == "failed"

    def changed_code(self, name):
        """Wait until an agent has noticed that its code was changed."""
        notify.knock(self.site.folder / "run" / "lab" / "notify.sock")
        wait_until(lambda: "changed_code" in self.site.instance(name), "what is on the disk now")

    def write(self, path, word):
        path.write_text(AGENT.format(word=word))

    def install(self, folder, name, agents):
        """Install a package as pip does."""
        folder.mkdir(exist_ok=True)
        metadata = folder / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[ocs.plugins]\n{name} = {name}.plugin\n")
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
        (folder / name / "plugin.py").write_text(f"package_name = '{name}'\nagents = {agents}\n")
        self.write(folder / name / "agent.py", name)

    def up(self, name):
        """Try again; return what the agent has written."""
        done = self.site.ocsd("up", name)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.log(name)

    def log(self, name):
        return (self.site.folder / f"log/lab/{name}.log").read_text()


@pytest.fixture
def lab(site):
    return Lab(site)


def test_plugins_that_come_while_the_daemon_runs_are_found(lab):
    file = lab.plugins / "ocs_plugin_lab.py"
    file.write_text("agents = [('OneAgent', 'one.py')]\n")
    lab.write(lab.plugins / "one.py", "a plug-in file's")
    assert "this is a plug-in file's" in lab.up("one")

    lab.install(lab.installed, "labpack", {"TwoAgent": {"module": "labpack.agent"}})
    assert "this is labpack" in lab.up("two")

    lab.install(lab.later, "laterpack", {"ThreeAgent": {"module": "laterpack.agent"}})
    assert "this is laterpack" in lab.up("three")

    lab.write(lab.plugins / "other.py", "what the edited list says")
    file.write_text("agents = [('OneAgent', 'other.py')]\n")
    assert lab.site.ocsd("restart", "one").returncode == 0
    assert "this is what the edited list says" in lab.log("one")


def test_a_package_that_is_edited_removed_or_installed_anew_counts_at_the_next_start(lab):
    lab.install(lab.installed, "labpack", {"TwoAgent": {"module": "labpack.agent"}})
    package = lab.installed / "labpack"
    (package / "__init__.py").write_text("WORD = 'one'\n")
    source = AGENT.format(word="").replace("''", "labpack.WORD")
    (package / "agent.py").write_text(f"import labpack\n{source}")
    # This fork server reads the list of plug-ins, and with it the package, before it forks.
    assert lab.site.ocsd("stop").returncode == 0
    assert lab.site.start().returncode == 3
    assert "this is one" in lab.log("two")
    assert "changed_code" not in lab.site.instance("two")

    # In place, which leaves the folder as it was; not as long, for Python's cache.
    (package / "__init__.py").write_text("WORD = 'another'\n")
    lab.changed_code("two")
    told = f"code changed since they were started: two ({package}/__init__.py)"
    assert told in lab.site.ocsd("status").stdout
    assert lab.site.ocsd("restart", "two").returncode == 0
    assert "this is another" in lab.log("two")
    assert "changed_code" not in lab.site.instance("two")

    for path in (package, lab.installed / "labpack-1.0.dist-info"):
        shutil.rmtree(path)
    lab.changed_code("two")
    assert lab.site.ocsd("restart", "two").returncode == 1
    reason = lab.site.instance("two")["reason"]
    assert "no plug-in has the agent class 'TwoAgent'" in reason
    assert reason.endswith("when that is done: ocsd up two")
    lab.install(lab.installed, "labpack", {"TwoAgent": {"module": "labpack.agent"}})
    assert "this is labpack" in lab.up("two")


def test_two_plugins_with_one_class_are_named_in_the_log_and_by_the_check(lab):
    lab.install(lab.installed, "labpack", {"TwoAgent": {"module": "labpack.agent"}})
    file = lab.plugins / "ocs_plugin_lab.py"
    file.write_text("agents = [('TwoAgent', 'two.py'), ('OneAgent', 'two.py')]\n")
    lab.write(lab.plugins / "two.py", "the first")
    warning = (
        "agent class TwoAgent of labpack (labpack.agent) is not used, "
        f"{file} has one of that name ({lab.plugins}/two.py)"
    )
    assert lab.up("two").count(warning) == 1
    wait_until(lambda: "this is the first" in lab.log("two"), "the agent")
    assert "is not used" not in lab.up("one")

    check = lab.site.ocsd("check", "--site-file", str(lab.site.file))
    assert f"warning: {warning}" in check.stderr
