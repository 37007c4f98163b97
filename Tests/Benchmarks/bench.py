"""CPU per relayed request: penstock beside HAProxy, nginx and Envoy, in turns on the same load and the same upstream.

Prints one Markdown table of CPU and one of the rest; writes all figures to .build/bench/results.json. Loopback only.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import loads
import relays
import upstream
from processes import raise_file_limit

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".build/bench/results.json"
ENVOY = ROOT / ".build/bench/envoy"
NAMES = {"penstock": "Penstock", "haproxy": "HAProxy", "nginx": "nginx", "envoy": "Envoy"}
SHARE_OF_ENVOY = 0.4
ADDED_MS = {"p50_ms": 0.1, "p99_ms": 1.0}


def starters(arguments):
    found = {
        "penstock": lambda folder, port: relays.start_penstock(folder, port, arguments.binary.resolve()),
        "haproxy": relays.start_haproxy,
        "nginx": relays.start_nginx,
    }
    envoy = next(ENVOY.glob("lib/python*/site-packages/envoy/_bin/envoy"), None)
    if envoy:
        found["envoy"] = lambda folder, port: relays.start_envoy(folder, port, envoy)
    return found


def measure(case, start, arguments, folder):
    """Rounds of one case: the relays take turns, another one first each time. Gives a list of rounds by relay."""
    def place(name):
        path = folder / name
        path.mkdir()
        path.chmod(0o755)  # nginx's worker may be another user
        return path

    running = []
    try:
        behind = (upstream.start_holding if case.kind == "held" else upstream.start_fast)(place("upstream"))
        running.append(behind)
        subjects = {}
        for name, starter in start.items():
            subjects[name] = starter(place(name), behind.port)
            running.append(subjects[name])
        if case is loads.SINGLE:
            subjects["upstream"] = behind
        for relay in subjects.values():
            loads.prepare(case, relay, behind)
            if case.kind != "held":
                loads.drive(case, relay, 1)
        rounds = {name: [] for name in subjects}
        names = list(subjects)
        # Held polls take four seconds a turn, and what they show is memory.
        for number in range(2 if case.kind == "held" else arguments.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                rounds[name].append(one_turn(case, subjects[name]))
        return rounds
    finally:
        for process in reversed(running):
            process.stop()


def one_turn(case, relay):
    relay.forget_peak()
    before = relay.cpu()
    result = loads.drive(case, relay, 1)
    cpu = relay.cpu_since(before) / result.requests
    return {"cpu_us": cpu, "rps": result.requests / result.seconds, "p50_ms": result.p50_ms, "p99_ms": result.p99_ms,
            "rss_mb": relay.peak_mb()}


def rows_of(case, rounds):
    """A row by relay: medians over the rounds, the peak of all; ratios are taken within a round."""
    rows = []
    for name, turns in rounds.items():
        ratios = sorted(ours["cpu_us"] / theirs["cpu_us"] for ours, theirs in zip(turns, rounds["haproxy"]))
        quarters = statistics.quantiles(ratios, n=4, method="inclusive")
        row = {"case": case.name, "subject": name}
        row |= {key: median(turns, key) for key in ("cpu_us", "rps", "p50_ms", "p99_ms")}
        row |= {"rss_mb": round(max(turn["rss_mb"] for turn in turns), 1), "ratio_to_haproxy": round(quarters[1], 3),
                "ratio_spread": [round(quarters[0], 3), round(quarters[2], 3)], "rounds": len(turns)}
        if case is loads.SINGLE:
            row |= {f"added_{key}": round(statistics.median(
                ours[key] - alone[key] for ours, alone in zip(turns, rounds["upstream"])), 4)
                for key in ("p50_ms", "p99_ms")}
        rows.append(row)
    return rows


def median(turns, key):
    return round(statistics.median(turn[key] for turn in turns), 3)


def say_row(row):
    print(f"  {row['case']:26} {row['subject']:9} {row['cpu_us']:8.1f} us  {row['rps']:8.0f}/s  "
          f"p50 {row['p50_ms']:8.3f}  p99 {row['p99_ms']:8.3f} ms  {row['rss_mb']:6.1f} MB  "
          f"{row['ratio_to_haproxy']:.2f} of haproxy", file=sys.stderr, flush=True)


def print_tables(rows):
    """Two Markdown tables, as README shows them."""
    by_case = {}
    for row in rows:
        by_case.setdefault(row["case"], {})[row["subject"]] = row
    peers = [name for name in NAMES if name in next(iter(by_case.values())) and name != "penstock"]
    print(f"\n| CPU per request, µs | Penstock | {' | '.join(NAMES[name] for name in peers)} | of HAProxy's |")
    print("|---" * (len(peers) + 3) + "|")
    for case, subjects in by_case.items():
        low, high = subjects["penstock"]["ratio_spread"]
        cells = " | ".join(f"{subjects[name]['cpu_us']:.1f}" for name in ["penstock", *peers])
        print(f"| {case} | {cells} | {subjects['penstock']['ratio_to_haproxy']:.2f} ({low:.2f}–{high:.2f}) |")
    print("\n| Penstock / HAProxy | requests/s | p50, ms | p99, ms | peak memory, MB |\n|---|---|---|---|---|")
    for case, subjects in by_case.items():
        cells = (" / ".join(format(subjects[name][key], form) for name in ("penstock", "haproxy"))
                 for key, form in (("rps", ",.0f"), ("p50_ms", ".2f"), ("p99_ms", ".2f"), ("rss_mb", ".0f")))
        print(f"| {case} | {' | '.join(cells)} |")
    if single := by_case.get(loads.SINGLE.name):
        added = "; ".join(
            f"{NAMES[name]} {single[name]['added_p50_ms'] * 1000:.0f}, {single[name]['added_p99_ms'] * 1000:.0f}"
            for name in ["penstock", *peers])
        print(f"\nAdded to a poll on one connection, µs at p50, p99: {added}.")


def missed(rows):
    """The targets that were not met."""
    cpu = {(row["case"], row["subject"]): row for row in rows}
    targets = {case.name: case.target for case in loads.CASES if case.target}
    for (case, subject), row in cpu.items():
        if subject != "penstock":
            continue
        if case in targets and row["ratio_to_haproxy"] > targets[case]:
            yield f"{case}: {row['ratio_to_haproxy']:.2f} of HAProxy's CPU, the target is {targets[case]}"
        envoy = cpu.get((case, "envoy"))
        if case in targets and envoy and row["cpu_us"] > SHARE_OF_ENVOY * envoy["cpu_us"]:
            yield f"{case}: {row['cpu_us'] / envoy['cpu_us']:.2f} of Envoy's CPU, the target is {SHARE_OF_ENVOY}"
        for key, limit in ADDED_MS.items():
            if row.get(f"added_{key}", 0) > limit:
                yield f"{case}: {row[f'added_{key}']:.3f} ms added at {key[:3]}, the target is {limit} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=ROOT / ".build/release/penstock", type=Path)
    parser.add_argument("--rounds", default=5, type=int, help="turns of a second that each relay gets in each case")
    parser.add_argument("--cases", default="", help="only those whose name contains this")
    parser.add_argument("--limits", action="store_true", help="say which targets are missed; a failure if any is")
    arguments = parser.parse_args()
    if arguments.rounds < 2:
        parser.error("--rounds: two at least, a spread needs them")
    os.environ["PATH"] += ":/usr/sbin"  # Debian keeps nginx and HAProxy where only root looks
    for program in ("nginx", "haproxy", "wrk", arguments.binary):
        if not shutil.which(program):
            sys.exit(f"there is no {program}; `make bench` installs and builds what is needed")
    raise_file_limit()
    start, began, rows = starters(arguments), time.monotonic(), []
    if "envoy" not in start:
        print("Without Envoy: its package could not be installed.", file=sys.stderr)
    for case in loads.CASES:
        if arguments.cases in case.name:
            with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
                Path(folder).chmod(0o755)
                found = rows_of(case, measure(case, start, arguments, Path(folder)))
            for row in found:
                say_row(row)
            rows += found
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    print_tables(rows)
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes. All figures: {RESULTS.relative_to(ROOT)}")
    if arguments.limits and (found := list(missed(rows))):
        sys.exit("Missed:\n" + "\n".join(found))


if __name__ == "__main__":
    main()
