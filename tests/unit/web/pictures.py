"""Draw the pictures of docs/see/page.md: ``python -m tests.unit.web.pictures``; look at each."""

from pathlib import Path

from tests.unit.web.chromium import browser
from tests.unit.web.stand_in import served
from tests.unit.web.world import MADE_UP, World

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
AGENTS = {
    "cryostat": "Lakeshore372Agent",
    "thermo1": "Lakeshore240Agent",
    "thermo2": "Lakeshore240Agent",
    "pressure": "PfeifferAgent",
    "weather": "VantagePro2Agent",
    "ups": "UPSAgent",
    "aggregator": "AggregatorAgent",
    "registry": "RegistryAgent",
}
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
FIELDS = "".join(
    f"&field={each}"
    for each in (
        "cryostat.false_temperatures.channel_00",
        "cryostat.false_temperatures.channel_02",
        "thermo2.false_temperatures.channel_01",
        "cryostat.status.mode",
    )
)


def main():
    """Draw all of them."""
    PICTURES.mkdir(exist_ok=True)
    with served(World(AGENTS, MADE_UP, "Telescope 1")) as address, browser() as chromium:
        draw(chromium, "page-sites", f"{address}#", WIDE, "wrong")
        draw(chromium, "page-instance", f"{address}#instance=cryostat", WIDE, "instance", "dark")
        draw(chromium, "page-data", f"{address}#{FIELDS}", WIDE, "data")
        draw(chromium, "page-phone", f"{address}#{FIELDS}", PHONE, "wrong")
        draw(chromium, "page-phone-data", f"{address}#{FIELDS}", PHONE, "data", "dark")


def draw(chromium, name, address, size, section, scheme="light"):
    """Draw what is seen after a while, with a section at the top."""
    page = chromium.new_page(viewport=size, color_scheme=scheme)
    page.goto(address)
    page.locator("#rows tr").first.wait_for()
    page.locator("#values tr").first.wait_for()
    page.evaluate("(id) => document.getElementById(id).scrollIntoView()", section)
    page.wait_for_timeout(3000)  # values come, the rates are drawn
    if section == "wrong":
        page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=PICTURES / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
