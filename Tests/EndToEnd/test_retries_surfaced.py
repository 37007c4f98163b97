"""What is not retried, or was in vain, reaches the client as the engine sent it, byte for byte."""

import re

import pytest

from kit.protocol import Outcome
from kit.rawhttp import ask, split_url
from kit.retries import FIVE_ROWS, PROBED_ONCE, Arena, error, wait_until_back

FIVE = "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1"


@pytest.fixture(scope="module")
def coordinators(shared):
    return {dialect: [shared.coordinator(f"{dialect}-{number}", dialect=dialect, page_rows=2) for number in (1, 2)]
            for dialect in ("trino", "presto")}


@pytest.fixture(params=["trino", "presto"])
def arena(bench, coordinators, request):
    wait_until_back(*coordinators[request.param])
    return Arena(bench, *coordinators[request.param], pool_settings={"probe": PROBED_ONCE})


def fail(name, step="executing", **more):
    changes = {key: more.pop(key) for key in ("message", "causes") if key in more}
    return {"step": step, "do": "fail", "error": error(name, **changes), "sql": "nation", **more}


def polled(outcome, attempt="1"):
    """The target, without its tag, that the last poll of an attempt went to."""
    uri = [reply.json()["nextUri"] for reply in outcome.replies
           if reply.header("X-Penstock-Attempt") == attempt and reply.status == 200 and "nextUri" in reply.json()
           and reply.header("X-Penstock-Coordinator")][-1]
    return re.sub(r"[?&]via=[^&]*$", "", split_url(uri)[1])


def assert_same(arena, coordinator, reply, target):
    """The reply's body is the coordinator's own answer, but for the authority in its URIs."""
    own = ask(coordinator.address, "GET", target)
    front = f"{arena.gateway.front[0]}:{arena.gateway.front[1]}".encode()
    there = f"{coordinator.address[0]}:{coordinator.address[1]}".encode()
    assert own.status == reply.status
    assert reply.body.replace(front, there) == own.body
    assert reply.header("Content-Type") == own.header("Content-Type")
    assert int(reply.header("Content-Length") or len(reply.body)) == len(reply.body)


@pytest.mark.parametrize("fault", [
    fail("DIVISION_BY_ZERO"), fail("DIVISION_BY_ZERO", columns=True), fail("REMOTE_HOST_GONE", rows=2),
    fail("REMOTE_HOST_GONE", rows=3),
    fail("EXCEEDED_TIME_LIMIT", causes=["it took\ntoo long", "'<&>' \u00e9 \U0001f600"]),
    fail("ICEBERG_COMMIT_ERROR")], ids=lambda fault: f"{fault['error']['name']}-{fault.get('rows', 0)}")
def test_an_error_that_is_not_retried(arena, fault):
    arena.first.script(fault)
    outcome = arena.run(FIVE)
    assert outcome.error_name == fault["error"]["name"] and outcome.rows == FIVE_ROWS[:fault.get("rows", 0)]
    assert_same(arena, arena.first, outcome.last, polled(outcome))


def test_rows_beside_the_error_of_a_last_page(arena):
    """The last page's rows leave with it, once, when rows before them have left."""
    arena.first.script(fail("REMOTE_HOST_GONE", rows=4, with_rows=True))
    outcome = arena.run(FIVE)
    assert outcome.error_name == "REMOTE_HOST_GONE" and outcome.rows == FIVE_ROWS[:4]
    assert_same(arena, arena.first, outcome.last, polled(outcome))


def test_of_two_failures_the_first(arena):
    """Both coordinators fail: the client sees the first error, as the first one sent it."""
    arena.first.script(fail("SOME_NEW_INTERNAL_ERROR", message="the first"))
    arena.second.script(fail("SOME_NEW_INTERNAL_ERROR", message="the second"))
    outcome = arena.run(FIVE)
    assert outcome.error["message"] == "the first"
    assert len(arena.record(outcome)["attempts"]) == 2
    assert_same(arena, arena.first, outcome.last, polled(outcome))


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_retry_that_cannot_run_surfaces_the_original(arena, status):
    """The other coordinator refuses the resubmission: the client sees why it was made."""
    arena.first.script(fail("REMOTE_HOST_GONE"))
    arena.second.script({"step": "post", "do": "status", "status": status, "sql": "nation",
                         "headers": {"WWW-Authenticate": "Basic"}})
    outcome = arena.run(FIVE)
    assert outcome.failure is None and outcome.error_name == "REMOTE_HOST_GONE", outcome.last
    assert_same(arena, arena.first, outcome.last, polled(outcome))


