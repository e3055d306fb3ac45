"""Forms of makers, captchas, and a page without a script in a real browser."""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import shutil
import socketserver
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest
import requests

from touchline import Touchline, free_port, stop, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Site:
    """The web around a form: pages of the site, and the interface of a captcha's maker."""

    def __init__(self):
        self.asked, self.pages, self.spent, self.gate = [], {}, set(), threading.Event()
        self.gate.set()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = site.pages.get(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body or b"nothing here")

            def do_POST(self):
                sent = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                site.asked.append(sent)
                site.gate.wait(10)
                good = sent["response"].startswith("good") and sent["response"] not in site.spent
                site.spent.add(sent["response"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"success": good, "hostname": "localhost"} if good else
                                            {"success": False, "error-codes": ["timeout-or-duplicate"]}).encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def site():
    s = Site()
    yield s
    s.close()


@pytest.fixture(scope="module")
def t(site):
    def edit(text):
        forms = f"""  forms:
    - {{ name: typeform, maker: typeform, secret: file:maker }}
    - {{ name: cf7, maker: contact-form-7, origins: ["http://127.0.0.1:*"] }}
    - name: human
      fields: {{ email: from.email, message: text }}
      captcha: {{ provider: turnstile, secret: file:maker, address: "{site.url}/siteverify", hostnames: [localhost] }}
    - name: timed
      fields: {{ email: from.email, message: text }}
      timestamp: {{ secret: file:maker, least: 1h }}
    - name: small
      fields: {{ email: from.email, message: text }}
      files: {{ max_size: 1KiB, max: 2, types: [image/*, application/pdf] }}
    - name: page
      fields: {{ name: from.name, email: from.email, subject: subject, message: text }}
      required: [message, email]
      honeypot: website
      origins: ["http://127.0.0.1:*"]
      redirect: {site.url}/thanks
      redirects: ["{site.url}"]
"""
        return text.replace("  forms:\n", forms, 1)
    one = Touchline(edit=edit, start=False)
    secret = one.conf / "maker"
    secret.write_text("maker-secret\n")
    secret.chmod(0o600)
    one.start()
    yield one
    one.close()


def post(t, form, **more):
    return t.request("POST", f"/forms/{form}", None, **more)


def person():
    return f"{uuid.uuid4().hex[:10]}@example.org"


def typeform(email, token):
    return json.dumps({"event_id": "e", "event_type": "form_response", "form_response": {
        "token": token, "submitted_at": "2026-11-23T08:00:00Z", "definition": {"fields": [{"id": "A", "title": "Mail", "type": "email"}]},
        "answers": [{"type": "email", "email": email, "field": {"id": "A", "ref": "a"}} if email else
                    {"type": "text", "text": "nobody", "field": {"id": "B", "ref": "b"}}]}})


def signed(body, secret=b"maker-secret"):
    mac = base64.b64encode(hmac.new(secret, body.encode(), hashlib.sha256).digest()).decode()
    return {"Content-Type": "application/json", "Typeform-Signature": "sha256=" + mac}


def test_a_makers_webhook_is_taken_once_and_only_signed(t):
    email, token = person(), uuid.uuid4().hex
    body = typeform(email, token)
    first = post(t, "typeform", data=body, headers=signed(body))
    again = post(t, "typeform", data=body, headers=signed(body))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    tp = t.get(f"/v1/touchpoints/{first.json()['id']}").json()
    assert tp["from"]["email"] == email and tp["source_id"] == token and tp["at"] == "2026-11-23T08:00:00.000Z"
    for headers in ({"Content-Type": "application/json"}, signed(body, b"other"), signed(body + " ")):
        assert post(t, "typeform", data=body, headers=headers).status_code == 401


def test_a_makers_submission_without_a_person_is_kept_for_an_operator(t):
    body = typeform(None, uuid.uuid4().hex)
    r = post(t, "typeform", data=body, headers=signed(body))
    assert r.status_code in (201, 202), r.text
    assert any(q["id"] == r.json()["id"] for q in t.get("/v1/quarantine").json()["items"])


def test_contact_form_7_needs_no_map(t):
    email = person()
    r = post(t, "cf7", files={"_wpcf7": (None, "5"), "your-name": (None, "Jana"), "your-email": (None, email), "your-message": (None, "Hi"),
                              "cv": ("cv.pdf", b"%PDF", "application/pdf")})
    assert r.status_code == 201, r.text
    tp = t.get(f"/v1/touchpoints/{r.json()['id']}").json()
    assert (tp["text"], tp["from"]["name"], tp["attachments"][0]["name"], tp["data"]) == ("Hi", "Jana", "cv.pdf", {})


