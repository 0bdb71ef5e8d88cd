#!/usr/bin/perl

# Listeners at work: addresses and sockets, server blocks by name, settings of
# connections.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use POSIX qw(mkfifo);
use Test::More;

use QuicTest;

# HTTP/3 to an address, by a URI with a name.  More arguments are curl's.

sub curl {
    my ($t, $name, $addr, $uri, @args) = @_;

    my $port = $t->port;
    my @cmd = ($t->{curl}, '-q', '-sS', '-k', '--http3-only',
               '-m', QuicTest::TIMEOUT, '--connect-to', "::$addr", @args,
               "https://$name:$port$uri");

    my $cmd = join ' ', map { "'$_'" } @cmd;

    return qx{$cmd 2>&1};
}


# UDP sockets on a port.

sub sockets {
    my ($port) = @_;

    my $n = 0;

    for my $file (qw(udp udp6)) {
        open my $fh, '<', "/proc/net/$file" or next;

        while (<$fh>) {
            $n++ if /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) / && hex($1) == $port;
        }
    }

    return $n;
}


sub names {
    my $t = QuicTest->new;

    $t->certificate('one.test', 'one.test', '*.one.test');
    $t->certificate('two.test');

    $t->run(<<'EOF');
    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name first;
        return 200 "first";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic default_server;
        server_name localhost;
        return 200 "default $ssl_server_name $host";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name one.test *.one.test;
        ssl_certificate     %%DIR%%/one.test.crt;
        ssl_certificate_key %%DIR%%/one.test.key;
        return 200 "one";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name ~^(?<n>\w+)\.two\.test$;
        ssl_certificate     %%DIR%%/two.test.crt;
        ssl_certificate_key %%DIR%%/two.test.key;
        return 200 "two $n";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name tail.*;
        return 200 "tail";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name off.test;
        http3 off;
        return 200 "off";
    }

    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name reject.test;
        ssl_reject_handshake on;
        return 200 "reject";
    }
EOF

    my $addr = '127.0.0.1:' . $t->port;

    is(curl($t, 'one.test', $addr, '/'), 'one', 'exact name');
    is(curl($t, 'a.b.one.test', $addr, '/'), 'one', 'wildcard name');
    is(curl($t, 'tail.example', $addr, '/'), 'tail', 'wildcard at the end');
    is(curl($t, 'x.two.test', $addr, '/'), 'two x', 'regex with a capture');
    is(curl($t, 'ONE.test', $addr, '/'), 'one', 'case');
    is(curl($t, 'one.test.', $addr, '/'), 'one', 'final dot');
    is(curl($t, 'other.test', $addr, '/'), 'default other.test other.test',
       'default server');
    is(curl($t, '127.0.0.1', $addr, '/'), 'default  127.0.0.1',
       'default server without a name');
    is(curl($t, 'one.test', $addr, '/', '-H', 'Host: tail.test'), 'tail',
       'another name in the request');

    # as over HTTP/2 with "http2 off": the connection has been agreed upon

    is(curl($t, 'one.test', $addr, '/', '-H', 'Host: off.test'), 'off',
       'the name of a server without HTTP/3 in the request');

    # certificates: curl says which one it got

    like(curl($t, 'www.one.test', $addr, '/', '-v'), qr/CN ?= ?one\.test/,
         'certificate of a name');
    like(curl($t, 'x.two.test', $addr, '/', '-v'), qr/CN ?= ?two\.test/,
         'certificate of a regex');
    like(curl($t, 'tail.test', $addr, '/', '-v'), qr/CN ?= ?localhost/,
         'certificate of http{}');

    unlike(curl($t, 'off.test', $addr, '/'), qr/^off/, 'http3 off');
    unlike(curl($t, 'reject.test', $addr, '/'), qr/^reject/,
           'ssl_reject_handshake');

    $t->stop;

    my $log = $t->read_file('error.log');

    like($log, qr/0x178\b.*no application protocol/,
         'refused with no_application_protocol');
    like($log, qr/0x170\b/, 'refused with unrecognized_name');

    $t->no_alerts;
}


