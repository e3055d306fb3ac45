"""What was promised: deadlines shown, a warning and a breach told once each, pauses, replies, restarts, and the figures."""
import signal

from touchline import ANNA, CLARA, OPERATOR, push, Touchline, wait_for

MINUTE = 60000

LEVELS = """
calendars:
  - id: always
    zone: Europe/Berlin
    week: { mon-sun: [00:00-24:00] }
  - id: never-today
    week: { mon-sun: closed }
    special: { 2099-01-01: [08:00-09:00] }
service_levels:
  - id: quick
    calendar: always
    first_response: { within: 1h, warn: 50% }
    next_response: { within: 2h }
    update: { within: 3h }
    resolve: { within: 10h }
    pause_on: [pending]
"""


def house(clock):
    def edit(text):
        assert "  - id: support\n" in text
        text = text.replace("  - id: support\n", "  - id: support\n    service_level: quick\n", 1)
        rules = "rules:\n  - { name: closed, when: { now: { in: never-today } }, then: { task: none } }\n"
        return text.replace("rules:\n", rules, 1) + LEVELS

    return Touchline(env={"TOUCHLINE_CLOCK": str(clock)}, edit=edit)


def task_of(t, task):
    return t.get(f"/v1/tasks/{task}").json()


def reasons(t, task):
    return [h["reason"] for h in task_of(t, task)["history"]]


def shown(t, task, *clocks):
    return wait_for(lambda: sorted(task_of(t, task)["due"]) == sorted(clocks) and task_of(t, task), why=f"due {clocks}")


def test_a_promise_is_shown_warned_of_and_broken_once(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    with house(clock) as t:
        events = t.events(ANNA)
        events.wait("snapshot")
        t.presence(ANNA)
        who = {"email": "jana@example.org"}
        told = push(t, **{"from": who, "thread": "x"})
        task = told["task"]
        shown(t, task, "first_response", "resolve")
        offer = events.wait("offer")[2]
        assert t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200

        level = lambda: {q["id"]: q["service_level"] for q in t.get("/v1/queues").json()["items"]}
        assert level() == {"support": {"target_s": 3600, "sl": 1.0, "sl2": 1.0}, "callbacks": None}
        figures = lambda: {q["id"]: q["figures"] for q in t.get("/v1/queues").json()["items"]}
        seen = wait_for(lambda: figures()["support"]["occupancy"] and figures()["support"], 20, why="a sample of the staff")
        assert (seen["taken"], seen["left"], seen["abandonment"], seen["sl"], seen["sl2"]) == (1, 0, 0.0, 1.0, 1.0)
        assert 0 < seen["occupancy"] <= 1 and seen["wait"]["p50_s"] >= 1
        assert figures()["callbacks"]["sl"] is None and figures()["callbacks"]["wait"]["p50_s"] is None

        clock.write_text(str(31 * MINUTE))
        events.wait("task", lambda d: any(h["reason"] == "first_response is nearly over" for h in d["history"]), 15)
        clock.write_text(str(61 * MINUTE))
        events.wait("task", lambda d: any(h["reason"] == "first_response breached" for h in d["history"]), 15)

        t.restart() # nothing is told twice
        clock.write_text(str(62 * MINUTE))
        second = push(t, **{"from": who, "thread": "x", "text": "and?"})
        assert second["task"] == task
        assert [r for r in reasons(t, task) if r.startswith("first")] == ["first_response is nearly over", "first_response breached"]
        assert "first_response" in task_of(t, task)["due"]

        # An automatic answer is none; an agent's stops it, and the next clocks begin.
        base = {"channel": "chat", "direction": "outbound", "thread": "x", "from": {"name": "Anna"}, "to": [who]}
        answer = push(t, **{**base, "auto": "auto-reply", "text": "We got it."})
        assert answer["conversation"] == told["conversation"]
        assert "answered" not in reasons(t, task)
        push(t, **{**base, "text": "It is on its way."})
        shown(t, task, "update", "resolve")
        push(t, **{"from": who, "thread": "x", "text": "when?"})
        due = shown(t, task, "next_response", "update", "resolve")["due"]["next_response"]
        push(t, **{"from": who, "thread": "x", "text": "hello?"}) # the oldest counts
        assert shown(t, task, "next_response", "update", "resolve")["due"]["next_response"] == due
        events.close()


def test_resolve_rests_while_the_conversation_is_pending(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    with house(clock) as t:
        who = {"email": "jana@example.org"}
        told = push(t, **{"from": who, "thread": "x"})
        task, conversation = told["task"], told["conversation"]
        before = shown(t, task, "first_response", "resolve")["due"]["resolve"]

        def status(s):
            r = t.request("PATCH", f"/v1/conversations/{conversation}", OPERATOR, json={"status": s})
            assert r.status_code == 200, r.text

        status("pending")
        shown(t, task, "first_response")
        clock.write_text(str(300 * MINUTE))
        t.kill(signal.SIGKILL)
        t.start() # the pause outlives it
        shown(t, task, "first_response")
        status("open")
        after = shown(t, task, "first_response", "resolve")["due"]["resolve"]
        hours = lambda s: int(s[8:10]) * 24 + int(s[11:13]) + int(s[14:16]) / 60
        assert 4.9 < hours(after) - hours(before) < 5.2 or hours(after) < hours(before) # over a month's end
        assert not any(r.startswith("resolve") for r in reasons(t, task))
        clock.write_text(str(960 * MINUTE))
        wait_for(lambda: "resolve breached" in reasons(t, task), 15, why="the breach")


def test_a_day_is_told_hour_by_hour():
    with Touchline() as t:
        events = t.events(ANNA)
        events.wait("snapshot")
        t.presence(ANNA)
        task = push(t)["task"]
        offer = events.wait("offer")[2]
        assert t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
        # Two hours ago two were taken, and one left.
        r = t.redis()
        hour = int(r.time()[0]) // 3600
        r.hset(f"{{r}}:f:support:{hour - 2}", mapping={"a": 2, "w": 1, "b": 1, "x": 1, "l": 1, "h0": 1, "h12": 1, "o": 1000, "v": 3000})
        items = t.get("/v1/queues/support/figures").json()["items"]
        assert len(items) == 2 and items[0]["from"] < items[1]["from"] and items[1]["taken"] == 1
        old = items[0]
        assert (old["taken"], old["left"], old["abandonment"], old["sl"], old["sl2"], old["occupancy"]) == (2, 1, 0.333, 0.5, 0.666, 0.25)
        assert t.get("/v1/queues/support/figures", CLARA).status_code == 200
        assert t.get("/v1/queues/nothing/figures", CLARA).status_code == 404
        day = {q["id"]: q for q in t.get("/v1/queues").json()["items"]}["support"]["figures"]
        assert (day["taken"], day["left"]) == (3, 1)
        events.close()
