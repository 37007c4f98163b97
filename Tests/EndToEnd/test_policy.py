"""The failure policy: its rules, its verdicts against a second evaluator's, a policy of one's own."""

import json
import os
import random
import socket

import pytest

from kit.gateway import Gateway
from kit.policy import EVENTS, STEPS, Failure, Policy, crossings, listed, recorded, samples
from kit.processes import BINARY, run
from kit.rawhttp import Connection
from kit.settings import gateway_settings, group, merged, pool
from kit.waiting import eventually

SEED = int(os.environ.get("PENSTOCK_SEED", "20261121"))
ALL = [Failure(step, event=event) for step in STEPS for event in EVENTS] + [
    Failure(step, status=status) for step in STEPS for status in
    (200, 204, 301, 400, 401, 403, 404, 405, 408, 410, 413, 414, 418, 429, 431, 500, 501, 502, 503, 504, 505, 599)]
RULE = "- {{ id: {id}, names: [{name}], class: external, action: same, retries: 3, wait: S }}\n"


@pytest.fixture(scope="module")
def gateway(shared):
    return shared.gateway(group(pool("blue", shared.fake("blue-1"))))


@pytest.fixture(scope="module")
def policy():
    return Policy()


def explain(gateway, failures):
    """What the gateway says of each, over one connection."""
    fields = {"Authorization": f"Bearer {gateway.admin.token}", "Content-Type": "application/json"}
    with Connection(gateway.admin.where) as connection:
        # Head and body are two writes; the second must not wait until the first was acknowledged.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for failure in failures:
            reply = connection.request("POST", "/v1/policy/explain", fields, json.dumps(failure.body()))
            assert reply.status == 200, (failure, reply)
            yield failure, reply.json()


def differences(gateway, policy, failures):
    """Where the two disagree on the verdict, or on the rules that come before it."""
    ids = [rule["id"] for rule in policy.rules]
    for failure, said in explain(gateway, failures):
        wanted = policy.verdict(failure)
        before = ids if wanted["rule"] is None else ids[:ids.index(wanted["rule"])]
        if {name: said[name] for name in wanted} != wanted or [line["rule"] for line in said["skipped"]] != before:
            yield failure, wanted, said["rule"]


def test_the_rules_are_those_of_the_shipped_file(gateway, policy):
    items = gateway.admin.get("/v1/policy/rules")["items"]
    assert [item["id"] for item in items] == [rule["id"] for rule in policy.rules]
    for item, rule in zip(items, policy.rules):
        for key in ("event", "status", "names"):
            assert item[key] == listed(rule.get(key)), (rule["id"], key)
        for key in ("step", "type", "not_type", "match", "class", "action", "wait"):
            assert item[key] == rule.get(key), (rule["id"], key)
        assert item["retries"] == rule.get("retries", 0)
        assert item["when"] == rule.get("when", "name-and-text")
        assert (item["opt_in"], item["alert"]) == (rule.get("opt_in", False), rule.get("alert", False))


def test_every_sample_meets_its_rule(gateway):
    found = samples()
    assert len(found) >= 85
    said = explain(gateway, [failure for failure, _ in found])
    assert [answer["rule"] for _, answer in said] == [rule for _, rule in found]


def test_events_and_statuses_meet_the_rule_that_a_second_evaluator_picks(gateway, policy):
    assert list(differences(gateway, policy, ALL)) == []


def test_recorded_failures_meet_the_rule_that_a_second_evaluator_picks(gateway, policy):
    failures = recorded()
    assert len(failures) >= 20
    assert list(differences(gateway, policy, failures)) == []


def test_crossings_meet_the_rule_that_a_second_evaluator_picks(gateway, policy):
    found = list(differences(gateway, policy, crossings(random.Random(SEED), policy, 900)))
    assert found == [], f"PENSTOCK_SEED={SEED}: {len(found)} differ"


