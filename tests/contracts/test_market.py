"""What a market is: its rules, its face, its documentation, and what it keeps in storage."""

import re

import pytest
import solcx
from ape.exceptions import VirtualMachineError
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.exceptions import ContractCustomError, ContractLogicError

from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    FUNDS,
    MAX_RATE,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    VALIDITY,
    ZERO_ADDRESS,
    offered,
)

MINUTES = 60
HOUR = 3_600
DAYS = 86_400
MAX_DURATION = 7 * DAYS
MAX_CODE = 24_576  # bytes (EIP-170)
MAX_INIT_CODE = 49_152  # bytes (EIP-3860)

VIEWS = [
    "accessToken(uint256)",
    "active()",
    "auctions(uint256)",
    "bond(uint256)",
    "currentAuctionId(address)",
    "evs(address)",
    "isEV(address)",
    "numberOfEVs()",
    "parameters()",
    "penalty(uint256)",
    "reserve(uint256)",
]
PAYABLE = [
    "deposit()",
    "depositFor(address)",
    "placeBid(uint256,uint64,uint256)",
    "startAuction(uint32,uint64,uint256,uint256,bool,string)",
]
NOT_PAYABLE = [
    "addEV(address,string)",
    "addEVs(address[],string[])",
    "cancelAuction(uint256,uint256)",
    "changeStatus()",
    "endAuction(uint256)",
    "endConnection(uint256)",
    "expireConnection(uint256)",
    "forfeit(uint256)",
    "placeBidFor(uint256,address,uint64,uint256,bytes)",
    "removeBid(uint256)",
    "removeEV(address)",
    "revokeBids()",
    "setActive(bool)",
    "settle((uint256,uint32,bytes32,bool),bytes,bytes)",
    "withdraw(uint256,address)",
]
EVENTS = [
    "AuctionCancelled(uint256 indexed auctionId, address indexed provider, uint256 penalty)",
    "AuctionEnded(uint256 indexed auctionId, address indexed provider, uint64 rate, uint256 cost)",
    "AuctionStarted(uint256 indexed auctionId, address indexed consumer, uint32 energyWh, "
    "uint64 maxRate, uint256 closingTime, uint256 validity, bool openAward, string details)",
    "BidPlaced(uint256 indexed auctionId, address indexed provider, uint64 rate, "
    "uint256 closingTime)",
    "BidRemoved(uint256 indexed auctionId, address indexed provider, uint256 penalty, "
    "uint256 closingTime)",
    "BidsRevoked(address indexed provider)",
    "Connected(uint256 indexed auctionId, address indexed provider, address indexed consumer, "
    "bytes32 token, uint256 validity)",
    "ConnectionEnded(uint256 indexed auctionId, address indexed consumer, "
    "address indexed provider, uint8 how, uint32 energyWh, uint256 cost, uint256 penalty, "
    "bytes32 meterDataHash)",
    "Deposited(address indexed account, address indexed from, uint256 amount)",
    "EVAdded(address indexed ev, string infos)",
    "EVRemoved(address indexed ev)",
    "StatusChanged(bool active)",
    "Withdrawn(address indexed account, address indexed to, uint256 amount)",
]
# Of OpenZeppelin's Ownable2Step and EIP712.
OWNERSHIP = [
    "acceptOwnership()",
    "eip712Domain()",
    "owner()",
    "pendingOwner()",
    "renounceOwnership()",
    "transferOwnership(address)",
]
OWNERSHIP_EVENTS = [
    "EIP712DomainChanged()",
    "OwnershipTransferStarted(address indexed previousOwner, address indexed newOwner)",
    "OwnershipTransferred(address indexed previousOwner, address indexed newOwner)",
]

MARKETS = ("V2VMarket", "V2VTokenMarket")
NONE, OPEN, CONNECTED = range(3)
NO_AUCTION = (NONE, ZERO_ADDRESS, 0, 0, 0, 0, False, ZERO_ADDRESS, 0, 0, 0, 0)

MAX_ENERGY = 2**32 - 1
HIGHEST_RATE = 2**64 - 1
LARGEST_RESERVE = MAX_ENERGY * HIGHEST_RATE
LAST_SECOND = 2**36 - 1

# First and last bit of every field of a slot.
ACCOUNT = {
    "balance": (0, 127),
    "addedAt": (128, 167),
    "completed": (168, 207),
    "noShows": (208, 231),
    "revocations": (232, 255),
}
TERMS = {
    "round": (0, 31),
    "energyWh": (32, 63),
    "maxRate": (64, 127),
    "validity": (128, 147),
    "biddingTime": (148, 167),
    "openAward": (168, 168),
    "removals": (169, 183),
    "closingTime": (184, 219),
    "since": (220, 255),
}
BID = {"provider": (0, 159), "rate": (160, 223), "round": (224, 255)}
MOST_REMOVALS = 2**15 - 1


def maximum(table, name):
    first, last = table[name]
    return 2 ** (last - first + 1) - 1


def unpack(table, word):
    return {name: word >> first & maximum(table, name) for name, (first, _) in table.items()}


