#!/usr/bin/perl

# Client certificates: whom a server takes, what it says of the others, and what
# variables tell, all of it as the same nginx does over TCP, with HTTP/1.1 and
# with HTTP/2.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;
use TestCA;

my @variables = qw(ssl_client_verify ssl_client_serial ssl_client_fingerprint
                   ssl_client_s_dn ssl_client_i_dn ssl_client_s_dn_legacy
                   ssl_client_i_dn_legacy ssl_client_v_start ssl_client_v_end
                   ssl_client_v_remain ssl_client_cert ssl_client_raw_cert
                   ssl_client_escaped_cert ssl_protocol ssl_cipher
                   ssl_server_name scheme https);

my $t = QuicTest->new(workers => $QuicTest::small ? 1 : 4);
my $ca = TestCA->new($t->dir);

$ca->issue('root', ca => 1, subject => '/O=Root, Inc./CN=root');
$ca->issue('middle', ca => 1, by => 'root');
$ca->issue('second', ca => 1, by => 'middle');
$ca->issue('other-root', ca => 1);

$ca->issue('good', by => 'root',
           subject => '/C=DE/O=A + B, "C"/OU= x=y;z/CN=Jürgen #1'
                      . '/emailAddress=a@b.test');
$ca->issue('rsa', by => 'root', type => 'rsa');
$ca->issue('ed', by => 'root', type => 'ed25519');
$ca->issue('below', by => 'middle');
$ca->issue('deep', by => 'second');
$ca->issue('stranger', by => 'other-root');
$ca->issue('self');
$ca->issue('revoked', by => 'root');
$ca->issue('expired', by => 'root', days => -1);
$ca->issue('soon', by => 'root', days => 1);
$ca->issue('for-servers', by => 'root', ext => ['extendedKeyUsage=serverAuth']);
$ca->issue('no-signing', by => 'root', ext => ['keyUsage=keyEncipherment']);
$ca->issue('by-leaf', by => 'good');

$ca->chain('below-chain', 'below', 'middle');
$ca->chain('deep-chain', 'deep', 'second', 'middle');
$ca->chain('stranger-chain', 'stranger', 'other-root');
$ca->chain('by-leaf-chain', 'by-leaf', 'good');
$ca->crl('root', 'revoked');
$ca->crl('middle');
$ca->crl('other-root');

# $ssl_client_v_remain counts whole days: a certificate has one more of them in
# the second in which it was made.

sleep 1;

$t->file('crls.pem', join '', map { $ca->read_pem("$_.crl") } qw(root middle));

my %keys = ('below-chain' => 'below', 'deep-chain' => 'deep',
            'stranger-chain' => 'stranger', 'by-leaf-chain' => 'by-leaf');

# A server for each of these, on all of which every certificate is tried.

my %servers = (
    'on.test'       => 'ssl_verify_client on;',
    'optional.test' => 'ssl_verify_client optional;',
    'noca.test'     => 'ssl_verify_client optional_no_ca;',
    'deep.test'     => 'ssl_verify_client on; ssl_verify_depth 2;',
    'zero.test'     => 'ssl_verify_client optional; ssl_verify_depth 0;',
    'crl.test'      => 'ssl_verify_client on; ssl_crl %%DIR%%/crls.pem;',
    'trusted.test'  => 'ssl_verify_client on;'
                       . ' ssl_trusted_certificate %%DIR%%/other-root.crt;',
    'own.test'      => 'ssl_verify_client on; error_page 495 496 /why;',
    'same.test'     => 'ssl_verify_client on; server_name more.test ~^also;',
);

my $values = join '|', map { "$_=\$$_" } @variables;
my ($h2, $h2_on) = $t->http2;
my $listen = "listen 127.0.0.1:%%PORT%% ssl$h2; $h2_on\n"
             . "        listen 127.0.0.1:%%PORT%% quic;";

