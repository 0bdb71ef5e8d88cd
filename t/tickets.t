#!/usr/bin/perl

# Clients that come back: resumption with tickets, and 0-RTT; whose tickets are
# good for what, and what is done to those who send again what others have sent.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;
use Time::HiRes qw(time);

use QuicTest;
use TestCA;

my $small = $QuicTest::small;
my $many = $ENV{LONG} ? 1000 : $small ? 20 : 200;

my $program = QuicTest->own_program('client', 'tickets');

my $log = 'log_format early "$ssl_session_reused$ssl_early_data $request_uri $ssl_client_verify";
           access_log %%DIR%%/early.log early;
           client_header_timeout 10s;
           large_client_header_buffers 4 8k;';

my $server = 'server {
                  listen         127.0.0.1:%%PORT%% quic;
                  server_name    localhost;
                  ssl_early_data on;
                  location /     { return 200 "ok\n"; }
              }';

workers($_) for $small ? 2 : (1, 4);
spoofed();
foreign();
reloads();
key_files();
servers();
switched_off();
timeouts();
chains();
changed();

done_testing();


# What t/client/tickets has to say: words and numbers.

sub tickets {
    my ($t, $name, $count, $port, @env) = @_;

    my $r = $t->client(['env', @env,
                        $program, $t->port($port), $name,
                        $count || ()], timeout => 120);

    is("$r->{exit}$r->{err}", '0', "$name: the client")
        or diag(join '', map { "$_\n" }
                         (split /\n/, $t->read_file('error.log'))[-5 .. -1]);

    return { $r->{out} =~ /^(\w+) (\d+)$/mg };
}


# The requests of that name: how many, and what the log says of each.

