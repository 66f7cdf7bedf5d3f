"""`ape v2v serve`: what phones and other programs ask of a market, by HTTP.

It makes reading fast and never truer: whoever signs reads the terms again from a node.

| module | what is in it |
| --- | --- |
| `watch` | one thread that reads what is new, and tells all who listen |
| `shapes` | what the answers look like, for OpenAPI |
| `reads` | `/api/v1`: the market, auctions, accounts, EVs |
| `stream` | `/api/v1/events`: what happens, as it happens |
| `rpc` | `/rpc`: so much of a node as the page needs |
| `page` | `/`: the page that phones open |
| `pairing` | `/api/v1/pair`: a signature on its way from the phone to the car |
| `health`, `protection` | is it well; what it bears, and what its answers forbid a browser |
| `app` | all of it as one application, and how it is served |
"""
