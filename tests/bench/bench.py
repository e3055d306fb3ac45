#!/usr/bin/python3
"""make bench: figures of the whole daemon with all durability on, as ratios to neighbours where those are installed.

Each figure is the median of RUNS runs with the least and the most beside it. The machine is whatever it is: read the ratios.
`bench.py NAME` picks.
"""
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from touchline import ADAPTER, ANNA, ROOT, Touchline, free_port, stop, wait_for  # noqa: E402

RUNS, SECONDS = int(os.environ.get("RUNS", "3")), int(os.environ.get("SECONDS", "4"))
HERE = pathlib.Path(__file__).parent


def show(name, values, unit, against=None, of=""):
    mid = statistics.median(values)
    line = f"{name:<46} {mid:>12,.1f} {unit:<14} ({min(values):,.1f} to {max(values):,.1f})"
    if against:
        line += f"   ratio {mid / statistics.median(against):.2f} to {of} ({statistics.median(against):,.1f})"
    print(line, flush=True)
    return values


def wrk(url, script, *args):
    out = subprocess.run(["wrk", "-t2", "-c64", f"-d{SECONDS}s", "--latency", "-s", str(HERE / script), url, "--", *args],
                         capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    ms = float(p99.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, ms, int(bad.group(1)) if bad else 0


def webdis():
    """The neighbour: HTTP to a bare XADD, without persistence."""
    if not shutil.which("webdis"):
        return None
    folder = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True).stdout.strip())
    redis_port, port = free_port(), free_port()
    redis = subprocess.Popen(["redis-server", "--port", str(redis_port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"],
                             stdout=subprocess.DEVNULL)
    conf = folder / "webdis.json"
    conf.write_text(json.dumps({"redis_host": "127.0.0.1", "redis_port": redis_port, "http_host": "127.0.0.1", "http_port": port, "threads": 2,
                                "daemonize": False, "database": 0, "acl": [{"disabled": []}], "verbosity": 0, "logfile": str(folder / "log")}))
    server = subprocess.Popen(["webdis", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1), why="webdis")
        return [wrk(f"http://127.0.0.1:{port}", "xadd.lua") for _ in range(RUNS)]
    finally:
        stop(server), stop(redis)
        shutil.rmtree(folder)


def pushes():
    if not shutil.which("wrk"):
        return print("pushes: wrk is not installed")
    against = webdis()
    rates = [a[0] for a in against] if against else None
    with Touchline() as t:
        got = [wrk(t.url, "push.lua", "1", uuid.uuid4().hex[:8]) for _ in range(RUNS)]
        many = [wrk(t.url, "push.lua", "100", uuid.uuid4().hex[:8]) for _ in range(RUNS)]
    show("pushes, one a request", [g[0] for g in got], "/s", rates, "webdis' bare XADD")
    show("pushes, p99", [g[1] for g in got], "ms", [a[1] for a in against] if against else None, "webdis")
    show("NDJSON, 100 a request", [m[0] * 100 for m in many], "touchpoints/s", rates, "webdis' bare XADD")
    print(f"{'refused':<46} {sum(g[2] for g in got + many):>12}")


def mails():
    body = ("From: a@example.org\r\nTo: support@localhost\r\nSubject: bench\r\nMessage-ID: <{id}@example.org>\r\n\r\n" + "x" * 76 + "\r\n") \
        .replace("x" * 76 + "\r\n", ("x" * 76 + "\r\n") * 50)

    def session(port, n, out):
        with socket.create_connection(("127.0.0.1", port)) as s:
            f = s.makefile("rwb")
            f.readline()
            f.write(b"LHLO bench\r\n"), f.flush()
            while f.readline()[3:4] == b"-":
                pass
            for _ in range(n):
                f.write(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<support@localhost>\r\nDATA\r\n"), f.flush()
                f.readline(), f.readline(), f.readline()
                f.write(body.replace("{id}", uuid.uuid4().hex).encode() + b".\r\n"), f.flush()
                out.append(f.readline()[:3])

    rates = []
    with Touchline() as t:
        for _ in range(RUNS):
            out, begin = [], time.monotonic()
            threads = [threading.Thread(target=session, args=(t.lmtp_port, 250, out)) for _ in range(8)]
            [x.start() for x in threads], [x.join() for x in threads]
            rates.append(len([o for o in out if o == b"250"]) / (time.monotonic() - begin))
    show("LMTP, 4 KB mails, 8 sessions", rates, "mails/s")


def beanstalkd(n):
    if not shutil.which("beanstalkd"):
        return None
    folder, port = subprocess.run(["mktemp", "-d"], capture_output=True, text=True).stdout.strip(), free_port()
    server = subprocess.Popen(["beanstalkd", "-l", "127.0.0.1", "-p", str(port), "-b", folder, "-f0"], stdout=subprocess.DEVNULL)
    try:
        s = wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1), why="beanstalkd")
        f, rates = s.makefile("rwb"), []
        for _ in range(RUNS):
            begin = time.monotonic()
            for _ in range(n):
                f.write(b"put 1 0 60 200\r\n" + b"x" * 200 + b"\r\n"), f.flush(), f.readline()
                f.write(b"reserve\r\n"), f.flush()
                job = f.readline().split()[1]
                f.read(202)
                f.write(b"delete " + job + b"\r\n"), f.flush(), f.readline()
            rates.append(n / (time.monotonic() - begin))
        return rates
    finally:
        stop(server)
        shutil.rmtree(folder)


def tasks():
    n, rates = 300, []
    with Touchline() as t:
        events = t.events(ANNA)
        events.wait("snapshot")
        t.presence(ANNA)
        for _ in range(RUNS):
            begin = time.monotonic()
            for _ in range(n):
                told = t.push({"id": uuid.uuid4().hex, "channel": "chat", "text": "x", "from": {"email": f"{uuid.uuid4().hex}@example.org"}}).json()
                data = events.wait("offer", lambda d, id=told["task"]: d["task"]["id"] == id, 20)[2]
                events.items.clear()
                t.post(f"/v1/tasks/{told['task']}/accept", {"offer": data["offer"]}, ANNA)
                t.post(f"/v1/tasks/{told['task']}/complete", {}, ANNA)
            rates.append(n / (time.monotonic() - begin))
        events.close()
    show("task cycle, one client: push offer accept done", rates, "/s", beanstalkd(n), "beanstalkd put reserve delete, fsync each")


def memory():
    people, each = 2000, 10
    import redis

    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    plain = redis.Redis(port=port)
    wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1), why="redis")
    with Touchline() as t:
        before, stream_before = t.redis().info("memory")["used_memory"], plain.info("memory")["used_memory"]
        for start in range(0, people, 200):
            lines = [json.dumps({"id": f"m{p}-{i}", "channel": "email", "auto": None, "direction": "outbound", "text": ("I ordered %d. " % i) * 14,
                                 "from": {"email": "us@example.com"}, "to": {"email": f"p{p}@example.org"}})
                     for p in range(start, start + 200) for i in range(each)]
            lines = [line.replace('"auto": null, ', "") for line in lines]
            for part in range(0, len(lines), 1000):
                r = t.request("POST", "/v1/touchpoints", ADAPTER, data="\n".join(lines[part:part + 1000]), headers={"Content-Type": "application/x-ndjson"})
                assert all(i["status"] in (200, 201, 202) for i in r.json()), r.text[:300]
            for p in range(start, start + 200):
                for i in range(each):
                    plain.xadd(f"c:{p}", {"j": lines[(p - start) * each + i]})
        wait_for(lambda: t.get("/readyz", None).json()["backlog"] == 0, 60, why="applied")
        ours = (t.redis().info("memory")["used_memory"] - before) / people / each
        theirs = (plain.info("memory")["used_memory"] - stream_before) / people / each
        rss = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{t.process.pid}/status").read()).group(1)) / 1024
    stop(server)
    show("Redis memory a touchpoint, all included", [ours], "bytes", [theirs], "the same JSON in a stream a contact")
    show("daemon resident after 20,000 touchpoints", [rss], "MB")


def connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def rss(t):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{t.process.pid}/status").read()).group(1))

    with Touchline() as t:
        time.sleep(2) # idle is a state of rest
        idle, n = rss(t), 10000
        conns = []
        for _ in range(n):
            s = socket.create_connection(("127.0.0.1", t.http_port))
            conns.append(s)
        for s in conns:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for s in conns:
            s.recv(4096)
        begin = time.monotonic()
        t.get("/healthz", None)
        answer_ms = (time.monotonic() - begin) * 1000
        full = rss(t)
        [s.close() for s in conns]
    show("idle resident size of the daemon", [idle / 1024], "MB")
    show("an idle connection (10,000 of them)", [(full - idle) / n], "KB")
    show("an answer beside them", [answer_ms], "ms")


def main():
    pick = sys.argv[1] if len(sys.argv) > 1 else ""
    subprocess.run(["nproc"], check=True)
    for bench in (pushes, mails, tasks, memory, connections):
        if pick in bench.__name__:
            bench()
    for program in sorted((ROOT / "build/bench").glob("*")):
        if pick in program.name and not program.suffix:
            subprocess.run([str(program)], check=False)


if __name__ == "__main__":
    main()
