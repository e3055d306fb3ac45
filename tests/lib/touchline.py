"""Starts and stops everything the tests need; alone knows ports and paths.

    with Touchline() as t:
        t.push({"id": "1", ...})

Each daemon gets a folder, free ports and a copy of the development configuration with its addresses replaced.
Everything started here is stopped by its pid.
"""
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = (ROOT / ".." / "shared").resolve()
CORPORA = SHARED / "corpora"
BUILD = ROOT / os.environ.get("TOUCHLINE_BUILD", "build")
ADAPTER, OPERATOR, ANNA, BEN, CLARA = "dev-adapter", "dev-operator", "dev-anna", "dev-ben", "dev-clara"


# Several test processes side by side, each with ports of its own, below those that the kernel gives to clients.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = itertools.cycle(range(10000 + WORKER * 2500, 10000 + (WORKER + 1) * 2500))


def free_port():
    while True:
        port = next(PORTS)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, seconds=10, every=0.02, why="condition"):
    """Polls until what() is true and gives its value; bounded."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = what()
        except (requests.ConnectionError, ConnectionError, OSError):
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{why}: not within {seconds} s")
        time.sleep(every)


def stop(process, sig=signal.SIGTERM, seconds=15):
    if process and process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode if process else None


class Events:
    """An agent's stream (text/event-stream) read by a thread; events are (name, id, data)."""

    def __init__(self, url, token, last=None):
        headers = {"Authorization": f"Bearer {token}"}
        if last:
            headers["Last-Event-ID"] = last
        self.reply = requests.get(url, headers=headers, stream=True, timeout=(5, 60))
        self.status = self.reply.status_code
        self.items, self.closed, self.lock = [], False, threading.Condition()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {"event": "message", "id": None, "data": ""}
        with contextlib.suppress(Exception):
            for line in self.reply.iter_lines(chunk_size=1, decode_unicode=True):
                if line == "":
                    if event["data"]:
                        with self.lock:
                            self.items.append((event["event"], event["id"], json.loads(event["data"])))
                            self.lock.notify_all()
                    event = {"event": "message", "id": None, "data": ""}
                elif not line.startswith(":"):
                    key, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    event[key] = event["data"] + value if key == "data" else value
        with self.lock:
            self.closed = True
            self.lock.notify_all()

    def wait(self, name, match=lambda data: True, seconds=10):
        """The first event of that name that matches, from the beginning of the stream on."""
        end = time.monotonic() + seconds
        with self.lock:
            while True:
                for item in self.items:
                    if item[0] == name and match(item[2]):
                        return item
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    raise AssertionError(f"no {name} within {seconds} s; came: {[i[0] for i in self.items]}")
                self.lock.wait(left)

    def close(self):
        with contextlib.suppress(Exception):
            sock = self.reply.raw._fp.fp.raw._sock
            sock.shutdown(socket.SHUT_RDWR)
        self.reply.close()


