#!/usr/bin/python3
"""What no text of the project holds: paths of somebody's machine, hosts of package registries, marks of unfinished work;
and no function of the daemon or a channel is longer than a screen."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX = 60
NEVER = [
    (re.compile(r"/tmp/(w|hub|plan)\b|(?<![\w.-])/work\b|(?<![\w.-])/root\b|/home/\w"), "a path of one machine"),
    (re.compile(r"registry\.npmjs|pypi\.org|pythonhosted|crates\.io|proxy\.golang|rubygems\.org|deb\.debian\.org"),
     "the host of a package registry"),
    (re.compile(r"\b(TODO|FIXME)\b"), "a mark of unfinished work"),
]


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True).stdout
    return [p for p in out.decode().split("\0") if p]


def words(faults):
    own = str(pathlib.Path(__file__).resolve().relative_to(ROOT))
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if name == own or b"\0" in data:
            continue
        for n, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            faults += [f"{name}:{n}: {what}" for pattern, what in NEVER if pattern.search(line)]


def functions(faults):
    table = re.compile(r"^(static |const |extern )*(struct|enum|union)\b[^()]*\{$|=\s*\{+$")
    for name in tracked("daemon/*.c", "channels/*.c"):
        began = None
        for n, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            if re.match(r"[A-Za-z_ ].*\{$", line) and began is None:
                rows = 0
                began = 0 if table.search(line) or "(" not in line else n
            elif line.startswith("}"):
                if began and n - began + 1 - rows > FUNCTION_LINES_MAX:
                    faults.append(f"{name}:{began}: a function of {n - began + 1 - rows} lines, above {FUNCTION_LINES_MAX}")
                began = None
            elif line.lstrip().startswith("{") and line.rstrip().endswith((",", "};")):
                rows += 1  # of a table


def main():
    faults = []
    words(faults)
    functions(faults)
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
