"""The embedded coordinator as its users meet it: real clients, the command line, a file of faults. What it says on
the wire is held against Trino in test_coordinator_exchanges.py."""

import json
import re
import time

import pytest

from kit.clients import EVERY
from kit.processes import BINARY, run
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import ask


@pytest.fixture(scope="module")
def coordinator(shared):
    return shared.coordinator("blue-1")


def scripted(bench, tmp_path, script):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(script))
    return bench.coordinator("faulty-1", faults=file)


@pytest.mark.parametrize("client", EVERY)
def test_real_clients(coordinator, client):
    rows = EVERY[client](coordinator.port, "SELECT nationkey, name FROM tpch.tiny.nation ORDER BY 1")
    assert len(rows) == 25 and rows[3] == (3, "CANADA")


def test_many_rows_come_in_several_pages(bench, tmp_path):
    coordinator = scripted(bench, tmp_path, {"page_rows": 100})
    outcome = execute(coordinator.address, "SELECT orderkey FROM tpch.tiny.orders WHERE orderkey <= 1000 ORDER BY 1")
    assert outcome.rows == [[number] for number in range(1, 1001)]
    assert len([reply for reply in outcome.replies if "data" in reply.json()]) == 10


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


def test_both_dialects(coordinator):
    assert execute(coordinator.address, "SELECT 1", user_headers(dialect="Presto")).rows == [[1]]
    outcome = execute(coordinator.address, "SET SESSION query_max_run_time = '1m'", user_headers(dialect="Presto"))
    assert any(reply.header("X-Presto-Set-Session") for reply in outcome.replies)
    assert not any(reply.header("X-Trino-Set-Session") for reply in outcome.replies)


def test_info(coordinator):
    info = ask(coordinator.address, "GET", "/v1/info").json()
    assert info["starting"] is False and info["coordinator"] is True and info["nodeVersion"]["version"]
    assert re.fullmatch(r"[\d.]+[a-z]+", info["uptime"])
    assert ask(coordinator.address, "GET", "/v1/info/state").json() == "ACTIVE"
    outcome = execute(coordinator.address, "SELECT 1")
    assert outcome.id.endswith(info["coordinatorId"])


@pytest.mark.parametrize("fault, check", [
    ({"step": "post", "do": "status", "status": 503, "body": "busy"}, lambda reply: reply.status == 503),
    ({"step": "post", "do": "status", "status": 429, "headers": {"Retry-After": "1"}},
     lambda reply: reply.status == 429 and reply.header("Retry-After") == "1")])
def test_scripted_answers(bench, tmp_path, fault, check):
    coordinator = scripted(bench, tmp_path, {"faults": [{**fault, "times": 1}]})
    assert check(submit(coordinator.address, "SELECT 1"))
    assert execute(coordinator.address, "SELECT 1").rows == [[1]]


def test_a_faults_file_that_is_wrong(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('{"faults": [{"step": "post", "do": "dance"}]}')
    done = run(BINARY, "coordinator", "--port", "0", "--faults", file)
    assert done.returncode in (1, 2) and done.stderr.strip()


def test_it_ends_on_term(bench):
    coordinator = bench.coordinator("brief-1")
    assert coordinator.program.terminate(within=10) in (0, -15)
