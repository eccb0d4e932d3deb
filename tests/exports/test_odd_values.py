"""Whatever canonical values there are, what is written of them stays one line, and tools read every line."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.instant import parse_millis
from normalizers.bad_value import BadValue
from normalizers.values import canonical
from taxii_server.exports.choosing import Wanted
from taxii_server.exports.forms import FORMS
from taxii_server.exports.rows import About, Row
from tests.exports.readers import checked_rules, checked_zone

NOW = parse_millis("2026-03-01T00:00:00Z")
ABOUT = About('Hub "a"; |b\\\n', "線\r\nTitle", NOW, NOW, "0" * 32)
_CHARS = "abz09-._~%;|\"'\\:/?#[]@!$&()*+,= é語\t"


def row(kind: str, value: str) -> Row:
    """A row about a value."""
    return Row(kind, value, 50, "2026-02-01T00:00:00Z", "", "2026-02-01T00:00:00Z", "indicator--1", ("a,\n\t|", "x"))


def written(form: str, rows: list[Row]) -> bytes:
    """What a format makes of them."""
    return b"".join(FORMS[form].write(((one, b"{}") for one in rows), Wanted(), ABOUT))


def some(number: int) -> Iterator[Row]:
    """So many odd values of each type, the same each time."""
    random_ = random.Random(number)
    for _ in range(number):
        path = "".join(random_.choice(_CHARS) for _ in range(random_.randrange(20)))
        octets = [str(random_.randrange(1, 255)) for _ in range(3)]
        groups = ":".join(f"{random_.choice([0, 0, random_.randrange(65_536)]):x}" for _ in range(6))
        given_ = [
            ("url", f"http://h{random_.randrange(99)}.example:{random_.choice([80, 8080])}/{path}"),
            ("url", f"http://203.0.{octets[0]}.{octets[1]}/{path}"),
            ("domain", f"_{random_.randrange(99)}.{'a' * random_.randrange(1, 63)}.{'b' * 63}.{'c' * 63}.example"),
            ("domain", f"日本{random_.randrange(99)}.example"),
            ("ipv4", f"203.{'.'.join(octets)}"),
            ("ipv6", f"2001:db8:{groups}"),
            ("cidr", f"2001:db8:{groups}/{random_.randrange(32, 128)}"),
            ("cidr", f"203.{'.'.join(octets)}/{random_.randrange(9, 32)}"),
        ]
        for kind, value in given_:
            try:
                yield row(*canonical(kind, value))
            except BadValue:
                continue


def test_suricata_reads_rules_of_odd_values(tmp_path: Path) -> None:
    """Quotes, semicolons, bars, brackets, ports and names of other letters."""
    checked_rules(tmp_path, written("rules", list(some(40))))


def test_what_is_said_in_a_rule_can_be_read() -> None:
    """The value as it is, but for what would end the rule's text."""
    rule = written("rules", [row("ipv6", "2001:db8::7")]).decode().splitlines()[1]
    assert 'msg:"Hub \\"a\\"\\; |b\\\\  ipv6 2001:db8::7";' in rule


def test_bind_reads_a_zone_of_odd_values(tmp_path: Path) -> None:
    """IPv6 with runs of zeros anywhere, networks, long names."""
    rows = list({one.value: one for one in some(300)}.values())
    zone = written("rpz", rows)
    told = checked_zone(tmp_path, zone)
    assert told.count("CNAME") == zone.count(b" CNAME .")
    assert zone.count(b".rpz-ip CNAME") == sum(one.type in ("ipv4", "ipv6", "cidr") for one in rows)


@given(st.lists(st.text(alphabet=_CHARS, max_size=30), max_size=5))
def test_a_value_never_becomes_two_lines(paths: list[str]) -> None:
    """In any format that has lines; nor does a hub's title, or a label."""
    rows = []
    for path in paths:
        try:
            rows.append(row(*canonical("url", f"http://a.example/{path}")))
        except BadValue:
            continue
    for form, heads in (("txt", 0), ("rules", 1), ("intel", 1), ("rpz", 3)):
        lines = written(form, rows).split(b"\n")[:-1]
        assert len(lines) == heads + (0 if form == "rpz" else len(rows))
        assert not any(b"\r" in line for line in lines)
    assert all(line.count(b"\t") == 3 for line in written("intel", rows).split(b"\n")[1:-1])


def test_a_name_is_no_trigger_of_another_kind(tmp_path: Path) -> None:
    """Or who gets two such names listed would have every answer refused (draft-vixie-dnsop-dns-rpz-00, section 4)."""
    names = ["1.0.0.0.0.rpz-ip", "8.0.0.0.10.rpz-client-ip", "example.rpz-nsdname", "8.0.0.0.10.rpz-nsip", "a.rpz-x"]
    rows = [row(*canonical("domain", name)) for name in [*names, "rpz-ip.example", "a.rpz-ip.example"]]
    zone = written("rpz", rows)
    assert [line.split()[0] for line in zone.splitlines()[3:]] == [b"rpz-ip.example", b"a.rpz-ip.example"]
    checked_zone(tmp_path, zone)


def test_no_cell_of_a_table_is_a_formula() -> None:
    """Japanese spreadsheets take wide characters for the narrow ones."""
    starts = "=+-@\t\r\n＝＋－＠"
    rows = [row("domain", "bad.example")._replace(labels=(f"{char}1+1",)) for char in starts]
    cells = [line[6] for line in csv.reader(io.StringIO(written("csv", rows).decode(), newline=""))][1:]
    assert cells == [f"'{char}1+1" for char in starts]
