"""The page of a feed viewer in a real browser, against samples that a test makes."""

import http.server
import json
import threading
import time

import pytest

from tests.unit.web.chromium import needs_chromium
from tests.unit.web.stand_in import PAGE

needs_chromium()

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
CSP = "default-src 'self'"


class Viewer(http.server.ThreadingHTTPServer):
    """Serves the files of the page, and samples."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fields = {}
        self.missing = ""
        self.answers = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def samples(self):
        return {
            "name": "lab <b>1</b>",
            "description": "<script>document.title = 'hacked'</script>",
            "feed": "fake-data1.temps",
            "at": time.time(),
            "newest_at": time.time(),
            "buffer_time_s": 3600,
            "reach_s": 60,
            "missing": self.missing,
            "refused": "",
            "short_of_memory": False,
            "fields_left_out": 0,
            "fields": self.fields,
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/samples":
            if not self.server.answers:
                return self.send_error(503)
            content, kind = json.dumps(self.server.samples()).encode(), "application/json"
        else:
            name = "feedview/index.html" if path == "/" else path.removeprefix("/static/")
            file = PAGE / name
            if not file.is_file():
                return self.send_error(404)
            content, kind = file.read_bytes(), TYPES[file.suffix]
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-security-policy", CSP)
        self.end_headers()
        return self.wfile.write(content)

    def log_message(self, *_args):
        pass


def field(values, units="", label="", text=False):
    now = time.time()
    times = [now - len(values) + number for number in range(len(values))]
    return {"t": times, "v": values, "text": text, "units": units, "label": label}


@pytest.fixture
def viewer():
    viewer = Viewer()
    yield viewer
    viewer.shutdown()
    viewer.server_close()


@pytest.fixture
def page(chromium, viewer):
    page = chromium.new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.wrong.append(line.text))
    page.goto(f"http://127.0.0.1:{viewer.server_port}/")
    yield page
    page.close()


def test_it_draws_numbers_and_lists_all_values(page, viewer):
    page.get_by_text("lab <b>1</b>").wait_for()
    assert page.title() == "lab <b>1</b>"
    viewer.fields = {
        "channel_00": field([1.5, None, 2.5], "K", "cold plate"),
        "state": field(["on", "off"], text=True),
    }
    page.locator(".uplot canvas").wait_for()
    page.get_by_text("channel_00 (cold plate) [K]").wait_for()
    cells = page.locator("#values tr").all_inner_texts()
    assert [row.split("\t")[:3] for row in cells] == [
        ["channel_00 (cold plate)", "2.5", "K"],
        ["state", "off", ""],
    ]
    viewer.fields = {"other": field([7.0], "V")}
    page.get_by_text("other [V]").wait_for()
    assert page.wrong == []


def test_it_says_what_is_missing_and_that_the_viewer_is_away(page, viewer):
    viewer.missing = "agent 'fake-data1' is not connected to the router"
    page.get_by_text(viewer.missing).wait_for()
    viewer.answers = False
    page.get_by_text("the feed viewer has not answered for").wait_for()
    viewer.answers, viewer.missing = True, ""
    page.locator("#missing").wait_for(state="hidden")
