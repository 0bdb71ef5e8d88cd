#!/usr/bin/perl

# 1,000 connections and 100,000 requests leave nothing behind: neither in a
# worker that goes on, nor, by the account of a leak sanitizer, in one that ends.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $rounds = $QuicTest::small ? 1 : 10;
my $connections = $QuicTest::small ? 50 : 100;
my $requests = $QuicTest::small ? 2_000 : 10_000;

my $t = QuicTest->new(events => 'worker_connections 4096;');

$t->file('html/file', join '', map { pack 'N', rand 2**32 } 1 .. 2_500);
$t->file('html/big', 'x' x 4_000_000);
$t->file('html/text.html', "the same again\n" x 500);
$t->file('content', 'c' x 5_000);

# what nginx has taken for its configuration it doesn't give back in pieces

$t->file('lsan', "leak:ngx_init_cycle\nleak:ngx_worker_process_init\n");

local $ENV{ASAN_OPTIONS} = 'detect_leaks=1';
local $ENV{LSAN_OPTIONS} = 'suppressions=' . $t->dir . '/lsan'
                           . ':print_suppressions=0';

$t->count_heap;

$t->run(<<'EOC');
    access_log        off;
    keepalive_timeout 5s;

    server {
        listen 127.0.0.1:%%PORT%% quic rcvbuf=4m;

        location /text.html { gzip on; gzip_min_length 100; }
        location /nothing   { return 204; }
        location /proxied/  { proxy_pass http://127.0.0.1:%%PORT_1%%/; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%% backlog=4096;

        location /nothing   { return 204; }
    }
EOC

my @uris = qw(/file /text.html /nothing /proxied/text.html);

work('a first round');
leave();
$t->fill_memory('/big');

my @before = $t->sanitized ? () : $t->heaps('/file');
my @pids = $t->workers;

work("round $_") for 1 .. $rounds;
leave() for 1 .. 3;
$t->fill_memory('/big');

is("@{[$t->workers]}", "@pids", 'the same workers');

# a byte for each request would be 100 KB

$t->heaps_flat('/file', \@before, 48, 4096) unless $t->sanitized;

$t->stop;

if ($t->sanitized) {
    my @reports = grep { -e $t->dir . "/sanitizer.$_" } @pids;

    ok(!@reports, 'no leak is found when the worker ends')
        or diag(map { $t->read_file("sanitizer.$_") } @reports);

    # the master's are of the configuration's, see above
    unlink glob $t->dir . '/sanitizer.*';
}

$t->no_alerts;

done_testing();


# Requests of all kinds on many connections, and some with content.

sub work {
    my ($name) = @_;

    load($name, $requests * 9 / 10, $connections * 9 / 10,
         map { uri($_) } @uris);
    load("$name, with content", $requests / 10, $connections / 10,
         '-d', $t->dir . '/content', uri('/proxied/nothing'));
}


sub uri { return 'https://127.0.0.1:' . $t->port . $_[0] }


sub load {
    my ($name, $n, $clients, @args) = @_;

    my $r = $t->client([$t->program('h2load-h3'), '--alpn-list=h3', '-n', $n,
                        '-c', $clients, '-m', 10, @args], timeout => 120);

    like($r->{out}, qr/^requests: $n total, .* $n done, $n succeeded/m, $name)
        or diag($r->{out}, $r->{err});
}


# Clients that are gone in the middle of it all, without a word.

sub leave {
    my $client = $t->begin([$t->program('h2load-h3'), '--alpn-list=h3',
                            '-D', 60, '-c', 20, '-m', 10, uri('/file')],
                           timeout => 2);

    $t->finish($client);
}
