"""The page of a closed site, in Chromium: logins, roles, audit, and no secret anywhere."""

import contextlib
import http.client
import json
import os
import signal
import ssl
import time
from pathlib import Path

import psutil
import pytest
import yaml

from ocsd.access.making import admit, certificate_names, make_site
from ocsd.access.passwords import hashed
from ocsd.access.records import Person
from ocsd.access.store import AccessStore
from ocsd.site.model import Hub
from ocsd.web.login.remote import ask_router
from ocsd.web.refusals import AwayError
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until
from tests.unit.web.chromium import browser, needs_chromium

pytestmark = pytest.mark.system

LIMIT_MS = 45_000
PASSWORD = "MARKED-password-of-people"
PEOPLE = {"vera": "viewer", "otto": "operator", "adam": "admin"}
MARK = "MARKED"
"""Stands in every secret that this site has."""


class Visitor:
    """A program that talks to the page as a browser does, with a cookie."""

    def __init__(self, port):
        self.port, self.cookie = port, ""

    def ask(self, path, body=None, headers=None, method=None):
        """Return the status and the answer in JSON."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=20, context=context
        )
        named = {"cookie": self.cookie, **(headers or {})}
        content = None
        if body is not None:
            content, named["content-type"] = json.dumps(body), "application/json"
        with contextlib.closing(connection):
            verb = method or ("GET" if body is None else "POST")
            connection.request(verb, f"/api/v1/{path}", content, named)
            answer = connection.getresponse()
            self.cookie = (answer.getheader("set-cookie") or self.cookie).partition(";")[0]
            text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, [json.loads(line) for line in text.splitlines()]

    def log_in(self, name, password=PASSWORD):
        """Log in; return the status and the answer."""
        return self.ask("login", {"name": name, "password": password})


@pytest.fixture(scope="module")
def lab():
    """A closed site with a page that others reach, and secrets wherever a site can put one."""
    with a_site(free_port()) as site:
        site.page_port = free_port()
        agent = fake_agent("fake1", env={"DEVICE_PASSWORD": f"{MARK}-env"})
        web = {"listen": f"0.0.0.0:{site.page_port}"}
        hooks = {"on-failed": ["true", f"--token={MARK}-hook"]}
        site.write(agent, fake_agent("fake2"), web=web, hooks=hooks)
        content = yaml.safe_load(site.file.read_text())
        url = f"wss://localhost:{site.port}/ws"
        content["hub"] = {"access": "closed", "wamp_server": url}
        site.file.write_text(yaml.safe_dump(content))
        folder = site.folder / "state" / "lab" / "access"
        now_at = time.time()
        make_site(folder, "lab", url, certificate_names(url), now_at)
        store = AccessStore(folder)
        admit(store, "lab", now_at)
        known = hashed(PASSWORD)
        store.change_people(
            lambda people: people.update(
                {name: Person(role, known, now_at) for name, role in PEOPLE.items()}
            )
        )
        site.store = store
        site.bring_up()
        wait_until(lambda: site.instance("web").get("address"), "the page's address")
        yield site


@pytest.fixture
def visitor(lab):
    return Visitor(lab.page_port)


def audit(lab, **wanted):
    """Return the entries of the audit journal with these fields."""
    entries = json.loads(lab.ocsd("audit", "--json").stdout)["entries"]
    return [each for each in entries if all(each[key] == wanted[key] for key in wanted)]


def test_nobody_looks_without_a_login(lab, visitor):
    assert lab.instance("web")["address"].startswith("https://")
    for path in ("state", "history", "openapi.json", "fields", "nothing"):
        status, answer = visitor.ask(path)
        assert (status, "log in" in answer["error"]["message"]) == (401, True)
    assert visitor.ask("me")[1] == {
        "closed": True,
        "person": None,
        "role": None,
        "roles": [],
        "can_log_out": False,
    }


def test_a_viewer_looks_and_changes_nothing(lab, visitor):
    assert visitor.log_in("vera", "wrong password")[0] == 401
    assert visitor.log_in("vera")[0] == 200
    assert visitor.ask("state")[0] == 200
    status, answer = visitor.ask("instances/restart", {"names": ["fake1"]})
    assert (status, "needs the role operator" in answer["error"]["message"]) == (403, True)
    status, _ = visitor.ask("instances/fake1/operations/delay_task/start", {})
    assert status == 403
    assert visitor.ask("logout", {})[0] == 200
    assert visitor.ask("state")[0] == 401
    wait_until(lambda: audit(lab, action="logout", person="vera"), "the logout in the audit")
    [refused] = audit(lab, action="login", outcome="refused")
    assert (refused["target"], refused["source"]) == ("vera", "web")
    assert audit(lab, outcome="refused", person="vera", role="viewer")


def test_an_operator_starts_an_operation_as_a_person_and_not_as_the_page(lab, visitor):
    visitor.log_in("otto")
    body = {"params": {"delay": 0.1}}
    status, answer = visitor.ask("instances/fake1/operations/delay_task/start", body)
    assert (status, answer["status"]) == (200, 0), answer
    wait_until(lambda: audit(lab, action="start", person="otto"), "the start in the audit")
    [started] = audit(lab, action="start", person="otto")
    assert (started["role"], started["target"]) == ("operator", "fake1.delay_task")
    assert started["parameters"]["delay"] == 0.1
    status, lines = visitor.ask("instances/restart", {"names": ["fake2"]})
    assert status == 200, lines
    [restarted] = audit(lab, action="restart", person="otto")
    assert (restarted["target"], restarted["role"]) == ("fake2", "operator")


def test_the_record_is_whole_and_a_flood_of_logins_is_a_few_lines(lab, visitor):
    begun = time.monotonic()
    for _ in range(200):
        assert visitor.log_in("adam", "wrong password")[0] in {401, 429}
    assert time.monotonic() - begun < 60
    assert visitor.log_in("adam")[0] == 429
    wait_until(lambda: len(audit(lab, target="adam", outcome="refused")) >= 2, "the refusals")
    assert len(audit(lab, target="adam", outcome="refused")) < 12
    assert "is whole" in lab.ocsd("audit", "--verify").stdout


def test_the_record_goes_on_after_the_daemon_was_killed(lab, visitor):
    before = len(audit(lab))
    os.kill(lab.status()["pid"], signal.SIGKILL)
    lab.bring_up()
    assert "is whole" in lab.ocsd("audit", "--verify").stdout
    assert len(audit(lab)) > before
    assert audit(lab, action="daemon started")[-1]["person"]
    # Whoever was logged in still is, and the new daemon knows the page.
    visitor.log_in("otto")
    wait_until(lambda: visitor.ask("state")[1]["hosts"][0]["answers"], "the new daemon")
    assert visitor.ask("instances/restart", {"names": ["fake2"]})[0] == 200
    assert audit(lab, action="restart", person="otto")[-1]["role"] == "operator"


def test_no_secret_is_in_anything_that_ocsd_writes(lab, visitor):
    visitor.log_in("otto")
    visitor.ask("instances/fake1/operations/delay_task/start", {"params": {"password": MARK}})
    lab.ocsd("hook", "on-failed")
    secrets = [MARK.encode(), visitor.cookie.partition("=")[2].encode()]
    store = lab.store
    secrets += [each.password.encode() for each in store.people().values()]
    secrets += [store.secret().hex().encode(), store.host_key().hex().encode()]
    tickets = {
        each.environ()["OCSD_LAUNCH"] for each in lab.processes() if "OCSD_LAUNCH" in _env(each)
    }
    secrets += [json.loads(text)["ticket"].encode() for text in tickets]
    found = []
    for path in lab.folder.rglob("*"):
        if path.is_file() and "access" not in path.parts and path != lab.file:
            content = path.read_bytes()
            found += [(str(path), each) for each in secrets if each in content]
    assert found == []
    for words in (("status", "--json"), ("history", "--json"), ("why", "fake1"), ("audit",)):
        printed = lab.ocsd(*words).stdout.encode()
        assert [each for each in secrets if each in printed] == [], words
    for path in ("state", "history", "instances/fake1/log", "instances/router/log", "about"):
        answer = json.dumps(visitor.ask(path)[1]).encode()
        assert [each for each in secrets if each in answer] == [], path
    pid = lab.instance("fake1")["pid"]
    for process in lab.processes():
        title = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert [each for each in secrets if each in title] == [], process
        if process.pid != pid:
            assert MARK not in str(_env(process)), process


def test_the_page_of_another_host_asks_the_router_whom_it_lets_in(lab, monkeypatch):
    for name, value in lab.environment.items():
        monkeypatch.setenv(name, value)
    hub = Hub(access="closed", wamp_server=f"wss://localhost:{lab.port}/ws")
    assert ask_router(hub, "otto", PASSWORD) == "operator"
    assert ask_router(hub, "otto", "wrong password") is None
    assert ask_router(hub, "a:b", PASSWORD) is None
    with pytest.raises(AwayError):
        ask_router(hub.overridden(wamp_http="https://localhost:9/call"), "otto", PASSWORD)


def test_people_log_in_and_out_in_a_browser(lab, visitor):
    needs_chromium()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    with browser() as chromium:
        context = chromium.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.set_default_timeout(LIMIT_MS)
        errors = []
        page.on("console", lambda said: said.type == "error" and errors.append(said.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"https://localhost:{lab.page_port}/")
        assert errors == []
        found = axe.Axe().run(page).response["violations"]
        assert [each["id"] for each in found] == []
        page.fill("#name", "vera")
        page.fill("#password", "wrong password")
        page.click("#enter")
        page.get_by_text("password is wrong").wait_for()
        assert [text for text in errors if "401" not in text] == []
        errors.clear()
        page.fill("#password", PASSWORD)
        page.click("#enter")
        page.wait_for_selector("text=vera, viewer")
        page.wait_for_selector("#padlock:disabled")
        page.wait_for_selector("#rows tr")
        assert [each["httpOnly"] for each in context.cookies()] == [True]
        assert errors == []
        page.click("#log-out")
        page.wait_for_selector("#login")
        # The browser itself logs what was under way, and is refused or cut off now.
        assert [text for text in errors if not text.startswith("Failed to load resource")] == []


def _env(process):
    with contextlib.suppress(psutil.Error):
        return process.environ()
    return {}
