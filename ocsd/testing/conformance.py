"""The conformance suite: ``pytest --ocsd-agent AGENT`` (docs/write/testing.md).

It exercises the agent as a site does, from outside and in a process of its own;
with hardware, against the simulator beside its module. Every check is a test,
and its failure says what to change.
"""

import time
from contextlib import ExitStack, suppress

from ocsd.system.garbage import loaded

with loaded():
    import pytest

    from ocsd.base import ERROR, OK
    from ocsd.client.http import ControlClientError
    from ocsd.site.launch import Launch
    from ocsd.site.model import Instance
    from ocsd.testing import conformance_agents
    from ocsd.testing.agent_process import RunningProgram, python
    from ocsd.testing.conformance_agents import Runs, SharedAgent
    from ocsd.testing.device import FAULTS
    from ocsd.testing.exercise import (
        AGENT_START_LIMIT_S,
        FIRST_MESSAGE_LIMIT_S,
        OPERATION_STOP_LIMIT_S,
        TASK_LIMIT_S,
        Bench,
        Exercised,
    )
    from ocsd.testing.patience import wait_until
    from ocsd.testing.subject import Subject
    from ocsd.testing.verdicts import (
        AGENT_END_LIMIT_S,
        NOTICE_LIMIT_S,
        RECOVERY_LIMIT_S,
        fail,
        failed_by_itself,
        last_words,
        needs_parameters,
        require,
        require_decent_end,
        require_exit,
        require_joined,
        require_life,
        require_notice,
        require_recovery,
        simulation_of,
    )

FAULT_BEATS = 2
STRANGE = {"no_such_parameter": 1}
IMPORT = """
import importlib.util, os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
spec = importlib.util.spec_from_file_location("imported_agent", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
if "twisted.internet.reactor" in sys.modules:
    sys.exit("it imports twisted.internet.reactor")
"""

# Where pytest looks for them.
pytest_generate_tests = conformance_agents.pytest_generate_tests
bench = conformance_agents.bench
kept = conformance_agents.kept
agent = conformance_agents.agent
runs = conformance_agents.runs
acquiring = conformance_agents.acquiring


# The command line.


def test_its_options_are_described(subject: Subject) -> None:
    with RunningProgram(subject.command("--help")) as process:
        advice = "Parse the arguments with site_config.parse_args before anything else is done."
        require_exit(process, 0, AGENT_START_LIMIT_S, advice)
        require(
            "--instance-id" in process.output(),
            "--help does not list the options that every agent has; use site_config.parse_args",
        )


def test_an_unknown_option_is_refused_with_exit_code_2(subject: Subject) -> None:
    words = ["--site", "none", "--instance-id", "conformance", "--no-such-option"]
    with RunningProgram(subject.command(*words)) as process:
        advice = (
            "Parse the arguments with site_config.parse_args, which refuses --no-such-option, "
            "before the device is opened."
        )
        require_exit(process, 2, AGENT_START_LIMIT_S, advice)


def test_importing_it_starts_nothing(subject: Subject) -> None:
    with RunningProgram(python("-c", IMPORT, str(subject.file))) as process:
        advice = (
            "Import twisted.internet.reactor, open devices and start threads in functions, "
            "not where the module is imported."
        )
        require_exit(process, 0, AGENT_START_LIMIT_S, advice)


# What it says of itself.


def test_it_starts_and_registers(agent: Exercised) -> None:
    require_life(agent)


def test_its_description_is_well_formed(agent: Exercised) -> None:
    api = agent.api()
    operations = [*api["tasks"], *api["processes"]]
    require(operations, "it registers no task and no process")
    known = {"no_history", "starting", "running", "stopping", "done"}
    for name, session, _ in operations:
        require(name.isidentifier(), f"operation {name!r}: use letters, digits and underscores")
        require(
            session["op_name"] == name and session["status"] in known,
            f"operation {name!r}: this is no session: {session}",
        )


def test_every_operation_is_documented(agent: Exercised) -> None:
    api = agent.api()
    operations = [*api["tasks"], *api["processes"]]
    silent = ", ".join(name for name, _, info in operations if not info["docstring"])
    require(
        not silent,
        f"no docstring: {silent}; operators read it in `ocsd ops`. Say what the operation does, "
        "its parameters and what is in session.data",
    )