def test_no_text_buys_a_user_error_a_retry(gateway):
    failures = [Failure(error_name=name, error_type="USER_ERROR", message=failure.message)
                for failure, _ in samples() for name in ("GENERIC_USER_ERROR", None)]
    assert {said["action"] for _, said in explain(gateway, failures)} == {"none"}


def test_an_explanation_says_why_not(gateway):
    failure = Failure(error_name="REMOTE_TASK_MISMATCH", error_type="INTERNAL_ERROR", error_code=65544, status=200,
                      message="Could not communicate with the remote task.")
    said = gateway.admin.post("/v1/policy/explain", failure.body())
    assert {name: said[name] for name in ("rule", "class", "action", "retries", "wait", "gate")} == {
        "rule": "I05", "class": "internal", "action": "other", "retries": 2, "wait": "M", "gate": None}
    why = {line["rule"]: line["why"] for line in said["skipped"]}
    assert "REMOTE_TASK_MISMATCH" in why["I01"] and "USER_ERROR" in why["U99"] and "pattern" in why["G00"]


@pytest.mark.parametrize("body, word", [
    ({"step": "pole"}, "poll"), ({"step": 1}, "step"), ({"event": "cutt"}, "cut"), ([], "object"), ("x", "object"),
    ({"error_nam": "X"}, "error_name"), ({"status": "503"}, "status"), ({"message": {}}, "message")])
def test_what_is_no_failure_is_400(gateway, body, word):
    reply = gateway.admin.ask("POST", "/v1/policy/explain", json.dumps(body))
    assert reply.status == 400 and word in reply.json()["detail"], reply


def test_the_commands(gateway):
    table = gateway.command("rules")
    assert table.returncode == 0 and "REMOTE_HOST_GONE" in table.stdout and "\x1b" not in table.stdout
    assert len(json.loads(gateway.command("rules", "--json").stdout)["items"]) == 86
    done = gateway.command("explain", "--error-name", "CLUSTER_OUT_OF_MEMORY", "--error-type",
                           "INSUFFICIENT_RESOURCES", "--message", "Query killed because the cluster is out of memory")
    assert done.returncode == 0, done.stderr
    assert "R01" in done.stdout and "resource" in done.stdout and "another coordinator" in done.stdout
    done = gateway.command("explain", "--step", "poll", "--event", "forgotten", "--status", "404",
                           "--message", "Query not found", "--json")
    assert json.loads(done.stdout)["rule"] == "H07"
    assert gateway.command("explain").returncode == 2
    assert gateway.command("explain", "--step", "pole").returncode == 2


def settings(directory, **changes):
    return merged(gateway_settings(directory / "state", group(pool("blue"))), changes)


def started(bench, tmp_path, text, **changes):
    (tmp_path / "rules.yaml").write_text(text)
    return bench.keep(Gateway(tmp_path, settings(tmp_path, policy="rules.yaml", **changes))).start()


def rules(gateway):
    return [item["id"] for item in gateway.admin.get("/v1/policy/rules")["items"]]


def test_a_policy_of_ones_own_replaces_the_shipped_one(bench, tmp_path):
    gateway = started(bench, tmp_path, RULE.format(id="MINE", name="ONE"))
    assert rules(gateway) == ["MINE"]
    assert gateway.admin.post("/v1/policy/explain", {"error_name": "ONE"})["rule"] == "MINE"
    assert gateway.admin.post("/v1/policy/explain", {"error_name": "SYNTAX_ERROR"})["rule"] is None


