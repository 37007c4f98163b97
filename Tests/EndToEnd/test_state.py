"""What survives: kill -9 at any moment, a full or read-only disk, a second gateway on the same state."""

import contextlib
import os
import random
import subprocess
import threading
import time

import pytest

from kit.fakes import column
from kit.gateway import Gateway
from kit.measures import FULL
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import ask, split_url
from kit.settings import gateway_settings, group, pool
from kit.waiting import eventually


@pytest.fixture
def two(bench):
    fakes = [bench.fake("blue-1"), bench.fake("green-1")]
    for fake in fakes:
        fake.plan = lambda sql, name=fake.name: [{"columns": [column("c", "varchar")], "data": [[name]]}] * 3
    return bench.between(*fakes), *fakes


def running(gateway, pages, sql="SELECT 1"):
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql))
    return outcome, follow(outcome, next_uri, pages=pages)


def test_the_same_pool_is_active_after_a_kill(two):
    gateway, _, _ = two
    epoch = gateway.admin.flip("green")["epoch"]
    gateway.kill()
    gateway.restart().settle()
    assert gateway.admin.group()["active"] == "green" and gateway.admin.group()["epoch"] == epoch
    assert execute(gateway.front, "SELECT 1").pool == "green"
    assert gateway.admin.get("/v1/groups/default/flips")["items"][0]["to"] == "green"


@pytest.mark.parametrize("pages", [0, 1, 3])
def test_polls_go_on_after_a_kill(two, pages):
    gateway, _, _ = two
    outcome, next_uri = running(gateway, pages)
    gateway.kill()
    gateway.restart().settle()
    follow(outcome, next_uri)
    assert outcome.rows == [["blue-1"]] * 3 and outcome.error is None and outcome.failure is None


def test_an_adopted_statement_completes_its_record(two):
    gateway, _, _ = two
    outcome, next_uri = running(gateway, 2)
    own_id = outcome.statement
    eventually(lambda: gateway.admin.statement(own_id)["state"] in ("queued", "running"))
    time.sleep(0.3)
    gateway.kill()
    gateway.restart().settle()
    follow(outcome, next_uri)
    record = eventually(lambda: ended(gateway, own_id))
    assert record["state"] == "finished" and record["query_ids"] == [outcome.id]
    assert record["user"] == "tester" and record["attempts"][0]["query_id"] == outcome.id


def ended(gateway, own_id):
    record = gateway.admin.statement(own_id)
    return record if record["ended"] else None


def test_what_may_still_run_is_presumed(two):
    """No drain looks done too early after a crash."""
    gateway, _, _ = two
    outcome, next_uri = running(gateway, 2)
    eventually(lambda: gateway.admin.statement(outcome.statement)["state"] in ("queued", "running"))
    time.sleep(0.3)
    gateway.kill()
    gateway.restart().settle()
    blue = gateway.admin.pool("blue")
    assert blue["in_flight"]["presumed"] == 1
    gateway.admin.flip("green")
    assert gateway.admin.pool("blue")["drain"] in ("draining", "unknown")
    follow(outcome, next_uri)
    assert outcome.rows == [["blue-1"]] * 3
    eventually(lambda: sum(gateway.admin.pool("blue")["in_flight"].values()) == 0)


def test_a_statement_canceled_before_the_kill_stays_canceled(two):
    gateway, blue, _ = two
    outcome, next_uri = running(gateway, 1, "INSERT INTO t VALUES (1)")
    target = split_url(next_uri)[1]
    assert ask(gateway.front, "DELETE", target).status == 204
    gateway.kill()
    gateway.restart().settle()
    polls = len(blue.seen("GET", outcome.id))
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and reply.json()["error"]["errorName"] == "USER_CANCELED"
    assert len(blue.seen("GET", outcome.id)) == polls, "a canceled write is never polled again"


def test_tags_of_before_hold_after_a_clean_stop(two):
    gateway, _, _ = two
    outcome, next_uri = running(gateway, 1)
    assert gateway.stop() == 0
    gateway.restart().settle()
    follow(outcome, next_uri)
    assert outcome.rows == [["blue-1"]] * 3


