"""The embedded coordinator against Trino 476, exchange by exchange, and every fault that it can be told to have."""

import gzip
import json
import re
import time

import pytest

from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url
from kit.waiting import eventually

MEMBERS = ["id", "infoUri", "partialCancelUri", "nextUri", "columns", "data", "stats", "error", "warnings",
           "updateType", "updateCount"]


@pytest.fixture
def coordinator(bench):
    return bench.coordinator("blue-1")


def script(coordinator, **content):
    reply = ask(coordinator.address, "PUT", "/-/faults", {}, json.dumps(content))
    assert reply.status == 204, reply


def fault(coordinator, **content):
    script(coordinator, faults=[content])


def log(coordinator):
    return ask(coordinator.address, "GET", "/-/log").json()


def get(uri, method="GET", headers=None):
    address, target = split_url(uri)
    return ask(address, method, target, headers or {})


def begin(coordinator, sql, pages=0, **headers):
    """The outcome so far and the next URI, after so many polls."""
    outcome = Outcome()
    uri = outcome.take(submit(coordinator.address, sql, user_headers(**headers)))
    return outcome, follow(outcome, uri, pages=pages)


def executing(coordinator, sql, **headers):
    """The first executing URI of a statement."""
    outcome, uri = begin(coordinator, sql, **headers)
    while "/queued/" in uri:
        uri = follow(outcome, uri, pages=1)
    return uri


def test_pages_are_trinos(coordinator):
    outcome = execute(coordinator.address, "SELECT nationkey, name FROM tpch.tiny.nation ORDER BY 1")
    assert len(outcome.rows) == 25 and outcome.rows[3] == [3, "CANADA"]
    for reply in outcome.replies:
        page = reply.json()
        assert list(page) == [member for member in MEMBERS if member in page]
        assert [name for name, _ in reply.headers] == [
            "Date", "Vary", "Content-Type", "X-Content-Type-Options", "Content-Length"]
    states = [reply.json()["stats"]["state"] for reply in outcome.replies]
    assert states == ["QUEUED"] * 3 + ["RUNNING"] * 2 + ["FINISHED"] * 2
    assert re.fullmatch(r"\d{8}_\d{6}_00000_[a-z0-9]{5}", outcome.id)
    assert ask(coordinator.address, "GET", "/v1/info").json()["coordinatorId"] == outcome.id[-5:]


def test_a_post_runs_nothing_and_a_first_poll_does(coordinator):
    begin(coordinator, "CREATE TABLE memory.default.posted (a bigint)")
    _, head = begin(coordinator, "CREATE TABLE memory.default.headed (a bigint)")
    begin(coordinator, "CREATE TABLE memory.default.polled (a bigint)", pages=1)
    assert get(head, "HEAD").status == 200
    tables = eventually(lambda: len(
        rows := execute(coordinator.address, "SHOW TABLES FROM memory.default").rows) == 2 and rows)
    assert tables == [["headed"], ["polled"]]
    assert [entry["started"] for entry in log(coordinator)["statements"][:3]] == [False, True, True]


def test_the_newest_token_is_read_again_byte_for_byte(coordinator):
    uri = executing(coordinator, "SELECT n FROM tpch.demo.numbers LIMIT 20", Session="page_rows=10")
    before = None
    while uri:
        first, second = get(uri), get(uri + "?via=x")
        assert first.status == second.status == 200
        assert first.body == second.body
        assert get(uri, "HEAD").status == 200
        if before:
            gone = get(before)
            assert (gone.status, gone.body) == (410, b"Error 410 Gone: HTTP 410 Gone")
        before, uri = uri, first.json().get("nextUri")


