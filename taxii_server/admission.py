"""Which of a view's objects a collection admits. Admission never changes an object: it only lets it in, whole."""

from __future__ import annotations

from config.instant import Millis
from config.observables import PASSED
from config.roots import Collection
from normalizers.ids import object_type
from normalizers.merge import Merged


def admits(collection: Collection, word: Merged, now: Millis) -> bool:
    """Whether an object that says ``word`` may enter the collection at ``now``."""
    narrow = collection.narrow
    if narrow.types and _type_of(word) not in narrow.types:
        return False
    if narrow.observables and word.type not in narrow.observables:
        return False
    if word.confidence < narrow.confidence:
        return False
    said = {claim.origin.partition("@")[0] for claim in word.claims if not claim.withdrawn} if narrow.sources else set()
    if narrow.sources and said.isdisjoint(narrow.sources):
        return False
    return not narrow.active or (word.standing and word.ends > now)


def _type_of(word: Merged) -> str:
    # An object that is passed on is what its id says.
    return word.value.partition("--")[0] if word.type == PASSED else object_type(word.type)
