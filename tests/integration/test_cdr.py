"""Call records that no log line brings: FreeSWITCH posting them or leaving them in its folder, captured SIP over HEP, the SIP Common Log Format."""
import base64
import json
import os
import random
import socket
import struct
import time
import urllib.parse
import zlib

import pytest

from touchline import CORPORA, Touchline, free_port, wait_for

TRUNK = {"country": 49, "national": "0", "international": ["00"], "inbound": ["+4420794601", "100"], "extensions": "2-4"}
KEY = "captured-here"


def leg(uuid, caller, cause="ORIGINATOR_CANCEL", answer=0, call=None, **more):
    """A leg of mod_json_cdr; its values are percent-coded, as the switch comes."""
    variables = {"uuid": uuid, "call_uuid": call or uuid, "direction": "inbound", "start_stamp": "2026-11-23 08:00:00", "start_epoch": "1795420800",
                 "answer_epoch": str(answer), "end_epoch": "1795420830", "caller_id_name": "Jana Weiß", "caller_id_number": caller,
                 "destination_number": "+442079460100", "hangup_cause": cause, **more}
    return {"core-uuid": "c", "variables": {k: urllib.parse.quote(v, safe="") for k, v in variables.items()},
            "callflow": [{"caller_profile": {"destination_number": variables["destination_number"], "caller_id_number": caller}}]}


def xml_of(record):
    values = "".join(f"<{k}>{v}</{k}>" for k, v in record["variables"].items())
    return f'<?xml version="1.0"?><cdr core-uuid="c"><variables>{values}</variables></cdr>'


def hep(payload, key=KEY, at=None, deflated=False, kind=1):
    at = time.time() if at is None else at
    chunks = [(1, b"\2"), (2, b"\x11"), (3, b"\x7f\0\0\1"), (4, b"\x7f\0\0\2"), (7, struct.pack(">H", 5060)), (8, struct.pack(">H", 5060)),
              (9, struct.pack(">I", int(at))), (10, struct.pack(">I", int(at % 1 * 1e6))), (11, bytes([kind])), (14, key.encode()),
              (16, zlib.compress(payload)) if deflated else (15, payload)]
    body = b"".join(struct.pack(">HHH", 0, t, len(v) + 6) + v for t, v in chunks)
    return b"HEP3" + struct.pack(">H", len(body) + 6) + body


def sip(first, cseq, branch, call, caller, tag=""):
    return (f"{first}\r\nVia: SIP/2.0/UDP 127.0.0.1;branch={branch}\r\nf: <sip:{caller}@pstn.example.net>;tag=a\r\n"
            f"t: <sip:+442079460100@contact.example.org>{tag}\r\ni: {call}\r\nCSeq: {cseq}\r\nl: 0\r\n\r\n").encode()


def busy(call, caller):
    """A call's messages, when each was captured."""
    return [(0, sip("INVITE sip:+442079460100@contact.example.org SIP/2.0", "1 INVITE", "b1", call, caller)),
            (1, sip("SIP/2.0 180 Ringing", "1 INVITE", "b1", call, caller, ";tag=t")),
            (4, sip("SIP/2.0 486 Busy Here", "1 INVITE", "b1", call, caller, ";tag=t"))]


