"""Many agents at once, by streams, in one process: each accepts what he is offered and completes it, at whichever daemon lives."""
import asyncio
import json
import random


async def _head(reader):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return int(lines[0].split(" ")[1]), {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}


async def _body(reader, headers):
    """The pieces of a body as they come."""
    if headers.get("transfer-encoding", "") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while piece := await reader.read(65536):
            yield piece


class Agent:
    def __init__(self, crew, name, token):
        self.crew, self.name, self.token = crew, name, token
        self.last, self.at, self.asked = None, random.randrange(len(crew.ports)), {}

    async def ask(self, method, path, body):
        """Until some daemon answers: a move that has taken effect is answered alike when it is repeated."""
        data = json.dumps(body).encode()
        while not self.crew.over:
            try:
                return await asyncio.wait_for(self._ask(method, path, data), 3)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError):
                self.at = (self.at + 1) % len(self.crew.ports)
                await asyncio.sleep(0.05)
        return 0, {}

    async def _ask(self, method, path, data):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.crew.ports[self.at])
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\nConnection: close\r\n"
                         f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            status, headers = await _head(reader)
            if status in (429, 503):
                raise OSError(status)
            return status, json.loads(b"".join([piece async for piece in _body(reader, headers)]))
        finally:
            writer.close()

    async def work(self, task, offer):
        await asyncio.sleep(random.random() * self.crew.slow)
        status, _ = await self.ask("POST", f"/v1/tasks/{task}/accept", {"offer": offer})
        self.crew.accepts.append((self.name, task, offer, status))
        if status != 200:
            return
        await asyncio.sleep(random.random() * self.crew.slow)
        await self.ask("POST", f"/v1/tasks/{task}/complete", {"disposition": "solved"})

    def take(self, event, data):
        offers = [data] if event == "offer" else [{"task": t, "offer": t["offer"]["n"]} for t in data["tasks"] if t["state"] == "offered"] \
            if event == "snapshot" else []
        held = [t["id"] for t in data["tasks"] if t["state"] == "accepted"] if event == "snapshot" else []
        for o in offers:
            key = o["task"]["id"], o["offer"]
            if key not in self.asked:
                self.asked[key] = asyncio.ensure_future(self.work(*key))
        for task in held: # accepted, and the completion may be lost with the daemon
            asyncio.ensure_future(self.ask("POST", f"/v1/tasks/{task}/complete", {"disposition": "solved"}))

    async def _listen(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.crew.ports[self.at], limit=4 << 20)
        try:
            resume = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
            writer.write(f"GET /v1/me/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n{resume}\r\n".encode())
            status, headers = await asyncio.wait_for(_head(reader), 3)
            if status != 200:
                raise OSError(status)
            buffer, event = b"", None
            pieces = _body(reader, headers).__aiter__()
            while True:
                buffer += await asyncio.wait_for(pieces.__anext__(), 20) # a comment comes each 15 s
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    word, _, rest = line.decode().partition(": ")
                    if word == "id":
                        self.last = rest
                    elif word == "event":
                        event = rest
                    elif word == "data":
                        self.take(event, json.loads(rest))
        finally:
            writer.close()

    async def listen(self):
        await self.ask("PUT", "/v1/me/presence", {"state": "available"})
        while not self.crew.over:
            try:
                await self._listen()
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, StopAsyncIteration, ValueError):
                self.at = (self.at + 1) % len(self.crew.ports)
                await asyncio.sleep(0.05)


class Crew:
    """ports: of the daemons; agents: (name, token); accepts: (agent, task, offer, status) as they were answered."""

    def __init__(self, ports, agents, slow=0.05):
        self.ports, self.slow, self.over, self.accepts = ports, slow, False, []
        self.agents = [Agent(self, *a) for a in agents]

    def run(self):
        """In a thread of its own, until `over` is set."""
        async def all_of_them():
            tasks = [asyncio.ensure_future(a.listen()) for a in self.agents]
            while not self.over:
                await asyncio.sleep(0.1)
            for t in tasks:
                t.cancel()

        asyncio.run(all_of_them())
