"""A coordinator that answers a POST at once and a poll after a second: holding_upstream.py PORT."""

import asyncio
import itertools
import json
import sys

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
SLUG = "y06d0466e1a2d993c7e097c21d2915ec8fa24bd91d"
numbers = itertools.count()


def answer(body):
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def page(query, token):
    return answer(json.dumps({
        "id": query, "infoUri": f"{BASE}/ui/query.html?{query}",
        "nextUri": f"{BASE}/v1/statement/executing/{query}/{SLUG}/{token}",
        "stats": {"state": "RUNNING", "queued": False, "scheduled": True, "nodes": 1, "totalSplits": 1},
        "warnings": []}, separators=(",", ":")))


INFO = answer(json.dumps({
    "nodeVersion": {"version": "483"}, "environment": "bench", "coordinator": True, "starting": False, "uptime": "1h"}))


class Connection(asyncio.Protocol):
    """Takes one request after the other; none of its clients sends two at once."""

    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or head.startswith(b"POST") and len(body) < length(head):
            return
        self.received = b""
        path = head.split(b" ", 2)[1].decode()
        if head.startswith(b"POST"):
            self.transport.write(page(f"20260101_000000_{next(numbers):05}_bench", 1))
        elif path.startswith("/v1/statement/executing/"):
            query, _, token = path.split("/")[4:7]
            asyncio.get_running_loop().call_later(1, self.transport.write, page(query, int(token) + 1))
        else:
            self.transport.write(answer('"ACTIVE"') if path == "/v1/info/state" else INFO)


def length(head):
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", PORT, backlog=4096)
    await server.serve_forever()


asyncio.run(main())
