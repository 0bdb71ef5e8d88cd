#!/usr/bin/perl

# A client of aioquic's, which checks the certificate, too:
# t/interop/aioquic_client.py says what it tries.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::SHA qw(sha256_hex);
use Test::More;

use QuicTest;

my $t = QuicTest->new(events => 'worker_connections 1024;');
my @sizes = (0, 1, 1199, 1200, 1201, 16_384, 100_000, 1_000_000);
my $sums = '';

for my $size (@sizes) {
    my $text = substr join('', map { pack 'N', rand 2**32 } 0 .. $size / 4),
                      0, $size;

    $t->file("html/$size", $text);
    $sums .= "/$size " . sha256_hex($text) . ";\n";
}

mkdir $t->dir . '/put';

$t->run(<<"EOC");
    map \$uri \$sum {
        $sums
    }

    client_max_body_size 0;

    server {
        listen 127.0.0.1:%%PORT%% quic;

        location / {
            add_header X-SHA256 \$sum;
        }

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }

        location /post/ {
            proxy_method PUT;
            proxy_pass   http://127.0.0.1:%%PORT_1%%/put/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }
    }
EOC

my $r = $t->client([$t->program('python3-aioquic'),
                    dirname(__FILE__) . '/interop/aioquic_client.py',
                    $t->port, $t->dir . '/localhost.crt'],
                   timeout => 900);

my @results = split /\n/, $r->{out};

is($r->{exit}, 0, 'the client ends well') or diag($r->{err});
is(pop @results, 'end', 'all is tried');

for (@results) {
    my ($name, $what) = /^(\w+) (.*)/;

    is($what, 'ok', $name);
}

cmp_ok(scalar @results, '>', 10, 'there are results');

diag($r->{err}) if $r->{err} ne '';

$t->stop;
$t->no_alerts;

my @ended = grep { /quic connection closed by server/ }
            split /\n/, $t->read_file('error.log');

is("@ended", '', 'no connection failed');

done_testing();
