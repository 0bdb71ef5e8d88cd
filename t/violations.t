#!/usr/bin/perl

# The table of violations: whatever a client must not do, done to the real
# server by a client that can; what comes back, and what the log says.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $program = QuicTest->own_program('client', 'violations');

my $t = QuicTest->new;

$t->file('html/index.html', "hello\n");
$t->file('html/big', 'big' x 2_000_000);

$t->run(<<'EOC');
    keepalive_timeout     10s;
    client_header_timeout 10s;

    server {
        listen      127.0.0.1:%%PORT%% quic;
        server_name localhost;

        location /proxy {
            proxy_pass http://127.0.0.1:%%PORT_2%%;
        }

        location /unbuffered {
            proxy_pass              http://127.0.0.1:%%PORT_2%%;
            proxy_request_buffering off;
            proxy_http_version      1.1;
        }

        location /close {
            return 444;
        }

        location /small {
            proxy_pass           http://127.0.0.1:%%PORT_2%%;
            client_max_body_size 10;
        }
    }

    server {
        listen      127.0.0.1:%%PORT_1%% quic;
        server_name localhost;
        quic_retry  on;
    }

    # The upstream waits for all of the content, and answers 502.

    server {
        listen     127.0.0.1:%%PORT_2%%;
        access_log off;

        location / {
            proxy_pass http://127.0.0.1:%%PORT_3%%;
        }
    }

    server {
        listen     127.0.0.1:%%PORT_3%%;
        access_log %%DIR%%/upstream.log;

        return 502;
    }
EOC

my $r = $t->client([$program, $t->port,
                    $t->port(1), $ENV{ROW} || ()], timeout => 300);

is($r->{exit}, 0, 'all rows are run') or diag($r->{err});
is($r->{err}, '', 'and the client understands the server');

my @rows = map { [ split /\t/, $_, -1 ] } split /\n/, $r->{out};

cmp_ok(scalar @rows, '>=', $ENV{ROW} ? 1 : 300, 'there are many');

for my $row (@rows) {
    my ($rfc, $sent, $expected, $got) = @$row;

    is($got, $expected, "RFC $rfc: $sent");
}

note(scalar(@rows) . " rows in $r->{seconds} s");

is($t->get('/')->{body}, "hello\n", 'a client is served afterwards');

$t->stop;

# Each row has an address of its own.

my (%log, %said);

for my $line (split /\n/, $t->read_file('error.log')) {
    push @{$said{$2}}, "info: $1" if $line =~
        /\[info\].*?:\s\*\d+\s(client\ssent\s.*?)
         ,\sclient:\s([\d.]+)/x;

    my ($level, $what, $addr) =
        $line =~ /\[(\w+)\].*?\squic\sconnection\s((?:closed|ended).*)
                  ,\sclient:\s([\d.]+)/x
        or next;

    push @{$log{$addr}}, "$level: $what";
}

my @wrong;

for my $row (@rows) {
    my ($rfc, $sent, $addr, $expected) = @$row[0, 1, 4, 5];
    my $request = $expected =~ /^client/;
    my @lines = @{($request ? \%said : \%log)->{$addr} || []};
    my $reason = $request ? qr// : qr/\S/;

    next unless length $expected;

    push @wrong, "$sent: " . (join(' | ', @lines) || 'nothing')
        unless @lines == 1 && $lines[0] =~ /^info: \Q$expected\E$reason/;
}

is("@wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]", '',
   'one line for each connection says who closed it and why');

my @reached = grep { $_->[3] =~ /^502/ } @rows;

is(scalar(() = $t->read_file('upstream.log') =~ /\n/g), scalar @reached,
   'no malformed request has reached an upstream');

my @errors = grep { /\[(?:error|crit)\]/ && !/client intended to send/ }
             split /\n/, $t->read_file('error.log');

is("@errors[0 .. ($#errors > 5 ? 5 : $#errors)]", '', 'no errors');

$t->no_alerts;

done_testing();
