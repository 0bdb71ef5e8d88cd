#!/usr/bin/perl

# Requests over HTTP/3 are native ones: every phase and every module of nginx's
# sees them as any other.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5_hex);
use IO::Select;
use IO::Socket::INET;
use Test::More;

use QuicTest;

my $t = QuicTest->new;

$t->certificate('one.test', 'one.test', 'www.one.test');
$t->certificate('two.test');

my $big = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 1_500_000;
my $text = "All work and no play makes Jack a dull boy.\n" x 500;

$t->file('html/index.html', "home\n");
$t->file('html/big.bin', $big);
$t->file('html/text.html', $text);
$t->file('html/empty.txt', '');
$t->file('html/dir/index.html', "in a folder\n");
$t->file('html/oops.html', "nothing here\n");
$t->file('html/ssi.html', 'a<!--#include virtual="/return" -->'
                          . '<!--#include virtual="/proxy/index.html" -->z');

# An upstream that accepts connections and never answers.

my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1',
                                   Proto => 'tcp')
    or BAIL_OUT("socket: $!");
my $silent_port = $silent->sockport;

$t->run(<<"EOF" . <<'EOC');
    upstream silent { server 127.0.0.1:$silent_port; }
EOF
    log_format all '$remote_addr|$request|$status|$body_bytes_sent|$scheme'
                   '|$server_protocol|$http3|$server_name|$connection'
                   '|$connection_requests|$uri';

    access_log %%DIR%%/all.log all;

    upstream backend {
        server 127.0.0.1:%%PORT_1%%;
        keepalive 4;
    }

    gzip_types text/css;
    client_max_body_size 10m;
    underscores_in_headers off;

    server {
        listen      127.0.0.1:%%PORT%% quic;
        listen      127.0.0.1:%%PORT%% ssl;
        server_name localhost;

        location /return {
            return 200 "returned\n";
        }

        location /nocontent {
            return 204;
        }

        location /empty {
            return 200;
        }

        location /close {
            return 444;
        }

        location /moved {
            return 301 /elsewhere;
        }

        location /moved-away {
            return 302 https://example.com/;
        }

        location /vars {
            return 200 "request:$request
scheme:$scheme
https:$https
protocol:$server_protocol
http3:$http3
http2:$http2
method:$request_method
uri:$request_uri
args:$args
host:$host
http_host:$http_host
addr:$remote_addr
server_addr:$server_addr
server_port:$server_port
cookie:$http_cookie
cookie_b:$cookie_b
x_test:$http_x_test
under:$http_under_score
length:$request_length
requests:$connection_requests
ssl_protocol:$ssl_protocol
ssl_cipher:$ssl_cipher
ssl_server_name:$ssl_server_name
ssl_session_reused:$ssl_session_reused
ssl_curve:$ssl_curve
ssl_client_verify:$ssl_client_verify
";
        }

        location /headers {
            add_header X-Upper-CASE  Some-Value;
            add_header Set-Cookie    a=1;
            add_header Set-Cookie    b=2;
            add_header Connection    close;
            add_header Keep-Alive    timeout=5;
            charset    utf-8;
            default_type text/plain;
            return 200 "x";
        }

        location /tokens {
            server_tokens off;
            return 200 "x";
        }

        location /gzip/ {
            alias     %%DIR%%/html/;
            gzip      on;
            gzip_vary on;
        }

        location = /missing {
            error_page 404 /oops.html;
        }

        location = /named {
            error_page 404 = @named;
        }

        location @named {
            return 200 "named:$uri\n";
        }

        location /rewritten {
            rewrite ^ /return last;
        }

        location /dav/ {
            alias       %%DIR%%/dav/;
            dav_methods PUT DELETE MKCOL COPY MOVE;
            create_full_put_path on;
            client_body_buffer_size 16k;
        }

        location /small/ {
            client_max_body_size 10k;
            alias       %%DIR%%/dav/;
            dav_methods PUT;
        }

        location /proxy/ {
            proxy_pass http://backend/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Scheme $scheme;
        }

        location /unbuffered/ {
            proxy_pass http://backend/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
            proxy_buffering off;
        }

        location /broken/ {
            proxy_pass http://127.0.0.1:%%PORT_2%%;
        }

        location /silent {
            proxy_pass http://silent;
        }

        location /slow-upload {
            proxy_pass http://backend/;
        }

        location /ssi.html {
            ssi on;
        }

        location /auth/ {
            auth_request /auth-check;
            alias %%DIR%%/html/;
        }

        location /auth-check {
            internal;
            proxy_pass http://backend/check;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }

        location /limited {
            limit_rate 100k;
            alias %%DIR%%/html/text.html;
        }

        location /memory {
            sendfile off;
            output_buffers 1 32k;
            alias %%DIR%%/html/big.bin;
        }

        location /chunk {
            sendfile_max_chunk 128k;
            alias %%DIR%%/html/big.bin;
        }

        location /status {
            stub_status;
        }
    }

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name one.test www.one.test;

        ssl_certificate     %%DIR%%/one.test.crt;
        ssl_certificate_key %%DIR%%/one.test.key;

        return 200 "one:$server_name:$host:$ssl_server_name\n";
    }

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name two.test ~^(?<part>[a-z]+)\.re\.test$;

        ssl_certificate     %%DIR%%/two.test.crt;
        ssl_certificate_key %%DIR%%/two.test.key;

        large_client_header_buffers 4 1k;
        return 200 "two:$server_name:$host:$part\n";
    }

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name client-cert.test;

        ssl_verify_client      on;
        ssl_client_certificate %%DIR%%/localhost.crt;

        return 200 "secret\n";
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;

        access_log off;

        location / {
            alias %%DIR%%/html/;
        }

        location /echo {
            add_header X-Back "one";
            return 200 "$request_method|$http_x_test|$http_x_scheme|$http_cookie|$http_host\n";
        }

        location /put/ {
            alias %%DIR%%/put/;
            dav_methods PUT;
            create_full_put_path on;
        }

        location /check {
            if ($http_x_ok) {
                return 204;
            }

            return 403;
        }
    }
