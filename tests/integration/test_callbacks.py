"""Calls in vain wait to be called back, in one task, until the person is reached in any way."""
import datetime
import uuid

from touchline import ANNA, wait_for

NUMBER = "+493055" + uuid.uuid4().int.__str__()[:6]


def call(t, outcome, minute, direction="inbound", number=NUMBER, revision=0, id=None):
    at = (datetime.datetime(2026, 11, 23, 8) + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    body = {"id": id or uuid.uuid4().hex, "revision": revision, "channel": "call", "at": at, "direction": direction,
            "kind": "call" if outcome == "answered" or direction == "outbound" else "missed_call",
            "call": {"call_id": uuid.uuid4().hex, "disposition": outcome}}
    who = {"phone": number}
    body.update({"from": who} if direction == "inbound" else {"from": who, "to": [who]})
    r = t.push(body)
    assert r.status_code in (200, 201), r.text
    return r.json()


def state(t, task):
    return t.get(f"/v1/tasks/{task}").json()


def test_several_missed_calls_are_one_task(fresh):
    t = fresh
    first = call(t, "abandoned", 0)
    again = [call(t, o, m) for m, o in ((1, "no-answer"), (2, "busy"), (3, "voicemail"))]
    assert first["task"] and {a["task"] for a in again} == {first["task"]}
    assert {a["conversation"] for a in again} == {first["conversation"]}
    assert [h["reason"] for h in state(t, first["task"])["history"]][1:] == ["customer called again"] * 3
    assert len(t.get("/v1/tasks", params={"queue": "callbacks"}).json()["items"]) == 1


def test_an_outbound_talk_ends_the_task_with_the_reason(fresh):
    t = fresh
    task = call(t, "abandoned", 0)["task"]
    in_vain = call(t, "no-answer", 5, "outbound")
    assert state(t, task)["state"] == "waiting" and in_vain["task"] is None
    talk = call(t, "answered", 9, "outbound")
    ended = wait_for(lambda: state(t, task)["state"] == "done" and state(t, task), why="the task to end itself")
    assert talk["task"] == task and ended["disposition"] == "the person was called and answered"
    assert ended["history"][-1]["reason"] == "settled: the person was called and answered"
    later = call(t, "abandoned", 20)
    assert later["task"] not in (None, task) and later["conversation"] != talk["conversation"]


def test_a_later_inbound_talk_ends_it_also_while_it_is_offered(fresh):
    t = fresh
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    task = call(t, "busy", 0)["task"]
    events.wait("offer", lambda d: d["task"]["id"] == task)
    call(t, "answered", 4)
    assert events.wait("revoke", lambda d: d["task"] == task)[2]["reason"] == "settled"
    assert state(t, task)["disposition"] == "the person called again and was answered"
    events.close()


def test_a_talk_before_the_last_call_in_vain_ends_nothing(fresh):
    t = fresh
    task = call(t, "abandoned", 0)["task"]
    call(t, "abandoned", 30)
    call(t, "answered", 15)
    assert state(t, task)["state"] == "waiting"


def test_a_call_that_was_answered_after_all_needs_nobody(fresh):
    t = fresh
    task = call(t, "no-answer", 0, id="leg-1")["task"]
    call(t, "answered", 0, id="leg-1", revision=2)
    wait_for(lambda: state(t, task)["state"] == "done", why="the task to end itself")


def test_the_end_survives_a_crash_and_an_emptied_store(fresh):
    t = fresh
    task = call(t, "abandoned", 0)["task"]
    call(t, "answered", 9, "outbound")
    wait_for(lambda: state(t, task)["state"] == "done", why="the end")
    t.kill()
    t.start()
    assert state(t, task)["state"] == "done"
