#!/usr/bin/perl

# Responses over HTTP/3 are those over HTTP/2: files in all ways that nginx
# reads them, ranges and conditions, and every module that makes or changes a
# response.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5 qw(md5);
use IO::Compress::Gzip qw(gzip);
use MIME::Base64 qw(encode_base64 encode_base64url);
use POSIX qw(strftime);
use Test::More;

use Parity;
use QuicTest;

my $folder = '/usr/lib/nginx/modules';
my @modules = map { "$folder/ngx_http_${_}_filter_module.so" }
              qw(image xslt);

for my $so (@modules) {
    -e $so or BAIL_OUT("no $so: make test installs it");
}

my $t = QuicTest->new(main => "thread_pool default threads=2;\n"
                              . join '', map { "load_module $_;\n" } @modules);
my $p = Parity->new($t);

my $old = 1_000_000_000;


# A file of that age.

sub file {
    my ($name, $text) = @_;

    my $path = $t->file("html/$name", $text);
    utime $old, $old, $path;
}


sub gzipped {
    my ($text) = @_;

    gzip \$text => \my $out, -Minimal => 1 or BAIL_OUT('no gzip');

    return $out;
}


my $text = join '', map { "$_: all work and no play makes Jack a dull boy.\n" }
                    1 .. 400;
my $data = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 75_000;

