"""What on-call reads of retries: the log, its filters, the commands, the metrics."""

import pytest

from kit.protocol import Outcome, execute, follow, submit
from kit.settings import group, pool
from kit.waiting import eventually


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.gateway(group(pool("blue", fake), pool("green", shared.fake("green-1"))))


def ended(gateway, outcome):
    """The record of a statement; the loops tell of an end at their next tick."""
    def record():
        listed = gateway.admin.ask("GET", "/v1/statements/" + outcome.statement)
        return listed.status == 200 and listed.json()["ended"] and listed.json()
    return eventually(record)


def test_where_nothing_failed_the_log_is_empty(gateway):
    outcome = execute(gateway.front, "SELECT rows 2")
    assert gateway.admin.get("/v1/retries?statement=" + outcome.statement) == {"items": [], "next_cursor": None}
    done = gateway.command("retries", "--statement", outcome.statement)
    assert done.returncode == 0 and done.stdout == "nothing in the retry log matches\n"
    record = ended(gateway, outcome)
    assert record["verdicts"] == [] and record["waits"] == [] and record["retried"] is False


@pytest.mark.parametrize("query", [
    "?gate=budgets", "?class=users", "?outcome=done", "?action=any", "?since=now", "?limit=0", "?cursor=x",
    "?cursor=1-2-x", "?rules=R01"])
def test_a_filter_that_makes_no_sense_is_400(gateway, query):
    reply = gateway.admin.ask("GET", "/v1/retries" + query)
    assert reply.status == 400 and reply.header("Content-Type").startswith("application/problem+json")


@pytest.mark.parametrize("query", ["?retried=maybe", "?class=users"])
def test_so_it_is_for_statements(gateway, query):
    assert gateway.admin.ask("GET", "/v1/statements" + query).status == 400


def test_the_story_of_a_statement_is_told_in_order(gateway):
    outcome = execute(gateway.front, "SELECT rows 2")
    ended(gateway, outcome)
    done = gateway.command("statement", outcome.statement)
    assert done.returncode == 0
    told = [line.split("  ")[-1] for line in done.stdout.splitlines() if line[2:3] == ":"]
    assert told[0].startswith("submitted to group default") and told[1].startswith("attempt 1 on blue-1 (pool blue)")
    assert told[-1] == "finished"


def test_the_metrics_of_retrying_are_there_from_the_start(gateway):
    text = gateway.admin.ask("GET", "/metrics").body.decode()
    for name in ("statements_waiting", "retry_budget_limit", "retry_budget_available", "breakers_open",
                 'waits_total{reason="back-off"}', 'wait_seconds_total{reason="no-coordinator"}'):
        assert f"\npenstock_{name} " in text, name


@pytest.fixture
def going_wrong(fake):
    """Fails each new text once with this error, then answers as ever."""
    def going(name, kind="INTERNAL_ERROR", message="it failed"):
        seen = set()

        def plan(sql):
            if sql in seen:
                return fake.simple_plan(sql)
            seen.add(sql)
            return fake.failing_plan(name, kind, message=message)(sql)
        fake.plan = plan
    yield going
    fake.plan = fake.simple_plan


def line_of(gateway, outcome):
    ended(gateway, outcome)
    lines = gateway.admin.get("/v1/retries?statement=" + outcome.statement)["items"]
    assert len(lines) == 1
    return lines[0]


def test_a_retry_tells_what_it_cost_and_how_it_ended(gateway, going_wrong):
    going_wrong("SERVER_SHUTTING_DOWN", message="Server is shutting down")
    outcome = execute(gateway.front, "SELECT rows 3 -- once")
    assert outcome.rows == [[0], [1], [2]]
    line = line_of(gateway, outcome)
    assert {name: line[name] for name in ("attempt", "coordinator", "failure", "rule", "class", "action", "gate",
                                          "outcome", "pool", "group", "user", "times", "message")} == {
        "attempt": 1, "coordinator": "blue-1", "failure": "SERVER_SHUTTING_DOWN", "rule": "I09",
        "class": "unavailable", "action": "other", "gate": None, "outcome": "finished", "pool": "blue",
        "group": "default", "user": "tester", "times": 1, "message": "Server is shutting down"}
    assert 0 <= line["cost_ms"] < 10_000 and 0 <= line["wait_ms"] <= 250
    record = gateway.admin.statement(outcome.statement)
    assert record["retried"] and record["verdicts"] == [line] and record["failure"] is None
    first, second = record["attempts"]
    assert (first["rule"], first["class"], first["action"], first["gate"]) == ("I09", "unavailable", "other", None)
    assert first["ended"] == line["at"] and second["failure"] is None and second["rule"] is None
    assert {wait["reason"] for wait in record["waits"]} <= {"back-off", "no-coordinator"}
    assert all(wait["ended"] for wait in record["waits"])


