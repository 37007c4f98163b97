"""The embedded coordinator by itself: it speaks as Trino does, to real clients too, and goes wrong on demand."""

import gzip
import json
import re
import time

import pytest
import trino

from kit.clients import EVERY, trino_connection, with_trino
from kit.fakes import suffix
from kit.processes import BINARY, Program, run
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url
from kit.waiting import eventually

KEYS = ["id", "infoUri", "partialCancelUri", "nextUri", "columns", "data", "stats", "error", "warnings", "updateType",
        "updateCount"]


@pytest.fixture(scope="module")
def coordinator(shared):
    return shared.coordinator("blue-1")


def scripted(bench, tmp_path, script):
    file = tmp_path / f"faults-{suffix()}.json"
    file.write_text(json.dumps(script))
    return bench.coordinator("faulty-1", faults=file)


def poll(coordinator, target):
    return ask(coordinator.address, "GET", target)


@pytest.mark.parametrize("client", EVERY)
def test_real_clients(coordinator, client):
    rows = EVERY[client](coordinator.port, "SELECT nationkey, name FROM tpch.tiny.nation ORDER BY 1")
    assert len(rows) == 25 and rows[3] == (3, "CANADA")


def test_pages_have_trinos_order_of_keys(coordinator):
    outcome = execute(coordinator.address, "SELECT nationkey FROM tpch.tiny.nation")
    for reply in outcome.replies:
        keys = list(reply.json())
        assert keys == [key for key in KEYS if key in keys]
        assert None not in reply.json().values()
    assert re.fullmatch(r"\d{8}_\d{6}_\d{5}_[a-z0-9]{5}", outcome.id)
    paths = [split_url(reply.json()["nextUri"])[1] for reply in outcome.replies[:-1]]
    assert re.fullmatch(rf"/v1/statement/queued/{outcome.id}/y[0-9a-f]{{40}}/1", paths[0])
    assert any(path.startswith(f"/v1/statement/executing/{outcome.id}/y") for path in paths)
    assert outcome.last.json()["stats"]["state"] == "FINISHED" and outcome.replies[-2].json()["nextUri"]


def test_many_rows_come_in_several_pages(bench, tmp_path):
    coordinator = scripted(bench, tmp_path, {"page_rows": 100})
    outcome = execute(coordinator.address, "SELECT orderkey FROM tpch.tiny.orders WHERE orderkey <= 1000 ORDER BY 1")
    assert outcome.rows == [[number] for number in range(1, 1001)]
    assert len([reply for reply in outcome.replies if "data" in reply.json()]) == 10


def test_tokens_are_held_as_trino_holds_them(coordinator):
    outcome = Outcome()
    targets = [split_url(outcome.take(submit(coordinator.address, "SELECT * FROM tpch.tiny.orders")))[1]]
    while "/executing/" not in targets[-1]:
        targets.append(split_url(outcome.take(poll(coordinator, targets[-1])))[1])
    first = poll(coordinator, targets[-1])
    again = poll(coordinator, targets[-1])
    assert first.body == again.body, "the newest token is read again byte for byte"
    following = split_url(first.json()["nextUri"])[1]
    assert poll(coordinator, following).status == 200
    assert poll(coordinator, targets[-1]).status == 410, "an older one is gone"
    assert poll(coordinator, following.replace("/y", "/z")).status == 404
    assert poll(coordinator, following[: following.rindex("/")] + "/999").status == 404
    assert ask(coordinator.address, "HEAD", following).status == 200
    assert ask(coordinator.address, "DELETE", following).status == 204


