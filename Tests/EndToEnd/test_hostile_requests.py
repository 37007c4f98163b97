"""Requests that no honest client sends: refused, never relayed, and the gateway goes on."""

import pytest

from kit.protocol import execute, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url

POST = b"POST /v1/statement HTTP/1.1\r\nHost: gw\r\nX-Trino-User: evil\r\n"
GET = b"GET /v1/info HTTP/1.1\r\n"

HOSTILE = {
    # Two ways to say how long the body is.
    "length and chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nevil!",
    "the same length twice": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nevil",
    "a list of lengths": POST + b"Content-Length: 4, 4\r\n\r\nevil",
    "a signed length": POST + b"Content-Length: +4\r\n\r\nevil",
    "a negative length": POST + b"Content-Length: -4\r\n\r\nevil",
    "a hexadecimal length": POST + b"Content-Length: 0x4\r\n\r\nevil",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nevil",
    "a spaced length": POST + b"Content-Length : 4\r\n\r\nevil",
    "an unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\nevil",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "not quite chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked on 1.0": b"POST /v1/statement HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n",
    # Chunks that lie.
    "a chunk size that is no number": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nevil\r\n0\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-4\r\nevil\r\n0\r\n\r\n",
    "a chunk size beyond all": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nevil",
    "a chunk longer than its size": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nevil\r\n0\r\n\r\n",
    "a bare LF after a chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\n4\nevil\r\n0\r\n\r\n",
    # Heads that other parsers read differently.
    "a folded header": GET + b"Host: gw\r\nX-A: b\r\n folded\r\n\r\n",
    "a bare LF": b"GET /v1/info HTTP/1.1\nHost: gw\n\n",
    "a bare CR": GET + b"Host: gw\r\nX-A: b\rX-B: c\r\n\r\n",
    "a NUL in a value": GET + b"Host: gw\r\nX-A: b\x00c\r\n\r\n",
    "a control byte in a name": GET + b"Host: gw\r\nX\x01A: b\r\n\r\n",
    "a space before the colon": GET + b"Host: gw\r\nX-A : b\r\n\r\n",
    "a header without a name": GET + b"Host: gw\r\n: b\r\n\r\n",
    "a header without a colon": GET + b"Host: gw\r\nX-A\r\n\r\n",
    "a leading space": GET + b" Host: gw\r\n\r\n",
    "no host": GET + b"\r\n",
    "two hosts": GET + b"Host: a\r\nHost: b\r\n\r\n",
    "no version": b"GET /v1/info\r\nHost: gw\r\n\r\n",
    "a version of its own": b"GET /v1/info HTTP/9.9\r\nHost: gw\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "three spaces in the request line": b"GET  /v1/info  HTTP/1.1\r\nHost: gw\r\n\r\n",
    "a tab in the request line": b"GET\t/v1/info HTTP/1.1\r\nHost: gw\r\n\r\n",
    "a control byte in the target": b"GET /v1/in\x01fo HTTP/1.1\r\nHost: gw\r\n\r\n",
    "a method that is no token": b"G@T /v1/info HTTP/1.1\r\nHost: gw\r\n\r\n",
    "CONNECT": b"CONNECT coordinator:8080 HTTP/1.1\r\nHost: coordinator:8080\r\n\r\n",
    "a target of nothing": b"GET nothing HTTP/1.1\r\nHost: gw\r\n\r\n",
    "too many headers": GET + b"Host: gw\r\n" + b"X-A: b\r\n" * 20000 + b"\r\n",
}

NOT_FOUND = [
    "/v1/statement/../info", "/v1//statement", "//v1/statement", "/v1/statement/", "/v1/statement%2f",
    "/v1/./statement", "/v1/statement/queued/x/y/1?via=", "/v1/query/../node", "/v1/query/a%2fb", "/v1/query/a/killed",
    "/v1/query/" + "a" * 200, "/v1\\statement", "/V1/STATEMENT", "/v1/statement;a=b", "/.well-known/x",
]


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.before(fake)


