"""What the documentation says is what the program does."""

import re
from pathlib import Path

import pytest
import yaml

from ocsd.cli.main import main as command_line
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import plan
from ocsd.daemon.instances.targets import Targets
from ocsd.history.summary import HistoryEntry
from ocsd.site.load import load
from ocsd.site.model import Hub, Instance
from ocsd.site.supervision import OCCASIONS, ResourceLimits
from ocsd.supervisor.events import State
from ocsd.supervisor.health import Health, Layer, Response
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.system.paths import of_host
from tests.unit.docs.generated import errors

ROOT = Path(__file__).parents[3]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("benchmarks", "tests")),
]


def page(name):
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_of_ours_leads_somewhere(path):
    for file, heading in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", path.read_text()):
        target = path.parent / file if file else path
        assert target.exists(), file
        assert not heading or heading in headings(target), f"{file}#{heading}"


def headings(path):
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


def test_every_command_of_the_operators_page_exists(capsys):
    commands = re.findall(r"^    ocsd ([a-z|-]+)", page("run/operating.md"), re.MULTILINE)
    verbs = {verb for command in commands for verb in command.split("|")}
    assert verbs == {
        *("start", "status", "top", "up", "down", "restart"),
        *("why", "history", "audit", "logs", "loglevel", "reload", "upgrade"),
        *("ops", "call", "listen", "hook", "alarm", "values", "view-feed", "data"),
        *("run", "init", "new", "check", "migrate", "access", "install", "stop", "completion"),
        *("site", "docs"),
    }
    for verb in verbs:
        assert command_line([verb, "--help"]) == 0
        assert f"ocsd {verb}" in capsys.readouterr().out


def test_the_exit_codes_of_the_operators_page_are_those_of_the_help(capsys):
    command_line(["--help"])
    shown = capsys.readouterr().out
    told = re.findall(r"^\| (\d+) \|", page("run/operating.md"), re.MULTILINE)
    assert told == ["0", "1", "2", "3", "4", "5", "69", "75", "77", "78", "130"]
    for code in told:
        assert re.search(rf"^\s*{code}\s", shown, re.MULTILINE), code


OF_AGENTS = "125"
"""The exit code with which a process of an agent says that it is not to be tried again."""


def test_the_operators_page_has_the_exit_code_of_every_error():
    told = {*re.findall(r"^\| (\d+) \|", page("run/operating.md"), re.MULTILINE)}
    of_errors = re.findall(r"^\| `\w+` \| (\d+) \|", errors(), re.MULTILINE)
    assert {*of_errors} - {OF_AGENTS} <= told
    assert len(of_errors) > 50


def section(title, level="##"):
    """Return what docs/run/supervision.md has under a title."""
    return page("run/supervision.md").split(f"\n{level} {title}\n")[1].split("\n## ")[0]


def test_the_site_files_of_the_security_page_are_right(tmp_path):
    examples = re.findall(r"```yaml\n(hub:.*?)```", page("run/security.md"), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        file = tmp_path / "site.yaml"
        file.write_text(example + "hosts: {}\n")
        assert load(file).hub.tls_url == "wss://control.example:8443/ws"


def test_the_site_files_of_the_page_on_local_routers_are_right(tmp_path):
    examples = re.findall(r"```yaml\n(hub:.*?)```", page("run/local-router.md"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        file = tmp_path / "site.yaml"
        file.write_text(example)
        site = load(file)
        planned = plan(site, site.hosts["dome"], "/data")
        assert planned.runs_router
        assert "bridge" in [each.instance_id for each in planned.instances]


def test_every_example_of_the_supervision_page_is_right_and_all_keys_have_one(tmp_path):
    hub = {"wamp_server": "ws://localhost:8001/ws"}
    used = set()
    for example in re.findall(r"```yaml\n(.*?)```", page("run/supervision.md"), re.DOTALL):
        part = yaml.safe_load(example)
        keys = {"agent-instances": part} if isinstance(part, list) else part
        used |= {key for entry in keys.get("agent-instances", [keys]) for key in entry}
        file = tmp_path / "site.yaml"
        file.write_text(yaml.safe_dump({"hub": hub, "hosts": {"lab": keys}}))
        site = load(file)
        assert plan(site, site.hosts["lab"], "data").instances
    assert used >= {
        *("restart", "after", "liveness", "limits", "retry-when", "env", "user", "hooks"),
    }


def test_the_supervision_page_names_every_layer_answer_hook_and_limit():
    liveness = section("Liveness")
    told = re.findall(r"^\| `(\w+)` \|", liveness, re.MULTILINE)
    assert told == [*map(str, Layer), *map(str, Response)]
    assert set(re.findall(r"`(on-\w+)`", section("Hooks"))) == set(OCCASIONS)
    limits = {
        field.serialization_alias or name for name, field in ResourceLimits.model_fields.items()
    }
    assert limits == set(re.findall(r"`([a-z-]+)`", section("limits", "###").split("```")[0]))


def test_the_supervision_page_names_every_key_of_the_journal():
    told = re.findall(r"^\| (`.*?`) \| ", section("The journal"), re.MULTILINE)
    names = [name for cell in told for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sorted(HistoryEntry._fields)


def test_the_operators_page_explains_every_state_and_every_health():
    told = set(re.findall(r"^\| `(\w+)` \|", page("run/operating.md"), re.MULTILINE))
    assert told >= {*map(str, State), *map(str, Health)}


def test_the_control_api_page_lists_every_key_of_the_status(tmp_path, clock):
    targets = Targets(tmp_path / "targets.json")
    fleet = Fleet(targets)
    keeper = Keeper("a", Lifecycle(), None, clock, lambda: 0.0, lambda: 0.0, None)
    fleet.add(Instance(instance_id="a", agent_class="A"), keeper)
    hub = Hub(wamp_server="ws://localhost:8001/ws")
    status = StatusReport("lab", "site.yaml", 1, 0.0, hub, of_host("lab"), fleet).as_json()
    told = set(re.findall(r"`(\w+)`", page("reference/control-api.md")))
    assert {*status, *status["instances"][0]} <= told | {"router"}
    assert all(f"{key}" in page("reference/control-api.md") for key in status["router"])
