"""The numbers of the auction that the contract tests run: 20 kWh for at most 300 gwei per Wh."""

ETHER = 10**18
GWEI = 10**9

ENERGY = 20_000  # Wh
MAX_RATE = 300 * GWEI  # wei per Wh
RATE = 200 * GWEI
LOWER_RATE = 150 * GWEI
BIDDING_TIME = 600  # s
VALIDITY = 7_200  # s
RESERVE = ENERGY * MAX_RATE
FUNDS = ETHER

PARAMETERS = {
    "bondBps": 10_000,
    "penaltyBps": 1_000,
    "minDecrementBps": 100,
    "extensionWindow": 60,
    "awardWindow": 3_600,
    "settlementWindow": 86_400,
    "minPenalty": 10**13,
}
# What a bid on these terms names.
TERMS = ENERGY | MAX_RATE << 32 | VALIDITY << 96
BOND = RESERVE
PENALTY = RESERVE // 10
ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"
METER_DATA = b"\x11" * 32


def offered(market, auction_id):
    """What a bid on this auction names: its terms, in one number."""
    info = market.auctions(auction_id)
    return info.energyWh | info.maxRate << 32 | info.validity << 96
