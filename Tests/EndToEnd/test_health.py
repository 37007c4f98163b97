"""Which coordinators get something new: the prober's view, and what a connect says before the prober knows."""

import json
import time

import pytest

from kit.fakes import text_response
from kit.protocol import Outcome, execute, follow, submit
from kit.rawhttp import ask
from kit.settings import group, pool
from kit.waiting import eventually


@pytest.fixture
def two(bench):
    """Two coordinators in one pool, and their gateway."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    return bench.before(first, second), first, second


def only(gateway, name, turns=6):
    """Asserts that everything new goes to one coordinator."""
    assert {execute(gateway.front, f"SELECT {turn}").coordinator for turn in range(turns)} == {name}


def test_a_starting_coordinator_gets_nothing(two):
    gateway, first, _ = two
    first.starting = True
    gateway.wait_for_health("blue-1", "starting")
    only(gateway, "blue-2")
    first.starting = False
    gateway.wait_for_health("blue-1", "ready")
    # It starts slowly: one statement in five at first.
    assert {submit(gateway.front, f"SELECT {turn}").header("X-Penstock-Coordinator") for turn in range(20)} == {
        "blue-1", "blue-2"}


@pytest.mark.parametrize("state", ["SHUTTING_DOWN", "INACTIVE"])
def test_a_coordinator_that_shuts_down_gets_nothing_new(two, state):
    gateway, first, _ = two
    first.state = state
    gateway.wait_for_health("blue-1", "shutting-down", "down")
    only(gateway, "blue-2")


def test_a_shutting_down_presto_coordinator(bench):
    first, second = bench.fake("blue-1", dialect="presto"), bench.fake("blue-2", dialect="presto")
    gateway = bench.before(first, second, pool_settings={"dialect": "presto"})
    first.state = "SHUTTING_DOWN"
    gateway.wait_for_health("blue-1", "shutting-down")
    only(gateway, "blue-2")


def test_a_frozen_coordinator_gets_nothing(two):
    gateway, first, _ = two
    first.freeze()
    gateway.wait_for_health("blue-1", "down")
    only(gateway, "blue-2")
    first.unfreeze()
    gateway.wait_for_health("blue-1", "ready")


def test_a_coordinator_that_is_gone(two):
    gateway, first, _ = two
    first.stop()
    gateway.wait_for_health("blue-1", "down")
    only(gateway, "blue-2")
    first.start()
    gateway.wait_for_health("blue-1", "ready")


@pytest.mark.parametrize("dialect", ["trino", "presto"])
def test_a_coordinator_without_workers_gets_nothing(bench, dialect):
    first, second = bench.fake("blue-1", dialect=dialect), bench.fake("blue-2", dialect=dialect)
    first.workers = second.workers = 3
    gateway = bench.before(first, second, pool_settings={"dialect": dialect})
    eventually(lambda: [entry["workers"] for entry in gateway.admin.pool("blue")["coordinators"]] == [3, 3])
    first.workers = 0
    gateway.wait_for_health("blue-1", "no-workers")
    only(gateway, "blue-2")
    first.workers = 1
    gateway.wait_for_health("blue-1", "ready")


def test_workers_that_nobody_counts_are_there(two):
    gateway, _, _ = two
    assert [entry["health"] for entry in gateway.admin.pool("blue")["coordinators"]] == ["ready", "ready"]
    assert [entry["workers"] for entry in gateway.admin.pool("blue")["coordinators"]] == [None, None]


def test_workers_are_not_asked_for_where_the_settings_say_so(bench):
    fake = bench.fake()
    fake.workers = 0
    probe = {"path": "/v1/info", "interval": "200ms", "timeout": "500ms", "fall": 2, "rise": 1, "workers": "off"}
    gateway = bench.before(fake, pool_settings={"probe": probe})
    gateway.wait_for_health("blue-1", "ready")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]


def test_a_probe_of_another_path_asks_only_for_200(bench):
    fake = bench.fake()
    fake.starting = True
    fake.on("GET", "^/healthz$", text_response(200, "fine"))
    probe = {"path": "/healthz", "interval": "200ms", "timeout": "500ms", "fall": 2, "rise": 1}
    gateway = bench.before(fake, pool_settings={"probe": probe})
    gateway.wait_for_health("blue-1", "ready")
    fake.off()
    gateway.wait_for_health("blue-1", "down")


def test_no_coordinator_left(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, limits={"wait_for_coordinator": "1s"})
    first.starting = second.starting = True
    gateway.wait_for_health("blue-1", "starting")
    gateway.wait_for_health("blue-2", "starting")
    outcome = execute(gateway.front, "SELECT 1")
    assert outcome.error_name == "PENSTOCK_NO_COORDINATOR"
    assert not first.seen("POST") and not second.seen("POST")


def test_probes_touch_no_statement(two):
    gateway, first, second = two
    submit(gateway.front, "SELECT 1")
    eventually(lambda: len(first.seen("GET", "^/v1/info$")) > 5)
    assert not [request for fake in (first, second) for request in fake.seen("GET", "^/v1/statement")]


def test_a_dead_coordinator_that_the_prober_has_not_noticed(bench):
    """A connect that reaches nobody goes elsewhere at once: no client sees it."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    slow = {"path": "/v1/info", "interval": "10s", "timeout": "500ms", "fall": 3, "rise": 1}
    gateway = bench.before(first, second, pool_settings={"probe": slow})
    first.stop()
    for turn in range(6):
        outcome = execute(gateway.front, f"INSERT INTO t VALUES ({turn})")
        assert outcome.error is None and outcome.failure is None and outcome.coordinator == "blue-2"
    assert len(second.statements_seen()) == 6


