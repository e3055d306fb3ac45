"""Agents and their work: offers, moves, races, and streams that end in the middle."""
import threading
import uuid

from touchline import ADAPTER, ANNA, BEN, CLARA, push, wait_for


def test_an_offer_is_taken_once(fresh):
    t = fresh
    events = t.events(ANNA)
    assert events.wait("snapshot")[2]["agent"]["id"] == "anna"
    t.presence(ANNA)
    told = push(t)
    offer = events.wait("offer")[2]
    task = offer["task"]["id"]
    assert task == told["task"] and offer["task"]["state"] == "offered"
    assert t.post(f"/v1/tasks/{task}/accept", {"offer": 1}, BEN).status_code in (404, 409)
    stale = t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"] + 1}, ANNA)
    assert stale.status_code == 409 and stale.json()["code"] == "stale-offer"
    first = t.post(f"/v1/tasks/{task}/accept", {}, ANNA)
    again = t.post(f"/v1/tasks/{task}/accept", {}, ANNA)
    assert (first.status_code, again.status_code) == (200, 200)
    me = t.get("/v1/me", ANNA).json()
    assert me["tasks"] == [task] and me["load"]["units"] == 1
    wrong = t.post(f"/v1/tasks/{task}/reject", {"offer": offer["offer"], "reason": "busy"}, ANNA)
    assert wrong.status_code == 409
    done = t.post(f"/v1/tasks/{task}/complete", {"disposition": "solved", "note": "all good"}, ANNA)
    assert done.status_code == 200 and done.json()["state"] == "done" and done.json()["disposition"] == "solved"
    assert t.get(f"/v1/tasks/{task}").json()["state"] == "done"
    assert t.get("/v1/me", ANNA).json()["tasks"] == []
    events.close()


def test_a_rejected_task_goes_to_the_other_with_its_place(fresh):
    t = fresh
    a, b = t.events(ANNA), t.events(BEN)
    a.wait("snapshot"), b.wait("snapshot")
    t.presence(ANNA)
    push(t)
    offer = a.wait("offer")[2]
    t.presence(BEN)
    r = t.post(f"/v1/tasks/{offer['task']['id']}/reject", {"offer": offer["offer"], "reason": "lunch"}, ANNA)
    assert r.status_code == 200, r.text
    other = b.wait("offer")[2]
    assert other["task"]["id"] == offer["task"]["id"] and other["offer"] > offer["offer"]
    assert any("lunch" in h["reason"] for h in other["task"]["history"])
    a.close(), b.close()


def test_a_further_message_updates_the_open_task(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    who = {"email": f"{uuid.uuid4().hex}@example.org"}
    first = push(t, **{"from": who, "thread": "x"})
    offer = events.wait("offer")[2]
    t.post(f"/v1/tasks/{first['task']}/accept", {"offer": offer["offer"]}, ANNA)
    second = push(t, **{"from": who, "thread": "x", "text": "and another thing"})
    assert second["task"] == first["task"] and second["conversation"] == first["conversation"]
    events.wait("task", lambda d: d["id"] == first["task"] and d["touchpoint"] == second["id"] or d["rev"] > 2)
    events.wait("timeline", lambda d: d["touchpoint"]["id"] == second["id"])
    events.close()


def test_two_agents_work_off_two_hundred_tasks(fresh):
    """No task has two owners, none is stuck, each history explains itself; one stream is cut in the middle."""
    t, n = fresh, 200
    done, lock, stop = {}, threading.Lock(), threading.Event()

    def work(token, cut_after=None):
        events, seen, mine = t.events(token), 0, 0
        events.wait("snapshot")
        t.presence(token)
        while not stop.is_set():
            with events.lock:
                if len(events.items) <= seen:
                    if events.closed:
                        break
                    events.lock.wait(0.2)
                    continue
                name, _, data = events.items[seen]
            seen += 1
            offers = data["offers"] if name == "snapshot" else [data] if name == "offer" else []
            for offer in offers:
                task = offer["task"]["id"]
                if t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, token).status_code != 200:
                    continue
                mine += 1
                if mine == cut_after: # the browser is gone with work accepted: it comes again and goes on
                    events.close()
                    events, seen = t.events(token), 0
                r = t.post(f"/v1/tasks/{task}/complete", {"disposition": "done"}, token)
                assert r.status_code == 200, r.text
                with lock:
                    done.setdefault(task, []).append(token)
        events.close()

    threads = [threading.Thread(target=work, args=(ANNA, 30), daemon=True), threading.Thread(target=work, args=(BEN,), daemon=True)]
    for thread in threads:
        thread.start()
    tasks = [push(t)["task"] for _ in range(n)]
    try:
        wait_for(lambda: len(done) == n, 90, why="all tasks done")
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert set(done) == set(tasks) and all(len(v) == 1 for v in done.values())
    for task in tasks[:20] + tasks[-20:]:
        history = t.get(f"/v1/tasks/{task}").json()["history"]
        assert [h["to"] for h in history][-1] == "done" and all(h["reason"] for h in history)
        assert {h["agent"] for h in history if h["to"] == "accepted"} <= {"anna", "ben"}