def test_what_is_unknown_is_404_and_what_is_not_allowed_405(coordinator):
    uri = executing(coordinator, "SELECT 1")
    slug = uri.split("/")[-2]
    for wrong in (uri.replace(slug, "y" + "0" * 40), uri[:-1] + "7", uri.replace("executing", "queued"),
                  uri.replace("executing/2", "executing/1")):
        reply = get(wrong)
        assert (reply.status, reply.body) == (404, b"Error 404 Not Found: Query not found"), wrong
    assert get(uri, "PUT").status == 405
    assert ask(coordinator.address, "GET", "/v1/statement", user_headers()).status == 405
    assert ask(coordinator.address, "HEAD", "/v1/statement", user_headers()).status == 200
    assert ask(coordinator.address, "GET", "/v1/nope").status == 404
    assert ask(coordinator.address, "GET", "/v1/query/20200101_000000_00000_aaaaa", user_headers()).status == 410
    assert ask(coordinator.address, "DELETE", "/v1/query/20200101_000000_00000_aaaaa", user_headers()).status == 204


def test_requests_that_no_engine_takes(coordinator):
    where = coordinator.address
    unknown = ask(where, "POST", "/v1/statement", {}, "SELECT 1")
    assert (unknown.status, unknown.header("WWW-Authenticate")) == (401, 'Basic realm="Trino"')
    assert submit(where, "").body == b"Error 400 Bad Request: SQL statement is empty"
    assert submit(where, "SELECT 1", user_headers(Session="nope")).status == 400
    assert submit(where, "SELECT 1", user_headers(Transaction_Id="zzz")).status == 400
    assert submit(where, "SELECT 1", user_headers(Prepared_Statement="p=SELEC")).status == 400
    assert submit(where, "SELECT 1", {**user_headers(), "X-Forwarded-Host": "gw"}).status == 406
    assert submit(where, "SELECT 1", {**user_headers(), **user_headers(dialect="Presto")}).status == 200


def test_delete_withdraws_and_cancels(coordinator):
    _, uri = begin(coordinator, "CREATE TABLE memory.default.withdrawn (a bigint)")
    assert get(uri, "DELETE").status == 204
    assert get(uri).json()["error"]["errorName"] == "USER_CANCELED"
    uri = executing(coordinator, "SELECT count(*) FROM tpch.demo.numbers")
    served, uri = uri, get(uri).json()["nextUri"]
    assert get(uri, "DELETE").status == 204
    assert get(served).status == 500
    assert get(uri).json()["error"]["errorName"] == "USER_CANCELED"
    outcome, uri = begin(coordinator, "SELECT count(*) FROM tpch.demo.numbers", pages=2)
    assert ask(coordinator.address, "DELETE", f"/v1/query/{outcome.id}", user_headers("other")).status == 403
    assert ask(coordinator.address, "DELETE", f"/v1/query/{outcome.id}", user_headers()).status == 204
    follow(outcome, uri)
    assert outcome.error_name == "USER_CANCELED"
    assert execute(coordinator.address, "SHOW TABLES FROM memory.default").rows == []


def test_a_partial_cancel_ends_well(coordinator):
    outcome, uri = begin(coordinator, "SELECT n, sleep(2) FROM tpch.demo.numbers")
    while uri:
        uri = follow(outcome, uri, pages=1)
        page = outcome.last.json()
        if "data" in page and "partialCancelUri" in page:
            assert get(page["partialCancelUri"], "DELETE").status == 204
    assert outcome.rows and not outcome.error
    assert outcome.last.json()["stats"]["state"] == "FINISHED"


def test_large_bodies_are_chunked_and_gzip_is_given(coordinator):
    sql = "SELECT n FROM tpch.demo.numbers LIMIT 20000"
    outcome = execute(coordinator.address, sql)
    assert len(outcome.rows) == 20000
    assert [reply.chunked for reply in outcome.replies] == [len(reply.body) > 8192 for reply in outcome.replies]
    zipped = submit(coordinator.address, "SELECT 1", {**user_headers(), "Accept-Encoding": "gzip, br"})
    assert zipped.header("Content-Encoding") == "gzip"
    assert json.loads(gzip.decompress(zipped.body))["stats"]["state"] == "QUEUED"
    script(coordinator, chunked=True)
    assert all(reply.chunked for reply in execute(coordinator.address, "SELECT 1").replies)


