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
}
BOND = RESERVE
PENALTY = RESERVE // 10
ZERO_ADDRESS = "0x0000000000000000000000000000000000000000"
METER_DATA = b"\x11" * 32
