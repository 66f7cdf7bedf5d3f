"""Pages tell the truth: their links, paths, commands, options and names are those of the code.

What they say in prose can't be checked so, but one kind of sentence that goes stale can: whether
something is built.
"""

import ast
import importlib
import re
import shlex
from functools import cache

import click
import pytest
from pydantic.alias_generators import to_camel

from ape_v2v._cli import cli
from tests.helpers.documentation import (
    ROOT,
    Found,
    anchors,
    links,
    pages,
    said,
    shell_lines,
    spans,
    tracked,
)

PAGES = pages()

STALE = re.compile(
    r"not (yet )?built|built yet|not (yet )?implemented|not (measured|there|available) yet|\bTODO\b"
    r"|\bFIXME\b|coming soon|work in progress|is planned|no counterpart yet|will be built"
    r"|does not exist yet|(deployed|tried|done|missing) yet|so far there is no",
    re.IGNORECASE,
)

# Words of others that stand on pages in code.
FOREIGN = {
    *("BTS", "ChangeStatus", "TV", "o.EPK", "o.EOA"),  # the paper's
    *("chain.isolate", "APE_ACCOUNTS_operator_PASSPHRASE"),
    *("IEC_62196_T2_COMBO",),  # OCPI's
}
LETTERS = 2  # formulas have names of their own: one letter, or two


def findings(check, paths=PAGES):
    return [found for path in paths for found in check(path)]


# --- What goes stale


def stale(path):
    text = path.read_text("utf-8")
    return [f"{said(path)}: {match[0]}" for match in STALE.finditer(text)]


def test_no_page_says_that_something_is_not_built():
    assert findings(stale) == []


@pytest.mark.parametrize(
    "words",
    ["Not built yet.", "is **not\nbuilt", "not yet implemented", "No counterpart yet", "TODO"],
)
def test_a_sentence_that_goes_stale_is_found(words, tmp_path, monkeypatch):
    assert STALE.search(words.replace("**", "").replace("\n", " "))


# --- Links


def broken_links(path):
    for page, target in links(path):
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        if not goal.exists():
            yield f"{page}: {target}: no such file"
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal):
            yield f"{page}: {target}: no such heading"


def test_links_lead_to_files_and_headings():
    assert findings(broken_links) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `title`\n[a](#a-title) [b](page.md#a-title) [c](gone.md) [d](#gone)\n\n[e]: no.py\n"
    )

    assert list(broken_links(page)) == [
        "page.md: gone.md: no such file",
        "page.md: #gone: no such heading",
        "page.md: no.py: no such file",
    ]


# --- Paths

PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*/?")
# What a deployment writes.
LATER = "deployments/records/"
SOURCES = (".sol", ".py", ".md", ".toml", ".yaml", ".lock", ".js")


@cache
def tops():
    return {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}


def is_path(span):
    if not PATH.fullmatch(span) or span.startswith((".", LATER)) or "NAME" in span:
        return False
    return (span.split("/")[0] in tops() and "/" in span) or span.endswith(SOURCES)


def wrong_paths(path):
    for page, span in spans(path):
        if is_path(span) and not exists(span):
            yield f"{page}: {span}"


@cache
def exists(span):
    name = span.rstrip("/")
    if "*" in name:
        return any(ROOT.glob(name)) or any(ROOT.glob(f"**/{name}"))
    return (ROOT / name).exists() or any(
        f"/{said(file)}".endswith(f"/{name}") for file in tracked()
    )


def test_paths_on_pages_are_there():
    assert findings(wrong_paths) == []


@pytest.mark.parametrize(
    ("span", "there"),
    [
        ("ape_v2v/market/", True),
        ("Auction.sol", True),
        ("contracts/IMarket.sol", True),
        ("ape_v2v/history.py", False),
        ("Bidding.sol", False),
    ],
)
def test_a_wrong_path_is_told_from_a_right_one(span, there):
    assert is_path(span)
    assert exists(span) is there


# --- Commands


@cache
def commands():
    """Every command of `ape v2v`, by its words."""
    found = {}

    def walk(command, words):
        found[words] = command
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                walk(command.get_command(context, name), (*words, name))

    with click.Context(cli) as context:
        walk(cli, ())
    return found


@cache
def options():
    """Every option that a command or a script has, and those of the tools that pages name."""
    names = {"--help", "--network", "--fork-url", "--host", "--prune-history"}
    for command in commands().values():
        for param in command.params:
            names |= {*param.opts, *param.secondary_opts}
    for script in tracked("*.py", ":!tests"):
        names |= set(re.findall(r'"(--[a-z][a-z0-9-]*)', script.read_text("utf-8")))
    return names


@cache
def targets():
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))


@cache
def scripts():
    return {path.stem for path in tracked("scripts/*.py") if not path.name.startswith("_")}


def words_of(line):
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def wrong_command(line, strict):
    """What is wrong with a command line of ours; in prose, arguments may be left out."""
    words = words_of(line) or [""]
    if words[:2] == ["ape", "v2v"]:
        return wrong_v2v(words[2:], strict)
    if words[:2] == ["ape", "run"] and len(words) > 2 and words[2] not in scripts():
        return f"no script {words[2]}"
    if words[:1] == ["make"] and len(words) > 1 and words[1] not in targets():
        return f"no target {words[1]}" if re.fullmatch(r"[a-z-]+", words[1]) else None
    unknown = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)} - options()
    ours = words[:2] == ["ape", "run"] or words[0].startswith("--") or words[0] in topics()
    if ours and unknown:
        return f"no option {', '.join(sorted(unknown))}"
    if words[0] in topics() and len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]):
        return None if tuple(words[:2]) in commands() else f"no command {' '.join(words[:2])}"
    return None


