"""The server itself: several processes, large and slow clients, TLS, and stopping in good order."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from taxii_server import serve as serving
from taxii_server.serve import CannotListen, check_certificate, listen
from taxii_server.taxii import bodies
from taxii_server.taxii.errors import TaxiiError
from tests.processes import NOROSHI, environment, free_port, until
from tests.taxii.hub import GREEN, OPEN, SHARED, TAXII, basic, indicator, path_of
from tests.taxii.server import PATIENCE, Served, served

TLS = (Path(__file__).parent / "tls" / "cert.pem", Path(__file__).parent / "tls" / "key.pem")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two processes on one SQLite store."""
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


def connection(server: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def head(server: Served, *lines: str) -> bytes:
    """The head of an authorised POST to the shared collection."""
    first = f"POST {path_of(SHARED, 'objects/')} HTTP/1.1"
    usual = ("Host: hub", f"Authorization: Bearer {server.tokens['mika']}", f"Content-Type: {TAXII}")
    return "\r\n".join((first, *usual, *lines, "", "")).encode()


@linux
def test_several_processes_serve_one_store(server: Served) -> None:
    """What one process wrote, every process reads, on a new connection each time."""
    assert len(server.workers()) == 2
    body = {"objects": [indicator(number, marking=GREEN) for number in range(1, 21)]}
    posted = server.request("POST", path_of(SHARED, "objects/"), "mika", json=body)
    assert posted.json()["success_count"] == 20
    for _ in range(10):
        assert len(server.request("GET", path_of(SHARED, "objects/"), "nao").json()["objects"]) == 20
        assert server.request("GET", f"/members/status/{posted.json()['id']}/", "mika").status_code == 200


def test_next_goes_from_process_to_process(server: Served) -> None:
    """A next that one process gave is taken by whichever answers."""
    body = {"objects": [indicator(number, marking=GREEN) for number in range(1, 21)]}
    server.request("POST", path_of(SHARED, "objects/"), "mika", json=body)
    seen, query = [], "?limit=2"
    while query:
        found = server.request("GET", path_of(SHARED, "objects/") + query, "nao").json()
        seen += [obj["id"] for obj in found["objects"]]
        query = f"?next={found['next']}" if found["more"] else ""
    assert len(seen) == len(set(seen)) == 20


def peak(pid: int) -> int:
    """The most memory that a process ever had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise AssertionError("no VmHWM")


@linux
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "in chunks"])
def test_100_mb_are_refused_without_reading_them(server: Served, chunked: bool) -> None:
    """A body far above the limit is a 413; no process ever holds more of it than the limit."""
    before = {pid: peak(pid) for pid in server.workers()}
    piece = b" " * 1_000_000
    body = (piece for _ in range(100)) if chunked else piece * 100
    try:
        code = server.request(
            "POST", path_of(SHARED, "objects/"), "mika", data=body, headers={"Content-Type": TAXII}
        ).status_code
    except requests.ConnectionError:
        code = 413  # refused while the rest was still on its way, and the client did not listen
    assert code == 413
    after = {pid: peak(pid) for pid in server.workers()}
    assert set(after) == set(before)
    assert all(after[pid] - before[pid] < 30 for pid in before)


def resident(pid: int) -> int:
    """The memory of its own that a process has, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1024
    raise AssertionError("no RssAnon")


@linux
def test_password_checks_give_their_memory_back(server: Served) -> None:
    """A burst of wrong passwords, 19 MB each while they are checked, leaves no process larger for good."""
    before = {pid: resident(pid) for pid in server.workers()}

    def wrong(number: int) -> int:
        headers = basic("mika", f"wrong password {number}")
        return server.request("GET", "/taxii2/", headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(wrong, range(80))) == {401}
    assert all(resident(pid) - size < 30 for pid, size in before.items())


@linux
def test_large_envelopes_give_their_memory_back(server: Served) -> None:
    """What a thousand objects take while they are checked and written is not kept for good."""
    before = {pid: resident(pid) for pid in server.workers()}

    def posted(turn: int) -> int:
        body = {"objects": [indicator(turn * 1_000 + number, marking=GREEN) for number in range(1_000)]}
        return server.request("POST", path_of(SHARED, "objects/"), "mika", json=body).json()["success_count"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(posted, range(1, 17))) == {1_000}
    until("the memory is given back", lambda: all(resident(pid) - size < 40 for pid, size in before.items()))


#: What takes megabytes and is of no use to a process that serves, until somebody posts what needs it.
HEAVY = "{'dulwich', 'requests', 'taxii2client', 'stix2', 'stix2patterns', 'rich', 'taxii_server.ingest'}"
HEAVIER = "{'flask', 'pydantic', 'sqlite3', 'taxii_server.cli', *" + HEAVY + "}"


@pytest.mark.parametrize(
    ("module", "names"),
    [("taxii_server.wsgi", HEAVY), ("taxii_server.supervise, taxii_server.serve", HEAVIER)],
    ids=["a web process", "the process that keeps the others running"],
)
def test_a_process_loads_what_it_needs(module: str, names: str) -> None:
    """Each process of a hub leaves to the others what only they need."""
    code = f"import sys, {module}\nprint(sorted({names} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=Path(__file__).parents[2]) == "[]\n"


def test_413_comes_before_the_body(server: Served) -> None:
    """Somebody who only announces too large a body is answered at once."""
    with connection(server) as client:
        client.sendall(head(server, "Content-Length: 100000000"))
        assert client.recv(4_096).startswith(b"HTTP/1.1 413")


def test_401_comes_before_the_body(server: Served) -> None:
    """Somebody who may not post is told before sending anything."""
    with connection(server) as client:
        client.sendall(head(server, "Content-Length: 1000").replace(b"Bearer", b"Nobody"))
        assert client.recv(4_096).startswith(b"HTTP/1.1 401")


def test_a_body_that_ends_early_is_400(server: Served) -> None:
    """A body shorter than announced is not taken for a whole one, however well it reads."""
    with connection(server) as client:
        client.sendall(head(server, "Content-Length: 1000") + b'{"objects":[{}]}')
        client.shutdown(socket.SHUT_WR)
        assert client.recv(4_096).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET /taxii2/ HTTP/9.9\r\n\r\n",
        b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"GET /taxii2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET /taxii2/ HTTP/1.1\r\nX: " + b"a" * 4_000_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 100,
    ],
    ids=["no HTTP", "no such version", "negative length", "two lengths", "endless header", "TLS", "NULs"],
)
def test_what_is_no_request(server: Served, raw: bytes) -> None:
    """Whatever arrives, it is refused, and the next client is served."""
    with connection(server) as client:
        try:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(4_096)
        except OSError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 2")
    assert server.request("GET", "/healthz").status_code == 200


