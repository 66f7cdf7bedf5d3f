"""A light node is small: a phone or a car runs it without Ape."""

import subprocess
import sys

PROGRAM = """
import sys
import ape_v2v.lightnode.node
import ape_v2v.lightnode.beacon.client
import ape_v2v.lightnode.beacon.following
import ape_v2v.lightnode.beacon.sources
print(sorted({"ape", "web3"} & set(sys.modules)))
"""


def test_the_light_node_loads_neither_ape_nor_web3():
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    )
    assert answer.stdout == "[]\n"
