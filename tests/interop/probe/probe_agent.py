"""An agent with an operation for every answer there is, for ocsd and the published OCS alike."""

import threading
import time

import numpy as np
from ocs import ocs_agent, site_config
from twisted.internet.defer import inlineCallbacks

DATA = {
    "nan": lambda: {"a": float("nan"), "b": [1.0, float("nan")]},
    "numpy": lambda: {"a": np.arange(3), "b": np.float32(0.5), "c": np.array([np.nan, 1.0])},
    "nested": lambda: {"a": {"b": (1, True, None, "x")}, "c": []},
    "infinity": lambda: {"a": float("inf"), "b": 1},
}


class Probe:
    """Operations that end in all possible ways."""

    def __init__(self, agent):
        self.agent = agent
        self.released = threading.Event()

    def succeed(self, session, params):
        """succeed() - Ends well."""
        session.data = {"params": params}
        session.add_message("on the way")
        return True, "well done"

    def fail(self, session, params):
        """fail() - Ends badly."""
        return False, "not today"

    def crash(self, session, params):
        """crash() - Raises."""
        raise OSError("port closed")

    def misshape(self, session, params):
        """misshape() - Returns something else."""
        return "neither ok nor message"

    def refuse(self, session, params):
        """refuse() - Finds out late that its params are bad."""
        ocs_agent.ParamHandler(params).get("level")
        return True, "never reached"

    @ocs_agent.param("level", type=float)
    @ocs_agent.param("count", default=1, type=int, check=lambda count: count > 0)
    @ocs_agent.param("mode", default="on", choices=["on", "off"])
    @ocs_agent.param("scale", default=None, cast=float)
    @ocs_agent.param("pair", default=None, type=tuple)
    def check(self, session, params):
        """check(level, count=1, mode='on', scale=None, pair=None) - Tells what it got."""
        session.data = dict(sorted(params.items()))
        return True, "checked"

    @ocs_agent.param("_")
    def no_params(self, session, params):
        """no_params() - Takes nothing."""
        return True, "fine"

    def hold(self, session, params):
        """hold() - Lasts until released; cannot be aborted."""
        self.released.clear()
        self.released.wait(30)
        return True, "released"

    def move(self, session, params):
        """move() - Lasts until aborted and released."""
        self.released.clear()
        while session.status in ["starting", "running"]:
            time.sleep(0.01)
        self.released.wait(30)
        return False, "aborted"

    def end(self, session, params):
        session.set_status("stopping")
        return True, "asked"

    @inlineCallbacks
    def run(self, session, params):
        """run() - Runs in the reactor until stopped."""
        while session.status in ["starting", "running"]:
            yield sleep(0.01)
        return True, "stopped"

    @inlineCallbacks
    def end_in_reactor(self, session, params):
        yield session.set_status("stopping")

    def release(self, session, params):
        """release() - Lets the others end."""
        self.released.set()
        return True, "released them"

    def store(self, session, params):
        """store(kind) - Stores odd data."""
        session.data = DATA[params["kind"]]()
        return True, "stored"

    def degrade(self, session, params):
        """degrade() - Runs without success until stopped."""
        session.degraded = True
        while session.status in ["starting", "running"]:
            time.sleep(0.01)
        return True, "stopped"


def sleep(seconds):
    """Return a Deferred that fires after some time."""
    from twisted.internet import reactor, task

    return task.deferLater(reactor, seconds, lambda: None)


def main(args=None):
    """Run the agent."""
    args = site_config.parse_args(agent_class="ProbeAgent", args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    probe = Probe(agent)
    for name in [
        "succeed",
        "fail",
        "crash",
        "misshape",
        "refuse",
        "check",
        "no_params",
        "hold",
        "release",
        "store",
    ]:
        agent.register_task(name, getattr(probe, name))
    agent.register_task("guarded", probe.succeed, min_privs=2)
    agent.register_task("move", probe.move, aborter=probe.end)
    agent.register_process("acq", probe.move, probe.end)
    agent.register_process("run", probe.run, probe.end_in_reactor, blocking=False)
    agent.register_process("degrade", probe.degrade, probe.end)
    agent.register_process("idle", probe.move, probe.end, blocking=False)
    agent.register_feed("temps", record=True, agg_params={"frame_length": 10}, buffer_time=0.5)
    agent.register_feed("state")
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
