"""Signed bids, receipts, keys and withdrawals as JSON documents: what EVs send off the chain.

    {"type": "Bid", "chainId": 1, "market": "0x…", "auctionId": "…", "provider": "0x…",
     "energyWh": 20000, "maxRate": "300000000000", "validity": 7200, "rate": "200000000000",
     "nonce": 0, "deadline": "2026-01-01T12:00:00Z", "signature": "0x…"}

    {"type": "MeteringReceipt", "chainId": 1, "market": "0x…", "auctionId": "…", "energyWh": 18400,
     "meterDataHash": "0x…", "last": false, "signature": "0x…"}

    {"type": "SessionKey", "chainId": 1, "market": "0x…", "auctionId": "…", "account": "0x…",
     "key": "0x…", "signature": "0x…"}

    {"type": "Withdrawal", "chainId": 1, "market": "0x…", "account": "0x…", "amount": "5000000",
     "to": "0x…", "nonce": 0, "deadline": "2026-01-01T12:00:00Z", "signature": "0x…"}

Both a consumer's `MeteringReceipt` and a provider's `Settlement` are signatures over a `Reading`.
The names of the fields are those of the typed data that is signed; ids, amounts and rates are
decimal texts, because they exceed what JSON readers take for a number.

A document is foreign: what it says is compared with the market that is connected before anything
is sent. The contract checks all of it once more, but can only say that a signature does not fit.
"""
