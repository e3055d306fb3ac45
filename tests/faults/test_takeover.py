"""Two daemons on one Redis, agents by streams, and the leader killed or stopped every 5 s: no double owner, none lost.

TAKEOVER_AGENTS and TAKEOVER_TASKS set the size (200 and 20000 is the full one). Figures are printed, never asserted.
"""
import collections
import json
import os
import random
import shutil
import signal
import statistics
import threading
import time

import requests

from touchline import ADAPTER, OPERATOR, Redis, Touchline, wait_for

from crew import Crew

AGENTS, TASKS = int(os.environ.get("TAKEOVER_AGENTS", "40")), int(os.environ.get("TAKEOVER_TASKS", "1500"))
EVERY, BATCH = 5, 100


def names():
    return [f"agent{i:03d}" for i in range(AGENTS)]


def house(text):
    people = "".join(f"  - {{ id: {n}, token: file:../var/secrets/{n}, queues: [support], capacity: {{ units: 3 }} }}\n" for n in names())
    return text.replace("agents:\n", "agents:\n" + people, 1)


def two_daemons(redis):
    pair = [Touchline(env=redis.env, edit=house, start=False) for _ in range(2)]
    shutil.copy(pair[0].var / "secrets/installation", pair[1].var / "secrets/installation")
    for t in pair:
        t.ends_with = (0, -signal.SIGKILL, None)
        for n in names():
            (t.var / "secrets" / n).write_text(f"token-{n}\n")
            (t.var / "secrets" / n).chmod(0o600)
        t.start()
    return pair


def leads(t):
    try:
        r = requests.get(t.url + "/metrics", headers={"Authorization": f"Bearer {OPERATOR}"}, timeout=2)
        return "\ntouchline_router_lease 1" in r.text
    except requests.RequestException:
        return False


class Readiness:
    """How often a daemon's router was ready, by its log."""

    def __init__(self, t):
        self.t = t

    def count(self):
        return self.t.log.read_text(errors="replace").count("event=router.ready")


class Trouble(threading.Thread):
    """Every few seconds the leader is killed, or stopped and continued later, in turn."""

    def __init__(self, pair):
        super().__init__(daemon=True)
        self.pair, self.over, self.took, self.kinds = pair, threading.Event(), [], []

    @staticmethod
    def is_ready(t):
        try:
            return t.ready()
        except (requests.RequestException, AssertionError):
            return False

    def strike(self, leader, other, kill):
        before = Readiness(other).count()
        began = time.monotonic()
        leader.process.send_signal(signal.SIGKILL if kill else signal.SIGSTOP)
        while Readiness(other).count() == before and time.monotonic() - began < 20:
            time.sleep(0.01)
        self.took.append(time.monotonic() - began)
        self.kinds.append("killed" if kill else "stopped")
        if kill:
            leader.process.wait(20)
            leader.start(wait=False)
        else:
            time.sleep(1)
            leader.process.send_signal(signal.SIGCONT)

    def run(self):
        while not self.over.wait(EVERY):
            leader = next((t for t in self.pair if leads(t)), None)
            other = self.pair[1] if leader is self.pair[0] else self.pair[0]
            if leader and self.is_ready(other): # one that is just beginning cannot take over yet
                self.strike(leader, other, len(self.took) % 2 == 0)


def push_all(pair):
    """Batches, again until one of the two has them: the ids make that harmless."""
    for start in range(0, TASKS, BATCH):
        lines = "\n".join(json.dumps({"id": f"x-{i}", "channel": "chat", "text": "help", "from": {"email": f"p{i}@example.org"}})
                          for i in range(start, min(TASKS, start + BATCH)))
        while True:
            try:
                r = requests.post(random.choice(pair).url + "/v1/touchpoints", data=lines, timeout=5,
                                  headers={"Authorization": f"Bearer {ADAPTER}", "Content-Type": "application/x-ndjson"})
                if r.status_code == 207 and all(one["status"] in (200, 201, 202) for one in r.json()):
                    break
            except (requests.RequestException, ValueError):
                pass
            time.sleep(0.05)


def all_tasks(t):
    found, cursor = [], None
    while True:
        r = t.get("/v1/tasks", params={"limit": 500, **({"cursor": cursor} if cursor else {})}).json()
        found += r["items"]
        cursor = r["next"]
        if not cursor:
            return found


def done_count(redis):
    import redis as client

    return client.Redis(port=redis.port).zcard("{r}:ended")


def check(tasks, accepts):
    assert len({t["id"] for t in tasks}) == len(tasks) == TASKS
    granted = collections.defaultdict(set)
    for agent, task, _, status in accepts:
        if status == 200:
            granted[task].add(agent)
    for t in tasks:
        assert t["state"] == "done", t
        owner, state = None, None
        for h in t["history"]:
            assert h["from"] == state, (t["id"], h, state)
            if h["to"] == "accepted" and h["from"] == "offered":
                owner = h["agent"]
            state = h["to"]
        takers = {h["agent"] for h in t["history"] if h["from"] == "offered" and h["to"] == "accepted"}
        assert owner == t["agent"] and granted[t["id"]] <= takers, (t["id"], owner, granted[t["id"]])


def test_a_leader_that_dies_or_sleeps_is_replaced_and_nothing_is_lost_or_doubled():
    with Redis() as redis:
        pair = two_daemons(redis)
        crew = Crew([t.http_port for t in pair], [(n, f"token-{n}") for n in names()])
        people, trouble = threading.Thread(target=crew.run), Trouble(pair)
        try:
            began = time.monotonic()
            people.start(), trouble.start()
            push_all(pair)
            pushed = time.monotonic() - began
            wait_for(lambda: done_count(redis) >= TASKS and len(trouble.took) >= 2, 60 + TASKS / 20, 0.2, "all tasks done")
            took = time.monotonic() - began
            trouble.over.set(), trouble.join(30)
            wait_for(lambda: all(t.ready() for t in pair), 20, why="both")
            check(all_tasks(pair[0]), crew.accepts)
            late = sum(1 for *_, status in crew.accepts if status == 409)
            print(f"\ntakeover: {TASKS} tasks, {AGENTS} agents: pushed in {pushed:.1f} s, done in {took:.1f} s ({TASKS / took:.0f}/s); "
                  f"{len(trouble.took)} times the leader was {' or '.join(sorted(set(trouble.kinds)))}; another routed after median "
                  f"{statistics.median(trouble.took):.2f} s, longest {max(trouble.took):.2f} s; {late} accepts came too late")
        finally:
            crew.over = True
            trouble.over.set()
            trouble.join(30), people.join(30)
            for t in pair:
                t.process.send_signal(signal.SIGCONT)
                t.close(check=False)