def test_a_dead_coordinator_on_a_pool_that_starts_with_the_post(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    slow = {"path": "/v1/info", "interval": "10s", "timeout": "500ms", "fall": 3, "rise": 1}
    gateway = bench.before(first, second, pool_settings={"probe": slow, "starts": "post"})
    first.stop()
    for turn in range(4):
        assert execute(gateway.front, f"INSERT INTO t VALUES ({turn})").coordinator == "blue-2"


def test_running_statements_go_on_while_nothing_new_comes(two):
    gateway, first, _ = two
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT rows 5"))
    where = next(fake for fake in two[1:] if fake.name == outcome.coordinator)
    where.state = "SHUTTING_DOWN"
    gateway.wait_for_health(where.name, "shutting-down")
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3], [4]]


def test_a_host_name_is_resolved(bench):
    fake = bench.fake()
    gateway = bench.gateway(group(pool("blue", ("blue-1", f"http://localhost:{fake.port}"))))
    gateway.wait_for_health("blue-1", "ready")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]
    assert fake.seen("POST")[-1].header("Host") == f"localhost:{fake.port}"


def test_an_ipv6_coordinator(bench):
    fake = bench.fake(host="::1")
    gateway = bench.before(fake)
    gateway.wait_for_health("blue-1", "ready")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]
    assert fake.seen("POST")[-1].header("Host") == f"[::1]:{fake.port}"


def test_a_name_that_does_not_resolve_is_not_ready(bench):
    gateway = bench.gateway(group(pool("blue", ("blue-1", "http://no-such-host.invalid:8080"))), settle=False,
                            limits={"wait_for_coordinator": "1s"})
    assert execute(gateway.front, "SELECT 1").error_name == "PENSTOCK_NO_COORDINATOR"
    assert gateway.admin.coordinator("blue-1")["health"] in ("unknown", "down")


SHIPPED_PROBE = {"path": "/v1/info", "interval": "2s", "timeout": "1500ms", "fall": 3, "rise": 2, "workers": "auto"}


def script(step, deed, **more):
    return {"faults": [{"step": step, "do": deed, **more}]}


# Faults of an embedded coordinator, and the health that shows them. `lose_workers`, `die` and `freeze` act on the first
# request that comes, which is a probe.
WAYS_TO_BE_AWAY = {
    "no workers": ({"workers": 0}, "no-workers"),
    "workers lost": (script("any", "lose_workers"), "no-workers"),
    "frozen": (script("any", "freeze"), "down"),
    "hanging": (script("info", "hang"), "down"),
    "starting": ({"starting_ms": 600_000}, "starting"),
    "restarting": (script("any", "restart", starting_ms=600_000, times=1), "starting"),
    "shutting down": ({"state": "SHUTTING_DOWN"}, "shutting-down"),
    "inactive": ({"state": "INACTIVE"}, "shutting-down"),
    "refusing": (script("any", "die"), "down"),
    "killed": (None, "down"),
    "unwell": (script("info", "status", status=503), "down"),
}


def test_every_way_to_be_away_is_noticed_within_8_s(bench):
    """With the settings as they are shipped."""
    coordinators = {way: bench.coordinator(f"blue-{number}") for number, way in enumerate(WAYS_TO_BE_AWAY, 1)}
    stays = bench.coordinator("stays")
    gateway = bench.before(*coordinators.values(), stays, pool_settings={"probe": SHIPPED_PROBE})
    for coordinator in coordinators.values():
        gateway.wait_for_health(coordinator.name, "ready")
    begun = {}
    for way, (faults, _) in WAYS_TO_BE_AWAY.items():
        begun[way] = time.monotonic()
        if faults is None:
            coordinators[way].kill()
        else:
            reply = ask(coordinators[way].address, "PUT", "/-/faults", {}, json.dumps(faults))
            assert reply.status == 204, reply
    noticed = {}

    def all_noticed():
        entries = {entry["name"]: entry for entry in gateway.admin.get("/v1/coordinators")["items"]}
        for way, (_, health) in WAYS_TO_BE_AWAY.items():
            entry = entries[coordinators[way].name]
            if way not in noticed and entry["health"] == health:
                assert entry["reason"], entry
                noticed[way] = time.monotonic() - begun[way]
        assert set(noticed) == set(WAYS_TO_BE_AWAY), entries
        return True

    eventually(all_noticed, within=10)
    assert all(took < 8 for took in noticed.values()), noticed
    only(gateway, "stays", turns=30)


