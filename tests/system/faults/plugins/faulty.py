"""An agent that acquires, and does harm when it is asked to."""

import ctypes
import os
import signal
import subprocess
import time

from ocs import ocs_agent, site_config

MEGABYTE = 1_000_000
MUTEX_BYTES = 64
"""At least those of pthread_mutex_t; zeros are one that is not locked."""


class Faulty:
    def __init__(self, agent):
        self.agent = agent
        self.held = []

    def acq(self, session, params):
        """acq() - Publishes four times a second."""
        while session.status in ["starting", "running"]:
            now = time.time()
            message = {"block_name": "temps", "timestamp": now, "data": {"temp": 1.0}}
            self.agent.publish_to_feed("temps", message)
            session.data = {"timestamp": now}
            time.sleep(0.25)
        return True, "stopped"

    def stop_acq(self, session, params):
        session.set_status("stopping")

    def hold_gil(self, session, params):
        # C code that gets a lock twice and keeps the interpreter meanwhile: it takes no CPU.
        code, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(MUTEX_BYTES)
        code.pthread_mutex_lock(lock)
        return code.pthread_mutex_lock(lock) == 0, "done"

    def block_reactor(self, session, params):
        while True:
            time.sleep(1)

    def deafen(self, session, params):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        return True, "deaf"

    @ocs_agent.param("lasts_s", type=float)
    def flood(self, session, params):
        line = b"x" * 99 + b"\n"
        block = line * (MEGABYTE // len(line))
        began_s, written = time.monotonic(), 0
        while (passed_s := time.monotonic() - began_s) < params["lasts_s"]:
            if written < 50 * MEGABYTE * passed_s:
                written += os.write(1, block)
            else:
                time.sleep(0.001)
        return True, f"{written} bytes"

    def print_rubbish(self, session, params):
        os.write(1, b"\xff\xfe\x00 not UTF-8 \x1b[31m\xc3(\n")
        for _ in range(10):
            os.write(1, b"\xf0endless" * (MEGABYTE // 8))
        return True, "printed"

    def talk(self, session, params):
        for number in range(100_000):
            print(
                "a line of a hundred characters, for somebody who has much to say of everything",
                number,
            )
        return True, "talked"

    def leak_descriptors(self, session, params):
        while True:
            self.held.append(os.dup(0))

    def grow(self, session, params):
        while True:
            self.held.append(b"x" * MEGABYTE)
            time.sleep(0.001)

    def fork_grandchildren(self, session, params):
        child = subprocess.Popen(["sleep", "1000"])
        shell = subprocess.Popen(["sh", "-c", "sleep 1001 & exec sleep 1002"])
        session.data = {"pids": [child.pid, shell.pid]}
        return True, "forked"


def main(args=None):
    args = site_config.parse_args(agent_class="Faulty", args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    faulty = Faulty(agent)
    agent.register_feed("temps", record=True)
    agent.register_process("acq", faulty.acq, faulty.stop_acq, startup=True)
    for task in ("hold_gil", "flood", "talk", "print_rubbish", "leak_descriptors", "grow"):
        agent.register_task(task, getattr(faulty, task))
    agent.register_task("fork_grandchildren", faulty.fork_grandchildren)
    for task in ("block_reactor", "deafen"):
        agent.register_task(task, getattr(faulty, task), blocking=False)
    runner.run(agent)
