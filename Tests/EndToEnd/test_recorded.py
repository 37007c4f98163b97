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


CASES = [file for file in FILES if not is_spooled(load(file))]


WITHOUT_WORKERS = "Insufficient active worker nodes"


@pytest.fixture(scope="module")
def stages(shared):
    """For each engine a gateway in front of one player. It retries nothing: what failed is to pass too."""
    made = {}

    def stage(engine, is_last=False):
        if engine not in made:
            player = shared.keep(Player(f"{engine}-1")).start()
            gateway = shared.gateway(
                group(pool("blue", player, dialect=engine)), name=f"{engine}-{len(shared.started)}",
                retries={"mode": "off"})
            gateway.wait_for_health(player.name, "ready")
            made[engine] = player, gateway
        return made.pop(engine) if is_last else made[engine]
    return stage


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_recorded_conversation_passes_unchanged(stages, file):
    case = load(file)
    # Who says so of itself gets nothing for a while.
    player, gateway = stages(case["engine"], is_last=WITHOUT_WORKERS in file.read_text())
    player.load(case)
    Conversation(case, gateway.front).play()
    assert gateway.program.is_running()
