"""Statements that wait in the gateway: the client sees "still queued" until somebody can take them, and every poll at
every step is answered for the statement, once."""

import re
import socket
import threading
import time

import prestodb
import pytest
import trino

from kit.clients import EVERY
from kit.gateway import Coordinator
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, ask, split_url
from kit.retries import FIVE_ROWS, PROBED_ONCE, Arena, Tables, error, is_wait_page, quick_policy, wait_until_back
from kit.waiting import eventually, holds

FIVE = "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def absent(bench, name="blue-1", **more):
    """A coordinator that is not there yet; `start` brings it."""
    return bench.keep(Coordinator(name, free_port(), **more))


@pytest.fixture
def gone(bench):
    """A gateway whose only coordinator is not there, and that coordinator."""
    coordinator = absent(bench)
    coordinator.program = None
    gateway = bench.before(coordinator)
    yield gateway, coordinator
    if coordinator.program and coordinator.program.is_running():
        coordinator.stop()


def poll(gateway, uri, **more):
    return ask(gateway.front, "GET", split_url(uri)[1], **more)


def wait_page(gateway, sql=FIVE, headers=None):
    """The outcome with its first page, which is one of waiting, and the next URI."""
    outcome = Outcome()
    uri = outcome.take(submit(gateway.front, sql, headers))
    assert outcome.failure is None and outcome.error is None, outcome.last
    return outcome, uri


