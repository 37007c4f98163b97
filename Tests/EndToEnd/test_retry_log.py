"""What on-call reads of retries: the log, its filters, the commands, the metrics."""

import pytest

from kit.protocol import execute
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
