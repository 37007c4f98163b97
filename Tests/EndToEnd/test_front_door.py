"""What the front door answers, endpoint by endpoint."""

import json
import re

import pytest

from kit.fakes import text_response
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.rawhttp import Connection, ask, split_url
from kit.settings import group, pool
from kit.waiting import eventually


@pytest.fixture(scope="module")
def fake(shared):
    return shared.fake("blue-1")


@pytest.fixture(scope="module")
def gateway(shared, fake):
    return shared.before(fake, pool_settings={"ui_url": "http://ui.example:8080/ui"})


@pytest.fixture(scope="module")
def presto(shared):
    return shared.fake("presto-1", dialect="presto")


@pytest.fixture(scope="module")
def presto_gateway(shared, presto):
    return shared.before(presto, pool_settings={"dialect": "presto"}, name="presto")


def begin(gateway, sql="SELECT rows 3", pages=0, headers=None):
    """A statement after its POST and so many polls: the outcome so far and the next URI."""
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, sql, headers))
    return outcome, follow(outcome, next_uri, pages=pages)


def test_a_statement_runs_from_post_to_last_page(gateway):
    outcome = gateway.execute("SELECT rows 3")
    assert outcome.rows == [[0], [1], [2]]
    assert outcome.error is None and outcome.failure is None


def test_responses_say_where_they_come_from(gateway):
    outcome = gateway.execute("SELECT rows 1")
    for reply in outcome.replies:
        assert reply.header("X-Penstock-Pool") == "blue"
        assert reply.header("X-Penstock-Coordinator") == "blue-1"
        assert reply.header("X-Penstock-Attempt") == "1"
        assert re.fullmatch(r"[_a-z0-9]+", reply.header("X-Penstock-Statement"))
    assert len({reply.header("X-Penstock-Statement") for reply in outcome.replies}) == 1
    assert len({reply.json()["id"] for reply in outcome.replies}) == 1


def test_uris_name_the_authority_that_the_client_used(gateway):
    for authority in (f"127.0.0.1:{gateway.front[1]}", "trino.example", "trino.example:8443"):
        reply = submit(gateway.front, "SELECT rows 1", {**user_headers(), "Host": authority})
        page = reply.json()
        assert page["nextUri"].startswith(f"http://{authority}/v1/statement/queued/")
        assert page["infoUri"].startswith(f"http://{authority}/ui/query.html?")
        assert re.search(r"[?&]via=[A-Za-z0-9_-]{20,96}$", page["nextUri"])
        assert "via=" not in page["infoUri"]


def test_partial_cancel_uris_are_tagged_too(gateway):
    outcome, _ = begin(gateway, pages=2)
    assert re.search(r"via=[A-Za-z0-9_-]{20,96}$", outcome.last.json()["partialCancelUri"])


def test_upstream_gets_its_own_authority_and_no_tag(gateway, fake):
    gateway.execute("SELECT 'authority'")
    for request in fake.seen(target=r"^/v1/statement"):
        assert request.header("Host") == f"127.0.0.1:{fake.port}"
        assert "via=" not in request.target


def test_external_url_is_what_clients_see(bench):
    gateway = bench.before(bench.fake(), listen={"external_url": "https://sql.example:8443"})
    page = submit(gateway.front, "SELECT rows 1").json()
    assert page["nextUri"].startswith("https://sql.example:8443/v1/statement/")
    assert page["infoUri"].startswith("https://sql.example:8443/")
    address, target = split_url(page["nextUri"].replace("https://sql.example:8443", "http://127.0.0.1:1"))
    assert ask(gateway.front, "GET", target).status == 200 and address


def test_several_loops_serve_the_same_statement(gateway):
    """Every poll on a connection of its own, so that any loop may get it."""
    for _ in range(8):
        outcome = Outcome()
        next_uri = outcome.take(submit(gateway.front, "SELECT rows 4"))
        follow(outcome, next_uri, keep_alive=False)
        assert outcome.rows == [[0], [1], [2], [3]]


def test_presto_speaks_its_own_dialect(presto_gateway, presto):
    outcome = execute(presto_gateway.front, "SELECT rows 2", user_headers(dialect="Presto"))
    assert outcome.rows == [[0], [1]]
    assert b"\\u0026via=" in outcome.first.body or b"&via=" in outcome.first.body
    assert presto.seen("POST")[-1].header("X-Presto-User") == "tester"


def test_presto_partial_cancel_goes_by_its_tag(presto_gateway, presto):
    outcome, next_uri = begin(presto_gateway, "SELECT rows 3", pages=2, headers=user_headers(dialect="Presto"))
    uri = outcome.last.json()["partialCancelUri"]
    address, target = split_url(uri)
    assert address == presto_gateway.front and target.startswith("/v1/stage/")
    assert ask(presto_gateway.front, "GET", target).status in (404, 405)
    assert not presto.seen("GET", "^/v1/stage/")
    assert ask(presto_gateway.front, "DELETE", target).status == 204
    assert presto.seen("DELETE", "^/v1/stage/")[-1].target.startswith(f"/v1/stage/{outcome.id}")
    follow(outcome, next_uri)
    assert outcome.error is None, "a partial cancel ends nothing"


