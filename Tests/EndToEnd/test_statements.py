"""The record of a statement: its states, its end, what is forgotten and when."""

import time

import pytest

from kit.fakes import text_response
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import ask, split_url
from kit.waiting import eventually


def ended(gateway, own_id):
    record = gateway.admin.statement(own_id)
    return record if record["ended"] else None


def begin(gateway, sql="SELECT rows 5", pages=0):
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql))
    return outcome, follow(outcome, next_uri, pages=pages)


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


def test_the_states_of_a_statement(gateway):
    outcome, next_uri = begin(gateway)
    own_id = outcome.statement
    eventually(lambda: gateway.admin.statement(own_id)["state"] == "queued")
    next_uri = follow(outcome, next_uri, pages=2)
    eventually(lambda: gateway.admin.statement(own_id)["state"] == "running")
    counts = gateway.admin.pool("blue")["in_flight"]
    assert counts["running"] >= 1
    follow(outcome, next_uri)
    assert eventually(lambda: ended(gateway, own_id))["state"] == "finished"


def test_a_failed_statement(gateway, fake):
    fake.plan = fake.failing_plan("DIVISION_BY_ZERO", code=8, after=2)
    outcome = execute(gateway.front, "SELECT 1/0")
    assert outcome.error_name == "DIVISION_BY_ZERO" and outcome.rows == [[0], [1]]
    record = eventually(lambda: ended(gateway, outcome.statement))
    assert record["state"] == "failed" and "DIVISION_BY_ZERO" in record["attempts"][0]["failure"]


def test_a_failed_submission_is_recorded(gateway, fake):
    fake.on("POST", "^/v1/statement$", text_response(400, "Error 400 Bad Request"))
    reply = submit(gateway.front, "SELECT bad")
    record = eventually(lambda: ended(gateway, reply.header("X-Penstock-Statement")))
    assert record["state"] == "failed" and record["query_ids"] == []


def test_in_flight_counts_come_back_to_zero(gateway, fake):
    fake.plan = fake.failing_plan("SYNTAX_ERROR")
    for _ in range(3):
        execute(gateway.front, "SELEC 1")
    fake.plan = fake.simple_plan
    for _ in range(3):
        execute(gateway.front, "SELECT rows 2")
    outcome, next_uri = begin(gateway, pages=1)
    ask(gateway.front, "DELETE", split_url(next_uri)[1])
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "canceled")


def test_an_abandoned_statement(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"abandoned": "2s"})
    polled, next_uri = begin(gateway, "SELECT rows 4", pages=2)
    never, never_uri = begin(gateway, "INSERT INTO t VALUES (1)")
    time.sleep(1)
    heads, heads_uri = begin(gateway, "SELECT rows 3", pages=1)
    record = eventually(lambda: ended(gateway, polled.statement), within=8)
    assert record["state"] == "abandoned"
    assert eventually(lambda: ended(gateway, never.statement), within=8)["state"] == "abandoned"
    assert gateway.admin.statement(heads.statement)["ended"] is None
    reply = ask(gateway.front, "GET", split_url(never_uri)[1])
    assert reply.status == 404, "abandoned before its start: never started late"
    assert not fake.seen("GET", never.id)
    follow(polled, next_uri)
    assert polled.rows == [[0], [1], [2], [3]], "abandoned while it ran: a late poll still finds it"
    assert eventually(lambda: gateway.admin.statement(polled.statement)["state"] == "finished")
    follow(heads, heads_uri)
    assert heads.rows == [[0], [1], [2]]
    eventually(lambda: sum(gateway.admin.pool("blue")["in_flight"].values()) == 0)


def test_heads_keep_a_statement(bench):
    gateway = bench.before(bench.fake(), limits={"abandoned": "2s"})
    outcome, next_uri = begin(gateway, "SELECT rows 2")
    for _ in range(7):
        time.sleep(0.5)
        assert ask(gateway.front, "HEAD", split_url(next_uri)[1]).status == 200
    assert gateway.admin.statement(outcome.statement)["ended"] is None
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1]]


def test_a_coordinator_that_stays_away_is_lost(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"gone": "2s", "poll_answer": "500ms"})
    fake.plan = lambda _: fake.simple_plan("rows 5")
    read, read_uri = begin(gateway, "SELECT 1", pages=3)
    write, write_uri = begin(gateway, "INSERT INTO t VALUES (1)", pages=3)
    fake.stop()
    begun = time.monotonic()
    follow(read, read_uri, within=30)
    follow(write, write_uri, within=30)
    assert time.monotonic() - begun > 1.5
    assert read.error_name == "PENSTOCK_COORDINATOR_LOST" and write.error_name == "PENSTOCK_OUTCOME_UNKNOWN"
    assert eventually(lambda: ended(gateway, read.statement))["state"] == "failed"
    assert eventually(lambda: ended(gateway, write.statement))["state"] == "lost"


def test_the_text_of_a_statement_stays_out_of_lists(gateway):
    outcome = execute(gateway.front, "SELECT 'a secret literal'", user_headers("literal"))
    eventually(lambda: ended(gateway, outcome.statement))
    assert "a secret literal" not in gateway.admin.ask("GET", "/v1/statements?user=literal").body.decode()


def test_history_is_pruned_by_age_and_size(bench):
    """Bounded: the newest are there, a flood of them does not grow the state without end."""
    gateway = bench.before(bench.fake(), state={"history": {"age": "1h", "size": "1MiB"}})
    for turn in range(60):
        execute(gateway.front, f"SELECT {turn}")
    eventually(lambda: len(gateway.admin.statements("?limit=60&state=finished")) == 60)
    size = sum(entry.stat().st_size for entry in gateway.state.iterdir() if entry.is_file())
    assert size < 16 << 20


def test_what_is_forgotten_and_what_is_relayed(bench):
    """After `remembered` a tag of what ended is still routed: the coordinator knows best."""
    gateway = bench.before(bench.fake(), limits={"remembered": "1s"})
    outcome, next_uri = begin(gateway, "SELECT rows 1")
    while next_uri:
        target = split_url(next_uri)[1]
        next_uri = outcome.take(ask(gateway.front, "GET", target))
    time.sleep(2.5)
    assert ask(gateway.front, "GET", target).status in (200, 404)
