#!/usr/bin/perl

# Response fields that come again cost a byte each: they stand in QPACK's table.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $t = QuicTest->new;

$t->run(<<'EOC');
    add_header Cache-Control "public, max-age=3600";
    add_header Strict-Transport-Security "max-age=63072000; includeSubDomains";
    add_header Content-Security-Policy "default-src 'self'; img-src * data:";
    add_header X-Content-Type-Options nosniff;

    server {
        listen 127.0.0.1:%%PORT%% quic;

        location /page {
            default_type text/html;
            return       200 "a page";
        }

        location /api {
            default_type application/json;
            return       200 "{}";
        }

        location /login {
            add_header   Set-Cookie "session=0123456789abcdef0123456789abcdef";
            default_type text/html;
            return       200 "a page";
        }
    }
EOC

my $r = $t->client([$t->program('python3-aioquic'),
                    dirname(__FILE__) . '/interop/aioquic_qpack.py', $t->port,
                    qw(/page /page /api /api /page /login /login)],
                   timeout => 60);

diag($r->{err}) if $r->{err} ne '';

# As text, in HEADERS, and the instructions in front of them

my @sizes = map { [(split)[2 .. 4]] } grep { / 200 / } split /\n/, $r->{out};

is(scalar @sizes, 7, 'responses');

my ($page, $again, undef, $api, $back, $login, $relogin) = @sizes;

note("bytes of fields, of HEADERS, of instructions:\n$r->{out}");

cmp_ok($page->[0], '>', 250, 'many bytes of fields');
cmp_ok($again->[1], '<', 15, 'a few the second time');
cmp_ok($api->[1], '<', 15, 'of another page as well');
cmp_ok($back->[1], '<', 15, 'and of the first, again');

# The time goes on, and may take a new entry.

cmp_ok($again->[2], '<', 40, 'nothing is inserted twice');

# RFC 9204, 7.1.3

cmp_ok($_->[1], '>', 30, 'a cookie stands in no table') for $login, $relogin;

$t->stop;
$t->no_alerts;

done_testing();
