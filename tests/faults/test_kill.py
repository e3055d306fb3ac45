"""kill -9 of the daemon under load: each acknowledged one is there exactly once.

Counts as a broker's checker does: attempted, acked, lost (acked and not stored), doubled. It fails when it read nothing.
"""
import json
import os
import random
import signal
import threading
import time
import uuid

import requests

from touchline import ADAPTER, wait_for

KILLS = int(os.environ.get("KILLS", "50"))


class Load:
    """Pushes from several threads; remembers what was acknowledged."""

    def __init__(self, t, threads=4, people=40):
        self.t, self.stop, self.acked, self.attempted, self.slowest = t, threading.Event(), {}, 0, 0.0
        self.lock, self.statuses, self.people = threading.Lock(), {}, [f"load{i}@example.org" for i in range(people)]
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(threads)]

    def start(self):
        [t.start() for t in self.threads]
        return self

    def one(self, session, rng):
        who, id = rng.choice(self.people), uuid.uuid4().hex
        if rng.random() < 0.15:
            r = session.post(self.t.url + "/forms/contact", data={"email": who, "message": id}, timeout=10)
        else:
            r = session.post(self.t.url + "/v1/touchpoints", headers={"Authorization": f"Bearer {ADAPTER}", "Content-Type": "application/json"},
                             data=json.dumps({"id": id, "channel": "chat", "text": id, "from": {"email": who}}), timeout=10)
        return r, id, who

    def run(self, seed):
        rng, session = random.Random(seed), requests.Session()
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                with self.lock:
                    self.attempted += 1
                r, id, who = self.one(session, rng)
            except requests.RequestException:
                session = requests.Session()
                self.stop.wait(0.005)
                continue
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self.statuses[r.status_code] = self.statuses.get(r.status_code, 0) + 1
                if r.status_code in (200, 201, 202):
                    self.acked[id] = who
            self.stop.wait(0.006)

    def end(self):
        self.stop.set()
        [t.join(15) for t in self.threads]

    def stored(self):
        """Every text on every timeline, with how often."""
        seen = {}
        for who in self.people:
            contact = self.t.contact("email:" + who)
            for tp in self.t.timeline(contact["id"], limit=500) if contact else []:
                seen[tp["text"]] = seen.get(tp["text"], 0) + 1
        return seen

    def judge(self):
        seen = {}

        def complete():
            seen.clear()
            seen.update(self.stored())
            return not [id for id in self.acked if id not in seen]

        try:
            wait_for(complete, 120, 1, "all acknowledged ones on their timelines")
        except AssertionError:
            pass
        lost, doubled = [i for i in self.acked if i not in seen], [i for i, n in seen.items() if n > 1]
        print(f"attempted={self.attempted} acked={len(self.acked)} stored={len(seen)} lost={len(lost)} doubled={len(doubled)} "
              f"statuses={self.statuses} slowest={self.slowest:.3f}s")
        assert self.acked and seen, "nothing was read"
        assert not lost and not doubled, (lost[:5], doubled[:5])


def test_what_was_acknowledged_survives_kill_9(fresh):
    t, rng, ready = fresh, random.Random(1), []
    load = Load(t).start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.1, 0.5)) # the moment of the kill is the test's random input
        t.kill(signal.SIGKILL)
        begin = time.monotonic()
        t.start(wait=False)
        wait_for(lambda: requests.get(t.url + "/readyz", timeout=2).status_code == 200, 30, 0.01, "ready again")
        ready.append(time.monotonic() - begin)
    load.end()
    print(f"kills={KILLS} ready again: median {sorted(ready)[len(ready) // 2]:.3f} s, longest {max(ready):.3f} s")
    t.wait_ready(180)
    load.judge()
