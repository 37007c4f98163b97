"""The admin API as interface 3 and 5 name it: routes, bodies, credential, problems."""

import threading

import pytest

from kit.protocol import execute, user_headers
from kit.rawhttp import Connection, ask
from kit.settings import group, pool
from kit.waiting import eventually

GROUP = {"name", "active", "epoch", "pools"}
POOL = {"name", "drain", "in_flight", "open_transactions", "coordinators"}
IN_FLIGHT = {"waiting", "queued", "running", "presumed"}
COORDINATOR = {"name", "url", "health", "drained", "in_flight", "workers"}
STATEMENT = {"id", "state", "user", "source", "group", "pool", "coordinator", "kind", "query_ids", "submitted", "ended",
             "attempts"}
ATTEMPT = {"number", "pool", "coordinator", "query_id", "failure", "rule", "class", "action", "gate", "started",
           "ended"}

ROUTES = [
    ("GET", "/v1/status"), ("GET", "/v1/groups"), ("GET", "/v1/groups/default"), ("POST", "/v1/groups/default/flip"),
    ("POST", "/v1/groups/default/rollback"), ("GET", "/v1/groups/default/flips"), ("GET", "/v1/flips/1"),
    ("GET", "/v1/coordinators"), ("POST", "/v1/coordinators"), ("GET", "/v1/coordinators/blue-1"),
    ("DELETE", "/v1/coordinators/blue-1"), ("POST", "/v1/coordinators/blue-1/drain"),
    ("POST", "/v1/coordinators/blue-1/undrain"), ("GET", "/v1/statements"), ("GET", "/v1/statements/x"),
    ("GET", "/v1/retries"),
    ("GET", "/v1/policy/rules"), ("POST", "/v1/policy/explain"),
    ("POST", "/v1/reload"), ("GET", "/metrics"), ("GET", "/v1/queries"), ("GET", "/nope"), ("GET", "/")]


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.gateway(group(pool("blue", fake), pool("green", shared.fake("green-1"))))


@pytest.mark.parametrize("method, path", ROUTES)
def test_every_route_asks_for_the_credential(gateway, method, path):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic " + gateway.admin.token},
                    {"Authorization": "Bearer " + gateway.admin.token[:-1]}, {"Authorization": "Bearer"},
                    {"Authorization": "Bearer " + gateway.admin.token + "x"}):
        reply = ask(gateway.admin.where, method, path, headers)
        assert reply.status == 401, (headers, reply)
        assert reply.header("WWW-Authenticate").startswith("Bearer")
        assert reply.header("Content-Type").startswith("application/problem+json")
    assert gateway.admin.coordinator("blue-1")["drained"] is False


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_health_asks_for_none(gateway, path):
    for where in (gateway.front, gateway.admin.where):
        assert ask(where, "GET", path).status == 200


def test_the_token_is_private(gateway):
    assert (gateway.state / "admin.token").stat().st_mode & 0o777 == 0o600
    assert len(gateway.admin.token) >= 32


def test_a_token_file_of_the_operators_own(bench, tmp_path):
    (tmp_path / "token").write_text("my-own-long-token-0123456789\n")
    gateway = bench.gateway(group(pool("blue", bench.fake())), admin={"token_file": str(tmp_path / "token")},
                            settle=False, token="my-own-long-token-0123456789")
    assert gateway.admin.get("/v1/status")


def test_status(gateway):
    status = gateway.admin.get("/v1/status")
    assert status["version"] and status["replicas"] and isinstance(status["warnings"], list)
    entry = status["groups"][0]
    assert entry["name"] == "default" and entry["active"] == "blue" and isinstance(entry["epoch"], int)
    assert "uptime" in status and "store" in status and "in_flight" in status


