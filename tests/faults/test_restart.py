"""A daemon that dies or stops during offers, wrap-up and snooze: each goes on with the time that was left, once."""
import datetime
import signal

import pytest

from touchline import ANNA, BEN, Touchline, push, wait_for

OFFER_S, WRAP_S, SNOOZE_S = 8, 7, 7


def edit(text):
    return text.replace("offer: { timeout: 120s }\n    wrapup: { default: 0s }", f"offer: {{ timeout: {OFFER_S}s }}\n    wrapup: {{ default: {WRAP_S}s }}", 1)


def task_of(t, task):
    return t.get(f"/v1/tasks/{task}").json()


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def offered_to(t, token, task):
    return wait_for(lambda: task_of(t, task)["state"] == "offered" and task_of(t, task), why="an offer")


def accept(t, token, task):
    offered_to(t, token, task)
    assert t.post(f"/v1/tasks/{task}/accept", {}, token).status_code == 200


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_offers_wrap_up_and_snooze_go_on_with_the_time_that_was_left(sig):
    with Touchline(edit=edit) as t:
        t.presence(ANNA)
        done, asleep = push(t)["task"], push(t)["task"]
        accept(t, ANNA, done), accept(t, ANNA, asleep)
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=SNOOZE_S)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert t.post(f"/v1/tasks/{asleep}/snooze", {"until": until}, ANNA).status_code == 200
        completed = t.post(f"/v1/tasks/{done}/complete", {}, ANNA)
        assert completed.json()["state"] == "wrapup"
        t.presence(BEN)
        open_ = push(t)["task"]
        offer = offered_to(t, BEN, open_)
        assert offer["agent"] == "ben" # anna is in wrap-up
        t.restart(sig)
        assert task_of(t, open_)["offer"] == offer["offer"] and task_of(t, done)["state"] == "wrapup"

        back = wait_for(lambda: any(h["reason"] == "offer expired" for h in task_of(t, open_)["history"]) and task_of(t, open_), 20, why="the expiry")
        expired = [h for h in back["history"] if h["reason"] == "offer expired"]
        assert len(expired) == 1 and at(expired[0]["at"]) >= at(offer["offer"]["expires_at"])
        ended = wait_for(lambda: task_of(t, done)["state"] == "done" and task_of(t, done), 20, why="the end of the wrap-up")
        over = [h for h in ended["history"] if h["to"] == "done"]
        wrapped = [h for h in ended["history"] if h["to"] == "wrapup"]
        assert len(over) == 1 and at(over[0]["at"]) - at(wrapped[0]["at"]) >= datetime.timedelta(seconds=WRAP_S)
        awake = wait_for(lambda: task_of(t, asleep)["state"] != "snoozed" and task_of(t, asleep), 20, why="waking")
        woke = [h for h in awake["history"] if h["reason"] == "snoozed until now"]
        assert len(woke) == 1 and at(woke[0]["at"]) >= at(until)
        late = [(at(expired[0]["at"]) - at(offer["offer"]["expires_at"])).total_seconds(),
                (at(over[0]["at"]) - at(wrapped[0]["at"])).total_seconds() - WRAP_S, (at(woke[0]["at"]) - at(until)).total_seconds()]
        print(f"\nrestart by {sig.name}: offer, wrap-up and snooze ended {late[0]:.3f}, {late[1]:.3f} and {late[2]:.3f} s after their time")
