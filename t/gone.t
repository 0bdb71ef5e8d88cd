#!/usr/bin/perl

# Clients that go away, in every way that there is, and clients that read
# slowly or not at all: the upstream hears of it, memory is bounded, others go
# on.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Socket qw(SOL_SOCKET SO_SNDBUF);
use Test::More;
use Time::HiRes qw(sleep time);

use Backend;
use QuicTest;

my $small = $QuicTest::small;
my $t = QuicTest->new(events => 'worker_connections 4096;');
my $dir = $t->dir;

$t->file('html/file.txt', "a file\n");
$t->file('html/big.bin', 'x' x 4_000_000);

# Each says that it was asked, waits, and says how it ended.  What there is to
# be sent in the end is sent when the file "go" is there.

my $backend = Backend->new($t, 1, 'http', {
    '/wait' => sub {
        my ($r) = @_;

        $r->note("asked $r->{uri}");
        $r->note(($r->gone ? 'closed' : 'left') . " $r->{uri}");
    },
    '/until-go' => sub {
        my ($r) = @_;

        $r->note("asked $r->{uri}");
        $r->{t}->wait_for(sub { -e "$dir/go" }, 60);
        $r->respond(200, [], 'x' x 1000);
        $r->note("answered $r->{uri}");
    },
    '/upload' => sub {
        my ($r) = @_;

        $r->note("asked $r->{uri}");
        $r->note((defined $r->content ? 'whole' : 'closed') . " $r->{uri}");
    },
    '/half' => sub {
        my ($r) = @_;

        $r->send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
                 . 'x' x 50_000);
        $r->note("asked $r->{uri}");
        $r->note(($r->gone ? 'closed' : 'left') . " $r->{uri}");
    },

    # takes nothing for a while

    '/deaf' => sub {
        my ($r) = @_;

        $r->note("asked $r->{uri}");
        $r->{t}->wait_for(sub { -e "$dir/hear" }, 60);
        $r->respond(200, [], length $r->content);
    },

    # 16 MB; "sent N" when so many KB are on their way

    '/endless' => sub {
        my ($r) = @_;

        setsockopt $r->{socket}, SOL_SOCKET, SO_SNDBUF, 65536;
        $r->send("HTTP/1.1 200 OK\r\nContent-Length: "
                 . (16 << 20) . "\r\n\r\n");

        for my $n (1 .. 256) {
            $r->send('x' x 65536) or last;
            $r->note('sent ' . ($n << 6) . " $r->{uri}");
        }

        $r->note("over $r->{uri}");
    },
});

