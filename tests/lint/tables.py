#!/usr/bin/python3
"""Tables are whole: every metric is counted somewhere, every Redis function is called, every log event has one form."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources(*dirs):
    return {p: p.read_text() for d in dirs for p in sorted((ROOT / d).rglob("*.c"))}


def main():
    faults = []
    text = "\n".join(sources("daemon", "channels").values())
    for ident in re.findall(r"^METRIC\((\w+)", (ROOT / "daemon/base/metrics.def").read_text(), re.M):
        if f"METRIC_{ident}" not in text:
            faults.append(f"daemon/base/metrics.def: nothing counts {ident}")
    for lua in sorted((ROOT / "daemon/store/functions").glob("*.lua")):
        for name in re.findall(r"""['"]tl\d+_(\w+)['"]""", lua.read_text()):
            if f'"{name}"' not in text:
                faults.append(f"{lua.relative_to(ROOT)}: nobody calls {name}")
    for path, body in sources("daemon").items():
        for event in re.findall(r'\blog_(?:error|warn|info|debug)\(\s*"([^"]*)"', body):
            if not re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", event):
                faults.append(f"{path.relative_to(ROOT)}: log event {event!r} is not room.what")
    for line in faults:
        print(line)
    return 1 if faults else 0


sys.exit(main())
