"""What was measured and signed in a session, to hand on: written as a file, and checked offline.

`dossier` is what there is, `writing` writes it as JSON, SAFE XML or CSV, `checking` checks a file.
"""

from ape_v2v.session.evidence.checking import Check, check_file
from ape_v2v.session.evidence.dossier import Dossier
from ape_v2v.session.evidence.onchain import check_settlement
from ape_v2v.session.evidence.writing import FORMATS, written

__all__ = ["FORMATS", "Check", "Dossier", "check_file", "check_settlement", "written"]
