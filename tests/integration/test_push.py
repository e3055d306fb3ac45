"""Pushing touchpoints: one, many, again, wrong; and what is on the timeline afterwards."""
import base64
import json
import uuid

import pytest

from touchline import ADAPTER, ANNA, OPERATOR, wait_for


def item(**more):
    return {"id": str(uuid.uuid4()), "channel": "chat", "kind": "message", "text": "Where is it?",
            "from": {"name": "Jana Weiß", "email": f"{uuid.uuid4().hex[:8]}@example.org"}, **more}


def test_a_push_is_applied_and_its_repetition_says_the_same(shared):
    body = item()
    first = shared.push(body)
    assert first.status_code == 201, first.text
    told = first.json()
    assert told["id"].startswith("p_") and told["contact"].startswith("c_") and told["conversation"].startswith("v_")
    assert told["task"].startswith("t_") and told["duplicate"] is False
    again = shared.push(body)
    assert again.status_code == 200
    assert again.json() == {**told, "duplicate": True}
    assert [p["id"] for p in shared.timeline(told["contact"])] == [told["id"]]


def test_the_stored_form_is_the_contracts(shared):
    body = item(subject="Order 1234", to={"address": "support@example.com"}, thread="order-1234", tags=["vip"], priority=7,
                at="2026-11-20T08:00:00+01:00", data={"order": 1234}, language="en",
                attachments=[{"name": "a.txt", "type": "text/plain", "data": base64.b64encode(b"hello").decode()}])
    body["from"]["phone"] = "030 1234567"
    told = shared.push(body).json()
    tp = shared.get(f"/v1/touchpoints/{told['id']}").json()
    assert tp["contact"] == told["contact"] and tp["conversation"] == told["conversation"]
    assert tp["source"] == "push:dev-adapter" and tp["source_id"] == body["id"]
    assert tp["at"] == "2026-11-20T07:00:00.000Z" and tp["direction"] == "inbound"
    assert isinstance(tp["to"], list) and tp["in_reply_to"] == [] and tp["from"]["verified"] is True
    assert tp["from"]["phone"] == "030 1234567" and tp["data"] == {"order": 1234} and tp["tags"] == ["vip"]
    one = tp["attachments"][0]
    assert (one["name"], one["size"]) == ("a.txt", 5)
    got = shared.get(one["url"])
    assert got.status_code == 200 and got.content == b"hello"
    assert shared.contact("phone:+49301234567")["id"] == told["contact"]


@pytest.mark.parametrize("change, pointer", [
    ({"channel": "pigeon"}, "/channel"),
    ({"kind": "nothing"}, "/kind"),
    ({"from": {"name": "only a name"}}, "/from"),
    ({"from": {"email": "no address"}}, "/from/email"),
    ({"from": {"external": {"email": "x"}}}, "/from/external/email"),
    ({"priority": 11}, "/priority"),
    ({"at": "yesterday"}, "/at"),
    ({"contact_id": "c_x"}, "/contact_id"),
    ({"attachments": [{"name": "a", "data": "%%%"}]}, "/attachments/0/data"),
])
def test_a_wrong_field_is_named_by_its_pointer(shared, change, pointer):
    r = shared.push(item(**change))
    assert r.status_code == 422, r.text
    assert r.headers["Content-Type"].startswith("application/problem+json")
    assert pointer in [e["pointer"] for e in r.json()["errors"]]


def test_all_wrong_fields_are_told_at_once(shared):
    r = shared.push(item(channel="pigeon", priority=0, at="x"))
    assert {"/channel", "/priority", "/at"} <= {e["pointer"] for e in r.json()["errors"]}


def test_other_content_under_an_id_is_a_mismatch_unless_it_is_a_revision(shared):
    body = item()
    told = shared.push(body).json()
    r = shared.push({**body, "text": "other"})
    assert r.status_code == 422 and r.json()["code"] == "idempotency-mismatch"
    edit = shared.push({**body, "text": "edited", "revision": 1})
    assert edit.status_code in (200, 201) and edit.json()["id"] == told["id"]
    assert shared.get(f"/v1/touchpoints/{told['id']}").json()["text"] == "edited"
    assert len(shared.timeline(told["contact"])) == 1


def test_the_key_header_stands_in_for_an_id_and_a_body_for_both(shared):
    body = item()
    del body["id"]
    first = shared.push(body, headers={"Idempotency-Key": "k-" + uuid.uuid4().hex})
    assert first.status_code == 201
    body["from"]["email"] = f"{uuid.uuid4().hex}@example.org"
    a, b = shared.push(body), shared.push(body)
    assert (a.status_code, b.status_code) == (201, 200) and a.json()["id"] == b.json()["id"]


