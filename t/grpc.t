#!/usr/bin/perl

# grpc_pass: calls with one message and streams of them both ways, statuses and
# trailers, upstreams and clients that break off.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use Backend;
use QuicTest;

# HTTP/2, as much of it as the upstream needs (RFC 9113)

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
    WINDOW_UPDATE => 8, END_STREAM => 1, ACK => 1, END_HEADERS => 4,
};

my $t = QuicTest->new;
my $dir = $t->dir;

my ($param, $directive) = $t->http2;

# What it does the first message says: a text, as the test isn't about what
# gRPC puts before it.

my %calls = (

    # answers each message at once, to the end

    echo => sub {
        my ($s, $data, $end) = @_;

        headers($s) unless $s->{answered}++;
        frame($s, DATA, 0, $data) if $data ne '';
        trailers($s, 0, 'ok') if $end;
    },

    cut => sub { headers($_[0]); frame($_[0], DATA, 0, 'cut') },

    # much in answer to little

    many => sub {
        my ($s, $data, $end) = @_;

        headers($s) unless $s->{answered}++;
        frame($s, DATA, 0, 'x' x 16_000) for 1 .. 4;
        trailers($s, 0, 'ok');
    },

    # one message of the client's that doesn't end

    early => sub {
        headers($_[0]);
        trailers($_[0], 8, 'enough');
    },
    refused => sub { headers($_[0], END_STREAM, 'grpc-status' => 7) },
    reset => sub { frame($_[0], RST_STREAM, 0, pack 'N', 2) },
    broken => sub {
        headers($_[0]);
        frame($_[0], DATA, 0, 'half');
        frame($_[0], RST_STREAM, 0, pack 'N', 2);
    },
    dies => sub {
        headers($_[0]);
        frame($_[0], DATA, 0, 'half');
        $_[0]{r}->finish;
        $_[0]{over} = 1;
    },
    silent => sub { },
    waits => sub { $_[0]{r}->note('asked') unless $_[0]{answered}++ },
);

my $backend = Backend->new($t, 1, 'raw', { '' => \&http2 });

$t->run($t->same_log . <<"EOC");
    log_format grpc '\$request_uri \$status "\$sent_trailer_grpc_status"';
    access_log %%DIR%%/grpc.log grpc if=\$http3;

    server {
        listen 127.0.0.1:%%PORT%% quic;
        listen 127.0.0.1:%%PORT%% ssl$param;
        $directive

        location / {
            grpc_pass grpc://127.0.0.1:%%PORT_1%%;
        }

        location /impatient {
            grpc_read_timeout 300ms;
            grpc_pass grpc://127.0.0.1:%%PORT_1%%;
        }

        location /intercepted {
            error_page 502 504 = \@unavailable;
            grpc_pass grpc://127.0.0.1:%%PORT_2%%;
        }

        location \@unavailable {
            internal;
            default_type application/grpc;
            add_header   grpc-status 14;
            add_header   grpc-message unavailable;
            return 204;
        }
    }
EOC


# Calls with one message

for my $case (
    ['echo',    200, 'whole',  'echo',           0],
    ['many',    200, 'whole',  'x' x 64_000,     0],
    ['refused', 200, 'whole',  '',               7],
    ['early',   200, 'whole',  '',               8],
    ['reset',   502, 'whole',  qr/502 Bad/,      undef],
    ['broken',  200, 'broken', undef,            undef],
    ['dies',    200, 'broken', undef,            undef],
) {
    my ($call, $status, $how, $body, $grpc_status) = @$case;

    $t->same($call, "/$call", body => $call,
             headers => ['Content-Type: application/grpc', 'TE: trailers'],
             expect => { status => $status, how => $how,
                         defined $body ? (body => $body) : (),
                         $status == 200 && $how eq 'whole'
                         ? (headers => { 'grpc-status' => $grpc_status })
                         : () });
}

$t->same('a timeout', '/impatient', body => 'silent',
         expect => { status => 504 });
$t->same('an upstream that is away', '/intercepted', body => 'x',
         expect => { status => 204, headers => { 'grpc-status' => 14 } });

my $large = 'echo' . 'x' x 50_000;

