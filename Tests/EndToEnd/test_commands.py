"""The command line: verbs, tables and JSON, exit codes."""

import json
import os
import threading
import time

import pytest

from kit.processes import BINARY, run
from kit.protocol import Outcome, execute, follow, submit, user_headers
from kit.settings import group, pool
from kit.waiting import eventually

VERBS = ["serve", "demo", "coordinator", "check", "status", "groups", "pools", "coordinators", "flips", "statements",
         "statement", "retries", "flip", "rollback", "drain", "undrain", "add", "remove", "reload",
         "rules", "explain"]


@pytest.fixture(scope="module")
def gateway(shared):
    return shared.gateway(group(pool("blue", shared.fake("blue-1")), pool("green", shared.fake("green-1"))))


@pytest.fixture
def fresh(bench):
    return bench.between(bench.fake("blue-1"), bench.fake("green-1"))


def test_version():
    done = run(BINARY, "--version")
    assert done.returncode == 0 and done.stdout.startswith("penstock ")


@pytest.mark.parametrize("arguments", [["help"], ["--help"]])
def test_help_lists_the_verbs(arguments):
    done = run(BINARY, *arguments)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb):
    first, second = run(BINARY, "help", verb), run(BINARY, verb, "--help")
    assert first.returncode == second.returncode == 0
    assert verb in first.stdout and first.stdout == second.stdout


@pytest.mark.parametrize("arguments", [
    ["nope"], ["flip"], ["flip", "default"], ["flip", "default", "green", "extra"], ["status", "--nope"],
    ["statement"], ["check"], ["add", "one"], ["coordinator", "--port", "many"], ["flips", "a", "b"],
    ["serve", "--config"], ["serve", "--set", "nonsense"], ["statements", "--limit", "x"],
    ["retries", "--gate", "budgets"], ["retries", "--class", "users"], ["retries", "--since", "yesterday"]])
def test_wrong_usage_is_2(arguments):
    done = run(BINARY, *arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.strip() and not done.stdout.strip()


def test_no_arguments_at_all_is_help():
    done = run(BINARY)
    assert done.returncode in (0, 2) and "serve" in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["status"], ["groups"], ["statements"], ["flip", "default", "green"]])
def test_a_gateway_that_is_not_there_is_3(arguments):
    done = run(BINARY, *arguments, "--url", "http://127.0.0.1:9", environment={"PENSTOCK_TOKEN": "x"})
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert "127.0.0.1:9" in done.stderr


@pytest.mark.parametrize("verb", [["status"], ["groups"], ["pools"], ["coordinators"], ["statements"], ["flips"],
                                  ["flips", "default"], ["rules"]])
def test_what_shows(gateway, verb):
    execute(gateway.front, "SELECT 1")
    done = gateway.command(*verb)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout, "no colour when piped"
    machine = gateway.command(*verb, "--json")
    assert machine.returncode == 0
    value = json.loads(machine.stdout)
    if verb[0] in ("groups", "coordinators", "statements", "flips"):
        assert set(value) == {"items", "next_cursor"}
    if verb[0] == "groups":
        assert "blue" in done.stdout and "default" in done.stdout
    if verb[0] == "coordinators":
        assert "blue-1" in done.stdout and "ready" in done.stdout


def test_statement_by_any_id(gateway):
    outcome = execute(gateway.front, "SELECT rows 2", user_headers("anna"))
    eventually(lambda: gateway.admin.statement(outcome.statement)["ended"])
    for own_id in (outcome.id, outcome.statement):
        done = gateway.command("statement", own_id)
        assert done.returncode == 0 and outcome.id in done.stdout and "blue-1" in done.stdout
        assert json.loads(gateway.command("statement", own_id, "--json").stdout)["id"] == outcome.statement
    missing = gateway.command("statement", "20260101_000000_00001_zzzzz")
    assert missing.returncode == 1 and "zzzzz" in missing.stderr


def test_statements_filters(gateway):
    outcome = execute(gateway.front, "SELECT 1", user_headers("cli-user"))
    eventually(lambda: gateway.admin.statement(outcome.statement)["ended"])
    done = gateway.command("statements", "--user", "cli-user", "--state", "finished", "--limit", "1", "--json")
    assert [item["id"] for item in json.loads(done.stdout)["items"]] == [outcome.statement]


