"""A coordinator in this process that does exactly what a test tells it: pages, faults, health, silence."""

import json
import random
import re
import socket
import string
import struct
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Request:
    """What arrived: the head as it came (latin-1), the body with its framing taken off."""

    method: str
    target: str
    version: str
    headers: list
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None


@dataclass
class Response:
    """What is to be sent: `body` may be an iterator of pieces with `length`; `framing` length, chunked or close.

    `cut_after` so many body bytes the connection ends, by `reset` or by a plain close; `delay` seconds come before
    the head; `piece` bytes are sent at a time, or all in one write, `at_once`.
    """

    status: int = 200
    headers: list = field(default_factory=lambda: [("Content-Type", "application/json")])
    body: object = b""
    framing: str = "length"
    length: int | None = None
    cut_after: int | None = None
    reset: bool = False
    delay: float = 0.0
    piece: int = 65536
    at_once: bool = False
    date: bool = True


SILENCE = object()
RESET = object()
CLOSE = object()


def json_response(value, status=200, **more):
    return Response(status=status, body=json.dumps(value).encode(), **more)


def text_response(status, text, headers=()):
    return Response(status=status, headers=[("Content-Type", "text/plain"), *headers], body=text.encode())


class Ended(Exception):
    """The connection is over."""


class FakeServer:
    """A threaded HTTP/1.1 server on loopback; `answer(request)` says what comes back."""

    def __init__(self, name="fake", port=0, host="127.0.0.1"):
        self.name = name
        self.host = host
        self.requests = []
        self.lock = threading.Lock()
        self.thaw = threading.Event()
        self.thaw.set()
        self.port = port
        self.listener = None
        self.connections = {}
        self.count = 0
        self.rules = []
        self.interim = b""

    def start(self):
        self.listener = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.host, self.port))
        self.listener.listen(512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """From here on connects are refused and open connections are reset."""
        self.thaw.set()
        if self.listener:
            listener, self.listener = self.listener, None
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self.lock:
            open_now = list(self.connections.values())
        for connection in open_now:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def freeze(self):
        """Connections are accepted and never answered, until `unfreeze`."""
        self.thaw.clear()

    def unfreeze(self):
        self.thaw.set()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        return self.host, self.port

    @property
    def url(self):
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def on(self, method, target, action, times=None, after=0):
        """From the matching request number `after` on, `times` of them get `action` (a Response, SILENCE, RESET,
        CLOSE, or a function of the request that answers one of these or None for the usual answer)."""
        rule = {"method": method, "target": re.compile(target), "action": action, "times": times, "after": after}
        with self.lock:
            self.rules.insert(0, rule)
        return rule

    def off(self, rule=None):
        with self.lock:
            self.rules = [] if rule is None else [kept for kept in self.rules if kept is not rule]

    def seen(self, method=None, target=r""):
        """The requests so far, but for the probes."""
        with self.lock:
            return [request for request in self.requests
                    if (method is None or request.method == method) and re.search(target, request.target)]

    def statements_seen(self):
        """How many times each text was POSTed."""
        counts = {}
        for request in self.seen("POST", r"^/v1/statement"):
            text = request.body.decode(errors="replace")
            counts[text] = counts.get(text, 0) + 1
        return counts

    def answer(self, request):
        raise NotImplementedError

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.count += 1
                number = self.count
                self.connections[number] = connection
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        stream = connection.makefile("rb")
        try:
            while self._exchange(connection, stream, number):
                pass
        except (OSError, Ended, ValueError):
            pass
        finally:
            with self.lock:
                self.connections.pop(number, None)
            stream.close()
            connection.close()

    def _exchange(self, connection, stream, number):
        line = stream.readline()
        if not line:
            return False
        method, target, version = line.decode("latin-1").split()
        headers = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        named = {name.lower(): value for name, value in headers}
        if named.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if "content-length" in named:
            body = stream.read(int(named["content-length"]))
        elif "chunked" in named.get("transfer-encoding", ""):
            while size := int(stream.readline().split(b";")[0], 16):
                body += stream.read(size)
                stream.readline()
            while stream.readline() not in (b"\r\n", b""):
                pass
        request = Request(method, target, version, headers, body, number)
        with self.lock:
            self.requests.append(request)
        self.thaw.wait()
        action = self._ruled(request)
        if action is None:
            action = self.answer(request)
        return self._send(connection, request, action)

    def _ruled(self, request):
        with self.lock:
            for rule in self.rules:
                if rule["method"] not in (None, request.method) or not rule["target"].search(request.target):
                    continue
                if rule["after"] > 0:
                    rule["after"] -= 1
                    continue
                if rule["times"] is not None:
                    if rule["times"] == 0:
                        continue
                    rule["times"] -= 1
                action = rule["action"]
                break
            else:
                return None
        return action(request) if callable(action) else action

    def _send(self, connection, request, action):
        if action is SILENCE:
            connection.settimeout(600)
            while connection.recv(65536):
                pass
            raise Ended
        if action is RESET or action is CLOSE:
            if action is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Ended
        if action.delay:
            time.sleep(action.delay)
        streamed = not isinstance(action.body, bytes)
        length = action.length if streamed else len(action.body)
        bodiless = request.method == "HEAD" or action.status in (204, 304) or action.status < 200
        head = f"HTTP/1.1 {action.status} Some Reason\r\n"
        if action.date:
            head += "Date: Sat, 21 Nov 2026 02:58:06 GMT\r\n"
        for name, value in action.headers:
            head += f"{name}: {value}\r\n"
        if action.status not in (204, 304):
            if action.framing == "length":
                head += f"Content-Length: {length}\r\n"
            elif action.framing == "chunked":
                head += "Transfer-Encoding: chunked\r\n"
            else:
                head += "Connection: close\r\n"
        head = self.interim + head.encode("latin-1") + b"\r\n"
        if action.at_once:
            connection.sendall(head + self._whole_body(action))
            return action.framing != "close"
        connection.sendall(head)
        if bodiless:
            return action.framing != "close"
        self._send_body(connection, action, streamed)
        return action.framing != "close"

    def _whole_body(self, action):
        if action.framing != "chunked":
            return action.body
        pieces = [action.body[at:at + action.piece] for at in range(0, len(action.body), action.piece)]
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    def _send_body(self, connection, action, streamed):
        pieces = action.body if streamed else (
            action.body[at:at + action.piece] for at in range(0, len(action.body), action.piece))
        sent = 0
        for piece in pieces:
            cut = action.cut_after is not None and sent + len(piece) >= action.cut_after
            if cut:
                piece = piece[: action.cut_after - sent]
            if piece:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if action.framing == "chunked" else piece)
            sent += len(piece)
            if cut:
                if action.reset:
                    time.sleep(0.05)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Ended
        if action.framing == "chunked":
            connection.sendall(b"0\r\n\r\n")