$t->run("ssl_client_certificate %%DIR%%/root.crt;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    http3_alt_svc off;
    log_format verdict '\$status \$ssl_client_verify \$ssl_client_s_dn';
    access_log %%DIR%%/verdict.log verdict;

    server {
        listen 127.0.0.1:%%PORT_1%% quic;
        ssl_verify_client on;
        location / { return 200 '$values'; }
    }

    server {
        listen 127.0.0.1:%%PORT_2%% quic;
        server_name first.test;
        ssl_verify_client on;
        location / { return 200 ok; }
    }

    server {
        listen 127.0.0.1:%%PORT_2%% quic;
        server_name second.test;
        ssl_verify_client on;
        location / { return 200 ok; }
    }

    server {
        $listen
        server_name localhost;
        location / { return 200 '$values'; }
    }
" . join '', map { "
    server {
        $listen
        server_name $_;
        $servers{$_}
        location / { return 200 '$values'; }
        location = /why { return 200 'why: \$ssl_client_verify \$status'; }
    }
" } sort keys %servers);


sub cert_args {
    my ($name) = @_;

    return () unless $name;

    my $key = $keys{$name} || $name;

    return ('--cert', $t->dir . "/$name.crt", '--key', $t->dir . "/$key.key");
}


# What a client sees and what the log says.

sub ask {
    my ($host, $name, %opt) = @_;

    $t->file('verdict.log', '');
    $t->file('error.log', '');

    my $r = $t->get('/', host => $host, args => [cert_args($name)], %opt);
    my ($line) = $t->access_log(1, 'verdict.log');
    my ($error) = $t->read_file('error.log')
                  =~ /(client (?:SSL|sent no|attempted).*?), client:/;

    $error =~ s/ while .*// if $error;

    my $body = $r->{body};

    # cipher suites are chosen otherwise

    $body =~ s/ssl_cipher=\K[^|]*//;
    $body =~ s{<center>nginx.*}{}s;

    return join "\n", $r->{status}, $body, $line // 'no line',
                      $error // 'no error';
}


# Who comes where; "-" has no certificate.  The one here and the other there if
# it is to be short.

my %pairs = (
    'localhost'     => '- good',
    'on.test'       => '- good rsa ed below below-chain deep-chain stranger'
                       . ' stranger-chain self expired soon for-servers'
                       . ' by-leaf-chain',
    'optional.test' => '- good below stranger self',
    'noca.test'     => '- good below deep-chain stranger stranger-chain self'
                       . ' expired for-servers',
    'deep.test'     => 'deep-chain by-leaf-chain',
    'zero.test'     => 'good below-chain by-leaf-chain',
    'crl.test'      => 'good revoked below-chain',
    'trusted.test'  => 'stranger good',
    'own.test'      => '- stranger',
);

my $n = 0;

for my $host (sort keys %pairs) {
    for my $name (map { $_ eq '-' ? '' : $_ } split ' ', $pairs{$host}) {
        next if $QuicTest::small && $n++ % 3;

        my $what = "$host: " . ($name || 'no certificate');
        my $seen = ask($host, $name);

        is($seen, ask($host, $name, $_ => 1), "$what, as with $_")
            for qw(http1 http2);
    }
}

# TLS itself wants a key that may sign (RFC 8446, 4.4.2.4)

is($t->get('/', host => 'on.test', args => [cert_args('no-signing')])->{status},
   '000', 'a key that may not sign ends the handshake');
ok($t->wait_for(sub {
    $t->read_file('error.log') =~ /KEY_USAGE_BIT_INCORRECT/;
}), 'is logged');

# One certificate in full, in case that both should be wrong.

my $r = $t->get('/', host => 'on.test', args => [cert_args('good')]);
my %v = map { split /=/, $_, 2 } split /\|/, $r->{body};

is($v{ssl_client_verify}, 'SUCCESS', 'verify');
is($v{ssl_client_i_dn}, 'CN=root,O=Root\\, Inc.', 'issuer');
is($v{ssl_client_serial}, $ca->{serials}{good}, 'serial');
is($v{ssl_client_raw_cert}, $ca->read_pem('good.crt'), 'PEM');
is($v{ssl_client_v_remain}, 29, 'days');
is($v{ssl_protocol}, 'TLSv1.3', 'protocol');
like($v{ssl_cipher}, qr/^TLS_\w+$/, 'suite');
is($v{ssl_server_name}, 'on.test', 'server name');

is($t->get('/', host => 'on.test')->{status}, 400, 'status without one');
like($t->get('/', host => 'on.test')->{body},
     qr/No required SSL certificate was sent/, 'page of nginx');
like($t->get('/', host => 'own.test')->{body}, qr/^why: NONE/, 'own page');

# Certificates without end are not read, and nobody else is harmed.

$t->file('long.crt', $ca->read_pem('good.crt')
                     . $ca->read_pem('middle.crt') x 100);
is($t->get('/', host => 'on.test',
           args => ['--cert', $t->dir . '/long.crt',
                    '--key', $t->dir . '/good.key'])->{status}, '000',
   'too many certificates');
is($t->get('/', host => 'on.test', args => [cert_args('good')])->{status}, 200,
   'and the next one');

# another TLS library

$t->file('verdict.log', '');

my $ngtcp2 = $t->client([$t->program('ngtcp2-client'), '-q',
                         '--exit-on-all-streams-close',
                         '--key=' . $t->dir . '/rsa.key',
                         '--cert=' . $t->dir . '/rsa.crt', '127.0.0.1',
                         $t->port(1), 'https://localhost/']);

ok($t->wait_for(sub {
    $t->read_file('verdict.log') =~ /^200 SUCCESS CN=rsa$/m;
}), "ngtcp2's client") or diag($ngtcp2->{err});

# A connection that was made for one name may not be used to get at another one
# whose server asks for certificates; over HTTP/2 it's the same.

for my $case (['localhost', 'on.test', 421], ['on.test', 'optional.test', 421],
              ['noca.test', 'on.test', 421], ['on.test', 'localhost', 200],
              ['on.test', 'nobody.test', 200],

              # though they ask for the same, or are one server
              ['on.test', 'same.test', 421], ['same.test', 'more.test', 421],
              ['also.test', 'also2.test', 421],

              # other words for the name
              ['noca.test', 'noca.test', 200], ['on.test', 'ON.test', 200],
              ['on.test', 'on.test:8443', 200], ['also.test', 'also.test', 200])
{
    my ($sni, $host, $status) = @$case;

    is(join(' ', map { $t->get('/', host => $sni, headers => ["Host: $host"],
                               args => [cert_args('good')], $_ => 1)
                       ->{status} } qw(http2 http3)),
       "$status $status", "$sni, then $host");
}

# A name in TLS that no server has is for the default one, whose demands the
# client has met; over HTTP/2 it could get at others by that.

for my $case (['nobody.test', 'first.test', 200],
              ['nobody.test', 'nowhere.test', 200],
              ['nobody.test', 'second.test', 421],
              ['first.test', 'nobody.test', 421])
{
    my ($sni, $host, $status) = @$case;

    is($t->get('/', host => $sni, headers => ["Host: $host"],
               port => $t->port(2), args => [cert_args('good')])->{status},
       $status, "$sni, then $host");
}

like($t->read_file('error.log'), qr/client attempted to request the server name/,
     'is logged');

$t->stop;
$t->no_alerts;

done_testing();
