"""The page in a real Chromium, on a real site: looked at, operated, and everything killed."""

import json
import os
import re
import signal
import urllib.request

import pytest

from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until
from tests.unit.web.chromium import browser, needs_chromium

needs_chromium()

from playwright.sync_api import Error as PlaywrightError  # noqa: E402 - after the skip

pytestmark = pytest.mark.system

FIELDS = [f"observatory.{name}.feeds.false_temperatures.channel_00" for name in ("fake1", "fake2")]
LIMIT_MS = 45_000
REFUSED = "Failed to load resource"
"""What the browser itself logs of a request that is refused or not answered."""


IS_PAINTED = """(x) => {
    const canvas = document.querySelector('.plot canvas');
    const over = document.querySelector('.plot .over');
    const place = [over.offsetLeft + x, over.offsetTop + 2, 1, over.clientHeight - 4];
    const [left, top, width, height] = place.map((each) => Math.round(each * devicePixelRatio));
    const pixels = canvas.getContext('2d').getImageData(left, top, width, height).data;
    return pixels.every((value, i) => i % 4 !== 3 || value > 0);
}"""
"""Whether a column of pixels of the first plot is painted from top to bottom."""


@pytest.fixture(scope="module")
def lab():
    """A site with two agents that acquire; its router is its own, because a test kills it."""
    with a_site(free_port()) as site:
        web = {"listen": f"127.0.0.1:{free_port()}", "name": "Lab <b>1</b>", "colour": "#204080"}
        agents = [fake_agent(name, rate_hz=10) for name in ("fake1", "fake2")]
        rule = {"when": "fake1.false_temperatures.channel_00 > -1000", "severity": "info"}
        site.write(*agents, web=web, alarms={"rules": {"always": rule}})
        site.bring_up()
        wait_until(lambda: site.instance("web").get("address"), "the page's address")
        yield site


@pytest.fixture(scope="module")
def page(lab):
    """One page for all tests: it is never loaded again."""
    with browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1280, "height": 800})
        opened.set_default_timeout(LIMIT_MS)
        opened.errors = []
        opened.on("console", lambda said: said.type == "error" and opened.errors.append(said.text))
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.goto(lab.instance("web")["address"])
        opened.evaluate("document.body.dataset.same = 'yes'")
        yield opened


@pytest.fixture(autouse=True)
def no_errors(page, request):
    """Fails a test after which the page has logged an error, or was loaded again."""
    page.errors.clear()
    yield
    hurts = "kills" in request.fixturenames
    assert [text for text in page.errors if not (hurts and text.startswith(REFUSED))] == []
    assert page.evaluate("document.body.dataset.same") == "yes"


@pytest.fixture
def kills(lab):
    """Kill a process of the site by the number in its row; the row has another one afterwards."""
    return lambda row: os.kill(row["pid"], signal.SIGKILL)


def row(page, name):
    """Return the row of an instance in the table."""
    return page.locator("#rows tr", has=page.get_by_role("button", name=name, exact=True))


def silence_s(lab, name):
    """Return the age of the newest sample of an agent."""
    url = f"{lab.instance('web')['address']}api/v1/values?pattern={name}"
    with urllib.request.urlopen(url) as answer:
        return min(value["age_s"] for value in json.load(answer)["values"])


def settles(page):
    """Wait until the page says that all is well."""
    level, stall = "#verdicts [data-tone=ok]", "#stall[hidden]"
    well = f"() => ['{level}', '{stall}'].every((each) => document.querySelector(each))"
    try:
        page.wait_for_function(well)
    except PlaywrightError:
        pytest.fail(f"not well: {page.locator('body').inner_text()}")


def goes_on(page):
    """Wait until the newest value of the first plot has changed twice."""
    value = page.locator(".legend .value").first
    value.scroll_into_view_if_needed()  # what cannot be seen is not drawn
    for _ in range(2):
        before = value.inner_text()
        try:
            page.wait_for_function(
                "(before) => document.querySelector('.legend .value').textContent !== before",
                arg=before,
            )
        except PlaywrightError:
            pytest.fail(f"it stands still at {before}: {page.locator('body').inner_text()}")
    assert "no sample" not in value.inner_text()


def test_the_list_names_every_instance_and_the_verdict_stands_above(page):
    page.locator("#site-name", has_text="Lab <b>1</b>").wait_for()
    for name in ("fake1", "fake2", "aggregator", "web"):
        row(page, name).get_by_text("up", exact=True).first.wait_for()
    settles(page)

    assert page.locator("#verdicts").inner_text().startswith("●")
    assert re.match(r"\d+\.\d s old", page.locator("#age").inner_text())


def test_a_restart_needs_the_padlock_and_is_on_record(lab, page):
    before = lab.instance("fake2")["pid"]
    restart = page.get_by_role("button", name="restart fake2")
    assert restart.is_disabled()

    page.locator("#padlock").click()
    restart.click()
    page.locator(".note", has_text=re.compile("fake2: up after")).wait_for()

    assert lab.instance("fake2")["pid"] != before
    page.locator("#requests li", has_text="fake2").first.wait_for()


