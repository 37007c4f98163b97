"""Faults at every step: the rows or the error that the client gets, the attempts, the effects, the rule, the gate.

Each line of the table is one fault of the coordinator that gets the statement first; another one stands beside it. The
default run takes every line once, in turn as Trino and as Presto, with Content-Length and chunked;
PENSTOCK_MEASURES=full takes each line in all four ways."""

from dataclasses import dataclass, field

import pytest

from kit.measures import FULL
from kit.rawhttp import ask
from kit.retries import FIVE_ROWS, NUMBERS, PROBED_ONCE, Arena, Tables, error, wait_until_back
from kit.waiting import eventually

TRINO, PRESTO = "trino", "presto"


@dataclass
class Case:
    name: str
    # What the first coordinator does, once; `before_poll`: between the POST and the first GET.
    fault: dict | None
    # Rule and gate of each verdict; None: it is not looked at.
    verdicts: list | None
    write: bool = False
    # The client gets: every row (True), some rows, none.
    rows: object = True
    error: str | None = None
    status: int | None = None
    # Attempts on record, and POSTs of the text at the first and at the second coordinator (None: two in all).
    attempts: int = 2
    posts: tuple | None = (1, 1)
    # Rows that a write has really added.
    effects: int = 1
    second: dict | None = None
    before_poll: dict | None = None
    limits: dict = field(default_factory=dict)
    dialects: tuple = (TRINO, PRESTO)


def fail(step, name, **more):
    changes = {key: more.pop(key) for key in ("message", "type", "causes") if key in more}
    renamed = {"name": more.pop("called")} if "called" in more else {}
    return {"step": step, "do": "fail", "error": {**error(name), **changes, **renamed}, **more}


def lost(step, do, **more):
    return {"step": step, "do": do, **more}


def restarted(step, **more):
    """An engine's start takes seconds. One of a few milliseconds could not be told from an uptime's rounding."""
    return lost(step, "restart", for_ms=400, **more)


def answer(step, status, body="scripted", **more):
    return {"step": step, "do": "status", "status": status, "body": body, **more}


HTML, OTHER = "<html>busy</html>", '{"hello": "world"}'
QUICK = {"submit_answer": "400ms", "poll_answer": "400ms"}
GONE = {"gone": "1500ms"}

# What becomes of a POST's answer, and the rule for it. Nothing has started: reads and writes alike go elsewhere.
SUBMISSIONS = [
    # A reset of a connection that was used before is its age: the POST goes out once more on a fresh one.
    ("reset", lost("post", "reset", times=2), "H02", 2),
    ("reset after it was taken", lost("post", "reset", handled=True, times=2), "H02", 2),
    ("cut in the head", lost("post", "cut", head_bytes=30), "H02", 2),
    ("cut in the body", lost("post", "cut", bytes=40), "H02", 2),
    ("cut before the end", lost("post", "cut", bytes=-1), "H02", 2),
    ("reset in the body", lost("post", "cut", bytes=40, reset=True), "H02", 2),
    ("no answer", lost("post", "hang"), "H02", 2),
    ("no answer after it was taken", lost("post", "hang", handled=True), "H02", 2),
    ("empty 200", answer("post", 200, ""), "H02", 2),
    ("429", answer("post", 429), "H03", 1),
    ("429 with Retry-After", answer("post", 429, headers={"Retry-After": "1"}), "H03", 1),
    ("502", answer("post", 502), "H03", 1),
    ("503", answer("post", 503), "H03", 1),
    ("503 after it was taken", answer("post", 503, handled=True), "H03", 1),
    ("504", answer("post", 504), "H03", 1),
    ("HTML 200", answer("post", 200, HTML), "H04", 2),
    ("other JSON 200", answer("post", 200, OTHER, headers={"Content-Type": "application/json"}), "H04", 2),
    ("500", answer("post", 500), "H11", 2),
    ("501", answer("post", 501), "H11", 2),
    ("QUERY_QUEUE_FULL", fail("post", "QUERY_QUEUE_FULL"), "R04", 2),
    ("REMOTE_HOST_GONE", fail("post", "REMOTE_HOST_GONE"), "I04", 2),
]

