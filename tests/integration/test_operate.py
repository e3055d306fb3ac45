"""Operating: check, reload, drain, restart, the tool, the units."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from touchline import ANNA, BUILD, OPERATOR, ROOT, Touchline, stop, wait_for


def check(t):
    return subprocess.run([str(BUILD / "touchlined"), "-c", str(t.file), "--check"], capture_output=True, text=True,
                          env={**os.environ, "TOUCHLINE_VAR": str(t.var), "ASAN_OPTIONS": "detect_leaks=0"})


def test_every_fault_of_the_file_is_told_at_its_place():
    t = Touchline(start=False)
    assert check(t).returncode == 0
    t.edit(lambda s: s.replace("then: { queue: support }", "then: { queue: suport }").replace("timeout: 120s", "timeout: soon", 1)
           .replace("region: DE", "region: DE\nregoin: DE"))
    done = check(t)
    assert done.returncode == 1
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 3 and all(re.match(re.escape(str(t.file)) + r":\d+:\d+: ", line) for line in lines), done.stderr
    assert any('did you mean "support"' in line for line in lines) and any("region" in line for line in lines)
    t.close()


def test_a_reload_swaps_all_or_keeps_the_old_one(fresh):
    t = fresh
    with socket.create_connection(("127.0.0.1", t.http_port)) as idle:
        good = t.file.read_text()
        t.file.write_text(good.replace("name: Anna", "name: Anna Neu"))
        t.process.send_signal(signal.SIGHUP)
        wait_for(lambda: t.get("/v1/me", ANNA).json()["name"] == "Anna Neu", why="the new file")
        t.file.write_text(good.replace("name: Anna", "nmae: Anna"))
        t.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "event=config.reject" in t.log.read_text(), why="told")
        assert t.get("/v1/me", ANNA).json()["name"] == "Anna Neu"
        t.file.write_text(good.replace("state: ../var", "state: ../var2"))
        t.process.send_signal(signal.SIGHUP)
        wait_for(lambda: t.log.read_text().count("event=config.reject") == 2, why="a fixed section told")
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")


def test_an_agent_who_leaves_the_file_is_shown_nothing_more(fresh):
    t = fresh
    events = t.events("dev-ben")
    events.wait("snapshot")
    text = t.file.read_text()
    begin, end = text.index("  - id: ben"), text.index("  - id: clara")
    t.file.write_text(text[:begin] + text[end:])
    t.process.send_signal(signal.SIGHUP)
    wait_for(lambda: events.closed, why="the stream's end")
    assert t.get("/v1/me", "dev-ben").status_code == 401 and t.get("/v1/me", ANNA).status_code == 200


def test_sigterm_drains_and_ends_with_0(fresh):
    t = fresh
    t.push({"id": "1", "channel": "chat", "text": "x", "from": {"email": "drain@example.org"}})
    t.process.send_signal(signal.SIGTERM)
    assert t.process.wait(15) == 0
    t.start()
    assert t.contact("email:drain@example.org")


def test_a_second_daemon_on_the_same_state_ends_with_75(fresh):
    t = fresh
    text = t.file.read_text().replace(f"127.0.0.1:{t.http_port}", "127.0.0.1:0")
    other = t.conf / "other.yml"
    other.write_text(text)
    done = subprocess.run([str(BUILD / "touchlined"), "-c", str(other)], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "TOUCHLINE_VAR": str(t.var), "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == 75, done.stderr


def test_another_secret_is_refused_with_78(fresh):
    t = fresh
    t.push({"id": "1", "channel": "chat", "text": "x", "from": {"email": "a@example.org"}})
    stop(t.process)
    (t.var / "secrets/installation").write_text("0" * 64 + "\n")
    t.start(wait=False)
    t.ends_with = (78,)
    assert t.process.wait(30) == 78, t.tail()


def test_an_embedded_redis_ends_with_its_daemon(fresh):
    t = fresh
    pid = t.redis_pid()
    t.kill(signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read().split()[2], 15, why="its end")
    t.start()


def test_metrics_need_an_operator_and_are_prometheus_text(fresh):
    t = fresh
    assert t.get("/metrics", None).status_code == 401 and t.get("/metrics", ANNA).status_code == 403
    text = t.get("/metrics").text
    assert re.search(r"^# TYPE touchline_\w+ (counter|gauge|histogram)$", text, re.M)
    assert all(re.match(r'^(#.*|touchline_\w+(\{[^}]*\})? [-+0-9.eEinfNa]+)$', line) for line in text.strip().split("\n")), text


def test_the_log_holds_no_personal_data(fresh):
    t = fresh
    t.push({"id": "1", "channel": "chat", "subject": "geheimnis", "text": "tiefes geheimnis", "from": {"name": "Xaver Unikat", "email": "xaver.unikat@example.org"}})
    t.request("POST", "/forms/contact", None, data={"email": "xaver.unikat@example.org", "message": "geheimnis\nevent=forged"})
    t.get("/v1/contacts?identity=email:xaver.unikat@example.org")
    text = t.log.read_text().lower()
    assert "unikat" not in text and "geheimnis" not in text and "event=forged" not in text


def tool(t, *args, token=OPERATOR):
    return subprocess.run([str(BUILD / "touchline"), *args], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "TOUCHLINE_URL": t.url, "TOUCHLINE_TOKEN": token, "ASAN_OPTIONS": "detect_leaks=0"})


def test_the_tool_does_what_the_interface_can(fresh):
    t = fresh
    told = t.push({"id": "cli-1", "channel": "chat", "text": "hello", "from": {"name": "Jana", "email": "jana@example.org"}}).json()
    for args in (["status"], ["contact", "email:jana@example.org"], ["timeline", told["contact"]], ["task"], ["agent"], ["queue"],
                 ["quarantine"], ["trace", told["id"]], ["export", told["contact"]]):
        done = tool(t, *args)
        assert done.returncode == 0 and done.stdout, (args, done.stderr)
        assert tool(t, args[0], "--help").returncode == 0
        done = tool(t, "--json", *args) if args[0] == "x" else tool(t, *args, "--json")
        assert done.returncode == 0 and done.stdout.strip()[0] in "{[", (args, done.stdout, done.stderr)
    assert "hello" in tool(t, "timeline", told["contact"]).stdout
    assert tool(t, "contact", "email:nobody@example.org").returncode == 1
    assert tool(t, "queue", "pause", "support", "--reason", "moving house").returncode == 0
    assert tool(t, "queue", "resume", "support").returncode == 0
    assert tool(t, "agent", "away", "anna").returncode == 2 and tool(t, "agent", "away", "anna", "--reason", "ill").returncode == 0
    audit = tool(t, "audit").stdout
    assert all(word in audit for word in ("queue.pause", "moving house", "presence.away")), audit
    assert tool(t, "task", "transfer", told["task"], "--to-queue", "callbacks", "--reason", "ring back").returncode == 0
    assert tool(t, "nonsense").returncode == 2
    stop(t.process)
    assert tool(t, "status").returncode == 3


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_verifies_and_its_exposure_is_small(tmp_path):
    unit = (ROOT / "systemd/touchlined.service").read_text()
    for name in ("touchlined",):
        unit = re.sub(r"/usr/sbin/touchlined", "/bin/true", unit)
    copy = tmp_path / "touchlined.service"
    copy.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=12", str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def tool_as(t, token, *args):
    return subprocess.run([str(BUILD / "touchline"), *args], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "TOUCHLINE_URL": t.url, "TOUCHLINE_TOKEN": token, "ASAN_OPTIONS": "detect_leaks=0", "TZ": "Europe/Berlin"})


def test_a_letter_a_fax_and_a_visit_are_entered_by_hand(fresh, tmp_path):
    t = fresh
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4 a letter")
    letter = ("send", "--channel", "letter", "--from", "crm:4711", "--from-name", "Jana Weiß", "--at", "2025-11-20", "--subject", "Cancellation",
              "--text", "as scanned", "--attach", str(scan), "--id", "letter-17")
    done = tool_as(t, OPERATOR, *letter)
    assert done.returncode == 0 and "touchpoint" in done.stdout, done.stderr
    again = tool_as(t, OPERATOR, *letter)
    assert again.returncode == 0 and "known already" in again.stdout
    fax = tool_as(t, "dev-adapter", "send", "--channel", "fax", "--from", "phone:+4930123456", "--text", "two pages", "--at", "2025-11-21 14:30")
    visit = tool_as(t, OPERATOR, "send", "--channel", "visit", "--from", "crm:4711", "--text", "asked at the counter")
    assert fax.returncode == 0 and visit.returncode == 0, fax.stderr + visit.stderr
    person = t.contact("crm:4711")
    items = {i["channel"]: i for i in t.timeline(person["id"])}
    assert person["name"] == "Jana Weiß" and set(items) == {"letter", "visit"}
    assert items["letter"]["at"] == "2025-11-20T11:00:00.000Z" and items["letter"]["kind"] == "message" and items["visit"]["kind"] == "visit"
    url = items["letter"]["attachments"][0]["url"]
    assert items["letter"]["attachments"][0]["type"] == "application/pdf"
    assert wait_for(lambda: (r := t.get(url)).status_code == 200 and r, why="the scan").content == b"%PDF-1.4 a letter"
    assert t.timeline(t.contact("phone:+4930123456")["id"])[0]["at"] == "2025-11-21T13:30:00.000Z"
    nobody = tool_as(t, OPERATOR, "send", "--channel", "letter", "--from-name", "Jana", "--text", "x")
    assert nobody.returncode == 2 and "--from" in nobody.stderr
    assert tool_as(t, ANNA, *letter).returncode == 1  # an agent answers; he does not push