def test_many_are_judged_one_by_one_in_order(shared):
    for lines in (False, True):
        good, bad = item(), item(channel="pigeon")
        sent = [good, bad, good]
        data = "\n".join(json.dumps(i) for i in sent) + "\n\n" if lines else json.dumps(sent)
        r = shared.request("POST", "/v1/touchpoints", ADAPTER, data=data,
                           headers={"Content-Type": "application/x-ndjson" if lines else "application/json"})
        assert r.status_code == 207, r.text
        told = r.json()
        assert told[1]["status"] == 422 and told[1]["errors"][0]["pointer"] == "/channel"
        assert {told[0]["status"], told[2]["status"]} <= {200, 201, 202} and told[0]["id"] == told[2]["id"]
    r = shared.request("POST", "/v1/touchpoints", ADAPTER, data="[]", headers={"Content-Type": "application/json"})
    assert (r.status_code, r.json()) == (207, [])
    r = shared.request("POST", "/v1/touchpoints", ADAPTER, data="{}\nnot json\n", headers={"Content-Type": "application/x-ndjson"})
    assert [i["status"] for i in r.json()] == [422, 400]


def test_cloudevents_come_in_three_modes(shared):
    data = item()
    del data["id"]
    event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/shop", "type": "chat", "time": "2026-11-20T08:00:00Z", "data": data}
    r = shared.request("POST", "/v1/touchpoints", ADAPTER, data=json.dumps(event),
                       headers={"Content-Type": "application/cloudevents+json"})
    assert r.status_code == 201, r.text
    assert shared.get(f"/v1/touchpoints/{r.json()['id']}").json()["at"] == "2026-11-20T08:00:00.000Z"
    headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": event["id"], "ce-source": "/shop",
               "ce-type": "chat", "ce-time": event["time"]}
    b = shared.request("POST", "/v1/touchpoints", ADAPTER, data=json.dumps(data), headers=headers)
    assert b.status_code == 200 and b.json()["id"] == r.json()["id"]
    batch = shared.request("POST", "/v1/touchpoints", ADAPTER, data=json.dumps([event, {**event, "source": "/other"}]),
                           headers={"Content-Type": "application/cloudevents-batch+json"})
    assert batch.status_code == 207 and [i["status"] for i in batch.json()] == [200, 201]
    wrong = shared.request("POST", "/v1/touchpoints", ADAPTER, data=json.dumps({**event, "specversion": "2.0"}),
                           headers={"Content-Type": "application/cloudevents+json"})
    assert wrong.status_code == 400


@pytest.mark.parametrize("data, type_, token, status", [
    ("{", "application/json", ADAPTER, 400),
    ('{"a":1,"a":2}', "application/json", ADAPTER, 400),
    ("[" * 10000, "application/json", ADAPTER, 400),
    ('{"x":"\\ud800"}', "application/json", ADAPTER, 400),
    ('{"x":1e999}', "application/json", ADAPTER, 400),
    ("x", "text/plain", ADAPTER, 415),
    ("{}", "application/json", None, 401),
    ("{}", "application/json", "wrong", 401),
    ("{}", "application/json", ANNA, 403),
])
def test_what_cannot_be_read_or_may_not_be_sent_is_refused(shared, data, type_, token, status):
    r = shared.request("POST", "/v1/touchpoints", token, data=data, headers={"Content-Type": type_})
    assert r.status_code == status, r.text
    assert r.json()["status"] == status and "code" in r.json()


def test_a_task_says_why_it_is_where_it_is(shared):
    told = shared.push(item(subject="Help")).json()
    task = shared.get(f"/v1/tasks/{told['task']}").json()
    assert task["state"] in ("waiting", "offered") and task["queue"] == "support" and task["contact"] == told["contact"]
    assert task["conversation"] == told["conversation"] and task["touchpoint"] == told["id"] and task["subject"] == "Help"
    assert task["history"] and all(h["reason"] for h in task["history"])


def test_a_receipt_tells_each_step(shared):
    told = shared.push(item()).json()
    receipt = shared.get(f"/v1/receipts/{told['id']}", OPERATOR).json()
    steps = [s["step"] for s in receipt["steps"]]
    assert receipt["id"] == told["id"] and receipt["state"] == "applied" and "kept" in steps and "applied" in steps