def test_a_retry_for_which_the_catalog_is_not_there(arena):
    arena.first.script(fail("REMOTE_HOST_GONE"))
    arena.second.script({"step": "queued", "do": "fail", "sql": "nation", "error": {
        "name": "CATALOG_NOT_FOUND", "type": "USER_ERROR", "code": 44, "message": "Catalog 'tpch' not found"}})
    outcome = arena.run(FIVE)
    assert outcome.error_name == "REMOTE_HOST_GONE"
    assert_same(arena, arena.first, outcome.last, polled(outcome))


def test_a_long_failure_is_kept_without_its_causes(arena):
    """A page of more than 256 KiB is kept without failureInfo while the retry runs."""
    arena.first.script(fail("SOME_NEW_INTERNAL_ERROR", message="the first", causes=["x" * 400_000]))
    arena.second.script(fail("SOME_NEW_INTERNAL_ERROR", message="the second"))
    outcome = arena.run(FIVE)
    assert outcome.error["message"] == "the first" and outcome.error_name == "SOME_NEW_INTERNAL_ERROR"
    assert len(outcome.last.body) < 256 << 10


def test_a_long_failure_that_is_not_retried_is_whole(arena):
    arena.first.script(fail("DIVISION_BY_ZERO", causes=["x" * 400_000]))
    outcome = arena.run(FIVE)
    assert_same(arena, arena.first, outcome.last, polled(outcome))


@pytest.mark.parametrize("step, page", [("post", None), ("queued", 2), ("executing", 2)])
@pytest.mark.parametrize("status", [400, 405, 413])
def test_a_status_that_is_not_retried(arena, step, page, status):
    fault = {"step": step, "do": "status", "status": status, "body": "what the coordinator says",
             "headers": {"X-Trace": "17"}, "sql": "nation", "times": 1}
    arena.first.script({**fault, "page": page} if page else fault)
    outcome = arena.run(FIVE)
    assert outcome.failure.status == status and outcome.failure.body == b"what the coordinator says"
    assert outcome.failure.header("X-Trace") == "17"
    assert sum(coordinator.posts(FIVE) for coordinator in (arena.first, arena.second)) >= 1
    arena.first.script()


@pytest.mark.parametrize("status", [401, 403])
def test_a_poll_that_is_refused_ends_nothing(arena, status):
    """It is relayed with its challenge; the client comes again, with a new token perhaps."""
    arena.first.script({"step": "queued", "page": 2, "do": "status", "status": status, "times": 1, "sql": "nation",
                        "headers": {"WWW-Authenticate": "Bearer"}})
    outcome, uri = arena.begin(FIVE, pages=1)
    reply = ask(arena.gateway.front, "GET", split_url(uri)[1])
    assert reply.status == status and reply.header("WWW-Authenticate") == "Bearer"
    arena.follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS and len(arena.record(outcome)["attempts"]) == 1


def test_the_page_that_was_surfaced_is_answered_again(arena):
    """After the end every tag of the statement gets it: of the first attempt, of the wait page, of the last."""
    arena.first.script(fail("SOME_NEW_INTERNAL_ERROR", message="the first"))
    arena.second.script(fail("SOME_NEW_INTERNAL_ERROR", message="the second"))
    outcome = arena.run(FIVE)
    posts = arena.first.posts(FIVE) + arena.second.posts(FIVE)
    for reply in outcome.replies[:-1]:
        again = Outcome()
        assert again.take(ask(arena.gateway.front, "GET", split_url(reply.json()["nextUri"])[1])) is None
        assert again.error["message"] == "the first"
    newest = split_url(outcome.replies[-2].json()["nextUri"])[1]
    assert ask(arena.gateway.front, "GET", newest).body == outcome.last.body
    assert arena.first.posts(FIVE) + arena.second.posts(FIVE) == posts
