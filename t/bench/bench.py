#!/usr/bin/python3
"""What a server's CPU does for HTTP/3: ours, and those of others.

Each server gets the same work from the same client, h2load, in turns with the
others.  What counts is the CPU time that the server's threads have used, by
the kernel's own account in nanoseconds, and of several runs the one that used
least of it: what else the machine does meanwhile matters less, but it does, as
caches and memory are shared.

It wants to be root of a network name space of its own (auto/bench makes one):
the loopback interface gets the MTU of an Ethernet.  There the system call that
sends also delivers to the receiving socket, so a server's time includes what
a network card and another machine would do for it, the same for all of them.

A connection is a full handshake (X25519, a P-256 certificate), one request of
the small file, and the end of it.  "full", "resume" and "early" are the same
by the tests' own client (t/client/tickets.c), one after the other: with a full
handshake, with a ticket, and with the request in 0-RTT.  They are for servers
that give their clients tickets and tokens, so they are run only if they are
asked for.
"""

import argparse
import contextlib
import fcntl
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time

PORT = 8443
MTU = 1500

# <linux/sockios.h>, <net/if.h>

SIOCSIFFLAGS = 0x8914
SIOCSIFMTU = 0x8922
IFF_UP = 0x1

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

FILES = {'1k': 1024, '100m': 100 * 1024 * 1024,
         'full': 1024, 'resume': 1024, 'early': 1024}

GB = 1e9


class Failure(Exception):
    pass


# ---------------------------------------------------------------- the servers

NGINX = """
    {load}
    daemon             off;
    worker_processes   1;
    pid                nginx.pid;
    error_log          error.log notice;

    events {{
        worker_connections  4096;
    }}

    http {{
        access_log           off;
        keepalive_requests   1000000000;
        sendfile             on;

        ssl_certificate      cert.pem;
        ssl_certificate_key  key.pem;
        ssl_protocols        TLSv1.3;

        {http}

        server {{
            listen  127.0.0.1:{port} quic;
            root    html;
        }}
    }}
"""

# HAProxy has no files of its own: the small one comes from its memory, the
# large one through it from an nginx whose time isn't counted.

HAPROXY = """
    global
        nbthread 1
        maxconn 4096

    defaults
        mode http
        timeout connect 5s
        timeout client 60s
        timeout server 60s

    frontend quic
        bind quic4@127.0.0.1:{port} ssl crt both.pem alpn h3
        acl small path /1k
        http-request return content-type text/plain file html/1k if small
        default_backend files

    backend files
        server nginx unix@{dir}/files.sock
"""

FILES_NGINX = """
    daemon            off;
    worker_processes  1;
    pid               files.pid;
    error_log         files.log notice;

    events {{
    }}

    http {{
        access_log  off;
        sendfile    on;

        server {{
            listen  unix:{dir}/files.sock;
            root    html;
        }}
    }}
"""

CADDY = """
    {{
        admin off
        auto_https off
        persist_config off
        skip_install_trust
        default_sni localhost
    }}

    https://127.0.0.1:{port} {{
        bind 127.0.0.1
        tls cert.pem key.pem
        root * html
        file_server
    }}
"""


class Server:
    """One that runs in a folder of its own."""

    def __init__(self, title, conf, argv, env=None, behind=None, **vars):
        self.title = title
        self.conf = conf
        self.argv = argv
        self.env = env
        self.behind = behind
        self.vars = vars
        self.processes = []

    def write(self, name, text):
        text = textwrap.dedent(text).format(dir=self.dir, port=self.port,
                                            **self.vars)

        with open(os.path.join(self.dir, name), 'w') as file:
            file.write(text)

    def launch(self, argv):
        with open(os.path.join(self.dir, 'stderr'), 'ab') as log:
            process = subprocess.Popen(
                [word.format(dir=self.dir) for word in argv], cwd=self.dir,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(self.env or {})))

        self.processes.append(process)

        return process

    def start(self, site, dir, port):
        """Serves what "site" has; "dir" is made for it."""

        self.dir = dir
        self.port = port

        os.mkdir(dir)

        for name in os.listdir(site):
            os.symlink(os.path.join(site, name), os.path.join(dir, name))

        if self.behind:
            conf, argv = self.behind
            self.write('behind', conf)
            self.launch(argv)

        self.write('conf', self.conf)
        self.process = self.launch(self.argv)

        for _ in range(100):
            if self.process.poll() is not None:
                break

            if bound(port):
                return

            time.sleep(0.05)

        raise Failure('%s did not start:\n%s' % (self.title, self.complaint()))

    def complaint(self):
        text = ''

        for name in 'stderr', 'error.log':
            try:
                with open(os.path.join(self.dir, name)) as file:
                    text += ''.join(file.readlines()[-10:])
            except FileNotFoundError:
                pass

        return text

    def stop(self):
        for process in self.processes:
            process.terminate()

            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu(self):
        """Seconds of CPU time of all of its threads."""

        return sum(cpu(pid) for pid in family(self.process.pid))