def upstream_requests(fake):
    return [request for request in fake.seen() if not request.target.startswith(("/v1/info", "/v1/integrations"))]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused(gateway, fake, name):
    before = len(upstream_requests(fake))
    with Connection(gateway.front, timeout=10) as connection:
        try:
            connection.send(HOSTILE[name])
            reply = connection.read_reply()
            assert 400 <= reply.status < 600, reply
            assert connection.is_closed(), "what follows a bad request cannot be trusted"
        except (Cut, BrokenPipeError, ConnectionResetError):
            pass
    assert len(upstream_requests(fake)) == before, "nothing of it may reach a coordinator"
    assert ask(gateway.front, "GET", "/-/healthy").status == 200


@pytest.mark.parametrize("path", NOT_FOUND)
def test_a_path_that_is_not_ours_is_not_found(gateway, fake, path):
    before = len(upstream_requests(fake))
    for method in ("GET", "POST", "DELETE"):
        assert ask(gateway.front, method, path, user_headers()).status in (400, 404, 405)
    assert len(upstream_requests(fake)) == before


def tagged(gateway):
    _, target = split_url(submit(gateway.front, "SELECT rows 3").json()["nextUri"])
    return target


def forgeries(target):
    path, via = target.rsplit("via=", 1)
    other = "A" if via[0] != "A" else "B"
    yield "no tag", path.rstrip("?&")
    yield "an empty tag", path + "via="
    yield "another first letter", path + "via=" + other + via[1:]
    yield "another last letter", path + "via=" + via[:-1] + ("A" if via[-1] != "A" else "B")
    yield "a shorter tag", path + "via=" + via[:-1]
    yield "a longer tag", path + "via=" + via + "A"
    yield "another path", path.replace("/queued/", "/executing/") + "via=" + via
    yield "an internal path", "/v1/node?via=" + via
    yield "a path up", path.replace("/queued/", "/queued/../") + "via=" + via
    yield "something behind it", target + "&x=y"
    yield "the tag twice", target + "&via=" + via
    yield "no letters", path + "via=" + "!" * len(via)


def test_a_forged_tag_is_not_found(gateway, fake):
    target = tagged(gateway)
    for name, forged in forgeries(target):
        before = len(upstream_requests(fake))
        for method in ("GET", "DELETE", "HEAD"):
            assert ask(gateway.front, method, forged).status in (400, 404), (name, method)
        assert len(upstream_requests(fake)) == before, name
    assert ask(gateway.front, "GET", target).status == 200, "the honest one still works"


def test_a_tag_of_another_gateway_is_not_found(gateway, fake, bench):
    other = bench.before(bench.fake("other-1"))
    target = tagged(other)
    before = len(upstream_requests(fake))
    assert ask(gateway.front, "GET", target).status == 404
    assert len(upstream_requests(fake)) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "OPTIONS", "TRACE"])
def test_a_tagged_uri_takes_only_its_own_methods(gateway, fake, method):
    before = len(upstream_requests(fake))
    target = tagged(gateway)
    assert ask(gateway.front, method, target).status in (400, 404, 405, 501)
    assert len(upstream_requests(fake)) == before + 1


def test_a_smuggled_request_is_not_seen_upstream(gateway, fake):
    """A body that looks like a request stays a body."""
    inner = "DELETE /v1/query/x HTTP/1.1\r\nHost: a\r\n\r\n"
    assert submit(gateway.front, inner).status == 200
    assert fake.seen("POST")[-1].body.decode() == inner
    assert not fake.seen("DELETE", "^/v1/query/x$")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_poll_with_a_body_smuggles_nothing(gateway, fake, method, framing):
    """Dropped or refused, but never the beginning of the next request on the coordinator's connection."""
    target = tagged(gateway)
    inner = b"DELETE /v1/query/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    with Connection(gateway.front, timeout=10) as connection:
        try:
            connection.request(method, target, user_headers(), *((inner, None) if framing == "length" else
                                                                 (None, [inner])))
        except (Cut, BrokenPipeError, ConnectionResetError):
            pass
    for _ in range(4):
        assert execute(gateway.front, "SELECT rows 2").rows == [[0], [1]]
    assert not fake.seen(target="smuggled")
    assert all(request.method in ("GET", "POST", "HEAD", "DELETE") for request in fake.seen())


