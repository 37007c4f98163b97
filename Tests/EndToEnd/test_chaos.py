"""Coordinators that break at random, at every step: no row is lost, none comes twice, every statement ends."""

import json
import os
import random
import threading

import pytest

from kit.fakes import CLOSE, RESET, SILENCE, column, text_response
from kit.protocol import Outcome, submit, user_headers
from kit.rawhttp import Cut, ask, split_url
from kit.waiting import eventually

SEED = int(os.environ.get("PENSTOCK_SEED", random.randrange(1 << 30)))


class Mishaps:
    """Breaks one request in four, in one of many ways; which one, the seed decides."""

    def __init__(self, fake, seed):
        self.fake = fake
        self.random = random.Random(seed)
        self.lock = threading.Lock()

    def pick(self, *ways):
        with self.lock:
            return self.random.choice(ways) if self.random.random() < 0.25 else None

    def post(self, request):
        return self.pick(RESET, CLOSE, text_response(503, "busy"), text_response(429, "slow down"))

    def poll(self, request):
        way = self.pick("reset", "close", "silence", "cut", "late cut", "empty", 502, 503, 504, "chunked")
        if way is None or way == "chunked":
            response = self.fake.answer(request)
            response.framing = "chunked" if way else response.framing
            return response
        if isinstance(way, int):
            return text_response(way, "later")
        if way in ("reset", "close", "silence"):
            return {"reset": RESET, "close": CLOSE, "silence": SILENCE}[way]
        response = self.fake.answer(request)
        if way == "empty":
            response.body = b""
        else:
            response.cut_after = self.random.randrange(len(response.body)) if way == "cut" else len(response.body) - 1
            response.reset = self.random.random() < 0.5
        return response


def rows_of(sql):
    generator = random.Random(sql)
    return [[[f"{sql} {index} " + "x" * generator.choice([10, 1000, 100_000])]] for index in range(6)]


def run(gateway, sql):
    """What a client does that asks again after a break."""
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql, user_headers()))
    for _ in range(500):
        if not next_uri:
            return outcome
        try:
            reply = ask(gateway.front, "GET", split_url(next_uri)[1])
        except Cut:
            continue
        next_uri = outcome.take(reply)
    raise AssertionError(f"no end: {outcome.last}")


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["trino", "presto"])
def test_coordinators_that_break_at_random(bench, dialect):
    fakes = [bench.fake(f"blue-{number}", dialect=dialect) for number in (1, 2, 3)]
    for fake in fakes:
        fake.plan = lambda sql: [{"columns": [column("c", "varchar")], "data": page} for page in rows_of(sql)]
    gateway = bench.before(*fakes, limits={"poll_answer": "300ms"}, pool_settings={"dialect": dialect})
    for index, fake in enumerate(fakes):
        mishaps = Mishaps(fake, SEED + index)
        fake.on("POST", "^/v1/statement$", mishaps.post)
        fake.on("GET", "^/v1/statement/", mishaps.poll)
    problems, ended = [], []

    def work(number):
        for turn in range(5):
            sql = f"SELECT '{number}-{turn}'"
            try:
                outcome = run(gateway, sql)
                expected = [row for page in rows_of(sql) for row in page]
                if outcome.error_name == "PENSTOCK_NO_COORDINATOR" and not outcome.rows:
                    ended.append("refused")
                elif outcome.rows == expected and outcome.error is None and outcome.failure is None:
                    ended.append("whole")
                else:
                    problems.append((sql, len(outcome.rows), outcome.error, outcome.failure))
            except Exception as problem:  # whatever it is, it is one
                problems.append((sql, repr(problem)[:500]))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems, (f"seed {SEED}", json.dumps(problems[:3], default=repr)[:3000])
    assert ended.count("whole") > 25, f"seed {SEED}"
    eventually(lambda: sum(gateway.admin.pool("blue")["in_flight"].values()) == 0)
