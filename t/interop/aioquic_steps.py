"""A client that does what it is told, by aioquic: requests, and ways to end them.

    aioquic_steps.py PORT STEP ...

Each STEP is one argument; STREAM is a name that the test gives to a request.

    window BYTES            of a stream and of the connection, before requests
    request STREAM METHOD PATH [NAME=VALUE ...]     without an end
    get STREAM PATH         ... with its end
    send STREAM TEXT        content
    zeros STREAM BYTES
    fin STREAM
    reset STREAM            RESET_STREAM
    stop STREAM             STOP_SENDING
    cancel STREAM           both
    hold STREAM             no more window for it; "hold *" of the connection
    release STREAM
    expect STREAM BYTES     waits for so much content
    end STREAM              waits for its end, and prints "STREAM STATUS BYTES
                            end", resp. "reset" and the code
    touch FILE              tells the test
    await FILE              waits for the test
    sleep SECONDS
    close                   CONNECTION_CLOSE
    gone                    not a word any more
"""

import asyncio
import os
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset

PORT = int(sys.argv[1])
STEPS = [step.split(' ') for step in sys.argv[2:]]
TIMEOUT = 60
CANCELLED = 0x10c


class Stream:
    def __init__(self, number):
        self.number = number
        self.status = '-'
        self.received = 0
        self.how = None


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3 = H3Connection(self._quic)
        self.streams = {}
        self.names = {}
        self.held = set()
        self.changed = asyncio.Event()

        self.limit('_write_connection_limits', lambda kwargs: '*')
        self.limit('_write_stream_limits',
                   lambda kwargs: self.names.get(kwargs['stream'].stream_id))

    def limit(self, name, held_by):
        write = getattr(self._quic, name)

        def limited(**kwargs):
            if held_by(kwargs) not in self.held:
                write(**kwargs)

        setattr(self._quic, name, limited)

    def quic_event_received(self, event):
        if isinstance(event, StreamReset):
            self.ended(event.stream_id, 'reset 0x%x' % event.error_code)

        if isinstance(event, ConnectionTerminated):
            for stream in self.streams.values():
                stream.how = stream.how or 'closed 0x%x' % event.error_code

        for e in self.h3.handle_event(event):
            stream = self.by_number(e.stream_id)

            if isinstance(e, HeadersReceived) and stream.status == '-':
                stream.status = dict(e.headers)[b':status'].decode()

            if isinstance(e, DataReceived):
                stream.received += len(e.data)

            if e.stream_ended:
                self.ended(e.stream_id, 'end')

        self.changed.set()

    def by_number(self, number):
        return self.streams[self.names[number]]

    def ended(self, number, how):
        if number in self.names:
            self.by_number(number).how = how

    async def until(self, condition):
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    async def step(self, name, *args):
        result = getattr(self, name)(*args)

        if asyncio.iscoroutine(result):
            await result

        self.transmit()

    def request(self, name, method, path, *fields, fin=False):
        number = self._quic.get_next_available_stream_id()

        self.streams[name] = Stream(number)
        self.names[number] = name
        self.h3.send_headers(
            number, [(b':method', method.encode()), (b':scheme', b'https'),
                     (b':authority', b'localhost'), (b':path', path.encode())]
            + [tuple(field.encode().split(b'=', 1)) for field in fields], fin)

    def get(self, name, path):
        self.request(name, 'GET', path, fin=True)

    def send(self, name, text):
        self.h3.send_data(self.streams[name].number, text.encode(), False)

    def zeros(self, name, n):
        self.h3.send_data(self.streams[name].number, bytes(int(n)), False)

    def fin(self, name):
        self.h3.send_data(self.streams[name].number, b'', True)

    def reset(self, name):
        self._quic.reset_stream(self.streams[name].number, CANCELLED)

    def stop(self, name):
        self._quic.stop_stream(self.streams[name].number, CANCELLED)

    def cancel(self, name):
        self.reset(name)
        self.stop(name)

    def hold(self, name):
        self.held.add(name)

    def release(self, name):
        self.held.discard(name)

    async def expect(self, name, n):
        stream = self.streams[name]
        await self.until(lambda: stream.received >= int(n) or stream.how)

    async def end(self, name):
        stream = self.streams[name]
        await self.until(lambda: stream.how)
        print(name, stream.status, stream.received, stream.how, flush=True)

    async def sleep(self, seconds):
        await asyncio.sleep(float(seconds))

    def touch(self, file):
        open(file, 'w').close()

    async def await_(self, file):
        async with asyncio.timeout(TIMEOUT):
            while not os.path.exists(file):
                await asyncio.sleep(0.02)

    def close_(self):
        self._quic.close(error_code=0x100)

    def gone(self):
        sys.stdout.flush()
        os._exit(0)


async def main():
    conf = QuicConfiguration(is_client=True, alpn_protocols=['h3'],
                             server_name='localhost',
                             verify_mode=ssl.CERT_NONE)
    steps = STEPS

    if steps[0][0] == 'window':
        conf.max_data = conf.max_stream_data = int(steps[0][1])
        steps = steps[1:]

    async with connect('127.0.0.1', PORT, configuration=conf,
                       create_protocol=Client) as client:
        for name, *args in steps:
            if name in ('await', 'close'):
                name += '_'

            await client.step(name, *args)


asyncio.run(main())
