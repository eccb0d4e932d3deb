"""MyJVN's API as it answers over HTTP: lists of overviews and details by id, on a real server."""

from __future__ import annotations

from tests.collectors.server import Asked, Exchange, Server

_LIST = """\
<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:dcterms="http://purl.org/dc/terms/" xmlns:sec="http://jvn.jp/rss/mod_sec/3.0/"
  xmlns:status="http://jvndb.jvn.jp/myjvn/Status" xml:lang="ja">
<channel><title>JVNDB</title><dcterms:issued /><dcterms:modified>2026-03-01T00:00:00+09:00</dcterms:modified></channel>
{entries}{status}</rdf:RDF>
"""
_ITEM = """\
<item><title>{number}</title><sec:identifier>{number}</sec:identifier>
<dcterms:issued>2026-02-01T00:00:00+09:00</dcterms:issued><dcterms:modified>{version}</dcterms:modified></item>
"""
_DETAILS = """\
<?xml version="1.0" encoding="UTF-8"?>
<VULDEF-Document version="3.2" xmlns="http://jvn.jp/vuldef/" xmlns:status="http://jvndb.jvn.jp/myjvn/Status"
  xml:lang="ja">
{entries}{status}</VULDEF-Document>
"""
_ENTRY = """\
<Vulinfo><VulinfoID>{number}</VulinfoID><VulinfoData>
<Title>見本製品 {number} におけるクロスサイトスクリプティングの脆弱性</Title>
<VulinfoDescription><Overview>見本製品には脆弱性が存在します。</Overview></VulinfoDescription>
<Affected><AffectedItem><Name>見本社</Name><ProductName>見本製品</ProductName></AffectedItem></Affected>
<Impact><Cvss version="3.0"><Severity type="Base">High</Severity><Base>{score}</Base>
<Vector>CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H</Vector></Cvss></Impact>
<Related><RelatedItem type="advisory"><Name>CVE</Name><VulinfoID>CVE-2099-1{last}</VulinfoID>
<URL>https://cve.example.org/CVE-2099-1{last}</URL></RelatedItem>
<RelatedItem type="cwe"><Name>JVNDB</Name><VulinfoID>CWE-79</VulinfoID><Title>XSS</Title>
<URL>https://cwe.example.org/79</URL></RelatedItem></Related>
<DateFirstPublished>2026-02-01T00:00:00+09:00</DateFirstPublished><DateLastUpdated>{version}</DateLastUpdated>
</VulinfoData></Vulinfo>
"""
_STATUS = (
    '<status:Status version="3.3" method="{method}" retCd="{code}" retMax="{most}" errCd="{error}" errMsg="{message}" '
    'totalRes="{total}" totalResRet="{returned}" firstRes="{first}" feed="hnd" />\n'
)
_MOST = {"getVulnOverviewList": 50, "getVulnDetailInfo": 10}


class MyJvn:
    """Entries with their versions; at most ``page`` of them in a list."""

    def __init__(self, server: Server, count: int, page: int = 50) -> None:
        self.entries = {f"JVNDB-2026-{number:06d}": "2026-02-10T00:00:00+09:00" for number in range(1, count + 1)}
        self.score = "8.8"
        self.page = page
        #: the method that answers with an error
        self.failing = ""
        #: ids at which it fails, and the status that it does so with: 200 says it in the answer
        self.broken: set[str] = set()
        self.fault = 200
        #: ids that details were asked of, a list a request
        self.asked: list[list[str]] = []
        server.will(self.answer)

    def answer(self, asked: Asked, exchange: Exchange) -> None:
        """What the API says to one request."""
        method = asked.query["method"]
        said = (self._list if method == "getVulnOverviewList" else self._details)(asked)
        fails = self.broken.intersection(asked.query.get("vulnId", "").split(" "))
        exchange.answer(self.fault if fails else 200, said.encode())

    def _list(self, asked: Asked) -> str:
        first, names = int(asked.query["startItem"]), list(self.entries)
        page = names[first - 1 :][: min(self.page, int(asked.query["maxCountItem"]))]
        said = "".join(_ITEM.format(number=name, version=self.entries[name]) for name in page)
        return self._told(_LIST, "getVulnOverviewList", said, len(names), len(page), first)

    def _details(self, asked: Asked) -> str:
        ids = asked.query["vulnId"].split(" ")
        self.asked.append(ids)
        if self.broken.intersection(ids):
            return self._told(_DETAILS, "getVulnDetailInfo", "", 0, 0, 1, failed=True)
        known = [name for name in ids if name in self.entries][:10]
        said = "".join(
            _ENTRY.format(number=name, last=name[-4:], version=self.entries[name], score=self.score) for name in known
        )
        return self._told(_DETAILS, "getVulnDetailInfo", said, len(known), len(known), 1)

    def _told(
        self, form: str, method: str, entries: str, total: int, returned: int, first: int, *, failed: bool = False
    ) -> str:
        failed = failed or self.failing == method
        status = _STATUS.format(
            method=method,
            most=_MOST[method],
            code=int(failed),
            error="MYJVN_ERR_000" if failed else "",
            message="busy, try later" if failed else "",
            total="" if failed else total,
            returned="" if failed else returned,
            first="" if failed else first,
        )
        return form.format(entries="" if failed else entries, status=status)