def pack(table, values):
    return sum(value << table[name][0] for name, value in values.items())


def fields(struct):
    """Return the fields of what a view returned."""
    return dict(struct.items())


def number(account):
    return int(account.address, 16)


class Storage:
    """The raw slots of a market, read and written by the tables above."""

    def __init__(self, market, provider):
        self._market = market
        self._provider = provider

    def read(self, slot):
        return int.from_bytes(self._provider.get_storage(self._market.address, slot), "big")

    def write(self, slot, word):
        self._provider.set_storage(self._market.address, slot, HexBytes(word.to_bytes(32, "big")))

    def account(self, account):
        return unpack(ACCOUNT, self.read(slot_of(account, 2)))

    def terms(self, consumer):
        return unpack(TERMS, self.read(slot_of(consumer, 3)))

    def bid(self, consumer):
        return unpack(BID, self.read(slot_of(consumer, 3) + 1))

    def change_account(self, account, **fields):
        self.write(slot_of(account, 2), pack(ACCOUNT, {**self.account(account), **fields}))

    def change_terms(self, consumer, **fields):
        self.write(slot_of(consumer, 3), pack(TERMS, {**self.terms(consumer), **fields}))

    def change_bid(self, consumer, **fields):
        self.write(slot_of(consumer, 3) + 1, pack(BID, {**self.bid(consumer), **fields}))


def slot_of(account, mapping):
    """Return the slot of an account in a mapping."""
    return int.from_bytes(keccak(encode(["address", "uint256"], [account.address, mapping])), "big")


@pytest.fixture
def storage(market, chain):
    return Storage(market, chain.provider)


@pytest.fixture
def expire(market, connection_id, clock, provider):
    """Return a function that lets the connection expire."""

    def expire():
        clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
        market.expireConnection(connection_id, sender=provider)

    return expire


@pytest.fixture
def refuse_to_deploy(project, market, organization, chain):
    """Return a function that expects a constructor to refuse, and tells the error and its values.

    Called instead of sent: of a contract that is not there, Ape asks a block explorer.
    """

    def refuse(owner=organization, **parameters):
        values = tuple({**PARAMETERS, **parameters}.values())
        creation = project.V2VMarket.constructor.serialize_transaction(owner, values)
        with pytest.raises(ContractCustomError) as refusal:
            chain.provider.web3.eth.call({"data": creation.data})
        data = HexBytes(str(refusal.value.data))
        error = market.contract_type.errors[data[:4]]
        ecosystem = chain.provider.network.ecosystem
        return error.name, ecosystem.decode_calldata(error, data[4:])

    return refuse


@pytest.fixture(scope="session")
def compiled(project):
    """Return what the compiler makes of the sources: by source, then by contract."""
    sources = [f"contracts/{prefix}{name}.sol" for name in MARKETS for prefix in ("I", "")]
    sources.append("contracts/IMarket.sol")
    described = ["abi", "devdoc", "storageLayout", "userdoc", "evm.methodIdentifiers"]
    solidity = project.config.solidity
    task = {
        "language": "Solidity",
        "sources": {name: {"content": (project.path / name).read_text()} for name in sources},
        "settings": {
            "evmVersion": solidity.evm_version,
            "optimizer": {"enabled": True, "runs": solidity.optimization_runs},
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {
                "*": {"*": described},
                "contracts/V2VMarket.sol": {"V2VMarket": ["evm.deployedBytecode.object"]},
            },
        },
    }
    answer = solcx.compile_standard(
        task, base_path=project.path, allow_paths=project.path, solc_version=solidity.version
    )
    return answer["contracts"]


def without_metadata(code):
    """Return code without its last part, on the sources; the last two bytes tell how long it is."""
    code = bytes.fromhex(code.removeprefix("0x"))
    return code[: -2 - int.from_bytes(code[-2:], "big")]


# --- Parameters -----------------------------------------------------------------------------------


def test_a_market_has_the_rules_that_it_was_given(deploy_market):
    rules = {
        "bondBps": 12_345,
        "penaltyBps": 2_345,
        "minDecrementBps": 345,
        "extensionWindow": 45,
        "awardWindow": 1_234,
        "settlementWindow": 5_678,
        "minPenalty": 789,
    }

    market = deploy_market(**rules)

    assert fields(market.parameters()) == rules


def test_the_defaults_are_in_range(market):
    assert fields(market.parameters()) == {
        "bondBps": 10_000,
        "penaltyBps": 1_000,
        "minDecrementBps": 100,
        "extensionWindow": 60,
        "awardWindow": HOUR,
        "settlementWindow": DAYS,
        "minPenalty": 10**13,
    }


