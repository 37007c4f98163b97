"""Conversations that real Trino and Presto servers had, played through the gateway: what the client gets must be what
the server sent, but for the authorities of the URIs and their tags."""

import base64
import functools
import json
import re
import time
from pathlib import Path

from .fakes import RESET, FakeServer, Response, json_response, text_response
from .rawhttp import Connection

FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive"}
URI = re.compile(rb'"(infoUri|partialCancelUri|nextUri)":"https?://([^/"]+)([^"]*)"')
VIA = re.compile(r"(?:\?|&|\\u0026)via=[A-Za-z0-9_-]{1,96}$")
QUERY_ID = re.compile(r"/v1/query/(\w+)$")
SPOOLED = "x-trino-query-data-encoding"


def load(path):
    return json.loads(Path(path).read_text())


def is_spooled(case):
    return any(SPOOLED in {name.lower() for name in exchange["request"]["headers"]} for exchange in case["exchanges"])


@functools.cache
def filled(head, tail, length):
    """A page whose middle was not kept: one row of the missing length between its first and its last members, or None.

    Presto's tails begin deep inside `stats`; as many objects are opened as its closing braces ask for.
    """
    rows = head.find(b'"data":[')
    if rows < 0:
        return None
    head = head[: rows + len(b'"data":[')]
    end = tail.find(b'],"stats":')
    ends = [tail[end:]] if end >= 0 else [
        b'],"stats":{' + b'"more":{' * depth + tail[tail.find(b'},"') + 2:] for depth in range(12)]
    for end in ends:
        page = head + b'["' + b"f" * (length - len(head) - len(end) - len(b'[""]')) + b'"]' + end
        try:
            json.loads(page)
        except ValueError:
            continue
        return page
    return None


def whole_body(response):
    """The body as bytes, or None where too little of it was recorded."""
    if "body_base64" in response:
        return base64.b64decode(response["body_base64"])
    if "body_head" in response:
        head, tail = response["body_head"].encode(), (response.get("body_tail") or "").encode()
        if not tail:
            return None
        if head.startswith(b'{"id"'):
            return filled(head, tail, response["length"])
        return head + b" " * (response["length"] - len(head) - len(tail)) + tail
    body = (response.get("body") or "").encode()
    return body if response.get("length", len(body)) == len(body) else None


def is_playable(response):
    return "transport_error" not in response and whole_body(response) is not None


def field(headers, name):
    return next((value for key, value in headers if key.lower() == name), None)


class Player(FakeServer):
    """Answers each method and path with what was recorded for it, in order; the last answer stays.

    The probes get the answers of a healthy coordinator, so that any case can be played after any other.
    """

    def __init__(self, name):
        super().__init__(name)
        self.answers = {}
        self.born = time.monotonic()

    def load(self, case):
        answers = {}
        for exchange in case["exchanges"]:
            request = exchange["request"]
            answers.setdefault((request["method"], request["path"]), []).append(exchange["response"])
        self.answers = answers

    def answer(self, request):
        if request.target in PROBED:
            return PROBED[request.target](self)
        recorded = self.answers.get((request.method, request.target))
        if not recorded:
            return text_response(404, "Not recorded")
        response = recorded.pop(0) if len(recorded) > 1 else recorded[0]
        if not is_playable(response):
            return RESET
        headers = [(name, value) for name, value in response["headers"] if name.lower() not in FRAMING | {"date"}]
        chunked = "chunked" in (field(response["headers"], "transfer-encoding") or "")
        return Response(status=response["status"], headers=headers, body=whole_body(response),
                        framing="chunked" if chunked else "length")


PROBED = {
    "/v1/info": lambda player: json_response({
        "nodeVersion": {"version": "1"}, "environment": "test", "coordinator": True, "starting": False,
        "uptime": f"{time.monotonic() - player.born:.2f}s"}),
    "/v1/info/state": lambda player: json_response("ACTIVE"),
    "/v1/cluster": lambda player: text_response(404, "Not found"),
    "/v1/integrations/gateway/metrics": lambda player: text_response(404, "Not found"),
}


class Skip(Exception):
    """Why the rest of a conversation says nothing about the relay."""