sub logged {
    my ($t, $name) = @_;

    my %n;

    $n{$_}++ for map { m{^(\S*) /$name } ? $1 =~ tr/-//dr : () }
                 $t->lines('early.log');

    return join ' ', map { "$n{$_}*$_" } sort keys %n;
}


sub every {
    my ($r, $n, @words) = @_;

    return join ' ', map { "$_ " . ($r->{$_} == $n ? 'all' : $r->{$_}) }
                     @words;
}


# Tickets of one worker are good for the others.

sub workers {
    my ($n) = @_;

    my $t = QuicTest->new(workers => $n);
    my $what = "$n workers";

    $t->run("$log $server");

    my $r = tickets($t, 'resume', $many);

    is(every($r, $many, qw(connections resumed early answered)),
       'connections all resumed all early 0 answered all',
       "$what: resumption");
    is(logged($t, 'resume'), "$many*r", "$what: in the log");

    $r = tickets($t, 'early', $many);

    is(every($r, $many, qw(connections resumed early at_once answered)),
       'connections all resumed all early all at_once all answered all',
       "$what: 0-RTT");
    is(logged($t, 'early'), "$many*r1", "$what: 0-RTT in the log");

    # who may be elsewhere is answered when he has shown that he isn't

    $r = tickets($t, 'no_token', 10);

    is(every($r, 10, qw(connections resumed early at_once answered)),
       'connections all resumed all early all at_once 0 answered all',
       "$what: 0-RTT without a token");
    is(logged($t, 'no_token'), '10*r', "$what: after the handshake");

    # 0-RTT packets overtake the ClientHello, or its second half

    $r = tickets($t, 'reordered', 10);

    is(every($r, 10, qw(early at_once answered)),
       'early all at_once all answered all',
       "$what: 0-RTT before its ClientHello");

    # a ticket is good for 0-RTT once

    $r = tickets($t, 'again', 4);

    is(every($r, 4, qw(resumed answered)), 'resumed all answered all',
       "$what: a ticket several times");
    is($r->{early}, 1, "$what: 0-RTT once");

    # the same bytes: to this worker, and to others

    $r = tickets($t, 'replay', 8);

    is("$r->{early} $r->{answered}", '1 1', "$what: a first flight");
    cmp_ok($r->{answers}, '>=', 1, "$what: it is sent again");
    is(logged($t, 'replay'), '1*r1', "$what: the request was run once");

    $r = tickets($t, 'stolen', 8);

    cmp_ok($r->{answers}, '>=', 1, "$what: one that comes from elsewhere");
    is(logged($t, 'stolen'), '', "$what: the request was not run");

    $r = tickets($t, 'forbidden');

    is($r->{refused}, $r->{frames}, "$what: frames that 0-RTT mustn't have");

    $r = tickets($t, 'late');

    is("$r->{early} $r->{gone}", '1 1', "$what: 0-RTT keys are discarded");

    # nothing of that has cost others anything

    is($t->get('/last')->{status}, 200, "$what: the server goes on");

    $t->stop;
    $t->no_alerts;
}


# CVE-2024-45397: rules for addresses, and a client that isn't there.

sub spoofed {
    my $t = QuicTest->new;

    $t->run("$log $server" . ' server {
                listen         127.0.0.1:%%PORT_1%% quic;
                server_name    localhost;
                ssl_early_data on;
                allow          127.2.0.1;
                deny           all;
             }');

    tickets($t, 'spoofed', 4, 1);
    $t->get('/after', port => $t->port(1));

    is(logged($t, 'after'), '1*.', 'spoofed: all has been read');
    is(logged($t, 'spoofed'), '', 'spoofed: and nothing was run');

    $t->stop;
    $t->no_alerts;
}


# A client that isn't ours.  What it keeps stands in files; the log tells what
# the server has made of it.

sub comes {
    my ($t, $path, %opt) = @_;

    my $dir = $t->dir;
    my $client = $t->program('ngtcp2-client');

    # the answer to 0-RTT comes before the next ticket

    my $r = $t->client([$client, '--quiet', '--exit-on-all-streams-close',
                        '--timeout=30s', $opt{none} ? () : '--wait-for-ticket',
                        "--session-file=$dir/session", "--tp-file=$dir/tp",
                        "--token-file=$dir/token",
                        $opt{late} ? '--disable-early-data' : (),
                        $opt{cert} ? ("--cert=$dir/$opt{cert}.crt",
                                      "--key=$dir/$opt{cert}.key") : (),
                        '127.0.0.1', $t->port($opt{port}),
                        "https://localhost:" . $t->port($opt{port}) . $path]);

    $t->wait_for(sub { logged($t, substr $path, 1) ne '' });

    my $seen = logged($t, substr $path, 1);

    return $seen =~ /^1\*(.*)/ ? $1 : "$seen$r->{err}";
}


sub forget {
    my ($t) = @_;

    unlink map { $t->dir . "/$_" } qw(session tp token);
}


sub foreign {
    my $t = QuicTest->new(workers => 2);

    $t->run("$log $server" . ' server {
                listen             127.0.0.1:%%PORT_1%% quic;
                server_name        localhost;
                keepalive_requests 1;
                location /         { return 200; }
             }');

    $t->get('/curl', port => $t->port(1), more => ['/curl', '/curl']);
    is(logged($t, 'curl'), '1*. 2*r', "curl's: three connections");

    is(comes($t, '/n1'), '.', "ngtcp2's: the first time");
    is(comes($t, '/n2'), 'r1', "ngtcp2's: 0-RTT");
    is(comes($t, '/n3'), 'r1', "ngtcp2's: again, with another ticket");
    is(comes($t, '/n4', late => 1), 'r', "ngtcp2's: without 0-RTT");

    $t->stop;
    $t->no_alerts;
}


# A reload keeps keys, and the memory of 0-RTT.

sub reload {
    my ($t, $conf) = @_;

    my %old = map { $_ => 1 } $t->reload($conf);

    $t->wait_for(sub { !grep { $old{$_} } $t->workers });
}


sub reloads {
    my $t = QuicTest->new(workers => 2);

    $t->run("$log $server");

    comes($t, '/r1');
    reload($t);
    is(comes($t, '/r2'), 'r1', 'a reload: 0-RTT');

    # another memory knows nothing of what was used

    reload($t, "$log quic_early_data_memory 64k; $server");
    is(comes($t, '/r3'), 'r', 'memory of another size: resumption, no 0-RTT');
    is(comes($t, '/r4'), 'r1', 'and then 0-RTT');

    # without a host key a new start knows nothing

    $t->stop;
    $t->start;
    is(comes($t, '/r5'), '.', 'a new start: nothing');

    # with one it does, but what it has made before may have been used

    $t->stop;
    $t->file('host.key', 'x' x 32);
    $t->run("$log quic_host_key %%DIR%%/host.key; $server");
    forget($t);
    comes($t, '/r6');
    $t->stop;
    $t->start;
    is(comes($t, '/r7'), 'r', 'quic_host_key, a new start: resumption alone');
    is(comes($t, '/r8'), 'r1', 'quic_host_key: and then 0-RTT');

    $t->stop;
    $t->no_alerts;
}


# ssl_session_ticket_key, and what becomes of a ticket when files are rotated.

sub key_files {
    my $t = QuicTest->new(workers => 2);

    $t->file('one.key', join '', map { chr } 1 .. 48);
    $t->file('two.key', join '', map { chr } 1 .. 80);

    my %files = map { $_ => join ' ', map { "ssl_session_ticket_key"
                                            . " %%DIR%%/$_.key;" }
                                      split /,/ }
                'one', 'two', 'two,one';

    $t->run("$log $files{one} $server");
    comes($t, '/k1');
    is(comes($t, '/k2', late => 1), 'r', 'a key file of 48 bytes');

    $t->stop;
    $t->start;
    is(comes($t, '/k3', late => 1), 'r', 'a new start with that file');

    reload($t, "$log $files{'two,one'} $server");
    is(comes($t, '/k4', late => 1), 'r', 'one more file before it');

    reload($t, "$log $files{two} $server");
    is(comes($t, '/k5', late => 1), 'r', 'which is what has sealed since');

    reload($t, "$log $files{one} $server");
    is(comes($t, '/k6', late => 1), '.', 'another file: a full handshake');

    $t->stop;
    $t->no_alerts;
}


# CVE-2025-23419: a session of one server is nothing to another.

sub servers {
    my $t = QuicTest->new;
    my $conf = "$log $server
                server {
                    listen         127.0.0.1:%%PORT%% quic;
                    server_name    other;
                    ssl_early_data on;
                    location /     { return 200; }
                }
                server {
                    listen         127.0.0.1:%%PORT%% quic;
                    listen         127.0.0.1:%%PORT_1%% quic;
                    server_name    asks;
                    ssl_early_data on;
                    VERIFY
                    ssl_client_certificate %%DIR%%/localhost.crt;
                    location /     { return 200; }
                }";

    my ($with, $without) = ($conf, $conf);

    $with =~ s/VERIFY/ssl_verify_client optional;/;
    $without =~ s/VERIFY//;

    $t->run($with);

    for my $row (['localhost', 'other', 0], ['other', 'localhost', 0],
                 ['localhost', 'asks', 0], ['asks', 'localhost', 0],
                 ['localhost', 'localhost', 1], ['other', 'other', 1],
                 ['asks', 'asks', 1], ['localhost', 'nobody', 1])
    {
        my ($from, $to, $good) = @$row;

        my $r = tickets($t, 'elsewhere', 1, undef, "NAME=$from", "OTHER=$to");

        is(every($r, 1, qw(answered)) . " $r->{resumed} $r->{early}",
           "answered all $good $good", "a ticket of $from for $to");
    }

    # one that begins to ask

    reload($t, $without);
    comes($t, '/s1', port => 1);
    is(comes($t, '/s2', port => 1), 'r1', 'it does not ask');
    reload($t, $with);
    is(comes($t, '/s3', port => 1), '.', 'it begins to ask: no');

    # who has shown one is known by his ticket, with 0-RTT as well

    forget($t);
    comes($t, '/v1', port => 1, cert => 'localhost');
    is(comes($t, '/v2', port => 1, late => 1), 'r', 'it has been shown');
    is(comes($t, '/v3', port => 1), 'r1', 'it has been shown, 0-RTT');
    is(join(' ', $t->read_file('early.log') =~ m{/v\d (\S+)}g),
       'SUCCESS SUCCESS SUCCESS', 'and is in the ticket');

    # another certificate

    forget($t);
    comes($t, '/s4');
    is(comes($t, '/s5'), 'r1', 'the same certificate');
    $t->certificate('localhost');
    reload($t);
    is(comes($t, '/s6'), '.', 'another certificate: no');

    $t->stop;
    $t->no_alerts;
}


sub switched_off {
    my $t = QuicTest->new;

    $t->run("$log server {
                 listen         127.0.0.1:%%PORT%% quic;
                 server_name    localhost;
                 ssl_early_data on;
                 location /     { return 200; }
             }
             server {
                 listen         127.0.0.1:%%PORT_2%% quic;
                 server_name    late;
                 location /     { return 200; }
             }
             server {
                 listen         127.0.0.1:%%PORT_3%% quic;
                 server_name    never;
                 ssl_session_tickets off;
                 ssl_early_data on;
                 location /     { return 200; }
             }
             server {
                 listen         127.0.0.1:%%PORT_1%% quic;
                 server_name    localhost;
                 ssl_early_data on;
                 location /     { if (\$ssl_early_data) { return 425; }
                                  return 200; }
             }");

    comes($t, '/o1', port => 2);
    is(comes($t, '/o2', port => 2), 'r', 'ssl_early_data off');

    forget($t);
    comes($t, '/o3', port => 3, none => 1);
    is(comes($t, '/o4', port => 3, none => 1), '.', 'ssl_session_tickets off');

    forget($t);
    comes($t, '/o5', port => 1);
    comes($t, '/o6', port => 1);
    is((map { m{/o6 [^"]*" (\d+)} } $t->access_log)[0], 425,
       'an answer to 0-RTT of its own');

    $t->stop;
    $t->no_alerts;
}


# ssl_session_timeout, which is the default server's, as it is over TCP.

sub timeouts {
    my $t = QuicTest->new;
    my $listen = sub { join "\n", map { "listen 127.0.0.1:%%PORT_$_[0]%% $_;" }
                                  'ssl', 'quic' };

    $t->run("$log ssl_protocols TLSv1.3; ssl_early_data on;
             server { listen 127.0.0.1:%%PORT%% ssl;
                      listen 127.0.0.1:%%PORT%% quic;
                      location / { return 200; } }
             server { @{[$listen->(1)]} ssl_session_timeout 7h;
                      location / { return 200; } }
             server { @{[$listen->(1)]} server_name other;
                      location / { return 200; } }
             server { @{[$listen->(2)]} ssl_session_timeout 2s;
                      location / { return 200; } }
             server { @{[$listen->(2)]} server_name other;
                      location / { return 200; } }
             server { @{[$listen->(3)]} ssl_session_timeout 11m;
                      ssl_session_tickets off;
                      location / { return 200; } }
             server { @{[$listen->(3)]} server_name other;
                      ssl_session_timeout 10s;
                      location / { return 200; } }");

    for my $row ([0, 'localhost', 300], [1, 'localhost', 25200],
                 [1, 'other', 25200], [2, 'other', 2], [3, 'other', 660])
    {
        my ($port, $name, $lifetime) = @$row;

        # the library takes off what has passed since the handshake began

        my $start = time;
        my $said = tickets($t, 'full', 1, $port, "NAME=$name")->{lifetime};
        my $passed = int(time - $start) + 1;

        ok($said <= $lifetime && $said >= $lifetime - $passed,
           "a ticket of $name on port $port") or diag("$said seconds");
        is(tcp_lifetime($t, $port, $name), $lifetime, 'as over TCP');
    }

    # keys last as long as the tickets, whatever the server's own timeout; they
    # change once in a long while, and need not while we look

    my @keys = map { tickets($t, 'full', 1, 1, "NAME=$_")->{key} }
               qw(localhost other localhost other);

    cmp_ok(scalar(grep { $keys[$_] == $keys[$_ + 1] } 0 .. 2), '>=', 2,
           'one period for keys of both') or diag("@keys");

    # one that is too old

    my $r = tickets($t, 'expired', 2, 2, 'NAME=other');

    cmp_ok($r->{taken}, '<', 2, 'a ticket is taken until then');
    cmp_ok($r->{refused}, '>=', 2, 'and refused afterwards');
    is(every($r, 2, qw(connections resumed early answered)),
       'connections all resumed 0 early 0 answered all',
       '0-RTT with it: a full handshake, and the request again');

    my $seen = logged($t, 'expired');

    like($seen, qr/^3\*\.(?: \d+\*r)?$/, 'none was run as 0-RTT, but later');

    $t->stop;
    $t->no_alerts;
}


# What nginx's own OpenSSL tells.

sub tcp_lifetime {
    my ($t, $port, $name) = @_;

    $t->file('request', "GET / HTTP/1.0\r\n\r\n");

    my $r = $t->client(['openssl', 's_client', '-ign_eof', '-connect',
                        '127.0.0.1:' . $t->port($port), '-servername', $name],
                       stdin => 'request');

    return ($r->{out} =~ /lifetime hint: (\d+)/)[0] // $r->{err};
}


# A ticket has the client's certificates in it, and has to fit into a
# ClientHello.

sub chains {
    my $t = QuicTest->new;
    my $ca = TestCA->new($t->dir);
    my @large = (ext => ['nsComment=' . 'x' x 3000]);

    $ca->issue('root', ca => 1);
    $ca->issue('m1', ca => 1, by => 'root', @large);
    $ca->issue("m$_", ca => 1, by => 'm' . ($_ - 1), @large) for 2 .. 6;
    $ca->issue('short', by => 'm1');
    $ca->issue('long', by => 'm6');

    for (['short', 'm1'], ['long', map { "m$_" } reverse 1 .. 6]) {
        $t->file("$_->[0].crt", join '', map { $ca->read_pem("$_.crt") } @$_);
    }

    $t->run("$log server {
                 listen                 127.0.0.1:%%PORT%% quic;
                 server_name            localhost;
                 ssl_verify_client      on;
                 ssl_verify_depth       10;
                 ssl_client_certificate %%DIR%%/root.crt;
                 location /             { return 200; }
             }");

    for (['short', 'r'], ['long', '.']) {
        my ($cert, $again) = @$_;

        forget($t);
        my @none = (none => $again eq '.');

        is(comes($t, "/$cert-1", cert => $cert, @none), '.', "$cert chain");
        is(comes($t, "/$cert-2", cert => $cert, @none), $again,
           "$cert chain: again");
    }

    is(join(' ', $t->read_file('early.log') =~ m{-\d (\S+)}g),
       'SUCCESS SUCCESS SUCCESS SUCCESS', 'all of them are good');

    $t->stop;
    $t->no_alerts;
}


# What a client may have relied on isn't so any more.

sub changed {
    my $t = QuicTest->new;
    my $n = 0;

    $t->run("$log $server");
    comes($t, '/c0');

    my @changes = ('http3_max_concurrent_streams 7;',
                   'http3_max_table_capacity 1k;',
                   'http3_stream_buffer_size 20k;',
                   'http3_max_blocked_streams 3;',
                   'quic_active_connection_id_limit 4;');

    for my $change (@changes[0 .. ($small ? 1 : $#changes)]) {
        reload($t, "$log $change $server");
        is(comes($t, '/c' . ++$n), 'r', "$change: no 0-RTT");
        is(comes($t, '/c' . ++$n), 'r1', "$change: and then");
    }

    # and what it hasn't

    reload($t, "$log keepalive_timeout 17s; $server");
    is(comes($t, '/c' . ++$n), 'r', 'as it was before');
    reload($t, "$log keepalive_timeout 19s; $server");
    is(comes($t, '/c' . ++$n), 'r1', 'keepalive_timeout does not matter');

    $t->stop;
    $t->no_alerts;
}
