"""The compiled market that the package carries is what the sources say."""

from importlib import resources

import pytest

from ape_v2v import Market
from ape_v2v.market.interface import contract
from ape_v2v.simulation.chain import token
from ape_v2v.testing.contracts import TOKEN_NAME


@pytest.mark.parametrize(
    ("package", "name"),
    [
        *(("ape_v2v.market.interface", name) for name in contract.NAMES),
        ("ape_v2v.testing", TOKEN_NAME),
        ("ape_v2v.simulation.chain", token.NAME),
    ],
)
def test_the_artifact_is_what_the_sources_compile_to(project, package, name):
    shipped = resources.files(package).joinpath("artifacts", f"{name}.json").read_text("utf-8")
    compiled = contract.distilled(getattr(project, name).contract_type)
    # Not `==` alone: 90 kB of difference would help nobody.
    assert (shipped == compiled) is True, (
        f"artifacts/{name}.json of {package} is not what contracts/ compile to: "
        "run `ape run artifact`"
    )


def test_a_market_deployed_from_the_package_is_one_deployed_from_the_sources(
    organization, project, chain, deploy_market
):
    """Alike up to the immutables in which a contract keeps its own address and what follows."""
    shipped = Market.deploy(organization)
    compiled = deploy_market()
    codes = [bytes(chain.provider.get_code(market.address)) for market in (shipped, compiled)]
    assert len({len(code) for code in codes}) == 1
    assert codes[0][-53:] == codes[1][-53:]  # the compiler's metadata, a hash of the sources in it
    assert shipped.contract.contract_type.abi == compiled.contract_type.abi


def test_the_artifact_documents_itself():
    """`ape console` shows what the sources say of a method."""
    contract_type = contract.contract_type()
    assert contract_type.userdoc
    assert contract_type.devdoc
    assert "placeBid(uint256,uint64,uint256)" in contract_type.userdoc["methods"]
    assert "rate" in contract_type.devdoc["methods"]["placeBid(uint256,uint64,uint256)"]["params"]


def test_nothing_is_added_to_it_that_ape_remembers_of_an_address(organization, project, chain):
    """Another contract has been there, say, and has events of the same names."""
    another = organization.deploy(project.PaperMarket)
    assert chain.contracts[another.address].name == "PaperMarket"
    assert Market.at(another.address).contract.contract_type.abi == contract.contract_type().abi