def test_two_accepts_of_one_offer_have_one_winner(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    for _ in range(20):
        told = push(t)
        offer = events.wait("offer", lambda d, id=told["task"]: d["task"]["id"] == id)[2]
        codes = []

        def accept(token, number):
            codes.append(t.request("POST", f"/v1/tasks/{told['task']}/accept", token, json={"offer": number}).status_code)

        pair = [threading.Thread(target=accept, args=(ANNA, offer["offer"])), threading.Thread(target=accept, args=(BEN, offer["offer"]))]
        [p.start() for p in pair]
        [p.join() for p in pair]
        assert sorted(codes)[0] == 200 and sorted(codes)[1] in (404, 409)
        t.post(f"/v1/tasks/{told['task']}/complete", {}, ANNA)
    events.close()


def test_offers_survive_a_restart(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    told = push(t)
    offer = events.wait("offer")[2]
    events.close()
    t.restart()
    events = t.events(ANNA)
    snapshot = events.wait("snapshot")[2]
    r = t.post(f"/v1/tasks/{told['task']}/accept", {}, ANNA)
    if r.status_code != 200: # given back while nobody listened: it comes again
        again = events.wait("offer", lambda d: d["task"]["id"] == told["task"])[2]
        assert again["offer"] > offer["offer"]
        r = t.post(f"/v1/tasks/{told['task']}/accept", {"offer": again["offer"]}, ANNA)
    assert r.status_code == 200, (r.text, snapshot)
    events.close()


def test_a_stream_is_resumed_by_its_last_event(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    push(t)
    offer = events.wait("offer")
    events.close()
    push(t)
    again = t.events(ANNA, last=offer[1])
    name = wait_for(lambda: again.items and again.items[0][0], why="an event")
    assert name in ("offer", "snapshot", "presence", "task", "revoke")
    again.close()
    far = t.events(ANNA, last="1-0")
    assert far.wait("snapshot")
    far.close()


def test_supervisors_see_queues_and_agents_do_not(fresh):
    t = fresh
    push(t)
    queues = {q["id"]: q for q in t.get("/v1/queues", CLARA).json()["items"]}
    assert queues["support"]["waiting"] == 1 and queues["support"]["agents"]["offline"] == 2
    agents = {a["id"] for a in t.get("/v1/agents", CLARA).json()["items"]}
    assert {"anna", "ben"} <= agents
    assert t.get("/v1/queues", ANNA).status_code == 403 and t.get("/v1/agents", ADAPTER).status_code == 403


def test_a_session_is_a_cookie_and_a_token(fresh):
    t = fresh
    assert t.post("/v1/session", {"agent": "anna", "password": "wrong"}, None).status_code == 401
    r = t.post("/v1/session", {"agent": "anna", "password": "dev"}, None)
    assert r.status_code in (200, 201), r.text
    cookie = r.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    token = r.json()["token"]
    assert t.get("/v1/me", token).json()["id"] == "anna"
    t.session.cookies.clear()
    bare = {"Cookie": cookie.split(";")[0]}
    assert t.get("/v1/me", None, headers=bare).status_code == 200
    body = {"state": "available"}
    assert t.request("PUT", "/v1/me/presence", None, json=body, headers={**bare, "Origin": "http://evil.example"}).status_code == 403
    assert t.request("PUT", "/v1/me/presence", None, json=body, headers={**bare, "Origin": t.url}).status_code == 200
    assert t.request("DELETE", "/v1/session", token).status_code in (200, 204)
    assert t.get("/v1/me", token).status_code == 401
    codes = [t.post("/v1/session", {"agent": "ben", "password": "x"}, None).status_code for _ in range(15)]
    assert 429 in codes