@pytest.mark.parametrize(
    "rules",
    [
        {"bondBps": 65_535},
        {"bondBps": 2, "penaltyBps": 1},
        {"penaltyBps": 1},
        {"penaltyBps": 5_000},
        {"bondBps": 5_001, "penaltyBps": 2_500},
        {"bondBps": 20_000, "penaltyBps": 10_000},
        {"bondBps": 65_535, "penaltyBps": 10_000},
        {"minPenalty": 1},
        {"minPenalty": 10**18},
        {"minDecrementBps": 0},
        {"minDecrementBps": 5_000},
        {"extensionWindow": 0},
        {"extensionWindow": HOUR},
        {"awardWindow": 10 * MINUTES},
        {"awardWindow": 7 * DAYS},
        {"settlementWindow": 10 * MINUTES},
        {"settlementWindow": 7 * DAYS},
    ],
    ids=str,
)
def test_a_parameter_at_its_bound_is_accepted(deploy_market, rules):
    market = deploy_market(**rules)

    assert fields(market.parameters()) == {**PARAMETERS, **rules}


@pytest.mark.parametrize(
    ("rules", "name", "minimum", "maximum"),
    [
        ({"bondBps": 0}, "bondBps", 2, 65_535),
        ({"bondBps": 1}, "bondBps", 2, 65_535),
        ({"penaltyBps": 0}, "penaltyBps", 1, 5_000),
        ({"penaltyBps": 5_001}, "penaltyBps", 1, 5_000),
        ({"bondBps": 65_535, "penaltyBps": 10_001}, "penaltyBps", 1, 10_000),
        ({"bondBps": 20_000, "penaltyBps": 10_001}, "penaltyBps", 1, 10_000),
        ({"bondBps": 19_999, "penaltyBps": 10_000}, "penaltyBps", 1, 9_999),
        ({"bondBps": 5_001, "penaltyBps": 2_501}, "penaltyBps", 1, 2_500),
        ({"penaltyBps": 65_535}, "penaltyBps", 1, 5_000),
        ({"minPenalty": 0}, "minPenalty", 1, 10**18),
        ({"minPenalty": 10**18 + 1}, "minPenalty", 1, 10**18),
        ({"minDecrementBps": 5_001}, "minDecrementBps", 0, 5_000),
        ({"minDecrementBps": 65_535}, "minDecrementBps", 0, 5_000),
        ({"extensionWindow": HOUR + 1}, "extensionWindow", 0, HOUR),
        ({"extensionWindow": 2**32 - 1}, "extensionWindow", 0, HOUR),
        ({"awardWindow": 0}, "awardWindow", 10 * MINUTES, 7 * DAYS),
        ({"awardWindow": 10 * MINUTES - 1}, "awardWindow", 10 * MINUTES, 7 * DAYS),
        ({"awardWindow": 7 * DAYS + 1}, "awardWindow", 10 * MINUTES, 7 * DAYS),
        ({"settlementWindow": 10 * MINUTES - 1}, "settlementWindow", 10 * MINUTES, 7 * DAYS),
        ({"settlementWindow": 7 * DAYS + 1}, "settlementWindow", 10 * MINUTES, 7 * DAYS),
    ],
    ids=str,
)
def test_a_parameter_out_of_range_is_refused(refuse_to_deploy, rules, name, minimum, maximum):
    error, values = refuse_to_deploy(**rules)

    assert error == "ParameterOutOfRange"
    assert values == {
        "name": name,
        "value": rules[name],
        "minimum": minimum,
        "maximum": maximum,
    }


def test_a_market_without_bonds_is_refused(refuse_to_deploy):
    """There is no penalty then that a bond could pay."""
    error, _ = refuse_to_deploy(bondBps=0)

    assert error == "ParameterOutOfRange"


def test_a_bond_above_its_type_is_refused(project, organization, chain):
    """A bond's bound is what its type holds."""
    creation = project.V2VMarket.constructor.serialize_transaction(
        organization, tuple(PARAMETERS.values())
    )
    default, excess = (value.to_bytes(32, "big") for value in (PARAMETERS["bondBps"], 65_536))
    code, arguments = creation.data[: -8 * 32], creation.data[-8 * 32 :]
    assert arguments[32:64] == default

    with pytest.raises(ContractLogicError) as refusal:
        chain.provider.web3.eth.call({"data": code + arguments[:32] + excess + arguments[64:]})

    assert refusal.value.data == "0x"


def test_a_market_without_an_owner_is_refused(refuse_to_deploy):
    assert refuse_to_deploy(owner=ZERO_ADDRESS) == ("OwnableInvalidOwner", {"owner": ZERO_ADDRESS})


# --- Face -----------------------------------------------------------------------------------------


def test_the_market_has_these_functions_and_no_others(market):
    functions = [method.selector for method in market.contract_type.methods]

    assert sorted(functions) == sorted([*VIEWS, *PAYABLE, *NOT_PAYABLE, *OWNERSHIP])


@pytest.mark.parametrize(
    ("functions", "mutability"),
    [(VIEWS, "view"), (PAYABLE, "payable"), (NOT_PAYABLE, "nonpayable")],
)
def test_only_some_functions_take_ether_or_change_something(market, functions, mutability):
    methods = {method.selector: method for method in market.contract_type.methods}

    assert {methods[name].stateMutability for name in functions} == {mutability}


