"""What many statements cost the gateway: memory, CPU, time, and what is given back. Loopback only.

Each measure prints lines of one table; `make scale ARGS='flight million'` takes only some of them. Errors and memory
that is not given back end it with a failure; CPU and times are only printed, for they say something on a quiet machine
alone.
"""

import argparse
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from gateways import Flow, Watch, counter, fill_history, history, memory, running
from kit.many import Many
from processes import raise_file_limit

ROOT = Path(__file__).resolve().parents[2]
# MiB that an allocator may keep after a load, beside what the load was before.
KEPT = 48


class Table:
    """The lines of one measure."""

    def __init__(self, measure):
        self.measure = measure

    def add(self, what, value):
        print(f"{self.measure:8} {what:50} {value}", flush=True)

    def add_memory(self, what, gateway, note=""):
        """The MiB of memory of the process alone."""
        now = memory(gateway)
        self.add(what, f"{now[0]:.1f} MiB resident, {now[1]:.1f} its own{note}")
        return now[1]

    def add_latencies(self, what, many):
        self.add(what, ", ".join(f"{name} {many.percentile(share):.2f} ms" for name, share in (
            ("p50", 0.5), ("p99", 0.99), ("max", 1))))

    def add_history(self, gateway):
        self.add("records of history", "{} written, {:.0f} dropped, {:.0f} MiB of files".format(*history(gateway)))


def check(many):
    if many.errors:
        sys.exit(f"errors: {many.errors}")


def check_given_back(before, after):
    if after > before + KEPT:
        sys.exit(f"of {after:.0f} MiB more than {KEPT} are not given back: it were {before:.0f}")


