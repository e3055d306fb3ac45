"""Every file of tests/attacks/http against the whole daemon: bytes in, status and end expected.

A case is: `# title`, `answer STATUS...` (one an answer, alternatives with |), `closes`, `stays` or `any`, then the bytes on
lines that begin with `> `, with C's escapes and \\{N*text} for repetition. No answer may hold the word zebra.
"""
import pathlib
import re
import socket

import pytest

CASES = sorted((pathlib.Path(__file__).parent / "http").glob("*.case"))
GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ESCAPE = re.compile(r"\\(?:\{(\d+)\*(.*?)\}|x([0-9a-f]{2})|(.))")


def unescape(text):
    def one(m):
        if m[1]:
            return unescape(m[2]).decode("latin-1") * int(m[1])
        return chr(int(m[3], 16)) if m[3] else {"r": "\r", "n": "\n", "t": "\t"}.get(m[4], m[4])

    return ESCAPE.sub(one, text).encode("latin-1")


def read_case(path):
    answers, end, data = [], "any", b""
    for line in path.read_text().splitlines():
        if line.startswith("> "):
            data += unescape(line[2:])
        elif line.startswith("answer "):
            answers = [[int(s) for s in word.split("|")] for word in line.split()[1:]]
        elif not line.startswith("#"):
            end = line
    return answers, end, data


def read_answer(s, seen):
    """One whole answer: its status, all of its text, what came after it. Status 0: the end came instead."""
    while b"\r\n\r\n" not in seen:
        more = s.recv(65536)
        if not more:
            return 0, seen, b""
        seen += more
    head, _, rest = seen.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    n = int(length[1]) if length else 0
    while len(rest) < n:
        more = s.recv(65536)
        if not more:
            return 0, seen, b""
        rest += more
    return int(head.split()[1]), head + rest[:n], rest[n:]


def send(s, data):
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough and said so already


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_attack_gets_its_answer(shared, path):
    answers, end, data = read_case(path)
    pid = shared.process.pid
    with socket.create_connection(("127.0.0.1", shared.http_port), timeout=10) as s:
        send(s, data)
        rest = b""
        for wanted in answers:
            status, text, rest = read_answer(s, rest)
            assert status in wanted, text[:500]
            assert b"zebra" not in text
        assert rest == b""
        if end == "closes":
            assert s.recv(1) == b""
        elif end == "stays":
            s.sendall(GOOD)
            assert read_answer(s, b"")[0] == 200
    assert shared.get("/healthz").status_code == 200
    assert shared.process.pid == pid and shared.process.poll() is None


def test_there_are_enough_cases():
    assert len(CASES) >= 60
