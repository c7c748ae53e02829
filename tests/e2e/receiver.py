"""receiver.py - web servers that take webhook calls: every connection and request is written down, answers are scripted.

SPDX-License-Identifier: Apache-2.0"""
import asyncio
import base64
import hashlib
import hmac
import json
import threading


class Call:
    """One request. `to`: the address and port that were dialled."""

    def __init__(self, to, path, headers, body):
        self.to, self.path, self.headers, self.body = to, path, headers, body

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def json(self):
        return json.loads(self.body)

    def is_signed_by(self, key):
        """As the Standard Webhooks say; any of the signatures."""
        secret = base64.b64decode(key.removeprefix("whsec_"))
        told = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(secret, told, hashlib.sha256).digest()).decode()
        return wanted in self.headers["webhook-signature"].split(" ")


def answer(code=200, body=b"", *fields):
    """An answer's bytes."""
    head = "".join(f"{field}\r\n" for field in (f"HTTP/1.1 {code} X", f"Content-Length: {len(body)}", *fields))
    return head.encode() + b"\r\n" + body


class Receiver:
    """respond(call) gives an answer's bytes, None (the connection is closed without one), or an asynchronous function of the stream's
    writer. places: [(host, port)]; port 0 is one that is free."""

    def __init__(self, places=(("127.0.0.1", 0),), respond=lambda call: answer(), tls=None):
        self.respond, self.calls, self.dialled, self.places = respond, [], [], []
        self.loop = asyncio.new_event_loop()
        self.servers = []
        for host, port in places:
            server = self.loop.run_until_complete(asyncio.start_server(self.serve, host, port, ssl=tls, backlog=1000))
            self.servers.append(server)
            self.places.append(server.sockets[0].getsockname()[:2])
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.places[0][1]

    def url(self, path="/"):
        return f"http://{self.places[0][0]}:{self.port}{path}"

    def at(self, path):
        return [c for c in list(self.calls) if c.path == path]

    async def serve(self, reader, writer):
        to = writer.get_extra_info("sockname")[:2]
        self.dialled.append((to[0].removeprefix("::ffff:"), to[1]))
        try:
            while await self.talk(to, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def talk(self, to, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        call = Call(to, head[0].split(" ")[1], headers, body)
        self.calls.append(call)
        said = self.respond(call)
        if callable(said):
            await said(writer)
            return False
        if said is not None:
            writer.write(said)
            await writer.drain()
        return said is not None

    def close(self):
        async def end():
            for server in self.servers:
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


async def never(_):
    """An answer that does not come."""
    await asyncio.sleep(3600)
