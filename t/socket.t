#!/usr/bin/perl

# Sending goes on, whatever the kernel says.

use strict;
use warnings;

use File::Basename qw(dirname);
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
    my ($fault, $conf) = @_;

    unlink $t->dir . '/error.log';
    unlink $report;

    {
        local $ENV{LD_PRELOAD} = $shim;
        local $ENV{SEND_FAULTS} = $fault;
        local $ENV{SEND_REPORT} = $report;
        local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (),
                                             'verify_asan_link_order=0';

        $t->run("server { listen 127.0.0.1:%%PORT%% quic; $conf }");
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

sub largest {
    my ($fault, $conf) = @_;
    my @sizes;

    run($fault, $conf);

    open my $f, '<', $report or die "$report: $!";
    @sizes = sort { $b <=> $a } map { int } <$f>;

    return $sizes[0];
}

is(largest('none', ''), 1472, 'datagrams grow to what an Ethernet carries');
is(largest('none', 'quic_mtu 1280;'), 1252, 'quic_mtu 1280');
is(largest('none', 'quic_mtu 9000;'), 8972, 'quic_mtu 9000');
is(largest('none', 'quic_mtu 65000;'), 64972, 'quic_mtu 65000');

my $size = largest('msgsize', '');
ok($size > 1230 && $size <= 1250, "and to what the interface takes: $size");

done_testing();
