"""What many statements leave behind in the gateway's memory: nothing that grows with them."""

import threading

import pytest

from kit.measures import FULL
from kit.protocol import execute, submit, user_headers
from kit.rawhttp import ask

STATEMENTS = 5000 if FULL else 400
# What an allocator keeps back from one round to the next.
SLACK = 6 << 20


def run(gateway, count):
    """Statements to their end, by 8 clients; every tenth is canceled."""
    problems = []

    def work(number):
        for turn in range(count // 8):
            headers = user_headers(f"user{number}")
            if turn % 10 == 0:
                target = "/v1/query/" + submit(gateway.front, "SELECT 1", headers).json()["id"]
                if ask(gateway.front, "DELETE", target).status != 204:
                    problems.append(target)
                continue
            outcome = execute(gateway.front, f"SELECT {turn}", headers)
            if outcome.failure:
                problems.append(outcome.failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[:3]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_statements_that_ended(bench):
    gateway = bench.before(bench.fake(), limits={"remembered": "1s"})
    run(gateway, 2 * STATEMENTS)
    before = gateway.program.resident_bytes()
    for _ in range(2):
        run(gateway, STATEMENTS)
    after = gateway.program.resident_bytes()
    print(f"{before >> 10} KiB after {2 * STATEMENTS} statements, {after >> 10} KiB after {4 * STATEMENTS}")
    assert after < before + SLACK
