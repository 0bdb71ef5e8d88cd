#!/usr/bin/perl

# What holds requests back, or makes others of them: limit_req, limit_conn and
# limit_rate; auth_request, mirror and slice; buffers of output.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5_hex);
use List::Util qw(max min);
use Test::More;

use Backend;
use QuicTest;

my $t = QuicTest->new;
my $dir = $t->dir;

my ($param, $directive) = $t->http2;

my $big = substr join('', 1 .. 400_000), 0, 2_000_000;

$t->file('html/file.txt', "a file\n");
$t->file('html/600k', 'x' x 600_000);
$t->file('html/big.txt', $big);

my $backend = Backend->new($t, 1, 'http', {
    '/until-go' => sub {
        my ($r) = @_;

        $r->note('asked');
        $r->{t}->wait_for(sub { -e "$dir/go" }, 60);
        $r->respond(200, [], 'x');
    },
    '/600k' => sub { $_[0]->respond(200, [], 'x' x 600_000) },
    '/accel' => sub {
        $_[0]->respond(200, ['X-Accel-Limit-Rate: 100000'], 'x' x 600_000);
    },
    '' => sub { $_[0]->respond(200, [], md5_hex($_[0]->content)) },
    '/auth' => sub {
        my ($r) = @_;

        my ($status) = $r->{params}{'x-original'} =~ /(\d+)$/;

        $r->respond($status, ['WWW-Authenticate: Basic realm="x"',
                              'X-User: me'], '');
    },
    '/mirror' => sub {
        my ($r) = @_;

        $r->note(join ' ', 'mirror', $r->{params}{'x-version'},
                 $r->{params}{'x-original'}, length($r->content // return));
        $r->respond(500, [], 'nobody sees it');
    },
});

$t->run($t->same_log . <<"EOC");
    log_format rate '\$request_uri \$request_time \$http2\$http3 \$msec';
    access_log %%DIR%%/rate.log rate;

    limit_req_zone  \$http2\$http3 zone=requests:1m rate=1r/m;
    limit_req_zone  \$uri zone=delayed:1m rate=10r/s;
    limit_conn_zone \$binary_remote_addr zone=connections:1m;
    proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;

    proxy_set_header X-Original \$request_uri;
    proxy_set_header X-Version  \$http2\$http3;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl$param;
        $directive

        client_max_body_size 0;

        location /requests {
            limit_req        zone=requests burst=2 nodelay;
            limit_req_status 429;
            alias            %%DIR%%/html/file.txt;
        }

        location /delayed {
            limit_req zone=delayed burst=10;
            alias     %%DIR%%/html/file.txt;
        }

        location /until-go {
            limit_conn connections 3;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /rate/ {
            limit_rate       100k;
            alias            %%DIR%%/html/;
        }

        location /rate-after/ {
            limit_rate       50k;
            limit_rate_after 300k;
            alias            %%DIR%%/html/;
        }

        location /rate-proxied/ {
            limit_rate       100k;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /rate-of-upstream/ {
            proxy_limit_rate 100k;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /rate-set/ {
            set \$limit_rate 100k;
            alias            %%DIR%%/html/;
        }

        location /accel {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /auth/ {
            auth_request     /auth;
            auth_request_set \$user \$upstream_http_x_user;
            add_header       X-Seen \$user;
            proxy_pass http://127.0.0.1:%%PORT_1%%/content;
        }

        location = /auth {
            internal;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Original \$request_uri;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /mirrored/ {
            mirror /mirror;
            proxy_pass http://127.0.0.1:%%PORT_1%%/content;
        }

        location /mirrored/empty {
            mirror              /mirror-empty;
            mirror_request_body off;
            proxy_pass http://127.0.0.1:%%PORT_1%%/content;
        }

        location = /mirror {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location = /mirror-empty {
            internal;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header X-Version  \$http2\$http3;
            proxy_set_header X-Original \$request_uri;
            proxy_pass http://127.0.0.1:%%PORT_1%%/mirror;
        }

        location /slice/ {
            slice             100k;
            proxy_cache       cache;
            proxy_cache_key   \$http2\$http3\$uri\$slice_range;
            proxy_cache_valid 200 206 1h;
            proxy_set_header  Range \$slice_range;
            proxy_http_version 1.1;
            add_header        X-Cache \$upstream_cache_status;
            proxy_pass http://127.0.0.1:%%PORT_2%%/;
        }

        location /postponed/ {
            postpone_output 100k;
            alias           %%DIR%%/html/;
        }

        location /not-postponed/ {
            postpone_output 0;
            sendfile        off;
            output_buffers  1 512;
            alias           %%DIR%%/html/;
        }

        location /buffers/ {
            sendfile       off;
            output_buffers 4 256k;
            alias          %%DIR%%/html/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_2%%;

        location / {
            root %%DIR%%/html;
        }
    }
EOC


# limit_req counts requests, not connections.

for my $version ('http2', 'http3') {
    $t->get('/requests?0', $version => 1,
            more => [map { "/requests?$_" } 1 .. 7]);

    my @statuses;

    $t->wait_for(sub {
        @statuses = $t->read_file("$version.log") =~ m{/requests\?\d (\d+)}g;
        @statuses == 8;
    });

    is("@statuses", '200 200 200 429 429 429 429 429', "limit_req, $version");
}

my $r = $t->get('/delayed?0', args => ['-Z'],
                more => [map { "/delayed?$_" } 1 .. 5]);

ok($t->wait_for(sub {
    6 == (() = $t->read_file('http3.log') =~ m{/delayed\?\d 200 }g)
    && 6 == (() = $t->read_file('rate.log') =~ m{^/delayed\?.*\n}mg);
}), 'limit_req with a delay: all are served');

# From the first one's beginning, however late the others have come.  The one is
# known to a millisecond, as is the time by which a delay may be too short.

my (@begun, @ended);

for (map { [/^\S+ (\S+) \S+ (\S+)$/] }
     grep { m{^/delayed} } split /\n/, $t->read_file('rate.log'))
{
    my ($time, $end) = @$_;

    push @begun, $end - $time;
    push @ended, $end;
}

my $seconds = max(@ended) - min(@begun);

cmp_ok($seconds, '>', 0.45, "in no less than $seconds s");


# limit_conn counts requests that run, on one connection as well.

my $client = $t->begin([$t->program('python3-aioquic'),
                        dirname(__FILE__) . '/interop/aioquic_steps.py',
                        $t->port, (map { "get s$_ /until-go?$_" } 1 .. 6),
                        "await $dir/go", (map { "end s$_" } 1 .. 6)],
                       timeout => 60);

ok($t->wait_for(sub {
    3 == (() = $t->read_file('http3.log') =~ m{/until-go\?\d 503 }g);
}), 'limit_conn: some are refused');

ok($t->wait_for(sub { $backend->notes(qr/^asked/) == 3 }), 'others are asked');
$t->file('go', '');

my @statuses = sort $t->finish($client)->{out} =~ /^s\d (\d+) \d+ end$/mg;

is("@statuses", '200 200 200 503 503 503', 'and answered');


# Rates, as over HTTP/2: nginx counts in whole seconds, and what is due in the
# first one is sent at once.

my %rates = ('/rate/600k'             => 600_000 / 102_400,
             '/rate-set/600k'         => 600_000 / 102_400,
             '/rate-proxied/600k'     => 600_000 / 102_400,
             '/rate-of-upstream/600k' => 600_000 / 102_400,
             '/rate-after/600k'       => (600_000 - 307_200) / 51_200,
             '/accel'                 => 600_000 / 100_000);

my @pids = map { my $uri = $_; map { $t->get($uri, background => 1, $_ => 1) }
                               qw(http2 http3) } sort keys %rates;

waitpid $_, 0 for @pids;

for my $uri (sort keys %rates) {
    my $least = ($rates{$uri} - 2) * 0.85;
    my %seconds;

    $t->wait_for(sub {
        %seconds = reverse $t->read_file('rate.log')
                           =~ /^\Q$uri\E (\S+) (\S*)/mg;
        keys %seconds == 2;
    });

    my ($h2, $h3) = @seconds{qw(h2 h3)};

    cmp_ok($h3, '>', $least, "$uri: $h3 s");
    cmp_ok(abs($h3 - $h2), '<', 1.1 + $h2 * 0.15, "and $h2 s over HTTP/2");
}


# auth_request

for my $status (200, 204, 401, 403, 500) {
    my $uri = "/auth/$status";
    my $expect = $status < 300 ? 200 : $status;

    $t->same("auth_request, $status", $uri, expect => { status => $expect });
    $t->same("auth_request, $status, with content", $uri, body => $big,
             expect => { status => $expect,
                         $expect == 200 ? (body => md5_hex($big)) : () });
}


# mirror

for my $case (['/mirrored/it', length $big], ['/mirrored/empty', 0]) {
    my ($uri, $length) = @$case;

    $t->same($uri, $uri, body => $big,
             expect => { status => 200, body => md5_hex($big) });

    $backend->notes_ok(qr/^mirror h3 \Q$uri\E $length$/, 'the mirror has it');
}


# slice

for my $state ('MISS', 'HIT') {
    my %expect = (headers => { 'x-cache' => $state });

    $t->same("slices: $state", '/slice/big.txt',
             expect => { %expect, status => 200, body => $big });
    $t->same("a range of slices: $state", '/slice/600k',
             headers => ['Range: bytes=150000-249999'],
             expect => { %expect, status => 206, body => 'x' x 100_000 });
}


# Buffers

for my $way ('postponed', 'not-postponed', 'buffers') {
    $t->same("$way, small", "/$way/file.txt",
             expect => { body => "a file\n" });
    $t->same("$way, large", "/$way/big.txt", expect => { body => $big });
}

$t->stop;
$t->no_alerts;

done_testing();
