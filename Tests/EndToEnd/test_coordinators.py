"""Registrations by API: added, drained, taken back, removed, and what becomes of the statements on them."""

import pytest

from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import ask, split_url
from kit.waiting import eventually


@pytest.fixture
def two(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    return bench.before(first, second), first, second


def running(gateway, sql="SELECT rows 4", pages=2):
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql))
    return outcome, follow(outcome, next_uri, pages=pages)


def test_a_drained_coordinator_gets_nothing_new_and_finishes_what_it_has(two):
    gateway, _, _ = two
    outcome, next_uri = running(gateway)
    name = outcome.coordinator
    other = {"blue-1": "blue-2", "blue-2": "blue-1"}[name]
    assert gateway.admin.ask("POST", f"/v1/coordinators/{name}/drain").status == 200
    assert gateway.admin.coordinator(name)["drained"] is True
    for turn in range(4):
        assert execute(gateway.front, f"SELECT {turn}").coordinator == other
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3]]
    eventually(lambda: gateway.admin.coordinator(name)["in_flight"] == 0)
    assert gateway.admin.ask("POST", f"/v1/coordinators/{name}/undrain").status == 200
    assert gateway.admin.coordinator(name)["drained"] is False
    eventually(lambda: execute(gateway.front, "SELECT 1").coordinator == name)


def test_a_drain_survives_the_gateway(two):
    gateway, _, _ = two
    gateway.admin.post("/v1/coordinators/blue-1/drain")
    gateway.kill()
    gateway.restart().settle()
    assert gateway.admin.coordinator("blue-1")["drained"] is True
    assert {execute(gateway.front, f"SELECT {turn}").coordinator for turn in range(4)} == {"blue-2"}


def test_drain_and_undrain_twice_are_the_same_as_once(two):
    gateway, _, _ = two
    for verb, drained in (("drain", True), ("undrain", False)):
        for _ in range(2):
            assert gateway.admin.ask("POST", f"/v1/coordinators/blue-1/{verb}").status == 200
            assert gateway.admin.coordinator("blue-1")["drained"] is drained


def test_a_coordinator_is_added_and_used(two, bench):
    gateway, _, _ = two
    third = bench.fake("blue-3")
    body = {"name": "blue-3", "group": "default", "pool": "blue", "url": third.url}
    reply = gateway.admin.ask("POST", "/v1/coordinators", body)
    assert reply.status in (200, 201), reply
    assert reply.json()["name"] == "blue-3"
    gateway.wait_for_health("blue-3", "ready")
    eventually(lambda: execute(gateway.front, "SELECT 1").coordinator == "blue-3")
    gateway.kill()
    gateway.restart().settle()
    assert gateway.admin.coordinator("blue-3")["url"] == third.url


def test_a_gateway_without_settings_learns_its_coordinators(bench):
    """`penstock serve` with no file says how to add one; then it works."""
    gateway = bench.gateway(settle=False)
    group = gateway.admin.get("/v1/groups")["items"][0]
    first = group["pools"][0]["name"]
    fake = bench.fake("one")
    gateway.admin.ask("POST", "/v1/coordinators",
                      {"name": "one", "group": group["name"], "pool": first, "url": fake.url})
    gateway.wait_for_health("one", "ready")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]


def test_a_removed_coordinator_finishes_what_it_has(two):
    gateway, *fakes = two
    outcome, next_uri = running(gateway)
    name = outcome.coordinator
    assert gateway.admin.ask("DELETE", f"/v1/coordinators/{name}").status in (200, 204)
    names = [entry["name"] for entry in gateway.admin.pool("blue")["coordinators"]]
    for turn in range(4):
        assert execute(gateway.front, f"SELECT {turn}").coordinator != name
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3]], names
    fake = next(fake for fake in fakes if fake.name == name)
    assert "SELECT 1" not in fake.statements_seen()


def test_a_removed_coordinator_stays_away_after_a_restart(two):
    gateway, _, _ = two
    gateway.admin.ask("DELETE", "/v1/coordinators/blue-1")
    gateway.kill()
    gateway.restart().settle()
    assert {execute(gateway.front, f"SELECT {turn}").coordinator for turn in range(4)} == {"blue-2"}


def test_a_new_url_is_a_new_registration(two, bench):
    """Removed and added under the same name: old tags still reach the old server."""
    gateway, first, _ = two
    outcome, next_uri = running(gateway)
    while outcome.coordinator != "blue-1":
        outcome, next_uri = running(gateway)
    gateway.admin.ask("DELETE", "/v1/coordinators/blue-1")
    other = bench.fake("elsewhere")
    gateway.admin.ask("POST", "/v1/coordinators",
                      {"name": "blue-1", "group": "default", "pool": "blue", "url": other.url})
    gateway.wait_for_health("blue-1", "ready")
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3]]
    assert not other.seen("GET", outcome.id) and first.seen("GET", outcome.id)


@pytest.mark.parametrize("body, status", [
    ({"name": "x", "group": "nope", "pool": "blue", "url": "http://127.0.0.1:1"}, 404),
    ({"name": "x", "group": "default", "pool": "nope", "url": "http://127.0.0.1:1"}, 404),
    ({"name": "x", "group": "default", "pool": "blue"}, 400),
    ({"name": "x", "group": "default", "pool": "blue", "url": "not a url"}, 400),
    ({"name": "x", "group": "default", "pool": "blue", "url": "http://127.0.0.1:1/path"}, 400),
    ({"name": "blue-1", "group": "default", "pool": "blue", "url": "http://127.0.0.1:1"}, 409),
    (b"nonsense", 400)])
def test_a_registration_that_cannot_be(two, body, status):
    gateway, _, _ = two
    reply = gateway.admin.ask("POST", "/v1/coordinators", body)
    assert reply.status == status or (status == 400 and reply.status == 422), reply
    assert reply.header("Content-Type").startswith("application/problem+json")


@pytest.mark.parametrize("method, path", [
    ("GET", "/v1/coordinators/nope"), ("DELETE", "/v1/coordinators/nope"), ("POST", "/v1/coordinators/nope/drain"),
    ("POST", "/v1/coordinators/nope/undrain")])
def test_an_unknown_coordinator_is_404(two, method, path):
    gateway, _, _ = two
    assert gateway.admin.ask(method, path).status == 404


def test_ids_find_their_statement_after_a_flip_of_names(two):
    """/v1/query/{id} goes by the id, not by what is registered now."""
    gateway, *fakes = two
    outcome, _ = running(gateway)
    gateway.admin.post(f"/v1/coordinators/{outcome.coordinator}/drain")
    reply = ask(gateway.front, "GET", f"/v1/query/{outcome.id}", user_headers())
    assert reply.status == 200 and reply.json()["queryId"] == outcome.id
    assert split_url(outcome.first.json()["nextUri"])[0] == gateway.front
    assert len([fake for fake in fakes if fake.seen("GET", f"^/v1/query/{outcome.id}$")]) == 1