def test_groups(gateway):
    listing = gateway.admin.get("/v1/groups")
    assert set(listing) == {"items", "next_cursor"} and listing["next_cursor"] is None
    for body in (listing["items"][0], gateway.admin.group()):
        assert set(body) >= GROUP
        assert [entry["name"] for entry in body["pools"]] == ["blue", "green"]
        for entry in body["pools"]:
            assert set(entry) >= POOL and set(entry["in_flight"]) >= IN_FLIGHT
            assert all(set(own) >= COORDINATOR for own in entry["coordinators"])
            assert entry["drain"] in ("none", "draining", "done", "unknown")


def test_coordinators(gateway, fake):
    listing = gateway.admin.get("/v1/coordinators")
    assert {entry["name"] for entry in listing["items"]} == {"blue-1", "green-1"}
    one = gateway.admin.coordinator("blue-1")
    assert set(one) >= COORDINATOR and one["url"] == fake.url and one["health"] == "ready"


def test_statements(gateway):
    outcome = execute(gateway.front, "SELECT rows 2", user_headers("anna", Source="pytest"))
    record = eventually(lambda: (found := gateway.admin.statement(outcome.statement))["ended"] and found)
    assert set(record) >= STATEMENT
    assert record["id"] == outcome.statement and record["state"] == "finished"
    assert (record["user"], record["source"]) == ("anna", "pytest")
    assert (record["group"], record["pool"], record["coordinator"]) == ("default", "blue", "blue-1")
    assert record["kind"] == "read" and record["query_ids"] == [outcome.id]
    assert record["submitted"] <= record["ended"] and record["submitted"].endswith("Z")
    attempt, = record["attempts"]
    assert set(attempt) >= ATTEMPT
    assert attempt["number"] == 1 and attempt["coordinator"] == "blue-1" and attempt["query_id"] == outcome.id
    assert attempt["failure"] is None and attempt["started"] and attempt["ended"]
    assert gateway.admin.get(f"/v1/statements/{outcome.id}") == record, "by any engine id"
    assert gateway.admin.get(f"/v1/queries/{outcome.id}") == record, "query is an alias"


def test_statement_filters(gateway):
    for user, sql in (("f1", "SELECT rows 1"), ("f1", "SELECT rows 2"), ("f2", "SELECT rows 1")):
        outcome = execute(gateway.front, sql, user_headers(user, Source=f"from-{user}"))
        eventually(lambda own_id=outcome.statement: gateway.admin.statement(own_id)["ended"])
    assert len(gateway.admin.statements("?user=f1")) == 2
    assert len(gateway.admin.statements("?user=f1&limit=1")) == 1
    assert len(gateway.admin.statements("?user=f2&state=finished")) == 1
    assert gateway.admin.statements("?user=f2&state=failed") == []
    assert gateway.admin.statements("?user=nobody") == []
    times = [entry["submitted"] for entry in gateway.admin.statements()]
    assert times == sorted(times, reverse=True), "newest first"


def test_statements_page_by_cursor(gateway):
    for turn in range(5):
        execute(gateway.front, f"SELECT {turn}", user_headers("pager"))
    eventually(lambda: len(gateway.admin.statements("?user=pager&state=finished")) == 5)
    seen, cursor = [], ""
    for _ in range(5):
        listing = gateway.admin.get(f"/v1/statements?user=pager&limit=2{cursor}")
        seen += [entry["id"] for entry in listing["items"]]
        if listing["next_cursor"] is None:
            break
        cursor = f"&cursor={listing['next_cursor']}"
    assert len(seen) == 5 and len(set(seen)) == 5


@pytest.mark.parametrize("query", ["?limit=x", "?limit=-1", "?state=odd", "?cursor=%00%ff"])
def test_a_filter_that_makes_no_sense_is_400(gateway, query):
    reply = gateway.admin.ask("GET", f"/v1/statements{query}")
    assert reply.status == 400 and reply.header("Content-Type").startswith("application/problem+json")


@pytest.mark.parametrize("path", [
    "/v1/nope", "/v1/statements/20260101_000000_00001_zzzzz", "/v1/groups/nope", "/v1/flips/nope", "/v2/status"])
