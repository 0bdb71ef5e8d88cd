#!/usr/bin/perl

# What nginx makes of a request over HTTP/3 is what it makes of it over HTTP/2:
# the server by its name, the URI, redirects, header fields, methods.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use Parity;
use QuicTest;

my $t = QuicTest->new;
my $p = Parity->new($t);

$t->certificate('localhost', map { "$_.test" }
                'localhost', 'one', '*.one', '*.two', 'names', 'invalid');

$t->file('html/index.html', "home\n");
$t->file('html/dir/index.html', "in a folder\n");
$t->file('html/dir/sub dir/index.html', "in a folder of a folder\n");
$t->file('html/a b.html', "space\n");
$t->file("html/\xc3\xa4.html", "umlaut\n");
$t->file('html/100%.html', "percent\n");
$t->file('html/a//b.html', "slash\n");

my $names = join ' ', map { "many$_.names.test *.wild$_.names.test" } 1 .. 300;

$t->run($p->http . <<"EOC" . <<'EOF' . <<"EOT");
    server_names_hash_bucket_size 64;
    server_names_hash_max_size    4096;
    variables_hash_bucket_size    128;

    map \$host \$mapped {
        hostnames;
        default      other;
        .one.test    one;
        localhost    local;
        ~^(?<m>\\w)  regex-\$m;
    }

    map \$http_x_a\$arg_a \$color {
        default   none;
        red       RED;
        ~*^gr(.*) GR\$1;
        \\default  escaped;
    }

    geo \$place {
        default        far;
        127.0.0.0/8    near;
        198.51.100.0/24 forwarded;
        proxy          127.0.0.1;
        proxy_recursive;
    }

    geo \$arg_ip \$place_of_arg {
        default      none;
        192.0.2.0/24 test;
        2001:db8::/32 doc;
    }

    split_clients "\$arg_id" \$half {
        50%  first;
        *    second;
    }

    server {
        @{[ $p->listen ]}
        server_name first.test;
        return 200 "not the default";
    }

    server {
        @{[ $p->listen('default_server') ]}
        server_name localhost "";
EOC

        location = /vars {
            return 200 "host:$host
http_host:$http_host
server_name:$server_name
server_port:$server_port
request_uri:$request_uri
uri:$uri
args:$args
arg_a:$arg_a
arg_b:$arg_b
is_args:$is_args
request:$request
method:$request_method
cookie:$http_cookie
cookie_a:$cookie_a
cookie_b:$cookie_b
cookie_c:$cookie_c
x_a:$http_x_a
x_two:$http_x_two
under:$http_x_under_score
accept:$http_accept
te:$http_te
mapped:$mapped
color:$color
place:$place
place_of_arg:$place_of_arg
half:$half
https:$https
scheme:$scheme
content_type:$content_type
length:$content_length
xff:$http_x_forwarded_for
ua:$http_user_agent
referer:$http_referer
via:$http_via
ssl_server_name:$ssl_server_name
tcpinfo:$proxy_protocol_addr
";
        }

        location /set {
            set $a "$args-x";
            set $args "b=2&$args";
            return 200 "$a $args $arg_b $is_args $query_string\n";
        }

        # redirects of nginx's own

        location /dir         { }
        location /relative/   { absolute_redirect off; alias %%DIR%%/html/; }
        location /noport/     { port_in_redirect off; alias %%DIR%%/html/; }
        location /byname/     { server_name_in_redirect on; alias %%DIR%%/html/; }
        location /byname-noport/ {
            server_name_in_redirect on; port_in_redirect off;
            alias %%DIR%%/html/;
        }
        location /proxied/    { proxy_pass http://127.0.0.1:%%PORT_1%%/; }
        location /proxy-redirect/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
            proxy_redirect http://127.0.0.1:%%PORT_1%%/ /proxy-redirect/;
            proxy_cookie_path / /proxy-redirect/;
        }
        location /to/absolute { return 302 http://$host/x; }
        location /to/relative { return 302 x/y; }
        location /to/query    { return 302 ?a; }
        location /to/scheme   { return 302 //other.test/; }
        location /to/none     { return 302 ""; }
        location /to/noabs    { absolute_redirect off; return 301 /x; }
        location /to/name     { server_name_in_redirect on; return 301 /x; }
        location /to/noport   { port_in_redirect off; return 301 /x; }

        # rewrite

        location /rw/last      { rewrite ^/rw/last/(.*) /vars?was=$1 last; }
        location /rw/noargs    { rewrite ^ /vars?only=1? last; }
        location /rw/break     { rewrite ^/rw/break/(.*) /$1 break; }
        location /rw/redirect  { rewrite ^/rw/redirect/(.*) /$1 redirect; }
        location /rw/permanent { rewrite ^/rw/permanent/(.*) /$1 permanent; }
        location /rw/elsewhere { rewrite ^ https://example.com/$uri; }
        location /rw/none      { rewrite ^/nothing /x; return 200 "stays\n"; }
        location /rw/named     { rewrite ^/rw/named/(?<part>.*)$ /rw/got/$part; }
        location /rw/got       { return 200 "got $part\n"; }
        location /rw/loop      { rewrite ^ /rw/loop/$uri last; }
        location /rw/log       { rewrite_log on; rewrite ^ /vars last; }
        location /rw/if {
            if ($request_method = PURGE) { return 200 "purged\n"; }
            if ($http_x_a ~* "^ab(.)")   { return 200 "if $1\n"; }
            if (-f $document_root/index.html) { set $file 1; }
            if (!-e $document_root/none)      { set $file "${file}2"; }
            return 200 "$file\n";
        }
        location ~ ^/regex/(?<id>\d+)/(.*)\.html$ { return 200 "$id $2\n"; }
        location ~* \.UPPER$                      { return 200 "upper\n"; }
        location ^~ /regex/first                  { return 200 "prefix\n"; }
        location /decoded/                        { return 200 "$uri\n"; }
        location "/with space/"                   { return 200 "space: $uri\n"; }

        location /except {
            limit_except GET POST { deny all; }
            return 204;
        }

        location /cookies {
            userid on; userid_name uid; userid_expires max; userid_p3p 'x="y"';
            userid_flags secure httponly samesite=strict;
            add_header X-Got "$uid_got" always;
            alias %%DIR%%/html/index.html;
        }

        error_page 405 /405;
        location = /405 { internal; return 405 "a page of 405\n"; }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        access_log off;
        add_header Set-Cookie "a=1; path=/";
        port_in_redirect on;
        root %%DIR%%/html;
    }
EOF
    # servers by name

    server {
        @{[ $p->listen ]}
        server_name .one.test;
        return 200 "one:\$server_name:\$host:\$http_host\n";
    }

    server {
        @{[ $p->listen ]}
        server_name *.two.test mail.*;
        error_page 404 405 400 /error;
        location / {
            return 200 "wildcard:\$server_name:\$host\n";
        }
        location /404   { return 404; }
        location /moved { return 301 /x; }
        location /named { server_name_in_redirect on; return 301 /x; }
        location /error { return 200 "two's page of \$status\n"; }
    }

    server {
        @{[ $p->listen ]}
        server_name "~^(?<sub>[a-z]{2,5})\\.(?<rest>re\\..+)\$";
        root %%DIR%%/\$sub;
        return 200 "regex:\$sub:\$rest:\$1:\$server_name:\$document_root\n";
    }

    server {
        @{[ $p->listen ]}
        server_name $names;
        return 200 "many:\$server_name:\$host\n";
    }

    server {
        @{[ $p->listen ]}
        server_name slashes.test;
        merge_slashes off;
        location / { return 200 "\$uri\n"; }
    }

    server {
        @{[ $p->listen ]}
        server_name fields.test;
        underscores_in_headers on;
        ignore_invalid_headers off;
        large_client_header_buffers 4 1k;
        client_header_buffer_size 128;
        return 200 "\$http_x_under_score:\$http_x_:\$http_a_b\n";
    }

    server {
        @{[ $p->listen ]}
        server_name 127.0.0.1 [::1];
        return 200 "address:\$host\n";
    }
EOT

my $port = $t->port;


# Variables that come from the request

my @vars = ('/vars');

sub vars {
    my ($name, $uri, $like, @headers) = @_;

    return [$name, $uri, headers => \@headers, like => $like, head => 0];
}

$p->compare(
    vars('variables', '/vars', qr/^host:localhost$/m),
    vars('$host is in lower case', '/vars', qr/^host:localhost$/m,
         "Host: LocalHost:$port"),
    vars('$http_host', '/vars', qr/^http_host:localhost:1$/m,
         'Host: localhost:1'),
    vars('a final dot', '/vars', qr/^host:localhost$/m,
         "Host: localhost.:$port"),
    vars('an unknown host', '/vars', qr/^host:nobody.test$/m,
         'Host: nobody.test'),
    vars('an IPv6 address', '/vars', qr/^host:\[2001:db8::1\]$/m,
         'Host: [2001:db8::1]:443'),
    vars('a name with an underscore', '/vars', qr/^host:a_b$/m, 'Host: a_b'),

    vars('arguments', '/vars?a=1&b=2&a=3', qr/^arg_a:1$/m),
    vars('no arguments', '/vars?', qr/^args:$/m),
    vars('empty ones', '/vars?a=&&b', qr/^arg_a:$/m),
    vars('question marks', '/vars?a=1?b=2?', qr/^arg_a:1\?b=2\?$/m),
    vars('encoded ones', '/vars?a=%41%20+%zz', qr/^arg_a:%41%20\+%zz$/m),
    vars('in upper case', '/vars?A=1', qr/^arg_a:1$/m),

    vars('cookies', '/vars', qr/^cookie:a=1; b=2; c=3$/m,
         'Cookie: a=1', 'Cookie: b=2; c=3'),
    vars('a cookie twice', '/vars', qr/^cookie_a:1$/m,
         'Cookie: a=1', 'Cookie: a=2'),
    vars('odd cookies', '/vars', qr/^cookie_b:2$/m,
         'Cookie: a; b=2;c=3;;  ;=x'),
    vars('one with a quote', '/vars', qr/^cookie_b:"2;? ?/m,
         'Cookie: b="2; c=3"'),

    vars('a field', '/vars', qr/^x_a:a  b$/m, 'X-A:   a  b'),
    vars('an empty field', '/vars', qr/^x_a:$/m, 'X-A;'),
    vars('two of one name', '/vars', qr/^x_two:/m, 'X-Two: 1', 'X-Two: 2'),
    vars('two X-Forwarded-For', '/vars', qr/^xff:192.0.2.1, 192.0.2.2$/m,
         'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2'),
    vars('an underscore', '/vars', qr/^under:$/m, 'X_Under_Score: 1'),
    vars('UTF-8', '/vars', qr/^x_a:\xc3\xa4$/m, "X-A: \xc3\xa4"),
    vars('Latin-1', '/vars', qr/^x_a:\xe4$/m, "X-A: \xe4"),
    vars('TE', '/vars', qr/^te:trailers$/m, 'TE: trailers'),
    vars('Referer', '/vars', qr/^referer:x$/m, 'Referer: x'),
    vars('Via', '/vars', qr/^via:1.1 a$/m, 'Via: 1.1 a'),
    vars('many fields', '/vars', qr/^x_a:last$/m,
         (map { "X-$_: $_" } 1 .. 60), 'X-A: last'),
    vars('a long field', '/vars', qr/^x_a:y{7000}$/m, 'X-A: ' . 'y' x 7000),
    vars('a long argument', '/vars?a=' . 'z' x 7000, qr/^arg_a:z{7000}$/m),

    vars('map', '/vars', qr/^mapped:local$/m),
    vars('map of a wildcard', '/vars', qr/^mapped:regex-w$/m,
         'Host: www.three.test'),
    vars('map of two', '/vars?a=een', qr/^color:GReen$/m, 'X-A: gr'),
    vars('map of one', '/vars?a=red', qr/^color:RED$/m),
    vars('geo', '/vars', qr/^place:near$/m),
    vars('geo of a proxy', '/vars', qr/^place:forwarded$/m,
         'X-Forwarded-For: 198.51.100.7'),
    vars('geo of an argument', '/vars?ip=2001:db8::7', qr/^place_of_arg:doc$/m),
    (map { vars("split_clients of $_", "/vars?id=$_",
                qr/^half:(?:first|second)$/m) } 1 .. 8),
    vars('set', '/set?x=1', qr/^x=1-x b=2&x=1 2 \? b=2&x=1$/m),
);


# Redirects

sub redirect {
    my ($uri, $location, @more) = @_;

    return [$uri, $uri, status => '30[1278]', @more,
            like => qr/^location: \Q$location\E$/m];
}

my $here = "https://localhost:$port";

$p->compare(
    redirect('/dir', "$here/dir/"),
    redirect('/dir?a=b', "$here/dir/?a=b"),
    redirect('/dir/sub%20dir', "$here/dir/sub%20dir/"),
    redirect('/relative/dir', '/relative/dir/'),
    redirect('/noport/dir', 'https://localhost/noport/dir/'),
    redirect('/byname/dir', "$here/byname/dir/"),
    redirect('/byname-noport/dir', 'https://localhost/byname-noport/dir/',
             headers => ['Host: nobody.test']),
    redirect('/byname/dir', "$here/byname/dir/",
             headers => ['Host: nobody.test']),
    redirect('/dir', "https://nobody.test:$port/dir/",
             headers => ['Host: nobody.test:1']),
    redirect('/dir', "https://[2001:db8::1]:$port/dir/",
             headers => ['Host: [2001:db8::1]']),
    redirect('/dir', "$here/dir/", headers => ["Host: LOCALHOST.:$port"]),
    redirect('/proxied/dir', "$here/proxied/dir/"),
    redirect('/proxy-redirect/dir', "$here/proxy-redirect/dir/",
             log => ['upstream_addr']),
    redirect('/to/absolute', 'http://localhost/x'),
    redirect('/to/relative', 'x/y'),
    redirect('/to/query', '?a'),
    redirect('/to/scheme', "$here//other.test/"),
    redirect('/to/noabs', '/x'),
    redirect('/to/name', "$here/x", headers => ['Host: nobody.test']),
    redirect('/to/noport', 'https://localhost/x'),
    ['a redirect to nothing', '/to/none', status => '\d+'],
    redirect('/rw/redirect/dir', "$here/dir"),
    redirect('/rw/redirect/a?b=c', "$here/a?b=c"),
    redirect('/rw/permanent/a%20b', "$here/a%20b"),
    redirect('/rw/elsewhere', 'https://example.com//rw/elsewhere'),
    redirect('/moved', "https://a.two.test:$port/x", host => 'a.two.test'),
    redirect('/named', "https://*.two.test:$port/x", host => 'a.two.test'),
    ['a redirect of POST', '/dir', body => 'x' x 50_000, status => 301],
);


# Rewrites, locations

$p->compare(
    ['rewrite last', '/rw/last/a', like => qr/^args:was=a$/m],
    ['rewrite with arguments', '/rw/last/a?b=c', like => qr/^args:was=a&b=c$/m],
    ['rewrite without arguments', '/rw/noargs?b=c', like => qr/^args:only=1$/m],
    ['rewrite break', '/rw/break/dir/index.html', like => qr/in a folder/],
    ['rewrite break to nothing', '/rw/break/nothing', status => 404],
    ['no rewrite', '/rw/none', like => qr/stays/],
    ['rewrite with a name', '/rw/named/x/y', like => qr{got x/y}],
    ['rewrite in a circle', '/rw/loop/', status => 500],
    ['rewrite_log', '/rw/log'],
    ['if: a method', '/rw/if', method => 'PURGE', like => qr/purged/],
    ['if: a field', '/rw/if', headers => ['X-A: ABC'], like => qr/if C/],
    ['if: files', '/rw/if', like => qr/12/],
    ['a location by regex', '/regex/12/a/b.html', like => qr{12 a/b}],
    ['a location without case', '/REGEX/x.uPPer', like => qr/upper/],
    ['a location before regexes', '/regex/first/12/a.html', like => qr/prefix/],
    ['a location with a space', '/with%20space/x', like => qr/space: /],
    ['a name with a space', '/a%20b.html', like => qr/space/],
    ['a name in UTF-8', '/%c3%a4.html', like => qr/umlaut/],
    ['UTF-8 as it is', '/', target => "/\xc3\xa4.html", like => qr/umlaut/],
    ['a percent sign', '/100%25.html', like => qr/percent/],
);


# Paths

sub path {
    my ($path, $status, $like, %opt) = @_;

    return ["path $path", '/', target => $path, status => $status,
            like => $like, head => 0, %opt];
}

$p->compare(
    path('/decoded/a%2Fb', 200, qr{^/decoded/a/b$}m),
    path('/decoded/a%2fb%2e%2e/c', 200, qr{^/decoded/a/b\.\./c$}m),
    path('/decoded/../dir/', 200, qr/in a folder/),
    path('/decoded/%2e%2e/dir/', 200, qr/in a folder/),
    path('/decoded/./x', 200, qr{^/decoded/x$}m),
    path('/decoded//x///y', 200, qr{^/decoded/x/y$}m),
    path('//decoded/x', 200, qr{^/decoded/x$}m),
    path('/decoded/x?y=../..', 200, qr{^/decoded/x$}m),
    path('/decoded/%41%zz', 400),
    path('/decoded/%4', 400),
    path('/decoded/%00', 400),
    path('/decoded/%0a', 200),
    path('/..', 400),
    path('/../', 400),
    path('/%2e%2e/', 400),
    path('/a/../../', 400),
    path('/decoded/a%3Fb?c', 200, qr{^/decoded/a\?b$}m),
    path('/decoded/a%23b', 200, qr{^/decoded/a#b$}m),
    path('/decoded/a+b', 200, qr{^/decoded/a\+b$}m),
    path('/decoded/a;b=c,d', 200),
    path('/decoded/"<>\\^`{|}', 200),
    path('*', 400, undef, malformed => 1),
    path('decoded/x', 400, undef, malformed => 1),
    path('https://localhost/decoded/x', '\d+'),
    path('?a', 400, undef, malformed => 1),
    ['OPTIONS *', '/', method => 'OPTIONS', target => '*', status => '\d+'],
    ['OPTIONS', '/vars', method => 'OPTIONS', like => qr/^method:OPTIONS$/m],

    ['merge_slashes off', '/a//b/..///c', host => 'slashes.test',
     like => qr{^/a////c$}m],
    ['merge_slashes on', '/decoded/a//b/..///c', like => qr{^/decoded/a/c$}m],
);


# Methods

$p->compare(
    (map { ["method $_", '/vars', method => $_, like => qr/^method:$_$/m] }
     qw(GET DELETE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK PURGE A_B-C
        X GETS)),

    # without content theirs has a length of 0, as it has over HTTP/1

    (map { ["method $_", '/vars', method => $_, like => qr/^method:$_$/m,
            log => ['content_length', 'sent_http_content_length',
                    'body_bytes_sent'],
            mask => qr/^length:.*|^content-length: .*/m] }
     qw(POST PUT PATCH)),
    (map { ["method $_ with content", '/vars', method => $_, body => 'x',
            like => qr/^method:$_\n.*^length:1$/ms] }
     qw(GET POST PUT PATCH DELETE X)),
    ['TRACE', '/vars', method => 'TRACE', status => 405,
     like => qr/a page of 405/],
    ['TRACE of another server', '/x', method => 'TRACE', host => 'a.two.test',
     status => 405, like => qr/two's page/],
    ['a method in lower case', '/vars', method => 'get', status => 400],
    ['a method with a digit', '/vars', method => 'GET2', status => 400],
    ['limit_except', '/except', status => 204],
    ['limit_except: allowed', '/except', method => 'POST', body => 'x',
     status => 204],
    ['limit_except: denied', '/except', method => 'DELETE', status => 403],
    ['limit_except: unknown', '/except', method => 'MINE', status => 403],
    ['userid', '/cookies', like => qr/^set-cookie: uid=.*; secure; httponly/m,
     mask => qr/uid=[^;]*/],
    ['userid, known', '/cookies', mask => qr/uid=[^;]*/,
     headers => ['Cookie: uid=fwAAAWOqPzkAAAAAAwMGAg=='],
     like => qr/^x-got: uid=/m],
    ['Expect of another kind', '/vars', headers => ['Expect: x']],
);


# Servers

sub name {
    my ($host, $like, @headers) = @_;

    return ["$host @headers", '/', host => $host, headers => \@headers,
            like => $like, head => 0];
}

$p->compare(
    name('one.test', qr/^one:one.test:one.test:one.test:\d+$/m),
    name('ONE.test', qr/^one:one.test:one.test:/m),
    name('a.b.one.test', qr/^one:one.test:a.b.one.test:/m),
    name('two.test', qr/home/),
    name('a.two.test', qr/^wildcard:\*.two.test:a.two.test/m),
    name('mail.example', qr/^wildcard:/m),
    name('mail', qr/home/),
    name('abc.re.example', qr/^regex:abc:re\.example:abc:/m),
    name('abcdef.re.example', qr/home/),
    name('many1.names.test', qr/^many:many1.names.test:/m),
    name('many300.names.test', qr/^many:many1.names.test:many300/m),
    name('x.wild150.names.test', qr/^many:/m),
    name('first.test', qr/not the default/),
    name('one.test', qr/^wildcard:/m, 'Host: a.two.test'),
    name('one.test', qr/home/, 'Host: nobody.test'),
    name('one.test', qr/^one:.*:one.test:one.test:1$/m, 'Host: one.test:1'),
    name('nobody.test', qr/^regex:ab:/m, 'Host: ab.re.x'),
    name('127.0.0.1', qr/^address:127.0.0.1$/m),
    name('localhost', qr/^address:\[::1\]$/m, 'Host: [::1]'),

    ['an error page of the server', '/404', host => 'a.two.test', status => 404,
     like => qr/two's page/],
    ['a path that is none, its page', '/', host => 'a.two.test', target => '/..',
     status => 400],
    ['underscores_in_headers on', '/', host => 'fields.test',
     headers => ['X_Under_Score: u', 'X_: v'], like => qr/^u:v:$/m],
    ['ignore_invalid_headers off', '/', host => 'fields.test',
     headers => ['A!b: 1', 'A.b: 2', "A'B: 3"], like => qr/^::$/m],
    ['invalid names', '/vars', headers => ['A!b: 1', 'A.b: 2', '_: 3']],
);

for my $host ('a..b', '.a', 'a/b', 'a b', '', '[::1', ':1') {
    $p->compare(["host '$host'", '/vars', headers => ["Host: $host"],
                 status => '400|200|000', head => 0,
                 malformed => $host =~ m{^$|[ /]} ? 1 : 0]);
}

$t->stop;
$t->no_alerts;

done_testing();
