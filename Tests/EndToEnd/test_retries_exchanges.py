"""What the gateway does with connections and URIs of statements that wait, or were run again."""

import threading
import time

import pytest

from kit.fakes import FakeCoordinator, json_response, text_response
from kit.protocol import Outcome, follow, submit, user_headers
from kit.rawhttp import Connection, ask, split_url
from kit.waiting import eventually

LARGE = {**user_headers(), "X-Trino-Extra-Credential": "key=" + "x" * 6000}
AWAY = text_response(503, "unavailable", [("Retry-After", "2")])
DIES = FakeCoordinator.failing_plan("SERVER_SHUTTING_DOWN", "INTERNAL_ERROR", 65_543, "Server is shutting down")


def target_of(reply):
    return split_url(reply.json()["nextUri"])[1]


def is_wait_page(page):
    return "/v1/statement/queued/" in page["nextUri"] and page["id"] in page["nextUri"]


def test_a_connection_that_had_large_requests_gets_the_gateways_own_pages(bench):
    """What an exchange kept of the request before is nobody's."""
    fake = bench.fake()
    gateway = bench.before(fake)
    with Connection(gateway.front) as connection:
        first = connection.request("POST", "/v1/statement", LARGE, "SELECT 1")
        assert connection.request("GET", target_of(first), LARGE).status == 200
        refused = connection.request(
            "POST", "/v1/statement", {**user_headers(), "X-Penstock-Pool": "nowhere"}, "SELECT 2")
        page = refused.json()
        assert page["error"]["errorName"] == "PENSTOCK_POOL_NOT_ALLOWED"
        assert page["id"] == refused.header("X-Penstock-Statement") != first.json()["id"]
        fake.on("POST", "^/v1/statement$", AWAY)
        assert connection.request("GET", target_of(first), LARGE).status == 200
        waits = connection.request("POST", "/v1/statement", LARGE, "SELECT 3")
        target = target_of(waits)
        assert connection.request("DELETE", target, user_headers()).status == 204
        canceled = connection.request("GET", target, user_headers()).json()
        assert canceled["error"]["errorName"] == "USER_CANCELED"
        assert canceled["id"] == waits.header("X-Penstock-Statement")


class Retried:
    """A statement that failed on blue-1 and runs on blue-2: the URIs of both attempts."""

    def __init__(self, bench, dialect="trino", **settings):
        self.first, self.second = bench.fake("blue-1", dialect=dialect), bench.fake("blue-2", dialect=dialect)
        self.gateway = bench.before(self.first, self.second, pool_settings={"dialect": dialect}, **settings)
        self.user = user_headers(dialect=dialect.capitalize())
        self.first.plan = DIES
        outcome, uri = Outcome(), None
        while not outcome.replies or outcome.coordinator != "blue-1":
            outcome = Outcome()
            uri = outcome.take(submit(self.gateway.front, "SELECT rows 9", self.user))
        self.old = []
        while outcome.coordinator != "blue-2":
            if outcome.coordinator == "blue-1":
                self.old.append(outcome.last)
            uri = follow(outcome, uri, self.user, pages=1)
        self.outcome, self.uri = outcome, uri
        assert outcome.error is None and outcome.last.header("X-Penstock-Attempt") == "2"

    @property
    def old_id(self):
        return self.old[0].json()["id"]

    @property
    def new_id(self):
        return self.outcome.last.json()["id"]

    def ask(self, method, target, **headers):
        return ask(self.gateway.front, method, target, {**self.user, **headers})


def test_superseded_uris_lead_nowhere(bench):
    """GET answers the current page, HEAD and a partial cancel are not relayed, and nothing is asked of the old
    coordinator."""
    retried = Retried(bench)
    asked = len(retried.first.seen(target=retried.old_id))
    for reply in retried.old:
        target = target_of(reply)
        current = retried.ask("GET", target)
        assert split_url(current.json()["nextUri"])[1].split("?")[0] == split_url(retried.uri)[1].split("?")[0]
        assert "data" not in current.json() and "error" not in current.json()
        assert retried.ask("HEAD", target).status == 200
        if "partialCancelUri" in reply.json():
            assert retried.ask("DELETE", split_url(reply.json()["partialCancelUri"])[1]).status == 204
    assert len(retried.first.seen(target=retried.old_id)) == asked
    follow(retried.outcome, retried.uri, retried.user)
    assert retried.outcome.error is None and len(retried.outcome.rows) == 9