$t->run(<<'EOC');
    log_format gone '$request_uri $status "$request_completion"';
    access_log %%DIR%%/gone.log gone;

    proxy_http_version 1.1;

    server {
        listen 127.0.0.1:%%PORT%% quic;

        http3_max_concurrent_streams 128;
        keepalive_timeout            30s;
        client_max_body_size         0;

        location / {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /buffered {
            proxy_pass http://127.0.0.1:%%PORT_1%%/upload;
        }

        location /upload {
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /deaf {
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /ignored/ {
            proxy_ignore_client_abort on;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /unbuffered/ {
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /in-memory/ {
            proxy_max_temp_file_size 0;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /impatient/ {
            send_timeout 1s;
            alias        %%DIR%%/html/;
        }

        location /impatient/unbuffered/ {
            send_timeout    1s;
            proxy_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /file/ {
            alias %%DIR%%/html/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_2%% quic;

        keepalive_timeout 3s;

        location / {
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /buffered {
            proxy_pass http://127.0.0.1:%%PORT_1%%/upload;
        }
    }
EOC


# Ways to go, before and after there is a response, and while the content of
# the request is being sent: what is sent then, what is logged.  A client that
# resets its upload alone may still want an answer.

my %ways = (
    stop    => 'stop',
    cancel  => 'cancel',
    reset   => 'reset',
    close   => 'close',
    silence => 'gone',
);

my %requests = (
    '/wait'     => ['get', 499],
    '/half'     => ['get', 200],
    '/upload'   => ['request', 400],
    '/buffered' => ['request', 499],
);

go(0, qw(stop cancel reset));
go(0, 'close');
go(2, 'silence');


# Requests that are cancelled as soon as they are made: begun or not, they are
# logged.

my $client = steps(0, (map { ("get $_ /wait?at-once$_", "cancel $_") } 1 .. 5),
                   "await $dir/logged");

logged("/wait?at-once$_", '499 ""') for 1 .. 5;
$t->file('logged', '');
finished($client);


# proxy_ignore_client_abort: it isn't

$client = steps(0, (map { "get $_ /ignored/until-go?i$_" } 1, 2, 3),
                "await $dir/gone", 'stop 1', 'cancel 2',
                "touch $dir/two-gone", "await $dir/leave", 'close');

for my $n (1, 2, 3) {
    $backend->notes_ok(qr{^asked /until-go\?i$n$}, "ignored, $n: asked");
}

$t->file('gone', '');
$t->wait_for(sub { -e "$dir/two-gone" });
$t->file('leave', '');
finished($client);
is(scalar $backend->notes(qr{^closed /until-go}), 0, 'not left');
$t->file('go', '');

for my $n (1, 2, 3) {
    $backend->notes_ok(qr{^answered /until-go\?i$n$}, 'it answers');
    logged("/ignored/until-go?i$n", qr/(?:200|499) "(?:OK)?"/);
}

unlink "$dir/go";


# Half of many requests are cancelled, the others go on.

my $n = $small ? 20 : 100;

$client = steps(0, (map { "get s$_ /until-go?$_" } 1 .. $n),
                "await $dir/all",
                (map { 'cancel s' . 2 * $_ } 1 .. $n / 2),
                (map { 'end s' . (2 * $_ - 1) } 1 .. $n / 2));

ok($t->wait_for(sub { $backend->notes(qr{^asked /until-go\?\d}) == $n }, 30),
   "$n requests on one connection");
$t->file('all', '');

ok($t->wait_for(sub {
    $n / 2 == (() = $t->read_file('gone.log')
               =~ m{^/until-go\?\d*[02468] 499 ""$}mg);
}), 'half of them are cancelled');

$t->file('go', '');

is(finished($client), join('', map { 's' . (2 * $_ - 1) . " 200 1000 end\n" }
                               1 .. $n / 2), 'the others are answered');

ok($t->wait_for(sub {
    $n / 2 == (() = $t->read_file('gone.log')
               =~ m{^/until-go\?\d*[13579] 200 "OK"$}mg);
}), 'and logged') or diag($t->read_file('gone.log'));


# Clients that read nothing: how much the upstream may send, and how much
# memory that takes.  In a file there may be all of it.

my $before = $t->memory(($t->workers)[0]);
my %most = ('/in-memory/endless?1' => 4096, '/unbuffered/endless?2' => 4096,
            '/endless?3' => 16384);

$client = steps(0, 'window 65536', 'hold *',
                (map { ("hold $_", "get $_ $_") } sort keys %most),
                "await $dir/read", 'release *',
                (map { "release $_" } sort keys %most),
                (map { "expect $_ 500000" } sort keys %most), 'close');

for my $uri (sort keys %most) {
    my ($n) = $uri =~ /(\d)/;

    if ($uri eq '/endless?3') {
        $backend->notes_ok(qr{^sent $most{$uri} /endless\?$n$},
                           "$uri: all of it is taken");
        next;
    }

    my ($sent) = still(sub {
        ($backend->notes(qr{^sent \d+ /endless\?$n$}))[-1] // ''
    }) =~ /(\d+)/;

    cmp_ok($sent, '<=', $most{$uri}, "$uri: $sent KB are taken");
}

holds_little();

$t->file('read', '');
finished($client);
$backend->notes_ok(qr{^over /endless\?$_}, 'it goes on, and ends') for 1, 2, 3;


# An upstream that reads nothing holds back the client, too.

my $size = 20_000_000;
my $pid = $t->get('/deaf', body => 'x' x $size, background => 1);

$backend->notes_ok(qr{^asked /deaf}, 'an upload, asked');
sleep 1;

holds_little();
is(($t->read_file('gone.log') =~ m{^(/deaf.*)}m)[0], undef, 'it waits');
$t->file('hear', '');
waitpid $pid, 0;
is($t->read_file('background.body'), $size, 'then all of it goes on');
logged('/deaf', '200 "OK"');


# send_timeout: what isn't read is ended, others on the connection go on.

my @uris = ('/impatient/big.bin', '/impatient/unbuffered/endless');

$client = steps(0, (map { ("hold $_", "get $_ $_") } @uris),
                'get b /file/file.txt', 'end b', (map { "end $_" } @uris),
                'get c /file/file.txt', 'end c');

my $out = finished($client);

like($out, qr/^b 200 7 end\n.*^c 200 7 end\n$/ms, 'others are served');

for my $uri (@uris) {
    like($out, qr/^$uri \S+ \d+ reset 0x10c$/m, "$uri: timeout");
    logged($uri, '200 ""');
}

$backend->notes_ok(qr{^over /endless$}, 'the upstream is left as well');


$t->stop;
$t->no_alerts;

done_testing();


# Requests of each kind on one connection, which then go in these ways.

sub go {
    my ($port, @ways) = @_;

    my (@start, @go, %uris);

    for my $way (@ways) {
        for my $path (sort keys %requests) {
            my ($start, $status) = @{$requests{$path}};
            my $uri = "$path?$way";

            # a request that has been sent can't be reset

            next if $way eq 'reset' && $start eq 'get';

            push @start, $start eq 'get' ? "get $uri $uri"
                         : ("request $uri POST $uri", "zeros $uri 1000");
            push @start, "expect $uri 30000" if $path eq '/half';
            push @go, "$ways{$way} $uri" if $port == 0 && $way ne 'close';
            $uris{$uri} = $way eq 'reset' ? 400 : $status;
        }
    }

    my @last = $port ? 'gone' : @ways > 1 ? "await $dir/left" : 'close';
    my $client = steps($port, @start, "await $dir/asked", @go, @last);

    my @asked = sort grep { !/^.buffered/ } keys %uris;

    $backend->notes_ok(qr/^asked \Q$_\E$/, "$_: asked") for @asked;
    $t->file('asked', '');
    $backend->notes_ok(qr/^closed \Q$_\E$/, "$_: left") for @asked;
    logged($_, qq($uris{$_} "")) for sort keys %uris;
    $t->file('left', '');
    finished($client);
    unlink "$dir/asked", "$dir/left";
}


sub steps {
    my ($port, @steps) = @_;

    return $t->begin([$t->program('python3-aioquic'),
                      dirname(__FILE__) . '/interop/aioquic_steps.py',
                      $t->port($port), @steps], timeout => 60);
}


# How much more the worker has than before.  Sanitizers keep what is freed.

sub holds_little {
    SKIP: {
        skip 'sanitizers keep what is freed', 1 if $t->sanitized;

        my $grown = $t->memory(($t->workers)[0]) - $before;

        cmp_ok($grown, '<', 3_000, "$grown KB are held");
    }
}


# What it has printed.

sub finished {
    my ($client) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $t->finish($client);

    is($r->{exit}, 0, 'the client has done its steps') or diag($r->{err});

    return $r->{out};
}


sub logged {
    my ($uri, $status) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($t->wait_for(sub {
        $t->read_file('gone.log') =~ /^\Q$uri\E $status$/m
    }), "$status is logged") or diag($t->read_file('gone.log'));
}


# What a function returns when it hasn't changed for a second.

sub still {
    my ($what) = @_;

    my ($last, $since) = ('', time);

    $t->wait_for(sub {
        my $now = $what->();

        ($last, $since) = ($now, time) if $now ne $last;

        return $last ne '' && time - $since > 1;
    }, 60);

    return $last;
}
