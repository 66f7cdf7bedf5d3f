"""The page as it is built: of the same contracts, small, and nobody else's."""

import gzip
import re

import pytest

from ape_v2v.service import page
from tests.helpers.documentation import ROOT
from toolchain import web

# Bytes by gzip -9: what a phone loads before it shows anything, its looks, a language, and all.
ENTRY, LOOKS, LANGUAGE, ALL = 75_000, 6_000, 6_000, 220_000
FIRST = 6  # files


@pytest.fixture(scope="module")
def built():
    """The size of every file of the page, by gzip."""
    if not page.BUILT.exists():
        pytest.skip("the page is not built: `make setup` does it")
    return {
        path.relative_to(page.BUILT).as_posix(): len(gzip.compress(path.read_bytes(), 9, mtime=0))
        for path in page.BUILT.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def first(built):
    """What `index.html` names: loaded before anything is seen."""
    names = re.findall(r'(?:src|href)="\./([^"]+)"', (page.BUILT / page.START).read_text("utf-8"))
    return {name: built[name] for name in [page.START, *names]}


def test_the_page_has_the_contracts_interface():
    assert web.INTERFACE.read_text("utf-8") == web.interface(), "run `ape run artifact`"


def test_another_interface_is_found(tmp_path, monkeypatch):
    for path in web.ARTIFACTS.glob("*.json"):
        text = path.read_text("utf-8").replace('"RateTooHigh"', '"RateTooLow"')
        (tmp_path / path.name).write_text(text, "utf-8")
    monkeypatch.setattr(web, "ARTIFACTS", tmp_path)

    assert web.INTERFACE.read_text("utf-8") != web.interface()


def test_a_phone_has_little_to_load_before_it_shows_anything(first):
    sizes = {
        kind: sum(size for name, size in first.items() if name.endswith(kind))
        for kind in (".js", ".css")
    }

    assert 0 < sizes[".js"] <= ENTRY
    assert 0 < sizes[".css"] <= LOOKS
    assert len([name for name in first if not name.endswith(".webmanifest")]) <= FIRST


def test_all_that_the_page_may_load_is_small(built):
    assert sum(built.values()) <= ALL


def test_the_page_has_no_script_or_style_of_its_own(first):
    """The policy would refuse it: then the page would be blank."""
    html = (page.BUILT / page.START).read_text("utf-8")

    assert not re.search(r"<style|<script(?![^>]*src=)| style=| on\w+=", html)


# --- What it says

WORDS = ROOT / "web" / "src" / "words"
OTHERS = ("de", "fr")
COMPOSED = re.compile(r"(tx|event|tab|wallet\.theme|remove|cancel|row|opening|closing)\.\w+")
"""Keys that the page puts together."""


def sentences(language):
    """Every sentence of a language by its key, also of the pages that are loaded when opened."""
    text = "".join((WORDS / f"{name}{language}.ts").read_text("utf-8") for name in ("", "later-"))
    said = re.findall(r"^  '?([\w.]+)'?: '(.*)',$", text, re.MULTILINE)
    # In English, refusals are listed by the errors' names.
    return {key if "." in key or key.islower() else f"refused.{key}": line for key, line in said}


def test_what_is_seen_before_the_page_is_loaded_is_what_it_says_then():
    html = (ROOT / "web" / "index.html").read_text("utf-8")
    english = sentences("en")

    assert re.findall("<li>(.*)</li>", html) == [english[f"welcome.{line}"] for line in (1, 2, 3)]


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_fills_in_what_english_does(language):
    english, other = (
        {key: sorted(re.findall(r"\{[\w:]+\}", said)) for key, said in sentences(name).items()}
        for name in ("en", language)
    )

    assert len(english) > 200
    assert other == english


@pytest.mark.parametrize("file", [*OTHERS, *(f"later-{language}" for language in ("en", *OTHERS))])
def test_a_language_is_small(built, file):
    (size,) = (size for name, size in built.items() if name.startswith(f"assets/{file}-"))

    assert 0 < size <= LANGUAGE


def test_every_sentence_is_said_somewhere():
    pages = [path for path in (ROOT / "web" / "src").rglob("*.ts*") if path.parent != WORDS]
    code = "".join(path.read_text("utf-8") for path in [*pages, WORDS / "index.ts"])
    plain = [key for key in sentences("en") if not key.startswith("refused.")]

    unused = [key for key in plain if f"'{key}'" not in code and not COMPOSED.fullmatch(key)]
    assert unused == []