def test_the_market_has_these_events_and_no_others(market):
    events = [event.signature for event in market.contract_type.events]

    assert sorted(events) == sorted(EVENTS + OWNERSHIP_EVENTS)


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("evs(address)", "balance addedAt completed noShows revocations"),
        (
            "auctions(uint256)",
            "state consumer energyWh maxRate closingTime validity openAward provider rate "
            "connectedAt freeUntil removals",
        ),
        (
            "parameters()",
            "bondBps penaltyBps minDecrementBps extensionWindow awardWindow settlementWindow "
            "minPenalty",
        ),
    ],
)
def test_a_view_returns_these_fields(market, function, fields):
    (method,) = (m for m in market.contract_type.methods if m.selector == function)
    (output,) = method.outputs

    assert [component.name for component in output.components] == fields.split()


def test_the_code_fits_a_contract(market, project, chain):
    created = project.V2VMarket.constructor.serialize_transaction(
        ZERO_ADDRESS, tuple(PARAMETERS.values())
    )

    assert len(chain.provider.get_code(market.address)) <= MAX_CODE
    assert len(created.data) <= MAX_INIT_CODE


def test_the_market_is_compiled_from_the_sources(compiled, market):
    """Ape compiles a contract anew when its own file has changed, not when what it imports has."""
    current = compiled["contracts/V2VMarket.sol"]["V2VMarket"]["evm"]["deployedBytecode"]["object"]
    used = market.contract_type.runtime_bytecode.bytecode

    assert without_metadata(used) == without_metadata(current), "run `ape compile --force`"


# --- Documentation --------------------------------------------------------------------------------


def test_the_interface_has_every_function_of_its_own(compiled):
    functions = compiled["contracts/IV2VMarket.sol"]["IV2VMarket"]["evm"]["methodIdentifiers"]

    assert sorted(functions) == sorted([*VIEWS, *PAYABLE, *NOT_PAYABLE])


@pytest.fixture(params=MARKETS)
def interface(request, compiled):
    """Return what the compiler makes of the public face of each market."""
    return compiled[f"contracts/I{request.param}.sol"][f"I{request.param}"]


def test_every_function_of_the_interface_has_a_notice(interface):
    documented = {name for name, doc in interface["userdoc"]["methods"].items() if doc["notice"]}

    assert documented == set(interface["evm"]["methodIdentifiers"])


def test_every_function_of_the_market_but_openzeppelins_has_a_notice(compiled):
    market = compiled["contracts/V2VMarket.sol"]["V2VMarket"]
    own = [*VIEWS, *PAYABLE, *NOT_PAYABLE, "renounceOwnership()"]

    assert [name for name in own if not market["userdoc"]["methods"][name]["notice"]] == []


def test_every_error_of_the_interface_has_a_notice(interface):
    errors = {
        f"{entry['name']}({','.join(argument['type'] for argument in entry['inputs'])})"
        for entry in interface["abi"]
        if entry["type"] == "error"
    }
    documented = {
        name for name, docs in interface["userdoc"]["errors"].items() if docs[0]["notice"]
    }

    assert len(errors) > 20
    assert documented == errors


def test_every_part_of_the_interface_has_a_title(compiled):
    files = ("IMarket", *(f"I{name}" for name in MARKETS))
    parts = {
        name: part for file in files for name, part in compiled[f"contracts/{file}.sol"].items()
    }

    assert {"IAuction", "IEtherLedger", "ITokenLedger"} <= set(parts)
    assert [name for name, part in parts.items() if not part["devdoc"].get("title")] == []


def canonical(argument):
    """The type of an argument as a selector has it: a struct by its fields."""
    if argument["type"] != "tuple":
        return argument["type"]
    return f"({','.join(map(canonical, argument['components']))})"


def test_documented_parameters_are_those_of_the_function(interface):
    arguments = {
        f"{entry['name']}({','.join(map(canonical, entry['inputs']))})": {
            argument["name"] for argument in entry["inputs"]
        }
        for entry in interface["abi"]
        if entry["type"] == "function"
    }
    documented = {
        name: set(doc["params"])
        for name, doc in interface["devdoc"]["methods"].items()
        if "params" in doc
    }

    assert "startAuction(uint32,uint64,uint256,uint256,bool,string)" in documented
    assert [name for name, names in documented.items() if names - arguments[name]] == []


# --- Storage layout -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MARKETS)
def test_storage_is_laid_out_like_this(compiled, name):
    layout = compiled[f"contracts/{name}.sol"][name]["storageLayout"]
    types = layout["types"]
    variables = [
        (
            variable["label"],
            int(variable["slot"]),
            variable["offset"],
            types[variable["type"]]["label"],
        )
        for variable in layout["storage"]
    ]

    assert variables == [
        ("_active", 0, 0, "bool"),
        ("_numberOfEVs", 0, 1, "uint32"),
        ("_owner", 0, 5, "address"),
        ("_pendingOwner", 1, 0, "address"),
        ("_accounts", 2, 0, "mapping(address => AccountSlot)"),
        ("_book", 3, 0, "mapping(address => struct AuctionBook.Entry)"),
        # Never used: the names in the domain are short.
        ("_nameFallback", 4, 0, "string"),
        ("_versionFallback", 5, 0, "string"),
    ]