class Client(threading.Thread):
    """Runs one statement to its end beside the test."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_statement = run
        self.answer = None
        self.problem = None
        self.start()

    def run(self):
        try:
            self.answer = self.run_statement()
        except Exception as problem:  # the test says what it should have been
            self.problem = problem

    def result(self, within=60):
        self.join(within)
        assert not self.is_alive(), "the client is still waiting"
        if self.problem:
            raise self.problem
        return self.answer


def test_a_wait_page_is_the_protocols_own(gone):
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway)
    for _ in range(3):
        page = outcome.last.json()
        assert page["stats"]["state"] == "QUEUED" and page["stats"]["queued"] is True
        assert "columns" not in page and "data" not in page and "error" not in page
        assert re.fullmatch(r"[_a-z0-9]+", page["id"]) and len(page["id"].rsplit("_", 1)[-1]) > 5
        assert page["id"] == outcome.id
        assert None not in page.values() and None not in page["stats"].values()
        assert outcome.last.header("Content-Type") == "application/json"
        begun = time.monotonic()
        uri = outcome.take(poll(gateway, uri))
        assert 0.4 < time.monotonic() - begun < 2.5, "about a second for each poll"
    assert gateway.admin.statement(outcome.statement)["state"] == "waiting"
    assert gateway.admin.statement(outcome.id)["id"] == outcome.statement
    coordinator.start()
    follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS and outcome.error is None
    record = eventually(lambda: ended(gateway, outcome))
    assert record["state"] == "finished" and [entry["number"] for entry in record["attempts"]] == [1]
    assert coordinator.posts(FIVE) == 1


def ended(gateway, outcome):
    record = gateway.admin.statement(outcome.statement)
    return record if record["ended"] else None


@pytest.mark.parametrize("name", EVERY)
def test_real_clients_wait(gone, name):
    gateway, coordinator = gone
    client = Client(lambda: EVERY[name](gateway.front[1], FIVE))
    eventually(lambda: gateway.admin.statements("?state=waiting"))
    holds(client.is_alive, during=1.2)
    coordinator.start()
    assert [list(row) for row in client.result()] == FIVE_ROWS


def test_writes_wait_too_and_are_applied_once(bench, gone):
    gateway, coordinator = gone
    clients = [Client(lambda: execute(gateway.front, "CREATE TABLE memory.default.waited AS SELECT 1 AS a"))]
    eventually(lambda: len(gateway.admin.statements("?state=waiting")) == 1)
    coordinator.start()
    assert clients[0].result().error is None
    assert execute(gateway.front, "SELECT count(*) FROM memory.default.waited").rows == [[1]]
    assert coordinator.posts("CREATE TABLE memory.default.waited AS SELECT 1 AS a") == 1


def test_it_goes_to_the_pool_that_is_active_then(bench):
    """Submitted while blue was active, and away; by the time of the flip it still waits."""
    blue, green = absent(bench), bench.coordinator("green-1")
    gateway = bench.between(blue, green)
    outcome, uri = wait_page(gateway)
    uri = outcome.take(poll(gateway, uri))
    gateway.admin.flip("green")
    follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS and outcome.pool == "green" and outcome.coordinator == "green-1"


def test_no_coordinator_for_too_long(bench):
    gateway = bench.before(absent(bench), limits={"wait_for_coordinator": "2s"})
    begun = time.monotonic()
    outcome = execute(gateway.front, FIVE)
    assert 1.5 < time.monotonic() - begun < 6
    assert outcome.error_name == "PENSTOCK_NO_COORDINATOR"
    assert outcome.error["errorCode"] == 0x50000000 and outcome.error["errorType"] == "INSUFFICIENT_RESOURCES"
    assert outcome.statement in outcome.error["message"]
    record = eventually(lambda: ended(gateway, outcome))
    assert record["state"] == "failed"
    again = poll(gateway, outcome.replies[-2].json()["nextUri"])
    assert again.body == outcome.last.body, "it is answered again byte for byte"


def test_more_than_may_wait(bench):
    gateway = bench.before(absent(bench), limits={"waiting_statements": 2})
    for _ in range(2):
        wait_page(gateway)
    third = execute(gateway.front, FIVE)
    assert third.error_name == "QUERY_QUEUE_FULL"
    assert third.error["errorCode"] == 131074 and third.error["errorType"] == "INSUFFICIENT_RESOURCES"


def test_a_place_becomes_free(bench):
    gateway = bench.before(absent(bench), limits={"waiting_statements": 1})
    _, uri = wait_page(gateway)
    assert execute(gateway.front, FIVE).error_name == "QUERY_QUEUE_FULL"
    assert ask(gateway.front, "DELETE", split_url(uri)[1]).status == 204
    eventually(lambda: not gateway.admin.statements("?state=waiting"))
    wait_page(gateway)


def test_a_cancel_while_it_waits(gone):
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway)
    assert ask(gateway.front, "DELETE", split_url(uri)[1]).status == 204
    for _ in range(2):
        assert poll(gateway, uri).json()["error"]["errorName"] == "USER_CANCELED"
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "canceled")
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    assert poll(gateway, uri).json()["error"]["errorName"] == "USER_CANCELED"
    assert coordinator.posts(FIVE) == 0


def test_a_cancel_during_a_poll_that_waits(gone):
    gateway, coordinator = gone
    _, uri = wait_page(gateway)
    client = Client(lambda: poll(gateway, uri))
    time.sleep(0.2)
    assert ask(gateway.front, "DELETE", split_url(uri)[1]).status == 204
    answer = client.result(10).json()
    last = poll(gateway, answer["nextUri"]).json() if "nextUri" in answer else answer
    assert last["error"]["errorName"] == "USER_CANCELED"


@pytest.mark.parametrize("caller, status", [
    ({"user": "ada", "Authorization": "Basic abc"}, 204), ({"user": "ada", "Authorization": "Basic xyz"}, 403),
    ({"user": "bob", "Authorization": "Basic abc"}, 403), ({"user": "ada"}, 403)])
def test_a_cancel_by_id_while_it_waits(gone, caller, status):
    """Only its user, with the same credentials: the id is no secret."""
    gateway, coordinator = gone
    own = {**user_headers("ada"), "Authorization": "Basic abc"}
    outcome, uri = wait_page(gateway, headers=own)
    headers = {**user_headers(caller["user"]), **{name: value for name, value in caller.items() if name != "user"}}
    assert ask(gateway.front, "DELETE", f"/v1/query/{outcome.id}", headers).status == status
    reply = ask(gateway.front, "GET", split_url(uri)[1], own)
    if status == 204:
        assert reply.json()["error"]["errorName"] == "USER_CANCELED"
    else:
        assert "error" not in reply.json()
        coordinator.start()
        follow(outcome, reply.json()["nextUri"], own)
        assert outcome.rows == FIVE_ROWS


def test_a_head_submits_nothing(gone):
    """It says that somebody is still there, and no more."""
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway)
    assert ask(gateway.front, "HEAD", split_url(uri)[1]).status == 200
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    reply = ask(gateway.front, "HEAD", split_url(uri)[1])
    assert reply.status == 200 and reply.body == b""
    holds(lambda: coordinator.posts(FIVE) == 0)
    follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS and coordinator.posts(FIVE) == 1


def test_a_client_that_goes_during_a_poll_that_waits(gone):
    """It cancels nothing, and the next poll goes on."""
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway)
    with Connection(gateway.front) as connection:
        connection.send_head("GET", split_url(uri)[1])
        time.sleep(0.1)
        connection.reset()
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    holds(lambda: coordinator.posts(FIVE) == 0, during=0.3)
    follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS and coordinator.posts(FIVE) == 1


@pytest.mark.parametrize("module", ["trino", "presto"])
def test_a_real_client_cancels_while_it_waits(gone, module):
    gateway, coordinator = gone
    client = {"trino": trino, "presto": prestodb}[module]
    connection = client.dbapi.connect(
        host="127.0.0.1", port=gateway.front[1], user="tester", http_scheme="http", catalog="tpch")
    cursor = connection.cursor()
    running = Client(lambda: (cursor.execute(FIVE), cursor.fetchall()))
    eventually(lambda: gateway.admin.statements("?state=waiting"))
    own_id = gateway.admin.statements()[0]["id"]
    query = gateway.admin.statement(own_id)["query_ids"]
    if module == "trino":
        eventually(lambda: cursor.query_id)
        cursor.cancel()
    else:
        # It cancels by the id of the first page.
        page_id = query[0] if query else own_id
        headers = user_headers("tester", "Presto")
        assert ask(gateway.front, "DELETE", f"/v1/query/{page_id}", headers).status == 204
    eventually(lambda: gateway.admin.statement(own_id)["state"] == "canceled")
    running.join(30)
    assert not running.is_alive()
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    assert coordinator.posts(FIVE) == 0


def test_nobody_polls_it(bench):
    """Abandoned while it waits: it is never submitted, and its tag is answered 404."""
    coordinator = absent(bench)
    gateway = bench.before(coordinator, limits={"abandoned": "1s"})
    outcome, uri = wait_page(gateway)
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] == "abandoned")
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    assert poll(gateway, uri).status == 404
    assert coordinator.posts(FIVE) == 0


def test_a_first_submission_in_a_polls_place_is_answered_as_it_came(gone):
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway)
    coordinator.start()
    coordinator.script({"step": "post", "do": "status", "status": 403, "body": "no", "headers": {"X-Why": "because"}})
    follow(outcome, uri)
    assert outcome.failure.status == 403 and outcome.failure.body == b"no"
    assert outcome.failure.header("X-Why") == "because"


def test_a_gateway_that_restarts(gone):
    """Text and headers were in its memory: nobody can submit it any more, and the client is told so."""
    gateway, coordinator = gone
    outcome, uri = wait_page(gateway, "INSERT INTO memory.default.t VALUES (1)")
    gateway.kill()
    gateway.restart()
    reply = poll(gateway, uri)
    assert reply.status == 200 and "nextUri" not in reply.json()
    failure = reply.json()["error"]
    assert failure["errorName"] == "PENSTOCK_OWNER_LOST" and failure["errorCode"] == 0x50000001
    assert outcome.statement in failure["message"]
    coordinator.start()
    gateway.wait_for_health("blue-1", "ready")
    assert poll(gateway, uri).json()["error"]["errorName"] == "PENSTOCK_OWNER_LOST"
    assert not coordinator.log()["statements"]


def test_a_gateway_that_restarts_during_a_retry(bench):
    """An attempt was handed out and failed; the record that shows it stays as it is."""
    coordinators = [bench.coordinator(f"blue-{number}") for number in (1, 2)]
    gateway = bench.before(*coordinators)
    for coordinator in coordinators:
        coordinator.script({"step": "executing", "do": "fail", "error": error("REMOTE_HOST_GONE"), "sql": "nation"})
    outcome = Outcome()
    uri = outcome.take(submit(gateway.front, FIVE))
    while not is_wait_page(outcome.last):
        uri = follow(outcome, uri, pages=1)
        assert uri, outcome.last
    eventually(lambda: gateway.admin.statement(outcome.statement)["attempts"])
    gateway.kill()
    gateway.restart()
    assert poll(gateway, uri).json()["error"]["errorName"] == "PENSTOCK_OWNER_LOST"


@pytest.mark.parametrize("sql, name", [
    ("INSERT INTO memory.default.t VALUES (1)", "PENSTOCK_OUTCOME_UNKNOWN"), (FIVE, "PENSTOCK_OWNER_LOST")])
def test_a_gateway_that_is_killed_while_it_submits_to_a_pool_that_starts_with_the_post(bench, sql, name):
    """"Submitted" was committed before the POST of what may write: so after a restart it is known that it is not
    known."""
    coordinator = absent(bench)
    gateway = bench.before(coordinator, pool_settings={"starts": "post"})
    outcome, uri = wait_page(gateway, sql)
    coordinator.start()
    coordinator.script({"step": "post", "do": "hang"})
    client = Client(lambda: follow(outcome, uri))
    eventually(lambda: coordinator.posts(sql) == 1)
    gateway.kill()
    client.join(10)
    gateway.restart()
    reply = poll(gateway, outcome.last.json()["nextUri"])
    assert reply.json()["error"]["errorName"] == name, reply
    assert coordinator.posts(sql) == 1


def test_a_transaction_waits_for_its_own_coordinator(bench):
    """While it is down it is waited for, whoever else is there; its new incarnation is asked, and says what is so."""
    coordinators = [bench.coordinator(f"blue-{number}") for number in (1, 2)]
    gateway = bench.before(*coordinators)
    started = execute(gateway.front, "START TRANSACTION", user_headers(Transaction_Id="NONE"))
    own_id = next(reply.header("X-Trino-Started-Transaction-Id") for reply in started.replies
                  if reply.header("X-Trino-Started-Transaction-Id"))
    own = next(one for one in coordinators if one.name == started.coordinator)
    own.kill()
    gateway.wait_for_health(own.name, "down")
    client = Client(lambda: execute(gateway.front, FIVE, user_headers(Transaction_Id=own_id)))
    holds(client.is_alive, during=1.5)
    own.start()
    outcome = client.result(20)
    assert outcome.error_name == "UNKNOWN_TRANSACTION" and outcome.coordinator == own.name
    assert all(one.posts(FIVE) == 0 for one in coordinators if one is not own)


# Polls that are repeated, late or concurrent


@pytest.fixture(scope="module")
def pair(shared):
    tables = Tables(shared.directory / "tables.sqlite")
    return tables, [shared.coordinator(f"blue-{number}", data=tables.file, page_rows=2) for number in (1, 2)]


@pytest.fixture
def arena(bench, pair):
    tables, coordinators = pair
    wait_until_back(*coordinators)
    arena = Arena(bench, *coordinators, pool_settings={"probe": PROBED_ONCE})
    arena.tables = tables
    return arena


def unique(sql, mark=iter(range(10**6))):
    return f"{sql} /* polls {next(mark)} */"


def at_once(number, work):
    """Does something in so many threads at the same moment; answers what each got."""
    barrier = threading.Barrier(number)

    def run():
        barrier.wait(10)
        return work()
    clients = [Client(run) for _ in range(number)]
    return [client.result() for client in clients]


def test_many_polls_of_a_wait_tag_make_one_attempt(bench, pair):
    """Eight clients' worth of polls of the same wait tag, again and again, while the coordinator comes back."""
    tables, _ = pair
    coordinator = absent(bench, data=tables.file)
    gateway = bench.before(coordinator)
    table = tables.create("many_polls")
    sql = f"INSERT INTO {table} VALUES (1)"
    outcome, uri = wait_page(gateway, sql)
    clients = [Client(lambda: [poll(gateway, uri) for _ in range(4)]) for _ in range(8)]
    time.sleep(0.5)
    coordinator.start()
    replies = [reply for client in clients for reply in client.result()]
    assert {reply.status for reply in replies} == {200}
    assert not any("error" in reply.json() for reply in replies)
    eventually(lambda: coordinator.posts(sql) == 1)
    follow(outcome, replies[-1].json()["nextUri"])
    assert outcome.error is None and outcome.rows == [[1]]
    assert coordinator.posts(sql) == 1 and tables.count(table) == 1


