#!/usr/bin/perl

# The trailers of responses: add_trailer, and those of a gRPC upstream.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $t = QuicTest->new;

my ($param, $directive) = $t->http2;

$t->file('html/file', 'f' x 100_000);
$t->file('html/empty', '');

$t->run(<<"EOC");
    server {
        listen 127.0.0.1:%%PORT%% quic;

        location / {
            add_trailer X-Status \$status;
            add_trailer X-Empty  '';
            add_trailer X-Uri    \$request_uri;
        }

        location /none/ {
            alias       %%DIR%%/html/;
            add_trailer X-Empty '';
        }

        location /grpc {
            grpc_pass grpc://127.0.0.1:%%PORT_1%%;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%$param;
        $directive

        location / {
            default_type application/grpc;
            add_trailer  grpc-status 0;
            add_trailer  grpc-message \$content_length-\$http_te;
            return       200 answer;
        }

        location /grpc/error {
            add_header grpc-status 12;
            return     200;
        }
    }
EOC

is_deeply(response('/file'),
          [200, 100_000, { 'x-status' => 200, 'x-uri' => '/file' }],
          'behind content');
is_deeply(response('/empty'),
          [200, 0, { 'x-status' => 200, 'x-uri' => '/empty' }],
          'without content');
is_deeply(response('/file', '-r', '0-9'),
          [206, 10, { 'x-status' => 206, 'x-uri' => '/file' }], 'of a range');
is_deeply(response('/file', '-I')->[2], {}, 'not for HEAD');
is_deeply(response('/none/file'), [200, 100_000, {}], 'none');

is_deeply(response('/grpc', '-H', 'TE: trailers', '--data', 'request'),
          [200, 6, { 'grpc-status' => 0, 'grpc-message' => '7-trailers' }],
          'a gRPC upstream\'s');

my $r = $t->get('/grpc/error', method => 'POST', body => 'x');

is($r->{headers}{'grpc-status'}, 12, 'a gRPC response of trailers only');

$t->stop;
$t->no_alerts;

done_testing();


# Status, length, and what comes behind the content.

sub response {
    my ($uri, @args) = @_;

    my $r = $t->get($uri, args => \@args);
    my (undef, $trailers) = split /\r\n\r\n/, $t->read_file('response.head');

    return [$r->{status}, length $r->{body},
            { map { /^([^:]+): (.*)/ } split /\r\n/, $trailers // '' }];
}
