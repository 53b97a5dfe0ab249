"""The site as it was built: each link leads somewhere, and nothing comes from outside.

``python -m sphinx -W --keep-going -b html docs build/site`` builds it.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
SOURCES = [
    path.relative_to(ROOT / "docs")
    for path in (ROOT / "docs").rglob("*.*")
    if path.suffix in (".md", ".ipynb")
]

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site has not been built"),
]

# The attributes with the address of something that a page loads at once, by element.
LOADED = {
    "img": ("src", "srcset"), "script": ("src",), "link": ("href",), "iframe": ("src",),
    "source": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",),
    "object": ("data",), "embed": ("src",), "image": ("href", "xlink:href"),
}  # fmt: skip


class Page(HTMLParser):
    """A page, with its anchors, its links and the addresses of what it loads."""

    def __init__(self, path):
        super().__init__()
        self.path, self.anchors, self.links, self.loaded = path, set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values.get("id"), values.get("name")}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        for name in LOADED.get(tag, ()):
            addresses = values.get(name) or ""
            # A srcset has several addresses, each with a width or a resolution.
            parts = addresses.split(",") if name == "srcset" else [addresses]
            self.loaded += [part.split()[0] for part in parts if part.strip()]


@pytest.fixture(scope="module")
def pages():
    """Return all pages, by their paths. Those in _static are not made by Sphinx."""
    paths = (path for path in SITE.rglob("*.html") if "_static" not in path.parts)
    return {path: Page(path) for path in paths}


def is_outside(address):
    """Return whether an address leads out of the site."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def target(page, address):
    """Return the file that an address leads to, and the anchor."""
    parts = urlsplit(address)
    path = page.path.parent / unquote(parts.path) if parts.path else page.path
    return path.resolve(), unquote(parts.fragment)


def is_broken(pages, page, address):
    path, anchor = target(page, address)
    if not path.is_file() or SITE not in path.parents:
        return True
    return bool(anchor) and path in pages and anchor not in pages[path].anchors


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_every_source_is_a_page_or_a_file_for_students(source):
    is_assignment = source.parent.name == "assignments"
    assert (SITE / source).with_suffix(".ipynb" if is_assignment else ".html").is_file()


def test_every_link_leads_to_a_page_and_an_anchor_of_it(pages):
    broken = [
        (str(page.path.relative_to(SITE)), link)
        for page in pages.values()
        for link in page.links
        if not is_outside(link) and is_broken(pages, page, link)
    ]
    assert broken == []


def test_everything_that_a_page_loads_is_in_the_site(pages):
    missing = [
        (str(page.path.relative_to(SITE)), address)
        for page in pages.values()
        for address in page.loaded
        if not address.startswith("data:")
        and (is_outside(address) or is_broken(pages, page, address))
    ]
    assert missing == []


def test_no_style_sheet_loads_anything_from_outside():
    outside = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
    sheets = list(SITE.rglob("*.css"))
    assert sheets
    assert [str(path) for path in sheets if outside.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("source", [s for s in SOURCES if s.match("notebooks/*.ipynb")], ids=str)
def test_a_notebook_shows_its_pictures(pages, source):
    page = pages[(SITE / source).with_suffix(".html")]
    assert any("_images" in address for address in page.loaded)


def test_no_page_of_the_site_shows_a_solution(pages):
    assert not any("SOLUTION" in page.path.read_text(encoding="utf-8") for page in pages.values())