@pytest.mark.parametrize("dialect", ["Trino", "Presto"])
def test_sessions_are_the_clients(coordinator, dialect):
    outcome = execute(coordinator.address, "USE tpch.tiny", user_headers(dialect=dialect))
    assert outcome.last.header(f"X-{dialect}-Set-Catalog") == "tpch"
    assert outcome.last.header(f"X-{dialect}-Set-Schema") == "tiny"
    headers = user_headers(dialect=dialect, Catalog="tpch", Schema="tiny",
                           Prepared_Statement="p=SELECT+name+FROM+region+WHERE+regionkey+%3D+%3F")
    assert execute(coordinator.address, "EXECUTE p USING 2", headers).rows == [["ASIA"]]


def test_transactions(coordinator):
    where = coordinator.address
    execute(where, "CREATE TABLE memory.default.ledger (a bigint)")
    count = "SELECT count(*) FROM memory.default.ledger"
    for end, expected in (("ROLLBACK", [[0]]), ("COMMIT", [[1]])):
        started = execute(where, "START TRANSACTION", user_headers(Transaction_Id="NONE"))
        inside = user_headers(Transaction_Id=started.last.header("X-Trino-Started-Transaction-Id"))
        assert not execute(where, "INSERT INTO memory.default.ledger VALUES (1)", inside).error
        assert execute(where, count, inside).rows == [[1]]
        assert execute(where, count).rows == [[0]]
        assert execute(where, end, inside).last.header("X-Trino-Clear-Transaction-Id") == "true"
        assert execute(where, count).rows == expected
        assert execute(where, count, inside).error_name == "UNKNOWN_TRANSACTION"
    assert execute(where, "START TRANSACTION").error_name == "INCOMPATIBLE_CLIENT"


def test_answers_are_the_same_everywhere(bench, coordinator):
    other = bench.coordinator("green-1")
    for table in ("nation", "region", "customer", "orders", "lineitem"):
        sql = f"SELECT * FROM tpch.tiny.{table} ORDER BY 1, 2, 3, 4 LIMIT 500".replace(
            ", 4", "" if table == "region" else ", 4")
        assert execute(coordinator.address, sql).rows == execute(other.address, sql).rows


# What goes wrong when it is told to


def test_statuses_and_resets(coordinator):
    fault(coordinator, step="post", do="status", status=429, headers={"Retry-After": "3"}, times=1)
    refused = submit(coordinator.address, "SELECT 1")
    assert (refused.status, refused.header("Retry-After")) == (429, "3")
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]
    fault(coordinator, step="executing", do="reset", page=1, times=1)
    uri = get(executing(coordinator, "SELECT 1")).json()["nextUri"]
    with pytest.raises((Cut, ConnectionResetError)):
        get(uri)
    assert get(uri).json()["data"] == [[1]]


def test_a_body_is_cut_and_then_whole(coordinator):
    fault(coordinator, step="executing", page=1, do="cut", bytes=700, times=1, sql="numbers")
    uri = get(executing(coordinator, "SELECT n FROM tpch.demo.numbers LIMIT 20000")).json()["nextUri"]
    with pytest.raises(Cut):
        get(uri)
    assert len(get(uri).json()["data"]) == 20000


def test_a_hang_and_a_delay(coordinator):
    fault(coordinator, step="post", do="hang", times=1)
    with Connection(coordinator.address, timeout=0.5) as connection:
        with pytest.raises(TimeoutError):
            connection.request("POST", "/v1/statement", user_headers(), "SELECT 1")
    fault(coordinator, step="post", do="slow", delay_ms=400)
    start = time.monotonic()
    assert submit(coordinator.address, "SELECT 1").status == 200
    assert time.monotonic() - start >= 0.4


