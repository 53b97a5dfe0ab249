"""The links of the pages as they are in the repository: each leads to a file, and to a heading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "benchmarks").glob("*.md"),
    *(path for path in (ROOT / "docs").rglob("*.md") if "generated" not in path.parts),
]

# The gallery's pages exist only in the site.
NOT_IN_THE_REPOSITORY = {"auto_gallery/index.rst"}

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="needs the whole repository"
)


def links_of(page):
    """Return the addresses in a page's links and pictures that lead to files."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    addresses = re.findall(r"\]\(([^)\s]+)\)", text)
    return [a for a in addresses if "://" not in a and a not in NOT_IN_THE_REPOSITORY]


def anchors_of(page):
    """Return the anchors that GitHub and the site give to the headings of a page."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    broken = []
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        found = page.parent / path if path else page
        if not found.exists() or (anchor and anchor not in anchors_of(found)):
            broken.append(link)
    assert broken == []
