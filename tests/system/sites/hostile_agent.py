"""An agent that does everything wrong, one operation at a time."""

import math
import sys
import threading
import time

from ocs import ocs_agent, site_config


class Hostile:
    def __init__(self, agent):
        self.agent = agent

    def acq(self, session, params):
        """acq() - The one operation that works."""
        while session.status in ["starting", "running"]:
            session.data["count"] = session.data.get("count", 0) + 1
            time.sleep(0.05)
        return True, "stopped"

    def stop_acq(self, session, params):
        session.set_status("stopping")

    def raises(self, session, params):
        raise OSError("no device at /dev/ttyUSB7")

    def exits(self, session, params):
        sys.exit(3)

    def misshapes(self, session, params):
        return "neither ok nor message"

    def stores_inf(self, session, params):
        session.data = {"fields": {"temp": math.inf}}
        return True, "stored"

    def stores_bytes(self, session, params):
        session.data = {"raw": b"\xff"}
        return True, "stored"

    def stores_itself(self, session, params):
        session.data["me"] = session.data
        return True, "stored"

    def stores_much(self, session, params):
        session.data = {"image": [0.5] * 3_000_000, "text": "x" * 30_000_000}
        return True, "stored"

    def publishes_bad_name(self, session, params):
        self.publish("temps", time.time(), {"9a": 1})
        return True, "published"

    def publishes_bad_value(self, session, params):
        self.publish("temps", time.time(), {"a": None})
        return True, "published"

    def publishes_bad_time(self, session, params):
        self.publish("temps", math.nan, {"a": 1})
        return True, "published"

    def publishes_unregistered(self, session, params):
        self.publish("nonsense", 1.0, {"a": 1})
        return True, "published"

    def loses_thread(self, session, params):
        thread = threading.Thread(target=lambda: 1 / 0, name="reader")
        thread.start()
        thread.join()
        return True, "started"

    def blocks(self, session, params):
        time.sleep(3)
        return True, "woke up"

    def twice(self, session, params):
        return True, "one"

    def twice_again(self, session, params):
        return True, "two"

    def publish(self, feed, timestamp, data):
        self.agent.publish_to_feed(
            feed, {"block_name": "temps", "timestamp": timestamp, "data": data}
        )


def main(args=None):
    args = site_config.parse_args(agent_class="HostileAgent", args=args)
    agent, runner = ocs_agent.init_site_agent(args)
    hostile = Hostile(agent)
    agent.register_process("acq", hostile.acq, hostile.stop_acq, startup=True)
    agent.register_feed("temps", record=True)
    for task in (
        hostile.raises,
        hostile.exits,
        hostile.misshapes,
        hostile.stores_inf,
        hostile.stores_bytes,
        hostile.stores_itself,
        hostile.stores_much,
        hostile.publishes_bad_name,
        hostile.publishes_bad_value,
        hostile.publishes_bad_time,
        hostile.publishes_unregistered,
        hostile.loses_thread,
    ):
        agent.register_task(task.__name__, task)
    agent.register_task("exits_in_reactor", hostile.exits, blocking=False)
    agent.register_task("blocks", hostile.blocks, blocking=False)
    agent.register_task("twice", hostile.twice)
    agent.register_task("twice", hostile.twice_again)
    runner.run(agent)
