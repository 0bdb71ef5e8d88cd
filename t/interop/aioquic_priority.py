"""Requests of several priorities on one connection, all of them at once.

    aioquic_priority.py PORT PRIORITY:PATH ...

PRIORITY is the field's value; with "!" in front it comes in a PRIORITY_UPDATE
frame instead.  All requests leave in one go.  Prints a line for
each in the order in which the responses have ended: its index and, when that
was, how many bytes of each had come.
"""

import asyncio
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import Limit

PRIORITY_UPDATE = 0xf0700

# bytes: no more on their way than the socket has place for, as what is lost
# comes late, and others get ahead
WINDOW = 1 << 16


class Window(Limit):
    """The connection's flow control: aioquic's own doubles."""

    @property
    def value(self):
        return self.limit

    @value.setter
    def value(self, value):
        self.limit = self.used + WINDOW


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._quic._local_max_data.__class__ = Window
        self._quic._local_max_data.limit = WINDOW
        self.h3 = H3Connection(self._quic)
        self.requests = []
        self.received = {}
        self.left = 0
        self.done = asyncio.get_running_loop().create_future()

    def request(self, priority, path):
        stream = self._quic.get_next_available_stream_id()
        headers = [(b':method', b'GET'), (b':scheme', b'https'),
                   (b':authority', b'localhost'), (b':path', path.encode())]

        if priority.startswith('!'):
            self.update(stream, priority[1:])

        elif priority:
            headers.append((b'priority', priority.encode()))

        self.h3.send_headers(stream, headers, True)
        self.requests.append(stream)
        self.received[stream] = 0
        self.left += 1

    def update(self, stream, priority):
        value = encode_uint_var(stream) + priority.encode()

        self._quic.send_stream_data(
            self.h3._local_control_stream_id,
            encode_uint_var(PRIORITY_UPDATE) + encode_uint_var(len(value))
            + value)

    def quic_event_received(self, event):
        for e in self.h3.handle_event(event):
            if not isinstance(e, DataReceived):
                continue

            self.received[e.stream_id] += len(e.data)

            if e.stream_ended:
                print(self.requests.index(e.stream_id),
                      *[self.received[s] for s in self.requests], flush=True)
                self.left -= 1

                if self.left == 0:
                    self.done.set_result(None)


async def main():
    conf = QuicConfiguration(is_client=True, alpn_protocols=['h3'],
                             server_name='localhost',
                             verify_mode=ssl.CERT_NONE,
                             max_data=WINDOW, max_stream_data=1 << 30)

    async with connect('127.0.0.1', int(sys.argv[1]), configuration=conf,
                       create_protocol=Client) as client:
        for arg in sys.argv[2:]:
            client.request(*arg.split(':', 1))

        client.transmit()
        await client.done


asyncio.run(main())