def test_an_account_takes_one_slot_and_an_auction_two(compiled):
    types = compiled["contracts/V2VMarket.sol"]["V2VMarket"]["storageLayout"]["types"]
    account, entry = (
        types[mapping["value"]]
        for mapping in sorted(types.values(), key=lambda t: t["label"])
        if mapping["encoding"] == "mapping"
    )
    members = [
        (member["label"], int(member["slot"]), member["offset"], types[member["type"]]["label"])
        for member in entry["members"]
    ]

    assert (account["label"], account["numberOfBytes"]) == ("AccountSlot", "32")
    assert (entry["label"], entry["numberOfBytes"]) == ("struct AuctionBook.Entry", "64")
    assert members == [("terms", 0, 0, "Terms"), ("bid", 1, 0, "StandingBid")]


@pytest.mark.parametrize(
    ("source", "tables"), [("AccountSlot.sol", [ACCOUNT]), ("AuctionSlots.sol", [TERMS, BID])]
)
def test_the_sources_say_which_bits_are_what(project, source, tables):
    text = (project.path / "contracts" / "market" / source).read_text(encoding="utf-8")
    rows = re.findall(r"^/// +(\d+)(?:-(\d+))? +(\w+)", text, flags=re.MULTILINE)

    assert [(int(first), int(last or first), name) for first, last, name in rows] == [
        (first, last, name) for table in tables for name, (first, last) in table.items()
    ]


# --- The organization's slots ---------------------------------------------------------------------


def test_status_count_and_owner_share_a_slot(market, storage, organization, rival, stranger):
    assert storage.read(0) == number(organization) << 40 | 3 << 8 | 1
    assert storage.read(1) == 0

    market.changeStatus(sender=organization)
    market.removeEV(rival, sender=organization)
    market.transferOwnership(stranger, sender=organization)

    assert storage.read(0) == number(organization) << 40 | 2 << 8
    assert storage.read(1) == number(stranger)


def test_evs_are_counted_to_the_maximum(market, storage, organization, rival, stranger):
    storage.write(0, number(organization) << 40 | (2**32 - 2) << 8 | 1)

    market.addEV(stranger, "", sender=organization)

    assert market.numberOfEVs() == 2**32 - 1
    assert storage.read(0) == number(organization) << 40 | (2**32 - 1) << 8 | 1

    market.removeEV(rival, sender=organization)

    assert storage.read(0) == number(organization) << 40 | (2**32 - 2) << 8 | 1


# --- The account's slot ---------------------------------------------------------------------------


def test_an_account_is_laid_out_by_its_table(market, storage, organization, stranger, clock):
    assert storage.account(stranger) == dict.fromkeys(ACCOUNT, 0)

    market.addEV(stranger, "", sender=organization)
    added_at = clock.now
    market.deposit(sender=stranger, value=7)

    assert storage.account(stranger) == {
        "balance": 7,
        "addedAt": added_at,
        "completed": 0,
        "noShows": 0,
        "revocations": 0,
    }

    market.removeEV(stranger, sender=organization)

    assert storage.account(stranger) == {**dict.fromkeys(ACCOUNT, 0), "balance": 7}


@pytest.mark.usefixtures("connection_id")
def test_completed_connections_are_counted_in_their_bits(market, storage, consumer, provider):
    before = storage.account(consumer), storage.account(provider)

    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    cost = RATE * ENERGY
    assert (storage.account(consumer), storage.account(provider)) == (
        {**before[0], "balance": FUNDS - cost, "completed": 1},
        {**before[1], "balance": FUNDS + cost, "completed": 1},
    )


def test_no_shows_are_counted_in_their_bits(market, storage, consumer, provider, expire):
    before = storage.account(consumer), storage.account(provider)

    expire()

    assert (storage.account(consumer), storage.account(provider)) == (
        {**before[0], "balance": FUNDS - PENALTY, "noShows": 1},
        {**before[1], "balance": FUNDS - PENALTY, "noShows": 1},
    )
    assert tuple(market.evs(ZERO_ADDRESS)) == (2 * PENALTY, 0, 0, 0, 0)


@pytest.mark.parametrize("name", ACCOUNT)
def test_a_field_of_an_account_is_read_to_its_maximum(market, storage, stranger, name):
    storage.change_account(stranger, **{name: maximum(ACCOUNT, name)})

    assert fields(market.evs(stranger)) == {
        **dict.fromkeys(ACCOUNT, 0),
        name: maximum(ACCOUNT, name),
    }
    assert market.isEV(stranger) == (name == "addedAt")


def test_a_balance_grows_to_its_maximum(market, storage, stranger):
    """More ether than there will ever be, beside the largest counts."""
    stranger.balance = 2**129
    others = {name: maximum(ACCOUNT, name) for name in ACCOUNT if name != "balance"}
    storage.change_account(stranger, **others)

    market.deposit(sender=stranger, value=2**128 - 1, gas_price=0)

    assert storage.account(stranger) == {**others, "balance": 2**128 - 1}
    assert fields(market.evs(stranger)) == {**others, "balance": 2**128 - 1}

    market.withdraw(2**128 - 1, stranger, sender=stranger)

    assert storage.account(stranger) == {**others, "balance": 0}


