"""The page in a Chromium, against a stand-in for the process `web`."""

import re

import pytest

from tests.unit.web.chromium import needs_chromium
from tests.unit.web.conftest import PATIENCE_MS

needs_chromium()

from tests.unit.web.stand_in import served  # noqa: E402 - after the skip
from tests.unit.web.world import MADE_UP, World  # noqa: E402 - after the skip

HOSTILE = "<img src=x onerror=alert(1)>"
FIELD = "fake-data1.false_temperatures.channel_00"

OBSERVERS = """
const observers = [];
window.IntersectionObserver = class {
    constructor(take) { observers.push(take); }
    observe() {}
};
window.tell = (all) => {
    const changes = all.map((isIntersecting) => ({ isIntersecting }));
    observers.forEach((take) => take(changes));
};
"""
"""Lets a test say what comes into view and leaves it, as a busy browser tells it: at once."""
NEXT_SECOND = """(clock) => new Promise((done) => {
    const all = { childList: true, characterData: true, subtree: true };
    new MutationObserver(done).observe(clock, all);
})"""


@pytest.fixture
def world():
    """The site that the page shows."""
    return World()


@pytest.fixture
def address(world):
    """Where it is served."""
    with served(world) as url:
        yield url


def test_whatever_the_server_says_is_shown_as_text(page, own_window):
    wrong = [{**MADE_UP[0], "instance_id": HOSTILE, "reason": "<script>alert(2)</script>"}]
    dialogs = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    with served(World([HOSTILE, "b"], wrong)) as url:
        page.goto(url)
        page.get_by_role("button", name=HOSTILE, exact=True).nth(1).click()
        page.locator("#instance .log-lines p").first.wait_for()
        page.locator("#values tr").first.wait_for()
        page.locator("#instance summary").nth(1).click()

        assert page.locator("img, iframe, object, .docstring script").count() == 0
        assert page.locator("script").count() == 1
        assert "<script>alert(2)</script>" in page.locator("#wrong").inner_text()
        assert "<b>Task</b>" in page.locator(".docstring").nth(1).inner_text()
        assert dialogs == []


def test_a_stalled_stream_is_said_in_red_within_three_seconds(page, world, address):
    page.goto(address)
    page.locator("#rows tr").first.wait_for()
    page.evaluate("document.body.dataset.same = 'yes'")
    world.silent.set()

    page.locator("#stall").wait_for(timeout=3500)
    red = page.locator("#age").evaluate("(age) => getComputedStyle(age).color")
    world.silent.clear()
    page.locator("#stall").wait_for(state="hidden")

    assert red == "rgb(177, 32, 26)"
    assert page.evaluate("document.body.dataset.same") == "yes"


def test_the_page_comes_back_by_itself_when_its_process_does(page, world):
    with served(world) as url:
        port = int(re.search(r":(\d+)", url)[1])
        page.goto(f"{url}#field={FIELD}")
        page.locator(".legend .value", has_text="samples").wait_for()
        page.evaluate("document.body.dataset.same = 'yes'")
    page.locator("#stall").wait_for()
    with served(world, port):
        page.locator("#stall").wait_for(state="hidden")
        before = page.locator("#span-said").inner_text()
        page.wait_for_function(
            "(before) => document.getElementById('span-said').textContent !== before", arg=before
        )
        page.locator("#plots-said:empty").wait_for(state="attached")

        assert page.evaluate("document.body.dataset.same") == "yes"


def test_a_change_needs_the_padlock_which_closes_after_thirty_seconds(
    page, world, address, own_window
):
    page.clock.install()
    page.goto(address)
    restart = page.get_by_role("button", name="restart fake-data1")
    restart.wait_for()
    assert restart.is_disabled()

    page.keyboard.press("u")
    restart.click()
    page.locator(".note", has_text="fake-data1: up after 0.4 s").wait_for()
    page.clock.run_for(31_000)

    assert restart.is_disabled()
    assert world.asked == [("instances", "restart", {"names": ["fake-data1"]})]