CASES = [
    Case(f"POST: {name}", fault, [(rule, None)], attempts=attempts, write=write, limits=QUICK)
    for number, (name, fault, rule, attempts) in enumerate(SUBMISSIONS)
    for write in ((False, True) if FULL else (number % 2 == 1,))
] + [
    Case("POST: refused", {"step": "info", "do": "die", "for_ms": 800}, [("H01", None)], attempts=1, posts=(0, 1)),
    Case("POST: refused, a write", {"step": "info", "do": "die", "for_ms": 800}, [("H01", None)], attempts=1,
         posts=(0, 1), write=True),
    Case("POST: 503 twice", answer("post", 503), [("H03", None)] * 2, attempts=1, posts=None,
         second=answer("post", 503)),
    Case("POST: cut twice", lost("post", "cut", bytes=9), [("H02", None)] * 2, attempts=3, posts=None, write=True,
         second=lost("post", "cut", bytes=9)),
    Case("POST: SYNTAX_ERROR", fail("post", "SYNTAX_ERROR"), [("U01", None)], rows=None, error="SYNTAX_ERROR",
         attempts=1, posts=(1, 0)),
] + [
    Case(f"POST: {status}", answer("post", status), [(rule, None)], rows=None, status=status, attempts=1,
         posts=(1, 0), write=True, effects=0)
    for status, rule in ((400, "H10"), (401, "H09"), (403, "H09"), (404, "H10"), (405, "H10"), (413, "H10"))
] + [
    # Errors by name on the queued URI: reads.
    Case(f"queued: {name}", fail("queued", name), [(rule, None)], posts=posts)
    for name, rule, posts in (
        ("QUERY_QUEUE_FULL", "R04", (1, 1)), ("GENERIC_INSUFFICIENT_RESOURCES", "R05", (1, 1)),
        ("NO_NODES_AVAILABLE", "I08", (1, 1)), ("SERVER_SHUTTING_DOWN", "I09", (1, 1)),
        ("SERVER_STARTING_UP", "I10", (1, 1)), ("CLUSTER_OUT_OF_MEMORY", "R01", (1, 1)),
        ("GENERIC_INTERNAL_ERROR", "I26", (1, 1)), ("SOME_NEW_CONNECTOR_ERROR", "X99", None))
] + [
    Case("queued: throttled in a cause", fail("queued", "HIVE_METASTORE_ERROR", causes=["caused by", "Rate exceeded"]),
         [("X06", None)], posts=None),
    Case("queued: access denied in a cause",
         fail("queued", "HIVE_METASTORE_ERROR", causes=["Status Code: 403; InvalidAccessKeyId"]), [("X01", None)],
         rows=None, error="HIVE_METASTORE_ERROR", attempts=1, posts=(1, 0)),
    Case("queued: SYNTAX_ERROR", fail("queued", "SYNTAX_ERROR"), [("U01", None)], rows=None, error="SYNTAX_ERROR",
         attempts=1, posts=(1, 0)),
] + [
    # The first GET starts a write; some names are only raised before anything ran.
    Case(f"queued, a write: {name}", fail("queued", name), [(rule, None)], write=True)
    for name, rule in (("QUERY_QUEUE_FULL", "R04"), ("GENERIC_INSUFFICIENT_RESOURCES", "R05"),
                       ("SERVER_STARTING_UP", "I10"))
] + [
    Case("queued, a write: REMOTE_HOST_GONE", fail("queued", "REMOTE_HOST_GONE"), [("I04", "started")], write=True,
         rows=None, error="REMOTE_HOST_GONE", attempts=1, posts=(1, 0), effects=0),
    Case("queued, a write that took effect: REMOTE_HOST_GONE", fail("queued", "REMOTE_HOST_GONE", effect=True),
         [("I04", "started")], write=True, rows=None, error="REMOTE_HOST_GONE", attempts=1, posts=(1, 0)),
    Case("queued, a write that took effect: USER_CANCELED", fail("queued", "USER_CANCELED", effect=True),
         [("U06", None)], write=True, rows=None, error="USER_CANCELED", attempts=1, posts=(1, 0)),
    Case("running, a write: REMOTE_HOST_GONE", fail("executing", "REMOTE_HOST_GONE"), [("I04", "started")],
         write=True, rows=None, error="REMOTE_HOST_GONE", attempts=1, posts=(1, 0), effects=0),
    Case("running, a write that took effect: PAGE_TRANSPORT_TIMEOUT",
         fail("executing", "PAGE_TRANSPORT_TIMEOUT", effect=True), [("I02", "started")], write=True, rows=None,
         error="PAGE_TRANSPORT_TIMEOUT", attempts=1, posts=(1, 0)),
    Case("running, a write: the commit is unknown",
         fail("executing", "ICEBERG_COMMIT_ERROR", message="CommitStateUnknown: who knows", effect=True),
         [("G00", None)], write=True, rows=None, error="ICEBERG_COMMIT_ERROR", attempts=1, posts=(1, 0)),
] + [
    # Errors by name once it runs: reads.
    Case(f"running: {name}", fail("executing", name), [(rule, None)])
    for name, rule in (("REMOTE_HOST_GONE", "I04"), ("REMOTE_TASK_ERROR", "I07"), ("TOO_MANY_REQUESTS_FAILED", "I01"),
                       ("PAGE_TRANSPORT_TIMEOUT", "I02"), ("SOME_NEW_INTERNAL_ERROR", "I99"))
] + [
    Case("running: too many requests queued", fail(
        "executing", "REMOTE_TASK_ERROR", message="Max requests queued per destination 1024 exceeded"),
        [("I06", None)]),
    Case("running: known by its text alone", fail("executing", "TOO_MANY_REQUESTS_FAILED", called="", type=""),
         [("I01", None)]),
    Case("running: a name that nobody knows, and the text",
         fail("executing", "SOME_NEW_INTERNAL_ERROR", message="Could not communicate with the remote task"),
         [("I98", None)]),
    Case("running: without name, type and known text",
         fail("executing", "SOME_NEW_INTERNAL_ERROR", called="", type=""), [(None, None)], rows=None, error="",
         attempts=1, posts=(1, 0)),
    Case("running: after the columns", fail("executing", "REMOTE_HOST_GONE", columns=True), [("I04", None)]),
    Case("running: after rows", fail("executing", "REMOTE_HOST_GONE", rows=2), [("I04", "rows-left")], rows="some",
         error="REMOTE_HOST_GONE", attempts=1, posts=(1, 0)),
    Case("running: on the last page, beside rows", fail("executing", "REMOTE_HOST_GONE", rows=2, with_rows=True),
         [("I04", None)], dialects=(PRESTO,)),
    Case("running: on the last page, beside the last of several rows",
         fail("executing", "REMOTE_HOST_GONE", rows=4, with_rows=True), [("I04", "rows-left")], rows="some",
         error="REMOTE_HOST_GONE", attempts=1, posts=(1, 0), dialects=(PRESTO,)),
    Case("running: DIVISION_BY_ZERO", fail("executing", "DIVISION_BY_ZERO"), [("U04", None)], rows=None,
         error="DIVISION_BY_ZERO", attempts=1, posts=(1, 0)),
    Case("running: a user's text that looks like the cluster's", fail("executing", "GENERIC_USER_ERROR"),
         [("U99", None)], rows=None, error="GENERIC_USER_ERROR", attempts=1, posts=(1, 0)),
    Case("running: EXCEEDED_TIME_LIMIT", fail("executing", "EXCEEDED_TIME_LIMIT"), [("R07", None)], rows=None,
         error="EXCEEDED_TIME_LIMIT", attempts=1, posts=(1, 0)),
    Case("running: more memory, and no bigger pool", fail("executing", "EXCEEDED_LOCAL_MEMORY_LIMIT"),
         [("R02", "no-target")], rows=None, error="EXCEEDED_LOCAL_MEMORY_LIMIT", attempts=1, posts=(1, 0)),
    Case("running: opt-in, of a class", fail("executing", "ICEBERG_COMMIT_ERROR"), [("X12", "opt-in")], rows=None,
         error="ICEBERG_COMMIT_ERROR", attempts=1, posts=(1, 0)),
    Case("running: opt-in, of a user error", fail("executing", "TRANSACTION_CONFLICT"), [("U11", "opt-in")], rows=None,
         error="TRANSACTION_CONFLICT", attempts=1, posts=(1, 0)),
    Case("running: on every coordinator", fail("executing", "SOME_NEW_INTERNAL_ERROR"),
         [("I99", None), ("I99", "attempts")], rows=None, error="SOME_NEW_INTERNAL_ERROR",
         second=fail("executing", "SOME_NEW_INTERNAL_ERROR")),
] + [
    # A poll's answer is lost: it is asked for again on the same URI, by reads and writes alike, and no row comes twice.
    Case(f"poll of {place}: {name}", {**fault, **where}, [(rule, None)], attempts=1, posts=(1, 0), write=write,
         limits=QUICK)
    for name, fault, rule in (
        ("reset", lost("any", "reset", times=2), "H06"),
        ("reset after it was taken", lost("any", "reset", handled=True, times=2), "H06"),
        ("cut in the head", lost("any", "cut", head_bytes=30), "H06"),
        ("cut in the body", lost("any", "cut", bytes=40), "H06"),
        ("cut before the end", lost("any", "cut", bytes=-1), "H06"), ("no answer", lost("any", "hang"), "H06"),
        ("no answer after it was taken", lost("any", "hang", handled=True), "H06"),
        ("empty 200", answer("any", 200, ""), "H06"),
        ("429", answer("any", 429, headers={"Retry-After": "1"}), "H05"), ("502", answer("any", 502), "H06"),
        ("503", answer("any", 503), "H06"), ("504 after it was taken", answer("any", 504, handled=True), "H06"))
    for place, where, write in (("a queued page", {"step": "queued", "page": 1}, False),
                                ("a queued page, a write", {"step": "queued", "page": 1}, True),
                                ("a page of rows", {"step": "executing", "page": 1}, False))
] + [
    Case("poll: 500", answer("queued", 500, page=2), [("H11", None)]),
    Case("poll: 500 after rows", answer("executing", 500, page=2), [("H11", "rows-left")], rows="some", status=500,
         attempts=1, posts=(1, 0)),
    Case("poll: 500, a write", answer("queued", 500, page=1, handled=True), [("H11", "started")], rows=None,
         write=True, error="PENSTOCK_OUTCOME_UNKNOWN", attempts=1, posts=(1, 0)),
    Case("poll: HTML 200", answer("queued", 200, HTML, page=2), [("H12", None)]),
    Case("poll: HTML 200, a write", answer("queued", 200, HTML, page=1), [("H12", "started")], rows=None, write=True,
         error="PENSTOCK_OUTCOME_UNKNOWN", attempts=1, posts=(1, 0), effects=0),
    Case("poll: 400", answer("queued", 400, page=2), [("H10", None)], rows=None, status=400, attempts=1, posts=(1, 0)),
    Case("poll: 404 of the same incarnation", answer("queued", 404, "Query not found", page=2, times=99),
         [("H10", None)], rows=None, status=404, attempts=1, posts=(1, 0)),
    Case("poll: 410", answer("queued", 410, page=2), None, rows=None, status=410, attempts=1, posts=(1, 0)),
    # Its coordinator has restarted and knows nothing of it.
    Case("forgotten: before the first poll", None, [("H07", None)], before_poll=restarted("info")),
    Case("forgotten: before the first poll of a write", None, [("H07", None)], before_poll=restarted("info"),
         write=True),
    Case("forgotten: at the first poll", restarted("queued", page=1), [("H07", None)]),
    Case("forgotten: at the first poll of a write", restarted("queued", page=1), [("H07", "started")],
         write=True, rows=None, error="PENSTOCK_OUTCOME_UNKNOWN", attempts=1, posts=(1, 0), effects=0),
    Case("forgotten: after the columns", restarted("executing", page=1), [("H07", None)], dialects=(TRINO,)),
    Case("forgotten: after rows", restarted("executing", page=2), [("H07", "rows-left")], rows="some",
         error="PENSTOCK_COORDINATOR_LOST", attempts=1, posts=(1, 0)),
    # Its coordinator has gone and stays away.
    Case("gone: before the first poll of a write", None, [("H08", None)], write=True, limits=GONE,
         before_poll=lost("info", "die", for_ms=4000)),
    Case("gone: at the second poll", lost("queued", "die", page=2, for_ms=4000), None, limits=GONE),
    Case("gone: at the second poll of a write", lost("queued", "die", page=2, for_ms=4000), [("H08", "started")],
         write=True, rows=None, error="PENSTOCK_OUTCOME_UNKNOWN", attempts=1, posts=(1, 0), effects=None, limits=GONE),
    Case("gone: after rows", lost("executing", "die", page=2, for_ms=4000), [("H08", "rows-left")], rows="some",
         error="PENSTOCK_COORDINATOR_LOST", attempts=1, posts=(1, 0), limits=GONE),
]