def test_a_post_executes_nothing(coordinator):
    with_trino(coordinator.port, "CREATE TABLE IF NOT EXISTS memory.default.lazy (i bigint)")
    page = submit(coordinator.address, "INSERT INTO memory.default.lazy VALUES (1)").json()
    time.sleep(0.2)
    assert with_trino(coordinator.port, "SELECT count(*) FROM memory.default.lazy") == [(0,)]
    target = split_url(page["nextUri"])[1]
    poll(coordinator, target)
    eventually(lambda: with_trino(coordinator.port, "SELECT count(*) FROM memory.default.lazy") == [(1,)])
    outcome = Outcome()
    follow(outcome, page["nextUri"])
    assert outcome.last.json().get("updateType") == "INSERT" and outcome.last.json().get("updateCount") == 1


def test_a_poll_without_news_takes_a_second(coordinator):
    page = submit(coordinator.address, "SELECT sleep(2500)").json()
    outcome, begun = Outcome(), time.monotonic()
    follow(outcome, page["nextUri"])
    assert 2.3 < time.monotonic() - begun < 8
    assert len(outcome.replies) < 12, "it is a long poll, not a spin"


@pytest.mark.parametrize("sql, name, kind", [
    ("SELEC 1", "SYNTAX_ERROR", "USER_ERROR"), ("SELECT * FROM tpch.tiny.nope", "TABLE_NOT_FOUND", "USER_ERROR"),
    ("SELECT nope FROM tpch.tiny.nation", "COLUMN_NOT_FOUND", "USER_ERROR"),
    ("SELECT 1 / 0", "DIVISION_BY_ZERO", "USER_ERROR")])
def test_errors(coordinator, sql, name, kind):
    outcome = execute(coordinator.address, sql)
    assert outcome.error_name == name and outcome.error["errorType"] == kind
    assert isinstance(outcome.error["errorCode"], int) and outcome.error["failureInfo"]["stack"] is not None
    assert "nextUri" not in outcome.last.json() and outcome.last.status == 200


def test_an_empty_text_is_400(coordinator):
    assert submit(coordinator.address, "").status == 400


def test_a_user_is_wanted(coordinator):
    assert submit(coordinator.address, "SELECT 1", {}).status in (400, 401)


def test_both_dialects(coordinator):
    assert execute(coordinator.address, "SELECT 1", user_headers(dialect="Presto")).rows == [[1]]
    outcome = execute(coordinator.address, "SET SESSION query_max_run_time = '1m'", user_headers(dialect="Presto"))
    assert any(reply.header("X-Presto-Set-Session") for reply in outcome.replies)
    assert not any(reply.header("X-Trino-Set-Session") for reply in outcome.replies)


def test_gzip_only_when_asked(coordinator):
    plain = submit(coordinator.address, "SELECT 1", {**user_headers(), "Accept-Encoding": "identity"})
    assert plain.header("Content-Encoding") in (None, "identity") and plain.json()["id"]
    page = submit(coordinator.address, "SELECT * FROM tpch.tiny.orders").json()
    while True:
        reply = ask(coordinator.address, "GET", split_url(page["nextUri"])[1], {"Accept-Encoding": "gzip"})
        body = gzip.decompress(reply.body) if reply.header("Content-Encoding") == "gzip" else reply.body
        page = json.loads(body)
        if "data" in page:
            assert reply.header("Content-Encoding") == "gzip"
            break


def test_cancel(coordinator):
    outcome = Outcome()
    next_uri = follow(outcome, outcome.take(submit(coordinator.address, "SELECT sleep(20000)")), pages=2)
    assert ask(coordinator.address, "DELETE", split_url(next_uri)[1]).status == 204
    follow(outcome, next_uri)
    assert outcome.error_name == "USER_CANCELED" or outcome.failure is not None


def test_info(coordinator):
    info = ask(coordinator.address, "GET", "/v1/info").json()
    assert info["starting"] is False and info["coordinator"] is True and info["nodeVersion"]["version"]
    assert re.fullmatch(r"[\d.]+[a-z]+", info["uptime"])
    assert ask(coordinator.address, "GET", "/v1/info/state").json() == "ACTIVE"
    outcome = execute(coordinator.address, "SELECT 1")
    assert outcome.id.endswith(info["coordinatorId"])


