"""The settings of the site: ``python -m sphinx -W --keep-going -b html docs build/site``."""

import os
import shutil
import sys
from importlib.metadata import version as version_of
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

# The notebooks run in processes of their own, where pictures must not open windows.
os.environ["MPLBACKEND"] = "agg"
DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

project = "oneneuron"
author = "The oneneuron developers"
version = release = version_of("oneneuron")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
# Solutions stay out of the site, which has the copies for students instead.
exclude_patterns = ["gallery", "auto_gallery/*.ipynb", "notebooks/assignments"]


# --- Pages and notebooks ---

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# --- The API ---

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

# --- The gallery ---

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "image_srcset": ["2x"],
    "matplotlib_animations": (True, "jshtml"),
    "parallel": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

# --- The look ---

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
}
html_title = f"oneneuron {release}"
html_copy_source = False
html_show_sourcelink = False

# Nothing comes from a network: MathJax is part of the site, and there are no scripts for widgets.
html_static_path = [
    "_static",
    find_spec("sphinx-mathjax-offline").submodule_search_locations[0] + "/static",
]
mathjax_path = "mathjax/tex-chtml.js"
nb_ipywidgets_js = {}


def add_files(app, error):
    """Add the playground and the assignments for students to the site."""
    if error is not None or app.builder.name != "html":
        return
    site, playground = Path(app.outdir), files("oneneuron") / "cli" / "playground.html"
    if playground.exists():  # until it is merged
        shutil.copy(playground, site / "playground.html")
    if (DOCS / "hand_out.py").exists():  # until it is merged
        import hand_out

        shutil.rmtree(site / "assignments", ignore_errors=True)
        hand_out.main(site / "assignments")


def setup(app):
    """Let Sphinx call `add_files` at the end."""
    app.connect("build-finished", add_files)
