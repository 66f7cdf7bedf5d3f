"""Mermaid's diagrams, drawn in the reader's browser by a script that the site brings with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import Directive

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# A classic script, not a module: browsers load modules from no file.
SCRIPT = "mermaid.tiny.js"
START = """
mermaid.initialize({startOnLoad: true, securityLevel: "strict", theme:
  (document.body.dataset.theme === "dark" || (document.body.dataset.theme !== "light" &&
    matchMedia("(prefers-color-scheme: dark)").matches)) ? "dark" : "neutral"});
"""


class Diagram(nodes.General, nodes.Element):
    """A diagram's text."""


class Mermaid(Directive):
    """The directive `mermaid`, which a fenced block of that language is."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [Diagram(text="\n".join(self.content))]


def visit(translator: Any, node: Diagram) -> None:
    text = translator.encode(node["text"])
    translator.body.append(f'<div class="diagram"><pre class="mermaid">{text}</pre></div>')
    raise nodes.SkipNode


def load(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load the script on pages that have a diagram, and on no other: it is large."""
    if doctree is not None and doctree.next_node(Diagram):
        app.add_js_file(SCRIPT)
        app.add_js_file(None, body=START)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("mermaid", Mermaid)
    app.add_node(Diagram, html=(visit, None))
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
