#!/usr/bin/python3
"""make sim-faults: a fault is planted in each rule of the router, and the simulator or a unit test must see it.

Each row: the rule, a file of daemon/routing, what stands there (once) and what stands there instead. A row whose text is not found
exactly once is a fault of this table. What nobody notices is told by name; the last line is `N passed, N failed`.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVENTS, WORLDS = "30000", "8"

FAULTS = [
    ("available only", "agent.c", "if (a->presence == ROUTING_AWAY)", "if (0)"),
    ("offline gets nothing", "agent.c", "if (a->presence == ROUTING_OFFLINE)", "if (0)"),
    ("who drains gets nothing new", "agent.c", "if (a->presence == ROUTING_DRAINING)", "if (0)"),
    ("without a stream nothing", "agent.c", "return a->lost_ms ? ROUTING_WHY_LOST : ROUTING_WHY_NOT;", "return ROUTING_WHY_NOT;"),
    ("units in all", "agent.c", "if (a->can.free < c->weight)", "if (a->can.free < 0)"),
    ("tasks of a channel", "agent.c", "return (int64_t)a->open[c->channel] >= a->channel_max[c->channel] ? ROUTING_WHY_CHANNEL",
     "return (int64_t)a->open[c->channel] > a->channel_max[c->channel] ? ROUTING_WHY_CHANNEL"),
    ("what one holds blocks others", "agent.c", "blocked |= r->blocks[i];", "blocked |= 0;"),
    ("skills at their level", "agent.c", "if (routing_agent_level(a, c->needs[i].skill) < c->needs[i].min)",
     "if (routing_agent_level(a, c->needs[i].skill) + 1 < c->needs[i].min)"),
    ("wrap-up keeps everything away", "agent.c", "routing_agent_here(a) && a->wrapping == 0 && a->units", "routing_agent_here(a) && a->units"),
    ("idle from the end of work", "agent.c", "if (ended && a->idle_since_ms < r->now_ms)", "if (0 && ended && a->idle_since_ms < r->now_ms)"),
    ("idle from entry into available", "agent.c", "if (entered && news->since_ms > a->idle_since_ms)", "if (0 && entered && news->since_ms > a->idle_since_ms)"),
    ("drained is offline", "agent.c", "if (a->presence == ROUTING_DRAINING && a->known && a->work_n == 0 && link_alone(&a->resting))", "if (0)"),
    ("a place in the ring is kept", "agent.c", "m->position = old[k].position;", "m->position = 0;"),
    ("who refused is not asked", "task.c", "t->excluded[i].until_ms > now_ms)\n            return", "t->excluded[i].until_ms > now_ms + 9000000)\n            return"),
    ("accepting ends a row of misses", "task.c", "t->holds[0].agent->missed = 0;", ";"),
    ("misses are counted", "task.c", "if (++a->missed >= limit", "if (a->missed >= limit"),
    ("who rejects may be penalised", "task.c", "routing_agent_idle_now(r, b->had[i]);", ";"),
    ("several have an offer", "task.c", "for (size_t i = 0; i < more; i++)", "for (size_t i = 0; i < more && 0; i++)"),
    ("an exclusion that ends is looked at", "task.c", "due = sooner(due, t->excluded[i].until_ms);", ";"),
    ("offers end by time", "task.c", "int64_t until = t->until_ms ? t->until_ms : INT64_MAX;", "int64_t until = INT64_MAX;"),
    ("a step does not wait for other news", "task.c", "t->came_as ? r->now_ms : routing_step_next_ms(t, &step)", "t->came_as ? r->now_ms : INT64_MAX"),
    ("by number on arrival", "task.c", "t->came_as = t->queue->waiting;", "t->came_as = 0;"),
    ("longest idle: share of capacity", "strategy_longest_idle.c", "return mine < other;", "return mine > other;"),
    ("longest idle: time", "strategy_longest_idle.c", "return a->idle_since_ms < b->idle_since_ms;", "return a->idle_since_ms > b->idle_since_ms;"),
    ("least load: units", "strategy_least_load.c", "return a->units < b->units;", "return a->units > b->units;"),
    ("round robin: the ring", "strategy_round_robin.c", "a->position < b->position", "a->position > b->position"),
    ("round robin: after the cursor", "ready.c", "s->after = q->cursor;", "s->after = 0;"),
    ("round robin: the cursor moves", "queue.c", "q->cursor = m->position;\n        return;", "return;"),
    ("round robin: the cursor is kept", "queue.c", "q->turn = turn;\n        q->cursor = m->position;", "q->turn = turn;"),
    ("weighted: by weight", "queue.c", "return TURN_SCALE / (m->weight > 0 ? m->weight : 1);", "return TURN_SCALE;"),
    ("weighted: each in turn", "queue.c", "m->turn += share(m);", ";"),
    ("best skill", "strategy_skill.c", "return -sum;", "return sum;"),
    ("enough skill", "strategy_skill.c", "sum += routing_agent_level(a, c->needs[i].skill) - c->needs[i].min;", "sum -= routing_agent_level(a, c->needs[i].skill) - c->needs[i].min;"),
    ("lower tiers first", "queue.c", "return a->tier < b->tier;", "return a->tier > b->tier;"),
    ("tiers open with time", "queue.c", "tier = 1 + (waited > 0 ? waited / wait : 0);", "tier = 2 + (waited > 0 ? waited / wait : 0);"),
    ("a tier nobody is in is not waited for", "queue.c", "while (!anybody && tier < ROUTING_TIERS_MAX)", "while (0)"),
    ("the next tier is tried when it opens", "task.c", "return sooner(due, sooner(excluded_due_ms(r, t), tier_due_ms(r, t)));", "return sooner(due, excluded_due_ms(r, t));"),
    ("a paused queue offers nothing", "queue.c", "return q->known && !q->rule.paused;", "return q->known;"),
    ("weight between queues", "order.c", "return p->rule.weight > q->rule.weight;", "return p->rule.weight < q->rule.weight;"),
    ("strict: priority first", "order.c", "return mine != other ? mine > other : older(a->task, b->task);", "return older(a->task, b->task);"),
    ("ageing", "order.c", ": t->priority + steps * rule->ageing_by;", ": t->priority;"),
    ("ageing ends at its cap", "order.c", "return steps > room / rule->ageing_by ? rule->ageing_cap", "return steps > room / rule->ageing_by ? 99"),
    ("score", "order.c", "return t->created_ms * by - t->priority * every;", "return t->created_ms * by + t->priority * every;"),
    ("lifo", "order.c", "s->key = -t->created_ms;", "s->key = t->created_ms;"),
    ("slack: by deadline", "order.c", "s->key = open_ms(r, q, t->due_ms) - handle_ms(t, q);", "s->key = -open_ms(r, q, t->due_ms);"),
    ("slack: in open time", "order.c", "const struct calendar *c = q->rule.calendar;\n    return at_ms", "const struct calendar *c = NULL;\n    return at_ms"),
    ("slack: less what it takes", "order.c", "open_ms(r, q, t->due_ms) - handle_ms(t, q)", "open_ms(r, q, t->due_ms)"),
    ("sticky: only within its window", "wish.c", "t->created_ms - t->wish_seen_ms > t->queue->rule.sticky_window_ms", "0"),
    ("sticky: skipped at once when away", "wish.c", "return routing_agent_here(a) && (!over || (a->ready && routing_agent_fits(a, c)));", "return !over || (a->ready && routing_agent_fits(a, c));"),
    ("sticky: not for ever", "wish.c", "return t->place == PLACE_HELD && routing_wish_until_ms(r, t) <= r->now_ms;", "return false;"),
    ("a key account's deputy", "wish.c", "t->wish = deputy ? t->deputy : NULL;", "t->wish = NULL;"),
    ("the hard wait", "wish.c", "return r->hard_wait_ms;", "return 0;"),
    ("steps: each once", "step.c", "return t->steps >> i & 1;", "return false;"),
    ("steps: from the entry", "step.c", "share_ms(t, s->after_percent) : t->entered_ms + s->after_ms;", "share_ms(t, s->after_percent) : t->entered_ms + s->after_ms / 2;"),
    ("steps: by share", "step.c", "open * percent / 100", "open * percent / 200"),
    ("steps: not waited for with nobody there", "step.c", "return s->skip_if_none_available && !moved", "return 0 && !moved"),
    ("steps: by number", "step.c", "t->came_as >= (size_t)s->waiting", "t->came_as + 1 >= (size_t)s->waiting"),
    ("wrap-up ends", "due.c", "decided = simple(t, ROUTING_END, out, \"wrap-up over\");", "decided = false;"),
    ("snoozed wakes", "due.c", "decided = simple(t, ROUTING_WAKE, out, \"snoozed until now\");", "decided = false;"),
    ("an offer expires", "due.c", "if (t->until_ms > r->now_ms)\n        return false;\n    routing_task_missed(t);", "return false;\n    routing_task_missed(t);"),
    ("untouched work comes back", "due.c", "if (t->until_ms && t->until_ms <= r->now_ms) {", "if (0) {"),
    ("who missed it is not asked again at once", "due.c", "out->exclude_until_ms = r->now_ms + t->queue->rule.missed_holdoff_ms;\n    out->penalise", "out->exclude_until_ms = 0;\n    out->penalise"),
    ("all refused: asked again", "due.c", "i < t->excluded_n && !all; i++)", "i < t->excluded_n; i++)"),
    ("one decision a task at a time", "due.c", "snprintf(out->reason, sizeof out->reason, \"%s\", reason);\n    t->pending = true;\n    return true;\n}\n\n/* Whoever is gone", "snprintf(out->reason, sizeof out->reason, \"%s\", reason);\n    return true;\n}\n\n/* Whoever is gone"),
    ("older news are dropped", "task.c", "if (t && news->rev <= t->rev)\n        return;", ";"),
    ("added queues are asked", "match.c", "for (size_t i = 0; i < t->added_n; i++)\n        if (pick(r, t, &t->more[i], out))\n            return true;", ";"),
    ("the best of an agent's tasks goes first", "match.c", "        t = better->task;\n", "        return true;\n"),
    ("to so many at a time", "match.c", "return to < ROUTING_OFFERS_MAX ? (size_t)to : ROUTING_OFFERS_MAX;", "return 1;"),
    ("a tier opens also for who came after the task", "queue.c", " || (first && q->rule.tier_wait_ms > 0))", ")"),
    ("sticky: not for who has lost the skill", "agent.c", "held_anew(r, a); /* he may serve other queues, or know less */", ";"),
    ("work that goes on has not ended", "task.c", "leave(r, t, !goes_on(t, news));", "leave(r, t, true);"),
    ("weighted: nobody catches up", "agent.c", "m->turn = m->queue->turn; /* the row did not wait for him */", ";"),
    ("a call's offer has its own time", "router.c", "t->is_call && rule->call_offer_ms > 0 ? rule->call_offer_ms : rule->offer_ms", "rule->offer_ms"),
    ("the hard wait also for who is not there", "wish.c", "if (t->wish_kind == ROUTING_WISH_KEY_HARD && !t->wish_deputy && !over)", "if (0)"),
    ("the deputy is waited for too", "wish.c", "return t->wish_deputy ? until + t->queue->rule.sticky_wait_ms : until;", "return until;"),
    ("a transfer waits without being told how long", "wish.c", "sticky == 0 ? ROUTING_DIRECT_WAIT_MS : sticky", "sticky"),
    ("calls of a lost agent come back earlier", "due.c", "t->is_call ? ROUTING_CALL_LOST_MS : a->lost_after_ms;", "a->lost_after_ms;"),
    ("offers of a lost agent come back after a grace", "task.c", "sooner(until, a->lost_ms + ROUTING_OFFER_LOST_MS) : until", "until : until"),
    ("strict: among equals the older", "order.c", "if (a->created_ms != b->created_ms)\n        return a->created_ms < b->created_ms;\n    return strcmp(a->id",
     "if (a->created_ms != b->created_ms)\n        return a->created_ms > b->created_ms;\n    return strcmp(a->id"),
    ("all refused: the next step comes early", "step.c", "due = at <= r->now_ms || (t->all_refused && at != INT64_MAX);", "due = at <= r->now_ms;"),
    ("all refused: not at once", "due.c", "routing_match_all_refused(r, t) && t->waits_since_ms + ROUTING_ALL_REJECTED_MS <= r->now_ms", "routing_match_all_refused(r, t)"),
]


def build(folder):
    sources = [str(ROOT / "tests/sim/router_sim.c"), *map(str, sorted(folder.glob("routing/*.c"))), *map(str, sorted((ROOT / "daemon/kit").glob("*.c")))]
    libs = subprocess.run(["pkg-config", "--libs", "jansson", "openssl"], capture_output=True, text=True).stdout.split()
    base = ["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-w", f"-I{ROOT}/include", f"-I{folder}"]
    objects = []
    for source in sources[1:]:
        out = folder / (source.replace("/", "_") + ".o")
        if not out.exists():
            subprocess.run([*base, f"-I{ROOT}/daemon", "-c", source, "-o", str(out)], check=True)
        objects.append(str(out))
    end = [*objects, *libs, "-lpthread", "-ldl", "-lm"]
    subprocess.run([*base, sources[0], *end, "-o", str(folder / "sim")], check=True)
    unit = str(ROOT / "tests/unit/routing")
    units = sorted(pathlib.Path(unit).glob("test_*.c"))
    units = [u for u in units if u.name not in ("test_calendar.c", "test_service_level.c")]
    for u in units:
        subprocess.run([*base, f"-I{unit}", str(u), *end, "-lcmocka", "-o", str(folder / u.stem)], check=True)
    return ["sim", *[u.stem for u in units]]


def seen_by(folder, programs):
    for name in programs:
        command = [str(folder / name), *(["--events", EVENTS, "--worlds", WORLDS] if name == "sim" else [])]
        try:
            if subprocess.run(command, capture_output=True, timeout=60).returncode:
                return name
        except subprocess.TimeoutExpired:
            return name
    return None


def main():
    passed = failed = 0
    pick = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        shutil.copytree(ROOT / "daemon/routing", folder / "routing")
        programs = build(folder)
        if seen := seen_by(folder, programs):
            sys.exit(f"red without a fault: {seen}")
        for rule, name, was, becomes in FAULTS:
            if pick not in rule:
                continue
            path = folder / "routing" / name
            text = path.read_text()
            if text.count(was) != 1:
                print(f"TABLE   {rule}: {name} holds its text {text.count(was)} times")
                failed += 1
                continue
            path.write_text(text.replace(was, becomes))
            (folder / (str(path).replace("/", "_") + ".o")).unlink(missing_ok=True)
            try:
                seen = seen_by(folder, build(folder))
            except subprocess.CalledProcessError:
                seen = None
                print(f"TABLE   {rule}: does not compile")
            path.write_text(text)
            (folder / (str(path).replace("/", "_") + ".o")).unlink(missing_ok=True)
            print(f"{'seen by ' + seen if seen else 'NOT SEEN':<24} {rule}", flush=True)
            passed, failed = passed + bool(seen), failed + (not seen)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
