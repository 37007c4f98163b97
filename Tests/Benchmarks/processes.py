"""Processes that are measured: what they spend on the CPU, and the most memory they held."""

import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raise_file_limit():
    """Thousands of connections need thousands of descriptors, here and in what is started from here."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Process:
    """A server on a port of loopback, alone in its folder. It is ended by its own id."""

    def __init__(self, name, arguments, folder, port, environment=None):
        self.name, self.port, self.folder = name, port, folder
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [str(one) for one in arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})})
        self._wait_until_it_listens()

    def _wait_until_it_listens(self):
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.025)
        self.stop()
        sys.exit(f"{self.name} does not listen on port {self.port}. It said:\n{self.output.read_text()}")

    def _ids(self):
        """The process and its children: nginx works in a child."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def cpu(self):
        """Nanoseconds of user and system time by thread, from schedstat: clock ticks are too coarse."""
        spent = {}
        for task in (task for one in self._ids() for task in Path(f"/proc/{one}/task").iterdir()):
            try:
                spent[task.name] = int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass  # the thread has just ended
        return spent

    def cpu_since(self, before):
        """Microseconds of all threads since `before`, which `cpu` gave."""
        return sum(spent - before.get(task, 0) for task, spent in self.cpu().items()) / 1000

    def forget_peak(self):
        """From here on the peak of the memory counts anew, where the kernel allows it."""
        for one in self._ids():
            try:
                Path(f"/proc/{one}/clear_refs").write_text("5")
            except OSError:
                pass

    def peak_mb(self):
        """The most resident memory of the process, of nginx that of its worker."""
        status = Path(f"/proc/{self._ids()[-1]}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


