"""Each gate of the retry law: what it stops, and that the record names it."""

import threading

import pytest

from kit.protocol import Outcome
from kit.rawhttp import ask, split_url
from kit.retries import FIVE_ROWS, PROBED_ONCE, Arena, Tables, error, wait_until_back
from kit.settings import group, pool
from kit.waiting import eventually

FIVE = "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1"
INTERNAL = {"step": "executing", "do": "fail", "error": error("REMOTE_HOST_GONE"), "times": 1, "sql": "nation"}
LASTING = {key: value for key, value in INTERNAL.items() if key != "times"}


@pytest.fixture(scope="module")
def tables(shared):
    return Tables(shared.directory / "tables.sqlite")


@pytest.fixture(scope="module")
def coordinators(shared, tables):
    return [shared.coordinator(f"blue-{number}", data=tables.file, page_rows=2) for number in (1, 2)]


@pytest.fixture
def arena(bench, coordinators):
    """Makes the arena with settings of the test."""
    wait_until_back(*coordinators)
    return lambda **more: Arena(bench, *coordinators, **{"pool_settings": {"probe": PROBED_ONCE}, **more})


def assert_stopped(arena, outcome, rule, gate, name="REMOTE_HOST_GONE"):
    """The client has the engine's error, nothing was submitted again, and the record says what stopped it."""
    assert outcome.error_name == name, outcome.last
    record = arena.record(outcome)
    assert [(entry["rule"], entry["gate"]) for entry in record["attempts"]] == [(rule, gate)]
    lines = arena.retries(outcome)
    assert [(line["rule"], line["gate"], line["outcome"]) for line in lines] == [(rule, gate, "surfaced")]
    assert lines[0]["statement"] == outcome.statement and lines[0]["attempt"] == 1
    assert lines[0]["coordinator"] == record["attempts"][0]["coordinator"] and lines[0]["failure"] == name
    assert {"at", "class", "action", "wait_ms", "cost_ms"} <= set(lines[0])
    listed = arena.gateway.admin.get(f"/v1/retries?gate={gate}")["items"]
    assert outcome.statement in [line["statement"] for line in listed]
    assert all(line["gate"] == gate for line in listed)


def test_rows_left(arena):
    arena = arena()
    arena.first.script({**INTERNAL, "rows": 2})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS[:2]
    assert_stopped(arena, outcome, "I04", "rows-left")


def test_started(arena, tables):
    arena = arena()
    table = tables.create("started")
    arena.first.script({**INTERNAL, "sql": table, "effect": True})
    outcome = arena.run(f"INSERT INTO {table} VALUES (1)")
    assert_stopped(arena, outcome, "I04", "started")
    assert tables.count(table) == 1


def test_started_where_the_post_starts(arena, tables):
    """`starts: post`: a byte of the POST is the start."""
    arena = arena(pool_settings={"probe": PROBED_ONCE, "starts": "post"})
    table = tables.create("started_by_post")
    arena.first.script({"step": "post", "do": "reset", "sql": table, "times": 1})
    arena.second.script({"step": "post", "do": "reset", "sql": table, "times": 1})
    outcome = arena.run(f"INSERT INTO {table} VALUES (1)")
    assert outcome.error_name == "PENSTOCK_OUTCOME_UNKNOWN"
    assert arena.verdicts(outcome) == [("H02", "started")]
    assert sum(one.posts(f"INSERT INTO {table} VALUES (1)") for one in (arena.first, arena.second)) == 1


def test_a_read_where_the_post_starts_goes_on(arena):
    arena = arena(pool_settings={"probe": PROBED_ONCE, "starts": "post"})
    arena.first.script({"step": "post", "do": "reset", "sql": "nation", "times": 1})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS


def test_columns_differ(bench):
    """The columns have left; the other coordinator has others: its attempt is canceled, the first error surfaces."""
    coordinators = [bench.coordinator(f"blue-{number}") for number in (1, 2)]
    arena = Arena(bench, *coordinators)
    for coordinator, kind in zip(coordinators, ("bigint", "varchar")):
        reply = ask(coordinator.address, "POST", "/v1/statement", arena.headers(),
                    f"CREATE TABLE memory.default.t (a {kind})")
        outcome = Outcome()
        arena.follow(outcome, outcome.take(reply))
    sql = "SELECT a FROM memory.default.t"
    arena.first.script({**INTERNAL, "sql": sql, "columns": True})
    outcome = arena.run(sql)
    assert outcome.error_name == "REMOTE_HOST_GONE" and outcome.rows == []
    assert [column["type"] for reply in outcome.replies for column in reply.json().get("columns", [])] \
        and not any(column["type"] == "varchar" for reply in outcome.replies
                    for column in reply.json().get("columns", []))
    assert "columns-differ" in [gate for _, gate in arena.verdicts(outcome)]
    eventually(lambda: [entry["canceled"] for entry in arena.second.statements(sql)] == [True])


