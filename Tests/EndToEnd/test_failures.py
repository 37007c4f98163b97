"""Submissions that fail go elsewhere, polls that fail are asked again, and the rest ends with an error that says what
happened. What the policy has to do with it is in test_retries_*."""

import threading
import time

import pytest

from kit.fakes import CLOSE, RESET, SILENCE, Response, text_response
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, Cut, ask, split_url
from kit.waiting import eventually

REFUSALS = {
    "429": text_response(429, "slow down"),
    "502": text_response(502, "bad gateway"),
    "503": text_response(503, "unavailable"),
    "504": text_response(504, "too late"),
    "reset": RESET,
    "closed": CLOSE,
    "cut": Response(body=b'{"id":"2026', cut_after=5),
}


@pytest.fixture
def two(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    return bench.before(first, second), first, second


@pytest.mark.parametrize("failure", REFUSALS)
def test_a_failed_submission_goes_to_another_coordinator(two, failure):
    gateway, first, second = two
    first.on("POST", "^/v1/statement$", REFUSALS[failure])
    for turn in range(4):
        outcome = execute(gateway.front, f"INSERT INTO t VALUES ({turn})")
        assert outcome.error is None and outcome.failure is None and outcome.coordinator == "blue-2"
    assert set(second.statements_seen().values()) == {1}
    assert all(count == 1 for count in first.statements_seen().values()), "each other coordinator once"


@pytest.mark.parametrize("failure", ["429", "503", "reset"])
def test_a_submission_that_fails_everywhere_ends(bench, failure):
    """After `limits.wait_for_coordinator`: until then each is asked now and then."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, limits={"wait_for_coordinator": "1s"})
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", REFUSALS[failure])
    outcome = execute(gateway.front, "SELECT 1")
    # A reset came from somebody, who is lost; the others say that they take nothing.
    name = "PENSTOCK_COORDINATOR_LOST" if failure == "reset" else "PENSTOCK_NO_COORDINATOR"
    assert outcome.error_name == name
    assert outcome.statement in outcome.error["message"]
    assert set(first.statements_seen()) == set(second.statements_seen()) == {"SELECT 1"}


@pytest.mark.slow
def test_an_unanswered_submission_goes_elsewhere(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, limits={"submit_answer": "1s"})
    first.on("POST", "^/v1/statement$", SILENCE)
    for turn in range(2):
        assert execute(gateway.front, f"SELECT {turn}").coordinator == "blue-2"


@pytest.mark.parametrize("failure", ["503", "reset", "cut"])
def test_where_a_post_starts_nothing_is_sent_twice(bench, failure):
    """`starts: post`: after a byte was written the outcome is unknown, and it is not tried elsewhere."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, pool_settings={"starts": "post"})
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", REFUSALS[failure])
    outcome = execute(gateway.front, "INSERT INTO t VALUES (1)")
    assert len(first.seen("POST")) + len(second.seen("POST")) == 1
    assert outcome.failure is not None or outcome.error_name == "PENSTOCK_OUTCOME_UNKNOWN"


def submit_once(gateway):
    """The answer to a POST of a client that wants nothing retried."""
    return submit(gateway.front, "SELECT 1", {**user_headers(), "X-Penstock-Retries": "off"})


def test_other_statuses_pass_as_they_came(two):
    gateway, first, second = two
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", text_response(500, "broken"))
    reply = submit_once(gateway)
    assert reply.status == 500 and reply.body == b"broken"
    assert len(first.seen("POST")) + len(second.seen("POST")) == 1


LONG = "".join(f"line {number}: it broke\n" for number in range(12_000))


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("text", ["broken", LONG[:60_000], LONG], ids=["short", "60 kB", "250 kB"])
@pytest.mark.parametrize("piece", [700, 65536])
def test_the_answer_that_is_no_page_passes_byte_for_byte(two, framing, text, piece):
    """It is read before anything is decided, as far as that takes, and passed on whole."""
    gateway, first, second = two
    response = text_response(500, text)
    response.framing, response.piece = framing, piece
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", response)
    reply = submit_once(gateway)
    assert reply.status == 500 and reply.body.decode() == text


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_the_answer_that_is_no_page_looks_cut_where_it_is(two, framing):
    gateway, first, second = two
    response = text_response(500, "broken in the middle")
    response.framing, response.cut_after = framing, 6
    for fake in (first, second):
        fake.on("POST", "^/v1/statement$", response)
    with pytest.raises(Cut):
        submit_once(gateway)


def test_the_answer_that_is_no_page_counts_when_its_time_is_over(bench):
    """Its end does not come: what came decides, and passes."""
    fake = bench.fake()
    gateway = bench.before(fake, limits={"submit_answer": "1s"})
    wait = threading.Event()

    def pieces():
        yield b"brok"
        wait.wait(10)
        yield b"en"
    fake.on("POST", "^/v1/statement$", Response(status=500, body=pieces(), length=6))
    with Connection(gateway.front) as connection:
        connection.send_head("POST", "/v1/statement", {**user_headers(), "Content-Length": "8"})
        connection.send(b"SELECT 1")
        assert connection.socket.recv(9) == b"HTTP/1.1 "
        assert not wait.is_set()
        wait.set()


def running(gateway, fakes, sql="SELECT rows 5", pages=2):
    """A statement with its first row read; the fake it runs on, the outcome and the next URI."""
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql))
    next_uri = follow(outcome, next_uri, pages=pages)
    return next(fake for fake in fakes if fake.name == outcome.coordinator), outcome, next_uri


