"""WebSocket over HTTP/3 by aioquic: a script for extended CONNECT.

    aioquic_websocket.py PORT PATH [NAME=VALUE ...] -- STEP ...

The headers are those of a WebSocket's CONNECT; NAME=VALUE adds one, or changes
a pseudo-header field.  Steps: "send:TEXT", "zeros:N" (sends as many), "expect:N"
(waits until N bytes in all have come), "fin", "end" (waits for the end), "reset",
"gone" (closes the socket without a word).

Prints "settings N" (what ENABLE_CONNECT_PROTOCOL says), "status N", a line for
each header of the response, and at last "received N SHA256", "end" or "reset N".
"""

import asyncio
import hashlib
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection, Setting
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamReset


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3 = H3Connection(self._quic)
        self.headers = None
        self.body = b''
        self.how = None
        self.changed = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, StreamReset):
            self.how = 'reset %d' % event.error_code

        for e in self.h3.handle_event(event):
            if isinstance(e, HeadersReceived):
                self.headers = e.headers

            if isinstance(e, DataReceived):
                self.body += e.data

            if e.stream_ended:
                self.how = 'end'

        self.changed.set()

    async def until(self, condition):
        while not condition():
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 60)

    async def step(self, stream, step):
        name, _, value = step.partition(':')

        if name == 'send':
            self.h3.send_data(stream, value.encode(), False)
        elif name == 'zeros':
            self.h3.send_data(stream, bytes(int(value)), False)
        elif name == 'fin':
            self.h3.send_data(stream, b'', True)
        elif name == 'reset':
            self._quic.reset_stream(stream, 0x10c)
        elif name == 'expect':
            await self.until(lambda: len(self.body) >= int(value))
        elif name == 'end':
            await self.until(lambda: self.how)

        self.transmit()


async def main():
    args = sys.argv[3:]
    split = args.index('--')
    fields = dict([('method', 'CONNECT'), ('protocol', 'websocket'),
                   ('scheme', 'https'), ('authority', 'localhost'),
                   ('path', sys.argv[2]), ('sec-websocket-version', '13')]
                  + [arg.split('=', 1) for arg in args[:split]])
    headers = [((':' if name in ('method', 'protocol', 'scheme', 'authority',
                                 'path') else '').encode() + name.encode(),
                value.encode()) for name, value in fields.items() if value]

    conf = QuicConfiguration(is_client=True, alpn_protocols=['h3'],
                             server_name='localhost',
                             verify_mode=ssl.CERT_NONE)

    async with connect('127.0.0.1', int(sys.argv[1]), configuration=conf,
                       create_protocol=Client) as client:
        stream = client._quic.get_next_available_stream_id()
        client.h3.send_headers(stream, headers)
        client.transmit()

        await client.until(lambda: client.headers and client.h3.received_settings)

        print('settings', client.h3.received_settings.get(
            Setting.ENABLE_CONNECT_PROTOCOL))
        print('status', client.headers[0][1].decode())

        for name, value in client.headers[1:]:
            print('header', name.decode() + ':', value.decode())

        for step in args[split + 1:]:
            if step == 'gone':
                sys.stdout.flush()
                client._transport.abort()
                return

            await client.step(stream, step)

        print('received', len(client.body),
              hashlib.sha256(client.body).hexdigest())

        if client.how:
            print(client.how)


asyncio.run(main())
