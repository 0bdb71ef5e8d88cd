#!/usr/bin/perl

# Variables, logs and limits: what they say of a request over HTTP/3 is what
# they say of it over HTTP/2.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use IO::Socket::INET;
use JSON::PP qw(decode_json);
use Test::More;

use Parity;
use QuicTest;

my $t = QuicTest->new(level => 'notice');
my $p = Parity->new($t);

# Accepts connections, and never answers.

my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1',
                                   Proto => 'tcp')
    or BAIL_OUT("socket: $!");
my $silent_port = $silent->sockport;

my $big = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 500_000;

$t->file('html/index.html', "home\n");
$t->file('html/big.bin', $big);
$t->file('html/ssi.html', '<!--#include virtual="/part?1" -->,'
                          . '<!--#include virtual="/back/part?2" -->');
$t->file('html/part', 'part');

my @names = qw(
    server_protocol http2 http3 connection connection_requests connection_time
    msec time_local time_iso8601 request_time request_id bytes_sent pid
    remote_port binary_remote_addr request_length tcpinfo_rtt tcpinfo_rttvar
    tcpinfo_snd_cwnd tcpinfo_rcv_space request_body request_body_file
    request_completion status body_bytes_sent uri sent_http_x_out
    sent_http_set_cookie sent_trailer_x_end upstream_http_x_back
    upstream_cookie_a upstream_bytes_sent upstream_connect_time
    upstream_response_time limit_req_status limit_conn_status ssl_protocol
    ssl_cipher ssl_server_name ssl_curve ssl_session_id ssl_client_verify
    ssl_alpn_protocol nothing
);

my $format = join "\n", map { qq(',"$_":"\$$_"') } @names;