def test_the_same_columns_again_are_fine(arena):
    arena = arena()
    arena.first.script({**INTERNAL, "columns": True})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS and outcome.error is None
    assert arena.verdicts(outcome) == [("I04", None)]


def test_transaction(arena):
    arena = arena()
    started = arena.run("START TRANSACTION", arena.headers(Transaction_Id="NONE"))
    own_id = next(reply.header("X-Trino-Started-Transaction-Id") for reply in started.replies
                  if reply.header("X-Trino-Started-Transaction-Id"))
    for coordinator in (arena.first, arena.second):
        coordinator.script(INTERNAL)
    outcome = arena.run(FIVE, arena.headers(Transaction_Id=own_id))
    assert_stopped(arena, outcome, "I04", "transaction")
    assert arena.first.posts(FIVE) + arena.second.posts(FIVE) >= 1


def test_session_header(arena):
    """A session header of the failed attempt has left, with the page of columns."""
    arena = arena()
    arena.first.script({**INTERNAL, "columns": True, "headers": {"Set-Session": "a=b"}})
    outcome = arena.run(FIVE)
    assert any(reply.header("X-Trino-Set-Session") for reply in outcome.replies)
    assert_stopped(arena, outcome, "I04", "session-header")


def test_a_session_header_that_came_with_the_error_has_not_left(arena):
    """It is kept back with the page until the verdict, and goes where that goes."""
    arena = arena()
    arena.first.script({**INTERNAL, "headers": {"Set-Session": "a=b"}})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS
    assert not any(reply.header("X-Trino-Set-Session") for reply in outcome.replies)


@pytest.mark.parametrize("header", [{"X-Penstock-Attempt": "2"}, {"X-Presto-Retry-Query": "true"}])
def test_chained(arena, header):
    arena = arena()
    arena.first.script(INTERNAL)
    outcome = arena.run(FIVE, {**arena.headers(), **header})
    assert_stopped(arena, outcome, "I04", "chained")


def test_attempts_of_the_settings(arena):
    arena = arena(retries={"attempts": 2})
    for coordinator in (arena.first, arena.second):
        coordinator.script(LASTING)
    outcome = arena.run(FIVE)
    assert outcome.error_name == "REMOTE_HOST_GONE"
    assert arena.verdicts(outcome) == [("I04", None), ("I04", "attempts")]
    assert [entry["gate"] for entry in arena.record(outcome)["attempts"]] == [None, "attempts"]


def test_attempts_of_the_rule(arena):
    """I04 retries three times."""
    arena = arena()
    for coordinator in (arena.first, arena.second):
        coordinator.script(LASTING)
    outcome = arena.run(FIVE)
    assert arena.verdicts(outcome) == [("I04", None)] * 3 + [("I04", "attempts")]
    assert len(arena.record(outcome)["attempts"]) == 4


def test_what_never_started_costs_no_attempt(arena):
    """`attempts: 1`, and two submissions that reached nobody: the third runs."""
    arena = arena(retries={"attempts": 1})
    for coordinator in (arena.first, arena.second):
        coordinator.script({"step": "post", "do": "status", "status": 503, "sql": "nation", "times": 1})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS
    assert [entry["number"] for entry in arena.record(outcome)["attempts"]] == [1]


def test_elapsed(arena):
    arena = arena(retries={"elapsed": "1s"})
    sql = "SELECT sleep(1500), nationkey FROM tpch.tiny.nation WHERE nationkey = 1"
    arena.first.script(INTERNAL)
    assert_stopped(arena, arena.run(sql), "I04", "elapsed")


def test_budget(arena):
    """One retry in the window, whoever comes first."""
    arena = arena(retries={"budget": {"share": 0, "floor": 1, "window": "60s"}})
    arena.first.script(INTERNAL)
    assert arena.run(FIVE).rows == FIVE_ROWS
    for coordinator in (arena.first, arena.second):
        coordinator.script(INTERNAL)
    assert_stopped(arena, arena.run(FIVE), "I04", "budget")


def test_a_spent_budget_only_delays_what_is_unavailable(arena):
    """Class unavailable: paced, not surfaced."""
    arena = arena(retries={"budget": {"share": 0, "floor": 1, "window": "3s"}})
    for _ in range(3):
        for coordinator in (arena.first, arena.second):
            coordinator.script({"step": "queued", "do": "fail", "error": error("SERVER_SHUTTING_DOWN"), "times": 1,
                                "sql": "nation"})
        outcome = arena.run(FIVE)
        assert outcome.rows == FIVE_ROWS, outcome.last