def test_a_task_is_started_with_what_its_form_says(page, world, address):
    page.goto(f"{address}#instance=fake-data1")
    task = page.locator(".operations > li", has_text="delay_task")
    task.wait_for()
    page.locator("#padlock").click()
    delay = task.get_by_role("textbox", name="delay")
    delay.fill("soon")
    task.get_by_role("button", name="start").click()
    assert task.get_by_role("alert").inner_text() == 'delay: a number, not "soon"'

    delay.fill("2.5")
    task.get_by_role("combobox", name="succeed").select_option("false")
    task.get_by_role("button", name="start").click()
    task.locator("progress").wait_for()

    params = {"delay": 2.5, "succeed": False, "mode": "fast"}
    operation = ("instances", "fake-data1", "operations", "delay_task", "start")
    assert world.asked == [(*operation, {"params": params})]


def test_the_link_keeps_what_is_seen(page, address):
    page.goto(address)
    page.get_by_label(re.compile("channel_00")).first.check()
    page.get_by_role("button", name="1 h", exact=True).click()
    page.locator("#zone").click()
    page.locator(".plot canvas").wait_for()
    assert page.evaluate("location.hash") == f"#field={FIELD}&span=3600&time=local"

    page.go_back()
    page.go_back()

    page.locator("#spans [aria-pressed=true]", has_text="10 min").wait_for()
    assert page.evaluate("location.hash") == f"#field={FIELD}"


def test_plots_that_came_into_view_go_on_although_they_had_left_it(page, address, own_window):
    page.add_init_script(OBSERVERS)
    page.goto(f"{address}#field={FIELD}")
    page.locator(".legend .value", has_text="samples").wait_for()
    said = page.locator("#span-said")
    page.evaluate("tell([true, false])")
    for _ in range(3):  # for what was to be drawn already
        before = said.inner_text()
        page.locator("#clock").evaluate(NEXT_SECOND)
    assert said.inner_text() == before

    page.evaluate("tell([false, true])")
    page.wait_for_function(
        "(before) => document.getElementById('span-said').textContent !== before", arg=before
    )


def test_a_time_can_be_typed(page, address):
    page.goto(f"{address}#field={FIELD}")
    page.locator("#from").fill("2026-11-27 22:00")
    page.locator("#to").fill("soon")
    page.locator("#to").press("Enter")
    page.locator("#to[aria-invalid=true]").wait_for()
    page.locator("#to").fill("2026-11-28 06:00")
    page.locator("#to").press("Enter")

    page.locator("#span-said", has_text="(8 h)").wait_for()
    assert page.locator("#to[aria-invalid]").count() == 0


