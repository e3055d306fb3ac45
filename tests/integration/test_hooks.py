"""Webhooks: handshake, signature over the raw bytes, batches, statuses."""
import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest

from touchline import wait_for

SECRET = b"dev-secret"
STANDARD = b"touchline-development-secret"


def meta(t, body, signature=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sign = signature if signature is not None else "sha256=" + hmac.new(SECRET, raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", **({"X-Hub-Signature-256": sign} if sign else {})}
    return t.request("POST", "/hooks/whatsapp", None, data=raw, headers=headers)


def whatsapp(*messages, statuses=(), wa_id="4930123456", name="Jana"):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "106"},
             "contacts": [{"profile": {"name": name}, "wa_id": wa_id}], "messages": list(messages)}
    if statuses:
        value["statuses"] = list(statuses)
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


def message(text="Hi", wa_id="4930123456", **more):
    return {"id": "wamid." + uuid.uuid4().hex, "from": wa_id, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}, **more}


def texts(t, identity):
    contact = t.contact(identity)
    return [p["text"] for p in t.timeline(contact["id"])] if contact else []


def standard(t, payload, id=None, at=None, sign=None):
    raw, id, at = json.dumps(payload), id or "msg_" + uuid.uuid4().hex, str(at or int(time.time()))
    mac = base64.b64encode(hmac.new(STANDARD, f"{id}.{at}.{raw}".encode(), hashlib.sha256).digest()).decode()
    headers = {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": sign or f"v1,{mac}", "Content-Type": "application/json"}
    return t.request("POST", "/hooks/standard", None, data=raw, headers=headers)


def test_whatsapps_handshake(shared):
    ok = {"hub.mode": "subscribe", "hub.verify_token": "dev-verify", "hub.challenge": "1158201444"}
    r = shared.request("GET", "/hooks/whatsapp", None, params=ok)
    assert (r.status_code, r.text) == (200, "1158201444") and r.headers["Content-Type"].startswith("text/plain")
    assert shared.request("GET", "/hooks/whatsapp", None, params={**ok, "hub.verify_token": "x"}).status_code == 403


def test_a_whatsapp_message_is_on_the_timeline_once(shared):
    number = "49301" + str(uuid.uuid4().int)[:7]
    body = whatsapp(message("Hi", number), wa_id=number)
    for _ in range(3):
        assert meta(shared, body).status_code == 200
    contact = wait_for(lambda: shared.contact(f"phone:+{number}"), why="the contact")
    assert contact["name"] == "Jana" and texts(shared, f"phone:+{number}") == ["Hi"]
    tp = shared.timeline(contact["id"])[0]
    assert tp["channel"] == "social" and tp["source"] == "social:whatsapp" and tp["from"]["verified"] is True
    assert contact["identities"][0]["status"] == "verified"
    repacked = json.dumps(body, indent=1).encode()
    assert meta(shared, repacked).status_code == 200
    assert texts(shared, f"phone:+{number}") == ["Hi"]


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha256=" + "0" * 63, "sha1=" + "0" * 40, "0" * 64])
def test_a_wrong_signature_is_401_and_nothing_is_kept(shared, signature):
    number = "49302" + str(uuid.uuid4().int)[:7]
    assert meta(shared, whatsapp(message("x", number), wa_id=number), signature).status_code == 401
    assert shared.contact(f"phone:+{number}") is None


def test_the_signature_is_over_the_raw_bytes(shared):
    number = "49303" + str(uuid.uuid4().int)[:7]
    raw = json.dumps(whatsapp(message("Zoë", number), wa_id=number), indent=3).encode()
    assert b"\\u00eb" in raw and meta(shared, raw).status_code == 200
    wait_for(lambda: texts(shared, f"phone:+{number}") == ["Zoë"], why="the text")


def test_one_bad_of_a_thousand_goes_to_quarantine(shared):
    number = "49304" + str(uuid.uuid4().int)[:7]
    items = [message(str(i), number) for i in range(1000)]
    items[500] = {"type": "text", "text": {"body": "no id"}}
    before = len(shared.get("/v1/quarantine", params={"limit": 500}).json()["items"])
    assert meta(shared, whatsapp(*items, wa_id=number)).status_code == 200
    wait_for(lambda: len(texts(shared, f"phone:+{number}")) == 999, 60, why="999 messages")
    assert len(shared.get("/v1/quarantine", params={"limit": 500}).json()["items"]) == before + 1


def test_what_cannot_be_read_is_kept_with_200(shared):
    before = len(shared.get("/v1/quarantine", params={"limit": 500}).json()["items"])
    assert meta(shared, b"this is no JSON " + uuid.uuid4().hex.encode()).status_code == 200
    wait_for(lambda: len(shared.get("/v1/quarantine", params={"limit": 500}).json()["items"]) == before + 1, why="quarantine")


def test_telegram(shared):
    person = int(str(uuid.uuid4().int)[:9])

    def update(n, token="dev-secret", **message):
        body = {"update_id": n, "message": {"message_id": n, "date": 1795420800, "chat": {"id": person, "type": "private"},
                                            "from": {"id": person, "is_bot": False, "first_name": "Jana"}, **message}}
        return shared.request("POST", "/hooks/telegram", None, json=body, headers={"X-Telegram-Bot-Api-Secret-Token": token})

    assert update(1, "wrong", text="x").status_code == 401
    assert update(1, text="Hi").status_code == 200 and update(1, text="Hi").status_code == 200
    wait_for(lambda: texts(shared, f"telegram:{person}") == ["Hi"], why="the text")


def test_standard_webhooks(shared):
    mail = f"{uuid.uuid4().hex}@example.org"
    payload = {"type": "message.created", "timestamp": "2026-11-20T08:00:00Z",
               "data": {"channel": "chat", "text": "Hi", "from": {"email": mail}}}
    id = "msg_" + uuid.uuid4().hex
    assert standard(shared, payload, id).status_code == 200 and standard(shared, payload, id).status_code == 200
    wait_for(lambda: texts(shared, f"email:{mail}") == ["Hi"], why="the text")
    assert standard(shared, payload, at=int(time.time()) - 301).status_code == 401
    assert standard(shared, payload, at=int(time.time()) + 301).status_code == 401
    assert standard(shared, payload, sign="v1,AAAA").status_code == 401
    assert standard(shared, payload, id="a.b").status_code == 400
    assert texts(shared, f"email:{mail}") == ["Hi"]


def test_unknown_hooks_are_not_there(shared):
    assert shared.request("POST", "/hooks/nothere", None, data=b"{}").status_code == 404
