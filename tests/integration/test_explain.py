"""Why a task is where it is: by the API and the tool, in both languages, from the router that decides."""
import uuid

from openapi import Description
from touchline import ANNA, BEN, OPERATOR, wait_for


def push(t):
    body = {"id": uuid.uuid4().hex, "channel": "chat", "text": "help", "from": {"email": f"{uuid.uuid4().hex[:10]}@example.org"}}

    def told():
        r = t.push(body)
        assert r.status_code in (200, 201, 202), r.text
        return r.status_code != 202 and r.json()

    return wait_for(told, why="the push on the timeline")["task"]


def explained(t, task, token=OPERATOR, query="", **headers):
    r = t.get(f"/v1/tasks/{task}/explain{query}", token, headers=headers)
    assert r.status_code == 200, r.text
    Description().check(r)
    return r.json()


def test_a_task_says_why_it_waits_and_who_has_it(fresh):
    t = fresh
    task = push(t)
    waits = wait_for(lambda: (e := explained(t, task))["reasons"][0]["code"] == "nobody-free" and e, why="an explanation")
    assert waits["state"] == "waiting" and waits["summary"].startswith("It waits: nobody")
    assert waits["candidates"] and not any(c["fits"] for c in waits["candidates"])
    assert explained(t, task, query="?language=de")["summary"].startswith("Sie wartet: Niemand")
    assert explained(t, task, **{"Accept-Language": "fr, de-AT;q=0.9, en"})["language"] == "de"
    assert t.get(f"/v1/tasks/{task}/explain?language=fr").status_code == 400
    assert t.get("/v1/tasks/t_none/explain").status_code == 404
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    offer = events.wait("offer")[2]
    offered = wait_for(lambda: (e := explained(t, task, ANNA))["state"] == "offered" and e, why="the offer")
    chosen = next(r for r in offered["reasons"] if r["code"] == "chosen")
    assert "anna" in offered["summary"] and "longest idle" in chosen["text"]
    holder = wait_for(lambda: next((c for c in explained(t, task)["candidates"] if c["code"] == "holder"), None), why="who has it")
    assert holder["agent"] == "anna" and holder["fits"]
    assert t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
    assert t.post(f"/v1/tasks/{task}/complete", {"disposition": "solved"}, ANNA).status_code == 200
    done = wait_for(lambda: (e := explained(t, task, BEN))["state"] == "done" and e, why="the end")
    assert done["candidates"] == [] and done["reasons"][-1]["code"] == "history-agent"
    events.close()
