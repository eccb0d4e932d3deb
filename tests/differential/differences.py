"""Where the hub and medallion answer differently, and why. Sections are those of TAXII 2.1."""

from __future__ import annotations

_RESOURCE = "200 {api_roots, contact, default, description, title}"
_NOTHING = ("200 {'more': False}", "200 {}")

_EMPTY = (
    "Section 3.7: an envelope without objects. Both are legal; {} breaks a client that decodes `more` as required, "
    "so the hub always says it."
)
_ACCEPT = (
    "Section 3.1: an Accept that contains a defined range never gives 406, and a server may serve others. "
    "medallion reads only the first TAXII range, in small letters, with its version."
)
_HTML = (
    "Section 3.6.1: the body of an error, if there is one, is an error message; medallion's framework answers in HTML."
)
_SLASH = "Section 3.1 makes the slash the client's duty. Some clients leave it out and follow no redirect with a body."
_HIDDEN = (
    "Sections 5.2 to 5.7 and appendix B: what a caller may neither read nor write does not exist for it. "
    "medallion has no rights by user and shows every collection."
)
_REFUSED_OBJECTS = (
    "What stands in the collection differs, for reasons given at the posts: the hub refused 20 and 21, which medallion "
    "took, and took 22 and 24, which medallion refused."
)
_ORDER = "Section 5.8 gives the versions no order. The hub keeps that of date_added, so that pages of them are stable."
_TWICE = "Section 3.4: a field occurs at most once per request; medallion takes the first."

