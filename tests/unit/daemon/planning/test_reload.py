"""What a changed entry does to its instance is foreseen, and then done."""

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ocsd.daemon.builtin.router import RouterPlan
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import plan
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.planning.reload import EDITED, Change, Reload, compare, refuse_unfinished
from ocsd.daemon.planning.settings import Settings, policy_of
from ocsd.daemon.watching.watches import EvidenceWatch
from ocsd.errors import ConfigurationError, ReloadRefusedError, SiteFileError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.site.difference import Difference
from ocsd.site.load import digest, load
from ocsd.site.model import Instance, Manage
from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import MANAGED_DOWN
from ocsd.system.paths import of_host

BY = "alice (uid 7)"
NOTHING = Difference((), (), {}, {})


class Site:
    """One agent, whose entry is edited; its process does what a test says."""

    def __init__(self, folder, clock):
        self.clock = clock
        self.folder = folder
        self.fleet = Fleet(Targets(folder / "targets.json"))
        self.reload = Reload(self.fleet, self.add)
        self.fleet.launch()
        self.pid = 1

    def add(self, instance):
        life = Lifecycle(policy=policy_of(instance))
        name, seconds = instance.instance_id, self.clock.seconds
        keeper = Keeper(name, life, self, self.clock, seconds, lambda: 0.0, self.fleet.announce)
        self.fleet.add(instance, keeper)

    def spawn(self, name):
        pass

    def withdraw(self, name):
        return True

    def kill(self, name, pid, number):
        pass

    @property
    def life(self):
        return self.fleet.keeper("a").life

    def runs(self):
        self.pid += 1
        self.fleet.keeper("a").spawned(Spawned("a", self.pid, 1))
        self.fleet.keeper("a").notified({"READY": "1"})

    def ends(self, code=1):
        self.fleet.keeper("a").ended(Ended("a", self.pid, code, None))

    def edited(self, dry_run=False, anew=False, **entry):
        """Take another entry into use; return what is foreseen, and who is on their way."""
        instance = Instance(instance_id="a", agent_class="A", **entry)
        if self.fleet.keeper("a") is None:
            found = Difference(("a",), (), {}, {})
        elif anew:
            found = Difference((), (), {"a": ("arguments",)}, {})
        else:
            found = Difference((), (), {}, {"a": ("manage",)})
        settings = SimpleNamespace(plan=SimpleNamespace(instances=(instance,)))
        change = self.reload.foresee(Change(settings, found))
        return change.effects["a"], {} if dry_run else self.reload.apply(change, BY)


@pytest.fixture
def site(tmp_path, clock):
    site = Site(tmp_path, clock)
    yield site
    site.fleet.down(["a"])
    if site.life.has_process:
        site.ends()


def test_a_new_entry_starts_unless_it_is_managed_down(site):
    assert site.edited(manage=Manage.DOWN) == ("stays down", {})
    assert site.edited() == ("starts", {"a": Target.UP})
    assert site.life.state is State.STARTING


def test_what_is_managed_down_from_now_on_ends_and_says_why(site):
    site.edited()
    site.runs()
    assert site.edited(manage=Manage.DOWN, dry_run=True) == ("ends", {})
    assert site.life.state is State.UP
    assert site.edited(manage=Manage.DOWN) == ("ends", {"a": Target.DOWN})
    assert (site.life.state, site.life.reason) == (State.STOPPING, MANAGED_DOWN)


def test_what_an_operator_put_down_stays_so_whatever_changes(site):
    site.edited()
    site.runs()
    site.fleet.down(["a"], BY)
    site.ends(0)
    assert site.edited(anew=True, arguments=("-v",)) == ("stays down", {})
    assert site.life.state is State.DOWN


def test_what_runs_is_restarted_if_its_process_has_to_know(site):
    site.edited()
    site.runs()
    assert site.edited(restart="never") == ("goes on", {})
    assert site.edited(anew=True, arguments=("-v",)) == ("restarts", {"a": Target.UP})
    assert site.life.reason == "restart requested"


