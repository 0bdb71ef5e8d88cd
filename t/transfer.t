#!/usr/bin/perl

# Bytes arrive as they were sent: files, uploads and requests to an upstream,
# from nothing to much more than any window, one by one and a hundred at once.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Digest::MD5;
use Test::More;

use QuicTest;

# The last one is sent alone or along with the others.

my $large = ($QuicTest::small ? 10 : 100) * 1024 * 1024;
my @sizes = (0, 1, 1199, 1200, 1201, 16384, 1024 * 1024, $large);
my %sum;

for my $workers (1, 4) {
    my $t = QuicTest->new(workers => $workers, level => 'warn',
                          events => 'worker_connections 4096;');

    my $name = "$workers worker" . ($workers > 1 ? 's' : '')
               . ($QuicTest::small ? ' (at most 10 MB)' : '');

    subtest $name => sub { transfer($t, $workers) };
}

done_testing();


sub transfer {
    my ($t, $workers) = @_;

    mkdir $t->dir . "/$_" for qw(html put);

    for my $size (@sizes) {
        my $file = $t->dir . "/html/$size";

        system("head -c $size /dev/urandom > $file") == 0
            or BAIL_OUT("no $file");
        $sum{$size} = sum($file);
    }

    $t->run(<<'EOC');
    log_format more '$arg_of $pid $connection $server_protocol $request_method'
                    ' $status $body_bytes_sent';
    access_log %%DIR%%/more.log more;

    client_max_body_size 0;
    proxy_http_version   1.1;

    server {
        listen 127.0.0.1:%%PORT%% quic;

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }

        location /proxy/ {
            proxy_pass http://127.0.0.1:%%PORT_1%%/;
        }

        location /post/ {
            proxy_method PUT;
            proxy_pass   http://127.0.0.1:%%PORT_1%%/put/;
        }

        location /stream/ {
            proxy_method            PUT;
            proxy_request_buffering off;
            proxy_pass              http://127.0.0.1:%%PORT_1%%/put/;
        }
    }

    server {
        listen     127.0.0.1:%%PORT_1%%;
        access_log off;

        location /put/ {
            root        %%DIR%%;
            dav_methods PUT;
        }
    }
EOC

    my $html = $t->dir . '/html';

    for my $size (@sizes) {
        download($t, $size, "/$size", 'a file');
        download($t, $size, "/proxy/$size", 'of an upstream');

        upload($t, $size, '/put/length', 'PUT', '-T', "$html/$size");
        upload($t, $size, '/put/unknown', 'PUT of unknown length', '-T', '-');
        upload($t, $size, '/post/length', 'POST to an upstream',
               '-X', 'POST', '--data-binary', "\@$html/$size");
        upload($t, $size, '/post/unknown', 'POST of unknown length',
               '-X', 'POST', '-T', '-');
        upload($t, $size, '/stream/length', 'POST passed on while it arrives',
               '-X', 'POST', '--data-binary', "\@$html/$size");
        upload($t, $size, '/stream/unknown', 'the same of unknown length',
               '-X', 'POST', '-T', '-');
    }

    parallel_downloads($t);
    parallel_uploads($t);
    connections($t, $workers);

    $t->stop;
    $t->no_alerts;

    my $errors = join '', grep { /\[(?:crit|error)\]/ }
                 split /^/, $t->read_file('error.log');

    is($errors, '', 'no errors');
}


sub sum {
    my ($file) = @_;

    open my $fh, '<:raw', $file or return "no $file";

    return Digest::MD5->new->addfile($fh)->hexdigest;
}


# curl with what each of its requests came to: exit code, status, version.

sub curl {
    my ($t, $stdin, @args) = @_;

    my $port = $t->port;
    my $r = $t->client([$t->{curl}, '-q', '-sS', '-k', '--http3-only',
                        '--connect-to', "localhost:$port:127.0.0.1:$port",
                        '-w', '%{exitcode} %{http_code} %{http_version}\n',
                        @args],
                       timeout => 300, stdin => $stdin);

    diag($r->{err}) if $r->{err} ne '';
    is($r->{exit}, 0, 'curl ends well');

    return $r->{out};
}


sub uri {
    my ($t, $uri) = @_;

    return 'https://localhost:' . $t->port . $uri;
}


