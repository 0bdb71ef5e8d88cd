#!/usr/bin/perl

# Attacks that other servers have suffered from, made over the wire: the server
# answers as it should, keeps its memory, and serves others meanwhile.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use POSIX qw(sysconf _SC_CLK_TCK);
use Test::More;

use QuicTest;

my $small = $QuicTest::small;

my ($protocol_violation, $cid_limit, $crypto_buffer) = (0xa, 0x9, 0xd);

# name: of t/client/attacks; port: of the server; count: how often; heap, cpu:
# bounds, in KB and seconds; check: what came of it.

my @attacks = (

    # CVE-2023-49295: challenges, and no window for the responses

    { name => 'path_challenge', heap => 2000, cpu => 3, check => sub {
        my ($r) = @_;

        cmp_ok($r->{responses}, '<', 100, 'few responses are sent');
        is($r->{repeated}, 0, 'and none of them again');
        is($r->{error}, $protocol_violation, 'closed') unless $small;
    } },

    # CVE-2024-22189: all connection IDs are to be retired, again and again

    { name => 'retire_prior_to', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{error}, $cid_limit, 'closed');
        cmp_ok($r->{packets}, '<', 100, 'before long');
    } },

    # CVE-2025-7054: connection IDs in use are retired, on two paths

    { name => 'retire_cid', heap => 2000, cpu => 3, check => sub {
        my ($r) = @_;

        is($r->{retired}, $small ? 200 : 1000, 'all are retired');
        is($r->{issued}, $r->{retired}, 'and replaced by as many');
        is($r->{alive}, 1, 'the connection goes on');
    } },

    # CVE-2025-4820: ACKs of packets that may be there

    { name => 'optimistic_ack', heap => 8000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{error}, $protocol_violation, 'closed');
        cmp_ok($r->{received}, '<', 2_000_000, 'before it has paid');
    } },

    # CVE-2024-1765: CRYPTO data in pieces, and without end

    { name => 'crypto_sparse', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{error}, $crypto_buffer, 'closed');
        cmp_ok($r->{pieces}, '<', 200, 'before long');
    } },

    { name => 'crypto_endless', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{error}, $crypto_buffer, 'closed');
        cmp_ok($r->{bytes}, '<', 100_000, 'before long');
    } },

    # HAProxy, 2026: a ClientHello in pieces that overlap

    { name => 'crypto_permuted', heap => 20000, cpu => 10, check => sub {
        my ($r) = @_;

        is($r->{established}, $r->{connections}, 'all are put together');
    } },

    # CVE-2025-54939: handshakes that are begun and not gone on with

    { name => 'half_open', heap => 100_000, cpu => 10, check => sub {
        my ($r) = @_;

        cmp_ok($r->{retries}, '>', 0, 'after some a token is asked for')
            unless $small;
    } },

    # CVE-2025-24946: connection IDs that are much alike

    { name => 'alike', heap => 100_000, cpu => 5, check => sub {
        my ($r) = @_;

        cmp_ok($r->{answers} + $r->{retries}, '>', 0, 'some are answered');
    } },

    { name => 'same_dcid', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{first}, 1, 'who has come first has the connection');
        is($r->{second}, 0, 'nobody else');
    } },

    # CVE-2026-26081, tokens: cut, longer, changed, from another address

    { name => 'tokens', port => 1, heap => 2000, cpu => 5, check => sub {
        my ($r) = @_;

        is($r->{taken}, 0, 'none is taken');
        is($r->{silence}, 0, 'all are answered');
        cmp_ok($r->{invalid}, '>', 0, 'some of them with INVALID_TOKEN');
        is($r->{elsewhere}, 1, 'of another address: INVALID_TOKEN');
        is($r->{whole}, 1, 'but as it should be it is taken');
    } },

    # after the 30 seconds that a token is good for

    { name => 'tokens', long => 32, port => 1, heap => 2000, cpu => 5,
      check => sub {
        my ($r) = @_;

        is($r->{late}, 1, 'too late: INVALID_TOKEN');
    } },

    # resets: for whom, and how long

    { name => 'reset_loop', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        cmp_ok($r->{answers}, '>', 0, 'there are resets');
        is($r->{resets}, $r->{answers}, 'nothing else');
        is($r->{longer}, 0, 'each is shorter than what it answers');
    } },

    # more than three times as much, before the address is validated

    { name => 'amplification', port => 2, heap => 2000, cpu => 1,
      check => sub {
        my ($r) = @_;

        cmp_ok($r->{received}, '>', 2000, 'a handshake is begun');
        cmp_ok($r->{received}, '<=', 3 * $r->{sent}, 'with no more than that');
    } },

    { name => 'amplification_path', heap => 20_000, cpu => 1, check => sub {
        my ($r) = @_;

        cmp_ok($r->{received}, '>', 0, 'the new path is looked at');
        cmp_ok($r->{received}, '<=', 3 * $r->{sent}, 'with no more than that');
    } },

    { name => 'early_migration', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{answers}, 0, 'a move within the handshake: no answer there');
    } },

    # nginx 1.27.4: Version Negotiation

    { name => 'versions', heap => 2000, cpu => 5, check => sub {
        my ($r) = @_;

        cmp_ok($r->{answers}, '>', 0, 'some are answered');
        cmp_ok($r->{answers}, '<', 1000, 'but one address gets few of them');
        cmp_ok($r->{received}, '<', $r->{sent} / 10, 'with little');
    } },

    # CVE-2024-53259: routers that say how small packets have to be

    { name => 'icmp', heap => 8000, cpu => 5, check => sub {
        my ($r) = @_;

        if ($r->{forged} == 0) {
            note('only root can forge ICMP');
            return;
        }

        is($r->{complete}, 1, 'a response comes to its end');
        cmp_ok($r->{size}, '>', 1150, 'in datagrams of full size');
    } },

    { name => 'key_updates', heap => 2000, cpu => 3, check => sub {
        my ($r) = @_;

        is($r->{closed}, 0, 'each after an ACK is fine');
    } },

    # frames that cost next to nothing

    { name => 'cheap_frames', heap => 3000, cpu => 20, check => sub {
        my ($r) = @_;

        is((grep { /^alive 0/ } split /\n/, $r->{out}), 0,
           'the connections go on, or are closed');
        like($r->{out}, qr/^frame 02 .*\npackets .*\nframes .*\nclosed 1$/m,
             'closed for ACKs that say nothing new');
    } },

    { name => 'ack_ranges', heap => 2000, cpu => 5, check => sub {
        my ($r) = @_;

        cmp_ok($r->{ranges}, '>', 10, 'many ranges');
        cmp_ok($r->{ranges}, '<=', 64, 'but not too many');
        is($r->{alive}, 1, 'the connection goes on');
    } },

    # CVE-2023-44487: requests are cancelled as soon as they are made

    { name => 'rapid_reset', heap => 8000, cpu => 3, check => sub {
        my ($r) = @_;

        is($r->{error}, 0x107, 'closed with H3_EXCESSIVE_LOAD');
        cmp_ok($r->{requests}, '<', 2000, 'before long');
    } },

    # CVE-2025-64702: an entry of 4 KB, named 5000 times, in headers and trailers

    { name => 'qpack_bomb', heap => 2000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{status}, 400, 'too large a header');
        is($r->{alive}, 1, 'the connection goes on');
    } },

    # As many requests as may wait for an entry, with much behind the beginning

    { name => 'blocked_streams', heap => 4000, cpu => 1, check => sub {
        my ($r) = @_;

        is($r->{rounds}, 20, 'they may');
        is($r->{alive}, 1, 'the connection goes on');
    } },

    # CVE-2024-24989 and others: an end in the middle of things

    { name => 'lifetimes', heap => 8000, cpu => 5, check => sub {
        my ($r) = @_;

        cmp_ok($r->{requests}, '>', 100, 'in many ways');
    } },

    { name => 'fragments', heap => 8000, cpu => 5, check => sub {
        my ($r) = @_;

        is($r->{alive}, 1, 'the connection goes on');
    } },
);

