"""What is to be masked reaches no disk: not the spool, not the blobs, not Redis, by whichever way it comes."""
import base64
import json
import smtplib
import time

from touchline import Touchline, wait_for

CARD, IBAN, OWN = "4111 1111 1111 1111", "DE89370400440532013000", "KD-20261123"
PLAIN = CARD.replace(" ", "")
SECRETS = [s.encode() for s in (CARD, PLAIN, IBAN, OWN)]
SECRETS += [base64.b64encode(s)[:-4] for s in SECRETS]
EXE = b"MZ-not-to-be-kept-" * 40
RULES = """
mask:
  - { channels: all, find: card, with: mask }
  - { channels: all, find: iban, with: hash }
  - { channels: all, find: { matches: "KD-[0-9]{8}" }, with: drop }
  - { channels: [email], attachments: [application/x-msdownload], with: drop }
"""


def masked(text):
    return text + RULES


def leaks(t):
    """Files of the state (the log too) in which a secret stands."""
    found = []
    for path in [*t.var.rglob("*"), t.log]:
        if path.is_file() and "secrets" not in path.parts and path.name != "Master.csv":
            data = path.read_bytes()
            found += [(str(path), s) for s in [*SECRETS, EXE, base64.b64encode(EXE)[:60]] if s in data]
    return found


def settled(t):
    wait_for(lambda: t.get("/readyz", None).json()["spool"]["pending"] == 0, why="all applied")


def texts(t, identity):
    contact = wait_for(lambda: t.contact(identity), why=identity)
    return [i for i in t.timeline(contact["id"])]


def deliver(t, number, body, sender="jana@example.org"):
    lmtp = smtplib.LMTP("127.0.0.1", t.lmtp_port)
    mail = (f"From: Jana <{sender}>\r\nTo: support@localhost\r\nSubject: card {CARD}\r\nMessage-ID: <m{number}@example.org>\r\n"
            "Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n" + body)
    answer = lmtp.docmd("LHLO", "test")
    assert answer[0] == 250
    refused = lmtp.sendmail(sender, ["support@localhost"], mail.encode())
    lmtp.quit()
    return refused


def mail_body():
    part = base64.b64encode(f"my card is {CARD}, my number {OWN}".encode()).decode()
    exe = base64.b64encode(EXE).decode()
    return ('Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
            f"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{part}\r\n"
            f"--b\r\nContent-Type: application/x-msdownload; name=a.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n{exe}\r\n"
            f"--b\r\nContent-Type: text/csv; name=b.csv\r\nContent-Transfer-Encoding: base64\r\n\r\n{part}\r\n--b--\r\n")