def test_transactions(coordinator):
    with_trino(coordinator.port, "CREATE TABLE IF NOT EXISTS memory.default.pending (i bigint)")
    connection = trino_connection(
        coordinator.port, isolation_level=trino.transaction.IsolationLevel.READ_COMMITTED)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO memory.default.pending VALUES (1)")
    cursor.fetchall()
    connection.rollback()
    assert with_trino(coordinator.port, "SELECT count(*) FROM memory.default.pending") == [(0,)]


@pytest.mark.parametrize("fault, check", [
    ({"step": "post", "do": "status", "status": 503, "body": "busy"}, lambda reply: reply.status == 503),
    ({"step": "post", "do": "status", "status": 429, "headers": {"Retry-After": "1"}},
     lambda reply: reply.status == 429 and reply.header("Retry-After") == "1")])
def test_scripted_answers(bench, tmp_path, fault, check):
    coordinator = scripted(bench, tmp_path, {"faults": [{**fault, "times": 1}]})
    assert check(submit(coordinator.address, "SELECT 1"))
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


@pytest.mark.parametrize("deed", [{"do": "reset"}, {"do": "cut", "bytes": 50}])
def test_scripted_breaks(bench, tmp_path, deed):
    coordinator = scripted(bench, tmp_path, {"faults": [{"step": "post", "times": 1, **deed}]})
    with pytest.raises(Cut):
        submit(coordinator.address, "SELECT 1")
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_a_scripted_error_after_rows(bench, tmp_path):
    error = {"name": "REMOTE_HOST_GONE", "type": "INTERNAL_ERROR", "code": 65558, "message": "gone"}
    coordinator = scripted(bench, tmp_path, {"page_rows": 5, "faults": [
        {"step": "executing", "sql": "nation", "do": "fail", "rows": 10, "error": error}]})
    outcome = execute(coordinator.address, "SELECT nationkey FROM tpch.tiny.nation")
    assert outcome.error_name == "REMOTE_HOST_GONE" and len(outcome.rows) == 10
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_a_scripted_restart_forgets(bench, tmp_path):
    coordinator = scripted(bench, tmp_path, {"faults": [{"step": "executing", "do": "restart", "times": 1}]})
    before = ask(coordinator.address, "GET", "/v1/info").json()["coordinatorId"]
    outcome = Outcome()
    try:
        follow(outcome, outcome.take(submit(coordinator.address, "SELECT 1")))
    except (Cut, OSError):
        pass
    assert outcome.failure is None or outcome.failure.status == 404
    eventually(lambda: ask(coordinator.address, "GET", "/v1/info").json()["coordinatorId"] != before)
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_without_workers_everything_waits(bench, tmp_path):
    coordinator = scripted(bench, tmp_path, {"workers": 0, "worker_wait_ms": 1500})
    outcome = execute(coordinator.address, "SELECT 1")
    assert outcome.error_name == "GENERIC_INSUFFICIENT_RESOURCES" and "Insufficient active worker nodes" in (
        outcome.error["message"])


def test_chunked_on_request(bench, tmp_path):
    coordinator = scripted(bench, tmp_path, {"chunked": True})
    assert submit(coordinator.address, "SELECT 1").chunked
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_keep_alive(coordinator):
    with Connection(coordinator.address) as connection:
        for _ in range(5):
            assert connection.request("GET", "/v1/info").status == 200


def test_a_faults_file_that_is_wrong(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('{"faults": [{"step": "post", "do": "dance"}]}')
    done = run(BINARY, "coordinator", "--port", "0", "--faults", file)
    assert done.returncode in (1, 2) and done.stderr.strip()


def test_it_ends_on_term(bench):
    coordinator = bench.coordinator("brief-1")
    assert isinstance(coordinator.program, Program)
    assert coordinator.program.terminate(within=10) in (0, -15)
