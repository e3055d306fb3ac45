"""Attachments that a platform only names: fetched durably, refused where they must not be fetched from."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import threading
import time
import uuid

import pytest

from touchline import Touchline, free_port, wait_for

EVENTS = int(os.environ.get("EVENTS", "200"))


class Platform:
    """A stand-in of a platform's files: what each path answers is a row; hold(path) makes it wait."""

    def __init__(self):
        self.port, self.seen, self.held = free_port(), [], threading.Event()
        self.held.set()
        self.rows = {}
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                platform.seen.append((self.command, self.path, dict(self.headers), body))
                row = platform.rows.get(self.path.split("?")[0], (404, {}, b""))
                if callable(row):
                    row = row()
                status, headers, data = row
                try:
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(data)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass # who asked has died

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.port}"

    def paths(self):
        return [path for _, path, _, _ in self.seen]

    def slow(self, row):
        def wait():
            self.held.wait(60)
            return row
        return wait

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def platform():
    p = Platform()
    yield p
    p.close()


@pytest.fixture
def daemon(platform):
    hooks = "".join(f"    - name: {name}\n      provider: {provider}\n      secret: file:hook.secret\n"
                    f"      send: {{ token: file:hook.token, sender: Desk, base: \"{platform.base}\" }}\n"
                    for name, provider in (("viber", "viber"), ("line", "line"), ("tg", "telegram")))
    t = Touchline(start=False, edit=lambda text: text.replace("  social:\n", "  social:\n" + hooks))
    for name, value in (("hook.secret", "s3"), ("hook.token", "4:tok")):
        (t.conf / name).write_text(value)
        (t.conf / name).chmod(0o600)
    with t:
        t.start()
        yield t


def sign(body):
    return hmac.new(b"s3", body, hashlib.sha256)


def viber(t, media, user=None, token=None):
    user = user or uuid.uuid4().hex
    token = token or str(uuid.uuid4().int)[:18]
    body = json.dumps({"event": "message", "timestamp": int(time.time() * 1000), "message_token": token,
                       "sender": {"id": user, "name": "Jana"},
                       "message": {"type": "file", "media": media, "file_name": "cat.bin"}}).encode()
    r = t.request("POST", "/hooks/viber", None, data=body, headers={"X-Viber-Content-Signature": sign(body).hexdigest()})
    assert r.status_code == 200, r.text
    return f"viber:{user}"


def line(t, *events):
    body = json.dumps({"destination": "d", "events": list(events)}).encode()
    return t.request("POST", "/hooks/line", None, data=body,
                     headers={"x-line-signature": base64.b64encode(sign(body).digest()).decode()})


def entry(t, identity):
    contact = t.contact(identity)
    items = t.timeline(contact["id"]) if contact else []
    return items[0] if items else None


def settled(t, identity, seconds=15):
    def look():
        tp = entry(t, identity)
        return tp if tp and tp["attachments"] and "fetch" not in tp["attachments"][0] else None
    return wait_for(look, seconds, why="the attachment is fetched, or given up")


def test_a_file_is_fetched_into_its_entry(daemon, platform):
    platform.rows["/cat"] = (200, {"Content-Type": "image/png"}, b"\x89PNG" + b"x" * 100000)
    tp = settled(daemon, viber(daemon, platform.base + "/cat"))
    one = tp["attachments"][0]
    assert (one["name"], one["type"], one["size"]) == ("cat.bin", "image/png", 100004)
    data = daemon.get(one["url"]).content
    assert hashlib.sha256(data).hexdigest() == one["sha256"] and data.startswith(b"\x89PNG")
    assert tp["warnings"] == []


def test_what_leads_inside_or_nowhere_is_refused_and_named(daemon, platform):
    inside = Platform()
    inside.rows["/secret"] = (200, {}, b"secret")
    platform.rows.update({
        "/inside": (302, {"Location": inside.base + "/secret"}, b""),
        "/meta": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
        "/tls": (302, {"Location": f"https://127.0.0.1:{inside.port}/secret"}, b""),
        "/round": (302, {"Location": platform.base + "/round"}, b""),
        "/large": (200, {}, b"x" * (26 << 20)),
    })
    cases = {platform.base + "/inside": "only https", platform.base + "/meta": "only https", platform.base + "/tls": "not a public",
             platform.base + "/round": "redirected", platform.base + "/nothing": "404", platform.base + "/large": "larger than",
             inside.base + "/secret": "only https", f"https://127.0.0.1:{inside.port}/secret": "not a public",
             "https://169.254.169.254/latest": "not a public", "https://[::1]/x": "not a public", "ftp://x.example/a": "only https"}
    who = {url: viber(daemon, url) for url in cases}
    for url, reason in cases.items():
        tp = settled(daemon, who[url])
        assert tp["attachments"][0]["sha256"] is None and tp["attachments"][0]["url"] is None
        assert any("could not be fetched" in w and reason in w for w in tp["warnings"]), (url, tp["warnings"])
    assert inside.seen == []
    inside.close()


