"""The embedded coordinator's faults, each at its step: the tests of retrying count on them."""

import sqlite3
import time

import pytest

from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url
from kit.waiting import eventually

GONE = {"name": "REMOTE_HOST_GONE", "type": "INTERNAL_ERROR", "code": 65558, "message": "The worker is gone"}
FIVE = "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1"


@pytest.fixture(params=["trino", "presto"])
def coordinator(bench, request, tmp_path):
    return bench.coordinator(dialect=request.param, data=tmp_path / "tables.sqlite", page_rows=2, finished_pages=0)


def headers(coordinator):
    return user_headers(dialect=coordinator.dialect.capitalize())


def run(coordinator, sql=FIVE):
    return execute(coordinator.address, sql, headers(coordinator))


def begin(coordinator, sql=FIVE, pages=0):
    outcome = Outcome()
    uri = outcome.take(submit(coordinator.address, sql, headers(coordinator)))
    return outcome, follow(outcome, uri, pages=pages)


def get(uri, method="GET"):
    address, target = split_url(uri)
    return ask(address, method, target)


def shapes(outcome):
    """What each page has of columns, data, error and nextUri."""
    names = ("columns", "data", "error", "nextUri")
    return ["+".join(name for name in names if name in reply.json()) for reply in outcome.replies]


def rows(tmp_path, table="memory.default.t"):
    with sqlite3.connect(tmp_path / "tables.sqlite") as database:
        return database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]


def test_each_dialect_has_its_uris_and_pages(coordinator):
    outcome = run(coordinator)
    assert outcome.rows == [[0], [1], [2], [3], [4]]
    page = outcome.first.json()
    if coordinator.dialect == "trino":
        assert page["nextUri"].count("/") == 8 and "?" not in page["nextUri"]
        assert shapes(outcome)[-4:] == ["columns+data+nextUri"] * 3 + ["columns"]
    else:
        assert "?slug=x" in page["nextUri"] and outcome.first.body.endswith(b"}\n")
        assert page["stats"]["state"] == "WAITING_FOR_PREREQUISITES"
        assert shapes(outcome)[-3:] == ["columns+data+nextUri"] * 2 + ["columns+data"]
        uris = [reply.json().get("nextUri", "") for reply in outcome.replies]
        assert "/queued/" in uris[-4] and "/executing/" in uris[-3] and uris[-3].split("?")[0].endswith("/1")
    info = ask(coordinator.address, "GET", "/v1/info").json()
    assert ("coordinatorId" in info) == (coordinator.dialect == "trino")
    metrics = ask(coordinator.address, "GET", "/v1/integrations/gateway/metrics").status
    assert metrics == (200 if coordinator.dialect == "trino" else 404)


def test_presto_runs_what_is_touched_and_forgets_no_statement(bench):
    coordinator = bench.coordinator(dialect="presto")
    outcome, uri = begin(coordinator, "CREATE TABLE memory.default.touched (a bigint)")
    refused = get(uri, "DELETE")
    assert refused.status == 500 and not coordinator.log()["statements"][0]["started"]
    assert get(uri.replace("/1?", "/9?")).status == 410
    eventually(lambda: run(coordinator, "SHOW TABLES FROM memory.default").rows == [["touched"]])
    outcome, uri = begin(coordinator, "CREATE TABLE memory.default.headed (a bigint)")
    assert get(uri, "HEAD").status == 200
    eventually(lambda: len(run(coordinator, "SHOW TABLES FROM memory.default").rows) == 2)
    assert get(uri.replace("slug=x", "slug=y")).body == b"Query not found"


def test_texts_are_escaped_as_presto_does(coordinator):
    outcome = run(coordinator, "SELECT '<a & b>'")
    assert outcome.rows == [["<a & b>"]]
    assert any(b"\\u0026" in reply.body for reply in outcome.replies) == (coordinator.dialect == "presto")


def test_an_error_in_the_answer_to_the_post(coordinator):
    coordinator.script({"step": "post", "do": "fail", "error": GONE, "times": 1})
    outcome = run(coordinator)
    assert shapes(outcome) == ["error"] and outcome.error_name == "REMOTE_HOST_GONE"
    entry = coordinator.log()["statements"][0]
    assert not entry["started"] and entry["error"] == "REMOTE_HOST_GONE"
    assert run(coordinator).rows == [[0], [1], [2], [3], [4]]


@pytest.mark.parametrize("fault, shape", [
    ({"step": "queued"}, "error"),
    ({"step": "executing"}, "columns+error"),
    ({"step": "executing", "columns": True}, "columns+nextUri columns+error"),
    ({"step": "executing", "rows": 1}, "columns+data+nextUri columns+error"),
    ({"step": "executing", "rows": 4}, "columns+data+nextUri columns+data+nextUri columns+error"),
    ({"step": "executing", "rows": 3, "with_rows": True}, "columns+data+nextUri columns+data+error")])
def test_an_error_at_each_step(coordinator, fault, shape):
    coordinator.script({**fault, "do": "fail", "error": GONE, "times": 1})
    outcome = run(coordinator)
    assert outcome.error_name == "REMOTE_HOST_GONE"
    assert outcome.rows == [[index] for index in range(fault.get("rows", 0))]
    # The page with the columns alone is Trino's.
    whole = shape if coordinator.dialect == "presto" or "data" not in shape else f"columns+nextUri {shape}"
    assert " ".join(kind for kind in shapes(outcome) if kind != "nextUri") == whole


