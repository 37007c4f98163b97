"""Requests of every honest shape: bodies, continues, old versions, half-closed sockets, headers of all kinds."""

import time

import pytest

from kit.fakes import Response, text_response
from kit.protocol import execute, submit, user_headers
from kit.rawhttp import Connection, ask, split_url
from kit.waiting import eventually


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.before(fake)


@pytest.fixture(autouse=True)
def no_rules(fake):
    yield
    fake.off()


def last_post(fake):
    return fake.seen("POST", "^/v1/statement")[-1]


@pytest.mark.parametrize("chunks", [[b"SELECT 'chunked'"], [b"SEL", b"ECT ", b"'in pieces'"],
                                    [bytes([letter]) for letter in b"SELECT 'letters'"]])
def test_a_chunked_body(gateway, fake, chunks):
    with Connection(gateway.front) as connection:
        reply = connection.request("POST", "/v1/statement", user_headers(), chunks=chunks)
        assert reply.status == 200
        assert last_post(fake).body == b"".join(chunks)
        assert connection.request("GET", "/-/healthy").status == 200, "the connection goes on"


def test_chunks_with_extensions_and_trailers(gateway, fake):
    with Connection(gateway.front) as connection:
        connection.send_head("POST", "/v1/statement", {**user_headers(), "Transfer-Encoding": "chunked"})
        connection.send(b"6;name=value\r\nSELECT\r\n2\r\n 1\r\n0\r\nX-Trailer: x\r\n\r\n")
        assert connection.read_reply().status == 200
        assert last_post(fake).body == b"SELECT 1"
        assert last_post(fake).header("X-Trailer") is None


def test_a_body_in_small_pieces(gateway, fake):
    text = "SELECT '" + "x" * 300 + "'"
    with Connection(gateway.front) as connection:
        head = f"POST /v1/statement HTTP/1.1\r\nHost: gw\r\nX-Trino-User: t\r\nContent-Length: {len(text)}\r\n\r\n"
        for letter in (head + text).encode():
            connection.send(bytes([letter]))
        assert connection.read_reply().status == 200
        assert last_post(fake).body == text.encode()


@pytest.mark.parametrize("size", [1, 16_384, 65_536, 65_537, 1_000_000, 8_000_000])
def test_a_statement_of_any_size(gateway, fake, size):
    text = b"-" * size
    assert submit(gateway.front, text).status == 200
    assert last_post(fake).body == text


def test_expect_continue(gateway, fake):
    with Connection(gateway.front, timeout=10) as connection:
        connection.send_head("POST", "/v1/statement", {
            **user_headers(), "Expect": "100-continue", "Content-Length": "8"})
        assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
        connection.send(b"SELECT 1")
        assert connection.read_reply().status == 200
    assert last_post(fake).body == b"SELECT 1"
    assert last_post(fake).header("Expect") is None


def test_expect_continue_with_a_body_that_does_not_wait(gateway, fake):
    with Connection(gateway.front, timeout=10) as connection:
        connection.send_head("POST", "/v1/statement", {
            **user_headers(), "Expect": "100-continue", "Content-Length": "8"})
        connection.send(b"SELECT 2")
        assert connection.read_reply().status == 200
        assert connection.request("GET", "/-/healthy").status == 200
    assert last_post(fake).body == b"SELECT 2"


def test_another_expectation_is_417(gateway):
    with Connection(gateway.front, timeout=10) as connection:
        connection.send_head("POST", "/v1/statement", {**user_headers(), "Expect": "a-pony", "Content-Length": "1"})
        assert connection.read_reply().status == 417


def test_http_1_0_closes_and_is_not_chunked(gateway, fake):
    fake.framing = "chunked"
    try:
        with Connection(gateway.front, timeout=10) as connection:
            connection.send(b"POST /v1/statement HTTP/1.0\r\nX-Trino-User: old\r\nHost: gw:1\r\n"
                            b"Content-Length: 13\r\n\r\nSELECT rows 1")
            reply = connection.read_reply()
            assert reply.status == 200 and reply.header("Transfer-Encoding") is None
            assert reply.json()["nextUri"].startswith("http://gw:1/")
            assert connection.is_closed()
    finally:
        fake.framing = "length"


