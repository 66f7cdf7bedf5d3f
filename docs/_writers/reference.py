"""The references: a page for each topic of the commands, and for each room of the package.

They are written from the code when the site is built, so nothing has to be listed by hand and
nothing public can be left out.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sphinx.addnodes import desc_signature

from docs._writers.links import project_pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sphinx.application import Sphinx

PACKAGE = "ape_v2v"
FOLDER = Path(__file__).resolve().parents[1] / "reference"
OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*\w")
INDENTED = re.compile(r" {4}\S")


# --- The Python API


def public_modules(package: str = PACKAGE) -> Iterator[str]:
    """The package's modules that are for others, by name: none with an underscore, in order."""
    module = importlib.import_module(package)
    yield package
    for found in sorted(pkgutil.iter_modules(module.__path__), key=lambda one: one.name):
        name = f"{package}.{found.name}"
        if found.name.startswith("_"):
            continue
        if found.ispkg:
            yield from public_modules(name)
        else:
            yield name


def constants(module: ModuleType) -> list[str]:
    """The public constants that a module itself defines, in order."""
    tree = ast.parse(inspect.getsource(module))
    names = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names += [one.id for one in node.targets if isinstance(one, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if name.isupper() and not name.startswith("_")]


def rooms() -> dict[str, list[str]]:
    """The package's rooms with their modules; the face of the package, and loose ones, first."""
    found: dict[str, list[str]] = {PACKAGE: []}
    for name in public_modules():
        parts = name.split(".")
        module = importlib.import_module(name)
        in_a_room = len(parts) > len((PACKAGE, "room")) or hasattr(module, "__path__")
        room = ".".join(parts[:2]) if in_a_room else PACKAGE
        found.setdefault(room, []).append(name)
    return found


def room_page(room: str, modules: list[str]) -> str:
    title = room.removeprefix(f"{PACKAGE}.")
    lines = [f"# {title}" if room != PACKAGE else f"# {PACKAGE}: the package's face", ""]
    for name in modules:
        is_package = name == room
        if not is_package:
            lines += [f"## {name.removeprefix(f'{PACKAGE}.')}", ""]
        # What a room's door hands out is described where it is defined.
        lines += ["```{eval-rst}", f".. automodule:: {name}", "   :ignore-module-all:"]
        # Sphinx leaves out constants without a docstring: each is asked for by its name.
        if own := constants(importlib.import_module(name)):
            lines += [f"   :exclude-members: {', '.join(own)}", ""]
            lines += [f".. autodata:: {name}.{one}" for one in own]
        lines += ["```", ""]
        if is_package and (handed_out := getattr(importlib.import_module(name), "__all__", ())):
            lines += [f"`from {name} import …`:", "", *door(name, handed_out), ""]
    return "\n".join(lines)


def door(package: str, names: Any) -> Iterator[str]:
    """A row for each name of a door: where it is defined, and its first sentence."""
    yield "| name | defined in |"
    yield "| --- | --- |"
    module = importlib.import_module(package)
    for name in sorted(names):
        value = getattr(module, name)
        home = getattr(value, "__module__", package)
        yield f"| {{py:obj}}`{name} <{home}.{name}>` | `{home}` |"


def python_pages() -> dict[str, str]:
    pages = {}
    for room, modules in rooms().items():
        pages[f"python/{room.removeprefix(f'{PACKAGE}.')}"] = room_page(room, modules)
    lines = ["# The Python API", ""]
    lines += ["Every public name of the package, by the room it is in: its parameters and their"]
    lines += ["types, units, what it returns and which errors it raises. Guides: "]
    lines += ["[the Python API](../api.md), [architecture](../architecture.md).", ""]
    lines += ["```{toctree}", ":maxdepth: 2", "", *sorted(pages), "```"]
    return pages | {"python": "\n".join(lines) + "\n"}


# --- The commands


def command_pages() -> dict[str, str]:
    from ape_v2v._cli import cli  # noqa: PLC0415 - only when the site is built

    pages = {}
    with click.Context(cli, info_name="ape v2v") as context:
        for name in cli.list_commands(context):
            lines = ["```{eval-rst}"]
            lines += [f".. click:: docs._writers.reference:command_{name}"]
            lines += [f"   :prog: ape v2v {name}", "   :nested: full", "```", ""]
            pages[f"commands/{name}"] = "\n".join(lines)
            globals()[f"command_{name}"] = cli.get_command(context, name)
    lines = ["# The commands", ""]
    lines += ["Every command with its arguments and options, as `--help` gives it. The guide is"]
    lines += ["[here](../cli.md).", ""]
    lines += ["```{toctree}", ":maxdepth: 2", "", *pages, "```"]
    return pages | {"commands": "\n".join(lines) + "\n"}


# --- For Sphinx


def write(app: Sphinx) -> None:
    """Write the pages that have changed, and take away those of what is no more."""
    if Path(app.srcdir) != FOLDER.parent:  # other pages, built by the same rules
        return
    written = {**python_pages(), **command_pages()}
    pages = {FOLDER / f"{name}.md": text for name, text in written.items()}
    pages |= {FOLDER / name: text for name, text in project_pages().items()}
    for path in FOLDER.rglob("*.md"):
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def keep_contents_short(app: Sphinx, domain: str, kind: str, content: Any) -> None:
    """List classes and functions beside a page, and not their hundreds of parts."""
    if kind in ("attribute", "method", "property"):
        for signature in content.parent.findall(desc_signature):
            signature["_toc_name"] = ""


def keep_options(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Show options as code: elsewhere two hyphens are a dash."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(".."):
            lines[number] = OPTION.sub(r"``\g<0>``", line)


def as_sphinx_reads(  # noqa: PLR0917 - as Sphinx calls it
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings are plain text with a little Markdown: mark their code and tables for Sphinx."""
    of_its_type = what == "data" and " ".join(lines).split() == (type(obj).__doc__ or "").split()
    lines[:] = [] if of_its_type else list(marked(lines))
    if what in ("class", "exception") and (kinds := [*ancestors(obj)]):
        lines += ["", f"A kind of {', '.join(kinds)}.", ""]


def ancestors(kind: type) -> Iterator[str]:
    """What a class is besides an object, with links to what is of this package."""
    for base in kind.__bases__:
        if base.__module__.startswith(f"{PACKAGE}.") and not base.__name__.startswith("_"):
            yield f":py:class:`~{base.__module__}.{base.__qualname__}`"
        elif base is not object and not base.__name__.startswith("_"):
            yield f"`{base.__name__}`"


def marked(lines: list[str]) -> Iterator[str]:
    margin, block = "", ""
    before = ""
    for line in lines:
        code = INDENTED.match(line) and not before.strip() and margin
        table = line.startswith("|")
        if code and not block:
            yield from (".. code-block:: text", "")
            block = "code"
        elif table and not block:
            yield from ("", ".. code-block:: text", "")
            block = "table"
        elif block and line.strip() and not (line.startswith("    ") if block == "code" else table):
            yield ""
            block = ""
        yield f"    {line}" if block == "table" else line if block else plain(line)
        if line.strip() and not line.startswith(" "):
            margin = line
        before = line


def plain(line: str) -> str:
    """A line of text in which no word means a link to Sphinx: a name may end with `_`."""
    parts = line.split("`")
    parts[::2] = [re.sub(r"(?<=\w)_(?!\w)", r"\\_", part) for part in parts[::2]]
    return "`".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write)
    app.connect("object-description-transform", keep_contents_short)
    app.connect("sphinx-click-process-description", keep_options)
    app.connect("sphinx-click-process-options", keep_options)
    # Before napoleon, which reads the sections.
    app.connect("autodoc-process-docstring", as_sphinx_reads, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
