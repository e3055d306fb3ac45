"""Calls: real ones by sipp through Kamailio with the log rotated between them, and Asterisk's records.

CALLS=1000 RATE=20 makes a load of the test of eight outcomes."""
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time
import uuid

import pytest

from touchline import free_port, stop, wait_for

HERE = pathlib.Path(__file__).parent / "sip"
NEEDED = [p for p in ("kamailio", "sipp") if not shutil.which(p)]

HEAD = """{method} {uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}
From: <sip:{caller}@pstn.example.net>;tag=[pid]x[call_number]
To: <sip:[service]@contact.example.org>{tag}
Call-ID: [call_id]
CSeq: {cseq}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
{more}Content-Length: 0

"""


# What is called, how that ends, what the caller is told.
OUTCOMES = {"00": ("answered", 200), "01": ("busy", 486), "02": ("abandoned", 487), "03": ("voicemail", 200), "04": ("no-answer", 408),
            "05": ("rejected", 603), "06": ("failed", 404), "07": ("unavailable", 480)}

INVITE_BRANCH = "z9hG4bK-[pid]-i-[call_number]" # of the INVITE, its CANCEL and the ACK of its failure


def request(method, caller, cseq, branch="[branch]", tag="", more=""):
    uri = "[next_url]" if more else "sip:[service]@[remote_ip]:[remote_port]"
    return "<send><![CDATA[\n\n" + HEAD.format(method=method, uri=uri, caller=caller, cseq=cseq, branch=branch, tag=tag, more=more) + "]]></send>\n"


def uac(caller, outcome):
    """A caller's scenario: talks for a while, gives up while it rings, or is told no."""
    invite = request("INVITE", caller, "1 INVITE", branch=INVITE_BRANCH).replace("<send>", '<send retrans="500">')
    steps = [invite, '<recv response="100" optional="true"/>', '<recv response="180" optional="true"/>']
    if outcome in ("answered", "voicemail"):
        steps += ['<recv response="200" rrs="true"/>',
                  request("ACK", caller, "1 ACK", tag="[peer_tag_param]", more="[routes]\n"), '<pause milliseconds="1000"/>',
                  request("BYE", caller, "2 BYE", tag="[peer_tag_param]", more="[routes]\n").replace("<send>", '<send retrans="500">'),
                  '<recv response="200"/>']
    elif outcome == "abandoned":
        steps[2] = '<recv response="180"/>'
        steps += ['<pause milliseconds="500"/>', request("CANCEL", caller, "1 CANCEL", branch=INVITE_BRANCH).replace("<send>", '<send retrans="500">'),
                  '<recv response="200"/>', '<recv response="487"/>', request("ACK", caller, "1 ACK", branch=INVITE_BRANCH, tag="[peer_tag_param]")]
    else:
        code = dict(OUTCOMES.values())[outcome]
        steps += [f'<recv response="{code}"/>', request("ACK", caller, "1 ACK", branch=INVITE_BRANCH, tag="[peer_tag_param]")]
    return '<?xml version="1.0"?>\n<scenario name="caller">\n' + "\n".join(steps) + "\n</scenario>\n"


def answer(code, text):
    return (f"<send><![CDATA[\n\nSIP/2.0 {code} {text}\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]u[call_number]\n[last_Call-ID:]\n"
            "[last_CSeq:]\n[last_Record-Route:]\nContact: <sip:agent@[local_ip]:[local_port]>\nContent-Length: 0\n\n]]></send>\n")


def uas(outcome):
    plain = answer(200, "OK").replace(";tag=[pid]u[call_number]", "")
    steps = ['<recv request="INVITE"/>', answer(180, "Ringing")]
    if outcome == "answered":
        steps += [answer(200, "OK"), '<recv request="ACK"/>', '<recv request="BYE"/>', plain]
    elif outcome == "abandoned":
        steps += ['<recv request="CANCEL"/>', plain, answer(487, "Request Terminated").replace("[last_CSeq:]", "CSeq: 1 INVITE"), '<recv request="ACK"/>']
    else:
        steps = [steps[0], answer(*{"busy": (486, "Busy Here"), "rejected": (603, "Decline"), "unavailable": (480, "Temporarily Unavailable")}[outcome]),
                 '<recv request="ACK"/>']
    return '<?xml version="1.0"?>\n<scenario name="agent">\n' + "\n".join(steps) + "\n</scenario>\n"


