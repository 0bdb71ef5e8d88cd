#!/usr/bin/perl

# The content of requests: read at once, passed on as it comes, kept in files,
# thrown away; too large, too slow, answered before it is there.  Everything is
# as it is over HTTP/2.

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

# Says what it has got; answers before it is there, or while.

my $backend = Backend->new($t, 1, 'http', {
    '' => sub {
        my ($r) = @_;

        my $content = $r->content // return;

        $r->respond(200, [], join ' ', map { $_ // '-' } $r->{method},
                    @{$r->{params}}{qw(content-length transfer-encoding
                                       expect)},
                    $r->{params}{'x-file'} && 'file',
                    length $content, md5_hex($content));
    },
    '/early' => sub {
        my ($r) = @_;

        $r->send("HTTP/1.1 413 Too Much\r\nContent-Length: 5\r\n\r\nearly");
        $r->note('early: ' . ($r->gone ? 'closed' : 'left open'));
    },
    '/redirect' => sub {
        my ($r) = @_;

        $r->read;
        $r->send("HTTP/1.1 302 Go\r\nLocation: http://example.com/\r\n"
                 . "Connection: close\r\n\r\nelsewhere");
        $r->finish;
    },
});

$t->run($t->same_log . <<"EOC");
    log_format connection '\$http3 \$connection \$status \$uri';
    access_log %%DIR%%/connection.log connection if=\$http3;

    proxy_http_version 1.1;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl$param;
        $directive

        location / {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /small-buffer {
            client_body_buffer_size 1k;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /file {
            client_body_in_file_only clean;
            proxy_set_header X-File  \$request_body_file;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /no-file {
            client_body_buffer_size 300k;
            proxy_set_header X-File  \$request_body_file;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /variable {
            client_body_in_single_buffer on;
            client_body_buffer_size      300k;
            proxy_set_body               "<\$request_body>";
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /unbuffered {
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /unbuffered-1.0 {
            proxy_http_version      1.0;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /not-passed {
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /discarded {
            return 200 "thrown away";
        }

        location /max {
            client_max_body_size 10k;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /max-unbuffered {
            client_max_body_size    10k;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /max-page {
            client_max_body_size 10k;
            error_page 413 =200  /discarded;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /slow {
            client_body_timeout 500ms;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /slow-unbuffered {
            client_body_timeout     500ms;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /early {
            proxy_request_buffering off;
            client_max_body_size    0;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }

        location /early-buffered {
            client_max_body_size 0;
            proxy_pass http://127.0.0.1:%%PORT_1%%/early;
        }

        location /redirect {
            client_max_body_size    0;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%PORT_1%%;
        }
    }
EOC

my %content = map { $_ => substr "All work and no play.\n" x 10_000, 0, $_ }
              $QuicTest::small ? (0, 200_000) : (0, 900, 200_000);

# What the upstream is to get: the length or, of what comes without one and
# isn't waited for, chunks.

for my $size (sort keys %content) {
    my $content = $content{$size};
    my $sum = md5_hex($content);
    my $more = $size + 2;

    for my $case (
        ['/read',         "POST $size - - - $size $sum"],
        ['/small-buffer', "POST $size - - - $size $sum"],
        ['/file',         "POST $size - - file $size $sum"],
        ['/no-file',      "POST $size - - - $size $sum"],
        ['/variable',     "POST $more - - - $more " . md5_hex("<$content>")],
        ['/unbuffered',   "POST $size - - - $size $sum",
                          "POST - chunked - - $size $sum"],
        ['/not-passed',   'POST - - - - 0 ' . md5_hex('')],
        ['/discarded',    'thrown away'],
    ) {
        my ($uri, @expect) = @$case;

        content("$uri, $size bytes", $uri, $expect[0], body => $content);

        # what is there as a whole when the request begins has a length

        next if $size < 200_000 && $uri eq '/unbuffered';

        $t->file('upload', $content);
        content("$uri, $size bytes of unknown length", $uri, $expect[-1],
                method => 'POST', args => ['-T', '-'], stdin => 'upload');
    }
}


# Methods, with content and without

for my $method (qw(GET PUT PATCH DELETE PROPFIND X-MINE)) {
    content($method, '/read', "$method 1 - - - 1 " . md5_hex('!'),
            method => $method, body => '!');
}

for my $method (qw(GET DELETE OPTIONS PROPFIND)) {
    content("$method without content", '/read',
            "$method - - - - 0 " . md5_hex(''), method => $method);
}

# RFC 9110, 8.6: a length is expected of these (over HTTP/2 nginx has none)

for my $method (qw(POST PUT PATCH)) {
    is($t->get('/read', method => $method)->{body},
       "$method 0 - - - 0 " . md5_hex(''), "$method without content");
}


# Expect (RFC 9110, 10.1.1): a number, and whether 100 comes before the response

sub expects {
    my ($name, $uri, $status, $continue, %opt) = @_;

    my $r = $t->get($uri, headers => ['Expect: 100-continue'], %opt);

    is($r->{status}, $status, $name);
    is(scalar(() = $t->read_file('response.head') =~ m{^HTTP/3 100 }mg),
       $continue, $continue ? 'with 100' : 'without 100');

    return $r;
}

my $r = expects('Expect', '/read', 200, 1, body => '!');
is($r->{body}, 'POST 1 - - - 1 ' . md5_hex('!'), 'the content has come');

expects('Expect: unbuffered', '/unbuffered', 200, 1, body => '!');
expects('Expect: discarded', '/discarded', 200, 1, body => '!');
expects('Expect: no content', '/read', 200, 0);
expects('Expect: too large', '/max', 413, 0, body => 'x' x 10_241);
expects('Expect: of another kind', '/read', 200, 0, body => '!',
        headers => ['Expect: x']);


# Too large

for my $uri ('/max', '/max-unbuffered', '/max-page') {
    my $status = $uri eq '/max-page' ? 200 : 413;

    for my $size (10_240, 10_241, 200_000) {
        my $content = 'x' x $size;
        my %expect = (status => $size == 10_240 ? 200 : $status);

        $t->same("$uri, $size bytes", $uri, body => $content,
                 expect => \%expect);

        $t->file('upload', $content);
        $t->same("$uri, $size bytes of unknown length", $uri,
                 method => 'POST', args => ['-T', '-'], stdin => 'upload',
                 expect => \%expect);
    }
}


# Too slow

for my $uri ('/slow', '/slow-unbuffered') {
    my %log;

    for my $version ('http2', 'http3') {
        my $pid = $t->get($uri, body => $content{200_000}, $version => 1,
                          args => ['--limit-rate', 1], background => 1);

        $t->wait_for(sub {
            ($log{$version}) = $t->read_file("$version.log")
                               =~ m{^- (POST $uri .*)}m;
        });

        kill 'KILL', $pid;
        waitpid $pid, 0;
    }

    is($log{http3}, $log{http2}, $uri);
    like($log{http3}, qr/^POST $uri 408 0 /, 'is 408');
}


# Answered before it is there

for my $case (['/early', 413], ['/early-buffered', 413], ['/redirect', 302]) {
    my ($uri, $status) = @$case;

    $t->same($uri, $uri, body => 'x' x 3_000_000,
             expect => { status => $status });
}

$t->file('connection.log', '');
$t->get('/early', body => 'x' x 3_000_000, more => ['/redirect', '/early']);

my @log = map { [split] } $t->access_log(3, 'connection.log');

is("@{[map { $_->[2] } @log]}", '413 302 413', 'three of them, one by one');
is("@{[map { $_->[1] } @log]}", "$log[0][1] " x 2 . $log[0][1],
   'on one connection');

$t->stop;
$t->no_alerts;

done_testing();


sub content {
    my ($what, $uri, $body, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $t->same($what, $uri, %opt, expect => { status => 200, body => $body });
}
