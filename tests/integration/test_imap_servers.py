"""Servers that behave oddly or badly: no mail is lost, none stops the others, none stops the daemon."""
import contextlib
import re
import socket
import threading

from touchline import Touchline, free_port, wait_for

MAILS = {u: f"From: customer{u}@example.org\r\nTo: support@localhost\r\nSubject: Order {u}\r\nMessage-ID: <{u}@odd.example.org>\r\n\r\n"
            f"Mail {u}\r\n".encode() for u in range(1, 9)}


class Odd:
    """A small IMAP server. first: what the first connections do instead, one each. It has neither IDLE nor MOVE nor UIDPLUS,
    answers SEARCH unsorted and in two lines and FETCH from the last to the first, has lost mail 3 and does not give mail 5."""

    def __init__(self, *first):
        self.port, self.first, self.said, self.listener = free_port(), list(first), [], None
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                c = self.listener.accept()[0]
                threading.Thread(target=self.serve, args=(c, self.first.pop(0) if self.first else None), daemon=True).start()

    def serve(self, c, bad):
        with contextlib.suppress(OSError), c, c.makefile("rwb") as f:
            def put(text):
                f.write(text if isinstance(text, bytes) else text.encode())
                f.flush()
            put("* OK odd\r\n")
            for line in f:
                tag, _, command = line.decode().strip().partition(" ")
                self.said.append(command)
                if bad and command.startswith("EXAMINE"):
                    bad(put)
                    return
                self.answer(put, tag, command)

    def answer(self, put, tag, command):
        if command == "CAPABILITY":
            put("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n")
        elif command.startswith("EXAMINE"):
            put(f"* {len(MAILS)} EXISTS\r\n* OK [UIDVALIDITY 17] x\r\n* OK [UIDNEXT 9] x\r\n")
        elif command.startswith("UID SEARCH"):
            low = int(re.search(r"UID (\d+):", command).group(1))
            found = [u for u in MAILS if u >= low] or [8]
            put(f"* SEARCH {' '.join(str(u) for u in found[::-2])}\r\n* 9 RECENT\r\n* SEARCH {' '.join(str(u) for u in found[-2::-2])} 8\r\n")
        elif command.startswith("UID FETCH"):
            if not self.fetch(put, tag, command):
                return
        put(f"{tag} OK done\r\n")

    def fetch(self, put, tag, command):
        uids = []
        for piece in command.split()[2].split(","):
            a, _, b = piece.partition(":")
            uids += range(int(a), int(b or a) + 1)
        if "RFC822.SIZE" in command:
            for u in uids:
                put(f"* {u} FETCH (UID {u} RFC822.SIZE 7 INTERNALDATE \"17-Jul-2026 02:44:25 -0700\")\r\n")
            return True
        for u in reversed(uids):
            if u == 5:
                put(f"{tag} NO this one cannot be converted\r\n")
                return False
            if u != 3:
                put(f"* {u} FETCH (FLAGS (\\Seen))\r\n* 1 EXPUNGE\r\n* {u} FETCH (BODY[] {{{len(MAILS[u])}}}\r\n".encode() + MAILS[u] +
                    f" UID {u})\r\n".encode())
        return True

    def close(self):
        self.listener.close()


def fetched(odd, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("x\n")
    secret.chmod(0o600)
    line = f"        imap: {{ url: 'imap://127.0.0.1:{odd.port}/', user: support, password: file:{secret}, tls: none, poll: 1s }}\n"
    return lambda text: text.replace("      - name: sales\n", line + "      - name: sales\n")


def part(t):
    return t.get("/readyz").json()["channels"]["email"]["parts"]["imap/support"]


def timeline(t, u):
    c = t.contact(f"email:customer{u}@example.org")
    return t.timeline(c["id"]) if c else []


def test_a_server_with_an_order_of_its_own_is_read_whole(tmp_path):
    odd = Odd()
    with Touchline(edit=fetched(odd, tmp_path)) as t:
        wait_for(lambda: timeline(t, 8), 20, why="the last one")
        wait_for(lambda: part(t)["detail"].startswith("all read"), why="all read")
        for u in MAILS:
            assert len(timeline(t, u)) == (0 if u in (3, 5) else 1), u
        quarantine = t.get("/v1/quarantine").json()["items"]
        assert [q["source"] for q in quarantine] == ["email:support"] and "does not give" in quarantine[0]["reason"]
        n = len(odd.said)
        wait_for(lambda: "NOOP" in odd.said[n:], why="asked again")
        assert not [c for c in odd.said[n:] if "BODY" in c and "UID FETCH 3 " not in c] # nothing is fetched again
    odd.close()


def test_bad_servers_are_left_and_tried_again(tmp_path):
    bad = (lambda put: put("* 1 FETCH (BODY[] {99999999999}\r\n"),
           lambda put: [put(b"x" * 65536) for _ in range(80)],
           lambda put: put("* BYE go away\r\n"))
    odd = Odd(*bad)
    with Touchline(edit=fetched(odd, tmp_path)) as t:
        seen = set()
        def look():
            p = part(t)
            if p["state"] == "degraded":
                seen.add(p["detail"].split(";")[0])
            return p["detail"].startswith("all read")
        wait_for(look, 40, why="read in the end")
        assert any("larger than any mail" in s for s in seen) and any("goodbye: go away" in s for s in seen) and any("without an end" in s for s in seen), seen
        wait_for(lambda: all(timeline(t, u) for u in MAILS if u not in (3, 5)), why="on the timelines, which follow what is read")
    odd.close()