def test_what_is_not_there_is_404(gateway, path):
    reply = gateway.admin.ask("GET", path)
    problem = reply.json()
    assert reply.status == 404 and reply.header("Content-Type").startswith("application/problem+json")
    assert problem["status"] == 404 and problem["title"] and problem["type"]


@pytest.mark.parametrize("method, path", [
    ("POST", "/v1/status"), ("DELETE", "/v1/groups/default"), ("GET", "/v1/groups/default/flip"),
    ("PUT", "/v1/reload")])
def test_another_method_is_405(gateway, method, path):
    reply = gateway.admin.ask(method, path)
    assert reply.status == 405 and reply.header("Allow")


def test_too_large_a_body_is_refused(gateway):
    try:
        reply = gateway.admin.ask("POST", "/v1/groups/default/flip", b" " * 20_000_000)
        assert reply.status in (400, 413)
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert gateway.admin.get("/v1/status")


def test_metrics_are_prometheus_text(gateway):
    execute(gateway.front, "SELECT 1")
    reply = gateway.admin.ask("GET", "/metrics")
    assert reply.status == 200 and reply.header("Content-Type").startswith("text/plain; version=0.0.4")
    names, typed = set(), set()
    for line in reply.body.decode().splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif line and not line.startswith("#"):
            name = line.split("{")[0].split()[0]
            names.add(name)
            float(line.rsplit(" ", 1)[1])
    assert names and all(name.startswith("penstock_") or name.startswith("process_") for name in names), names
    bare = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names}
    assert bare <= typed | names and all(name in typed or name.rsplit("_", 1)[0] in typed for name in names)


def test_the_api_describes_itself(gateway):
    document = gateway.admin.get("/openapi.json")
    assert document["openapi"].startswith("3.")
    for method, path in [("post", "/v1/groups/{group}/flip"), ("get", "/v1/statements/{id}"), ("get", "/v1/status"),
                         ("post", "/v1/coordinators/{name}/drain"), ("post", "/v1/reload")]:
        assert method in document["paths"][path], path
    assert ask(gateway.admin.where, "GET", "/openapi.json").status == 401


def test_open_metrics(bench):
    gateway = bench.before(bench.fake(), admin={"metrics": "open"})
    assert ask(gateway.admin.where, "GET", "/metrics").status == 200
    assert ask(gateway.admin.where, "GET", "/v1/status").status == 401


def test_the_front_door_is_no_way_to_the_admin_api(gateway):
    headers = {"Authorization": f"Bearer {gateway.admin.token}"}
    for path in ("/v1/groups", "/v1/groups/default/flip", "/metrics", "/v1/statements"):
        assert ask(gateway.front, "GET", path, headers).status == 404
    assert ask(gateway.admin.where, "POST", "/v1/statement", headers, "SELECT 1").status == 404


def test_keep_alive_and_head(gateway):
    headers = {"Authorization": f"Bearer {gateway.admin.token}"}
    with Connection(gateway.admin.where) as connection:
        for _ in range(3):
            assert connection.request("GET", "/v1/status", headers).status == 200
        head = connection.request("HEAD", "/v1/status", headers)
        assert head.status == 200 and head.body == b""
        assert connection.request("GET", "/-/healthy").status == 200


@pytest.mark.parametrize("hostile", [
    b"GET /v1/status HTTP/1.1\nHost: a\n\n", b"POST /v1/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n", b"\x16\x03\x01\x00\x00\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_hostile_requests(gateway, hostile):
    with Connection(gateway.admin.where, timeout=10) as connection:
        connection.send(hostile)
        reply = connection.read_reply()
        assert reply.status >= 400
    assert gateway.admin.get("/v1/status")


def test_many_at_once(gateway):
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(gateway.admin.ask("GET", "/v1/groups").status))
               for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert replies == [200] * 32
