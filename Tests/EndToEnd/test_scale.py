"""Many statements at once over few connections, and many one after the other: no errors, and memory that is given back.

With PENSTOCK_MEASURES=full the large form runs as well, which `make scale` prints: 20,000 statements in flight over
4,000 connections, then a million one after the other.
"""

import subprocess
import sys
import threading

import pytest

from kit.many import Many
from kit.measures import FULL
from kit.processes import BINARY, ROOT
from kit.waiting import eventually

STATEMENTS = 2000
CONNECTIONS = 200
# What an allocator keeps back from one round to the next, and pages of the store's cache.
SLACK = 6 << 20
# Far more than a statement takes in a release build: this is about what grows without bound.
EACH = 8 << 10


@pytest.fixture
def many(bench):
    """A gateway before a coordinator whose statements have five pages of rows, and the crowd before it."""
    gateway = bench.before(bench.fake(), log={"level": "warning"}, limits={"remembered": "1s"})
    many = Many(gateway.front, CONNECTIONS, text="SELECT rows 5")
    yield gateway, many
    many.close()


def settle(gateway):
    """Waits until the last record is written, and answers the resident bytes then."""
    eventually(lambda: not gateway.admin.statements("?state=running&limit=1"), within=30)
    return gateway.program.resident_bytes()


@pytest.mark.slow
def test_memory_grows_with_the_statements_in_flight_and_not_with_those_that_ended(many):
    gateway, many = many
    many.submit(CONNECTIONS, pages=2)
    many.finish()
    held = [settle(gateway)]
    for _ in range(2):
        many.submit(STATEMENTS // 2)
        # Once each on some connection, which may belong to another loop.
        many.poll(len(many.due))
        held.append(gateway.program.resident_bytes())
    in_flight = gateway.admin.pool("blue")["in_flight"]
    assert in_flight["queued"] + in_flight["running"] == STATEMENTS
    assert held[1] - held[0] < STATEMENTS // 2 * EACH + SLACK, held
    assert held[2] - held[1] < 2 * max(held[1] - held[0], 0) + SLACK, held

    rounds = []
    for _ in range(3):
        many.finish()
        assert gateway.admin.pool("blue")["in_flight"] == {"waiting": 0, "queued": 0, "running": 0, "presumed": 0}
        rounds.append(settle(gateway))
        many.submit(STATEMENTS, pages=1)
    many.finish()
    print("KiB with 0, half, all in flight:", [one >> 10 for one in held],
          "after rounds:", [one >> 10 for one in rounds])
    assert rounds[-1] < rounds[0] + SLACK, rounds
    assert not many.errors, many.errors
    assert many.ended == CONNECTIONS + 4 * STATEMENTS


@pytest.mark.slow
def test_nobody_waits_while_the_gateway_is_looked_at_and_flipped(bench):
    """A crowd polls on while status, metrics, lists and flips are asked for: nothing fails, and nobody is mixed up."""
    gateway = bench.between(bench.fake("blue-1"), bench.fake("green-1"), log={"level": "warning"})
    many = Many(gateway.front, CONNECTIONS, text="SELECT rows 5")
    many.submit(STATEMENTS)
    stop, seen = threading.Event(), []

    def look():
        while not stop.is_set():
            gateway.admin.flip("green" if len(seen) % 8 == 0 else "blue")
            for target in ("/v1/status", "/v1/groups/default", "/v1/statements?limit=1000", "/metrics"):
                seen.append(gateway.admin.ask("GET", target).status)
    looking = threading.Thread(target=look)
    looking.start()
    many.submit(STATEMENTS, pages=1)
    many.finish()
    stop.set()
    looking.join()
    many.close()
    assert not many.errors, many.errors
    assert many.ended == 2 * STATEMENTS and set(seen) == {200}


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="some minutes: PENSTOCK_MEASURES=full")
def test_the_large_form():
    done = subprocess.run(
        [sys.executable, ROOT / "Tests/Benchmarks/scale.py", "flight", "million", "--binary", BINARY], check=False)
    assert done.returncode == 0