def test_a_task_runs_with_the_parameters_of_its_form(page):
    row(page, "fake1").get_by_role("button", name="fake1", exact=True).click()
    task = page.locator(".operations > li", has_text="delay_task")
    task.get_by_role("textbox", name="delay").fill("1.5")
    if page.locator("#padlock").get_attribute("aria-pressed") != "true":
        page.locator("#padlock").click()
    task.get_by_role("button", name="start").click()
    task.locator("summary").click()
    task.locator(".session-data", has_text='"requested_delay": 1.5').wait_for()
    task.locator(".op-state", has_text="succeeded").wait_for()
    page.locator(".log-lines p", has_text="delay_task").first.wait_for()


def test_a_plot_of_two_agents_moves_as_values_come(page):
    page.locator("#search").fill("channel_00")
    for field in FIELDS:
        page.locator(f'#values label[title="{field}"] input').check()
    page.get_by_role("button", name="1 min", exact=True).click()
    page.locator(".legend .value").nth(1).wait_for()
    goes_on(page)


def test_a_year_and_back_shows_every_sample(page):
    page.get_by_role("button", name="1 y", exact=True).click()
    page.locator("#span-said", has_text="last 365 d").wait_for()
    page.locator(".legend .value", has_text=re.compile(r"\d K")).first.wait_for()
    page.get_by_role("button", name="1 min", exact=True).click()
    page.locator("#span-said", has_text="last 1 min").wait_for()
    goes_on(page)


def test_a_hole_is_shaded_and_its_cause_is_said(lab, page):
    lab.ocsd("down", "fake2", "--host", "lab")
    wait_until(lambda: silence_s(lab, "fake2") > 4, "a silence that is a hole")
    lab.ocsd("up", "fake2", "--host", "lab")
    page.locator("#holes-count").wait_for()
    page.locator("#holes-count").click()
    listed = page.locator("#holes-list li").first
    listed.wait_for()

    assert "fake2" in listed.inner_text()
    assert re.search(r"\): \w+", listed.inner_text())
    page.locator("#go-live").click()  # the plot stands still
    over = page.locator(".plot .over")
    foot = page.locator(".plot-foot")
    said = {}
    for x in range(2, int(over.bounding_box()["width"]), 12):
        over.hover(position={"x": x, "y": 20})
        said[x] = foot.inner_text()
        if "hole: fake2" in said[x] and page.evaluate(IS_PAINTED, x):
            break
    else:
        pytest.fail(f"the hole is not shaded, or its cause is not said where it is: {said}")
    page.locator("#go-live").click()
    page.locator("#holes-count").click()


def test_an_alarm_is_acknowledged_and_its_plot_is_one_click_away(lab, page):
    alarm = page.locator("#alarm-list li", has_text="always")
    alarm.get_by_role("button", name="plot of always").click()
    page.locator(".legend .value", has_text="K").first.wait_for()
    if page.locator("#padlock").get_attribute("aria-pressed") != "true":
        page.locator("#padlock").click()
    alarm.get_by_role("button", name="Acknowledge: always").click()
    alarm.get_by_text("acknowledged by").wait_for()

    wait_until(lambda: lab.status()["alarms"]["acknowledged"] == 1, "the status")
    assert "alarm acknowledged" in lab.ocsd("history", "alarms").stdout


def test_axe_finds_nothing_serious(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_a_killed_aggregator_is_seen_and_the_plot_goes_on(lab, page, kills):
    before = lab.instance("aggregator")  # on a busy machine it may have been restarted already
    kills(before)
    wait_until(lambda: lab.instance("aggregator")["restarts"] > before["restarts"], "a restart")
    restarts = str(lab.instance("aggregator")["restarts"])
    row(page, "aggregator").locator(".c-restarts", has_text=restarts).wait_for()
    settles(page)
    goes_on(page)


def test_a_killed_daemon_is_said_and_the_plot_goes_on_without_it(lab, page, kills):
    kills(lab.status())
    page.locator("#wrong-list").get_by_text("lab").first.wait_for()
    goes_on(page)
    lab.start()
    settles(page)
    page.locator("#wrong-title", has_text="Nothing is wrong").wait_for()


def test_a_killed_router_is_said_and_comes_back(lab, page, kills):
    kills(lab.status()["router"])
    page.locator("#wrong-list", has_text="router").wait_for()
    settles(page)
    goes_on(page)


def test_the_page_says_that_its_own_process_is_away_and_comes_back(lab, page, kills):
    web = lab.instance("web")
    os.kill(web["pid"], signal.SIGSTOP)
    try:
        page.locator("#stall").wait_for(timeout=4000)
    finally:
        kills(web)
    settles(page)
    goes_on(page)
