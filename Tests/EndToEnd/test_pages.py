"""Pages of every size, order and framing; pages that break; readers that are slow."""

import json
import random
import threading
import time

import pytest

from kit.fakes import CLOSE, RESET, Response, column
from kit.protocol import Outcome, follow, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url
from kit.settings import QUICK_PROBE
from kit.waiting import eventually

COLUMNS = [column("s", "varchar")]
SELDOM = {**QUICK_PROBE, "interval": "30s"}


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.before(fake)


@pytest.fixture(autouse=True)
def usual(fake):
    yield
    fake.off()
    fake.plan = fake.simple_plan
    fake.framing = "length"


def rows_of(size, seed=1):
    """Rows whose JSON is about so many bytes, with what trips scanners: quotes, braces, escapes, URI-like text."""
    generator = random.Random(seed)
    words = ['plain', '"quoted"', '}{][', '\\', 'ünï', '"nextUri":"http://evil/x"', ',"data":[[', '\u2028', '\x01']
    rows, have = [], 0
    while have < size:
        text = generator.choice(words) * generator.randint(1, 40)
        rows.append([text])
        have += len(json.dumps(text)) + 3
    return rows


def one_page(rows):
    return lambda _: [{"columns": COLUMNS, "data": rows}]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size", [0, 100, 5_000, 16_300, 65_000, 70_000, 300_000, 3_000_000])
def test_a_page_of_any_size(gateway, fake, size, framing):
    rows = rows_of(size, size)
    fake.plan, fake.framing = one_page(rows), framing
    outcome = gateway.execute(f"SELECT {size}")
    assert outcome.rows == rows and outcome.error is None


@pytest.mark.parametrize("piece", [1, 7, 100, 1000])
def test_a_page_in_pieces_of_any_size(gateway, fake, piece):
    """The upstream's writes end anywhere: inside keys, escapes, URIs, chunk sizes."""
    rows = rows_of(600)
    for framing in ("length", "chunked"):
        fake.plan, fake.framing = one_page(rows), framing
        fake.on("GET", "/v1/statement/", lambda request: piecewise(fake, request, piece))
        assert gateway.execute("SELECT 1").rows == rows
        fake.off()


def piecewise(fake, request, piece):
    response = fake.answer(request)
    response.piece = piece
    return response


def reordered(body, order):
    page = json.loads(body)
    keys = sorted(page, key=order)
    return json.dumps({key: page[key] for key in keys}).encode()


@pytest.mark.parametrize("piece", [100, 700, 5_000, 20_000, 70_000])
@pytest.mark.parametrize("size", [1_000, 50_000, 150_000])
def test_a_page_of_chunks_that_come_at_once(gateway, fake, size, piece):
    """With all of them, or enough, in one read nothing is kept: wherever the URIs end, in the first chunk or not."""
    rows = rows_of(size, size)
    fake.plan, fake.framing = one_page(rows), "chunked"
    fake.on("GET", "/v1/statement/", lambda request: at_once(fake, request, piece))
    outcome = gateway.execute("SELECT 1")
    assert outcome.rows == rows and outcome.error is None


def at_once(fake, request, piece):
    response = fake.answer(request)
    response.piece, response.at_once = piece, True
    return response


@pytest.mark.parametrize("order", ["reversed", "alphabetical", "buenavista", "data first"])
def test_a_page_in_any_key_order(gateway, fake, order):
    rows = rows_of(100_000)
    fake.plan = one_page(rows)
    last = {"buenavista": ["columns", "data"], "data first": []}.get(order, [])
    first = ["data"] if order == "data first" else []

    def rank(key):
        if order == "reversed":
            return [-ord(letter) for letter in key]
        return (key not in first, key in last, key)

    for framing in ("length", "chunked"):
        def change(request, framing=framing):
            response = fake.answer(request)
            response.body, response.framing = reordered(response.body, rank), framing
            return response
        fake.on("GET", "/v1/statement/", change)
        assert gateway.execute("SELECT 1").rows == rows
        fake.off()


