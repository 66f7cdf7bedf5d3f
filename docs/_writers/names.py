"""References to names that the site does not have are text at once.

Sphinx looks for each of them, Python's own and other packages', among all of ours: a quarter of the
time of the build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import find_pending_xref_condition

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class NamesOfOthers(SphinxPostTransform):
    """Runs before Sphinx resolves references."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        python = self.env.domains.python_domain
        ours = {name.rpartition(".")[2] for name in (*python.objects, *python.modules)}
        for node in list(self.document.findall(pending_xref)):
            if node.get("refdomain") != "py" or node["reftarget"].rpartition(".")[2] in ours:
                continue
            shown = find_pending_xref_condition(node, "*")
            node.replace_self(node.children[:1] if shown is None else shown.children)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(NamesOfOthers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
