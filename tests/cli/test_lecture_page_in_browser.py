"""The HTML page of the lecture in a browser. This needs Chromium and Playwright."""

import shutil

import pytest

from oneneuron.cli import main

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """The open page, the addresses that it requested, and the messages on its console."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "lecture_page.html"
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "100", "--output", str(folder),
          "--html", str(path)])  # fmt: skip
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        requests, messages = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        yield page, requests, messages, path
        browser.close()


def test_the_page_requests_nothing_but_itself(visit):
    _, requests, _, path = visit
    assert requests == [path.as_uri()]


def test_the_console_stays_empty(visit):
    _, _, messages, _ = visit
    assert messages == []


def test_every_picture_is_visible_and_fully_loaded(visit):
    page, *_ = visit
    sizes = page.evaluate("[...document.images].map(image => [image.naturalWidth, image.width])")
    assert len(sizes) == 5
    assert all(natural > shown > 300 for natural, shown in sizes)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_no_wider_than_the_window(visit, width):
    page, *_ = visit
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
