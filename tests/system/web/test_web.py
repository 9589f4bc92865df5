"""The process `web` on a real site: every answer, bad input, and whatever it looks at killed."""

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.promtool import needs_promtool, promtool
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until
from tests.system.web.browser import Browser
from tests.system.web.prometheus_server import (
    alertmanager,
    needs_alertmanager,
    needs_prometheus,
    prometheus_server,
    webhook,
)
from tests.unit.deploy.test_dashboards import DASHBOARDS, queries

pytestmark = pytest.mark.system

FIELD = "observatory.fake1.feeds.false_temperatures.channel_00"
RULE = {"when": "fake1.false_temperatures.channel_00 > -1000", "severity": "info"}
ALARMS = {
    "rules": {"asked-about": {**RULE, "tell": "log"}, "left-alone": RULE},
    "receivers": {"log": {"command": "cat"}},
}
"""Alarms that are raised at once, and leave the verdict."""


@pytest.fixture(scope="module")
def lab():
    """A site with a page; its router is its own, because a test kills it."""
    with a_site(free_port()) as site:
        page = {"listen": f"127.0.0.1:{free_port()}", "name": "Lab <b>1</b>", "colour": "#204080"}
        agents = fake_agent("fake1", rate_hz=10), fake_agent("idle", mode="idle")
        site.write(*agents, web=page, alarms=ALARMS)
        site.bring_up()
        wait_until(lambda: site.instance("web")["state"] == "up", "the page")
        fields = Browser(site.instance("web")["address"])
        wait_until(lambda: fields.get("fields", search="channel_00")["total"], "samples")
        wait_until(lambda: site.status()["alarms"].get("raised") == 2, "the alarms")
        yield site


@pytest.fixture
def browser(lab):
    wait_until(lambda: lab.instance("web").get("address"), "the page's address")
    return Browser(lab.instance("web")["address"])


@pytest.fixture
def others(lab):
    """Fails the test if what is looked at took notice."""

    def processes():
        status = lab.status()
        told = {row["instance_id"]: (row["pid"], row["restarts"]) for row in status["instances"]}
        agents = {name: pair for name, pair in told.items() if name not in {"idle", "web"}}
        router = status["router"]["pid"], status["router"]["restarts"]
        return {**agents, "router": router, "daemon": status["pid"]}

    before = processes()
    yield
    assert processes() == before


def test_the_state_has_the_verdict_of_the_terminal(lab, browser):
    wait_until(lambda: browser.get("state")["hosts"][0]["level"] == "ok", "all to be well")
    [host] = browser.get("state")["hosts"]
    assert host["verdict"].startswith("lab: ok · 6 up")
    assert host["wrong"] == []
    assert host["status"]["instances"][-1]["instance_id"] == "web"
    printed = lab.ocsd("status").stdout
    assert printed.splitlines()[0] in host["verdict"]
    assert f"page {lab.instance('web')['address']}" in printed


