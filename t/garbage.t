#!/usr/bin/perl

# 100,000 datagrams of garbage, a million with LONG=1: the server stays up, says
# nothing alarming, keeps its memory, answers with no more than it may, and
# serves others.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5_hex);
use Test::More;

use QuicTest;

my $seed = $ENV{SEED} || int rand 2**31;

my $warm = $QuicTest::small ? 2_000 : 40_000;
my $count = $QuicTest::small ? 20_000 : $ENV{LONG} ? 1_000_000 : 100_000;
my $rate = $QuicTest::small ? 2_000 : 4_000;

my $program = QuicTest->own_program('garbage', 'garbage');

my $t = QuicTest->new(workers => 2,
                      events => 'worker_connections 16384;');

my $file = join '', map { pack 'N', rand 2**32 } 1 .. 25_000;

$t->file('html/file', $file);
$t->file('html/big', 'x' x 4_000_000);
$t->count_heap;

$t->run(<<'EOC');
    access_log            off;
    client_header_timeout 5s;
    keepalive_timeout     5s;

    server {
        listen 127.0.0.1:%%PORT%% quic rcvbuf=4m;
    }

    server {
        listen     127.0.0.1:%%PORT_1%% quic rcvbuf=4m;
        quic_retry on;
    }
EOC

diag("SEED=$seed");

attack($warm, $seed + 1);
$t->finish(begin(1, $warm / 4, $seed + 1));
$t->all_ended;

my @before = heaps();
my @pids = $t->workers;
my ($r, $served, @refused) = attack($count, $seed);
my ($sent, $out, $received, $in) = $r->{out} =~ /(\d+)/g;

is($r->{exit}, 0, 'all is sent') or diag($r->{err});
is($sent, $count, "$count datagrams of garbage");
cmp_ok($served, '>=', 5, 'clients are served meanwhile');
is(join('', @refused), '', 'all of them');

cmp_ok($received, '>', 0, 'some are answered');
cmp_ok($in, '<', 3 * $out, 'but with less than three times as much');
cmp_ok(dropped($t->port), '<', $count / 10, 'the server has read most of it');

# Where an address has to be validated first, nothing gets further.

my $again = $count / 5;

$r = $t->finish(begin(1, $again, $seed));

like($r->{out}, qr/^sent $again /, 'and again where Retry is required');
is($t->get('/file', port => $t->port(1))->{body}, $file,
   'a client is served there, too');
ok($t->all_ended, 'all connections end');

is("@{[$t->workers]}", "@pids", 'the same workers');

# the 16 MB that a worker keeps for reuse are pieces among what comes and goes,
# so that the pages around them stay, some more of them each time

unless ($t->sanitized) {
    $t->fill_memory('/big');
    $t->heaps_flat('/file', \@before, 64, 8192);
}

is($t->get('/file')->{body}, $file, 'a client is served afterwards');

$t->stop;

my $log = $t->read_file('error.log');
my @errors = grep { /\[(?:error|crit)\]/ } split /\n/, $log;

is("@errors[0 .. ($#errors > 5 ? 5 : $#errors)]", '', 'no errors');
ok($log !~ /[^\n\x20-\x7e]/, 'nothing in the log that is not text');
is((grep { !m{^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[} } split /\n/, $log), 0,
   'and no lines that are not the server\'s');

# as much of the server is reached as there is before keys are agreed on

for my $what ('unknown frame type', 'frame is not allowed in this packet type',
              'truncated frame', 'frame that only a server may send',
              'ACK of a packet', 'ACK of a negative packet number',
              'decode error', 'no application protocol',
              'truncated transport parameters',
              'duplicate transport parameter',
              'transport parameter that only a server may send',
              'initial_source_connection_id does not match',
              'CRYPTO data too far ahead', 'handshake timeout')
{
    ok(index($log, $what) > 0, "there was: $what");
}

$t->no_alerts;

done_testing();


# How much of it garbage makes a worker keep is a matter of how fast it comes.

sub heaps {
    return if $t->sanitized;

    $t->fill_memory('/big');

    return $t->heaps('/file');
}


sub begin {
    my ($port, $n, $seed) = @_;

    return $t->begin([$program, $t->port($port), $n, $rate, $seed],
                     timeout => 300 + 2 * $n / $rate);
}


# Garbage, and a client that asks for a file again and again meanwhile: what
# the one has to say, how often the other was served, and what else it got.

sub attack {
    my ($n, $seed) = @_;

    my $garbage = begin(0, $n, $seed);
    my $served = 0;
    my @refused;

    until ($t->ended($garbage)) {
        my $r = $t->get('/file');

        if ($r->{status} == 200 && $r->{body} eq $file) {
            $served++;
        } else {
            push @refused, "$r->{status} $r->{error}";
        }
    }

    my $r = $t->finish($garbage);

    note($r->{out});

    return ($r, $served, @refused);
}


# Datagrams that found a full receive buffer.

sub dropped {
    my ($port) = @_;

    my $dropped = 0;

    open my $fh, '<', '/proc/net/udp' or return -1;

    while (<$fh>) {
        my @fields = split;

        $dropped += $fields[-1]
            if ($fields[1] // '') eq sprintf '0100007F:%04X', $port;
    }

    return $dropped;
}