def telegram(t, update, text):
    body = {"update_id": update, "message": {"message_id": update, "date": int(time.time()), "chat": {"id": 77, "type": "private"},
                                             "from": {"id": 77, "first_name": "Jana"}, "text": text}}
    secret = (t.var / "secrets/dev-secret").read_text().strip()
    return t.request("POST", "/hooks/telegram", None, data=json.dumps(body),
                     headers={"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret})


def test_nothing_to_be_masked_is_found_on_the_disk_by_whichever_way_it_came():
    with Touchline(edit=masked) as t:
        say = f"card {CARD} or {PLAIN}, iban {IBAN}, mine {OWN}"
        push = {"id": "1", "channel": "chat", "text": say, "from": {"email": "push@example.org", "name": f"P {OWN}"}, "data": {"n": int(PLAIN)},
                "attachments": [{"name": "a.txt", "type": "text/plain", "data": base64.b64encode(say.encode()).decode()}]}
        assert t.push(push).status_code == 201
        assert t.push(push).status_code == 200  # known again: its id comes of what it was
        assert t.push({**push, "text": "another"}).status_code == 422
        form = {"email": "form@example.org", "message": say, "name": f"F {OWN}"}
        assert t.request("POST", "/forms/contact", None, data=form).status_code < 400
        assert not deliver(t, 1, mail_body())
        assert not deliver(t, 1, mail_body())  # once more: known
        assert telegram(t, 1001, say).status_code == 200
        assert telegram(t, 1001, say).status_code == 200
        with open(t.var / "log/Master.csv", "a") as log:
            log.write(f'"","+493012345678","100","default","""Jana {OWN}"" <+493012345678>","SIP/a-1","SIP/b-1","Dial","x","2026-11-23 08:00:00",'
                      f'"2026-11-23 08:00:05","2026-11-23 08:01:00",60,55,"ANSWERED","DOCUMENTATION","1764000000.1","{say}"\n')
        wait_for(lambda: t.contact("phone:+493012345678"), why="the call")
        settled(t)
        one = texts(t, "email:push@example.org")
        assert len(one) == 1 and one[0]["text"].startswith("card **** **** **** 1111 or ************1111, iban [iban ")
        assert one[0]["data"]["n"] == "************1111" and one[0]["from"]["name"] == "P "
        assert "1111" in texts(t, "email:form@example.org")[0]["text"]
        mails = texts(t, "email:jana@example.org")
        assert len(mails) == 1 and "card is **** **** **** 1111" in mails[0]["text"] and mails[0]["subject"] == "card **** **** **** 1111"
        kept = {a["name"]: a for a in mails[0]["attachments"]}
        assert kept["a.exe"]["url"] is None and kept["a.exe"]["masked"] and kept["b.csv"]["url"]
        csv = wait_for(lambda: (r := t.get(kept["b.csv"]["url"])).status_code == 200 and r, why="the attachment")
        assert csv.content == b"my card is **** **** **** 1111, my number "
        assert t.get(f"/v1/touchpoints/{mails[0]['id']}/raw").status_code in (200, 410)
        assert PLAIN not in t.get(f"/v1/touchpoints/{mails[0]['id']}/raw").text
        social = texts(t, "telegram:77")
        assert len(social) == 1 and "************1111" in social[0]["text"]
        metrics = t.get("/metrics").text
        assert 'touchline_masked_total{rule="card email"}' in metrics and 'rule="pattern 3 form"' in metrics
        t.redis().bgrewriteaof()
        wait_for(lambda: not t.redis().info("persistence")["aof_rewrite_in_progress"], why="the AOF rewritten")
        assert leaks(t) == []
        t.restart()
        settled(t)
        assert t.push(push).status_code == 200 and leaks(t) == []


def test_what_cannot_be_read_is_kept_masked_in_quarantine_and_without_rules_nothing_changes():
    with Touchline(edit=masked) as t:
        secret = (t.var / "secrets/dev-secret").read_text().strip()
        r = t.request("POST", "/hooks/telegram", None, data=f'{{"update_id": 5, "message": {{"text": "{PLAIN}", ',
                      headers={"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret})
        assert r.status_code in (200, 400), r.text
        bad = {"update_id": 6, "message": {"message_id": 6, "text": CARD}}
        t.request("POST", "/hooks/telegram", None, data=json.dumps(bad),
                  headers={"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret})
        settled(t)
        assert leaks(t) == []
    with Touchline() as t:
        assert t.push({"id": "1", "channel": "chat", "text": CARD, "from": {"email": "a@example.org"}}).status_code == 201
        assert texts(t, "email:a@example.org")[0]["text"] == CARD
        settled(t)
        assert leaks(t)  # the search above can find


def test_wrong_rules_are_told_before_they_are_in_force():
    t = Touchline(start=False, edit=lambda s: s + "\nmask:\n  - { find: cards }\n")
    import subprocess
    import os
    from touchline import BUILD
    done = subprocess.run([str(BUILD / "touchlined"), "-c", str(t.file), "--check"], capture_output=True, text=True,
                          env={**os.environ, "TOUCHLINE_VAR": str(t.var), "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 1 and "card, iban" in done.stderr
    t.close()