@pytest.mark.usefixtures("others")
class TestAnswers:
    """Every path of the description answers as it says."""

    def test_every_path_answers_as_its_description_says(self, browser):
        document = browser.get("openapi.json")
        logins = ("/login", "/logout")  # only a closed site has them: test_closed_page.py
        for path, operations in document["paths"].items():
            if path in logins:
                continue
            for method, described in operations.items():
                _check(browser, path, method.upper(), described)
        assert len(document["paths"]) > 10

    def test_a_task_is_started_with_parameters(self, browser):
        found = browser.get("instances/fake1/operations")["operations"]
        [delay] = [each for each in found if each["name"] == "delay_task"]
        names = {each["name"]: each for each in delay["params"]}
        assert names["delay"]["type"] == "float"
        path = "instances/fake1/operations/delay_task"
        status, answer = browser.post(f"{path}/start", {"params": {"delay": 0.1}})
        assert (status, answer["status"]) == (200, 0), answer
        wait_until(lambda: browser.get(path)["session"]["status"] == "done", "the task's end")
        assert browser.post(f"{path}/start", {"params": {"delay": "x"}})[1]["status"] == -1

    def test_live_columns_and_the_window_before_them_are_whole(self, browser):
        since_at = time.time() - 20
        with browser.listening("live", field="channel_00", step=0.5, since=since_at) as events:
            wait_until(lambda: len(_columns(events)) >= 4, "four live columns")
        name, begin, _ = events[0]
        assert name == "begin"
        begun = begin["since"]
        window = browser.get("window", field="channel_00", since=begun - 60, until=begun)
        times = window["fields"][FIELD]["t"]
        assert all(at < begun for at in times)
        columns = _columns(events)
        assert all(at >= begun for at in columns)
        assert max(columns.values()) == 5  # 10 Hz, half a second

    def test_the_latest_values_and_a_file_of_samples(self, browser):
        [value] = browser.get("values", pattern="channel_00")["values"]
        assert value["field"] == FIELD
        assert value["age_s"] < 30
        since_at, until_at = time.time() - 8, time.time() - 3
        _, headers, content = browser.ask("export", field=FIELD, since=since_at, until=until_at)
        head, *rows = content.decode().splitlines()
        assert head == f"time,{FIELD}"
        assert rows
        assert all(since_at <= float(row.partition(",")[0]) < until_at for row in rows)
        assert 'filename="ocsd_' in headers["content-disposition"]
        assert browser.get("window", field=FIELD, since=since_at, until=until_at, columns=1000)[
            "fields"
        ][FIELD]["n"] == [1] * len(rows)

    def test_prometheus_gets_the_metrics_of_the_host(self, browser):
        accepted = {"accept": "application/openmetrics-text;version=1.0.0"}
        _, headers, content = browser.ask("/metrics", headers=accepted)
        assert headers["content-type"].startswith("application/openmetrics-text")
        samples = dict(line.rsplit(" ", 1) for line in content.decode().splitlines())
        assert samples["ocsd_daemon_up"] == "1.0"
        assert samples['ocsd_instance_state{instance_id="fake1",state="up"}'] == "1.0"
        assert samples['ocsd_operation_code{instance_id="fake1",operation="acq"}'] == "3.0"
        assert float(samples['ocsd_instance_cpu_seconds_total{instance_id="fake1"}']) > 0
        feed = FIELD.rpartition(".")[0]
        assert float(samples[f'ocsd_feed_samples_total{{feed="{feed}"}}']) > 0

    @needs_promtool
    def test_promtool_finds_nothing_in_them(self, browser):
        _, _, content = browser.ask("/metrics")
        assert promtool("check", "metrics", given=content.decode()) == ("", 0)

    @needs_prometheus
    def test_every_query_of_the_dashboards_has_data(self, browser, tmp_path):
        asked = {query for path in DASHBOARDS for query in queries(path)}
        # Only what is wrong has data there; and no program keeps this machine's clock.
        asked = {each for each in asked if " == " not in each and "clock" not in each}
        with prometheus_server(tmp_path, f"{browser.host}:{browser.port}") as server:
            found = {each: server.ask(each.replace('"a"', '"lab"')) for each in asked}
        assert [each for each in found if not found[each]] == []

    @needs_alertmanager
    def test_an_alert_reaches_alertmanager_and_the_webhook_behind_it(self, browser, tmp_path):
        target = f"{browser.host}:{browser.port}"
        with (
            webhook() as (port, posted),
            alertmanager(tmp_path, port) as address,
            prometheus_server(tmp_path, target, address),
        ):
            found = wait_until(lambda: _alert_of(posted, alarm="left-alone"), "the webhook", 90)
        assert found["status"] == "firing"
        assert found["labels"]["alertname"] == "OcsdAlarmRaised"
        assert found["labels"]["severity"] == "info"
        assert found["annotations"]["summary"] == "lab: alarm left-alone is raised"

    def test_a_restart_says_who_asked_for_it(self, lab, browser):
        status, _, content = browser.ask("instances/restart", "POST", {"names": ["idle"]})
        lines = [json.loads(line) for line in content.splitlines()]
        assert status == 200
        assert lines[-1]["event"] == "result"
        assert lines[-1]["ok"]
        found = browser.get("history", instance="idle", kind="request")["entries"]
        assert found[-1]["by"].startswith("a viewer of the page, from this machine, through ")
        spans = browser.get("instances/idle/strip")["spans"]
        assert spans[-1]["state"] == "up"

    def test_the_log_is_read_and_followed(self, browser):
        with browser.listening("instances/idle/log/follow") as events:
            browser.ask("instances/restart", "POST", {"names": ["idle"]})
            wait_until(lambda: any(name == "line" for name, *_ in events), "a line of the log")
        found = browser.get("instances/idle/log", lines=3)
        assert len(found["lines"]) == 3
        assert found["path"].endswith("/idle.log")
        assert browser.get("instances/idle/log", grep="no such words")["lines"] == []


