#!/usr/bin/perl

# What quic_key_log is for: Wireshark shows the requests of connections that
# were recorded, with the secrets in the log, and without them doesn't.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_aton sockaddr_in);
use Test::More;
use Time::HiRes qw(time);

use QuicTest;

# a pcap whose packets begin with their IP header, and such a header
use constant MAGIC => 0xa1b2c3d4;
use constant LINKTYPE_RAW => 101;
use constant IPV4_NO_OPTIONS => 0x45;
use constant UDP => 17;

my $t = QuicTest->new(workers => 2);
my $dir = $t->dir;
my $loopback = inet_aton('127.0.0.1');

$t->run('quic_key_log keys.log;
         server {
             listen         127.0.0.1:%%PORT%% quic;
             server_name    localhost;
             ssl_early_data on;
             location /     { return 200 "what is known of $uri\n"; }
         }');

my $front = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or BAIL_OUT("socket: $!");
my $wire = $t->begin(\&record, timeout => 600);

visit('/v1', 'curl');
visit('/first', 'ngtcp2');
visit('/zero', 'ngtcp2');
visit('/v2', 'ngtcp2', '--version=0x6b3343cf', '--session-file=');
visit('/updated', 'ngtcp2', '--key-update=1ms', '--delay-stream=200ms',
      '--disable-early-data');

kill 'TERM', -$wire->{pid};
$t->finish($wire);

my @log = ('-o', "tls.keylog_file:$dir/keys.log");
my @fields = qw(http3.headers.method http3.headers.path http3.headers.status
                http3.data);

my %seen = dissect('http3', [@fields], @log);

is(join("\n", sort values %seen),
   join("\n", sort map { "GET /$_ 200 what is known of /$_" }
                        qw(v1 first zero v2 updated)),
   'requests, answers and content') or diag(tshark(@log));

is(join(' ', dissect('http3', [@fields])), '', 'nothing without the log');

# and how they came

for my $case (['/zero', 'quic.long.packet_type == 1', '0-RTT'],
              ['/updated', 'quic.key_phase == 1', 'keys that were updated'])
{
    my ($path, $filter, $what) = @$case;

    my ($shown) = values %{{ dissect("http3.headers.path == \"$path\""
                                     . " and $filter",
                                     ['http3.headers.path'], @log) }};

    is($shown, $path, $what);
}

my ($v2) = grep { $seen{$_} =~ m{/v2} } keys %seen;

is(join(' ', keys %{{ dissect('quic.version == 0x6b3343cf',
                              ['quic.version'], @log) }}),
   $v2, 'version 2');

$t->stop;
$t->no_alerts;

done_testing();


# One request on a connection of its own, through the recorder.

sub visit {
    my ($path, $client, @args) = @_;

    my $port = $front->sockport;
    my $r;

    if ($client eq 'curl') {
        $r = $t->get($path, port => $port);

    } else {
        $r = $t->client([$t->program('ngtcp2-client'), '--quiet',
                         '--exit-on-all-streams-close', '--timeout=30s',
                         "--session-file=$dir/session", "--tp-file=$dir/tp",
                         "--token-file=$dir/token", @args, '127.0.0.1', $port,
                         "https://localhost:$port$path"]);
    }

    is($r->{exit}, 0, "$client: $path") or diag($r->{err} // $r->{error});
}


# Passes datagrams on, and writes them down as if there were nobody between.

sub record {
    my ($n, $select, %out, %client) = (0, IO::Select->new($front));

    open my $file, '>:raw', "$dir/wire.pcap" or die $!;
    $file->autoflush;
    print $file pack 'LSSlLLL', MAGIC, 2, 4, 0, 0, 65535, LINKTYPE_RAW;

    while (1) {
        for my $socket ($select->can_read) {
            my $from = $socket->recv(my $data, 65535) // next;
            my $up = $socket == $front;

            if ($up && !$out{$from}) {
                $out{$from} = IO::Socket::INET->new(Proto => 'udp',
                    PeerAddr => '127.0.0.1', PeerPort => $t->port) or die $!;
                $client{$out{$from}} = $from;
                $select->add($out{$from});
            }

            my $client = $up ? $from : $client{$socket};
            my @ports = ((sockaddr_in $client)[0], $t->port);

            print $file packet($n++, $data, $up ? @ports : reverse @ports);

            $up ? $out{$from}->send($data) : $front->send($data, 0, $client);
        }
    }
}


sub packet {
    my ($n, $data, $from, $to) = @_;

    my $now = time;
    my $packet = pack('CCnnnCCna4a4', IPV4_NO_OPTIONS, 0, 28 + length $data, $n,
                      0, 64, UDP, 0, $loopback, $loopback)
                 . pack('nnnn', $from, $to, 8 + length $data, 0) . $data;

    return pack('LLLL', int $now, ($now - int $now) * 1e6, length $packet,
                length $packet) . $packet;
}


sub tshark {
    my (@args) = @_;

    return $t->client([$t->program('tshark-h3'), '-r', "$dir/wire.pcap", @args],
                      timeout => 60)->{out};
}


# What those packets say in these fields: a text for each connection, in which
# the same thing, as when a packet was sent twice, stands once.

sub dissect {
    my ($filter, $fields, @args) = @_;

    my (%shown, %twice);

    for my $line (split /\n/, tshark(@args, '-Y', $filter, '-T', 'fields',
                                     map { ('-e', $_) } 'udp.stream', @$fields))
    {
        my ($connection, @values) = split /\t/, $line;

        for my $value (grep { length && !$twice{$connection, $_}++ } @values) {
            $value = pack 'H*', $value if $value =~ /^[0-9a-f]{8,}$/;
            chomp $value;
            push @{$shown{$connection}}, $value;
        }
    }

    return map { $_ => join ' ', @{$shown{$_}} } keys %shown;
}
