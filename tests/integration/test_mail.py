"""A mail comes in by LMTP, an agent answers, the customer answers again: one conversation."""
import email
import email.policy
import re
import subprocess
import uuid

import pytest

from touchline import ANNA, Sink, Touchline, wait_for


@pytest.fixture(scope="module")
def house():
    with Touchline() as t:
        sink = Sink(t.smtp_port)
        yield t, sink
        sink.close()


def send(t, data=None, **headers):
    """A real mail by swaks over LMTP; its output."""
    fields = {"from": "jana@example.org", "to": "support@localhost", "subject": "Order 1234", "body": "Where is my order?", **headers}
    args = ["swaks", "--protocol", "LMTP", "--server", f"127.0.0.1:{t.lmtp_port}", "--from", fields["from"], "--to", fields["to"]]
    if data:
        args += ["--data", data]
    else:
        args += ["--header", f"Subject: {fields['subject']}", "--body", fields["body"]]
        for name in ("Message-ID", "In-Reply-To", "References", "Auto-Submitted"):
            if name in fields:
                args += ["--header", f"{name.replace('ID', 'Id')}: {fields[name]}"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def kept(output):
    found = re.search(r"250 2\.0\.0 (p_[0-9a-z]+) kept", output)
    assert found, output
    return found.group(1)


def applied(t, touchpoint):
    return wait_for(lambda: (r := t.get(f"/v1/touchpoints/{touchpoint}")).status_code == 200 and r.json(), 15, why="applied")


def test_a_mail_is_answered_and_the_answer_comes_back(house):
    t, sink = house
    events = t.events(ANNA)
    events.wait("snapshot")
    t.presence(ANNA)
    mid = f"<{uuid.uuid4().hex}@mail.example.org>"
    who = f"{uuid.uuid4().hex[:8]}@example.org"
    tp = applied(t, kept(send(t, **{"from": who, "Message-ID": mid, "References": "<old@example.org>"})))
    assert tp["channel"] == "email" and tp["from"]["email"] == who and tp["from"]["verified"] is False
    assert tp["subject"] == "Order 1234" and tp["text"].strip() == "Where is my order?" and tp["message_id"] == mid
    offer = events.wait("offer", lambda d: d["task"]["touchpoint"] == tp["id"])[2]
    task = offer["task"]["id"]
    assert t.post(f"/v1/tasks/{task}/accept", {"offer": offer["offer"]}, ANNA).json()["state"] == "accepted"
    r = t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": "It is on its way."}, ANNA)
    assert r.status_code == 202, r.text
    out = r.json()
    sink.wait(1)
    mail = email.message_from_bytes(sink.mails[-1].content, policy=email.policy.default)
    assert mail["In-Reply-To"] == mid and mail["References"].split() == ["<old@example.org>", mid]
    assert mail["To"] == who and mail["Subject"] == "Re: Order 1234" and "support@localhost" in mail["From"]
    assert mail.get_body().get_content().strip() == "It is on its way."
    assert sink.mails[-1].rcpt_tos == [who]
    wait_for(lambda: t.get(f"/v1/touchpoints/{out['id']}").json().get("delivery", {}).get("state") == "sent", why="sent")
    again = applied(t, kept(send(t, **{"from": who, "Message-ID": f"<{uuid.uuid4().hex}@x>", "In-Reply-To": mail["Message-ID"],
                                       "References": f"{mid} {mail['Message-ID']}", "body": "Thanks!"})))
    assert again["conversation"] == tp["conversation"] and again["contact"] == tp["contact"]
    conversation = t.get(f"/v1/conversations/{tp['conversation']}", ANNA).json()
    assert conversation["task"] == task
    assert [p["id"] for p in conversation["touchpoints"]["items"]] == [again["id"], out["id"], tp["id"]]
    done = t.post(f"/v1/tasks/{task}/complete", {"disposition": "solved"}, ANNA)
    assert done.status_code == 200 and done.json()["state"] == "done", done.text
    third = applied(t, kept(send(t, **{"from": who, "Message-ID": f"<{uuid.uuid4().hex}@x>", "In-Reply-To": mail["Message-ID"]})))
    assert third["conversation"] == tp["conversation"]
    new = events.wait("offer", lambda d: d["task"]["touchpoint"] == third["id"])[2]["task"]
    assert new["previous"] == task and new["id"] != task
    events.close()


def test_the_same_mail_again_is_kept_already(house):
    t, _ = house
    mid = f"<{uuid.uuid4().hex}@x>"
    args = {"from": "again@example.org", "Message-ID": mid}
    mail = f"From: again@example.org\nTo: support@localhost\nSubject: x\nMessage-ID: {mid}\nDate: Mon, 23 Nov 2026 08:00:00 +0000\n\nhello\n"
    first, second = send(t, data=mail, **args), send(t, data="Received: from a by b; Mon, 23 Nov 2026 09:00:00 +0000\n" + mail, **args)
    assert kept(first) == kept(second) and "kept already" in second and "kept already" not in first


def test_unknown_recipients_are_refused_and_tags_are_ours(house):
    t, _ = house
    assert "550 5.1.1" in send(t, to="nobody@localhost")
    assert kept(send(t, to="support+order-17@localhost"))
    assert kept(send(t, to="SALES@localhost"))


def test_automatic_mail_makes_no_task(house):
    t, _ = house
    tp = applied(t, kept(send(t, **{"from": f"{uuid.uuid4().hex}@example.org", "Auto-Submitted": "auto-replied"})))
    assert tp["auto"] == "auto-reply"
    assert t.get(f"/v1/conversations/{tp['conversation']}").json()["task"] is None


def test_a_bounce_finds_its_message(house):
    t, sink = house
    who = f"{uuid.uuid4().hex[:8]}@example.org"
    tp = applied(t, kept(send(t, **{"from": who, "Message-ID": f"<{uuid.uuid4().hex}@x>"})))
    n = len(sink.mails)
    out = t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": "answer"}, ANNA).json()
    sink.wait(n + 1)
    mid = email.message_from_bytes(sink.mails[-1].content)["Message-ID"]
    bounce = "\n".join([
        "From: MAILER-DAEMON@mx.example.org", "To: support@localhost", "Subject: Undelivered Mail Returned to Sender",
        f"Message-ID: <{uuid.uuid4().hex}@mx>", "Date: Mon, 23 Nov 2026 08:00:00 +0000", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b", "Content-Type: text/plain", "",
        "could not be delivered", "", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.org", "",
        f"Final-Recipient: rfc822; {who}", "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 no such user", "",
        "--b", "Content-Type: text/rfc822-headers", "", f"Message-ID: {mid}", "Subject: Re: Order 1234", "", "--b--", ""])
    kept(send(t, data=bounce, **{"from": "<>"}))
    state = wait_for(lambda: (d := t.get(f"/v1/touchpoints/{out['id']}").json()["delivery"])["state"] == "failed" and d, why="failed")
    assert state["status"] == "5.1.1" and state["hard"] is True and state["recipient"] == who


def test_a_reply_cannot_carry_a_header(house):
    t, _ = house
    tp = applied(t, kept(send(t, **{"from": f"{uuid.uuid4().hex[:8]}@example.org"})))
    r = t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": "x", "subject": "a\r\nBcc: evil@example.org"}, ANNA)
    assert r.status_code == 422, r.text


def test_a_bare_line_feed_never_ends_a_mail(house):
    t, _ = house
    smuggle = (b"LHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<support@localhost>\r\nDATA\r\nSubject: one\r\n\r\nbody\n.\n"
               b"MAIL FROM:<b@example.org>\r\nRCPT TO:<support@localhost>\r\nDATA\r\nSubject: two\r\n\r\nx\r\n.\r\nQUIT\r\n")
    answers = t.raw(smuggle, t.lmtp_port).decode().split("\r\n")
    after_data = answers[[i for i, a in enumerate(answers) if a.startswith("354")][0] + 1:]
    assert len([a for a in after_data if a[:1] in ("2", "4", "5") and not a.startswith("221")]) == 1, answers


def test_an_agent_writes_first_and_the_answer_joins(house):
    t, sink = house
    who = f"{uuid.uuid4().hex[:8]}@example.org"
    contact = t.post("/v1/contacts", {"name": "Max", "identities": [f"email:{who}"]}, ANNA).json()["id"]
    again = t.post("/v1/contacts", {"name": "Max", "identities": [f"email:{who}"]}, ANNA)
    assert again.status_code == 409 and again.json()["contact"] == contact
    n = len(sink.mails)
    r = t.post(f"/v1/contacts/{contact}/messages", {"channel": "email", "to": f"email:{who}", "subject": "News", "text": "Hello"}, ANNA)
    assert r.status_code == 202, r.text
    sink.wait(n + 1)
    mail = email.message_from_bytes(sink.mails[-1].content, policy=email.policy.default)
    assert mail["Subject"] == "News" and mail["To"] == who
    tp = applied(t, kept(send(t, **{"from": who, "Message-ID": f"<{uuid.uuid4().hex}@x>", "In-Reply-To": mail["Message-ID"]})))
    assert tp["conversation"] == r.json()["conversation"] and tp["contact"] == contact


def test_a_form_is_answered_by_mail(house):
    t, sink = house
    who = f"{uuid.uuid4().hex[:8]}@example.org"
    told = t.request("POST", "/forms/contact", None, data={"email": who, "message": "Hi"}).json()
    conversation = applied(t, told["id"])["conversation"]
    n = len(sink.mails)
    assert t.post(f"/v1/conversations/{conversation}/reply", {"text": "Ho"}, ANNA).status_code == 202
    sink.wait(n + 1)
    assert sink.mails[-1].rcpt_tos == [who]


def test_a_mail_that_the_relay_defers_goes_out_later_with_the_same_id(house):
    t, sink = house
    who = f"{uuid.uuid4().hex[:8]}@example.org"
    tp = applied(t, kept(send(t, **{"from": who, "Message-ID": f"<{uuid.uuid4().hex}@x>"})))
    sink.answer, n = "451 4.3.0 later", len(sink.mails)
    out = t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": "answer"}, ANNA).json()
    wait_for(lambda: "event=outbox" in t.log.read_text() and out["id"] in t.log.read_text(), why="the first attempt")
    sink.answer = None
    sink.wait(n + 1, 40)
    assert email.message_from_bytes(sink.mails[-1].content)["Message-ID"] == out["message_id"]
    wait_for(lambda: t.get(f"/v1/touchpoints/{out['id']}").json()["delivery"]["state"] == "sent", why="sent")
    assert len(sink.mails) == n + 1
