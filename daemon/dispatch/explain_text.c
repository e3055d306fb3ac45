/* dispatch/explain_text.c - what an explanation says, in German and English: one row a sentence.
 *
 * In braces: a an agent, b another, q a queue, c a channel, s a skill or a state, x a word, t a
 * task, n a number, m a whole, h what there is, w what is wanted, u a time, i and j two times.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dispatch/explain.h"

static const struct {
    const char *code, *en, *de;
} rows[] = {
    {"unknown-queue", "It waits: the queue {q} is not configured any more, so nobody is asked.",
     "Sie wartet: Die Warteschlange {q} ist nicht mehr eingerichtet, darum wird niemand gefragt."},
    {"queue-paused", "It waits: the queue {q} is paused, so nothing of it is offered to anybody.",
     "Sie wartet: Die Warteschlange {q} ist angehalten, darum wird aus ihr niemandem etwas "
     "angeboten."},
    {"under-way", "It is being offered at this moment.", "Sie wird gerade angeboten."},
    {"put-off", "It waits: the last offer could not be made; it is tried again at {u}.",
     "Sie wartet: Das letzte Angebot kam nicht zustande; neuer Versuch um {u}."},
    {"waits-for-agent", "It waits for {a} until {u}; after that all agents of {q} are asked.",
     "Sie wartet bis {u} auf {a}; danach werden alle Agenten von {q} gefragt."},
    {"all-refused",
     "It waits: everybody present who could do it has refused it or let it pass; they are asked "
     "again at {u} at the latest.",
     "Sie wartet: Alle Anwesenden, die sie erledigen könnten, haben sie abgelehnt oder "
     "verstreichen "
     "lassen; spätestens um {u} werden sie wieder gefragt."},
    {"nobody-skilled", "It waits: nobody of {q} has the skills that it asks for (agents: {m}).",
     "Sie wartet: Niemand aus {q} hat die verlangten Fähigkeiten (Agenten: {m})."},
    {"no-agents", "It waits: the queue {q} has no agents.",
     "Sie wartet: Die Warteschlange {q} hat keine Agenten."},
    {"nobody-free", "It waits: nobody of {q} can take it now (agents: {m}).",
     "Sie wartet: Niemand aus {q} kann sie jetzt übernehmen (Agenten: {m})."},
    {"soon", "It waits for its turn: agents of {q} who could take it: {n} of {m}.",
     "Sie ist gleich an der Reihe: Agenten von {q}, die sie übernehmen könnten: {n} von {m}."},
    {"offered", "It is offered to {a} until {u}.", "Sie ist {a} bis {u} angeboten."},
    {"accepted", "{a} has accepted it and works on it.",
     "{a} hat sie angenommen und bearbeitet sie."},
    {"wrapup", "{a} has finished it for the customer and is in wrap-up until {u} at the latest.",
     "{a} hat sie für den Kunden erledigt und ist bis spätestens {u} in der Nacharbeit."},
    {"snoozed", "It is snoozed: it waits again from {u} on.",
     "Sie ist zurückgestellt: Ab {u} wartet sie wieder."},
    {"done", "It is done.", "Sie ist erledigt."},
    {"canceled", "It was canceled.", "Sie wurde abgebrochen."},
    {"chosen", "{a} was chosen at {u}, with this note: {x}.",
     "{a} wurde um {u} ausgewählt, mit diesem Vermerk: {x}."},
    {"as-of-now",
     "The others are compared as things stand now; when the choice was made it may have been "
     "different.",
     "Die anderen sind nach dem jetzigen Stand verglichen; bei der Auswahl kann es anders gewesen "
     "sein."},
    {"history", "{u}: from {s} to {t}; note: {x}.", "{u}: von {s} nach {t}; Vermerk: {x}."},
    {"history-agent", "{u}: from {s} to {t}, agent {a}; note: {x}.",
     "{u}: von {s} nach {t}, Agent {a}; Vermerk: {x}."},
    {"lack-skill", "Without a skill that it asks for: {n} of {m} agents.",
     "Ohne eine verlangte Fähigkeit: {n} von {m} Agenten."},
    {"not-configured", "Not configured any more: {n} of {m} agents.",
     "Nicht mehr eingerichtet: {n} von {m} Agenten."},
    {"offline", "Offline: {n} of {m} agents.", "Abgemeldet: {n} von {m} Agenten."},
    {"away", "Away: {n} of {m} agents.", "Abwesend: {n} von {m} Agenten."},
    {"disconnected", "Without a connection: {n} of {m} agents.",
     "Ohne Verbindung: {n} von {m} Agenten."},
    {"excluded",
     "Refused it or let it pass: {n} of {m} agents; the first is asked again from {u} on.",
     "Haben sie abgelehnt oder verstreichen lassen: {n} von {m} Agenten; der erste wird ab {u} "
     "wieder gefragt."},
    {"draining", "Taking nothing new before they leave: {n} of {m} agents.",
     "Nehmen vor dem Abmelden nichts Neues an: {n} von {m} Agenten."},
    {"blocked", "Kept from the channel {c} by what they have in hand: {n} of {m} agents.",
     "Durch das, was sie gerade haben, vom Kanal {c} ferngehalten: {n} von {m} Agenten."},
    {"tier-closed", "In a tier that is not asked yet: {n} of {m} agents, the first from {u} on.",
     "In einer Stufe, die noch nicht gefragt wird: {n} von {m} Agenten, der erste ab {u}."},
    {"in-wrapup", "In wrap-up: {n} of {m} agents, the first until {u}.",
     "In der Nacharbeit: {n} von {m} Agenten, der erste bis {u}."},
    {"units-full", "With too much other work for it: {n} of {m} agents.",
     "Mit zu viel anderer Arbeit dafür: {n} von {m} Agenten."},
    {"channel-full", "With as many tasks of the channel {c} as they may have: {n} of {m} agents.",
     "Mit so vielen Aufgaben des Kanals {c}, wie sie haben dürfen: {n} von {m} Agenten."},
    {"place-first", "Its place in {q} is the first.", "In {q} steht sie an erster Stelle."},
    {"place-urgent", "Before it in {q} because they are more urgent: {n}.",
     "Vor ihr in {q}, weil dringender: {n}."},
    {"place-older", "Before it in {q}, as urgent and older: {n}.",
     "Vor ihr in {q}, gleich dringend und älter: {n}."},
    {"place-next", "The one right before it is {t}.", "Unmittelbar vor ihr steht {t}."},
    {"aged", "By waiting, its priority has grown from {h} to {w}.",
     "Durch das Warten ist ihre Priorität von {h} auf {w} gestiegen."},
    {"waits-for-manager",
     "It waits for {a}, who manages this key account, until {u}; after that others are asked.",
     "Sie wartet bis {u} auf {a}, wer diesen Großkunden betreut; danach werden andere gefragt."},
    {"waits-for-deputy",
     "It waits for {a}, deputy for this key account, until {u}; after that all agents of {q} are "
     "asked.",
     "Sie wartet bis {u} auf {a}, die Vertretung für diesen Großkunden; danach werden alle Agenten "
     "von {q} gefragt."},
    {"place-before", "Before it in {q} by the queue's order: {n}.",
     "Vor ihr in {q} nach der Reihenfolge der Warteschlange: {n}."},
    {"slack", "Open time left to its deadline, less the time it is expected to take: {n} s.",
     "Offene Zeit bis zu ihrer Frist, abzüglich der erwarteten Bearbeitung: {n} s."},
    {"steps-taken", "Steps of {q} taken so far: {n}.", "Bisher genommene Schritte von {q}: {n}."},
    {"step-added", "By a step, agents of {q} may have it too.",
     "Durch einen Schritt dürfen sie auch Agenten von {q} übernehmen."},
    {"next-step", "Step {n} of {q} is due at {u}.", "Schritt {n} von {q} ist um {u} fällig."},
    {"step-relaxes", "Then {s} is asked for at level {w} only.",
     "Dann wird {s} nur noch auf Stufe {w} verlangt."},
    {"step-drops", "Then {s} is not asked for any more.", "Dann wird {s} nicht mehr verlangt."},
    {"step-adds", "Then agents of {s} may have it too.",
     "Dann dürfen sie auch Agenten von {s} übernehmen."},
    {"step-raises", "Then its priority rises by {n}.", "Dann steigt ihre Priorität um {n}."},
    {"step-moves", "Then it moves to {s}.", "Dann kommt sie nach {s}."},
    {"step-notifies", "Then supervisors are told of it.",
     "Dann wird sie den Supervisoren gemeldet."},
    {"agent-best", "{a} could take it and comes first by the strategy {x}.",
     "{a} könnte sie übernehmen und kommt nach der Strategie „{x}“ zuerst."},
    {"agent-holder", "{a} has it.", "{a} hat sie."},
    {"agent-not-configured", "{a} is not configured any more.", "{a} ist nicht mehr eingerichtet."},
    {"agent-lack-skill", "{a} has the skill {s} at level {h}; at least {w} is asked for.",
     "{a} hat die Fähigkeit {s} auf Stufe {h}; verlangt ist mindestens {w}."},
    {"agent-offline", "{a} is offline.", "{a} ist abgemeldet."},
    {"agent-away", "{a} is away.", "{a} ist abwesend."},
    {"agent-disconnected", "{a} has lost the connection.", "{a} hat keine Verbindung."},
    {"agent-draining", "{a} takes nothing new and leaves when what is in hand has ended.",
     "{a} nimmt nichts Neues an und meldet sich ab, wenn das Laufende erledigt ist."},
    {"agent-blocked", "{a} has a task of the channel {s}, which keeps {c} away.",
     "{a} hat eine Aufgabe des Kanals {s}, die {c} fernhält."},
    {"agent-tier-closed",
     "{a} is of tier {h}, which is asked from {u} on; now tiers up to {w} are.",
     "{a} gehört zu Stufe {h}, die ab {u} gefragt wird; jetzt sind es Stufen bis {w}."},
    {"agent-tier", "{a} could take it too, but is of tier {h}; {b} is of tier {w}.",
     "{a} könnte sie auch übernehmen, gehört aber zu Stufe {h}; {b} gehört zu Stufe {w}."},
    {"agent-added", "{a} could take it too, but only through {s}; {b} comes before.",
     "{a} könnte sie auch übernehmen, aber nur über {s}; {b} kommt vorher."},
    {"agent-turn", "{a} could take it too, but it is the turn of {b} by the strategy {x}.",
     "{a} könnte sie auch übernehmen, aber nach der Strategie „{x}“ ist {b} an der Reihe."},
    {"agent-skill-sum",
     "{a} could take it too, but the levels asked for add up to {h} there and to {w} with {b}.",
     "{a} könnte sie auch übernehmen, aber die verlangten Stufen ergeben dort {h} und bei {b} "
     "{w}."},
    {"agent-skill-spare",
     "{a} could take it too, but has {h} levels more than it asks for; {b} has {w}.",
     "{a} könnte sie auch übernehmen, hat aber {h} Stufen mehr als verlangt; {b} hat {w}."},
    {"agent-excluded", "{a} has refused it or let it pass and is not asked again before {u}.",
     "{a} hat sie abgelehnt oder verstreichen lassen und wird nicht vor {u} wieder gefragt."},
    {"agent-in-wrapup", "{a} is in wrap-up until {u}.", "{a} ist bis {u} in der Nacharbeit."},
    {"agent-units-full", "{a} has {h} of {w} units in use, and this task takes {n}.",
     "{a} hat {h} von {w} Einheiten belegt, und diese Aufgabe braucht {n}."},
    {"agent-channel-full", "{a} has {h} of at most {w} tasks of the channel {c}.",
     "{a} hat {h} von höchstens {w} Aufgaben des Kanals {c}."},
    {"agent-beside",
     "{a} could take it too: {a} has {h} of {w} units in use and no end of work since {i}; {b}, "
     "who "
     "has it, {n} of {m} with it, and none since {j}.",
     "{a} könnte sie auch übernehmen: {a} hat {h} von {w} Einheiten belegt und zuletzt um {i} "
     "etwas "
     "beendet; {b} hat mit ihr {n} von {m} und zuletzt um {j}."},
    {"agent-strategy",
     "{a} could take it too, but {b} comes first by the strategy {x}: {a} has {h} of {w} units in "
     "use and no end of work since {i}; {b} has {n} of {m} and none since {j}.",
     "{a} könnte sie auch übernehmen, aber {b} kommt nach der Strategie „{x}“ zuerst: {a} hat {h} "
     "von {w} Einheiten belegt und zuletzt um {i} etwas beendet; {b} hat {n} von {m} und zuletzt "
     "um {j}."},
};

static bool add_time(struct buf *out, int64_t ms) {
    char text[40];
    struct tm tm;
    time_t s = (time_t)(ms / 1000);
    if (!localtime_r(&s, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
        return false;
    return buf_add_c(out, text);
}

static bool add_value(struct buf *out, char letter, const struct said *v) {
    switch (letter) {
    case 'a':
        return buf_add(out, v->agent);
    case 'b':
        return buf_add(out, v->other);
    case 'q':
        return buf_add(out, v->queue);
    case 'c':
        return buf_add(out, v->channel);
    case 's':
        return buf_add(out, v->thing);
    case 'x':
        return buf_add(out, v->word);
    case 't':
        return buf_add(out, v->task);
    case 'n':
        return buf_addf(out, "%lld", (long long)v->count);
    case 'm':
        return buf_addf(out, "%lld", (long long)v->whole);
    case 'h':
        return buf_addf(out, "%lld", (long long)v->have);
    case 'w':
        return buf_addf(out, "%lld", (long long)v->want);
    case 'i':
        return add_time(out, v->idle_ms);
    case 'j':
        return add_time(out, v->other_idle_ms);
    default:
        return add_time(out, v->until_ms);
    }
}

bool explain_say(struct buf *out, const char *code, bool german, const struct said *v) {
    const char *p = NULL;
    bool ok = true;
    for (size_t i = 0; i < COUNT(rows) && !p; i++)
        if (strcmp(rows[i].code, code) == 0)
            p = german ? rows[i].de : rows[i].en;
    assert(p);
    for (; ok && *p; p++) {
        if (p[0] == '{') {
            ok = add_value(out, p[1], v);
            p += 2;
        } else {
            ok = buf_add_byte(out, *p);
        }
    }
    return ok;
}

struct str explain_strategy(enum routing_strategy strategy, bool german) {
    static const struct {
        const char *en, *de;
    } words[ROUTING_STRATEGIES] = {
        [ROUTING_LONGEST_IDLE] = {"longest idle", "am längsten frei"},
        [ROUTING_LEAST_LOAD] = {"least load", "am wenigsten Arbeit"},
        [ROUTING_ROUND_ROBIN] = {"round robin", "reihum"},
        [ROUTING_WEIGHTED] = {"by weight", "nach Gewicht"},
        [ROUTING_BROADCAST] = {"broadcast", "an mehrere"},
        [ROUTING_BEST_SKILL] = {"best skill", "beste Fähigkeit"},
        [ROUTING_ENOUGH_SKILL] = {"enough skill", "genügende Fähigkeit"},
    };
    return str_c(german ? words[strategy].de : words[strategy].en);
}
