"""Addresses of wallets in the one spelling the hub keeps, held to their checksum where it can be computed here."""

from __future__ import annotations

import hashlib
import re
from functools import reduce

from normalizers.bad_value import BadValue, shown

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {char: value for value, char in enumerate(_BASE58)}
_BASE32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_ETHEREUM = re.compile(r"0x[0-9a-f]{40}", re.IGNORECASE)
_MONERO = re.compile(rf"[48][{_BASE58}]{{94}}|4[{_BASE58}]{{105}}")
_CHECKED = re.compile(rf"[{_BASE58}]{{25,36}}")
#: Human-readable part, separator, data of BIP 173.
_SEGWIT = re.compile(rf"([a-z]{{1,10}})1([{_BASE32}]{{14,87}})")
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
#: What is left of a sound checksum: bech32 (BIP 173) and bech32m (BIP 350).
_SOUND = frozenset((1, 0x2BC830A3))
#: Version, hash of 20 bytes, checksum.
_PAYLOAD = 25


def wallet(text: str) -> str:
    """The canonical spelling of a wallet's address. Raises :class:`BadValue`.

    Ethereum's in small letters (its capitals are a checksum, and clients ignore it); bech32 of Bitcoin and its
    relatives in small letters; base58 as it is, for there case is part of the value.
    """
    if _ETHEREUM.fullmatch(text):
        return text.lower()
    folded = text.lower() if text in (text.lower(), text.upper()) else ""
    segwit = _SEGWIT.fullmatch(folded)
    if segwit is not None and _polymod(segwit[1], segwit[2]) in _SOUND:
        return folded
    if _MONERO.fullmatch(text) or (_CHECKED.fullmatch(text) and _is_checked(text)):
        return text
    raise BadValue("bad-wallet", f"expected the address of a wallet, got {shown(text)}")


def _polymod(prefix: str, data: str) -> int:
    """BIP 173: 1 when the checksum of a bech32 address is right."""
    values = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    check = 1
    for value in (*values, *map(_BASE32.index, data)):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            check ^= generator if top >> place & 1 else 0
    return check


def _is_checked(text: str) -> bool:
    """Whether base58 text ends with the checksum of what is before it."""
    number = reduce(lambda number, char: number * 58 + _DIGITS[char], text, 0)
    zeros = len(text) - len(text.lstrip("1"))
    packed = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
    if len(packed) != _PAYLOAD:
        return False
    payload, checksum = packed[:-4], packed[-4:]
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4] == checksum