def test_http_1_0_without_a_host_gets_the_address_it_used(gateway):
    with Connection(gateway.front, timeout=10) as connection:
        connection.send(b"POST /v1/statement HTTP/1.0\r\nX-Trino-User: old\r\nContent-Length: 13\r\n\r\nSELECT rows 1")
        reply = connection.read_reply()
        assert reply.status == 200
        address, target = split_url(reply.json()["nextUri"])
        assert address == gateway.front
        assert ask(gateway.front, "GET", target).status == 200


def test_http_1_0_keep_alive(gateway):
    with Connection(gateway.front, timeout=10) as connection:
        for _ in range(2):
            connection.send(b"GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            reply = connection.read_reply()
            assert reply.status == 200
            if (reply.header("Connection") or "").lower() != "keep-alive":
                break


def test_connection_close_is_honoured(gateway):
    with Connection(gateway.front, timeout=10) as connection:
        reply = connection.request("GET", "/-/healthy", {"Connection": "close"})
        assert reply.status == 200
        assert connection.is_closed()


def test_a_half_closed_socket_gets_its_answer(gateway, fake):
    fake.on("POST", "^/v1/statement$", lambda request: time.sleep(0.3))
    with Connection(gateway.front, timeout=10) as connection:
        connection.send_head("POST", "/v1/statement", {**user_headers(), "Content-Length": "13"})
        connection.send(b"SELECT rows 1")
        connection.half_close()
        reply = connection.read_reply()
        assert reply.status == 200 and "nextUri" in reply.json()
        assert connection.is_closed()


def test_pipelined_requests_are_answered_in_order_or_refused(gateway):
    with Connection(gateway.front, timeout=10) as connection:
        connection.send(b"GET /v1/info/state HTTP/1.1\r\nHost: a\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"
                        b"GET /v1/nope HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.read_reply().body.strip() == b'"ACTIVE"'
        assert connection.read_reply().status == 200
        assert connection.read_reply().status == 404


def test_pipelined_statements_keep_their_answers_apart(gateway, fake):
    fake.on("POST", "^/v1/statement$", lambda request: time.sleep(0.1))
    with Connection(gateway.front, timeout=10) as connection:
        texts = [f"SELECT 'pipelined {index}'" for index in range(5)]
        connection.send(b"".join(
            f"POST /v1/statement HTTP/1.1\r\nHost: a\r\nX-Trino-User: t\r\nContent-Length: {len(text)}\r\n\r\n{text}"
            .encode() for text in texts))
        ids = [connection.read_reply().json()["id"] for _ in texts]
        assert len(set(ids)) == 5
        assert [fake.statements[own_id]["sql"] for own_id in ids] == texts


def test_an_absolute_target_is_understood(gateway):
    with Connection(gateway.front) as connection:
        assert connection.request("GET", f"http://{connection.authority}/-/healthy").status == 200


def test_a_client_that_leaves_cancels_nothing(gateway, fake):
    before = len(fake.seen("DELETE"))
    fake.on("GET", "/v1/statement/", lambda request: time.sleep(0.5), times=1)
    page = submit(gateway.front, "SELECT rows 3").json()
    _, target = split_url(page["nextUri"])
    with Connection(gateway.front) as connection:
        connection.send_head("GET", target)
        eventually(lambda: fake.seen("GET", page["id"]))
        connection.reset()
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and "error" not in reply.json()
    assert len(fake.seen("DELETE")) == before


def test_a_client_that_leaves_while_it_submits(gateway, fake):
    """The coordinator's answer is read on to its end; nothing is submitted twice, nothing falls over."""
    fake.on("POST", "^/v1/statement$", lambda request: time.sleep(0.3), times=1)
    with Connection(gateway.front) as connection:
        connection.send_head("POST", "/v1/statement", {**user_headers(), "Content-Length": "19"})
        connection.send(b"SELECT rows 1 -gone")
        eventually(lambda: fake.statements_seen().get("SELECT rows 1 -gone"))
        connection.reset()
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]
    assert fake.statements_seen()["SELECT rows 1 -gone"] == 1


def test_request_headers_pass_as_they_came(gateway, fake):
    headers = [
        ("X-Trino-User", "tester"), ("X-Trino-Source", "pytest"), ("X-Trino-Session", "a=1"),
        ("X-Trino-Session", "b=2"), ("X-Trino-Client-Tags", "x,y"), ("x-trino-catalog", "tpch"),
        ("Authorization", "Basic dGVzdDp0ZXN0"), ("Cookie", "a=b; c=d"), ("User-Agent", "tester/1.0"),
        ("X-Trino-Extra-Credential", "k=v"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("X-Trino-Client-Info", b"caf\xc3\xa9 \xff\x80"), ("X-Empty", ""),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("X-Trino-Trace-Token", "mine"), ("X-Trino-Transaction-Id", "NONE")]
    assert submit(gateway.front, "SELECT 'headers'", headers).status == 200
    got = last_post(fake)
    for name in {name for name, _ in headers}:
        sent = [value.decode("latin-1") if isinstance(value, bytes) else value for key, value in headers
                if key.lower() == name.lower()]
        assert got.all(name) == sent, name


def test_polls_carry_the_clients_headers(gateway, fake):
    page = submit(gateway.front, "SELECT rows 1").json()
    _, target = split_url(page["nextUri"])
    ask(gateway.front, "GET", target, {"Authorization": "Bearer abc", "X-Trino-User": "tester"})
    poll = fake.seen("GET", page["id"])[-1]
    assert poll.header("Authorization") == "Bearer abc" and poll.header("X-Trino-User") == "tester"


def test_upstream_is_asked_for_identity(gateway, fake):
    assert submit(gateway.front, "SELECT rows 1", {**user_headers(), "Accept-Encoding": "gzip, br, zstd"}).status == 200
    assert last_post(fake).all("Accept-Encoding") in (["identity"], [])


def test_a_trace_token_where_the_client_sent_none(gateway, fake):
    reply = submit(gateway.front, "SELECT rows 1")
    assert last_post(fake).header("X-Trino-Trace-Token") == reply.header("X-Penstock-Statement")


def test_response_headers_pass_as_they_came(gateway, fake):
    extra = [("X-Trino-Set-Session", "a=1"), ("X-Trino-Set-Session", "b=2"), ("X-Trino-Added-Prepare", "p=SELECT+1"),
             ("Set-Cookie", "one=1"), ("Set-Cookie", "two=2"), ("X-Trino-Set-Catalog", "tpch"),
             ("Cache-Control", "max-age=60"), ("X-Odd", "caf\xe9"), ("Server", "Trino")]
    fake.page_headers = lambda statement, token: extra
    try:
        reply = submit(gateway.front, "SELECT rows 1")
    finally:
        fake.page_headers = lambda statement, token: []
    for name in {name for name, _ in extra}:
        assert reply.all(name) == [value for key, value in extra if key == name]


def test_a_401_keeps_every_challenge(gateway, fake):
    challenges = ['Basic realm="Trino"', 'Bearer x_redirect_server="https://a/b", x_token_server="https://a/c"']
    fake.on("POST", "^/v1/statement$", text_response(
        401, "Unauthorized", [("WWW-Authenticate", challenge) for challenge in challenges]), times=1)
    reply = submit(gateway.front, "SELECT 1")
    assert reply.status == 401 and reply.all("WWW-Authenticate") == challenges and reply.body == b"Unauthorized"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_poll_ends_nothing(gateway, fake, status):
    page = submit(gateway.front, "SELECT rows 2").json()
    _, target = split_url(page["nextUri"])
    fake.on("GET", page["id"], text_response(status, "token expired", [("WWW-Authenticate", "Bearer")]), times=1)
    reply = ask(gateway.front, "GET", target)
    assert reply.status == status and reply.header("WWW-Authenticate") == "Bearer"
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and "error" not in reply.json()


@pytest.mark.parametrize("status", [400, 403, 404, 431])
def test_other_answers_to_a_post_pass_as_they_came(gateway, fake, status):
    fake.on("POST", "^/v1/statement$", text_response(status, f"because {status}", [("X-Why", "so")]), times=1)
    reply = submit(gateway.front, f"SELECT {status}")
    assert reply.status == status and reply.body == f"because {status}".encode() and reply.header("X-Why") == "so"
    assert fake.statements_seen()[f"SELECT {status}"] == 1


@pytest.mark.parametrize("size", [10_000, 20_000, 200_000, 900_000])
def test_large_heads_pass_both_ways(gateway, fake, size):
    """Prepared statements travel in headers, and come back in them."""
    value = "p=" + "s" * size
    fake.page_headers = lambda statement, token: [("X-Trino-Added-Prepare", value)] if token == 0 else []
    try:
        page = submit(gateway.front, "SELECT rows 1", {**user_headers(), "X-Trino-Prepared-Statement": value})
        assert page.status == 200
        assert last_post(fake).header("X-Trino-Prepared-Statement") == value
        assert page.header("X-Trino-Added-Prepare") == value
        assert page.json()["nextUri"]
    finally:
        fake.page_headers = lambda statement, token: []


def test_many_headers_pass(gateway, fake):
    headers = [*user_headers().items(), *(("X-Trino-Session", f"p{index}={index}") for index in range(500))]
    assert submit(gateway.front, "SELECT 'many'", headers).status == 200
    assert len(last_post(fake).all("X-Trino-Session")) == 500


def test_no_body_where_there_is_none(gateway, fake):
    """A 204 with a length, as some servers send it, does not desynchronise the connection."""
    page = submit(gateway.front, "SELECT rows 9").json()
    _, target = split_url(page["nextUri"])
    fake.on("DELETE", page["id"], Response(status=204, headers=[("Content-Length", "7")], body=b""))
    with Connection(gateway.front, timeout=15) as connection:
        assert connection.request("DELETE", target).status == 204
        assert connection.request("GET", "/-/healthy").status == 200


@pytest.mark.parametrize("target", ["/nothing/here", "/ui", "/ui/query.html?20200101_000000_00000_aaaaa"])
def test_an_answer_to_head_has_no_body(gateway, target):
    with Connection(gateway.front) as connection:
        connection.send_head("HEAD", target)
        assert connection.read_reply("HEAD").status == 404
        assert connection.request("GET", "/-/healthy").status == 200, "what follows is the next answer"


def test_a_large_head_in_very_many_pieces(gateway, fake):
    """Each piece costs what it brings, not what came before it."""
    head = "POST /v1/statement HTTP/1.1\r\nHost: gw\r\nX-Trino-User: t\r\nContent-Length: 8\r\n"
    data = (head + "".join(f"X-Long-{number}: {'x' * 8000}\r\n" for number in range(100)) + "\r\nSELECT 1").encode()
    with Connection(gateway.front) as connection:
        for at in range(0, len(data), 100):
            connection.send(data[at:at + 100])
        assert connection.read_reply().status == 200
        assert connection.request("GET", "/-/healthy").status == 200


def test_pipelined_requests_before_a_half_close_are_all_answered(gateway, fake):
    with Connection(gateway.front) as connection:
        post = "POST /v1/statement HTTP/1.1\r\nHost: gw\r\nX-Trino-User: t\r\nContent-Length: 8\r\n\r\nSELECT "
        health = "GET /-/healthy HTTP/1.1\r\nHost: gw\r\n\r\n"
        connection.send((post + "1" + post + "2" + health).encode())
        connection.half_close()
        assert [connection.read_reply().status for _ in range(3)] == [200, 200, 200]
        assert connection.is_closed()
