"""Drafting ``fields``: what each column of a table could be, by its values first and its name second."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from normalizers.bad_value import BadValue
from normalizers.texts import is_japanese
from normalizers.times import ZONES, time_reader
from normalizers.values import algorithm, canonical, classify, split_port

Rows = Sequence[Mapping[str, Any]]

#: rows that are looked at, and of a text lines
MOST_ROWS, MOST_LINES = 500, 2_000

_ABSENT = frozenset(("", "None", "null", "n/a", "N/A"))
#: Forms of dates that are tried, in this order.
_FORMS = (
    "iso", "epoch", "epoch_ms", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y",
    "%Y%m%d%H%M%S", "%Y%m%d",
)  # fmt: skip
_VALUE = re.compile(
    r"ioc|indicator|value|url|uri|^ip|_ip|ip_|domain|host|address|cidr|hash|sha|md5|cve|network|宛先|送信|接続|通信|アドレス|ドメイン|ホスト|ハッシュ|指標",
    re.I,
)
_LAST = re.compile(r"last|online|expire|最終", re.I)
_CHANGED = re.compile(r"modif|updat|chang|更新|変更", re.I)
_FIRST = re.compile(
    r"first|added|date|time|created|publish|submi|seen|report|discover"
    r"|detect(?:ed|ion)?[ _-]?(?:at|on|time|date)|observed|(?:^|[._])ts$|日時|日付|年月日|[知測開告]日",
    re.I,
)
_MALWARE = re.compile(
    r"(?<!fk_)malware(?!_alias)|virusname|detection name|family|signature|マルウェア|ファミリ|検[知出]名", re.I
)
_LABELS = re.compile(r"tag|label|categor|campaign|target|descri|threat|type|reason|種[別類]|分類|タグ|脅威", re.I)
_CONFIDENCE = re.compile(r"confiden|score|信頼度|確度|スコア", re.I)
_HOST = re.compile(r"://([^/?#]*)")
_LINK = re.compile(r"link|reference|report|detail|permalink|source|参[照考]|出典|詳細", re.I)
_PORT = re.compile(r"port|ポート", re.I)
_BRAND = re.compile(r"brand|ブランド", re.I)
_INSTANT = re.compile(r"\d{4}[-/]\d\d[-/]\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
#: What stands where there was no such instant, among seconds since 1970.
_NEVER = "0"
_FEW = 40


def zone_of(text: str) -> str:
    """The zone of dates that say none: Japan's, where the text beside them is Japanese."""
    return "JST" if is_japanese(text) else "UTC"


def kind_of(value: str) -> str:
    """The type of one value by its form alone, "" when it is none."""
    try:
        return classify(value)[0]
    except BadValue:
        pass
    try:
        address, _ = split_port(value)
        return "ip:port" if canonical("ip", address) else ""
    except BadValue:
        return ""


def names_malware(heading: str) -> bool:
    """Whether a column of that name says which malware a value belongs to, or what it is detected as."""
    return _MALWARE.search(heading) is not None


def is_date(column: Sequence[Any]) -> bool:
    """Whether all that stands in a column are instants, by their form alone."""
    return bool(column) and all(isinstance(cell, str) and _INSTANT.fullmatch(cell) for cell in column)


def careful(kind: Any) -> dict[str, str]:
    """Where values may be URLs, those that hold somebody's address are refused until a person decides otherwise."""
    return {"personal": "refuse"} if isinstance(kind, dict) or kind in ("url", "any") else {}