#: step -> (the hub's answer, medallion's answer, why)
DIFFERENCES: dict[str, tuple[str, str, str]] = {
    "discovery without login": (
        _RESOURCE,
        "401 text as text/html with a challenge",
        "Section 8.2.2: authentication may be off for what is public. medallion asks for it everywhere.",
    ),
    "collections": (
        "200 collections: Members; Members - shared",
        "200 collections: Members - shared; Members; Hidden",
        f"{_HIDDEN} The hub's other collections are those of its test settings, in order of id (section 3.3).",
    ),
    "collection": (
        "200 {alias, can_read, can_write, id, media_types, title}",
        "200 {can_read, can_write, id, media_types, title}",
        "Section 5.2.1: the alias is optional, and medallion's data has none.",
    ),
    "collection without the slash": (
        "200 {alias, can_read, can_write, id, media_types, title}",
        "308 text as text/html",
        _SLASH,
    ),
    "hidden collection": ("404 error 404", "200 {can_read, can_write, id, media_types, title}", _HIDDEN),
    "objects without login": (
        "401 error 401 with a challenge",
        "401 text as text/html with a challenge",
        _HTML,
    ),
    "accept missing": (_RESOURCE, "406 error 406", _ACCEPT),
    "accept anything": (_RESOURCE, "406 error 406", _ACCEPT),
    "accept json": (_RESOURCE, "406 error 406", _ACCEPT),
    "accept without version": (
        _RESOURCE,
        "406 error 406",
        "Section 1.6.8.2: the version is optional in Accept, and without it the highest that there is answers.",
    ),
    "accept in capitals": (
        _RESOURCE,
        "406 error 406",
        "RFC 7231 section 3.1.1.1: media types and parameter names are compared without regard to case.",
    ),
    "accept 2.0 and 2.1": (_RESOURCE, "406 error 406", _ACCEPT),
    "objects of an empty collection": (*_NOTHING, _EMPTY),
    "manifest of an empty collection": (*_NOTHING, _EMPTY),
    "post an exact duplicate": (
        "202 1 taken, 0 failed",
        "202 0 taken, 1 failed",
        "Section 5.5: an exact duplicate of a stored object is not an error for that object.",
    ),
    "post an invalid pattern": (
        "202 0 taken, 1 failed",
        "202 1 taken, 0 failed",
        "Section 5.5 lets a server validate; what the hub serves is valid STIX. medallion takes anything with an id.",
    ),
    "post TLP:RED": (
        "202 0 taken, 1 failed",
        "202 1 taken, 0 failed",
        "TLP 2.0: RED is for named recipients only, and no collection is. medallion does not look at markings.",
    ),
    "post something without an id": (
        "202 1 taken, 1 failed",
        "422 error 422",
        "Section 4.3.1: partial failure is reported per object; one bad object does not cost the others.",
    ),
    "post no objects": (
        "422 error 422",
        "202 0 taken, 0 failed",
        "Section 2: an empty list is never used. Without the list at all medallion answers 422 as well.",
    ),
    "post broken json": (
        "422 error 422",
        "400 text as text/html",
        "Section 5.5: 422 for content that cannot be processed, such as a malformed body.",
    ),
    "post nothing": (
        "422 error 422",
        "413 error 413",
        "Section 5.5: 413 is for bodies above max_content_length, and nothing is not above it.",
    ),
    "post as plain json": (
        "202 1 taken, 0 failed",
        "415 error 415",
        "Section 3.1: another Content-Type may be served, and many clients send this one.",
    ),
    "post to a hidden collection": ("404 error 404", "403 error 403", _HIDDEN),
    "objects": (
        "200 more False: i2 m1 i1 i3 i4 i5 i6 i7 i1 i22 i24 with dates",
        "200 more False: i2 m1 i1 i3 i4 i5 i6 i7 i1 i20 i21 with dates",
        _REFUSED_OBJECTS,
    ),
    "objects without the slash": (
        "200 more False: i2 m1 i1 i3 i4 i5 i6 i7 i1 i22 i24 with dates",
        "308 text as text/html",
        _SLASH,
    ),
    "manifest": (
        "200 more False: i2 m1 i1 i3 i4 i5 i6 i7 i1 i22 i24 with dates",
        "200 more False: i2 m1 i1 i3 i4 i5 i6 i7 i1 i20 i21 with dates",
        _REFUSED_OBJECTS,
    ),
    "objects of a hidden collection": ("404 error 404", "403 error 403", _HIDDEN),
    "all versions": (
        "200 more False: i1 i2 m1 i1 i1 i3 i4 i5 i6 i7 i1 i22 i24 with dates",
        "200 more False: i1 i2 m1 i1 i1 i3 i4 i5 i6 i7 i1 i20 i21 with dates",
        _REFUSED_OBJECTS,
    ),
    "first versions": (
        "200 more False: i1 i2 m1 i1 i3 i4 i5 i6 i7 i22 i24 with dates",
        "200 more False: i1 i2 m1 i1 i3 i4 i5 i6 i7 i20 i21 with dates",
        _REFUSED_OBJECTS,
    ),
    "a type that is not there": (*_NOTHING, _EMPTY),
    "an id and another type": (*_NOTHING, _EMPTY),
    "spec_version 2.0": (*_NOTHING, _EMPTY),
    "added after the end": (*_NOTHING, _EMPTY),
    "manifest without a match": (*_NOTHING, _EMPTY),
    "next with another added_after": (
        "200 more False: i6 i7 i1 i22 i24 with dates",
        "400 error 400",
        "Section 3.5: next is the server's own. Older OpenCTI sends another added_after beside it; next wins.",
    ),
    "added_after no time": (
        "400 error 400",
        "500 text as text/html",
        "Section 3.4: a malformed parameter is 400.",
    ),
    "version no time": ("400 error 400", "500 text as text/html", "Section 3.4: a malformed parameter is 400."),
    "all with another version": (
        "400 error 400",
        "200 more False: m1 with dates",
        "Section 3.4.1: all stands alone.",
    ),
    "id no id": (
        "400 error 400",
        "200 {}",
        "Section 3.4: a malformed parameter is 400. A mistyped id deserves an answer.",
    ),
    "type twice": ("400 error 400", "200 more False: m1 with dates", _TWICE),
    "object, a version that is not there": (*_NOTHING, _EMPTY),
    "versions": (
        "200 more False: 02-01 02-02 02-03 with dates",
        "200 more False: 02-03 02-02 02-01 with dates",
        _ORDER,
    ),
    "versions, limited": (
        "200 more True: 02-01 02-02 with dates",
        "200 more True: 02-02 02-01 with dates",
        _ORDER,
    ),
    "versions after that": (
        "200 more False: 02-01 02-03 with dates",
        "200 more False: 02-03 02-01 with dates",
        _ORDER,
    ),
    "object after that": (
        "404 error 404",
        "200 more False: i1 with dates",
        "Section 5.7: after a deletion Get an Object is 404. Without match[version] the hub deletes the object, "
        "medallion the last version of it.",
    ),
    "manifest after that": (
        "200 {'more': False}",
        "200 more False: i1 with dates",
        "Section 5.7: after a deletion neither manifest nor objects return the object.",
    ),
    "delete again": (
        "404 error 404",
        "200 nothing",
        "Section 5.7: what is not there is a 404. In medallion the first version is still there, and goes now.",
    ),
    "another method": ("405 error 405", "405 text as text/html", _HTML),
}
