#!/usr/bin/perl

# proxy_pass: what upstreams say and how they fail, caches, stores, internal
# redirects, buffering.  Everything is as it is over HTTP/2.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;
use Time::HiRes qw(sleep);

use Backend;
use QuicTest;

my $t = QuicTest->new;

my ($param, $directive) = $t->http2;

my $length = $QuicTest::small ? 300_000 : 2_000_000;
my $big = substr join('', 1 .. 500_000), 0, $length;
my $modified = 'Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT';

$t->file('html/file.txt', "a file\n");
$t->file('html/big.txt', $big);

my $backend = Backend->new($t, 1, 'http', {
    '' => sub {
        my ($r) = @_;

        $r->respond(200, ['X-Method: ' . $r->{method},
                           'Accept-Ranges: bytes'],
                    $r->{method} eq 'HEAD' ? '' : "plain\n");
    },
    '/big' => sub { $_[0]->respond(200, [$modified], $big) },
    '/text' => sub { $_[0]->respond(200, [$modified], 'text' x 50) },
    '/chunked' => sub {
        my ($r) = @_;

        $r->head('Transfer-Encoding: chunked');
        $r->send(sprintf "%x\r\n%s\r\n", length $_, $_)
            for unpack '(a100000)*', $big;
        $r->send("0\r\nX-Trailer: yes\r\n\r\n");

        # nginx may want to use the connection again

        $r->{keep} = 1;
    },
    '/until-close' => sub {
        my ($r) = @_;

        $r->head;
        $r->send($big);
    },

    # field lines of all kinds

    '/fields' => sub {
        $_[0]->respond(200, [
            'Connection: close, X-Hop', 'Keep-Alive: timeout=5', 'X-Hop: 1',
            'Server: theirs',
            'Date: Mon, 28 Sep 1970 06:00:00 GMT', 'X-Empty:',
            'X-UPPER: Case', 'X-Spaces:   a  b  ', 'Set-Cookie: a=1; Path=/x',
            'Set-Cookie: b=2', 'Vary: A', 'Vary: B', 'Cache-Control: private',
            'Cache-Control: no-cache', 'Link: </a>; rel=preload',
            'Refresh: 5; url=/fields', 'Content-Language: de',
            'WWW-Authenticate: X',
            'Expires: Mon, 28 Sep 1970 06:00:00 GMT', 'Accept-Ranges: bytes',
            'Content-Type: text/x-mine; charset=koi8-r', 'X-Pad: 1',
            'X-Long: ' . 'l' x 3000, 'X-Bytes: ' . join('', map { chr }
            128 .. 255), $modified, 'ETag: W/"weak"',
        ], 'fields');
    },
    '/hops' => sub {
        $_[0]->respond(200, ['Upgrade: h2c', 'Proxy-Connection: close',
                             'X-Next: 1'], 'x');
    },
    '/location' => sub {
        my ($r) = @_;

        $r->respond(301, ['Location: http://127.0.0.1:' . $r->{t}->port(1)
                          . '/x?y'], '');
    },
    '/relative' => sub { $_[0]->respond(302, ['Location: there'], '') },
    '/header-too-large' => sub {
        $_[0]->respond(200, ['X: ' . 'x' x 9000], '');
    },

    # no content

    '/204' => sub { $_[0]->send("HTTP/1.1 204 No\r\nX-A: 1\r\n\r\n") },
    '/304' => sub { $_[0]->send("HTTP/1.1 304 No\r\nETag: \"a\"\r\n\r\n") },
    '/empty' => sub { $_[0]->respond(200, [], '') },
    '/empty-chunked' => sub {
        $_[0]->head('Transfer-Encoding: chunked');
        $_[0]->send("0\r\n\r\n");
    },
    '/empty-until-close' => sub { $_[0]->head },

    # failures

    '/silence' => sub { $_[0]->gone },
    '/close' => sub { },
    '/garbage' => sub { $_[0]->send("\0garbage\n\n") },
    '/half-head' => sub { $_[0]->send("HTTP/1.1 200 OK\r\nX-A") },
    '/dies' => sub {
        $_[0]->head('Content-Length: 100000');
        $_[0]->send('x' x 50_000);
    },
    '/dies-at-once' => sub { $_[0]->head('Content-Length: 1') },
    '/dies-chunked' => sub {
        $_[0]->head('Transfer-Encoding: chunked');
        $_[0]->send("c350\r\n" . 'x' x 50_000 . "\r\n");
    },
    '/bad-chunk' => sub {
        $_[0]->head('Transfer-Encoding: chunked');
        $_[0]->send("5\r\nhellohello\r\n");
        $_[0]->gone;
    },
    '/stalls' => sub {
        $_[0]->head('Content-Length: 100000');
        $_[0]->send('x' x 50_000);
        $_[0]->gone;
    },
    '/too-much' => sub {
        $_[0]->head('Content-Length: 5');
        $_[0]->send('hello, world');
    },
    '/500' => sub { $_[0]->respond(500, ['X-Error: 1'], 'their page') },
    '/503' => sub { $_[0]->content; $_[0]->respond(503, [], 'busy') },
    '/content' => sub {
        my ($r) = @_;

        $r->respond(200, [], 'content of ' . length($r->content // return));
    },

    # what only nginx gets to see

    '/accel/file' => sub {
        $_[0]->respond(200, ['X-Accel-Redirect: /internal/file.txt',
                             'Content-Type: text/x-mine', 'X-Lost: 1',
                             'Set-Cookie: kept=1',
                             'Content-Disposition: attachment'], 'not this');
    },
    '/accel/named' => sub {
        $_[0]->respond(200, ['X-Accel-Redirect: @named'], 'not this');
    },
    '/accel/nowhere' => sub {
        $_[0]->respond(200, ['X-Accel-Redirect: /internal/none'], 'not this');
    },
    '/accel/unbuffered' => sub {
        $_[0]->respond(200, ['X-Accel-Buffering: no'], $big);
    },
    '/accel/buffered' => sub {
        $_[0]->respond(200, ['X-Accel-Buffering: yes'], $big);
    },
    '/accel/charset' => sub {
        $_[0]->respond(200, ['X-Accel-Charset: koi8-r',
                             'Content-Type: text/plain'], 'x');
    },
    '/accel/rate' => sub {
        $_[0]->respond(200, ['X-Accel-Limit-Rate: 123456'], 'x');
    },

    # for caches

    '/cached/big' => sub {
        $_[0]->respond(200, ['Accept-Ranges: bytes', 'ETag: "big"'], $big);
    },
    '/cached/no' => sub { $_[0]->respond(200, ['X-Accel-Expires: 0'], 'no') },
    '/cached/private' => sub {
        $_[0]->respond(200, ['Cache-Control: private'], 'no');
    },
    '/cached/dies' => sub {
        $_[0]->head('Content-Length: 100000', 'X-Accel-Expires: 100');
        $_[0]->send('x' x 50_000);
    },
    '/cached/short' => sub {
        $_[0]->respond(200, ['X-Accel-Expires: 1'], $_[0]->times);
    },
    '/cached/stale' => sub {
        $_[0]->respond(200, ['X-Accel-Expires: 1'], 'good')
            if $_[0]->times == 1;
    },
    '/cached/updating' => sub {
        $_[0]->respond(200, ['X-Accel-Expires: 1'], $_[0]->times);
    },
    '/cached/revalidated' => sub {
        my ($r) = @_;

        return $r->respond(200, ['X-Accel-Expires: 1', $modified,
                                 'ETag: "mine"'], 'once')
            if !$r->{params}{'if-modified-since'};

        $r->note("asked for $r->{params}{'if-none-match'}");
        $r->send("HTTP/1.1 304 No\r\nX-Accel-Expires: 100\r\n\r\n");
    },
    '/cached/locked' => sub {
        my ($r) = @_;

        $r->note("locked $r->{params}{'x-version'}");
        $r->{t}->wait_for(sub { -e $r->{t}->dir . '/unlock' });
        $r->respond(200, ['X-Accel-Expires: 100'], $big);
    },
});

sub Backend::head {
    my ($r, @fields) = @_;

    $r->send("HTTP/1.1 200 OK\r\n" . join('', map { "$_\r\n" } @fields)
             . "\r\n");
}

sub Backend::times {
    my ($r) = @_;

    my $text = "$r->{uri} $r->{params}{'x-version'}";

    $r->note($text);

    return scalar $r->notes(qr/^\Q$text\E$/);
}

$t->run($t->same_log . <<"EOC");
    proxy_cache_path  %%DIR%%/cache keys_zone=cache:1m;
    proxy_cache_key   \$http2\$http3\$request_uri;
    proxy_set_header  X-Version \$http2\$http3;
    proxy_set_header  Connection "";
    proxy_http_version 1.1;

    add_header X-Cache \$upstream_cache_status;
    add_header X-Rate  \$limit_rate;

    upstream keeps {
        server    127.0.0.1:%%PORT_1%%;
        keepalive 4;
    }

    upstream falls {
        server    127.0.0.1:%%PORT_2%% max_fails=0;
        server    127.0.0.1:%%PORT_1%% backup max_fails=0;
    }

    upstream busy {
        server    127.0.0.1:%%PORT_3%% max_fails=0;
        server    127.0.0.1:%%PORT_1%% backup max_fails=0;
    }

    client_max_body_size 0;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl$param;
        $directive

        location / {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /1.0/ {
            proxy_http_version 1.0;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /unbuffered/ {
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /in-memory/ {
            proxy_max_temp_file_size 0;
            proxy_buffers            4 4k;
            proxy_busy_buffers_size  8k;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /in-file/ {
            proxy_buffers               2 4k;
            proxy_busy_buffers_size     4k;
            proxy_temp_file_write_size  4k;
            proxy_limit_rate            20m;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /kept/ {
            proxy_pass http://keeps/;
        }

        location /gzip/ {
            gzip            on;
            gzip_types      *;
            gzip_proxied    any;
            gzip_min_length 1;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /ranges/ {
            proxy_force_ranges on;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /changed/ {
            proxy_pass_header    Server;
            proxy_hide_header    X-UPPER;
            proxy_ignore_headers Vary;
            proxy_cookie_path    /x /y;
            proxy_redirect       / /here/;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /intercepted/ {
            proxy_intercept_errors on;
            error_page 500 =503 /internal/file.txt;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        # who stalls has said something before

        location /impatient/ {
            proxy_read_timeout 300ms;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;

            location /impatient/stalls {
                proxy_read_timeout 2s;
                proxy_pass http://127.0.0.1:%%PORT_1%%/stalls;
            }
        }

        location /impatient/unbuffered/ {
            proxy_buffering    off;
            proxy_read_timeout 2s;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /failing/ {
            error_page 502 504 = \@named;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;

            location /failing/silence {
                proxy_read_timeout 300ms;
                proxy_pass http://127.0.0.1:%%PORT_1%%/silence;
            }
        }

        location /stored/ {
            proxy_store     %%DIR%%/store/\$http2\$http3-big;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /falls/ {
            proxy_pass http://falls/;
        }

        location /falls-unbuffered/ {
            proxy_request_buffering off;
            proxy_pass http://falls/;
        }

        location /busy/ {
            proxy_next_upstream http_503 non_idempotent;
            proxy_pass http://busy/;
        }

        location /busy-unbuffered/ {
            proxy_request_buffering off;
            proxy_next_upstream http_503 non_idempotent;
            proxy_pass http://busy/;
        }

        location /internal/ {
            internal;
            alias %%DIR%%/html/;
        }

        location \@named {
            charset koi8-r;     # so that it is known
            return 200 "named \$uri \$upstream_status\\n";
        }

        location /cached/ {
            proxy_cache              cache;
            proxy_cache_valid        1h;
            proxy_cache_bypass       \$http_x_bypass;
            proxy_no_cache           \$http_x_no_cache;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /cached/stale {
            proxy_cache              cache;
            proxy_cache_use_stale    error;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /cached/revalidated {
            proxy_cache              cache;
            proxy_cache_revalidate   on;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /cached/updating {
            proxy_cache              cache;
            proxy_cache_use_stale    updating;
            proxy_cache_background_update on;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /cached/locked {
            proxy_cache              cache;
            proxy_cache_lock         on;
            proxy_cache_lock_timeout 30s;
            proxy_cache_lock_age     30s;
            proxy_read_timeout       30s;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_3%%;

        return 503;
    }
EOC


# Whole responses, in many ways: status and content are those expected.

my %content = ('/big' => $big, '/chunked' => $big, '/until-close' => $big,
               '/plain' => "plain\n", '/too-much' => 'hello',
               map { $_ => '' } '/204', '/304', '/empty', '/empty-chunked',
                                '/empty-until-close');
my %status = ('/204' => 204, '/304' => 304);

for my $way ('', '/1.0', '/unbuffered', '/in-memory', '/in-file', '/kept',
             '/gzip')
{
    for my $uri (sort keys %content) {
        next if $way =~ /1.0|in-|kept/ && $content{$uri} ne $big;
        next if $way eq '/in-file' && $uri ne '/big';

        $t->same("$way$uri", "$way$uri",
                 args => $way eq '/gzip' ? ['--compressed'] : [],
                 expect => { status => $status{$uri} || 200, how => 'whole',
                             body => $content{$uri} });
    }
}

for my $uri ('/plain', '/fields', '/big', '/chunked', '/gzip/big') {
    $t->same("HEAD $uri", $uri, method => 'HEAD',
             expect => { status => 200, body => '' });
}

$t->same($_, $_) for '/fields', '/changed/fields', '/location', '/relative',
                     '/changed/location';

for my $range ('0-9', '10-', '-5', '1000-') {
    $t->same("range $range", '/ranges/text',
             headers => ["Range: bytes=$range"],
             expect => { status => $range eq '1000-' ? 416 : 206 });
}

# RFC 9114, 4.2: what speaks of the upstream's connection is left out (HTTP/2's
# clients do not take such a response)

is(join(' ', grep { /^(?:upgrade|proxy|x)-?/ } @{$t->get('/hops')->{order}}),
   'x-next x-rate', 'fields about a connection');


# Failures

for my $case (
    ['/header-too-large',            502, 'whole'],
    ['/impatient/silence',           504, 'whole'],
    ['/close',                       502, 'whole'],
    ['/half-head',                   502, 'whole'],
    ['/garbage',                     '009', 'broken'],
    ['/dies',                        200, 'broken'],
    ['/dies-chunked',                200, 'broken'],
    ['/dies-at-once',                200, 'broken'],
    ['/bad-chunk',                   200, 'broken'],
    ['/impatient/stalls',            200, 'broken'],
    ['/unbuffered/dies',             200, 'broken'],
    ['/unbuffered/dies-chunked',     200, 'broken'],
    ['/unbuffered/dies-at-once',     200, 'broken'],
    ['/unbuffered/bad-chunk',        200, 'broken'],
    ['/impatient/unbuffered/stalls', 200, 'broken'],
    ['/gzip/dies',                   200, 'broken'],
    ['/gzip/dies-chunked',           200, 'broken'],
    ['/cached/dies',                 200, 'broken'],
    ['/500',                         500, 'whole', 'their page'],
    ['/intercepted/500',             503, 'whole', "a file\n"],
    ['/failing/silence',             200, 'whole',
     "named /failing/silence 504\n"],
    ['/failing/close',               200, 'whole',
     "named /failing/close 502\n"],
    ['/accel/file',                  200, 'whole', "a file\n"],
    ['/accel/named',                 200, 'whole', "named /accel/named 200\n"],
    ['/accel/nowhere',               404, 'whole'],
    ['/accel/unbuffered',            200, 'whole', $big],
    ['/unbuffered/accel/buffered',   200, 'whole', $big],
    ['/accel/rate',                  200, 'whole', 'x'],
) {
    my ($uri, $status, $how, $body) = @$case;

    $t->same($uri, $uri, args => $uri =~ /gzip/ ? ['--compressed'] : [],
             expect => { status => $status, how => $how,
                         defined $body ? (body => $body) : () });
}


# the client has all that came

for my $uri (qw(/unbuffered/dies /unbuffered/dies-chunked)) {
    my $r = $t->get($uri);

    isnt($r->{exit}, 0, "$uri: it breaks off");
    is("$r->{status} " . length $r->{body}, '200 50000', "$uri: what came");
}


$t->same('/accel/charset', '/accel/charset', expect => {
    headers => { 'content-type' => 'text/plain; charset=koi8-r' } });


# The next upstream gets the content as well, if it is still there.

for my $case (
    ['/falls/content',            200, 'content of 200000'],
    ['/falls-unbuffered/content', 200, 'content of 200000'],
    ['/busy/content',             200, 'content of 200000'],
    ['/busy-unbuffered/content',  503, qr/503 Service/],
) {
    my ($uri, $status, $body) = @$case;

    $t->same($uri, $uri, body => 'x' x 200_000,
             expect => { status => $status, body => $body });
}


# The store

$t->same('stored', '/stored/big', expect => { status => 200 });
is($t->read_file('store/h3-big'), $big, 'it is in the store');


# The cache: what the second and the third request get

cached($_->[0], '/cached/plain', @$_[1 .. $#$_]) for (
    ['the first time', 'MISS'],
    ['the second time', 'HIT'],
    ['HEAD', 'HIT', method => 'HEAD'],
    ['a range', 'HIT', headers => ['Range: bytes=1-3'],
     expect => { status => 206, body => 'lai' }],
    ['bypassed', 'BYPASS', headers => ['X-Bypass: 1']],
    ['not to be stored', 'MISS', uri => '/cached/other',
     headers => ['X-No-Cache: 1']],
    ['then it is not', 'MISS', uri => '/cached/other'],
    ['a large one', 'MISS', uri => '/cached/big', expect => { body => $big }],
    ['again', 'HIT', uri => '/cached/big', expect => { body => $big }],
    ['a range of it', 'HIT', uri => '/cached/big',
     headers => ['Range: bytes=2-9'], expect => { body => '34567891' }],
    ['not modified', 'HIT', uri => '/cached/big',
     headers => ['If-None-Match: "big"'], expect => { status => 304 }],
);

for my $uri ('/cached/no', '/cached/private') {
    cached($uri, $uri, 'MISS');
    cached("$uri, again", $uri, 'MISS');
}

cached($_, $_, 'MISS') for '/cached/short', '/cached/stale',
                           '/cached/revalidated', '/cached/updating';

sleep 2.1;

cached('expired', '/cached/short', 'EXPIRED', expect => { body => '2' });
cached('stale', '/cached/stale', 'STALE', expect => { body => 'good' });
cached('revalidated', '/cached/revalidated', 'REVALIDATED',
       expect => { body => 'once' });
cached('then again', '/cached/revalidated', 'HIT');
cached('updating', '/cached/updating', 'STALE', expect => { body => '1' });

is(scalar $backend->notes(qr/^asked for "mine"$/), 2,
   'the upstream was asked');
$backend->notes_ok(qr{^/cached/updating h3$}, 'and for an update');
ok($t->wait_for(sub { $t->get('/cached/updating')->{body} ne '1' }),
   'which is there later');


# Two wait for what a third one has asked for

my @pids = map { $t->get('/cached/locked', background => 1) } 1 .. 3;

$backend->notes_ok(qr/^locked h3$/, 'asked for once');
sleep 0.3;
$t->file('unlock', '');
waitpid $_, 0 for @pids;

is(scalar $backend->notes(qr/^locked/), 1, 'and not again');
ok($t->wait_for(sub {
    3 == (() = $t->read_file('http3.log')
          =~ m{^- GET /cached/locked 200 $length .* "(?:MISS|HIT)" "OK"$}mg)
}), 'all have got it');


$t->stop;
$t->no_alerts;

done_testing();


sub cached {
    my ($what, $uri, $state, %opt) = @_;

    $uri = delete $opt{uri} if $opt{uri};

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $t->same("$what: $state", $uri, %opt,
             expect => { %{$opt{expect} || {}}, log => qr/"$state"/ });
}