def ways():
    """Every case, once or in each way."""
    for number, case in enumerate(CASES):
        every = [(dialect, chunked) for dialect in case.dialects for chunked in (False, True)]
        for dialect, chunked in every if FULL else [every[number % len(every)]]:
            name = f"{case.name} ({dialect}, {'chunked' if chunked else 'plain'})"
            yield pytest.param(case, dialect, chunked, id=name)


@pytest.fixture(scope="module")
def tables(shared):
    return Tables(shared.directory / "tables.sqlite")


@pytest.fixture(scope="module")
def coordinators(shared, tables):
    """Two of each dialect, all on the same tables."""
    return {dialect: [shared.coordinator(f"{dialect}-{number}", data=tables.file, dialect=dialect, page_rows=2)
                      for number in (1, 2)] for dialect in (TRINO, PRESTO)}


@pytest.mark.parametrize("case, dialect, chunked", list(ways()))
def test_the_law(bench, coordinators, tables, request, case, dialect, chunked):
    first, second = coordinators[dialect]
    for coordinator in (first, second):
        coordinator.behaviour["chunked"] = chunked
    wait_until_back(first, second)
    arena = Arena(bench, first, second, pool_settings={"probe": PROBED_ONCE}, limits=case.limits)
    mark = f"case {case.name}, {dialect}, {chunked}"
    if case.write:
        table = tables.create(f"t{next(NUMBERS)}")
        sql = f"INSERT INTO {table} VALUES (7) /* {mark} */"
    else:
        sql = f"SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1 /* {mark} */"

    for coordinator, fault in ((first, case.fault), (second, case.second)):
        if fault:
            coordinator.script(armed(fault, mark))
            act_now(coordinator, fault)
    outcome, uri = arena.begin(sql)
    if case.before_poll:
        first.script(armed(case.before_poll, mark))
        act_now(first, case.before_poll)
        if case.before_poll["do"] == "restart":
            # A poll that the reset of an idle connection meets on its way may have started the statement.
            wait_until_back(first)
    arena.follow(outcome, uri)

    check_answer(case, outcome)
    eventually(lambda: check_record(case, arena, outcome), within=3)
    wait_until_back(first, second)
    check_posts(case, sql, first, second)
    if case.write and case.effects is not None:
        assert tables.count(table) == case.effects