def test_the_last_second_that_can_be_noted_is_noted(market, storage, organization, stranger, clock):
    others = {name: maximum(ACCOUNT, name) for name in ACCOUNT if name != "addedAt"}
    storage.change_account(stranger, **others)
    clock.next_block_at(2**40 - 1)

    market.addEV(stranger, "", sender=organization)

    assert storage.account(stranger) == {**others, "addedAt": 2**40 - 1}

    market.removeEV(stranger, sender=organization)

    assert storage.account(stranger) == {**others, "addedAt": 0}


@pytest.mark.parametrize("who", ["consumer", "provider"])
@pytest.mark.usefixtures("connection_id")
def test_completed_connections_are_counted_to_the_maximum(market, storage, consumer, who, request):
    account = request.getfixturevalue(who)
    storage.change_account(account, completed=2**40 - 2)
    before = storage.account(account)

    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert storage.account(account) == {
        **before,
        "balance": market.evs(account).balance,
        "completed": 2**40 - 1,
    }


@pytest.mark.parametrize("who", ["consumer", "provider"])
def test_no_shows_are_counted_to_the_maximum(storage, expire, who, request):
    account = request.getfixturevalue(who)
    storage.change_account(account, noShows=2**24 - 2)
    before = storage.account(account)

    expire()

    assert storage.account(account) == {
        **before,
        "balance": FUNDS - PENALTY,
        "noShows": 2**24 - 1,
    }


def test_revocations_are_counted_to_the_maximum(market, storage, consumer):
    storage.change_account(consumer, revocations=2**24 - 2)
    before = storage.account(consumer)

    market.revokeBids(sender=consumer)

    assert storage.account(consumer) == {**before, "revocations": 2**24 - 1}


# --- The auction's slots --------------------------------------------------------------------------


def test_a_new_auction_is_laid_out_by_its_table(storage, start_auction, consumer, clock):
    assert storage.terms(consumer) == dict.fromkeys(TERMS, 0)

    start_auction()

    assert storage.terms(consumer) == {
        "round": 1,
        "energyWh": ENERGY,
        "maxRate": MAX_RATE,
        "validity": VALIDITY,
        "biddingTime": BIDDING_TIME,
        "openAward": 0,
        "removals": 0,
        "closingTime": clock.now + BIDDING_TIME,
        "since": clock.now,
    }
    assert storage.bid(consumer) == {"provider": 0, "rate": 0, "round": 0}


def test_a_bid_is_laid_out_by_its_table(market, storage, auction_id, consumer, provider):
    terms = storage.terms(consumer)

    market.placeBid(auction_id, RATE, offered(market, auction_id), sender=provider)

    assert storage.terms(consumer) == terms
    assert storage.bid(consumer) == {"provider": number(provider), "rate": RATE, "round": 1}


@pytest.mark.usefixtures("auction_id")
def test_a_late_bid_moves_the_close_alone(market, storage, consumer, provider, clock):
    terms = storage.terms(consumer)
    clock.next_block_at(terms["closingTime"] - 1)

    market.placeBid(
        market.currentAuctionId(consumer),
        RATE,
        offered(market, market.currentAuctionId(consumer)),
        sender=provider,
    )

    extended = terms["closingTime"] - 1 + PARAMETERS["extensionWindow"]
    assert storage.terms(consumer) == {**terms, "closingTime": extended}


@pytest.mark.usefixtures("bid_id")
def test_a_removal_clears_all_but_the_rate(market, storage, consumer, provider, clock):
    terms = storage.terms(consumer)
    clock.next_block_at(terms["since"] + 100)

    market.removeBid(market.currentAuctionId(consumer), sender=provider)

    assert storage.terms(consumer) == {
        **terms,
        "closingTime": terms["closingTime"] + 100,
        "since": terms["since"] + 100,
        "removals": 1,
    }
    assert storage.bid(consumer) == {"provider": 0, "rate": RATE, "round": 1}


@pytest.mark.usefixtures("bid_id")
def test_an_award_notes_when_it_was_made(market, storage, consumer, clock):
    terms, bid = storage.terms(consumer), storage.bid(consumer)
    clock.next_block_at(terms["closingTime"] + 100)

    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert storage.terms(consumer) == {**terms, "since": terms["closingTime"] + 100}
    assert storage.bid(consumer) == bid


@pytest.mark.usefixtures("connection_id")
def test_a_payment_takes_the_close_back_and_leaves_the_bid(market, storage, consumer):
    terms, bid = storage.terms(consumer), storage.bid(consumer)

    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert storage.terms(consumer) == {**terms, "closingTime": 0}
    assert storage.bid(consumer) == bid


