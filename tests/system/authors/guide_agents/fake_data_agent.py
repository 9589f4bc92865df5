# An agent as the oldest guide has it typed: no main(), jobs under a semaphore, the
# status set by hand. tests/system/authors/test_ocs_guide.py runs it; do not modernise it.
import argparse
import threading
import time
from os import environ

import txaio
from autobahn.twisted.util import sleep as dsleep
from ocs import ocs_agent, site_config
from ocs.ocs_twisted import Pacemaker
from twisted.internet.defer import inlineCallbacks

txaio.use_twisted()


class FakeDataAgent:
    """Fakes data on one feed."""

    def __init__(self, agent, num_channels=2, sample_rate=10.0, frame_length=60):
        self.agent = agent
        self.log = agent.log
        self.lock = threading.Semaphore()
        self.job = None
        self.channel_names = ["channel_%02i" % i for i in range(num_channels)]
        self.sample_rate = max(1e-6, sample_rate)  # #nozeros

        # Register feed
        agg_params = {"frame_length": frame_length}
        print("registering")
        self.agent.register_feed(
            "false_temperatures", record=True, agg_params=agg_params, buffer_time=0.0
        )

    def try_set_job(self, job_name):
        with self.lock:
            if self.job is not None:
                return False, "Job '{}' is running.".format(self.job)
            self.job = job_name
            return True, "ok."

    def set_job_done(self):
        with self.lock:
            self.job = None

    def start_acq(self, session, params=None):
        ok, msg = self.try_set_job("acq")
        if not ok:
            return ok, msg
        session.set_status("running")
        pacemaker = Pacemaker(self.sample_rate)
        value = 0
        while self.job == "acq":
            pacemaker.sleep()
            value += 1
            block = {
                "timestamp": time.time(),
                "block_name": "temps",
                "data": dict.fromkeys(self.channel_names, 0.1 * value),
            }
            self.agent.publish_to_feed("false_temperatures", block)
            session.data = {"fields": block["data"], "timestamp": block["timestamp"]}
        self.agent.feeds["false_temperatures"].flush_buffer()
        self.set_job_done()
        return True, "Acquisition exited cleanly."

    def stop_acq(self, session, params=None):
        with self.lock:
            if self.job != "acq":
                return False, "acq is not running"
            self.job = "!acq"
        return True, "Requested to end acquisition."

    def set_heartbeat_state(self, session, params=None):
        session.add_message("heartbeat: {}".format(params))
        return True, "Set heartbeat_on: {}".format(params["heartbeat"])

    @inlineCallbacks
    def delay_task(self, session, params={}):  # noqa: B006 - as it was typed then
        session.set_status("running")
        session.add_message("waiting")
        yield dsleep(params.get("delay", 0.1))
        return params.get("succeed", True), "Exited."


def add_agent_args(parser=None):
    if parser is None:
        parser = argparse.ArgumentParser()
    pgroup = parser.add_argument_group("Agent Options")
    pgroup.add_argument("--num-channels", default=2, type=int)
    pgroup.add_argument("--sample-rate", default=9.5, type=float)
    pgroup.add_argument("--frame-length", default=60, type=int)
    return parser


if __name__ == "__main__":
    # Start logging
    txaio.start_logging(level=environ.get("LOGLEVEL", "info"))

    # Create an argument parser
    parser = add_agent_args()

    # Tell OCS that the kind of arguments you're adding are for an agent
    pgroup = parser.add_argument_group("Agent Options")
    pgroup.add_argument("--port", help="Port connect to device on")
    pgroup.add_argument("--mode", default="idle", choices=["idle", "acq"])

    # Process arguments, choosing the class that matches 'FakeDataAgent'
    args = site_config.parse_args(agent_class="FakeDataAgent", parser=parser)

    # Configure auto-startup based on args.mode
    startup = False
    if args.mode == "acq":
        startup = True

    # Create a session and a runner which communicate over WAMP
    agent, runner = ocs_agent.init_site_agent(args)

    # Pass the new agent session to the agent class
    fdata = FakeDataAgent(
        agent,
        num_channels=args.num_channels,
        sample_rate=args.sample_rate,
        frame_length=args.frame_length,
    )

    # Register a process (name, agent_start_function, agent_end_function)
    agent.register_process("acq", fdata.start_acq, fdata.stop_acq, blocking=True, startup=startup)

    # Register some tasks (name, agent_function)
    agent.register_task("set_heartbeat", fdata.set_heartbeat_state)
    agent.register_task("delay_task", fdata.delay_task, blocking=False)

    # Run the agent
    runner.run(agent, auto_reconnect=True)
