"""Draw the pictures of docs/see/page.md: ``python -m tests.unit.web.pictures``; look at each.

For each picture, `outlines/` has every visible element of the page with its text and its look,
without what time changes. test_pictures.py compares it with the page of today.
"""

import base64
import re
from pathlib import Path
from typing import NamedTuple

from ocsd import __version__
from tests.unit.web.chromium import browser
from tests.unit.web.stand_in import served
from tests.unit.web.world import MADE_UP, World

PICTURES = Path(__file__).parents[4] / "docs" / "pictures"
OUTLINES = Path(__file__).parent / "outlines"
COMMAND = "python -m tests.unit.web.pictures"
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
PATIENCE_MS = 60_000
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
DRAWN = {
    "page-sites": ("", WIDE, "wrong", "light"),
    "page-instance": ("instance=cryostat", WIDE, "instance", "dark"),
    "page-data": (FIELDS, WIDE, "data", "light"),
    "page-phone": (FIELDS, PHONE, "wrong", "light"),
    "page-phone-data": (FIELDS, PHONE, "data", "dark"),
}
"""The end of the address, the size, the section at the top, and the colours of each picture."""

_OUTLINE = """() => {
  const seen = [];
  for (const each of document.body.querySelectorAll("*")) {
    if (!each.checkVisibility({ checkVisibilityCSS: true }) || each.closest("svg") !== null
        && each.tagName !== "svg") continue;
    const text = [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.data.trim()).filter(Boolean).join(" ");
    const look = getComputedStyle(each);
    const is_drawn = look.backgroundColor !== "rgba(0, 0, 0, 0)" || look.borderTopWidth !== "0px"
      || ["CANVAS", "svg", "INPUT", "SELECT"].includes(each.tagName);
    if (!text && !is_drawn || text === "\\u2013" || /^[\\d.]+$/.test(text)) continue;
    const name = [each.tagName.toLowerCase(), ...each.classList].join(".");
    const words = [look.color, look.backgroundColor, look.fontSize, look.fontWeight, look.padding,
      look.borderTopWidth, look.borderTopColor].join(" ");
    seen.push(`${name} ${JSON.stringify(text || each.placeholder || "")} ${words}`);
  }
  return seen;
}"""
_READY = """([section, plotted]) => {
  const values = [...document.querySelectorAll(".legend .value")];
  const are_drawn = section !== "data"
    || values.length === plotted && values.every((each) => each.textContent.trim());
  const is_told = section !== "instance" || document.querySelector("#instance .log-lines p");
  return are_drawn && is_told && document.querySelectorAll("#rows svg path[d]").length > 4
    && document.querySelector("#values tr");
}"""
_COARSE = """async ([bytes, columns, rows]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${bytes}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, columns, rows);
  const pixels = [...context.getImageData(0, 0, columns, rows).data];
  return { size: [image.width, image.height], pixels };
}"""


class Drawn(NamedTuple):
    """A picture of the page, and what it shows."""

    png: bytes
    outline: str


def draw(chromium):
    """Return the pictures by name."""
    # In one window: to open one takes more than to load the page in it.
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE_MS)
    try:
        with served(World(AGENTS, MADE_UP, "Telescope 1")) as address:
            return {name: _drawn(page, address, *given) for name, given in DRAWN.items()}
    finally:
        page.close()


def _drawn(page, address, target, size, section, scheme):
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    page.goto("about:blank")  # The next address may differ in its end only.
    page.goto(f"{address}#{target}")
    page.locator("#values tr").first.wait_for()
    page.evaluate("(id) => document.getElementById(id).scrollIntoView()", section)
    if section == "wrong":
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_function(_READY, arg=[section, target.count("&field=")])
    lines = map(without_time, page.evaluate(_OUTLINE))
    outline = "".join(f"{each}\n" for each in dict.fromkeys(lines))
    return Drawn(page.screenshot(), outline)


def without_time(line):
    """Return a line of an outline without the numbers in its text: values, ages, times of day."""
    name, text, look = re.fullmatch(r'(\S+) (".*") (.*)', line).groups()
    words = [
        word if __version__ in word else re.sub(r"[\d.,:]*\d", "#", word)
        for word in text.split(" ")
    ]
    text = re.sub(r"# (?:min|s|h|d)(?: # (?:min|s|h|d))+", "# s", " ".join(words))
    return f"{name} {re.sub('# (?:min|h|d)', '# s', text)} {look}"


def coarse(page, png, columns=16, rows=12):
    """Return the size of a picture, and the mean colours of its parts as one list."""
    return page.evaluate(_COARSE, [base64.b64encode(png).decode(), columns, rows])


def main():
    """Draw all of them."""
    OUTLINES.mkdir(exist_ok=True)
    with browser() as chromium:
        for name, drawn in draw(chromium).items():
            (PICTURES / f"{name}.png").write_bytes(drawn.png)
            (OUTLINES / f"{name}.txt").write_text(drawn.outline)