def test_flip_and_rollback(fresh):
    dry = fresh.command("flip", "default", "green", "--dry-run", "--json")
    assert dry.returncode == 0 and json.loads(dry.stdout)["dry_run"] is True
    done = fresh.command("flip", "default", "green", "--reason", "release", "--expect-epoch",
                         str(fresh.admin.group()["epoch"]), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["active"] == "green"
    again = fresh.command("flip", "default", "green")
    assert again.returncode == 1 and "already-active" in again.stderr
    wrong = fresh.command("flip", "default", "blue", "--expect-epoch", "999")
    assert wrong.returncode == 1 and "epoch-mismatch" in wrong.stderr
    back = fresh.command("rollback", "default", "--reason", "errors")
    assert back.returncode == 0 and "blue" in back.stdout
    assert fresh.command("rollback", "default").returncode == 1
    assert fresh.command("flip", "nope", "green").returncode == 1
    log = fresh.command("flips", "default")
    assert "release" in log.stdout and "errors" in log.stdout


def test_flip_waits_for_the_drain(fresh):
    outcome = Outcome()
    next_uri = outcome.take(submit(fresh.front, "SELECT rows 3"))
    next_uri = follow(outcome, next_uri, pages=2)
    done = []
    waiter = threading.Thread(target=lambda: done.append(fresh.command("flip", "default", "green", "--wait")))
    waiter.start()
    eventually(lambda: fresh.admin.group()["active"] == "green")
    time.sleep(0.5)
    assert not done, "it waits while blue drains"
    follow(outcome, next_uri)
    waiter.join(20)
    assert done[0].returncode == 0


def test_drain_and_undrain(fresh):
    assert fresh.command("drain", "blue-1", "--wait").returncode == 0
    assert fresh.admin.coordinator("blue-1")["drained"] is True
    assert fresh.command("undrain", "blue-1").returncode == 0
    assert fresh.admin.coordinator("blue-1")["drained"] is False
    assert fresh.command("drain", "nope").returncode == 1


def test_add_and_remove(fresh, bench):
    fake = bench.fake("blue-9")
    assert fresh.command("add", "blue-9", "default/blue", fake.url).returncode == 0
    fresh.wait_for_health("blue-9", "ready")
    assert fresh.command("add", "blue-9", "default/blue", fake.url).returncode == 1
    assert fresh.command("add", "x", "default", fake.url).returncode in (1, 2)
    assert fresh.command("remove", "blue-9").returncode == 0
    assert fresh.command("remove", "blue-9").returncode == 1


def test_reload(fresh):
    assert fresh.command("reload").returncode == 0
    fresh.file.write_text("listne: {}\n")
    done = fresh.command("reload")
    assert done.returncode == 1 and "listne" in done.stderr and "listen" in done.stderr


def test_the_token_comes_from_a_file_or_the_default_state(fresh, tmp_path):
    url = f"http://127.0.0.1:{fresh.admin.where[1]}"
    clean = {"PENSTOCK_TOKEN": "", "PENSTOCK_URL": ""}
    token_file = fresh.state / "admin.token"
    assert run(BINARY, "status", "--url", url, "--token-file", token_file, environment=clean).returncode == 0
    refused = run(BINARY, "status", "--url", url, environment={**clean, "PENSTOCK_TOKEN": "wrong"})
    assert refused.returncode == 1 and "wrong" not in refused.stderr
    home = tmp_path / "home"
    (home / ".local/state/penstock").mkdir(parents=True)
    os.symlink(token_file, home / ".local/state/penstock/admin.token")
    assert run(BINARY, "status", "--url", url, environment={**clean, "HOME": str(home)}).returncode == 0


def test_output_that_nobody_reads(gateway):
    """`penstock groups | head -1` ends quietly."""
    done = run("sh", "-c", f"'{BINARY}' help | head -1", environment={})
    assert done.returncode == 0 and "roken pipe" not in done.stderr
    assert gateway.program.is_running()