def fields_of(rows: Rows, zone: str) -> dict[str, Any] | None:
    """The draft for rows whose cells are texts, numbers and lists; None when no column holds values. ``zone``: that of
    dates which say none."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = {name: _present(rows, name) for name in names}
    kinds = {name: _kinds(column) for name, column in cells.items()}
    value = _value(cells, kinds, len(rows))
    if value is None:
        return None
    fields: dict[str, Any] = {"value": value, "type": _type(rows, value, kinds[value], cells)}
    read = {value, *([fields["type"]["column"]] if isinstance(fields["type"], dict) else [])}
    fields |= _hashes(value, kinds, cells, read)
    fields |= _times(cells, read, zone)
    fields |= _never(cells, fields)
    fields |= _words(cells, kinds, read) | careful(fields["type"])
    optional = [name for name in _named(fields) if name != value and len(cells[name]) < len(rows)]
    return {**fields, "optional": optional} if optional else fields


def _present(rows: Rows, name: str) -> list[Any]:
    return [
        row[name] for row in rows if name in row and row[name] is not None and str(row[name]).strip() not in _ABSENT
    ]


def _kinds(column: list[Any]) -> Counter[str]:
    texts = [cell for cell in column if isinstance(cell, str)]
    return Counter(kind for text in texts if (kind := kind_of(text)))


def _value(cells: dict[str, list[Any]], kinds: dict[str, Counter[str]], rows: int) -> str | None:
    """The column of the values: most of its cells are, few stand twice, and if need be its name says so."""

    def worth(name: str) -> tuple[float, ...]:
        column = cells[name]
        distinct = len({str(cell) for cell in column}) / max(1, len(column))
        filled = len(column) / max(1, rows)
        links = kinds[name].keys() == {"url"} and _one_host(column) and _LINK.search(name)
        return (not links, round(filled * 2), round(distinct * 4), bool(_VALUE.search(name)), -list(cells).index(name))

    able = [name for name, column in cells.items() if column and kinds[name].total() * 2 > len(column)]
    return max(able, key=worth, default=None)


def _one_host(column: list[Any]) -> bool:
    # Not parsed: a cell may be defanged, and brackets in it then hold no address.
    hosts = Counter(_HOST.findall(cell)[0] for cell in column if isinstance(cell, str) and "://" in cell)
    return bool(hosts) and len(column) > 2 and hosts.most_common(1)[0][1] * 10 >= len(column) * 9


def _type(rows: Rows, value: str, kinds: Counter[str], cells: dict[str, list[Any]]) -> Any:
    if len(kinds) == 1:
        return "ja3" if kinds.keys() == {"file"} and "ja3" in value.lower() else next(iter(kinds))
    for name, column in cells.items():
        words = {cell for cell in column if isinstance(cell, str)}
        if name == value or not 1 < len(words) <= min(_FEW, len(rows) // 2) or len(column) < len(rows):
            continue
        said = {word: _kinds([row.get(value) for row in rows if row.get(name) == word]) for word in sorted(words)}
        if all(len(found) <= 1 for found in said.values()):
            return {"column": name, "map": {word: next(iter(found)) for word, found in said.items() if found}}
    if kinds.keys() <= {"ipv4", "ipv6"}:
        return "ip"
    return "cidr" if kinds.keys() <= {"ipv4", "ipv6", "cidr"} and kinds["cidr"] else "any"


def _hashes(
    value: str, kinds: dict[str, Counter[str]], cells: dict[str, list[Any]], read: set[str]
) -> dict[str, dict[str, str]]:
    if kinds[value].keys() != {"file"}:
        return {}
    found: dict[str, str] = {}
    for name, column in cells.items():
        digests = [cell for cell in column if isinstance(cell, str) and kind_of(cell) == "file"]
        if name not in read and kinds[name].keys() == {"file"} and len(digests) * 5 >= len(column) * 4:
            of = {algorithm(canonical("file", digest)[1]) for digest in digests}
            if len(of) == 1 and not of & found.keys():
                found[of.pop()] = name
    read.update(found.values())
    return {"hashes": found} if found else {}


def _times(cells: dict[str, list[Any]], read: set[str], assumed: str) -> dict[str, Any]:
    """Columns of dates, all in one form."""
    found: dict[str, Any] = {}
    for pattern, field in ((_LAST, "last_seen"), (_CHANGED, "changed"), (_FIRST, "first_seen")):
        for name, column in cells.items():
            told = None if name in read or field in found or not pattern.search(name) else _form(column, assumed)
            if told is None or (found and (told[0] != found.get("time", "iso") or told[1] != found.get("zone"))):
                continue
            form, zone = told
            found |= {field: name, **({"time": form} if form != "iso" else {}), **({"zone": zone} if zone else {})}
            read.add(name)
    return found


def _never(cells: dict[str, list[Any]], fields: Mapping[str, Any]) -> dict[str, Any]:
    """What says that there is nothing, where that is more than usual."""
    dates = [fields[name] for name in ("first_seen", "last_seen", "changed") if name in fields]
    if any(_NEVER in map(str, cells[name]) for name in dates):
        return {"absent": [*sorted(_ABSENT), _NEVER]}
    return {}


def _form(column: list[Any], assumed: str) -> tuple[str, str | None] | None:
    """Form and zone of a column of dates."""
    if any(re.fullmatch(r"1\d{9}", str(cell)) for cell in column):
        column = [cell for cell in column if str(cell) != _NEVER]
    for form in _FORMS:
        if form.startswith("epoch") and not all(re.fullmatch(r"1\d{9}(\d{3})?(\.\d+)?", str(cell)) for cell in column):
            continue
        for zone in (None, assumed) if form == "iso" else (assumed,):
            if column and _reads(column, form, zone):
                return form, zone if not form.startswith("epoch") else None
    return None


def _reads(column: list[Any], form: str, zone: str | None) -> bool:
    reader = time_reader(form, ZONES[zone] if zone else None)
    try:
        for cell in column[:200]:
            reader(cell)
    except BadValue:
        return False
    return True


def _words(cells: dict[str, list[Any]], kinds: dict[str, Counter[str]], read: set[str]) -> dict[str, Any]:
    """What else a row says."""
    found: dict[str, Any] = {}
    for name, column in cells.items():
        if name in read or not column:
            continue
        short = all(isinstance(cell, list) or len(str(cell)) <= 60 for cell in column)
        if _is_port(name, column) and "port" not in found:
            found["port"] = name
        elif _CONFIDENCE.search(name) and _is_percent(column) and "confidence" not in found:
            found["confidence"] = name
        elif kinds[name].keys() == {"url"} and kinds[name].total() == len(column):
            found.setdefault("references", []).append({"name": name, "url": name})
        elif _BRAND.search(name) and short and "brand" not in found:
            found["brand"] = name
        elif _MALWARE.search(name) and short:
            found.setdefault("malware", []).append(name)
        elif _LABELS.search(name) and short and len({str(cell) for cell in column}) <= _FEW:
            found.setdefault("labels", []).append(name)
        else:
            continue
        read.add(name)
    return found


def _is_port(name: str, column: list[Any]) -> bool:
    return _PORT.search(name) is not None and all(
        str(cell).isdigit() and 0 < int(str(cell)[:6]) < 65_536 for cell in column
    )


def _is_percent(column: list[Any]) -> bool:
    return all(re.fullmatch(r"\d{1,3}", str(cell)) and int(cell) <= 100 for cell in column)


def _named(fields: Mapping[str, Any]) -> list[str]:
    """The columns that a draft reads, but those of its type."""
    single = [
        fields[name] for name in ("port", "first_seen", "last_seen", "changed", "confidence", "brand") if name in fields
    ]
    several = [*fields.get("malware", ()), *fields.get("labels", ()), *fields.get("hashes", {}).values()]
    return [*single, *several, *(link["url"] for link in fields.get("references", ()))]
