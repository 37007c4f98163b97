"""A coordinator and a client that do the same thing each time: one request after the other, a fixed page."""

import itertools
import json
import re
import socket
import threading

ROW = ["a row of a page that has about the size of a small one", 1234567, 0.5]


class Coordinator:
    """Answers each connection in a thread of its own: POSTs with a new statement, polls with a page of 650 B."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.numbers = itertools.count()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return  # closed
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as received:
            while line := received.readline():
                method, path, _ = line.decode().split()
                read_message(received)
                try:
                    connection.sendall(self._answer(method, path))
                except OSError:
                    return  # the gateway has gone

    def _answer(self, method, path):
        if path == "/v1/info":
            page = {"nodeVersion": {"version": "483"}, "environment": "test", "coordinator": True, "starting": False,
                    "uptime": "1.00h"}
        elif method == "POST":
            page = self._page(f"20260101_000000_{next(self.numbers):05}_abcde", 0, "QUEUED")
        elif path.startswith("/v1/statement/executing/"):
            page = self._page(path.split("/")[4], int(path.split("/")[6]), "RUNNING")
        else:
            page = "ACTIVE"
        body = json.dumps(page, separators=(",", ":")).encode()
        return (b"HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nVary: Accept-Encoding\r\n"
                b"Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def _page(self, query, token, state):
        base = f"http://127.0.0.1:{self.port}"
        page = {
            "id": query, "infoUri": f"{base}/ui/query.html?{query}",
            "nextUri": f"{base}/v1/statement/executing/{query}/y06d0466e1a2d993c7e097c21d2915ec8fa24bd91d/{token + 1}",
            "stats": {"state": state, "queued": state == "QUEUED", "scheduled": True, "nodes": 1, "totalSplits": 1},
            "warnings": []}
        if state == "RUNNING":
            page["columns"] = [
                {"name": "s", "type": "integer", "typeSignature": {"rawType": "integer", "arguments": []}}]
            page["data"] = [ROW]
        return page

    def close(self):
        self.listener.close()


class Client:
    """Connections that are used in turn, one request at a time; each has a statement of its own to poll."""

    def __init__(self, port, connections):
        self.port = port
        self.connections = []
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append((connection, connection.makefile("rb")))
        self.paths = [self._ask(number, self._post()) for number in range(connections)]

    def submit(self, count):
        """Statements that are left in flight."""
        for number in range(count):
            self._ask(number % len(self.connections), self._post())

    def poll(self, count):
        """Polls, each of which is asked for again by the same URI."""
        for number in range(count):
            at = number % len(self.connections)
            self._ask(at, f"GET {self.paths[at]} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n")

    def _post(self):
        text = "SELECT name, total FROM hive.sales.orders WHERE day = DATE '2026-01-01'"
        return (f"POST /v1/statement HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Trino-User: test\r\n"
                f"Content-Length: {len(text)}\r\n\r\n{text}")

    def _ask(self, at, request):
        """The path of the answer's nextUri; whatever has none is not what these tests are about."""
        connection, received = self.connections[at]
        connection.sendall(request.encode())
        status = received.readline().decode()
        body = read_message(received).decode()
        found = re.search(r'"nextUri":"http://[^/]*(/v1/statement/executing/[^"]*)"', body)
        if " 200 " not in status or not found:
            raise RuntimeError(f"an unexpected answer: {status} {body}")
        return found[1]

    def close(self):
        for connection, received in self.connections:
            received.close()
            connection.close()


def read_message(received):
    """Reads the rest of a head, and the body that it announces."""
    length = 0
    while (line := received.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return received.read(length)
