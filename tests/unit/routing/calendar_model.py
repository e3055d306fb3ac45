"""Business time by a plain model and Python's zoneinfo, for test_calendar.c: random calendars, and spans within them.

Lines: "C ZONE", "W weekday open close", "S day open close" (0 0: closed), "H day", then of that calendar "D start open due"
and "B from to open"; seconds, days since 1970-01-01. Arguments: how many calendars, how many spans in all, seed.
"""
import bisect
import datetime
import random
import sys
import zoneinfo

EPOCH, DAY = datetime.datetime(1970, 1, 1), 86400
LAST = (datetime.date(2037, 12, 31) - EPOCH.date()).days


def utc(zone, seconds):
    t = (EPOCH + datetime.timedelta(seconds=seconds)).replace(tzinfo=zone)
    return seconds - int(t.utcoffset().total_seconds())


def windows(rng):
    edges = sorted(rng.sample(range(0, 97), 2 * rng.choice([1, 1, 2, 2, 3])))
    found = [(edges[i] * 900, edges[i + 1] * 900) for i in range(0, len(edges), 2)]
    if rng.random() < 0.15:
        found[-1] = (found[-1][0], DAY + rng.randrange(0, 25) * 900)  # over midnight
    return found if rng.random() < 0.95 else [(0, DAY)]


def calendar(rng, zone):
    week = [windows(rng) if rng.random() < 0.75 else [] for _ in range(7)]
    week[rng.randrange(7)] = windows(rng)
    holidays = {rng.randrange(LAST) for _ in range(rng.randrange(600))}
    special = {rng.randrange(LAST): windows(rng) if rng.random() < 0.5 else [] for _ in range(rng.randrange(200))}
    spans = []
    for day in range(-3, LAST + 4000):
        ours = special[day] if day in special else [] if day in holidays else week[(day + 3) % 7]
        spans += [(utc(zone, day * DAY + a), utc(zone, day * DAY + b)) for a, b in ours]
    merged = []
    for a, b in sorted(s for s in spans if s[1] > s[0]):
        if merged and a <= merged[-1][1]:
            merged[-1][1] = max(b, merged[-1][1])
        else:
            merged.append([a, b])
    return week, holidays, special, merged


def main():
    count, total, rng = int(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    names = sorted(n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(("posix", "right")))
    names = ["Europe/Berlin", "Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo"] + names
    for i in range(count):
        name = names[i] if i < 5 else rng.choice(names)
        week, holidays, special, open_spans = calendar(rng, zoneinfo.ZoneInfo(name))
        ends, sums = [b for _, b in open_spans], [0]
        for a, b in open_spans:
            sums.append(sums[-1] + b - a)

        def opened(t):  # open seconds before t
            k = bisect.bisect_right(ends, t)
            return sums[k] + (max(0, t - open_spans[k][0]) if k < len(ends) else 0)

        def due(start, seconds):
            k = bisect.bisect_right(ends, start)
            if seconds == 0:
                return max(start, open_spans[k][0])
            goal = opened(start) + seconds
            k = bisect.bisect_left(sums, goal)
            return open_spans[k - 1][1] - (sums[k] - goal)

        print("C", name)
        for d, ours in enumerate(week):
            for w in ours:
                print("W", d, *w)
        for d, ours in special.items():
            for w in ours or [(0, 0)]:
                print("S", d, *w)
        for d in holidays:
            print("H", d)
        for _ in range(total // count):
            start = rng.randrange(LAST * DAY)
            seconds = rng.choice([0, 900, rng.randrange(DAY), rng.randrange(30 * DAY), rng.randrange(200 * DAY)])
            print("D", start, seconds, due(start, seconds))
            end = start + rng.choice([0, rng.randrange(DAY), rng.randrange(30 * DAY), rng.randrange(700 * DAY)])
            print("B", start, end, opened(end) - opened(start))


main()
