"""The charging session: the off-chain half of a trade, between two vehicles that have met.

The provider serves and the consumer asks, over HTTP; docs/session.md tells the whole protocol.

| module | what is in it |
| --- | --- |
| `protocol` | the rules: messages, handshake, charging, tolerance, signatures, errors by name |
| `provider`, `consumer` | the two sides: rules, store, meter and market put together |
| `link` | the two ends of the link over HTTP, and what the service bears |
| `store` | what either side keeps, durably |
| `port`, `onchain` | what a session needs of the market, and the market by a node |
| `terms`, `settings` | what a side bears and agrees to, and all that it is started with |
| `running` | a side put together from its settings and run to its end |
| `progress` | what a side tells whoever watches |
| `boundaries` | where tests may kill the process |

Meters are a room of their own, `ape_v2v.metering`.
"""
