"""How Sphinx makes the site: `make docs`.

The source is the whole repository, so that pages link to each other as they do on a code host.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import intr_discover  # noqa: E402

project = "intr-discover"
copyright = "the intr-discover authors"
release = version = intr_discover.__version__
root_doc = "docs/index"
include_patterns = [
    "docs/**.md", "*.md", "data_prep/README.md", "benchmarks/README.md", "benchmarks/results/*.md",
    "notebooks/README.md",
]  # fmt: skip
exclude_patterns = ["build", ".venv", "report", "runs"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

myst_enable_extensions = ["dollarmath", "attrs_inline"]
myst_heading_anchors = 4
# A fragment of a page that tells of another program's file names is no link of ours.
suppress_warnings = ["myst.header"]

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes once, where the class tells of them
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
nitpicky = False

html_theme = "furo"
html_title = f"intr-discover {version}"
html_show_sourcelink = False
html_copy_source = False
