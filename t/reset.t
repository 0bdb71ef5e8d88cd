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

crashed();
restarted(1);
restarted(0);

done_testing();


sub new {
    my $t = QuicTest->new;

    $t->file('host.key', 'x' x 32);

    return $t;
}


# Connects, and asks for something two seconds later.

sub connection {
    my ($t) = @_;

    my $port = $t->port;

    my $c = $t->begin([$client, '--no-quic-dump', '--no-http-dump',
                       '--exit-on-all-streams-close', '--timeout=6s',
                       '--delay-stream=2s', '127.0.0.1', $port,
                       "https://localhost:$port/"], timeout => 30);

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

    my $r = $t->finish($c);

    like($r->{err}, qr/ERR_DRAINING/, 'crash: the client is told');
    cmp_ok($r->{seconds}, '<', 5, 'crash: at once');

    $t->stop;
    $t->no_alerts('exited on signal 9');
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
    ok($t->wait_for(sub { $t->exited }), 'killed');
    $t->run("$key $server");

    my $r = $t->finish($c);

    if ($same) {
        like($r->{err}, qr/ERR_DRAINING/, 'restart: the client is told');
        cmp_ok($r->{seconds}, '<', 5, 'restart: at once');

    } else {
        unlike($r->{err}, qr/ERR_DRAINING/,
               'restart with another key: the client has to find out');
    }

    $t->stop;
    $t->no_alerts;
}
