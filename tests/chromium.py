"""Pages in Chromium, for the tests of HTML. This needs Chromium and Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

_PATH = shutil.which("chromium") or shutil.which("chromium-browser")

# What every test file that opens pages has as its `pytestmark`.
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(find_spec("playwright") is None, reason="no Playwright"),
    pytest.mark.skipif(_PATH is None, reason="no Chromium on the path"),
]


class Visit(NamedTuple):
    """An open page, the addresses that it requested, and the messages on its console."""

    page: Any
    requests: list[str]
    messages: list[str]


@contextmanager
def visit_page(address: str, **options: Any) -> Iterator[Visit]:
    """Open a page in a window of 1280 x 800 pixels, or with other options of `new_page`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_PATH, args=["--no-sandbox"])
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
        visit = Visit(page, [], [])
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("console", lambda message: visit.messages.append(message.text))
        page.on("pageerror", lambda error: visit.messages.append(str(error)))
        page.goto(address)
        yield visit
        browser.close()