@pytest.mark.parametrize(("ends", "state"), [([125], State.FAILED), ([1, 1, 1, 1], State.BACKOFF)])
def test_what_waits_is_tried_with_its_new_entry_whatever_changed(site, ends, state):
    watch = EvidenceWatch(site.fleet, None)
    site.fleet.observe(watch.transition)
    site.edited()
    for code in ends:
        site.runs()
        site.ends(code)
    assert site.life.state is state
    restarts = site.life.restarts
    changed = {"retry_when": f"file://{site.folder}/ttyUSB0"}
    assert site.edited(**changed) == ("starts", {"a": Target.UP})
    assert EDITED in site.life.reason
    assert site.life.restarts == restarts  # somebody has asked for it
    site.runs()
    site.ends(125)
    for _ in range(2):
        watch.check(site.fleet.instance("a"), site.fleet.keeper("a"))
        (site.folder / "ttyUSB0").touch()
    assert site.life.state is State.STARTING


def test_what_ended_for_good_starts_only_when_its_entry_changes(site):
    site.edited(restart="never")
    site.runs()
    site.ends(3)
    assert (site.life.state, site.life.target) == (State.DOWN, Target.UP)
    # E.g. `crossbar-timeout` of the host.
    assert site.edited(anew=True, restart="never") == ("stays down", {})
    assert site.edited(restart="always") == ("starts", {"a": Target.UP})
    assert site.life.reason == ""


def test_what_ended_for_good_is_unwanted_once_managed_down(site):
    site.edited(restart="never")
    site.runs()
    site.ends(3)
    assert site.edited(restart="never", manage=Manage.DOWN) == ("stays down", {})
    assert site.life.target is Target.DOWN


FILE = """\
hub: {wamp_server: 'ws://localhost:1/ws'}
hosts:
  lab:
    agent-paths: [one]
    agent-instances:
      - {agent-class: FakeDataAgent, instance-id: fake1}
      - {agent-class: LabAgent, instance-id: lab1}
"""


@pytest.fixture
def in_use(tmp_path):
    """The settings by a file with one folder of plug-ins; `two` is another, with the same class."""
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "lab.py").write_text("")
        (folder / f"ocs_plugin_{name}.py").write_text("agents = [('LabAgent', 'lab.py')]\n")
    (tmp_path / "empty").mkdir()
    file = tmp_path / "site.yaml"
    file.write_text(FILE)
    site = load(file)
    paths = of_host("lab")
    planned = plan(site, site.hosts["lab"], str(paths.state / "data"))
    return Settings(site, planned, RouterPlan(), paths, tmp_path, io.StringIO(), False)


@pytest.mark.parametrize(
    ("paths", "restarted"),
    [
        ("[one, empty]", set()),
        ("[empty, one]", set()),
        ("[one, two]", set()),
        ("[two, one]", {"lab1"}),
        ("[two]", {"lab1"}),
        ("[]", {"lab1"}),  # which is refused as long as it runs
    ],
)
def test_other_agent_paths_restart_only_what_is_found_elsewhere(in_use, paths, restarted):
    file = in_use.working_dir / "site.yaml"
    file.write_text(FILE.replace("[one]", paths))
    found = compare(in_use).difference
    assert set(found.changed) == restarted
    assert {key for key, keys in found.kept.items() if keys} == set()


def test_old_and_new_values_are_in_the_answer_and_so_are_warnings_of_the_file(in_use):
    file = in_use.working_dir / "site.yaml"
    edited = FILE.replace("instance-id: fake1", "instance-id: fake1, arguments: [--x, yes]")
    file.write_text(edited.replace("[one]", "[one, /no/folder]"))
    told = compare(in_use).as_json()
    assert told["changed"] == {"fake1": ["arguments"]}
    assert told["values"] == {"fake1": {"arguments": ([], ["--x", "True"])}}
    first, second = told["warnings"]
    assert first.startswith(f"{file}:6: YAML does not read the argument yes as text")
    assert second.startswith(f"{file}:4: agent-paths names /no/folder")


def test_a_text_is_judged_as_if_it_stood_in_the_place_of_the_file(in_use):
    file = in_use.working_dir / "site.yaml"
    text = FILE.replace("instance-id: fake1", "instance-id: fake1, arguments: [--x, yes]")
    change = compare(in_use, text)
    assert change.as_json()["changed"] == {"fake1": ["arguments"]}
    assert change.as_json()["warnings"][0].startswith(f"{file}:6: ")
    assert change.settings.site.digest == digest(text.encode())
    with pytest.raises(SiteFileError, match=f"{file}:2: "):
        compare(in_use, "hub: [\n")
    assert compare(in_use).difference.changed == {}


