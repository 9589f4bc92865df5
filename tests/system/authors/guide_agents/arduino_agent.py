# An agent as the guide has it typed, with main(args=None) and the TimeoutLock.
# tests/system/authors/test_ocs_guide.py runs it; do not modernise it.
import argparse
import time
from os import environ

import txaio
from ocs import client_t, ocs_agent, site_config  # noqa: F401 - the guide names all three
from ocs.ocs_twisted import TimeoutLock


class Arduino:
    """A device of the imagination: its first reading is spoilt."""

    def __init__(self, port):
        self.port = port
        self.count = 0

    def read(self):
        self.count += 1
        if self.count == 1:
            raise ValueError("not a number")
        return 0.5 * self.count


class GuideArduinoAgent:
    """Reads amplitudes.

    Parameters:
        agent: OCSAgent object
        port (str): where the device is
    """

    def __init__(self, agent, port):
        self.agent = agent
        self.log = agent.log
        self.lock = TimeoutLock()
        # The guide's example writes self.acquire_timeout.
        self.acquire_timeout = self.lock.acquire_timeout
        self.arduino = Arduino(port)
        self.initialized = False
        self.take_data = False

        agg_params = {"frame_length": 60}
        self.agent.register_feed("amplitudes", record=True, agg_params=agg_params, buffer_time=1)

    def init_arduino(self, session, params=None):
        if self.initialized:
            return True, "Already initialized."
        with self.acquire_timeout(timeout=0, job="init") as acquired:
            # Locking mechanism stops code from proceeding if no lock acquired
            if not acquired:
                self.log.warn(
                    "Could not start init because {} is already running".format(self.lock.job)
                )
                return False, "Could not acquire lock."
            # Run the function you want to run
            try:
                self.arduino.read()
            except ValueError:
                pass
            print("Agent initialized")
        # This part is for the record and to allow future calls to proceed, so does not
        # require the lock
        self.initialized = True
        return True, "Agent initialized."

    def start_acq(self, session, params):
        f_sample = params.get("sampling_frequency", 20)
        with self.lock.acquire_timeout(timeout=0, job="acq") as acquired:
            if not acquired:
                self.log.warn(
                    "Could not start acq because {} is already running".format(self.lock.job)
                )
                return False, "Could not acquire lock."
            session.set_status("running")
            self.take_data = True
            while self.take_data:
                data = {"timestamp": time.time(), "block_name": "amps", "data": {}}
                try:
                    data["data"]["amplitude"] = self.arduino.read()
                except ValueError:
                    continue
                session.data = {"amplitude": data["data"]["amplitude"]}
                time.sleep(1 / f_sample)
                self.agent.publish_to_feed("amplitudes", data)
            self.agent.feeds["amplitudes"].flush_buffer()
        return True, "Acquisition exited cleanly."

    def stop_acq(self, session, params=None):
        if self.take_data:
            self.take_data = False
            return True, "requested to stop taking data."
        return False, "acq is not currently running."


def make_parser(parser=None):
    if parser is None:
        parser = argparse.ArgumentParser()
    pgroup = parser.add_argument_group("Agent Options")
    pgroup.add_argument("--port", help="Port connect to device on")
    pgroup.add_argument("--mode", type=str, choices=["idle", "init", "acq"])
    return parser


def main(args=None):
    txaio.use_twisted()
    txaio.make_logger()
    txaio.start_logging(level=environ.get("LOGLEVEL", "info"))
    args = site_config.parse_args(agent_class="GuideArduinoAgent", parser=make_parser(), args=args)
    init_params = False
    if args.mode == "init":
        init_params = {"auto_acquire": False}
    agent, runner = ocs_agent.init_site_agent(args)
    arduino = GuideArduinoAgent(agent, args.port)
    agent.register_task("init_arduino", arduino.init_arduino, startup=init_params)
    agent.register_task("init", arduino.init_arduino)
    agent.register_process(
        "acq",
        arduino.start_acq,
        arduino.stop_acq,
        startup={"sampling_frequency": 20} if args.mode == "acq" else False,
    )
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