# Its operations.


def test_no_process_blocks_the_reactor(runs: Runs) -> None:
    for name, each in runs.items():
        for run in each:
            require(
                not run.silent,
                f"while process {name!r} runs, the agent does not answer ({run.silent}); register "
                "what waits, e.g. for the device, with blocking=True, or use Deferreds",
            )


def test_every_process_starts_and_stops_when_asked(runs: Runs) -> None:
    for name, (run, *_) in runs.items():
        if run.silent or (not run.started and needs_parameters(run.reply[1])):
            continue
        require(run.started, f"process {name!r} is refused without parameters: {run.reply[1]}")
        require(not run.failed, failed_by_itself(name, run))
        require(
            run.stopped,
            f"process {name!r} was asked to stop and runs {OPERATION_STOP_LIMIT_S:g} s later; "
            "leave its loop when session.status is no longer 'running', and sleep in short steps",
        )
        require_decent_end(name, run.final)


def test_a_process_that_runs_is_not_started_twice(runs: Runs) -> None:
    for name, (run, *_) in runs.items():
        if run.second_reply is not None:
            code, text, _ = run.second_reply
            refused = code == ERROR and "already in progress" in text
            require(refused, f"process {name!r} runs and is started once more: {text}")


def test_every_process_can_be_started_again(runs: Runs) -> None:
    advice = "release its lock and close its device in a `finally`, or use `with`"
    for name, (first, *others) in runs.items():
        for run in others:
            require(run.started, f"process {name!r} is refused the second time: {run.reply[1]}")
            require(not run.failed, f"second start: {failed_by_itself(name, run)}; {advice}")
            require(
                run.published or not first.published,
                f"process {name!r} publishes when started first and not the second time; {advice}",
            )


def test_recorded_feeds_carry_messages(runs: Runs, agent: Exercised) -> None:
    feeds = agent.recorded_feeds()
    if not feeds:
        pytest.skip("it has no feed that is recorded")
    everything = [run for each in runs.values() for run in each]
    if any(run.published for run in everything):
        return
    if any(run.silent for run in everything):
        pytest.skip("its processes block the reactor")
    simulation_of(agent)
    said = "; ".join(filter(None, (last_words(run.final) for run in everything)))
    fail(
        f"for {FIRST_MESSAGE_LIMIT_S:g} s nothing was published to {', '.join(sorted(feeds))}. "
        f"The processes said: {said or 'nothing'}. Look in the output for an error of "
        "publish_to_feed: field names are letters, digits and underscores, values are numbers, "
        "texts or bools"
    )


def test_session_data_are_json(runs: Runs) -> None:
    for name, each in runs.items():
        for session in (session for run in each for session in (run.while_running, run.final)):
            data = session.get("data", {})
            require(isinstance(data, dict), f"process {name!r}: session.data is no dict: {data!r}")
            for _, text in session.get("messages", ()):
                require(
                    not (text.startswith("ERROR") and "session.data" in text),
                    f"{text}; use numbers, texts, lists and dicts, decode bytes, and store NaN or "
                    "None in place of an infinity",
                )


def test_every_task_ends_with_a_message(agent: Exercised) -> None:
    for name in agent.tasks():
        code, text, _ = agent.start(name)
        if code == ERROR and needs_parameters(text):
            continue
        require(code == OK, f"task {name!r} is refused without parameters: {text}")
        if not agent.ended(name, TASK_LIMIT_S):
            code, text, _ = agent.client.request("abort", name)
            require(
                code == OK and agent.ended(name, OPERATION_STOP_LIMIT_S),
                f"task {name!r} does not end within {TASK_LIMIT_S:g} s and cannot be aborted "
                f"({text}); give up on a device that does not answer, or register an aborter",
            )
        require_decent_end(name, agent.session(name))


def test_unknown_parameters_are_refused(agent: Exercised) -> None:
    for name in [*agent.tasks(), *agent.processes()]:
        code, text, _ = agent.start(name, STRANGE)
        require(
            code == ERROR,
            f"operation {name!r} starts with the parameters {STRANGE}; decorate it with "
            "@ocs_agent.param(…) for each parameter, or @ocs_agent.param('_') if it has none",
        )
        require("CRASH" not in text, f"operation {name!r}: its check of parameters raises: {text}")