@pytest.mark.usefixtures("others")
class TestBadInput:
    """Clear words for whatever is wrong."""

    @pytest.mark.parametrize(
        ("path", "params", "status", "words"),
        [
            ("nothing", {}, 404, "the API has no"),
            ("stat", {}, 404, "did you mean 'state'?"),
            ("state", {"x": 1}, 400, "unknown parameter 'x'"),
            ("history", {"since": 5, "until": 5}, 400, "no time between them"),
            ("history", {"limit": 10**9}, 400, "it may be 10000 at most"),
            ("history", {"since": "nan"}, 400, "not a finite number"),
            ("window", {"field": FIELD}, 400, "the parameter since is missing"),
            ("window", {"since": 1}, 400, "the parameter field is missing"),
            ("window", {"field": FIELD, "since": 5, "until": 5}, 400, "no time between them"),
            ("window", {"field": FIELD, "since": 1, "columns": 10**9}, 400, "20000 at most"),
            ("window", {"field": "channel_99", "since": 1}, 404, "did you mean"),
            ("window", {"field": "channel_*" * 200, "since": 1}, 400, "may have 1000"),
            ("live", {"field": FIELD, "step": 0}, 400, "have to be numbers"),
            ("export", {"field": FIELD, "since": 1, "format": "xls"}, 400, "not one of csv"),
            ("export", {"field": "nothing", "since": 1}, 404, "there are no data of 'nothing'"),
            ("instances/fake9/log", {}, 404, "there is no log of 'fake9'"),
            ("instances/..%2F..%2Fetc/log", {}, 404, "cannot be the name"),
            ("instances/fake1/log", {"level": "bad"}, 400, "not one of trace"),
            ("instances/fake9/operations", {}, 503, "fake9 is not connected to the router"),
            ("instances/<script>/operations", {}, 404, "cannot be the name"),
            ("instances/router/operations", {}, 404, "has no operations"),
            ("instances/fake1/operations/nothing", {}, 404, "no operation 'nothing'; it has"),
        ],
    )
    def test_a_wrong_question_gets_a_clear_answer(self, browser, path, params, status, words):
        got, message = browser.refused(path, **params)
        assert got == status, message
        assert words in message

    @pytest.mark.parametrize(
        ("headers", "status", "words"),
        [
            ({"origin": "http://evil.example"}, 403, "may not change anything here"),
            ({"sec-fetch-site": "cross-site"}, 403, "may not change anything here"),
            ({"content-type": "text/plain"}, 415, "application/json"),
            ({"host": "evil.example"}, 403, "no name under which"),
        ],
    )
    def test_a_page_of_somebody_else_changes_nothing(self, browser, headers, status, words):
        got, message = browser.refused(
            "instances/down", method="POST", body={"names": ["fake1"]}, headers=headers
        )
        assert got == status
        assert words in message

    def test_a_body_that_is_too_large_or_no_object_is_refused(self, browser):
        got, message = browser.refused("instances/down", method="POST", body=["fake1"])
        assert got == 400, message
        got, message = browser.refused(
            "instances/down", method="POST", body={"names": ["x" * 2**20]}
        )
        assert got == 413, message
        got, message = browser.refused("instances/down", method="POST", body={"names": ["fake9"]})
        assert got == 404
        assert "no instance 'fake9'" in message

    def test_a_slow_reader_holds_up_nobody(self, browser):
        with socket.create_connection((browser.host, browser.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            slow.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with browser.listening("events") as events:
                wait_until(lambda: len([e for e in events if e[0] == "state"]) > 1, "two states")

    def test_500_viewers_are_served_and_more_are_refused_in_words(self, browser):
        request = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with contextlib.ExitStack() as opened:
            viewers = []
            for _ in range(500):
                viewer = socket.create_connection((browser.host, browser.port), timeout=30)
                viewers.append(opened.enter_context(viewer))
                viewer.sendall(request)
            assert all(viewer.recv(12) == b"HTTP/1.1 200" for viewer in viewers)
            got, message = browser.refused("events")
            assert (got, "there are 500 viewers" in message) == (503, True)
            assert browser.get("about")["viewers"] == 500
        wait_until(lambda: browser.get("about")["viewers"] == 0, "all to leave")


class TestAway:
    """What the page looks at is away; the page lives, says so, and comes back by itself."""

    def test_the_daemon_is_killed_and_comes_back(self, lab, browser):
        web = lab.instance("web")
        with browser.listening("events") as events:
            os.kill(lab.status()["pid"], signal.SIGKILL)
            wait_until(lambda: not _last_host(events)["answers"], "the news that it is away")
            away = _last_host(events)
            assert away["level"] == "bad"
            assert away["away_since_at"]
            assert away["status"]["instances"]
            assert away["wrong"][0]["what"] == "the daemon does not answer"
            assert browser.get("history")["entries"]
            assert browser.get("instances/fake1/log")["lines"]
            got, message = browser.refused(
                "instances/restart", method="POST", body={"names": ["idle"]}
            )
            assert got == 503, message
            lab.bring_up()
            wait_until(lambda: _last_host(events)["answers"], "its coming back")
        assert lab.instance("web")["pid"] == web["pid"]

    def test_the_router_is_killed_and_comes_back(self, lab, browser):
        killed = lab.status()["router"]["pid"]
        os.kill(killed, signal.SIGKILL)

        def is_another():
            router = lab.status()["router"]
            return router["state"] == "up" and router["pid"] != killed

        wait_until(is_another, "the next router", limit_s=60)
        wait_until(
            lambda: browser.ask("instances/fake1/operations")[0] == 200, "the agent", limit_s=60
        )

    def test_the_data_folder_is_moved_and_comes_back(self, lab, browser):
        folder = Path(lab.instance("aggregator")["data_dir"])
        since_at = time.time() - 60
        wait_until(lambda: browser.get("window", field=FIELD, since=since_at)["fields"], "samples")
        lab.ocsd("down", "aggregator")
        folder.rename(folder.with_name("moved"))
        got, message = browser.refused("window", field=FIELD, since=since_at)
        assert (got, "is not there any more" in message) == (404, True), message
        assert f"{folder} is not there" in browser.get("fields")["why_none"]
        folder.with_name("moved").rename(folder)
        assert browser.get("window", field=FIELD, since=since_at)["fields"][FIELD]["n"]
        assert lab.ocsd("up", "aggregator").returncode == 0
        newest = browser.get("values", pattern="channel_00")["values"][0]["at"]
        wait_until(
            lambda: browser.get("values", pattern="channel_00")["values"][0]["at"] > newest,
            "live values of the next journal",
            limit_s=60,
        )

    def test_the_page_is_killed_and_started_again_at_its_address(self, lab, browser, others):
        before = lab.instance("web")
        os.kill(before["pid"], signal.SIGKILL)
        wait_until(
            lambda: (
                lab.instance("web")["pid"] not in {None, before["pid"]}
                and lab.instance("web")["state"] == "up"
            ),
            "another process",
        )
        assert lab.instance("web")["address"] == before["address"]
        assert browser.get("about")["pid"] == lab.instance("web")["pid"]

    def test_all_down_leaves_the_page_up(self, lab, browser):
        down = lab.ocsd("down", "--all", "--yes")
        assert "ocsd down web" in down.stdout
        wait_until(
            lambda: "nothing runs" in browser.get("state")["hosts"][0]["verdict"],
            "the verdict",
            limit_s=60,
        )
        assert lab.ocsd("up", "--all").returncode == 0


def _check(browser, path, method, described):
    """Ask for a path, and compare the answer with its description."""
    [(kind, answer)] = described["responses"]["200"]["content"].items()
    params = {"field": FIELD, "since": time.time() - 60, "until": time.time()}
    known = {each["name"] for each in described["parameters"]}
    given = {key: value for key, value in params.items() if key in known}
    target = path.removeprefix("/").format(name="idle", operation="acq", action="stop")
    if kind == "text/event-stream":
        with browser.listening(target, **given) as events:
            if "`tick`" in described["responses"]["200"]["description"]:
                wait_until(lambda: events, f"an event of {path}")
        return
    status, headers, content = browser.ask(target, method, _body(path, method), **given)
    assert status == 200, (path, content)
    assert headers["content-type"].partition(";")[0] == kind, path
    rows = {"application/json": [content], "application/x-ndjson": content.splitlines()}
    for row in rows.get(kind, []):
        Draft202012Validator(answer["schema"]).validate(json.loads(row))


def _body(path, method):
    if method == "GET":
        return None
    if "operations" in path:
        return {"params": {}}
    if "alarms" in path:
        return {"name": "asked-about", **({"for_s": 60} if path.endswith("/silence") else {})}
    return {"names": ["idle"]}


def _alert_of(posted, **labels):
    """Return an alert with these labels of what Alertmanager has posted; None if there is none."""
    alerts = (alert for message in list(posted) for alert in message["alerts"])
    return next((each for each in alerts if labels.items() <= each["labels"].items()), None)


def _columns(events):
    """Return the number of samples of each live column of the field, by its time."""
    updates = [value["fields"][FIELD] for name, value, _ in events if name == "update"]
    return {at: n for each in updates for at, n in zip(each["t"], each["n"], strict=True)}


def _last_host(events):
    states = [value for name, value, _ in events if name == "state"]
    return states[-1]["hosts"][0] if states else {"answers": True}