def bound(port):
    with open('/proc/net/udp') as file:
        return any(line.split()[1].endswith(':%04X' % port)
                   for line in file if ':' in line.split()[0])


def family(pid):
    pids = [pid]

    for parent in pids:
        with open('/proc/%d/task/%d/children' % (parent, parent)) as file:
            pids.extend(map(int, file.read().split()))

    return pids


def cpu(pid):
    total = 0
    tasks = '/proc/%d/task' % pid

    for task in os.listdir(tasks):
        with open('%s/%s/schedstat' % (tasks, task)) as file:
            total += int(file.read().split()[0])

    return total / 1e9


def servers(build):
    bin = os.path.join(build, 'bin')

    def nginx(title, program, load='', http=''):
        return Server(title, NGINX,
                      [program, '-p', '{dir}/', '-e', 'error.log',
                       '-c', 'conf'],
                      load=load, http=http)

    def load(tls):
        return 'load_module %s;' % os.environ.get(
            'QUIC_MODULE', os.path.join(build, 'bench', tls + '.so'))

    stock = os.environ.get('NGINX', 'nginx')
    peer = os.path.join(bin, 'nginx-peer')

    return {
        'nginx': nginx('nginx, its own QUIC', peer),

        'module': nginx('stock nginx with the module', stock,
                        load=load('boringssl'), http='ssl_early_data on;'),

        'aws-lc': nginx('the module with AWS-LC', stock,
                        load=load('aws-lc'), http='ssl_early_data on;'),

        'nginx-gso': nginx('nginx, quic_gso on', peer, http='quic_gso on;'),

        'haproxy': Server('HAProxy', HAPROXY,
                          [os.path.join(bin, 'haproxy-peer'), '-f', 'conf'],
                          behind=(FILES_NGINX,
                                  [stock, '-p', '{dir}/', '-e', 'files.log',
                                   '-c', 'behind'])),

        'caddy': Server('Caddy', CADDY,
                        [os.path.join(bin, 'caddy-peer'), 'run',
                         '--adapter', 'caddyfile', '--config', 'conf'],
                        env={'GOMAXPROCS': '1', 'XDG_DATA_HOME': '.',
                             'XDG_CONFIG_HOME': '.', 'HOME': '.'}),
    }


# ------------------------------------------------------------------- the work