def test_whitespace_and_unknown_members_pass(gateway, fake):
    def change(request):
        response = fake.answer(request)
        page = json.loads(response.body)
        page["somethingNew"] = {"nextUri": "http://not/this", "deep": [[[{"data": 1}]]]}
        response.body = json.dumps(page, indent=2).encode() + b"\n\n"
        return response
    fake.on("GET", "/v1/statement/", change)
    outcome = gateway.execute("SELECT rows 3")
    assert outcome.rows == [[0], [1], [2]]
    assert outcome.last.json()["somethingNew"]["nextUri"] == "http://not/this"


def test_null_members_count_as_absent(gateway, fake):
    """buenavista sends nulls; a null nextUri is no URI."""
    def change(request):
        response = fake.answer(request)
        page = json.loads(response.body)
        for key in ("partialCancelUri", "nextUri", "error", "updateType"):
            page.setdefault(key, None)
        response.body = json.dumps(page).encode()
        return response
    fake.on("GET", "/v1/statement/", change)
    outcome = gateway.execute("SELECT rows 2")
    assert outcome.rows == [[0], [1]]
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "finished")


def test_everything_but_the_uris_is_byte_identical(gateway, fake):
    bodies = []

    def keep(request):
        response = fake.answer(request)
        response.body = response.body.replace(b'"warnings"', b'"odd" : "\\u00e9\\/ \\" 1.50e+3" ,\n "warnings"')
        bodies.append(response.body)
        return response
    fake.on("GET", "/v1/statement/", keep)
    outcome = gateway.execute("SELECT rows 4")
    for sent, got in zip(bodies, outcome.replies[1:], strict=True):
        for kind in ("infoUri", "partialCancelUri", "nextUri"):
            page, came = json.loads(sent), got.json()
            assert (kind in page) == (kind in came)
            if kind in page:
                mine = came[kind].encode()
                expected = page[kind].replace(f"127.0.0.1:{fake.port}", f"127.0.0.1:{gateway.front[1]}").encode()
                assert mine.startswith(expected)
                got.body = got.body.replace(mine, page[kind].encode())
        assert got.body == sent


def test_a_body_that_ends_with_the_connection(gateway, fake):
    rows = rows_of(50_000)
    fake.plan = one_page(rows)
    fake.on("GET", "/v1/statement/", lambda request: unframed(fake, request))
    assert gateway.execute("SELECT 1").rows == rows


def unframed(fake, request):
    response = fake.answer(request)
    response.framing = "close"
    return response


def data_poll(gateway, fake, sql="SELECT 'x'"):
    """A statement up to the poll that brings its data; the target of that poll."""
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql))
    next_uri = follow(outcome, next_uri, pages=1)
    return outcome, split_url(next_uri)[1]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("cut_after", [0, 1, 200, 40_000])
def test_a_page_cut_early_is_asked_for_again(gateway, fake, framing, reset, cut_after):
    """Nobody sees a cut before more than 64 KiB of the page were there."""
    rows = rows_of(50_000, cut_after)
    fake.plan, fake.framing = one_page(rows), framing
    outcome, target = data_poll(gateway, fake)

    def cut(request):
        response = fake.answer(request)
        response.cut_after, response.reset = cut_after, reset
        return response
    fake.on("GET", "/executing/", cut, times=1)
    reply = ask_again(gateway, target)
    assert reply.json()["data"] == rows
    assert outcome.error is None


