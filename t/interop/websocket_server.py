"""An upstream for WebSocket: answers Upgrade, and then sends back every byte.

    websocket_server.py PORT

What the path says: most do that, /bye sends "bye" and closes, /wrong answers
with a wrong Sec-WebSocket-Accept, /none without one, /zero with a length,
/plain is a page, /no is refused; /last sends five bytes more after the client's
end.  Prints a line for each request, with the headers that matter, and one
for the end of each connection.
"""

import base64
import hashlib
import socketserver
import sys

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode().strip()
        path = line.split()[1]
        headers = {}

        while True:
            field = self.rfile.readline().decode().strip()

            if not field:
                break

            name, _, value = field.partition(': ')
            headers[name.lower()] = value

        print(line, '|', *['%s: %s |' % (name, headers.get(name)) for name in
                           ('upgrade', 'connection', 'sec-websocket-version',
                            'origin', 'content-length',
                            'transfer-encoding')], flush=True)

        key = headers.get('sec-websocket-key', '').encode()
        print('key', len(base64.b64decode(key)), flush=True)

        if path == '/plain':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'
                             b'\r\nok')
            return

        if path == '/no':
            self.wfile.write(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n'
                             b'\r\nno')
            return

        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())

        if path == '/wrong':
            accept = accept[::-1]

        self.wfile.write(b'HTTP/1.1 101 Switching Protocols\r\n'
                         b'Upgrade: websocket\r\nConnection: Upgrade\r\n'
                         b'Sec-WebSocket-Protocol: chat\r\n')

        if path == '/zero':
            self.wfile.write(b'Content-Length: 0\r\n')

        if path != '/none':
            self.wfile.write(b'Sec-WebSocket-Accept: ' + accept + b'\r\n')

        self.wfile.write(b'\r\n')

        if path == '/bye':
            self.wfile.write(b'bye')
            return

        self.echo(b'adieu' if path == '/last' else b'')

    def echo(self, last):
        total = 0

        try:
            while True:
                data = self.request.recv(65536)

                if not data:
                    break

                total += len(data)
                self.request.sendall(data)

            self.request.sendall(last)
            print('closed after', total, flush=True)
        except ConnectionError:
            print('broken after', total, flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
