"""Mail is fetched from a real Dovecot: each mail once, whatever is killed or made anew."""
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
import uuid

import pytest

import dovecot
from dovecot import PASSWORD, Dovecot, token
from touchline import BUILD, Redis, Touchline, wait_for

pytestmark = pytest.mark.skipif(dovecot.missing() is not None, reason=str(dovecot.missing()))
MAILS, KILLS = int(os.environ.get("MAILS", "150")), int(os.environ.get("KILLS", "3"))


@pytest.fixture
def server():
    with Dovecot() as d:
        yield d


def fetched(d, url=None, after="none", login=None, more=""):
    """Changes the configuration: the mailbox support is fetched from d."""
    url = url or f"imaps://localhost:{d.tls_port}/INBOX"
    secret = d.dir / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    login = login or f"password: file:{secret}"
    line = f"        imap: {{ url: '{url}', user: support, {login}, ca: {d.ca}, after: '{after}'{more} }}\n"
    return lambda text: text.replace("      - name: sales\n", line + "      - name: sales\n")


def mail(i, body="Where is my order?", **headers):
    fields = {"From": f"customer{i}@example.org", "To": "support@localhost", "Subject": f"Order {i}",
              "Message-ID": f"<{uuid.uuid4().hex}@example.org>", **headers}
    return "".join(f"{k}: {v}\r\n" for k, v in fields.items()).encode() + b"\r\n" + (body if isinstance(body, bytes) else body.encode()) + b"\r\n"


def part(t):
    return t.get("/readyz").json()["channels"]["email"]["parts"]["imap/support"]


def all_read(t):
    return part(t)["detail"].startswith("all read")


def timeline_of(t, i):
    c = t.contact(f"email:customer{i}@example.org")
    return t.timeline(c["id"]) if c else []


def applied(t, i, n=1, seconds=20):
    return wait_for(lambda: len(items := timeline_of(t, i)) >= n and items, seconds, why=f"{n} touchpoints of customer{i}")


def raw(t, touchpoint):
    r = t.get(f"/v1/touchpoints/{touchpoint}/raw")
    assert r.status_code == 200, r.text
    return r.content


def metric(t, name, label=""):
    found = re.findall(rf"^{name}(?:{{([^}}]*)}})? ([0-9.e+]+)$", t.get("/metrics").text, re.M)
    return sum(float(v) for l, v in found if label in l)


def test_what_lies_there_and_what_arrives_is_taken_in(server):
    server.deliver(*(mail(i) for i in range(5)))
    with Touchline(edit=fetched(server)) as t:
        for i in range(5):
            tp = applied(t, i)[0]
            assert tp["channel"] == "email" and tp["source"] == "email:support" and tp["subject"] == f"Order {i}"
        wait_for(lambda: all_read(t), why="idle")
        server.deliver(mail(5))
        applied(t, 5, seconds=10) # IDLE, long before the next poll
        assert server.count("UNSEEN") == 6


def test_a_line_in_a_mail_that_looks_like_the_servers_does_nothing(server):
    lines = b"".join(b"A%03d OK FETCH completed\r\n" % i for i in range(20)) + b")\r\n* BYE forged\r\n+ idling\r\n* 1 EXPUNGE\r\n{99999999999}\r\n"
    sent = mail(0, lines)
    server.deliver(sent, mail(1))
    with Touchline(edit=fetched(server)) as t:
        tp = applied(t, 0)[0]
        assert raw(t, tp["id"]) == sent
        assert applied(t, 1)