def test_an_error_that_nobody_may_retry_is_a_line_too(gateway, going_wrong):
    going_wrong("DIVISION_BY_ZERO", "USER_ERROR", "Division by zero")
    outcome = execute(gateway.front, "SELECT 1/0 -- surfaced")
    assert outcome.error_name == "DIVISION_BY_ZERO"
    line = line_of(gateway, outcome)
    assert (line["rule"], line["class"], line["action"], line["outcome"]) == ("U04", "user", "none", "surfaced")
    record = gateway.admin.statement(outcome.statement)
    assert record["failure"] == "DIVISION_BY_ZERO" and not record["retried"]


def test_the_gate_that_stopped_a_retry_is_named(gateway, going_wrong):
    going_wrong("SERVER_SHUTTING_DOWN", message="Server is shutting down")
    headers = {"X-Trino-User": "tester", "X-Penstock-Retries": "shadow"}
    outcome = execute(gateway.front, "SELECT rows 1 -- watched", headers)
    assert outcome.error_name == "SERVER_SHUTTING_DOWN"
    line = line_of(gateway, outcome)
    assert (line["action"], line["gate"], line["outcome"]) == ("other", "shadow", "surfaced")
    done = gateway.command("statement", outcome.statement)
    assert "gate shadow is closed (retrying is only watched): the client gets the failure" in done.stdout


def test_the_log_is_filtered_and_paged(gateway, going_wrong):
    going_wrong("REMOTE_HOST_GONE", message="filtered")
    outcomes = [execute(gateway.front, f"SELECT rows 1 -- filtered {index}",
                        {"X-Trino-User": "filterer", "X-Penstock-Retries": "off"}) for index in range(3)]
    for outcome in outcomes:
        ended(gateway, outcome)
    newest_first = [outcome.statement for outcome in reversed(outcomes)]

    def listed(query):
        return [line["statement"] for line in gateway.admin.get("/v1/retries?user=filterer" + query)["items"]]
    for query in ("", "&rule=I04", "&class=internal,user", "&gate=mode-off", "&outcome=surfaced", "&action=other",
                  "&pool=blue", "&coordinator=blue-1", "&group=default", "&since=2020-01-01T00:00:00Z"):
        assert listed(query) == newest_first, query
    for query in ("&rule=I05", "&class=user", "&gate=budget", "&outcome=finished", "&action=same", "&pool=green",
                  "&until=2020-01-01T00:00:00Z"):
        assert listed(query) == [], query
    page = gateway.admin.get("/v1/retries?user=filterer&limit=2")
    rest = gateway.admin.get("/v1/retries?user=filterer&limit=2&cursor=" + page["next_cursor"])
    assert [line["statement"] for line in page["items"] + rest["items"]] == newest_first
    assert rest["next_cursor"] is None
    ids = [record["id"] for record in gateway.admin.statements("?user=filterer&rule=I04&class=internal")]
    assert ids == newest_first
    assert gateway.admin.statements("?user=filterer&rule=I05") == []
    assert gateway.admin.statements("?user=filterer&retried=true") == []
    assert len(gateway.admin.get("/v1/queries?user=filterer&retried=false")["items"]) == 3


def test_retried_statements_are_found_and_counted(gateway, going_wrong):
    going_wrong("SERVER_SHUTTING_DOWN", message="Server is shutting down")

    def counted(name):
        text = gateway.admin.ask("GET", "/metrics").body.decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("penstock_" + name))
    before = counted('retries_total{rule="I09",outcome="finished"}')
    headers = {"X-Trino-User": "counted", "X-Trino-Source": "once"}
    outcome = execute(gateway.front, "SELECT rows 1 -- counted", headers)
    assert outcome.rows == [[0]]
    record = ended(gateway, outcome)
    assert [found["id"] for found in gateway.admin.statements("?user=counted&retried=true")] == [record["id"]]
    assert counted('retries_total{rule="I09",outcome="finished"}') == before + 1
    assert counted('verdicts_total{rule="I09",class="unavailable",action="other",gate="none"}') >= 1
    done = gateway.command("statements", "--user", "counted", "--retried", "--rule", "I09")
    assert outcome.statement in done.stdout
    done = gateway.command("retries", "--statement", record["query_ids"][0])
    assert "SERVER_SHUTTING_DOWN" in done.stdout and "I09" in done.stdout and "finished" in done.stdout


def test_a_statement_that_nobody_takes_shows_that_it_waits(bench):
    fake = bench.fake("blue-1")
    gateway = bench.before(fake)
    fake.stop()
    outcome = Outcome()
    next_uri = follow(outcome, outcome.take(submit(gateway.front, "SELECT rows 2")), pages=2)

    def waiting():
        reply = gateway.admin.ask("GET", "/v1/statements/" + outcome.statement)
        record = reply.status == 200 and reply.json()
        return record and [wait for wait in record["waits"] if wait["reason"] == "no-coordinator"] and record
    record = eventually(waiting)
    assert record["state"] == "waiting" and record["waits"][-1]["ended"] is None
    assert "waits here: no coordinator can take it" in gateway.command("statement", outcome.statement).stdout
    fake.start()
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1]]
    record = ended(gateway, outcome)
    assert record["state"] == "finished" and all(wait["ended"] for wait in record["waits"])
