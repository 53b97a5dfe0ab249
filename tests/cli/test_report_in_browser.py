"""The lecture's page in a browser, where Chromium and Playwright are installed."""

import shutil

import pytest

from oneneuron.cli import main

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """The page open, what it asked for and what its console said."""
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "100", "--output", str(folder),
          "--html", str(path)])  # fmt: skip
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        yield page, requests, complaints, path
        browser.close()


def test_the_page_asks_for_nothing_but_itself(visit):
    _, requests, _, path = visit
    assert requests == [path.as_uri()]


def test_the_console_stays_empty(visit):
    _, _, complaints, _ = visit
    assert complaints == []


def test_every_picture_is_shown_whole(visit):
    page, *_ = visit
    sizes = page.evaluate("[...document.images].map(image => [image.naturalWidth, image.width])")
    assert len(sizes) == 5
    assert all(natural > shown > 300 for natural, shown in sizes)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_of_a_window(visit, width):
    page, *_ = visit
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
