"""How the documentation is built: `make site`, offline; a warning fails it.

Pages are Markdown, in this folder. The references of the commands and of the Python API are
written from the code while the site is built (`_writers/reference.py`), into a folder that git
ignores.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT)]

project = "ape-v2v"
release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
version = release
# Without names of people and a year, the same sources give the same site.
project_copyright = "the ape-v2v contributors, MIT licence"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "docs._writers.diagrams",
    "docs._writers.links",
    "docs._writers.names",
    "docs._writers.reference",
]

exclude_patterns = ["_writers", "_static"]
source_suffix = {".md": "markdown"}
# Of names that two modules have, in signatures: the page says which module they are of.
suppress_warnings = ["ref.python"]

# --- Pages
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# --- What comes from the code
# An EVM that has no wheel for every Python: its chain is described without it.
autodoc_mock_imports = [name for name in ("pyrevm",) if find_spec(name) is None]
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
add_module_names = False
default_role = "literal"  # one backtick, in docstrings as in pages
napoleon_numpy_docstring = False
toc_object_entries_show_parents = "hide"

# --- What it looks like
html_theme = "furo"
html_title = "ape-v2v"
html_static_path = ["_static", "../node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#5fd3a5", "color-brand-content": "#5fd3a5"},
}
