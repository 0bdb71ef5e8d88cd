#!/usr/bin/perl

# Headless Chromium opens a page with many parts, which uploads, listens to
# events, gives up downloads and talks over a WebSocket (interop/browser.js).
# The page's own report, the server's log and the upstream agree on how it went,
# and that it was over HTTP/3.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Compress::Zlib qw(compress crc32);
use Digest::SHA qw(sha256_hex);
use File::Copy qw(copy);
use IO::Socket::INET;
use Test::More;

use QuicTest;

my $interop = dirname(__FILE__) . '/interop';
my $t = QuicTest->new;
my $chromium = $t->program('chromium-h3');

# Parts of each kind.

my $n = 50;

my @sizes = (0, 1, 1199, 1200, 1201, 16_384, 65_536, 300_000, 1_000_000);
my $upload = 500_000;
my @parts = 'browser.js';

for my $i (1 .. $n) {
    part("style$i.css", "#s$i { width: ${i}px }\n" . '/* */' x $i x 100);
    part("script$i.js", "window.scripts = (window.scripts || 0) + $i; // "
                        . 'x' x $i x 99);
    part("image$i.png", png($i, 3));
    part("data$i.bin", bytes($sizes[$i % @sizes]));
}

part('form.bin', bytes($QuicTest::small ? 2_000_000 : 20_000_000));

$t->file('html/page.html', page());
copy("$interop/browser.js", $t->dir . '/html') or BAIL_OUT("browser.js: $!");

mkdir $t->dir . '/put';

$t->run(<<'EOC');
    types {
        text/html        html;
        text/css         css;
        text/javascript  js;
        image/png        png;
    }

    client_max_body_size 100m;

    log_format parts '$server_protocol $request_method $uri $status'
                     ' $connection';
    access_log %%DIR%%/parts.log parts;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl;

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }

        location /upstream/ {
            proxy_pass      http://127.0.0.1:%%PORT_1%%/;
            proxy_buffering off;
        }

        location = /echo {
            proxy_pass         http://127.0.0.1:%%PORT_1%%;
            proxy_http_version 1.1;
            proxy_set_header   Upgrade $http_upgrade;
            proxy_set_header   Connection "upgrade";
        }
    }
EOC

my $upstream = $t->begin([$t->program('python3-aioquic'),
                          "$interop/browser_upstream.py", $t->port(1)],
                         timeout => 600);

$t->wait_for(sub {
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $t->port(1));
}) or BAIL_OUT('no upstream');

my $authority = '127.0.0.1:' . $t->port;

my $browser = $t->begin([$chromium, '--user-data-dir=' . $t->dir . '/profile',
                         "--origin-to-force-quic-on=$authority",
                         '--ignore-certificate-errors-spki-list=' . spki(),
                         '--enable-features=EnableWebsocketsOverHttp3',
                         '--no-first-run', '--disable-background-networking',
                         '--remote-debugging-port=0',
                         "https://$authority/page.html"],
                        timeout => 300);

ok($t->wait_for(sub {
       return -e $t->dir . '/put/report' || $t->ended($browser);
   }, 300) && -e $t->dir . '/put/report', 'the page has come to its end')
    or diag($t->read_file("$browser->{name}.err"));

my @report = split /\n/, $t->read_file('put/report');

sub reported {
    my ($name) = @_;

    return join ' ', map { /^\Q$name\E (.*)/ ? $1 : () } @report;
}


# The page's parts

my $total = $n * ($n + 1) / 2;

is(reported('styles'), $total, 'style sheets are applied');
is(reported('scripts'), $total, 'scripts are run');
is(reported('images'), $total, 'images are decoded');

my @differ = grep { reported("data$_")
                    ne sha256_hex($t->read_file("html/data$_.bin")) } 1 .. $n;

is("@differ", '', 'data have arrived as they were');


# Uploads

is(reported('put'), 201, 'an upload');

my @body = unpack 'C*', $t->read_file('put/upload');
my @wrong = grep { $body[$_] != $_ * 7 % 251 } 0 .. $#body;

is(scalar @body, $upload, 'its length');
is(scalar @wrong, 0, 'its content');

my $file = $t->read_file('html/form.bin');

is(reported('form'), '200 ' . length($file) . ' ' . sha256_hex($file),
   'a file in a form, as its upstream has seen it');


# Events: each was reported to the upstream before it has sent the next.

my @events = map { /^event (\d+) (\d+)/ ? [$1, $2] : () } @report;
my @gaps = map { $events[$_][1] - $events[$_ - 1][1] } 1 .. $#events;

is("@{[map { $_->[0] } @events]}", '1 2 3 4 5', 'events');
note("after each other by @gaps ms");
is(scalar(grep { $_ < 99 } @gaps), 0, 'and not together');