def test_a_cancellation_takes_the_close_back(market, storage, bid_id, consumer, provider):
    market.removeBid(bid_id, sender=provider)
    market.placeBid(bid_id, RATE, offered(market, bid_id), sender=provider)
    terms, bid = storage.terms(consumer), storage.bid(consumer)

    market.cancelAuction(bid_id, PENALTY, sender=consumer)

    assert storage.terms(consumer) == {**terms, "closingTime": 0}
    assert storage.bid(consumer) == bid


@pytest.mark.usefixtures("auction_id")
def test_an_end_without_a_bid_takes_the_close_back(market, storage, consumer, clock):
    terms = storage.terms(consumer)
    clock.next_block_at(terms["closingTime"])

    market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert storage.terms(consumer) == {**terms, "closingTime": 0}
    assert storage.bid(consumer) == {"provider": 0, "rate": 0, "round": 0}


@pytest.mark.usefixtures("connection_id")
def test_the_next_auction_takes_the_same_slots(market, storage, consumer, clock):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    bid = storage.bid(consumer)

    market.startAuction(7, 10**14, 3, 2, True, "", sender=consumer)

    assert storage.terms(consumer) == {
        "round": 2,
        "energyWh": 7,
        "maxRate": 10**14,
        "validity": 2,
        "biddingTime": 3,
        "openAward": 1,
        "removals": 0,
        "closingTime": clock.now + 3,
        "since": clock.now,
    }
    assert storage.bid(consumer) == bid
    assert market.auctions(market.currentAuctionId(consumer)).provider == ZERO_ADDRESS


# --- The auction's slots at their fullest ---------------------------------------------------------


@pytest.fixture
def largest_id(market, storage, consumer, provider, clock):
    """The last, longest, latest and dearest auction that two slots can hold, with a bid."""
    for ev in (consumer, provider):
        ev.balance = 2 * LARGEST_RESERVE
    storage.change_terms(consumer, round=2**32 - 2)
    terms = MAX_ENERGY, HIGHEST_RATE, MAX_DURATION, MAX_DURATION, True, ""
    clock.next_block_at(LAST_SECOND - MAX_DURATION)
    market.startAuction(*terms, sender=consumer, value=LARGEST_RESERVE)
    storage.change_terms(consumer, removals=MOST_REMOVALS)
    auction_id = market.currentAuctionId(consumer)
    market.placeBid(
        auction_id,
        HIGHEST_RATE,
        offered(market, auction_id),
        sender=provider,
        value=LARGEST_RESERVE,
    )
    return auction_id


def test_the_fields_of_an_auction_go_to_their_maximum(
    market, storage, largest_id, consumer, provider
):
    assert largest_id == number(consumer) << 32 | 2**32 - 1
    assert storage.terms(consumer) == {
        "round": 2**32 - 1,
        "energyWh": 2**32 - 1,
        "maxRate": 2**64 - 1,
        "validity": MAX_DURATION,
        "biddingTime": MAX_DURATION,
        "openAward": 1,
        "removals": MOST_REMOVALS,
        "closingTime": LAST_SECOND,
        "since": LAST_SECOND - MAX_DURATION,
    }
    assert storage.bid(consumer) == {
        "provider": number(provider),
        "rate": 2**64 - 1,
        "round": 2**32 - 1,
    }
    assert fields(market.auctions(largest_id)) == {
        "state": OPEN,
        "consumer": consumer,
        "energyWh": 2**32 - 1,
        "maxRate": 2**64 - 1,
        "closingTime": LAST_SECOND,
        "validity": MAX_DURATION,
        "openAward": True,
        "provider": provider,
        "rate": 2**64 - 1,
        "connectedAt": 0,
        "freeUntil": LAST_SECOND - MAX_DURATION + PARAMETERS["extensionWindow"],
        "removals": MOST_REMOVALS,
    }


def test_the_largest_sums_are_exact(market, largest_id, consumer, provider):
    assert market.reserve(largest_id) == LARGEST_RESERVE
    assert market.bond(largest_id) == LARGEST_RESERVE
    assert market.penalty(largest_id) == LARGEST_RESERVE // 10
    assert market.evs(consumer).balance == FUNDS
    assert market.evs(provider).balance == FUNDS


def test_the_largest_auction_is_awarded_in_the_last_second_and_paid(
    market, storage, largest_id, consumer, clock
):
    terms, bid = storage.terms(consumer), storage.bid(consumer)
    provider = market.auctions(largest_id).provider
    clock.next_block_at(LAST_SECOND)

    award = market.endAuction(market.currentAuctionId(consumer), sender=consumer)

    assert storage.terms(consumer) == {**terms, "since": LAST_SECOND}
    assert storage.bid(consumer) == bid
    assert market.auctions(largest_id).connectedAt == LAST_SECOND
    assert award.events[0] == market.AuctionEnded(
        auctionId=largest_id, provider=provider, rate=HIGHEST_RATE, cost=LARGEST_RESERVE
    )

    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.evs(consumer).balance == FUNDS
    assert market.evs(provider).balance == FUNDS + 2 * LARGEST_RESERVE
    assert storage.bid(consumer) == bid


