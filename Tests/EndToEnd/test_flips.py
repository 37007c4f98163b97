"""Making another pool active: at once, durably, without one failed query, and back."""

import threading
import time

import pytest
import trino

from kit.fakes import RESET, column
from kit.measures import FULL
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection
from kit.settings import group, pool
from kit.waiting import eventually


@pytest.fixture
def two(bench):
    """Blue and green, each of which says its name in its rows."""
    fakes = [bench.fake("blue-1"), bench.fake("green-1")]
    for fake in fakes:
        fake.plan = lambda sql, name=fake.name: [{"columns": [column("c", "varchar")], "data": [[name]]}] * 3
    return bench.between(*fakes), *fakes


def test_a_flip_moves_what_comes_next(two):
    gateway, _, _ = two
    assert execute(gateway.front, "SELECT 1").rows == [["blue-1"]] * 3
    answer = gateway.admin.flip("green", reason="release 7")
    assert answer["group"] == "default" and answer["active"] == "green" and answer["previous"] == "blue"
    assert isinstance(answer["flip"], int) and isinstance(answer["epoch"], int)
    assert isinstance(answer["acknowledged"], list) and answer["silent"] == []
    assert execute(gateway.front, "SELECT 2").rows == [["green-1"]] * 3
    now = gateway.admin.group()
    assert now["active"] == "green" and now["epoch"] == answer["epoch"]


def test_each_flip_raises_the_epoch(two):
    gateway, _, _ = two
    epochs = [gateway.admin.group()["epoch"]]
    for to in ("green", "blue", "green"):
        epochs.append(gateway.admin.flip(to)["epoch"])
    assert epochs == [epochs[0] + index for index in range(4)]


def test_statements_in_flight_finish_where_they_are(two):
    gateway, _, _ = two
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT 1"))
    next_uri = follow(outcome, next_uri, pages=2)
    gateway.admin.flip("green")
    blue = gateway.admin.pool("blue")
    assert blue["drain"] == "draining" and sum(blue["in_flight"].values()) == 1
    assert blue["coordinators"][0]["in_flight"] == 1
    follow(outcome, next_uri)
    assert outcome.rows == [["blue-1"]] * 3
    eventually(lambda: gateway.admin.pool("blue")["drain"] == "done")
    assert sum(gateway.admin.pool("blue")["in_flight"].values()) == 0


def test_the_pool_that_became_active_does_not_drain(two):
    gateway, _, _ = two
    gateway.admin.flip("green")
    eventually(lambda: gateway.admin.pool("blue")["drain"] == "done")
    assert gateway.admin.pool("green")["drain"] == "none"
    gateway.admin.flip("blue")
    assert gateway.admin.pool("blue")["drain"] == "none"


def test_a_submission_in_flight_counts_on_blue(two):
    """Inside when the flip committed: it may go to blue, and no drain looks done without it."""
    gateway, blue, _ = two
    gate = threading.Event()
    blue.on("POST", "^/v1/statement$", lambda request: gate.wait(10) and None, times=1)
    outcome = Outcome()
    worker = threading.Thread(target=lambda: follow(outcome, outcome.take(submit(gateway.front, "SELECT 1"))))
    worker.start()
    eventually(lambda: blue.seen("POST"))
    gateway.admin.flip("green")
    assert gateway.admin.pool("blue")["drain"] == "draining"
    gate.set()
    worker.join(20)
    assert outcome.rows == [["blue-1"]] * 3
    eventually(lambda: gateway.admin.pool("blue")["drain"] == "done")


def test_a_submission_that_fails_on_blue_after_a_flip_goes_to_green(two):
    """It goes back to selection with the table as it is then, and green is active then."""
    gateway, blue, _ = two
    gate = threading.Event()
    blue.on("POST", "^/v1/statement$", lambda request: gate.wait(10) and RESET, times=1)
    outcome = Outcome()
    worker = threading.Thread(target=lambda: follow(outcome, outcome.take(submit(gateway.front, "SELECT 1"))))
    worker.start()
    eventually(lambda: blue.seen("POST"))
    gateway.admin.flip("green")
    gate.set()
    worker.join(20)
    assert outcome.error is None and outcome.rows == [["green-1"]] * 3


def test_expect_epoch(two):
    gateway, _, _ = two
    epoch = gateway.admin.group()["epoch"]
    problem = gateway.admin.flip("green", expect_epoch=epoch + 5, status=409)
    assert problem["guard"] == "epoch-mismatch"
    assert gateway.admin.group()["active"] == "blue"
    assert gateway.admin.flip("green", expect_epoch=epoch)["epoch"] == epoch + 1