# A WebSocket: text, bytes, and a proper end

is(reported('websocket'), 'hello true 1000', 'a WebSocket');


# What was given up

is(reported('cancel'), 'AbortError', 'a download is given up half-way');
is(reported('cancel_early'), 'AbortError', 'and one before it begins');

my @ended;

ok($t->wait_for(sub {
    @ended = sort map { /^ended (\w+)/ ? $1 : () }
             split /\n/, $t->read_file("$upstream->{name}.out");

    return "@ended" eq 'endless events never';
}), 'the upstream hears of it') or diag("ended: @ended");


# How it has come, as the browser sees it

my %protocol = map { m{^entry https://[^/]+(/\S*) (\S*)$} ? ($1 => $2) : () }
               @report;

is(join(' ', grep { ($protocol{"/$_"} // 'nothing') ne 'h3' }
             'page.html', @parts), '', 'h3, says the browser');
is(scalar(grep { !/^(?:h3)?$/ } values %protocol), 0, 'and nothing else');


# And as the server does

my @log;

my %once = (
    '/put/upload'       => 'PUT 201',
    '/upstream/form'    => 'POST 200',
    '/upstream/events'  => 'GET 200',
    '/upstream/endless' => 'GET 200',
    '/upstream/never'   => 'GET 499',
    '/echo'             => 'GET 101',
);

ok($t->wait_for(sub {
    @log = map { [split] } $t->lines('parts.log');

    return !grep { my $uri = $_; !grep { $_->[2] eq $uri } @log }
            '/page.html', (map { "/$_" } @parts), keys %once, '/put/report';
}), 'all of it is in the log');

my (%seen, %connections);

for (@log) {
    my ($protocol, $method, $uri, $status, $connection) = @$_;

    push @{$seen{$uri}}, "$protocol $method $status";
    $connections{$connection} = 1;
}

cmp_ok(scalar @parts, '>=', 200, 'many parts');
is(join(' ', grep { "@{$seen{$_} || []}" ne 'HTTP/3.0 GET 200' }
             '/page.html', map { "/$_" } @parts), '',
   'each once over HTTP/3.0, says the server');

for my $uri (sort keys %once) {
    is("@{$seen{$uri} || []}", "HTTP/3.0 $once{$uri}", "$uri, too");
}

is(join(' ', grep { !/^HTTP\/3\.0 / } map { "@$_" } @log), '',
   'and nothing else');
is(scalar keys %connections, 1, 'on one connection');

kill 'TERM', -$browser->{pid};
$t->finish($browser);

$t->stop;
$t->no_alerts;

my @failed = grep { /quic connection closed by server: (?!H3_NO_ERROR)/ }
            split /\n/, $t->read_file('error.log');

is("@failed", "", "no connection failed");

done_testing();


sub part {
    my ($name, $content) = @_;

    $t->file("html/$name", $content);
    push @parts, $name;
}


sub bytes {
    my ($n) = @_;

    my $block = join '', map { pack 'N', rand 2**32 } 1 .. 4096;
    my $text = '';

    for (my $i = 0; length $text < $n; $i++) {
        $text .= pack('N', $i) . $block;
    }

    return substr $text, 0, $n;
}


# A gray image of so many pixels.

sub png {
    my ($width, $height) = @_;

    my $rows = ("\0" . "\x80" x $width) x $height;
    my $chunk = sub {
        my ($type, $data) = @_;

        return pack('N', length $data) . $type . $data
               . pack('N', crc32($type . $data));
    };

    return "\x89PNG\r\n\x1a\n"
           . $chunk->('IHDR', pack('NNCCCCC', $width, $height, 8, 0, 0, 0, 0))
           . $chunk->('IDAT', compress($rows)) . $chunk->('IEND', '');
}


# The hash of the certificate's key, by which the browser is told to trust it.

sub spki {
    my $crt = $t->dir . '/localhost.crt';
    my $hash = qx{openssl x509 -in $crt -pubkey -noout \\
                  | openssl pkey -pubin -outform der \\
                  | openssl dgst -sha256 -binary | openssl base64};

    chomp $hash;

    return $hash;
}


sub page {
    my $all = sub {
        my ($format) = @_;

        return join "\n", map { sprintf $format, $_ } 1 .. $n;
    };

    my $styles = $all->('<link rel="stylesheet" href="style%d.css">');
    my $scripts = $all->('<script src="script%d.js"></script>');
    my $images = $all->('<img src="image%d.png">');
    my $boxes = $all->('<div id="s%d"></div>');

    return <<"EOF";
<!DOCTYPE html>
<title>Parts</title>
<link rel="icon" href="data:,">
$styles
$scripts
<body>
$images
$boxes
<script>const n = $n;</script>
<script src="browser.js"></script>
EOF
}
