#!/usr/bin/perl

# Reload and shutdown: running requests are finished, the others are told, and
# no process stays.

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Socket::INET;
use IPC::Open2;
use lib dirname(__FILE__) . '/lib';

use Test::More;
use Time::HiRes qw(sleep time);

use QuicTest;

my $size = 400_000;
my $slow = join '', map { pack 'N', $_ } 1 .. $size / 4;
my $server = 'server { listen %%PORT%% quic;
                       location = /slow.bin { limit_rate 200k; }
                       location = /long.bin { limit_rate 20k; }
                       location = /pid { return 200 "$pid"; }
                       location /put/ { dav_methods PUT; } }';


sub new {
    my $t = QuicTest->new(@_);

    $t->file('html/slow.bin', $slow);
    $t->file('html/long.bin', $slow);

    mkdir $t->dir . '/html/put';

    return $t;
}


# curl in the background; its exit code, error and time come from finish().

sub begin {
    my ($t, $uri, @args) = @_;

    my $port = $t->port;
    my $out = $t->dir . '/begun.body';
    my $err = $t->dir . '/begun.err';
    my @cmd = ($t->{curl}, '-q', '-sS', '-k', '-N', '--http3-only',
               '-m', QuicTest::TIMEOUT,
               '--connect-to', "localhost:$port:127.0.0.1:$port",
               '-o', $out, @args, "https://localhost:$port$uri");

    unlink $out;

    my $pid = fork;

    if ($pid == 0) {
        open STDERR, '>', $err;
        exec @cmd or POSIX::_exit(127);
    }

    return { pid => $pid, t => $t, began => time };
}


# ... and when the response is there, in part.

sub begin_download {
    my ($t, $uri) = @_;

    my $c = begin($t, $uri);

    $t->wait_for(sub { -s $t->dir . '/begun.body' });

    return $c;
}


sub finish {
    my ($c) = @_;

    waitpid $c->{pid}, 0;

    return {
        exit  => $? >> 8,
        ok    => $? == 0,
        time  => time - $c->{began},
        body  => $c->{t}->read_file('begun.body'),
        error => $c->{t}->read_file('begun.err')
    };
}


sub gone {
    my ($t, @pids) = @_;

    return $t->wait_for(sub { !grep { kill 0, $_ } @pids });
}


sub download {
    my ($name, $workers) = @_;

    my $t = new(workers => $workers);

    $t->run($server);

    my $c = begin_download($t, '/slow.bin');

    my @old = $t->reload;
    my ($ok, $quick) = (0, 0);

    for (1 .. 10) {
        my $start = time;
        my $r = $t->get('/pid');

        $quick++ if time - $start < 1;
        $ok++ if $r->{status} == 200 && !grep { $_ eq $r->{body} } @old;
    }

    is($ok, 10, "$name: new requests go to new workers");

    # RFC 9002, 6.2.2: else a first packet is repeated after a second

    cmp_ok($quick, '>', 5, "$name: no rule that they have to be repeated");

    my $r = finish($c);

    ok($r->{ok}, "$name: the download goes on") or diag($r->{error});
    ok($r->{body} eq $slow, "$name: its content");
    ok(gone($t, @old), "$name: the old workers are gone");

    $t->stop;
    $t->no_alerts;
}


sub upload {
    my $t = new();

    $t->run($server);

    my $c = begin($t, '/put/up.bin', '--limit-rate', '100k',
                  '-T', $t->dir . '/html/slow.bin');

    # curl's limit holds back the request itself for a second

    $t->wait_for(sub { glob $t->dir . '/tmp/client_body/*' });

    my @old = $t->reload;
    my $r = finish($c);

    ok($r->{ok}, 'upload: it goes on') or diag($r->{error});
    ok($t->read_file('html/put/up.bin') eq $slow, 'upload: its content');
    ok(gone($t, @old), 'upload: the old worker is gone');

    $t->stop;
    $t->no_alerts;
}


sub removed {
    my $t = new();

    $t->run($server);

    my $c = begin_download($t, '/slow.bin');

    my @old = $t->reload('server { listen %%PORT_1%% quic; }');
    my $r = finish($c);

    ok($r->{ok}, 'listener removed: the download goes on')
        or diag($r->{error});
    ok($r->{body} eq $slow, 'listener removed: its content');
    ok(gone($t, @old), 'listener removed: the old worker is gone');

    $r = $t->get('/', args => ['-m', 1]);
    is($r->{status}, '000', 'listener removed: nobody listens');

    $t->stop;
    $t->no_alerts;
}


sub quit {
    my $t = new();

    $t->run($server);

    my $c = begin_download($t, '/slow.bin');
    $t->signal('QUIT');

    my $r = finish($c);

    ok($r->{ok}, 'quit: the download goes on') or diag($r->{error});
    ok($r->{body} eq $slow, 'quit: its content');
    ok($t->wait_for(sub { $t->exited }), 'quit: nginx has ended');

    $t->no_alerts;
}


# The client is told at once: the download would take 20 seconds, its timeout
# more.

sub stop {
    my $t = new();

    $t->run($server);

    my $c = begin_download($t, '/long.bin');
    $t->signal('TERM');

    my $r = finish($c);

    isnt($r->{exit}, 0, 'stop: the download is broken off');
    cmp_ok($r->{time}, '<', 15, 'stop: the client is told');
    ok($t->wait_for(sub { $t->exited }), 'stop: nginx has ended');
    like($t->read_file('error.log'), qr/NO_ERROR.*server is shutting down/,
         'stop: H3_NO_ERROR');

    $t->no_alerts;
}


