#!/usr/bin/perl

# Clients that stay, say that they are there, and do nothing: nginx's timeouts
# are for them, too, and no old worker waits for them.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my ($no_error, $rejected, $cancelled) = (0x100, 0x10b, 0x10c);

my $program = QuicTest->own_program('client', 'attacks');

my $t = QuicTest->new;

$t->file('html/index.html', "hello\n");
$t->file('html/text', 'x' x 30_000);

# Another server's timeouts are those of a connection that has named it.

$t->run(<<'EOC');
    client_header_timeout 2s;
    keepalive_timeout     2s;
    send_timeout          2s;

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name localhost;
    }

    server {
        listen             127.0.0.1:%%PORT_1%% quic;
        keepalive_requests 3;
    }

    server {
        listen         127.0.0.1:%%PORT_2%% quic;
        keepalive_time 300ms;
    }

    server {
        listen            127.0.0.1:%%PORT_3%% quic;
        keepalive_timeout 0;
    }
EOC

# All at the same time: each is a client of its own.

my %client = map { my ($name, @args) = split;
                   ($_ => begin($t, $name, @args)) }
             'no_request 0', 'no_request 1', 'blocked_request', 'pings 0',
             'pings 3', 'no_credit';

my @goaways = ([1, 3, 'keepalive_requests'], [2, 1000, 'keepalive_time'],
               [3, 1, 'keepalive_timeout 0']);

my %goaway = map { ($_->[2] => $t->begin([$program, $t->port($_->[0]),
                                          'goaway', $_->[1]], timeout => 60)) }
             @goaways;

my %r = map { ($_ => result($t, $client{$_})) } keys %client;

for my $name ('no_request', 'no_request 1') {
    my $r = $r{$name eq 'no_request' ? 'no_request 0' : $name};

    is($r->{reset}, $cancelled, "$name: client_header_timeout");
    is($r->{stopped}, $cancelled, "$name: both ways");
    in_time($r->{ms}[0], 2000, "$name: that long");
    is($r->{alive}, 1, "$name: the connection goes on");
    is($r->{error}, $no_error, "$name: keepalive_timeout");
    in_time($r->{ms}[1], 2000, "$name: that long");
}

is($r{blocked_request}{reset}, $cancelled, 'blocked: client_header_timeout');
in_time($r{blocked_request}{ms}[0], 2000, 'blocked: that long');

for my $n (0, 3) {
    my $r = $r{"pings $n"};

    is($r->{closed} && $r->{app} && $r->{error}, $no_error,
       "PINGs after $n requests: keepalive_timeout");
    is($r->{goaways}, 2, "PINGs after $n requests: the client is told twice");
    is($r->{goaway}, $n && 40 + 4 * $n,
       "PINGs after $n requests: what was served");
    in_time($r->{ms}[0], 2000, "PINGs after $n requests: that long");
}

is($r{no_credit}{error}, $no_error, 'a response that is not taken');
is($r{no_credit}{received}, 100, 'but for a part');
in_time($r{no_credit}{ms}[0], 4000, 'keepalive_timeout and send_timeout');

for my $name (map { $_->[2] } @goaways) {
    my $r = result($t, $goaway{$name});

    is($r->{goaways}, 2, "$name: the client is told twice");
    is($r->{goaway}, 40 + 4 * $r->{requests}, "$name: what was served");
    is($r->{late}, $rejected, "$name: what comes later is rejected");
    is($r->{closed} && $r->{app} && $r->{error}, $no_error,
       "$name: and that's the end");
}

like($t->read_file('error.log'), qr/\[info\].*stream 0: client timed out/,
     'the log says why');

$t->stop;
$t->no_alerts;


# Old workers

$t->run(<<'EOC');
    client_header_timeout 60s;
    keepalive_timeout     60s;
    send_timeout          60s;

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name localhost;
    }
EOC

my $before = connected($t);

my @clients = map { begin($t, split) }
              'no_request', 'blocked_request', 'pings', 'no_credit';

ok($t->wait_for(sub { connected($t) == $before + @clients }),
   'clients are there');
ok($t->wait_for(sub {
       my $n = () = $t->read_file('access.log') =~ m{GET /text}g;

       return $n == 2;
   }), 'one of them with a response');

my @old = $t->workers;

$t->signal('HUP');

ok($t->wait_for(sub { !grep { kill 0, $_ } @old }),
   'no old worker waits for them');

for my $client (@clients) {
    my $r = result($t, $client);

    is($r->{error}, $no_error, 'a client is told') or diag(explain $r);
}

$t->stop;
$t->no_alerts;

done_testing();


sub connected {
    my ($t) = @_;

    my $n = () = $t->read_file('error.log') =~ /client connected over QUIC/g;

    return $n;
}


sub begin {
    my ($t, $name, @args) = @_;

    return $t->begin([$program, $t->port, $name, @args], timeout => 60);
}


# "word number" on each line: a hash, with all the "ms".

sub result {
    my ($t, $client) = @_;

    my $r = $t->finish($client);

    is($r->{exit}, 0, 'a client') or diag($r->{err});

    return { $r->{out} =~ /^(\w+) (\d+)$/mg,
             ms => [$r->{out} =~ /^ms (\d+)$/mg] };
}


# ms: no sooner, and not much later.  nginx's clock stands still while it works,
# so what it has begun late ends early.

sub in_time {
    my ($ms, $least, $name) = @_;

    cmp_ok($ms, '>', $least - 500, $name);
    cmp_ok($ms, '<', $least + 8000, "$name, no longer");
}
