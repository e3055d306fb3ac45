"""What a person is about, over all channels: one episode, one owner, and how many times it took."""
import datetime
import itertools
import random
import smtplib
import uuid

from touchline import ANNA, BEN, Touchline, wait_for

import pytest


def with_window(text):
    return text + "\nepisode: { window: 12h }\n"


def raising(text):
    rule = "rules:\n  - name: once more\n    when: { contact.repeat: { above: 2 } }\n    then: { queue: support, priority: 9 }\n"
    return with_window(text.replace("rules:\n", rule, 1))


@pytest.fixture
def t():
    with Touchline(edit=with_window) as daemon:
        yield daemon


def person():
    return {"email": f"{uuid.uuid4().hex[:12]}@example.org", "phone": "+4930" + str(uuid.uuid4().int)[:8]}


def push(t, who, channel, ago=0, **more):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    body = {"id": uuid.uuid4().hex, "channel": channel, "at": at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", "text": "where is it?",
            "from": who, **more}
    if channel == "call":
        body.update({"kind": "missed_call", "direction": "inbound", "call": {"call_id": uuid.uuid4().hex, "disposition": "abandoned"}})

    def told():
        r = t.push(body)
        assert r.status_code in (200, 201, 202), r.text
        return r.status_code != 202 and r.json()

    return wait_for(told, why="the push on the timeline")


def contact(t, told):
    return t.get(f"/v1/contacts/{told['contact']}").json()


def conversation(t, told):
    return t.get(f"/v1/conversations/{told['conversation']}").json()


def task(t, told):
    return t.get(f"/v1/tasks/{told['task']}").json()


def three_ways(t, who):
    return [push(t, who, "email", 3 * 3600, subject="Where is my parcel"), push(t, who, "chat", 2 * 3600), push(t, who, "call", 3600)]


def test_mail_chat_and_call_of_one_person_are_one_episode(t):
    told = three_ways(t, person())
    episode = contact(t, told[0])["episode"]
    assert episode["id"] == "e_" + told[0]["id"][2:]
    assert episode["conversations"] == [e["conversation"] for e in told] and len(set(episode["conversations"])) == 3
    assert episode["touchpoints"] == 3 and set(episode["channels"]) == {"email", "chat", "call"} and episode["owner"] is None
    assert all(conversation(t, e)["episode"] == episode for e in told)
    assert [task(t, e)["repeat"] for e in told] == [1, 2, 3]


def test_a_gap_above_the_window_begins_another_and_the_same_subject_still_counts(t):
    who = person()
    old = push(t, who, "email", 40 * 3600, subject="Parcel 4711 is missing")
    other = push(t, who, "chat", 3600)
    again = push(t, who, "form", 60, subject="AW: Parcel 4711 is missing")
    assert contact(t, old)["episode"]["id"] == "e_" + other["id"][2:]
    assert conversation(t, old)["episode"]["id"] == "e_" + old["id"][2:]
    assert task(t, other)["repeat"] == 1 and task(t, again)["repeat"] == 3


def test_the_order_of_records_makes_no_difference(t):
    days = [(20 * 3600, "email"), (9 * 3600, "chat"), (9 * 3600 - 300, "chat"), (3600, "sms"), (60, "form")]
    orders = random.Random(7).sample(list(itertools.permutations(days)), 4)
    seen = set()
    for order in orders:
        who = person()
        told = {ago: push(t, who, channel, ago) for ago, channel in order}
        e = contact(t, told[60])["episode"]
        began = next(ago for ago in told if "e_" + told[ago]["id"][2:] == e["id"])
        seen.add((began, e["touchpoints"], tuple(sorted(e["channels"])), len(e["conversations"])))
    assert seen == {(20 * 3600, 5, ("chat", "email", "form", "sms"), 4)}