def test_already_active(two):
    gateway, _, _ = two
    assert gateway.admin.flip("blue", status=409)["guard"] == "already-active"


def test_a_green_that_is_not_healthy_is_refused_unless_forced(two):
    gateway, _, green = two
    green.starting = True
    gateway.wait_for_health("green-1", "starting")
    problem = gateway.admin.flip("green", status=409)
    assert problem["guard"] == "not-healthy" and "green" in problem["detail"]
    assert gateway.admin.group()["active"] == "blue"
    assert gateway.admin.flip("green", force=True)["active"] == "green"
    assert gateway.admin.get("/v1/groups/default/flips")["items"][0]["forced"] is True


def test_a_green_without_coordinators_is_not_healthy(bench):
    gateway = bench.gateway(group(pool("blue", bench.fake()), pool("green")))
    assert gateway.admin.flip("green", status=409)["guard"] == "not-healthy"


def test_a_dry_run_changes_nothing(two):
    gateway, _, green = two
    before = gateway.admin.group()["epoch"]
    answer = gateway.admin.flip("green", dry_run=True)
    assert answer["dry_run"] is True and answer["active"] == "green" and answer["previous"] == "blue"
    assert gateway.admin.group()["active"] == "blue" and gateway.admin.group()["epoch"] == before
    assert gateway.admin.get("/v1/groups/default/flips")["items"] == []
    green.starting = True
    gateway.wait_for_health("green-1", "starting")
    assert gateway.admin.flip("green", dry_run=True, status=409)["guard"] == "not-healthy"


def test_rollback_undoes_the_newest_flip(two):
    gateway, _, _ = two
    problem = gateway.admin.post("/v1/groups/default/rollback", {}, 409)
    assert problem["guard"] == "nothing-to-roll-back"
    flip = gateway.admin.flip("green")
    answer = gateway.admin.post("/v1/groups/default/rollback", {"reason": "errors"})
    assert answer["active"] == "blue" and answer["previous"] == "green" and answer["epoch"] == flip["epoch"] + 1
    assert execute(gateway.front, "SELECT 1").pool == "blue"
    again = gateway.admin.post("/v1/groups/default/rollback", {}, 409)
    assert again["guard"] == "nothing-to-roll-back", "the newest was a rollback"
    newest, older = gateway.admin.get("/v1/groups/default/flips")["items"]
    assert newest["undoes"] == older["flip"] and older["undoes"] is None


def test_rollback_knows_the_epoch_and_health(two):
    gateway, blue, _ = two
    flip = gateway.admin.flip("green")
    wrong = gateway.admin.post("/v1/groups/default/rollback", {"expect_epoch": flip["epoch"] + 3}, 409)
    assert wrong["guard"] == "epoch-mismatch"
    blue.starting = True
    gateway.wait_for_health("blue-1", "starting")
    assert gateway.admin.post("/v1/groups/default/rollback", {}, 409)["guard"] == "not-healthy"
    assert gateway.admin.post("/v1/groups/default/rollback", {"force": True})["active"] == "blue"


def test_the_flip_log(two):
    gateway, _, _ = two
    first = gateway.admin.flip("green", reason="one")
    second = gateway.admin.flip("blue", reason="two")
    items = gateway.admin.get("/v1/groups/default/flips")["items"]
    assert [item["flip"] for item in items] == [second["flip"], first["flip"]]
    line = items[1]
    assert set(line) >= {"flip", "group", "from", "to", "epoch", "mode", "reason", "by", "at", "forced", "undoes",
                         "acknowledged", "silent"}
    assert (line["from"], line["to"], line["reason"], line["mode"]) == ("blue", "green", "one", "now")
    assert line["forced"] is False and line["at"].endswith("Z")
    assert gateway.admin.get(f"/v1/flips/{first['flip']}")["reason"] == "one"
    assert gateway.admin.ask("GET", "/v1/flips/99999").status == 404


@pytest.mark.parametrize("body, status", [
    ({"to": "purple"}, 404), ({}, 400), ({"to": 7}, 400), (b"not json", 400), (b"[]", 400), (b"", 400),
    ({"to": "green", "mode": "sideways"}, 400), ({"to": "green", "expect_epoch": "x"}, 400)])
def test_a_flip_that_cannot_be_read(two, body, status):
    gateway, _, _ = two
    reply = gateway.admin.ask("POST", "/v1/groups/default/flip", body)
    assert reply.status == status, reply
    assert reply.header("Content-Type").startswith("application/problem+json")
    assert gateway.admin.group()["active"] == "blue"