def test_a_reload_reads_the_policy_anew(bench, tmp_path):
    gateway = started(bench, tmp_path, RULE.format(id="MINE", name="ONE"))
    file = tmp_path / "rules.yaml"
    file.write_text(RULE.format(id="MINE", name="TWO"))
    changed = gateway.admin.post("/v1/reload")["changed"]
    assert [entry["path"] for entry in changed] == ["policy[MINE]"]
    assert "[ONE]" in changed[0]["from"] and "[TWO]" in changed[0]["to"]
    assert gateway.admin.post("/v1/policy/explain", {"error_name": "TWO"})["rule"] == "MINE"

    file.write_text("- { id: MINE, nams: [TWO], class: externl, action: none }\n")
    problem = gateway.admin.post("/v1/reload", status=422)
    assert {(entry["path"], entry["line"]) for entry in problem["problems"]} == {
        ("policy[MINE].nams", 1), ("policy[MINE].class", 1)}
    assert all(entry["file"] == str(file) and entry["suggestion"] for entry in problem["problems"])
    done = gateway.command("reload")
    assert done.returncode == 1 and f"{file}:1: policy[MINE].nams" in done.stderr and "names" in done.stderr
    assert gateway.admin.post("/v1/policy/explain", {"error_name": "TWO"})["rule"] == "MINE", "nothing has changed"

    gateway.settings.pop("policy")
    gateway.write()
    gateway.reload_by_signal()
    eventually(lambda: len(rules(gateway)) == 86)


def test_a_rule_that_is_opted_into_acts(bench, tmp_path):
    gateway = started(bench, tmp_path, RULE.format(id="MINE", name="ONE").replace(" }", ", opt_in: true }"))
    gate = lambda: gateway.admin.post("/v1/policy/explain", {"error_name": "ONE"})["gate"]
    assert gate() == "opt-in"
    for retries, wanted in [({"opt_in": ["MINE"]}, None), ({"opt_in": ["MINE"], "mode": "shadow"}, "shadow"),
                            ({"opt_in": ["MINE"], "mode": "off"}, "mode-off")]:
        gateway.settings = merged(gateway.settings, {"retries": retries})
        gateway.write()
        gateway.admin.post("/v1/reload")
        assert gate() == wanted


BAD = ("- id: A\n  names: [X]\n  class: internl\n  action: other\n"
       "- id: A\n  match: '(open'\n  class: user\n  action: none\n")


@pytest.mark.parametrize("arguments", [["check"], ["serve", "--config"]])
def test_a_bad_policy_is_a_problem_of_the_settings(tmp_path, arguments):
    (tmp_path / "rules.yaml").write_text(BAD)
    file = tmp_path / "penstock.yaml"
    file.write_text("policy: rules.yaml\nlog: { level: loud }\n")
    done = run(BINARY, *arguments, file)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    for place in (f"{file}:2: log.level", f"{tmp_path}/rules.yaml:3: policy[A].class", "rules.yaml:5: policy[A].id",
                  "rules.yaml:6: policy[A].match"):
        assert place in said, said
    assert "did you mean `internal`?" in said


@pytest.mark.parametrize("text, words", [
    ("policy: nowhere.yaml\n", ["penstock.yaml:1: policy", "nowhere.yaml", "does not exist"]),
    ("retries:\n  opt_in: [U11, U111]\n", ["penstock.yaml:2: retries.opt_in", "no rule `U111`", "`U11`"])])
def test_what_the_settings_say_of_a_policy_is_checked(tmp_path, text, words):
    file = tmp_path / "penstock.yaml"
    file.write_text(text)
    done = run(BINARY, "check", file)
    assert done.returncode == 1 and all(word in done.stdout for word in words), done.stdout


def test_the_settings_of_retrying_are_taken(tmp_path):
    file = tmp_path / "penstock.yaml"
    file.write_text("""
retries: { mode: shadow, attempts: 3, elapsed: 1m, budget: { share: 0.5, floor: 0, window: 30s }, opt_in: [U11, X12] }
limits: { wait_for_coordinator: 1m, waiting_statements: 10, capsules: 1MiB, last_page: 64KiB, answered_pages: 1MiB }
groups:
  - name: default
    pools:
      - { name: blue, takes: [pinned, retries], bigger: true }
""")
    done = run(BINARY, "check", file)
    assert done.returncode == 0, done.stdout + done.stderr