# Its device.


def test_it_starts_while_its_device_is_absent(
    subject: Subject, bench: Bench, kept: SharedAgent, acquiring: str
) -> None:
    simulation_of(kept.agent())
    fresh = Exercised(subject, bench, plugged=False)
    try:
        require_joined(fresh, "Its device is absent: open it in an operation, not before run().")
        begun_s = time.monotonic()
        fresh.prepare()
        fresh.start(acquiring)
        require_notice(fresh, acquiring)
        simulation_of(fresh).device.replug()
        require_recovery(fresh, acquiring)
        require_life(fresh, begun_s)
    finally:
        fresh.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_it_outlives_a_device_that_is(acquiring: str, agent: Exercised, fault: str) -> None:
    device = simulation_of(agent).device
    agent.prepare()
    agent.start(acquiring)
    require(agent.publishes(), f"{acquiring!r} does not publish, although its device is well")
    begun_s, beats = time.monotonic(), agent.process.beats()
    device.fail(fault)
    try:
        if fault in {"mute", "unplugged"}:
            require_notice(agent, acquiring)
        wait_until(lambda: agent.process.beats() >= beats + FAULT_BEATS, NOTICE_LIMIT_S)
        require_life(agent, begun_s)
    finally:
        # The next check has the same agent, and its device has to be well.
        device.normal()
        if fault == "unplugged":
            device.replug()
    require_recovery(agent, acquiring)


# Its site.


def test_it_comes_back_after_the_router_was_restarted(acquiring: str, agent: Exercised) -> None:
    agent.prepare()
    agent.start(acquiring)
    require(agent.publishes(), f"{acquiring!r} does not publish")
    router = agent.bench.router
    try:
        router.stop()
        beats = agent.process.beats()
        wait_until(lambda: agent.process.beats() >= beats + 2, NOTICE_LIMIT_S)
    finally:
        router.start()
    require(
        wait_until(agent.alive, RECOVERY_LIMIT_S),
        f"{RECOVERY_LIMIT_S:g} s after the router came back it does not answer; call "
        "runner.run(agent, auto_reconnect=True)",
    )
    require(agent.publishes(), f"{acquiring!r} publishes no more after the router came back")


def test_it_runs_as_the_daemon_runs_it(subject: Subject, bench: Bench) -> None:
    with ExitStack() as stack:
        arguments = [*subject.arguments]
        simulate = subject.simulate()
        if simulate is not None:
            arguments += map(str, stack.enter_context(simulate).arguments)
        fields = {"instance-id": "conformance", "agent-class": "Agent", "arguments": arguments}
        launch = Launch(
            site_file=None,
            host="conformance",
            hub=bench.router.hub,
            instance=Instance.model_validate(fields),
            working_dir=".",
            router_socket=str(bench.router.socket_path),
        )
        with RunningProgram(subject.launched(launch)) as process:
            require(
                process.wait_until_ready(AGENT_START_LIMIT_S),
                "it runs by hand but not as the daemon runs it, which imports the file and calls "
                f"main(args), or runs it as a program if it has no main\n{process.output()}",
            )
            process.interrupt()
            require_exit(process, 0, AGENT_END_LIMIT_S, "It was told to end.")


def test_it_ends_in_time_and_cleanly_when_told_to(runs: Runs, kept: SharedAgent) -> None:
    agent = kept.agent()
    with suppress(ControlClientError):  # that it does not answer is another check's matter
        agent.prepare()
        for name in runs:
            agent.start(name)
            agent.watch(
                name, lambda session: session.get("status") != "starting", OPERATION_STOP_LIMIT_S
            )
    agent.process.interrupt()
    advice = "It was told to end (SIGINT): let every operation end soon when it is asked to."
    require_exit(agent.process, 0, AGENT_END_LIMIT_S, advice)
    for line in agent.process.output().splitlines():
        advice = "end or join what the agent has started"
        require("ending although" not in line, f"{line.strip()}; {advice}")
