"""What an RPC node can lie about: each takes a true answer, and gives a false one."""

from __future__ import annotations

import copy
from typing import Any

from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex


def changed(*path: Any, value: Any) -> Any:
    """A lie that puts another value somewhere into an answer."""

    def lie(answer: Any) -> Any:
        false = place = copy.deepcopy(answer)
        for key in path[:-1]:
            if not place[key]:
                return false
            place = place[key]
        if place:
            place[path[-1]] = value
        return false

    return lie


def _flipped(answer: Any) -> Any:
    """One bit of the first node of the account's proof."""
    false = copy.deepcopy(answer)
    node = bytearray(decode_hex(false["accountProof"][0]))
    node[-1] ^= 1
    false["accountProof"][0] = to_hex(bytes(node))
    return false


def _without_slots(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name != "storageProof"}


def _made_up_log(answer: Any) -> Any:
    """An event that has not happened, in a block in which one has."""
    if not answer:
        return answer
    return [answer[0] | {"data": to_hex(bytes(31) + b"\x20" + bytes(64))}]


def _other_logs(answer: Any) -> Any:
    """Receipts in which a log says something else."""
    false = copy.deepcopy(answer)
    for receipt in false:
        for log in receipt["logs"]:
            log["data"] = to_hex(bytes(32))
    return false


_WORD = "0x" + "11" * 32

LIES: dict[str, tuple[str, Any]] = {
    "another value in a slot": ("eth_getProof", changed("storageProof", 0, "value", value="0x7")),
    "no proof of a slot": ("eth_getProof", changed("storageProof", 0, "proof", value=[])),
    "another slot": ("eth_getProof", changed("storageProof", 0, "key", value=_WORD)),
    "slots left out": ("eth_getProof", _without_slots),
    "no proof of the account": ("eth_getProof", changed("accountProof", value=[])),
    "a richer account": ("eth_getProof", changed("balance", value=hex(10**30))),
    "another nonce": ("eth_getProof", changed("nonce", value="0x7777")),
    "another code's hash": ("eth_getProof", changed("codeHash", value=_WORD)),
    "another storage": ("eth_getProof", changed("storageHash", value=_WORD)),
    "a bit of the proof": ("eth_getProof", _flipped),
    "no answer": ("eth_getProof", lambda _: None),
    "an answer of another shape": ("eth_getProof", lambda _: {"balance": []}),
    "another code": ("eth_getCode", lambda code: code + "00"),
    "no code": ("eth_getCode", lambda _: "0x"),
    "another state in the header": ("eth_getBlockByHash", changed("stateRoot", value=_WORD)),
    "another time in the header": ("eth_getBlockByHash", changed("timestamp", value="0x1")),
    "no block": ("eth_getBlockByHash", lambda _: None),
    "no receipts": ("eth_getBlockReceipts", lambda _: []),
    "another event in a receipt": ("eth_getBlockReceipts", _other_logs),
    "a made-up event": ("eth_getLogs", _made_up_log),
    "no events": ("eth_getLogs", lambda _: []),
    "calls that return anything": ("eth_call", lambda _: _WORD * 8),
    "storage without proof": ("eth_getStorageAt", lambda _: _WORD),
    "another transaction": ("eth_getTransactionByHash", changed("input", value="0x1234")),
}
