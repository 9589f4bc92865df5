"""Run an agent on the published OCS: executed, as a file, by an interpreter that has it.

That may be an older Python without ocsd, so nothing of ocsd is imported here. The
first argument is the agent class, the others are those of ``ocs.agent_cli``.
"""

import faulthandler
import importlib
import os
import signal
import sys
import traceback
from types import ModuleType
from typing import NoReturn

PERMANENT_FAILURE_EXIT = 125  # ocsd.errors


def main() -> None:
    """Hand over to ``ocs.agent_cli``, if it can run the agent."""
    faulthandler.enable()
    # How a hang is examined, as in agents on ocsd.
    faulthandler.register(signal.SIGQUIT, all_threads=True)
    agent_class = sys.argv.pop(1)
    # Modules beside this one must not be taken for libraries, nor ocsd for ocs.
    own = os.path.dirname(os.path.abspath(__file__))
    unwanted = {own, os.path.join(os.path.dirname(own), "compat")}
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) not in unwanted]
    # Here, ocsd's own agents are not meant, even where ocsd is installed as well.
    ours = ModuleType("ocsd_agents.plugin")
    ours.agents = {}  # type: ignore[attr-defined] # what a plug-in is
    sys.modules[ours.__name__] = ours
    try:
        agent_cli = importlib.import_module("ocs.agent_cli")
        if agent_cli.__name__ != "ocs.agent_cli":
            raise ImportError("its module ocs is ocsd's own")
    except ImportError as error:
        give_up(
            f"{sys.executable} has no published ocs ({error}); install it there, or correct "
            "'python' in the instance's entry"
        )
    if agent_class not in agent_cli.build_agent_list():
        give_up(
            f"no package of {sys.executable} has the agent class {agent_class!r}; with "
            "'runtime: ocs' it must come from an installed plug-in package"
        )
    try:
        agent_cli.main()
    except ImportError as error:
        traceback.print_exc()
        give_up(f"cannot import {agent_class}: {error}")


def give_up(reason: str) -> NoReturn:
    """End for good: the last line of the log is shown as the reason."""
    sys.stderr.write(f"ocsd: {reason}\n")
    sys.exit(PERMANENT_FAILURE_EXIT)


if __name__ == "__main__":
    main()
