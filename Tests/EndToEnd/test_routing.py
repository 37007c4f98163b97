"""Which group, pool and coordinator a statement goes to."""

import threading
import uuid

import pytest

from kit.fakes import column, text_response
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import ask
from kit.settings import group, pool
from kit.waiting import eventually

SELECTORS = [
    ("by header", {"header": {"X-Trino-Routing-Group": "etl"}}, {"X-Trino-Routing-Group": "etl"}, "SELECT 1"),
    ("by user", {"user": "etl_*"}, {"X-Trino-User": "etl_nightly"}, "SELECT 1"),
    ("by source", {"source": "airflow"}, {"X-Trino-Source": "airflow"}, "SELECT 1"),
    ("by client tag", {"client_tag": "batch"}, {"X-Trino-Client-Tags": "a,batch,b"}, "SELECT 1"),
    ("by catalog", {"catalog": "hive"}, {"X-Trino-Catalog": "hive"}, "SELECT 1"),
    ("by kind", {"kind": "write"}, {}, "INSERT INTO t VALUES (1)"),
]


@pytest.fixture(scope="module")
def adhoc(shared):
    return shared.fake("adhoc-1")


@pytest.fixture(scope="module")
def etl(shared):
    return shared.fake("etl-1")


def started_with(bench, adhoc, etl, *selectors, name):
    return bench.gateway(
        group(pool("adhoc", adhoc)), group(pool("batch", etl), name="etl"), name=name,
        routing=[{"when": when, "group": "etl"} for when in selectors])


@pytest.mark.parametrize("name, when, headers, sql", SELECTORS, ids=[selector[0] for selector in SELECTORS])
def test_a_selector(bench, adhoc, etl, name, when, headers, sql):
    gateway = started_with(bench, adhoc, etl, when, name="gateway")
    assert submit(gateway.front, sql, {**user_headers(), **headers}).header("X-Penstock-Coordinator") == "etl-1"
    assert submit(gateway.front, "SELECT 2", user_headers("somebody")).header("X-Penstock-Coordinator") == "adhoc-1"


def test_a_selector_matches_the_twin_of_a_header(bench, adhoc, etl):
    gateway = started_with(bench, adhoc, etl, {"header": {"X-Trino-Routing-Group": "etl"}}, name="gateway")
    headers = {**user_headers(dialect="Presto"), "X-Presto-Routing-Group": "etl"}
    assert submit(gateway.front, "SELECT 1", headers).header("X-Penstock-Coordinator") == "etl-1"
    headers = {**user_headers(), "X-Trino-Routing-Group": "other"}
    assert submit(gateway.front, "SELECT 1", headers).header("X-Penstock-Coordinator") == "adhoc-1"


def test_all_conditions_of_one_selector_must_hold(bench, adhoc, etl):
    gateway = started_with(bench, adhoc, etl, {"user": "etl_*", "source": "airflow", "kind": "write"}, name="gateway")
    every = {"X-Trino-User": "etl_a", "X-Trino-Source": "airflow"}
    assert submit(gateway.front, "DELETE FROM t", every).header("X-Penstock-Coordinator") == "etl-1"
    assert submit(gateway.front, "SELECT 1", every).header("X-Penstock-Coordinator") == "adhoc-1"
    one = {"X-Trino-User": "etl_a", "X-Trino-Source": "cli"}
    assert submit(gateway.front, "DELETE FROM t", one).header("X-Penstock-Coordinator") == "adhoc-1"


def test_the_first_match_wins(bench, adhoc, etl):
    gateway = bench.gateway(
        group(pool("adhoc", adhoc)), group(pool("batch", etl), name="etl"),
        routing=[{"when": {"user": "a*"}, "group": "default"}, {"when": {"user": "*"}, "group": "etl"}])
    assert submit(gateway.front, "SELECT 1", user_headers("anna")).header("X-Penstock-Pool") == "adhoc"
    assert submit(gateway.front, "SELECT 1", user_headers("bob")).header("X-Penstock-Pool") == "batch"