def test_an_unknown_group_is_404(two):
    gateway, _, _ = two
    assert gateway.admin.ask("POST", "/v1/groups/nope/flip", {"to": "green"}).status == 404
    assert gateway.admin.ask("GET", "/v1/groups/nope").status == 404


def test_groups_flip_by_themselves(bench):
    names = ["a-blue", "a-green", "b-blue", "b-green"]
    fakes = {name: bench.fake(name) for name in names}
    gateway = bench.gateway(
        group(pool("blue", fakes["a-blue"]), pool("green", fakes["a-green"]), name="a"),
        group(pool("blue", fakes["b-blue"]), pool("green", fakes["b-green"]), name="b"),
        routing=[{"when": {"user": "b*"}, "group": "b"}])
    gateway.admin.flip("green", group="b")
    assert execute(gateway.front, "SELECT 1", user_headers("a1")).coordinator == "a-blue"
    assert execute(gateway.front, "SELECT 1", user_headers("b1")).coordinator == "b-green"


def test_concurrent_flips_are_one_after_the_other(two):
    gateway, _, _ = two
    replies = []

    def flip(to):
        replies.append(gateway.admin.ask("POST", "/v1/groups/default/flip", {"to": to}))
    threads = [threading.Thread(target=flip, args=(to,)) for to in ["green", "blue"] * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {reply.status for reply in replies} <= {200, 409}
    done = [reply.json() for reply in replies if reply.status == 200]
    epochs = sorted(answer["epoch"] for answer in done)
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs))), "each has its own epoch"
    refused = {reply.json()["guard"] for reply in replies if reply.status == 409}
    assert refused <= {"already-active", "in-progress"}


def test_an_admin_client_that_leaves_stops_nothing(two):
    gateway, _, _ = two
    with Connection(gateway.admin.where) as connection:
        connection.send_head("POST", "/v1/groups/default/flip", {
            "Authorization": f"Bearer {gateway.admin.token}", "Content-Type": "application/json",
            "Content-Length": "15"})
        connection.send(b'{"to": "green"}')
        connection.reset()
    eventually(lambda: gateway.admin.group()["active"] in ("blue", "green"))


class Load:
    """Real clients that run statements until told to stop; every statement remembers when it began and where it ran."""

    def __init__(self, gateway, clients):
        self.gateway = gateway
        self.stop = threading.Event()
        self.done = []
        self.problems = []
        self.threads = [threading.Thread(target=self.work, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)

    def work(self, number):
        connection = trino.dbapi.connect(
            host="127.0.0.1", port=self.gateway.front[1], user=f"user{number}", http_scheme="http")
        turn = 0
        while not self.stop.is_set():
            turn += 1
            begun = time.monotonic()
            try:
                cursor = connection.cursor()
                cursor.execute(f"SELECT {number * 100_000 + turn}")
                rows = cursor.fetchall()
                self.done.append((begun, time.monotonic(), rows[0][0] if rows else None, len(rows)))
            except Exception as problem:  # every failure counts, of whatever kind
                self.problems.append(repr(problem)[:300])


STATEMENTS = 2000 if FULL else 300


@pytest.mark.slow
def test_flips_under_load_with_real_clients(two):
    """No query fails, none that began after a flip's reply is on the pool that lost the traffic."""
    gateway, *fakes = two
    for fake in fakes:
        fake.hold = 0.002
    flips = []
    with Load(gateway, 16) as load:
        for turn in range(600):
            if turn >= 12 and len(load.done) >= STATEMENTS:
                break
            to = "green" if turn % 2 == 0 else "blue"
            asked = time.monotonic()
            gateway.admin.flip(to)
            flips.append((asked, time.monotonic(), f"{to}-1"))
            before = len(load.done)
            if FULL:
                time.sleep(1)
            eventually(lambda before=before: len(load.done) > before + 30, within=20)
    assert not load.problems, load.problems[:3]
    assert len(load.done) > STATEMENTS
    print(f"{len(load.done)} statements, {len(flips)} flips")
    wrong = [(begun, name) for begun, _, name, count in load.done
             if count != 3 or name not in allowed(flips, begun)]
    assert not wrong, f"{len(wrong)} of {len(load.done)} on the wrong pool"
    texts = [text for fake in fakes for text, count in fake.statements_seen().items() if count > 1]
    assert not texts, "submitted twice"


def allowed(flips, begun):
    """The pools on which a statement that began then may be."""
    names = {"blue-1"}
    for asked, answered, name in flips:
        if answered <= begun:
            names = {name}
        elif asked <= begun:
            names = names | {name}
    if any(asked > begun for asked, _, _ in flips):
        following = next(name for asked, _, name in flips if asked > begun)
        names = names | {following}
    return names
