"""A small real server that speaks the router's HTTP bridge, for one agent or none."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Bridge(ThreadingHTTPServer):
    """Answers each call with what `answer(procedure, args, kwargs)` returns.

    A dict with the key `error` is sent as an error. Bytes are sent as they are,
    None closes the connection without an answer.
    """

    request_queue_size = 64  # a ninth connection at once would wait a second

    daemon_threads = True

    def __init__(self, answer):
        self.answer = answer
        self.calls = []
        self.logins = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Request)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/call"

    def handle_error(self, request, client_address):
        pass  # a client that went away


class _Request(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.logins.append(self.headers["Authorization"])
        call = body["procedure"], body["args"], body["kwargs"]
        self.server.calls.append(call)
        answer = self.server.answer(*call)
        if answer is None:
            self.close_connection = True
            return
        if not isinstance(answer, bytes):
            is_error = isinstance(answer, dict) and "error" in answer
            answer = json.dumps(answer if is_error else {"args": [answer], "kwargs": {}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


NO_SUCH = {"error": "wamp.error.no_such_procedure", "args": ["no callee registered"], "kwargs": {}}


def session(number=0, status="done", success=True, **more):
    return {
        "session_id": number,
        "op_name": "init",
        "op_code": 5,
        "status": status,
        "success": success,
        "degraded": False,
        "start_time": 1795328225.0 + number,
        "end_time": 1795328226.5 + number if status == "done" else None,
        "data": {"steps": 3},
        "messages": [[1795328225.0, 'Status is now "starting".']],
        **more,
    }


def param(key, kind, default=None, choices=None, required=False):
    return {"key": key, "type": kind, "default": default, "choices": choices, "required": required}


class StandInAgent:
    """An agent `observatory.dev1` with a task and a process, as get_api and .ops show it."""

    def __init__(self):
        self.running = None  # while set, waiting for init times out
        self.success = True
        self.next_session = 0
        self.refusal = None

    def __call__(self, procedure, args, kwargs):
        if procedure == "observatory.dev1":
            return self.api()
        if procedure == "observatory.dev1.ops":
            return self.op(*args, **kwargs)
        return NO_SUCH

    def api(self):
        described = {"blocking": True, "min_privs": 1}
        params = [
            {"key": "delay", "type": "float", "default": 5.0, "choices": None, "required": False},
            {
                "key": "mode",
                "type": "str",
                "default": None,
                "choices": ["a", "b"],
                "required": True,
            },
        ]
        doc = "init(delay=5., mode)\n\n    **Task** - Set the device up.\n\n    Notes\n    -----\n"
        task = {**described, "op_type": "task", "abortable": True, "docstring": doc}
        old = {
            **described,
            "op_type": "process",
            "docstring": "acq(rate=1)\n\n**Process** - Read it.",
        }
        return {
            "agent_class": "Dev",
            "feeds": [["values", {}], ["heartbeat", {}]],
            "tasks": [["init", session(), {**task, "params": params}]],
            "processes": [["acq", {"op_name": "acq", "status": "no_history"}, old]],
            "access_control": {"version": 1},
        }

    def op(self, action, name, params=None, timeout=None, password=None):
        if action == "start" and self.refusal:
            return [-1, self.refusal, {}]
        if action == "start":
            self.next_session += 1
            return [0, f'Started task "{name}".', session(self.next_session, "starting", None)]
        if action == "wait" and self.running:
            self.running.wait(max(0, timeout))
            if not self.running.is_set():
                return [
                    1,
                    "still running; wait timed out.",
                    session(self.next_session, "running", None),
                ]
        if action == "status" and name == "acq":
            return [0, "No session active.", {}]
        return [0, f"{action} {name}", session(self.next_session, success=self.success)]