my %counts = (path_challenge => 2000, retire_cid => 200, crypto_permuted => 30,
              half_open => 500, alike => 200, versions => 5000,
              key_updates => 20, cheap_frames => 100, ack_ranges => 2000,
              fragments => 2000, lifetimes => 100);

my $program = QuicTest->own_program('client', 'attacks');

my $t = QuicTest->new(events => 'worker_connections 16384;');

my $file = join '', map { pack 'N', rand 2**32 } 1 .. 2_500;

$t->file('html/file', $file);
$t->file('html/index.html', "hello\n");
$t->file('html/big', 'x' x 4_000_000);
$t->file('html/large', 'x' x 900_000);
$t->count_heap;

# A handshake that takes many datagrams.

$t->file('chain.crt', $t->read_file('localhost.crt') x 16);

my $conf = <<'EOC';
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

    server {
        listen          127.0.0.1:%%PORT_2%% quic rcvbuf=4m;
        ssl_certificate %%DIR%%/chain.crt;
    }
EOC

$t->run($conf);

$t->get('/file');

my @pids = $t->workers;
my $start = heap($t) / 1024;

# The tables that a worker makes when it first needs them are to be there.

attack($t, $_) for grep { $_->{name} =~ /^(?:tokens|versions)$/
                          && !$_->{long} } @attacks;

