#!/usr/bin/perl

# In which order responses come: RFC 9218.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use List::Util qw(max min);
use Test::More;

use QuicTest;

my $size = 200_000;
my $t = QuicTest->new;

$t->file('html/file', 'p' x $size);
$t->file('html/large', 'p' x 3 x $size);

$t->run(<<'EOC');
    server {
        listen 127.0.0.1:%%PORT%% quic;

        # the response has the last word

        location /now/ {
            alias      %%DIR%%/html/;
            add_header Priority u=0;
        }

        location /proxied/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/now/;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;

        location /now/ {
            alias      %%DIR%%/html/;
            add_header Priority u=0;
        }
    }
EOC

# Urgent responses overtake those that were asked for before.

for my $case (['field', ''], ['PRIORITY_UPDATE', '!']) {
    my ($name, $how) = @$case;

    my @order = order(("${how}u=7:/file") x 10, ("${how}u=0:/file") x 3);

    is(join(' ', map { $_->{index} } @order[0 .. 2]), '10 11 12',
       "$name: three urgent ones come first");
    is(join(' ', map { $_->{index} } @order[3 .. 12]), '0 1 2 3 4 5 6 7 8 9',
       "$name: then ten others, one after the other");
}

is((order(('u=6:/file') x 5, 'u=7:/now/file'))[0]{index}, 5,
   'Priority of a response');

# ... which takes some time to say so

is((order(('u=6:/large') x 5, 'u=7:/proxied/file'))[0]{index}, 5,
   'Priority of an upstream');

# Incremental ones share, others do not.

my ($first) = order(('u=3, i:/file') x 4);
my $least = min(@{$first->{bytes}});

note("when the first ended: @{$first->{bytes}}");
cmp_ok($least, '>', $size * 0.5, 'incremental: all together');

($first) = order(('u=3:/file') x 4);
my @others = sort { $b <=> $a } @{$first->{bytes}};

note("when the first ended: @{$first->{bytes}}");
cmp_ok($others[1], '<', $size * 0.1, 'not incremental: one by one');

$t->stop;
$t->no_alerts;

done_testing();


# How the responses ended.

sub order {
    my (@requests) = @_;

    my $r = $t->client([$t->program('python3-aioquic'),
                        dirname(__FILE__) . '/interop/aioquic_priority.py',
                        $t->port, @requests], timeout => 60);

    my @ends = map { my ($index, @bytes) = split;
                     { index => $index, bytes => \@bytes } }
               split /\n/, $r->{out};

    is(scalar @ends, scalar @requests, 'all are answered') or diag($r->{err});

    return @ends;
}
