"""The supervisor's day: queues that rest, work taken from one and given to another, agents sent away, and the audit of it."""
import uuid

from openapi import Description
from touchline import ANNA, BEN, CLARA, OPERATOR, Touchline, wait_for


def push(t, queue_channel="chat", **more):
    body = {"id": uuid.uuid4().hex, "channel": queue_channel, "text": "help", "from": {"email": f"{uuid.uuid4().hex[:10]}@example.org"}, **more}

    def told():
        r = t.push(body)
        assert r.status_code in (200, 201, 202), r.text
        return r.status_code != 202 and r.json()

    return wait_for(told, why="the push on the timeline")


def queue(t, name="support", token=CLARA):
    return next(q for q in t.get("/v1/queues", token).json()["items"] if q["id"] == name)


def pause(t, on, reason=None, token=CLARA, name="support"):
    return t.request("PATCH", f"/v1/queues/{name}", token, json={"paused": on, "reason": reason})


def state(t, task):
    return t.get(f"/v1/tasks/{task}").json()


def audit(t, token=OPERATOR, **params):
    return t.get("/v1/audit", token, params=params).json()


def test_nothing_is_offered_of_a_queue_that_is_paused(fresh):
    t = fresh
    r = pause(t, True, "training until noon")
    assert r.status_code == 200 and r.json()["paused"]["by"] == "clara" and r.json()["paused"]["reason"] == "training until noon"
    assert queue(t)["paused"] == r.json()["paused"] and queue(t, "callbacks")["paused"] is None
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    asleep = push(t)["task"]
    by_hand = t.post("/v1/tasks", {"conversation": push(t)["conversation"], "queue": "callbacks"}, OPERATOR)
    assert by_hand.status_code == 409 # its conversation has one: what follows is of another
    other = t.post("/v1/tasks", {"contact": t.contact("email:x@example.org") or push(t)["contact"], "queue": "callbacks"}, OPERATOR).json()
    events.wait("offer", lambda d: d["task"]["id"] == other["id"])
    assert state(t, asleep)["state"] == "waiting"
    t.restart() # a router that begins anew knows it too
    events = t.events(ANNA)
    events.wait("snapshot")
    another = t.post("/v1/tasks", {"contact": other["contact"], "queue": "callbacks"}, OPERATOR).json()
    events.wait("offer", lambda d: d["task"]["id"] == another["id"])
    assert state(t, asleep)["state"] == "waiting"
    assert pause(t, False).json()["paused"] is None
    events.wait("offer", lambda d: d["task"]["id"] == asleep)
    assert [(e["what"], e["who"], e["why"]) for e in audit(t)["items"]] == [
        ("queue.resume", "clara", None), ("queue.pause", "clara", "training until noon")]
    events.close()


def test_accepted_work_is_given_to_another_and_taken_back(fresh):
    t = fresh
    a, b = t.events(ANNA), t.events(BEN)
    a.wait("snapshot"), b.wait("snapshot")
    t.presence(ANNA)
    task = push(t)["task"]
    a.wait("offer")
    assert t.post(f"/v1/tasks/{task}/accept", {}, ANNA).status_code == 200
    t.presence(BEN)
    r = t.post(f"/v1/tasks/{task}/transfer", {"agent": "ben", "reason": "Anna is ill"}, CLARA)
    assert r.status_code == 200 and r.json()["agent"] is None, r.text
    a.wait("task", lambda d: d["id"] == task and d["state"] == "waiting")
    b.wait("offer", lambda d: d["task"]["id"] == task)
    assert t.post(f"/v1/tasks/{task}/accept", {}, BEN).status_code == 200
    r = t.post(f"/v1/tasks/{task}/release", {"reason": "not his"}, CLARA)
    assert r.status_code == 200 and r.json()["history"][-1]["reason"] == "released by clara: not his"
    a.wait("offer", lambda d: d["task"]["id"] == task and d["offer"] > 1) # not to Ben again at once
    assert t.post(f"/v1/tasks/{task}/release", {}, ANNA).status_code == 409 # an offer is not yet his work
    r = t.post(f"/v1/tasks/{task}/release", {}, OPERATOR)
    assert r.status_code == 200, r.text
    a.wait("revoke", lambda d: d["task"] == task and d["reason"] == "released")
    told = [(e["what"], e["who"], e["agent"], e["task"], e["queues"], e["why"]) for e in audit(t)["items"]]
    assert told == [("task.release", "dev-operator", "anna", task, ["support"], None), ("task.release", "clara", "ben", task, ["support"], "not his"),
                    ("task.transfer", "clara", "anna", task, ["support"], "Anna is ill")]
    log = t.log.read_text()
    assert "task.led" in log and "Anna is ill" not in log
    a.close(), b.close()


