"""What Trino and Presto sent passes the relay byte for byte, but for the authority and the tag of its URIs."""

import os
from pathlib import Path

import pytest

from kit.processes import ROOT
from kit.recorded import Conversation, Player, is_spooled, load
from kit.settings import group, pool

KEPT = Path(__file__).with_name("Recorded")
MORE = Path(os.environ.get("PENSTOCK_TRANSCRIPTS", ROOT.parent / "shared" / "transcripts"))
FILES = sorted((MORE if MORE.is_dir() else KEPT).glob("*/*.json"))


@pytest.fixture(scope="module", params=["trino", "presto"])
def stage(request, shared):
    """A gateway in front of one player of this engine."""
    player = shared.keep(Player(f"{request.param}-1")).start()
    gateway = shared.gateway(group(pool("blue", player, dialect=request.param)), name=request.param)
    gateway.wait_for_health(player.name, "ready")
    return request.param, player, gateway


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_recorded_conversation_passes_unchanged(stage, file):
    engine, player, gateway = stage
    case = load(file)
    if case["engine"] != engine or is_spooled(case):
        pytest.skip("of the other engine, or spooled")
    player.load(case)
    Conversation(case, gateway.front).play()
    assert gateway.program.is_running()
