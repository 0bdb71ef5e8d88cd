#!/usr/bin/perl

# Responses on their way to the client: files and how nginx may read them,
# caches and slices, slow clients, things that go wrong half way.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5_hex);
use IO::Socket::INET;
use Test::More;

use QuicTest;

my $t = QuicTest->new(main => "thread_pool default threads=2;\n");

my $big = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 1_500_000;

$t->file('html/big.bin', $big);
$t->file('html/shrinks.bin', $big);
$t->file('html/small.html', "small\n");
$t->file('html/huge.bin', '');
truncate $t->dir . '/html/huge.bin', 400_000_000;

mkdir $t->dir . '/cache';

my $early_hints = $t->version =~ /^1\.(\d+)/ && $1 >= 29
                  ? 'early_hints 1;' : '';

$t->run(<<'EOF' =~ s/%%EARLY_HINTS%%/$early_hints/r);
    proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;
    limit_req_zone $binary_remote_addr zone=rate:1m rate=1r/m;

    log_format sent '$request_uri|$status|$body_bytes_sent';
    access_log %%DIR%%/sent.log sent;

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name localhost;

        keepalive_requests 1000;

        location /file/ {
            alias %%DIR%%/html/;
        }

        location /open-file-cache/ {
            open_file_cache max=10;
            alias %%DIR%%/html/;
        }

        location /threads/ {
            aio   threads;
            alias %%DIR%%/html/;
        }

        location /directio/ {
            directio 512;
            alias    %%DIR%%/html/;
        }

        location /cached/ {
            proxy_pass        http://127.0.0.1:%%PORT_1%%/;
            proxy_cache       cache;
            proxy_cache_valid 1h;
            add_header        X-Cache $upstream_cache_status;
        }

        location /slice/ {
            slice              1m;
            proxy_pass         http://127.0.0.1:%%PORT_1%%/;
            proxy_set_header   Range $slice_range;
            proxy_http_version 1.1;
            proxy_cache        cache;
            proxy_cache_key    $uri$slice_range;
            proxy_cache_valid  200 206 1h;
        }

        location /mirrored/ {
            mirror     /mirror;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location = /mirror {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_1%%/mirror;
        }

        location /substituted/ {
            sub_filter small large;
            alias      %%DIR%%/html/;
        }

        location /added/ {
            add_before_body /file/small.html;
            add_after_body  /file/small.html;
            alias %%DIR%%/html/;
        }

        location /acted {
            lingering_close always;
            post_action     /action;
            return 200      "x";
        }

        location = /action {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_1%%/action;
        }

        location /early/ {
            client_max_body_size 1k;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /early-hints {
            %%EARLY_HINTS%%
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%PORT_2%%;
        }

        location /slow-client/ {
            send_timeout 1s;
            alias %%DIR%%/html/;
        }

        location /slow-client-of-upstream/ {
            send_timeout             1s;
            proxy_max_temp_file_size 0;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /slow-upload {
            client_body_timeout 1s;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /shrinks {
            limit_rate 300k;
            alias %%DIR%%/html/shrinks.bin;
        }

        location /cut/ {
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /rate/ {
            limit_req zone=rate burst=10;
            alias     %%DIR%%/html/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;

        access_log %%DIR%%/upstream.log;

        location / {
            root %%DIR%%/html;
        }

        location /dies {
            limit_rate   100k;
            send_timeout 1s;
            alias %%DIR%%/html/shrinks.bin;
        }

        location /action {
            return 204;
        }
    }
EOF

my $r;


# A client that has got the first of its response.

sub begun {
    my ($uri, @args) = @_;

    my $pid = $t->get($uri, background => 1, args => ['-N', @args]);

    ok($t->wait_for(sub { -s $t->dir . '/background.body' }), "$uri begins");

    return $pid;
}


# Ways to read a file

for my $way ('file', 'open-file-cache', 'threads', 'directio', 'slice',
             'mirrored')
{
    $r = $t->get("/$way/big.bin");
    is(md5_hex($r->{body}), md5_hex($big), $way);
}

for my $state ('MISS', 'HIT') {
    $r = $t->get('/cached/big.bin');
    is(md5_hex($r->{body}), md5_hex($big), 'cached');
    is($r->{headers}{'x-cache'}, $state, $state);
}

ok($t->wait_for(sub { $t->read_file('upstream.log') =~ m{GET /mirror } }),
   'the mirror has got it');

$r = $t->get('/substituted/small.html');
is($r->{body}, "large\n", 'sub_filter');

$r = $t->get('/added/small.html');
is($r->{body}, "small\nsmall\nsmall\n", 'subrequests before and after');


# Many at once, on one connection

my $n = 40;

$r = $t->get('/file/big.bin?0', args => ['-Z', '--parallel-max', $n],
             more => [map { "/file/big.bin?$_" } 1 .. $n]);
is($r->{exit}, 0, 'many responses at once');

my @whole;
$t->wait_for(sub {
    @whole = grep { m{^/file/big\.bin\?\d+\|200\|6000000$} }
             $t->access_log(1, 'sent.log');
    @whole == $n + 1;
});
is(scalar @whole, $n + 1, 'all of them whole');


# Content that is discarded, while the response, and more, goes on

for my $how ([], ['--limit-rate', '50k']) {
    $r = $t->get('/acted', method => 'POST', body => 'x' x 200_000,
                 args => $how);
    is($r->{body}, 'x', 'a response to content that is not read');
}

$r = $t->get('/early/small.html', method => 'POST', body => $big);
is($r->{status}, 413, 'a response that comes early');


# Clients that are slow, or stop

for my $uri ('/slow-client/huge.bin', '/slow-client-of-upstream/huge.bin') {
    my $pid = begun($uri, '--limit-rate', '5m');

    kill 'STOP', $pid;

    ok($t->wait_for(sub { $t->read_file('sent.log') =~ /^\Q$uri\E\|200\|/m }),
       "send_timeout, $uri");

    kill 'CONT', $pid;
    waitpid $pid, 0;
    isnt($? >> 8, 0, 'the client is told');
}

$r = $t->get('/slow-upload', args => ['-T', '-', '--limit-rate', '1'],
             stdin => 'html/big.bin');
isnt($r->{exit}, 0, 'client_body_timeout');
ok($t->wait_for(sub { $t->read_file('sent.log') =~ m{^/slow-upload\|408\|}m }),
   '408 is logged');


# Clients that go away

my @pids = map { $t->get("/rate/small.html?$_", background => 1,
                         args => [QuicTest::GIVE_UP]) } 1 .. 4;
waitpid $_, 0 for @pids;

ok($t->wait_for(sub {
    my @gone = $t->read_file('sent.log') =~ m{^/rate/small\.html\?\d\|499\|}mg;
    @gone >= 1;
}), 'a client that does not wait for limit_req');


# Early hints of an upstream

SKIP: {
    skip 'early_hints came with nginx 1.29', 2 unless $early_hints;

    my $socket = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1',
                                       LocalPort => $t->port(2), Proto => 'tcp')
        or BAIL_OUT("socket: $!");

    my $pid = $t->get('/early-hints', background => 1,
                      args => ['-D', $t->dir . '/hints']);
    my $c = $socket->accept;

    sysread $c, my $request, 4096;
    syswrite $c, "HTTP/1.1 103 Early Hints\r\n"
                 . "Link: </style.css>; rel=preload\r\n\r\n";

    ok($t->wait_for(sub {
        $t->read_file('hints') =~ m{^HTTP/3 103 \r\nlink: </style}
    }), 'early hints come before the response');

    syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    close $c;
    waitpid $pid, 0;
    like($t->read_file('hints'), qr{\r\n\r\nHTTP/3 200 \r\n}, 'then it comes');
}


# Files that shrink, upstreams that die

my $pid = begun('/shrinks');

truncate $t->dir . '/html/shrinks.bin', 1000;
waitpid $pid, 0;
isnt($? >> 8, 0, 'a file that shrinks ends the response');
ok($t->wait_for(sub { $t->read_file('sent.log') =~ m{^/shrinks\|200\|}m }),
   'and it is logged');

$t->file('html/shrinks.bin', $big);
$pid = begun('/cut/dies');

truncate $t->dir . '/html/shrinks.bin', 1000;
waitpid $pid, 0;
isnt($? >> 8, 0, 'an upstream that dies ends the response');

is($t->get('/file/small.html')->{body}, "small\n", 'and others go on');

$t->stop;
$t->no_alerts(qr/was truncated|read only 0 of/);

done_testing();