@pytest.mark.parametrize("failure", REFUSALS)
def test_a_failed_poll_is_repeated_on_the_same_uri(two, failure):
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    fake.on("GET", outcome.id, REFUSALS[failure], times=3)
    follow(outcome, next_uri)
    assert outcome.error is None and outcome.failure is None
    assert outcome.rows == [[0], [1], [2], [3], [4]], "no row twice, none lost"


def test_an_empty_200_is_no_page(two):
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    fake.on("GET", outcome.id, Response(body=b""), times=2)
    follow(outcome, next_uri)
    assert outcome.error is None and outcome.rows == [[0], [1], [2], [3], [4]]


def test_a_coordinator_that_is_away_for_a_while(two):
    """The listener is gone and comes back with the same statements: the client gets pages without rows meanwhile."""
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    fake.stop()
    reply = ask(gateway.front, "GET", split_url(next_uri)[1])
    page = reply.json()
    assert reply.status == 200 and "data" not in page and "error" not in page
    assert page["nextUri"].split("via=")[0] == next_uri.split("via=")[0], "the same URI"
    assert page["nextUri"] != next_uri, "with a higher sequence"
    assert page["id"] == outcome.id
    fake.start()
    follow(outcome, page["nextUri"])
    assert outcome.rows == [[0], [1], [2], [3], [4]] and outcome.error is None


def test_an_unanswered_poll_gets_a_page_without_rows(bench):
    fake = bench.fake()
    gateway = bench.before(fake, limits={"poll_answer": "1s"})
    _, outcome, next_uri = running(gateway, [fake])
    fake.on("GET", outcome.id, SILENCE, times=1)
    begun = time.monotonic()
    reply = ask(gateway.front, "GET", split_url(next_uri)[1])
    assert 0.8 < time.monotonic() - begun < 5
    page = reply.json()
    assert reply.status == 200 and "data" not in page and "error" not in page
    assert page["nextUri"].split("via=")[0] == next_uri.split("via=")[0]
    follow(outcome, page["nextUri"])
    assert outcome.rows == [[0], [1], [2], [3], [4]] and outcome.error is None


@pytest.mark.parametrize("sql, name, kind", [
    ("SELECT 1", "PENSTOCK_COORDINATOR_LOST", "INTERNAL_ERROR"),
    ("INSERT INTO t VALUES (1)", "PENSTOCK_OUTCOME_UNKNOWN", None)])
