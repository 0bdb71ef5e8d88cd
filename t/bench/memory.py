#!/usr/bin/python3
"""What connections and requests take of a worker's memory: ours, and nginx's.

Each server gets the same load from h2load, one after the other:

  * connections, 300 new ones a second, that have asked once and do so again
    every 5 seconds;
  * connections with many requests each that wait for their answers
    (auth_delay: a request without a file, an upstream or a buffer).

What counts is the memory of the worker in RAM and its own (RssAnon), less what
it had before.  The second time the same load must find room in what is left of
the first, and when all clients have gone the free memory says what is kept.

nginx's tables of connections (worker_connections) are made at the start and
not counted, so a request's ngx_connection_t isn't, for any server.

It wants a network name space of its own (auto/bench makes one).
"""

import argparse
import contextlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

import bench

PORT = bench.PORT
SLOTS = 300000
IDLE_TIMEOUT = 10

NGINX = """
    {load}
    daemon             off;
    worker_processes   1;
    pid                nginx.pid;
    error_log          error.log warn;

    events {{
        worker_connections  {slots};
    }}

    http {{
        access_log           off;
        keepalive_timeout    10s;
        keepalive_requests   1000000000;

        ssl_certificate      cert.pem;
        ssl_certificate_key  key.pem;
        ssl_protocols        TLSv1.3;

        server {{
            listen  127.0.0.1:{port} quic;
            root    html;

            location /slow {{
                auth_basic            slow;
                auth_basic_user_file  users;
                auth_delay            1h;
            }}
        }}
    }}
"""


def memory(pid):
    with open('/proc/%d/status' % pid) as file:
        return int(re.search(r'^RssAnon:\s*(\d+)', file.read(), re.M)[1]) * 1024


class Load:
    """h2load, until the worker's memory doesn't grow any more."""

    def __init__(self, title, unit, count, path, options):
        self.title = title
        self.unit = unit
        self.count = count
        self.path = path
        self.options = options

    def run(self, build, server, quiet):
        """Bytes when all of it is there, and the running client."""

        log = os.path.join(server.dir, 'h2load')

        with open(log, 'w') as out:
            client = subprocess.Popen(
                [os.path.join(build, 'bin', 'h2load-h3'), '--alpn-list=h3',
                 '--groups=X25519'] + self.options
                + ['https://127.0.0.1:%d/%s' % (server.port, self.path)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

        worker = bench.family(server.process.pid)[-1]
        most, since = 0, time.monotonic()

        while time.monotonic() - since < quiet:
            if client.poll() is not None:
                with open(log) as file:
                    raise bench.Failure('%s: h2load ended:\n%s\n%s' % (
                        server.title, file.read()[-2000:], server.complaint()))

            now = memory(worker)

            if now > most * 1.002:
                most, since = now, time.monotonic()

            time.sleep(0.1)

        return most, client


def loads(connections, holders, requests):
    return [
        Load('connection', 'idle', connections, '1k',
             ['-c', str(connections), '-n', str(connections * 1000), '-r',
              '300', '--rps=0.2', '-m', '1']),

        Load('request', 'waiting', holders * requests, 'slow',
             ['-c', str(holders), '-m', str(requests), '-n',
              str(holders * requests * 2)]),
    ]


def servers(build):
    all = bench.servers(build)

    for name in 'module', 'nginx':
        all[name].conf = NGINX
        all[name].vars['slots'] = SLOTS

    return [all['module'], all['nginx']]


def measure(build, server, site, dir, loads, quiet):
    """Bytes each, for each load: the first time, the second, and kept."""

    rows = []

    for i, load in enumerate(loads):
        server.processes = []
        server.start(site, os.path.join(dir, str(i)), PORT)

        try:
            time.sleep(0.5)
            worker = bench.family(server.process.pid)[-1]
            before = memory(worker)
            used = []

            for _ in range(2):
                most, client = load.run(build, server, quiet)
                used.append((most - before) / load.count)
                client.kill()
                client.wait()
                time.sleep(3 * IDLE_TIMEOUT)

            used.append((memory(worker) - before) / load.count)
            rows.append(used)

        finally:
            server.stop()

    return rows


def main():
    build = os.environ.get('QUIC_BUILD', os.path.join(bench.TOP, 'build'))

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('-c', type=int, default=10000, metavar='N',
                        help='idle connections (10000)')
    parser.add_argument('-r', type=int, default=1000, metavar='N',
                        help='connections with requests (1000)')
    parser.add_argument('-m', type=int, default=100, metavar='N',
                        help='requests of each (100)')
    parser.add_argument('-q', type=float, default=4, metavar='SECONDS',
                        help='without growth: all is there (4)')
    args = parser.parse_args()

    bench.ethernet('lo')
    bench.FILES = {'1k': 1024}

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    work = loads(args.c, args.r, args.m)
    print('%-30s' % 'bytes of the worker' + ''.join(
        '%12s %-24s' % (load.unit, load.title + ' (again, kept)')
        for load in work))

    with tempfile.TemporaryDirectory(prefix='quic-bench-') as dir:
        os.chmod(dir, 0o755)
        site = os.path.join(dir, 'site')
        bench.prepare(site)
        open(os.path.join(site, 'users'), 'w').close()

        for i, server in enumerate(servers(build)):
            top = os.path.join(dir, str(i))
            os.mkdir(top)
            os.chmod(top, 0o755)
            rows = measure(build, server, site, top, work, args.q)

            print('%-30s' % server.title + ''.join(
                '%12d (%d, %d)%s' % (*row, ' ' * 8) for row in rows),
                flush=True)


if __name__ == '__main__':
    try:
        main()
    except bench.Failure as failure:
        sys.exit('bench-memory: %s' % failure)
