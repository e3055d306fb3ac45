"""Agents without a stream are told by mail and webhook; the links in the mail accept and reject."""
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import re
import signal
import threading
import time
import uuid

import pytest
import requests

from touchline import ANNA, OPERATOR, Redis, Sink, Touchline, free_port, wait_for

SECRET = "whsec_" + base64.b64encode(b"an agent's own secret, 32 bytes!").decode()


class Hook:
    """The agent's own program: keeps what is posted; `answers` are given in turn, then 200."""

    def __init__(self, port=None):
        hook = self
        self.calls, self.answers, self.lock = [], [], threading.Lock()
        self.open = threading.Event() # while it is not set, answers are held back
        self.open.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with hook.lock: # kept before it is answered
                    status, headers = hook.answers.pop(0) if hook.answers else (200, {})
                    hook.calls.append((status, dict(self.headers.items()), body, self.path))
                hook.open.wait(60)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.port = port or free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def of(self, kind, task=None):
        """Calls of a type (and task): (status, headers, payload)."""
        with self.lock:
            calls = [(status, headers, json.loads(body)) for status, headers, body, _ in self.calls]
        return [c for c in calls if c[2]["type"] == kind and task in (None, task_of(c[2]))]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def task_of(payload):
    data = payload["data"]
    return data["task"]["id"] if payload["type"] == "offer" else data["task"] if payload["type"] == "revoke" else data["id"]


def signed(headers, body):
    """The signature as a receiver computes it, by the specification alone."""
    low = {k.lower(): v for k, v in headers.items()}
    text = f"{low['webhook-id']}.{low['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def told(t, agent, lines):
    """Adds lines to an agent of the development configuration, and the section of notices."""
    def edit(text):
        text = text.replace(f"  - id: {agent}\n", f"  - id: {agent}\n" + "".join(f"    {line}\n" for line in lines))
        return text + f"notices: {{ mailbox: support, base: \"{t.url}/\", link_valid: 1h }}\n"
    return edit


def daemon(agent="anna", notify="[stream, mail]", hook=None, **more):
    t = Touchline(start=False, **more)
    lines = [f"email: {agent}@example.org", f"notify: {notify}"]
    if hook:
        lines.append(f"webhook: {{ url: \"http://127.0.0.1:{hook.port}/in\", secret: file:../var/secrets/{agent}-hook }}")
        secret = t.var / f"secrets/{agent}-hook"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
    t.edit(told(t, agent, lines))
    return t.start()


def push(t, **more):
    r = t.push({"id": uuid.uuid4().hex, "channel": "chat", "kind": "message", "from": {"name": "Jana Weiß", "email": f"{uuid.uuid4().hex[:8]}@example.org"},
                "subject": "Order 1234", "text": "Where is it?", **more})
    assert r.status_code == 201, r.text
    return r.json()["task"]


def task(t, name):
    return t.get(f"/v1/tasks/{name}").json()


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def links(mail):
    found = re.findall(r"http://\S+/v1/offers/\S+", mail.get_body().get_content())
    assert len(found) == 2, mail.get_body().get_content()
    return found


@pytest.fixture(scope="module")
def house():
    t = daemon()
    sink = Sink(t.smtp_port)
    yield t, sink
    sink.close()
    t.close()


@pytest.fixture
def desk(house):
    """Anna without a stream, available, nothing accepted; the mail of a subject."""
    t, sink = house

    def mail(subject):
        return wait_for(lambda: next((m for m in map(parsed, sink.mails) if m["Subject"] == f"Offer: {subject}"), None), why=f"mail of {subject}")

    t.presence(ANNA)
    yield t, sink, mail
    for one in t.get("/v1/tasks", params={"agent": "anna", "state": "accepted"}).json()["items"]:
        assert t.post(f"/v1/tasks/{one['id']}/complete", {"disposition": "done"}, OPERATOR).status_code == 200
    t.presence(ANNA, "away")