def ask_again(gateway, target, within=15):
    """Polls the same URI while the answer is a page without rows that leads to the same place."""
    deadline = time.monotonic() + within
    while True:
        reply = ask(gateway.front, "GET", target)
        page = reply.json()
        if reply.status != 200 or "data" in page or "error" in page or "nextUri" not in page:
            return reply
        path = target.split("via=")[0]
        next_target = split_url(page["nextUri"])[1]
        assert next_target.split("via=")[0] == path, "a page without rows leads to the same URI"
        assert time.monotonic() < deadline
        target = next_target


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_page_that_breaks_aborts_the_client(gateway, fake, framing):
    """Never truncated quietly: the client sees that the answer is not whole."""
    fake.plan, fake.framing = one_page(rows_of(2_000_000)), framing
    _, target = data_poll(gateway, fake)

    def cut(request):
        response = fake.answer(request)
        response.cut_after = 1_000_000
        return response
    fake.on("GET", "/executing/", cut)
    with pytest.raises(Cut):
        ask(gateway.front, "GET", target)
    fake.off()
    assert ask(gateway.front, "GET", target).status == 200, "and it can be asked for again"


@pytest.mark.parametrize("failure", [RESET, CLOSE])
def test_an_answer_that_ends_before_it_began_is_repeated(gateway, fake, failure):
    _, target = data_poll(gateway, fake)
    fake.on("GET", "/executing/", failure, times=2)
    assert ask_again(gateway, target).json()["data"]


def test_a_stale_connection_is_replayed(gateway, fake):
    """The coordinator closed its idle connections; nobody notices."""
    for _ in range(3):
        assert gateway.execute("SELECT rows 1").rows == [[0]]
        fake.stop()
        fake.start()
        gateway.wait_for_health("blue-1", "ready")


def test_a_re_read_gives_the_same_page(gateway, fake):
    _, target = data_poll(gateway, fake)
    first, second = ask(gateway.front, "GET", target), ask(gateway.front, "GET", target)
    plain = [reply.body.split(b'"nextUri"')[0] + reply.body.split(b'"columns"')[1] for reply in (first, second)]
    assert plain[0] == plain[1]


def test_the_last_page_can_be_read_again(gateway):
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT rows 1"))
    while next_uri:
        target = split_url(next_uri)[1]
        next_uri = outcome.take(ask(gateway.front, "GET", target))
    assert ask(gateway.front, "GET", target).body == outcome.last.body


def test_parallel_polls_of_one_uri(gateway, fake):
    rows = rows_of(20_000)
    fake.plan = one_page(rows)
    _, target = data_poll(gateway, fake)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(gateway.front, "GET", target))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [reply.json()["data"] for reply in replies] == [rows] * 6


def test_a_page_with_rows_and_an_error(gateway, fake):
    """Presto's manner: the last page has both, and both arrive."""
    rows = rows_of(30_000)

    def both(request):
        page = json.loads(fake.answer(request).body)
        page.pop("nextUri", None)
        error = {"message": "Division by zero", "errorCode": 8, "errorName": "DIVISION_BY_ZERO",
                 "errorType": "USER_ERROR", "failureInfo": {"type": "x", "stack": [], "suppressed": []}}
        return Response(body=json.dumps({**page, "columns": COLUMNS, "data": rows, "error": error}).encode())
    fake.on("GET", "/executing/", both)
    outcome = gateway.execute("SELECT 1/0")
    assert outcome.rows == rows and outcome.error_name == "DIVISION_BY_ZERO"
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "failed")


def test_an_encoded_page_is_never_relayed_unspliced(gateway, fake):
    import gzip

    def packed(request):
        response = fake.answer(request)
        response.body = gzip.compress(response.body)
        response.headers = [*response.headers, ("Content-Encoding", "gzip")]
        return response
    fake.on("GET", "/v1/statement/", packed)
    page = submit(gateway.front, "SELECT rows 1").json()
    reply = ask(gateway.front, "GET", split_url(page["nextUri"])[1])
    if reply.header("Content-Encoding") in (None, "identity") and reply.status == 200:
        assert "error" in reply.json() or reply.json()["nextUri"].startswith(f"http://127.0.0.1:{gateway.front[1]}/")
    else:
        assert reply.status >= 500


def test_content_encoding_identity_is_identity(gateway, fake):
    def named(request):
        response = fake.answer(request)
        response.headers = [*response.headers, ("Content-Encoding", "identity")]
        return response
    fake.on("GET", "/v1/statement/", named)
    assert gateway.execute("SELECT rows 2").rows == [[0], [1]]