def test_concurrent_polls_of_a_failure_are_one_verdict(arena):
    sql = unique(FIVE)
    arena.first.script({"step": "executing", "do": "fail", "error": error("REMOTE_HOST_GONE"), "times": 1, "sql": sql})
    outcome, uri = arena.begin(sql)
    while uri and outcome.last.header("X-Penstock-Attempt") == "1" and "columns" not in outcome.last.json():
        replies = at_once(6, lambda: ask(arena.gateway.front, "GET", split_url(uri)[1]))
        assert {reply.status for reply in replies} == {200}, replies
        assert not any("error" in reply.json() for reply in replies), replies
        newest = max(replies, key=lambda reply: int(reply.header("X-Penstock-Attempt") or 0))
        uri = outcome.take(newest)
    arena.follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS
    assert arena.verdicts(outcome) == [("I04", None)]
    assert (arena.first.posts(sql), arena.second.posts(sql)) == (1, 1)


def test_tags_of_a_superseded_attempt_are_never_relayed(arena):
    """They get the statement's current page: no rows, and the newest URI; after the end the end."""
    sql = unique(FIVE)
    arena.first.script({"step": "executing", "columns": True, "do": "fail", "error": error("REMOTE_HOST_GONE"),
                        "times": 1, "sql": sql})
    outcome, uri = arena.begin(sql)
    uri = arena.poll_until(outcome, uri, arena.is_from(arena.second))
    old = [reply.json()["nextUri"] for reply in outcome.replies
           if reply.header("X-Penstock-Coordinator") == arena.first.name]
    polls = arena.first.statements(sql)[0]["polls"]
    for target in old:
        for reply in at_once(3, lambda: ask(arena.gateway.front, "GET", split_url(target)[1])):
            page = reply.json()
            assert reply.status == 200 and "data" not in page and "error" not in page
            assert page["nextUri"].split("via=")[0] == uri.split("via=")[0]
        assert ask(arena.gateway.front, "HEAD", split_url(target)[1]).status == 200
    arena.follow(outcome, uri)
    assert outcome.rows == FIVE_ROWS, "late polls neither took a page nor began anything"
    arena.record(outcome)
    for target in old:
        late = Outcome()
        arena.follow(late, late.take(ask(arena.gateway.front, "GET", split_url(target)[1])))
        assert late.failure is None and late.error is None and late.rows == []
    assert arena.first.statements(sql)[0]["polls"] == polls
    assert (arena.first.posts(sql), arena.second.posts(sql)) == (1, 1)