def suffix():
    return "".join(random.choices(string.ascii_lowercase + "23456789", k=5))


def column(name, kind):
    return {"name": name, "type": kind, "typeSignature": {"rawType": kind, "arguments": []}}


class FakeCoordinator(FakeServer):
    """Speaks Trino's protocol (or Presto's), one row per page, with what a test overrides.

    `plan(sql)` answers the executing pages' members; the first is columns and data. An error is a plan that ends in a
    page with `error`.
    """

    def __init__(self, name="fake", port=0, dialect="trino", host="127.0.0.1"):
        super().__init__(name, port, host)
        self.dialect = dialect
        self.starting = False
        self.state = "ACTIVE"
        self.workers = None
        self.framing = "length"
        self.plan = self.simple_plan
        self.page_headers = lambda statement, token: []
        self.queued_polls = 1
        self.hold = 0.0
        self.born_again()

    def born_again(self):
        """A new incarnation: another suffix, nothing remembered."""
        self.suffix = suffix()
        self.born = time.monotonic()
        self.statements = {}
        self.number = 0

    def restart(self, down=0.0):
        self.stop()
        if down:
            time.sleep(down)
        self.born_again()
        return self.start()

    @staticmethod
    def simple_plan(sql):
        """`SELECT rows 5` has five pages of one row; anything else one row that holds the text."""
        match = re.search(r"\brows (\d+)", sql)
        rows = [[index] for index in range(int(match[1]))] if match else [[sql]]
        columns = [column("value", "bigint" if match else "varchar")]
        return [{"columns": columns, "data": [row]} for row in rows] or [{"columns": columns}]

    @staticmethod
    def failing_plan(name, kind="USER_ERROR", code=1, message="it failed", after=0):
        def plan(_):
            rows = [{"columns": [column("value", "bigint")], "data": [[index]]} for index in range(after)]
            error = {"message": message, "errorCode": code, "errorName": name, "errorType": kind,
                     "failureInfo": {"type": "io.trino.spi.TrinoException", "message": message, "suppressed": [],
                                     "stack": []}}
            return [*rows, {"error": error}]
        return plan

    def answer(self, request):
        path, _, query = request.target.partition("?")
        if path == "/v1/info":
            return json_response(self.info())
        if path == "/v1/info/state":
            return json_response(self.state)
        if path == "/v1/integrations/gateway/metrics" and self.dialect == "trino" and self.workers is not None:
            return json_response({"clusterSize": self.workers, "totalFreeBytes": 1, "aggregatedSystemLoad": 0.1})
        if path == "/v1/cluster" and self.dialect == "presto" and self.workers is not None:
            return json_response({"activeWorkers": self.workers, "runningQueries": 0})
        if path == "/v1/statement" and request.method == "POST":
            return self.submitted(request)
        if path == "/v1/statement" and request.method == "HEAD":
            return Response(headers=[], body=b"")
        if match := re.match(r"/v1/statement/(queued|executing)/(\w+)/(?:(\w+)/)?(\d+)$", path):
            return self.polled(request, *match.groups(), query)
        if re.match(r"/v1/statement/executing/partialCancel/|/v1/stage/", path) and request.method == "DELETE":
            return Response(status=204, headers=[])
        if match := re.match(r"/v1/query/(\w+)$", path):
            if request.method == "DELETE":
                self.cancel(match[1])
                return Response(status=204, headers=[])
            known = match[1] in self.statements
            return json_response({"queryId": match[1], "state": "RUNNING"}) if known else text_response(410, "gone")
        return text_response(404, "Not found here")

    def info(self):
        version = {"version": "476" if self.dialect == "trino" else "0.296"}
        info = {"nodeVersion": version, "environment": "test", "coordinator": True, "starting": self.starting,
                "uptime": f"{time.monotonic() - self.born:.2f}s"}
        if self.dialect == "trino":
            info |= {"coordinatorId": self.suffix, "nodeId": self.name, "state": self.state}
        return info

    def submitted(self, request):
        with self.lock:
            self.number += 1
            own_id = time.strftime("%Y%m%d_%H%M%S", time.gmtime()) + f"_{self.number:05}_{self.suffix}"
        sql = request.body.decode(errors="replace")
        statement = {"id": own_id, "sql": sql, "pages": self.plan(sql), "canceled": False, "polls": 0,
                     "headers": request.headers, "host": request.header("Host")}
        self.statements[own_id] = statement
        return self.page(statement, 0, ("queued", 1), {"state": "QUEUED"}, {})

    def polled(self, request, kind, own_id, slug, token, query):
        statement, token = self.statements.get(own_id), int(token)
        if self.dialect == "presto":
            slug = (re.search(r"slug=(\w+)", query) or [None, None])[1]
        if statement is None or slug != self.slug(kind, own_id, token):
            return text_response(404, "Query not found")
        if request.method == "DELETE":
            self.cancel(own_id)
            return Response(status=204, headers=[])
        if request.method == "HEAD":
            return Response(headers=[], body=b"")
        statement["polls"] += 1
        if self.hold:
            time.sleep(self.hold)
        if statement["canceled"]:
            return self.page(statement, token, None, {"state": "FAILED"}, {"error": {
                "message": "Query was canceled", "errorCode": 3, "errorName": "USER_CANCELED",
                "errorType": "USER_ERROR", "failureInfo": {"type": "x", "suppressed": [], "stack": []}}})
        if kind == "queued" and token < self.queued_polls:
            return self.page(statement, token, ("queued", token + 1), {"state": "QUEUED"}, {})
        if kind == "queued":
            return self.page(statement, token, ("executing", 0), {"state": "QUEUED"}, {})
        pages = statement["pages"]
        if token < len(pages):
            members = pages[token]
            following = None if "error" in members else ("executing", token + 1)
            return self.page(statement, token, following, {"state": "FAILED" if following is None else "RUNNING"},
                             members)
        return self.page(statement, token, None, {"state": "FINISHED"}, {"columns": pages[-1].get("columns", [])})

    def cancel(self, own_id):
        if own_id in self.statements:
            self.statements[own_id]["canceled"] = True

    def slug(self, kind, own_id, token):
        if self.dialect == "presto":
            return "x" + own_id.replace("_", "")
        return f"y{kind[0]}{token}{own_id.replace('_', '')}"

    def uri(self, statement, kind, token):
        own_id, host = statement["id"], statement["host"]
        slug = self.slug(kind, own_id, token)
        if self.dialect == "presto":
            return f"http://{host}/v1/statement/{kind}/{own_id}/{token}?slug={slug}"
        return f"http://{host}/v1/statement/{kind}/{own_id}/{slug}/{token}"

    def page(self, statement, token, following, stats, members):
        own_id = statement["id"]
        page = {"id": own_id, "infoUri": f"http://{statement['host']}/ui/query.html?{own_id}"}
        if following and following[0] == "executing":
            page["partialCancelUri"] = (
                f"http://10.0.0.1:8080/v1/stage/{own_id}.0" if self.dialect == "presto" else
                f"http://{statement['host']}/v1/statement/executing/partialCancel/{own_id}/0/yp/{token}")
        if following:
            page["nextUri"] = self.uri(statement, *following)
        for name in ("columns", "data"):
            if name in members:
                page[name] = members[name]
        page["stats"] = {"queued": stats["state"] == "QUEUED", "scheduled": False, "nodes": 1, **stats}
        if "error" in members:
            page["error"] = members["error"]
        page["warnings"] = []
        for name in ("updateType", "updateCount"):
            if name in members:
                page[name] = members[name]
        headers = [("Vary", "Accept-Encoding"), ("Content-Type", "application/json"),
                   ("X-Content-Type-Options", "nosniff"), *self.page_headers(statement, token)]
        text = json.dumps(page, separators=(",", ":"))
        if self.dialect == "presto":
            text = text.replace("&", "\\u0026") + "\n"
        return Response(headers=headers, body=text.encode(), framing=self.framing)
