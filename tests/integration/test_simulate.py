"""touchline simulate: the three cases of docs/simulate.md on a made-up day, the same bytes each time, and a real daemon's record."""
import json
import pathlib
import re
import subprocess
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import day  # noqa: E402
from touchline import ANNA, BUILD, ROOT, Touchline, wait_for  # noqa: E402

TASKS, AGENTS = 1200, 12
SPAN = ["--from", "2026-11-24", "--to", "2026-11-25"]


def simulate(*args, ok=True):
    r = subprocess.run([str(BUILD / "touchline"), "simulate", *map(str, args)], capture_output=True, text=True, timeout=120)
    assert (r.returncode == 0) == ok, r.stderr
    return r.stdout if ok else r.stderr


def files(tmp_path):
    """The record, and the cases of the document: a configuration each."""
    record = tmp_path / "day.ndjson"
    record.write_text("".join(line + "\n" for line in day.day(TASKS, AGENTS)))
    was = day.config(AGENTS)
    step = "steps: [{after: 10m, relax: {de: 0}}]"
    more = "queues: [{id: german, service_level: gold, offer: {timeout: 60s}}, {id: support"
    cases = {
        "agent": day.config(AGENTS + 1),
        "queue": was.replace("queues: [{id: support", more, 1).replace(step, "steps: [{after: 1m, add_queues: [german]}, {after: 10m, relax: {de: 0}}]")
                    .replace("queues: [support], capacity: {units: 1}, skills", "queues: [german], capacity: {units: 1}, skills"),
        "step": was.replace(step, step.replace("10m", "3m")),
    }
    assert len(set(cases.values()) | {was}) == 4
    for name, text in cases.items():
        (tmp_path / f"{name}.yml").write_text(text)
    (tmp_path / "same.yml").write_text(was)
    return record


def test_the_document_shows_what_is_said(tmp_path):
    record, text = files(tmp_path), (ROOT / "docs/simulate.md").read_text()
    blocks = re.findall(r"```\n\$ touchline simulate --config (\w+)\.yml[^\n]*\n(.*?)```", text, re.S)
    assert [name for name, _ in blocks] == ["agent", "queue", "step"]
    for name, shown in blocks:
        said = simulate("--record", record, "--config", tmp_path / f"{name}.yml", *SPAN)
        assert said.split("\n\n")[-2].strip() == shown.strip(), name


def test_the_same_input_gives_the_same_bytes_and_no_difference_to_itself(tmp_path):
    record = files(tmp_path)
    first, second = (simulate("--record", record, "--config", tmp_path / "same.yml", *SPAN, "--json") for _ in range(2))
    assert first == second
    told = json.loads(first)
    assert told["old"] == told["new"] and told["recorded"]["*"]["tasks"] == TASKS
    for figure in ("taken", "left"): # the model is near to what was
        assert abs(told["old"]["*"][figure] - told["recorded"]["*"][figure]) <= 3
    assert abs(told["old"]["*"]["wait_p50_s"] - told["recorded"]["*"]["wait_p50_s"]) <= 5


def test_one_more_agent_makes_nothing_worse(tmp_path):
    record = files(tmp_path)
    told = json.loads(simulate("--record", record, "--config", tmp_path / "agent.yml", *SPAN, "--json"))
    for figure in ("left", "wait_p50_s", "wait_p95_s", "wait_max_s", "breaches_first_response"):
        assert told["new"]["*"][figure] <= told["old"]["*"][figure], figure


def test_what_cannot_be_read_is_told_by_its_place(tmp_path):
    record = files(tmp_path)
    (tmp_path / "bad.yml").write_text("queues: [{id: support, strategy: magic}]\n")
    assert "bad.yml:1:34: strategy" in simulate("--record", record, "--config", tmp_path / "bad.yml", *SPAN, ok=False)
    broken = tmp_path / "broken.ndjson"
    broken.write_text(record.read_text() + "{\n")
    assert "line" in simulate("--record", broken, "--config", tmp_path / "same.yml", *SPAN, ok=False)
    assert "--from" in simulate("--record", record, "--config", tmp_path / "same.yml", ok=False)


def test_a_daemons_own_day_is_replayed(tmp_path):
    with Touchline() as t:
        events = t.events(ANNA)
        events.wait("snapshot")
        t.presence(ANNA)
        worked = []
        for _ in range(3):
            r = t.push({"id": uuid.uuid4().hex, "channel": "chat", "text": "help", "from": {"email": f"{uuid.uuid4().hex}@example.org"}})
            assert r.status_code in (201, 202)
            offer = events.wait("offer", lambda d: d["task"]["id"] not in worked)[2]
            task = offer["task"]["id"]
            worked.append(task)
            assert t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
            assert t.post(f"/v1/tasks/{task}/complete", {}, ANNA).status_code == 200
        lines = lambda: t.get("/v1/history").text.splitlines()
        wait_for(lambda: sum('"task":"done"' in line for line in lines()) == 3, why="the archive")
        assert json.loads(lines()[-1]) == {"next": None} and not any("example.org" in line for line in lines())
        said = t.get("/v1/history/config").text
        assert "queues: [" in said and "dev-anna" not in said and "password" not in said
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        token = tmp_path / "token"
        token.write_text("dev-operator")
        token.chmod(0o600)
        url = ["--url", t.url, "--token-file", token]
        kept = tmp_path / "kept.ndjson"
        told = json.loads(simulate(*url, "--config", t.file, "--from", now[:10], "--to", now, "--json", "--save", kept))
        assert told["recorded"]["support"]["taken"] == told["old"]["support"]["taken"] == told["new"]["support"]["taken"] == 3
        assert json.loads(simulate("--record", kept, "--config", t.file, "--from", now[:10], "--to", now, "--json")) == told
        events.close()
