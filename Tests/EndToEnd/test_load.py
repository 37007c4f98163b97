"""Every real client under load while pools flip, and real writes while the gateway dies."""

import random
import threading
import time

import pytest

from kit.clients import EVERY, trino_connection, with_trino
from kit.measures import FULL
from kit.waiting import eventually

STATEMENTS = 2000 if FULL else 400
CLIENTS = 16
KILLS = 20 if FULL else 5
SEED = 20


@pytest.fixture
def two(bench):
    """Two embedded coordinators, each with a table that says which it is, and a gateway between them."""
    coordinators = [bench.coordinator("blue-1"), bench.coordinator("green-1")]
    for coordinator in coordinators:
        with_trino(coordinator.port, "CREATE TABLE memory.default.place (name varchar, i bigint)")
        for number in range(3):
            with_trino(coordinator.port, f"INSERT INTO memory.default.place VALUES ('{coordinator.name}', {number})")
    return bench.between(*coordinators), *coordinators


class Crowd:
    """Clients that work until the job is done; what went wrong is kept, and nothing stops for it."""

    def __init__(self, work):
        self.stop = threading.Event()
        self.problems = []
        self.done = []
        self.threads = [threading.Thread(target=self.run, args=(work, number)) for number in range(CLIENTS)]

    def run(self, work, number):
        while not self.stop.is_set():
            try:
                self.done.append(work(number))
            except Exception as problem:  # every failure counts, of whatever kind
                self.problems.append((number, repr(problem)[:500]))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)


@pytest.mark.slow
def test_real_clients_while_the_active_pool_flips_every_second(two):
    """None fails, and none that began after a flip's reply is on the pool that lost the traffic."""
    gateway, *_ = two
    names = list(EVERY)
    sql = "SELECT name, i FROM memory.default.place ORDER BY i"
    flips = [(0.0, 0.0, "blue-1")]

    def work(number):
        begun = time.monotonic()
        rows = EVERY[names[number % len(names)]](gateway.front[1], sql)
        return begun, time.monotonic(), sorted(rows)

    with Crowd(work) as crowd:
        deadline = time.monotonic() + 300
        while len(crowd.done) < STATEMENTS and time.monotonic() < deadline:
            to = "green" if flips[-1][2] == "blue-1" else "blue"
            asked = time.monotonic()
            gateway.admin.flip(to)
            flips.append((asked, time.monotonic(), f"{to}-1"))
            time.sleep(max(0.0, asked + 1 - time.monotonic()))
    assert not crowd.problems, (len(crowd.problems), crowd.problems[:3])
    assert len(crowd.done) >= STATEMENTS and len(flips) > 2
    broken = [rows for _, _, rows in crowd.done if [row[1] for row in rows] != [0, 1, 2]]
    assert not broken, broken[:3]
    wrong = [(begun, rows) for begun, ended, rows in crowd.done
             if {row[0] for row in rows} - active_between(flips, begun, ended)]
    assert not wrong, f"{len(wrong)} of {len(crowd.done)} on the wrong pool"
    print(f"{len(crowd.done)} statements, {len(flips) - 1} flips")


def active_between(flips, begun, ended):
    """The coordinators whose pool may have been the active one at some moment between the two."""
    newest = max(index for index, (_, answered, _) in enumerate(flips) if answered <= begun)
    return {name for index, (asked, _, name) in enumerate(flips)
            if index == newest or (index > newest and asked <= ended)}


@pytest.mark.slow
def test_writes_of_real_clients_while_the_gateway_is_killed(two):
    """No statement is lost, no row is written twice, the same pool stays active, every record is completed."""
    gateway, blue, green = two
    gateway.admin.flip("green")
    with_trino(gateway.front[1], "CREATE TABLE memory.default.ledger (client bigint, turn bigint)")
    turns = [0] * CLIENTS

    def work(number):
        # A client that asks again when it is not answered; it may be killed between any two exchanges.
        turns[number] += 1
        connection = trino_connection(gateway.front[1], max_attempts=60)
        cursor = connection.cursor()
        cursor.execute(f"INSERT INTO memory.default.ledger VALUES ({number}, {turns[number]})")
        assert cursor.fetchall() == [[1]]
        return cursor.query_id, time.monotonic()

    generator = random.Random(SEED)
    with Crowd(work) as crowd:
        for _ in range(KILLS):
            time.sleep(generator.uniform(0.3, 1.2))
            before = len(crowd.done)
            gateway.kill()
            gateway.restart()
            restarted = time.monotonic()
            assert gateway.admin.group()["active"] == "green"
            eventually(lambda before=before: len(crowd.done) > before, within=30)
    assert not crowd.problems, (f"seed {SEED}", len(crowd.problems), crowd.problems[:3])
    rows = with_trino(green.port, "SELECT client, turn, count(*) FROM memory.default.ledger GROUP BY client, turn")
    assert not [row for row in rows if row[2] > 1], "written twice"
    assert len(rows) == len(crowd.done) == sum(turns), "each once"
    assert ("ledger",) not in with_trino(blue.port, "SHOW TABLES FROM memory.default"), "nothing went to blue"

    # History is written behind: what ended just before a kill may have left no record, or one that says it runs.
    since = [own_id for own_id, ended in crowd.done if ended > restarted]

    def complete():
        replies = [gateway.admin.ask("GET", f"/v1/statements/{own_id}") for own_id in since]
        return all(reply.status == 200 and reply.json()["state"] == "finished" for reply in replies)
    eventually(complete, within=20, message="each statement that ended after the last kill has its record")
    in_flight = gateway.admin.pool("green")["in_flight"]
    assert in_flight["queued"] == in_flight["running"] == 0
    print(f"{len(crowd.done)} writes, {KILLS} kills, {in_flight['presumed']} presumed")
