#!/usr/bin/perl

# Real clients across a bad network: 20 ms there and back, one datagram of a
# hundred lost, both ways; NATs that forget their clients.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5;
use Test::More;
use Time::HiRes qw(time);

use QuicTest;

my $top = dirname(__FILE__) . '/..';
my $seed = $ENV{SEED} || int rand 2**31;

my $t = QuicTest->new(events => 'worker_connections 1024;');
my $badnet = $t->dir . '/badnet';

system('cc', '-O2', '-o', $badnet, "$top/t/badnet/badnet.c") == 0
    or BAIL_OUT('badnet does not compile');

# Without BBR a loss in a hundred leaves some 10 Mbit/s.

my $large = $QuicTest::small ? 20_000_000 : 100_000_000;
my $middle = $ENV{LONG} ? $large : $QuicTest::small ? 1_000_000 : 5_000_000;

for my $file (['large', $large], ['middle', $middle],
              map { ["s$_", 100_000] } 0 .. 99)
{
    my ($name, $size) = @$file;
    my $block = join '', map { pack 'N', rand 2**32 } 1 .. 16_384;

    $t->file("html/$name", substr $block x ($size / 65_536 + 1), 0, $size);
}

mkdir $t->dir . "/$_" for qw(got put);

$t->run(<<'EOC');
    client_max_body_size 0;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        quic_congestion_control bbr;
    }

    server {
        listen 127.0.0.1:%%PORT_1%% quic;

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }
    }
EOC

diag("SEED=$seed");

for my $case (['bbr', 0, 'large'], ['cubic', 1, 'middle']) {
    my ($cc, $port, $file) = @$case;

    network($t->port($port), 10, 10, 0, sub {
        download("$cc, curl", \&curl, $_[0], $file);
        download("$cc, curl, 100 streams", \&curl, $_[0],
                 map { "s$_" } 0 .. 99);
        download("$cc, ngtcp2", \&ngtcp2, $_[0], $file);
        download("$cc, ngtcp2, 100 streams", \&ngtcp2, $_[0],
                 map { "s$_" } 0 .. 99);
    });
}

network($t->port(1), 10, 10, 0, sub {
    my ($port) = @_;

    my $r = curl($port, 'put/upload', '-T', $t->dir . '/html/middle');

    is($r->{exit}, 0, 'upload') or diag($r->{err});
    is(sum('put/upload'), sum('html/middle'), 'upload: its content');
});

# New ports again and again; what is sent to the one before the last is lost.

network($t->port(1), 10, 0, $QuicTest::small ? 200 : 1000, sub {
    download('rebinding, curl', \&curl, $_[0], 'large');
    download('rebinding, ngtcp2', \&ngtcp2, $_[0], 'large');
});

like($t->read_file('error.log'), qr/quic connection migrated from/,
     'rebinding: the server has noticed');

$t->stop;
$t->no_alerts;

done_testing();


# Runs "use" with the port of a network that leads to the server's "port".

sub network {
    my ($port, $delay, $loss, $rebind, $use) = @_;

    my $front = $t->port(9);
    my $net = $t->begin([$badnet, $front, $port, $delay, $loss, $rebind,
                         $seed], timeout => 600);

    $t->wait_for(sub { return bound($front) }) or BAIL_OUT('no network');

    $use->($front);

    kill 'TERM', $net->{pid};

    my $r = $t->finish($net);
    my ($passed, $lost, $rebound) = $r->{out} =~ /(\d+)/g;

    note("$r->{out}");

    cmp_ok($lost, '>', 0, 'datagrams were lost') if $loss;
    cmp_ok($rebound, '>', 3, 'ports have changed') if $rebind;
}


sub bound {
    my ($port) = @_;

    my $want = sprintf '0100007F:%04X', $port;

    open my $fh, '<', '/proc/net/udp' or return 0;

    return scalar grep { index($_, $want) >= 0 } <$fh>;
}


sub download {
    my ($name, $client, $port, @files) = @_;

    unlink glob $t->dir . '/got/*';

    my $r = $client->($port, @files);
    my @bad = grep { sum("got/$_") ne sum("html/$_") } @files;

    is($r->{exit}, 0, $name) or diag($r->{err});
    is("@bad", '', "$name: what has come");

    my $size = 0;
    $size += -s $t->dir . "/html/$_" for @files;

    note(sprintf '%s: %.1f Mbit/s', $name, $size * 8 / 1e6 / $r->{seconds});
}


sub curl {
    my ($port, $file, @args) = @_;

    my @files = ($file, grep { /^s\d+$/ } @args);
    @args = grep { !/^s\d+$/ } @args;

    return $t->client([$t->{curl}, '-q', '-sS', '-k', '--http3-only',
                       '-Z', '--parallel-max', 100, '--connect-to',
                       "localhost:$port:127.0.0.1:$port", @args,
                       map { ('-o', $t->dir . '/got/' . s{.*/}{}r,
                              "https://localhost:$port/$_") } @files],
                      timeout => 400);
}


sub ngtcp2 {
    my ($port, @files) = @_;

    return $t->client([$t->program('ngtcp2-client'), '-q', '--timeout=30s',
                       '--exit-on-all-streams-close',
                       '--max-stream-window=6M', '--max-window=24M',
                       '--download=' . $t->dir . '/got',
                       '127.0.0.1', $port,
                       map { "https://localhost:$port/$_" } @files],
                      timeout => 400);
}


sub sum {
    my ($name) = @_;

    open my $fh, '<:raw', $t->dir . "/$name" or return "no $name";

    return Digest::MD5->new->addfile($fh)->hexdigest;
}