class Sources:
    """A daemon with one source of each kind."""

    def __init__(self):
        self.port, self.port6 = free_port(), free_port()
        self.t = Touchline(edit=self.edit, start=False)
        self.folder = self.t.var / "failed"
        self.folder.mkdir(parents=True)
        key = self.t.conf / "hep.key"
        key.write_text(KEY)
        key.chmod(0o600)
        self.t.start()

    def edit(self, text):
        entries = [
            {"name": "fs", "format": "freeswitch", "trunk": TRUNK},
            {"name": "fs-failed", "format": "freeswitch", "directory": "../var/failed", "trunk": TRUNK},
            {"name": "own", "format": "json", "trunk": TRUNK},
            {"name": "clf", "format": "clf", "file": "../var/log/sip.clf", "trunk": TRUNK},
            {"name": "hep", "format": "hep", "listen": f"127.0.0.1:{self.port}", "secret": "file:hep.key", "trunk": TRUNK},
            {"name": "hep6", "format": "hep", "listen": f"[::1]:{self.port6}", "trunk": TRUNK},
        ]
        mark = "      zone: UTC\n" # the last line of the last source
        assert text.count(mark) == 1
        return text.replace(mark, mark + "".join(f"    - {json.dumps(e)}\n" for e in entries))

    def call_of(self, number, seconds=15):
        contact = wait_for(lambda: self.t.contact("phone:" + number), seconds, why=number)
        items = self.t.timeline(contact["id"])
        assert len(items) == 1, items
        return items[0]

    def refused(self, why):
        text = self.t.get("/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("touchline_sip_packets_refused_total") and why in line)


@pytest.fixture(scope="module")
def sources():
    s = Sources()
    yield s
    s.t.close()


def post(s, name, body, kind, **more):
    return s.t.request("POST", f"/cdr/{name}", token=None, data=body, headers={"Content-Type": kind}, **more)


def test_freeswitch_posts_a_record_in_each_encoding(sources):
    ways = [
        ("application/json", lambda r: json.dumps(r)),
        ("application/x-www-form-urlencoded", lambda r: "cdr=" + urllib.parse.quote_plus(json.dumps(r))),
        ("application/x-www-form-base64-encoded", lambda r: "cdr=" + base64.b64encode(json.dumps(r).encode()).decode()),
        ("text/xml", xml_of),
        ("application/x-www-form-plaintext", lambda r: "cdr=" + xml_of(r)),
        ("application/x-www-form-urlencoded", lambda r: "cdr=" + urllib.parse.quote(xml_of(r), safe="")),
        ("application/x-www-form-base64-encoded", lambda r: "cdr=" + base64.b64encode(xml_of(r).encode()).decode()),
    ]
    for i, (kind, write) in enumerate(ways):
        body = write(leg(f"way-{i}", f"+4930600{i:03}"))
        first, again = (post(sources, f"fs?uuid=a_way-{i}", body, kind) for _ in range(2))
        assert first.status_code == 201 and again.status_code == 200, (kind, first.text, again.text)
        one = sources.call_of(f"+4930600{i:03}")
        assert one["call"]["disposition"] == "abandoned" and one["kind"] == "missed_call" and one["direction"] == "inbound"
        assert one["from"]["name"] == "Jana Weiß" and one["at"] == "2026-11-23T08:00:00.000Z" and one["source"] == "sip:fs"


def test_the_legs_of_a_call_are_one_call(sources):
    b = leg("b-1", "+4930601001", "NORMAL_CLEARING", 1795420810, call="a-1", direction="outbound", dialed_user="anna", signal_bond="a-1")
    a = leg("a-1", "+4930601001", "NORMAL_CLEARING", 1795420810, bridge_uuid="b-1", last_app="bridge")
    for one in (b, a):
        assert post(sources, "fs", json.dumps(one), "application/json").status_code in (200, 201)
    call = wait_for(lambda: [p for p in [sources.call_of("+4930601001")] if len(p["call"]["legs"]) == 2], why="both legs")[0]["call"]
    assert call["disposition"] == "answered" and call["talk_s"] == 20 and call["ring_s"] == 10 and call["agent"] == "anna"


def test_what_is_no_record_is_kept_for_an_operator(sources):
    body = "cdr=<!DOCTYPE cdr [<!ENTITY a 'b'>]><cdr>&a;</cdr>"
    assert post(sources, "fs", body, "text/xml").ok
    kept = wait_for(lambda: [q for q in sources.t.get("/v1/quarantine").json()["items"] if "DOCTYPE" in q["reason"]], why="kept")
    assert len(kept) == 1
    assert post(sources, "nobody", "{}", "application/json").status_code == 404


def test_a_record_left_in_the_folder_is_read(sources):
    (sources.folder / "u-1.cdr.json.tmp").touch()
    os.replace(sources.folder / "u-1.cdr.json.tmp", sources.folder / "u-1.cdr.json")
    for name, text in (("u-1.cdr.json", json.dumps(leg("u-1", "+4930602001", "NO_ANSWER"))), ("a_u-2.cdr.xml", xml_of(leg("u-2", "+4930602002", "USER_BUSY")))):
        (sources.folder / name).write_text(text)
    assert sources.call_of("+4930602001")["call"]["disposition"] == "no-answer"
    assert sources.call_of("+4930602002")["call"]["disposition"] == "busy"


def test_a_generic_record_is_one_of_many(sources):
    rows = [{"call_id": f"g-{i}", "direction": "inbound", "caller": f"0306030{i:02}", "callee": "+442079460100", "start": "2026-11-23T08:00:00Z",
             "duration": 20, "disposition": d} for i, d in enumerate(("voicemail", "no-answer"))]
    assert post(sources, "own", json.dumps([*rows, {"call_id": "bad"}]), "application/json").status_code == 201
    assert sources.call_of("+49306030" + "00")["kind"] == "voicemail"
    assert sources.call_of("+49306030" + "01")["kind"] == "missed_call"


def test_sip_clf_lines_become_a_call(sources):
    def line(at, flags, status, to_tag="-"):
        data = "\t".join([f"{1795420800 + at}.010", flags, "1 INVITE", status, "sip:+442079460100@h" if flags[0] == "R" else "-", "192.0.2.10:5060",
                          "192.0.2.200:5060", "sip:+442079460100@h", to_tag, "sip:+4930604001@h", "ft", "clf-1@h", "s-1", "-"])
        return f"A{len(data) + 62:06X}," + "0053" * 13 + "\n" + data + "\n"

    with open(sources.t.var / "log/sip.clf", "a") as log:
        log.write(line(0, "RORUU", "-") + line(6, "rOSUU", "487", "tt"))
    one = sources.call_of("+4930604001")
    assert one["call"]["disposition"] == "abandoned" and one["call"]["ring_s"] == 6 and one["call"]["sip_code"] == 487


def test_captured_sip_over_udp_is_a_call_once(sources):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        for at, message in busy("udp-1@h", "+4930605001") * 2:
            u.sendto(hep(message, at=1795420800 + at, deflated=at == 1), ("127.0.0.1", sources.port))
        u.sendto(b"\x02\x10" + bytes(40), ("127.0.0.1", sources.port))
        u.sendto(hep(busy("udp-2@h", "+4930605002")[0][1], key="guessed"), ("127.0.0.1", sources.port))
        u.sendto(hep(b"{}", kind=100), ("127.0.0.1", sources.port))
    one = sources.call_of("+4930605001")
    assert one["call"]["disposition"] == "busy" and one["call"]["ring_s"] == 4 and one["at"] == "2026-11-23T08:00:00.000Z" and one["call"]["sip_code"] == 486
    wait_for(lambda: sources.refused("version") == 1 and sources.refused("key") == 1, why="refused ones are counted")
    assert sources.t.contact("phone:+4930605002") is None


def test_captured_sip_over_tcp_is_cut_by_its_lengths(sources):
    stream = b"".join(hep(m, at=1795420800 + at) for at, m in busy("tcp-1@h", "+4930606001"))
    with socket.create_connection(("127.0.0.1", sources.port)) as c:
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(stream), 97):
            c.sendall(stream[i:i + 97])
        assert sources.call_of("+4930606001")["call"]["disposition"] == "busy"
        c.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert c.recv(1) == b"" # what is no HEP ends the stream
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as u:
        for at, message in busy("six-1@h", "+4930606002"):
            u.sendto(hep(message, at=1795420800 + at), ("::1", sources.port6))
    assert sources.call_of("+4930606002")["call"]["disposition"] == "busy"


