"""What is in a pack of git's objects, as dulwich reads it, without deltas by position.

A stranger's: every size that it says is bounded before anything of that size is built.
"""

from __future__ import annotations

import zlib
from io import BytesIO

from dulwich import pack as packs
from dulwich.errors import ApplyDeltaError, ChecksumMismatch
from dulwich.object_format import SHA1

from collectors.errors import TooLarge

_BROKEN = (ApplyDeltaError, AssertionError, ChecksumMismatch, packs.UnresolvedDeltas, zlib.error)
#: Where the objects begin.
_BEGIN = 12
#: commit, tree, blob, tag, and what is told as what differs from another, by the id of that
_KINDS = (1, 2, 3, 4, packs.REF_DELTA)
#: Bytes of the longest size.
_LONGEST = 9
#: What an object counts at the least, for what is kept beside its content; those of a real history have more.
_LEAST = 256


def objects_in(pack: bytes, most: int) -> dict[bytes, packs.UnpackedObject]:
    """The objects by their ids in hexadecimal. Raises ValueError for what is no whole pack, and :class:`TooLarge` where
    its objects come to more than ``most`` bytes."""
    try:
        with packs.PackData.from_file(BytesIO(pack), SHA1) as data:
            data.check()
            _weigh(pack, len(data), most)
            return {one.sha().hex().encode(): one for one in packs.UnpackedObjectIterator.for_pack_data(data)}
    except _BROKEN:
        raise ValueError("expected a whole pack of git's objects, got a broken one") from None


def _weigh(pack: bytes, count: int, most: int) -> None:
    """Looks at what each object says to come to, and what it makes of another, before either is built."""
    _within(most, count * _LEAST)
    at, total = _BEGIN, 0
    for _ in range(count):
        head, _ = _number(pack, at)
        kind, total = head >> 4 & 7, _within(most, total + (head & 15 | head >> 7 << 4))
        if kind not in _KINDS:
            raise ValueError(f"expected objects, or what differs from one by its id, got type {kind}")
        one, at = packs.unpack_object_at(pack, at, SHA1.hash_func)
        if kind == packs.REF_DELTA:
            delta = b"".join(one.decomp_chunks)
            _, after = _number(delta, 0)
            total = _within(most, total + _number(delta, after)[0])


def _within(most: int, total: int) -> int:
    if total > most:
        raise TooLarge(f"expected objects of at most {most} bytes, got more")
    return total


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the least first, and where it ends."""
    groups, size, _ = packs.take_msb_bytes_at(content[at : at + _LONGEST], 0)
    return sum((group & 0x7F) << 7 * place for place, group in enumerate(groups)), at + size