KILLS = 20 if FULL else 6


@pytest.mark.slow
def test_kills_under_load(two):
    """Killed again and again under load: every statement that was submitted ends well, no write is doubled, the same
    pool stays active, the records of those that ran across a kill are completed."""
    gateway, *fakes = two
    for fake in fakes:
        fake.hold = 0.005
    gateway.admin.flip("green")
    stop, problems, done, kills = threading.Event(), [], [], []

    def patient(call):
        """What a client does that retries: until the gateway is there again."""
        deadline = time.monotonic() + 30
        while True:
            try:
                return call()
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def work(number):
        turn = 0
        while not stop.is_set():
            turn += 1
            sql = f"INSERT INTO t VALUES ({number}, {turn})"
            begun = time.monotonic()
            outcome = Outcome()
            try:
                next_uri = outcome.take(submit(gateway.front, sql, user_headers(f"user{number}")))
            except Exception:
                continue  # not answered: nobody was promised anything
            while next_uri:
                reply = patient(lambda uri=next_uri: ask(gateway.front, "GET", split_url(uri)[1]))
                next_uri = outcome.take(reply)
            if outcome.rows == [["green-1"]] * 3:
                done.append((begun, time.monotonic(), outcome.statement))
            else:
                problems.append((sql, outcome.error, outcome.failure))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    generator = random.Random(7)
    for _ in range(KILLS):
        time.sleep(generator.uniform(0.3, 0.8))
        kills.append(time.monotonic())
        gateway.kill()
        gateway.restart()
        assert gateway.admin.group()["active"] == "green"
    gateway.settle()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not problems, problems[:3]
    assert len(done) > 50
    assert not fakes[0].seen("POST"), "nothing went to the pool that is not active"
    doubled = [text for text, count in fakes[1].statements_seen().items() if count > 1]
    assert not doubled, doubled[:3]
    # Records are written behind: what ended just before a kill may be without its end.
    crossed = [own_id for begun, end, own_id in done
               if any(begun < kill < end for kill in kills) and not any(end <= kill < end + 1 for kill in kills)]
    assert crossed
    for own_id in crossed:
        assert eventually(lambda own_id=own_id: ended(gateway, own_id))["state"] == "finished"
    print(f"{len(done)} statements, {len(kills)} kills, {len(crossed)} records completed across a kill")


def test_a_second_gateway_on_the_same_state_is_refused(two):
    gateway, _, _ = two
    directory = gateway.directory.parent / "second"
    directory.mkdir()
    second = Gateway(directory, gateway.settings)
    program = second.launch()
    assert program.wait() == 1
    assert str(gateway.program.pid) in program.output or "another" in program.output.lower(), program.output
    assert execute(gateway.front, "SELECT 1").error is None


def test_files_of_the_state_are_private(two):
    gateway, _, _ = two
    for entry in gateway.state.iterdir():
        if entry.is_file():
            assert entry.stat().st_mode & 0o077 == 0, entry


def test_secrets_are_never_stored_or_logged(two):
    gateway, _, _ = two
    secret = "hunter2hunter2"
    headers = {**user_headers(), "Authorization": f"Basic {secret}", "Cookie": f"session={secret}",
               "X-Trino-Extra-Credential": f"password={secret}"}
    outcome = execute(gateway.front, "SELECT 1", headers)
    slug = split_url(outcome.first.json()["nextUri"])[1].split("/")[5]
    eventually(lambda: gateway.admin.statement(outcome.statement)["ended"])
    gateway.stop()
    for place in [gateway.program.output.encode(), *(entry.read_bytes() for entry in gateway.state.rglob("*")
                                                     if entry.is_file() and entry.name != "admin.token")]:
        assert secret.encode() not in place and slug.encode() not in place


def immutable_by_mount(path):
    """Makes a directory read-only even for root, where the machine lets us."""
    first = subprocess.run(["mount", "--bind", path, path], capture_output=True, check=False)
    if first.returncode:
        return False
    return subprocess.run(["mount", "-o", "remount,ro,bind", path], capture_output=True, check=False).returncode == 0


