"""A set that is read in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Any)


class Ordered(Generic[T]):
    """Values without repetition, in rising order.

    Adding is cheap in any order: what came out of order is sorted when it is next read.
    """

    def __init__(self) -> None:
        self._known: set[T] = set()
        self._items: list[T] = []
        self._sorted = True

    def add(self, value: T) -> None:
        """Hold ``value``, once."""
        if value in self._known:
            return
        self._known.add(value)
        if self._items and value < self._items[-1]:
            self._sorted = False
        self._items.append(value)

    def discard(self, value: T) -> None:
        """Hold ``value`` no more."""
        if value in self._known:
            self._known.remove(value)
            del self._in_order()[bisect_right(self._items, value) - 1]

    def after(self, value: T | None = None) -> Iterator[T]:
        """What is greater than ``value``, or everything. Not to be read on once the set has changed."""
        items = self._in_order()
        start = 0 if value is None else bisect_right(items, value)
        return (items[place] for place in range(start, len(items)))

    def _in_order(self) -> list[T]:
        if not self._sorted:
            self._items.sort()
            self._sorted = True
        return self._items

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, value: T) -> bool:
        return value in self._known
