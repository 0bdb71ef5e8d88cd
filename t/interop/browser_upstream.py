"""An upstream for a browser's page.

    browser_upstream.py PORT

/form: a form with a file; says its length and SHA-256.
/events: five server-sent events, each but the first a tenth of a second after
/arrived?N has said that the one before is there.
/endless: sends until nobody reads any more.
/never: no answer; /asked is answered when that has been asked for.
/echo: a WebSocket that sends back every message.

Prints "ended NAME" when a client has given up /endless, /never, or /events.
"""

import base64
import hashlib
import http.server
import select
import struct
import sys
import threading
import time

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
EVENTS = 5
PATIENCE = 60

asked = threading.Event()
arrived = [threading.Event() for _ in range(EVENTS + 1)]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name, _, query = self.path[1:].partition('?')
        getattr(self, name)(query)

    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        _, _, boundary = self.headers['content-type'].partition('boundary=')

        for part in body.split(b'--' + boundary.encode()):
            head, _, content = part.partition(b'\r\n\r\n')

            if b'filename="form.bin"' in head:
                file = content[:-len(b'\r\n')]
                self.page('%d %s' % (len(file),
                                     hashlib.sha256(file).hexdigest()))

    def page(self, text):
        self.head('text/plain', length=len(text))
        self.wfile.write(text.encode())

    def head(self, type, length=None):
        self.send_response(200)
        self.send_header('Content-Type', type)

        if length is not None:
            self.send_header('Content-Length', length)

        self.end_headers()

    def events(self, _):
        self.head('text/event-stream')

        for i in range(1, EVENTS + 1):
            self.wfile.write(b'data: %d\n\n' % i)
            arrived[i].wait(PATIENCE)
            time.sleep(0.1)

        self.until_gone()

    def arrived(self, i):
        arrived[int(i)].set()
        self.page('yes')

    def endless(self, _):
        self.head('application/octet-stream')

        try:
            while True:
                self.wfile.write(bytes(100000))
        except OSError:
            self.ended()

    def never(self, _):
        asked.set()
        self.until_gone()

    def asked(self, _):
        asked.wait(PATIENCE)
        self.page('yes')

    def until_gone(self):
        if select.select([self.connection], [], [], PATIENCE)[0]:
            self.ended()

    def ended(self):
        print('ended', self.path[1:], flush=True)

    def echo(self, _):
        key = self.headers['sec-websocket-key'].encode()

        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(
            hashlib.sha1(key + GUID).digest()).decode())
        self.end_headers()

        while self.echo_frame():
            pass

    def echo_frame(self):
        """Back without its mask; False after the closing one."""

        head = self.rfile.read(2)
        n = head[1] & 0x7f
        more = {126: '>H', 127: '>Q'}.get(n)
        length = self.rfile.read(struct.calcsize(more)) if more else b''

        if more:
            n, = struct.unpack(more, length)

        mask = self.rfile.read(4)
        data = self.rfile.read(n)
        mask = mask * (n // 4) + mask[:n % 4]
        data = (int.from_bytes(data, 'big')
                ^ int.from_bytes(mask, 'big')).to_bytes(n, 'big')

        self.wfile.write(bytes([head[0], head[1] & 0x7f]) + length + data)

        return head[0] & 0x0f != 8

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Handler.protocol_version = 'HTTP/1.1'
Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