EOC

my ($r, %v);


# Static files

$r = $t->get('/');
is($r->{status}, 200, 'a file');
is($r->{version}, 3, 'over HTTP/3');
is($r->{body}, "home\n", 'its content');
is($r->{headers}{'content-length'}, 5, 'content-length');
is($r->{headers}{'content-type'}, 'text/html', 'content-type');
like($r->{headers}{server}, qr{^nginx/[\d.]+}, 'server');
like($r->{headers}{date}, qr{^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$}, 'date');
like($r->{headers}{'last-modified'}, qr{^\w{3}, .* GMT$}, 'last-modified');
like($r->{headers}{etag}, qr{^"[0-9a-f-]+"$}, 'etag');
is($r->{headers}{'accept-ranges'}, 'bytes', 'accept-ranges');

my ($etag, $modified) = @{$r->{headers}}{qw(etag last-modified)};

$r = $t->get('/', headers => ["If-None-Match: $etag"]);
is($r->{status}, 304, 'not modified, by etag');
is($r->{body}, '', 'no content with 304');
is($r->{headers}{etag}, $etag, 'etag with 304');

$r = $t->get('/', headers => ["If-Modified-Since: $modified"]);
is($r->{status}, 304, 'not modified, by date');

$r = $t->get('/', method => 'HEAD');
is($r->{status}, 200, 'HEAD');
is($r->{headers}{'content-length'}, 5, 'content-length of HEAD');
is($r->{exit}, 0, 'HEAD ends well');

$r = $t->get('/empty.txt');
is($r->{status}, 200, 'an empty file');
is($r->{headers}{'content-length'}, 0, 'content-length of an empty file');
is($r->{exit}, 0, 'an empty file ends well');

for my $uri ('/big.bin', '/memory', '/chunk') {
    $r = $t->get($uri);
    is($r->{headers}{'content-length'}, length $big, "length of $uri");
    is(md5_hex($r->{body}), md5_hex($big), "content of $uri");
}

$r = $t->get('/dir');
is($r->{status}, 301, 'a folder');
is($r->{headers}{location}, 'https://localhost:' . $t->port . '/dir/',
   'location of a folder');

