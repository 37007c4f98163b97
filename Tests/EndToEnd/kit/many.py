"""Many statements at once over few connections: one thread, one epoll, HTTP by hand, nothing waited for in turn."""

import re
import select
import socket
import time
from collections import deque

# What a JDBC client sends with a statement, about.
FIELDS = (
    "User-Agent: StatementClientV1/476\r\nAccept-Encoding: gzip\r\nX-Trino-Catalog: hive\r\nX-Trino-Schema: sales\r\n"
    "X-Trino-Time-Zone: Etc/UTC\r\nX-Trino-Client-Capabilities: PARAMETRIC_DATETIME,SESSION_AUTHORIZATION\r\n"
    "X-Trino-Transaction-Id: NONE\r\nAuthorization: Basic ZXRsOnNlY3JldHNlY3JldA==\r\n")
TEXT = (
    "SELECT a.customer, sum(b.amount) FROM hive.sales.orders a JOIN hive.sales.lines b ON a.id = b.id "
    "WHERE a.day BETWEEN date '2026-01-01' AND date '2026-02-01' GROUP BY 1 ORDER BY 2 DESC LIMIT 100")

NEXT = re.compile(rb'"nextUri":"http://[^/]*(/[^"]*)"')
ID = re.compile(rb'"id":"([^"]*)"')
OWN_ID = re.compile(rb"X-Penstock-Statement: ([^\r]*)")
LENGTH = re.compile(rb"[Cc]ontent-[Ll]ength: (\d+)")


class Statement:
    """Where a statement stands: the id that its first page named, and the path to ask next."""

    __slots__ = ("id", "own_id", "path", "polls")

    def __init__(self):
        self.id = None
        self.own_id = None
        self.path = None
        self.polls = 0


class Connection:
    """One connection with at most one request under way."""

    __slots__ = ("socket", "statement", "sent", "buffer")

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.statement = None
        self.sent = 0.0
        self.buffer = b""


class Many:
    """Statements in flight over a fixed number of connections. Each poll goes out on whichever connection is free, so
    that a statement's polls come on any loop of the gateway."""

    def __init__(self, address, connections, user="many", text=TEXT, fields=FIELDS):
        host = f"Host: {address[0]}:{address[1]}\r\nX-Trino-User: {user}\r\n{fields}"
        body = text.encode()
        self.post = f"POST /v1/statement HTTP/1.1\r\n{host}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self.rest = f" HTTP/1.1\r\n{host}\r\n".encode()
        # Says to an upstream of fixed pages that the next page is the last one.
        self.ending = f" HTTP/1.1\r\n{host}X-Trino-Client-Info: last\r\n\r\n".encode()
        self.poller = select.epoll()
        self.connections = {}
        for _ in range(connections):
            connection = Connection(address)
            self.connections[connection.socket.fileno()] = connection
            self.poller.register(connection.socket, select.EPOLLIN)
        self.free = deque(self.connections.values())
        # What is to be asked next comes first.
        self.due = deque()
        self.busy = 0
        self.ended = 0
        self.answered = 0
        self.errors = {}
        self.latencies = []

    def close(self):
        for connection in self.connections.values():
            connection.socket.close()
        self.poller.close()

    def submit(self, count, rate=None, pages=0):
        """Submits so many statements, and polls each so many times."""
        self._run([Statement() for _ in range(count)], rate)
        for _ in range(pages):
            self.poll(len(self.due), rate)

    def poll(self, count, rate=None):
        """Polls so often, at most `rate` times a second: always the statement that waited longest."""
        self._run(None, rate, count)

    def finish(self, rate=None):
        """Asks each statement for its pages until there are no more."""
        while self.due:
            self._run(None, rate, len(self.due), self.ending)

    def wait(self, seconds):
        """Does nothing for so long but notice connections that end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for number, _ in self.poller.poll(min(left, 0.5)):
                self._lost(self.connections[number], "a connection at rest ended")

    def percentile(self, share):
        """Of the times from request to answer since `latencies` was emptied, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0

    def _run(self, new, rate, count=None, ending=None):
        count = len(new) if new is not None else count
        source, rest = (deque(new), None) if new is not None else (self.due, ending or self.rest)
        begun, sent = time.monotonic(), 0
        while sent < count or self.busy:
            allowed = count if rate is None else min(count, int((time.monotonic() - begun) * rate) + 1)
            while sent < allowed and self.free and source:
                self._send(self.free.popleft(), source.popleft(), rest)
                sent += 1
            if not source and not self.busy:
                return
            for number, _ in self.poller.poll(0.001 if sent < count else 0.1):
                self._receive(self.connections[number])

    def _send(self, connection, statement, rest):
        connection.statement = statement
        connection.sent = time.monotonic()
        data = self.post if statement.path is None else b"GET " + statement.path + rest
        self.busy += 1
        try:
            if connection.socket.send(data) != len(data):
                self._lost(connection, "the socket took part of a request")
        except OSError as problem:
            self._lost(connection, repr(problem))

    def _receive(self, connection):
        try:
            data = connection.socket.recv(65536)
        except OSError as problem:
            return self._lost(connection, repr(problem))
        if not data:
            return self._lost(connection, "the connection ended")
        if connection.buffer:
            data = connection.buffer + data
        end = data.find(b"\r\n\r\n") + 4
        length = LENGTH.search(data, 0, end) if end > 3 else None
        if end > 3 and length is None:
            return self._lost(connection, "an answer without a length")
        if end < 4 or len(data) < end + int(length[1]):
            connection.buffer = data
            return None
        connection.buffer = b""
        statement, connection.statement = connection.statement, None
        if statement is None:
            return self._lost(connection, "an answer that nobody asked for")
        self.latencies.append(time.monotonic() - connection.sent)
        self.busy -= 1
        self.free.append(connection)
        self._answered(statement, data, end)

    def _answered(self, statement, data, end):
        self.answered += 1
        name, own = ID.search(data, end), OWN_ID.search(data, 0, end)
        if data[9:12] != b"200" or b'"error":{' in data:
            return self._error(data[:12].decode() + data[end:end + 200].decode(errors="replace"))
        if not name or not own or statement.id not in (None, name[1]) or statement.own_id not in (None, own[1]):
            return self._error("a page of another statement")
        statement.id, statement.own_id = name[1], own[1]
        following = NEXT.search(data, end)
        if following is None:
            self.ended += 1
            return
        statement.path = following[1]
        statement.polls += 1
        self.due.append(statement)

    def _error(self, what):
        self.errors[what] = self.errors.get(what, 0) + 1

    def _lost(self, connection, what):
        self._error(what)
        if connection.statement is not None:
            self.busy -= 1
        self.connections.pop(connection.socket.fileno(), None)
        if connection in self.free:
            self.free.remove(connection)
        self.poller.unregister(connection.socket)
        connection.socket.close()
