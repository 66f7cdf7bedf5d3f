"""ABI values decoded, and refused where they are cut.

Ape replaces eth_abi's decoder of numbers, for everybody in the process, by one that fills up what
is missing: an answer that was cut would be somebody's balance.
"""

from __future__ import annotations

from eth_abi.codec import ABIDecoder
from eth_abi.decoding import UnsignedIntegerDecoder
from eth_abi.registry import BaseEquals, registry

_LABEL = "uint"

_own = registry.copy()  # type: ignore[no-untyped-call]
_own.unregister_decoder(_LABEL)
_numbers = BaseEquals(_LABEL)  # type: ignore[no-untyped-call]
_own.register_decoder(_numbers, UnsignedIntegerDecoder, label=_LABEL)

decode = ABIDecoder(_own).decode
