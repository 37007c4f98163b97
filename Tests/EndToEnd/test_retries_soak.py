"""Reads and writes while coordinators are killed and started again at random: no read without rows fails, no write is
applied twice, and every failure that is reported is true. Sixty reads by default, 500 with PENSTOCK_MEASURES=full."""

import itertools
import json
import os
import random
import threading
import time

import pytest

from kit.measures import FULL
from kit.protocol import Outcome, follow, submit, user_headers
from kit.rawhttp import Cut
from kit.retries import ERRORS, FIVE_ROWS, Tables, error, quick_policy
from kit.waiting import eventually

SEED = int(os.environ.get("PENSTOCK_SEED", random.randrange(1 << 30)))
READS = 500 if FULL else 60
WRITES = 300 if FULL else 40
KILLS = 60 if FULL else 6
THREADS = 8
# What says that nothing was written, and so must be true.
NOTHING_WRITTEN = {"PENSTOCK_NO_COORDINATOR", "PENSTOCK_COORDINATOR_LOST", "QUERY_QUEUE_FULL", "SERVER_STARTING_UP"}


class Killer(threading.Thread):
    """Kills one coordinator after the other, each for a moment; never all at once for long."""

    def __init__(self, coordinators, seed):
        super().__init__(daemon=True)
        self.coordinators = coordinators
        self.random = random.Random(seed)
        self.is_over = threading.Event()
        self.kills = 0
        self.start()

    def run(self):
        while not self.is_over.wait(self.random.uniform(0.3, 1.2)):
            victim = self.random.choice(self.coordinators)
            victim.kill()
            self.kills += 1
            time.sleep(self.random.uniform(0.1, 1.0))
            victim.start()

    def stop(self):
        self.is_over.set()
        self.join(30)


def while_killing(killer, number):
    """Numbers from 0 on, so many at least, until so many kills have been."""
    yield from itertools.takewhile(lambda index: index < number or killer.kills < KILLS, itertools.count())


def run(gateway, sql, headers, within=120):
    """A client that asks again where its own connection broke."""
    outcome = Outcome()
    uri = outcome.take(submit(gateway.front, sql, headers))
    deadline = time.monotonic() + within
    while uri:
        assert time.monotonic() < deadline, f"no end: {outcome.last}"
        try:
            uri = follow(outcome, uri, headers, pages=1)
        except (Cut, OSError):
            continue
    return outcome


def in_threads(number, jobs, work):
    """Works off the jobs; answers the problems."""
    jobs, lock, problems = iter(jobs), threading.Lock(), []

    def loop():
        while True:
            with lock:
                job = next(jobs, None)
            if job is None:
                return
            try:
                work(job)
            except Exception as problem:  # whatever it is, it is one
                problems.append((job, repr(problem)[:500]))
    threads = [threading.Thread(target=loop, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(500)
        assert not thread.is_alive(), "a client still waits"
    return problems


@pytest.fixture
def cluster(bench):
    """Three coordinators on the same tables, and their gateway with the shipped policy."""
    def start(dialect):
        tables = Tables(bench.directory / "tables.sqlite")
        ones = [bench.coordinator(f"blue-{number}", data=tables.file, dialect=dialect) for number in (1, 2, 3)]
        gateway = bench.before(*ones, pool_settings={"dialect": dialect})
        return tables, ones, gateway, user_headers(dialect=dialect.capitalize())
    return start


def story(gateway, outcome):
    """What the record says of a statement that should not have failed."""
    try:
        return gateway.admin.get(f"/v1/retries?statement={outcome.statement}")["items"]
    except AssertionError as problem:
        return repr(problem)[:300]


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["trino", "presto"] if FULL else ["trino"])
def test_reads_while_coordinators_are_killed(cluster, dialect):
    _, ones, gateway, headers = cluster(dialect)
    failed, with_rows = [], []

    def read(number):
        sql = f"SELECT sleep({number % 5 * 40}), {number}, count(*) FROM tpch.tiny.nation"
        outcome = run(gateway, sql, headers)
        if [row[1:] for row in outcome.rows] == [[number, 25]] and not outcome.error and not outcome.failure:
            return
        (with_rows if outcome.rows else failed).append(
            (sql, outcome.error or repr(outcome.failure), story(gateway, outcome)))
    killer = Killer(ones, SEED)
    problems = in_threads(THREADS, while_killing(killer, READS), read)
    killer.stop()
    assert not problems, (f"seed {SEED}", problems[:3])
    assert not failed, (f"seed {SEED}", len(failed), json.dumps(failed[:2], default=repr)[:4000])
    # Where the row had left, the end may be lost; the client was told so.
    assert len(with_rows) < 10 * killer.kills, (f"seed {SEED}", len(with_rows))


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["trino", "presto"] if FULL else ["presto"])
def test_writes_while_coordinators_are_killed(cluster, dialect):
    tables, ones, gateway, headers = cluster(dialect)
    table = tables.create("soak")
    ends = {}

    def write(number):
        outcome = run(gateway, f"INSERT INTO {table} VALUES ({number})", headers)
        if outcome.failure:
            ends[number] = f"HTTP {outcome.failure.status}"
        else:
            ends[number] = outcome.error_name or "done"
    killer = Killer(ones, SEED)
    problems = in_threads(THREADS, while_killing(killer, WRITES), write)
    killer.stop()
    assert not problems, (f"seed {SEED}", problems[:3])
    applied = tables.values(table)
    assert len(applied) == len(set(applied)), (f"seed {SEED}", "applied twice")
    untrue = {number: end for number, end in ends.items()
              if end == "done" and number not in applied or end in NOTHING_WRITTEN and number in applied}
    assert not untrue, (f"seed {SEED}", untrue)
    strange = {end for end in ends.values()} - NOTHING_WRITTEN - {"done", "PENSTOCK_OUTCOME_UNKNOWN"}
    assert not strange, (f"seed {SEED}", strange)
    assert list(ends.values()).count("done") > len(ends) / 2, (f"seed {SEED}", ends)


