#!/usr/bin/perl

# Clients that move during a transfer, knowing of it or not, and a server that
# asks them to: ngtcp2's client, with one worker.  Requests that begin
# afterwards see the new addresses.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $t = QuicTest->new;
my $client = $t->program('ngtcp2-client');

# The first of them takes a second at the rate below; the client, which tells a
# lot, takes a second for "fast" without it.

my %files = map { ("f$_" => bytes($_ ? 20_000 : 1_200_000)) } 0 .. 5;

$files{fast} = bytes(20_000_000);

$t->file("html/$_", $files{$_}) for keys %files;

mkdir $t->dir . '/put';
mkdir $t->dir . '/got';

# One request after the other; addresses as nginx tells them to others.

$t->run(<<"EOC");
    log_format where '\$uri \$remote_addr:\$remote_port '
                     '\$server_addr:\$server_port';
    access_log %%DIR%%/where.log where;

    http3_max_concurrent_streams 1;
    limit_rate 1m;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        location /fast { limit_rate 0; }
        location /put/ { root %%DIR%%; dav_methods PUT;
                         client_max_body_size 0; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%% quic;
        quic_preferred_address 127.0.0.1:%%PORT%%;
    }

    server {
        listen *:%%PORT_2%% quic;
        quic_preferred_address 127.0.0.2:%%PORT_2%%;
    }

    # nobody listens there

    server {
        listen 127.0.0.1:%%PORT_3%% quic;
        quic_preferred_address 127.0.0.3:%%PORT_3%% [::1]:%%PORT_4%%;
    }
EOC

my @move = ('--change-local-addr=300ms');

moves('migration', [@move], 'f0', 1);
moves('migration at full speed', ['--change-local-addr=100ms'], 'fast', 1);
moves('NAT rebinding', ['--change-local-addr=100ms', '--nat-rebinding'],
      'fast', 1);
moves('neither', [], 'f0', 0);
upload('migration', [@move]);
upload('NAT rebinding', [@move, '--nat-rebinding']);
preferred('another listener', $t->port(1), '127.0.0.1:' . $t->port);
preferred('wildcard', $t->port(2), '127.0.0.2:' . $t->port(2));
preferred('no answer', $t->port(3), '127.0.0.1:' . $t->port(3));
preferred('not wanted', $t->port(1), '127.0.0.1:' . $t->port(1),
          '--no-preferred-addr');

$t->stop;
$t->no_alerts;

done_testing();


sub bytes {
    my ($n) = @_;

    my $block = join '', map { pack 'N', rand 2**32 } 0 .. 4096;

    return substr $block x (1 + $n / length $block), 0, $n;
}


# Runs the client; its log, and what the server has logged meanwhile.  A client
# that has nothing to say after its address has changed isn't heard of any more,
# by no fault of the server's: then it tries again.

sub fetch {
    my ($what, $options, $names, $port) = @_;

    $port ||= $t->port;

    my ($r, $where, $error);

    for (1 .. 10) {
        unlink glob $t->dir . '/got/*';

        $where = length $t->read_file('where.log');
        $error = length $t->read_file('error.log');

        $r = $t->client([$client, '--no-quic-dump', '--no-http-dump',
                         '--exit-on-all-streams-close', '--timeout=10s',
                         '--download=' . $t->dir . '/got', @$options,
                         '127.0.0.1', $port,
                         map { "https://localhost:$port/$_" } @$names],
                        timeout => 60);

        last unless $r->{out} . $r->{err}
                    =~ /^Changing local address$(?!.*^Sent packet)/ms;
    }

    my $ends = () = ($r->{out} . $r->{err})
                    =~ /^HTTP stream \d+ closed with error code 256$/mg;

    is("$r->{exit} $ends", '0 ' . @$names, "$what: all is done")
        or diag(substr $r->{out} . $r->{err}, -2000);

    my @wrong = grep { $t->read_file("got/$_") ne $files{$_} }
                grep { exists $files{$_} } @$names;

    is("@wrong", '', "$what: content");

    # the last line is written when the response has been acknowledged

    $t->wait_for(sub {
        my $n = () = substr($t->read_file('where.log'), $where) =~ /\n/g;
        return $n >= @$names;
    });

    $r->{where} = [split /\n/, substr $t->read_file('where.log'), $where];
    $r->{error} = substr $t->read_file('error.log'), $error;

    return $r;
}


sub moves {
    my ($what, $options, $first, $moves) = @_;

    my $r = fetch($what, $options, [$first, map { "f$_" } 1 .. 5]);

    my @migrated = $r->{error} =~
        /\[info\] .* quic connection migrated from (\S+?)-\S+ to (\S+?)-/g;

    is(@migrated / 2, $moves, "$what: what the log says");

    my @seen = map { (split)[1] } @{$r->{where}};

    is($seen[0], $migrated[0] || $seen[-1], "$what: address in the beginning");
    is($seen[-1], $migrated[-1] || $seen[0], "$what: address at the end");

    is(scalar(grep { $seen[$_] ne $seen[$_ - 1] } 1 .. $#seen), $moves,
       "$what: changes of address that requests see");
}


sub upload {
    my ($what, $options) = @_;

    my $body = bytes(20_000_000);

    $t->file('body', $body);
    fetch("$what, upload", [@$options, '-m', 'PUT', '-d', $t->dir . '/body'],
          ['put/body']);

    ok($t->read_file('put/body') eq $body, "$what, upload: content");
}


sub preferred {
    my ($what, $port, $address, @options) = @_;

    my $r = fetch("preferred address, $what", \@options,
                  [map { "f$_" } 0 .. 5], $port);

    is((split ' ', $r->{where}[-1])[2], $address,
       "preferred address, $what: where the client is at the end");
}
