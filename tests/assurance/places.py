"""Where things are in the clone."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
NODE_MODULES = ROOT / "node_modules"
TOOLCHAIN = ROOT / "toolchain"
# What runs have found: rewritten by each, and read by the report.
RESULTS = ROOT / ".cache" / "assurance"
LISTS = Path(__file__).resolve().parent / "lists"
"""Exceptions that were looked at, each with its reason."""
DOCS = ROOT / "docs" / "assurance"
# Copies of the project. Ape passes over what is below a folder whose name begins with a dot.
COPIES = ROOT / "build" / "assurance"