my @before = heaps($t);

for my $attack (@attacks) {
    next if $attack->{long} && !$ENV{LONG};

    my $name = $attack->{name};
    my $r = attack($t, $attack);

    subtest $name => sub {
        is($r->{exit}, 0, 'it is made');
        is($r->{err}, '', 'and the server does nothing that it must not');

        $attack->{check}->($r);

        cmp_ok($r->{served}, '>', 0, 'others are served');
        is($r->{refused}, 0, 'all of them');

        return if $t->sanitized;

        cmp_ok($r->{heap}, '<', $attack->{heap}, 'memory');
        cmp_ok($r->{cpu}, '<', $attack->{cpu}, 'CPU time');
    } or note($r->{out});

    # until nobody is asked for a token any more

    $t->all_ended if $name eq 'half_open' || $name eq 'alike';

    note(sprintf '%s: %.1f s, CPU %.2f s, %d KB, %d others served', $name,
         @$r{qw(seconds cpu heap served)});
}

my @after = heaps($t);

is("@{[$t->workers]}", "@pids", 'the same workers');

for my $now (@after) {
    my $was = shift @before;

    # what ends late goes, what leaks stays

    $t->wait_for(sub {
        $now = $t->heap($now->{pid});
        return $now->{heap} - $was->{heap} < 64;
    }, 20);

    note("$was->{heap} KB, then $now->{heap} KB");

    cmp_ok($was->{heap} - $start, '>', 16_000, 'all is kept that may be');
    cmp_ok($now->{heap} - $was->{heap}, '<', 64, 'nothing is left behind');
}

$t->stop;

my @errors = grep { /\[(?:error|crit)\]/ }
             split /\n/, $t->read_file('error.log');

is("@errors[0 .. ($#errors > 5 ? 5 : $#errors)]", '', 'no errors');

$t->no_alerts;


# nginx 1.29.6: one worker says how to reset the connections of another.

my $two = QuicTest->new(workers => 2);

$two->file('html/file', $file);
$two->file('html/index.html', "hello\n");
$two->run($conf =~ s/%%DIR%%\/chain/%%DIR%%\/localhost/r);

my $r = attack($two, { name => 'reset_oracle' });

is($r->{answers}, 0, 'no reset for a connection that lives elsewhere');
is($r->{alive}, 1, 'which it does');

$two->stop;
$two->no_alerts;

done_testing();


# What an attack leaves to the worker's free memory is no leak; one that needs
# many small pieces is still seen to take them.

sub heaps {
    my ($t) = @_;

    return if $t->sanitized;

    $t->fill_memory('/big');

    return $t->heaps('/file');
}


# An attack, and a client that asks for a file again and again meanwhile: what
# the one has to say ("word number", of each word the last), how often the
# other was served, how often not, the most that the worker's heap has grown,
# in KB, and its CPU time, in seconds.

sub attack {
    my ($t, $attack) = @_;

    my $name = $attack->{name};
    my $heap = heap($t);
    my $cpu = cpu($t);
    my $client = $t->begin([$program, $t->port($attack->{port}), $name,
                            $attack->{long} || $small && $counts{$name}
                            || ()], timeout => 120);

    my ($served, $refused, $most) = (0, 0, 0);

    until ($t->ended($client) && $served + $refused) {
        my $r = $t->get('/file');

        $r->{status} == 200 && $r->{body} eq $file ? $served++ : $refused++;

        my $now = heap($t) - $heap;

        $most = $now if $now > $most;
    }

    my $r = $t->finish($client);

    return { %$r, $r->{out} =~ /^(\w+) (\d+)$/mg, served => $served,
             refused => $refused, heap => int($most / 1024),
             cpu => cpu($t) - $cpu };
}


# What the workers have allocated and not freed, in bytes.

sub heap {
    my ($t) = @_;

    my $sum = 0;

    for my $pid ($t->{heap} ? $t->workers : ()) {
        $sum += unpack 'q', $t->read_file("heap.$pid");
    }

    return $sum;
}


# ... and their CPU time in seconds.

sub cpu {
    my ($t) = @_;

    my $sum = 0;

    for my $pid ($t->workers) {
        open my $fh, '<', "/proc/$pid/stat" or next;

        my @fields = split ' ', <$fh> =~ s/^.*\) //r;

        $sum += $fields[11] + $fields[12];
    }

    return $sum / sysconf(_SC_CLK_TCK);
}
