"""The built site in Chromium, wide and narrow, light and dark. This needs Playwright."""

import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
SITE = Path(__file__).parents[2] / "build" / "site"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)

# One page of each kind: a start page, a table, formulas and outputs, a player, and an API page.
KINDS = [
    "index.html", "playground.html", "benchmarks.html", "notebooks/1_lecture.html",
    "auto_gallery/plot_animation.html", "api/index.html",
]  # fmt: skip

pytestmark = [
    pytest.mark.site,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
    pytest.mark.skipif(not SITE.exists(), reason="the site has not been built"),
]

# The texts that reach beyond the window, except in tables and blocks of code, which scroll.
STICKING_OUT = """() => {
  const canScroll = element => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const scrolls = element =>
    !element.matches("article, main") && (canScroll(element) || scrolls(element.parentElement));
  const found = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    const isForScreenReaders = node.parentElement.closest("mjx-assistive-mml");
    if (!isForScreenReaders && box.right > innerWidth + 1 && !scrolls(node.parentElement)) {
      found.push(node.textContent.trim());
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page");
  return found;
}"""

# The brightness of the page and of its text, from 0 to 1.
BRIGHTNESS = """() => {
  const style = getComputedStyle(document.body);
  const brightness = color => color.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) / 765;
  return [brightness(style.backgroundColor), brightness(style.color)];
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_no_text_sticks_out_of_any_page(browser, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    found = {}
    for path in PAGES:
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        if texts := page.evaluate(STICKING_OUT):
            found[str(path.relative_to(SITE))] = texts
    page.close()
    assert found == {}


@pytest.mark.parametrize("name", KINDS)
def test_a_page_requests_only_files_of_the_site(browser, name):
    page = browser.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((SITE / name).as_uri())
    page.wait_for_timeout(1000)
    page.close()
    assert [url for url in requests if not url.startswith((SITE.as_uri(), "data:", "blob:"))] == []


@pytest.mark.parametrize("name", KINDS)
def test_a_page_logs_no_errors(browser, name):
    page = browser.new_page()
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((SITE / name).as_uri())
    page.wait_for_timeout(1000)
    page.close()
    assert errors == []


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_as_light_or_dark_as_the_system(browser, name, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto((SITE / name).as_uri())
    background, text = page.evaluate(BRIGHTNESS)
    page.close()
    assert (background < 0.3 < 0.7 < text) if scheme == "dark" else (text < 0.3 < 0.7 < background)


def test_formulas_are_set_without_a_network(browser):
    page = browser.new_page()
    page.goto((SITE / "notebooks" / "1_lecture.html").as_uri())
    page.wait_for_selector("mjx-container mjx-math")
    page.close()
