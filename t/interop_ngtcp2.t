#!/usr/bin/perl

# ngtcp2's example client against the server.  Its exit code is always 0: what
# counts is what it tells of itself.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $t = QuicTest->new;
my $client = $t->program('ngtcp2-client');
my $large = $QuicTest::small ? 10_000_000 : 100_000_000;

# A hundred files of different sizes, and some on their own.

my %files = map { ("n$_" => bytes(($_ * 7919) % 60_000)) } 0 .. 99;

$files{"f$_"} = bytes($_) for 0, 1, 1199, 1200, 1201, 16_384, 1_000_000;

$t->file("html/$_", $files{$_}) for keys %files;
$t->file('html/large', bytes($large));

mkdir $t->dir . '/put';
mkdir $t->dir . '/got';

my $locations = 'root %%DIR%%/html;
                 location /put/ { root %%DIR%%; dav_methods PUT;
                                  client_max_body_size 0; }';

$t->run(<<"EOC");
    server {
        listen 127.0.0.1:%%PORT%% quic;
        $locations
    }

    server {
        listen     127.0.0.1:%%PORT_1%% quic;
        quic_retry on;
        $locations
    }
EOC

sizes();
marks();
streams();
key_update();
retry();
ciphers();
groups();
connection_ids();
versions();
token();
loss();

$t->stop;
$t->no_alerts;

# Connections that the server has ended are those that had to be, and of clients
# whose goodbye was among what was lost.

my @ended = grep { /closed by server/ && !/: server is shutting down / }
            split /\n/, $t->read_file('error.log');

is(scalar(grep { !/0x128\b/ } @ended), 0, 'no connection failed')
    or diag(join "\n", @ended);

done_testing();


# Bytes in no order: blocks of them, each beginning with its number.

sub bytes {
    my ($n) = @_;

    my $size = $n < 65_536 ? $n : 65_536;
    my $block = join '', map { pack 'N', rand 2**32 } 0 .. $size / 4;
    my $text = '';

    for (my $i = int rand 2**16; length $text < $n; $i++) {
        $text .= pack('N', $i) . $block;
    }

    return substr $text, 0, $n;
}


# Runs the client with some options for some files.

sub fetch {
    my ($what, $options, $names, %opt) = @_;

    my $port = $t->port($opt{port});
    my @uris = map { "https://localhost:$port/$_" } @$names;

    unlink glob $t->dir . '/got/* ' . $t->dir . '/qlog';

    my $r = $t->client([$client, '--no-quic-dump', '--no-http-dump',
                        '--exit-on-all-streams-close', '--timeout=30s',
                        '--download=' . $t->dir . '/got',
                        '--qlog-file=' . $t->dir . '/qlog', @$options,
                        '127.0.0.1', $port, @uris],
                       timeout => 300);

    is($r->{exit}, 0, "$what: ends in time");

    $r->{log} = $r->{out} . $r->{err};

    return $r;
}


# All of it went well: the handshake, the responses, and the end of each
# stream; nobody has complained.

sub good {
    my ($what, $r, $names, $status) = @_;

    my $n = @$names;
    $status ||= 200;

    my $handshakes = () = $r->{log} =~ /^QUIC handshake has completed$/mg;
    my $responses = () = $r->{log} =~ /^http: .* \[:status: $status\]$/mg;
    my $ends = () = $r->{log} =~ /^HTTP stream \d+ closed with error code 256$/mg;

    is("$handshakes $responses $ends", "1 $n $n", "$what: all is done");

    my @bad = grep { / rx .*(?:CONNECTION_CLOSE|RESET_STREAM|STOP_SENDING)/
                     || /ERR_|error(?! code 256)|alert|failed/i }
              grep { !/ tx .* CONNECTION_CLOSE\(0x1d\) .*\(0x100\) / }
              split /\n/, $r->{log};

    is("@bad", '', "$what: the client has nothing to complain about");

    my @wrong = grep { $t->read_file("got/$_") ne $files{$_} }
                grep { exists $files{$_} } @$names;

    is("@wrong", '', "$what: content");

    qlog($what, $r);
}


# What the client has logged: no packet number of the server's comes twice.

sub qlog {
    my ($what) = @_;

    my (%seen, $packets, $twice);

    for my $event (split /\n/, $t->read_file('qlog')) {
        next unless $event =~ /"name":"transport:packet_received"/;

        my ($type) = $event =~ /"packet_type":"(\w+)"/;
        my ($number) = $event =~ /"packet_number":(\d+)/ or next;

        $packets++;
        $twice++ if $seen{$type}{$number}++;
    }

    ok($packets && !$twice, "$what: qlog has each packet once")
        or diag(($packets || 0) . ' packets, ' . ($twice || 0) . ' twice');
}


