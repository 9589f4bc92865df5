"""FakeDataAgent: noise that looks like the data of a thermometer readout."""

import argparse
import threading
import time
from typing import Any

import numpy as np
from ocsd_agents.fake_data.noise import PinkNoise
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks

from ocsd import ocs_agent, ocs_twisted, site_config

TEMPERATURE_FEED = "false_temperatures"
TEMPERATURE_BLOCK = "temps"
BATCH_S = 1.0
MEAN_K = 0.1
RMS_K = 0.002
OCTAVES = 12
TASK_STEP_S = 0.5
CLOCK_STEP_S = 1.0
"""The clock was set if it differs by more than this from what has elapsed [s]."""


class FakeDataAgent:
    """Fakes a readout of several co-sampled channels.

    Parameters
    ----------
    agent : OCSAgent
        Its connection to the site.
    num_channels : int
        Number of channels.
    sample_rate : float
        Samples per second and channel [Hz].
    frame_length : float
        Time that one frame of the aggregator's files spans [s].
    """

    def __init__(
        self,
        agent: ocs_agent.OCSAgent,
        num_channels: int = 2,
        sample_rate: float = 10.0,
        frame_length: float = 60,
    ) -> None:
        self.agent = agent
        self.log = agent.log
        self.channel_names = [f"channel_{number:02}" for number in range(num_channels)]
        self.sample_rate = max(1e-6, sample_rate)
        self._stop_acq = threading.Event()
        self._sleeping: dict[int, Deferred[Any]] = {}
        self._tags = {
            name: {"channel": number, "_field": "temperature"}
            for number, name in enumerate(self.channel_names)
        }
        agent.register_feed(
            TEMPERATURE_FEED,
            record=True,
            agg_params={"frame_length": frame_length},
            units=dict.fromkeys(self.channel_names, "K"),
            labels={
                name: f"false temperature {number}"
                for number, name in enumerate(self.channel_names)
            },
        )

    @ocs_agent.param("test_mode", default=False, type=bool)
    @ocs_agent.param("degradation_period", default=None, type=float)
    def acq(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> tuple[bool, str]:
        """**Process** - Fake data and publish them, a batch every second.

        Parameters
        ----------
        test_mode : bool, optional
            Publish one batch, then end.
        degradation_period : float, optional
            Call the session degraded, and well again, each for this long [s].

        Notes
        -----
        The latest values are in the session data::

            >>> response.session['data']
            {'fields': {'channel_00': 0.1025, 'channel_01': 0.0986},
             'timestamp': 1795328225.75}
        """
        self._stop_acq.clear()
        noise = PinkNoise(len(self.channel_names), OCTAVES, np.random.default_rng())
        begun_at, begun_s = time.time(), time.monotonic()
        sent = 0
        while session.status == "running":
            elapsed_s = time.monotonic() - begun_s
            begun_at = begin(begun_at, elapsed_s, time.time())
            period_s = params["degradation_period"]
            if period_s:
                session.degraded = int(elapsed_s / period_s) % 2 == 1
            due = int(elapsed_s * self.sample_rate)
            step = max(1, round(BATCH_S * self.sample_rate))
            # After a long pause of the whole machine there is no gap, but several batches.
            while sent < due:
                last = min(due, sent + step)
                self._publish(session, begun_at, sent, noise.take(last - sent))
                sent = last
            if params["test_mode"] and sent:
                break
            self._stop_acq.wait(BATCH_S - (time.monotonic() - begun_s) % BATCH_S)
        return True, "Acquisition exited cleanly."

    def _publish(
        self, session: ocs_agent.OpSession, begun_at: float, first: int, noise: Any
    ) -> None:
        """Publish samples number `first` and following of this acquisition."""
        # From the number of the sample, not by adding up, so that the spacing is even.
        times = begun_at + np.arange(first, first + len(noise)) / self.sample_rate
        kelvin = (MEAN_K + RMS_K * noise).T.tolist()
        columns = dict(zip(self.channel_names, kelvin, strict=True))
        self.agent.publish_to_feed(
            TEMPERATURE_FEED,
            {
                "block_name": TEMPERATURE_BLOCK,
                "timestamps": times,
                "data": columns,
                "influxdb_tags": self._tags,
            },
        )
        session.data = {
            "fields": {name: column[-1] for name, column in columns.items()},
            "timestamp": float(times[-1]),
        }

    def stop_acq(self, session: ocs_agent.OpSession, params: Any) -> tuple[bool, str]:
        """Ask `acq` to end."""
        session.set_status("stopping")
        self._stop_acq.set()
        return True, "Requested acquisition to end."

    @ocs_agent.param("_")
    @inlineCallbacks
    def count(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> Any:
        """**Process** - Count the seconds, in the reactor.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'counter': 12, 'last_update': 1795328225.75}
        """
        session.data = {"counter": 0, "last_update": time.time()}
        while session.status == "running":
            yield self._sleep(session, 1.0)
            if session.status == "running":
                count = session.data["counter"] + 1
                session.data = {"counter": count, "last_update": time.time()}
        return True, "Exited on request."

    @ocs_agent.param("heartbeat", default=True, type=bool)
    def set_heartbeat(
        self, session: ocs_agent.OpSession, params: dict[str, Any]
    ) -> tuple[bool, str]:
        """**Task** - Switch the agent's heartbeat on or off.

        Parameters
        ----------
        heartbeat : bool, optional
            True for on.
        """
        self.agent.heartbeat.on = params["heartbeat"]
        return True, f"Set heartbeat_on: {params['heartbeat']}"

    @ocs_agent.param("delay", default=5.0, type=float, check=lambda delay: delay >= 0)
    @ocs_agent.param("succeed", default=True, type=bool)
    @inlineCallbacks
    def delay_task(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> Any:
        """**Task** (abortable) - Wait for a while, in the reactor.

        Parameters
        ----------
        delay : float, optional
            How long [s].
        succeed : bool, optional
            Whether to succeed.

        Notes
        -----
        The session data::

            >>> response.session['data']
            {'requested_delay': 5.0, 'delay_so_far': 1.2}
        """
        delay_s = params["delay"]
        begun_s = time.monotonic()
        so_far_s = 0.0
        while True:
            session.data = {"requested_delay": delay_s, "delay_so_far": so_far_s}
            if session.status != "running" or so_far_s >= delay_s:
                break
            yield self._sleep(session, min(TASK_STEP_S, delay_s - so_far_s))
            so_far_s = time.monotonic() - begun_s
        if session.status != "running":
            return False, f"Aborted after {so_far_s:.1f} seconds"
        return params["succeed"], f"Exited after {so_far_s:.1f} seconds"

    def end(self, session: ocs_agent.OpSession, params: Any) -> None:
        """End an operation that runs in the reactor, at once."""
        session.set_status("stopping")
        sleeping = self._sleeping.get(session.session_id)
        if sleeping is not None:
            sleeping.cancel()

    @inlineCallbacks
    def _sleep(self, session: ocs_agent.OpSession, seconds: float) -> Any:
        """Sleep for a while, or until `end` is called for the session."""
        sleeping = self._sleeping[session.session_id] = ocs_twisted.dsleep(seconds)
        try:
            yield sleeping
        except CancelledError:
            pass
        finally:
            del self._sleeping[session.session_id]


def begin(begun_at: float, elapsed_s: float, now_at: float) -> float:
    """Return when an acquisition began by the clock of now [Unix time, s].

    It is `begun_at` unless the clock was set since then. A steady clock gives evenly spaced
    samples, but one that was set right must be followed.
    """
    step_s = now_at - (begun_at + elapsed_s)
    if abs(step_s) > CLOCK_STEP_S:
        return begun_at + step_s
    return begun_at


def add_agent_args(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the options of this agent to a parser and return it."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent Options")
    group.add_argument(
        "--mode", default="idle", choices=["idle", "acq"], help="Operation to start with."
    )
    group.add_argument(
        "--num-channels", default=2, type=int, help="Number of co-sampled channels to fake."
    )
    group.add_argument(
        "--sample-rate", default=9.5, type=float, help="Samples per second and channel [Hz]."
    )
    group.add_argument(
        "--frame-length", default=60, type=int, help="Time that one frame of a file spans [s]."
    )
    return parser


def main(args: list[str] | None = None) -> None:
    """Run the agent until SIGINT or SIGTERM."""
    parsed = site_config.parse_args(agent_class="FakeDataAgent", parser=add_agent_args(), args=args)
    startup = parsed.mode == "acq"
    agent, runner = ocs_agent.init_site_agent(parsed)
    fake = FakeDataAgent(agent, parsed.num_channels, parsed.sample_rate, parsed.frame_length)
    agent.register_process("acq", fake.acq, fake.stop_acq, startup=startup)
    agent.register_process("count", fake.count, fake.end, blocking=False, startup=startup)
    agent.register_task("set_heartbeat", fake.set_heartbeat)
    level = 1
    if parsed.access_policy not in (None, "", "none"):
        level = 2  # to try out access control, as OCS's agent of this class
    agent.register_task(
        "delay_task", fake.delay_task, aborter=fake.end, blocking=False, min_privs=level
    )
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
