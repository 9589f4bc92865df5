"""The alarms on the page: what is said of them, and what can be done."""

import time

import pytest

from tests.unit.web.chromium import needs_chromium

needs_chromium()

from tests.unit.web.stand_in import served  # noqa: E402 - after the skip
from tests.unit.web.world import World  # noqa: E402 - after the skip

NOW_AT = 1795332781.0
WARM = {
    "name": "stage-warm",
    "severity": "critical",
    "text": "the 4 K stage is <b>too warm</b>",
    "when": "fake-data1.false_temperatures.channel_00 > 5 for 30s",
    "state": "raised",
    "since": NOW_AT - 130,
    "value": 5.31,
    "at": NOW_AT,
    "acknowledged_by": "",
    "silenced_until": None,
    "silenced_by": "",
}
DOME = {**WARM, "name": "dome-open", "severity": "warning", "acknowledged_by": "vera"}
PUMP = {**WARM, "name": "pump", "state": "clear", "since": None, "value": None}
QUIET = {**WARM, "name": "quiet", "silenced_until": NOW_AT + 60, "silenced_by": "otto"}


@pytest.fixture
def logic(run):
    """Run a function of the logic with arguments."""
    return lambda name, *arguments: run(
        "logic/alarms.js", f"return alarms.{name}(...given)", arguments
    )


def test_alarms_that_need_somebody_come_first(logic):
    found = logic("alarmsFirst", [PUMP, QUIET, DOME, WARM], NOW_AT)
    assert [each["name"] for each in found] == ["stage-warm", "quiet", "dome-open", "pump"]


def test_the_facts_of_an_alarm_are_one_line(logic):
    assert logic("alarmFacts", DOME, NOW_AT, True) == (
        "warning · raised · 5.31000 · since 07:30:51, 2 min 10 s · acknowledged by vera"
    )
    assert logic("alarmFacts", QUIET, NOW_AT, True).endswith("silenced until 07:34:01 by otto")


@pytest.mark.parametrize(
    ("alarms", "text"),
    [
        ([WARM, DOME, PUMP, QUIET], "1 alarm raised: stage-warm"),
        ([DOME, {**WARM, "severity": "info"}], ""),
        ([{**WARM, "name": name} for name in "abcde"], "5 alarms raised: a, b, c, 2 more"),
    ],
)
def test_the_banner_names_what_is_raised_and_nobody_knows_of(logic, alarms, text):
    assert logic("bannerText", alarms, NOW_AT) == text


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (WARM["when"], "fake-data1.false_temperatures.channel_00"),
        ("rate of a.b.c>2 per min", "a.b.c"),
        ("thermo1.temps silent for 60s", ""),
        ("disk data free < 5.2%", ""),
    ],
)
def test_the_field_of_a_condition_is_found_among_the_recorded_ones(logic, condition, field):
    assert logic("fieldOf", condition) == field
    assert not field or logic("isField", f"observatory.{field.replace('.', '.feeds.', 1)}", field)
    assert not logic("isField", f"observatory.x{field}", field)


def test_a_plot_shows_the_time_at_which_an_alarm_was_raised(logic):
    assert logic("spanAround", WARM, NOW_AT) == {"live": True, "span_s": 3600}
    old = {**WARM, "since": NOW_AT - 86400}
    found = logic("spanAround", old, NOW_AT)
    assert found == {"live": False, "since": NOW_AT - 88200, "until": NOW_AT - 84600}


@pytest.fixture
def world():
    """A site with alarms that were raised a moment ago."""
    world = World()
    since = time.time() - 130
    world.alarms = [PUMP, {**DOME, "since": since}, {**WARM, "since": since}]
    world.deliveries = [
        {"receiver": "slack", "title": "warm", "at": since, "attempts": 9, "reason": "HTTP 404"}
    ]
    world.deliveries[0]["state"] = "undeliverable"
    return world


@pytest.fixture
def shown(page, world):
    """The page of that site."""
    with served(world) as url:
        page.goto(url)
        page.locator("#alarm-list li").first.wait_for()
        yield page


def test_what_is_raised_stands_in_a_banner_and_first_and_as_text(shown):
    assert shown.locator("#raised").inner_text().endswith("1 alarm raised: stage-warm")
    first = shown.locator("#alarm-list li").first
    assert "the 4 K stage is <b>too warm</b>" in first.inner_text()
    assert shown.locator("#delivery-list").inner_text() == (
        "Not delivered to slack, warm: undeliverable, 9 tries: HTTP 404"
    )
    assert shown.locator("#clear-count").inner_text() == "1 clear"


def test_acknowledging_and_silencing_need_the_padlock(shown, world):
    ack = shown.get_by_role("button", name="Acknowledge: stage-warm")
    assert ack.is_disabled()
    shown.keyboard.press("u")
    ack.click()
    shown.locator("#alarm-list", has_text="acknowledged by simon").wait_for()
    assert shown.locator("#raised").is_hidden()
    shown.get_by_role("button", name="Silence 12 h: dome-open").click()
    shown.get_by_role("button", name="End the silence: dome-open").click()
    shown.get_by_role("button", name="End the silence: dome-open").wait_for(state="hidden")
    assert [(words[1], words[2]) for words in world.asked] == [
        ("ack", {"name": "stage-warm"}),
        ("silence", {"name": "dome-open", "for_s": 43200}),
        ("unsilence", {"name": "dome-open"}),
    ]


def test_the_plot_of_an_alarm_is_one_click_away(shown):
    shown.get_by_role("button", name="plot of stage-warm").click()
    shown.wait_for_function("() => location.hash.includes('false_temperatures.channel_00')")
    shown.locator(".legend .value").first.wait_for()


def test_a_site_without_alarms_has_no_part_for_them(page):
    with served(World()) as url:
        page.goto(url)
        page.locator("#rows tr").first.wait_for()
        assert page.locator("#alarms").is_hidden()
        assert page.locator("#alarms-link").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_axe_finds_nothing_serious(shown, scheme, width):
    sync_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")
    shown.emulate_media(color_scheme=scheme)
    shown.set_viewport_size({"width": width, "height": 1200})
    found = sync_playwright.Axe().run(shown).response["violations"]
    assert [
        (each["id"], [node["html"] for node in each["nodes"]][:3])
        for each in found
        if each["impact"] in ("serious", "critical")
    ] == []
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