sub sizes {
    for my $name (sort grep { /^f/ } keys %files) {
        good($name, fetch($name, [], [$name]), [$name]);
    }

    my $r = fetch('large', ['-q', '--max-stream-window=6M'], ['large']);
    my $dir = $t->dir;

    is(system("cmp $dir/html/large $dir/got/large"), 0, "$large bytes")
        or diag($r->{log});
    qlog('large');
}


# Packets came with ECT(0) first and last, and so did ours.

sub marks {
    my $r = fetch('marks', [], ['f1000000']);

    my @theirs = $r->{log} =~ / rx \d+ 1RTT ACK\(0x03\) ect0=(\d+) /g;
    my @ours = $r->{log}
               =~ / tx \d+ 1RTT ACK\(0x03\) ect0=(\d+) ect1=0 ce=0$/mg;

    cmp_ok($theirs[-1], '>', 0, 'marks of the client are counted');
    cmp_ok($ours[-1], '>', 100, 'packets are marked ECT(0)');
}


sub streams {
    my @names = map { "n$_" } 0 .. 99;

    good('100 streams', fetch('100 streams', [], \@names), \@names);

    # more than may be open at once

    my $r = fetch('300 streams', ['--nstreams=300'], ['f1200']);

    good('300 streams', $r, [('f1200') x 300]);
}


# One update in the middle of a response, one in the middle of a request.

sub key_update {
    my @options = ('--key-update=2ms');
    my $r = fetch('key update', \@options, ['f1000000', 'n99']);

    good('key update', $r, ['f1000000', 'n99']);
    phases('key update', $r);

    my $body = bytes(3_000_000);

    $t->file('body', $body);

    $r = fetch('key update of a request',
               [@options, '-m', 'PUT', '-d', $t->dir . '/body'], ['put/update']);

    good('key update of a request', $r, ['put/update'], 201);
    phases('key update of a request', $r);

    ok($t->read_file('put/update') eq $body, 'content of the request');
}


# Both keys have been used by both.

sub phases {
    my ($what, $r) = @_;

    my %phases = map { $_ => 1 } $r->{log} =~ / pkt ([rt]x .*type=1RTT k=[01])$/mg;
    my %short = map { /^(..).*(k=.)$/; ("$1 $2" => 1) } keys %phases;

    is(join(', ', sort keys %short), 'rx k=0, rx k=1, tx k=0, tx k=1',
       "$what: both phases, both ways");
}


sub retry {
    for my $name ('f1', 'f1000000') {
        my $r = fetch("retry, $name", [], [$name], port => 1);

        good("retry, $name", $r, [$name]);

        my $retries = () = $r->{log} =~ / pkt rx .*type=Retry/g;
        is($retries, 1, "retry, $name: the server asks to come again");

        # only then come others

        my ($first) = $r->{log} =~ / pkt rx .*type=(\w+)/;
        is($first, 'Retry', "retry, $name: before anything else");
    }

    my $r = fetch('no retry', [], ['f1']);
    unlike($r->{log}, qr/type=Retry/, 'no Retry without quic_retry');
}


sub ciphers {
    for my $cipher ('AES-128-GCM', 'AES-256-GCM', 'CHACHA20-POLY1305') {
        my $option = "--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL"
                     . ":+$cipher";
        my $r = fetch($cipher, [$option], ['f1000000']);

        good($cipher, $r, ['f1000000']);
        like($r->{log}, qr/^Negotiated cipher suite is $cipher$/m,
             "$cipher is used");

        # keys of later generations are of the same suite

        $r = fetch("$cipher, key update", [$option, '--key-update=2ms'],
                   ['f1000000']);

        good("$cipher, key update", $r, ['f1000000']);
        phases("$cipher, key update", $r);
    }

    my $r = fetch('AES-128-CCM', ['--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3'
                                  . ':-CIPHER-ALL:+AES-128-CCM'], ['f1']);

    like($r->{log}, qr/ rx .*CONNECTION_CLOSE\(0x1c\) .*CRYPTO_ERROR\(0x128\)/,
         'AES-128-CCM alone is refused with handshake_failure');
}


