"""Settings files: what is wrong is said at once, what changes is applied whole or not at all."""

import pytest

from kit.processes import BINARY, ROOT, Program, run
from kit.protocol import Outcome, execute, follow, submit
from kit.settings import QUICK_PROBE, group, merged, pool
from kit.waiting import eventually


def check(tmp_path, text):
    file = tmp_path / "penstock.yaml"
    file.write_text(text)
    return run(BINARY, "check", file)


def test_the_shipped_file_is_good():
    done = run(BINARY, "check", ROOT / "Config" / "penstock.yaml")
    assert done.returncode == 0, done.stderr


def test_an_empty_file_is_good(tmp_path):
    assert check(tmp_path, "").returncode == 0
    assert check(tmp_path, "# nothing\n").returncode == 0


def test_every_problem_at_once_with_line_path_and_suggestion(tmp_path):
    done = check(tmp_path, "\n".join([
        "listen:", "  prot: 8080", "  loops: many", "log:", "  level: loud", "limits:", "  poll_answer: fast",
        "  head_size: 1 banana", "groups:", "  - name: default", "    active: purple", "    pools:",
        "      - name: blue", "        dialect: klingon", "        coordinators:",
        '          - { name: a, url: "http://127.0.0.1:1/path" }', "shutdwon: {}"]))
    text = done.stdout + done.stderr
    assert done.returncode == 1
    for path, line in {"listen.prot": 2, "listen.loops": 3, "log.level": 5, "limits.poll_answer": 7,
                       "limits.head_size": 8, "shutdwon": 17}.items():
        assert any(path in said and f":{line}" in said for said in text.splitlines()), (path, text)
    for suggestion in ("port", "shutdown", "presto"):
        assert suggestion in text
    assert "purple" in text and "klingon" in text


@pytest.mark.parametrize("text, word", [
    ("a: [1, 2", "line"), ("a: 1\na: 2", "a"), ("- just\n- a list", "list"), ("listen: 7", "listen"),
    ("&a a: *a", ""), ("a: b\n---\nc: d", ""), ("\tlisten: {}", ""), ("retries: { mode: shadows }", "shadow"),
    ("state: { store: 'postgresql://user@host/db' }", "store"), ("policy: my.yaml", "policy"),
    ('groups: [{name: a, active: b, pools: [{name: b, coordinators: [{name: c, url: "https://x:1"}]}]}]', "https"),
    ("listen: { trusted_proxies: [10.0.0.0/8] }", "trusted_proxies"), ("listen: { port: 70000 }", "port"),
    ("listen: { port: '${ENV:PENSTOCK_NO_SUCH_VARIABLE}' }", "PENSTOCK_NO_SUCH_VARIABLE"),
    ("listen: { port: '${FILE:/no/such/file}' }", "/no/such/file"),
    ("routing: [{when: {user: a}, group: nowhere}]", "nowhere"),
    ("limits: " + "{a: " * 200 + "1" + "}" * 200, "")])
def test_a_file_that_is_wrong(tmp_path, text, word):
    done = check(tmp_path, text)
    assert done.returncode == 1, done.stdout
    assert word in done.stdout + done.stderr


def test_aliases_that_explode_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    done = check(tmp_path, "\n".join(lines))
    assert done.returncode == 1


def test_a_file_that_is_not_there():
    done = run(BINARY, "check", "/no/such/file.yaml")
    assert done.returncode == 1 and "/no/such/file.yaml" in done.stderr


def test_values_from_the_environment_and_files(bench, tmp_path):
    fake = bench.fake()
    (tmp_path / "url").write_text(fake.url + "\n")
    gateway = bench.gateway(group(pool("blue", ("blue-1", "${FILE:" + str(tmp_path / "url") + "}"))), name="from-file")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]


def test_serve_without_a_file_starts_on_defaults(tmp_path):
    program = Program([BINARY, "serve", "--set", "listen.port=0", "--set", "admin.port=0",
                       "--set", f"state.directory={tmp_path}/state"], {"HOME": str(tmp_path)})
    try:
        program.wait_for_line(r"listening front 127\.0\.0\.1:\d+")
        program.wait_for_line(r"listening admin 127\.0\.0\.1:\d+")
        assert "penstock add" in program.output, "it says how to add a coordinator"
    finally:
        program.kill()


@pytest.mark.parametrize("environment, place", [
    ({"STATE_DIRECTORY": "{home}/systemd"}, "systemd"), ({"STATE_DIRECTORY": ""}, ".local/state/penstock")])
def test_where_the_state_is_by_default(tmp_path, environment, place):
    environment = {name: value.format(home=tmp_path) for name, value in environment.items()}
    program = Program([BINARY, "serve", "--set", "listen.port=0", "--set", "admin.port=0"],
                      {"HOME": str(tmp_path), **environment})
    try:
        program.wait_for_line(r"listening admin")
        assert (tmp_path / place / "admin.token").stat().st_mode & 0o777 == 0o600
    finally:
        program.kill()


def test_a_name_of_this_host_to_listen_on(bench):
    gateway = bench.gateway(group(pool("blue", bench.fake())), listen={"address": "localhost"},
                            admin={"address": "localhost"})
    assert gateway.front[0] in ("127.0.0.1", "::1")
    assert execute(gateway.front, "SELECT rows 1").rows == [[0]]


def test_the_log_is_json_where_nobody_looks(bench):
    gateway = bench.gateway(group(pool("blue", bench.fake())), log={"format": "auto"})
    assert any(line.startswith("{") for line in gateway.program.lines)


def test_set_goes_over_the_file(bench):
    gateway = bench.gateway(group(pool("blue", bench.fake())), arguments=["--set", "log.level=debug"])
    assert execute(gateway.front, "SELECT 1").error is None


