#!/usr/bin/perl

# Fields of responses: what others have put into them is made fit for HTTP/3,
# and a client gets no more of them than it takes.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $program = QuicTest->own_program('client', 'attacks');

my $t = QuicTest->new;

$t->file('html/index.html', "hello\n");
$t->file('html/file', 'x' x 1000);

my $long = 'v' x 600;

$t->run(<<"EOC");
    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name localhost;

        # \$uri is decoded: the hole through which others get in

        location /split/ {
            add_header X-Uri   "\$uri";
            add_header X-Space "  a b\t ";
            return     200     "ok";
        }

        location /redirect/ {
            return 302 https://localhost\$uri;
        }

        location /names {
            add_header "X Name" 1;
            add_header "X:Name" 2;
            add_header "X\x01Name" 3;
            add_header "X-NAME" 4;
            return     200 "ok";
        }

        location /type {
            default_type "text/plain\x02";
            return       200 "ok";
        }

        location /trailer/ {
            alias       %%DIR%%/html/;
            add_trailer X-Uri "\$uri";
            add_trailer "X Name" 1;
        }

        location /long {
            add_header X-Long $long;
            return     200 "ok";
        }

        location /long-trailer/ {
            alias       %%DIR%%/html/;
            add_trailer X-Long $long;
        }
    }
EOC

my $r = $t->get('/split/a%0d%0aSet-Cookie:%20b%01%7fc');

is($r->{status}, 200, 'CR, LF and others in a value');
is($r->{headers}{'x-uri'}, '/split/a  Set-Cookie: b  c', 'become spaces');
is($r->{headers}{'x-space'}, 'a b', 'space around a value is dropped');

$r = $t->get('/split/%0d%0a');
is($r->{headers}{'x-uri'}, '/split/', 'also what has become space');

$r = $t->get('/redirect/%0d%0aSet-Cookie:b');
is($r->{status}, 302, 'in a redirect');
is($r->{headers}{location}, 'https://localhost/redirect/  Set-Cookie:b',
   'likewise');

$r = $t->get('/names');
is($r->{status}, 200, 'lines whose name is none');
is(join(' ', grep { /^x/ } @{$r->{order}}), 'x-name', 'are not sent');
is($r->{headers}{'x-name'}, 4, 'capitals are no obstacle');

is($t->get('/type')->{headers}{'content-type'}, 'text/plain', 'a type');

$r = $t->get('/trailer/file');
is($r->{exit}, 0, 'trailers');
is(length $r->{body}, 1000, 'with content');

my (undef, $trailers) = split /\r\n\r\n/, $t->read_file('response.head');
is($trailers =~ s/\r\n//gr, 'x-uri: /trailer/file', 'one is good');

# The raw client's SETTINGS_MAX_FIELD_SECTION_SIZE is 500, or 100.

for my $row (['/', 500, '200 fin 1'], ['/long', 500, '500 fin 1'],
             ['/long-trailer/file', 500, '200 fin 1'],
             ['/', 100, '0 reset 0'], ['/none', 100, '0 reset 0'], ['/long-trailer/file', 2000, '200 fin 2'])
{
    my ($uri, $size, $expected) = @$row;

    $r = $t->finish($t->begin([$program, $t->port,
                               'small_fields', $size, $uri], timeout => 20));

    is($r->{out}, "$expected\n", "$uri for a client that takes $size bytes")
        or diag($r->{err});
}

like($t->read_file('error.log'), qr/\[warn\].*in the response header line "x-uri"/,
     'the log has the values');
like($t->read_file('error.log'), qr/\[warn\].*line "X Name" has an invalid name/,
     'and the names');
like($t->read_file('error.log'), qr/\[info\].*larger than the 500 bytes/,
     'and the size');

$t->stop;
$t->no_alerts;

done_testing();
