"""Run one agent on the terminal: ``python -m ocsd.forkserver.foreground``, for ``ocsd run``."""

import faulthandler
import json
import os
import signal
import sys

from ocsd import site_config
from ocsd.errors import PERMANENT_FAILURE_EXIT, ConfigurationError
from ocsd.forkserver import limits, own_files, program
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.site import plugins
from ocsd.site.values import told as launches
from ocsd.site.values.instance import ToldInstance


def main() -> int:
    """Run the agent of the command line; return the exit code."""
    script, *words = sys.argv[1:]
    faulthandler.enable()
    faulthandler.register(signal.SIGQUIT, all_threads=True)
    files = _files()
    launch_text = os.environ.pop(launches.LAUNCH_VARIABLE, "")

    def find() -> plugins.AgentEntry:
        entry = _find(launch_text) if launch_text else _of_script(script)
        if files is not None:
            files.start(*_files_of(entry))
        return entry

    code = program.run(find, words)
    if files is not None:
        files.stop()
    return {PERMANENT_FAILURE_EXIT: ConfigurationError.exit_code}.get(code, code)


def _files() -> own_files.OwnFiles | None:
    """Return the report of the agent's files, if the command has asked for it."""
    descriptor = os.environ.pop(own_files.FILES_VARIABLE, "")
    if not descriptor:
        return None
    # Bytecode is cached by the second, and a file may be saved twice in one.
    sys.dont_write_bytecode = True
    os.set_inheritable(int(descriptor), False)
    return own_files.OwnFiles(int(descriptor))


def _find(launch_text: str) -> plugins.AgentEntry:
    here = launches.ToldLaunch.of(json.loads(launch_text))
    launches.be_told(here)
    if here.site_file:
        # As under the daemon: agents written for OCS search there for files of their own.
        os.environ.setdefault("OCS_CONFIG_DIR", os.path.dirname(here.site_file))
    _limit(here.instance)
    return site_config.agent_class(here.instance.agent_class, here.agent_paths)


def _limit(instance: ToldInstance) -> None:
    """Set the limits that the daemon would set; but the agent stays the present user's."""
    limits.apply(
        SpawnRequest(
            instance.instance_id,
            log_path="",
            working_dir="",
            environment=instance.env,
            nice=instance.limits.nice,
            open_files=instance.limits.open_files,
        )
    )


def _of_script(path: str) -> plugins.AgentEntry:
    if not os.path.isfile(path):
        raise ConfigurationError(f"there is no file {path}")
    script = os.path.abspath(path)
    return plugins.AgentEntry(os.path.basename(script).removesuffix(".py"), None, script=script)


def _files_of(entry: plugins.AgentEntry) -> list[str]:
    """Return the files to watch even if the agent's code cannot be loaded."""
    if script := program.file_of(entry):
        return own_files.beside(script)
    return []


if __name__ == "__main__":
    sys.exit(main())