def armed(fault, mark):
    """The fault, for this statement and once."""
    scripted = {"times": 1, **fault}
    return scripted if fault["step"] == "info" else {**scripted, "sql": mark}


def act_now(coordinator, fault):
    """What a probe would set off."""
    if fault["step"] == "info":
        with pytest.raises(Exception):
            ask(coordinator.address, "GET", "/v1/info", timeout=2)


def check_answer(case, outcome):
    if case.status:
        assert outcome.failure is not None and outcome.failure.status == case.status, outcome.last
    else:
        assert outcome.failure is None, outcome.failure
    if case.error is None:
        assert outcome.error is None, outcome.error
    else:
        assert outcome.error is not None, outcome.last
        assert outcome.error_name == case.error
    expected = [[1]] if case.write else FIVE_ROWS
    if case.rows is True:
        assert outcome.rows == expected
    elif case.rows is None:
        assert outcome.rows == []
    else:
        assert 0 < len(outcome.rows) < 5 and outcome.rows == expected[:len(outcome.rows)]


def check_record(case, arena, outcome):
    """Attempts and verdicts. Polls that are repeated on the same URI may come before anything else: how often, the
    moment decides."""
    record = arena.record(outcome)
    assert [entry["number"] for entry in record["attempts"]] == list(range(1, case.attempts + 1)), record
    lines = arena.gateway.admin.get(f"/v1/retries?statement={outcome.statement}")["items"][::-1]
    repeats = {line["rule"] for line in lines if line["action"] == "repeat"}
    assert repeats <= {"H05", "H06"}, lines
    others = [(line["rule"], line["gate"]) for line in lines if line["action"] != "repeat"]
    if case.verdicts is not None:
        expected = [verdict for verdict in case.verdicts if verdict[0] not in ("H05", "H06")]
        assert others == expected, lines
        assert expected or not case.verdicts or repeats <= {case.verdicts[0][0]}, lines
    return True


def check_posts(case, sql, first, second):
    posts = (first.posts(sql), second.posts(sql))
    if case.before_poll or (case.fault and case.fault["do"] in ("die", "restart")):
        assert posts[1] == (case.posts or (1, 1))[1]
    elif case.posts:
        # One more where a connection that was used before was reset.
        spare = 1 if case.fault["do"] == "reset" and case.fault["step"] == "post" else 0
        assert posts[1] == case.posts[1] and 0 <= posts[0] - case.posts[0] <= spare, posts
    else:
        assert sum(posts) == len(case.verdicts) + 1
    # What is submitted again says so.
    for entry in second.statements(sql):
        assert int(entry.get("attempt", 1)) <= case.attempts
