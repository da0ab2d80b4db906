"""The HTML sheet as a person uses it: keyboard, light and dark, phone and wide screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support import sheets

from duktus.domain.decision import DecisionKind, Standing
from duktus.domain.series import Axis
from duktus.rendering.sheet import sheet_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

AXES = (
    Axis(name="strength", values=(0.0, 0.5, 1.0)),
    Axis(name="cfg", values=(3.0, 5.0)),
    Axis(name="seed", values=(1, 2)),
)

PATIENCE = 300_000
"""Milliseconds: a busy machine is no failure."""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sheet")
    cells = sheets.sweep(folder, AXES)
    cells[0] = replace(cells[0], standing=Standing(verdict=DecisionKind.KEEP, stars=4))
    cells[1] = replace(cells[1], standing=Standing(verdict=DecisionKind.DISCARD, reason="too flat"))
    cells[2] = replace(cells[2], path=folder / "nowhere.png")
    sheet_html("A hand", AXES, cells[:-1], folder / "sheet.html", notes=("cfg changed nothing.",))
    return (folder / "sheet.html").as_uri()


@pytest.fixture
def page(browser: Browser, sheet: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = getattr(request, "param", (1440, "light"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    said: list[str] = []

    def logged(message: ConsoleMessage) -> None:
        said.append(message.text)

    def failed(error: Error) -> None:
        said.append(str(error))

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "data:")):
            said.append(request.url)

    page.on("console", logged)
    page.on("pageerror", failed)
    page.on("request", asked)
    page.goto(sheet)
    yield page
    assert said == [], "the sheet logs, fails and asks for nothing"
    context.close()


def title(page: Page) -> str:
    return page.locator("dialog h2").inner_text()


def wide(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["width"]


def test_the_keyboard_walks_across_the_sheet(page: Page) -> None:
    page.locator(".enlarge").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog").is_visible()
    assert title(page) == "strength 0.0, cfg 3, seed 1"
    page.keyboard.press("ArrowRight")
    assert title(page) == "strength 0.5, cfg 3, seed 1"
    page.keyboard.press("ArrowDown")
    assert title(page) == "strength 0.5, cfg 5, seed 1"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert title(page) == "strength 0.0, cfg 3, seed 1"
    page.keyboard.press("ArrowLeft")
    assert "seed 2" in title(page)
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert "seed 2" in page.evaluate("document.activeElement.querySelector('img').alt")


def test_the_large_view_shows_facts_decision_and_differences(page: Page) -> None:
    page.locator(".discard .enlarge").click()
    words = page.locator("dialog").inner_text()
    for expected in ("too flat", "discarded", "r-", "a-", "Mean pixel change", "seed 1 → 2"):
        assert expected in words
    natural = page.evaluate("document.querySelector('dialog img').naturalWidth")
    assert natural == 64
    assert wide(page, "dialog img") > 512
    page.get_by_role("button", name="Show pixels").click()
    assert (
        page.evaluate("getComputedStyle(document.querySelector('dialog img')).imageRendering") == "pixelated"
    )
    page.get_by_role("button", name="Close").click()
    assert not page.locator("dialog").is_visible()


def test_size_and_differences_are_switched_by_buttons(page: Page) -> None:
    widths: list[float] = []
    for name in ("Small", "Medium", "Large"):
        page.get_by_role("button", name=name).click()
        widths.append(wide(page, "figure"))
    assert widths == sorted(set(widths))
    assert not page.locator("td .differences").first.is_visible()
    page.get_by_role("button", name="Differences").click()
    assert page.locator("td .differences").first.is_visible()
    assert "identical" in page.locator("td .differences .same").first.inner_text()


def test_focus_is_visible(page: Page) -> None:
    page.keyboard.press("Tab")
    outline = page.evaluate(
        "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
    )
    assert outline[0] == "solid"
    assert outline[1] >= 2


@pytest.mark.parametrize(
    "page", [(w, s) for w in (360, 768, 1440, 2560) for s in ("light", "dark")], indirect=True
)
def test_the_page_never_scrolls_sideways_and_its_text_is_readable(page: Page) -> None:
    page.get_by_role("button", name="Differences").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    poor = page.evaluate(CONTRAST)
    assert poor == []


def test_tables_are_tables_to_a_screen_reader(page: Page) -> None:
    tree = page.locator("main").aria_snapshot()
    assert tree.count("- table") == 2
    assert 'columnheader "strength 0.5"' in tree
    assert 'rowheader "cfg 3"' in tree
    assert "Picture 1: strength 0.0, cfg 3, seed 1, kept, 4 stars" in tree


# Every visible text against the ground it stands on, by the formula of WCAG 2.2; AA asks for 4.5.
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((v) => linear(v / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([element.textContent.trim(), ratio]);
  }
  return poor;
}"""
