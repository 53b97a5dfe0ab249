"""The HTML pages in a browser. This needs Chromium and Playwright."""

import pytest
from chromium import MARKS, visit_page

from oneneuron.cli import main
from oneneuron.cli._compare_page import Comparison, compare_page
from oneneuron.compare import Timing

pytestmark = MARKS


def write_lecture_page(folder, path):
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "100", "--output", str(folder),
          "--html", str(path)])  # fmt: skip


def write_table_page(folder, path):
    # Names that are markup, or too long for one line of a narrow window.
    header = "<img src=http://a.test/x>,a very long name of a column and then even more,kind,class"
    rows = [f"{i * 7 % 31},{i * 5 % 17},{'<b>x</b>' if i % 3 else 'y'},c{i % 3}" for i in range(60)]
    (folder / "t.csv").write_text("\n".join([header, *rows]) + "\n")
    main(["fit", str(folder / "t.csv"), "--target", "class", "--output", str(folder / "m.json"),
          "--html", str(path)])  # fmt: skip


def write_comparison_page(folder, path):
    names = ["pure Python", "the lecture's style", "oneneuron, baseline", "oneneuron, float32"]
    timings = [Timing(name, 9, 4.0**-i, 1.0, None, 4.0**i, 9, None) for i, name in enumerate(names)]
    page = compare_page(Comparison(timings, "2 samples", "notes", "oneneuron compare"))
    path.write_text(page, encoding="utf-8")


@pytest.fixture(
    scope="module",
    params=[(write_lecture_page, 5), (write_table_page, 6), (write_comparison_page, 0)],
    ids=["lecture", "table", "comparison"],
)
def visit(tmp_path_factory, request):
    """The open page, the addresses that it requested, the messages on its console, and more."""
    write, num_pictures = request.param
    folder = tmp_path_factory.mktemp("report")
    path = folder / "page.html"
    write(folder, path)
    with visit_page(path.as_uri()) as (page, requests, messages):
        page.wait_for_load_state("networkidle")
        yield page, requests, messages, path, num_pictures


def test_the_page_requests_nothing_but_itself(visit):
    _, requests, _, path, _ = visit
    assert requests == [path.as_uri()]


def test_the_console_stays_empty(visit):
    _, _, messages, _, _ = visit
    assert messages == []


def test_every_picture_is_visible_and_fully_loaded(visit):
    page, _, _, _, num_pictures = visit
    sizes = page.evaluate("[...document.images].map(image => [image.naturalWidth, image.width])")
    assert len(sizes) == num_pictures
    assert all(natural > shown > 300 for natural, shown in sizes)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_no_wider_than_the_window(visit, width):
    page, *_ = visit
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
