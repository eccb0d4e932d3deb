"""The gate that every reference to something elsewhere goes through, whichever feed and format it comes from.

What passes is an external reference (STIX 2.1 section 2.5) as the OASIS validator wants it: a URI, a CVE or CAPEC id
under the name that belongs to it, and that name with nothing else. It is safe to show, too.
"""

from __future__ import annotations

import re
from functools import lru_cache

from config.entry import is_web_address
from normalizers.claims import Reference
from normalizers.labels import LONGEST, label_of, plain
from normalizers.personal import personal_data

#: References that one row may give.
MOST = 50
_LONGEST_LINK = 2_000
_LONGEST_NAME = 300
#: Names that belong to ids of one form. The forms are the OASIS validator's own: its digits are those of any script.
SPECIAL = {"cve": re.compile(r"CVE-\d{4}-(?:0\d{3}|[1-9]\d{3,})"), "capec": re.compile(r"CAPEC-\d+")}
_CWE = re.compile(r"CWE-[0-9]{1,6}")


def link(text: str) -> str:
    """A web address that may stand in an external reference, or "" when ``text`` is none, or tells of a victim."""
    given = text.strip()
    return given if len(given) <= _LONGEST_LINK and is_web_address(given) and not personal_data(given) else ""


def reference(name: str, url: str = "", external_id: str = "") -> Reference | None:
    """What a feed names, as a reference that may be served; None when neither a web address nor an id is left of it."""
    source, address = _name(name), url and link(url)
    if external_id.isdecimal() and external_id.isascii() and len(external_id) <= LONGEST and source not in SPECIAL:
        return (source, address, external_id) if source else None  # as below, for what most rows have
    number = external_id and label_of(external_id)
    for special, form in SPECIAL.items() if number else ():
        if form.fullmatch(number.upper()):
            # Digits of other scripts make an id that no catalogue has, and that the validator takes for one.
            source, number = (special, number.upper()) if number.isascii() else (source, "")
    if source in SPECIAL and not SPECIAL[source].fullmatch(number):
        source = source.upper()  # the name in small letters is for ids of that catalogue alone
    return (source, address, number) if source and (address or number) else None


def _name(text: str) -> str:
    return _remembered(text) if len(text) <= _LONGEST_NAME else plain(text, _LONGEST_NAME)


@lru_cache(maxsize=1_024)
def _remembered(text: str) -> str:
    return plain(text, _LONGEST_NAME)


def is_cwe(text: str) -> bool:
    """Whether it is the id of a weakness, such as ``CWE-79``."""
    return _CWE.fullmatch(text) is not None
