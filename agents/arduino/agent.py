"""ArduinoAgent: records the voltages at the analog inputs of an Arduino."""

import argparse
import threading
import time
from typing import Any

from ocsd_agents.arduino.drivers import Arduino, DeviceError, Reading, StoppedError

from ocsd import ocs_agent, site_config
from ocsd.ocs_twisted import TimeoutLock

AMPLITUDES = "amplitudes"
VOLTS_FRAME_S = 60
MOST_INPUTS = 16
"""The analog inputs of an Arduino Mega; the sketch decides how many it reads."""
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 5.0


class ArduinoAgent:
    """Reads an Arduino; tries again while it does not answer.

    Parameters
    ----------
    agent : OCSAgent
        Its connection to the site.
    arduino : Arduino
        The device; need not be there yet.
    sampling_frequency : float
        Readings per second [Hz].
    """

    def __init__(
        self, agent: ocs_agent.OCSAgent, arduino: Arduino, sampling_frequency: float = 10.0
    ) -> None:
        self.agent = agent
        self.log = agent.log
        self.arduino = arduino
        self.lock = TimeoutLock()
        self.initialized = False
        self._period_s = 1.0 / sampling_frequency
        self._stopped = threading.Event()
        agent.register_feed(
            AMPLITUDES,
            record=True,
            agg_params={"frame_length": VOLTS_FRAME_S},
            buffer_time=1.0,
            units={f"A{number}": "V" for number in range(MOST_INPUTS)},
            labels={f"A{number}": f"analog input {number}" for number in range(MOST_INPUTS)},
        )

    @ocs_agent.param("_")
    def init(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """**Task** (abortable) - Open the port and read once, to check that the device answers.

        Not needed before `acq`, which opens the port itself.

        Notes
        -----
        The session data are those of `acq`.
        """
        with self.lock.acquire_timeout(timeout=0, job="init") as acquired:
            if not acquired:
                return self._locked_out("init")
            self._stopped.clear()
            if session.status != "running":
                return False, "Aborted."
            try:
                reading = self.arduino.read(self._stopped)
            except StoppedError:
                return False, "Aborted."
            except DeviceError as error:
                return False, f"Agent not initialized: {error}"
            session.data = self._connected(reading)
        self.initialized = True
        return True, "Agent initialized."

    @ocs_agent.param("test_mode", default=False, type=bool)
    def acq(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """**Process** - Read all analog inputs at the sampling frequency and publish them.

        While the device does not answer, the session is degraded, nothing is published,
        and the device is tried again every few seconds.

        Parameters
        ----------
        test_mode : bool, optional
            Publish one reading, then end.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'fields': {'A0': 0.4912, 'A1': 0.2201},
             'timestamp': 1795328225.75,
             'connected': True,
             'reason': None,
             'garbled_lines': 0}

        and while the device is away::

            {'fields': {},
             'timestamp': 1795328225.75,
             'connected': False,
             'reason': '/dev/ttyACM0: there is no such port; is the cable plugged in?',
             'garbled_lines': 0}
        """
        with self.lock.acquire_timeout(timeout=0, job="acq") as acquired:
            if not acquired:
                return self._locked_out("acq")
            self._stopped.clear()
            self._acquire(session, once=params["test_mode"])
            # A sketch can then be uploaded while the agent runs.
            self.arduino.close()
        self.agent.feeds[AMPLITUDES].flush_buffer()
        return True, "Acquisition exited cleanly."

    def _acquire(self, session: ocs_agent.OpSession, once: bool) -> None:
        session.data = _lost(None, "not asked yet", self.arduino.garbled_lines)
        retry_s = FIRST_RETRY_S
        due_s = time.monotonic()
        # A stop that came before the event was cleared shows in the status.
        while session.status == "running":
            try:
                reading = self.arduino.read(self._stopped)
            except StoppedError:
                return
            except DeviceError as error:
                self._record_loss(session, str(error))
                self._stopped.wait(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
                continue
            retry_s = FIRST_RETRY_S
            self._record_reading(session, reading)
            if once:
                return
            # Samples that could not be read in time are left out.
            due_s = max(due_s + self._period_s, time.monotonic())
            self._stopped.wait(due_s - time.monotonic())

    def stop(self, session: ocs_agent.OpSession, params: Any) -> tuple[bool, str]:
        """Ask `acq` or `init` to end."""
        session.set_status("stopping")
        self._stopped.set()
        return True, "Requested the operation to end."

    def _record_loss(self, session: ocs_agent.OpSession, reason: str) -> None:
        before = session.data
        session.data = _lost(before["timestamp"], reason, self.arduino.garbled_lines)
        session.degraded = True
        if before["reason"] != reason:
            self.log.warn("no readings: {reason}; trying until it answers", reason=reason)

    def _record_reading(self, session: ocs_agent.OpSession, reading: Reading) -> None:
        if not session.data["connected"]:
            self.log.info("readings from {port}", port=self.arduino.port)
        session.data = data = self._connected(reading)
        session.degraded = False
        sample = {"block_name": AMPLITUDES, "timestamp": reading.taken_at, "data": data["fields"]}
        self.agent.publish_to_feed(AMPLITUDES, sample)

    def _connected(self, reading: Reading) -> dict[str, Any]:
        return {
            "fields": {f"A{number}": volts for number, volts in enumerate(reading.volts)},
            "timestamp": reading.taken_at,
            "connected": True,
            "reason": None,
            "garbled_lines": self.arduino.garbled_lines,
        }

    def _locked_out(self, job: str) -> tuple[bool, str]:
        holder = self.lock.job
        self.log.warn(
            "Could not start {job} because {holder} is already running", job=job, holder=holder
        )
        return False, f"Could not acquire lock. It is held by {holder}."


def _lost(read_at: float | None, reason: str, garbled_lines: int) -> dict[str, Any]:
    """Return session data without values, because old ones would be taken for new."""
    return {
        "fields": {},
        "timestamp": read_at,
        "connected": False,
        "reason": reason,
        "garbled_lines": garbled_lines,
    }


def frequency(text: str) -> float:
    """Return the value of an option that is a frequency [Hz].

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not between 0 and 1000 Hz.
    """
    try:
        hertz = float(text)
    except ValueError:
        hertz = -1.0
    if not 0 < hertz <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a frequency between 0 and 1000 Hz")
    return hertz


def add_agent_args(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of this agent to a parser and return it."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent Options")
    group.add_argument(
        "--port", required=True, help="Serial port, preferably one of /dev/serial/by-id."
    )
    group.add_argument(
        "--mode", default="idle", choices=["idle", "init", "acq"], help="Operation to start with."
    )
    group.add_argument(
        "--sampling-frequency",
        "--sample-rate",
        default=10.0,
        type=frequency,
        help="Readings per second [Hz].",
    )
    return parser


def main(args: list[str] | None = None) -> None:
    """Run the agent until SIGINT or SIGTERM."""
    parsed = site_config.parse_args(agent_class="ArduinoAgent", parser=add_agent_args(), args=args)
    agent, runner = ocs_agent.init_site_agent(parsed)
    device = Arduino(parsed.port)
    arduino = ArduinoAgent(agent, device, parsed.sampling_frequency)
    agent.register_task("init", arduino.init, aborter=arduino.stop, startup=parsed.mode == "init")
    agent.register_process("acq", arduino.acq, arduino.stop, startup=parsed.mode == "acq")
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