def test_an_agent_without_a_stream_gets_the_offer_by_mail_and_accepts_by_its_link(desk):
    t, sink, mail = desk
    name = push(t)
    m = mail("Order 1234")
    text = m.get_body().get_content()
    assert m["To"] == "Anna <anna@example.org>" and "support@localhost" in m["From"] and m["Subject"] == "Offer: Order 1234"
    assert "Jana Weiß <" in text and "Queue: Support" in text and "Subject: Order 1234" in text and "Until: 20" in text
    assert m["Auto-Submitted"] == "auto-generated" and sink.mails[-1].rcpt_tos == ["anna@example.org"]
    accept, _ = links(m)
    page = requests.get(accept, timeout=10)
    assert page.status_code == 200 and page.text.count("<button>") == 1 and 'method="post"' in page.text
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex" and "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert requests.head(accept, timeout=10).status_code == 200
    assert task(t, name)["state"] == "offered" # looking does nothing
    done = requests.post(accept, data={}, headers={"Accept": "text/html"}, timeout=10)
    assert done.status_code == 200 and "Accepted" in done.text
    assert task(t, name)["state"] == "accepted" and task(t, name)["agent"] == "anna"
    assert requests.post(accept, timeout=10).status_code == 200 # pressed twice: the same


def test_the_other_link_gives_the_task_back(desk):
    t, _, mail = desk
    name = push(t, subject="Not for me")
    accept, reject = links(mail("Not for me"))
    assert "Reject" in requests.get(reject, timeout=10).text and task(t, name)["state"] == "offered"
    assert requests.post(reject, timeout=10).status_code == 200
    now = task(t, name)
    assert now["state"] == "waiting" and now["history"][-1]["reason"] == "rejected"
    late = requests.post(accept, timeout=10)
    assert late.status_code == 409 and late.json()["code"] == "stale-offer"
    assert "over" in requests.post(accept, headers={"Accept": "text/html"}, timeout=10).text
    assert task(t, name)["state"] == "waiting"


def test_a_link_that_was_changed_is_none_of_ours(desk):
    t, _, mail = desk
    name = push(t, subject="Tampered with")
    accept, reject = links(mail("Tampered with"))
    head, token = accept.rsplit("/", 1)
    payload, mac = token.split(".")
    swapped = reject.rsplit("/", 1)[1].split(".")[0] + "." + mac # another action under this signature
    for bad in (swapped, payload + "." + mac[:-1], payload + "." + ("A" if mac[0] != "A" else "B") + mac[1:], payload, "x", payload + ".." + mac):
        for answer in (requests.get(f"{head}/{bad}", timeout=10), requests.post(f"{head}/{bad}", timeout=10)):
            if answer.status_code == 429: # ten wrong ones within a minute
                assert answer.headers["Retry-After"]
                continue
            assert answer.status_code == 404 and answer.json()["code"] == "not-found", bad
    assert task(t, name)["state"] == "offered"


def token(t, agent, task, offer, action, expires):
    """A link's token as the daemon writes it, from the installation's secret."""
    secret = (t.var / "secrets/installation").read_bytes().rstrip(b"\n")
    key = hmac.new(secret, b"touchline offer link 1", hashlib.sha256).digest()
    payload = f"1\n{action}\n{offer}\n{int(expires)}\n{task}\n{agent}".encode()
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (payload, hmac.new(key, payload, hashlib.sha256).digest()))


def test_an_expired_link_does_nothing_and_says_so(desk):
    t, _, mail = desk
    name = push(t, subject="Too late")
    accept, _ = links(mail("Too late"))
    offer = task(t, name)["offer"]["n"]
    good, old = (f"{t.url}/v1/offers/{token(t, 'anna', name, offer, 'a', time.time() + s)}" for s in (60, -1))
    assert requests.get(good, timeout=10).status_code == 200 # so the one below is refused for its age alone
    assert requests.get(old, timeout=10).status_code == 410
    gone = requests.post(old, headers={"Accept": "text/html"}, timeout=10)
    assert gone.status_code == 410 and "expired" in gone.text and "<button>" not in gone.text
    assert requests.post(old, timeout=10).json()["code"] == "link-expired"
    assert task(t, name)["state"] == "offered"
    other = f"{t.url}/v1/offers/{token(t, 'ben', name, offer, 'a', time.time() + 60)}" # signed, but not offered to him
    assert requests.post(other, timeout=10).status_code == 409
    nobody = f"{t.url}/v1/offers/{token(t, 'nobody', name, offer, 'a', time.time() + 60)}"
    assert requests.get(nobody, timeout=10).status_code == 404
    assert task(t, name)["state"] == "offered" and task(t, name)["agent"] == "anna"
    # A browser that is logged in sends its cookie, and null as the origin of a page without referrer.
    cookie = {"Cookie": "touchline_session=whatever", "Origin": "null"}
    assert requests.post(accept, headers=cookie, timeout=10).status_code == 200
    assert requests.post(accept, data=b"x" * 2000, timeout=10).status_code == 413
    assert task(t, name)["state"] == "accepted"


