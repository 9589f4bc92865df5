"""A sound agent for a thermometer; each of the others in this folder spoils one thing of it."""

import argparse
import threading
import time

import serial

from ocsd import ocs_agent, ocs_twisted, site_config


class Thermometer:
    def __init__(self, agent, port):
        self.agent = agent
        self.path = port
        self.port = None
        self.lock = ocs_twisted.TimeoutLock()
        self.stopped = threading.Event()
        agent.register_feed("temperatures", record=True)

    def read(self):
        """Return the temperature [K]; raises OSError or ValueError."""
        try:
            if self.port is None:
                self.port = serial.Serial(self.path, timeout=0.5, write_timeout=0.5)
            self.port.write(b"T?\r\n")
            line = self.port.read_until(b"\r\n")
            if not line.endswith(b"\r\n"):
                raise OSError("no answer")
            return float(line.decode())
        except (OSError, ValueError):
            self.close()
            raise

    def close(self):
        if self.port is not None:
            self.port.close()
            self.port = None

    def publish(self, session, kelvin):
        sample = {"block_name": "T", "timestamp": time.time(), "data": {"kelvin": kelvin}}
        self.agent.publish_to_feed("temperatures", sample)
        session.data = {"kelvin": kelvin}

    @ocs_agent.param("_")
    def acq(self, session, params):
        """**Process** - Publish the temperature five times a second."""
        with self.lock.acquire_timeout(0, job="acq") as acquired:
            if not acquired:
                return False, f"{self.lock.job} holds the thermometer."
            return self.acquire(session)

    def acquire(self, session):
        self.stopped.clear()
        while session.status == "running":
            try:
                kelvin = self.read()
            except (OSError, ValueError):
                session.degraded = True
            else:
                session.degraded = False
                self.publish(session, kelvin)
            self.stopped.wait(0.2)
        self.close()
        return True, "Acquisition exited cleanly."

    def stop_acq(self, session, params):
        session.set_status("stopping")
        self.stopped.set()
        return True, "Requested acquisition to end."

    @ocs_agent.param("_")
    def identify(self, session, params):
        """**Task** - Say who this is."""
        return True, "A thermometer."


def main(thermometer=Thermometer, blocking=True):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    args = site_config.parse_args(agent_class="Thermometer", parser=parser)
    agent, runner = ocs_agent.init_site_agent(args)
    device = thermometer(agent, args.port)
    agent.register_process("acq", device.acq, device.stop_acq, blocking=blocking)
    agent.register_task("identify", device.identify)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
