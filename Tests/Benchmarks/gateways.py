"""A gateway under scale: it and its upstream are started here, and looked at from outside."""

import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from processes import Process, free_port

HERE = Path(__file__).resolve().parent
# Tokens of one statement before they begin anew.
TOKENS = 1000

sys.path.insert(0, str(HERE.parent / "EndToEnd"))
from kit.gateway import Gateway  # noqa: E402
from kit.settings import gateway_settings, group, pool  # noqa: E402


class Upstream(Process):
    """nginx as one coordinator; see scale_upstream.conf."""

    def __init__(self, folder):
        folder.mkdir()
        folder.chmod(0o755)  # nginx's worker may be another user
        port = free_port()
        # nginx knows neither sums nor padding: both are tables.
        filled = {
            "PORT": port, "TOKENS": " ".join(f"{token} {(token + 1) % TOKENS};" for token in range(TOKENS)),
            "DAYS": " ".join(rf'"~^(?<d{n}>\d{{{n}}})$" "{"0" * (8 - n)}$d{n}";' for n in range(1, 9)),
            "MOMENTS": " ".join(
                [rf'"~^(?<m{n}>\d{{{n}}})$" "000000_{"0" * (5 - n)}$m{n}";' for n in range(1, 6)]
                + [rf'"~^(?<h{n}>\d{{{n}}})(?<l{n}>\d{{5}})$" "{"0" * (6 - n)}${{h{n}}}_$l{n}";' for n in range(1, 7)])}
        text = (HERE / "scale_upstream.conf").read_text()
        for name, value in filled.items():
            text = text.replace(f"@{name}@", str(value))
        (folder / "nginx.conf").write_text(text)
        super().__init__("one", ["nginx", "-p", f"{folder}/", "-c", "nginx.conf"], folder, port)
        self.url = f"http://127.0.0.1:{port}"


@contextmanager
def running(**changes):
    """A gateway before one upstream, with default settings but for `changes`; it logs warnings only."""
    with tempfile.TemporaryDirectory(prefix="penstock-scale-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        upstream = Upstream(folder / "upstream")
        gateway = Gateway(folder, gateway_settings(
            folder / "state", group(pool("blue", upstream, probe={}), pool("green", probe={})),
            **{"log": {"level": "warning"}, "listen": {"loops": "auto"}, **changes}))
        try:
            gateway.start().wait_for_health(upstream.name, "ready")
            yield gateway
        finally:
            if gateway.program and gateway.program.is_running():
                gateway.stop(60)
            upstream.stop()


class Flow:
    """Statements of one poll from wrk, as fast as they go or at a rate, until it is stopped."""

    def __init__(self, gateway, connections, rate=None):
        pause = round(1000 * connections / (2 * rate)) if rate else 0
        self.process = subprocess.Popen(
            ["wrk", f"-t{connections}", f"-c{connections}", "-d100000s", "-s", HERE / "wrk/last_page.lua",
             f"http://127.0.0.1:{gateway.front[1]}/v1/statement", "--", str(pause)], stdout=subprocess.PIPE, text=True)

    def stop(self):
        """How many requests were answered."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=30)
        if self.process.returncode or (bad := re.search(r"Non-2xx.*|Socket errors.*", output)):
            sys.exit(f"errors: {bad[0] if not self.process.returncode else 'see above'}")
        return int(re.search(r"(\d+) requests in", output)[1])


def memory(gateway):
    """MiB resident, and of it what belongs to the process alone."""
    text = Path(f"/proc/{gateway.program.pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1]) / 1024 for name in ("Rss", "Anonymous"))


class Watch:
    """CPU from now on, by thread."""

    def __init__(self, gateway):
        self.pid = gateway.program.pid
        self.begun = time.monotonic()
        self.before = self._spent()

    def _spent(self):
        """Seconds of user and system time, by the name of the thread."""
        sums = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                # schedstat, because clock ticks are too coarse.
                name, spent = (task / "comm").read_text().strip(), int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # The thread has just ended.
            sums[name] = sums.get(name, 0.0) + spent / 1e9
        return sums

    def seconds(self):
        return {name: spent - self.before.get(name, 0.0) for name, spent in self._spent().items()}

    def text(self):
        """As percent of one core."""
        passed = time.monotonic() - self.begun
        shares = sorted(((100 * spent / passed, name) for name, spent in self.seconds().items()), reverse=True)
        parts = ", ".join(f"{name} {share:.1f}" for share, name in shares if share >= 0.05)
        return f"{sum(share for share, _ in shares):.1f} % of a core ({parts})"


def counter(gateway, name):
    """The sum over the labels of one metric."""
    text = gateway.admin.ask("GET", "/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^penstock_{name}(?:{{.*}})? (\S+)", text, re.MULTILINE))


def history(gateway):
    """Statements that the store has, records and events that were dropped, and MiB of files."""
    with sqlite3.connect(f"file:{gateway.state / 'penstock.db'}?mode=ro", uri=True) as store:
        kept = store.execute("SELECT count(*) FROM statement").fetchone()[0]
    size = sum(file.stat().st_size for file in gateway.state.glob("penstock.db*")) / 2**20
    return kept, counter(gateway, "history_dropped_total") + counter(gateway, "dropped_events_total"), size


def fill_history(gateway, mebibytes):
    """Makes statements that have ended until the file is as large as that; the gateway is stopped. How many it has."""
    file = gateway.state / "penstock.db"
    filler = {
        "id": "printf('%08d_filler', i)", "owner": "1", "owner_random": "7", "owner_number": "i",
        "state": "'finished'", "user": "'user' || (i % 100)", "source": "'bench'", "group_name": "'default'",
        "pool": "'blue'", "coordinator": "'one'", "registration": "1", "kind": "'query'", "submitted": ":now - i",
        "ended": ":now - i + 5"}
    new = "FROM statement WHERE owner_random = 7 AND owner_number >= :first"
    first = 0
    with sqlite3.connect(file) as store:
        store.execute("PRAGMA synchronous = OFF")
        while file.stat().st_size < mebibytes << 20:
            values = {"first": first, "last": first + 49_999, "now": int(time.time() * 1000)}
            store.execute(
                "WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
                f"INSERT INTO statement ({', '.join(filler)}) SELECT {', '.join(filler.values())} FROM n", values)
            store.execute(f"INSERT INTO query_id SELECT number, 0, 'query_' || number {new}", values)
            store.execute(
                "INSERT INTO attempt (statement, number, pool, coordinator, query_id, started) "
                f"SELECT number, 1, 'blue', 'one', 'query_' || number, submitted {new}", values)
            store.commit()
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            first += 50_000
    return first