def test_a_statement_that_its_coordinator_forgot(two, sql, name, kind):
    """404 from another incarnation: what had started and may have written has an unknown outcome."""
    gateway, *fakes = two
    for fake in fakes:
        fake.plan = lambda _: fake.simple_plan("SELECT rows 5")
    fake, outcome, next_uri = running(gateway, fakes, sql)
    fake.restart()
    begun = time.monotonic()
    follow(outcome, next_uri, within=30)
    assert outcome.error_name == name, outcome.last
    assert kind is None or outcome.error["errorType"] == kind
    assert outcome.statement in outcome.error["message"]
    assert time.monotonic() - begun < 20
    state = "lost" if name == "PENSTOCK_OUTCOME_UNKNOWN" else "failed"
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == state)


@pytest.mark.parametrize("retries", ["on", "off"])
def test_a_write_that_no_poll_reached_has_not_started(two, retries):
    """The coordinator goes after the POST: not a byte of a poll was written, so nothing can have been written there."""
    gateway, *fakes = two
    gateway.settings["limits"] = {"gone": "2s"}
    gateway.write()
    gateway.admin.post("/v1/reload")
    outcome = Outcome()
    next_uri = outcome.take(submit(
        gateway.front, "INSERT INTO t VALUES (1)", {**user_headers(), "X-Penstock-Retries": retries}))
    first = next(fake for fake in fakes if fake.name == outcome.coordinator)
    first.stop()
    follow(outcome, next_uri, within=30)
    assert not first.seen("GET", "/v1/statement")
    if retries == "on":
        assert outcome.error is None and outcome.coordinator != first.name
    else:
        assert outcome.error_name == "PENSTOCK_COORDINATOR_LOST", outcome.last


def test_a_write_whose_poll_was_answered_500(two):
    gateway, *fakes = two
    for fake in fakes:
        fake.plan = lambda _: fake.simple_plan("SELECT rows 5")
    fake, outcome, next_uri = running(gateway, fakes, "INSERT INTO t VALUES (1)")
    fake.on("GET", outcome.id, text_response(500, "VerifyException"))
    follow(outcome, next_uri)
    assert outcome.error_name == "PENSTOCK_OUTCOME_UNKNOWN"
    assert outcome.error["errorCode"] == 0x50000002
    record = eventually(lambda: ended(gateway, outcome.statement))
    assert record["state"] == "lost"


def ended(gateway, own_id):
    record = gateway.admin.statement(own_id)
    return record if record["ended"] else None


def test_410_passes(two):
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    fake.on("GET", outcome.id, text_response(410, "Invalid token"), times=1)
    reply = ask(gateway.front, "GET", split_url(next_uri)[1])
    assert reply.status == 410
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3], [4]]


def test_404_of_the_same_incarnation_passes(two):
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    fake.statements.pop(outcome.id)
    follow(outcome, next_uri, within=20)
    assert outcome.failure is not None and outcome.failure.status == 404


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_the_text_of_a_failed_poll_passes_in_pieces(two, framing):
    gateway, *fakes = two
    fake, outcome, next_uri = running(gateway, fakes)
    response = text_response(410, LONG[:30_000])
    response.framing, response.piece = framing, 500
    fake.on("GET", outcome.id, response)
    reply = ask(gateway.front, "GET", split_url(next_uri)[1])
    assert reply.status == 410 and reply.body.decode() == LONG[:30_000]


def test_the_engines_own_error_passes_byte_for_byte(two):
    gateway, *fakes = two
    for fake in fakes:
        fake.plan = fake.failing_plan("DIVISION_BY_ZERO", "USER_ERROR", 8, "Division by zero", after=0)
    outcome = execute(gateway.front, "SELECT 1")
    assert outcome.error["message"] == "Division by zero" and outcome.error["errorCode"] == 8
    assert set(outcome.error) == {"message", "errorCode", "errorName", "errorType", "failureInfo"}
    record = eventually(lambda: ended(gateway, outcome.statement))
    assert record["state"] == "failed" and len(record["attempts"]) == 1