sub shutdown_timeout {
    my $t = new(main => 'worker_shutdown_timeout 1s;');

    $t->run($server);

    my $c = begin_download($t, '/long.bin');

    my @old = $t->reload;
    my $r = finish($c);

    isnt($r->{exit}, 0, 'worker_shutdown_timeout: broken off');
    cmp_ok($r->{time}, '<', 15,
           'worker_shutdown_timeout: the client is told');
    ok(gone($t, @old), 'worker_shutdown_timeout: the old worker is gone');

    $t->stop;
    $t->no_alerts;
}


# A client that is dead doesn't keep the worker longer than its idle timeout.

sub vanished {
    my $t = new();

    $t->run("keepalive_timeout 2s; $server");

    my $c = begin_download($t, '/long.bin');
    kill 'KILL', $c->{pid};
    finish($c);

    my $began = time;
    my @old = $t->reload;

    ok(gone($t, @old), 'vanished client: the old worker is gone');
    cmp_ok(time - $began, '<', 15, 'vanished client: in time');

    $t->stop;
    $t->no_alerts;
}


# Nor does one that has never finished its handshake: it hears nothing of us.

sub half_open {
    my $t = new();

    $t->run($server);

    my $client = $t->begin([$t->program('ngtcp2-client'), '--rx-loss=1',
                            '127.0.0.1', $t->port,
                            'https://localhost/slow.bin']);

    $t->wait_for(sub { $t->read_file('error.log') =~ /connected over QUIC/ });
    kill 'KILL', $client->{pid};
    $t->finish($client);

    my $began = time;
    my @old = $t->reload;

    ok(gone($t, @old), 'half-open connection: the old worker is gone');

    my $seconds = time - $began;

    cmp_ok($seconds, '>', 2, 'half-open connection: it was waited for');
    cmp_ok($seconds, '<', 30, 'half-open connection: in time');

    $t->stop;
    $t->no_alerts;
}


# An idle connection, which isn't waited for until it times out, has to be held
# open by somebody: Python's aioquic.

sub idle {
    my ($name, $signal, $stopped) = @_;

    my $python = $ENV{PYTHON_AIOQUIC}
                 || dirname(__FILE__) . '/../build/bin/python3-aioquic';

SKIP: {
    skip 'no aioquic', 3 unless -x $python;

    my $t = new();

    $t->run("keepalive_timeout 60s; $server");
    $t->file('idle.py', <<'EOF');
import asyncio, ssl, sys
from aioquic.asyncio import connect, QuicConnectionProtocol
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated


class Client(QuicConnectionProtocol):
    h3 = None

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.h3 = H3Connection(self._quic)
        if isinstance(event, ConnectionTerminated):
            print("closed", hex(event.error_code), flush=True)
        if self.h3:
            for e in self.h3.handle_event(event):
                if isinstance(e, DataReceived) and e.stream_ended:
                    print("answered", flush=True)


async def main():
    conf = QuicConfiguration(is_client=True, alpn_protocols=["h3"],
                             server_name="localhost",
                             verify_mode=ssl.CERT_NONE)
    async with connect("127.0.0.1", int(sys.argv[1]), configuration=conf,
                       create_protocol=Client) as c:
        c.h3.send_headers(c._quic.get_next_available_stream_id(), [
            (b":method", b"GET"), (b":scheme", b"https"),
            (b":authority", b"localhost"), (b":path", b"/pid")], True)
        c.transmit()
        await asyncio.wait_for(c.wait_closed(), 60)

asyncio.run(main())
EOF

    my $pid = open my $py, '-|', $python, $t->dir . '/idle.py', $t->port
        or BAIL_OUT("$python: $!");

    like(scalar <$py>, qr/answered/, "$name: a connection");

    sleep 0.3;
    kill 'STOP', $pid if $stopped;

    my @old = $t->workers;
    my $began = time;

    $t->signal($signal);

    ok(gone($t, @old), "$name: the worker is gone");
    cmp_ok(time - $began, '<', 15, "$name: in time");

    kill 'CONT', $pid if $stopped;

    is(scalar <$py>, "closed 0x100\n", "$name: H3_NO_ERROR");

    close $py;
    $t->stop;
    $t->no_alerts;
}
}


# A connection of the old worker's that says nothing for so long that the new
# one reads without looking first.  The old one is kept from being faster.

sub quiet {
    my $program = QuicTest->own_program('client', 'quiet');

    my $t = new();

    my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
        or BAIL_OUT("listen: $@");

    $t->run('server { listen %%PORT%% quic;
                      location /hang { proxy_pass http://127.0.0.1:'
            . $mute->sockport . '; } }');

    my $pid = open2(my $out, my $in, $program, $t->port,
                    '/hang');

    is(scalar <$out>, "asked\n", 'quiet client: a connection');

    my @old = $t->reload;
    my $said = '';

    # with bad luck it's late that the old one may go on

    for (1 .. 3) {
        sleep 6;

        kill 'STOP', @old;
        syswrite $in, "\n";
        sleep 0.03;
        kill 'CONT', @old;

        $said = <$out> // '';
        last if $said eq "acked\n";
    }

    is($said, "acked\n", 'quiet client: the old worker has got its first word');

    close $mute;

    ok(gone($t, @old), 'quiet client: the old worker is gone');

    close $in;
    waitpid $pid, 0;

    $t->stop;
    $t->no_alerts;
}


download('reload', 1);
download('four workers', 4);
upload();
removed();
quit();
stop();
shutdown_timeout();
vanished();
half_open();
quiet();
idle('idle client, reload', 'HUP', 0);
idle('idle client, quit', 'QUIT', 0);
idle('sleeping client, reload', 'HUP', 1);

done_testing();