$r = $t->get('/none');
is($r->{status}, 404, 'no such file');
like($r->{body}, qr/404 Not Found/, 'page of an error');


# Ranges

$r = $t->get('/big.bin', headers => ['Range: bytes=1000000-2999999']);
is($r->{status}, 206, 'a range');
is($r->{headers}{'content-range'}, 'bytes 1000000-2999999/' . length $big,
   'content-range');
is(md5_hex($r->{body}), md5_hex(substr $big, 1_000_000, 2_000_000),
   'content of a range');

$r = $t->get('/text.html', headers => ['Range: bytes=0-9,100-109']);
is($r->{status}, 206, 'two ranges');
like($r->{headers}{'content-type'}, qr{^multipart/byteranges; boundary=},
     'type of two ranges');
is(length $r->{body}, $r->{headers}{'content-length'}, 'length of two ranges');

$r = $t->get('/', headers => ['Range: bytes=100-']);
is($r->{status}, 416, 'a range beyond the end');


# Responses

$r = $t->get('/return');
is($r->{body}, "returned\n", 'return');

$r = $t->get('/nocontent');
is($r->{status}, 204, 'return 204');
is($r->{headers}{'content-length'}, undef, 'no content-length with 204');
is($r->{exit}, 0, '204 ends well');

$r = $t->get('/empty');
is($r->{status}, 200, 'return without content');
is($r->{exit}, 0, 'and it ends well');

$r = $t->get('/moved');
is($r->{headers}{location}, 'https://localhost:' . $t->port . '/elsewhere',
   'a relative location becomes absolute');

$r = $t->get('/moved-away');
is($r->{headers}{location}, 'https://example.com/', 'an absolute one stays');

$r = $t->get('/close');
is($r->{status}, '000', 'return 444');
isnt($r->{exit}, 0, 'resets the stream');

$r = $t->get('/headers');
is($r->{headers}{'x-upper-case'}, 'Some-Value', 'names are in lower case');
is($r->{headers}{'set-cookie'}, "a=1\nb=2", 'two lines of one name');
is($r->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'charset');
is(join(',', grep { /^(connection|keep-alive|transfer-encoding)$/ }
             @{$r->{order}}),
   '', 'no fields about a connection');

$r = $t->get('/tokens');
is($r->{headers}{server}, 'nginx', 'server_tokens off');

$r = $t->get('/gzip/text.html', args => ['--compressed']);
is($r->{headers}{'content-encoding'}, 'gzip', 'gzip');
is($r->{headers}{vary}, 'Accept-Encoding', 'gzip_vary');
is($r->{headers}{'content-length'}, undef, 'no content-length with gzip');
is($r->{body}, $text, 'content of gzip');

$r = $t->get('/gzip/text.html');
is($r->{headers}{'content-encoding'}, undef, 'no gzip unasked');


# Internal redirects, subrequests

$r = $t->get('/missing');
is($r->{status}, 404, 'error_page');
is($r->{body}, "nothing here\n", 'its content');

$r = $t->get('/named');
is($r->{status}, 200, 'error_page to a named location');
is($r->{body}, "named:/named\n", 'its content');

$r = $t->get('/rewritten');
is($r->{body}, "returned\n", 'rewrite');

$r = $t->get('/ssi.html');
is($r->{body}, "areturned\nhome\nz", 'subrequests of SSI');

$r = $t->get('/auth/text.html', headers => ['X-Ok: 1']);
is($r->{body}, $text, 'auth_request allows');

$r = $t->get('/auth/text.html');
is($r->{status}, 403, 'auth_request forbids');


# The request as variables show it

sub vars {
    my ($uri, %opt) = @_;

    $r = $t->get($uri, %opt);

    return map { /^(\w+):(.*)$/ ? ($1 => $2) : () } split /\n/, $r->{body};
}

%v = vars('/vars/%41?x=1&y', headers => ['X-Test: a  b', 'Under_Score: 1',
                                         'Cookie: a=1', 'Cookie: b=2; c=3']);

