"""What objects say in labels: SIEM clients drop linked objects, so what those would say is repeated there."""

from __future__ import annotations

from normalizers.labels import MALWARE, NAMED, PREFIX, TECHNIQUE
from normalizers.merge import Merged
from normalizers.names import ATTACK


def named(merged: Merged) -> tuple[str, ...]:
    """The labels for those behind it, what it imitates, whom it is aimed at, and techniques."""
    detail = merged.detail
    found = []
    if not NAMED.keys().isdisjoint(detail):
        found = [f"{prefix}{name}" for member, prefix in NAMED.items() for name in detail.get(member, ())]
    for source, _, number in merged.references:
        if source == ATTACK and number:
            found.append(f"{TECHNIQUE}{number}")
    return tuple(found)


def labels(
    made: tuple[str, ...], names: tuple[str, ...], malware: tuple[str, ...], origins: tuple[str, ...]
) -> tuple[str, ...]:
    """The labels that the hub makes: ``made`` of what is known, ``names`` as :func:`named` gives them, ``malware``, and
    ``origins`` as :func:`sources` gives them."""
    return (
        *(f"{PREFIX}{label}" for label in made),
        *names,
        *(f"{MALWARE}{name}" for name in malware),
        *(f"{PREFIX}source={name}" for name in origins),
    )


def sources(merged: Merged) -> tuple[str, ...]:
    """The origins that may be named, in order."""
    if len(merged.claims) == 1:
        origin = merged.claims[0].origin
        return () if ":" in origin else (origin,)
    return tuple(sorted({claim.origin for claim in merged.claims if not claim.withdrawn and ":" not in claim.origin}))
