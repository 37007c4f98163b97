"""Coordinators that are away in every way there is: noticed, avoided, and no client sees any of it."""

import socket
import threading
import time

import pytest

from kit.clients import EVERY
from kit.gateway import Coordinator
from kit.measures import FULL
from kit.protocol import execute, user_headers
from kit.rawhttp import Cut, ask
from kit.retries import FIVE_ROWS, Tables
from kit.settings import group, pool
from kit.waiting import eventually, holds

FIVE = "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1"
SHIPPED_PROBE = {"path": "/v1/info", "interval": "2s", "timeout": "1500ms", "fall": 3, "rise": 2}


def set_off(coordinator, **fault):
    """What the next probe would set off, at once."""
    coordinator.script({"step": "info", "times": 1, **fault})
    try:
        ask(coordinator.address, "GET", "/v1/info", timeout=0.5)
    except (OSError, Cut):
        pass


# How each goes away, and the health that says so.
AWAY = {
    "workerless": (lambda one: one.script(workers=0), "no-workers"),
    "frozen": (lambda one: set_off(one, do="freeze"), "down"),
    "starting": (lambda one: set_off(one, do="restart", starting_ms=60_000), "starting"),
    "shutting-down": (lambda one: one.script(state="SHUTTING_DOWN"), "shutting-down"),
    "inactive": (lambda one: one.script(state="INACTIVE"), "down shutting-down starting"),
    "dead": (lambda one: one.kill(), "down"),
    "silent": (lambda one: one.script({"step": "any", "do": "hang"}), "down"),
}


class Load:
    """Clients that read on and on, and what any of them saw that was no good end. No read has rows: one of which rows
    have left cannot go on elsewhere."""

    SQL = "SELECT name FROM tpch.tiny.nation WHERE nationkey < 0"

    def __init__(self, gateway, names=("trino", "prestodb", "pyhive-trino")):
        self.gateway = gateway
        self.problems = []
        self.done = 0
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(name,), daemon=True) for name in names]
        for thread in self.threads:
            thread.start()

    def work(self, name):
        while not self.is_over.is_set():
            try:
                rows = EVERY[name](self.gateway.front[1], self.SQL)
                if rows:
                    self.problems.append((name, rows))
                self.done += 1
            except Exception as problem:  # whatever it is, the client saw something
                self.problems.append((name, repr(problem)[:400]))

    def stop(self, within=60):
        self.is_over.set()
        for thread in self.threads:
            thread.join(within)
            assert not thread.is_alive(), "a client still waits"


@pytest.mark.parametrize("dialect", ["trino", "presto"] if FULL else ["trino"])
@pytest.mark.parametrize("ways", [list(AWAY), *([[way] for way in AWAY] if FULL else [])],
                         ids=lambda ways: ways[0] if len(ways) == 1 else "all")
def test_seven_ways_to_be_away(bench, ways, dialect):
    """Noticed within 8 s with the shipped probes, nothing new goes there, and no client sees any of it."""
    tables = Tables(bench.directory / "tables.sqlite")
    steady = [bench.coordinator(f"steady-{number}", data=tables.file, dialect=dialect) for number in (1, 2)]
    leaving = {way: bench.coordinator(way, data=tables.file, dialect=dialect) for way in ways}
    gateway = bench.gateway(
        group(pool("blue", *steady, *leaving.values(), probe=SHIPPED_PROBE, dialect=dialect)))
    load = Load(gateway)
    eventually(lambda: load.done > 10 * len(leaving))
    since = time.monotonic()
    for way, coordinator in leaving.items():
        AWAY[way][0](coordinator)
    noticed = {}
    while len(noticed) < len(leaving) and time.monotonic() - since < 12:
        for way in leaving:
            health = gateway.admin.coordinator(way)["health"]
            if health in AWAY[way][1].split():
                noticed.setdefault(way, time.monotonic() - since)
        time.sleep(0.1)
    assert set(noticed) == set(leaving), {way: gateway.admin.coordinator(way)["health"] for way in leaving}
    assert max(noticed.values()) < 8, noticed
    readable = [one for way, one in leaving.items() if way not in ("dead",)]
    before = {one.name: one.log()["requests"].get("post", 0) for one in readable}
    done = load.done
    eventually(lambda: load.done > done + 30)
    assert {one.name: one.log()["requests"].get("post", 0) for one in readable} == before, "nothing new goes there"
    load.stop()
    assert not load.problems, load.problems[:3]


def occupied(bench, **more):
    """Two coordinators on the same tables; the first runs one statement at a time."""
    tables = Tables(bench.directory / "tables.sqlite")
    first = bench.coordinator("blue-1", data=tables.file, running=1)
    second = bench.coordinator("blue-2", data=tables.file)
    return tables, first, second


class Running:
    """A statement that a client has submitted and polls, on a thread of its own."""

    def __init__(self, gateway, sql, headers=None):
        self.outcome = None
        self.problem = None
        self.thread = threading.Thread(target=self.run, args=(gateway, sql, headers), daemon=True)
        self.thread.start()

    def run(self, gateway, sql, headers):
        try:
            self.outcome = execute(gateway.front, sql, headers or user_headers(), within=100)
        except (AssertionError, Cut, OSError) as problem:  # the gateway may end before the statement
            self.problem = problem

    def result(self, within=60):
        self.thread.join(within)
        assert self.outcome, self.problem or "it has not ended"
        return self.outcome


def queued_on_first(gateway, first, second, sql):
    """A statement that waits in the queue of the first coordinator, behind a long one."""
    assert gateway.admin.coordinator("blue-2")["health"] == "ready"
    second.script(state="SHUTTING_DOWN")
    gateway.wait_for_health("blue-2", "shutting-down")
    long = Running(gateway, "SELECT sleep(4000)")
    eventually(lambda: [entry["started"] for entry in first.statements("SELECT sleep(4000)")] == [True])
    waiting = Running(gateway, sql)
    eventually(lambda: [entry["polls"] > 1 for entry in first.statements(sql)] == [True])
    second.script()
    gateway.wait_for_health("blue-2", "ready")
    return long, waiting