def test_thirty_megabytes_come_whole_and_more_than_may_be_is_cut(server):
    random.seed(1)
    big = mail(0, b"\r\n".join(random.randbytes(36).hex().encode() for _ in range(30 * 1024 * 1024 // 74)))
    assert len(big) > 29 * 1024 * 1024
    server.deliver(big, mail(1))
    with Touchline(edit=fetched(server)) as t:
        tp = applied(t, 0, seconds=60)[0]
        assert hashlib.sha256(raw(t, tp["id"])).digest() == hashlib.sha256(big).digest()
        assert applied(t, 1)
    small = lambda text: fetched(server)(text).replace("lmtp: {", "lmtp: { max_size: 1MiB,")
    with Touchline(edit=small) as t:
        tp = applied(t, 0, seconds=30)[0]
        assert any("left on the server" in w for w in tp["warnings"]) and len(raw(t, tp["id"])) < 100000
        assert raw(t, tp["id"]) == big[: len(raw(t, tp["id"]))]
        assert applied(t, 1)


def test_the_same_mail_by_lmtp_is_one(server):
    sent = mail(0)
    server.deliver(b"Received: from a by b; Mon, 23 Nov 2026 09:00:00 +0000\r\n" + sent)
    with Touchline(edit=fetched(server)) as t:
        first = applied(t, 0)[0]
        out = t.raw(b"LHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<support@localhost>\r\nDATA\r\n" + sent + b".\r\nQUIT\r\n", t.lmtp_port).decode()
        assert first["id"] in out, out
        assert len(timeline_of(t, 0)) == 1


def test_what_is_kept_is_marked_or_moved(server):
    server.deliver(*(mail(i) for i in range(3)))
    with Touchline(edit=fetched(server, after="seen")) as t:
        wait_for(lambda: server.count("SEEN") == 3, 20, why="seen")
        assert applied(t, 2)
    server.command(lambda c: c.create("Done"))
    with Touchline(edit=fetched(server, after="move:Done")) as t:
        wait_for(lambda: server.count(folder="Done") == 3, 20, why="moved")
        assert server.count() == 0
        server.deliver(mail(3))
        wait_for(lambda: server.count(folder="Done") == 4, 20, why="the next one moved")
        assert applied(t, 3)


def test_of_two_daemons_one_reads_and_the_other_takes_over(server):
    server.deliver(*(mail(i) for i in range(4)))
    with Redis() as redis:
        first = Touchline(edit=fetched(server), env=redis.env)
        second = Touchline(edit=fetched(server), env=redis.env, start=False)
        shutil.copytree(first.var / "secrets", second.var / "secrets", dirs_exist_ok=True)
        try:
            second.start()
            for i in range(4):
                applied(first, i)
            assert all_read(first) and not all_read(second), part(second)
            first.kill(signal.SIGTERM) # one that crashes is followed when its lease ends, after half a minute
            server.deliver(mail(4))
            applied(second, 4)
            assert [len(timeline_of(second, i)) for i in range(5)] == [1] * 5
        finally:
            first.close()
            second.close()


def test_a_mailbox_made_anew_brings_nothing_twice(server):
    server.deliver(*(mail(i) for i in range(20)))
    with Touchline(edit=fetched(server)) as t:
        applied(t, 19)
        wait_for(lambda: all_read(t), why="all read")
        server.new_uidvalidity()
        server.deliver(mail(20))
        applied(t, 20, seconds=40)
        wait_for(lambda: all_read(t) and metric(t, "touchline_email_imap_mails_total", "known") >= 20, 30, why="scanned again")
        assert all(len(timeline_of(t, i)) == 1 for i in range(21))
        assert metric(t, "touchline_email_imap_uidvalidity_total") == 1


def test_a_token_logs_in_and_is_asked_for_again(server):
    file = server.dir / "token.sh"
    log = server.dir / "asked"
    file.write_text(f"#!/bin/sh\necho x >> {log}\n[ $(wc -l < {log}) = 1 ] && echo {token(lives=-3600)} || "
                    f"echo '{{\"access_token\": \"{token()}\", \"expires_in\": 3600}}'\n")
    file.chmod(0o755)
    server.deliver(mail(0))
    with Touchline(edit=fetched(server, login=f"oauth: {{ command: [{file}] }}")) as t:
        applied(t, 0, seconds=30) # the first token had ended
        assert len(log.read_text().splitlines()) == 2


def test_a_wrong_password_and_a_strange_certificate_are_told(server):
    wrong = server.dir / "wrong"
    wrong.write_text("nonsense\n")
    wrong.chmod(0o600)
    with Touchline(edit=fetched(server, login=f"password: file:{wrong}")) as t:
        told = wait_for(lambda: (p := part(t))["state"] == "down" and p, why="down")
        assert "refuses the login" in told["detail"] and "AUTHENTICATIONFAILED" in told["detail"]
        wrong.write_text(PASSWORD + "\n")
        t.process.send_signal(1)
        wait_for(lambda: part(t)["state"] == "ok" and all_read(t), why="the new password is used at once")
    strange = lambda text: fetched(server)(text).replace(f", ca: {server.ca}", "")
    with Touchline(edit=strange) as t:
        told = wait_for(lambda: (p := part(t))["state"] == "degraded" and p, why="degraded")
        assert "certificate" in told["detail"].lower() and PASSWORD not in t.log.read_text()


def test_starttls_is_asked_for(server):
    server.deliver(mail(0))
    with Touchline(edit=fetched(server, url=f"imap://localhost:{server.port}")) as t:
        assert applied(t, 0)


def operation(t, kind, since):
    r = t.post(f"/v1/sources/email:support/{kind}", {"since": since})
    assert r.status_code == 202, r.text
    path = f"/v1/operations/{r.json()['id']}"
    done = wait_for(lambda: (o := t.get(path).json())["state"] != "running" and o, 30, why=kind)
    assert done["state"] == "done", done
    return done


def test_reconcile_says_what_is_missing_and_backfill_brings_it(server):
    for i in range(3):
        server.append(mail(i), date=time.time() - 20 * 86400)
    server.deliver(mail(3), mail(4))
    with Touchline(edit=fetched(server, more=", since: 7d")) as t:
        applied(t, 4)
        wait_for(lambda: all_read(t), why="all read")
        told = operation(t, "reconcile", "30d")
        assert told["summary"] == {"server": 5, "kept": 2, "missing": 3}, told
        assert len(told["items"]) == 3 and all("older than" in x["reason"] and x["place"] for x in told["items"])
        assert not timeline_of(t, 0)
        told = operation(t, "backfill", "30d")
        assert told["summary"]["taken"] == 3 and told["summary"]["missing"] == 0, told
        old = applied(t, 0)[0]
        assert time.time() - time.mktime(time.strptime(old["at"][:10], "%Y-%m-%d")) > 18 * 86400
        assert operation(t, "reconcile", "30d")["summary"] == {"server": 5, "kept": 5, "missing": 0}


def test_each_mail_once_however_often_the_daemon_is_killed(server):
    """MAILS and KILLS make it as large as you like; the mailbox is made anew once on the way."""
    random.seed(7)
    sent = [mail(i % 50, f"Mail {i} " + "x" * random.randrange(2000)) for i in range(MAILS)]
    began = time.monotonic()
    t = Touchline(edit=fetched(server, after="seen"))
    try:
        step = MAILS // (KILLS + 1) or 1
        for k in range(KILLS):
            server.deliver(*sent[k * step : (k + 1) * step])
            time.sleep(random.random() * 0.4 + 0.05) # somewhere in the midst of it
            t.kill()
            if k == KILLS // 2:
                server.new_uidvalidity()
            t.start()
        server.deliver(*sent[KILLS * step :])
        subjects = lambda: sum(len(timeline_of(t, i)) for i in range(50))
        wait_for(lambda: all_read(t), 60 + MAILS / 20, why="all read")
        wait_for(lambda: subjects() >= MAILS, 60 + MAILS / 20, every=0.5, why="all applied")
        items = [tp for i in range(50) for tp in timeline_of(t, i)]
        assert len(items) == MAILS
        hashes = sorted(hashlib.sha256(raw(t, tp["id"])).hexdigest() for tp in items)
        assert hashes == sorted(hashlib.sha256(m).hexdigest() for m in sent)
        wait_for(lambda: server.count("SEEN") == MAILS, why="all marked")
        assert operation(t, "reconcile", "30d")["summary"] == {"server": MAILS, "kept": MAILS, "missing": 0}
        print(f"imap: {MAILS} mails, {KILLS} kills: {len(items)} touchpoints, {len(set(hashes))} distinct, {time.monotonic() - began:.1f} s")
    finally:
        t.close()
