"""Every file of tests/attacks/lmtp against the whole daemon: bytes in, replies and end expected.

A case is written as for HTTP; an answer is CODE or CODE/ENHANCED, with *N for so many of it.
"""
import pathlib
import re
import socket

import pytest

from test_http import send, unescape

CASES = sorted((pathlib.Path(__file__).parent / "lmtp").glob("*.case"))


def read_case(path):
    answers, end, data = [], "any", b""
    for line in path.read_text().splitlines():
        if line.startswith("> "):
            data += unescape(line[2:])
        elif line.startswith("answer "):
            for word in line.split()[1:]:
                text, _, times = word.partition("*")
                answers += [text.replace("/", " ")] * int(times or 1)
        elif not line.startswith("#"):
            end = line
    return answers, end, data


class Replies:
    """Reads replies; one of several lines counts as one, by its last line."""

    def __init__(self, s):
        self.file = s.makefile("rb")

    def next(self):
        while line := self.file.readline():
            if not re.match(rb"\d{3}-", line):
                return line.decode("latin-1").rstrip("\r\n")
        return ""


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_attack_gets_its_replies(shared, path):
    answers, end, data = read_case(path)
    pid = shared.process.pid
    with socket.create_connection(("127.0.0.1", shared.lmtp_port), timeout=10) as s:
        replies = Replies(s)
        send(s, data)
        for i, wanted in enumerate(answers):
            got = replies.next()
            assert got.startswith(wanted + " "), f"reply {i}: {got!r}, expected {wanted}"
        if end == "closes":
            assert replies.next() == ""
        elif end == "stays":
            s.sendall(b"NOOP\r\n")
            assert replies.next().startswith("250 "), "something was left to be said"
    with socket.create_connection(("127.0.0.1", shared.lmtp_port), timeout=10) as s:
        s.sendall(b"LHLO me\r\nQUIT\r\n")
        replies = Replies(s)
        assert [replies.next()[:3] for _ in range(3)] == ["220", "250", "221"]
    assert shared.process.pid == pid and shared.process.poll() is None


def test_there_are_enough_cases():
    assert len(CASES) >= 20