def test_a_delete_of_a_superseded_tag_ends_the_statement(arena):
    """The tag is the statement's, whatever attempt it names."""
    sql = unique("SELECT nationkey, sleep(300) FROM tpch.tiny.nation")
    arena.first.script({"step": "queued", "do": "fail", "error": error("REMOTE_HOST_GONE"), "times": 1, "sql": sql})
    outcome, uri = arena.begin(sql)
    first_uri = uri
    uri = arena.poll_until(outcome, uri, arena.is_from(arena.second))
    assert ask(arena.gateway.front, "DELETE", split_url(first_uri)[1]).status == 204
    assert ask(arena.gateway.front, "GET", split_url(uri)[1]).json()["error"]["errorName"] == "USER_CANCELED"
    eventually(lambda: arena.second.statements(sql)[0]["canceled"])


def test_a_failed_attempt_of_a_read_is_canceled_on_the_side(arena):
    """It was given up, not ended: the coordinator need not go on with it."""
    sql = unique(FIVE)
    arena.first.script({"step": "queued", "page": 2, "do": "status", "status": 500, "times": 1, "sql": sql})
    outcome = arena.run(sql)
    assert outcome.rows == FIVE_ROWS and outcome.coordinator == arena.second.name
    eventually(lambda: arena.first.statements(sql)[0]["canceled"])


