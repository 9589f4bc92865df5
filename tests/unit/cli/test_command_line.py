import subprocess
import sys
import time

import click
import pytest

from ocsd.cli import main as main_module
from ocsd.cli.arguments.short_help import SHORT_HELP
from ocsd.cli.main import _COMMANDS, main
from ocsd.text import units
from tests.unit.cli.stand_in_daemon import instance

CODES = ("0", "1", "2", "3", "4", "5", "69", "75", "77", "78", "130")


def test_the_help_lists_every_command_and_exit_code(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {command}  " in text for command in _COMMANDS)
    table = text[text.index("Exit codes:") :]
    assert [line.split()[0] for line in table.splitlines()[1:12]] == list(CODES)


def test_the_help_has_the_first_line_of_every_command_and_loads_none():
    context = click.Context(main_module.ocsd)
    loaded = {
        name: main_module.ocsd.get_command(context, name).get_short_help_str(200)
        for name in _COMMANDS
    }
    assert loaded == SHORT_HELP
    code = (
        "import sys; from ocsd.cli.main import main; main(['--help'])\n"
        "loaded = [name for name in sys.modules if name.startswith('ocsd.cli.commands')]\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("word", ["stpo", "stopp", "dwn", "donw", "restrat", "restar", "sto", "do"])
def test_a_slip_is_never_answered_with_a_command_that_ends_agents(capsys, word):
    assert main([word]) == 2
    told = capsys.readouterr().err.splitlines()[0]
    assert told.startswith(f"ocsd: no such command '{word}'")
    assert not any(f"'{ending}'" in told for ending in ("stop", "down", "restart"))


def test_the_beginning_of_a_command_is_understood_before_other_slips(capsys):
    for word, meant in (
        ("stat", "'status'"),
        ("hist", "'history'"),
        ("lo", "'logs' or 'loglevel'"),
    ):
        assert main([word]) == 2
        assert f"did you mean {meant}?" in capsys.readouterr().err
    assert main(["sto"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_words_of_other_supervisors_lead_to_ours(capsys):
    assert main(["watch"]) == 2
    assert "ocsd status --watch" in capsys.readouterr().err


@pytest.mark.parametrize("command", _COMMANDS)
def test_the_help_of_every_command_has_examples(capsys, command):
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"  Examples:\n    {'source <(' * (command == 'completion')}ocsd {command}" in text


def test_without_a_command_help_is_shown_with_exit_code_2(capsys):
    assert main([]) == 2
    assert "Usage: ocsd" in capsys.readouterr().err


def test_a_misspelt_command_or_option_gets_the_nearest_one(capsys):
    assert main(["statsu"]) == 2
    assert "'status'" in capsys.readouterr().err
    assert main(["status", "--jsn"]) == 2
    assert capsys.readouterr().err == (
        "ocsd: No such option '--jsn'. Did you mean '--json'?\nSee: ocsd status --help\n"
    )


def test_the_version_is_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ocsd ")


def test_no_command_imports_a_heavy_library_at_its_start():
    code = (
        "import importlib, sys, ocsd.cli.main as main\n"
        "for name, room in main._COMMANDS.items():\n"
        "    name = name.replace('-', '_')\n"
        "    importlib.import_module(f'ocsd.cli.commands.{room}.{name}')\n"
        "print([name for name in ('twisted', 'numpy', 'pydantic', 'yaml', 'psutil', 'autobahn')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(ocsd, shell):
    done = ocsd("completion", shell)
    assert done.returncode == 0
    assert f"_OCSD_COMPLETE={shell}_complete" in done.stdout


def completed(ocsd, words):
    done = ocsd(
        _OCSD_COMPLETE="bash_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )
    assert done.stderr == ""
    return [line.split(",")[1] for line in done.stdout.split()]


def test_commands_instance_ids_and_hosts_are_completed(ocsd, daemon_of):
    daemon_of("grumpy", instance("fake-data1"), instance("fake-data2"), instance("thermo1"))
    assert completed(ocsd, "ocsd res") == ["restart"]
    assert completed(ocsd, "ocsd restart fa") == ["fake-data1", "fake-data2"]
    assert completed(ocsd, "ocsd restart fake-data1 fa") == ["fake-data2"]
    assert completed(ocsd, "ocsd logs th") == ["thermo1"]
    assert completed(ocsd, "ocsd why ") == ["fake-data1", "fake-data2", "thermo1", "router", "ocsd"]
    assert completed(ocsd, "ocsd logs router o") == ["ocsd"]
    assert completed(ocsd, "ocsd history ro") == completed(ocsd, "ocsd status ro") == ["router"]
    assert completed(ocsd, "ocsd status --host gr") == ["grumpy"]
    assert completed(ocsd, "ocsd status --host sleepy f") == []


SITE = {"lab-1": ["thermo1", "dome"], "lab-2": ["thermo2", "dome2"], "yard": ["crane"]}


def of_the_site(ocsd, daemon_of, is_running):
    if is_running:
        server = daemon_of("lab-1", *(instance(name) for name in SITE["lab-1"]))
        server.streams["/v1/site/lab-1"] = [{"hosts": SITE}]
        return
    (ocsd.base / "site-configs").mkdir()
    entries = "".join(
        f"  {host}: {{agent-instances: [{', '.join(map(ENTRY.format, names))}]}}\n"
        for host, names in SITE.items()
    )
    text = f"hub: {{wamp_server: 'ws://localhost:8001/ws'}}\nhosts:\n{entries}"
    (ocsd.base / "site-configs" / "default.yaml").write_text(text)


ENTRY = "{{agent-class: FakeDataAgent, instance-id: {}}}"


@pytest.mark.parametrize("is_running", [True, False])
def test_instances_of_other_hosts_are_completed_with_and_without_a_daemon(
    ocsd, daemon_of, is_running
):
    of_the_site(ocsd, daemon_of, is_running)
    assert completed(ocsd, "ocsd restart lab-") == ["lab-1:", "lab-2:"]
    assert completed(ocsd, "ocsd restart lab-2:th") == ["lab-2:thermo2"]
    assert completed(ocsd, "ocsd why lab-2:") == [
        *("lab-2:thermo2", "lab-2:dome2", "lab-2:router", "lab-2:ocsd")
    ]
    assert completed(ocsd, "ocsd down lab-2:thermo2 lab-2:th") == []
    # A shell appends a space to the only word that is left.
    assert completed(ocsd, "ocsd logs y") == ["yard:crane", "yard:router"]
    assert completed(ocsd, "ocsd status attic:") == []


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        (("lab-2", ":"), "th", ["thermo2"]),
        (("lab-2",), ":", ["thermo2", "dome2", "router", "ocsd"]),
        (("thermo1", "lab-2", ":"), "d", ["dome2"]),
    ],
)
def test_bash_cuts_words_at_the_colon(ocsd, daemon_of, words, begun, expected):
    of_the_site(ocsd, daemon_of, True)
    assert completed(ocsd, " ".join(("ocsd why", *words, begun))) == expected


def test_hosts_and_instances_of_the_site_file_and_classes_are_completed(ocsd, daemon_of):
    (ocsd.base / "site-configs").mkdir()
    (ocsd.base / "site-configs" / "default.yaml").write_text(
        "hub: {wamp_server: 'ws://localhost:8001/ws'}\n"
        "hosts:\n"
        "  dome: {agent-instances: [{agent-class: FakeDataAgent, instance-id: fake1}]}\n"
        "  lab: {agent-instances: [{agent-class: FakeDataAgent, instance-id: fake2}]}\n"
    )
    assert completed(ocsd, "ocsd start --host ") == ["dome", "lab"]
    assert completed(ocsd, "ocsd run --host l") == ["lab"]
    assert completed(ocsd, "ocsd run fa") == ["fake1", "fake2", "fa"]
    assert completed(ocsd, "ocsd run --host lab fa") == ["fake2", "fa"]
    assert completed(ocsd, "ocsd start --site-file none.yaml --host ") == []
    daemon_of("dome", instance("a", agent_class="Ls"), instance("b", agent_class="Pump"))
    assert completed(ocsd, "ocsd down --class ") == ["Ls", "Pump"]
    assert completed(ocsd, "ocsd loglevel a d") == ["debug"]


def test_completion_does_not_wait_for_a_stuck_daemon(ocsd, daemon_of):
    server = daemon_of("grumpy", instance("fake-data1"))
    server.silent.set()
    begun_s = time.perf_counter()
    assert completed(ocsd, "ocsd restart fa") == []
    assert time.perf_counter() - begun_s < 2


def test_a_duration_has_its_two_largest_units():
    shown = [units.duration(seconds) for seconds in (0.9, 59.9, 60, 3599, 3600, 86399, 190_000)]
    assert shown == ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "2d04h"]


def test_a_size_is_at_most_five_characters_long():
    sizes = (0, 999, 1000, 8_178_892, 150 * 2**20, 1023 * 2**20, 2**34)
    shown = [units.memory(size) for size in sizes]
    assert shown == ["0B", "999B", "1.0K", "7.8M", "150M", "1.0G", "16.0G"]


def test_an_output_that_cannot_be_written_is_said_in_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ocsd", "--help"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "ocsd: cannot write the output: No space left on device\n"
