"""What one EV keeps of its sessions, durably.

`store` is the file, and its parts are what is kept: `connections`, `handshakes`,
`statements` and `registers`.
`tables` makes them, `records` are the rows as objects.
"""

from ape_v2v.session.store.records import Handshake, PeerMeter, StoredConnection, StoredRegister
from ape_v2v.session.store.store import Store

__all__ = ["Handshake", "PeerMeter", "Store", "StoredConnection", "StoredRegister"]
