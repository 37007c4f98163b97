"""Real clients through the gateway: the same answers as without it, from a real engine and from embedded ones."""

import threading

import prestodb
import pytest
import sqlalchemy
import trino
from pyhive import trino as pyhive_trino

from kit.clients import EVERY, trino_connection, with_trino
from kit.settings import group, pool
from kit.waiting import eventually

ENGINE_QUERIES = [
    "SELECT 1 AS a, 'two' AS b, NULL AS c",
    "SELECT i, s FROM numbers WHERE i < 10 ORDER BY i",
    "SELECT count(*), sum(i), min(s), max(s) FROM numbers",
    "SELECT 'ünïcödé \"quoted\" \\ ' || chr(10) AS t",
    "SELECT a.i FROM numbers a JOIN numbers b ON a.i = b.i * 2 ORDER BY 1 LIMIT 20",
    "SELECT i, s FROM numbers WHERE false",
    "SELECT * FROM numbers ORDER BY i",
]

EMBEDDED_QUERIES = [
    "SELECT 1 AS a, 'two' AS b",
    "SELECT nationkey, name, regionkey FROM tpch.tiny.nation ORDER BY nationkey",
    "SELECT n.name, r.name FROM tpch.tiny.nation n JOIN tpch.tiny.region r ON n.regionkey = r.regionkey ORDER BY 1",
    "SELECT regionkey, count(*) FROM tpch.tiny.nation GROUP BY regionkey ORDER BY 1",
    "SELECT orderkey, totalprice, comment FROM tpch.tiny.orders ORDER BY orderkey LIMIT 3000",
    "SELECT name FROM tpch.tiny.nation WHERE nationkey > 100",
    "SHOW CATALOGS",
]


@pytest.fixture(scope="module")
def engine(shared):
    return shared.buenavista()


@pytest.fixture(scope="module")
def before_engine(shared, engine):
    gateway = shared.before(engine, pool_settings={"starts": "post"}, name="before-engine")
    gateway.wait_for_health("bv-1", "ready")
    return gateway


@pytest.fixture(scope="module")
def embedded(shared):
    return shared.coordinator("blue-1")


@pytest.fixture(scope="module")
def before_embedded(shared, embedded):
    gateway = shared.gateway(
        group(pool("blue", embedded), pool("green", shared.coordinator("green-1"))), name="before-embedded")
    gateway.wait_for_health("blue-1", "ready")
    return gateway


@pytest.mark.parametrize("client", EVERY)
def test_a_real_engine_answers_the_same(engine, before_engine, client):
    for sql in ENGINE_QUERIES:
        assert EVERY[client](before_engine.front[1], sql) == EVERY[client](engine.port, sql), sql


@pytest.mark.parametrize("client", EVERY)
def test_embedded_coordinators_answer_the_same(embedded, before_embedded, client):
    for sql in EMBEDDED_QUERIES:
        got = EVERY[client](before_embedded.front[1], sql)
        assert got == EVERY[client](embedded.port, sql), sql
        assert got or "> 100" in sql


def test_a_real_engine_under_16_clients(engine, before_engine):
    expected = with_trino(engine.port, ENGINE_QUERIES[1])
    problems = []

    def work():
        for _ in range(5):
            if (got := with_trino(before_engine.front[1], ENGINE_QUERIES[1])) != expected:
                problems.append(got)
    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems


def test_errors_of_a_real_engine_pass(before_engine):
    with pytest.raises(Exception, match="no_such_table"):
        EVERY["pyhive-trino"](before_engine.front[1], "SELECT * FROM no_such_table")


def test_writes_of_a_real_engine_happen_once(before_engine):
    port = before_engine.front[1]
    with_trino(port, "CREATE TABLE written AS SELECT 1 AS i WHERE false")
    for value in range(10):
        with_trino(port, f"INSERT INTO written VALUES ({value})")
    assert with_trino(port, "SELECT count(*), count(DISTINCT i) FROM written") == [(10, 10)]


@pytest.mark.parametrize("client", ["trino", "prestodb", "pyhive-trino", "sqlalchemy"])
def test_errors_have_their_names(before_embedded, client):
    with pytest.raises(Exception) as problem:
        EVERY[client](before_embedded.front[1], "SELECT * FROM tpch.tiny.no_such_table")
    assert "no_such_table" in str(problem.value)


def test_trino_errors_have_their_class(before_embedded):
    with pytest.raises(trino.exceptions.TrinoUserError) as problem:
        with_trino(before_embedded.front[1], "SELEC 1")
    assert problem.value.error_name == "SYNTAX_ERROR"
    with pytest.raises(prestodb.exceptions.PrestoUserError):
        EVERY["prestodb"](before_embedded.front[1], "SELEC 1")