def test_a_cancel_while_it_waits_for_its_back_off(bench, pair):
    """Between two attempts: nothing is submitted any more."""
    _, coordinators = pair
    wait_until_back(*coordinators)
    policy = quick_policy(bench.directory, lambda text: re.sub(r"(?m)^(\s+wait:) now\b", r"\1 L", text))
    arena = Arena(bench, *coordinators, pool_settings={"probe": PROBED_ONCE}, policy=str(policy))
    sql = unique(FIVE)
    for coordinator in coordinators:
        coordinator.script({"step": "executing", "do": "fail", "error": error("REMOTE_HOST_GONE"), "sql": sql})
    outcome, uri = arena.begin(sql)
    uri = arena.poll_until(outcome, uri, is_wait_page)
    posts = arena.first.posts(sql) + arena.second.posts(sql)
    assert ask(arena.gateway.front, "DELETE", split_url(uri)[1]).status == 204
    assert ask(arena.gateway.front, "GET", split_url(uri)[1]).json()["error"]["errorName"] == "USER_CANCELED"
    assert arena.record(outcome)["state"] == "canceled"
    assert arena.first.posts(sql) + arena.second.posts(sql) == posts


def test_retry_after_is_kept(arena):
    sql = unique(FIVE)
    for coordinator in (arena.first, arena.second):
        coordinator.script({"step": "post", "do": "status", "status": 429, "headers": {"Retry-After": "2"}, "times": 1,
                            "sql": sql})
    begun = time.monotonic()
    outcome = arena.run(sql)
    assert outcome.rows == FIVE_ROWS and time.monotonic() - begun > 1.9
    assert [line["wait_ms"] >= 1900 for line in arena.retries(outcome)]