@pytest.mark.slow
def test_breaker(arena):
    """Of fifty retries of a rule none succeeded: it retries no more."""
    arena = arena(retries={"attempts": 9})
    for coordinator in (arena.first, arena.second):
        coordinator.script({**LASTING, "error": error("SOME_NEW_INTERNAL_ERROR")})
    gates = []

    def work():
        for _ in range(12):
            outcome = arena.run(FIVE)
            assert outcome.error_name == "SOME_NEW_INTERNAL_ERROR"
            gates.append(arena.verdicts(outcome)[-1][1])
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert set(gates) == {"attempts", "breaker"} and gates.count("attempts") >= 40
    assert_stopped(arena, arena.run(FIVE), "I99", "breaker", "SOME_NEW_INTERNAL_ERROR")


def test_no_target(arena):
    """More memory is asked for, and no pool is bigger."""
    arena = arena()
    arena.first.script({**INTERNAL, "error": error("EXCEEDED_LOCAL_MEMORY_LIMIT")})
    assert_stopped(arena, arena.run(FIVE), "R02", "no-target", "EXCEEDED_LOCAL_MEMORY_LIMIT")


def test_a_bigger_pool_takes_it(bench, coordinators):
    wait_until_back(*coordinators)
    big = bench.coordinator("big-1")
    arena = Arena(bench, *coordinators, pool_settings={"probe": PROBED_ONCE},
                  others=[pool("big", big, bigger=True, takes=["retries"])])
    arena.first.script({**INTERNAL, "error": error("EXCEEDED_LOCAL_MEMORY_LIMIT")})
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS and outcome.pool == "big"


@pytest.mark.parametrize("takes, retried", [(["retries"], True), (["pinned"], False), ([], False)])
def test_an_idle_pool_takes_what_it_says(bench, coordinators, takes, retried):
    """`other` on a pool of one: the idle pool, where it takes retries; else the same coordinator again."""
    first, second = coordinators
    wait_until_back(first, second)
    arena = Arena(bench, first, second, load=False, pool_settings={"probe": PROBED_ONCE})
    arena.gateway.stop()
    gateway = bench.gateway(
        group(pool("blue", first, probe=PROBED_ONCE), pool("green", second, takes=takes, probe=PROBED_ONCE)),
        name=f"takes-{'-'.join(takes) or 'nothing'}", policy=arena.gateway.settings["policy"])
    arena.gateway = gateway
    first.script(INTERNAL)
    outcome = arena.run(FIVE)
    assert outcome.rows == FIVE_ROWS
    assert outcome.coordinator == ("blue-2" if retried else "blue-1")
    assert outcome.pool == ("green" if retried else "blue")


def test_a_pinned_statement_stays_in_its_pool(bench, coordinators):
    first, second = coordinators
    wait_until_back(first, second)
    gateway = bench.gateway(group(pool("blue", first, probe=PROBED_ONCE), pool("green", second, probe=PROBED_ONCE)))
    second.script({**INTERNAL, "error": error("SERVER_SHUTTING_DOWN")})
    outcome = gateway.execute(FIVE, {"X-Trino-User": "tester", "X-Penstock-Pool": "green"})
    assert outcome.rows == FIVE_ROWS and outcome.pool == "green"


def test_no_capsule(arena):
    arena = arena(limits={"capsules": 0})
    arena.first.script(INTERNAL)
    assert_stopped(arena, arena.run(FIVE), "I04", "no-capsule")


def test_an_adopted_statement_has_no_capsule(arena):
    arena = arena()
    arena.first.script(INTERNAL)
    outcome, uri = arena.begin(FIVE, pages=1)
    eventually(lambda: arena.gateway.admin.statement(outcome.statement)["kind"] == "read")
    arena.gateway.stop()
    arena.gateway.restart()
    arena.follow(outcome, uri)
    assert outcome.error_name == "REMOTE_HOST_GONE"
    assert arena.verdicts(outcome) == [("I04", "no-capsule")]


@pytest.mark.parametrize("rule, name", [("X12", "ICEBERG_COMMIT_ERROR"), ("U11", "TRANSACTION_CONFLICT")])
@pytest.mark.parametrize("opted", [False, True])
def test_opt_in(arena, rule, name, opted):
    arena = arena(retries={"opt_in": [rule] if opted else []})
    arena.first.script({**INTERNAL, "error": error(name)})
    outcome = arena.run(FIVE)
    if opted:
        assert outcome.rows == FIVE_ROWS and arena.verdicts(outcome) == [(rule, None)]
    else:
        assert_stopped(arena, outcome, rule, "opt-in", name)


@pytest.mark.parametrize("mode, header, gate", [
    ("off", None, "mode-off"), ("on", "off", "mode-off"), ("shadow", None, "shadow"), ("on", "shadow", "shadow"),
    ("shadow", "off", "mode-off"), ("off", "shadow", "mode-off"), ("on", "on", None), ("shadow", "on", "shadow")])