@pytest.mark.parametrize("sql, kind", [
    ("SELECT 1", "read"), ("/* INSERT */ select 1", "read"), ("WITH a AS (SELECT 1) SELECT * FROM a", "read"),
    ("SHOW TABLES", "read"), ("EXPLAIN SELECT 1", "read"), ("VALUES 1", "read"),
    ("-- x\nINSERT INTO t VALUES 1", "write"),
    ("EXPLAIN ANALYZE INSERT INTO t VALUES 1", "write"), ("CREATE TABLE t (a int)", "write"), ("CALL x()", "write"),
    ("MERGE INTO t USING s ON a WHEN MATCHED THEN DELETE", "write"), ("(SELECT 1)", "read"),
    ("something odd", "write"), ("DROP TABLE t", "write")])
def test_the_kind_of_a_statement(shared, adhoc, etl, kinds_gateway, sql, kind):
    reply = submit(kinds_gateway.front, sql)
    assert reply.header("X-Penstock-Pool") == ("batch" if kind == "write" else "adhoc")


@pytest.fixture(scope="module")
def kinds_gateway(shared, adhoc, etl):
    return started_with(shared, adhoc, etl, {"kind": "write"}, name="kinds")


def test_what_executes_is_what_was_prepared(kinds_gateway):
    prepared = {**user_headers(), "X-Trino-Prepared-Statement": "reads=SELECT+1,writes=DELETE+FROM+t"}
    assert submit(kinds_gateway.front, "EXECUTE reads", prepared).header("X-Penstock-Pool") == "adhoc"
    assert submit(kinds_gateway.front, "EXECUTE writes", prepared).header("X-Penstock-Pool") == "batch"


def test_the_coordinator_with_the_fewest_statements_in_flight(bench):
    fakes = [bench.fake(f"blue-{number}") for number in (1, 2, 3)]
    gateway = bench.before(*fakes)
    chosen = [submit(gateway.front, f"SELECT {turn}").header("X-Penstock-Coordinator") for turn in range(9)]
    assert {name: chosen.count(name) for name in set(chosen)} == {"blue-1": 3, "blue-2": 3, "blue-3": 3}
    pool_now = gateway.admin.pool("blue")
    assert [entry["in_flight"] for entry in pool_now["coordinators"]] == [3, 3, 3]


def test_x_penstock_pool_reaches_the_idle_pool(bench):
    blue, green = bench.fake("blue-1"), bench.fake("green-1")
    gateway = bench.between(blue, green)
    pinned = {**user_headers(), "X-Penstock-Pool": "green"}
    outcome = execute(gateway.front, "SELECT rows 2", pinned)
    assert outcome.rows == [[0], [1]] and outcome.pool == "green" and outcome.coordinator == "green-1"
    assert green.seen("POST")[-1].header("X-Penstock-Pool") is None
    assert execute(gateway.front, "SELECT rows 1").pool == "blue"


def test_x_penstock_pool_is_for_those_whom_the_settings_allow(bench):
    blue, green = bench.fake("blue-1"), bench.fake("green-1")
    gateway = bench.gateway(group(pool("blue", blue), pool("green", green, pinned_users=["ops_*"])))
    allowed = execute(gateway.front, "SELECT 1", {**user_headers("ops_anna"), "X-Penstock-Pool": "green"})
    assert allowed.pool == "green"
    for user, name in (("bob", "green"), ("ops_anna", "purple")):
        refused = execute(gateway.front, "SELECT 2", {**user_headers(user), "X-Penstock-Pool": name})
        assert refused.error_name == "PENSTOCK_POOL_NOT_ALLOWED", refused.last
        assert refused.error["errorType"] == "USER_ERROR" and refused.error["errorCode"] == 0x50000004
        assert refused.statement in refused.error["message"]
    assert "SELECT 2" not in {**green.statements_seen(), **blue.statements_seen()}


def test_a_pool_that_takes_nothing_while_idle(bench):
    blue, green = bench.fake("blue-1"), bench.fake("green-1")
    gateway = bench.gateway(group(pool("blue", blue), pool("green", green, takes=[])))
    refused = execute(gateway.front, "SELECT 1", {**user_headers(), "X-Penstock-Pool": "green"})
    assert refused.error is not None and not green.seen("POST")


