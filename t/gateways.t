#!/usr/bin/perl

# fastcgi_pass, scgi_pass and uwsgi_pass: parameters, content both ways, errors.
# Everything is as it is over HTTP/2.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5_hex);
use Test::More;

use Backend;
use QuicTest;

my $t = QuicTest->new;

my ($param, $directive) = $t->http2;

my $big = substr join('', 1 .. 200_000), 0, 1_000_000;

my %handlers = (
    '/params' => sub {
        my ($r) = @_;

        my $params = $r->{params};

        $r->respond(200, ['Content-Type: text/plain'],
                    join '', map { "$_=$params->{$_}\n" } sort keys %$params);
    },
    '/content' => sub {
        my ($r) = @_;

        my $content = $r->content // return;

        $r->respond(200, [], join ' ', length $content, md5_hex($content),
                             $r->{params}{CONTENT_LENGTH});
    },
    '/early' => sub {
        my ($r) = @_;

        $r->respond(413, [], 'too much');
        $r->finish;
    },
    '/big' => sub { $_[0]->respond(200, [], $big) },
    '/length' => sub {
        $_[0]->respond(200, ['Content-Length: 1000000'], $big);
    },
    '/no-content' => sub { $_[0]->respond(204, [], '') },
    '/empty' => sub { $_[0]->respond(200, [], '') },
    '/error' => sub { $_[0]->respond(500, ['X-Error: 1'], 'their page') },
    '/redirect' => sub { $_[0]->respond(302, ['Location: /there'], '') },
    '/fields' => sub {
        $_[0]->respond(200, ['Set-Cookie: a=1', 'Set-Cookie: b=2', 'X-A: b',
                             'Connection: close', 'ETag: "e"'], 'x');
    },
    '/accel' => sub {
        $_[0]->respond(200, ['X-Accel-Redirect: /file.txt'], '');
    },
    '/close' => sub { },
    '/dies' => sub {
        $_[0]->cgi("Status: 200\r\nContent-Length: 100000\r\n\r\n"
                   . 'x' x 50_000, 1);
    },
    '/silence' => sub { $_[0]->gone },
);

# Each has its own locations, with the parameters of the files that come with
# nginx.

my %params = (
    QUERY_STRING    => 'query_string',    REQUEST_METHOD => 'request_method',
    CONTENT_TYPE    => 'content_type',    CONTENT_LENGTH => 'content_length',
    REQUEST_URI     => 'request_uri',     DOCUMENT_URI   => 'document_uri',
    DOCUMENT_ROOT   => 'document_root',   REQUEST_SCHEME => 'scheme',
    SERVER_PROTOCOL => 'server_protocol', REMOTE_ADDR    => 'remote_addr',
    SERVER_ADDR     => 'server_addr',     SERVER_PORT    => 'server_port',
    SERVER_NAME     => 'server_name',     HTTPS          => 'https',
);

my @protocols = qw(fastcgi scgi uwsgi);
my $conf = '';

for my $n (1 .. 3) {
    my $protocol = $protocols[$n - 1];

    Backend->new($t, $n, $protocol, { map { ("/$protocol$_" => $handlers{$_},
                                             "/unbuffered/$protocol$_"
                                             => $handlers{$_}) }
                                      keys %handlers });

    my $params = join "\n", map { "${protocol}_param $_ \$$params{$_};" }
                            sort keys %params;

    $conf .= <<"EOC";
        $params

        location /$protocol/ {
            ${protocol}_pass 127.0.0.1:%%PORT_$n%%;
        }

        location /$protocol/silence {
            ${protocol}_read_timeout 300ms;
            ${protocol}_pass 127.0.0.1:%%PORT_$n%%;
        }

        location /unbuffered/$protocol/ {
            ${protocol}_request_buffering off;
            ${protocol}_buffering         off;
            ${protocol}_pass 127.0.0.1:%%PORT_$n%%;
        }
EOC
}

