"""TLP markings: which marking-definition means which label, in each dialect, and the objects that must be shipped.

TLP 2.0 is not predefined in STIX 2.1, so whoever names one of its marking-definitions ships it too. The TLP 1 ones are
predefined (STIX 2.1 section 7.2.1.4) and never shipped. OpenCTI uses those, and one of its own for AMBER+STRICT.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Literal

Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
Dialect = Literal["tlp2", "tlp1", "opencti"]

#: The property-extension in which OASIS expresses TLP 2.0.
TLP2_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
#: When OASIS made the TLP 2.0 objects.
TLP2_CREATED = "2022-10-01T00:00:00.000Z"

_TLP2: dict[Tlp, str] = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_TLP1: dict[Tlp, str] = {
    "clear": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
_OPENCTI: dict[Tlp, str] = {**_TLP1, "amber+strict": "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"}

#: dialect -> label -> marking-definition id
IDS: MappingProxyType[Dialect, dict[Tlp, str]] = MappingProxyType({"tlp2": _TLP2, "tlp1": _TLP1, "opencti": _OPENCTI})

_LABELS: dict[str, Tlp] = {marking_id: label for ids in IDS.values() for label, marking_id in ids.items()}


def tlp_of(marking_id: str) -> Tlp | None:
    """The TLP 2.0 label that a marking-definition id stands for, in any dialect; None when it is no TLP marking."""
    return _LABELS.get(marking_id)


def is_predefined(marking_id: str) -> bool:
    """Whether the id resolves for everybody: STIX 2.1 predefines the markings of TLP 1."""
    return marking_id in _TLP1.values()


def marking_id(label: Tlp, dialect: Dialect = "tlp2") -> str:
    """The id that says ``label`` in that dialect.

    TLP 1 has nothing for AMBER+STRICT; the nearest that gives no more away is RED, never AMBER.
    """
    ids = IDS[dialect]
    return ids[label] if label in ids else ids["red"]


def companion(label: Tlp, dialect: Dialect = "tlp2") -> dict[str, Any] | None:
    """The marking-definition object that a collection ships so that :func:`marking_id` resolves for its readers.

    None where STIX 2.1 predefines the object. A new dictionary each time.
    """
    named = marking_id(label, dialect)
    if named in _TLP1.values():
        return None
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": named,
        "created": TLP2_CREATED,
        "name": f"TLP:{label.upper()}",
        "extensions": {TLP2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": label}},
    }