sub download {
    my ($t, $size, $uri, $what) = @_;

    my $out = $t->dir . '/out';
    my $info = curl($t, undef, '-o', $out, uri($t, $uri));

    is($info, "0 200 3\n", "$what, $size bytes, over HTTP/3");

    # curl makes no file of no bytes

    is(-e $out ? sum($out) : sum('/dev/null'), $sum{$size}, 'as it was');

    unlink $out;
}


sub upload {
    my ($t, $size, $uri, $what, @args) = @_;

    my ($name) = $uri =~ m{([^/]+)$};
    my $file = $t->dir . "/put/$name";

    unlink $file;

    my $info = curl($t, "html/$size", '-H', 'Expect:', @args,
                    '-o', '/dev/null', uri($t, $uri));

    is($info, "0 201 3\n", "$what, $size bytes, over HTTP/3");
    is(sum($file), $sum{$size}, 'as it was');

    unlink $file;
}


# The sizes of a hundred streams: the largest, then the others in turn.

sub hundred {
    return ($large, map { $sizes[$_ % $#sizes] } 1 .. 99);
}


# A hundred requests at once; curl waits for its first connection before it
# thinks of a second one.

sub at_once {
    my ($t, $of, $config, $status) = @_;

    $t->file('curl.conf', $config);

    my $info = curl($t, undef, '--parallel', '--parallel-max', 100,
                    '-K', $t->dir . '/curl.conf');

    is($info, "0 $status 3\n" x 100, 'all succeed, over HTTP/3');

    my @log = logged($t, $of, 100);
    my %connections = map { (split)[2] => 1 } @log;

    is(scalar @log, 100, 'all are logged');
    is(scalar keys %connections, 1, 'on one connection');
}


# Lines of the requests with "?of=": there may still be some to come of those
# that were made before.

sub logged {
    my ($t, $of, $n) = @_;

    my @lines;

    $t->wait_for(sub {
        @lines = grep { /^$of / } $t->lines('more.log');
        return @lines >= $n;
    });

    return @lines;
}


sub parallel_downloads {
    my ($t) = @_;

    my @hundred = hundred();
    my $dir = $t->dir . '/got';

    mkdir $dir;
    at_once($t, 'downloads',
            join('', map { 'url = "' . uri($t, "/$hundred[$_]?of=downloads")
                           . "\"\noutput = \"$dir/$_\"\n" } 0 .. 99), 200);

    my @wrong = grep { sum(-e "$dir/$_" ? "$dir/$_" : '/dev/null')
                       ne $sum{$hundred[$_]} } 0 .. 99;

    is("@wrong", '', '100 files at once are as they were');

    unlink glob "$dir/*";
}


sub parallel_uploads {
    my ($t) = @_;

    my @hundred = hundred();
    my $html = $t->dir . '/html';
    my $put = $t->dir . '/put';

    at_once($t, 'uploads',
            join('', map { 'url = "' . uri($t, "/put/$_?of=uploads") . "\"\n"
                           . "upload-file = \"$html/$hundred[$_]\"\n"
                           . "output = /dev/null\n" } 0 .. 99), 201);

    my @wrong = grep { sum("$put/$_") ne $sum{$hundred[$_]} } 0 .. 99;

    is("@wrong", '', '100 uploads at once are as they were');

    unlink glob "$put/*";
}


# Several clients at once, which the kernel spreads over the workers.

sub connections {
    my ($t, $workers) = @_;

    my $port = $t->port;
    my $size = 1024 * 1024;
    my @clients;

    for my $n (1 .. 16) {
        push @clients,
             $t->begin([$t->{curl}, '-q', '-sS', '-k', '--http3-only',
                        '--connect-to', "localhost:$port:127.0.0.1:$port",
                        '-o', $t->dir . "/out.$n",
                        uri($t, "/$size?of=connections")],
                       timeout => 300);
    }

    my @exits = map { $t->finish($_)->{exit} } @clients;
    my @wrong = grep { sum($t->dir . "/out.$_") ne $sum{$size} } 1 .. 16;

    is("@exits", '0 ' x 15 . '0', '16 connections at once');
    is("@wrong", '', 'each has what it asked for');

    my %pids = map { (split)[1] => 1 } logged($t, 'connections', 16);

    cmp_ok(scalar keys %pids, $workers > 1 ? '>' : '==', 1,
           'of ' . ($workers > 1 ? 'several workers' : 'one worker'));
}
