"""No two agents write to the same person unknowingly: who looks, who writes, told to the others and shown."""
import uuid

from openapi import Description
from test_supervise import push
from touchline import ANNA, BEN, OPERATOR, wait_for

description = Description()


def attend(t, conversation, token, what):
    r = t.request("PUT", f"/v1/conversations/{conversation}/attention", token, json={"state": what})
    description.check(r)
    return r


def test_two_agents_at_one_person_see_each_other(fresh):
    t = fresh
    who = {"email": f"{uuid.uuid4().hex}@example.org"}
    one, two = push(t, **{"from": who, "thread": "a"}), push(t, **{"from": who, "thread": "b"})
    assert one["contact"] == two["contact"] and one["conversation"] != two["conversation"]
    a = t.events(ANNA, query=f"?contact={one['contact']}")
    b = t.events(BEN)
    a.wait("snapshot"), b.wait("snapshot")
    t.presence(BEN)
    b.wait("offer", lambda d: d["task"]["id"] == two["task"]) # he holds work of that person
    assert attend(t, one["conversation"], ANNA, "viewing").json()["others"] == []
    told = b.wait("attention", lambda d: d["agent"] == "anna")[2]
    description.check_event("attention", told)
    assert (told["contact"], told["conversation"], told["state"]) == (one["contact"], one["conversation"], "viewing")
    r = attend(t, two["conversation"], BEN, "replying").json()
    assert [(o["agent"], o["state"]) for o in r["others"]] == [("anna", "viewing")]
    assert a.wait("attention")[2]["agent"] == "ben" # of herself she is told nothing
    shown = t.get(f"/v1/conversations/{one['conversation']}", ANNA)
    description.check(shown)
    assert [(o["agent"], o["conversation"], o["state"]) for o in shown.json()["attention"]] == [("ben", two["conversation"], "replying")]
    assert shown.headers["ETag"]
    assert attend(t, two["conversation"], BEN, None).json()["expires_at"] is None
    a.wait("attention", lambda d: d["agent"] == "ben" and d["state"] is None)
    assert t.get(f"/v1/conversations/{one['conversation']}", ANNA).json()["attention"] == []
    a.close(), b.close()


def test_it_ends_by_itself_unless_it_is_said_again(fresh):
    t = fresh
    told = push(t)
    said = attend(t, told["conversation"], ANNA, "replying").json()
    redis, key = t.redis(), f"{{{told['contact']}}}:l"
    assert 29000 < redis.pttl(key) <= 30000 and said["expires_at"]
    # The key lives as long as anybody renews it; each one's word ends for itself.
    redis.eval("redis.call('HSET', KEYS[1], 'ben', cmsgpack.pack({state = 'viewing', conv = 'v_x', till = 1}))", 1, key)
    assert [o["agent"] for o in t.get(f"/v1/conversations/{told['conversation']}").json()["attention"]] == ["anna"]
    assert redis.hlen(key) == 2
    redis.pexpire(key, 1)
    wait_for(lambda: t.get(f"/v1/conversations/{told['conversation']}").json()["attention"] == [], why="the end of it")
    for wrong, status in (("typing", 422), (7, 422)):
        assert attend(t, told["conversation"], ANNA, wrong).status_code == status
    assert t.request("PUT", f"/v1/conversations/{told['conversation']}/attention", ANNA, json={}).status_code == 422
    assert attend(t, "v_00000000000000000000000000", ANNA, "viewing").status_code == 404


def test_a_reply_while_another_writes_goes_out_with_a_warning(fresh, sink):
    t = fresh
    told = t.post("/forms/contact", {"email": "jana@example.org", "message": "hello"}, None, headers={"Accept": "application/json"})
    assert told.status_code in (201, 202), told.text
    conversation = wait_for(lambda: t.contact("email:jana@example.org"), why="the contact")["conversations"][0]
    reply = f"/v1/conversations/{conversation}/reply"
    attend(t, conversation, ANNA, "replying"), attend(t, conversation, BEN, "viewing")
    own = t.post(reply, {"text": "from Anna"}, ANNA)
    assert own.status_code == 202 and "warning" not in own.json(), own.text
    other = t.post(reply, {"text": "from the operator"}, OPERATOR, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 202 and other.json()["warning"]["agents"] == ["anna"], other.text
    description.check(other)
    again = t.post(reply, {"text": "from the operator"}, OPERATOR, headers={"Idempotency-Key": "k1"})
    assert again.json() == other.json()