is($t->get('/large', body => $large)->{body}, $large, 'a large message');


# A stream of messages both ways: each is answered before the next one is sent.

my $client = $t->begin([$t->program('python3-aioquic'),
                        dirname(__FILE__) . '/interop/aioquic_steps.py',
                        $t->port,
                        'request a POST /stream te=trailers',
                        'send a echo', 'expect a 4',
                        (map { ('send a more', 'expect a ' . (4 + 4 * $_)) }
                             1 .. 5),
                        'fin a', 'end a',

                        'request b POST /early te=trailers',
                        'send b early', 'end b',

                        'request c POST /stream te=trailers',
                        'send c cut', 'expect c 3', 'cancel c',

                        'request d POST /waits te=trailers',
                        'send d waits', "await $dir/asked", 'cancel d',
                        "await $dir/left"], timeout => 60);

$backend->notes_ok(qr/^asked$/, 'a call that is not answered');
$backend->notes_ok(qr/^(?:reset|closed) cut$/, 'one that was cancelled');
$t->file('asked', '');
$backend->notes_ok(qr/^(?:reset|closed) waits$/, 'is left with the client');
$t->file('left', '');

my $r = $t->finish($client);

is($r->{exit}, 0, 'the client has done its steps') or diag($r->{err});
like($r->{out}, qr/^a 200 24 end$/m, 'messages go both ways at a time');
like($r->{out}, qr/^b 200 0 end$/m, 'a stream that is ended by the upstream');

ok($t->wait_for(sub { $t->read_file('grpc.log') =~ m{^/waits 400 "-"$}m }),
   'which is 400, as of any content that is passed on and breaks off');
like($t->read_file('grpc.log'), qr{^/early 200 "8"$}m, '$sent_trailer_');

$t->stop;
$t->no_alerts;

done_testing();


# A connection, which has one call.

sub http2 {
    my ($r) = @_;

    my $s = { r => $r, id => 1, call => '' };

    $r->take(24) // return;
    frame($s, SETTINGS, 0, '', 0);
    frame($s, WINDOW_UPDATE, 0, pack('N', 1 << 30), 0);

    until ($s->{over}) {
        my ($high, $low, $type, $flags, $id)
            = unpack 'CnCCN', $r->take(9) // last;
        my $payload = $r->take($high << 16 | $low) // last;

        if ($type == RST_STREAM) {
            return $r->note("reset $s->{call}");
        }

        if (($type == SETTINGS || $type == PING) && !($flags & ACK)) {
            frame($s, $type, ACK, $type == PING ? $payload : '', 0);
        }

        next if $type != DATA && !($type == HEADERS && $flags & END_STREAM);

        $s->{id} = $id;
        $payload = '' if $type == HEADERS;

        if ($s->{call} eq '') {
            ($s->{call}) = $payload =~ /^([a-z]*?)x*$/;
            $r->note("message $s->{call}");
        }

        frame($s, WINDOW_UPDATE, 0, pack('N', length $payload))
            if length $payload;

        ($calls{$s->{call}} || next)->($s, $payload, $flags & END_STREAM);
    }

    $r->note("closed $s->{call}");
}


sub frame {
    my ($s, $type, $flags, $payload, $id) = @_;

    my $length = length $payload;

    return $s->{r}->send(pack('CnCCN', $length >> 16, $length & 0xffff, $type,
                              $flags, $id // $s->{id}) . $payload);
}


# 0x88 is ":status: 200" (RFC 7541, 6.1).

sub headers {
    my ($s, $flags, @fields) = @_;

    frame($s, HEADERS, END_HEADERS | ($flags || 0), "\x88"
          . literal('content-type' => 'application/grpc', @fields));
}


sub trailers {
    my ($s, $status, $message) = @_;

    frame($s, HEADERS, END_HEADERS | END_STREAM,
          literal('grpc-status' => $status, 'grpc-message' => $message));
}


# RFC 7541, 6.2.2

sub literal {
    my $block = '';

    while (my ($name, $value) = splice @_, 0, 2) {
        $block .= pack 'C C/a C/a', 0, $name, $value;
    }

    return $block;
}