$t->run($p->http . <<"EOC" . <<'EOF');
    log_format more escape=json
               '{"case":"\$http_x_case"' $format '}';
    access_log %%DIR%%/more.log more;

    limit_req_zone  \$server_protocol zone=rate:1m rate=1r/m;
    limit_req_zone  \$server_protocol zone=dry:1m rate=1r/m;
    limit_req_zone  \$server_protocol zone=other:1m rate=1r/m;
    limit_req_zone  \$server_protocol zone=delayed:1m rate=1r/s;
    limit_conn_zone \$binary_remote_addr\$server_protocol zone=conn:1m;

    log_format escape '\$http_x_odd|\$http_x_none';
    log_format escape_json escape=json '\$http_x_odd|\$http_x_none';
    log_format escape_none escape=none '\$http_x_odd|\$http_x_none';

    upstream silent { server 127.0.0.1:$silent_port; }

    server {
        @{[ $p->listen ]}
        server_name localhost;
        set \$nothing "";
EOC
        client_body_buffer_size 16k;

        location /out {
            add_header X-Out "out $request_id";
            add_header Set-Cookie a=1;
            add_header Set-Cookie b=2;
            add_trailer X-End "end";
            alias %%DIR%%/html/part;
        }

        location /mid {
            return 200 "$request_length $bytes_sent $connection_requests\n";
        }

        location /back/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
            proxy_set_header X-Length $request_length;
        }

        location /file/ {
            client_body_in_file_only on;
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /silent  { proxy_pass http://silent; }
        location /slow    { limit_rate 20k; alias %%DIR%%/html/big.bin; }
        location /ssi.html { ssi on; log_subrequest on; }
        location /part    { log_subrequest on; }

        location /acted {
            post_action /action;
            return 200 x;
        }

        location /action {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_1%%/action?$status;
        }

        location /status  { stub_status; access_log off; }

        location /errors {
            error_log %%DIR%%/errors.log;
            location /errors/crit { error_log %%DIR%%/errors.log crit; }
        }

        location /off     { access_log off; return 200 x; }
        location /some {
            access_log %%DIR%%/some.log parity if=$arg_log;
            return 200 x;
        }
        location /buffered {
            access_log %%DIR%%/buffered.log parity buffer=64k flush=1s;
            return 200 x;
        }
        location /packed {
            access_log %%DIR%%/packed.log.gz parity gzip buffer=4k flush=1s;
            return 200 x;
        }
        location /by-name {
            open_log_file_cache max=10;
            access_log %%DIR%%/by-$host-$http2$http3.log parity;
            return 200 x;
        }
        location /escapes {
            access_log %%DIR%%/default.log escape;
            access_log %%DIR%%/json.log    escape_json;
            access_log %%DIR%%/none.log    escape_none;
            return 200 x;
        }

        location /rate/    { limit_req zone=rate; alias %%DIR%%/html/; }
        location /dry/     { limit_req zone=dry; limit_req_dry_run on;
                             alias %%DIR%%/html/; }
        location /delayed/ { limit_req zone=delayed burst=5;
                             alias %%DIR%%/html/; }
        location /rate-429/ { limit_req zone=other; limit_req_status 429;
                             error_page 429 /part; alias %%DIR%%/html/; }
        location /conn {
            limit_conn conn 1; limit_rate 10k; limit_conn_log_level notice;
            alias %%DIR%%/html/big.bin;
        }
    }

    server {
        listen 127.0.0.1:%%PORT_1%%;
        access_log off;

        location / {
            add_header X-Back back;
            add_header Set-Cookie a=theirs;
            add_header X-Length $http_x_length;
            root %%DIR%%/html;
            if ($request_method = POST) { return 200 posted; }
        }

        location /action {
            access_log %%DIR%%/action.log;
            return 204;
        }
    }
EOF


# What was logged of the last cases: { name, 2 => {...}, 3 => {...} }.

my $first = 1;

sub logged {
    my (@cases) = @_;

    $p->compare(@cases);

    my %lines;

    $t->wait_for(sub {
        %lines = ();

        for my $line (map { decode_json($_) } $t->lines('more.log')) {
            my ($version) = $line->{server_protocol} =~ m{HTTP/(\d)};
            push @{$lines{int($line->{case} || 0)}{$version}}, $line;
        }

        my $last = $lines{$first + $#cases} || {};
        my (undef, undef, %opt) = @{$cases[-1]};

        return 2 == grep { @{$last->{$_} || []} >= ($opt{lines} // 1) } 2, 3;
    });

    my @logged = map { { name => $cases[$_][0], map { $_->[0] => $_->[1][-1] }
                         map { my $n = $_; map { [$_, $lines{$n}{$_}] } 2, 3 }
                         $first + $_ } } 0 .. $#cases;

    $first += @cases;

    return @logged;
}


# In both: a pattern for each name.

sub like_all {
    my ($logged, %patterns) = @_;

    for my $version (2, 3) {
        my $line = $logged->{$version};
        my @wrong = grep { ($line->{$_} // 'undefined') !~ $patterns{$_} }
                    sort keys %patterns;

        ok(!@wrong, "$logged->{name}, HTTP/$version")
            or diag(map { "\$$_: '$line->{$_}'\n" } @wrong);
    }
}


# Variables

my ($plain, $again, $posted, $stored, $proxied, $long, $repeated) = logged(
    ['a request', '/out', head => 0, mask => qr/out [0-9a-f]{32}/],
    ['another one', '/mid?x', head => 0, mask => qr/^\d+ (?=0 )/m],
    ['content', '/back/', body => "x=1&y=2\n", mask => qr/^x-length: .*/m],
    ['content in a file', '/file/', body => 'y' x 50_000],
    ['an upstream', '/back/part', head => 0, mask => qr/^x-length: .*/m],
    ['a long field', '/out', head => 0, mask => qr/out [0-9a-f]{32}/,
     headers => ['X-Long: ' . 'e' x 7000]],
    ['known fields', '/out', head => 0, mask => qr/out [0-9a-f]{32}/],
);

my $always = {
    msec => qr/^\d+\.\d{3}$/, request_time => qr/^\d+\.\d{3}$/,
    time_local => qr{^\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}$},
    time_iso8601 => qr/^\d{4}-\d\d-\d\dT/, request_id => qr/^[0-9a-f]{32}$/,
    pid => qr/^\d+$/, remote_port => qr/^\d+$/, connection => qr/^\d+$/,
    connection_time => qr/^\d+\.\d{3}$/, nothing => qr/^$/,
    binary_remote_addr => qr/^\x7f\x00\x00\x01$/, bytes_sent => qr/^[1-9]\d*$/,
    request_completion => qr/^OK$/, status => qr/^200$/,
    ssl_protocol => qr/^TLSv1\.[23]$/, ssl_cipher => qr/^TLS_|^ECDHE/,
    ssl_server_name => qr/^localhost$/, ssl_client_verify => qr/^NONE$/,
};

like_all($_, %$always) for $plain, $again, $posted, $stored, $proxied;

like_all($plain, body_bytes_sent => qr/^4$/, sent_http_x_out => qr/^out /,
         sent_http_set_cookie => qr/^a=1(?:, b=2)?$/, uri => qr{^/out$},
         sent_trailer_x_end => qr/^end$|^$/);
like_all($posted, request_body => qr/^x=1&y=2\n$/,
         upstream_http_x_back => qr/^back$/,
         upstream_cookie_a => qr/^theirs$/,
         upstream_bytes_sent => qr/^[1-9]/,
         upstream_connect_time => qr/^[\d.]+$/,
         upstream_response_time => qr/^[\d.]+$/);
like_all($stored, request_body => qr/^$/,
         request_body_file => qr{^/.*/\d+$});
like_all($proxied, upstream_http_x_back => qr/^back$/);

is($plain->{3}{http3}, 'h3', '$http3');
is($plain->{3}{http2}, '', '$http2 of HTTP/3');
is($plain->{2}{http2}, 'h2', '$http2');
is($plain->{2}{http3}, '', '$http3 of HTTP/2');
is($plain->{3}{ssl_protocol}, 'TLSv1.3', '$ssl_protocol');
is(join('', map { $plain->{3}{"tcpinfo_$_"} }
                qw(rtt rttvar snd_cwnd rcv_space)), '', 'no $tcpinfo_*');

for my $version (2, 3) {
    is($again->{$version}{connection}, $plain->{$version}{connection},
       "one connection, HTTP/$version");
    is($again->{$version}{connection_requests}
       - $plain->{$version}{connection_requests}, 1,
       "its requests are counted, HTTP/$version");
    isnt($again->{$version}{request_id}, $plain->{$version}{request_id},
         "\$request_id is each one's own, HTTP/$version");
    cmp_ok($again->{$version}{connection_time}, '>=',
           $plain->{$version}{connection_time},
           "\$connection_time grows, HTTP/$version");
}


# $request_length is what came on the stream: compressed, framed

for my $version (2, 3) {
    my $length = sub { $_[0]{$version}{request_length} };

    cmp_ok($length->($plain), '>', 10, "\$request_length, HTTP/$version");
    cmp_ok($length->($repeated), '<=', $length->($plain),
           "what is known costs nothing, HTTP/$version");
    cmp_ok($length->($long), '<', 6000,
           "\$request_length is of what is compressed, HTTP/$version");
    cmp_ok($length->($long), '>', 7000 * 5 / 8,
           "as far as it can be, HTTP/$version");
    cmp_ok($length->($stored), '>', 50_000,
           "\$request_length has the content, HTTP/$version");
    cmp_ok($length->($stored), '<', 51_000, "and no more, HTTP/$version");
}

my @lengths = map { my $l = $_; map { $l->{$_}{request_length} } 2, 3 }
              $plain, $again, $posted, $stored, $proxied, $long;

while (my ($two, $three) = splice @lengths, 0, 2) {
    cmp_ok(abs($two - $three), '<', 200, "$two over HTTP/2, $three over HTTP/3");
}

# of unknown length, which is shown to nginx in chunks

$t->file('content', 'z' x 30_000);

for my $uri ('/back/', '/mid') {
    $t->file('more.log', '');
    $t->get($uri, method => 'POST', args => ['-T', '-'], stdin => 'content');

    my ($line) = map { decode_json($_) } $t->access_log(1, 'more.log');

    cmp_ok($line->{request_length}, '>', $uri eq '/mid' ? 10 : 30_000,
           "\$request_length of unknown length, $uri");
    cmp_ok($line->{request_length}, '<', 30_500, "and no more, $uri");
}

my ($length) = $t->get('/back/', body => 'x' x 1000)->{headers}{'x-length'};
cmp_ok($length, '>', 1010, '$request_length for an upstream');
cmp_ok($length, '<', 1300, 'and no more');


# Requests that end early.  A download goes on for as long as somebody reads
# what comes; when that one closes, curl takes leave of the server.

sub download {
    my ($version, @uris) = @_;

    my $port = $t->port;
    my @cmd = ($t->{curl}, '-q', '-s', '-k', '-N', '-Z',
               '-m', QuicTest::TIMEOUT,
               $version == 2 ? '--http2' : '--http3-only',
               '--connect-to', "localhost:$port:127.0.0.1:$port",
               map { "https://localhost:$port$_" } @uris);

    open my $pipe, '-|', @cmd or BAIL_OUT("curl: $!");

    return $pipe;
}


sub skip_bytes {
    my ($pipe, $n) = @_;

    while ($n > 0) {
        $n -= sysread $pipe, my $some, 65536 or last;
    }
}


sub unfinished {
    my ($version, $give_up) = @_;

    $t->file('more.log', '');
    $give_up->();

    my ($line) = $t->access_log(1, 'more.log');

    return decode_json($line // '{}');
}

for my $version (2, 3) {

    # the rate lets the second half of that come a second after the first one

    my $line = unfinished($version, sub {
        my $pipe = download($version, '/slow');

        skip_bytes($pipe, 30_000);
        close $pipe;
    });

    is($line->{status}, 200, "a response that is cut, HTTP/$version");
    is($line->{request_completion}, '', "isn't complete, HTTP/$version");
    cmp_ok($line->{body_bytes_sent}, '>', 10_000, "some was sent, HTTP/$version");
    cmp_ok($line->{body_bytes_sent}, '<', 1_000_000, "not all, HTTP/$version");
    cmp_ok($line->{bytes_sent}, '>', $line->{body_bytes_sent},
           "\$bytes_sent counts more than content, HTTP/$version");
    cmp_ok($line->{request_time}, '>', 0.4, "\$request_time, HTTP/$version");

    # gives up a second after it has asked

    $line = unfinished($version, sub {
        $t->get('/silent', "http$version" => 1, args => [QuicTest::GIVE_UP]);
    });

    is($line->{status}, 499, "499, HTTP/$version");
    is($line->{request_completion}, '', "not complete, HTTP/$version");
    is($line->{ssl_server_name}, 'localhost',
       "\$ssl_server_name is still known, HTTP/$version");
    like($line->{ssl_protocol}, qr/^TLSv1/,
         "\$ssl_protocol is still known, HTTP/$version");
    cmp_ok($line->{request_length}, '>', 10,
           "\$request_length is still known, HTTP/$version");
}


# Subrequests, actions afterwards

$t->file('more.log', '');

my ($with) = logged(['subrequests', '/ssi.html', head => 0, lines => 2,
                     log => ['request_filename', 'realpath_root', 'uri',
                             'body_bytes_sent', 'document_uri'],
                     like => qr/^part,part$/m]);

my @all = map { decode_json($_) } $t->lines('more.log');

for my $version (2, 3) {
    is(join(' ', sort map { $_->{uri} }
                 grep { $_->{server_protocol} eq "HTTP/$version.0" } @all),
       '/part /ssi.html', "log_subrequest, HTTP/$version");
}

$p->compare(['post_action', '/acted', head => 0,
             log => ['uri', 'request_filename', 'document_uri', 'status',
                     'body_bytes_sent', 'upstream_addr', 'upstream_status',
                     'upstream_response_length', 'proxy_host',
                     'sent_http_content_type', 'sent_http_content_length',
                     'sent_http_etag', 'sent_http_last_modified']]);

ok($t->wait_for(sub {
    my @lines = $t->read_file('action.log') =~ m{"GET /action\?200 HTTP}g;
    return @lines == 2;
}), 'the actions have come');


# Logs

my @both = map { my $v = $_; map { [$v, $_] } '/off', '/some', '/some?log=1',
                 '/buffered', '/packed', '/by-name' } 2, 3;

for my $both (@both) {
    my ($version, $uri) = @$both;

    $t->get($uri, $version == 2 ? (http1 => 1, args => ['--http2']) : ());
}

for my $name ('some.log', 'buffered.log', 'packed.log.gz', 'by-localhost-h2.log',
              'by-localhost-h3.log')
{
    my $n = $name =~ /^by/ ? 1 : 2;
    my $cat = $name =~ /gz$/ ? 'zcat' : 'cat';
    my (@all, @lines);

    $t->wait_for(sub {
        my $file = $t->dir . "/$name";

        @all = split /\n/, `$cat $file 2>/dev/null`;
        @lines = grep { m{request=GET /\S+ HTTP/[23]\.0\x01status=200\x01} } @all;

        return @lines >= $n;
    });

    is("$#lines $#all", $n - 1 . ' ' . ($n - 1), "lines of $name");
}

is(scalar(grep { m{ /off } } $t->access_log(1, 'parity.log')), 0,
   'access_log off');

$p->compare(['an error log of its own', '/errors/1', head => 0, status => 404],
            ['for worse errors', '/errors/crit/2', head => 0, status => 404]);

is(join(',', $t->read_file('errors.log') =~ m{"GET (/\S+) HTTP/([23])\.0"}g),
   '/errors/1,2,/errors/1,3', 'lines of a location\'s error_log');

my $odd = qq(X-Odd: \xc3\xa4 "q" \\ \xff);

for my $version (2, 3) {
    $t->get('/escapes', headers => [$odd],
            $version == 2 ? (http1 => 1, args => ['--http2']) : ());
}

my %escaped = (default => '\xC3\xA4 \x22q\x22 \x5C \xFF|-',
               json => qq(\xc3\xa4 \\"q\\" \\\\ \xff|),
               none => qq(\xc3\xa4 "q" \\ \xff|));

for my $name (sort keys %escaped) {
    my @lines = $t->access_log(2, "$name.log");
    is_deeply(\@lines, [($escaped{$name}) x 2], "escape=$name");
}


# Limits

$p->compare({ mask => qr/excess: [\d.]+/ },
    ['limit_req', '/rate/part', head => 0],
    ['limit_req, once more', '/rate/part', head => 0, status => 503],
    ['limit_req_dry_run', '/dry/part', head => 0],
    ['limit_req_dry_run, once more', '/dry/part', head => 0],
    ['limit_req_status', '/rate-429/part', head => 0],
    ['limit_req_status, once more', '/rate-429/part', head => 0,
     status => 429],
    map { ["limit_req with delay, $_", '/delayed/part', head => 0] } 1 .. 2
);

for my $version (2, 3) {
    my $status = sub {
        return $t->get('/conn', "http$version" => 1,
                       args => ['-r', '0-9'])->{status};
    };

    my $pipe = download($version, '/conn');

    skip_bytes($pipe, 1);
    is($status->(), 503, "limit_conn, HTTP/$version");

    close $pipe;
    ok($t->wait_for(sub { $status->() == 206 }),
       "limit_conn is for those that are there, HTTP/$version");
}

# stub_status counts connections as such, and those without requests as waiting

sub status {
    my %n;

    @n{qw(active accepted handled requests reading writing waiting)}
        = $t->get('/status', http1 => 1)->{body} =~ /(\d+)/g;

    return \%n;
}

my $n;

ok($t->wait_for(sub {
    $n = status();
    return "@$n{qw(active reading writing waiting)}" eq '1 0 1 0';
}), 'the connections before are gone') or diag(explain($n));

my $before = $n;
my $pipe = download(3, '/slow', '/slow');

# those that have asked for the status before may still be there

ok($t->wait_for(sub {
    $n = status();
    return "@$n{qw(active writing waiting)}" eq '2 3 0';
}), 'two requests are written to, on one active connection')
    or diag(explain($n));

close $pipe;

ok($t->wait_for(sub {
    $n = status();
    return $n->{active} == 1;
}), 'the connection goes') or diag(explain($n));
is("@$n{qw(reading writing waiting)}", '0 1 0', 'and so do its requests');

is($n->{accepted} - $before->{accepted}, $n->{handled} - $before->{handled},
   'all accepted connections were handled');
is(($n->{requests} - $before->{requests})
   - ($n->{accepted} - $before->{accepted}), 1,
   'two requests on one connection, the others on one each');

$t->stop;
$t->no_alerts;


# A client that debug_connection names is told of at length, others are not

SKIP: {
    skip 'nginx without --with-debug', 6
        unless `$t->{nginx} -V 2>&1` =~ /--with-debug/;

    my $d = QuicTest->new(level => 'error', events => 'debug_connection 127.0.0.2;');

    $d->run(<<'EOF');
    server {
        listen 127.0.0.1:%%PORT%% quic;
        return 200 "$remote_addr";
    }
EOF

    is($d->get('/1', args => ['--interface', '127.0.0.2'])->{body}, '127.0.0.2',
       'a client at another address');
    is($d->get('/2')->{body}, '127.0.0.1', 'another client');
    $d->stop;

    my $log = $d->read_file('error.log');

    like($log, qr{\[debug\].* http3 header: "host: }, 'debug_connection');
    like($log, qr{\[info\].*client connected over QUIC.*client: 127\.0\.0\.2,},
         'of the connection, too');
    unlike($log, qr{client: 127\.0\.0\.1,|"GET /2}, 'of the other one nothing');
    $d->no_alerts;
}

done_testing();
