"""The EVM in this process, which pyrevm is; where it has no wheel, a node takes its place.

A node is a hundred times as slow: what runs on it does less, and what needs the speed is skipped.
"""

from importlib.util import find_spec

import pytest

from ape_v2v.evm.chains import Chain
from ape_v2v.evm.inprocess import PyrevmChain
from ape_v2v.evm.node import AnvilChain

HAS_PYREVM = find_spec("pyrevm") is not None

NO_WHEEL = "pyrevm has no wheel for this Python or machine"
needs_pyrevm = pytest.mark.skipif(not HAS_PYREVM, reason=NO_WHEEL)


def fast_chain() -> Chain:
    """A new chain: in this process if that can be, else a node of its own."""
    return PyrevmChain() if HAS_PYREVM else AnvilChain()