def test_a_delete_of_a_superseded_uri_cancels_the_newest_attempt(bench):
    retried = Retried(bench)
    assert retried.ask("DELETE", target_of(retried.old[0])).status == 204
    assert not retried.first.seen("DELETE", retried.old_id)
    assert len(retried.second.seen("DELETE", retried.new_id)) == 1
    assert retried.ask("GET", split_url(retried.uri)[1]).json()["error"]["errorName"] == "USER_CANCELED"


def test_a_delete_by_the_first_id_cancels_the_newest_attempt(bench):
    """Some clients cancel by the first id that they saw: the statement is where its newest attempt is."""
    retried = Retried(bench)
    own_id = retried.outcome.last.header("X-Penstock-Statement")
    for query_id in (retried.old_id, own_id, retried.new_id):
        assert retried.ask("GET", f"/v1/query/{query_id}").json()["queryId"] == retried.new_id
    assert retried.ask("DELETE", f"/v1/query/{retried.old_id}").status == 204
    assert not retried.first.seen("DELETE")
    assert [request.target for request in retried.second.seen("DELETE")] == [f"/v1/query/{retried.new_id}"]
    assert retried.ask("GET", split_url(retried.uri)[1]).json()["error"]["errorName"] == "USER_CANCELED"


def test_the_first_id_is_forgotten_with_its_statement(bench):
    """Nothing is held of a statement that ran again and ended: its first id leads where that suffix says."""
    retried = Retried(bench, limits={"remembered": "1s"})
    follow(retried.outcome, retried.uri, retried.user)
    assert retried.outcome.error is None

    def asked_of_the_first():
        retried.ask("GET", f"/v1/query/{retried.old_id}")
        return retried.first.seen("GET", f"^/v1/query/{retried.old_id}$")
    eventually(asked_of_the_first, within=20.0, every=0.5)


def test_whoever_polls_while_another_exchange_submits_waits_for_it(bench):
    """No storm of wait pages while a POST is under way."""
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.on("POST", "^/v1/statement$", AWAY, times=1)
    target = target_of(submit(gateway.front, "SELECT rows 3"))
    fake.on("POST", "^/v1/statement$", lambda request: time.sleep(3))

    def poll_on():
        while is_wait_page(ask(gateway.front, "GET", target, user_headers()).json()):
            pass
    submitter = threading.Thread(target=poll_on, daemon=True)
    submitter.start()
    eventually(lambda: len(fake.seen("POST")) == 2)
    begun, pages = time.monotonic(), 0
    following = target
    while time.monotonic() - begun < 2:
        reply = ask(gateway.front, "GET", following, user_headers())
        assert is_wait_page(reply.json())
        following, pages = target_of(reply), pages + 1
    assert pages <= 4, "about one a second"
    submitter.join()
    outcome = Outcome()
    follow(outcome, outcome.take(ask(gateway.front, "GET", following, user_headers())), user_headers())
    assert outcome.error is None and len(outcome.rows) == 3
    assert fake.statements_seen() == {"SELECT rows 3": 2}, "the first was answered 503"


@pytest.mark.parametrize("status", [400, 403])
def test_what_ended_a_submission_in_a_polls_place_is_answered_again(bench, status):
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.on("POST", "^/v1/statement$", AWAY, times=1)
    target = target_of(submit(gateway.front, "INSERT INTO t VALUES (1)"))
    fake.on("POST", "^/v1/statement$", text_response(status, "as it came"))
    replies = []
    while not replies or replies[-1].status == 200:
        replies.append(ask(gateway.front, "GET", target, user_headers()))
    again = ask(gateway.front, "GET", target, user_headers())
    assert (again.status, again.body) == (replies[-1].status, replies[-1].body) == (status, b"as it came")
    assert len(fake.seen("POST")) == 2


def test_the_last_page_of_a_submission_in_a_polls_place_is_answered_again(bench):
    """On a pool that runs statements in the POST no URI leads to the page, and a write is not sent twice."""
    fake = bench.fake()
    gateway = bench.before(fake, pool_settings={"starts": "post"})
    fake.stop()
    gateway.wait_for_health("blue-1", "down")
    target = target_of(submit(gateway.front, "INSERT INTO t VALUES (1)"))
    fake.start()

    def whole(request):
        return json_response({"id": "20260101_000000_00001_abcde", "infoUri": "http://x/y",
                              "stats": {"state": "FINISHED"}, "updateCount": 1})
    fake.on("POST", "^/v1/statement$", whole)

    def ended():
        return "nextUri" not in ask(gateway.front, "GET", target, user_headers()).json()
    eventually(ended, within=20)
    again = ask(gateway.front, "GET", target, user_headers()).json()
    assert again["updateCount"] == 1 and "error" not in again
    assert len(fake.seen("POST")) == 1


