"""Programs under test: started, read line by line, watched and ended by their own process id."""

import os
import queue
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("PENSTOCK_BINARY", ROOT / ".build" / "debug" / "penstock"))


class Program:
    """A child process whose output is kept and can be waited for."""

    def __init__(self, arguments, environment=None, directory=None):
        self.arguments = [str(argument) for argument in arguments]
        self.lines = []
        self._new = queue.Queue()
        self.process = subprocess.Popen(
            self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})}, cwd=directory)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip("\n")
            self.lines.append(text)
            self._new.put(text)
        self._new.put(None)

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        return "\n".join(self.lines)

    def is_running(self):
        return self.process.poll() is None

    def wait_for_line(self, pattern, within=20.0):
        """The match of the first line, from the start on, that the pattern fits."""
        expression = re.compile(pattern)
        for line in list(self.lines):
            if match := expression.search(line):
                return match
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._new.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                for late in self.lines:
                    if match := expression.search(late):
                        return match
                raise AssertionError(
                    f"{self.arguments[:3]} (exit {self.process.poll()}) wrote no line like {pattern!r}:\n{self.output}")
            if match := expression.search(line):
                return match

    def wait(self, within=20.0):
        """The exit code; a negative one is the signal that ended it."""
        try:
            code = self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            message = f"{self.arguments[:3]} did not end within {within} s:\n{self.output[-3000:]}"
            raise AssertionError(message) from None
        self._reader.join(timeout=5)
        return code

    def signal(self, number):
        if self.is_running():
            os.kill(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=10)
        self._reader.join(timeout=5)

    def terminate(self, within=20.0):
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run(*arguments, environment=None, within=30.0, directory=None):
    """Runs a program to its end: exit code, stdout and stderr apart."""
    return subprocess.run(
        [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, **(environment or {})}, timeout=within, cwd=directory, check=False)
