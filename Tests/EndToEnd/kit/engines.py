"""buenavista, a real engine (DuckDB) that speaks the protocol and runs everything in the POST."""

import socket
import sys
from pathlib import Path

from .rawhttp import ask
from .processes import Program
from .waiting import eventually


class Buenavista:
    """A process of `buenavista_server.py` on a free port."""

    def __init__(self, name="bv"):
        self.name = name
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program = None

    def start(self):
        script = Path(__file__).with_name("buenavista_server.py")
        self.program = Program([sys.executable, script, self.port])
        eventually(self._answers, within=60, message="buenavista answers")
        return self

    def _answers(self):
        if not self.program.is_running():
            raise RuntimeError(f"buenavista ended:\n{self.program.output}")
        return ask(self.address, "GET", "/v1/info", timeout=2).status == 200

    @property
    def address(self):
        return "127.0.0.1", self.port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.program.kill()
