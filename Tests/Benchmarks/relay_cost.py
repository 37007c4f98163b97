"""CPU per relayed request: penstock and HAProxy, one thread each, the same load on the same upstream, turn by turn.

Prints microseconds of user and system time of each process per request, and their ratio. Loopback only.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
QUERY_ID = "20260101_000000_00001_abcde"
PAGE = "/v1/statement/executing/" + QUERY_ID + "/y/{}"
LOADS = {
    "poll 650 B": {"page": "small", "connections": 32},
    "poll 650 B, chunked": {"page": "chunked", "connections": 32},
    "POST": {"script": "post", "connections": 32},
    "POST, GET, GET": {"script": "flow", "connections": 32},
    "page 64 KiB": {"page": "64k", "connections": 8},
    "page 64 KiB, chunked": {"page": "chunked-64k", "connections": 8},
    "page 1 MiB": {"page": "1m", "connections": 8},
}
SCRIPTS = {
    "post": """
wrk.method = "POST"; wrk.body = "SELECT 1"; wrk.headers["X-Trino-User"] = "bench"
""",
    # A whole statement, again and again: wrk has one connection a thread here, so that answers come in order.
    "flow": """
local post, path
function init(arguments)
  post = wrk.format("POST", "/v1/statement", {["X-Trino-User"] = "bench"}, "SELECT 1")
