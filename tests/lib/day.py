"""A made-up working day as `touchline simulate --save` writes it: the same seed is the same day.

day.py TASKS AGENTS > FILE. Arrivals swell and ebb; each agent takes one task at a time, first come, first served; a tenth of the
tasks asks for the skill de at level 3, which every third agent has. One in fifty customers leaves when nobody has taken his task
within ten minutes.
"""
import json
import random
import sys

BEGIN = 1795510800000 # 2026-11-24T07:00:00Z
HOURS = 10
CONFIG = """skills: [de]
service_levels: [{{id: gold, first_response: {{within: 10m}}, resolve: {{within: 4h}}}}]
queues: [{{id: support, service_level: gold, offer: {{timeout: 60s}}, steps: [{{after: 10m, relax: {{de: 0}}}}]}}]
units: {{default: 1}}
agents: [{agents}]
"""


def agent_line(i):
    skills = ", skills: {de: 5}" if i % 3 == 0 else ""
    return f"{{id: agent{i:03d}, queues: [support], capacity: {{units: 1}}{skills}}}"


def config(agents):
    return CONFIG.format(agents=", ".join(agent_line(i) for i in range(agents)))


def day(tasks, agents, seed=7):
    """Lines of the record, in the order of time."""
    roll = random.Random(seed)
    events = []

    def say(at, **more):
        events.append((at, len(events), {"at": at, **more}))

    for i in range(agents):
        say(BEGIN - 60000 + i, type="presence", agent=f"agent{i:03d}", state="available", reason="", lost=0)
        say(BEGIN + HOURS * 3600000, type="presence", agent=f"agent{i:03d}", state="offline", reason="", lost=0)
    span = HOURS * 3600000 - 1800000
    # The morning and the early afternoon are the busiest.
    arrivals = sorted(BEGIN + int(span * (roll.triangular(0, 1, 0.25) if roll.random() < 0.6 else roll.random())) for _ in range(tasks))
    free = [(BEGIN, i) for i in range(agents)]
    mean = 0.78 * span * agents / tasks # hands are full at the peaks, not all day
    for n, at in enumerate(arrivals):
        german = n % 10 == 0
        id_, leaves = f"t_{n:06d}", roll.random() < 0.02
        own = {"id": id_, "rev": 1, "state": "waiting", "queue": "support", "channel": "chat", "priority": 5,
               "skills": [{"name": "de", "min": 3}] if german else [], "agent": None, "n": 0, "created": at, "till": 0, "due": 0, "wish": None}
        base = {"type": "task", "agent": "", "state": "", "reason": "", "lost": 0, "id": id_, "queue": "support"}
        say(at, **base, task="waiting", by="", rev=1, replied=0, own=own)
        able = [k for k, (_, i) in enumerate(free) if not german or i % 3 == 0]
        k = min(able, key=lambda k: free[k])
        begin, who = max(at, free[k][0]), f"agent{free[k][1]:03d}"
        handle, answer = int(roll.expovariate(1 / mean)) + 1000, roll.randrange(1000, 8000)
        if leaves and begin > at + 600000:
            say(at + 600000, **base, task="done", by="", rev=2, replied=0)
            continue
        taken, ended = begin + answer, begin + answer + handle
        say(begin, **{**base, "type": "offer", "agent": who}, task="offered", by=who, rev=2, replied=0)
        say(taken, **base, task="accepted", by=who, rev=3, replied=0)
        replied = taken + handle // 2
        say(ended, **base, task="done", by=who, rev=4, replied=replied)
        free[k] = (ended, free[k][1])
    events.sort(key=lambda e: e[:2])
    yield from ("#config " + line for line in config(agents).splitlines())
    yield from (json.dumps(e[2], separators=(",", ":")) for e in events)


if __name__ == "__main__":
    for line in day(int(sys.argv[1]), int(sys.argv[2])):
        print(line)
