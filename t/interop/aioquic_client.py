"""Requests to a server by aioquic, each as a line of what came of it.

    aioquic_client.py PORT CAFILE

The server has files of N bytes as /N, and takes PUT below /put/ and POST,
which it stores as well, below /post/.  Prints "NAME ok" or "NAME" and what
went wrong; the last line is "end".
"""

import asyncio
import hashlib
import os
import ssl
import sys
import traceback

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset
from aioquic.tls import CipherSuite

PORT = int(sys.argv[1])
CAFILE = sys.argv[2]
SIZES = [0, 1, 1199, 1200, 1201, 16384, 100_000, 1_000_000]
TIMEOUT = 120


class Response:
    def __init__(self):
        self.headers = {}
        self.body = bytearray()
        self.done = asyncio.get_running_loop().create_future()

    @property
    def status(self):
        return int(self.headers.get(b":status", b"0"))


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3 = H3Connection(self._quic)
        self.responses = {}
        self.terminated = None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
            error = ConnectionError(f"0x{event.error_code:x} "
                                    f"{event.reason_phrase!r}")
            self.fail(self.responses.values(), error)

        if isinstance(event, StreamReset):
            self.fail([self.responses[event.stream_id]],
                      ConnectionError(f"reset 0x{event.error_code:x}"))

        for h3_event in self.h3.handle_event(event):
            response = self.responses.get(h3_event.stream_id)

            if response is None:
                continue

            if isinstance(h3_event, HeadersReceived):
                response.headers.update(h3_event.headers)

            if isinstance(h3_event, DataReceived):
                response.body += h3_event.data

            if h3_event.stream_ended and not response.done.done():
                response.done.set_result(response)

    @staticmethod
    def fail(responses, error):
        for response in responses:
            if not response.done.done():
                response.done.set_exception(error)

    def begin(self, method, path, body=None, pieces=1, trailers=None):
        """Sends a request; awaiting it gives the response."""

        stream = self._quic.get_next_available_stream_id()
        response = self.responses[stream] = Response()

        self.h3.send_headers(
            stream,
            [(b":method", method.encode()), (b":scheme", b"https"),
             (b":authority", f"localhost:{PORT}".encode()),
             (b":path", path.encode())],
            end_stream=body is None)

        if body is not None:
            size = max(1, -(-len(body) // pieces))

            for start in range(0, len(body), size):
                self.h3.send_data(stream, body[start:start + size], False)

            if trailers:
                self.h3.send_headers(stream, trailers, end_stream=True)
            else:
                self.h3.send_data(stream, b"", True)

        self.transmit()

        return response.done

    async def get(self, path, **kwargs):
        return await self.begin("GET", path, **kwargs)


def client(**options):
    configuration = QuicConfiguration(alpn_protocols=["h3"], cafile=CAFILE,
                                      server_name="localhost",
                                      verify_mode=ssl.CERT_REQUIRED, **options)

    return connect("127.0.0.1", PORT, configuration=configuration,
                   create_protocol=Client)


def check(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def check_file(response, size):
    """The server has sent its file's SHA-256 along."""

    check(response.status, 200, "status")
    check(len(response.body), size, "length")
    check(hashlib.sha256(response.body).hexdigest(),
          response.headers[b"x-sha256"].decode(), "content")


async def get():
    async with client() as c:
        for size in SIZES:
            check_file(await c.get(f"/{size}"), size)


async def store(c, method, prefix, size, **kwargs):
    body = os.urandom(size)
    name = f"{method}-{size}-{len(kwargs)}"

    response = await c.begin(method, prefix + name, body, **kwargs)
    check(response.status in (201, 204), True, f"status {response.status}")

    response = await c.get("/put/" + name)
    check(response.status, 200, "status")
    check(response.body == body, True, f"{size} bytes come back")


async def put():
    async with client() as c:
        for size in SIZES:
            await store(c, "PUT", "/put/", size)


async def post():
    async with client() as c:
        for size in SIZES:
            await store(c, "POST", "/post/", size)


async def pieces():
    """Content in a thousand DATA frames."""

    async with client() as c:
        await store(c, "POST", "/post/", 100_000, pieces=1000)


async def trailers():
    async with client() as c:
        await store(c, "PUT", "/put/", 5000, trailers=[(b"x-sum", b"none")])


async def streams():
    async with client() as c:
        sizes = [SIZES[i % len(SIZES)] for i in range(100)]
        responses = await asyncio.gather(*(c.get(f"/{s}") for s in sizes))

        for response, size in zip(responses, sizes):
            check_file(response, size)


async def uploads():
    async with client() as c:
        await asyncio.gather(*(store(c, "PUT", f"/put/{i}/../", 30_000 + i)
                               for i in range(100)))


async def in_turn():
    async with client() as c:
        for _ in range(500):
            check_file(await c.get("/1200"), 1200)


async def small_windows():
    """A client that ends the connection when it gets more than it allows."""

    async with client(max_data=10_000, max_stream_data=3_000) as c:
        responses = await asyncio.gather(*(c.get("/100000") for _ in range(5)))

        for response in responses:
            check_file(response, 100_000)


async def key_update():
    async with client() as c:
        for _ in range(3):
            before = c.get("/1000000")
            task = asyncio.ensure_future(before)
            await asyncio.sleep(0.005)
            c.request_key_update()
            check_file(await task, 1_000_000)
            await c.ping()


async def connection_ids():
    """Each of the server's connection IDs in turn."""

    async with client() as c:
        for _ in range(10):
            await c.ping()
            c.change_connection_id()
            check_file(await c.get("/16384"), 16384)


async def long_connection_ids():
    async with client(connection_id_length=20) as c:
        check_file(await c.get("/100000"), 100_000)


async def ciphers():
    for suite in (CipherSuite.AES_128_GCM_SHA256,
                  CipherSuite.AES_256_GCM_SHA384,
                  CipherSuite.CHACHA20_POLY1305_SHA256):
        async with client(cipher_suites=[suite]) as c:
            check_file(await c.get("/100000"), 100_000)
            check(c._quic.tls.key_schedule.cipher_suite, suite, "suite")


async def cancelled():
    """A stream that the client gives up harms no other."""

    async with client() as c:
        for _ in range(20):
            given_up = c.begin("GET", "/1000000")
            kept = c.begin("GET", "/100000")
            stream = max(c.responses) - 4
            await asyncio.sleep(0.002)
            c._quic.stop_stream(stream, 0x10c)
            c.transmit()
            check_file(await kept, 100_000)

            try:
                await given_up
            except ConnectionError:
                pass


async def connections():
    async def one():
        async with client() as c:
            check_file(await c.get("/16384"), 16384)

    await asyncio.gather(*(one() for _ in range(20)))


async def main():
    for test in (get, put, post, pieces, trailers, streams, uploads,
                 in_turn, small_windows, key_update, connection_ids,
                 long_connection_ids, ciphers, cancelled, connections):
        try:
            await asyncio.wait_for(test(), TIMEOUT)
            print(test.__name__, "ok")
        except Exception as error:
            print(test.__name__, repr(error))
            traceback.print_exc()

        sys.stdout.flush()

    print("end")


asyncio.run(main())