def test_a_kept_page_leaves_with_its_own_clients_connection(bench):
    """The client that saw the failure closed its connection; the one that gets the kept page does not."""
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second)
    first.plan = second.plan = FakeCoordinator.failing_plan(
        "SERVER_SHUTTING_DOWN", "INTERNAL_ERROR", 65_543, "Server is shutting down")
    reply = submit(gateway.front, "SELECT 1", {**user_headers(), "Connection": "close"})
    while "nextUri" in reply.json():
        polled = target_of(reply)
        reply = ask(gateway.front, "GET", polled, {**user_headers(), "Connection": "close"})
    assert reply.json()["error"]["errorName"] == "SERVER_SHUTTING_DOWN"
    assert len(reply.all("Connection")) == 1
    with Connection(gateway.front) as connection:
        for _ in range(2):
            again = connection.request("GET", polled, user_headers())
            assert again.json()["error"]["errorName"] == "SERVER_SHUTTING_DOWN"
            assert not again.all("Connection")


def test_wait_pages_say_which_attempt_is_to_come(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.on("POST", "^/v1/statement$", AWAY)
    reply = submit(gateway.front, "SELECT 1")
    assert is_wait_page(reply.json())
    for _ in range(2):
        assert reply.header("X-Penstock-Attempt") == "1" and reply.header("X-Penstock-Coordinator") is None
        reply = ask(gateway.front, "GET", target_of(reply), user_headers())


def test_slugs_of_a_servers_error_page_are_not_recorded(bench):
    fake = bench.fake()
    gateway = bench.before(fake)
    outcome = Outcome()
    uri = follow(outcome, outcome.take(submit(gateway.front, "INSERT INTO t VALUES (1)")), user_headers(), pages=2)

    def broken(request):
        return text_response(500, f"<tr><th>URI:</th><td>{request.target}</td></tr><p>it broke</p>")
    fake.on("GET", outcome.last.json()["id"], broken)
    follow(outcome, uri, user_headers())
    own_id = outcome.first.header("X-Penstock-Statement")
    slug = split_url(uri)[1].split("/")[5]

    def story():
        statement = gateway.admin.statement(own_id)
        return statement if statement["ended"] else None
    eventually(story)
    assert slug not in str(story()) and slug not in str(gateway.admin.get("/v1/retries"))
    assert "it broke" in str(story())


def test_the_newest_credentials_are_submitted(bench):
    """Of each kind the newest that a poll brought; everything else is the submission's (design 4)."""
    fake = bench.fake()
    gateway = bench.before(fake)
    fake.on("POST", "^/v1/statement$", AWAY, times=1)
    old = {**user_headers(Source="tests"), "Authorization": "Bearer old", "Cookie": "a=old",
           "X-Trino-Extra-Credential": "key=old"}
    target = target_of(submit(gateway.front, "SELECT 1", old))
    new = {**user_headers(Source="other"), "Authorization": "Bearer new", "Cookie": "a=new"}
    while len(fake.seen("POST")) < 2:
        ask(gateway.front, "GET", target, new)
    sent = fake.seen("POST")[1]
    assert sent.body == b"SELECT 1"
    assert sent.all("Authorization") == ["Bearer new"] and sent.all("Cookie") == ["a=new"]
    assert sent.all("X-Trino-Extra-Credential") == ["key=old"] and sent.all("X-Trino-Source") == ["tests"]
    assert sent.header("X-Penstock-Attempt") is None, "it had reached nobody"
    assert sent.header("X-Trino-Trace-Token") == fake.seen("POST")[0].header("X-Trino-Trace-Token")


def test_a_retry_carries_its_number_and_the_credentials_of_the_poll_that_failed(bench):
    first, second = bench.fake("blue-1"), bench.fake("blue-2")
    gateway = bench.before(first, second)
    first.plan = DIES
    outcome = Outcome()
    while outcome.replies == [] or outcome.coordinator != "blue-1":
        outcome = Outcome()
        uri = outcome.take(submit(gateway.front, "SELECT 1", {**user_headers(), "Authorization": "Bearer old"}))
    submitted = len(second.seen("POST"))
    follow(outcome, uri, {**user_headers(), "Authorization": "Bearer new"})
    assert outcome.error is None and outcome.rows
    sent = second.seen("POST")[submitted]
    assert sent.all("Authorization") == ["Bearer new"] and sent.all("X-Penstock-Attempt") == ["2"]