def measure_flight(table, arguments):
    """Statements in flight at once: memory by their number, polls of all of them, what is given back."""
    count, connections = arguments.statements, arguments.connections
    with running() as gateway:
        table.add_memory("at rest", gateway)
        many = Many(gateway.front, connections)
        # Each connection was used once, so that what follows are the statements alone.
        many.submit(connections, 5000, pages=2)
        many.finish(5000)
        time.sleep(2)
        bare = table.add_memory(f"{connections} connections, nothing in flight", gateway)
        for part in range(1, 5):
            many.submit(count // 4, 5000)
            many.poll(count // 4, 5000)
            time.sleep(1)
            each = (memory(gateway)[1] - bare) * 2**20 / (count // 4 * part)
            table.add_memory(f"{count // 4 * part} in flight", gateway, f", {each:.0f} B each")
        watch = Watch(gateway)
        many.wait(10)
        table.add(f"{count} in flight, nothing asked", watch.text())
        for targets in ((), ("/metrics", "/v1/status"), ("/v1/statements?limit=1000",)):
            what = f"{arguments.rate} polls/s" + (f", {' '.join(targets)} each second" if targets else "")
            many.latencies.clear()
            watch = Watch(gateway)
            with asking(table, gateway, targets):
                many.poll(arguments.seconds * arguments.rate, arguments.rate)
            table.add(what, watch.text())
            table.add_latencies(what, many)
        begun = time.monotonic()
        gateway.admin.flip("green", force=True)
        gateway.admin.flip("blue")
        table.add("two flips meanwhile", f"{(time.monotonic() - begun) * 1000:.1f} ms")
        many.finish(10000)
        check(many)
        for after in (2, 60):
            many.wait(after)
            ended = table.add_memory(f"{after} s after all have ended", gateway)
        many.close()
        time.sleep(32)
        table.add_memory("connections closed", gateway)
        table.add_history(gateway)
        check_given_back(bare, ended)


@contextmanager
def asking(table, gateway, targets):
    """Asks the admin listener for these each second; adds how long the slowest answer took."""
    stop, times = threading.Event(), {target: [] for target in targets}

    def work():
        while not stop.wait(1):
            for target in targets:
                begun = time.monotonic()
                size = len(gateway.admin.ask("GET", target).body)
                times[target].append((time.monotonic() - begun, size))
    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()
    for target, taken in times.items():
        slowest, size = max(taken, default=(0, 0))
        table.add(target, f"slowest of {len(taken)}: {slowest * 1000:.1f} ms, {size} bytes")


def measure_million(table, arguments):
    """A million statements, one after the other: memory must not grow with them."""
    with running() as gateway:
        flow, watch, begun = Flow(gateway, 16), Watch(gateway), time.monotonic()
        held = []
        for part in range(1, 11):
            while counter(gateway, "submissions_total") < part * arguments.many // 10:
                time.sleep(0.25)
            held.append(table.add_memory(f"{part * arguments.many // 10} statements", gateway))
        table.add(f"{arguments.many / (time.monotonic() - begun):.0f} statements/s", watch.text())
        flow.stop()
        time.sleep(65)
        ended = table.add_memory("a minute after", gateway)
        table.add_history(gateway)
        check_given_back(max(held[:3]), max(held))
        check_given_back(0, ended)


def measure_events(table, arguments):
    """5,000 statements a second, which make 20,000 events: what the writer takes, writes and drops."""
    with running() as gateway:
        before, watch = counter(gateway, "submissions_total"), Watch(gateway)
        flow, begun = Flow(gateway, 48, rate=5000), time.monotonic()
        time.sleep(arguments.seconds)
        rate = (counter(gateway, "submissions_total") - before) / (time.monotonic() - begun)
        table.add(f"{rate:.0f} statements/s, {4 * rate:.0f} events/s", watch.text())
        flow.stop()
        time.sleep(35)
        table.add_history(gateway)
        table.add_memory("35 s after", gateway)


def measure_loops(table, arguments):
    """The same load over one, two and four loops."""
    for loops in (1, 2, 4):
        with running(listen={"loops": loops}) as gateway:
            many = Many(gateway.front, 256)
            many.submit(2000, pages=1)
            many.latencies.clear()
            watch = Watch(gateway)
            many.poll(arguments.seconds * arguments.rate, arguments.rate)
            what = f"{loops} loops, {arguments.rate} polls/s"
            table.add(what, f"{sum(watch.seconds().values()) / len(many.latencies) * 1e6:.1f} us of CPU a poll")
            table.add_latencies(what, many)
            many.finish()
            check(many)
            many.close()
            flow, watch, begun = Flow(gateway, 16), Watch(gateway), time.monotonic()
            time.sleep(arguments.seconds / 2)
            spent, passed = watch.seconds(), time.monotonic() - begun
            count = flow.stop()
            cpu = sum(seconds for name, seconds in spent.items() if name.startswith("relay"))
            table.add(f"{loops} loops, as fast as wrk goes",
                      f"{count / passed:.0f} requests/s, {cpu / count * 1e6:.1f} us of the loops' CPU each")


def measure_connections(table, arguments):
    """Connections at rest: what one holds."""
    with running() as gateway:
        time.sleep(1)
        before, count = memory(gateway)[1], arguments.connections // 2
        many = Many(gateway.front, count)
        for what in ("asked nothing yet", "had a statement"):
            time.sleep(1)
            each = (memory(gateway)[1] - before) * 2**20 / count
            table.add_memory(f"{count} connections that {what}", gateway, f", {each:.0f} B each")
            if many.answered == 0:
                many.submit(count, 5000, pages=1)
                many.finish(5000)
                many.wait(32)
        watch = Watch(gateway)
        many.wait(10)
        table.add(f"{count} connections at rest", watch.text())
        check(many)
        many.close()


def measure_start(table, arguments):
    """From exec to listening, and memory then: on a new state directory, and over a large history."""
    with running() as gateway:
        def again(what):
            times = []
            for _ in range(5):
                gateway.stop(60)
                begun = time.monotonic()
                gateway.restart()
                times.append((time.monotonic() - begun) * 1000)
            time.sleep(1)
            table.add(f"{what}, best and worst of 5", f"{min(times):.0f} ms, {max(times):.0f} ms")
            table.add_memory(what, gateway)
        again("a small history")
        gateway.stop(60)
        count = fill_history(gateway, arguments.history)
        gateway.restart()
        again(f"a history of {arguments.history} MiB, {count} statements")


MEASURES = {
    "flight": measure_flight, "million": measure_million, "events": measure_events, "loops": measure_loops,
    "rest": measure_connections, "start": measure_start}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", help=f"of {', '.join(MEASURES)}; all of them when none is named")
    parser.add_argument("--binary", default=ROOT / ".build/release/penstock", type=Path)
    parser.add_argument("--statements", default=20_000, type=int, help="in flight at once")
    parser.add_argument("--connections", default=4000, type=int)
    parser.add_argument("--rate", default=5000, type=int, help="polls a second")
    parser.add_argument("--many", default=1_000_000, type=int, help="statements one after the other")
    parser.add_argument("--history", default=500, type=int, help="MiB of history to start over")
    parser.add_argument("--seconds", default=20, type=int, help="how long one load lasts")
    arguments = parser.parse_args()
    if unknown := set(arguments.measures) - set(MEASURES):
        parser.error(f"no such measure: {' '.join(unknown)}")
    for program in ("nginx", "wrk", arguments.binary):
        if not shutil.which(program):
            sys.exit(f"there is no {program}; `make scale` installs and builds what is needed")
    import kit.gateway
    kit.gateway.BINARY = arguments.binary
    raise_file_limit()
    for name in arguments.measures or MEASURES:
        MEASURES[name](Table(name), arguments)


if __name__ == "__main__":
    main()
