#!/usr/bin/perl

# Sending goes on, whatever the kernel says.

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Socket::INET;
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $cc = $ENV{CC} || 'cc';
my $t = QuicTest->new;
my $shim = $t->dir . '/send_faults.so';
my $report = $t->dir . '/report';
my $source = dirname(__FILE__) . '/lib/send_faults.c';

my $out = qx{$cc -shared -fPIC -O1 -Wall -o $shim $source -ldl 2>&1};

plan(skip_all => "no compiler: $out") if $?;

my $big = join '', map { pack 'N', $_ } 1 .. 500_000;

$t->file('html/big.bin', $big);


sub run {
    my ($fault, $conf, $listen) = @_;

    $listen //= '';

    unlink $t->dir . '/error.log';
    unlink $report;

    {
        local $ENV{LD_PRELOAD} = $shim;
        local $ENV{SEND_FAULTS} = $fault;
        local $ENV{SEND_REPORT} = $report;
        local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
                                             'verify_asan_link_order=0';

        $t->run("server { listen 127.0.0.1:%%PORT%% quic $listen; $conf }");
    }

    my $name = $conf ? "$fault, $conf" : $fault;

    for (1 .. 2) {
        my $r = $t->get('/big.bin');

        is($r->{status}, 200, "$name: request $_") or diag($r->{error});
        ok($r->{body} eq $big, "$name: content $_");
    }

    $t->stop;
    $t->no_alerts;

    return $t->read_file('error.log');
}


my $no_gso = qr/\[warn\].*goes on without segmentation offload/;

unlike(run('none', ''), $no_gso, 'no fault: with GSO');

for my $fault (qw(eio einval)) {
    my @lines = grep { /$no_gso/ } split /\n/, run($fault, '');

    is(scalar @lines, 1, "$fault: without GSO, said once");
}

for my $conf ('', 'quic_gso off;') {
    unlike(run('again', $conf), $no_gso, 'no room');
    like(run('unreach', $conf), qr/\[info\].*sending \d+ bytes in datagrams of/,
         'no route: said');
    unlike(run('msgsize', $conf), $no_gso,
           'datagrams that are too long are no reason to stop using GSO');
}

run('partial', 'quic_gso off;');

# the path's MTU is that of the loopback, which knows no limit

sub report {
    run(@_);

    open my $f, '<', $report or die "$report: $!";

    return split ' ', <$f>;
}

sub largest {
    return (report(@_))[0];
}

is(largest('none', ''), 1472, 'datagrams grow to what an Ethernet carries');
is(largest('none', 'quic_mtu 1280;'), 1252, 'quic_mtu 1280');
is(largest('none', 'quic_mtu 9000;'), 8972, 'quic_mtu 9000');
is(largest('none', 'quic_mtu 65000;'), 64972, 'quic_mtu 65000');

my $size = largest('msgsize', '');
ok($size > 1230 && $size <= 1250, "and to what the interface takes: $size");

# buffers are as large as the system allows, or as told; the kernel tells twice
# of what it was asked for

sub sysctl {
    my ($name) = @_;

    open my $f, '<', "/proc/sys/net/core/$name" or die "$name: $!";

    return int <$f>;
}

sub expected {
    my ($max) = @_;

    return 2 * ($max < 2 ** 21 ? $max : 2 ** 21);
}

my (undef, $sndbuf, $rcvbuf) = report('none', '');

is($sndbuf, expected(sysctl('wmem_max')), 'a send buffer of 2 MB, or wmem_max');
is($rcvbuf, expected(sysctl('rmem_max')), 'and a receive buffer, or rmem_max');

(undef, $sndbuf, $rcvbuf) = report('none', '', 'sndbuf=100k rcvbuf=64k');

is($sndbuf, 204800, 'sndbuf=');
is($rcvbuf, 131072, 'rcvbuf=');

# while a worker doesn't look, the kernel drops what it has no place for

unlink $t->dir . '/error.log';
$t->run('server { listen 127.0.0.1:%%PORT%% quic rcvbuf=8k; }');

my $client = IO::Socket::INET->new(Proto => 'udp',
                                   PeerAddr => '127.0.0.1:' . $t->port)
    or die "socket: $!";

my $sent = 0;

sub send_one {
    $client->send("\x40" . 'x' x 99);
    $sent++;
}

sub flood {
    my ($worker) = $t->workers;

    kill 'STOP', $worker;
    $t->wait_for(sub { stopped($worker) });
    send_one() for 1 .. 200;
    kill 'CONT', $worker;
}

sub stopped {
    my ($pid) = @_;

    open my $f, '<', "/proc/$pid/stat" or die "stat: $!";

    return <$f> =~ /\) T /;
}

sub dropped {
    return $t->read_file('error.log') =~ /\[warn\].* (\d+) datagrams to \S+ were dropped, as its receive buffer of 8192 bytes was full:.*rcvbuf=.*net\.core\.rmem_max/g;
}

# a worker that is still to open its sockets has lost nothing

is($t->get('/none')->{status}, 404, 'a small buffer is enough for one');

# the first one that finds room again brings the news

flood();
$t->wait_for(sub { send_one(); dropped() });

my ($count) = (dropped(), 0);
ok($count > 100 && $count < $sent, "of $sent datagrams $count were dropped");

# a request is answered after what came before it has been read

flood();
is($t->get('/none')->{status}, 404, 'there is room again');
is(scalar(() = dropped()), 1, 'which is said but once a minute');

$t->stop;
$t->no_alerts;

done_testing();
