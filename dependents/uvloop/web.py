"""aiohttp as server and client."""

import asyncio
import hashlib
import os

import aiohttp
from aiohttp import web
from steps import run

data = os.urandom(3 << 20)
with open("file", "wb") as file:
    file.write(data)
cancelled = []


async def echo(request):
    return web.json_response({"path": request.path, "body": await request.text()})


async def chunked(request):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    for number in range(100):
        await response.write(b"%d," % number * 50)
    await response.write_eof()
    return response


async def upload(request):
    digest = hashlib.sha256()
    async for chunk in request.content.iter_any():
        digest.update(chunk)
    return web.Response(text=digest.hexdigest())


async def socket(request):
    response = web.WebSocketResponse()
    await response.prepare(request)
    async for message in response:
        if message.type == aiohttp.WSMsgType.TEXT:
            await response.send_str(message.data.upper())
        else:
            await response.send_bytes(message.data[::-1])
    return response


async def whole_file(request):
    return web.FileResponse("file")


async def slow(request):
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        cancelled.append(request.path)
        raise


class Site:
    """A server and a client for it, on TCP or a Unix domain socket."""

    def __init__(self, path=None):
        self.path = path

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/echo/{number}", echo)
        app.router.add_get("/chunked", chunked)
        app.router.add_get("/file", whole_file)
        app.router.add_post("/upload", upload)
        app.router.add_get("/socket", socket)
        app.router.add_get("/slow", slow)
        self.runner = web.AppRunner(app, handler_cancellation=True)
        await self.runner.setup()
        if self.path:
            await web.UnixSite(self.runner, self.path).start()
            connector = aiohttp.UnixConnector(self.path)
            base = "http://localhost"
        else:
            site = web.TCPSite(self.runner, "127.0.0.1", 0, backlog=300)
            await site.start()
            connector = aiohttp.TCPConnector(limit=200)
            base = "http://127.0.0.1:%d" % self.runner.addresses[0][1]
        self.session = aiohttp.ClientSession(base, connector=connector)
        return self.session

    async def __aexit__(self, *error):
        await self.session.close()
        await self.runner.cleanup()


async def requests(path=None):
    async with Site(path) as session:

        async def fetch(number):
            async with session.post(f"/echo/{number}", data="x" * number) as response:
                answer = await response.json()
                return response.status, answer == {"path": f"/echo/{number}", "body": "x" * number}

        first = await asyncio.gather(*map(fetch, range(200)))
        again = await asyncio.gather(*map(fetch, range(200)))  # the connections are kept
        return [both.count((200, True)) for both in (first, again)]


async def unix_requests():
    return await requests("socket")


async def bodies():
    async with Site() as session:
        async with session.get("/chunked") as response:
            how = response.headers["Transfer-Encoding"]
            chunks = (await response.read()).split(b",")
        async with session.get("/file") as response:
            same_file = await response.read() == data
        async with session.get("/file", headers={"Range": "bytes=1000-1999"}) as response:
            part = response.status, await response.read() == data[1000:2000]

        async def pieces():
            for start in range(0, len(data), 70_000):
                yield data[start : start + 70_000]

        async with session.post("/upload", data=pieces()) as response:
            same = await response.text() == hashlib.sha256(data).hexdigest()
        async with session.get("/nothing") as response:
            return how, len(chunks), same_file, part, same, response.status


async def websockets():
    async with Site() as session:

        async def talk(number):
            async with session.ws_connect("/socket") as ws:
                right = 0
                for message in range(20):
                    await ws.send_str(f"message {message} of {number}")
                    right += await ws.receive_str() == f"MESSAGE {message} OF {number}"
                await ws.send_bytes(data[:100_000])
                right += await ws.receive_bytes() == data[99_999::-1]
                await ws.ping()
            return right, ws.close_code

        return set(await asyncio.gather(*map(talk, range(50))))


async def given_up():
    async with Site() as session:
        try:
            async with session.get("/slow", timeout=aiohttp.ClientTimeout(0.1)):
                pass
        except asyncio.TimeoutError:
            while not cancelled:  # the server is notified that the client has disconnected
                await asyncio.sleep(0.01)
        return cancelled


run(requests, unix_requests, bodies, websockets, given_up)
