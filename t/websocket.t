#!/usr/bin/perl

# WebSocket over HTTP/3 (RFC 9220), through the location that serves it over
# HTTP/1.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use Test::More;

use QuicTest;

my $interop = dirname(__FILE__) . '/interop';
my $t = QuicTest->new;

$t->run(<<'EOC');
    log_format ws '$request|$request_method|$status|$http_upgrade|$uri';
    access_log %%DIR%%/ws.log ws;

    server {
        listen 127.0.0.1:%%PORT%% quic;

        location / {
            proxy_pass         http://127.0.0.1:%%PORT_1%%;
            proxy_http_version 1.1;
            proxy_set_header   Upgrade $http_upgrade;
            proxy_set_header   Connection "upgrade";

            location /vanished {
                proxy_pass         http://127.0.0.1:%%PORT_1%%;
                proxy_read_timeout 5s;
            }
        }

        location /without/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/plain;
        }

        location /file {
            return 200 "a page";
        }

        location /zipped {
            gzip            on;
            gzip_min_length 1;
            default_type    text/html;
            add_header      X-Filter done;
            return          200 "a page";
        }
    }
EOC

my $upstream = $t->begin([$t->program('python3-aioquic'),
                          "$interop/websocket_server.py", $t->port(1)],
                         timeout => 300);

$t->wait_for(sub {
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $t->port(1));
}) or BAIL_OUT('no upstream');


# There and back.

my $r = connect_to('/echo', ['origin=https://localhost'],
                   'send:hello', 'expect:5', 'fin', 'end');

is($r->{settings}, 1, 'SETTINGS say that it can be done');
is($r->{status}, 200, 'accepted');
is($r->{received}, 5, 'bytes come back');
is($r->{sha256}, sha256_hex('hello'), 'the same');
is($r->{end}, 'end', 'and the end');
is($r->{headers}{'sec-websocket-protocol'}, 'chat', 'Sec-WebSocket-Protocol');

for my $name (qw(sec-websocket-accept upgrade connection)) {
    ok(!exists $r->{headers}{$name}, "no $name");
}

my ($line) = grep { /^GET/ } upstream();

is($line, 'GET /echo HTTP/1.1 | upgrade: websocket | connection: upgrade |'
          . ' sec-websocket-version: 13 | origin: https://localhost |'
          . ' content-length: None | transfer-encoding: None |',
   'what the upstream gets');
like(join("\n", upstream()), qr/^key 16$/m, 'a key of 16 bytes');
ok($t->wait_for(sub { grep { /^closed after 5$/ } upstream() }),
   'the end of the client\'s gets there, too');

is(($t->access_log(1, 'ws.log'))[0],
   'CONNECT /echo HTTP/3.0|GET|101|websocket|/echo', 'its log line');

$r = connect_to('/zero', [], 'send:hello', 'expect:5', 'fin', 'end');
is("$r->{status} $r->{received}", '200 5', 'accepted with a Content-Length');
ok(!exists $r->{headers}{'content-length'}, 'which is not passed on');

# Much of it, and what is sent before the answer is there.

my $size = $QuicTest::small ? 300_000 : 3_000_000;

$r = connect_to('/echo', [], "zeros:$size", "expect:$size", 'fin', 'end');
is($r->{sha256}, sha256_hex("\0" x $size), "$size bytes");

$r = connect_to('/echo', ['sec-websocket-key=MDEyMzQ1Njc4OWFiY2RlZg=='],
                'send:x', 'expect:1', 'fin', 'end');
is($r->{status}, 200, 'a key of the client\'s');

# Ends.

$r = connect_to('/last', [], 'zeros:100000', 'fin', 'end');
is("$r->{received} $r->{end}", '100005 end',
   'the upstream has a last word');

$r = connect_to('/bye', [], 'end');
is("$r->{received} $r->{end}", '3 end', 'the upstream ends it');

connect_to('/echo', [], 'send:1234567', 'expect:7', 'reset');
ok($t->wait_for(sub { grep { /after 7$/ } upstream() }),
   'the client gives up');

connect_to('/vanished', [], 'send:123456789', 'expect:9', 'gone');
ok($t->wait_for(sub { grep { /after 9$/ } upstream() }),
   'the client vanishes: proxy_read_timeout');

# Refused.

for my $case (['/no', 403, 'by the upstream'],
              ['/wrong', 502, 'a wrong Sec-WebSocket-Accept'],
              ['/none', 502, 'no Sec-WebSocket-Accept'],
              ['/plain', 501, 'a page of the upstream\'s'],
              ['/file', 501, 'a page'],
              ['/without/', 501, 'a location without Upgrade'],
              ['/echo', 501, 'another protocol', 'protocol=connect-udp'],
              ['/echo', 405, 'CONNECT', 'protocol=', 'scheme=', 'path='],
              ['/echo', 400, 'not a CONNECT', 'method=GET'])
{
    my ($path, $status, $name, @fields) = @$case;

    $r = connect_to($path, \@fields, 'end');
    is($r->{status}, $status, "$name: $status");
}

# What filters have done to a page isn't done to the answer in its place.

$r = connect_to('/zipped', ['accept-encoding=gzip'], 'end');
is("$r->{status} $r->{end}", '501 end', 'a page that would be zipped: 501');
ok(!exists $r->{headers}{'content-encoding'}, 'which is not');
is($r->{received}, $r->{headers}{'content-length'}, 'and as long as it says');

$t->stop;

my $log = $t->read_file('error.log');

like($log, qr/upstream sent no valid Sec-WebSocket-Accept/, 'logged: 502');
like($log, qr/client asked for a WebSocket where there is none/,
     'logged: 501');
like($log, qr/CONNECT for the unknown protocol "connect-udp"/,
     'logged: protocol');

$t->no_alerts;

done_testing();


sub connect_to {
    my ($path, $fields, @steps) = @_;

    my $r = $t->client([$t->program('python3-aioquic'),
                        "$interop/aioquic_websocket.py", $t->port, $path,
                        @$fields, '--', @steps], timeout => 300);

    my %result = (headers => {}, end => '');

    for (split /\n/, $r->{out}) {
        $result{headers}{$1} = $2 if /^header ([^:]+): (.*)/;
        $result{$1} = $2 if /^(settings|status) (.*)/;
        @result{qw(received sha256)} = ($1, $2) if /^received (\d+) (\w+)/;
        $result{end} = $_ if /^(end|reset)/;
    }

    diag("$path: $r->{err}") if $r->{err} ne '';

    return \%result;
}


sub upstream {
    return split /\n/, $t->read_file("$upstream->{name}.out");
}
