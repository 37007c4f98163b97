"""What the tests of retrying share: a policy that does not wait, an arena of two coordinators, what the record says."""

import itertools
import re
import sqlite3
import time

from .processes import ROOT
from .protocol import Outcome, execute, follow, submit, user_headers
from .rawhttp import ask
from .settings import group, merged, pool
from .waiting import eventually

FIVE_ROWS = [[0], [1], [2], [3], [4]]
PROBED_ONCE = {"path": "/v1/info", "interval": "30s", "timeout": "500ms", "fall": 3, "rise": 1}
NUMBERS = itertools.count(1)

# Types, numbers and texts as the engines write them.
ERRORS = {
    "QUERY_QUEUE_FULL": ("INSUFFICIENT_RESOURCES", 131074, 'Too many queued queries for "global"'),
    "GENERIC_INSUFFICIENT_RESOURCES": (
        "INSUFFICIENT_RESOURCES", 131072,
        "Insufficient active worker nodes. Waited 5.00m for at least 1 workers, but only 0 workers are active"),
    "CLUSTER_OUT_OF_MEMORY": (
        "INSUFFICIENT_RESOURCES", 131076, "Query killed because the cluster is out of memory. Please try again"),
    "EXCEEDED_LOCAL_MEMORY_LIMIT": (
        "INSUFFICIENT_RESOURCES", 131079, "Query exceeded per-node memory limit of 1GB [Allocated: 1GB]"),
    "EXCEEDED_TIME_LIMIT": ("INSUFFICIENT_RESOURCES", 131075, "Query exceeded the maximum execution time limit of 5s"),
    "NO_NODES_AVAILABLE": ("INTERNAL_ERROR", 65541, "No nodes available to run query"),
    "SERVER_SHUTTING_DOWN": ("INTERNAL_ERROR", 65545, "Server is shutting down. Task 1 has been canceled"),
    "SERVER_STARTING_UP": ("INTERNAL_ERROR", 65548, "Trino server is still initializing"),
    "REMOTE_HOST_GONE": ("INTERNAL_ERROR", 65558, "The node used to execute this query may have failed"),
    "REMOTE_TASK_ERROR": ("INTERNAL_ERROR", 65542, "Expected response code from http://w/v1/task/1 to be 200"),
    "TOO_MANY_REQUESTS_FAILED": (
        "INTERNAL_ERROR", 65537, "Encountered too many errors talking to a worker node. The node may have crashed "
        "(http://w:8080/v1/task/1/status - getting task status - 12 failures)"),
    "PAGE_TRANSPORT_TIMEOUT": (
        "INTERNAL_ERROR", 65540,
        "Encountered too many errors talking to a worker node. (http://w/v1/task/1/results/0)"),
    "GENERIC_INTERNAL_ERROR": ("INTERNAL_ERROR", 65536, "nodes is empty"),
    "HIVE_METASTORE_ERROR": ("EXTERNAL", 16777216, "Failed to get table"),
    "ICEBERG_COMMIT_ERROR": ("EXTERNAL", 84148224, "Failed to commit during insert: Cannot commit"),
    "SOME_NEW_CONNECTOR_ERROR": ("EXTERNAL", 99999999, "the connector is sad"),
    "SOME_NEW_INTERNAL_ERROR": ("INTERNAL_ERROR", 77777, "a bug"),
    "SYNTAX_ERROR": ("USER_ERROR", 1, "line 1:1: mismatched input 'SELEC'"),
    "DIVISION_BY_ZERO": ("USER_ERROR", 8, "Division by zero"),
    "GENERIC_USER_ERROR": ("USER_ERROR", 0, "cluster is out of memory"),
    "TRANSACTION_CONFLICT": ("USER_ERROR", 17, "The transaction conflicts with another"),
    "USER_CANCELED": ("USER_ERROR", 3, "Query was canceled"),
}


def error(name, **changes):
    """An error of this name as a script of faults wants it."""
    kind, code, message = ERRORS[name]
    return {"name": name, "type": kind, "code": code, "message": message, **changes}


def quick_policy(directory, change=lambda text: text):
    """The shipped policy with no wait longer than 250 ms, in a file; Retry-After still counts."""
    text = (ROOT / "Config" / "failure-policy.yaml").read_text()
    text = re.sub(r"(?m)^(\s+wait:) *(S|M|L)\b", r"\1 now", text)
    text = re.sub(r'(?m)^(\s+wait:) *"RA, else S"', r"\1 RA", text)
    file = directory / "quick-policy.yaml"
    file.write_text(change(text))
    return file


