"""Canned answers: written by supervisors, filled in literally, there again after a loss."""
from openapi import Description
from touchline import ANNA, CLARA, OPERATOR, wait_for

description = Description()
HELLO = {"name": "hello", "language": "en", "channel": "email", "text": "Dear {contact.name},\nwe look into {conversation.subject}.\n{agent.name}"}


def ask(t, method, path, token, status, **more):
    r = t.request(method, path, token, **more)
    description.check(r)
    assert r.status_code == status, f"{method} {path}: {r.status_code} {r.text}"
    return r


def form(t, **more):
    body = {"email": "jana@example.org", "message": "hello", **more}
    assert t.post("/forms/contact", body, None, headers={"Accept": "application/json"}).status_code in (201, 202)
    return wait_for(lambda: t.contact("email:" + body["email"]), why="the contact")


def test_supervisors_write_and_agents_read(fresh):
    t = fresh
    made = ask(t, "POST", "/v1/answers", CLARA, 201, json=HELLO, headers={"Idempotency-Key": "a1"})
    again = ask(t, "POST", "/v1/answers", CLARA, 201, json=HELLO, headers={"Idempotency-Key": "a1"})
    one = made.json()
    assert again.json() == one and one["rev"] == 1 and made.headers["ETag"] == '"1"' and one["updated_by"] == "clara"
    path = f"/v1/answers/{one['id']}"
    ask(t, "POST", "/v1/answers", ANNA, 403, json=HELLO)
    ask(t, "DELETE", path, ANNA, 403)
    for wrong in ({"name": ""}, {"text": " "}, {"channel": "pigeon"}, {"text": "{contact.nmae}"}, {"language": 7}, {"name": "x" * 201}):
        ask(t, "POST", "/v1/answers", CLARA, 422, json={**HELLO, **wrong})
    second = ask(t, "POST", "/v1/answers", OPERATOR, 201, json={"name": "bye", "text": "Bye"}).json()
    assert second["language"] is None and second["channel"] is None
    items, cursor = [], None
    while True:
        page = ask(t, "GET", "/v1/answers", ANNA, 200, params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert sorted(i["id"] for i in items) == sorted([one["id"], second["id"]])
    changed = ask(t, "PUT", path, CLARA, 200, json={**HELLO, "text": "short"}, headers={"If-Match": '"1"'}).json()
    assert changed["rev"] == 2 and changed["text"] == "short"
    ask(t, "PUT", path, CLARA, 412, json=HELLO, headers={"If-Match": '"1"'})
    ask(t, "PUT", "/v1/answers/a_00000000000000000000000000", CLARA, 404, json=HELLO)
    # The store loses all of it: what was answered comes back, as it stood last, and what was deleted stays away.
    ask(t, "DELETE", f"/v1/answers/{second['id']}", CLARA, 204)
    t.redis().flushall()
    t.restart()
    assert wait_for(lambda: t.get(path, ANNA).status_code == 200 and t.get(path, ANNA).json(), why="the answer again")["text"] == "short"
    wait_for(lambda: t.redis().hlen("{r}:canned") == 2, why="both records applied")
    ask(t, "GET", f"/v1/answers/{second['id']}", ANNA, 404)
    ask(t, "DELETE", path, CLARA, 204)
    ask(t, "DELETE", path, CLARA, 404)
    assert ask(t, "GET", "/v1/answers", ANNA, 200).json() == {"items": [], "next": None}


def test_a_reply_is_filled_from_it(fresh, sink):
    t = fresh
    answer = t.post("/v1/answers", HELLO, CLARA).json()["id"]
    contact = form(t, name="Jana {agent.name}", subject="Order 1234")
    reply = f"/v1/conversations/{contact['conversations'][0]}/reply"
    sent = ask(t, "POST", reply, ANNA, 202, json={"answer": answer}).json()
    assert sent["text"] == "Dear Jana {agent.name},\nwe look into Order 1234.\nAnna", sent["text"]
    ask(t, "POST", reply, ANNA, 422, json={"answer": "a_00000000000000000000000000"})
    ask(t, "POST", reply, ANNA, 422, json={"answer": answer, "text": "both"})
    ask(t, "POST", "/v1/conversations/v_00000000000000000000000000/reply", ANNA, 404, json={"answer": answer})
    nameless = form(t, email="nobody@example.org")
    r = ask(t, "POST", f"/v1/conversations/{nameless['conversations'][0]}/reply", ANNA, 422, json={"answer": answer})
    assert "{contact.name} has no value here" in r.text