class TransactionalPlans:
    """Started-Transaction-Id on START TRANSACTION, Clear-Transaction-Id on COMMIT."""

    def __init__(self, fake):
        self.fake = fake
        self.open = {}
        fake.page_headers = self.headers

    def headers(self, statement, token):
        sql = statement["sql"].upper()
        if token == 0 and sql.startswith("START TRANSACTION") and statement["polls"] >= 2:
            own_id = self.open.setdefault(statement["id"], str(uuid.uuid4()))
            return [("X-Trino-Started-Transaction-Id", own_id)]
        if token == 0 and sql.startswith(("COMMIT", "ROLLBACK")) and statement["polls"] >= 2:
            return [("X-Trino-Clear-Transaction-Id", "true")]
        return []


def start_transaction(gateway, headers=None):
    outcome = execute(gateway.front, "START TRANSACTION", {**user_headers(), "X-Trino-Transaction-Id": "NONE",
                                                           **(headers or {})})
    own_id = next(value for reply in outcome.replies if (value := reply.header("X-Trino-Started-Transaction-Id")))
    return outcome.coordinator, own_id


@pytest.fixture
def transactional(bench):
    fakes = [bench.fake(f"blue-{number}") for number in (1, 2)] + [bench.fake("green-1")]
    for fake in fakes:
        TransactionalPlans(fake)
    gateway = bench.gateway(group(pool("blue", *fakes[:2]), pool("green", fakes[2])))
    return gateway, fakes


def test_a_transaction_stays_on_its_coordinator(transactional):
    gateway, _ = transactional
    for _ in range(2):
        where, own_id = start_transaction(gateway)
        inside = {**user_headers(), "X-Trino-Transaction-Id": own_id}
        for turn in range(4):
            submit(gateway.front, "SELECT 'noise'")
            assert execute(gateway.front, f"SELECT {turn}", inside).coordinator == where
        assert gateway.admin.pool("blue")["open_transactions"] >= 1
        assert execute(gateway.front, "COMMIT", inside).coordinator == where
    eventually(lambda: gateway.admin.pool("blue")["open_transactions"] == 0)


def test_a_transaction_survives_a_flip_and_a_drain(transactional):
    gateway, _ = transactional
    where, own_id = start_transaction(gateway)
    inside = {**user_headers(), "X-Trino-Transaction-Id": own_id}
    gateway.admin.flip("green")
    gateway.admin.post(f"/v1/coordinators/{where}/drain")
    assert execute(gateway.front, "SELECT 1").pool == "green"
    assert execute(gateway.front, "SELECT 2", inside).coordinator == where
    assert gateway.admin.pool("blue")["drain"] == "draining"
    assert execute(gateway.front, "COMMIT", inside).coordinator == where
    eventually(lambda: gateway.admin.pool("blue")["open_transactions"] == 0)


def test_a_transaction_survives_the_gateway(transactional):
    gateway, _ = transactional
    where, own_id = start_transaction(gateway)
    gateway.kill()
    gateway.restart().settle()
    inside = {**user_headers(), "X-Trino-Transaction-Id": own_id}
    for turn in range(4):
        assert execute(gateway.front, f"SELECT {turn}", inside).coordinator == where
    assert gateway.admin.pool("blue")["open_transactions"] == 1


def test_no_transaction_is_no_transaction(transactional):
    gateway, _ = transactional
    for value in ("NONE", ""):
        assert execute(gateway.front, "SELECT 1", {**user_headers(), "X-Trino-Transaction-Id": value}).error is None


def test_unknown_transaction_ends_the_pin(transactional):
    gateway, fakes = transactional
    where, own_id = start_transaction(gateway)
    fake = next(fake for fake in fakes if fake.name == where)
    fake.plan = fake.failing_plan("UNKNOWN_TRANSACTION", code=20)
    outcome = execute(gateway.front, "SELECT 1", {**user_headers(), "X-Trino-Transaction-Id": own_id})
    assert outcome.error_name == "UNKNOWN_TRANSACTION" and outcome.coordinator == where
    eventually(lambda: gateway.admin.pool("blue")["open_transactions"] == 0)


def test_an_unknown_transaction_is_the_engines_to_refuse(transactional):
    gateway, _ = transactional
    outcome = execute(gateway.front, "SELECT 1", {**user_headers(), "X-Trino-Transaction-Id": str(uuid.uuid4())})
    assert outcome.failure is None