def test_who_guesses_links_is_slowed_down(house):
    t, _ = house
    answers = [requests.get(f"{t.url}/v1/offers/guess", timeout=10).status_code for _ in range(12)]
    assert answers[-1] == 429 and set(answers) <= {404, 429}


def test_an_agent_with_a_stream_gets_no_mail():
    with daemon() as t:
        sink = Sink(t.smtp_port)
        events = t.events(ANNA)
        events.wait("snapshot")
        t.presence(ANNA)
        name = push(t)
        offer = events.wait("offer", lambda d: d["task"]["id"] == name)[2]
        assert t.post(f"/v1/tasks/{name}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
        events.close()
        wait_for(lambda: not t.redis().exists("{r}:sn"), why="the stream has ended")
        # Whoever then says that he is there gets the next one by mail; it is the first mail, so there was none before.
        t.presence(ANNA)
        second = push(t, subject="The second")
        assert parsed(sink.wait(1)[0])["Subject"] == "Offer: The second"
        assert task(t, second)["state"] == "offered"
        sink.close()


def test_german_words_for_a_german_house():
    with daemon(edit=lambda text: text.replace("language: en", "language: de")) as t:
        sink = Sink(t.smtp_port)
        t.presence(ANNA)
        push(t)
        m = parsed(sink.wait(1)[0])
        text = m.get_body().get_content()
        assert m["Subject"] == "Angebot: Order 1234" and "Warteschlange: Support" in text and "Knopf" in text
        page = requests.get(links(m)[0], timeout=10).text
        assert 'lang="de"' in page and "Annehmen" in page
        sink.close()


def test_a_webhook_is_signed_and_told_of_the_offer_and_of_what_becomes_of_it():
    hook = Hook()
    with daemon(notify="[stream, webhook]", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: hook.of("offer", name), why="the offer")
        status, headers, body, path = hook.calls[0]
        assert path == "/in" and headers["Content-Type"] == "application/json" and headers["webhook-signature"] == signed(headers, body)
        payload = json.loads(body)
        assert payload["data"]["offer"] == 1 and payload["data"]["expires_at"] and payload["data"]["task"]["state"] == "offered"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", payload["timestamp"])
        assert t.post(f"/v1/tasks/{name}/accept", {"offer": 1}, ANNA).status_code == 200
        wait_for(lambda: hook.of("task", name), why="the task")
        assert hook.of("task", name)[0][2]["data"]["state"] == "accepted"
        second = push(t)
        wait_for(lambda: hook.of("offer", second), why="the second offer")
        assert t.post(f"/v1/tasks/{second}/reject", {"offer": 1}, ANNA).status_code == 200
        wait_for(lambda: hook.of("revoke", second), why="the revoke")
        assert hook.of("revoke", second)[0][2]["data"] == {"task": second, "offer": 1, "reason": "rejected"}
        ids = [c[1]["webhook-id"] for c in hook.calls]
        assert len(ids) == len(set(ids)) # each thing once
        assert 'touchline_notice_webhooks_total{result="sent"}' in t.get("/metrics").text
    hook.close()


def test_a_webhook_that_fails_twice_gets_the_same_message_again():
    hook = Hook()
    hook.answers = [(503, {}), (503, {"Retry-After": "1"})]
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: len(hook.of("offer", name)) == 3, 40, why="three attempts")
        calls = hook.of("offer", name)
        assert [c[0] for c in calls] == [503, 503, 200]
        assert len({c[1]["webhook-id"] for c in calls}) == 1 and len({json.dumps(c[2]) for c in calls}) == 1
        assert all(headers["webhook-signature"] == signed(headers, body) for _, headers, body, _ in hook.calls)
        sent = 'touchline_notice_webhooks_total{result="sent"} 1'
        wait_for(lambda: sent in t.get("/metrics").text, why="sent")
        assert not t.redis().exists("{r}:notices") # nothing is left to be done
    hook.close()


