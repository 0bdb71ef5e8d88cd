#!/usr/bin/perl

# A new binary takes over (USR2, then QUIT to the old one), which knows nothing
# of the old one's memory: what clients have from the old one is good with the
# new, by the host key that it is handed.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

# the new binary has no other environment than this; sanitizers report by it

my $env = join ' ', map { "env ${_}_OPTIONS;" } qw(ASAN UBSAN LSAN);

my $t = QuicTest->new(workers => 2, daemon => 1, main => $env,
                      user => 'www-data');

my $conf = <<'EOC';
    log_format resumed '$ssl_session_reused$ssl_early_data $uri';
    access_log %%DIR%%/resumed.log resumed;

    server {
        listen         127.0.0.1:%%PORT%% quic;
        server_name    localhost;
        ssl_early_data on;

        location / {
            return 200 "ok\n";
        }
    }
EOC

$t->run($conf);

comes('/first');
is(comes('/again'), 'r1', 'a client comes again: resumption, 0-RTT');

my $old = upgraded();

is(comes('/new'), 'r', 'to a new binary: resumption, no 0-RTT');
is(comes('/new1'), 'r1', 'and again: 0-RTT');
is($t->get('/')->{status}, 200, 'others are served as well');

$t->signal('HUP');
$t->wait_for(sub { $t->read_file('error.log') =~ /reconfiguring/ });
is(comes('/reload'), 'r1', 'which keeps the key over a reload');

isnt(upgraded(), $old, 'one more new binary');
is(comes('/newer'), 'r', 'has the key of the first');

# no program that a worker starts shall have the key

my @close_on_exec = map { close_on_exec($_) } $t->workers;

is("@close_on_exec", '1 1', 'the descriptor is close-on-exec in workers');

$t->stop;
$t->no_alerts;

# who comes from elsewhere, or has a wrong number, gets no key of anybody's

for my $number (0, 999, -1, 'x', '') {
    local $ENV{NGINX_QUIC_HOST_KEY} = $number;

    $t->start;
    is($t->get('/')->{status}, 200, "a start with the number \"$number\"");
    $t->stop;
}

$t->no_alerts;

done_testing();


# How the log has it: "r" for a resumption, "1" for 0-RTT.

sub comes {
    my ($path) = @_;

    my ($dir, $port) = ($t->dir, $t->port);

    my $r = $t->client([$t->program('ngtcp2-client'), '--quiet',
                        '--exit-on-all-streams-close', '--timeout=30s',
                        "--session-file=$dir/session", "--tp-file=$dir/tp",
                        "--token-file=$dir/token", '127.0.0.1', $port,
                        "https://localhost:$port$path"]);
    my $seen;

    $t->wait_for(sub {
        ($seen) = map { /^(\S*) \Q$path\E$/ } $t->lines('resumed.log');
    });

    return defined $seen ? $seen =~ tr/-//dr : $r->{err};
}


sub upgraded {
    my $old = $t->upgrade;

    ok($t->wait_for(sub { QuicTest::is_gone($old) }), 'the old binary goes');

    return $old;
}


# O_CLOEXEC in what the kernel says of the descriptor's flags, which are octal

sub close_on_exec {
    my ($pid) = @_;

    my ($fd) = grep { (readlink "/proc/$pid/fd/$_" // '')
                      =~ /memfd:quic_host_key/ }
               map { m{(\d+)$} } glob "/proc/$pid/fd/*";

    return 'none' unless defined $fd;

    open my $fh, '<', "/proc/$pid/fdinfo/$fd" or return $!;

    my ($flags) = map { /^flags:\s*(\d+)/ } <$fh>;

    return oct($flags) & 02000000 ? 1 : 0;
}
