"""A gateway under test, and the clients of its two listeners."""

import json
import signal

from .rawhttp import ask
from .processes import BINARY, Program, run
from .protocol import execute
from .settings import yaml
from .waiting import eventually


def address(match):
    host, _, port = match.group(1).rpartition(":")
    return host.strip("[]"), int(port)


class Admin:
    """The admin API with its credential."""

    def __init__(self, where, token):
        self.where = where
        self.token = token

    def ask(self, method, target, body=None, headers=None, timeout=30.0):
        fields = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            fields.setdefault("Content-Type", "application/json")
        return ask(self.where, method, target, fields, body, timeout)

    def get(self, target):
        reply = self.ask("GET", target)
        assert reply.status == 200, reply
        return reply.json()

    def post(self, target, body=None, status=200):
        reply = self.ask("POST", target, {} if body is None else body)
        assert reply.status == status, reply
        return reply.json() if reply.body else None

    def group(self, name="default"):
        return self.get(f"/v1/groups/{name}")

    def pool(self, name, group="default"):
        return next(pool for pool in self.group(group)["pools"] if pool["name"] == name)

    def coordinator(self, name):
        return self.get(f"/v1/coordinators/{name}")

    def flip(self, to, group="default", status=200, **more):
        return self.post(f"/v1/groups/{group}/flip", {"to": to, **more}, status)

    def statements(self, query=""):
        return self.get(f"/v1/statements{query}")["items"]

    def statement(self, own_id):
        return self.get(f"/v1/statements/{own_id}")


class Gateway:
    """`penstock serve` on a settings file in a directory of its own."""

    def __init__(self, directory, settings, arguments=(), environment=None, token=None):
        self.directory = directory
        self.settings = settings
        self.file = directory / "penstock.yaml"
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.token = token
        self.program = None
        self.front = None
        self.admin = None

    @property
    def state(self):
        return self.directory / "state"

    def write(self, settings=None):
        self.settings = settings or self.settings
        self.file.write_text(yaml(self.settings) + "\n")

    def launch(self):
        """Starts the process without waiting for it."""
        self.write()
        self.program = Program([BINARY, "serve", "--config", self.file, *self.arguments], self.environment)
        return self.program

    def start(self):
        self.launch()
        self.front = address(self.program.wait_for_line(r"listening front (\S+)"))
        where = address(self.program.wait_for_line(r"listening admin (\S+)"))
        self.admin = Admin(where, self.token or (self.state / "admin.token").read_text().strip())
        return self

    def settle(self, within=10.0):
        """Waits until every coordinator has been probed."""
        def probed():
            items = self.admin.get("/v1/coordinators")["items"]
            return all(item["health"] != "unknown" for item in items)
        eventually(probed, within, message="probed")
        return self

    def wait_for_health(self, name, *words, within=10.0):
        eventually(lambda: self.admin.coordinator(name)["health"] in words, within,
                   message=f"{name} is {' or '.join(words)}")

    def restart(self, *, on_the_same_ports=True):
        """Starts it again on the same state, once it has ended."""
        if on_the_same_ports:
            self.settings = {
                **self.settings,
                "listen": {**self.settings["listen"], "port": self.front[1]},
                "admin": {**self.settings["admin"], "port": self.admin.where[1]},
            }
        return self.start()

    def kill(self):
        self.program.kill()

    def reload_by_signal(self):
        self.program.signal(signal.SIGHUP)

    def stop(self, within=20.0):
        return self.program.terminate(within)

    def execute(self, sql, headers=None, **more):
        return execute(self.front, sql, headers, **more)

    def command(self, *arguments, within=30.0, **environment):
        """The command line tool, pointed at this gateway."""
        url = f"http://{self.admin.where[0]}:{self.admin.where[1]}"
        return run(BINARY, *arguments, within=within,
                   environment={"PENSTOCK_URL": url, "PENSTOCK_TOKEN": self.admin.token, **environment})


class Coordinator:
    """`penstock coordinator`: one embedded coordinator in a process of its own.

    `data` names a file for its tables, which several may share; `behaviour` is the script's part that is not faults
    (`dialect="presto"`, `chunked=True`, `workers=0` ...), and stays when `script` puts other faults in place.
    """

    def __init__(self, name="blue-1", port=0, faults=None, data=None, **behaviour):
        self.name = name
        self.faults = faults
        self.data = data
        self.behaviour = behaviour
        self.port = port
        self.program = None

    def start(self):
        arguments = [BINARY, "coordinator", "--port", str(self.port), "--name", self.name]
        if self.faults:
            arguments += ["--faults", self.faults]
        if self.data:
            arguments += ["--data", self.data]
        self.program = Program(arguments)
        self.port = int(self.program.wait_for_line(r"listening \S*?:?(\d+)\s*$|:(\d+)\b").group(0).split(":")[-1])
        if self.behaviour:
            self.script()
        return self

    @property
    def dialect(self):
        return self.behaviour.get("dialect", "trino")

    @property
    def address(self):
        return "127.0.0.1", self.port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def script(self, *faults, **behaviour):
        """Puts these faults in the place of those before; `behaviour` for this script only."""
        content = {**self.behaviour, **behaviour, "faults": list(faults)}
        reply = ask(self.address, "PUT", "/-/faults", {}, json.dumps(content))
        assert reply.status == 204, reply

    def log(self):
        return ask(self.address, "GET", "/-/log").json()

    def posts(self, sql):
        """How often this text came in a POST, whatever became of it."""
        return self.log()["posts"].get(sql, 0)

    def statements(self, sql):
        """What was made of this text's POSTs, in their order."""
        return [entry for entry in self.log()["statements"] if entry["sql"] == sql]

    def kill(self):
        self.program.kill()

    def stop(self):
        return self.program.terminate() if self.program else None