def test_the_mode(arena, mode, header, gate):
    """Globally and per request; the request can only have it do less."""
    arena = arena(retries={"mode": mode})
    arena.first.script(INTERNAL)
    outcome = arena.run(FIVE, {**arena.headers(), **({"X-Penstock-Retries": header} if header else {})})
    if gate is None:
        assert outcome.rows == FIVE_ROWS
    else:
        assert_stopped(arena, outcome, "I04", gate)
    # The header is the gateway's own.
    for coordinator in (arena.first, arena.second):
        for entry in coordinator.statements(FIVE):
            assert entry["user"] == "tester"


def test_the_mode_is_reloaded(arena):
    arena = arena(retries={"mode": "off"})
    arena.first.script(INTERNAL)
    assert arena.run(FIVE).error_name == "REMOTE_HOST_GONE"
    arena.gateway.settings["retries"]["mode"] = "on"
    arena.gateway.write()
    assert "retries.mode" in [change["path"] for change in arena.gateway.admin.post("/v1/reload")["changed"]]
    arena.first.script(INTERNAL)
    assert arena.run(FIVE).rows == FIVE_ROWS


def test_the_gate_of_a_rule_that_retries_nothing(arena):
    """No retry was asked for, so no gate stopped it."""
    arena = arena(retries={"mode": "off"})
    arena.first.script({**INTERNAL, "error": error("DIVISION_BY_ZERO")})
    outcome = arena.run(FIVE)
    assert arena.verdicts(outcome) == [("U04", None)]


def test_lists_are_filtered(arena):
    arena = arena()
    arena.first.script(INTERNAL, {**INTERNAL, "error": error("DIVISION_BY_ZERO")},
                       {**INTERNAL, "error": error("QUERY_QUEUE_FULL"), "step": "queued"})
    outcomes = [arena.run(FIVE) for _ in range(3)]
    for outcome in outcomes:
        arena.record(outcome)
    by_rule = dict(zip(("I04", "U04", "R04"), outcomes))
    admin = arena.gateway.admin

    def statements(path):
        return {entry.get("statement") or entry["id"] for entry in admin.get(path)["items"]}

    own = {rule: {outcome.statement} for rule, outcome in by_rule.items()}
    for rule, kind in (("I04", "internal"), ("U04", "user"), ("R04", "unavailable")):
        assert statements(f"/v1/retries?rule={rule}") == own[rule]
        assert statements(f"/v1/retries?class={kind}") == own[rule]
        assert statements(f"/v1/statements?rule={rule}") == own[rule]
        assert statements(f"/v1/statements?class={kind}") == own[rule]
    assert statements("/v1/retries?outcome=finished") == own["I04"] | own["R04"]
    assert statements("/v1/retries?outcome=surfaced") == own["U04"]
    retried = statements("/v1/statements?retried=true")
    assert own["I04"] | own["R04"] <= retried and not own["U04"] & retried
    assert own["U04"] <= statements("/v1/statements?retried=false")
    assert admin.ask("GET", "/v1/retries?outcome=lunch").status == 400
    pages = admin.get("/v1/retries?limit=2")
    rest = admin.get(f"/v1/retries?limit=2&cursor={pages['next_cursor']}")
    every = [line["statement"] for line in pages["items"] + rest["items"]]
    assert sorted(every) == sorted(outcome.statement for outcome in outcomes)


def test_the_commands_tell_the_story(arena):
    arena = arena()
    arena.first.script(INTERNAL)
    outcome = arena.run(FIVE)
    arena.record(outcome)
    story = arena.gateway.command("statement", outcome.statement).stdout
    for word in ("I04", "REMOTE_HOST_GONE", arena.first.name, arena.second.name):
        assert word in story
    table = arena.gateway.command("retries", "--rule", "I04").stdout
    assert outcome.statement in table and "REMOTE_HOST_GONE" in table
    assert outcome.statement not in arena.gateway.command("retries", "--rule", "I05").stdout


def test_a_failure_in_a_wait_page_is_told_to_nobody(arena):
    """While it is retried the client sees pages of a statement that is queued, and nothing else."""
    arena = arena()
    arena.first.script({**INTERNAL, "step": "queued"})
    outcome, uri = arena.begin(FIVE)
    while uri:
        page = outcome.last.json()
        assert outcome.last.status == 200 and "error" not in page
        assert None not in page.values() and None not in page["stats"].values()
        uri = arena.follow(outcome, uri, pages=1)
    assert outcome.rows == FIVE_ROWS
    ids = {reply.json()["id"] for reply in outcome.replies}
    arena.record(outcome)
    for own_id in ids:
        assert arena.gateway.admin.statement(own_id)["id"] == outcome.statement
    assert ask(arena.gateway.front, "GET", split_url(outcome.replies[0].json()["nextUri"])[1]).status == 200
