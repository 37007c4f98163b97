"""What every end-to-end test can ask for."""

import pytest

from kit.engines import Buenavista
from kit.fakes import FakeCoordinator
from kit.gateway import Coordinator, Gateway
from kit.settings import gateway_settings, group, pool


class Bench:
    """Starts things in a directory and ends them all, newest first."""

    def __init__(self, directory):
        self.directory = directory
        self.started = []

    def keep(self, thing):
        self.started.append(thing)
        return thing

    def fake(self, name="blue-1", **more):
        return self.keep(FakeCoordinator(name, **more)).start()

    def coordinator(self, name="blue-1", **more):
        return self.keep(Coordinator(name, **more)).start()

    def buenavista(self, name="bv-1"):
        return self.keep(Buenavista(name)).start()

    def gateway(self, *groups, settle=True, name="gateway", arguments=(), token=None, **changes):
        """A running gateway; `groups` as kit.settings makes them, `changes` by section."""
        directory = self.directory / name
        directory.mkdir()
        settings = gateway_settings(directory / "state", *groups, **changes)
        gateway = self.keep(Gateway(directory, settings, arguments, token=token)).start()
        return gateway.settle() if settle else gateway

    def before(self, *coordinators, pool_settings=None, **more):
        """A gateway with the coordinators in one pool, blue."""
        return self.gateway(group(pool("blue", *coordinators, **(pool_settings or {}))), **more)

    def between(self, blue, green, **more):
        """A gateway with two pools of one coordinator each; blue is active."""
        return self.gateway(group(pool("blue", blue), pool("green", green)), **more)

    def end(self):
        for thing in reversed(self.started):
            program = getattr(thing, "program", None)
            if isinstance(thing, Gateway) and program and program.is_running():
                program.kill()
            elif not isinstance(thing, Gateway) and (program is None or program.is_running()):
                thing.stop()


@pytest.fixture
def bench(tmp_path):
    """Of one test."""
    bench = Bench(tmp_path)
    yield bench
    bench.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Of the tests of one file."""
    bench = Bench(tmp_path_factory.mktemp("shared"))
    yield bench
    bench.end()
