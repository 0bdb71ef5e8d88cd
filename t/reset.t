#!/usr/bin/perl

# Connections whose worker is gone: the client is told by a stateless reset
# (RFC 9000, 10.3), and isn't as long as the worker lives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use QuicTest;
use Test::More;

my $client = QuicTest->new->program('ngtcp2-client');
my $server = 'server { listen 127.0.0.1:%%PORT%% quic; return 200 "ok"; }';

# Each asks for something that many seconds after its handshake, until when its
# worker is to be gone; all of them at the same time.

my $delay = 4;

my @cases = (['crash', 1, crashed()],
             ['restart', 1, restarted(1)],
             ['restart with another key', 0, restarted(0)]);

ended(@$_) for @cases;

done_testing();


sub new {
    my $t = QuicTest->new;

    $t->file('host.key', 'x' x 32);

    return $t;
}


sub connection {
    my ($t) = @_;

    my $port = $t->port;

    my $c = $t->begin([$client, '--no-quic-dump', '--no-http-dump',
                       '--exit-on-all-streams-close', '--timeout=8s',
                       "--delay-stream=${delay}s", '127.0.0.1', $port,
                       "https://localhost:$port/"], timeout => 60);

    ok($t->wait_for(sub {
           $t->read_file("$c->{name}.err") =~ /HANDSHAKE_DONE/;
       }), 'connected');

    return $c;
}


sub crashed {
    my $t = new();

    $t->run($server);

    my $c = connection($t);
    my ($worker) = $t->workers;

    kill 'KILL', $worker;

    return ($t, $c, 'exited on signal 9');
}


# With the same host key or with another one.

sub restarted {
    my ($same) = @_;

    my $t = new();
    my $key = $same ? 'quic_host_key %%DIR%%/host.key;' : '';

    $t->run("$key $server");

    my $c = connection($t);

    # the master first, or it may have the time to log what became of a worker

    my @workers = $t->workers;
    kill 'KILL', $t->{pid}, @workers;

    # which has the sockets for as long as it is there

    ok($t->wait_for(sub {
        return $t->exited && !grep { !QuicTest::is_gone($_) } @workers;
    }), 'killed');
    $t->run("$key $server");

    return ($t, $c);
}


sub ended {
    my ($name, $told, $t, $c, $expected) = @_;

    my $r = $t->finish($c);

    if ($told) {
        like($r->{err}, qr/ERR_DRAINING/, "$name: the client is told");
        cmp_ok($r->{seconds}, '<', $delay + 5, "$name: at once");

    } else {
        unlike($r->{err}, qr/ERR_DRAINING/,
               "$name: the client has to find out");
    }

    $t->stop;
    $t->no_alerts($expected);
}
