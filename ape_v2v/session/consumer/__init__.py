"""The consumer's side: it proves who it is, acknowledges what it gets, and pays.

`consumer` is the charging loop. `asking` gets a message to the provider, whatever the link does;
`admission` begins sessions, `acknowledging` signs for readings, and `ending` pays on the chain.
"""

from ape_v2v.session.consumer.asking import Peer
from ape_v2v.session.consumer.consumer import Consumer, Result

__all__ = ["Consumer", "Peer", "Result"]
