"""Social platforms from end to end: an event comes in signed, an agent answers, a stand-in of the platform's API sees the
documented request; windows, limits, lost answers and echoes."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import threading
import time
import urllib.parse
import uuid

import pytest

from touchline import ANNA, Touchline, free_port, wait_for

SECRET = b"dev-secret"
EVENTS = int(os.environ.get("TOUCHLINE_EVENTS", "200")) # of a batch
PROVIDERS = ["whatsapp", "messenger", "instagram", "x", "slack", "twilio"]


class Platform:
    """Keeps what it is asked; answer(path, body) gives (status, headers, JSON)."""

    def __init__(self):
        platform, self.seen = self, []
        self.answer = self.plain

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
                form = self.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
                body = dict(urllib.parse.parse_qsl(raw.decode())) if form else json.loads(raw)
                platform.seen.append((self.path, dict(self.headers), body))
                answer = platform.answer(self.path, body)
                if answer is None:
                    self.close_connection = True # the answer is lost
                    return
                status, headers, reply = answer
                data = json.dumps(reply).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def plain(path, body):
        id = uuid.uuid4().hex
        if "Accounts" in path:
            return 201, {}, {"sid": "SM" + id, "status": "queued", "error_code": None, "error_message": None}
        if "chat.postMessage" in path:
            return 200, {}, {"ok": True, "channel": body["channel"], "ts": f"{time.time():.6f}"}
        if path.startswith("/2/"):
            return 201, {}, {"data": {"dm_event_id": id} if "dm_" in path else {"id": id}}
        if body.get("messaging_product"):
            return 200, {}, {"messages": [{"id": "wamid." + id}]}
        return 200, {}, {"message_id": "m_" + id, "recipient_id": "1"}

    def of(self, text):
        return [s for s in self.seen if text in json.dumps(s[2])]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def platform():
    p = Platform()
    yield p
    p.close()


@pytest.fixture(scope="module")
def t(platform):
    def edit(text):
        hooks = "".join(f"""    - name: my-{p}
      provider: {p}
      secret: file:../var/secrets/dev-secret
      verify: file:../var/secrets/dev-verify
      send: {{ token: file:../var/secrets/dev-verify, sender: "4711", user: AC1, base: "{platform.url}" }}
