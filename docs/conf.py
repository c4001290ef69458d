"""
Sphinx's configuration: Markdown pages, docstrings as the reference, every warning an error.
"""

from __future__ import annotations

from postroom._version import __version__

project = "postroom"
author = "The postroom maintainers"
project_copyright = "The postroom maintainers; Apache License 2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"postroom {__version__}"

# Pages link to headings as `page.md#heading`; `{term}` links to the glossary.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings: Google's sections, single backticks around names of any kind.
default_role = "literal"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
autoclass_content = "class"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}

# References are checked within postroom. There is no inventory of other packages at hand, and a class that is
# shown in its public module but lives in a private one is found under its public name alone.
nitpick_ignore_regex = [("py:.*", r"(?!postroom\.).*"), ("py:.*", r".*\._.*")]

# The built-in `bytes` in a signature is looked for among our own fields of that name first, and there are several.
suppress_warnings = ["ref.python"]