class Work:
    """A run of h2load, and by what its cost is to be divided."""

    def __init__(self, title, unit, scale, count, path, options, per=1):
        self.title = title
        self.unit = unit
        self.scale = scale
        self.count = count
        self.path = path
        self.options = options
        self.per = per

    def run(self, build, server):
        before = server.cpu()

        out = subprocess.run(
            [os.path.join(build, 'bin', 'h2load-h3'),
             '--alpn-list=h3', '--groups=X25519',
             '--tls13-ciphers=TLS_AES_128_GCM_SHA256',
             '-n', str(self.count)] + self.options
            + ['https://127.0.0.1:%d/%s' % (server.port, self.path)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60).stdout

        time.sleep(0.05)
        used = server.cpu() - before

        if not re.search(r'^status codes: %d 2xx' % self.count, out, re.M):
            raise Failure('%s: h2load failed:\n%s\n%s'
                          % (server.title, out, server.complaint()))

        return used / (self.count * self.per) * self.scale


class Returning:
    """Connections of t/client/tickets, each with what the last one brought."""

    def __init__(self, title, name, count=500):
        self.title = title
        self.unit = 'us'
        self.scale = 1e6
        self.name = name
        self.count = count

    def run(self, build, server):
        before = server.cpu()

        out = subprocess.run(
            [os.path.join(build, 'test', 'client', 'tickets'),
             str(server.port), self.name, str(self.count)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=60).stdout

        time.sleep(0.05)
        used = server.cpu() - before

        seen = dict(re.findall(r'^(\w+) (\d+)$', out, re.M))
        wanted = {'full': ('0', '0'), 'resume': ('1', '0'),
                  'early': ('1', '1')}[self.name]

        if seen.get('answered') != str(self.count) or wanted != tuple(
                '1' if seen.get(word) == str(self.count) else seen.get(word)
                for word in ('resumed', 'early')):
            raise Failure('%s: %s failed:\n%s\n%s'
                          % (server.title, self.name, out,
                             server.complaint()))

        return used / self.count * self.scale


USUAL = 'bulk', 'requests', 'connects'

WORKS = {
    'bulk': Work('100 MB file', 's/GB', 1, 1, '100m',
                 ['-c', '1', '-m', '1'], per=FILES['100m'] / GB),

    'requests': Work('1 KB request', 'us', 1e6, 10000, '1k',
                     ['-c', '10', '-m', '10']),

    'connects': Work('connection', 'us', 1e6, 200, '1k',
                     ['-c', '200', '-m', '1', '-r', '10',
                      '--rate-period=20ms']),

    'full': Returning('full handshake', 'full'),
    'resume': Returning('resumed', 'resume'),
    'early': Returning('0-RTT', 'early'),
}


# ------------------------------------------------------------------ the bench

def ethernet(interface):
    """Gives it the MTU of one, and starts it."""

    name = interface.encode()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFMTU, struct.pack('16si20x', name, MTU))
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack('16sh22x', name, IFF_UP))


def prepare(dir):
    """Files and a certificate."""

    os.makedirs(os.path.join(dir, 'html'))

    for name, size in FILES.items():
        with open(os.path.join(dir, 'html', name), 'wb') as file:
            file.write(os.urandom(size))

    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
                    '-subj', '/CN=localhost', '-addext',
                    'subjectAltName = DNS:localhost, IP:127.0.0.1',
                    '-keyout', 'key.pem', '-out', 'cert.pem'],
                   cwd=dir, check=True, stderr=subprocess.DEVNULL)

    with open(os.path.join(dir, 'both.pem'), 'w') as both:
        for name in 'cert.pem', 'key.pem':
            with open(os.path.join(dir, name)) as file:
                both.write(file.read())


def measure(build, servers, works, runs):
    """The least cost of each server and work, in the work's unit."""

    costs = {}

    for run in range(runs):
        print('-- run %d of %d' % (run + 1, runs), file=sys.stderr)

        for work in works:
            for server in servers:
                cost = work.run(build, server)
                costs[server, work] = min(cost,
                                          costs.get((server, work), cost))

    return costs


def table(servers, works, costs):
    """With the ratios to the first server."""

    print('%-28s' % 'CPU time of the server' + ''.join(
        '%13s %-9s' % (work.title, 'ratio') for work in works))

    for server in servers:
        line = '%-28s' % server.title

        for work in works:
            cost = costs[server, work]
            line += '%7.*f %-5s%6.2f    ' % (
                2 if work.scale == 1 else 0, cost, work.unit,
                cost / costs[servers[0], work])

        print(line)


def main():
    build = os.environ.get('QUIC_BUILD', os.path.join(TOP, 'build'))
    all = servers(build)

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('-n', type=int, default=6, metavar='RUNS',
                        help='of which the best one counts (6)')
    parser.add_argument('-s', action='append', choices=all, metavar='SERVER',
                        help='one of: ' + ', '.join(all))
    parser.add_argument('-w', action='append', choices=WORKS, metavar='WORK',
                        help='one of: %s (%s)' % (', '.join(WORKS),
                                                  ', '.join(USUAL)))
    args = parser.parse_args()

    ethernet('lo')

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    chosen = [all[name] for name in args.s or all]
    works = [WORKS[name] for name in args.w or USUAL]

    with contextlib.ExitStack() as stack:
        dir = stack.enter_context(
            tempfile.TemporaryDirectory(prefix='quic-bench-'))

        os.chmod(dir, 0o755)
        prepare(os.path.join(dir, 'site'))

        for i, server in enumerate(chosen):
            stack.callback(server.stop)
            server.start(os.path.join(dir, 'site'),
                         os.path.join(dir, str(i)), PORT + i)

        costs = measure(build, chosen, works, args.n)

    table(chosen, works, costs)


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit('bench: %s' % failure)
