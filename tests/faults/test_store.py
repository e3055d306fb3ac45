"""Redis goes away, comes back, comes back empty: intake goes on, nothing is lost, no work is done twice."""
import os
import signal
import time
import uuid

from test_kill import Load
from touchline import ANNA, wait_for


def state(t):
    return t.get("/readyz", None).json()["store"]


def test_a_redis_that_is_killed_delays_and_loses_nothing(fresh):
    t = fresh
    load = Load(t).start()
    wait_for(lambda: len(load.acked) > 100, why="some load")
    os.kill(t.redis_pid(), signal.SIGKILL)
    for _ in range(3):
        time.sleep(1) # under load without a store for a while: the fault itself
    load.end()
    wait_for(lambda: state(t) == "ok", 30, why="the store again")
    load.judge()


def test_a_silent_redis_is_noticed_and_pushes_get_202(fresh):
    t = fresh
    pid = t.redis_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: state(t) == "degraded", 10, why="degraded")
        r = t.push({"id": uuid.uuid4().hex, "channel": "chat", "text": "x", "from": {"email": "silent@example.org"}})
        assert r.status_code == 202 and set(r.json()) == {"id"}
        assert t.get("/readyz", None).status_code == 200
        assert t.get("/v1/contacts?identity=email:silent@example.org").status_code == 503
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: state(t) == "ok", 30, why="the store again")
    wait_for(lambda: t.contact("email:silent@example.org"), why="applied")


def test_an_empty_redis_is_filled_again_with_the_agents_work(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    people = [f"{uuid.uuid4().hex[:8]}@example.org" for _ in range(6)]
    told = [t.push({"id": uuid.uuid4().hex, "channel": "chat", "text": who, "from": {"email": who}}).json() for who in people]
    for one in told[:3]:
        offer = events.wait("offer", lambda d, id=one["task"]: d["task"]["id"] == id)[2]
        assert t.post(f"/v1/tasks/{one['task']}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
        assert t.post(f"/v1/tasks/{one['task']}/complete", {"disposition": "done"}, ANNA).status_code == 200
    assert t.post(f"/v1/contacts/{told[0]['contact']}/merge", {"from": told[1]["contact"]}).status_code == 200
    assert t.request("DELETE", f"/v1/contacts/{told[2]['contact']}").status_code == 202
    events.close()
    t.redis().flushall()
    os.kill(t.redis_pid(), signal.SIGKILL)
    wait_for(lambda: state(t) == "ok", 30, why="the store again")
    wait_for(lambda: t.contact("email:" + people[5]), 30, why="replayed")
    wait_for(lambda: {p["text"] for p in t.timeline(told[0]["contact"])} == set(people[:2]), 30, why="both on the merged timeline")
    assert t.contact("email:" + people[2]) is None
    assert t.get(f"/v1/contacts/{told[2]['contact']}").status_code in (404, 410)
    for one in told[:2]:
        assert t.get(f"/v1/tasks/{one['task']}").json()["state"] == "done"
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)

    def offered():
        with events.lock:
            items = list(events.items)
        return {o["task"]["id"] for i in items for o in (i[2]["offers"] if i[0] == "snapshot" else [i[2]] if i[0] == "offer" else [])}

    wait_for(lambda: {one["task"] for one in told[3:]} <= offered(), 15, why="what was open is offered")
    assert not offered() & {one["task"] for one in told[:3]}
    events.close()
