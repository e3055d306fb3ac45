#!/usr/bin/python3
"""Which room may include which (daemon/rooms): fails on an include not listed, on a cycle, on a _priv.h from outside its
room, on a channel that includes more than <touchline/...>, on a pure place with I/O in it, on files above 500 lines."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]', re.M)
IMPURE = re.compile(r'event2/|hiredis|sqlite3\.h|curl/|\btime\(|\bclock_(wall|mono)|\bgettimeofday|\bfopen\(|\bsocket\(')
LINES_MAX = 500


def read_rules():
    rooms, pure, long_files = {}, [], {}
    for line in (ROOT / "daemon/rooms").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("pure "):
            pure.append(line.split()[1])
        elif line.startswith("long "):
            _, name, reason = line.split(None, 2)
            long_files[name] = reason
        else:
            room, _, may = line.partition(":")
            rooms[room] = may.split()
    return rooms, pure, long_files


def cycle(rooms):
    done = set()

    def visit(room, path):
        if room in path:
            return path + [room]
        if room in done:
            return None
        done.add(room)
        for other in rooms.get(room, []):
            found = visit(other, path + [room])
            if found:
                return found
        return None

    for room in rooms:
        found = visit(room, [])
        if found:
            return found
    return None


def main():
    rooms, pure, long_files = read_rules()
    faults = []
    found = cycle(rooms)
    if found:
        faults.append("daemon/rooms: a cycle: " + " -> ".join(found))
    for room, may in rooms.items():
        faults += [f"daemon/rooms: {room} names {m}, which is no room" for m in may if m not in rooms]
    files = sorted(p for d in ("daemon", "channels", "include") for e in ("*.c", "*.h", "*.lua") for p in (ROOT / d).rglob(e))
    for path in files:
        name = str(path.relative_to(ROOT))
        text = path.read_text()
        n = text.count("\n")
        if n > LINES_MAX and name not in long_files:
            faults.append(f"{name}: {n} lines, above {LINES_MAX}")
        parts = name.split("/")
        room = parts[1] if len(parts) > 2 else None
        for kind, target in INCLUDE.findall(text):
            if kind == "<":
                continue
            if parts[0] == "channels":
                if "/" in target or not (path.parent / target).exists():
                    faults.append(f'{name}: a channel includes "{target}"')
            elif parts[0] == "include":
                faults.append(f'{name}: the ABI includes "{target}"')
            elif "/" not in target:
                faults.append(f'{name}: "{target}" lacks its room')
            else:
                other = target.split("/")[0]
                if target.endswith("_priv.h") and other != room:
                    faults.append(f"{name}: {target} is another room's own")
                if room and other != room and other not in rooms.get(room, []):
                    faults.append(f"{name}: {room} may not include {other}")
        if parts[0] == "daemon" and room and room not in rooms:
            faults.append(f"{name}: daemon/rooms has no line for {room}")
        if any(name == f"daemon/{p}" or name.startswith(f"daemon/{p}/") for p in pure) and not name.endswith(".lua"):
            for m in IMPURE.finditer(re.sub(r'/\*.*?\*/|//[^\n]*', "", text, flags=re.S)):
                faults.append(f"{name}: pure, but has {m.group(0)}")
    for line in faults:
        print(line)
    return 1 if faults else 0


sys.exit(main())