def test_errors_have_causes(coordinator):
    coordinator.script({"step": "queued", "do": "fail", "error": {**GONE, "causes": ["outer", "inner"]}})
    info = run(coordinator).error["failureInfo"]
    assert info["message"] == "The worker is gone"
    assert info["cause"]["message"] == "outer" and info["cause"]["cause"]["message"] == "inner"
    assert info["errorInfo"]["name"] == "REMOTE_HOST_GONE"


def test_a_failed_statement_may_carry_session_headers(coordinator):
    coordinator.script({"step": "executing", "columns": True, "do": "fail", "headers": {"Set-Session": "a=b"}})
    outcome = run(coordinator)
    name = f"X-{coordinator.dialect.capitalize()}-Set-Session"
    assert [reply.header(name) for reply in outcome.replies if "columns" in reply.json()] == ["a=b", "a=b"]


@pytest.mark.parametrize("step", ["queued", "executing"])
@pytest.mark.parametrize("effect", [False, True])
def test_a_write_fails_before_or_after_its_effect(coordinator, tmp_path, step, effect):
    run(coordinator, "CREATE TABLE memory.default.t (a bigint)")
    coordinator.script({"step": step, "do": "fail", "effect": effect, "error": GONE, "sql": "INSERT"})
    outcome = run(coordinator, "INSERT INTO memory.default.t VALUES (1)")
    assert outcome.error_name == "REMOTE_HOST_GONE"
    assert rows(tmp_path) == int(effect)
    entry = coordinator.statements("INSERT INTO memory.default.t VALUES (1)")[0]
    assert entry["started"] and entry["took_effect"] == effect
    uri = outcome.replies[-2].json()["nextUri"]
    if step == "queued" or coordinator.dialect == "presto":
        assert "/queued/" in uri
    else:
        assert "/executing/" in uri


@pytest.mark.parametrize("step", ["post", "queued", "executing"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("cut, reset, partial", [
    ({"head_bytes": 20}, False, False), ({"bytes": 10}, False, True), ({"bytes": -1}, False, True),
    ({"bytes": 10, "reset": True}, True, True), ({"head_bytes": 0, "reset": True}, True, False)])
def test_an_answer_is_cut(coordinator, step, chunked, cut, reset, partial):
    coordinator.script({"step": step, "do": "cut", "times": 1, **cut}, chunked=chunked)
    with pytest.raises((Cut, ConnectionResetError)) as cutting:
        outcome, uri = begin(coordinator)
        follow(outcome, uri)
    if isinstance(cutting.value, Cut):
        assert cutting.value.reset or not reset
        assert bool(cutting.value.partial) == partial or chunked or reset or "head_bytes" in cut
    assert coordinator.posts(FIVE) == 1 and len(coordinator.statements(FIVE)) == 1


@pytest.mark.parametrize("lost", [
    {"do": "reset"}, {"do": "hang"}, {"do": "status", "status": 503}, {"do": "status", "status": 200, "body": ""}])
@pytest.mark.parametrize("handled", [False, True])
def test_what_is_lost_may_have_taken_its_effect(coordinator, tmp_path, lost, handled):
    run(coordinator, "CREATE TABLE memory.default.t (a bigint)")
    coordinator.script({"step": "queued", "times": 1, "handled": handled, **lost})
    outcome, uri = begin(coordinator, "INSERT INTO memory.default.t VALUES (1)")
    address, target = split_url(uri)
    with Connection(address, timeout=0.4) as connection:
        try:
            reply = connection.request("GET", target)
            assert reply.status == lost["status"] and (lost["status"] == 503 or reply.body == b"")
        except (Cut, OSError):
            assert lost["do"] in ("reset", "hang")
    if handled:
        eventually(lambda: rows(tmp_path) == 1)
    else:
        time.sleep(0.2)
        assert rows(tmp_path) == 0
    entry = coordinator.statements("INSERT INTO memory.default.t VALUES (1)")[0]
    assert entry["polls"] == 1 and entry["started"] == handled
    follow(outcome, uri)
    assert rows(tmp_path) == 1 and outcome.error is None


def test_a_status_with_a_type_of_its_own(coordinator):
    coordinator.script({"step": "queued", "page": 1, "do": "status", "status": 200, "body": "<html>", "times": 1,
                        "headers": {"Content-Type": "application/json"}})
    _, uri = begin(coordinator)
    reply = get(uri)
    assert reply.all("Content-Type") == ["application/json"] and reply.body == b"<html>"
    assert get(uri).json()["nextUri"]


@pytest.mark.parametrize("chunked", [False, True])
def test_framing(coordinator, chunked):
    coordinator.script(chunked=chunked, page_rows=100_000)
    outcome = run(coordinator, "SELECT n FROM tpch.demo.numbers LIMIT 20000")
    assert len(outcome.rows) == 20000 and {reply.chunked for reply in outcome.replies} == {chunked}


def test_what_came_is_told(coordinator):
    coordinator.script({"step": "post", "do": "status", "status": 503, "times": 2})
    for _ in range(3):
        submit(coordinator.address, FIVE, headers(coordinator))
    assert coordinator.posts(FIVE) == 3 and len(coordinator.statements(FIVE)) == 1