def test_sessions(before_embedded):
    connection = trino_connection(before_embedded.front[1])
    cursor = connection.cursor()
    cursor.execute("SET SESSION query_max_run_time = '10m'")
    cursor.fetchall()
    cursor.execute("SHOW SESSION")
    values = {row[0]: row[1] for row in cursor.fetchall()}
    assert values["query_max_run_time"] == "10m"
    cursor.execute("RESET SESSION query_max_run_time")
    cursor.fetchall()
    cursor.execute("SHOW SESSION")
    assert {row[0]: row[1] for row in cursor.fetchall()}["query_max_run_time"] != "10m"


def test_use(before_embedded):
    cursor = trino_connection(before_embedded.front[1]).cursor()
    cursor.execute("USE tpch.tiny")
    cursor.fetchall()
    cursor.execute("SELECT count(*) FROM nation")
    assert cursor.fetchall() == [[25]]


@pytest.mark.parametrize("more", [{}, {"legacy_prepared_statements": True}])
def test_parameters_and_prepared_statements(before_embedded, more):
    cursor = trino_connection(before_embedded.front[1], **more).cursor()
    cursor.execute("SELECT name FROM tpch.tiny.nation WHERE nationkey = ? OR name = ? ORDER BY 1", (3, "PERU"))
    assert cursor.fetchall() == [["CANADA"], ["PERU"]]


def test_prepare_and_execute(before_embedded):
    cursor = trino_connection(before_embedded.front[1]).cursor()
    cursor.execute("PREPARE mine FROM SELECT name FROM tpch.tiny.nation WHERE nationkey = ?")
    cursor.fetchall()
    cursor.execute("EXECUTE mine USING 3")
    assert cursor.fetchall() == [["CANADA"]]
    cursor.execute("DEALLOCATE PREPARE mine")
    cursor.fetchall()
    with pytest.raises(trino.exceptions.TrinoUserError):
        cursor.execute("EXECUTE mine USING 3")
        cursor.fetchall()


def test_transactions(before_embedded):
    port = before_embedded.front[1]
    with_trino(port, "CREATE TABLE IF NOT EXISTS memory.default.ledger (i bigint)")
    connection = trino_connection(port, isolation_level=trino.transaction.IsolationLevel.READ_COMMITTED)
    with connection as transaction:
        cursor = transaction.cursor()
        cursor.execute("INSERT INTO memory.default.ledger VALUES (1)")
        cursor.fetchall()
        cursor.execute("INSERT INTO memory.default.ledger VALUES (2)")
        cursor.fetchall()
        assert before_embedded.admin.pool("blue")["open_transactions"] == 1
        before_embedded.admin.flip("green")
        cursor.execute("SELECT count(*) FROM memory.default.ledger")
        assert cursor.fetchall() == [[2]], "it sees its own rows, on its own coordinator"
    before_embedded.admin.flip("blue")
    assert with_trino(port, "SELECT count(*) FROM memory.default.ledger") == [(2,)]
    eventually(lambda: before_embedded.admin.pool("blue")["open_transactions"] == 0)


@pytest.mark.parametrize("client", ["trino", "pyhive"])
def test_cancel(before_embedded, client):
    port = before_embedded.front[1]
    sql = "SELECT l.orderkey FROM tpch.tiny.lineitem l, tpch.tiny.orders o"
    if client == "trino":
        cursor = trino_connection(port, user="canceler").cursor()
        cursor.execute(sql)
        cursor.fetchone()
        cursor.cancel()
    else:
        cursor = pyhive_trino.connect(
            host="127.0.0.1", port=port, username="canceler", catalog=None, schema=None).cursor()
        cursor.execute(sql)
        cursor.cancel()
    newest = before_embedded.admin.statements("?user=canceler&limit=1")[0]["id"]
    eventually(lambda: before_embedded.admin.statement(newest)["state"] == "canceled")


def test_sqlalchemy_inspects(before_embedded):
    engine = sqlalchemy.create_engine(f"trino://tester@127.0.0.1:{before_embedded.front[1]}/tpch/tiny")
    assert "nation" in sqlalchemy.inspect(engine).get_table_names()


@pytest.mark.slow
def test_every_client_while_the_active_pool_flips(before_embedded):
    """No query of any client fails, whatever happens behind the gateway."""
    stop, problems, done = threading.Event(), [], {}
    sql = EMBEDDED_QUERIES[1]
    port = before_embedded.front[1]
    expected = with_trino(port, sql)

    def work(name):
        while not stop.is_set():
            try:
                if EVERY[name](port, sql) != expected:
                    problems.append((name, "other rows"))
            except Exception as problem:  # any failure counts
                problems.append((name, repr(problem)[:300]))
            done[name] = done.get(name, 0) + 1

    threads = [threading.Thread(target=work, args=(name,)) for name in list(EVERY) * 2]
    for thread in threads:
        thread.start()
    for turn in range(8):
        before_embedded.admin.flip("green" if turn % 2 == 0 else "blue")
        counted = dict(done)
        eventually(lambda counted=counted: all(done.get(name, 0) > counted.get(name, 0) for name in EVERY), within=20)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not problems, problems[:5]
    assert sum(done.values()) >= 48