is($v{request}, 'GET /vars/%41?x=1&y HTTP/3.0', '$request');
is($v{scheme}, 'https', '$scheme');
is($v{https}, 'on', '$https');
is($v{protocol}, 'HTTP/3.0', '$server_protocol');
is($v{http3}, 'h3', '$http3');
is($v{http2}, '', '$http2');
is($v{method}, 'GET', '$request_method');
is($v{uri}, '/vars/%41?x=1&y', '$request_uri');
is($v{args}, 'x=1&y', '$args');
is($v{host}, 'localhost', '$host');
is($v{http_host}, 'localhost:' . $t->port, '$http_host');
is($v{addr}, '127.0.0.1', '$remote_addr');
is($v{server_addr}, '127.0.0.1', '$server_addr');
is($v{server_port}, $t->port, '$server_port');
is($v{cookie}, 'a=1; b=2; c=3', '$http_cookie');
is($v{cookie_b}, '2', '$cookie_b');
is($v{x_test}, 'a  b', '$http_x_test');
is($v{under}, '', 'underscores_in_headers off');
cmp_ok($v{length}, '>', 40, '$request_length');
is($v{requests}, 1, '$connection_requests');
is($v{ssl_protocol}, 'TLSv1.3', '$ssl_protocol');
like($v{ssl_cipher}, qr/^TLS_(AES|CHACHA20)_\w+$/, '$ssl_cipher');
is($v{ssl_server_name}, 'localhost', '$ssl_server_name');
is($v{ssl_session_reused}, '.', '$ssl_session_reused');
isnt($v{ssl_curve}, '', '$ssl_curve');
is($v{ssl_client_verify}, 'NONE', '$ssl_client_verify');

%v = vars('/vars', http1 => 1);

is($r->{version}, '1.1', 'the same over TCP');
is($v{scheme}, 'https', '$scheme over TCP');
is($v{http3}, '', '$http3 over TCP');
is($v{ssl_server_name}, 'localhost', '$ssl_server_name over TCP');
like($v{ssl_protocol}, qr/^TLSv1\.[23]$/, '$ssl_protocol over TCP');

%v = vars('/vars', method => 'PROPFIND');
is($v{method}, 'PROPFIND', 'a method of WebDAV');

%v = vars('/vars', method => 'X-MINE');
is($v{method}, 'X-MINE', 'an unknown method');

$r = $t->get('/vars', method => 'TRACE');
is($r->{status}, 405, 'TRACE');

$r = $t->get('/vars', method => 'lower');
is($r->{status}, 400, 'an invalid method');

$r = $t->get('/a/../../return');
is($r->{status}, 400, 'a path that leaves the root');

$r = $t->get('/x/..//return');
is($r->{status}, 200, 'a path to be normalized');

$r = $t->get('/', headers => ['Host: a..b']);
is($r->{status}, 400, 'an invalid host');


# Servers

$r = $t->get('/', host => 'one.test');
is($r->{body}, "one:one.test:one.test:one.test\n", 'a server by TLS name');

$r = $t->get('/', host => 'www.one.test');
is($r->{body}, "one:one.test:www.one.test:www.one.test\n", 'its second name');

$r = $t->get('/', host => 'two.test');
like($r->{body}, qr/^two:two.test:two.test:/, 'another one');

$r = $t->get('/', host => 'foo.re.test');
is($r->{body}, "two:two.test:foo.re.test:foo\n", 'a server by pattern');

$r = $t->get('/', host => 'one.test', headers => ['Host: two.test']);
like($r->{body}, qr/^two:two.test:two.test:/, 'a server by Host');

$r = $t->get('/vars', host => 'one.test', headers => ['Host: unknown.test']);
is($r->{status}, 200, 'an unknown Host is the default server\'s');
like($r->{body}, qr/^host:unknown.test$/m, 'with its name');

$r = $t->get('/return', host => 'unknown.test');
is($r->{body}, "returned\n", 'so is an unknown TLS name');

$r = $t->get('/', host => 'client-cert.test');
is($r->{status}, 400, 'a server that wants a certificate');
unlike($r->{body}, qr/secret/, 'is not for everybody');

$r = $t->get('/', headers => ['Host: client-cert.test']);
is($r->{status}, 421, 'nor by another server\'s TLS name');


# Large requests: one field may take all the room, as over HTTP/2

