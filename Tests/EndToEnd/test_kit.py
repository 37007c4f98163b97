"""The kit judged by itself: real clients understand the scripted coordinator, the HTTP client sees what was sent."""

import prestodb
import pytest
import trino

from kit.fakes import CLOSE, RESET, FakeCoordinator, Response
from kit.rawhttp import Cut, ask
from kit.protocol import execute, follow, Outcome, submit
from kit.settings import yaml


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_statement_runs_on_the_fake(bench, framing):
    fake = bench.fake()
    fake.framing = framing
    outcome = execute(fake.address, "SELECT rows 5")
    assert outcome.rows == [[0], [1], [2], [3], [4]]
    assert outcome.error is None


def test_real_clients_run_on_the_fake(bench):
    fake = bench.fake()
    for module in (trino, prestodb):
        connection = module.dbapi.connect(host="127.0.0.1", port=fake.port, user="tester", http_scheme="http")
        cursor = connection.cursor()
        cursor.execute("SELECT rows 3")
        assert cursor.fetchall() == [[0], [1], [2]]


def test_presto_pages_escape_and_end_in_a_newline(bench):
    fake = bench.fake(dialect="presto")
    outcome = execute(fake.address, "SELECT rows 2")
    assert outcome.rows == [[0], [1]]
    assert outcome.last.body.endswith(b"}\n")


def test_cuts_and_resets_are_seen(bench):
    fake = bench.fake()
    fake.on("GET", "^/cut", Response(body=b"x" * 1000, cut_after=100), times=1)
    with pytest.raises(Cut) as cut:
        ask(fake.address, "GET", "/cut")
    assert cut.value.partial == b"x" * 100
    fake.on("GET", "^/none", RESET)
    with pytest.raises(Cut):
        ask(fake.address, "GET", "/none")
    fake.on("GET", "^/closed", CLOSE)
    with pytest.raises(Cut):
        ask(fake.address, "GET", "/closed")


def test_a_new_incarnation_forgets(bench):
    fake = bench.fake()
    outcome = Outcome()
    next_uri = outcome.take(submit(fake.address, "SELECT rows 2"))
    fake.restart()
    follow(outcome, next_uri)
    assert outcome.failure.status == 404


def test_buenavista_answers(shared):
    engine = shared.buenavista()
    assert execute(engine.address, "SELECT 6 * 7 AS a").rows == [[42]]


def test_settings_are_written_as_blocks():
    text = yaml({"a": {"b": [{"c": 1, "d": []}, "e"]}, "f": None})
    assert text == 'a:\n  b:\n    - c: 1\n      d: []\n    - "e"\nf: null'


def test_the_fake_keeps_what_it_saw():
    with FakeCoordinator() as fake:
        execute(fake.address, "SELECT 1")
        assert fake.statements_seen() == {"SELECT 1": 1}