file('index.html', "home\n");
file('text.html', $text);
file('text.txt', $text);
file('data.bin', $data);
file('empty.txt', '');
file('one.txt', '1');
file('page.html', "<html><head></head><body>small Small</body></html>\n");
file('dir/index.html', "in a folder\n");
file('static/a.html', "plain\n");
file('static/a.html.gz', gzipped("packed\n" x 100));
file('static/only.txt.gz', gzipped("only packed\n" x 100));
file('listing/a file & more.txt', 'x' x 5000);
file('listing/folder/x', '');
file('listing/' . 'long' x 30, 'y');
file('random/the-only-one.html', "chosen\n");
file('koi.txt', "\xd4\xc5\xd3\xd4 plain\n");
file('data.xml', '<?xml version="1.0"?><list><item>one</item></list>');
file('list.xslt', '<?xml version="1.0"?><xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
    <xsl:template match="/"><html><xsl:value-of select="//item"/></html>
    </xsl:template></xsl:stylesheet>');
file('dot.gif', "GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\x01\0\0"
                . "\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;");
file('film.flv', 'FLV' . $data);
file('film.mp4', mp4());
file('htpasswd', "user:{PLAIN}secret\n");

file('ssi/page.html', <<'EOC');
<!--# block name="stub" -->stub<!--# endblock -->
<!--# config timefmt="%Y" errmsg="[error]" -->
<!--# set var="mine" value="set $arg_a" -->
<!--# echo var="mine" --> <!--# echo var="none" default="default" -->
<!--# echo var="server_protocol" --> <!--# echo var="scheme" -->
<!--# if expr="$arg_a = /^(.)/" -->is <!--# echo var="1" --><!--# else -->
no a<!--# endif -->
<!--# include virtual="/ssi/nested.html" -->
<!--# include virtual="/ssi/none.html" stub="stub" -->
<!--# include virtual="/text.html" -->
<!--# include virtual="/chunked/text.html" -->
<!--# include virtual="/threads/one.txt" wait="yes" -->
<!--# include virtual="/back/one.txt?1" set="got" -->
<!--# echo var="got" -->
<!--# include virtual="/back/data.bin" -->
<!--# include virtual="/threads/data.bin" -->
<!--# include virtual="/nosendfile/data.bin" -->
<!--# include virtual="/directaio/data.bin" -->
<!--# include virtual="/data.bin" -->
<!--# include virtual="/back/slow.txt" -->
<!--# include virtual="/back/one.txt?2" -->
<!--# include file="one.txt" -->
<!--# unknown -->
EOC
file('ssi/one.txt', 'included by name');
file('ssi/slow.txt', 's' x 20_000);
file('ssi/nested.html', 'nested <!--# include virtual="/ssi/inner.html" --> out');
file('ssi/inner.html', 'inner <!--# include virtual="/back/one.txt" --> out');
file('ssi/loop.html', 'loop <!--# include virtual="/ssi/loop.html" -->');

mkdir $t->dir . '/dav';

my $port = $t->port;
my $many = join '', map { "add_header X-Many-$_ " . 'v' x ($_ % 50) . "$_;\n" }
                    1 .. 300;
my $long = 'v' x 3900;

# How files are read.

my %ways = (
    sendfile    => 'sendfile on;',
    nosendfile  => 'sendfile off;',
    threads     => 'sendfile on; aio threads;',
    nothreads   => 'sendfile off; aio threads;',
    directio    => 'directio 512; output_buffers 1 128k;',
    directaio   => 'directio 512; aio threads; sendfile on;',
    buffers     => 'sendfile off; output_buffers 2 1k;',
    chunked     => 'sendfile on; sendfile_max_chunk 10k;',
    cached      => 'open_file_cache max=10 inactive=20s;
                    open_file_cache_errors on; open_file_cache_min_uses 1;',
    limited     => 'limit_rate 10m; limit_rate_after 100k;',
    postponed   => 'postpone_output 0; sendfile off; output_buffers 1 4k;',
    ahead       => 'read_ahead 1m; sendfile off;',
    onechunk    => 'chunked_transfer_encoding off;',
);

my $ways = join '', map { "location /$_/ { $ways{$_} alias %%DIR%%/html/; }\n" }
                    sort keys %ways;

$t->run($p->http . <<"EOC" . <<'EOF');
    charset_map koi8-r utf-8 { D4 D182; C5 D0B5; D3 D181; }

    server {
        @{[ $p->listen ]}
        server_name localhost;

        $ways

        location /many-fields {
            $many
            return 200 "many\n";
        }

        location /long-fields {
            add_header X-Long-1 $long;
            add_header X-Long-2 $long;
            add_header X-Long-3 $long;
            return 200 "long\n";
        }

        location /secure/ {
            secure_link     \$arg_md5,\$arg_expires;
            secure_link_md5 "\$secure_link_expires\$uri secret";
            add_header      X-Secure "-\$secure_link-" always;

            if (\$secure_link = "")  { return 403; }
            if (\$secure_link = "0") { return 410; }

            alias %%DIR%%/html/;
        }
EOC

        # conditions

        location /noetag/     { alias %%DIR%%/html/; etag off; }
        location /before/     { alias %%DIR%%/html/; if_modified_since before; }
        location /anew/       { alias %%DIR%%/html/; if_modified_since off; }
        location /noranges/   { alias %%DIR%%/html/; max_ranges 0; }
        location /oneranges/  { alias %%DIR%%/html/; max_ranges 1; }
        location /expires/    { alias %%DIR%%/html/; expires 1h; }
        location /expired/    { alias %%DIR%%/html/; expires -1; }
        location /max/        { alias %%DIR%%/html/; expires max; }
        location /epoch/      { alias %%DIR%%/html/; expires epoch; }
        location /modified/   { alias %%DIR%%/html/; expires modified 1d; }

        # what is packed, and unpacked

        location /gzip/ {
            alias %%DIR%%/html/;
            gzip on; gzip_vary on; gzip_min_length 10; gzip_types text/plain;
            gzip_http_version 1.1;
        }

        location /gzip-proxied/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
            gzip on; gzip_proxied any; gzip_vary on; gzip_disable "Mozilla/4";
        }

        location /static/ { gzip_static on; gzip_vary on; }
        location /always/ { alias %%DIR%%/html/static/; gzip_static always; }

        location /gunzip/ {
            alias %%DIR%%/html/static/; gzip_static always; gunzip on;
        }

        # filters

        location /sub/ {
            alias %%DIR%%/html/;
            sub_filter small large; sub_filter '</body>' '<p>$scheme</p></body>';
            sub_filter_once on; sub_filter_last_modified on;
        }

        location /sub-all/ {
            alias %%DIR%%/html/;
            sub_filter work play; sub_filter_once off; sub_filter_types *;
            sub_filter Jack $http_x_name;
        }

        location /addition/ {
            alias %%DIR%%/html/;
            add_before_body /page.html; add_after_body /back/one.txt;
            addition_types *;
        }

        location /addition-none/ {
            alias %%DIR%%/html/; add_before_body /none; addition_types *;
        }

        location /ssi/ { ssi on; ssi_last_modified on; }
        location /silent/ { alias %%DIR%%/html/ssi/; ssi on; ssi_silent_errors on; }

        location /koi/ {
            alias %%DIR%%/html/; charset utf-8; source_charset koi8-r;
            charset_types *;
        }

        location /charset/ { alias %%DIR%%/html/; charset $arg_c; }
        location /override/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/; charset utf-8;
            override_charset on;
        }

        location /xslt/ {
            alias %%DIR%%/html/; xslt_stylesheet %%DIR%%/html/list.xslt;
            xslt_types *;
        }

        location /image/  { alias %%DIR%%/html/; image_filter size; }
        location /resize/ { alias %%DIR%%/html/; image_filter resize 5 5; }

        location /all/ {
            alias %%DIR%%/html/ssi/; ssi on; gzip on; sub_filter out core;
            sub_filter_once off; addition_types *; add_after_body /one.txt;
            limit_rate 10m; charset utf-8;
        }

        # made by nginx

        location /listing/ { autoindex on; }
        location /listing-exact/ {
            alias %%DIR%%/html/listing/; autoindex on; autoindex_exact_size off;
            autoindex_localtime on;
        }
        location /listing-json/ {
            alias %%DIR%%/html/listing/; autoindex on; autoindex_format json;
        }
        location /listing-xml/ {
            alias %%DIR%%/html/listing/; autoindex on; autoindex_format xml;
        }
        location /listing-jsonp/ {
            alias %%DIR%%/html/listing/; autoindex on; autoindex_format jsonp;
        }
        location /random/ { random_index on; }
        location = /gif    { empty_gif; }
        location = /status { stub_status; }
        location ~ \.flv$  { flv; }
        location ~ \.mp4$  { mp4; mp4_buffer_size 1k; mp4_max_buffer_size 1m; }
        location /types/ {
            alias %%DIR%%/html/;
            types { application/mine txt; } default_type text/fallback;
        }

        location = /return       { return 200 "returned $request_method\n"; }
        location = /return-empty { return 200; }
        location = /return-204   { return 204; }
        location = /return-204b  { return 204 "no body"; }
        location = /return-304   { return 304; }
        location = /return-301   { return 301 /to?a=$arg_a; }
        location = /return-302   { return 302 https://example.com/$uri; }
        location = /return-303   { return 303 /to; }
        location = /return-307   { return 307 /to; }
        location = /return-308   { return 308 to; }
        location = /return-uri   { return https://example.com/; }
        location = /return-404   { return 404 "not here\n"; }
        location = /return-418   { return 418; }
        location = /return-444   { return 444; }
        location = /return-499   { return 499; }
        location = /return-500   { return 500; }
        location = /return-503   { return 503; }
        location = /return-999   { return 999; }
        location = /return-type  { default_type text/x-$arg_t; return 200 x; }
        location = /return-206   { return 206 "partial"; }
        location = /return-401   { return 401; }
        location = /return-412   { return 412; }
        location = /return-414   { return 414; }

        # fields

        location /fields {
            server_tokens off;
            add_header X-Twice one;
            add_header X-Twice two;
            add_header X-Empty "";
            add_header X-UPPER Value;
            add_header Set-Cookie a=1;
            add_header Set-Cookie b=2;
            add_header Cache-Control no-store;
            add_header Last-Modified "Sun, 09 Sep 2001 01:46:40 GMT";
            add_header ETag '"mine"';
            add_header X-Always always always;
            add_header X-Vars "$remote_addr $host $sent_http_x_twice";
            add_header Link "</a>; rel=preload";
            add_header Link "</b>; rel=preload";

            location /fields/200 { return 200 x; }
            location /fields/204 { return 204; }
            location /fields/301 { return 301 /; }
            location /fields/404 { return 404; }
            location /fields/500 { return 500 y; }
            location /fields/file/ { alias %%DIR%%/html/; }
            location /fields/inherit { add_header X-Mine only; return 200 x; }
        }

        location /tokens-build { server_tokens build; return 200 x; }
        location /hidden/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
            proxy_hide_header Last-Modified; proxy_pass_header Server;
            proxy_pass_header Date;
        }

        location /spaces {
            add_header X-Spaces "  a  b \t";
            add_header X-Space " ";
            return 200 x;
        }

        location /hop-by-hop {
            add_header Connection close;
            add_header Keep-Alive timeout=5;
            add_header Proxy-Connection close;
            add_header Upgrade h2c;
            return 200 x;
        }

        # error pages

        error_page 404 /errors/404.html;

        location /errors/ { internal; return 404 "no such page: $uri\n"; }
        location /plain404/ { error_page 400 /x; alias %%DIR%%/html/none/; }
        location /ep-named/ { error_page 404 = @named; }
        location /ep-200/   { error_page 404 =200 /text.txt; }
        location /ep-status/ { error_page 404 =418 /text.txt; }
        location /ep-zero/  { error_page 404 = /return-404; }
        location /ep-uri/   { error_page 404 https://example.com/gone; }
        location /ep-301/   { error_page 404 =301 https://example.com/gone; }
        location /ep-307/   { error_page 404 =307 /text.txt; }
        location /ep-vars/  { error_page 404 /text.txt?from=$uri; }
        location /ep-none/  { error_page 404 /absent.txt; }
        location /ep-405    { error_page 405 =200 $uri; alias %%DIR%%/html/text.txt; }
        location /ep-413    { client_max_body_size 1; error_page 413 @named;
                              proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /ep-502    { error_page 502 /text.txt;
                              proxy_pass http://127.0.0.1:%%PORT_2%%; }
        location /ep-intercept/ { error_page 404 =200 /one.txt;
                              proxy_intercept_errors on;
                              proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /ep-recursive/ { recursive_error_pages on; error_page 404 @first; }
        location @first  { recursive_error_pages on; error_page 404 @second;
                           root %%DIR%%/none; }
        location @second { return 200 "second $uri\n"; }
        location @named  { add_header X-Named "$request_uri" always;
                           return 200 "named $uri $status\n"; }

        # where to look

        location /try/       { try_files $uri $uri/ /text.txt; root %%DIR%%/html; }
        location /try-named/ { try_files /none @named; }
        location /try-code/  { try_files /none =403; }
        location /try-vars/  { try_files /$arg_f /one.txt; }
        location /internal/  { internal; return 200 secret; }
        location /deeper     { rewrite ^ /internal/ last; }
        location /index/     { alias %%DIR%%/html/dir/; index none.html index.html; }
        location /index-uri/ { alias %%DIR%%/html/dir/; index none.html /text.txt; }
        location /noindex/   { alias %%DIR%%/html/; index none; }
        location /symlinks/  { alias %%DIR%%/html/; disable_symlinks on; }
        location /nolog404/  { log_not_found off; alias %%DIR%%/html/none/; }

        # who may

        location /auth/ {
            auth_basic "closed"; auth_basic_user_file %%DIR%%/html/htpasswd;
            alias %%DIR%%/html/;
        }
        location /any/ {
            satisfy any; deny all;
            auth_basic "any"; auth_basic_user_file %%DIR%%/html/htpasswd;
            alias %%DIR%%/html/;
        }
        location /nofile/ {
            auth_basic "x"; auth_basic_user_file %%DIR%%/none;
        }
        location /auth-request/ {
            auth_request /auth/one.txt; auth_request_set $type $sent_http_content_type;
            add_header X-Type $type; alias %%DIR%%/html/;
        }
        location /auth-refused/ { auth_request /return-401; }
        location /deny/  { deny 127.0.0.1; alias %%DIR%%/html/; }
        location /allow/ { allow 127.0.0.0/8; deny all; alias %%DIR%%/html/; }
        location /real/ {
            set_real_ip_from 127.0.0.1; set_real_ip_from 192.0.2.0/24;
            real_ip_header X-Forwarded-For; real_ip_recursive on;
            deny 203.0.113.66; allow all;
            add_header X-Real "$remote_addr $realip_remote_addr" always;
            alias %%DIR%%/html/;
        }
        location /real-custom/ {
            set_real_ip_from 127.0.0.1; real_ip_header X-Client;
            alias %%DIR%%/html/; add_header X-Real "$remote_addr:$remote_port";
        }
        location /except/ {
            limit_except GET { deny all; }
            alias %%DIR%%/html/;
        }
        location /referer/ {
            valid_referers none blocked server_names *.example.com ~friend;
            if ($invalid_referer) { return 403; }
            alias %%DIR%%/html/;
        }

        # WebDAV

        location /dav/ {
            root %%DIR%%; dav_methods PUT DELETE MKCOL COPY MOVE;
            create_full_put_path on; dav_access group:rw;
        }
        location /dav-deep/ {
            alias %%DIR%%/dav/; dav_methods DELETE; min_delete_depth 3;
        }
        location /back/ { proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /back/slow.txt { proxy_pass http://127.0.0.1:%%PORT_1%%/ssi/slow.txt; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        access_log off;
        location /ssi/slow.txt { limit_rate 40k; }
        location / { charset koi8-r; }
    }
EOF

my $date = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $old);
my $later = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $old + 1);
my $before = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $old - 1);
my $etag = sprintf '"%x-%x"', $old, length $data;
my @auth = ('Authorization: Basic ' . encode_base64('user:secret', ''));
my @bad = ('Authorization: Basic ' . encode_base64('user:wrong', ''));


# Files

$p->compare(
    ['a file', '/data.bin', like => qr/^etag: \Q$etag\E/m],
    ['an empty file', '/empty.txt'],
    ['a file of one byte', '/one.txt'],
    ['a folder', '/dir/', like => qr/in a folder/],
    ['a folder without a slash', '/dir', status => 301],
    ['no such file', '/none', status => 404, like => qr/no such page/],
    ['a file with more path', '/one.txt/x', status => 404],
    ['a name that is too long', '/' . 'n' x 300, status => 404],
    ['POST to a file', '/text.txt', body => 'x', status => 405],
    ['DELETE of a file', '/text.txt', method => 'DELETE', status => 405],
    ['OPTIONS of a file', '/text.txt', method => 'OPTIONS', status => 405],
    ['an unknown method', '/text.txt', method => 'MINE', status => 405],

    map { (
        ["$_: a file", "/$_/data.bin"],
        ["$_: an empty file", "/$_/empty.txt", head => 0],
        ["$_: none", "/$_/none", status => 404, head => 0],
        ["$_: none again", "/$_/none", status => 404, head => 0],
        ["$_: a range", "/$_/data.bin", status => 206,
         headers => ['Range: bytes=1000-200999']],
        ["$_: its end", "/$_/data.bin", status => 206, head => 0,
         headers => ['Range: bytes=-100']],
        ["$_: ranges", "/$_/data.bin", status => 206, head => 0,
         headers => ['Range: bytes=0-9,1000-100999,299990-']],
    ) } sort keys %ways
);


# Ranges and conditions

sub ranges {
    my ($uri, $status, @ranges) = @_;

    return map { ["$uri, $_", $uri, status => $status,
                  headers => ["Range: $_"]] } @ranges;
}

sub condition {
    my ($status, $uri, @headers) = @_;

    return ["$uri, " . join(', ', @headers), $uri, status => $status,
            headers => \@headers];
}

$p->compare(
    ranges('/text.txt', 206, 'bytes=0-0', 'bytes=0-', 'bytes=-1', 'bytes=5-4000',
           'bytes=0-99999', 'bytes=-99999', 'bytes=0-0,-1', 'bytes=1-2,5-6,9-',
           'bytes= 0 - 1', 'bytes=10-19,0-9', 'Bytes=0-1',
           'bytes=' . join(',', map { 50 * $_ . '-' . (50 * $_ + 9) } 0 .. 99)),
    ranges('/text.txt', 416, 'bytes=99999-', 'bytes=x', 'bytes=5-4',
           'bytes=1', 'bytes=0-1,x', 'bytes=-0',
           'bytes=99999999999999999999999-'),
    ranges('/text.txt', 200, 'lines=0-1', 'bytes', 'bytes=', 'none',
           'bytes=0-99999,0-99999'),
    ranges('/empty.txt', '200|416', 'bytes=0-', 'bytes=-1'),
    ranges('/noranges/text.txt', 200, 'bytes=0-1'),
    ranges('/oneranges/text.txt', 206, 'bytes=0-1'),
    ranges('/oneranges/text.txt', 200, 'bytes=0-1,2-3'),
    ranges('/gzip/text.txt', 206, 'bytes=0-1'),
    ranges('/return', 200, 'bytes=0-1'),
    ranges('/back/text.txt', 206, 'bytes=100-199', 'bytes=1-2,4-5'),

    condition(206, '/data.bin', 'Range: bytes=0-9', "If-Range: $etag"),
    condition(206, '/data.bin', 'Range: bytes=0-9', "If-Range: $date"),
    condition(200, '/data.bin', 'Range: bytes=0-9', 'If-Range: "x"'),
    condition(200, '/data.bin', 'Range: bytes=0-9', "If-Range: W/$etag"),
    condition(200, '/data.bin', 'Range: bytes=0-9', "If-Range: $later"),
    condition(304, '/data.bin', "If-None-Match: $etag"),
    condition(304, '/data.bin', "If-None-Match: W/$etag"),
    condition(304, '/data.bin', 'If-None-Match: *'),
    condition(304, '/data.bin', "If-None-Match: \"a\", $etag"),
    condition(200, '/data.bin', 'If-None-Match: "x"'),
    condition(200, '/data.bin', 'If-None-Match: "x"',
              "If-Modified-Since: $date"),
    condition(304, '/data.bin', "If-None-Match: $etag", 'Range: bytes=0-1'),
    condition(304, '/data.bin', "If-Modified-Since: $date"),
    condition(200, '/data.bin', "If-Modified-Since: $before"),
    condition(200, '/data.bin', "If-Modified-Since: $later"),
    condition(304, '/before/data.bin', "If-Modified-Since: $later"),
    condition(200, '/anew/data.bin', "If-Modified-Since: $date"),
    condition(200, '/data.bin', 'If-Modified-Since: nonsense'),
    condition(200, '/data.bin', "If-Unmodified-Since: $date"),
    condition(412, '/data.bin', "If-Unmodified-Since: $before"),
    condition(200, '/data.bin', "If-Match: $etag"),
    condition(412, '/data.bin', 'If-Match: "x"'),
    condition(412, '/data.bin', "If-Match: W/$etag"),
    condition(200, '/noetag/data.bin', "If-None-Match: $etag"),
    condition(304, '/gzip/text.html', "If-Modified-Since: $date",
              'Accept-Encoding: gzip'),

    (map { ["$_", "/$_/one.txt", mask => qr/^expires: .*|^Expires=.*/m,
            like => qr/^cache-control: /m] }
     qw(expires expired max epoch modified)),
    ['etag off', '/noetag/one.txt'],
);


# Packed, filtered

my @gzip = (headers => ['Accept-Encoding: gzip']);

$p->compare(
    ['gzip', '/gzip/text.html', @gzip, like => qr/^content-encoding: gzip/m],
    ['gzip of a type', '/gzip/text.txt', @gzip,
     like => qr/^content-encoding: gzip/m],
    ['gzip of another type', '/gzip/data.bin', @gzip],
    ['gzip of little', '/gzip/one.txt', @gzip],
    ['gzip unasked', '/gzip/text.html', like => qr/^vary: /m],
    ['gzip;q=0', '/gzip/text.html', headers => ['Accept-Encoding: gzip;q=0']],
    ['gzip and a range', '/gzip/text.html',
     headers => ['Accept-Encoding: gzip', 'Range: bytes=0-99'], status => '20.'],
    ['gzip of an upstream', '/gzip-proxied/text.html', @gzip],
    ['gzip of a request with Via', '/gzip/text.html',
     headers => ['Accept-Encoding: gzip', 'Via: 1.1 x']],
    ['gzip_disable', '/gzip-proxied/text.html', headers =>
     ['Accept-Encoding: gzip', 'User-Agent: Mozilla/4.0 (MSIE 5.0)']],
    ['gzip_static', '/static/a.html', @gzip,
     like => qr/^content-encoding: gzip/m],
    ['gzip_static unasked', '/static/a.html', like => qr/plain/],
    ['gzip_static without a plain file', '/static/only.txt', @gzip],
    ['the same unasked', '/static/only.txt', status => 404],
    ['gzip_static and a range', '/static/a.html',
     headers => ['Accept-Encoding: gzip', 'Range: bytes=0-9']],
    ['gzip_static always', '/always/only.txt'],
    ['gunzip', '/gunzip/only.txt', like => qr/^(only packed\n){100}/m],
    ['gunzip unneeded', '/gunzip/only.txt', @gzip],
    ['gunzip of a page', '/gunzip/a.html'],

    ['sub_filter', '/sub/page.html', like => qr/large.*https/],
    ['sub_filter of another type', '/sub/text.txt'],
    ['sub_filter and a range', '/sub/page.html', headers => ['Range: bytes=0-5']],
    ['sub_filter_once off', '/sub-all/text.txt', headers => ['X-Name: Jill'],
     like => qr/Jill/],
    ['addition', '/addition/one.txt', like => qr/small.*\n11$/],
    ['addition of none', '/addition-none/one.txt', status => '\d+'],
    ['SSI', '/ssi/page.html?a=value', like => qr/set value default.*included/s],
    ['SSI without arguments', '/ssi/page.html'],
    ['SSI of itself', '/ssi/loop.html', like => qr/(loop ){50}/],
    ['ssi_silent_errors', '/silent/page.html'],
    ['charset conversion', '/koi/koi.txt',
     like => qr/\xd1\x82\xd0\xb5\xd1\x81\xd1\x82 plain/],
    ['charset', '/charset/text.html?c=utf-8', like => qr/charset=utf-8/],
    ['override_charset', '/override/text.html'],
    ['XSLT', '/xslt/data.xml', like => qr{<html>one}],
    ['XSLT of no XML', '/xslt/one.txt', status => '\d+'],
    ['image_filter', '/image/dot.gif', like => qr/"width": 1/],
    ['image_filter of no image', '/image/text.html'],
    ['image_filter resize of no image', '/resize/text.html', status => 415],
    ['image_filter resize', '/resize/dot.gif'],
    ['many filters', '/all/nested.html', @gzip],
    ['many filters, not packed', '/all/nested.html', like => qr/core/],
);


# Made by nginx

my $md5 = encode_base64url(md5('2147483647/secure/one.txt secret'));
my $past = encode_base64url(md5('1/secure/one.txt secret'));

$p->compare(
    ['autoindex', '/listing/', like => qr/a%20file%20&amp;%20more|a%20file/],
    ['autoindex_exact_size off', '/listing-exact/'],
    ['autoindex_format json', '/listing-json/'],
    ['autoindex_format xml', '/listing-xml/'],
    ['autoindex_format jsonp', '/listing-jsonp/?callback=c'],
    ['random_index', '/random/', like => qr/chosen/],
    ['empty_gif', '/gif', like => qr/GIF89a/],
    ['empty_gif, not modified', '/gif', status => '200|304',
     headers => ['If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT']],
    ['stub_status', '/status', mask => qr/\d+/, like => qr/Active connections/],
    ['flv', '/film.flv', like => qr/FLV/],
    ['flv, from the middle', '/film.flv?start=1000', like => qr/FLV\x01/],
    ['flv, from beyond the end', '/film.flv?start=9999999'],
    ['mp4', '/film.mp4', like => qr/ftyp/],
    ['mp4, from the middle', '/film.mp4?start=2', like => qr/ftyp/],
    ['mp4, a part', '/film.mp4?start=1&end=3'],
    ['mp4, a range of a part', '/film.mp4?start=1', status => 206,
     headers => ['Range: bytes=0-99']],
    ['mp4, from beyond the end', '/film.mp4?start=99', status => '\d+'],
    ['types', '/types/one.txt', like => qr{^content-type: application/mine}m],
    ['default_type', '/types/one.txt/../data.bin',
     like => qr{^content-type: text/fallback}m],

    ['return', '/return'],
    ['return to POST', '/return', body => 'x' x 10_000, like => qr/POST/],
    ['return to PUT', '/return', method => 'PUT', like => qr/PUT/,
     log => ['content_length']],
    ['return without text', '/return-empty'],
    ['return 204', '/return-204'],
    ['return 204 with text', '/return-204b'],
    ['return 301', '/return-301?a=1', status => 301],
    ['return 444', '/return-444', status => '000', head => 0],
    ['return of a type', '/return-type?t=a'],
    ['return 999', '/return-999', status => 999],
    (map { ["return $_", "/return-$_", status => '\d+'] }
     qw(206 302 303 304 307 308 uri 401 404 412 414 418 499 500 503)),

    ['secure_link', "/secure/one.txt?md5=$md5&expires=2147483647",
     like => qr/-1-/],
    ['secure_link, expired', "/secure/one.txt?md5=$past&expires=1",
     status => 410],
    ['secure_link, wrong', "/secure/text.txt?md5=$md5&expires=2147483647",
     status => 403],
    ['secure_link, none', '/secure/one.txt', status => 403],
);


# Fields

$p->compare(
    (map { ["fields of $_", "/fields/$_", status => '\d+'] }
     qw(200 204 301 404 500 file/one.txt file/none inherit)),
    ['add_header and 304', '/fields/file/one.txt', status => '200|304',
     headers => ['If-None-Match: "mine"']],
    ['add_header and 206', '/fields/file/text.txt', status => 206,
     headers => ['Range: bytes=0-1']],
    ['server_tokens build', '/tokens-build'],
    ['fields of an upstream', '/back/one.txt'],
    ['hidden ones', '/hidden/one.txt', like => qr/^server: /m],
    ['many', '/many-fields', like => qr/^x-many-300: /m],
    ['long ones', '/long-fields', like => qr/^x-long-3: v{3900}$/m],
);


# Error pages, places

$p->compare(
    ['error_page', '/none', status => 404, like => qr/no such page/],
    ['none of its own', '/plain404/x', status => 404],
    ['error_page to a name', '/ep-named/x?a', like => qr/named/],
    ['error_page =200', '/ep-200/x'],
    ['error_page =418', '/ep-status/x', status => 418],
    ['error_page =', '/ep-zero/x', status => 404],
    ['error_page elsewhere', '/ep-uri/x', status => 302],
    ['error_page =301', '/ep-301/x', status => 301],
    ['error_page =307', '/ep-307/x', status => '\d+'],
    ['error_page with variables', '/ep-vars/x', status => 404],
    ['error_page that is none', '/ep-none/x', status => 404],
    ['error_page 405', '/ep-405', body => 'x', status => '\d+'],
    ['error_page 413', '/ep-413', body => 'x' x 10, status => '\d+'],
    ['error_page 502', '/ep-502', status => 502],
    ['proxy_intercept_errors', '/ep-intercept/none'],
    ['recursive_error_pages', '/ep-recursive/x', like => qr/second/,
     status => 404],
    ['error_page of POST', '/none', body => 'x' x 100, status => 404],
    ['error_page of PUT', '/ep-named/x', method => 'PUT', body => 'abc',
     status => '\d+'],

    ['try_files', '/try/one.txt', like => qr/Jack/],
    ['try_files of a folder', '/try/dir/', status => '\d+'],
    ['try_files to a name', '/try-named/', like => qr/named/],
    ['try_files to a code', '/try-code/', status => 403],
    ['try_files with variables', '/try-vars/?f=text.txt', like => qr/Jack/],
    ['try_files out', '/try-vars/?f=../nginx.conf', status => '\d+'],
    ['internal', '/internal/', status => 404],
    ['internal by rewrite', '/deeper', like => qr/secret/],
    ['index', '/index/', like => qr/in a folder/],
    ['index elsewhere', '/index-uri/', like => qr/Jack/],
    ['no index', '/noindex/', status => 403],
    ['disable_symlinks', '/symlinks/one.txt', status => '\d+'],
    ['log_not_found off', '/nolog404/x', status => 404],
);


# Who may

$p->compare(
    ['auth_basic', '/auth/one.txt', headers => \@auth],
    ['auth_basic, wrong', '/auth/one.txt', headers => \@bad, status => 401],
    ['auth_basic, none', '/auth/one.txt', status => 401,
     like => qr/^www-authenticate: Basic realm="closed"/m],
    ['auth_basic, nonsense', '/auth/one.txt', status => 401,
     headers => ['Authorization: Basic !!']],
    ['auth_basic, another scheme', '/auth/one.txt', status => 401,
     headers => ['Authorization: Bearer x']],
    ['auth_basic without a file', '/nofile/', headers => \@auth,
     status => 403],
    ['satisfy any', '/any/one.txt', headers => \@auth],
    ['satisfy any, none', '/any/one.txt', status => 401],
    ['auth_request', '/auth-request/one.txt', headers => \@auth,
     like => qr/^x-type: text/m],
    ['auth_request, refused', '/auth-refused/one.txt', status => 401],
    ['deny', '/deny/one.txt', status => 403],
    ['allow', '/allow/one.txt'],
    ['realip', '/real/one.txt', headers => ['X-Forwarded-For: 198.51.100.1'],
     like => qr/^x-real: 198.51.100.1 127.0.0.1/m],
    ['realip, two', '/real/one.txt', like => qr/^x-real: 198.51.100.1 /m,
     headers => ['X-Forwarded-For: 198.51.100.1, 192.0.2.1']],
    ['realip, two fields', '/real/one.txt', like => qr/^x-real: 198.51.100.2 /m,
     headers => ['X-Forwarded-For: 198.51.100.2', 'X-Forwarded-For: 192.0.2.1']],
    ['realip, denied', '/real/one.txt', status => 403,
     headers => ['X-Forwarded-For: 203.0.113.66']],
    ['realip, IPv6', '/real/one.txt', like => qr/^x-real: 2001:db8::1 /m,
     headers => ['X-Forwarded-For: 2001:db8::1']],
    ['realip, none', '/real/one.txt', like => qr/^x-real: 127.0.0.1 /m],
    ['realip, nonsense', '/real/one.txt', like => qr/^x-real: 127.0.0.1 /m,
     headers => ['X-Forwarded-For: nobody']],
    ['realip with a port', '/real-custom/one.txt',
     like => qr/^x-real: 198.51.100.1:4711/m,
     headers => ['X-Client: 198.51.100.1:4711']],
    ['limit_except', '/except/one.txt'],
    ['limit_except, POST', '/except/one.txt', body => 'x', status => 403],
    ['limit_except, unknown', '/except/one.txt', method => 'MINE',
     status => 403],
    ['referer', '/referer/one.txt'],
    ['referer, own', '/referer/one.txt', headers => ['Referer: https://localhost/']],
    ['referer, good', '/referer/one.txt',
     headers => ['Referer: https://www.example.com/x']],
    ['referer, bad', '/referer/one.txt', status => 403,
     headers => ['Referer: https://evil.test/']],
);


# WebDAV: what one step leaves is what the next one finds

sub dav {
    my ($status, $method, $uri, @headers) = @_;

    my $body = $method eq 'PUT' ? 'content' : undef;

    return [join(' ', $method, $uri, @headers), $uri, method => $method,
            headers => \@headers, body => $body, status => $status];
}

my $to = "Destination: https://localhost:$port/dav";
my $times = qr/^(?:last-modified|etag): .*|[0-9a-f]+-7\b|\w{3}, .*GMT/m;

$p->compare(
    dav(201, 'PUT', '/dav/a'),
    dav(204, 'PUT', '/dav/a'),
    dav(201, 'PUT', '/dav/x/y/z'),
    dav(201, 'PUT', '/dav/dated', "Date: $date"),
    ['the dated one', '/dav/dated', mask => $times],
    dav(409, 'PUT', '/dav/folder/'),
    dav(501, 'PUT', '/dav/a', 'Content-Range: bytes 0-6/7'),
    dav(201, 'MKCOL', '/dav/folder/'),
    dav(405, 'MKCOL', '/dav/folder/'),
    dav(409, 'MKCOL', '/dav/none/folder/'),
    dav(409, 'MKCOL', '/dav/folder'),
    dav(204, 'COPY', '/dav/a', "$to/folder/b"),
    dav(204, 'COPY', '/dav/a', "$to/folder/b"),
    dav(412, 'COPY', '/dav/a', "$to/folder/b", 'Overwrite: F'),
    dav(204, 'COPY', '/dav/a', "$to/folder/b", 'Overwrite: T'),
    dav(400, 'COPY', '/dav/a'),
    dav(400, 'COPY', '/dav/a', 'Destination: https://elsewhere.test/dav/b'),
    dav(400, 'COPY', '/dav/a', "Destination: http://localhost:$port/dav/b"),
    dav(400, 'COPY', '/dav/a', 'Destination: dav/b'),
    dav(204, 'COPY', '/dav/a', 'Destination: /dav/c'),
    dav(409, 'COPY', '/dav/a', "$to/folder/"),
    dav(201, 'COPY', '/dav/x/', "$to/copy/"),
    dav(201, 'MOVE', '/dav/copy/', "$to/moved/"),
    dav(404, 'MOVE', '/dav/none', "$to/d"),
    dav(204, 'MOVE', '/dav/c', "$to/d%20e"),
    ['what was moved', '/dav/d%20e', mask => $times, like => qr/content/],
    dav(409, 'DELETE', '/dav-deep/a'),
    dav(400, 'DELETE', '/dav/x/', 'Depth: 1'),
    dav(204, 'DELETE', '/dav/x/', 'Depth: infinity'),
    dav(404, 'DELETE', '/dav/none'),
    dav(409, 'DELETE', '/dav/folder'),
    (map { dav(204, 'DELETE', "/dav/$_") }
     qw(folder/ moved/ a dated d%20e)),
    dav(405, 'PROPFIND', '/dav/'),
    dav('405|403', 'LOCK', '/dav/'),
);


# What isn't for HTTP/2 and HTTP/3 at all, and nginx's HTTP/2 passes on

my $r = $t->get('/hop-by-hop');
is(join(',', grep { /^(?:connection|keep-alive|proxy-connection|upgrade)$/ }
             @{$r->{order}}), '', 'no fields of a connection');

# HTTP/2 sends this one as it is, which HTTP/3's clients don't accept

$r = $t->get('/spaces');
is($r->{headers}{'x-spaces'}, 'a  b', 'no space around a value');
is($r->{headers}{'x-space'}, '', 'nor instead of one');

$t->stop;
$t->no_alerts;

done_testing();


# Atoms: a film of one track, of 10 pictures that are seconds long.

sub atom {
    my ($name, @content) = @_;

    my $content = join '', @content;

    return pack('N', 8 + length $content) . $name . $content;
}


sub mp4 {
    my $n = 10;
    my $size = 1000;
    my $start = 0;
    my $film;

    # what stands in front of the pictures is as long whatever it says

    for (1 .. 2) {
        my $stbl = atom('stbl',
            atom('stsd', pack('NN', 0, 1), atom('mine', "\0" x 8)),
            atom('stts', pack('N4', 0, 1, $n, 1000)),
            atom('stss', pack('N2 N*', 0, $n, 1 .. $n)),
            atom('stsc', pack('N2 N3', 0, 1, 1, 1, 1)),
            atom('stsz', pack('N3 N*', 0, 0, $n, ($size) x $n)),
            atom('stco', pack('N2 N*', 0, $n,
                              map { $start + $size * $_ } 0 .. $n - 1)));

        my $moov = atom('moov',
            atom('mvhd', pack('N5 x80', 0, 0, 0, 1000, $n * 1000)),
            atom('trak',
                atom('tkhd', pack('N6 x60', 0, 0, 0, 1, 0, $n * 1000)),
                atom('mdia',
                    atom('mdhd', pack('N5 x4', 0, 0, 0, 1000, $n * 1000)),
                    atom('hdlr', pack('N2 a4 x13', 0, 0, 'vide')),
                    atom('minf',
                        atom('vmhd', "\0" x 12),
                        atom('dinf', atom('dref', pack('N2', 0, 0))),
                        $stbl))));

        my $head = atom('ftyp', 'isom', "\0" x 4, 'isom') . $moov;

        $start = 8 + length $head;
        $film = $head . atom('mdat', map { chr(65 + $_) x $size } 0 .. $n - 1);
    }

    return $film;
}