def test_partial_cancel_is_relayed_and_ends_nothing(gateway, fake):
    outcome, next_uri = begin(gateway, pages=2)
    _, target = split_url(outcome.last.json()["partialCancelUri"])
    assert ask(gateway.front, "DELETE", target).status == 204
    assert fake.seen("DELETE", "partialCancel")
    follow(outcome, next_uri)
    assert outcome.error is None and outcome.rows == [[0], [1], [2]]


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_delete_of_the_next_uri_cancels(gateway, fake, polls):
    outcome, next_uri = begin(gateway, "SELECT rows 9", pages=polls)
    _, target = split_url(next_uri)
    assert ask(gateway.front, "DELETE", target).status == 204
    assert any(outcome.id in request.target for request in fake.seen("DELETE"))
    reply = ask(gateway.front, "GET", target)
    assert reply.status == 200 and reply.json()["error"]["errorName"] == "USER_CANCELED"
    assert "nextUri" not in reply.json()
    assert ask(gateway.front, "DELETE", target).status == 204
    eventually(lambda: gateway.admin.statement(outcome.last.header("X-Penstock-Statement"))["state"] == "canceled")


def test_delete_by_any_id_that_the_client_was_shown(gateway, fake):
    for by in ("engine", "gateway"):
        outcome, next_uri = begin(gateway, "SELECT rows 9", pages=2)
        own_id = outcome.id if by == "engine" else outcome.last.header("X-Penstock-Statement")
        reply = ask(gateway.front, "DELETE", f"/v1/query/{own_id}", user_headers())
        assert reply.status == 204, (by, reply)
        assert fake.seen("DELETE", f"^/v1/query/{outcome.id}$")
        follow(outcome, next_uri)
        assert outcome.error_name == "USER_CANCELED"


def test_get_by_id_is_relayed(gateway, fake):
    outcome, _ = begin(gateway, "SELECT rows 9", pages=1)
    reply = ask(gateway.front, "GET", f"/v1/query/{outcome.id}", user_headers())
    assert reply.status == 200 and reply.json()["queryId"] == outcome.id
    assert fake.seen("GET", f"^/v1/query/{outcome.id}$")[-1].header("X-Trino-User") == "tester"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_that_nobody_knows_is_404(gateway, fake, method):
    reply = ask(gateway.front, method, "/v1/query/20260101_000000_00001_zzzzz", user_headers())
    assert reply.status == 404
    assert not fake.seen(method, "zzzzz")


def test_head_of_a_queued_uri_starts_nothing(gateway, fake):
    outcome, next_uri = begin(gateway)
    _, target = split_url(next_uri)
    reply = ask(gateway.front, "HEAD", target)
    assert reply.status == 200 and reply.body == b""
    assert not [request for request in fake.seen(target=outcome.id) if request.method in ("HEAD", "GET")]


def test_head_of_an_executing_uri_is_relayed_as_head(gateway, fake):
    outcome, next_uri = begin(gateway, pages=3)
    _, target = split_url(next_uri)
    assert "/executing/" in target
    assert ask(gateway.front, "HEAD", target).status == 200
    assert fake.seen("HEAD", outcome.id)


def test_presto_heads_are_answered_here(presto_gateway, presto):
    """A HEAD advances Presto's pages: none is relayed, on whatever URI."""
    outcome, next_uri = begin(presto_gateway, pages=3, headers=user_headers(dialect="Presto"))
    _, target = split_url(next_uri)
    assert "/executing/" in target
    assert ask(presto_gateway.front, "HEAD", target).status == 200
    assert not presto.seen("HEAD", outcome.id)


def test_head_of_the_statement_resource_goes_to_a_coordinator(gateway, fake):
    before = len(fake.seen("HEAD", "^/v1/statement$"))
    assert ask(gateway.front, "HEAD", "/v1/statement", user_headers()).status == 200
    assert len(fake.seen("HEAD", "^/v1/statement$")) == before + 1


def test_info_says_what_clients_need(gateway):
    reply = ask(gateway.front, "GET", "/v1/info")
    info = reply.json()
    assert reply.status == 200 and reply.header("Content-Type").startswith("application/json")
    assert info["nodeVersion"]["version"] == "476"
    assert info["starting"] is False and info["coordinator"] is True
    state = ask(gateway.front, "GET", "/v1/info/state")
    assert state.status == 200 and json.loads(state.body) == "ACTIVE"
    assert ask(gateway.front, "GET", "/v1/status").status == 200
    head = ask(gateway.front, "HEAD", "/v1/status")
    assert head.status == 200 and head.body == b""