@pytest.mark.skipif(not (CORPORA / "kamailio-sipp/kamailio.hep3").exists(), reason="no collected packets beside this tree")
def test_the_collected_packets_are_calls_on_the_timeline(sources):
    data = (CORPORA / "kamailio-sipp/kamailio.hep3").read_bytes()
    due = json.loads((CORPORA / "kamailio-sipp/expected.json").read_text())
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as u:
        while data:
            n = struct.unpack(">I", data[:4])[0]
            u.sendto(data[4:4 + n], ("::1", sources.port6))
            data = data[4 + n:]
    right, whole = 0, [d for d in due if d["caller_as_dialled"] != "anonymous"]
    expected = {"unavailable": "no-answer"}
    for d in whole:
        number = d["caller_as_dialled"] if d["callee"].startswith("+4420794601") else d["callee"] # not ours: it went out
        number = "+" + number[2:] if number.startswith("00") else "+49" + number[1:] if number.startswith("0") else number
        contact = wait_for(lambda n=number: sources.t.contact("phone:" + n), 15, why=number)
        calls = wait_for(lambda c=contact, d=d: [p["call"] for p in sources.t.timeline(c["id"]) if p["call"]["call_id"] == d["call_id"]], why=d["call_id"])
        ok = len(calls) == 1 and calls[0]["disposition"] == expected.get(d["intended_outcome"], d["intended_outcome"])
        right += ok
        if not ok:
            print("kamailio-sipp over HEP:", d, calls)
    print(f"corpus kamailio-sipp (hep, whole daemon): {right} of {len(whole)}")
    assert right == len(whole)


