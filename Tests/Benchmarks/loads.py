"""What the relays carry: each case submits its statements, drives them for a while, and checks every answer."""

import asyncio
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HELD_POLLS = 3  # of each connection


@dataclass(frozen=True)
class Result:
    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Case:
    """One load. `source` asks the upstream for pages of a kind; `target` is a share of HAProxy's CPU per request."""

    name: str
    kind: str  # post, polls, statements, held
    source: str = ""
    connections: int = 32
    target: float | None = None


SINGLE = Case("poll, one connection", "polls", connections=1)
CASES = [
    Case("POST", "post", target=1.0),
    Case("poll 650 B", "polls", target=0.9),
    Case("poll 650 B, chunked", "polls", "chunked", target=0.9),
    Case("page 64 KiB", "polls", "64k", connections=16, target=0.75),
    Case("page 64 KiB, chunked", "polls", "64k-chunked", connections=16, target=0.75),
    Case("page 1 MiB", "polls", "1m", connections=8, target=0.55),
    Case("page 1 MiB, chunked", "polls", "1m-chunked", connections=8, target=0.55),
    Case("statement (POST, 5 polls)", "statements", connections=16, target=0.95),
    Case("statement, chunked", "statements", "chunked", connections=16, target=0.95),
    Case("2,000 polls held 1 s", "held", connections=2000),
    SINGLE,
]


def ask(port, method, path, source=""):
    """One request on a connection of its own: the answer's head and its JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = b"SELECT 1" if method == "POST" else None
        connection.request(method, path, body, {"X-Trino-User": "bench", "X-Trino-Source": source})
        answer = connection.getresponse()
        return answer, json.loads(answer.read())
    finally:
        connection.close()


def submit(port, source):
    """The path of a new statement's next page. A relay that has just started may not know its upstream yet."""
    for _ in range(100):
        answer, page = ask(port, "POST", "/v1/statement", source)
        path = "/" + page["nextUri"].split("/", 3)[3]
        if "/executing/" in path:
            return path
        time.sleep(0.1)
    sys.exit(f"what listens on port {port} does not lead to the upstream; it said {page}")


def prepare(case, relay, upstream):
    """Submits what the case polls; sees that the upstream frames a page rightly and that it comes through whole."""
    paths = [submit(relay.port, case.source) for _ in range(case.connections if case.kind == "polls" else 1)]
    (relay.folder / "paths.txt").write_text("\n".join(paths))
    if case.kind == "held":
        return
    answer, page = ask(relay.port, "GET", paths[0])
    sent, expected = ask(upstream.port, "GET", submit(upstream.port, case.source))
    is_chunked = sent.getheader("Transfer-Encoding") == "chunked"
    if answer.status != 200 or page["data"] != expected["data"] or is_chunked != ("chunked" in case.source):
        sys.exit(f"{case.name}: {relay.name} does not relay what the upstream sends")


def drive(case, relay, seconds):
    if case.kind == "held":
        return asyncio.run(held(relay.port, case.connections))
    # Only a thread of wrk that has one connection knows which request an answer belongs to.
    threads = case.connections if case.kind == "statements" else 1
    script = {"post": "post.lua", "polls": "polls.lua", "statements": "statement.lua"}[case.kind]
    argument = {"post": [], "polls": ["paths.txt"], "statements": [case.source]}[case.kind]
    done = subprocess.run(
        ["wrk", f"-t{threads}", f"-c{case.connections}", f"-d{seconds}s", "--latency", "--timeout", "10s",
         "-s", HERE / "wrk" / script, f"http://127.0.0.1:{relay.port}/v1/statement", "--", *argument],
        cwd=relay.folder, capture_output=True, text=True)
    bad = re.search(r"Non-2xx.*|Socket errors.*", done.stdout)
    if done.returncode or done.stderr or bad or not relay.is_running():
        said = bad[0] if bad else done.stderr or done.stdout
        sys.exit(f"{case.name}: {relay.name} answered wrongly: {said.strip()}")
    return Result(
        int(re.search(r"(\d+) requests in", done.stdout)[1]), seconds,
        milliseconds(re.search(r" 50% +([\d.]+)(\w+)", done.stdout)),
        milliseconds(re.search(r" 99% +([\d.]+)(\w+)", done.stdout)))


def milliseconds(match):
    return float(match[1]) * {"us": 0.001, "ms": 1, "s": 1000}[match[2]]


async def held(port, count):
    """A statement for each connection, whose polls are held; the connections begin over a second."""
    took = []

    async def client(number):
        await asyncio.sleep(number / count)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            path = await exchange(reader, writer, "POST /v1/statement", "SELECT 1")
            for _ in range(HELD_POLLS):
                began = time.monotonic()
                path = await exchange(reader, writer, f"GET {path}", "")
                took.append(time.monotonic() - began)
        finally:
            writer.close()

    began = time.monotonic()
    await asyncio.gather(*(client(number) for number in range(count)))
    seconds = time.monotonic() - began
    if min(took) < 1:
        sys.exit("a poll was answered before the upstream had let it go")
    hundredths = statistics.quantiles(took, n=100)
    return Result(len(took), seconds, hundredths[49] * 1000, hundredths[98] * 1000)


async def exchange(reader, writer, what, body):
    """Sends a request; gives the path of the next one."""
    writer.write(f"{what} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Trino-User: bench\r\n"
                 f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if not head.startswith("HTTP/1.1 200 "):
        sys.exit(f"a held poll was answered {head}")
    if length := re.search(r"(?i)\r\ncontent-length: *(\d+)", head):
        page = await reader.readexactly(int(length[1]))
    else:
        page = b""
        while size := int(await reader.readline(), 16):
            page += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return "/" + json.loads(page)["nextUri"].split("/", 3)[3]
