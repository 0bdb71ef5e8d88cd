#!/usr/bin/perl

# Headless Chromium loads a page with many parts.  The server's log and the
# browser's own view agree that HTTP/3 has brought all of them.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Compress::Zlib qw(compress crc32);
use Digest::SHA qw(sha256_hex);
use Test::More;

use QuicTest;

my $t = QuicTest->new;
my $chromium = $t->program('chromium-h3');

# Parts of each kind.

my $n = 10;

my @sizes = (0, 1, 1199, 1200, 1201, 16_384, 65_536, 300_000, 1_000_000,
             $QuicTest::small ? 2_000_000 : 20_000_000);
my $upload = 500_000;
my @parts;

for my $i (1 .. $n) {
    part("style$i.css", "#s$i { width: ${i}px }\n" . '/* */' x $i x 1000);
    part("script$i.js", "window.n = (window.n || 0) + $i; // " . 'x' x $i x 999);
    part("image$i.png", png($i, 3));
    part("data$i.bin", bytes($sizes[$i - 1]));
}

$t->file('html/endless.bin', bytes(30_000_000));
$t->file('html/page.html', page());

mkdir $t->dir . '/put';

$t->run(<<'EOC');
    types {
        text/html        html;
        text/css         css;
        text/javascript  js;
        image/png        png;
    }

    log_format parts '$server_protocol $request_method $uri $status'
                     ' $connection';
    access_log %%DIR%%/parts.log parts;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl;

        location = /endless.bin {
            limit_rate 300k;
        }

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }
    }
EOC

my $authority = '127.0.0.1:' . $t->port;

my $r = $t->client([$chromium, '--user-data-dir=' . $t->dir . '/profile',
                    "--origin-to-force-quic-on=$authority",
                    '--ignore-certificate-errors-spki-list=' . spki(),
                    '--no-first-run', '--disable-background-networking',
                    '--virtual-time-budget=60000', '--dump-dom',
                    "https://$authority/page.html"],
                   timeout => 90);

is($r->{exit}, 0, 'the browser ends well') or diag($r->{err});

my ($report) = $r->{out} =~ m{<pre id="report">(.*?)</pre>}s;
my @report = split /\n/, $report // '';

sub reported {
    my ($name) = @_;

    my ($value) = map { /^\Q$name\E (.*)/ ? $1 : () } @report;

    return $value;
}

is(reported('done'), 'yes', 'the page has come to its end')
    or diag($r->{out}, $r->{err});


# What has arrived

my $total = $n * ($n + 1) / 2;

is(reported('styles'), $total, 'style sheets are applied');
is(reported('scripts'), $total, 'scripts are run');
is(reported('images'), $total, 'images are decoded');

for my $i (1 .. $n) {
    is(reported("data$i"), sha256_hex($t->read_file("html/data$i.bin")),
       "$sizes[$i - 1] bytes of data");
}

is(reported('upload'), 201, 'an upload');

my @body = unpack 'C*', $t->read_file('put/upload');
my @wrong = grep { $body[$_] != $_ * 7 % 251 } 0 .. $#body;

is(scalar @body, $upload, 'its length');
is(scalar @wrong, 0, 'its content');

is(reported('abort'), 'AbortError', 'a response is given up');


# How it has arrived, as the browser sees it

my %protocol = map { m{^entry \S+ https://[^/]+(/\S*) (\S*)$} ? ($1 => $2)
                                                               : () } @report;

is(join(' ', grep { ($protocol{"/$_"} // 'nothing') ne 'h3' }
             'page.html', @parts), '', 'h3, says the browser');
is(scalar(grep { $_ ne 'h3' } values %protocol), 0, 'and nothing else');


# And as the server does

ok($t->wait_for(sub { $t->read_file('parts.log') =~ /endless/ }),
   'the server has noticed that a response was given up');

my @log = map { [split] } $t->access_log(1, 'parts.log');
my (%seen, %connections);

for (@log) {
    my ($protocol, $method, $uri, $status, $connection) = @$_;

    $seen{$uri} = "$protocol $method $status";
    $connections{$connection} = 1;
}

cmp_ok(scalar @parts, '>=', 20, 'many parts');
is(join(' ', grep { ($seen{"/$_"} // '') ne 'HTTP/3.0 GET 200' }
             'page.html', @parts), '', 'HTTP/3.0, says the server');
is($seen{'/put/upload'}, 'HTTP/3.0 PUT 201', 'of the upload, too');
is(scalar(grep { $_->[0] ne 'HTTP/3.0' } @log), 0, 'and nothing else');
is(scalar keys %connections, 1, 'on one connection');

$t->stop;
$t->no_alerts;

my @ended = grep { /quic connection closed by server/ }
            split /\n/, $t->read_file('error.log');

is("@ended", '', 'no connection failed');

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
<pre id="report"></pre>
<script>
const lines = [];
const numbers = Array.from({ length: $n }, (_, i) => i + 1);
const sum = (list) => list.reduce((a, b) => a + b, 0);
const loaded = new Promise((resolve) => { window.onload = resolve; });

async function data(i) {
    const response = await fetch('/data' + i + '.bin');
    const hash = await crypto.subtle.digest('SHA-256',
                                            await response.arrayBuffer());
    lines.push('data' + i + ' ' + Array.from(new Uint8Array(hash),
                  (b) => b.toString(16).padStart(2, '0')).join(''));
}

async function upload() {
    const body = Uint8Array.from({ length: $upload }, (_, i) => i * 7 % 251);
    const response = await fetch('/put/upload', { method: 'PUT', body: body });
    lines.push('upload ' + response.status);
}

async function abort() {
    const control = new AbortController();
    const response = await fetch('/endless.bin', { signal: control.signal });
    const reader = response.body.getReader();
    await reader.read();
    control.abort();
    await reader.read().catch((error) => lines.push('abort ' + error.name));
}

async function run() {
    await loaded;
    await Promise.all([...numbers.map(data), upload(), abort()]);

    lines.push('styles ' + sum(numbers.map(
        (i) => document.getElementById('s' + i).getBoundingClientRect().width)));
    lines.push('scripts ' + window.n);
    lines.push('images ' + sum(Array.from(document.images,
                                          (image) => image.naturalWidth)));

    for (const entry of performance.getEntries()) {
        if (entry.nextHopProtocol !== undefined) {
            lines.push('entry ' + entry.entryType + ' ' + entry.name + ' '
                       + entry.nextHopProtocol);
        }
    }

    return 'yes';
}

run().catch((error) => error).then((done) => {
    lines.push('done ' + done);
    document.getElementById('report').textContent = lines.join('\\n');
});
</script>
EOF
}
