"""`penstock demo`: the story plays by itself and ends well."""

import re
import time

import pytest

from kit.processes import BINARY, Program, run
from kit.protocol import execute


@pytest.mark.slow
def test_the_story_ends_well(tmp_path):
    begun = time.monotonic()
    done = run(BINARY, "demo", within=120, environment={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout, "plain lines when piped"
    for word in ("blue", "green", "flip", "roll"):
        assert word in done.stdout.lower(), word
    assert re.search(r"127\.0\.0\.1:\d+", done.stdout), "it says how to connect"
    assert time.monotonic() - begun < 100
    assert not list(tmp_path.rglob("admin.token")), "nothing of it stays behind"


@pytest.mark.slow
def test_keep_stays_up(tmp_path):
    program = Program([BINARY, "demo", "--keep"], {"HOME": str(tmp_path)})
    try:
        port = int(program.wait_for_line(r"127\.0\.0\.1:(\d+)", within=60)[1])
        program.wait_for_line("Still up", within=60)
        outcome = execute(("127.0.0.1", port), "SELECT count(*) FROM tpch.tiny.nation")
        assert outcome.rows == [[25]]
        assert program.is_running()
        assert program.terminate(within=60) == 0, program.output
    finally:
        if program.is_running():
            program.kill()
