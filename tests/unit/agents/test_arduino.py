"""The Arduino's agent with its simulator, without a site."""

import threading

import pytest
import serial
from ocsd_agents.arduino.agent import ArduinoAgent, add_agent_args
from ocsd_agents.arduino.drivers import Arduino
from ocsd_agents.arduino.simulator import simulate

from ocsd.ocs_agent import OpSession
from tests.system.waiting import wait_until


@pytest.fixture
def device():
    with simulate() as simulation:
        yield simulation.device


@pytest.fixture
def arduino(agent, device):
    arduino = ArduinoAgent(agent, Arduino(device.port), sampling_frequency=50)
    yield arduino
    arduino.arduino.close()


class Acquisition:
    """Runs acq in a thread, as an agent does."""

    def __init__(self, arduino, **params):
        self.session = OpSession(0, "acq")
        self.session.enter()
        self.result = None
        self._arduino = arduino
        self._thread = threading.Thread(target=self._run, args=({"test_mode": False, **params},))
        self._thread.start()

    def _run(self, params):
        self.result = self._arduino.acq(self.session, params)

    @property
    def data(self):
        return self.session.encoded()["data"]

    def wait_for(self, what, **wanted):
        def holds():
            data = {**self.data, "degraded": self.session.degraded}
            return all(data.get(key) == value for key, value in wanted.items())

        wait_until(holds, what, 20)

    def stop(self):
        self._arduino.stop(self.session, None)
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.result


@pytest.fixture
def acquire(arduino):
    begun = []

    def acquire(**params):
        begun.append(Acquisition(arduino, **params))
        return begun[-1]

    yield acquire
    for each in begun:
        if each.session.status == "running":
            each.stop()


def test_init_reads_once(arduino):
    session = OpSession(0, "init")
    session.enter()
    assert arduino.init(session, {}) == (True, "Agent initialized.")
    assert set(session.data["fields"]) == {"A0", "A1"}
    assert arduino.initialized


def test_init_without_device_fails_with_the_reason(arduino, device):
    device.unplug()
    session = OpSession(0, "init")
    session.enter()
    ok, message = arduino.init(session, {})
    assert not ok
    assert f"{device.port}: there is no such port" in message


def test_init_while_acq_runs_is_locked_out(arduino, acquire):
    acquire().wait_for("readings", connected=True)
    session = OpSession(1, "init")
    session.enter()
    assert arduino.init(session, {}) == (False, "Could not acquire lock. It is held by acq.")


def test_readings_are_published_with_the_time_they_were_taken(acquire, device, link):
    acquisition = acquire(test_mode=True)
    wait_until(lambda: acquisition.result, "the end")
    assert acquisition.result == (True, "Acquisition exited cleanly.")
    assert len(device.requests) == 1
    [(topic, (message, _))] = link.published
    assert topic == "observatory.thermo1.feeds.amplitudes"
    assert message["amplitudes"]["timestamps"] == [acquisition.data["timestamp"]]
    assert message["amplitudes"]["data"] == {
        name: [volts] for name, volts in acquisition.data["fields"].items()
    }


def test_a_pulled_cable_degrades_and_a_plugged_one_heals(arduino, acquire, device):
    acquisition = acquire()
    acquisition.wait_for("readings", connected=True, degraded=False)
    device.unplug()
    acquisition.wait_for("the loss", connected=False, degraded=True, fields={})
    assert device.port in acquisition.data["reason"]
    assert acquisition.data["timestamp"] > 0
    device.replug()
    acquisition.wait_for("recovery", connected=True, degraded=False, reason=None)


def test_a_device_that_is_absent_at_the_start_is_waited_for(arduino, acquire, device):
    device.unplug()
    acquisition = acquire()
    acquisition.wait_for("the loss", connected=False, degraded=True, timestamp=None)
    device.replug()
    acquisition.wait_for("readings", connected=True, degraded=False)


def test_garbage_is_counted_and_never_published(arduino, acquire, device):
    device.garble()
    acquisition = acquire()
    wait_until(lambda: arduino.arduino.garbled_lines > 0, "garbage")
    assert acquisition.data["fields"] == {}
    device.normal()
    acquisition.wait_for("readings", connected=True)
    assert acquisition.data["garbled_lines"] > 0


@pytest.mark.parametrize("fault", ["mute", "unplug", "garble", "cut_short"])
def test_acq_stops_at_once_whatever_the_device_does(arduino, acquire, device, fault):
    getattr(device, fault)()
    acquisition = acquire()
    asked = fault == "unplug" or wait_until(lambda: device.requests, "a request")
    assert asked
    assert acquisition.stop() == (True, "Acquisition exited cleanly.")


def test_one_line_is_logged_for_each_change(agent, arduino, acquire, device):
    logged = []
    arduino.log = type(
        "Log",
        (),
        {
            "info": lambda self, text, **fields: logged.append(text.format(**fields)),
            "warn": lambda self, text, **fields: logged.append(text.format(**fields)),
        },
    )()
    acquisition = acquire()
    acquisition.wait_for("readings", connected=True)
    device.unplug()
    reason = f"{device.port}: there is no such port; is the cable plugged in?"
    acquisition.wait_for("the loss", reason=reason)
    device.replug()
    acquisition.wait_for("recovery", connected=True)
    acquisition.stop()
    assert logged[0] == logged[-1] == f"readings from {device.port}"
    lost = logged[1:-1]
    assert 1 <= len(lost) <= 2  # the broken connection, then the missing port
    assert all(line.startswith(f"no readings: {device.port}: ") for line in lost)


def test_a_port_that_another_program_has_open_is_waited_for(arduino, acquire, device):
    with serial.Serial(device.port, exclusive=True):
        acquisition = acquire()
        reason = f"{device.port}: another program has it open"
        acquisition.wait_for("the refusal", degraded=True, reason=reason)
    acquisition.wait_for("readings", connected=True)


@pytest.mark.parametrize("words", [["--sample-rate", "0"], ["--sampling-frequency", "nan"], []])
def test_bad_options_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        add_agent_args().parse_args([*(["--port", "x"] if words else []), *words])
    errors = capsys.readouterr().err
    assert "required" in errors or "is not a frequency" in errors


def test_both_names_of_the_sampling_frequency_work():
    for option in ("--sample-rate", "--sampling-frequency"):
        parsed = add_agent_args().parse_args(["--port", "x", option, "4"])
        assert parsed.sampling_frequency == 4.0


def test_the_port_is_free_for_others_after_acq(acquire, device):
    acquisition = acquire()
    acquisition.wait_for("readings", connected=True)
    with pytest.raises(serial.SerialException):
        serial.Serial(device.port, exclusive=True)
    acquisition.stop()
    serial.Serial(device.port, exclusive=True).close()