%v = vars('/vars', headers => ['X-Test: ' . 'x' x 30_000]);
is(length $v{x_test}, 30_000, 'a large header');

$r = $t->get('/vars?' . 'x' x 30_000);
is($r->{status}, 200, 'a long URI');

for my $case (['a header', '/vars', ['X-Test: ' . 'x' x 33_000]],
              ['a URI', '/vars?' . 'x' x 33_000, []],
              ['a cookie', '/vars', ['Cookie: ' . 'x' x 33_000]],
              ['a sum', '/vars', [map { "X-$_: " . 'x' x 7000 } 1 .. 5]])
{
    my ($what, $uri, $headers) = @$case;

    $r = $t->get($uri, headers => $headers);
    is($r->{status}, 400, "$what that is too large");
    like($r->{body}, qr/Request Header Or Cookie Too Large/, 'its page');

    $r = $t->get($uri, headers => $headers, method => 'HEAD');
    is($r->{status}, 400, "$what that is too large, HEAD");
    is($r->{exit}, 0, "$what: HEAD ends well");
}


# Content

my $body = substr $big, 0, 3_000_000;

sub stored {
    my ($name, $content, $what) = @_;

    is($r->{status}, 201, $what);
    is(md5_hex($t->read_file($name)), md5_hex($content), "content of $what");
}

$r = $t->get('/dav/small', method => 'PUT', body => "small\n");
stored('dav/small', "small\n", 'PUT');

$r = $t->get('/dav/large', method => 'PUT', body => $body);
stored('dav/large', $body, 'a large PUT');

$r = $t->get('/dav/zero', method => 'PUT', body => '');
stored('dav/zero', '', 'an empty PUT');

$r = $t->get('/dav/none', method => 'PUT');
stored('dav/none', '', 'PUT without content');

for my $n (0, 1, 100, 16_384, 100_000, 3_000_000) {
    my $part = substr $body, 0, $n;

    $t->file('upload', $part);
    $r = $t->get("/dav/chunked$n",
                 args => ['-T', '-'], stdin => 'upload');
    stored("dav/chunked$n", $part, "PUT of unknown length, $n bytes");
}

$r = $t->get('/proxy/put/length', method => 'PUT', body => $body);
stored('put/length', $body, 'PUT to an upstream');

$r = $t->get('/unbuffered/put/length', method => 'PUT', body => $body);
is($r->{status}, 204, 'PUT to an upstream without buffering');
is(md5_hex($t->read_file('put/length')), md5_hex($body), 'its content');

$t->file('upload', $body);
$r = $t->get('/unbuffered/put/chunked',
             args => ['-T', '-'], stdin => 'upload');
stored('put/chunked', $body, 'PUT of unknown length without buffering');

$r = $t->get('/small/x', method => 'PUT', body => 'x' x 20_000);
is($r->{status}, 413, 'PUT larger than client_max_body_size');

$t->file('upload', 'x' x 20_000);
$r = $t->get('/small/x', args => ['-T', '-'], stdin => 'upload');
is($r->{status}, 413, 'the same of unknown length');

$r = $t->get('/return', method => 'POST', body => $body);
is($r->{body}, "returned\n", 'content that is discarded');

$r = $t->get('/text.html', method => 'POST', body => $body);
is($r->{status}, 405, 'POST to a file');

$r = $t->get('/dav/copy', method => 'MKCOL');
is($r->{status}, 409, 'MKCOL without a slash');

my $to = 'https://localhost:' . $t->port . '/dav/moved';
$r = $t->get('/dav/small', method => 'COPY', headers => ["Destination: $to"]);
is($r->{status}, 204, 'COPY to an https:// destination');
is($t->read_file('dav/moved'), "small\n", 'its content');

$r = $t->get('/dav/small', method => 'DELETE');
is($r->{status}, 204, 'DELETE');


# Upstreams

$r = $t->get('/proxy/echo', headers => ['X-Test: y', 'Cookie: a=1',
                                        'Cookie: b=2']);
is($r->{body}, "GET|y|https|a=1; b=2|backend\n", 'proxy_pass');
is($r->{headers}{'x-back'}, 'one', 'a header of the upstream');
is($r->{headers}{connection}, undef, 'but not its Connection');