@pytest.mark.parametrize(
    ("key", "added", "removed", "changed"),
    [
        ("{name: Lab 1}", (), (), {"web": ("arguments",)}),
        ("{enabled: false}", (), ("web",), {}),
        ("{listen: '127.0.0.1:8002'}", (), (), {}),
    ],
)
def test_a_change_of_the_page_touches_only_the_page(in_use, key, added, removed, changed):
    file = in_use.working_dir / "site.yaml"
    file.write_text(FILE.replace("    agent-paths:", f"    web: {key}\n    agent-paths:"))
    found = compare(in_use).difference
    assert (found.added, found.removed, dict(found.changed)) == (added, removed, changed)


def test_a_second_host_does_not_take_the_router_away_unsaid(in_use):
    file = in_use.working_dir / "site.yaml"
    running = replace(in_use, router=RouterPlan(command=("crossbar",)))
    file.write_text(f"{FILE}  lab-2: {{}}\n")
    with pytest.raises(ReloadRefusedError, match=r"write 'crossbar: \{\}' below 'lab'"):
        compare(running)
    named = FILE.replace("  lab:", "  lab:\n    crossbar: {}")
    file.write_text(f"{named}  lab-2: {{}}\n")
    change = compare(running)
    assert str(change.difference) == "nothing changed"
    assert change.as_json()["new_hosts"] == ["lab-2"]
    file.write_text(FILE.replace("  lab:", "  lab:\n    crossbar: {config-dir: /x}"))
    with pytest.raises(ReloadRefusedError, match="crossbar changed"):
        compare(running)


def test_the_key_record_adds_an_aggregator_and_restarts_no_agent(in_use):
    file = in_use.working_dir / "site.yaml"
    file.write_text(FILE.replace("  lab:\n", "  hub: {crossbar: {}}\n  lab:\n    record: local\n"))
    found = compare(replace(in_use, site=load(file))).difference
    assert "aggregator-lab" in found.added
    assert set(found.changed) == set()


@pytest.fixture
def in_own_folders(in_use, tmp_path):
    """The settings in use, with folders in which files may be written."""
    places = {name: tmp_path / name for name in ("runtime", "state", "logs")}
    paths = in_use.paths._replace(**places)
    paths.create()
    return replace(in_use, paths=paths)


def test_agents_are_told_whose_aggregator_records_them(in_own_folders):
    in_use = in_own_folders
    told = in_use.paths.recorded_by
    in_use.tell_agents()
    assert not told.exists()  # there is nothing to tell
    file = in_use.working_dir / "site.yaml"
    file.write_text(FILE.replace("  lab:\n", "  hub: {crossbar: {}}\n  lab:\n    record: local\n"))
    compare(in_use).settings.tell_agents()
    assert told.read_text() == "lab"
    assert "aggregator-lab" in in_use.paths.recorded_agents.read_text().split()
    assert told.stat().st_mode & 0o777 == 0o644
    in_use.tell_agents()
    assert told.read_text() == ""
    request = in_use.request(in_use.plan.instances[-1], predecessor_died=False)
    assert request.environment["OCSD_RECORDED_BY_FILE"] == str(told)


def test_agents_that_cannot_be_told_are_an_error_that_says_so(in_own_folders):
    in_own_folders.paths.recorded_by.mkdir()
    with pytest.raises(ConfigurationError, match="recorded-by, which tells the agents who records"):
        in_own_folders.tell_agents()


@pytest.mark.parametrize("state", [State.UP, State.BACKOFF, State.DOWN])
def test_record_is_not_taken_away_from_an_aggregator_that_cannot_finish(in_use, state):
    file = in_use.working_dir / "site.yaml"
    without = FILE.replace("  lab:\n", "  hub: {crossbar: {}}\n  lab:\n")
    file.write_text(without.replace("  lab:\n", "  lab:\n    record: local\n"))
    before = compare(in_use).settings
    life = SimpleNamespace(state=state)
    fleet = SimpleNamespace(keeper=lambda name: SimpleNamespace(instance_id=name, life=life))
    refuse_unfinished(before, compare(before), fleet)  # nothing changes
    file.write_text(without)
    change = compare(before)
    if state is State.UP:
        refuse_unfinished(before, change, fleet)
        return
    with pytest.raises(ReloadRefusedError, match=f"'aggregator-lab' is {state} and has not"):
        refuse_unfinished(before, change, fleet)
