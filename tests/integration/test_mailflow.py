"""What becomes of mail that programs write, and of what we write by ourselves."""
import email
import email.policy
import re
import uuid

import pytest

from test_mail import applied, kept, send
from touchline import ANNA, Sink, Touchline, wait_for


def settings(text):
    more = ("    trusted_servers: [mx.example.org]\n"
            "    acknowledge: { mailbox: support, text: ack.txt, once_per: 24h }\n")
    text = text.replace("    relay:", more + "    relay:", 1)
    return text.replace("limits: {", "limits: { correspondent: 5/1h,", 1)


@pytest.fixture(scope="module")
def house():
    t = Touchline(edit=settings, start=False)
    (t.conf / "ack.txt").write_text("Subject: Thank you\n\nWe have your message and answer within a day.\n")
    with t.start():
        sink = Sink(t.smtp_port)
        yield t, sink
        sink.close()


def address():
    return f"{uuid.uuid4().hex[:10]}@example.org"


def mail(who, body="Hello", subject="Question", **fields):
    lines = [f"From: {who}", "To: support@localhost", f"Subject: {subject}", f"Message-ID: <{uuid.uuid4().hex}@x>"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\n".join(lines) + f"\n\n{body}\n"


def deliver(t, who, sender=None, **more):
    return applied(t, kept(send(t, data=mail(who, **more), **{"from": who if sender is None else sender})))


def sent_to(sink, who):
    return [m for m in sink.mails if who in m.rcpt_tos]


def test_who_begins_is_told_once_that_it_came(house):
    t, sink = house
    who = address()
    tp = deliver(t, who, subject="Evil <b>words</b>")
    wait_for(lambda: sent_to(sink, who), 20, why="the acknowledgement")
    envelope = sent_to(sink, who)[0]
    told = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert envelope.mail_from in ("", "<>", None)
    assert told["Auto-Submitted"] == "auto-replied" and told["X-Auto-Response-Suppress"] == "All" and told["X-Touchline-Loop"]
    assert told["Subject"] == "Thank you" and told["In-Reply-To"] == tp["message_id"]
    assert "within a day" in told.get_body().get_content() and "Evil" not in envelope.content.decode()
    page = t.get(f"/v1/conversations/{tp['conversation']}").json()
    assert page["status"] == "open" and page["task"], "an acknowledgement is no answer"
    assert [(p["direction"], p["auto"]) for p in page["touchpoints"]["items"]] == [("outbound", "auto-reply"), ("inbound", None)]
    second = deliver(t, who, subject="Another")
    assert second["conversation"] != tp["conversation"]
    third = address()
    deliver(t, third)
    wait_for(lambda: sent_to(sink, third), 20, why="the acknowledgement of somebody else")
    assert len(sent_to(sink, who)) == 1


@pytest.mark.parametrize("fields", [
    {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated (by cron)"}, {"Precedence": "bulk"}, {"List_Id": "<l.example.org>"},
    {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"}, {"X_Autoreply": "yes"}])
def test_no_program_is_told(house, fields):
    t, sink = house
    who, after = address(), address()
    tp = deliver(t, who, **fields)
    if "X_Auto_Response_Suppress" not in fields:
        assert tp["auto"] and t.get(f"/v1/conversations/{tp['conversation']}").json()["task"] is None
    deliver(t, after)
    wait_for(lambda: sent_to(sink, after), 20, why="the acknowledgement of a person")
    assert not sent_to(sink, who)


def test_two_programs_that_answer_each_other_come_to_an_end(house):
    t, sink = house
    who = address()
    tp = deliver(t, who)
    wait_for(lambda: sent_to(sink, who), 20, why="the acknowledgement")
    ours = email.message_from_bytes(sent_to(sink, who)[0].content)
    answer = deliver(t, who, sender="<>", subject="Re: Thank you", In_Reply_To=ours["Message-ID"], body="I am away.")
    assert answer["auto"] and answer["conversation"] == tp["conversation"]
    naive = deliver(t, who, subject="Re: Thank you", body="I am away, and my program is old.")
    assert naive["auto"] is None
    assert "554 5.4.6" in send(t, data=mail(who, X_Touchline_Loop=ours["X-Touchline-Loop"]), **{"from": who})
    for i in range(6):
        last = deliver(t, who, subject=f"away {i}")
    assert "flood" in last["tags"] and t.get(f"/v1/conversations/{last['conversation']}").json()["task"] is None
    assert len(sent_to(sink, who)) == 1
    assert re.search(r"touchline_correspondent_flood_total [1-9]", t.get("/metrics").text)


def bounce_of(mid, who, status="5.1.1", code="550", words="no such user"):
    return "\n".join([
        "From: MAILER-DAEMON@mx.example.org", "To: support@localhost", "Subject: Undelivered Mail Returned to Sender",
        f"Message-ID: <{uuid.uuid4().hex}@mx>", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b", "Content-Type: text/plain", "",
        "could not be delivered", "", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.org", "",
        f"Final-Recipient: rfc822; {who}", "Action: failed", f"Status: {status}", f"Diagnostic-Code: smtp; {code} {status} {words}", "",
        "--b", "Content-Type: text/rfc822-headers", "", f"Message-ID: {mid}", "Subject: Re: Order 1234", "", "--b--", ""])


def reply(t, sink, who):
    tp = deliver(t, who)
    out = t.post(f"/v1/conversations/{tp['conversation']}/reply", {"text": "answer"}, ANNA).json()
    wait_for(lambda: any(b"answer" in m.content for m in sent_to(sink, who)), 20, why="the reply")
    return tp, out


def test_a_hard_bounce_joins_its_message_and_marks_the_address(house):
    t, sink = house
    who = address()
    tp, out = reply(t, sink, who)
    report = applied(t, kept(send(t, data=bounce_of(out["message_id"], who), **{"from": "<>"})))
    assert report["auto"] == "bounce" and report["conversation"] == tp["conversation"] and report["contact"] == tp["contact"]
    assert t.get(f"/v1/touchpoints/{out['id']}").json()["delivery"]["state"] == "failed"
    identity = wait_for(lambda: next((i for i in t.contact(f"email:{who}")["identities"] if "undeliverable" in i), None), why="the mark")
    assert identity["undeliverable"]["state"] == "bounced" and identity["undeliverable"]["status"] == "5.1.1"
    deliver(t, who, subject="I am here again")
    wait_for(lambda: not any("undeliverable" in i for i in t.contact(f"email:{who}")["identities"]), why="the mark is gone")


def test_a_soft_bounce_marks_nothing_and_a_strangers_neither(house):
    t, sink = house
    who = address()
    _, out = reply(t, sink, who)
    soft = applied(t, kept(send(t, data=bounce_of(out["message_id"], who, "5.2.2", "552", "mailbox full"), **{"from": "<>"})))
    assert soft["delivery"]["hard"] is False
    forged = applied(t, kept(send(t, data=bounce_of("<made.up@localhost>", who), **{"from": "<>"})))
    assert forged["delivery"]["hard"] is True
    assert not any("undeliverable" in i for i in t.contact(f"email:{who}")["identities"])


def test_a_trusted_server_verifies_the_sender(house):
    t, _ = house
    who, forged = address(), address()
    good = deliver(t, who, Authentication_Results="mx.example.org; spf=pass smtp.mailfrom=example.org; dmarc=pass (p=none) header.from=example.org")
    assert good["from"]["verified"] is True
    identity = t.contact(f"email:{who}")["identities"][0]
    assert identity["status"] == "verified" and identity["evidence"] == "dmarc"
    text = mail(forged, Authentication_Results="mx.other.org; dmarc=fail header.from=example.org").replace(
        "\n\n", "\nAuthentication-Results: mx.example.org; dmarc=pass header.from=example.org\n\n", 1)
    assert applied(t, kept(send(t, data=text, **{"from": forged})))["from"]["verified"] is False


def test_a_complaint_marks_the_address_and_stays(house):
    t, sink = house
    who = address()
    tp, out = reply(t, sink, who)
    arf = "\n".join([
        "From: abuse@mx.example.org", "To: support@localhost", "Subject: complaint", f"Message-ID: <{uuid.uuid4().hex}@mx>", "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"', "", "--b", "Content-Type: text/plain", "", "abuse", "",
        "--b", "Content-Type: message/feedback-report", "", "Feedback-Type: abuse", "User-Agent: x/1", "Version: 1",
        f"Original-Rcpt-To: <{who}>", "", "--b", "Content-Type: message/rfc822", "", f"Message-ID: {out['message_id']}", f"To: {who}",
        "Subject: Re: x", "", "answer", "--b--", ""])
    report = applied(t, kept(send(t, data=arf, **{"from": "<>"})))
    assert report["auto"] == "feedback" and report["contact"] == tp["contact"], report
    wait_for(lambda: any(i.get("undeliverable", {}).get("state") == "complained" for i in t.contact(f"email:{who}")["identities"]), why="the mark")


def test_a_subject_joins_one_persons_mail_and_nobody_elses(house):
    t, _ = house
    who, subject = address(), f"Order {uuid.uuid4().hex[:8]}"
    first = deliver(t, who, subject=subject)
    assert deliver(t, who, subject="AW: [ext] Re: " + subject)["conversation"] == first["conversation"]
    assert deliver(t, address(), subject="Re: " + subject)["conversation"] != first["conversation"]
    assert deliver(t, who, subject=subject)["conversation"] != first["conversation"]
    stranger = deliver(t, address(), subject="Re: " + subject, In_Reply_To=first["message_id"])
    assert stranger["conversation"] != first["conversation"] and stranger["data"]["related"] == first["conversation"]
