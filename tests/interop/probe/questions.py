"""Ask an agent everything, with the client of OCS or with ours, and print the answers as JSON.

Arguments: the package of the client (ocs or ocsd), the agent's instance-id, and
what leads to the site file.
"""

import importlib
import json
import sys
import time

BAD_PARAMS = {
    "missing": {},
    "None for what is required": {"level": None},
    "text for a number": {"level": "high"},
    "fraction for an int": {"level": 1, "count": 1.5},
    "check": {"level": 1, "count": 0},
    "choice": {"level": 1, "mode": "maybe"},
    "cast": {"level": 1, "scale": "wide"},
    "text for a tuple": {"level": 1, "pair": "ab"},
    "strays": {"level": 1, "b": 1, "a": 2},
}


class Questions:
    """Asks in a fixed order, so that the numbers of the sessions can be compared."""

    def __init__(self, client):
        self.client = client
        self.answers = {}

    def ask_all(self):
        """Return the answers by question."""
        self.about_what_does_not_exist()
        self.about_what_never_ran()
        self.about_runs()
        self.about_params()
        self.about_what_is_in_progress()
        self.about_ending()
        self.about_states()
        self.about_data()
        self.about_the_agent()
        self.about_an_infinity()
        self.run("higher level", "guarded")
        return self.answers

    def about_what_does_not_exist(self):
        for action in ("start", "wait", "status", "stop", "abort", "dance"):
            self.ask(f"unknown operation: {action}", action, "nonsense")
        self.ask("known operation: dance", "dance", "acq")

    def about_what_never_ran(self):
        for action in ("wait", "status", "stop"):
            self.ask(f"process that never ran: {action}", action, "idle")
        for action in ("wait", "status", "abort"):
            self.ask(f"task that never ran: {action}", action, "move")
        self.ask("task: stop", "stop", "move")
        self.ask("process: abort", "abort", "idle")

    def about_runs(self):
        self.run("success", "succeed", {"a": 1})
        self.ask("success: status", "status", "succeed")
        self.run("failure", "fail")
        self.run("crash", "crash")
        self.run("wrong shape", "misshape")
        self.run("late refusal", "refuse", {})

    def about_params(self):
        for name, params in BAD_PARAMS.items():
            self.ask(f"bad params, {name}", "start", "check", params)
        self.ask("bad params, any", "start", "no_params", {"a": 1})
        self.run("no params", "no_params")
        self.run("good params", "check", {"level": 3, "count": 2, "scale": "2.5", "pair": [1, 2]})
        self.ask("bad params after a run: start", "start", "check", {})
        self.ask("bad params after a run: status", "status", "check")
        self.run("None for a default", "check", {"level": 1.5, "count": None})

    def about_what_is_in_progress(self):
        self.ask("in progress: start", "start", "hold")
        self.until("hold", "running")
        self.ask("in progress: start again", "start", "hold")
        self.ask("in progress: status", "status", "hold")
        self.ask("in progress: wait a little", "wait", "hold", timeout=0.1)
        self.ask("in progress: wait 0", "wait", "hold", timeout=0)
        self.ask("in progress: wait -1", "wait", "hold", timeout=-1)
        self.ask("in progress: abort what cannot be aborted", "abort", "hold")
        self.run("release", "release")
        self.ask("in progress: wait for ever", "wait", "hold", timeout=None)

    def about_ending(self):
        for op, action in (("move", "abort"), ("acq", "stop")):
            self.ask(f"{action}: start", "start", op)
            self.until(op, "running")
            self.ask(f"{action}: {action}", action, op)
            self.until(op, "stopping")
            self.ask(f"{action}: status", "status", op)
            self.ask(f"{action}: again", action, op)
            self.ask(f"{action}: start meanwhile", "start", op)
            self.run(f"{action}: release", "release")
            self.ask(f"{action}: wait", "wait", op, timeout=10)
            self.ask(f"{action}: when done", action, op)

    def about_states(self):
        for op in ("run", "degrade"):
            self.ask(f"{op}: start", "start", op)
            self.until(op, "running")
            self.ask(f"{op}: status", "status", op)
            self.ask(f"{op}: stop", "stop", op)
            self.ask(f"{op}: wait", "wait", op, timeout=10)

    def about_data(self):
        for kind in ("nan", "numpy", "nested"):
            self.run(f"data, {kind}", "store", {"kind": kind})

    def about_the_agent(self):
        for query in (
            "get_api",
            "get_tasks",
            "get_processes",
            "get_feeds",
            "get_agent_class",
            "get_nonsense",
        ):
            self.answers[query] = self.client.call(self.client.agent_addr, query)

    def about_an_infinity(self):
        self.run("data, infinity", "store", {"kind": "infinity"})
        self.ask("data, infinity: status", "status", "store")
        try:
            api = sorted(self.client.call(self.client.agent_addr, "get_api"))
        except RuntimeError as error:
            api = {"error": error.args[0][4]}
        self.answers["data, infinity: get_api"] = api

    def ask(self, name, action, op, params=None, **more):
        """Ask one question."""
        try:
            answer = self.client.request(action, op, params, **more)
        except RuntimeError as error:
            answer = {"error": error.args[0][4]}
        self.answers[name] = answer

    def run(self, name, op, params=None):
        """Start an operation and wait for its end."""
        self.ask(f"{name}: start", "start", op, params)
        self.ask(f"{name}: wait", "wait", op, timeout=10)

    def until(self, op, status):
        """Wait until an operation has a status, which is no question."""
        deadline = time.monotonic() + 10
        while self.client.request("status", op)[2].get("status") != status:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{op} is not {status}")
            time.sleep(0.01)


if __name__ == "__main__":
    package, instance_id, *site = sys.argv[1:]
    site_config = importlib.import_module(f"{package}.site_config")
    client = site_config.get_control_client(instance_id, args=site)
    print(json.dumps(Questions(client).ask_all()))