def test_contacts_are_found_by_name_address_and_number(shared):
    tag = uuid.uuid4().hex[:8]
    told = shared.push(item(**{"from": {"name": f"Zoë Grün{tag}", "email": f"zoe.{tag}@example.org", "phone": "+4930555" + str(int(tag, 16))[:6]}})).json()
    for q in (f"grün{tag}", f"GRÜN{tag}"[:8], f"zoe.{tag}", "+4930555" + str(int(tag, 16))[:6]):
        wait_for(lambda q=q: told["contact"] in [c["id"] for c in shared.get("/v1/contacts", params={"q": q}).json()["items"]], 5, why=q)


def test_a_timeline_is_by_when_it_happened_in_pages(shared):
    who = {"email": f"{uuid.uuid4().hex}@example.org"}
    for day in (3, 1, 2, 5, 4):
        r = shared.push(item(**{"from": who, "at": f"2026-11-0{day}T10:00:00Z", "text": str(day)}))
        assert r.status_code == 201
    contact = r.json()["contact"]
    assert [p["text"] for p in shared.timeline(contact, limit=2)] == ["5", "4", "3", "2", "1"]
    window = shared.timeline(contact, **{"from": "2026-11-02T00:00:00Z", "to": "2026-11-04T00:00:00Z"})
    assert [p["text"] for p in window] == ["3", "2"]


def test_merge_makes_one_and_split_two_again(shared):
    a, b = (shared.push(item(text=t)).json() for t in ("a", "b"))
    r = shared.post(f"/v1/contacts/{a['contact']}/merge", {"from": b["contact"]})
    assert r.status_code == 200, r.text
    assert {p["text"] for p in shared.timeline(a["contact"])} == {"a", "b"}
    both = [shared.get(f"/v1/contacts/{c['contact']}").json() for c in (a, b)]
    assert both[0]["id"] == both[1]["id"] == a["contact"] and len(both[0]["identities"]) == 2
    mail = shared.get(f"/v1/touchpoints/{b['id']}").json()["from"]["email"]
    r = shared.post(f"/v1/contacts/{a['contact']}/split", {"identities": [f"email:{mail}"]})
    assert r.status_code == 200, r.text
    assert {p["text"] for p in shared.timeline(a["contact"])} == {"a"}
    assert shared.contact(f"email:{mail}")["id"] != a["contact"]


def test_erased_means_erased(shared):
    body = item()
    told = shared.push(body).json()
    assert shared.request("DELETE", f"/v1/contacts/{told['contact']}?dry_run=1").json()
    r = shared.request("DELETE", f"/v1/contacts/{told['contact']}")
    assert r.status_code == 202, r.text
    assert shared.get(f"/v1/contacts/{told['contact']}").status_code == 410
    assert shared.get(f"/v1/touchpoints/{told['id']}").status_code in (404, 410)
    again = shared.push(body)
    assert again.status_code in (200, 202), again.text
    assert shared.contact("email:" + body["from"]["email"]) is None
    fresh = shared.push({**body, "id": uuid.uuid4().hex})
    assert fresh.status_code == 201 and fresh.json()["contact"] != told["contact"]


def test_a_patch_is_a_merge_patch_and_a_stale_one_is_refused(shared):
    told = shared.push(item()).json()
    path = f"/v1/contacts/{told['contact']}"
    tag = shared.get(path).headers["ETag"]
    r = shared.request("PATCH", path, json={"attributes": {"tier": "gold"}, "tags": ["vip"]}, headers={"If-Match": tag})
    assert r.status_code == 200 and r.json()["attributes"] == {"tier": "gold"} and r.json()["tags"] == ["vip"]
    r = shared.request("PATCH", path, json={"name": "x"}, headers={"If-Match": tag})
    assert r.status_code == 412
    assert shared.get(path).json()["attributes"] == {"tier": "gold"}


def test_a_repeated_key_gets_the_first_answer(shared):
    told = shared.push(item()).json()
    key = {"Idempotency-Key": uuid.uuid4().hex}
    path = f"/v1/conversations/{told['conversation']}/notes"
    a = shared.post(path, {"text": "a note"}, ANNA, headers=key)
    b = shared.post(path, {"text": "a note"}, ANNA, headers=key)
    assert a.status_code == 201 and b.status_code == 201 and a.json() == b.json()
    c = shared.post(path, {"text": "another"}, ANNA, headers=key)
    assert c.status_code == 422 and c.json()["code"] == "idempotency-mismatch"
    assert [p["kind"] for p in shared.timeline(told["contact"])].count("note") == 1
