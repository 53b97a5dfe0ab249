"""The settings of the site: ``python -m sphinx -W --keep-going -b html docs build/site``."""

import shutil
import sys
from importlib.metadata import version as version_of
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from numpydoc.xref import DEFAULT_LINKS
from sphinx.util.inspect import signature, stringify_signature

sys.path.insert(0, str(Path(__file__).parent))
import hand_out

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
exclude_patterns = ["api/templates", "auto_gallery/*.ipynb", "gallery", "notebooks/assignments"]
smartquotes = False

# --- Pages and notebooks ---

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# --- The API ---

templates_path = ["api/templates"]
default_role = "autolink"
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    **{name: f"oneneuron.{name}" for name in ("Descent", "History", "Model", "NeuronClassifier")},
    **{name: f"oneneuron.compare.{name}" for name in ("Problem", "Timing")},
}
DEFAULT_LINKS.clear()  # they would lead to pages of NumPy and Python
toc_object_entries_show_parents = "hide"

# --- The gallery ---

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "abort_on_example_error": True,
    "backreferences_dir": "api/generated/uses",
    "capture_repr": (),
    "doc_module": ("oneneuron",),
    "download_all_examples": False,
    "image_srcset": ["2x"],
    "matplotlib_animations": (True, "jshtml"),
    "min_reported_time": 3600,
    "parallel": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

# --- The look ---

html_theme = "pydata_sphinx_theme"
html_title = f"oneneuron {release}"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "footer_end": [],
    "footer_start": ["copyright"],
    "header_links_before_dropdown": 8,
    "logo": {"text": "oneneuron"},
    "navbar_align": "left",
    "secondary_sidebar_items": {"**": ["page-toc"], "playground": []},
    "show_toc_level": 2,
}
html_sidebars = {page: [] for page in ("index", "playground", "questions", "inside", "benchmarks")}
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False

# Nothing comes from a network: MathJax is a part of the site, and widgets are shown as they are.
mathjax_files = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0], "static")
playground = Path(str(files("oneneuron"))) / "cli" / "playground.html"
html_static_path = ["_static", str(mathjax_files), str(playground)]
mathjax_path = "mathjax/tex-chtml.js"
nb_ipywidgets_js = {}


# --- What Sphinx calls ---


def class_signature(app, what, name, obj, options, arguments, returned):
    """Return the signature of a class without its annotations, as `help` shows it."""
    if what == "class":
        return stringify_signature(signature(obj), show_annotation=False), ""
    return None


def trim_sessions(app, docname, source):
    """Remove the blank line that ends a session for doctest, and would be shown."""
    source[0] = source[0].replace("\n\n```\n", "\n```\n")


def add_assignments(app, error):
    """Add the assignments to the site, without their solutions."""
    if error is None and app.builder.name == "html":
        folder = Path(app.outdir) / "notebooks" / "assignments"
        shutil.rmtree(folder, ignore_errors=True)
        hand_out.main(folder)


def setup(app):
    """Tell Sphinx when to call the functions above."""
    app.connect("autodoc-process-signature", class_signature)
    app.connect("source-read", trim_sessions)
    app.connect("build-finished", add_assignments)