def test_serve_refuses_a_bad_file(tmp_path):
    file = tmp_path / "penstock.yaml"
    file.write_text("listen: { prot: 1 }\n")
    done = run(BINARY, "serve", "--config", file)
    assert done.returncode == 1 and "listen.prot" in done.stderr + done.stdout


@pytest.fixture
def running(bench):
    fakes = [bench.fake("blue-1"), bench.fake("green-1")]
    return bench.between(*fakes), fakes


def rewrite(gateway, **changes):
    gateway.settings = merged(gateway.settings, changes)
    gateway.write()


def test_reload_applies_a_changed_file(running, bench):
    gateway, fakes = running
    third = bench.fake("blue-2")
    rewrite(gateway, log={"level": "debug"}, groups=[group(pool("blue", fakes[0], third), pool("green", fakes[1]))])
    answer = gateway.admin.post("/v1/reload")
    assert {"path": "log.level", "from": "info", "to": "debug"} in answer["changed"]
    assert isinstance(answer["differs"], list)
    gateway.wait_for_health("blue-2", "ready")
    assert {execute(gateway.front, f"SELECT {turn}").coordinator for turn in range(4)} <= {"blue-1", "blue-2"}


def test_reload_by_signal(running):
    gateway, _ = running
    rewrite(gateway, routing=[{"when": {"user": "x"}, "group": "default"}], limits={"poll_answer": "9s"})
    gateway.reload_by_signal()
    eventually(lambda: gateway.admin.post("/v1/reload")["changed"] == [])
    assert gateway.program.is_running()


def test_a_bad_reload_changes_nothing(running):
    gateway, _ = running
    rewrite(gateway, log={"level": "loud"}, limits={"poll_answer": "1s"}, listne={"port": 1})
    problem = gateway.admin.post("/v1/reload", status=422)
    paths = {entry["path"] for entry in problem["problems"]}
    assert paths == {"log.level", "listne"}, problem
    assert all(set(entry) >= {"path", "line", "message", "suggestion"} for entry in problem["problems"])
    gateway.reload_by_signal()
    assert execute(gateway.front, "SELECT 1").error is None
    rewrite(gateway, log={"level": "info"}, limits={"poll_answer": "10s"})
    gateway.settings.pop("listne")
    gateway.write()
    assert gateway.admin.post("/v1/reload")["changed"] == []


@pytest.mark.parametrize("changes", [
    {"listen": {"loops": 1}}, {"admin": {"metrics": "open"}}, {"state": {"history": {"age": "7d"}}}])
def test_what_needs_a_restart_is_refused(running, changes):
    gateway, _ = running
    rewrite(gateway, **changes)
    reply = gateway.admin.ask("POST", "/v1/reload", {})
    assert reply.status == 422 and b"needs-restart" in reply.body


def test_a_reload_undoes_no_flip_and_no_registration(running, bench):
    gateway, fakes = running
    gateway.admin.flip("green")
    extra = bench.fake("green-2")
    gateway.admin.ask("POST", "/v1/coordinators",
                      {"name": "green-2", "group": "default", "pool": "green", "url": extra.url})
    gateway.admin.post("/v1/coordinators/green-1/drain")
    rewrite(gateway, log={"level": "debug"})
    answer = gateway.admin.post("/v1/reload")
    assert answer["differs"], "what the store has otherwise is reported"
    assert gateway.admin.group()["active"] == "green"
    assert gateway.admin.coordinator("green-1")["drained"] is True
    assert gateway.admin.coordinator("green-2")["url"] == extra.url
    assert len(fakes) == 2


def test_statements_in_flight_do_not_notice_a_reload(running, bench):
    gateway, fakes = running
    outcome = Outcome()
    next_uri = outcome.take(submit(gateway.front, "SELECT rows 5"))
    next_uri = follow(outcome, next_uri, pages=2)
    moved = bench.fake("moved")
    rewrite(gateway, groups=[group(pool("blue", ("blue-1", moved.url)), pool("green", fakes[1]))])
    gateway.admin.post("/v1/reload")
    follow(outcome, next_uri)
    assert outcome.rows == [[0], [1], [2], [3], [4]], "a changed URL is a new registration; old tags find the old one"
    eventually(lambda: gateway.admin.coordinator("blue-1")["health"] == "ready")
    execute(gateway.front, "SELECT 'after'")
    assert moved.statements_seen() == {"SELECT 'after'": 1}


def test_what_the_file_no_longer_names_stays_and_is_reported(running):
    gateway, fakes = running
    rewrite(gateway, groups=[group(pool("blue", fakes[0]), pool("green"))])
    answer = gateway.admin.post("/v1/reload")
    assert any("green-1" in str(entry) for entry in answer["differs"]), answer
    assert gateway.admin.coordinator("green-1")["health"] == "ready"


def test_new_pools_and_groups_come_with_a_reload(running, bench):
    gateway, fakes = running
    etl = bench.fake("etl-1")
    rewrite(gateway, groups=[*gateway.settings["groups"], group(pool("batch", etl), name="etl")],
            routing=[{"when": {"user": "etl"}, "group": "etl"}])
    gateway.admin.post("/v1/reload")
    gateway.wait_for_health("etl-1", "ready")
    assert execute(gateway.front, "SELECT 1", {"X-Trino-User": "etl"}).coordinator == "etl-1"
    assert len(fakes) == 2


def test_probe_settings_change_with_a_reload(running):
    gateway, fakes = running
    changed = group(pool("blue", fakes[0]), pool("green", fakes[1]))
    changed["pools"][0]["probe"] = {**QUICK_PROBE, "path": "/nothing-here"}
    rewrite(gateway, groups=[changed])
    gateway.admin.post("/v1/reload")
    gateway.wait_for_health("blue-1", "down")