def small_disk(path, megabytes=4):
    path.mkdir(exist_ok=True)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path],
                          capture_output=True, check=False).returncode == 0


def test_a_full_disk_refuses_flips_and_routes_on(bench, tmp_path):
    state = tmp_path / "gateway" / "state"
    state.parent.mkdir()
    if os.geteuid() != 0 or not small_disk(state):
        pytest.skip("cannot make a small disk here")
    fakes = [bench.fake("blue-1"), bench.fake("green-1")]
    settings = gateway_settings(state, group(pool("blue", fakes[0]), pool("green", fakes[1])))
    gateway = bench.keep(Gateway(state.parent, settings)).start().settle()
    try:
        with open(state / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        for turn in range(20):
            assert execute(gateway.front, f"SELECT rows {turn % 3 + 1}").error is None
        reply = gateway.admin.ask("POST", "/v1/groups/default/flip", {"to": "green"})
        assert reply.status == 409 and reply.json()["guard"] == "store-away", reply
        assert gateway.admin.group()["active"] == "blue"
        assert eventually(lambda: gateway.admin.get("/v1/status")["warnings"])
        os.remove(state / "ballast")
        eventually(lambda: gateway.admin.ask("POST", "/v1/groups/default/flip", {"to": "green"}).status == 200)
    finally:
        gateway.kill()
        subprocess.run(["umount", "-l", state], capture_output=True, check=False)


def test_a_read_only_directory_at_start(two):
    """Started on a state it may only read: it routes as the state says, refuses flips, and says why."""
    gateway, _, _ = two
    gateway.admin.flip("green")
    outcome, next_uri = running(gateway, 1)
    gateway.stop()
    if os.geteuid() != 0 or not immutable_by_mount(gateway.state):
        pytest.skip("cannot make a directory read-only here")
    try:
        gateway.restart().settle()
        assert gateway.admin.group()["active"] == "green"
        assert execute(gateway.front, "SELECT 1").rows == [["green-1"]] * 3
        follow(outcome, next_uri)
        assert outcome.rows == [["green-1"]] * 3, "its tag still holds"
        reply = gateway.admin.ask("POST", "/v1/groups/default/flip", {"to": "blue"})
        assert reply.status == 409 and reply.json()["guard"] == "store-away"
        assert gateway.admin.get("/v1/status")["warnings"]
    finally:
        gateway.kill()
        subprocess.run(["umount", "-l", gateway.state], capture_output=True, check=False)


def test_keys_that_cannot_be_read_at_start(two):
    gateway, _, _ = two
    gateway.stop()
    for entry in gateway.state.iterdir():
        if entry.is_file() and entry.read_bytes()[:6] == b"SQLite":
            entry.write_bytes(b"this is no database" * 1000)
    program = gateway.launch()
    assert program.wait() == 1
    assert str(gateway.state) in program.output, program.output


def test_history_outlives_the_gateway(two):
    gateway, _, _ = two
    own_ids = [execute(gateway.front, f"SELECT {turn}").statement for turn in range(5)]
    eventually(lambda: all(gateway.admin.statement(own_id)["ended"] for own_id in own_ids))
    gateway.stop()
    gateway.restart()
    assert [item["id"] for item in gateway.admin.statements("?limit=5")] == own_ids[::-1]


def test_only_a_poll_or_a_cancel_adopts(two):
    """A HEAD of a statement that ended before the kill must not count as one that may still run."""
    gateway, _, _ = two
    outcome, next_uri = running(gateway, 3)
    follow(outcome, next_uri)
    assert outcome.rows == [["blue-1"]] * 3
    eventually(lambda: ended(gateway, outcome.statement))
    gateway.kill()
    gateway.restart().settle()
    eventually(lambda: sum(gateway.admin.pool("blue")["in_flight"].values()) == 0)
    ask(gateway.front, "HEAD", split_url(next_uri)[1])
    ask(gateway.front, "PUT", split_url(next_uri)[1])
    assert sum(gateway.admin.pool("blue")["in_flight"].values()) == 0