class Switch:
    """Kamailio and five phones; its lines go to the log that is followed, which rotate() renames."""

    def __init__(self, t):
        self.t, self.log, self.port, self.processes = t, t.var / "log/kamailio.log", free_port(), []
        ports = {name: free_port() for name in ("answered", "busy", "abandoned", "rejected", "unavailable")}
        text = (HERE / "kamailio.cfg").read_text().replace("%PORT%", str(self.port))
        for name, port in ports.items():
            text = text.replace(f"%UAS_{name.upper()}%", str(port))
        config = t.dir / "kamailio.cfg"
        config.write_text(text)
        self.kamailio = subprocess.Popen(["kamailio", "-DD", "-E", "-f", str(config), "-Y", str(t.dir), "-P", str(t.dir / "kamailio.pid")],
                                         stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.seen = []
        threading.Thread(target=self._write, daemon=True).start()
        for outcome, port in ports.items():
            self.processes.append(self.sipp(f"uas_{outcome}", uas(outcome), ["-p", str(port)], wait=False))
        time.sleep(0.5) # sipp's phones bind without saying so

    def _write(self):
        for line in self.kamailio.stderr:
            self.seen.append(line)
            with open(self.log, "a") as log:
                log.write(line)

    def sipp(self, name, xml, more, wait=True):
        file = self.t.dir / f"{name}-{uuid.uuid4().hex[:6]}.xml"
        file.write_text(xml)
        args = ["sipp", "-sf", str(file), "-i", "127.0.0.1", "-nostdin", "-timeout", "60s", *more]
        process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=self.t.dir)
        if not wait:
            return process
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, (name, error, "".join(self.seen[-10:]))

    def call(self, caller, callee, outcome):
        self.sipp(f"uac_{outcome}", uac(caller, outcome), ["-m", "1", "-s", callee, "-p", str(free_port()), f"127.0.0.1:{self.port}"])

    def load(self, digits, outcome, first, n, rate):
        """n callers "+4930…", so many a second, as a process that runs beside others."""
        numbers = self.t.dir / f"callers-{digits}.csv"
        numbers.write_text("SEQUENTIAL\n" + "".join(f"+4930{first + i};\n" for i in range(n)))
        return self.sipp(f"load_{digits}", uac("[field0]", outcome), ["-m", str(n), "-s", f"+4420794601{digits}", "-p", str(free_port()), "-inf", str(numbers),
                                                                     "-r", str(rate), "-rp", "8000", f"127.0.0.1:{self.port}"], wait=False)

    def rotate(self, copy=False):
        self.rotated = getattr(self, "rotated", 0) + 1
        to = self.log.with_suffix(f".log.{self.rotated}")
        if copy:
            shutil.copy(self.log, to)
            os.truncate(self.log, 0)
        else:
            self.log.rename(to)

    def lost(self):
        """Call ids of lines that stand in no file any more: copytruncate's own loss."""
        kept = "".join(p.read_text() for p in self.log.parent.glob("kamailio.log*"))
        return {m[1] for line in self.seen if line not in kept and (m := re.search(r"call_?id=([^;\s]+)", line))}

    def close(self):
        for p in [*self.processes, self.kamailio]:
            stop(p)


@pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}")
def test_calls_through_kamailio_are_on_the_timeline_once(fresh):
    t = fresh
    switch = Switch(t)
    try:
        calls = [("+4930123401", "+442079460100", "answered"), ("+4930123402", "+442079460102", "abandoned"), ("030123403", "+442079460101", "busy")]
        for caller, callee, outcome in calls:
            switch.call(caller, callee, outcome)
            wait_for(lambda: switch.log.exists(), why="lines")
            switch.rotate()
        for caller, callee, outcome in calls:
            number = "+49" + caller[1:] if caller.startswith("0") else caller
            contact = wait_for(lambda n=number: t.contact("phone:" + n), 15, why=number)
            one = wait_for(lambda c=contact, o=outcome: [p for p in t.timeline(c["id"]) if p["call"]["disposition"] == o], 10, why=outcome)
            assert len(t.timeline(contact["id"])) == 1
            call = one[0]["call"]
            assert call["caller"] == number and call["callee"] == callee and one[0]["direction"] == "inbound"
            assert one[0]["kind"] == ("call" if outcome == "answered" else "missed_call")
            if outcome == "answered":
                assert 0.5 <= call["talk_s"] <= 3 and call["answer"] and call["end"] > call["answer"]
            else:
                assert call["answer"] is None and call["talk_s"] == 0
        tasks = t.get("/v1/tasks", params={"queue": "callbacks"}).json()["items"]
        assert len(tasks) == 2
        t.restart()
        time.sleep(2) # what was read again would be there by now: absence cannot be waited for
        for caller, _, _ in calls:
            number = "+49" + caller[1:] if caller.startswith("0") else caller
            assert len(t.timeline(t.contact("phone:" + number)["id"])) == 1
        assert len(t.get("/v1/tasks", params={"queue": "callbacks"}).json()["items"]) == 2
    finally:
        switch.close()


def rotate_often(switch, every, done):
    """By rename and by copytruncate in turn, whatever is being written."""
    copy = False
    while not done.wait(every):
        if switch.log.exists():
            switch.rotate(copy)
            copy = not copy


@pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}")
def test_calls_of_eight_outcomes_survive_every_rotation(fresh):
    t, each, rate = fresh, int(os.environ.get("CALLS", 16)) // 8, int(os.environ.get("RATE", 20))
    switch, done = Switch(t), threading.Event()
    rotor = threading.Thread(target=rotate_often, args=(switch, max(1.0, each / rate), done), daemon=True)
    try:
        rotor.start()
        callers = [(digits, outcome, 7000000 + int(digits) * 10000) for digits, (outcome, _) in OUTCOMES.items()]
        running = [switch.load(digits, outcome, first, each, rate) for digits, outcome, first in callers]
        for process in running:
            _, error = process.communicate(timeout=120 + each * 8 / rate)
            assert process.returncode == 0, error
        done.set()
        rotor.join()
        right, wrong, lost = 0, [], set()
        for digits, outcome, first in callers:
            meant = "no-answer" if outcome == "unavailable" else outcome
            for number in (f"+4930{first + i}" for i in range(each)):
                try:
                    contact = wait_for(lambda n=number: t.contact("phone:" + n), 12, why=number)
                    wait_for(lambda: any(p["call"]["disposition"] == meant for p in t.timeline(contact["id"])), 6, why=outcome)
                    assert len(t.timeline(contact["id"])) == 1
                    right += 1
                except AssertionError:
                    wrong.append((number, outcome))
                    lost = lost or switch.lost()
        by_number = {m[2]: m[1] for line in switch.seen if (m := re.search(r"call_id=([^;]+);.*src_user=([^;]+)", line))}
        excused = [one for one in wrong if by_number.get(one[0]) in lost]
        metrics = t.get("/metrics").text
        print(f"calls: {right} of {8 * each} right, {len(excused)} touched by copytruncate's own loss ({len(lost)} calls)")
        assert wrong == excused
        assert re.search(r'touchline_sip_log_events_total\{[^}]*truncated[^}]*\} [1-9]', metrics)
    finally:
        done.set()
        switch.close()


def test_asterisks_records_become_calls(fresh):
    t = fresh
    path = t.var / "log/Master.csv"
    rows = [
        ('"","+493055501","100","in","""A"" <+493055501>","SIP/t-1","SIP/100-2","Dial","SIP/100,20","2026-11-23 08:00:00","2026-11-23 08:00:05",'
         '"2026-11-23 08:01:00",60,55,"ANSWERED","DOCUMENTATION","1795420800.1",""', "answered", "call"),
        ('"","+493055502","100","in","x","SIP/t-3","SIP/100-4","Dial","SIP/100,20","2026-11-23 08:00:00",,"2026-11-23 08:00:20",20,0,"NO ANSWER",'
         '"DOCUMENTATION","1795420800.3",""', "no-answer", "missed_call"),
        ('"","+493055503","100","in","x","SIP/t-5","","VoiceMail","100@default","2026-11-23 08:00:00","2026-11-23 08:00:20","2026-11-23 08:00:50",50,30,'
         '"ANSWERED","DOCUMENTATION","1795420800.5",""', "voicemail", "voicemail"),
    ]
    for row, _, _ in rows:
        with open(path, "a") as f:
            f.write(row + "\n")
    for i, (_, outcome, kind) in enumerate(rows, 1):
        contact = wait_for(lambda n=i: t.contact(f"phone:+49305550{n}"), why=outcome)
        items = t.timeline(contact["id"])
        assert [(p["call"]["disposition"], p["kind"], p["at"]) for p in items] == [(outcome, kind, "2026-11-23T08:00:00.000Z")]
    assert len(t.get("/v1/tasks", params={"queue": "callbacks"}).json()["items"]) == 2


def test_the_same_lines_again_are_nothing_new(fresh):
    t = fresh
    log = t.var / "log/kamailio.log"
    line = (f"ACC: call missed: timestamp={time.time():.0f};method=INVITE;from_tag=a;to_tag=b;call_id={uuid.uuid4().hex};code=486;reason=Busy;"
            "src_user=+4930777001;dst_ouser=+442079460100\n")
    log.write_text(line * 3)
    contact = wait_for(lambda: t.contact("phone:+4930777001"), 15, why="the call")
    log.rename(log.with_suffix(".1"))
    log.write_text(line)
    marker = line.replace("+4930777001", "+4930777002").replace("call_id=", "call_id=m")
    with open(log, "a") as f:
        f.write(marker)
    wait_for(lambda: t.contact("phone:+4930777002"), 15, why="the marker behind it")
    assert len(t.timeline(contact["id"])) == 1


def test_withheld_numbers_make_no_contact(fresh):
    t = fresh
    line = "ACC: call missed: timestamp=1795422885;method=INVITE;from_tag=a;to_tag=b;call_id=w1;code=487;reason=x;src_user=anonymous;dst_ouser=+442079460100\n"
    (t.var / "log/kamailio.log").write_text(line)
    wait_for(lambda: any("withheld" in q["reason"] for q in t.get("/v1/quarantine").json()["items"]), 15, why="kept for an operator")