@pytest.mark.parametrize("host", ["", "a b", "xn--\xff", "hub:99999", "[::1", "a" * 300])
def test_any_host_header_will_do(server: Served, host: str) -> None:
    """The hub makes no absolute URLs, so it need not know what it is called."""
    with connection(server) as client:
        client.sendall(f"GET /taxii2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert client.recv(4_096)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400")
    assert server.request("GET", "/healthz").status_code == 200


def test_idle_and_slow_clients_keep_nobody_waiting(server: Served) -> None:
    """Connections that say nothing, heads and bodies that do not end, and readers that do not read cost no thread."""
    clients = [connection(server) for _ in range(60)]
    try:
        for client in clients[20:40]:
            client.sendall(b"GET /taxii2/ HTTP/1.1\r\nHost: hub\r\n")
        for client in clients[40:43]:
            client.sendall(head(server, "Content-Length: 1000") + b'{"objects":')
        for client in clients[43:]:
            client.sendall(f"GET {path_of(OPEN, 'objects/')} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
        for _ in range(10):
            assert server.request("GET", path_of(OPEN, "objects/")).status_code == 200
    finally:
        for client in clients:
            client.close()


def test_fifty_slow_posters_keep_no_reader_waiting(server: Served) -> None:
    """However many bodies do not come, readers are served; what is too much is told to try again."""
    posters = [connection(server) for _ in range(50)]
    try:
        for poster in posters:
            poster.sendall(head(server, "Content-Length: 1000") + b'{"objects":')
        for _ in range(10):
            assert server.request("GET", path_of(OPEN, "objects/")).status_code == 200
        assert any(answered(poster).startswith(b"HTTP/1.1 503") for poster in posters)
    finally:
        for poster in posters:
            poster.close()
    sent = indicator(7_001, marking=GREEN)
    until("posting goes on", lambda: posted(server, sent) == 202)


def posted(server: Served, *objects: object) -> int:
    """The status of posting these."""
    return server.request("POST", path_of(SHARED, "objects/"), "mika", json={"objects": objects}).status_code


def answered(client: socket.socket) -> bytes:
    """What has come so far, if anything."""
    client.setblocking(False)
    try:
        return client.recv(4_096)
    except BlockingIOError:
        return b""


@linux
@pytest.mark.long
def test_a_body_that_does_not_come_is_408_and_the_end_of_its_connection(server: Served) -> None:
    """A trickle too: what counts is when it is whole."""
    with connection(server) as poster:
        poster.settimeout(2 * PATIENCE)
        poster.sendall(head(server, "Content-Length: 1000") + b'{"objects":')
        answer = b""
        while piece := poster.recv(4_096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 408")


@linux
def test_a_body_that_is_overdue_is_ended() -> None:
    """The one that is slow, and not another connection of the same client's that was answered since."""
    with listen("127.0.0.1", free_port()) as listener, ThreadPoolExecutor(1) as pool:
        slow, fast = (socket.create_connection(listener.getsockname(), PATIENCE) for _ in range(2))
        theirs = [listener.accept()[0] for _ in range(2)]
        slow.sendall(b'{"obj')
        environ = {"REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": "10", "wsgi.input": theirs[0].makefile("rb")}
        found = pool.submit(bodies.read_body, environ, 1_000)
        until("it is being read", lambda: bodies._readings)
        time.sleep(0.1)
        theirs[1].sendall(b"an answer")
        bodies.end_overdue(0.05)
        try:
            with pytest.raises(TaxiiError, match="within 60 seconds") as error:
                found.result(PATIENCE)
        finally:
            slow.close()
        assert error.value.status == 408
        fast.sendall(b"more")
        assert theirs[1].recv(10) == b"more"
        for one in (slow, fast, *theirs):
            one.close()
        environ["wsgi.input"].close()


@linux
def test_an_answer_that_nobody_takes_is_the_end_of_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads nothing does not keep its answer in memory for ever."""
    monkeypatch.setattr(serving, "TAKEN_WITHIN", 500)
    with listen("127.0.0.1", free_port()) as listener, socket.create_connection(listener.getsockname(), PATIENCE):
        theirs = listener.accept()[0]
        theirs.settimeout(PATIENCE)
        with theirs, pytest.raises(OSError, match="timed out") as error:
            theirs.sendall(b"x" * 100_000_000)
        assert error.value.errno == errno.ETIMEDOUT


def test_connections_are_kept_alive(server: Served) -> None:
    """A client that polls again uses the same connection."""
    with connection(server) as client:
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")
            answer = client.recv(4_096)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" not in answer.lower()


def test_the_server_is_called_by_the_products_name(server: Served) -> None:
    """No answer tells which software, in which version, is behind it (appendix B)."""
    assert server.request("GET", "/taxii2/").headers["Server"] == "noroshi"


# -- TLS


def test_8_2_2_tls(tmp_path: Path) -> None:
    """TLS 1.2 and 1.3 are spoken, older ones are not, and clients are told to come by TLS only."""
    with served(tmp_path, workers=1, tls=TLS) as server:
        answer = requests.get(server.url + "/taxii2/", verify=str(TLS[0]), timeout=PATIENCE)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["Strict-Transport-Security"]
        spoken = {}
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=str(TLS[0]))
            context.minimum_version = context.maximum_version = version
            with context.wrap_socket(connection(server), server_hostname="localhost") as client:
                spoken[version.name] = client.version()
        assert spoken == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}
        with connection(server) as client:
            # A client hello of TLS 1.0, which is all that this client knows.
            hello = bytes.fromhex("16030100330100002f0301") + b"\x00" * 32 + bytes.fromhex("000008002f0035000a00050100")
            client.sendall(hello)
            assert client.recv(4_096)[:1] in (b"", b"\x15")  # closed, or an alert; never a server hello


def test_a_certificate_that_is_none() -> None:
    """What is no certificate and key is refused before anything starts."""
    with pytest.raises(CannotListen, match="certificate"):
        check_certificate(TLS[1], TLS[0])


# -- starting and stopping


def test_an_address_in_use(server: Served) -> None:
    """A port that somebody listens on is not shared with them."""
    with pytest.raises(CannotListen, match=f"port {server.port}: Address already in use"):
        listen("127.0.0.1", server.port)


def test_a_port_that_a_client_has(server: Served) -> None:
    """The near end of somebody's connection, open or just closed, is an address in use like any other."""
    with connection(server) as client:
        port = client.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port}: Address already in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours(host: str) -> None:
    """An address of another machine, or of none, cannot be listened on."""
    with pytest.raises(CannotListen, match=host):
        listen(host, 9680)


def starting(server: Served, port: int, host: str = "127.0.0.1") -> subprocess.Popen[str]:
    """``noroshi serve`` there, of the hub that ``server`` serves."""
    common = ["--config", str(server.config), "--data", str(server.settings.data)]
    command = [*NOROSHI, "serve", *common, "--host", host, "--port", str(port), "--workers", "1"]
    return subprocess.Popen(
        command, env=environment(RUST_BACKTRACE="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(hub: subprocess.Popen[str], number: signal.Signals | None = None) -> tuple[int, str]:
    """Its exit code and what it said."""
    if number is not None:
        hub.send_signal(number)
    said = "".join(hub.communicate(timeout=PATIENCE))
    return hub.returncode, said


def test_several_hubs_started_on_one_port_at_once(server: Served) -> None:
    """One gets it; each of the others ends with code 1 and one sentence, whatever the environment says of traces."""
    port = free_port()
    hubs = [starting(server, port) for _ in range(4)]
    while len([hub for hub in hubs if hub.poll() is None]) > 1:
        time.sleep(0.05)
    (first,) = [hub for hub in hubs if hub.poll() is None]
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).status_code == 200
    for hub in hubs:
        if hub is not first:
            code, said = ended(hub)
            assert (code, said) == (1, f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use\n")
    assert ended(first, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("times", [3, pytest.param(200, marks=pytest.mark.long)])
def test_starting_again_and_again(server: Served, times: int) -> None:
    """On the port that the last one has just left, with connections to it still closing, a hub starts every time."""
    port = free_port()
    for _ in range(times):
        hub = starting(server, port, "localhost")
        while True:
            assert hub.poll() is None, ended(hub)
            try:
                answer = requests.get(f"http://localhost:{port}/healthz", timeout=PATIENCE)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        assert answer.status_code == 200
        code, said = ended(hub, signal.SIGTERM)
        assert code == 0, said


@linux
@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda pid: os.kill(pid, signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda pid: os.killpg(pid, signal.SIGINT), id="Ctrl-C, which reaches every process"),
        pytest.param(lambda pid: os.killpg(pid, signal.SIGTERM), id="SIGTERM to every process"),
        pytest.param(lambda pid: [os.killpg(pid, signal.SIGINT) for _ in range(3)], id="Ctrl-C, three times"),
        pytest.param(lambda pid: os.kill(pid, signal.SIGHUP), id="a closed terminal"),
    ],
)
def test_stopping_in_good_order(tmp_path: Path, stop) -> None:  # type: ignore[no-untyped-def]
    """It ends with code 0, with an open connection too; nobody listens, no process is left, counts are written."""
    with served(tmp_path) as server:
        workers = server.workers()
        with requests.Session() as session:
            for _ in range(3):
                session.get(server.url + path_of(OPEN, "objects/"), timeout=PATIENCE)
            stop(server.process.pid)
            assert server.process.wait(PATIENCE) == 0, server.log.read_text()
        assert not server.listens()
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
        assert sum(count.requests for count in server.store.reads()) == 3
        assert "Killing" not in server.log.read_text()


@linux
def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """When the first process is killed, the others do not go on serving for ever."""
    with served(tmp_path) as server:
        server.process.kill()
        server.process.wait()
        server.gone()


@linux
def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    """One process that ends does not end the hub."""
    with served(tmp_path) as server:
        first = server.workers()[0]
        os.kill(first, signal.SIGKILL)
        while first in server.workers() or len(server.workers()) < 2:
            assert server.process.poll() is None, server.log.read_text()
        server.wait()
        assert server.request("GET", "/healthz").status_code == 200


def test_any_wsgi_server_may_load_the_application(server: Served) -> None:
    """``taxii_server.wsgi:application()`` finds the hub by two environment variables, and says so without them."""
    code = "from taxii_server.wsgi import application\nprint(application().test_client().get('/taxii2/').json['title'])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NOROSHI_")}
    named = {**environment, "NOROSHI_CONFIG": str(server.config), "NOROSHI_DATA": str(server.settings.data)}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=named, cwd=root, capture_output=True, text=True, timeout=PATIENCE)
    assert found.stdout == "Test hub\n"
    lost = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=PATIENCE)
    assert lost.returncode != 0
    assert "NOROSHI_CONFIG: expected" in lost.stderr