def test_the_owner_is_asked_first_for_what_comes_by_another_channel(t):
    """The queues ask for no last agent and Ben has nothing to do, but Anna has the person; a stranger goes to Ben."""
    who, stream = person(), t.events(ANNA)
    stream.wait("snapshot")
    t.presence(ANNA)
    first = push(t, who, "email", subject="Parcel")
    offer = stream.wait("offer", lambda d: d["task"]["id"] == first["task"])[2]
    assert t.post(f"/v1/tasks/{first['task']}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
    wait_for(lambda: contact(t, first)["episode"]["owner"] == "anna", why="the owner")
    bens = t.events(BEN)
    bens.wait("snapshot")
    t.presence(BEN)
    more = [push(t, who, channel) for channel in ("chat", "call", "form", "sms")]
    for one in more:
        stream.wait("offer", lambda d, task=one["task"]: d["task"]["id"] == task)
    reasons = [task(t, one)["history"][-1]["reason"] for one in more]
    assert all(r.startswith("sticky") for r in reasons), reasons
    bens.wait("offer", lambda d, task=push(t, person(), "chat")["task"]: d["task"]["id"] == task)
    assert conversation(t, more[0])["episode"]["owner"] == "anna"
    stream.close(), bens.close()


def test_who_replies_last_owns_it(t):
    address, message = f"{uuid.uuid4().hex[:12]}@example.org", f"<{uuid.uuid4().hex}@example.org>"
    with smtplib.LMTP("127.0.0.1", t.lmtp_port) as lmtp:
        lmtp.sendmail(address, ["support@localhost"], f"From: {address}\r\nTo: support@localhost\r\nSubject: Parcel\r\n"
                      f"Message-ID: {message}\r\n\r\nWhere is it?\r\n")
    told = wait_for(lambda: t.contact(f"email:{address}"), why="the mail on the timeline")
    conversation = told["conversations"][0]
    for agent, name in ((ANNA, "anna"), (BEN, "ben")):
        r = t.post(f"/v1/conversations/{conversation}/reply", {"text": "It is on its way."}, agent)
        assert r.status_code == 202, r.text
        wait_for(lambda: t.get(f"/v1/contacts/{told['id']}").json()["episode"]["owner"] == name, why="the owner")
    t.post(f"/v1/conversations/{conversation}/notes", {"text": "He was kind."}, ANNA)
    episode = t.get(f"/v1/contacts/{told['id']}").json()["episode"]
    assert episode["owner"] == "ben" and episode["touchpoints"] == 3 and episode["conversations"] == [conversation]


def test_of_very_many_the_newest_are_kept(t):
    """The last 48 visits; pieces of a talk in writing are one, however many they are."""
    who = person()
    told = [push(t, who, "email", 4000 - n * 60, subject=f"Question {n}") for n in range(52)]
    assert contact(t, told[0])["episode"]["id"] == "e_" + told[4]["id"][2:] and task(t, told[-1])["repeat"] == 49
    for n in range(60):
        said = push(t, {"phone": "+49301234567"}, "chat", 600 - n)
    episode = contact(t, said)["episode"]
    assert episode["touchpoints"] == 60 and len(episode["conversations"]) == 1 and task(t, said)["repeat"] == 1


def test_a_rule_raises_who_comes_again():
    with Touchline(edit=raising) as t:
        tasks = [task(t, e) for e in three_ways(t, person())]
        assert tasks[2]["priority"] == 9 and all(one["priority"] < 9 for one in tasks[:2])


def test_an_emptied_store_has_the_same_after_the_replay(t):
    who, stream = person(), t.events(ANNA)
    stream.wait("snapshot")
    t.presence(ANNA)
    told = three_ways(t, who)
    offer = stream.wait("offer", lambda d: d["task"]["id"] == told[0]["task"])[2]
    assert t.post(f"/v1/tasks/{told[0]['task']}/accept", {"offer": offer["offer"]}, ANNA).status_code == 200
    wait_for(lambda: contact(t, told[0])["episode"]["owner"] == "anna", why="the owner")
    before, repeats = contact(t, told[0])["episode"], [task(t, e)["repeat"] for e in told]
    t.redis().flushall()
    t.kill()
    t.start()

    def same():
        r = t.get(f"/v1/contacts/{told[0]['contact']}")
        return r.status_code == 200 and r.json()["episode"] == before and all(t.get(f"/v1/tasks/{e['task']}").status_code == 200 for e in told)

    wait_for(same, 20, why="the same episode")
    assert [task(t, e)["repeat"] for e in told] == repeats
    stream.close()


def test_merged_is_one_and_split_is_two_again_and_erased_is_none(t):
    mail, chat = ({"email": f"{uuid.uuid4().hex[:12]}@example.org"} for _ in range(2))
    a, b = push(t, mail, "email", 7200), push(t, chat, "chat", 3600)
    assert a["contact"] != b["contact"]
    r = t.post(f"/v1/contacts/{a['contact']}/merge", {"from": b["contact"]})
    assert r.status_code == 200, r.text
    e = contact(t, a)["episode"]
    assert e["id"] == "e_" + a["id"][2:] and e["touchpoints"] == 2 and conversation(t, b)["episode"] == e
    assert task(t, push(t, mail, "form"))["repeat"] == 3
    export = t.get(f"/v1/contacts/{a['contact']}/export").json()
    assert export["contact"]["episode"]["touchpoints"] == 3
    r = t.post(f"/v1/contacts/{a['contact']}/split", {"identities": [{"kind": "email", "value": chat["email"]}]})
    assert r.status_code == 200, r.text
    assert contact(t, a)["episode"]["touchpoints"] == 2 and contact(t, b)["episode"]["touchpoints"] == 1
    assert t.request("DELETE", f"/v1/contacts/{b['contact']}").status_code in (200, 202)
    wait_for(lambda: t.get(f"/v1/contacts/{b['contact']}").status_code == 410, why="the erasure")


def test_without_a_window_there_is_none(fresh):
    told = three_ways(fresh, person())
    assert contact(fresh, told[0])["episode"] is None and task(fresh, told[2])["repeat"] == 0