sub groups {
    for my $group ('X25519', 'SECP256R1', 'SECP384R1') {
        my $r = fetch($group, ["--groups=-GROUP-ALL:+GROUP-$group"], ['f1200']);

        good($group, $r, ['f1200']);
        like($r->{log}, qr/^Negotiated group is $group$/m,
             "$group is used");
    }

    # the client sends a key for its first group only, which the server does
    # not take: it has to say hello again, in Initial packets as before

    my $r = fetch('HelloRetryRequest', ['--groups=-GROUP-ALL:+GROUP-SECP521R1'
                                        . ':+GROUP-SECP384R1'], ['f1000000']);

    good('HelloRetryRequest', $r, ['f1000000']);
    like($r->{log}, qr/^Negotiated group is SECP384R1$/m,
         'HelloRetryRequest: the second group');
    like($r->{log}, qr/ frm tx \d+ Initial CRYPTO\(0x06\) offset=[1-9]/,
         'HelloRetryRequest: the second hello');
}


# The client's connection IDs, and those that it invents for the server, may
# be as long as it likes.

sub connection_ids {
    for my $case (['none of its own', '--scid='],
                  ['1 byte', '--scid=0xaa'],
                  ['18 bytes', '--scid=0x' . 'ab' x 18],
                  ['8 bytes at first', '--dcid=0x' . 'cd' x 8],
                  ['17 bytes at first', '--dcid=0x' . 'ef' x 17])
    {
        my ($what, $option) = @$case;

        $what = "connection ID: $what";
        good($what, fetch($what, [$option], ['n50', 'f1000000']),
             ['n50', 'f1000000']);
    }
}


sub versions {
    my $what = 'unknown version';
    my $r = fetch($what, ['-v', '0x1a2a3a4a'], ['f1']);

    like($r->{log}, qr/ERR_RECV_VERSION_NEGOTIATION/,
         'an unknown version is answered with those that are known');

    $r = fetch($what, ['-v', '0x1a2a3a4a', '--preferred-versions=v1'],
               ['f1200']);

    like($r->{log}, qr/^Client selected version 0x1$/m, 'the client selects');
    like($r->{log}, qr/^http: .* \[:status: 200\]$/m, 'and goes on');
    is($t->read_file('got/f1200'), $files{f1200}, "$what: content");

    $r = fetch('version 2', ['-v', 'v2'], ['f1200']);
    is($t->read_file('got/f1200'), $files{f1200}, 'version 2: content');
    like($r->{log}, qr/version=0x6b3343cf/, 'packets of version 2');
    like($r->{log}, qr/version_information\.chosen_version=0x6b3343cf/,
         'the server says which version it has chosen');

    # It begins with one and prefers the other (RFC 9368).

    my %number = (v1 => '0x00000001', v2 => '0x6b3343cf');

    for my $list ('v2,v1', 'v1,v2') {
        for my $port (0, 1) {
            my ($wants, $begins) = split /,/, $list;
            my $what = "from $begins to $wants" . ($port ? ' with Retry' : '');

            $r = fetch($what, ['-v', $begins, "--preferred-versions=$list",
                               "--available-versions=$list"],
                       ['f1200'], port => $port);

            is($t->read_file('got/f1200'), $files{f1200}, "$what: content");
            like($r->{log}, qr/version_information\.chosen_version=$number{$wants}/,
                 "$what: the server has chosen it");

            my @handshake = $r->{log} =~ / version=(\w+) type=Handshake/g;
            my @others = grep { $_ ne $number{$wants} } @handshake;
            ok(@handshake > 1, "$what: Handshake packets both ways");
            is("@others", '', "$what: none of the other version");
        }
    }
}


# What NEW_TOKEN brings spares the next connection the Retry.

sub token {
    my $file = $t->dir . '/token';
    my @first;

    for my $n (0 .. 2) {
        my $r = fetch("token $n", ["--token-file=$file"], ['f1'], port => 1);

        good("token $n", $r, ['f1']);

        my ($first) = $r->{log} =~ / pkt rx .*type=(\w+)/;
        push @first, $first;
    }

    is("@first", 'Retry Initial Initial', 'a token is asked for once');
}


# The client loses packets of both directions.

sub loss {
    for my $loss ('0.02', '0.1') {
        my $what = "loss of $loss";
        my @options = ("--tx-loss=$loss", "--rx-loss=$loss");

        my @names = map { "n$_" } 0 .. 29;
        my $r = fetch($what, \@options, [@names, 'f1000000']);

        good($what, $r, [@names, 'f1000000']);
        like($r->{log}, qr/^\*\* Simulated .*loss/m, "$what: there was some");

        my $body = bytes(500_000);

        $t->file('body', $body);
        $r = fetch("$what of a request",
                   [@options, '-m', 'PUT', '-d', $t->dir . '/body'],
                   ["put/loss$loss"]);

        good("$what of a request", $r, ["put/loss$loss"], 201);
        ok($t->read_file("put/loss$loss") eq $body, 'content of the request');
    }
}
