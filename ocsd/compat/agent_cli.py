"""``ocs.agent_cli``: the program with which OCS's containers start an agent by its instance-id.

``python -m ocs.agent_cli --instance-id NAME`` runs the agent in this process, on ocsd.
"""

import argparse
import importlib
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from ocsd import compat, site_config
from ocsd.errors import OcsdError, UsageError
from ocsd.site import configuration
from ocsd.site.arguments import of_environment
from ocsd.site.plugins import AgentEntry

HOST_MANAGER_MODULE = "ocsd.compat.host_manager"
"""Its plug-in entry has no module, because the daemon does its job."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the agent that the words, or the environment of a container, mean."""
    parser = argparse.ArgumentParser(
        prog="ocs-agent-cli",
        description="Run the agent of an instance-id, with the class that the site file names.",
        allow_abbrev=False,
    )
    parser.add_argument("--agent", help="file of an agent that no plug-in has")
    parser.add_argument("--entrypoint", help="its function to call")
    own, words = parser.parse_known_args(args)
    compat.use()
    try:
        entry = _entry(own, words)
    except OcsdError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    _run(entry, words)


def build_agent_list() -> dict[str, dict[str, str]]:
    """Return the module and its function of each agent class that an installed package has."""
    return {
        name: {"module": entry.module or HOST_MANAGER_MODULE, "entry_point": entry.entry_point}
        for name, entry in site_config.agent_classes().entries.items()
        if entry.script is None
    }


def _entry(own: argparse.Namespace, words: Sequence[str]) -> AgentEntry:
    """Return the place of the agent that is named by its file, or by its instance-id."""
    if not own.agent:
        return _of_site(words)
    file = Path(own.agent)
    if not file.is_file():
        raise UsageError(f"there is no file {file}, which --agent names")
    if own.entrypoint is None:
        raise UsageError("--agent needs --entrypoint, e.g. --entrypoint main")
    sys.path.insert(0, str(file.absolute().parent))
    return AgentEntry(file.stem, file.stem, own.entrypoint, source=str(file))


def _of_site(words: Sequence[str]) -> AgentEntry:
    """Return the place of the class that the site file has for the instance."""
    parser = site_config.add_arguments(argparse.ArgumentParser(add_help=False, allow_abbrev=False))
    options, _ = parser.parse_known_args([*of_environment(), *words])
    if options.instance_id is None:
        raise UsageError("pass --instance-id, or set INSTANCE_ID")
    _, host, instance = configuration.get_config(options)
    if host is None or instance is None:
        raise UsageError("--site=none names no class: leave it out, or pass --agent, --entrypoint")
    return site_config.agent_class(instance.agent_class, host.agent_paths)


def _run(entry: AgentEntry, words: Sequence[str]) -> None:
    for warning in entry.warnings:
        print(f"ocsd: warning: {warning}", file=sys.stderr)  # noqa: T201 - a command
    if entry.script is not None:
        sys.argv = [entry.script, *words]
        sys.path.insert(0, os.path.dirname(entry.script))
        runpy.run_path(entry.script, run_name="__main__")
        return
    module = importlib.import_module(entry.module or HOST_MANAGER_MODULE)
    getattr(module, entry.entry_point)(args=list(words))


if __name__ == "__main__":
    main()