BIG = 200 * 1024 * 1024


def big_page(fake, request):
    """A page of 200 MB, made while it is sent."""
    response = fake.answer(request)
    head, tail = response.body.split(b'"data":[[', 1)
    row = b'["' + b"x" * 1020 + b'"],'
    count = BIG // len(row)

    def pieces():
        yield head + b'"data":['
        block = row * 256
        for _ in range(count // 256):
            yield block
        yield b"[" + tail
    length = len(head) + len(b'"data":[') + len(row) * 256 * (count // 256) + len(b"[" + tail)
    return Response(headers=response.headers, body=pieces(), length=length)


def test_slow_readers_cost_little(bench):
    """Three readers of a 200 MB page that stop in the middle: the gateway holds back, it does not collect."""
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.on("GET", "/executing/", lambda request: big_page(fake, request))
    readers = []
    for _ in range(3):
        _, target = data_poll(gateway, fake)
        reader = Connection(gateway.front, timeout=60, receive_buffer=256 * 1024)
        reader.send_head("GET", target)
        reader.reply = reader.read_head()
        readers.append(reader)
    most = 0
    for _ in range(20):
        for reader in readers:
            reader.read_exactly(64 * 1024)
        most = max(most, gateway.program.resident_bytes())
        time.sleep(0.05)
    assert most < 64 << 20, f"{most >> 20} MiB"
    for reader in readers:
        left = int(reader.reply.header("Content-Length") or 0)
        if left:
            drain(reader, left - 20 * 64 * 1024)
        reader.close()
    assert gateway.program.resident_bytes() < 64 << 20
    fake.off()
    assert gateway.execute("SELECT 1", within=60).failure is None


def drain(reader, count):
    count -= len(reader.buffer)
    reader.buffer = b""
    while count > 0:
        more = reader.socket.recv(1 << 20)
        assert more, "ended early"
        count -= len(more)


def test_a_reader_that_makes_no_progress_is_let_go(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"reader_progress": "2s"})
    fake.on("GET", "/executing/", lambda request: big_page(fake, request))
    _, target = data_poll(gateway, fake)
    reader = Connection(gateway.front, timeout=30, receive_buffer=64 * 1024)
    reader.send_head("GET", target)
    reader.read_head()
    time.sleep(5)
    with pytest.raises((Cut, AssertionError)):
        drain_all(reader)


def drain_all(reader):
    count = 0
    while True:
        try:
            more = reader.socket.recv(1 << 20)
        except ConnectionResetError as problem:
            raise Cut("reset", reset=True) from problem
        if not more:
            assert count > BIG, "it ended early"
            return
        count += len(more)


def dripping(fake, request, first, rest_after, piece_delay=0.0):
    """A page whose first part comes at once and whose rest comes later."""
    response = fake.answer(request)
    body = response.body

    def pieces():
        yield body[:first]
        time.sleep(rest_after)
        for at in range(first, len(body), 65536):
            yield body[at:at + 65536]
            time.sleep(piece_delay)
    return Response(headers=response.headers, body=pieces(), length=len(body), framing=response.framing)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_page_streams(gateway, fake, framing):
    """Its first part is with the client before its last part is with the gateway."""
    fake.plan, fake.framing = one_page(rows_of(400_000)), framing
    _, target = data_poll(gateway, fake)
    fake.on("GET", "/executing/", lambda request: dripping(fake, request, 200_000, 1.5), times=1)
    with Connection(gateway.front) as connection:
        begun = time.monotonic()
        connection.send_head("GET", target)
        connection.read_head()
        connection.read_exactly(50_000)
        assert time.monotonic() - begun < 1.2


def test_a_page_that_comes_slowly_is_honest(bench):
    """`poll_answer` bounds the wait for an answer, not the time that a page takes."""
    fake = bench.fake()
    gateway = bench.before(fake, limits={"poll_answer": "500ms"})
    rows = rows_of(600_000)
    fake.plan = one_page(rows)
    fake.on("GET", "/executing/", lambda request: dripping(fake, request, 100_000, 0.3, 0.2))
    assert gateway.execute("SELECT 1").rows == rows


def test_upstream_connections_are_used_again(bench):
    fake = bench.fake()
    gateway = bench.before(fake, listen={"loops": 1}, pool_settings={"probe": SELDOM})
    gateway.wait_for_health("blue-1", "ready")
    before = fake.count
    for _ in range(10):
        gateway.execute("SELECT rows 3")
    assert fake.count - before <= 2, "one loop, one client at a time"


def test_a_pool_that_starts_with_the_post_gets_fresh_connections(bench):
    fake = bench.fake()
    gateway = bench.before(fake, pool_settings={"starts": "post", "probe": SELDOM})
    gateway.wait_for_health("blue-1", "ready")
    outcome = gateway.execute("SELECT rows 3")
    assert outcome.rows == [[0], [1], [2]]
    statement = [request for request in fake.seen(target="^/v1/statement")]
    assert len({request.connection for request in statement}) == len(statement)


def test_a_pool_that_turns_out_to_start_with_the_post(bench):
    """Data in the answer to a POST: from then on nothing is sent twice, and the status says so."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second)

    def at_once(fake):
        def action(request):
            page = json.loads(fake.submitted(request).body)
            page.pop("nextUri")
            page |= {"columns": COLUMNS, "data": [["done"]], "stats": {"state": "FINISHED"}}
            return Response(body=json.dumps(page).encode())
        return action
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", at_once(fake))
    assert gateway.execute("SELECT 1").rows == [["done"]]
    assert eventually(lambda: gateway.admin.get("/v1/status")["warnings"])
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", RESET)
    gateway.execute("INSERT INTO t VALUES (1)")
    counts = [fake.statements_seen().get("INSERT INTO t VALUES (1)", 0) for fake in (first, second)]
    assert sum(counts) == 1


def test_interim_answers_of_a_coordinator_are_not_the_answer(bench):
    """A 102 or 103 before the page is dropped or passed, never taken for the page."""
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    assert gateway.execute("SELECT rows 3").rows == [[0], [1], [2]]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_old_client_gets_a_large_page_until_the_end(gateway, fake, framing):
    """HTTP/1.0 knows no chunks: the page ends with the connection."""
    rows = rows_of(300_000)
    fake.plan, fake.framing = one_page(rows), framing
    _, target = data_poll(gateway, fake)
    with Connection(gateway.front) as connection:
        connection.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        reply = connection.read_reply()
    assert reply.header("Transfer-Encoding") is None and reply.json()["data"] == rows


def test_a_half_sent_answer_to_a_post_is_cut_not_reset(bench):
    """Clients send a POST again on a reset; here it has run."""
    fake = bench.fake()
    gateway = bench.before(fake, pool_settings={"starts": "post"})

    def broken(request):
        page = json.loads(fake.submitted(request).body)
        page.pop("nextUri")
        page |= {"columns": COLUMNS, "data": rows_of(3_000_000)}
        return Response(body=json.dumps(page).encode(), cut_after=2_500_000)
    fake.on("POST", "^/v1/statement$", broken)
    with pytest.raises(Cut) as cut:
        submit(gateway.front, "SELECT 1")
    assert not cut.value.reset and fake.statements_seen() == {"SELECT 1": 1}


def test_a_post_whose_chunks_break_within_one_read_gets_the_beginning(bench):
    """A client that got nothing at all would send it again."""
    fake = bench.fake()
    gateway = bench.before(fake, pool_settings={"starts": "post"}, limits={"page_start": "4KiB"})

    def broken(request):
        page = json.loads(fake.submitted(request).body)
        page = {name: page[name] for name in ("id", "infoUri", "nextUri")} | {
            "columns": COLUMNS, "data": rows_of(7_000), "stats": page["stats"]}
        body = json.dumps(page).encode()
        chunks = b"7d0\r\n%s\r\nfa0\r\n%s\r\nno size\r\n" % (body[:2_000], body[2_000:6_000])
        return Response(headers=[("Transfer-Encoding", "chunked")], body=chunks, framing="close", at_once=True)
    fake.on("POST", "^/v1/statement$", broken)
    with pytest.raises(Cut, match="inside a body") as cut:
        submit(gateway.front, "SELECT 1")
    assert not cut.value.reset and fake.statements_seen() == {"SELECT 1": 1}


def test_users_are_told_apart_under_load(gateway, fake):
    """Many statements at once on many connections: every client gets its own rows."""
    fake.plan = lambda sql: [{"columns": COLUMNS, "data": [[f"{sql} {index}"]]} for index in range(5)]
    problems = []

    def work(number):
        for turn in range(10):
            sql = f"SELECT '{number}-{turn}'"
            outcome = gateway.execute(sql, user_headers(user=f"user{number}"))
            if outcome.rows != [[f"{sql} {index}"] for index in range(5)]:
                problems.append((sql, outcome.rows, outcome.error, outcome.failure))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems, problems[:3]


def test_a_cancel_while_the_last_page_leaves(gateway, fake):
    """What has begun to leave is finished: nothing else may stand in its middle."""
    begun, goes_on = threading.Event(), threading.Event()
    rows = json.dumps([["x" * 1000]] * 3000)  # too large to be kept back
    body = {"columns": COLUMNS, "stats": {"state": "FINISHED"}}

    def slow_page(request):
        own_id = request.target.split("/")[4]
        whole = json.dumps({"id": own_id, "infoUri": "http://x/ui", **body})[:-1] + ',"data":' + rows + "}"

        def pieces():
            yield whole[:2_000_000].encode()
            begun.set()
            goes_on.wait(20)
            yield whole[2_000_000:].encode()
        return Response(body=pieces(), framing="chunked")

    outcome = Outcome()
    target = split_url(outcome.take(submit(gateway.front, "SELECT slow")))[1]
    fake.on("GET", "^/v1/statement/", slow_page, times=1)
    with Connection(gateway.front) as connection:
        connection.send_head("GET", target)
        assert begun.wait(10)
        connection.buffer += connection.receive()  # it has begun to leave
        cancel = threading.Thread(target=lambda: ask(gateway.front, "DELETE", target))
        cancel.start()
        time.sleep(0.3)
        goes_on.set()
        reply = connection.read_reply()
        cancel.join()
        assert reply.status == 200 and reply.json()["data"] == json.loads(rows)


# The page that may be a statement's last is kept back until it is whole, within bounds: an error may stand at its end.

ERROR = {"message": "it failed late", "errorCode": 65536, "errorName": "GENERIC_INTERNAL_ERROR",
         "errorType": "INTERNAL_ERROR", "failureInfo": {"type": "x", "message": "it failed late", "suppressed": [],
                                                         "stack": []}}


def last_pages(fake, rows, error=None, times=None, **changes):
    """From here on the page with the rows is the last one; `times` of them are sent with these changes."""
    fake.plan = one_page(rows)

    def last(request):
        response = fake.answer(request)
        page = json.loads(response.body)
        page.pop("nextUri", None)
        if error:
            page = {key: page[key] for key in page if key != "warnings"} | {"error": error, "warnings": []}
        response.body = json.dumps(page, separators=(",", ":")).encode()
        return response

    def changed(request):
        response = last(request)
        for name, value in changes.items():
            setattr(response, name, value)
        return response
    fake.on("GET", "/executing/", last)
    if changes:
        fake.on("GET", "/executing/", changed, times=times)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("size", [70_000, 500_000, 1_000_000, 3_000_000])
def test_a_large_last_page(gateway, fake, framing, size):
    rows = rows_of(size, size)
    last_pages(fake, rows, framing=framing)
    outcome = gateway.execute("SELECT 1")
    assert outcome.rows == rows and outcome.error is None
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "finished")


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("size", [500_000, 3_000_000])
def test_a_last_page_with_rows_and_an_error(gateway, fake, framing, size):
    """Presto sends such pages; rows and error pass as they came, and the record has the error."""
    rows = rows_of(size, size)
    last_pages(fake, rows, error=ERROR, framing=framing)
    outcome = gateway.execute("SELECT 1", {**user_headers(), "X-Penstock-Retries": "off"})
    assert outcome.rows == rows and outcome.error == ERROR
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "failed")


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("piece", [1000, 65536])
def test_a_last_page_that_breaks_while_it_is_kept_back_is_asked_for_again(gateway, fake, framing, piece):
    rows = rows_of(700_000, piece)
    last_pages(fake, rows, framing=framing, piece=piece, cut_after=500_000, times=1)
    outcome, target = data_poll(gateway, fake)
    reply = ask_again(gateway, target)
    assert reply.json()["data"] == rows and outcome.error is None


def test_a_last_page_beyond_its_bound_leaves(gateway, fake):
    last_pages(fake, rows_of(4_000_000), cut_after=3_000_000)
    _, target = data_poll(gateway, fake)
    with pytest.raises(Cut):
        ask(gateway.front, "GET", target)


def test_a_last_page_leaves_where_there_is_no_room_to_keep_it(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"pages_kept_back": "256KiB"})
    rows = rows_of(700_000)
    last_pages(fake, rows)
    assert gateway.execute("SELECT 1").rows == rows
    last_pages(fake, rows, cut_after=500_000)
    _, target = data_poll(gateway, fake)
    with pytest.raises(Cut):
        ask(gateway.front, "GET", target)


def test_the_bounds_of_a_last_page_are_given_back(bench):
    """Kept back one after the other and at once, none of them takes room for good."""
    fake = bench.fake()
    gateway = bench.before(fake, limits={"pages_kept_back": "2MiB"})
    rows = rows_of(700_000)
    last_pages(fake, rows)
    threads = [threading.Thread(target=gateway.execute, args=("SELECT 1",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fake.off()
    last_pages(fake, rows, cut_after=500_000, times=1)
    _, target = data_poll(gateway, fake)
    assert ask_again(gateway, target).json()["data"] == rows


def test_a_last_page_that_drips_leaves_before_the_client_gives_up(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"poll_answer": "1s"})
    rows = rows_of(400_000)
    last_pages(fake, rows)
    _, target = data_poll(gateway, fake)
    ended = threading.Event()

    def drip(request):
        response = fake.answer(request)
        page = json.loads(response.body)
        page.pop("nextUri", None)
        body = json.dumps(page).encode()

        def pieces():
            for at in range(0, len(body), 50_000):
                yield body[at:at + 50_000]
                time.sleep(0.4)
            ended.set()
        response.body, response.length = pieces(), len(body)
        return response
    fake.on("GET", "/executing/", drip)
    with Connection(gateway.front) as connection:
        connection.send_head("GET", target, user_headers("test"))
        assert connection.socket.recv(1) and not ended.is_set(), "it leaves before its end has come"
    with Connection(gateway.front) as connection:
        connection.send_head("GET", target, user_headers("test"))
        assert connection.read_reply().json()["data"] == rows


def test_a_last_page_is_read_on_when_its_client_is_gone(gateway, fake):
    """Its end closes the record."""
    rows = rows_of(500_000)
    last_pages(fake, rows)
    outcome, target = data_poll(gateway, fake)
    sent, gone = threading.Event(), threading.Event()

    def stop(request):
        response = fake.answer(request)
        page = json.loads(response.body)
        page.pop("nextUri", None)
        body = json.dumps(page).encode()

        def pieces():
            yield body[:200_000]
            sent.set()
            gone.wait(10)
            time.sleep(0.3)
            yield body[200_000:]
        response.body, response.length = pieces(), len(body)
        return response
    fake.on("GET", "/executing/", stop)
    connection = Connection(gateway.front)
    connection.send_head("GET", target, user_headers("test"))
    assert sent.wait(10)
    time.sleep(0.3)
    connection.reset()
    gone.set()
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "finished")