""" for p in PROVIDERS)
        return text.replace("  sip:\n", hooks + "  sip:\n", 1)
    with Touchline(edit=edit) as daemon:
        yield daemon


def deliver(t, provider, body, at=None):
    """Signed as the platform does."""
    hook, at = f"/hooks/my-{provider}", str(at or int(time.time()))
    if provider == "twilio":
        raw = urllib.parse.urlencode(body).encode()
        text = t.url + hook + "".join(k + v for k, v in sorted(body.items()))
        headers = {"Content-Type": "application/x-www-form-urlencoded",
                   "X-Twilio-Signature": base64.b64encode(hmac.new(SECRET, text.encode(), hashlib.sha1).digest()).decode()}
        return t.request("POST", hook, None, data=raw, headers=headers)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    mac = hmac.new(SECRET, (f"v0:{at}:".encode() if provider == "slack" else b"") + raw, hashlib.sha256).digest()
    headers = {"whatsapp": {"X-Hub-Signature-256": "sha256=" + mac.hex()}, "x": {"x-twitter-webhooks-signature": "sha256=" + base64.b64encode(mac).decode()},
               "slack": {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + mac.hex()}}
    headers = headers.get(provider, headers["whatsapp"])
    return t.request("POST", hook, None, data=raw, headers={"Content-Type": "application/json", **headers})


def event(provider, person, text, id=None, at=None):
    id, at = id or uuid.uuid4().hex, at or time.time()
    if provider == "whatsapp":
        message = {"id": "wamid." + id, "from": person, "timestamp": str(int(at)), "type": "text", "text": {"body": text}}
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "4711"}, "messages": [message]}
        return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}
    if provider in ("messenger", "instagram"):
        item = {"sender": {"id": person}, "recipient": {"id": "4711"}, "timestamp": int(at * 1000), "message": {"mid": "m_" + id, "text": text}}
        return {"object": "page", "entry": [{"id": "4711", "time": int(at * 1000), "messaging": [item]}]}
    if provider == "x":
        dm = {"type": "message_create", "id": id, "created_timestamp": str(int(at * 1000)),
              "message_create": {"target": {"recipient_id": "4711"}, "sender_id": person, "message_data": {"text": text}}}
        return {"for_user_id": "4711", "direct_message_events": [dm], "users": {person: {"id": person, "name": "Jana", "screen_name": "jana"}}}
    if provider == "slack":
        return {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev" + id, "event_time": int(at),
                "event": {"type": "message", "channel": "D" + person, "channel_type": "im", "user": person, "text": text, "ts": f"{at:.6f}"}}
    return {"MessageSid": "SM" + id, "AccountSid": "AC1", "From": "+" + person, "To": "+4915100000000", "Body": text, "NumMedia": "0"}


def new_person():
    return "4915" + str(uuid.uuid4().int)[:9]


def identity(provider, person):
    return f"phone:+{person}" if provider in ("whatsapp", "twilio") else f"{provider}:{person}"


def arrived(t, provider, person, text, **more):
    assert deliver(t, provider, event(provider, person, text, **more)).status_code == 200
    contact = wait_for(lambda: t.contact(identity(provider, person)), why="the contact")
    tp = wait_for(lambda: next((p for p in t.timeline(contact["id"]) if p["text"] == text), None), why="the touchpoint")
    return contact["id"], tp


def reply(t, tp, text):
    return t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": text}, ANNA, headers={"Idempotency-Key": uuid.uuid4().hex})


def state(t, id):
    delivery = t.get(f"/v1/touchpoints/{id}").json().get("delivery") or {}
    return delivery.get("state")


REQUESTS = {
    "whatsapp": (r"/4711/messages", lambda p, tp: {"messaging_product": "whatsapp", "to": p, "type": "text", "context": {"message_id": tp["message_id"]}}),
    "messenger": (r"/4711/messages", lambda p, tp: {"recipient": {"id": p}, "messaging_type": "RESPONSE"}),
    "instagram": (r"/4711/messages", lambda p, tp: {"recipient": {"id": p}}),
    "x": (r"/2/dm_conversations/with/(\d+)/messages", lambda p, tp: {}),
    "slack": (r"/chat.postMessage", lambda p, tp: {"channel": "D" + p}),
    "twilio": (r"/2010-04-01/Accounts/AC1/Messages.json", lambda p, tp: {"To": "+" + p, "From": "4711"}),
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_leaves_by_the_documented_request(t, platform, provider):
    person, words = new_person(), "Answer " + uuid.uuid4().hex
    platform.answer = platform.plain
    contact, tp = arrived(t, provider, person, "Hi")
    r = reply(t, tp, words)
    assert r.status_code == 202, r.text
    path, headers, body = wait_for(lambda: platform.of(words), why="the request")[0]
    pattern, expected = REQUESTS[provider]
    assert re.fullmatch(pattern, path), path
    assert {k: body.get(k) for k in expected(person, tp)} == expected(person, tp)
    token = "Basic " + base64.b64encode(b"AC1:dev-verify").decode() if provider == "twilio" else "Bearer dev-verify"
    assert headers["Authorization"] == token
    wait_for(lambda: state(t, r.json()["id"]) == "sent", why="sent")
    assert len(platform.of(words)) == 1


def test_after_the_window_the_agent_is_told_and_nothing_is_kept(t, platform):
    contact, tp = arrived(t, "whatsapp", new_person(), "Old", at=time.time() - 25 * 3600)
    r = reply(t, tp, "too late")
    assert (r.status_code, r.json()["code"]) == (409, "reply-refused") and "24 hours" in r.json()["detail"]
    assert not platform.of("too late") and len(t.timeline(contact)) == 1
    contact, tp = arrived(t, "messenger", new_person(), "Old", at=time.time() - 25 * 3600)
    assert reply(t, tp, "as a human").status_code == 202
    assert wait_for(lambda: platform.of("as a human"), why="the request")[0][2]["tag"] == "HUMAN_AGENT"
    contact, tp = arrived(t, "messenger", new_person(), "Very old", at=time.time() - 8 * 86400)
    assert reply(t, tp, "x").status_code == 409
    contact, tp = arrived(t, "twilio", new_person(), "Long")
    r = reply(t, tp, "y" * 1601)
    assert r.status_code == 409 and "1600" in r.json()["detail"]


def test_a_limit_is_obeyed_and_a_lost_answer_not_repeated(t, platform):
    words, times = "Limited " + uuid.uuid4().hex, []

    def limited(path, body):
        times.append(time.monotonic())
        return (429, {"Retry-After": 1}, {"ok": False, "error": "ratelimited"}) if len(times) == 1 else platform.plain(path, body)
    contact, tp = arrived(t, "slack", new_person(), "Hi")
    platform.answer = limited
    id = reply(t, tp, words).json()["id"]
    wait_for(lambda: state(t, id) == "sent", 30, why="sent after the limit")
    assert len(times) == 2 and times[1] - times[0] >= 1
    words = "Lost " + uuid.uuid4().hex
    contact, tp = arrived(t, "slack", new_person(), "Hi")
    platform.answer = lambda path, body: None
    id = reply(t, tp, words).json()["id"]
    wait_for(lambda: state(t, id) == "failed", 30, why="failed, since nobody knows")
    platform.answer = lambda path, body: (400, {}, {"error": {"code": 100, "message": "No matching user found"}})
    contact, tp = arrived(t, "messenger", new_person(), "Hi")
    id = reply(t, tp, words).json()["id"]
    wait_for(lambda: state(t, id) == "failed", why="refused")
    delivery = t.get(f"/v1/touchpoints/{id}").json()["delivery"]
    assert (delivery["code"], delivery["diagnostic"]) == ("100", "No matching user found")
    platform.answer = platform.plain
    assert len(platform.of(words)) == 2


def echo(person, mid, text):
    item = {"sender": {"id": "4711"}, "recipient": {"id": person}, "timestamp": int(time.time() * 1000),
            "message": {"is_echo": True, "app_id": 1, "mid": mid, "text": text}}
    return {"object": "page", "entry": [{"id": "4711", "time": int(time.time() * 1000), "messaging": [item]}]}


@pytest.mark.parametrize("when", ["before", "after"])
def test_our_own_answer_that_comes_back_is_not_told_twice(t, platform, when):
    person, words, mid = new_person(), "Echoed " + uuid.uuid4().hex, "m_" + uuid.uuid4().hex
    contact, tp = arrived(t, "messenger", person, "Hi")

    def answer(path, body):
        if when == "before": # the hook is faster than the answer
            assert deliver(t, "messenger", echo(person, mid, words)).status_code == 200
            time.sleep(0.3)
        return 200, {}, {"recipient_id": person, "message_id": mid}
    platform.answer = answer
    id = reply(t, tp, words).json()["id"]
    wait_for(lambda: state(t, id) == "sent", 30, why="sent")
    if when == "after":
        assert deliver(t, "messenger", echo(person, mid, words)).status_code == 200
    platform.answer = platform.plain
    # What comes later of the same person stands behind it: then the echo is dealt with.
    arrived(t, "messenger", person, "Thanks")
    assert sorted(p["text"] for p in t.timeline(contact)) == sorted([words, "Hi", "Thanks"])
    read = {"object": "page", "entry": [{"id": "4711", "messaging": [
        {"sender": {"id": person}, "recipient": {"id": "4711"}, "timestamp": int(time.time() * 1000), "delivery": {"mids": [mid]}}]}]}
    assert deliver(t, "messenger", read).status_code == 200
    wait_for(lambda: state(t, id) == "delivered", why="delivered")


def test_what_was_written_elsewhere_is_on_the_timeline_too(t, platform):
    person, words, mid = new_person(), "From the phone " + uuid.uuid4().hex, "m_" + uuid.uuid4().hex
    contact, tp = arrived(t, "messenger", person, "Hi")
    for _ in range(2):
        assert deliver(t, "messenger", echo(person, mid, words)).status_code == 200
    mine = wait_for(lambda: [p for p in t.timeline(contact) if p["text"] == words], 15, why="the echo")
    assert len(mine) == 1 and mine[0]["direction"] == "outbound" and mine[0]["conversation"] == tp["conversation"]


def test_edits_deletions_and_reactions_change_what_stands_there(t):
    person = "U" + uuid.uuid4().hex[:8].upper()
    contact, tp = arrived(t, "slack", person, "First", at=1700000000.5)
    first = event("slack", person, "First", at=1700000000.5)

    def later(subtype, at, **more):
        e = {"type": "message", "subtype": subtype, "channel": first["event"]["channel"], "channel_type": "im", "event_ts": f"{at:.6f}", "ts": f"{at:.6f}", **more}
        assert deliver(t, "slack", {**first, "event_id": uuid.uuid4().hex, "event": e}).status_code == 200
    old = {"type": "message", "user": person, "text": "First", "ts": first["event"]["ts"]}
    later("message_changed", 1700000002, message={**old, "text": "Second &amp; last", "edited": {"user": person, "ts": "1700000002.0"}}, previous_message=old)
    wait_for(lambda: [p["text"] for p in t.timeline(contact)] == ["Second & last"], why="the edit")
    later("message_changed", 1700000001, message={**old, "text": "too late"}, previous_message=old)
    later("message_deleted", 1700000003, deleted_ts=old["ts"], previous_message=old)
    wait_for(lambda: t.get(f"/v1/touchpoints/{tp['id']}").json()["deleted"], why="the deletion")
    assert len(t.timeline(contact)) == 1 and t.timeline(contact)[0]["text"] is None


BAD = {
    "whatsapp": lambda b: b["entry"][0]["changes"][0]["value"]["messages"],
    "messenger": lambda b: b["entry"][0]["messaging"],
    "x": lambda b: b["direct_message_events"],
}


@pytest.mark.parametrize("provider", BAD)
def test_a_batch_with_one_bad_twice(t, provider):
    person, n = new_person(), EVENTS
    body = event(provider, person, "0")
    items = BAD[provider](body)
    items += [BAD[provider](event(provider, person, str(i)))[0] for i in range(1, n)]
    items[n // 2] = 17
    before = len(t.get("/v1/quarantine", params={"limit": 500}).json()["items"])
    for _ in range(2):
        assert deliver(t, provider, body).status_code == 200
    contact = wait_for(lambda: t.contact(identity(provider, person)), why="the contact")
    wait_for(lambda: t.contact(identity(provider, person))["counters"]["touchpoints"] >= n - 1, 60, why="all but the bad one")
    assert deliver(t, provider, json.dumps(body, indent=1).encode()).status_code == 200 # once more in other bytes
    arrived(t, provider, person, "the last")
    assert t.contact(identity(provider, person))["counters"]["touchpoints"] == n
    assert len(t.timeline(contact["id"])) == n
    assert len(t.get("/v1/quarantine", params={"limit": 500}).json()["items"]) == before + 2 # of each delivery's own bytes