def test_a_transaction_of_another_incarnation_is_the_engines_to_refuse(transactional):
    """It is sent there anyway, so that the engine says UNKNOWN_TRANSACTION."""
    gateway, fakes = transactional
    where, own_id = start_transaction(gateway)
    fake = next(fake for fake in fakes if fake.name == where)
    fake.restart()
    gateway.wait_for_health(where, "ready")
    execute(gateway.front, "SELECT 'again'", {**user_headers(), "X-Trino-Transaction-Id": own_id})
    assert "SELECT 'again'" in fake.statements_seen()


def test_a_pin_that_nobody_uses_ends(bench):
    fakes = [bench.fake("blue-1"), bench.fake("blue-2")]
    for fake in fakes:
        TransactionalPlans(fake)
    gateway = bench.before(*fakes, limits={"idle_transaction": "1s"})
    start_transaction(gateway)
    assert gateway.admin.pool("blue")["open_transactions"] == 1
    eventually(lambda: gateway.admin.pool("blue")["open_transactions"] == 0, within=8)


def test_a_failed_session_statement_may_carry_headers(bench):
    """Presto's USE of a missing schema fails and still sets the catalog: both pass."""
    fake = bench.fake()
    fake.plan = fake.failing_plan("NOT_FOUND", code=5)
    fake.page_headers = lambda statement, token: [("X-Trino-Set-Catalog", "tpch")] if statement["polls"] > 1 else []
    gateway = bench.before(fake)
    outcome = execute(gateway.front, "USE tpch.nope")
    assert outcome.error_name == "NOT_FOUND" and outcome.last.header("X-Trino-Set-Catalog") == "tpch"


def test_no_group_has_a_coordinator(bench):
    gateway = bench.gateway(group(pool("blue")), settle=False, limits={"wait_for_coordinator": "1s"})
    outcome = execute(gateway.front, "SELECT 1")
    assert outcome.error_name == "PENSTOCK_NO_COORDINATOR"
    assert outcome.error["errorType"] == "INSUFFICIENT_RESOURCES" and outcome.error["errorCode"] == 0x50000000
    assert outcome.statement in outcome.error["message"]
    assert outcome.last.status == 200 and outcome.last.header("Content-Type").startswith("application/json")
    page = outcome.last.json()
    assert outcome.last.header("X-Penstock-Statement") == outcome.statement
    assert set(page) >= {"id", "infoUri", "stats", "error", "warnings"} and None not in page.values()
    assert page["stats"]["state"] == "FAILED"


def test_a_statement_is_found_by_the_path_of_its_tag_only(bench):
    """Polls go where the statement runs, whatever is active, whoever asks."""
    blue, green = bench.fake("blue-1"), bench.fake("green-1")
    for fake in (blue, green):
        fake.plan = lambda sql, name=fake.name: [{"columns": [column("c", "varchar")], "data": [[name]]}] * 3
    gateway = bench.between(blue, green)
    open_ones = []
    for turn in range(10):
        outcome = Outcome()
        open_ones.append((outcome, outcome.take(submit(gateway.front, f"SELECT {turn}")), "blue-1"))
    gateway.admin.flip("green")
    for turn in range(10):
        outcome = Outcome()
        open_ones.append((outcome, outcome.take(submit(gateway.front, f"SELECT {turn}")), "green-1"))
    threads = [threading.Thread(target=follow, args=(outcome, uri)) for outcome, uri, _ in reversed(open_ones)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(outcome.rows == [[name]] * 3 for outcome, _, name in open_ones)


def test_head_goes_where_the_post_would_go(bench, adhoc, etl):
    gateway = started_with(bench, adhoc, etl, {"user": "etl_*"}, name="gateway")
    before = len(etl.seen("HEAD"))
    assert ask(gateway.front, "HEAD", "/v1/statement", user_headers("etl_a")).status == 200
    assert len(etl.seen("HEAD")) == before + 1


def test_a_refused_head_passes(bench):
    fake = bench.fake()
    fake.on("HEAD", "^/v1/statement$", text_response(401, "", [("WWW-Authenticate", "Basic")]))
    gateway = bench.before(fake)
    reply = ask(gateway.front, "HEAD", "/v1/statement")
    assert reply.status == 401 and reply.header("WWW-Authenticate") == "Basic"