@pytest.mark.parametrize("way, health", [
    ("workerless", "no-workers"), ("shutting-down", "shutting-down"), ("frozen", "down")])
def test_a_read_that_waits_in_a_queue_goes_on_elsewhere(bench, way, health):
    """At once, and outside attempts and budget."""
    _, first, second = occupied(bench)
    gateway = bench.before(first, second, retries={"attempts": 1, "budget": {"share": 0, "floor": 0}})
    _, waiting = queued_on_first(gateway, first, second, FIVE)
    begun = time.monotonic()
    AWAY[way][0](first)
    gateway.wait_for_health("blue-1", health)
    outcome = waiting.result()
    assert time.monotonic() - begun < (14 if way == "frozen" else 4)
    assert outcome.rows == FIVE_ROWS and outcome.error is None and outcome.coordinator == "blue-2"
    assert second.posts(FIVE) == 1
    eventually(lambda: gateway.admin.statement(outcome.statement)["ended"])
    assert len(gateway.admin.statement(outcome.statement)["attempts"]) == 2
    first.behaviour = {}
    first.script()


def test_a_write_that_waits_in_a_queue_stays(bench):
    """It had started: it goes on where it is, once the workers are back."""
    tables, first, second = occupied(bench)
    gateway = bench.before(first, second)
    table = tables.create("stays")
    sql = f"INSERT INTO {table} VALUES (1)"
    _, waiting = queued_on_first(gateway, first, second, sql)
    first.script(workers=0)
    gateway.wait_for_health("blue-1", "no-workers")
    holds(lambda: second.posts(sql) == 0 and waiting.outcome is None, during=1.5)
    first.script()
    outcome = waiting.result()
    assert outcome.error is None and outcome.coordinator == "blue-1"
    assert tables.count(table) == 1 and second.posts(sql) == 0


def test_a_read_stays_where_nobody_else_can_take_it(bench):
    """Alone, without workers: it waits in the coordinator's own queue and goes on there."""
    first = bench.coordinator("blue-1")
    gateway = bench.before(first)
    first.script(workers=0)
    reading = Running(gateway, FIVE)
    gateway.wait_for_health("blue-1", "no-workers")
    holds(lambda: reading.outcome is None, during=1)
    first.script()
    assert reading.result().rows == FIVE_ROWS and first.posts(FIVE) <= 2


@pytest.mark.slow
def test_a_running_read_moves_after_a_while(bench):
    """Its coordinator is gone, no row has left: after as long as it had run, at least 10 s."""
    tables = Tables(bench.directory / "tables.sqlite")
    first, second = (bench.coordinator(f"blue-{number}", data=tables.file) for number in (1, 2))
    gateway = bench.before(first, second)
    sql = "SELECT sleep(2000), nationkey FROM tpch.tiny.nation WHERE nationkey = 3"
    reading = Running(gateway, sql)
    eventually(lambda: any(one.statements(sql) for one in (first, second)))
    where, other = (first, second) if first.statements(sql) else (second, first)
    eventually(lambda: where.statements(sql)[0]["polls"] >= 3)
    begun = time.monotonic()
    where.kill()
    outcome = reading.result()
    assert [row[-1] for row in outcome.rows] == [3] and outcome.coordinator == other.name
    assert 9 < time.monotonic() - begun < 25


@pytest.mark.parametrize("dialect", ["trino", "presto"] if FULL else ["presto"])
def test_all_coordinators_are_gone_for_a_while(bench, dialect):
    """Every statement submitted meanwhile, and every read without rows, waits and succeeds."""
    tables = Tables(bench.directory / "tables.sqlite")
    ones = [bench.coordinator(f"blue-{number}", data=tables.file, dialect=dialect) for number in (1, 2)]
    gateway = bench.before(*ones, pool_settings={"dialect": dialect})
    table = tables.create("meanwhile")
    headers = user_headers(dialect=dialect.capitalize())
    running = [Running(gateway, f"SELECT sleep(1500), {index}", headers) for index in range(4)]
    eventually(lambda: all(any(one.statements(f"SELECT sleep(1500), {index}") for one in ones) for index in range(4)))
    begun = time.monotonic()
    for one in ones:
        one.kill()
    meanwhile = []
    for index in range(10):
        meanwhile.append(Running(gateway, FIVE, headers))
        meanwhile.append(Running(gateway, f"INSERT INTO {table} VALUES ({index})", headers))
        time.sleep(0.2)
    time.sleep(max(0.0, (15 if FULL else 5) - (time.monotonic() - begun)))
    assert not any(one.outcome for one in meanwhile)
    for one in ones:
        one.start()
    for index, one in enumerate(running):
        assert [row[-1] for row in one.result(90).rows] == [index], one.outcome.last
    for index, one in enumerate(meanwhile):
        assert one.result(60).error is None and one.outcome.failure is None, one.outcome.last
        assert one.outcome.rows == ([[1]] if index % 2 else FIVE_ROWS)
    assert tables.values(table) == list(range(10)), "each write once"


def test_none_is_there_at_the_start(bench):
    """The gateway starts before its coordinators do; a client that comes first waits."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gateway = bench.gateway(group(pool("blue", ("blue-1", f"http://127.0.0.1:{port}"))), settle=False)
    reading = Running(gateway, FIVE)
    holds(lambda: reading.outcome is None, during=1)
    bench.keep(Coordinator("blue-1", port)).start()
    assert reading.result().rows == FIVE_ROWS
