"""What a request costs the gateway, in figures that repeat: instructions and allocations of the loop's thread, counted
by callgrind, and the memory that a statement in flight holds.

    measure.py [--binary PATH]            prints them beside their budgets
    measure.py [--binary PATH] --renew    makes them the budgets of this toolchain (`make budgets`)
"""

import argparse
import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from traffic import Client, Coordinator

HERE = Path(__file__).resolve().parent
BINARY = HERE.parents[1] / ".build/release/penstock"
BUDGETS = HERE / "budgets.json"
CONNECTIONS = 8
# Of a dump: enough that what happens once a second or once in a thousand requests does not show.
REQUESTS = 1000
DUMPS = 3
# In three steps of 5,000: memory is taken in large pieces, and the steps alone scatter by 5 %.
STATEMENTS = 15_000
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}


class Gateway:
    """A gateway with default settings and one loop, before a coordinator, maybe under callgrind."""

    def __init__(self, binary, folder, coordinator, under=()):
        settings = folder / "penstock.yaml"
        settings.write_text(json.dumps({
            "listen": {"port": 0, "loops": 1}, "admin": {"port": 0}, "state": {"directory": str(folder / "state")},
            "shutdown": {"delay": "0s", "grace": "0s"},
            "groups": [{"name": "default", "active": "blue", "pools": [{"name": "blue", "coordinators": [
                {"name": "one", "url": f"http://127.0.0.1:{coordinator.port}"}]}]}]}))
        self.log = (folder / "log.txt").open("w")
        self.process = subprocess.Popen(
            [*map(str, under), str(binary), "serve", "--config", str(settings)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if match := re.search(r"listening front \S+:(\d+)", line):
                self.port = int(match[1])
                return
        raise RuntimeError(f"the gateway did not start:\n{(folder / 'log.txt').read_text()[-4000:]}")

    def resident(self):
        """Bytes of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def settled(self):
        """Bytes of memory in use once that no longer changes."""
        seen = [self.resident()]
        while len(seen) < 40 and (len(seen) < 4 or seen[-1] != seen[-4]):
            time.sleep(0.25)
            seen.append(self.resident())
        return seen[-1]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Profile:
    """One thread's dump of callgrind: its instructions, and how often it called functions of a name."""

    def __init__(self, path):
        self.thread = self.instructions = 0
        names, called, self.calls = {}, None, {}
        for line in path.open(errors="replace"):
            if match := re.match(r"(?:c?fn)=\((\d+)\)(?: (.*))?", line):
                if match[2]:
                    names[match[1]] = match[2].strip()
                if line.startswith("cfn="):
                    called = match[1]
            elif line.startswith("calls="):
                self.calls[called] = self.calls.get(called, 0) + int(line[6:].split()[0])
            elif line.startswith("thread:"):
                self.thread = int(line.split()[1])
            elif line.startswith("totals:"):
                self.instructions = int(line.split()[1])
        self.calls = {names[key]: count for key, count in self.calls.items()}

    def allocations(self):
        return sum(count for name, count in self.calls.items() if name.split("'")[0] in ALLOCATORS)


def counted(binary, folder):
    """Instructions and allocations of a poll and of a POST: the median of some dumps, after a warm-up."""
    out = folder / "callgrind"
    coordinator = Coordinator()
    gateway = Gateway(binary, folder, coordinator, under=[
        "valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}",
        f"--vgdb-prefix={folder}/vgdb"])
    loop, found = None, {}
    try:
        client = Client(gateway.port, CONNECTIONS)
        for kind, run in (("poll", client.poll), ("post", client.submit)):
            run(REQUESTS // 2)
            profiles = []
            for _ in range(DUMPS):
                tell(gateway, folder, "zero")
                before = set(folder.glob("callgrind.*"))
                run(REQUESTS)
                tell(gateway, folder, "dump")
                threads = [Profile(path) for path in set(folder.glob("callgrind.*")) - before]
                # What polls keep busy is the loop's thread; a POST keeps the store's busy too.
                loop = loop or max(threads, key=lambda one: one.instructions).thread
                profiles += [one for one in threads if one.thread == loop]
            found[f"{kind}_instructions"] = round(
                statistics.median(one.instructions for one in profiles) / REQUESTS)
            found[f"{kind}_allocations"] = round(
                statistics.median(one.allocations() for one in profiles) / REQUESTS, 2)
        client.close()
        return found
    finally:
        gateway.stop()
        coordinator.close()


def tell(gateway, folder, command):
    """A command to callgrind in the running process."""
    done = subprocess.run(
        ["vgdb", f"--pid={gateway.process.pid}", f"--vgdb-prefix={folder}/vgdb", command],
        capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"vgdb {command}: {done.stdout}{done.stderr}")


def held(binary, folder):
    """Bytes that a statement in flight holds, all told: by how much the process grows."""
    coordinator = Coordinator()
    gateway = Gateway(binary, folder, coordinator)
    try:
        client = Client(gateway.port, CONNECTIONS)
        client.submit(STATEMENTS // 10)
        before = gateway.settled()
        client.submit(STATEMENTS)
        after = gateway.settled()
        client.close()
        return round((after - before) / STATEMENTS)
    finally:
        gateway.stop()
        coordinator.close()


def measure(binary):
    """All figures, by name."""
    with tempfile.TemporaryDirectory(prefix="penstock-budgets-") as folder:
        found = counted(binary, Path(folder))
    with tempfile.TemporaryDirectory(prefix="penstock-budgets-") as folder:
        found["statement_bytes"] = held(binary, Path(folder))
    return found


def toolchain(binary):
    """What the figures depend on beside our own code, such as "Swift 6.3.1, dynamic"."""
    said = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"Swift version (\S+)", said)[1]
    linked = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    return f"Swift {version}, {'dynamic' if 'libswiftCore' in linked else 'static'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=BINARY, type=lambda path: Path(path).resolve())
    parser.add_argument("--renew", action="store_true")
    arguments = parser.parse_args()
    budgets, name, found = json.loads(BUDGETS.read_text()), toolchain(arguments.binary), measure(arguments.binary)
    known = budgets["toolchains"].get(name, {})
    print(f"{name}:")
    for key, value in found.items():
        print(f"  {key:20} {value:10,}   budget {known.get(key, '-'):>10}")
    if arguments.renew:
        budgets["toolchains"][name] = found
        BUDGETS.write_text(json.dumps(budgets, indent=2) + "\n")
        print(f"These are its budgets now, in {BUDGETS.relative_to(HERE.parents[1])}.")


if __name__ == "__main__":
    main()