$t->file('html/file.txt', "a file\n");

$t->run($t->same_log . <<"EOC");
    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl$param;
        $directive

        server_name          localhost;
        client_max_body_size 0;

$conf
    }
EOC

subtest $_ => sub { gateway($_) } for @protocols;

$t->stop;
$t->no_alerts;

done_testing();


sub gateway {
    my ($protocol) = @_;

    # Parameters: one line each, but for what is another protocol's

    my %same = (headers => ['Cookie: a=1', 'Cookie: b=2', 'X-Test: a  b',
                            'Under_Score: 1', 'Proxy: evil', 'TE: trailers'],
                body => 'content');

    my %params = $t->get("/$protocol/params?x=1&y", %same)->{body}
                 =~ /^(\w+)=(.*)$/mg;
    my %http2 = $t->get("/$protocol/params?x=1&y", %same, http2 => 1)->{body}
                =~ /^(\w+)=(.*)$/mg;

    is($params{SERVER_PROTOCOL}, 'HTTP/3.0', 'SERVER_PROTOCOL');

    delete $_->{SERVER_PROTOCOL} for \%params, \%http2;

    is_deeply(\%params, \%http2, 'all others as over HTTP/2');

    my %expect = (
        REQUEST_METHOD => 'POST', QUERY_STRING => 'x=1&y', HTTPS => 'on',
        REQUEST_URI => "/$protocol/params?x=1&y", REQUEST_SCHEME => 'https',
        REMOTE_ADDR => '127.0.0.1', SERVER_PORT => $t->port,
        SERVER_NAME => 'localhost', HTTP_HOST => 'localhost:' . $t->port,
        CONTENT_LENGTH => 7, HTTP_COOKIE => 'a=1; b=2', HTTP_X_TEST => 'a  b',
        CONTENT_TYPE => 'application/x-www-form-urlencoded',
    );

    is_deeply({ map { $_ => $params{$_} } keys %expect }, \%expect,
              'as they should be');

    # Content: buffered it always has a length

    for my $size (0, 200_000) {
        my $content = substr $big, 0, $size;
        my $expect = join ' ', $size, md5_hex($content), $size;

        for my $uri ("/$protocol/content", "/unbuffered/$protocol/content") {
            $t->same("$uri, $size bytes", $uri, body => $content,
                     expect => { status => 200, body => $expect });

            $t->file('upload', $content);
            $t->same("$uri, $size bytes of unknown length", $uri,
                     method => 'POST', args => ['-T', '-'], stdin => 'upload',
                     expect => $uri =~ /unbuffered/ ? {} : { status => 200,
                                                             body => $expect })
                if $size && !($uri =~ /unbuffered/ && $protocol ne 'fastcgi');
        }
    }

    # Responses

    for my $case (
        ['/big',        200, 'whole', $big],
        ['/length',     200, 'whole', $big],
        ['/no-content', 204, 'whole', ''],
        ['/empty',      200, 'whole', ''],
        ['/error',      500, 'whole', 'their page'],
        ['/redirect',   302, 'whole', ''],
        ['/fields',     200, 'whole', 'x'],
        ['/accel',      200, 'whole', "a file\n"],
        ['/close',      502, 'whole'],
        ['/dies',       200, 'broken'],
        ['/silence',    504, 'whole'],
    ) {
        my ($uri, $status, $how, $body) = @$case;

        $t->same($uri, "/$protocol$uri",
                 expect => { status => $status, how => $how,
                             defined $body ? (body => $body) : () });
    }

    for my $uri ('/big', '/dies') {
        $t->same("unbuffered $uri", "/unbuffered/$protocol$uri");
    }

    $t->same('HEAD', "/$protocol/big", method => 'HEAD');

    $t->same('an answer to what has not come yet', "/$protocol/early",
             body => $big,
             expect => { status => 413, body => 'too much' });
}
