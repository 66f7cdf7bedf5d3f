"""The provider's side: it admits the consumer, delivers against receipts, closes and settles.

`provider` answers the messages, by way of `admissions` (who may begin), `delivery` (the meter and
the source) and `readings` (what is given out); `supervisor` does what nobody asks for.
"""

from ape_v2v.session.provider.provider import Provider
from ape_v2v.session.provider.supervisor import Supervisor, agreed

__all__ = ["Provider", "Supervisor", "agreed"]