class Conversation:
    """The client's side: repeats the recorded requests on the URIs that the gateway gave instead."""

    def __init__(self, case, front):
        self.case = case
        self.authority = f"{front[0]}:{front[1]}"
        self.connection = Connection(front)
        self.shown = {}
        self.ids = set()
        self.canceled = set()
        self.compared = 0

    def play(self):
        for exchange in self.case["exchanges"]:
            request, response = exchange["request"], exchange["response"]
            target = self.target(request)
            if target is None:
                continue
            if not is_playable(response):
                break
            if (field(response["headers"], "content-encoding") or "identity") != "identity":
                break
            try:
                self.exchange(request, response, target)
            except Skip:
                break
        self.connection.close()
        return self.compared

    def target(self, request):
        """Where the gateway takes this request, or None where it is not a client's."""
        path, method = request["path"], request["method"]
        if path.split("?")[0] == "/v1/statement" and method == "POST":
            return path
        if path in self.shown and method in ("GET", "DELETE", "HEAD"):
            return self.shown[path]
        match = QUERY_ID.match(path)
        return path if match and match[1] in self.ids and method in ("GET", "DELETE") else None

    def exchange(self, request, response, target):
        own = self.statement_of(request["path"])
        if request["method"] == "HEAD" and not self.is_relayed_head(request["path"]):
            assert self.ask(request, target).status == 200
            return
        if own in self.canceled:
            return
        if request["method"] == "DELETE" and response["status"] == 204:
            self.canceled.add(own)
        reply = self.ask(request, target)
        if target in self.shown.values() and response["status"] >= 400:
            self.refused(request, response, reply, target)
        self.compare(request, response, reply)

    def ask(self, request, target):
        headers = [(name, value) for name, value in request["headers"].items()
                   if name.lower() not in FRAMING | {"host"}]
        body = request.get("body") if request["method"] == "POST" else None
        reply = self.connection.request(request["method"], target, headers, body)
        if (reply.header("Connection") or "").lower() == "close":
            address = self.connection.socket.getpeername()
            self.connection.close()
            self.connection = Connection(address[:2])
        return reply

    def refused(self, request, response, reply, target):
        """Before it passes on a 404 of a poll the gateway may look whether the coordinator is another one; what it
        says of a 500 depends on the statement."""
        for _ in range(200):
            if reply.status != 200 or response["status"] != 404:
                break
            assert "nextUri" in reply.json(), reply
            time.sleep(0.05)
            reply = self.ask(request, target)
        if response["status"] == 500 and reply.status == 200:
            assert reply.json()["error"]["errorName"].startswith("PENSTOCK_"), reply
        else:
            assert reply.status == response["status"], reply
        raise Skip

    def is_relayed_head(self, path):
        return self.case["engine"] == "trino" and "/executing/" in path

    @staticmethod
    def statement_of(path):
        match = re.search(r"\d{8}_\d{6}_\d{5}_\w{5}", path)
        return match and match[0]

    def compare(self, request, response, reply):
        what = f"{request['method']} {request['path']}"
        assert reply.status == response["status"], (what, reply)
        self.compare_headers(what, response["headers"], reply.headers)
        if request["method"] == "HEAD":
            assert reply.body == b""
        else:
            expected, got = whole_body(response), reply.body
            if reply.status == 200 and got.lstrip().startswith(b"{"):
                self.learn(got)
                expected, got = self.plain(expected), self.plain(got)
            assert got == expected, (what, first_difference(expected, got))
        self.compared += 1

    @staticmethod
    def compare_headers(what, recorded, came):
        def kept(headers):
            return sorted((name.lower(), value) for name, value in headers
                          if name.lower() not in FRAMING | {"date"} and not name.lower().startswith("x-penstock-"))
        assert kept(came) == kept(recorded), f"{what}: {kept(came)} instead of {kept(recorded)}"

    def learn(self, page):
        for kind, authority, rest in URI.findall(page[:65536]):
            uri = rest.decode()
            assert authority.decode() == self.authority, (kind, authority)
            if kind == b"infoUri":
                assert not VIA.search(uri)
                continue
            assert VIA.search(uri), uri
            path = VIA.sub("", uri).replace("\\u0026", "&")
            self.shown[path] = uri.replace("\\u0026", "&")
        own_id = re.match(rb'\s*\{"id":"(\w+)"', page)
        if own_id:
            self.ids.add(own_id[1].decode())

    @staticmethod
    def plain(page):
        """The page with every authority the same and no tag."""
        def same(match):
            kind, _, rest = match.groups()
            return b'"%s":"http://authority%s"' % (kind, VIA.sub("", rest.decode()).encode())
        return URI.sub(same, page[:65536]) + page[65536:]


def first_difference(expected, got):
    at = next((index for index, (one, other) in enumerate(zip(expected, got)) if one != other),
              min(len(expected), len(got)))
    return {"at": at, "expected": expected[max(0, at - 80):at + 120], "got": got[max(0, at - 80):at + 120],
            "lengths": (len(expected), len(got))}
