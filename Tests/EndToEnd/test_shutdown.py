"""Start and stop: ready when it accepts, TERM with delay and grace, one line per finished statement."""

import json
import signal
import threading
import time

from kit.fakes import SILENCE
from kit.gateway import Gateway
from kit.processes import BINARY, Program
from kit.protocol import Outcome, execute, follow, submit
from kit.rawhttp import Connection, ask, split_url
from kit.settings import gateway_settings, group, pool
from kit.waiting import eventually


def test_ready_when_it_accepts(bench):
    gateway = bench.before(bench.fake(), settle=False)
    assert ask(gateway.front, "GET", "/-/healthy").status == 200
    eventually(lambda: ask(gateway.front, "GET", "/-/ready").status == 200)


def test_term_says_not_ready_but_accepts_for_a_while(bench):
    gateway = bench.before(bench.fake(), shutdown={"delay": "2s", "grace": "5s"})
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT rows 2"))
    gateway.program.signal(signal.SIGTERM)
    eventually(lambda: ask(gateway.front, "GET", "/-/ready").status == 503, within=2)
    assert ask(gateway.admin.where, "GET", "/-/ready").status == 503
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]], "still accepting"
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1]]
    assert gateway.program.wait(within=15) == 0


def test_after_the_delay_connections_close_with_their_answer(bench):
    fake = bench.fake()
    gateway = bench.before(fake, shutdown={"delay": "0s", "grace": "2s"})
    fake.on("POST", "^/v1/statement$", lambda request: time.sleep(1))
    replies = []

    def work():
        with Connection(gateway.front) as connection:
            replies.append(connection.request("POST", "/v1/statement", {"X-Trino-User": "t"}, "SELECT 1"))
    worker = threading.Thread(target=work)
    worker.start()
    eventually(lambda: fake.seen("POST"))
    gateway.program.signal(signal.SIGTERM)
    worker.join(10)
    assert replies and replies[0].status == 200
    assert (replies[0].header("Connection") or "").lower() == "close"
    assert gateway.program.wait(within=10) == 0


def test_the_grace_is_bounded(bench):
    fake = bench.fake()
    gateway = bench.before(fake, shutdown={"delay": "0s", "grace": "1s"})
    fake.on("POST", "^/v1/statement$", SILENCE)
    with Connection(gateway.front) as connection:
        connection.send_head("POST", "/v1/statement", {"X-Trino-User": "t", "Content-Length": "8"})
        connection.send(b"SELECT 1")
        eventually(lambda: fake.seen("POST"))
        begun = time.monotonic()
        gateway.program.signal(signal.SIGTERM)
        assert gateway.program.wait(within=10) == 0
        assert time.monotonic() - begun < 6


def test_a_second_signal_ends_at_once(bench):
    gateway = bench.before(bench.fake(), shutdown={"delay": "30s", "grace": "30s"})
    gateway.program.signal(signal.SIGTERM)
    eventually(lambda: ask(gateway.front, "GET", "/-/ready").status == 503)
    begun = time.monotonic()
    gateway.program.signal(signal.SIGINT)
    gateway.program.wait(within=5)
    assert time.monotonic() - begun < 3


def test_idle_keep_alive_clients_hold_up_nothing(bench):
    gateway = bench.before(bench.fake(), shutdown={"delay": "0s", "grace": "10s"})
    with Connection(gateway.front) as connection:
        assert connection.request("GET", "/-/healthy").status == 200
        begun = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - begun < 5


def test_one_line_per_finished_statement(bench):
    gateway = bench.before(bench.fake())
    outcome = execute(gateway.front, "SELECT rows 2")

    def line():
        return next((json.loads(text) for text in gateway.program.lines
                     if text.startswith("{") and outcome.statement in text), None)
    entry = eventually(line)
    assert "tester" in entry.values() and "blue-1" in entry.values()
    gateway.stop()
    lines = [text for text in gateway.program.lines if outcome.statement in text]
    assert len(lines) == 1
    assert all(json.loads(text) for text in gateway.program.lines if text.startswith("{"))


def test_an_address_that_is_taken(bench, tmp_path):
    gateway = bench.before(bench.fake())
    directory = tmp_path / "other"
    directory.mkdir()
    settings = gateway_settings(directory / "state", group(pool("blue")), listen={"port": gateway.front[1]})
    program = Gateway(directory, settings).launch()
    assert program.wait() == 1
    assert str(gateway.front[1]) in program.output


def test_start_and_stop_many_times(bench):
    gateway = bench.before(bench.fake())
    for _ in range(5):
        assert execute(gateway.front, "SELECT rows 1").rows == [[0]]
        assert gateway.stop() == 0
        gateway.restart().settle()


def test_a_peer_that_resets_does_not_end_the_gateway(bench):
    """SIGPIPE is ignored."""
    gateway = bench.before(bench.fake())
    for _ in range(20):
        connection = Connection(gateway.front)
        connection.send(b"GET /v1/info HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        connection.reset()
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]


def test_many_connections_come_and_go(bench):
    gateway = bench.before(bench.fake())
    before = gateway.program.resident_bytes()
    for _ in range(5):
        connections = [Connection(gateway.front) for _ in range(200)]
        for connection in connections[::10]:
            assert connection.request("GET", "/-/healthy").status == 200
        for connection in connections:
            connection.close()
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]
    assert gateway.program.resident_bytes() - before < 32 << 20


def test_at_the_bound_of_connections_the_listener_rests(bench):
    gateway = bench.before(bench.fake(), limits={"client_connections": 20})
    held = [Connection(gateway.front) for _ in range(20)]
    for connection in held:
        assert connection.request("GET", "/-/healthy").status == 200
    late = Connection(gateway.front, timeout=10)
    late.send_head("GET", "/-/healthy")
    for connection in held:
        connection.close()
    assert late.read_reply().status == 200, "it is served when there is room again"


def test_the_program_ends_on_int_too(bench, tmp_path):
    program = bench.keep(Stoppable(Program(
        [BINARY, "serve", "--set", "listen.port=0", "--set", "admin.port=0", "--set", "shutdown.delay=0s",
         "--set", f"state.directory={tmp_path}/state"]))).program
    program.wait_for_line("listening admin")
    program.signal(signal.SIGINT)
    assert program.wait(within=10) == 0


class Stoppable:
    """A program that the bench ends."""

    def __init__(self, program):
        self.program = program

    def stop(self):
        self.program.kill()


def test_uris_of_before_are_known_while_it_stops(bench):
    gateway = bench.before(bench.fake(), shutdown={"delay": "3s", "grace": "3s"})
    page = submit(gateway.front, "SELECT rows 1").json()
    gateway.program.signal(signal.SIGTERM)
    assert ask(gateway.front, "GET", split_url(page["nextUri"])[1]).status == 200
    gateway.program.signal(signal.SIGTERM)
    gateway.program.wait(within=5)