def test_dragging_zooms_and_what_is_exported_is_what_is_seen(page, address):
    page.goto(f"{address}#field={FIELD}&since=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z")
    over = page.locator(".plot .over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    page.mouse.up()
    page.wait_for_function("location.hash.includes('T06:0') || location.hash.includes('T05:5')")

    page.evaluate("addEventListener('click', (event) => event.preventDefault())")
    page.locator("#export-csv").click()

    href = page.locator("#export-csv").get_attribute("href")
    since, until = (float(re.search(rf"{key}=([\d.]+)", href)[1]) for key in ("since", "until"))
    assert abs(since - 1793512800) < 400
    assert abs(until - since - 43200) < 400
    assert f"field={FIELD}" in href


def test_names_of_fields_that_begin_alike_are_not_cut(page):
    with served(
        World([f"observatory_registry_{'of_the_whole_site_' * 3}{i}" for i in "ab"])
    ) as url:
        page.goto(url)
        page.locator("#values .place").first.wait_for()
        cut = page.evaluate(
            "() => [...document.querySelectorAll('#values .name, #values .place')]"
            ".filter((each) => each.scrollWidth > each.clientWidth + 1).length"
        )
    assert cut == 0


def test_two_fingers_zoom_and_one_moves(chromium, address):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}#field={FIELD}&since=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z")
    page.locator("#rows tr").first.wait_for()
    page.evaluate("document.getElementById('plots').scrollIntoView()")
    over = page.locator(".plot .over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    touch = context.new_cdp_session(page)

    def fingers(kind, *shares):
        y = box["y"] + box["height"] / 2
        points = [
            {"id": i, "x": box["x"] + box["width"] * share, "y": y}
            for i, share in enumerate(shares)
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def length():
        return page.evaluate(
            "() => { const at = (key) => Date.parse(new URLSearchParams(location.hash.slice(1))"
            ".get(key)); return (at('until') - at('since')) / 3.6e6; }"
        )

    fingers("touchStart", 0.4)
    fingers("touchStart", 0.4, 0.6)
    for share in (0.35, 0.3, 0.25, 0.2, 0.15, 0.1):
        fingers("touchMove", share, 1 - share)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    fingers("touchEnd")
    page.wait_for_function("!location.hash.includes('since=2026-11-01T00:00')")
    assert 4 < length() < 9
    middle = page.evaluate("location.hash")
    fingers("touchStart", 0.3)
    for share in (0.4, 0.5, 0.6):
        fingers("touchMove", share)
    fingers("touchEnd")
    page.wait_for_function("(before) => location.hash !== before", arg=middle)
    assert 4 < length() < 9
    context.close()


def test_every_part_can_be_reached_by_keys(page, address):
    page.goto(f"{address}#field={FIELD}")
    page.locator("#rows tr").nth(1).wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#instance-title", has_text="fake-data2").wait_for()
    page.keyboard.press("Escape")
    page.locator("#instance").wait_for(state="hidden")
    page.locator(".plot-box").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("location.hash.includes('since=')")
    page.keyboard.press("l")
    page.wait_for_function("!location.hash.includes('since=')")
    page.keyboard.press("/")
    page.keyboard.type("data2?")

    assert page.locator("#search").input_value() == "data2?"


def test_a_page_that_stays_open_does_not_grow(page, world, address):
    page.goto(f"{address}#instance=fake-data1&field={FIELD}")
    page.locator(".legend .value", has_text="samples").wait_for()
    count = "() => document.querySelectorAll('*:not(.log-lines p, .log-lines p *, .note)').length"
    renewed(page, 5)
    before = page.evaluate(count)
    renewed(page, 12)

    assert page.evaluate(count) == before


def renewed(page, times):
    """Wait until the newest value of the first plot has changed so often."""
    value = page.locator(".legend .value").first
    for _ in range(times):
        page.wait_for_function(
            "(before) => document.querySelector('.legend .value').textContent !== before",
            arg=value.inner_text(),
        )


def test_a_window_without_the_focus_holds_no_connection_for_the_state(page, address, own_window):
    asked = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(address)))
    page.add_init_script("document.hasFocus = () => false")
    page.goto(address)
    page.locator("#rows tr").first.wait_for()
    before = page.locator("#clock").inner_text()
    page.wait_for_function(
        "(before) => document.getElementById('clock').textContent !== before", arg=before
    )

    assert any(each.startswith("api/v1/state?window=") for each in asked)
    assert not any(each.startswith("api/v1/events") for each in asked)
    assert page.locator("#stall").is_hidden()


def test_a_hidden_window_that_asks_seldom_has_its_title(page, address, own_window):
    page.clock.install()
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.goto(address)
    page.wait_for_function("document.title !== 'ocsd'")
    page.clock.run_for(4000)

    assert "no answer" not in page.title()


def test_fifty_healthy_instances_are_a_number(page):
    names = [f"agent{i}" for i in range(50)]
    with served(World([*names, "thermo1"], MADE_UP)) as url:
        page.goto(url)
        page.locator("#well-count", has_text="50 ok").wait_for()

        assert page.locator("#rows tr").first.inner_text().split()[:3] == [
            "↻",
            "backoff",
            "thermo1",
        ]
        assert page.title() == "✕ 2 wrong · Sandbox"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page, scheme):
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.emulate_media(color_scheme=scheme)
    with served(World(["fake-data1", "thermo1"], MADE_UP)) as url:
        page.goto(f"{url}#instance=fake-data1&field={FIELD}")
        page.locator(".legend .value", has_text="samples").wait_for()
        page.locator("#instance .log-lines p").first.wait_for()
        found = sync_playwright.Axe().run(page).response["violations"]

    assert [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []
