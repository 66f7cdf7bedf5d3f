"""The documentation is a site: it is built offline and strictly, and has every public name."""

import ast
import os
import re
import subprocess
import sys

import pytest
from sphinx.util.inventory import InventoryFile

from tests.helpers.commands import commands
from tests.helpers.documentation import ROOT, tracked

# No network: whatever asks for an address gets none.
OFFLINE = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


def build(source, out, *options):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    return subprocess.run(
        [*command, *options, "--conf-dir", str(ROOT / "docs"), str(source), str(out)],
        cwd=ROOT,
        env=OFFLINE,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    built = build(ROOT / "docs", out)
    assert built.returncode == 0, built.stderr
    return out


@pytest.fixture(scope="module")
def inventory(site):
    text = (site / "objects.inv").read_bytes()
    data = InventoryFile.loads(text, uri="").data
    return {kind.removeprefix("py:"): set(names) for kind, names in data.items()}


def defined(path):
    """The public names that a module defines: classes and their methods, functions, constants."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                yield f"{module}.{name}"
                for one in node.body:
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield f"{module}.{name}.{one.name}"
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield f"{module}.{name}"
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                if name.isupper():
                    yield f"{module}.{name}"


def is_public(name):
    return not any(part.startswith("_") for part in name.split("."))


def test_every_public_name_is_in_the_reference(inventory):
    modules = [path for path in tracked("ape_v2v/*.py") if "_cli" not in path.parts]
    names = {name for path in modules for name in defined(path) if is_public(name)}
    listed = set().union(*inventory.values())

    assert len(names) > 500
    assert sorted(names - listed) == []


ADDED = ("network", "provider_settings")
"""Options that Ape adds to a command when it is called for the first time."""


def test_every_command_and_option_is_in_the_reference(site):
    for words, command in commands():
        page = (site / "reference" / "commands" / f"{words[0]}.html").read_text("utf-8")
        assert f"ape-v2v-{'-'.join(words)}" in page
        for param in command.params:
            if param.name in ADDED:
                continue
            name = (param.metavar or "").strip("[].") if param.name in param.opts else ""
            name = name or param.opts[0].lstrip("-")
            assert name.upper() in page.upper(), param.opts


def test_pages_load_nothing_from_elsewhere(site):
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(https?:)?//", re.I)
    pages = list(site.rglob("*.html"))

    assert len(pages) > 30
    assert [page.name for page in pages if loaded.search(page.read_text("utf-8"))] == []


def test_diagrams_are_drawn_by_a_script_of_the_site(site):
    page = (site / "index.html").read_text("utf-8")

    assert 'class="mermaid"' in page
    assert "_static/mermaid.tiny.js" in page
    assert (site / "_static" / "mermaid.tiny.js").stat().st_size > 10**6
    assert "mermaid.tiny.js" not in (site / "cli.html").read_text("utf-8")


def test_the_site_can_be_searched(site):
    index = (site / "searchindex.js").read_text("utf-8")
    assert "startauct" in index  # a word's stem, as the search asks for it


# --- What is wrong fails the build


def test_what_leads_nowhere_fails_the_build(tmp_path):
    (tmp_path / "lost.md").write_text("# A page that no other one names\n", "utf-8")
    (tmp_path / "index.md").write_text(
        "# Title\n\n[x](missing.md) [x](#nowhere)\n\n```{toctree}\nabsent\n```\n", "utf-8"
    )

    built = build(tmp_path, tmp_path / "out", "--builder", "dummy")

    assert built.returncode != 0
    for fault in ("missing.md", "nowhere", "absent", "lost.md"):
        assert fault in built.stderr