def topics():
    return {words[0] for words in commands() if len(words) == 1}


def wrong_v2v(words, strict):
    names: list[str] = []
    for word in words:
        if (*names, word) not in commands():
            break
        names.append(word)
    command, rest = commands()[tuple(names)], list(words[len(names) :])
    if isinstance(command, click.Group):
        plain = [word for word in rest if re.fullmatch(r"[a-z-]+", word) and word[0] != "-"]
        return f"no command {' '.join((*names, *plain))}" if plain else None
    if not strict:
        known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
        unknown = {word for word in rest if word.startswith("--")} - known - {"--network", "--help"}
        return f"{' '.join(names)} has no {', '.join(sorted(unknown))}" if unknown else None
    # Ape adds this option when a command is called for the first time.
    params = [param for param in command.params if param.name != "network"]
    parser = click.Command("it", params=[*params, click.Option(["--network"])])
    if ">" in rest:
        rest = rest[: rest.index(">")]
    try:
        _, left, _ = parser.make_parser(click.Context(parser)).parse_args(rest)
    except click.UsageError as error:
        return f"{' '.join(names)}: {error.format_message()}"
    return f"{' '.join(names)} does not take {' '.join(left)}" if left else None


def wrong_commands(path):
    if said(path) == "CHANGELOG.md":  # it also tells what was
        return
    for found, strict in (
        *((span, False) for span in spans(path)),
        *((line, True) for line in shell_lines(path)),
    ):
        if found.text.strip() and (wrong := wrong_command(found.text, strict)):
            yield f"{found.page}: {found.text}: {wrong}"


def test_commands_and_options_on_pages_are_there():
    assert findings(wrong_commands) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("ape v2v auction show alice", None),
        ("ape v2v auction", None),
        ("ape v2v auction raise alice", "no command auction raise"),
        ("ape v2v auction bid alice --bond 3", "auction bid: No such option: --bond"),
        ("ape run fuzzy", "no script fuzzy"),
        ("make tests", "no target tests"),
        ("--max-pain", "no option --max-pain"),
        ("auction raise", "no command auction raise"),
    ],
)
def test_a_wrong_command_is_told_from_a_right_one(line, wrong):
    said_of_it = wrong_command(line, strict=True)

    if wrong is None:
        assert said_of_it is None
    else:
        assert said_of_it is not None
        assert said_of_it.startswith(wrong)


# --- Names

NAME = re.compile(r"(?P<name>[A-Za-z_]\w*(\.\w+)*)(\((?P<inside>[^()]*)\))?")


@cache
def vocabulary():
    """Every name of the code: of Python, Solidity, configuration and committed data."""
    names = set()
    for path in tracked("*.py"):
        if path != ROOT / said(path) or path.name == "test_pages.py":
            continue
        names |= set(python_names(ast.parse(path.read_text("utf-8"))))
    for path in tracked("*.sol"):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
        names |= set(re.findall(r"\w+", text))
    for path in tracked("*.toml", "*.yaml", "*.json", "*.js", "Makefile", ".npmrc", ".ci/run"):
        if path.name != "package-lock.json":
            names |= set(re.findall(r"[\w-]+", path.read_text("utf-8")))
    # The wire's fields are named so in Python, and in camel case where they travel.
    return names | {to_camel(name) for name in names if "_" in name}


def python_names(tree):
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield from name.split(".")
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case ast.ImportFrom(module=str(name)):
                yield from name.split(".")
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield from re.findall(r"\w+", text)


def unknown_names(path):
    if said(path) == "CHANGELOG.md":  # it also tells what was
        return
    for page, span in spans(path):
        match = NAME.fullmatch(span)
        if not match or is_path(span) or match["name"] in FOREIGN or len(span) < LETTERS:
            continue
        if not known(match):
            yield f"{page}: {span}"


def known(match):
    name = match["name"]
    if name.startswith("ape_v2v."):
        return importable(name)
    return all(part in vocabulary() for part in name.split("."))


@cache
def importable(name):
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        try:
            for part in parts[end:]:
                value = getattr(value, part)
        except AttributeError:
            return False
        return True
    return False


def test_names_on_pages_are_names_of_the_code():
    assert findings(unknown_names) == []


@pytest.mark.parametrize(
    ("span", "right"),
    [
        ("Market.start_auction", True),
        ("ape_v2v.market.interface.messages", True),
        ("ape_v2v.messages", False),
        ("ape_v2v.market.market.Market.at", True),
        ("ape_v2v.market.market.Market.on", False),
        ("endAuction()", True),
        ("Registry._addEV", True),
        ("Connection._payOut", False),
    ],
)
def test_a_wrong_name_is_told_from_a_right_one(span, right):
    assert known(NAME.fullmatch(span)) is right


def test_the_checks_see_pages_and_what_is_on_them():
    found = [found for path in PAGES for found in spans(path)]

    assert len(PAGES) > 20
    assert Found("docs/protocol.md", "startAuction") in found
    assert len(found) > 1000


# --- What a newcomer does first


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/driver.md"])
def test_the_environment_is_activated_before_the_first_command(page):
    lines = [line.text for line in shell_lines(ROOT / page)]
    first = next(number for number, line in enumerate(lines) if line.startswith("ape "))

    assert "source .venv/bin/activate" in lines[:first]


def test_the_readme_is_read_in_a_minute():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 90