def test_penstock_headers_do_not_pass(gateway, fake):
    headers = {**user_headers(), "X-Penstock-Attempt": "7", "X-Penstock-Statement": "x", "X-Penstock-Anything": "y"}
    reply = submit(gateway.front, "SELECT 'own headers'", headers)
    assert reply.status == 200
    assert not [name for name, _ in fake.seen("POST")[-1].headers if name.lower().startswith("x-penstock")]


@pytest.mark.parametrize("name", [
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded", "X-Presto-Prefix-Url",
    "X-Trino-Query-Data-Encoding", "Proxy-Authorization", "TE", "Upgrade", "Keep-Alive", "Proxy-Connection"])
def test_headers_that_stay_here(gateway, fake, name):
    reply = submit(gateway.front, f"SELECT '{name}'", {**user_headers(), name: "something"})
    assert reply.status == 200
    assert fake.seen("POST")[-1].header(name) is None
    assert reply.json()["nextUri"].startswith(f"http://127.0.0.1:{gateway.front[1]}/"), "and they rewrite nothing"


def test_headers_that_connection_names_do_not_pass(gateway, fake):
    headers = [*user_headers().items(), ("Connection", "keep-alive, X-Private"), ("X-Private", "secret")]
    assert submit(gateway.front, "SELECT 'connection'", headers).status == 200
    assert fake.seen("POST")[-1].header("X-Private") is None


def test_a_slow_head_does_not_hold_the_door(bench):
    gateway = bench.before(bench.fake(), limits={"head_time": "1s"})
    with Connection(gateway.front, timeout=10) as connection:
        connection.send(b"GET /v1/info HTTP/1.1\r\nHost:")
        try:
            reply = connection.read_reply()
            assert reply.status == 408
        except Cut:
            pass


def test_an_idle_client_is_let_go(bench):
    gateway = bench.before(bench.fake(), limits={"idle_client": "1s"})
    with Connection(gateway.front, timeout=10) as connection:
        assert connection.request("GET", "/-/healthy").status == 200
        assert connection.is_closed(within=8)


def test_too_large_a_head_is_431(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"head_size": "64KiB"})
    assert submit(gateway.front, "SELECT 1", {**user_headers(), "X-Trino-Extra": "a" * 60_000}).status == 200
    with Connection(gateway.front, timeout=10) as connection:
        try:
            reply = connection.request("POST", "/v1/statement", {**user_headers(), "X-Large": "a" * 80_000}, "x")
            assert reply.status == 431
        except (Cut, BrokenPipeError, ConnectionResetError):
            pass
    assert fake.statements_seen() == {"SELECT 1": 1}


def test_too_large_a_statement_is_413(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"statement_text": "64KiB"})
    assert submit(gateway.front, "a" * 60_000).status == 200
    for chunks in (None, [b"a" * 10_000] * 8):
        with Connection(gateway.front, timeout=10) as connection:
            try:
                reply = connection.request("POST", "/v1/statement", user_headers(),
                                           None if chunks else "a" * 80_000, chunks)
                assert reply.status == 413
            except (Cut, BrokenPipeError, ConnectionResetError):
                pass
    assert len(fake.seen("POST")) == 1


def test_after_all_of_it_statements_still_run(gateway):
    assert execute(gateway.front, "SELECT rows 2").rows == [[0], [1]]