OUTCOMES = {"answered": 200, "voicemail": 200, "abandoned": 487, "no-answer": 408, "busy": 486, "rejected": 603, "failed": 404, "unavailable": 480}


def captured(call, caller, outcome):
    """What a proxy's capture sees of a call: both hops, answers repeated."""
    code = OUTCOMES[outcome]
    other = "voicemail" if outcome == "voicemail" else "anna"
    out = [(0, sip("INVITE sip:+442079460100@contact.example.org SIP/2.0", "1 INVITE", "b1", call, caller)),
           (0, sip("SIP/2.0 100 Trying", "1 INVITE", "b1", call, caller)),
           (0.1, sip("INVITE sip:anna@10.0.0.7 SIP/2.0", "1 INVITE", "b2", call, caller)),
           (1, sip("SIP/2.0 180 Ringing", "1 INVITE", "b2", call, caller, ";tag=t"))]
    if outcome == "voicemail":
        out += [(9, sip("SIP/2.0 408 Timeout", "1 INVITE", "b2", call, caller, ";tag=t")),
                (9.1, sip("INVITE sip:voicemail@10.0.0.9 SIP/2.0", "1 INVITE", "b3", call, caller))]
    if outcome == "abandoned":
        out += [(5, sip("CANCEL sip:+442079460100@contact.example.org SIP/2.0", "1 CANCEL", "b1", call, caller))]
    last = "b3" if other == "voicemail" else "b2"
    out += [(10, sip(f"SIP/2.0 {code} Final", "1 INVITE", branch, call, caller, ";tag=t")) for branch in (last, "b1", "b1")]
    if code == 200:
        out += [(40, sip(f"BYE sip:{other}@10.0.0.7 SIP/2.0", "2 BYE", "b9", call, caller, ";tag=t"))] * 2
    return out


def test_many_captured_calls_are_each_a_call_once(sources):
    """Their packets come mixed, some repeated, some in another order. CALLS in the environment asks for more."""
    n, rng = int(os.environ.get("CALLS", 64)), random.Random(7)
    due = {f"+49301{i:07}": list(OUTCOMES)[i % len(OUTCOMES)] for i in range(n)}
    began = time.monotonic()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as u:
        for first in range(0, n, 20): # as many at once, a second's worth of 20 a second
            window = [(at + rng.random() * 0.05, hep(m, at=1795420800 + at))
                      for caller in list(due)[first:first + 20] for at, m in captured(f"many-{caller}", caller, due[caller])]
            for _, packet in sorted(window, key=lambda x: x[0]):
                u.sendto(packet, ("::1", sources.port6))
            time.sleep(0.02) # a burst within what the socket holds
    counts = {}
    for caller, outcome in due.items():
        one = sources.call_of(caller, 30)["call"]
        want = {"unavailable": "no-answer"}.get(outcome, outcome)
        assert one["disposition"] == want and one["talk_s"] == (30 if OUTCOMES[outcome] == 200 else 0), (caller, outcome, one)
        counts[want] = counts.get(want, 0) + 1
    print(f"{n} captured calls in {time.monotonic() - began:.1f} s: {counts}")