def test_a_daemon_that_is_killed_loses_no_notice():
    hook = Hook()
    hook.answers = [(503, {})]
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: hook.of("offer", name), why="the first attempt")
        t.kill()
        assert len(hook.of("offer", name)) == 1
        t.start()
        wait_for(lambda: len(hook.of("offer", name)) == 2, 40, why="the second, by the daemon that came back")
        first, second = hook.of("offer", name)
        assert first[1]["webhook-id"] == second[1]["webhook-id"] and first[2] == second[2]
    hook.close()


def test_a_daemon_that_is_killed_while_it_tells_leaves_it_to_the_next():
    hook = Hook()
    hook.open.clear()
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: hook.of("offer", name), why="the first attempt, not answered")
        t.kill()
        hook.open.set()
        t.start()
        wait_for(lambda: 'touchline_notice_webhooks_total{result="sent"} 1' in t.get("/metrics").text, 40, why="told after all")
        first, second = hook.of("offer", name)
        assert first[1]["webhook-id"] == second[1]["webhook-id"] and first[2] == second[2]
    hook.close()


def test_a_webhook_that_is_gone_is_left_alone():
    hook = Hook()
    hook.answers = [(410, {})]
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: 'touchline_notice_webhooks_total{result="failed"} 1' in t.get("/metrics").text, why="given up")
        assert t.post(f"/v1/tasks/{name}/accept", {"offer": 1}, ANNA).status_code == 200
        wait_for(lambda: 'touchline_notice_webhooks_total{result="skipped"} 1' in t.get("/metrics").text, why="skipped")
        assert len(hook.calls) == 1
    hook.close()


def test_an_offer_that_is_over_is_not_delivered_any_more():
    hook = Hook()
    hook.answers = [(503, {})]
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: hook.of("offer", name), why="the first attempt")
        assert t.post(f"/v1/tasks/{name}/accept", {"offer": 1}, ANNA).status_code == 200
        wait_for(lambda: 'touchline_notice_webhooks_total{result="skipped"} 1' in t.get("/metrics").text, 30, why="skipped")
        assert len(hook.of("offer", name)) == 1 and len(hook.of("task", name)) == 1
    hook.close()


def test_a_redirect_is_not_followed():
    hook, other = Hook(), Hook()
    hook.answers = [(307, {"Location": f"http://127.0.0.1:{other.port}/"})]
    with daemon(notify="webhook", hook=hook) as t:
        t.presence(ANNA)
        name = push(t)
        wait_for(lambda: len(hook.of("offer", name)) == 2, 30, why="tried again at the same place")
        assert other.calls == []
    hook.close()
    other.close()


def test_who_is_told_how_changes_by_a_reload():
    hook = Hook()
    with daemon(notify="stream", hook=hook) as t:
        sink = Sink(t.smtp_port)
        t.presence(ANNA)
        t.edit(lambda text: text.replace("notify: stream", "notify: [stream, mail, webhook]"))
        t.process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'touchline_config_reloads_total{result="taken"} 1' in t.get("/metrics").text, why="reloaded")
        name = push(t)
        wait_for(lambda: hook.of("offer", name), why="the webhook")
        assert parsed(sink.wait(1)[0])["To"] == "Anna <anna@example.org>"
        sink.close()
    hook.close()


def test_of_two_daemons_one_tells_the_agent(sink):
    hook = Hook()
    with Redis() as redis:
        first = daemon(notify="webhook", hook=hook, env=redis.env)
        second = Touchline(start=False, env=redis.env)
        (second.var / "secrets/installation").write_text((first.var / "secrets/installation").read_text())
        (second.var / "secrets/anna-hook").write_text(SECRET + "\n")
        (second.var / "secrets/anna-hook").chmod(0o600)
        second.edit(told(second, "anna", ["email: anna@example.org", "notify: webhook",
                                          f"webhook: {{ url: \"http://127.0.0.1:{hook.port}/in\", secret: file:../var/secrets/anna-hook }}"]))
        with first, second.start():
            first.presence(ANNA)
            names = [push(first if i % 2 else second) for i in range(6)]
            wait_for(lambda: all(hook.of("offer", n) for n in names), why="six offers")
            ids = [h["webhook-id"] for _, h, _ in hook.of("offer")]
            assert len(ids) == 6 == len(set(ids))
    hook.close()
