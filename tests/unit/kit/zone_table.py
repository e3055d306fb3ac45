"""What Python's zoneinfo says of zones, for test_zone.c: lines "Z NAME", "U utc offset", "L local first second", in seconds.

Every month of 1970 to 2044, a few days far ahead, and the half hours around every change of the clock.
"""
import datetime
import random
import sys
import zoneinfo

AROUND = (-50, -28, -24, *range(-4, 5), 24, 28, 50)
UTC, EPOCH, DAY = datetime.timezone.utc, datetime.datetime(1970, 1, 1), 86400
NAMED = """Europe/Berlin Europe/Dublin Europe/London Europe/Lisbon Europe/Moscow America/New_York America/Los_Angeles
America/Sao_Paulo America/St_Johns America/Caracas America/Asuncion America/Nuuk America/Havana Asia/Kolkata Asia/Kathmandu
Asia/Tehran Asia/Gaza Asia/Tokyo Asia/Pyongyang Africa/Casablanca Africa/Cairo Africa/Lagos Australia/Lord_Howe Australia/Sydney
Pacific/Apia Pacific/Chatham Pacific/Kiritimati Pacific/Auckland Antarctica/Troll Antarctica/Casey UTC""".split()


def offset(zone, utc):
    return int((EPOCH + datetime.timedelta(seconds=utc)).replace(tzinfo=UTC).astimezone(zone).utcoffset().total_seconds())


def local(zone, seconds, fold):
    t = (EPOCH + datetime.timedelta(seconds=seconds)).replace(tzinfo=zone, fold=fold)
    return seconds - int(t.utcoffset().total_seconds())


def moments(zone):
    far = [int((datetime.datetime(y, m, 15) - EPOCH).total_seconds()) for y in (2038, 2051, 2100, 2400) for m in range(1, 13)]
    step = 30 * DAY
    known, found = offset(zone, 0), []
    for t in range(0, int((datetime.datetime(2045, 1, 1) - EPOCH).total_seconds()), step):
        found.append(t)
        after = offset(zone, t + step)
        if after != known:
            low, high = t, t + step
            while high - low > 1:
                mid = (low + high) // 2
                low, high = (mid, high) if offset(zone, mid) == known else (low, mid)
            found += [high + k * 1800 + j for k in AROUND for j in (-1, 0)]
            known = after
    return found + far


def main():
    names = sorted(n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(("posix", "right")))
    rest = [n for n in names if n not in NAMED]
    random.Random(5).shuffle(rest)
    for name in (NAMED + rest)[:int(sys.argv[1])]:
        zone = zoneinfo.ZoneInfo(name)
        print("Z", name)
        for t in moments(zone):
            print("U", t, offset(zone, t))
            wall = t + offset(zone, t)
            both = local(zone, wall, 0), local(zone, wall, 1)
            print("L", wall, both[0], max(both))


main()
