"""The charging session: the off-chain half of a trade, between two vehicles that have met.

The provider serves and the consumer asks, over HTTP; docs/session.md tells the whole protocol.

| module | what is in it |
| --- | --- |
| `wire` | the messages |
| `handshake`, `charging` | the rules: what each message must be, given what is known |
| `provider`, `consumer` | the two sides: rules, store, meter and chain put together |
| `service`, `client` | the two ends of the link |
| `store` | what either side keeps, durably |
| `chain` | what the market says, and the transaction at the end |
| `signing` | signatures: made by accounts, checked strictly |
| `errors` | every way in which a message can be refused, by name |
| `boundaries` | where tests may kill the process |
| `meters` | energy meters |
"""
