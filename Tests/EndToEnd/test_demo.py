"""`penstock demo`: the story plays by itself and ends well, and says truly what happened."""

import re

import pytest

from kit.processes import BINARY, Program, run
from kit.protocol import execute


def rows_of(text, heading):
    """The table under a heading, as dictionaries by column."""
    lines = text[text.index(heading):].split("\n\n")[1].splitlines()
    names = re.split(r"\s{2,}", lines[0].strip())
    return [dict(zip(names, re.split(r"\s{2,}", line.strip()), strict=True)) for line in lines[1:]]


@pytest.mark.slow
def test_the_story_ends_well(tmp_path):
    done = run(BINARY, "demo", within=180, environment={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout, "plain lines when piped"
    for word in ("blue", "green", "flip", "roll", "dies", "workers"):
        assert word in done.stdout.lower(), word
    assert re.search(r"127\.0\.0\.1:\d+", done.stdout), "it says how to connect"
    assert not list(tmp_path.rglob("admin.token")), "nothing of it stays behind"

    acts = rows_of(done.stdout, "What the clients saw")
    assert all(act["FAILED"] == "0" for act in acts), acts
    told = re.search(r"(\d+) statements, one flip, one rollback: 0 failed, 0 went to the wrong pool", done.stdout)
    assert int(told[1]) == sum(int(act["STATEMENTS"]) for act in acts)

    retries = rows_of(done.stdout, "What the retry log says")
    assert all(line["OUTCOME"] == "finished" for line in retries), retries
    rules = {line["RULE"] for line in retries}
    assert {"H07", "I26", "R05"} <= rules, "a restart, an error by its name and text, and want of workers"
    assert re.search(r"\d+ were retried, [1-9]\d* of them INSERTs", done.stdout), "what writes is run again too"
    assert re.search(r"[1-9]\d* INSERTs finished: each row stands in the table once", done.stdout)
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}Z .* attempt 2 on ", done.stdout, re.MULTILINE), "the story of one of them"


@pytest.mark.slow
def test_keep_stays_up(tmp_path):
    program = Program([BINARY, "demo", "--keep"], {"HOME": str(tmp_path)})
    try:
        first = program.wait_for_line(r"127\.0\.0\.1:(\d+)", within=60)
        operator = program.wait_for_line(r"--url (\S+) --token-file (\S+)", within=60)
        program.wait_for_line("Still up", within=180)
        outcome = execute(("127.0.0.1", int(first[1])), "SELECT count(*) FROM tpch.tiny.nation")
        assert outcome.rows == [[25]]
        log = run(BINARY, "retries", "--rule", "R05", "--url", operator[1], "--token-file", operator[2])
        assert log.returncode == 0, log.stderr
        assert "GENERIC_INSUFFICIENT_RESOURCES" in log.stdout, "what the story told can be looked up"
        assert program.is_running()
        assert program.terminate(within=60) == 0, program.output
    finally:
        if program.is_running():
            program.kill()
