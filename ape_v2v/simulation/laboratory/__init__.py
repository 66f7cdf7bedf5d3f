"""The market in a laboratory: auctions whose outcome is known, played on the contract's bytecode.

table = validate(auctions=400)
assert all(row.holds for row in table)
"""

from ape_v2v.simulation.laboratory.cases import BIDDERS, CASES, validate
from ape_v2v.simulation.laboratory.rows import LIMIT, Row
from ape_v2v.simulation.laboratory.trial import Trial, play

__all__ = ["BIDDERS", "CASES", "LIMIT", "Row", "Trial", "play", "validate"]
