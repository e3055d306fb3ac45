"""How queues are worked off: offers to several, steps, key accounts, blocks, agents who drain, work that nobody touches."""
import shutil
import threading

from touchline import ANNA, BEN, CLARA, OPERATOR, push, Redis, Touchline, wait_for


def house(support="", offer="", more=""):
    def edit(text):
        assert "    strategy: longest-idle\n" in text and "blocks: { call: none }\n" in text
        text = text.replace("    strategy: longest-idle\n", support or "    strategy: longest-idle\n", 1)
        text = text.replace("offer: { timeout: 120s }", f"offer: {offer or '{ timeout: 120s }'}", 1)
        return text.replace("blocks: { call: none }\n", more or "blocks: { call: none }\n", 1)

    return Touchline(edit=edit)


def streams(t, *tokens):
    all_of = [t.events(token) for token in tokens]
    for events in all_of:
        events.wait("snapshot")
    return all_of


def task_of(t, task):
    return t.get(f"/v1/tasks/{task}").json()


def test_of_several_the_first_to_accept_has_it_and_the_others_are_told():
    with house("    strategy: broadcast\n") as t:
        a, b = streams(t, ANNA, BEN)
        t.presence(ANNA), t.presence(BEN)
        task = push(t)["task"]
        offers = {ANNA: a.wait("offer")[2], BEN: b.wait("offer")[2]}
        assert offers[ANNA]["offer"] == offers[BEN]["offer"]
        shown = task_of(t, task)
        assert shown["agent"] is None and sorted(shown["offer"]["agents"]) == ["anna", "ben"]
        got, go = {}, threading.Barrier(2)

        def accept(token):
            go.wait()
            got[token] = t.post(f"/v1/tasks/{task}/accept", {"offer": offers[token]["offer"]}, token)

        both = [threading.Thread(target=accept, args=(token,)) for token in (ANNA, BEN)]
        [x.start() for x in both], [x.join() for x in both]
        assert sorted(r.status_code for r in got.values()) == [200, 409]
        loser = next(token for token, r in got.items() if r.status_code == 409)
        assert got[loser].json()["code"] == "stale-offer"
        revoke = {ANNA: a, BEN: b}[loser].wait("revoke", lambda d: d["task"] == task)[2]
        assert revoke["reason"] == "rescinded"
        winner = "ben" if loser == ANNA else "anna"
        assert task_of(t, task)["agent"] == winner
        a.close(), b.close()


def test_steps_are_taken_once_each_with_their_reason():
    steps = ("    strategy: longest-idle\n    steps:\n"
             "      - { after: 1s, raise: 2, notify: supervisors }\n"
             "      - { after: 2s, relax: { de: 0 }, add_queues: [callbacks] }\n"
             "      - { after: 3s, move_to: callbacks }\n")
    with house(steps) as t:
        (clara,) = streams(t, CLARA)
        task = push(t)["task"]
        why = [r["text"] for r in t.get(f"/v1/tasks/{task}/explain?language=en").json()["reasons"]]
        assert any(text.startswith("Step 1 of support is due at") for text in why) and "Then its priority rises by 2." in why, why
        notice = clara.wait("notice", lambda d: d["task"]["id"] == task)[2]
        assert notice["queue"] == "support" and notice["reason"].startswith("step 1: waited")
        done = wait_for(lambda: task_of(t, task)["queue"] == "callbacks" and task_of(t, task), why="the last step")
        said = [h["reason"].split(":")[0] for h in done["history"]]
        assert said[1:] == ["step 1", "step 2", "step 3"] and done["priority"] == 7
        clara.close()


def test_who_makes_it_too_many_is_moved():
    with house("    strategy: longest-idle\n    steps:\n      - { waiting: 3, move_to: callbacks }\n") as t:
        first, second, third = (push(t)["task"] for _ in range(3))
        moved = wait_for(lambda: task_of(t, third)["queue"] == "callbacks" and task_of(t, third), why="the move")
        assert moved["history"][-1]["reason"] == "step 1: 3 wait"
        assert task_of(t, first)["queue"] == task_of(t, second)["queue"] == "support"


def test_a_key_account_goes_to_its_manager_then_to_the_deputy():
    with house(more="blocks: { call: none }\nkey_accounts: { hard_wait: 3s }\n") as t:
        (b,) = streams(t, BEN)
        t.presence(BEN)
        who = {"email": "key@example.org"}
        contact = push(t, **{"from": who, "kind": "note"})["contact"]
        wrong = t.request("PATCH", f"/v1/contacts/{contact}", OPERATOR, json={"key_account": {"manager": 7}})
        assert wrong.status_code == 422 and wrong.json()["errors"][0]["pointer"] == "/key_account/manager"
        r = t.request("PATCH", f"/v1/contacts/{contact}", OPERATOR,
                      json={"key_account": {"manager": "anna", "deputy": "ben", "hard": True}})
        assert r.status_code == 200, r.text
        task = push(t, **{"from": who})["task"]
        why = t.get(f"/v1/tasks/{task}/explain?language=en").json()
        assert why["reasons"][0]["code"] == "waits-for-manager", why["summary"]
        offer = b.wait("offer", lambda d: d["task"]["id"] == task)[2]
        assert offer["task"]["history"][-1]["reason"] == "key account: deputy"
        b.close()


