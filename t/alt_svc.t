#!/usr/bin/perl

# Alt-Svc in HTTP/1 and HTTP/2 answers of servers that speak HTTP/3.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use IO::Socket::INET;
use Test::More;

use QuicTest;

my $t = QuicTest->new;

my ($param, $directive) = $t->http2;

$t->run(<<"EOC");
    ssl_certificate     %%DIR%%/localhost.crt;
    ssl_certificate_key %%DIR%%/localhost.key;
    $directive

    server {
        listen      127.0.0.1:%%PORT%% ssl$param;
        listen      127.0.0.1:%%PORT%% quic;
        server_name both;

        location / {
            return 200 ok;
        }

        location /added {
            add_header alt-svc 'h3=":1"' always;
            return 200 ok;
        }

        location /off {
            http3_alt_svc off;

            location /off/on {
                http3_alt_svc on;
            }
        }

        location /value {
            http3_alt_svc 'h3="\$host:443"; ma=60';
        }

        location /proxied {
            proxy_pass http://127.0.0.1:%%PORT_2%%/upstream;
        }
    }

    # another port, and two of them

    server {
        listen      127.0.0.1:%%PORT%% ssl;
        listen      127.0.0.1:%%PORT_1%% quic;
        server_name other;
    }

    server {
        listen      127.0.0.1:%%PORT%% ssl;
        listen      127.0.0.1:%%PORT_1%% quic;
        listen      127.0.0.1:%%PORT%% quic;
        server_name two;
    }

    server {
        listen      127.0.0.1:%%PORT%% ssl;
        server_name none;
    }

    server {
        listen        127.0.0.1:%%PORT%% ssl;
        server_name   value;
        http3_alt_svc h3=\\":7\\";
    }

    server {
        listen      127.0.0.1:%%PORT%% ssl;
        listen      127.0.0.1:%%PORT%% quic;
        server_name disabled;
        http3       off;
    }

    server {
        listen      127.0.0.1:%%PORT_2%%;
        listen      127.0.0.1:%%PORT_2%% quic;
        server_name both;

        location / {
            return 200 plain;
        }

        location /upstream {
            add_header Alt-Svc 'h3=":2"';
            return 200 upstream;
        }
    }
EOC

my ($port, $port1) = ($t->port, $t->port(1));

for my $version ('1.1', '2') {
    for my $case (['both', '/', qq{h3=":$port"; ma=86400}],
                  ['both', '/missing', qq{h3=":$port"; ma=86400}],
                  ['both', '/added', 'h3=":1"'],
                  ['both', '/off', undef],
                  ['both', '/off/on', qq{h3=":$port"; ma=86400}],
                  ['both', '/value', 'h3="both:443"; ma=60'],
                  ['both', '/proxied', 'h3=":2"'],
                  ['other', '/', qq{h3=":$port1"; ma=86400}],
                  ['two', '/', qq{h3=":$port"; ma=86400}],
                  ['none', '/', undef],
                  ['value', '/', 'h3=":7"'],
                  ['disabled', '/', undef])
    {
        my ($host, $uri, $value) = @$case;

        my $r = $t->get($uri, host => $host, http1 => 1,
                        args => $version eq '2' ? ['--http2'] : []);

        is($r->{version}, $version, "HTTP/$version: $host$uri");
        is($r->{headers}{$version eq '2' ? 'alt-svc' : 'Alt-Svc'}
           // $r->{headers}{'alt-svc'}, $value,
           "HTTP/$version: $host$uri: " . ($value // 'none'));
    }
}

is($t->get('/', host => 'both')->{headers}{'alt-svc'}, undef,
   'none over HTTP/3');

# without TLS it isn't known whose name it is

my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $t->port(2))
    or BAIL_OUT("connect: $!");

print $socket "GET / HTTP/1.0\r\nHost: both\r\n\r\n";

my $plain = join '', <$socket>;

like($plain, qr/\r\n\r\nplain$/, 'plain HTTP');
unlike($plain, qr/^alt-svc/im, 'none over it');

$t->stop;
$t->no_alerts;

done_testing();