def test_a_coordinator_says_why_it_is_away(two):
    gateway, first, _ = two
    first.state = "INACTIVE"
    gateway.wait_for_health("blue-1", "shutting-down")
    entry = gateway.admin.coordinator("blue-1")
    assert entry["reason"] == "it says that its state is INACTIVE" and entry["until"] is None
    assert "its state is INACTIVE" in gateway.command("coordinators").stdout


def test_a_coordinator_that_is_back_gets_a_growing_share(two):
    gateway, first, _ = two
    first.starting = True
    gateway.wait_for_health("blue-1", "starting")
    first.starting = False
    gateway.wait_for_health("blue-1", "ready")
    entry = gateway.admin.coordinator("blue-1")
    assert "back" in entry["reason"] and entry["until"]
    given = [submit(gateway.front, f"SELECT {turn}").header("X-Penstock-Coordinator") for turn in range(40)]
    # Without measure it would get every second one.
    assert 2 <= given.count("blue-1") <= 15


def test_two_that_are_back_share_everything(two):
    gateway, first, second = two
    first.starting = second.starting = True
    gateway.wait_for_health("blue-1", "starting")
    gateway.wait_for_health("blue-2", "starting")
    first.starting = second.starting = False
    gateway.wait_for_health("blue-1", "ready")
    gateway.wait_for_health("blue-2", "ready")
    given = [submit(gateway.front, f"SELECT {turn}").header("X-Penstock-Coordinator") for turn in range(20)]
    assert min(given.count("blue-1"), given.count("blue-2")) >= 4


# A budget that nobody spends: here only health decides.
MANY_RETRIES = {"budget": {"share": 1.0, "floor": 100_000, "window": "60s"}}
NO_WORKERS = ("GENERIC_INSUFFICIENT_RESOURCES", "INSUFFICIENT_RESOURCES", 131072,
              "Insufficient active worker nodes. Waited 5.00m for at least 1 workers, but only 0 workers are active")


def test_a_coordinator_that_fails_what_it_gets_is_ejected(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, retries=MANY_RETRIES)
    first.on("POST", "^/v1/statement$", text_response(503, "busy"))
    for turn in range(100):
        outcome = execute(gateway.front, f"SELECT {turn}")
        assert outcome.coordinator == "blue-2" and outcome.error is None and outcome.failure is None
        if gateway.admin.coordinator("blue-1")["health"] == "ejected":
            break
    entry = gateway.admin.coordinator("blue-1")
    assert entry["health"] == "ejected" and "statements failed" in entry["reason"] and entry["until"]
    given = len(first.seen("POST"))
    only(gateway, "blue-2", turns=20)
    assert len(first.seen("POST")) == given
    assert "ejected" in gateway.command("coordinators").stdout
    # It is back at once when nobody else is left.
    second.starting = True
    gateway.wait_for_health("blue-1", "ready")


@pytest.mark.parametrize("workers", [None, 2], ids=["unknown", "known"])
def test_an_error_for_want_of_workers_condemns(bench, workers):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    first.workers = second.workers = workers
    slow = {**SHIPPED_PROBE, "interval": "1s"}
    gateway = bench.before(first, second, retries=MANY_RETRIES, pool_settings={"probe": slow})
    name, kind, code, message = NO_WORKERS
    first.plan = first.failing_plan(name, kind, code, message)
    outcomes = [execute(gateway.front, f"SELECT {turn}") for turn in range(2)]
    assert all(outcome.error is None and outcome.coordinator == "blue-2" for outcome in outcomes)
    gateway.wait_for_health("blue-1", "no-workers", within=1)
    assert bool(gateway.admin.coordinator("blue-1")["until"]) == (workers is None)
    if workers:
        # Its own word is newer than the error.
        gateway.wait_for_health("blue-1", "ready")
    else:
        only(gateway, "blue-2", turns=10)


def test_the_first_failure_asks_for_a_probe(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second, pool_settings={"probe": {**SHIPPED_PROBE, "interval": "1m"}})
    first.stop()
    for turn in range(2):
        assert execute(gateway.front, f"SELECT {turn}").coordinator == "blue-2"
    gateway.wait_for_health("blue-1", "down", within=4)