def test_a_call_in_hand_keeps_everything_else_away():
    with house(more="blocks: { call: all }\n") as t:
        (a,) = streams(t, ANNA)
        t.presence(ANNA)
        call = t.post("/v1/tasks", {"contact": push(t, kind="note")["contact"], "queue": "support"}).json()
        a.wait("offer")
        missed = push(t, channel="call", kind="missed_call",
                      call={"call_id": "x", "caller": "+491701", "callee": "+4930", "disposition": "abandoned"})["task"]
        offer = a.wait("offer", lambda d: d["task"]["id"] == missed)[2]
        assert t.post(f"/v1/tasks/{missed}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
        waits = push(t)["task"]
        why = wait_for(lambda: t.get(f"/v1/tasks/{waits}/explain?language=en").json(), why="an explanation")
        assert [c["code"] for c in why["candidates"] if c["agent"] == "anna"] == ["blocked"], why
        assert call["id"] != waits
        t.post(f"/v1/tasks/{missed}/complete", {}, ANNA)
        a.wait("offer", lambda d: d["task"]["id"] == waits)
        a.close()


def test_who_drains_gets_nothing_new_and_leaves_with_the_last_task():
    with house() as t:
        a, clara = streams(t, ANNA, CLARA)
        t.presence(ANNA)
        task = push(t)["task"]
        offer = a.wait("offer")[2]
        t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA)
        t.presence(ANNA, "draining")
        assert t.get("/v1/me", ANNA).json()["presence"]["state"] == "draining"
        waits = push(t)["task"]
        why = t.get(f"/v1/tasks/{waits}/explain?language=en").json()
        assert [c["code"] for c in why["candidates"] if c["agent"] == "anna"] == ["draining"]
        t.post(f"/v1/tasks/{task}/complete", {}, ANNA)
        clara.wait("presence", lambda d: d["agent"] == "anna" and d["state"] == "offline" and d["reason"] == "drained")
        assert task_of(t, waits)["state"] == "waiting"
        a.close(), clara.close()


def test_accepted_work_of_which_nothing_was_done_comes_back():
    with house(offer="{ timeout: 120s, start_by: 2s, missed_holdoff: 1h }") as t:
        (a,) = streams(t, ANNA)
        t.presence(ANNA)
        forgotten, begun = push(t), push(t)
        for one in (forgotten, begun):
            offer = a.wait("offer", lambda d, one=one: d["task"]["id"] == one["task"])[2]
            assert t.post(f"/v1/tasks/{one['task']}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
        assert t.post(f"/v1/conversations/{begun['conversation']}/notes", {"text": "calling them"}, ANNA).status_code in (201, 202)
        back = wait_for(lambda: task_of(t, forgotten["task"])["state"] == "waiting" and task_of(t, forgotten["task"]), why="it back")
        assert back["history"][-1]["reason"] == "accepted, but nothing was done about it"
        assert task_of(t, begun["task"])["state"] == "accepted"
        a.close()


def test_a_ring_goes_on_over_a_restart():
    with house("    strategy: round-robin\n") as t:
        a, b = streams(t, ANNA, BEN)
        t.presence(ANNA), t.presence(BEN)
        got = [task_of(t, push(t)["task"]) for _ in range(3)]
        agents = [wait_for(lambda x=x: task_of(t, x["id"])["agent"], why="an offer") for x in got]
        assert agents == ["anna", "ben", "anna"]
        t.restart()
        task = push(t)["task"]
        assert wait_for(lambda: task_of(t, task)["agent"], why="an offer") == "ben"
        assert task_of(t, task)["history"][-1]["reason"].startswith("round robin of")
        a.close(), b.close()


def test_who_does_not_route_explains_as_who_does():
    with Redis() as redis:
        first = Touchline(env=redis.env)
        second = Touchline(env=redis.env, start=False)
        shutil.copytree(first.var / "secrets", second.var / "secrets", dirs_exist_ok=True)

        def explained():
            answers = [t.get(f"/v1/tasks/{task}/explain").json() for t in (first, second)]
            assert answers[0] == answers[1]
            return answers[0]

        try:
            second.start()
            task = push(first)["task"]
            assert explained()["reasons"][0]["code"] == "nobody-free" and "router.start" not in second.tail()
            streams(first, ANNA, BEN)
            first.presence(ANNA), first.presence(BEN)
            wait_for(lambda: task_of(first, task)["state"] == "offered", why="an offer")
            told = explained()
            assert told["reasons"][0]["code"] == "chosen" and [c["code"] for c in told["candidates"]] == ["holder", "beside"]
        finally:
            first.close()
            second.close()
