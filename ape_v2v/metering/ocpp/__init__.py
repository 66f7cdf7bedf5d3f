"""Chargers that speak OCPP: a small central system to which they connect.

| module | what is in it |
| --- | --- |
| `samples` | what a charger's meter values say |
| `station` | what is known of one charger, by whichever version it speaks |
| `dialect` | how each version says it: 1.6, 2.0.1 and 2.1 |
| `conversation` | one connection of a charger: requests and answers |
| `central` | where chargers connect to, by WebSocket |
| `contactor`, `grants` | let energy flow by a charger, for so long, and never beyond |
| `equipment` | the meter and the source of energy that a session takes |
"""
