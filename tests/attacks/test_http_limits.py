"""The front door of the whole daemon under clients that take more than their share (H14 to H16)."""
import contextlib
import os
import pathlib
import resource
import socket
import time

import pytest

from touchline import BUILD, Touchline, wait_for

GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(t):
    return socket.create_connection(("127.0.0.1", t.http_port), timeout=10)


def served(s):
    """True when a good request on this connection gets 200."""
    try:
        s.sendall(GOOD)
        return s.recv(4096).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def status_of(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith(key + ":")).split()[1])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_dripping_header_is_cut_at_its_deadline(shared):
    with connect(shared) as s:
        began, seen = time.monotonic(), b""
        s.sendall(b"GET / HTTP/1.1\r\nX: ")
        s.settimeout(0.5)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() - began < 15:
                with contextlib.suppress(TimeoutError):
                    more = s.recv(4096)
                    seen += more
                    if not more:
                        break
                s.sendall(b"x")
        took = time.monotonic() - began
    assert 9 < took < 13
    assert seen.startswith(b"HTTP/1.1 408 ")
    assert shared.get("/healthz").status_code == 200


def test_one_address_has_64_connections_and_the_others_are_closed():
    with Touchline(edit=lambda text: text.replace("per_address: 0", "per_address: 64")) as t:
        t.session.close()
        with contextlib.ExitStack() as stack:
            all_ = [stack.enter_context(connect(t)) for _ in range(100)]
            n = sum(served(s) for s in all_)
            assert 60 <= n <= 64
        wait_for(lambda: t.get("/healthz").status_code == 200, why="served again")
        assert "event=http.conn_limit" in t.log.read_text()


def test_when_files_run_out_the_daemon_waits_and_goes_on(fresh):
    t, pid = fresh, fresh.process.pid
    first = connect(t)
    assert served(first)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    there = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (there + 6, before[1]))
    with contextlib.ExitStack() as stack:
        stack.enter_context(first)
        for _ in range(60):
            stack.enter_context(connect(t))
        began, cpu = time.monotonic(), cpu_seconds(pid)
        while time.monotonic() - began < 2:
            assert served(first)
            time.sleep(0.05)
        assert cpu_seconds(pid) - cpu < 0.5
        lines = t.log.read_text().count("event=fd.exhausted")
        assert 1 <= lines <= time.monotonic() - began + 3
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    wait_for(lambda: t.get("/healthz").status_code == 200, why="served again")


@pytest.mark.skipif("san" in BUILD.name, reason="sanitizers take memory of their own")
def test_ten_thousand_idle_connections_cost_little(fresh):
    n, (soft, hard) = 10000, resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n + 500:
        pytest.skip(f"only {hard} files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 500), hard))
    t, pid = fresh, fresh.process.pid
    before = status_of(pid, "VmRSS")
    with contextlib.ExitStack() as stack:
        all_ = [stack.enter_context(connect(t)) for _ in range(n)]
        assert served(all_[0]) and served(all_[-1])
        each = (status_of(pid, "VmRSS") - before) / n
        assert each < 12, f"{each:.1f} KB each"
        assert t.get("/healthz").status_code == 200