def test_removals_are_counted_to_the_maximum(market, storage, bid_id, consumer, provider):
    storage.change_terms(consumer, removals=MOST_REMOVALS - 1)

    market.removeBid(bid_id, sender=provider)

    assert storage.terms(consumer)["removals"] == MOST_REMOVALS
    assert market.auctions(bid_id).removals == MOST_REMOVALS


def test_removals_do_not_start_from_zero_again(market, storage, bid_id, consumer, provider):
    """Else an old signature would be good again."""
    storage.change_terms(consumer, removals=MOST_REMOVALS)
    bid = storage.bid(consumer)

    with reverts_with(market.TooManyRemovals, maximum=MOST_REMOVALS):
        market.removeBid(bid_id, sender=provider)

    assert storage.bid(consumer) == bid


@pytest.mark.usefixtures("largest_id")
def test_rounds_do_not_start_from_zero_again(market, consumer, clock):
    """Else an old id would be good again."""
    auction_id = market.currentAuctionId(consumer)
    clock.next_block_at(LAST_SECOND)
    market.endAuction(market.currentAuctionId(consumer), sender=consumer)
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    with pytest.raises(VirtualMachineError, match="Panic error 0x11"):
        market.startAuction(1, 10**15, 1, 1, False, "", sender=consumer)

    assert market.currentAuctionId(consumer) == auction_id


# --- Ids ------------------------------------------------------------------------------------------


def test_an_id_names_the_consumer_and_its_round(market, auction_id, consumer, stranger):
    assert auction_id == number(consumer) << 32 | 1
    assert market.currentAuctionId(consumer) == auction_id
    assert market.currentAuctionId(stranger) == number(stranger) << 32


NOT_CURRENT = {
    "of an earlier round": lambda current: current - 1,
    "of the next round": lambda current: current + 1,
    "of round zero": lambda current: current >> 32 << 32,
    "of another account": lambda current: current ^ 1 << 32,
    "of nobody": lambda current: current & 0xFFFFFFFF,
    "with a bit above the address": lambda current: current | 1 << 192,
    "with the highest bit": lambda current: current | 1 << 255,
    "with every bit above the address": lambda current: current | (2**64 - 1) << 192,
    "of all bits": lambda _: 2**256 - 1,
    "zero": lambda _: 0,
}


@pytest.fixture(params=NOT_CURRENT.values(), ids=list(NOT_CURRENT))
def wrong_id(request, market, connection_id, consumer, start_auction):
    """An id that is not the current one, while the consumer's second auction is open."""
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)
    return request.param(start_auction())


def test_an_id_that_is_not_current_is_of_no_auction(market, wrong_id):
    assert tuple(market.auctions(wrong_id)) == NO_AUCTION
    assert market.reserve(wrong_id) == market.bond(wrong_id) == market.penalty(wrong_id) == 0


def test_nobody_bids_on_an_id_that_is_not_current(market, wrong_id, provider):
    balance = market.evs(provider).balance

    with reverts_with(market.UnexpectedState, auctionId=wrong_id, actual=NONE, expected=OPEN):
        market.placeBid(wrong_id, RATE, offered(market, wrong_id), sender=provider)

    assert market.evs(provider).balance == balance


def test_nobody_cancels_by_an_id_that_is_not_current(market, wrong_id, consumer):
    with reverts_with(market.UnexpectedState, auctionId=wrong_id, actual=NONE, expected=OPEN):
        market.cancelAuction(wrong_id, 0, sender=consumer)

    assert market.auctions(market.currentAuctionId(consumer)).state == OPEN


def test_nobody_expires_a_connection_by_an_id_that_is_not_current(
    market, connection_id, consumer, provider, clock
):
    clock.next_block_at(clock.now + VALIDITY + PARAMETERS["settlementWindow"])
    wrong_id = connection_id | 1 << 192

    with reverts_with(market.UnexpectedState, auctionId=wrong_id, actual=NONE, expected=CONNECTED):
        market.expireConnection(wrong_id, sender=provider)

    assert market.auctions(connection_id).state == CONNECTED
    assert market.evs(consumer).balance == FUNDS - RESERVE


def test_an_auction_that_is_over_is_no_auction(market, connection_id, consumer):
    market.endConnection(market.currentAuctionId(consumer), sender=consumer)

    assert market.currentAuctionId(consumer) == connection_id
    assert tuple(market.auctions(connection_id)) == NO_AUCTION
    assert market.reserve(connection_id) == 0
    assert market.bond(connection_id) == 0
    assert market.penalty(connection_id) == 0


def test_an_account_without_auctions_has_no_auction(market, consumer):
    """The id of round 0 is current then, and yet of no auction."""
    auction_id = market.currentAuctionId(consumer)

    assert auction_id == number(consumer) << 32
    assert tuple(market.auctions(auction_id)) == NO_AUCTION
    with reverts_with(market.UnexpectedState, auctionId=auction_id, actual=NONE, expected=OPEN):
        market.endAuction(market.currentAuctionId(consumer), sender=consumer)