end
function request() return path and wrk.format("GET", path, {["X-Trino-User"] = "bench"}) or post end
function response(status, headers, body) path = body:match('"nextUri":"http://[^/]*(/[^"]*)"') end
"""}
TOKENS = {"small": 1, "64k": 64, "1m": 1024}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def page(port, token, size, is_last=False):
    """A page of Trino's shape whose rows fill it up to `size` bytes."""
    base = f"http://127.0.0.1:{port}"
    columns = [{"name": "s", "type": "varchar", "typeSignature": {"rawType": "varchar", "arguments": []}}]
    body = {
        "id": QUERY_ID, "infoUri": f"{base}/ui/query.html?{QUERY_ID}",
        "partialCancelUri": f"{base}/v1/statement/executing/partialCancel/{QUERY_ID}/0/y/{token}",
        "nextUri": base + PAGE.format(token + 1), "columns": columns, "data": [["row"]],
        "stats": {"state": "RUNNING", "queued": False, "scheduled": True, "nodes": 1, "totalSplits": 1}, "warnings": []}
    if is_last:
        del body["nextUri"]
        body["stats"]["state"] = "FINISHED"
    row = ["some text of a row, with a number: 1234567", 1234567, 0.5]
    missing = size - len(json.dumps(body))
    body["data"] += [row] * max(0, missing // (len(json.dumps(row)) + 1))
    return json.dumps(body, separators=(",", ":"))


class Running:
    """A process that is ended by its own id."""

    def __init__(self, arguments, **more):
        self.process = subprocess.Popen([str(one) for one in arguments], stdin=subprocess.DEVNULL, **more)
        self.pid = self.process.pid

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_for_port(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on 127.0.0.1:{port}")


def start_upstream(directory, port):
    directory.chmod(0o755)  # nginx's worker may be another user
    pages = directory / "pages" / QUERY_ID / "y"
    pages.mkdir(parents=True)
    for name, size in {"small": 650, "64k": 64 << 10, "1m": 1 << 20}.items():
        (pages / str(TOKENS[name])).write_text(page(port, TOKENS[name], size))
    (pages / "2").write_text(page(port, 2, 650, is_last=True))
    (directory / "nginx.conf").write_text((HERE / "upstream_nginx.conf").read_text().replace("@PORT@", str(port)))
    return Running(["nginx", "-p", f"{directory}/", "-c", "nginx.conf"], stderr=subprocess.DEVNULL)


def start_penstock(binary, directory, upstream):
    (directory / "penstock.yaml").write_text(json.dumps({
        "listen": {"port": 0, "loops": 1}, "admin": {"port": 0}, "state": {"directory": str(directory / "state")},
        "log": {"level": "warning"}, "shutdown": {"delay": "0s", "grace": "1s"},
        "groups": [{"name": "default", "active": "blue", "pools": [
            {"name": "blue", "coordinators": [{"name": "one", "url": f"http://127.0.0.1:{upstream}"}]}]}]}))
    running = Running([binary, "serve", "--config", directory / "penstock.yaml"], stdout=subprocess.PIPE, text=True)
    for line in running.process.stdout:
        if match := re.search(r"listening front \S+:(\d+)", line):
            return running, int(match[1])
    sys.exit("penstock did not start")


def target(port, kind):
    """The path to poll through this port: what a POST's answer leads to."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/statement", data=b"SELECT 1",
        headers={"X-Trino-User": "bench", "X-Trino-Source": kind})
    for _ in range(100):
        with urllib.request.urlopen(request, timeout=10) as answer:
            uri = json.load(answer).get("nextUri")
        if uri:
            return "/" + uri.split("/", 3)[3]
        time.sleep(0.1)
    sys.exit("the upstream is not ready")


def load(running, port, path, connections, seconds, script):
    """Microseconds of CPU per request, and requests a second."""
    before = running.cpu_seconds()
    threads = connections if script and script.stem == "flow" else 1
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s"]
    done = subprocess.run(
        [*command, *(["-s", script] if script else []), f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True)
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])
    if bad := re.search(r"Non-2xx.*|Socket errors.*", done.stdout):
        print(f"  {bad[0]}", file=sys.stderr)
    return (running.cpu_seconds() - before) / max(count, 1) * 1e6, count / seconds


def measure(arguments, directory):
    upstream_port, proxy_port = free_port(), free_port()
    upstream = start_upstream(directory, upstream_port)
    started = [upstream]
    try:
        wait_for_port(upstream_port)
        environment = {**os.environ, "PROXY_PORT": str(proxy_port), "UPSTREAM_PORT": str(upstream_port)}
        haproxy = Running(["haproxy", "-db", "-f", HERE / "haproxy.cfg"], env=environment, stderr=subprocess.DEVNULL)
        started.append(haproxy)
        wait_for_port(proxy_port)
        penstock, front = start_penstock(arguments.binary, directory, upstream_port)
        started.append(penstock)
        for name, text in SCRIPTS.items():
            (directory / f"{name}.lua").write_text(text)
        print(f"{'us of CPU per request':24}{'haproxy':>10}{'penstock':>10}{'ratio':>8}{'requests/s':>22}", flush=True)
        worst = 0.0
        for name, one in LOADS.items():
            theirs, ours = [], []
            rates = [0.0, 0.0]
            for _ in range(arguments.repetitions):
                for index, (running, port, results) in enumerate(
                        ((haproxy, proxy_port, theirs), (penstock, front, ours))):
                    path = target(port, one["page"]) if "page" in one else "/v1/statement"
                    script = directory / f"{one['script']}.lua" if "script" in one else None
                    cost, rates[index] = load(
                        running, port, path, one["connections"], arguments.seconds, script)
                    results.append(cost)
            # Medians of the repetitions, which neither one lucky turn nor one disturbed turn moves.
            ratio = statistics.median(ours) / statistics.median(theirs)
            worst = max(worst, ratio)
            print(f"{name:24}{statistics.median(theirs):10.1f}{statistics.median(ours):10.1f}{ratio:8.2f}"
                  f"{rates[0]:11.0f}{rates[1]:11.0f}", flush=True)
        return worst
    finally:
        for running in reversed(started):
            running.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=ROOT / ".build/release/penstock", type=Path)
    parser.add_argument("--seconds", default=2, type=int)
    parser.add_argument("--repetitions", default=6, type=int)
    parser.add_argument("--limit", default=1.5, type=float, help="the largest ratio that is accepted")
    arguments = parser.parse_args()
    for program in ("nginx", "haproxy", "wrk", arguments.binary):
        if not shutil.which(program):
            sys.exit(f"there is no {program}; `make bench` installs and builds what is needed")
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as directory:
        worst = measure(arguments, Path(directory))
    sys.exit(0 if worst <= arguments.limit else f"the ratio is over {arguments.limit}")


if __name__ == "__main__":
    main()