def is_wait_page(reply):
    """Whether no coordinator had a part in it."""
    return not reply.header("X-Penstock-Coordinator")


class Arena:
    """A gateway before two coordinators of one pool that share their tables. `first` gets what is submitted next:
    `second` has a statement in flight already."""

    def __init__(self, bench, first, second, *, pool_settings=None, others=(), name="default", load=True, **changes):
        self.first, self.second = first, second
        self.dialect = first.dialect
        settings = {"dialect": self.dialect, **(pool_settings or {})}
        if "policy" not in changes:
            changes["policy"] = str(quick_policy(bench.directory))
        changes = merged({"retries": {"budget": {"floor": 1000}}}, changes)
        self.gateway = bench.gateway(
            group(pool("blue", first, second, **settings), *others), name=f"gateway-{next(NUMBERS)}", **changes)
        if load:
            self.load_second()

    def headers(self, **more):
        return user_headers(dialect=self.dialect.capitalize(), **more)

    def load_second(self):
        """A statement stays in flight on the second coordinator, so that the first has fewer."""
        for _ in range(3):
            outcome = Outcome()
            uri = outcome.take(self.submit("SELECT 'load'"))
            if outcome.coordinator == self.second.name:
                return
            self.follow(outcome, uri)
            # The next one is to go elsewhere: this one stays.
            outcome.take(self.submit("SELECT 'load'"))
            if outcome.coordinator == self.second.name:
                return
            self.follow(outcome, outcome.last.json()["nextUri"])
        raise AssertionError("nothing goes to the second coordinator")

    def submit(self, sql, headers=None):
        return submit(self.gateway.front, sql, headers or self.headers())

    def follow(self, outcome, uri, **more):
        return follow(outcome, uri, self.headers(), **more)

    def run(self, sql, headers=None, within=60.0):
        return execute(self.gateway.front, sql, headers or self.headers(), within)

    def begin(self, sql, pages=0, headers=None):
        """The outcome so far and the next URI, after so many polls."""
        outcome = Outcome()
        uri = outcome.take(self.submit(sql, headers))
        return outcome, self.follow(outcome, uri, pages=pages)

    def poll_until(self, outcome, uri, condition, within=30.0):
        """Polls page by page until `condition` of the last reply holds; answers the next URI, which there must be."""
        deadline = time.monotonic() + within
        while not condition(outcome.last):
            assert uri and time.monotonic() < deadline, outcome.last
            uri = self.follow(outcome, uri, pages=1)
        assert uri, outcome.last
        return uri

    def is_from(self, coordinator):
        return lambda reply: reply.header("X-Penstock-Coordinator") == coordinator.name

    def record(self, outcome, within=10.0):
        """The statement's record once it has ended, and every loop has told what it saw."""
        seen = max([int(reply.header("X-Penstock-Attempt")) for reply in outcome.replies if not is_wait_page(reply)],
                   default=0)

        def ended():
            record = self.gateway.admin.statement(outcome.statement)
            return record["ended"] and len(record["attempts"]) >= seen and record
        return eventually(ended, within, message="the statement has ended")

    def retries(self, outcome, query=""):
        """The lines of the retry log about it once it has ended, the oldest first."""
        self.record(outcome)
        target, before = f"/v1/retries?statement={outcome.statement}{query}", None
        while (lines := self.gateway.admin.get(target)["items"][::-1]) != before:
            before = lines
            # Two ticks of the loops: what several of them saw is told by each.
            time.sleep(0.2)
        return lines

    def verdicts(self, outcome):
        """Rule and gate of each."""
        return [(line["rule"], line["gate"]) for line in self.retries(outcome)]


class Tables:
    """The file that coordinators share: what is really in it, whatever anybody said."""

    def __init__(self, file):
        self.file = file

    def ask(self, sql):
        with sqlite3.connect(self.file, timeout=30) as database:
            return database.execute(sql).fetchall()

    def create(self, name):
        """Makes an empty table and answers what statements call it."""
        with sqlite3.connect(self.file, timeout=30) as database:
            database.execute(f'CREATE TABLE "memory.default.{name}" (a bigint)')
        return f"memory.default.{name}"

    def count(self, table):
        return self.ask(f'SELECT count(*) FROM "{table}"')[0][0]

    def values(self, table):
        return [value for value, in self.ask(f'SELECT a FROM "{table}" ORDER BY 1')]


def wait_until_back(*coordinators):
    """Each answers, without faults and no longer starting."""
    for coordinator in coordinators:
        def answers(one=coordinator):
            one.script()
            return ask(one.address, "GET", "/v1/info").json()["starting"] is False
        eventually(answers, within=15, message=f"{coordinator.name} is back")
