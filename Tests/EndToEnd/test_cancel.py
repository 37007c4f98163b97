"""Cancelling: what the client is told, what the coordinator is sent, what never happens again."""

import threading
import time

import pytest

from kit.fakes import SILENCE, text_response
from kit.protocol import Outcome, follow, submit, user_headers
from kit.rawhttp import ask, split_url
from kit.waiting import eventually


def begin(gateway, sql="SELECT rows 9", pages=2, headers=None):
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql, headers))
    return outcome, split_url(follow(outcome, next_uri, pages=pages))[1]


def assert_canceled(gateway, target):
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and reply.json()["error"]["errorName"] == "USER_CANCELED", reply
    assert reply.json()["error"]["errorCode"] == 3 and reply.json()["error"]["errorType"] == "USER_ERROR"


def deletes(fake, outcome):
    return [request for request in fake.seen("DELETE") if outcome.id in request.target]


def test_one_delete_reaches_the_coordinator(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    assert ask(gateway.front, "DELETE", target).status == 204
    assert len(deletes(fake, outcome)) == 1
    polls = len(fake.seen("GET", outcome.id))
    assert_canceled(gateway, target)
    assert len(fake.seen("GET", outcome.id)) == polls, "a canceled statement is never relayed again"


def test_a_delete_that_failed_is_sent_once_more(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    fake.on("DELETE", outcome.id, text_response(500, "oops"))
    assert ask(gateway.front, "DELETE", target).status == 204
    eventually(lambda: len(deletes(fake, outcome)) == 2)
    assert_canceled(gateway, target)


def test_a_delete_is_answered_though_the_coordinator_is_silent(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"cancel_answer": "1s"})
    outcome, target = begin(gateway)
    fake.on("DELETE", outcome.id, SILENCE)
    begun = time.monotonic()
    assert ask(gateway.front, "DELETE", target).status == 204
    assert time.monotonic() - begun < 5
    assert_canceled(gateway, target)
    assert gateway.admin.pool("blue")["coordinators"][0]["in_flight"] == 1, "not confirmed: it may still run there"


def test_a_delete_though_the_coordinator_is_gone(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    _, target = begin(gateway)
    fake.stop()
    assert ask(gateway.front, "DELETE", target, timeout=15).status == 204
    assert_canceled(gateway, target)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_delete_passes_and_ends_nothing(bench, status):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    fake.on("DELETE", outcome.id, text_response(status, "who are you", [("WWW-Authenticate", "Basic")]), times=1)
    reply = ask(gateway.front, "DELETE", target)
    assert reply.status == status and reply.header("WWW-Authenticate") == "Basic"
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and "error" not in reply.json()


def test_a_delete_waits_for_the_exchange_in_flight(bench):
    """The coordinator sees the DELETE when the poll has ended; the poll's client is answered."""
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    fake.on("GET", outcome.id, lambda request: time.sleep(0.8), times=1)
    replies = []
    poller = threading.Thread(target=lambda: replies.append(ask(gateway.front, "GET", target)))
    poller.start()
    eventually(lambda: len(fake.seen("GET", outcome.id)) == 3)
    assert ask(gateway.front, "DELETE", target).status == 204
    poller.join(10)
    assert replies[0].status == 200
    assert len(deletes(fake, outcome)) == 1


def test_a_delete_does_not_wait_for_ever(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    fake.on("GET", outcome.id, SILENCE, times=1)
    poller = threading.Thread(target=lambda: ask(gateway.front, "GET", target))
    poller.start()
    eventually(lambda: len(fake.seen("GET", outcome.id)) == 3)
    begun = time.monotonic()
    assert ask(gateway.front, "DELETE", target).status == 204
    assert time.monotonic() - begun < 6
    assert len(deletes(fake, outcome)) >= 1
    poller.join(20)


def test_presto_is_not_asked_to_cancel_what_was_never_polled(bench):
    """It answers 500 and the statement could still be started: it is left alone, and its tag never relayed."""
    fake = bench.fake(dialect="presto")
    gateway = bench.before(fake, pool_settings={"dialect": "presto"})
    outcome, target = begin(gateway, pages=0, headers=user_headers(dialect="Presto"))
    assert ask(gateway.front, "DELETE", target).status == 204
    assert not deletes(fake, outcome)
    assert_canceled(gateway, target)
    assert not fake.seen("GET", outcome.id)


def test_trino_withdraws_what_was_never_polled(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway, "INSERT INTO t VALUES (1)", pages=0)
    assert ask(gateway.front, "DELETE", target).status == 204
    assert len(deletes(fake, outcome)) == 1
    assert_canceled(gateway, target)
    assert not fake.seen("GET", outcome.id)


@pytest.mark.parametrize("status, ends", [(204, True), (409, True), (401, False), (403, False), (410, False)])
def test_a_delete_by_id_is_relayed_first(bench, status, ends):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome, target = begin(gateway)
    if status != 204:
        fake.on("DELETE", "^/v1/query/", text_response(status, ""))
    reply = ask(gateway.front, "DELETE", f"/v1/query/{outcome.id}", {**user_headers(), "Authorization": "Basic abc"})
    assert reply.status == status
    assert fake.seen("DELETE", "^/v1/query/")[-1].header("Authorization") == "Basic abc"
    if ends:
        assert_canceled(gateway, target)
    else:
        assert "error" not in ask(gateway.front, "GET", target).json()


def test_older_uris_of_a_canceled_statement(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome = Outcome()
    targets = [split_url(outcome.take(submit(gateway.front, "SELECT rows 5")))[1]]
    for _ in range(3):
        targets.append(split_url(outcome.take(ask(gateway.front, "GET", targets[-1])))[1])
    assert ask(gateway.front, "DELETE", targets[-1]).status == 204
    for target in targets:
        assert_canceled(gateway, target)
        assert ask(gateway.front, "HEAD", target).status in (200, 404)


def test_a_finished_statement_is_not_canceled(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT rows 1"))
    while next_uri:
        target = split_url(next_uri)[1]
        next_uri = outcome.take(ask(gateway.front, "GET", target))
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "finished")
    ask(gateway.front, "DELETE", target)
    assert gateway.admin.statement(outcome.statement)["state"] == "finished", "terminal states never change"


def test_nothing_of_a_canceled_statement_is_relayed(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    _, target = begin(gateway, pages=3)
    assert "/executing/" in target
    assert ask(gateway.front, "DELETE", target).status == 204
    seen = len(fake.seen())
    assert ask(gateway.front, "HEAD", target).status == 200
    assert ask(gateway.front, "DELETE", target).status == 204
    assert_canceled(gateway, target)
    assert len(fake.seen()) == seen


def test_remembered_cancels_are_bounded(bench):
    """`limits.tombstones`: the oldest go first, and the gateway goes on."""
    fake = bench.fake()
    gateway = bench.before(fake, limits={"tombstones": "64KiB"})
    targets = []
    for number in range(150):
        _, target = begin(gateway, f"SELECT {number}", pages=1)
        assert ask(gateway.front, "DELETE", target).status == 204
        targets.append(target)
    # 64 KiB are two cancels in each of 64 shards. Looking at one makes it young, so the sweep comes first.
    time.sleep(2)
    polls = len(fake.seen("GET"))
    ask(gateway.front, "GET", targets[0])
    assert len(fake.seen("GET")) == polls + 1, "the oldest was forgotten: its tag routes, and no more"
    assert_canceled(gateway, targets[-1])
    assert len(fake.seen("GET")) == polls + 1
