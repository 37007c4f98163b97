"""The statement protocol as the plainest client speaks it: one POST, then nextUri until there is none."""

import time

from .rawhttp import Connection, ask, split_url


class Outcome:
    """What a client saw of one statement, page by page."""

    def __init__(self):
        self.replies = []
        self.rows = []
        self.columns = None
        self.error = None
        self.failure = None

    @property
    def first(self):
        return self.replies[0]

    @property
    def last(self):
        return self.replies[-1]

    @property
    def id(self):
        return self.first.json()["id"]

    @property
    def pool(self):
        return self.last.header("X-Penstock-Pool")

    @property
    def coordinator(self):
        return self.last.header("X-Penstock-Coordinator")

    @property
    def statement(self):
        return self.last.header("X-Penstock-Statement")

    @property
    def error_name(self):
        return self.error and self.error["errorName"]

    def take(self, reply):
        self.replies.append(reply)
        if reply.status != 200:
            self.failure = reply
            return None
        page = reply.json()
        self.columns = page.get("columns", self.columns)
        self.rows += page.get("data", [])
        self.error = page.get("error", self.error)
        return page.get("nextUri")


def user_headers(user="tester", dialect="Trino", **more):
    """The headers of a client; `Client_Tags="a"` becomes X-Trino-Client-Tags."""
    fields = {f"X-{dialect}-User": user}
    fields.update({f"X-{dialect}-{name.replace('_', '-')}": value for name, value in more.items()})
    return fields


def submit(address, sql, headers=None, target="/v1/statement"):
    """Sends the POST only."""
    return ask(address, "POST", target, user_headers() if headers is None else headers, sql)


def follow(outcome, next_uri, headers=None, within=60.0, pages=None, keep_alive=True):
    """Polls on until the last page, or for so many pages; answers the next URI that is left, if any."""
    deadline = time.monotonic() + within
    connection, where = None, None
    while next_uri and (pages is None or pages > 0):
        assert time.monotonic() < deadline, f"no end within {within} s: {outcome.last}"
        address, target = split_url(next_uri)
        if connection is None or where != address:
            if connection:
                connection.close()
            connection, where = Connection(address), address
        reply = connection.request("GET", target, headers or {})
        if not keep_alive or (reply.header("Connection") or "").lower() == "close":
            connection.close()
            connection = None
        next_uri = outcome.take(reply)
        pages = None if pages is None else pages - 1
    if connection:
        connection.close()
    return next_uri


def execute(address, sql, headers=None, within=60.0):
    """Runs a statement to its end."""
    outcome = Outcome()
    next_uri = outcome.take(submit(address, sql, headers))
    follow(outcome, next_uri, headers or user_headers(), within)
    return outcome