# What is retried or repeated; a write of which an error tells has or has not taken effect by then.
MISHAPS = [
    *({"step": step, "do": "reset", "handled": handled} for step in ("post", "queued", "executing")
      for handled in (False, True)),
    *({"step": step, "do": "cut", "bytes": size} for step in ("post", "queued", "executing") for size in (0, 60, -1)),
    *({"step": step, "do": "status", "status": status} for step in ("post", "queued", "executing")
      for status in (429, 502, 503, 504)),
    *({"step": step, "do": "status", "status": 200, "body": body} for step in ("post", "queued", "executing")
      for body in ("", "<html>")),
    *({"step": step, "do": "fail", "effect": effect, "columns": True, "error": error(name)}
      for step in ("queued", "executing") for effect in (False, True)
      for name in ("REMOTE_HOST_GONE", "SERVER_SHUTTING_DOWN", "NO_NODES_AVAILABLE", "SOME_NEW_INTERNAL_ERROR")),
    {"step": "post", "do": "hang", "handled": True}, {"step": "queued", "do": "hang", "handled": True},
    # An engine's start takes seconds. One of a few milliseconds cannot be told from an uptime's rounding.
    {"step": "queued", "do": "restart", "for_ms": 400}, {"step": "executing", "do": "restart", "for_ms": 400},
    {"step": "queued", "do": "die", "for_ms": 300},
]


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["trino", "presto"])
def test_mishaps_at_random(bench, dialect):
    """One request in eight or so goes wrong, and clients' own connections break: no row comes twice or is missed, no
    write is applied twice, and who is told that it was done can rely on it."""
    chance = random.Random(SEED)
    tables = Tables(bench.directory / "tables.sqlite")
    ones = [bench.coordinator(f"blue-{number}", data=tables.file, dialect=dialect, page_rows=2)
            for number in (1, 2, 3)]
    gateway = bench.before(
        *ones, pool_settings={"dialect": dialect}, policy=str(quick_policy(bench.directory)),
        retries={"budget": {"floor": 10_000}}, limits={"submit_answer": "300ms", "poll_answer": "300ms"})
    headers = user_headers(dialect=dialect.capitalize())
    table = tables.create("mishaps")
    for one in ones:
        one.script(*({**chance.choice(MISHAPS), "times": 1, "skip": chance.randrange(400), "sql": "/* work"}
                     for _ in range(250 if FULL else 80)))
    ends, wrong = {}, []

    def work(number):
        write = number % 2
        sql = (f"INSERT INTO {table} VALUES ({number})" if write else
               "SELECT nationkey FROM tpch.tiny.nation WHERE nationkey < 5 ORDER BY 1") + f" /* work {number} */"
        outcome = run(gateway, sql, headers)
        end = outcome.error_name or (f"HTTP {outcome.failure.status}" if outcome.failure else "done")
        if write:
            ends[number] = end
        if not write and (outcome.rows != FIVE_ROWS if end == "done" else
                          not 0 < len(outcome.rows) or outcome.rows != FIVE_ROWS[:len(outcome.rows)]):
            wrong.append((sql, outcome, end))
    problems = in_threads(THREADS, range(1000 if FULL else 200), work)
    assert not problems, (f"seed {SEED}", problems[:3])
    # A read of which no row has left may fail only where its rule's retries, or its attempts, were used up.
    for sql, outcome, end in wrong:
        gates = eventually(lambda one=outcome: [
            line["gate"] for line in story(gateway, one) if line["outcome"] == "surfaced"], message=(SEED, sql, end))
        assert outcome.rows == [] and gates[0] in ("attempts", "breaker"), (
            f"seed {SEED}", sql, outcome.rows, end, story(gateway, outcome))
    applied = tables.values(table)
    assert len(applied) == len(set(applied)), (f"seed {SEED}", "applied twice")
    untrue = {number: end for number, end in ends.items()
              if end == "done" and number not in applied or end in NOTHING_WRITTEN and number in applied}
    assert not untrue, (f"seed {SEED}", untrue)
    strange = {end for end in ends.values()} - NOTHING_WRITTEN - {"done", "PENSTOCK_OUTCOME_UNKNOWN"} - set(ERRORS)
    assert not strange, (f"seed {SEED}", strange)