class Sink:
    """A real SMTP server that keeps what it is given (aiosmtpd)."""

    def __init__(self, port=None):
        from aiosmtpd.controller import Controller

        self.mails, self.port, self.answer = [], port or free_port(), None
        sink = self

        class Handler:
            async def handle_DATA(self, server, session, envelope):
                if sink.answer:
                    return sink.answer
                sink.mails.append(envelope)
                return "250 OK"

        self.controller = Controller(Handler(), hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def wait(self, n=1, seconds=15):
        wait_for(lambda: len(self.mails) >= n, seconds, why=f"{n} mails at the sink")
        return self.mails

    def close(self):
        self.controller.stop()


class Redis:
    """A redis-server that several daemons share: Touchline(env=redis.env)."""

    def __init__(self):
        self.dir, self.port = tempfile.mkdtemp(prefix="touchline-redis-"), free_port()
        self.env = {"REDIS_URL": f"redis://127.0.0.1:{self.port}"}
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.dir, "--appendonly", "yes",
                                         "--save", "", "--maxmemory-policy", "noeviction"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._up, why="redis-server")

    def _up(self):
        with socket.create_connection(("127.0.0.1", self.port), 2) as s:
            s.sendall(b"PING\r\n")
            return s.recv(16) == b"+PONG\r\n"

    def close(self):
        stop(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Touchline:
    """One daemon on a free set of ports. env adds to the environment; edit(text) changes the configuration's text."""

    def __init__(self, env=None, edit=None, start=True, keep=None, extra_plugins=None):
        self.dir = pathlib.Path(keep or tempfile.mkdtemp(prefix="touchline-test-"))
        self.var = self.dir / "var"
        self.conf = self.dir / "conf"
        self.env = dict(env or {})
        self.http_port, self.lmtp_port, self.smtp_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.process = None
        self.ends_with = (0, -signal.SIGKILL, None) # exit codes that a test expects
        self.log = self.dir / "touchlined.log"
        self._write_conf(edit)
        self.session = requests.Session()
        if start:
            self.start()

    def _write_conf(self, edit):
        self.conf.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "conf/touchline.dev.yml").read_text()
        for old, new in (("127.0.0.1:8480", f"127.0.0.1:{self.http_port}"), ("127.0.0.1:8424", f"127.0.0.1:{self.lmtp_port}"),
                         ("127.0.0.1:8425", f"127.0.0.1:{self.smtp_port}")):
            text = text.replace(old, new)
        if edit:
            text = edit(text)
        self.file = self.conf / "touchline.yml"
        self.file.write_text(text)
        subprocess.run(["sh", str(ROOT / "conf/dev-secrets.sh"), str(self.var)], check=True, stdout=subprocess.DEVNULL)

    def edit(self, change):
        self.file.write_text(change(self.file.read_text()))

    def start(self, wait=True):
        env = {**os.environ, "TOUCHLINE_VAR": str(self.var), "ASAN_OPTIONS": "detect_leaks=0:handle_abort=1", **self.env}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(BUILD / "touchlined"), "-c", str(self.file)], stdout=log, stderr=log, env=env,
                                            cwd=str(self.dir))
        if wait:
            self.wait_ready()
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.tail()}")
        r = requests.get(self.url + "/readyz", timeout=5)
        return r.status_code == 200 and r.json()["store"] == "ok"

    def wait_ready(self, seconds=20):
        wait_for(self.ready, seconds, why=f"ready (log: {self.log})")

    def tail(self, n=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-n:])

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        self.process.wait(20)

    def restart(self, sig=signal.SIGTERM):
        self.kill(sig)
        return self.start()

    def close(self, check=True):
        code = stop(self.process)
        self.session.close()
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        if os.environ.get("KEEP") is None:
            shutil.rmtree(self.dir, ignore_errors=True)
        if check:
            assert "AddressSanitizer" not in text and "runtime error:" not in text, text[-6000:]
            assert code in self.ends_with, f"the daemon ended with {code}\n{text[-3000:]}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(f"--- last lines of the daemon ({self.file}):\n{self.tail()}")
        self.close(check=kind is None)

    # ---- talking to it ----
    def request(self, method, path, token=OPERATOR, headers=None, **more):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.session.request(method, self.url + path, headers=headers, timeout=30, **more)

    def get(self, path, token=OPERATOR, **more):
        return self.request("GET", path, token, **more)

    def post(self, path, body=None, token=OPERATOR, **more):
        return self.request("POST", path, token, json=body if body is not None else {}, **more)

    def push(self, body, token=ADAPTER, **more):
        return self.post("/v1/touchpoints", body, token, **more)

    def contact(self, identity):
        r = self.get("/v1/contacts", params={"identity": identity})
        return r.json() if r.status_code == 200 else None

    def timeline(self, contact, **params):
        """All of a contact's timeline, newest first."""
        items, cursor = [], None
        while True:
            page = self.get(f"/v1/contacts/{contact}/timeline", params={**params, **({"cursor": cursor} if cursor else {})}).json()
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items

    def events(self, token, last=None, query=""):
        return Events(self.url + "/v1/me/events" + query, token, last)

    def board(self, token):
        return Events(self.url + "/v1/queues/events", token)

    def presence(self, token, state="available", reason=None):
        r = self.request("PUT", "/v1/me/presence", token, json={"state": state, "reason": reason})
        assert r.status_code == 200, r.text

    def raw(self, data, port=None, seconds=5):
        """Bytes in, bytes out until the other side closes or is silent."""
        with socket.create_connection(("127.0.0.1", port or self.http_port), timeout=seconds) as s:
            s.sendall(data)
            out = b""
            with contextlib.suppress(TimeoutError):
                while chunk := s.recv(65536):
                    out += chunk
            return out

    def redis(self):
        import redis

        sockets = list(self.var.rglob("*.sock"))
        path = next(p for p in sockets if "redis" in p.name)
        return redis.Redis(unix_socket_path=str(path))

    def redis_pid(self):
        return self.redis().info("server")["process_id"]


def push(t, **more):
    """A chat message of a stranger, told once it is on the timeline: {"id","contact","conversation","task"}."""
    body = {"id": uuid.uuid4().hex, "channel": "chat", "text": "help", "from": {"email": f"{uuid.uuid4().hex[:10]}@example.org"}, **more}

    def told():
        r = t.push(body)
        assert r.status_code in (200, 201, 202), r.text
        return r.status_code != 202 and r.json() # durable, not applied yet: the same again tells

    return wait_for(told, why="the push on the timeline")
