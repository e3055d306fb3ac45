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

from touchline import Touchline, free_port, stop, wait_for

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


QUEUE_SWITCH = """
    - { name: pbx, group: desk, format: asterisk-csv, file: PBX/Master.csv, zone: UTC, queues: { "8001": support },
        trunk: { country: 49, national: 0, international: ["00"], inbound: ["+4420794601", "100", "8001"], extensions: 2-4 } }
    - { name: waiting, group: desk, format: asterisk-queue, file: PBX/queue_log }
    - { name: proxy, format: kamailio-dbtext, directory: PBX/tables, trunk: { country: 49, inbound: ["+4420794601"] } }
"""


@pytest.fixture
def desk(tmp_path):
    """A daemon that follows a switch's records, its queues' log and a proxy's tables."""
    (tmp_path / "tables").mkdir()

    def edit(text):
        before, after = text.split("  sip:\n")
        return before + "  sip:" + QUEUE_SWITCH.replace("PBX", str(tmp_path)) + after[after.index("\nrules:"):]

    with Touchline(edit=edit) as t:
        t.pbx = tmp_path
        yield t


def record(number, unique, dstchannel="", app="Queue", data="8001,t", disposition="ANSWERED", took=25):
    return (f'"","+49305556{number}","8001","in","""Jana"" <+49305556{number}>","PJSIP/t-1","{dstchannel}","{app}","{data}","2026-11-23 08:00:00",'
            f'"2026-11-23 08:00:00","2026-11-23 08:00:{took}",{took},{took},"{disposition}","DOCUMENTATION","{unique}","","","{unique}",1\n')


def test_a_switch_and_its_queues_log_make_one_call(desk):
    t = desk
    (t.pbx / "Master.csv").write_text(record("01", "1795420800.1") + record("02", "1795420800.5", "PJSIP/101-2", took=45))
    (t.pbx / "queue_log").write_text("1795420800|1795420800.1|8001|NONE|ENTERQUEUE||+4930555601|1\n1795420825|1795420800.1|8001|NONE|ABANDON|1|1|25\n"
                                     "1795420800|1795420800.5|8001|NONE|ENTERQUEUE||+4930555602|1\n"
                                     "1795420815|1795420800.5|8001|PJSIP/101|CONNECT|15|1795420811.7|4\n"
                                     "1795420845|1795420800.5|8001|PJSIP/101|COMPLETECALLER|15|30|1\n")
    for number, outcome, agent, talk in (("01", "abandoned", None, 0), ("02", "answered", "PJSIP/101", 30)):
        contact = wait_for(lambda n=number: t.contact(f"phone:+49305556{n}"), why=number)
        one = wait_for(lambda: [p for p in t.timeline(contact["id"]) if p["call"]["queue"] == "support" and p["call"]["agent"] == agent], why=outcome)
        assert len(t.timeline(contact["id"])) == 1 and one[0]["source"] == "sip:desk" and one[0]["from"]["name"] == "Jana"
        assert (one[0]["call"]["disposition"], one[0]["call"]["talk_s"]) == (outcome, talk)
    t.restart()
    (t.pbx / "Master.csv").open("a").write(record("03", "1795420800.9", app="VoiceMail", data="100"))
    wait_for(lambda: t.contact("phone:+4930555603"), why="the call after the restart")
    assert len(t.timeline(t.contact("phone:+4930555602")["id"])) == 1


def test_a_table_that_is_written_anew_is_read_each_time(desk):
    t = desk
    acc = "id(int,auto) method(string) from_tag(string) to_tag(string) callid(string) sip_code(string) sip_reason(string) time(int)\n"
    cdr = "id(int,auto) start_time(int) end_time(int) duration(double) callid(string,null) from_uri(string,null) to_uri(string,null)\n"
    for n in (1, 2):
        rows = range(n, 0, -1) # the newest first
        (t.pbx / "tables/acc").write_text(acc + "".join(f"{i}:INVITE:a:b:t{i}:486:Busy \\: Here:179542290{i}\n" for i in rows))
        (t.pbx / "tables/acc_cdrs").write_text(cdr + "".join(f"{i}:179542290{i}:179542290{i}:0.00:t{i}:sip\\:+493055570{i}@x:sip\\:+442079460100@y\n" for i in rows))
        contact = wait_for(lambda: t.contact(f"phone:+493055570{n}"), why=str(n))
        wait_for(lambda: [p["call"]["disposition"] for p in t.timeline(contact["id"])] == ["busy"], why="its outcome")
    assert len(t.timeline(t.contact("phone:+493055570" "1")["id"])) == 1
    assert "truncated" not in t.get("/metrics").text


def test_reconcile_counts_the_calls_of_the_files(desk):
    t = desk
    rows = [record(f"1{i}", f"1795420800.1{i}") for i in range(4)] + [record("19", "1795420800.19").replace("+4930555619", "anonymous"), "no,record\n"]
    (t.pbx / "Master.csv").write_text("".join(rows))
    wait_for(lambda: t.contact("phone:+4930555613"), why="the calls")
    (t.pbx / "Master.csv").rename(t.pbx / "Master.csv.1")
    (t.pbx / "Master.csv").write_text(record("14", "1795420800.14"))
    wait_for(lambda: t.contact("phone:+4930555614"), why="the call behind the rotation")
    begun = t.post("/v1/sources/sip:desk/reconcile", {"since": "all"})
    assert begun.status_code == 202, begun.text
    ended = wait_for(lambda: (o := t.get(f"/v1/operations/{begun.json()['id']}").json())["state"] != "running" and o, 15, why="the reconcile")
    assert ended["state"] == "done" and ended["summary"] == {"log": 6, "kept": 5, "missing": 0, "nobody": 1, "unreadable": 1}