def test_a_freeze_answers_nothing_and_thaws(coordinator):
    fault(coordinator, step="info", do="freeze", times=1)
    with Connection(coordinator.address, timeout=0.5) as connection:
        with pytest.raises(TimeoutError):
            connection.request("GET", "/v1/info")
        script(coordinator)
        connection.socket.settimeout(10)
        assert connection.read_reply("GET").status == 200
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_without_workers_everything_is_queued_and_fails_in_the_end(coordinator):
    script(coordinator, workers=0, worker_wait_ms=1500)
    assert ask(coordinator.address, "GET", "/v1/cluster").json()["activeWorkers"] == 0
    outcome = execute(coordinator.address, "SELECT 1")
    assert outcome.error_name == "GENERIC_INSUFFICIENT_RESOURCES"
    assert outcome.error["message"].startswith("Insufficient active worker nodes. Waited 1.50s for at least 1 workers")
    assert {reply.json()["stats"]["state"] for reply in outcome.replies[:-1]} == {"QUEUED"}
    outcome, uri = begin(coordinator, "SELECT 7", pages=1)
    script(coordinator)
    follow(outcome, uri)
    assert outcome.rows == [[7]]


def test_a_restart_is_another_incarnation(coordinator):
    uri = get(executing(coordinator, "SELECT n FROM tpch.demo.numbers")).json()["nextUri"]
    before = log(coordinator)["incarnation"]
    fault(coordinator, step="info", do="restart", starting_ms=1500, times=1)
    with pytest.raises((Cut, ConnectionResetError)):
        ask(coordinator.address, "GET", "/v1/info")
    info = ask(coordinator.address, "GET", "/v1/info").json()
    assert info["starting"] is True and info["coordinatorId"] != before
    assert get(uri).status == 404 and get(uri, "DELETE").status == 404
    assert execute(coordinator.address, "SELECT 1").error_name == "SERVER_STARTING_UP"
    eventually(lambda: not ask(coordinator.address, "GET", "/v1/info").json()["starting"])
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_it_dies_for_a_while_or_for_good(coordinator):
    fault(coordinator, step="info", do="die", for_ms=700, times=1)
    with pytest.raises((Cut, ConnectionResetError)):
        ask(coordinator.address, "GET", "/v1/info")
    with pytest.raises(ConnectionRefusedError):
        ask(coordinator.address, "GET", "/v1/info")

    def is_back():
        try:
            return ask(coordinator.address, "GET", "/v1/info").status == 200
        except OSError:
            return False

    eventually(is_back)
    fault(coordinator, step="post", do="die")
    with pytest.raises((Cut, OSError)):
        submit(coordinator.address, "SELECT 1")
    eventually(lambda: not coordinator.program.is_running())


def test_statements_fail_where_they_are_told_to(coordinator):
    error = {"name": "REMOTE_HOST_GONE", "type": "INTERNAL_ERROR", "code": 65558, "message": "The worker is gone"}
    fault(coordinator, step="executing", do="fail", rows=3, error=error, sql="nation")
    outcome = execute(coordinator.address, "SELECT nationkey FROM tpch.tiny.nation ORDER BY 1")
    assert outcome.rows == [[0], [1], [2]]
    assert {key: outcome.error[key] for key in ("errorName", "errorType", "errorCode", "message")} == {
        "errorName": "REMOTE_HOST_GONE", "errorType": "INTERNAL_ERROR", "errorCode": 65558,
        "message": "The worker is gone"}
    assert "nextUri" not in outcome.last.json()
    error = {"name": "QUERY_QUEUE_FULL", "type": "INSUFFICIENT_RESOURCES", "code": 131074, "message": "Too many"}
    fault(coordinator, step="queued", do="fail", error=error)
    outcome = execute(coordinator.address, "SELECT 1")
    assert outcome.error_name == "QUERY_QUEUE_FULL" and outcome.columns is None


def test_what_nobody_polls_is_abandoned(coordinator):
    script(coordinator, abandon_ms=1000)
    _, uri = begin(coordinator, "SELECT 1")
    outcome, running = begin(coordinator, "SELECT count(*) FROM tpch.demo.numbers", pages=2)
    query = f"/v1/query/{outcome.id}"
    eventually(lambda: ask(coordinator.address, "GET", query, user_headers()).json()["state"] == "FAILED")
    assert get(uri).status == 404
    follow(outcome, running)
    assert outcome.error_name == "ABANDONED_QUERY"


def test_a_script_that_makes_no_sense_is_refused(coordinator):
    reply = ask(coordinator.address, "PUT", "/-/faults", {}, '{"faults": [{"step": "post", "do": "explode"}]}')
    assert reply.status == 400
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]