$r = $t->get('/proxy/echo', method => 'POST', body => 'abc');
like($r->{body}, qr/^POST\|/, 'POST to an upstream');

$r = $t->get('/proxy/echo', method => 'HEAD');
is($r->{status}, 200, 'HEAD to an upstream');
is($r->{exit}, 0, 'and it ends well');

for my $how ('proxy', 'unbuffered') {
    $r = $t->get("/$how/big.bin");
    is(md5_hex($r->{body}), md5_hex($big), "a large response, $how");
}

$r = $t->get('/broken/');
is($r->{status}, 502, 'an upstream that refuses');


# Connections

$r = $t->get('/return?1', more => [map { "/return?$_" } 2 .. 5]);
my @log = map { [split /\|/] }
          grep { m{GET /return\?[1-5] } } $t->access_log(1, 'all.log');

$t->wait_for(sub {
    @log = map { [split /\|/] } grep { m{GET /return\?[1-5] } }
           $t->access_log(1, 'all.log');
    @log == 5;
});

is(scalar @log, 5, 'five requests of one client');
is((grep { $_->[8] == $log[0][8] } @log), 5, 'on one connection');
is(join(',', sort map { $_->[9] } @log), '1,2,3,4,5', 'counted');

$r = $t->get('/limited');
is($r->{body}, $text, 'limit_rate');


# The log

@log = $t->access_log(1, 'all.log');

sub logged { return grep { index($_, $_[0]) >= 0 } @log }

is((logged('127.0.0.1|GET /return?3 HTTP/3.0|200|9|https|HTTP/3.0|h3'
           . '|localhost|'))[0] ? 1 : 0, 1, 'a request as it is logged');
is(scalar(logged('|HEAD / HTTP/3.0|200|0|')), 1, 'HEAD has no content');
is(scalar(logged('|GET /big.bin HTTP/3.0|200|6000000|')), 1,
   'frames do not count as content');
is(scalar(logged('|GET /close HTTP/3.0|444|0|')), 1, '444 is logged');
is(scalar(logged('|GET / HTTP/3.0|200|') && logged('|one.test|')) ? 1 : 0, 1,
   'servers are logged');


# Clients that go away

sub gone {
    my ($uri, $what, @args) = @_;

    $r = $t->get($uri, args => [@args], stdin => 'upload');
    is($r->{exit}, 28, "the client gives up $what");

    ok($t->wait_for(sub {
        grep { m{ \Q$uri\E HTTP/3\.0\|499\|} } $t->access_log(1, 'all.log')
    }), '499 is logged');
}

$t->file('upload', $big);

gone('/silent', 'waiting', QuicTest::GIVE_UP);

my $upstream = IO::Select->new($silent)->can_read(QuicTest::TIMEOUT)
               ? $silent->accept : undef;
ok($upstream, 'the upstream was asked');

my $request = '';
my $eof = 0;

while ($upstream && IO::Select->new($upstream)->can_read(QuicTest::TIMEOUT)) {
    my $n = sysread $upstream, $request, 65536, length $request;
    if (!$n) {
        $eof = 1;
        last;
    }
}

like($request, qr{^GET /silent HTTP/1\.[01]\r\n}, 'its request');
ok($eof, 'the connection to the upstream is closed');

# who sends slowly may not have begun when the second is over

gone('/slow-upload', 'sending', '-m', 4, '--limit-rate', '10k', '-X', 'POST',
     '--data-binary', '@' . $t->dir . '/upload');

gone('/dav/gone', 'sending without length', '-m', 4, '--limit-rate', '10k',
     '-T', '-');


# Nothing is left

ok($t->wait_for(sub {
    my $status = $t->get('/status', http1 => 1)->{body};
    my ($active, $reading, $writing, $waiting) = $status
        =~ /connections: (\d+) .*Reading: (\d+) Writing: (\d+) Waiting: (\d+)/s;

    # this one, and idle ones of the upstream
    $active - $waiting == 1 && $reading == 0 && $writing == 1;
}), 'no request is left') or diag($t->get('/status', http1 => 1)->{body});

$t->stop;
$t->no_alerts;

done_testing();
