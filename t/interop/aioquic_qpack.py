"""What response fields take on the wire, by aioquic.

    aioquic_qpack.py PORT PATH...

Asks for one after the other on a connection, and prints of each response "PATH
STATUS FIELDS BYTES INSTRUCTIONS": the length of its fields as text, that of its
HEADERS frame's payload, and the bytes that the QPACK encoder stream has brought
with it.
"""

import asyncio
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer
from aioquic.h3.connection import FrameType, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamDataReceived

ENCODER_STREAM = 7


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3 = H3Connection(self._quic)
        self.instructions = 0
        self.responses = {}

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            if event.stream_id == ENCODER_STREAM:
                self.instructions += len(event.data)

            elif event.stream_id % 4 == 0:
                self.responses[event.stream_id].data += event.data

        for e in self.h3.handle_event(event):
            response = self.responses[e.stream_id]

            if isinstance(e, HeadersReceived):
                response.headers = e.headers

            if e.stream_ended:
                response.end.set()

    async def get(self, path):
        response = Response()
        stream = self._quic.get_next_available_stream_id()
        before = self.instructions

        self.responses[stream] = response
        self.h3.send_headers(stream, [(b':method', b'GET'),
                                      (b':scheme', b'https'),
                                      (b':authority', b'localhost'),
                                      (b':path', path.encode())],
                             end_stream=True)
        self.transmit()

        await asyncio.wait_for(response.end.wait(), 60)

        print(path, dict(response.headers)[b':status'].decode(),
              sum(len(name) + len(value) for name, value in response.headers),
              response.section(), self.instructions - before, flush=True)


class Response:
    def __init__(self):
        self.data = b''
        self.headers = None
        self.end = asyncio.Event()

    def section(self):
        buf = Buffer(data=self.data)
        assert buf.pull_uint_var() == FrameType.HEADERS

        return buf.pull_uint_var()


async def main(port, *paths):
    configuration = QuicConfiguration(is_client=True, alpn_protocols=['h3'],
                                      server_name='localhost')
    configuration.verify_mode = ssl.CERT_NONE

    async with connect('127.0.0.1', int(port), configuration=configuration,
                       create_protocol=Client) as client:
        for path in paths:
            await client.get(path)


asyncio.run(main(*sys.argv[1:]))
