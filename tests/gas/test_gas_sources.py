"""What the gas report needs, and what it says when that is missing."""

import pytest
from ape import Project

from ape_v2v.errors import V2VError
from benchmarks.gas.ganache import GanacheChain
from benchmarks.gas.sources import Sources


def test_outside_of_a_clone_there_is_nothing_to_measure(tmp_path):
    with pytest.raises(V2VError, match=r"run it in a clone of the project"):
        Sources.of(Project(tmp_path))


def test_without_the_node_of_2020_it_says_how_to_get_it_or_go_without(tmp_path):
    with pytest.raises(V2VError, match=r"make ganache.*--without-2020"):
        GanacheChain(tmp_path)
