#!/usr/bin/python3
"""make demo: one person writes by mail, calls, fills in the form and posts on WhatsApp; prints the timeline and the tasks.

Talks to the daemon of `make run` on its development addresses; starts one for the while where none runs.
"""
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import signal
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
VAR = pathlib.Path(os.environ.get("TOUCHLINE_VAR") or ROOT / "var")
URL = "http://127.0.0.1:8480"
PHONE, MAIL = "+49301234567", "jana@example.org"


def call(method, path, body=None, token="dev-operator", headers=None):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    r = urllib.request.Request(URL + path, data, {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {}),
                                                  **(headers or {})}, method=method)
    with urllib.request.urlopen(r, timeout=10) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def until(what, why, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = what()
            if value:
                return value
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    sys.exit(f"demo: {why}: not within {seconds} s")


def running():
    try:
        return call("GET", "/readyz", token=None)
    except (urllib.error.URLError, OSError):
        return None


def say(text):
    print(f"  {text}", flush=True)


def push_crm():
    told = call("POST", "/v1/touchpoints", {
        "id": "demo-" + uuid.uuid4().hex, "channel": "chat", "text": "Hello, it is me.",
        "from": {"name": "Jana Weiß", "email": MAIL, "phone": PHONE, "external": {"crm": "4711"}}}, "dev-adapter")
    say(f"pushed by the CRM (it knows mail, number and customer id): {told['id']}")


def send_mail():
    body = (f"From: Jana Weiß <{MAIL}>\r\nTo: support@localhost\r\nSubject: Order 1234\r\nMessage-ID: <{uuid.uuid4().hex}@example.org>\r\n"
            f"Date: {datetime.datetime.now(datetime.timezone.utc):%a, %d %b %Y %H:%M:%S} +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            "Where is my order 1234?\r\n").encode()
    with smtplib.LMTP("127.0.0.1", 8424, local_hostname="demo") as lmtp:
        lmtp.sendmail(MAIL, ["support@localhost"], body)
    say("mail to support@localhost by LMTP")


def missed_call():
    now, call_id = time.time(), f"{uuid.uuid4().hex}@sbc"
    fields = (f"method=INVITE;from_tag=a;to_tag=b;call_id={call_id};code=487;reason=Request Terminated;src_user={PHONE};dst_ouser=+442079460100;"
              "dst_user=agent-9")
    line = f"kamailio[1]: NOTICE: acc [acc.c:268]: acc_log_request(): ACC: {{}}: timestamp={now:.0f};time_hr={now:.3f};{fields}\n"
    with open(VAR / "log/kamailio.log", "a") as log:
        log.write(line.format("call missed") + line.format("transaction answered"))
    say("a call in Kamailio's log: rang, the caller gave up")


def fill_form():
    data = f"name=Jana+Wei%C3%9F&email={MAIL}&subject=Invoice&message=Please+send+the+invoice+again+({uuid.uuid4().hex[:6]})".encode()
    told = call("POST", "/forms/contact", data, None, {"Content-Type": "application/x-www-form-urlencoded"})
    say(f"the web form: {told['id']}")


def post_whatsapp():
    time.sleep(1.1)  # the platform counts whole seconds: the next one begins
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "106540352242922"},
             "contacts": [{"profile": {"name": "Jana"}, "wa_id": PHONE[1:]}],
             "messages": [{"id": "wamid." + uuid.uuid4().hex, "from": PHONE[1:], "timestamp": str(int(time.time())), "type": "text",
                           "text": {"body": "And by the way: thanks!"}}]}
    raw = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    sign = "sha256=" + hmac.new(b"dev-secret", raw, hashlib.sha256).hexdigest()
    call("POST", "/hooks/whatsapp", raw, None, {"X-Hub-Signature-256": sign})
    say("a WhatsApp message by signed webhook")


def show():
    contact = call("GET", f"/v1/contacts?identity=email:{MAIL}")
    names = ", ".join(f"{i['kind']}:{i['value']} ({i['status']})" for i in contact["identities"])
    print(f"\n{contact['name']}  {contact['id']}\n  known as {names}\n\ntimeline, newest first")
    items = call("GET", f"/v1/contacts/{contact['id']}/timeline?limit=20")["items"]
    for tp in items:
        what = tp["call"]["disposition"] if tp.get("call") else (tp.get("reply_text") or tp.get("text") or "").strip().splitlines()[0]
        print(f"  {tp['at']}  {tp['channel']:<7} {tp['kind']:<12} {(tp['subject'] or ''):<12} {what}")
    print("\ntasks")
    for task in call("GET", "/v1/tasks?limit=100")["items"]:
        if task["contact"] == contact["id"]:
            print(f"  {task['id']}  {task['queue']:<10} {task['state']:<9} {task['channel']:<7} {task['history'][-1]['reason']}")


def main():
    daemon = None
    if not running():
        print("no daemon is running: starting one for the demo")
        daemon = subprocess.Popen(["sh", str(ROOT / "conf/run.sh")], stdout=subprocess.DEVNULL)
    until(lambda: (r := running()) and r.get("store") == "ok", "the daemon is ready")
    try:
        print("one person, five ways:")
        for step in (push_crm, send_mail, missed_call, fill_form, post_whatsapp):
            step()

        def all_there():
            contact = call("GET", f"/v1/contacts?identity=email:{MAIL}")
            items = call("GET", f"/v1/contacts/{contact['id']}/timeline?limit=20")["items"]
            return {"chat", "email", "call", "form", "social"} <= {tp["channel"] for tp in items}

        until(all_there, "everything on one timeline")
        show()
    finally:
        if daemon:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)


if __name__ == "__main__":
    main()