def test_a_captcha_is_checked_and_a_double_click_is_one(t, site):
    data = {"email": person(), "message": "Hi", "cf-turnstile-response": "good-" + uuid.uuid4().hex}
    site.gate.clear() # both are sent before the maker answers
    results = []
    threads = [threading.Thread(target=lambda: results.append(requests.post(t.url + "/forms/human", data=data, timeout=20))) for _ in range(2)]
    before = len(site.asked)
    for th in threads:
        th.start()
    wait_for(lambda: len(site.asked) > before, why="the question")
    site.gate.set()
    for th in threads:
        th.join()
    assert sorted(r.status_code for r in results) == [200, 201], [r.text for r in results]
    assert results[0].json() == results[1].json()
    assert len(site.asked) == before + 1 and site.asked[-1]["secret"] == "maker-secret"
    later = post(t, "human", data=data)
    assert later.status_code == 200 and len(site.asked) == before + 1
    other = post(t, "human", data={**data, "message": "another"}) # the token is spent
    assert other.status_code == 422 and other.json()["errors"][0]["pointer"] == "/cf-turnstile-response"
    assert post(t, "human", data={"email": person(), "message": "Hi"}).status_code == 422
    assert post(t, "human", data={**data, "cf-turnstile-response": "bad"}).status_code == 422


def test_a_form_filled_too_fast_is_kept_aside_with_the_same_answer(t):
    stamp = t.request("GET", "/forms/timed", None).json()
    email = person()
    r = post(t, "timed", data={"email": email, "message": "buy", stamp["field"]: stamp["value"]})
    assert r.status_code == 201 and set(r.json()) == {"id"}
    assert t.contact("email:" + email) is None
    assert post(t, "timed", data={"email": email, "message": "x", stamp["field"]: "17.00"}).status_code == 422
    assert post(t, "timed", data={"email": email, "message": "without a script"}).status_code == 201


def test_files_are_bounded_by_the_form(t):
    def send(*files):
        return post(t, "small", data={"email": person(), "message": "x"}, files=[("f", f) for f in files]).status_code
    assert send(("a.png", b"x", "image/png")) == 201
    assert send(("a.png", b"x" * 1025, "image/png")) == 413
    assert send(*[(f"{i}.png", b"%d" % i, "image/png") for i in range(3)]) == 413
    assert send(("a.exe", b"x", "application/x-msdownload")) == 415


def test_a_redirect_leads_only_to_allowed_hosts(t, site):
    html = {"Accept": "text/html"}
    def to(**more):
        r = post(t, "page", data={"email": person(), "message": "x", **more}, headers=html, allow_redirects=False)
        assert r.status_code == 303, r.text
        return r.headers["Location"]
    assert to() == site.url + "/thanks"
    assert to(_next=site.url + "/other") == site.url + "/other"
    assert to(_next="https://evil.example/") == site.url + "/thanks"


# ---- a browser ----

DRIVER = shutil.which("chromedriver")


class Browser:
    """Chromium by its driver's own protocol (W3C WebDriver)."""

    def __init__(self, folder):
        self.port = free_port()
        self.driver = subprocess.Popen([DRIVER, f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{self.port}"
        wait_for(self._up, 20, why="chromedriver")
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}"]}
        made = self._post("/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
        self.base += "/session/" + made["sessionId"]

    def _up(self):
        try:
            return requests.get(self.base + "/status", timeout=2).json()["value"]["ready"]
        except requests.ConnectionError:
            return False

    def _post(self, path, body):
        r = requests.post(self.base + path, json=body, timeout=60).json()["value"]
        assert not (isinstance(r, dict) and "error" in r), r
        return r

    def go(self, url):
        self._post("/url", {"url": url})

    def find(self, css):
        return next(iter(self._post("/element", {"using": "css selector", "value": css}).values()))

    def type(self, css, text):
        self._post(f"/element/{self.find(css)}/value", {"text": text})

    def double_click(self, css):
        at = {"element-6066-11e4-a52e-4f735466cecf": self.find(css)}
        press = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._post("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [{"type": "pointerMove", "origin": at, "x": 0, "y": 0}, *press, *press]}]})

    def text(self):
        return self._post("/execute/sync", {"script": "return location.pathname + ' ' + document.body.innerText", "args": []})

    def close(self):
        requests.delete(self.base, timeout=20)
        stop(self.driver)


@pytest.mark.skipif(not DRIVER, reason="not installed: chromium-driver")
def test_a_page_without_a_script_in_a_browser_clicked_twice(t, site, tmp_path):
    page = (ROOT / "docs/form.html").read_text().replace("https://contact.example.org/forms/contact", t.url + "/forms/page")
    site.pages["/contact"], site.pages["/thanks"] = page.encode(), "<p>Vielen Dank</p>".encode()
    file = tmp_path / "Größe.txt"
    file.write_bytes(b"as long as the table")
    email = person()
    browser = Browser(tmp_path / "profile")
    try:
        browser.go(site.url + "/contact")
        browser.type("[name=name]", "Jana Weiß")
        browser.type("[name=email]", email)
        browser.type("[name=subject]", "Order 1234")
        browser.type("[name=message]", "Where is it?\nIt was due on Monday.")
        browser.type("[name=file]", str(file))
        browser.double_click("button")
        assert wait_for(lambda: browser.text().startswith("/thanks") and browser.text(), 20, why="the thanks page") == "/thanks Vielen Dank"
    finally:
        browser.close()
    contact = wait_for(lambda: t.contact("email:" + email), why="the person")
    items = t.timeline(contact["id"])
    assert [(p["text"], p["from"]["name"]) for p in items] == [("Where is it?\r\nIt was due on Monday.", "Jana Weiß")]
    assert [a["name"] for a in items[0]["attachments"]] == ["Größe.txt"]
    assert t.get(items[0]["attachments"][0]["url"]).content == b"as long as the table"