sub addresses {
    my $t = QuicTest->new;

    $t->run(<<'EOF');
    server {
        listen %%PORT%% quic;
        return 200 "any $server_addr:$server_port $remote_addr";
    }

    server {
        listen 127.0.0.2:%%PORT%% quic;
        listen 192.0.2.1:%%PORT%% quic;
        return 200 "two $server_addr:$server_port";
    }

    server {
        listen 127.0.0.3:%%PORT%% quic bind rcvbuf=256k sndbuf=256k;
        return 200 "three $server_addr:$server_port";
    }

    server {
        listen [::]:%%PORT%% quic;
        return 200 "six $server_addr:$server_port $remote_addr";
    }
EOF

    my $port = $t->port;

    is(sockets($port), 3, 'sockets');

    is(curl($t, 'localhost', "127.0.0.1:$port", '/'),
       "any 127.0.0.1:$port 127.0.0.1", 'wildcard address');
    is(curl($t, 'localhost', "127.0.0.2:$port", '/'),
       "two 127.0.0.2:$port", 'an address on the wildcard socket');
    is(curl($t, 'localhost', "127.0.0.3:$port", '/'),
       "three 127.0.0.3:$port", 'an address with its own socket');
    is(curl($t, 'localhost', "127.0.0.4:$port", '/'),
       "any 127.0.0.4:$port 127.0.0.1", 'another address');
    is(curl($t, 'localhost', "[::1]:$port", '/'),
       "six ::1:$port ::1", 'IPv6');

    $t->stop;

    $t->run(<<'EOF');
    server {
        listen [::]:%%PORT%% quic ipv6only=off;
        return 200 "$server_addr $remote_addr";
    }
EOF

    is(curl($t, 'localhost', "[::1]:$port", '/'), '::1 ::1',
       'IPv6 of two families');
    is(curl($t, 'localhost', "127.0.0.5:$port", '/'),
       '::ffff:127.0.0.5 ::ffff:127.0.0.1', 'IPv4 of two families');

    $t->stop;
    $t->no_alerts;
}


sub settings {
    my $t = QuicTest->new;
    my $big = 'y' x 1_000_000;

    $t->file('html/big.txt', $big);

    for my $conf ('quic_retry on', 'quic_retry auto', 'quic_gso off',
                  'quic_gso on', 'http3_max_table_capacity 0',
                  'http3_max_table_capacity 64k', 'http3_max_blocked_streams 0',
                  'http3_stream_buffer_size 4k',
                  'http3_stream_buffer_size 1m',
                  'http3_max_concurrent_streams 1',
                  'quic_active_connection_id_limit 4',
                  'quic_host_key %%DIR%%/localhost.key')
    {
        $t->run("server { listen 127.0.0.1:%%PORT%% quic; $conf;
                          location = /e { return 200 '\$http3'; } }");

        my $r = $t->get('/big.txt', more => ['/e']);

        ok($r->{body} eq $big, $conf) or diag($r->{error});
        is($t->read_file('response.more'), 'h3', "$conf: second request");

        $t->stop;
    }

    $t->no_alerts;
}


# The end of a connection by the number or age of its requests; the client
# goes on with another.

sub keepalive {
    my $t = QuicTest->new;

    for my $case (['keepalive_requests 2', 2], ['keepalive_timeout 0', 1],
                  ['keepalive_requests 100', 6])
    {
        my ($conf, $most) = @$case;

        $t->file('c.log', '');
        $t->run("log_format c '\$connection \$connection_requests \$status';
                 access_log %%DIR%%/c.log c; $conf;
                 server { listen 127.0.0.1:%%PORT%% quic;
                          location / { return 200 'ok'; } }");

        # a request may cross with GOAWAY, is rejected, and asked again

        $t->get('/1', more => [map { "/$_" } 2 .. 6],
                args => ['--retry', 3, '--retry-all-errors']);

        my @lines = $t->access_log(6, 'c.log');
        my %count;

        $count{(split)[0]}++ for @lines;

        my ($max) = sort { $b <=> $a } values %count;

        is(scalar(grep { / 200$/ } @lines), 6, "$conf: all requests, once");
        is($max, $most, "$conf: of a connection");

        $t->stop;
    }

    $t->no_alerts;
}


# More clients than worker_connections: some are refused, none is harmed.

sub limits {
    my $t = QuicTest->new(events => 'worker_connections 8;');

    $t->run('server { listen 127.0.0.1:%%PORT%% quic; return 200; }');

    # they stay until their input ends

    my $fifo = $t->dir . '/stay';

    mkfifo($fifo, 0600) or BAIL_OUT("mkfifo: $!");
    open my $stay, '+<', $fifo or BAIL_OUT("$fifo: $!");

    my $crowd = $t->begin([QuicTest->own_program('client', 'attacks'),
                           $t->port, 'crowd', 8],
                          stdin => 'stay', timeout => 120);

    ok($t->wait_for(sub {
        $t->read_file('error.log')
            =~ /8 worker_connections are not enough for QUIC/;
    }), 'worker_connections');

    close $stay;

    my $r = $t->finish($crowd);

    is("$r->{out}$r->{err}",
       "clients 8\nanswers 1\nclosed 1\napp 0\nerror 2\n",
       'the others are there, and one is told: CONNECTION_REFUSED');
    ok($t->wait_for(sub { $t->get('/')->{status} == 200 }), 'room again');

    $t->stop;
    $t->no_alerts(qr/worker_connections are not enough for QUIC/);
}


sub single {
    my $t = QuicTest->new(main => 'master_process off;');

    $t->run('server { listen 127.0.0.1:%%PORT%% quic;
                      location / { return 200 "single"; } }');

    is($t->get('/')->{body}, 'single', 'master_process off');

    $t->stop;
    $t->no_alerts;
}


names();
addresses();
settings();
keepalive();
limits();
single();

done_testing();