def test_info_never_answers_what_makes_clients_spin(bench):
    """JDBC loops for 30 s on anything but 200, 403 and 404."""
    gateway = bench.gateway(group(pool("blue", ("blue-1", "http://127.0.0.1:9"))), settle=False)
    for path in ("/v1/info", "/v1/info/state", "/v1/status"):
        assert ask(gateway.front, "GET", path).status in (200, 404)


def test_health_has_no_credential(gateway):
    for path in ("/-/healthy", "/-/ready"):
        assert ask(gateway.front, "GET", path).status == 200
        assert ask(gateway.front, "HEAD", path).status == 200


@pytest.mark.parametrize("path", ["/ui", "/ui/"])
def test_the_ui_leads_to_the_active_pool(gateway, path):
    reply = ask(gateway.front, "GET", path)
    assert reply.status == 302
    assert reply.header("Location").startswith("http://ui.example:8080/ui")


def test_a_statement_ui_leads_to_its_coordinator(gateway):
    outcome, _ = begin(gateway)
    reply = ask(gateway.front, "GET", f"/ui/query.html?{outcome.id}")
    assert reply.status == 302
    assert reply.header("Location").startswith("http://ui.example:8080/")
    assert reply.header("Location").endswith(outcome.id)


def test_without_a_ui_a_page_says_where_the_statement_is(bench):
    gateway = bench.before(bench.fake("blue-7"))
    outcome, _ = begin(gateway)
    reply = ask(gateway.front, "GET", f"/ui/query.html?{outcome.id}")
    assert reply.status == 200 and reply.header("Content-Type").startswith("text/")
    assert b"blue-7" in reply.body and outcome.id.encode() in reply.body
    sneaky = ask(gateway.front, "GET", "/ui/query.html?%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script>alert" not in sneaky.body


@pytest.mark.parametrize("path", [
    "/", "/v1", "/v1/", "/v1/nope", "/v1/query", "/v1/node", "/v1/task", "/v1/thread", "/v1/memory", "/v1/cluster",
    "/v1/jmx/mbean", "/v1/service", "/metrics", "/v1/integrations/gateway/metrics", "/ui/api/stats", "/ui/login",
    "/v1/resourceGroupState/global", "/v1/spooled/download/x", "/oauth2/token/x", "/v1/statements",
    "/v1/statement/queued/20260101_000000_00001_abcde/y1/1", "/v1/statement/executing/20260101_000000_00001_abcde/y/0",
    "/v1/stage/20260101_000000_00001_abcde.0", "/v1/announcement/x", "/v1/info/coordinator", "/ui/index.html"])
def test_everything_else_is_404_and_not_relayed(gateway, fake, path):
    before = len(fake.seen(target="^" + re.escape(path) + "$"))
    for method in ("GET", "POST", "DELETE", "PUT"):
        reply = ask(gateway.front, method, path, user_headers())
        assert reply.status in (404, 405), (method, reply)
    assert len(fake.seen(target="^" + re.escape(path) + "$")) == before


def test_a_get_of_the_statement_resource_is_no_statement(gateway, fake):
    before = len(fake.seen(target="^/v1/statement$"))
    assert ask(gateway.front, "GET", "/v1/statement", user_headers()).status in (404, 405)
    assert ask(gateway.front, "PUT", "/v1/statement", user_headers(), "SELECT 1").status in (404, 405)
    assert len(fake.seen(target="^/v1/statement$")) == before


def test_the_query_string_of_a_post_passes(gateway, fake):
    reply = submit(gateway.front, "SELECT 'query string'", target="/v1/statement?binaryResults=true&a=%20b")
    assert reply.status == 200
    assert fake.seen("POST")[-1].target == "/v1/statement?binaryResults=true&a=%20b"


def test_keep_alive_serves_many_requests(gateway):
    with Connection(gateway.front) as connection:
        for _ in range(20):
            assert connection.request("GET", "/-/healthy").status == 200
        reply = connection.request("POST", "/v1/statement", user_headers(), "SELECT rows 1")
        assert reply.status == 200


def test_an_empty_statement_is_the_coordinators_to_refuse(gateway, fake):
    fake.on("POST", "^/v1/statement$", lambda request: None if request.body else text_response(400, "It is empty"))
    reply = submit(gateway.front, "")
    assert reply.status == 400 and reply.body == b"It is empty"
    fake.off()


def test_the_front_door_takes_an_ipv6_address(bench):
    gateway = bench.gateway(group(pool("blue", bench.fake())), listen={"address": "::1"})
    assert gateway.front[0] == "::1"
    outcome = gateway.execute("SELECT rows 1")
    assert outcome.rows == [[0]]