def test_a_slow_server_holds_nobody_up_and_kill_loses_nothing(daemon, platform):
    platform.rows["/slow"] = platform.slow((200, {}, b"at last"))
    platform.rows["/quick"] = (200, {}, b"at once")
    platform.held.clear()
    slow = viber(daemon, platform.base + "/slow")
    wait_for(lambda: "/slow" in platform.paths(), why="the slow one is asked")
    line(daemon, {"type": "message", "webhookEventId": "e", "timestamp": 1, "source": {"userId": "U-other"},
                  "message": {"id": "77", "type": "text", "text": "hello"}})
    wait_for(lambda: entry(daemon, "line:U-other"), why="others go on")
    quick = viber(daemon, platform.base + "/quick")
    assert settled(daemon, quick)["attachments"][0]["size"] == 7
    assert entry(daemon, slow)["attachments"][0]["fetch"].endswith("/slow")
    daemon.kill(signal.SIGKILL)
    platform.held.set()
    daemon.start()
    tp = settled(daemon, slow)
    assert daemon.get(tp["attachments"][0]["url"]).content == b"at last"
    assert len(daemon.timeline(daemon.contact(slow)["id"])) == 1


def test_a_platforms_token_goes_to_the_platform(daemon, platform):
    platform.rows["/bot4:tok/getFile"] = (200, {}, json.dumps({"ok": True, "result": {"file_path": "photos/1.jpg"}}).encode())
    platform.rows["/file/bot4:tok/photos/1.jpg"] = (200, {"Content-Type": "image/jpeg"}, b"JPEG")
    update = {"update_id": 1, "message": {"message_id": 5, "date": int(time.time()), "chat": {"id": 23, "type": "private"},
                                          "from": {"id": 23, "first_name": "Jana"}, "caption": "see",
                                          "photo": [{"file_id": "small"}, {"file_id": "large"}]}}
    r = daemon.request("POST", "/hooks/tg", None, json=update, headers={"X-Telegram-Bot-Api-Secret-Token": "s3"})
    assert r.status_code == 200
    tp = settled(daemon, "telegram:23")
    assert daemon.get(tp["attachments"][0]["url"]).content == b"JPEG" and tp["text"] == "see"
    assert platform.paths() == ["/bot4:tok/getFile?file_id=large", "/file/bot4:tok/photos/1.jpg"]
    assert "4:tok" not in json.dumps(tp)


def test_what_was_taken_back_is_gone_with_its_file(daemon, platform):
    platform.rows["/v2/bot/message/9/content"] = (200, {"Content-Type": "image/png"}, b"PNG")
    said = {"type": "message", "webhookEventId": "e1", "timestamp": 1462629479859, "source": {"userId": "U9"},
            "message": {"id": "9", "type": "image", "contentProvider": {"type": "line"}}}
    assert line(daemon, said).status_code == 200
    url = settled(daemon, "line:U9")["attachments"][0]["url"]
    assert daemon.get(url).content == b"PNG"
    assert platform.seen[-1][2]["Authorization"] == "Bearer 4:tok"
    line(daemon, {"type": "unsend", "webhookEventId": "e2", "timestamp": 1462629480000, "source": {"userId": "U9"},
                  "unsend": {"messageId": "9"}})
    wait_for(lambda: entry(daemon, "line:U9")["deleted"], why="it is taken back")
    tp = entry(daemon, "line:U9")
    assert tp["attachments"] == [] and len(daemon.timeline(daemon.contact("line:U9")["id"])) == 1
    wait_for(lambda: daemon.get(url).status_code in (404, 410), why="the file is gone")


def test_a_batch_with_a_bad_event_twice(daemon):
    events = [{"type": "message", "timestamp": 1462629479859 + i, "source": {"userId": "U-many"},
               "message": {"id": str(10000 + i), "type": "text", "text": f"t{i}"}} for i in range(EVENTS)]
    events[EVENTS // 2] = {"type": "message"}
    for _ in range(2):
        assert line(daemon, *events).status_code == 200
    wait_for(lambda: (c := daemon.contact("line:U-many")) and len(daemon.timeline(c["id"])) == EVENTS - 1, 60, why="all but the bad one")
    wait_for(lambda: len(daemon.get("/v1/quarantine").json()["items"]) == 1, why="the bad one in quarantine")
    assert line(daemon, *reversed(events)).status_code == 200
    line(daemon, {"type": "message", "timestamp": 1462629479859, "source": {"userId": "U-last"},
                  "message": {"id": "last", "type": "text", "text": "last"}})
    wait_for(lambda: daemon.contact("line:U-last"), 60, why="what came behind them is there")
    assert len(daemon.timeline(daemon.contact("line:U-many")["id"])) == EVENTS - 1