def test_an_agent_is_sent_away_and_keeps_his_work(fresh):
    t = fresh
    a = t.events(ANNA)
    a.wait("snapshot")
    t.presence(ANNA)
    held, offered = push(t)["task"], None
    a.wait("offer", lambda d: d["task"]["id"] == held)
    t.post(f"/v1/tasks/{held}/accept", {}, ANNA)
    offered = push(t)["task"]
    a.wait("offer", lambda d: d["task"]["id"] == offered)
    url = "/v1/agents/anna/presence"
    assert t.request("PUT", url, BEN, json={"state": "away", "reason": "x"}).status_code == 403
    assert t.request("PUT", url, CLARA, json={"state": "available", "reason": "x"}).status_code == 422
    assert t.request("PUT", url, CLARA, json={"state": "away"}).status_code == 422
    assert t.request("PUT", "/v1/agents/nobody/presence", CLARA, json={"state": "away", "reason": "x"}).status_code == 404
    r = t.request("PUT", url, CLARA, json={"state": "away", "reason": "called to the office"})
    assert r.status_code == 200 and r.json()["presence"]["state"] == "away" and r.json()["presence"]["reason"] == "called to the office"
    a.wait("presence", lambda d: d["state"] == "away" and d["reason"] == "called to the office")
    a.wait("revoke", lambda d: d["task"] == offered)
    assert state(t, held)["state"] == "accepted" and state(t, offered)["state"] == "waiting"
    entry = audit(t, CLARA)["items"][0]
    assert (entry["what"], entry["who"], entry["agent"], sorted(entry["queues"])) == ("presence.away", "clara", "anna", ["callbacks", "support"])
    a.close()


def test_the_board_shows_queues_and_agents_as_they_change(fresh):
    t, description = fresh, Description()
    board, a = t.board(CLARA), t.events(ANNA)
    first = board.wait("snapshot")[2]
    assert {q["id"] for q in first["queues"]} == {"support", "callbacks"} and {x["id"] for x in first["agents"]} == {"anna", "ben", "clara"}
    a.wait("snapshot")
    t.presence(ANNA)
    board.wait("agent", lambda d: d["id"] == "anna" and d["presence"]["state"] == "available")
    board.wait("queue", lambda d: d["id"] == "support" and d["agents"]["available"] == 1)
    tasks = [push(t)["task"] for _ in range(30)]
    a.wait("offer")
    board.wait("queue", lambda d: d["id"] == "support" and d["waiting"] == 20 and d["offered"] == 10)
    board.wait("agent", lambda d: d["id"] == "anna" and d["load"]["units"] == 10)
    pause(t, True, "enough")
    board.wait("queue", lambda d: d["id"] == "support" and d["paused"] and d["paused"]["reason"] == "enough")
    t.presence(ANNA, "away", "lunch")
    board.wait("queue", lambda d: d["id"] == "support" and d["waiting"] == 30 and d["agents"]["away"] == 1)
    for name, _, data in board.items:
        description.check_event(name, data, "/v1/queues/events")
    # Some sixty entries of the log: coalesced, and nothing twice.
    last = {}
    for name, _, d in board.items:
        told = {**d, "longest_wait_s": 0}
        assert name == "snapshot" or told != last.get((name, d["id"])), f"{name} {d['id']} told twice"
        if name == "snapshot":
            last = {**{("queue", q["id"]): {**q, "longest_wait_s": 0} for q in d["queues"]},
                    **{("agent", x["id"]): {**x, "longest_wait_s": 0} for x in d["agents"]}}
        else:
            last[name, d["id"]] = told
    assert sum(name == "queue" and d["id"] == "support" for name, _, d in board.items) < 15 and len(tasks) == 30
    board.close(), a.close()


def only_support(text):
    """Clara leads support alone; what happens in callbacks is none of her business."""
    head, _, tail = text.partition("- id: clara")
    assert tail
    return head + "- id: clara" + tail.replace("queues: [support, callbacks]", "queues: [support]", 1)


def test_a_supervisor_acts_and_reads_in_his_queues_only():
    with Touchline(edit=only_support) as t:
        assert pause(t, True, "x", CLARA, "callbacks").status_code == 404
        assert pause(t, True, "x", CLARA, "nowhere").status_code == 404
        assert pause(t, True, "x", ANNA).status_code == 403
        assert pause(t, "yes").status_code == 422 and t.request("PATCH", "/v1/queues/support", CLARA, json={}).status_code == 422
        for n in range(5):
            assert pause(t, n % 2 == 0, None, OPERATOR, "callbacks").status_code == 200
            assert pause(t, n % 2 == 0, f"round {n}").status_code == 200
        assert pause(t, True, "round 4").status_code == 200 # so it is already: nothing is written down
        assert len(audit(t)["items"]) == 10
        mine = audit(t, CLARA)["items"]
        assert [e["queues"] for e in mine] == [["support"]] * 5 and mine[0]["why"] == "round 4"
        assert t.get("/v1/audit", ANNA).status_code == 403
        board, all_ = t.board(CLARA), t.board(OPERATOR)
        assert [q["id"] for q in board.wait("snapshot")[2]["queues"]] == ["support"]
        assert {q["id"] for q in all_.wait("snapshot")[2]["queues"]} == {"support", "callbacks"}
        assert pause(t, False, None, OPERATOR, "callbacks").status_code == 200 and pause(t, False).status_code == 200
        all_.wait("queue", lambda d: d["id"] == "callbacks"), board.wait("queue", lambda d: d["id"] == "support")
        assert all(d["id"] == "support" for name, _, d in board.items if name == "queue")
        board.close(), all_.close()
        mine = audit(t, CLARA)["items"]
        seen, cursor = [], None
        while True: # page by page the same
            page = audit(t, CLARA, limit=2, **({"cursor": cursor} if cursor else {}))
            seen += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        assert seen == mine
