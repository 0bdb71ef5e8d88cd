#!/usr/bin/perl

# The server's side of TLS: which certificate a client gets and with what,
# certificates whose names have variables, stapling, a reload, the key log, and
# what variables tell of it.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use IO::Socket::INET;
use Test::More;

use QuicTest;
use TestCA;

my $workers = $QuicTest::small ? 1 : 4;

# An nginx and certificates for it, with what goes into http{}.

sub nginx {
    my (%opt) = @_;

    my $t = QuicTest->new(workers => $workers, %opt);
    my $ca = TestCA->new($t->dir);

    $ca->issue('root', ca => 1);

    return ($t, $ca);
}


# curl that checks the server's certificate; more arguments are its own.  The
# answer: exit code, body, the certificate's name.

sub curl {
    my ($t, $host, @args) = @_;

    my $port = $t->port;
    my $r = $t->client([$t->{curl}, '-q', '-sS', '-v', '--http3-only', '-m',
                        QuicTest::TIMEOUT, '--cacert', $t->dir . '/root.crt',
                        '--connect-to', "::127.0.0.1:$port", @args,
                        "https://$host:$port/"]);

    my ($subject) = $r->{err} =~ /subject: .*?CN ?= ?(\S+)/;

    return ($r->{exit}, $r->{out}, $subject // 'none');
}


sub certificates {
    my ($t, $ca) = nginx();

    $ca->issue('middle', ca => 1, by => 'root');
    $ca->issue($_, by => 'middle', type => $_, names => ['localhost'],
               password => "$_ sesame") for qw(rsa ec ed25519 p384);
    $ca->chain("$_-chain", $_, 'middle') for qw(rsa ec ed25519 p384);

    $t->file('passwords', join '', map { "$_ sesame\n" }
                                   qw(none rsa ec ed25519 p384));

    my $certs = join "\n", map { "ssl_certificate %%DIR%%/$_-chain.crt;
                                  ssl_certificate_key %%DIR%%/$_.key;" }
                           qw(rsa p384 ed25519 ec);

    $t->run("server { listen 127.0.0.1:%%PORT%% quic; $certs
                      ssl_password_file %%DIR%%/passwords;
                      location / { return 200 \$ssl_protocol; } }");

    for my $case (['rsa_pss_rsae_sha256', 'rsa'],
                  ['rsa_pss_rsae_sha512', 'rsa'],
                  ['ecdsa_secp256r1_sha256', 'ec'], ['ed25519', 'ed25519'],
                  ['ecdsa_secp384r1_sha384', 'p384'],
                  ['rsa_pss_rsae_sha256:ed25519', 'ed25519'],
                  ['ed25519:ecdsa_secp256r1_sha256', 'ec'])
    {
        my ($sigalgs, $name) = @$case;

        # certificates themselves are signed with ECDSA, but the client may
        # name its algorithms for both at once only

        my ($exit, $body, $subject) = curl($t, 'localhost', '-k', '--sigalgs',
                                           $sigalgs);

        is("$exit $body $subject", "0 TLSv1.3 $name", $sigalgs);
    }

    is(join(' ', curl($t, 'localhost')), '0 TLSv1.3 ec', 'chain is complete');

    my ($exit) = curl($t, 'localhost', '-k', '--sigalgs',
                      'ecdsa_secp521r1_sha512');

    isnt($exit, 0, 'no certificate for the client');

    $t->stop;
    $t->no_alerts;
}


# Over TCP as well, with one version of TLS, so that all but the protocol is the
# same.

sub variables {
    my ($t, $ca) = nginx();

    my $values = join ' ', map { "$_=\$$_" }
                 qw(ssl_protocol ssl_cipher ssl_ciphers ssl_curve ssl_curves
                    ssl_server_name ssl_client_verify ssl_client_s_dn);

    my ($h2, $h2_on) = $t->http2;
    my $listen = "listen 127.0.0.1:%%PORT%% ssl$h2; $h2_on
                  listen 127.0.0.1:%%PORT%% quic;";

    my $aws_lc = $t->tls eq 'aws-lc';
    my $chacha = '';

    if ($aws_lc) {
        $chacha = 'ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;';
    }

    $t->run("ssl_protocols TLSv1.3;
    server { $listen server_name localhost;
             location / { return 200 '$values'; } }
    server { $listen server_name p384.test;
             ssl_ecdh_curve secp384r1;
             location / { return 200 '\$ssl_curve'; } }
    server { $listen server_name ours.test;
             ssl_ecdh_curve prime256v1:X25519; ssl_prefer_server_ciphers on;
             location / { return 200 '\$ssl_curve'; } }
    server { $listen server_name aes.test;
             ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
             location / { return 200 '\$ssl_cipher \$ssl_curve'; } }
    server { $listen server_name chacha.test;
             $chacha
             location / { return 200 '\$ssl_cipher'; } }
    server { $listen server_name group.test;
             location / { return 200 '\$ssl_curve'; } }
    server { $listen server_name alpn.test;
             location / { return 200 '\$ssl_alpn_protocol'; } }
    server { $listen server_name id.test;
             location / { return 200 '\$ssl_session_id'; } }");

    for my $args (['--curves', 'X25519'], ['--curves', 'P-384:X25519'],
                  ['--curves', 'secp384r1:X448:ffdhe2048'],
                  ['--tls13-ciphers', 'TLS_AES_256_GCM_SHA384'],
                  ['--tls13-ciphers', 'TLS_CHACHA20_POLY1305_SHA256'])
    {
        # a group that BoringSSL and OpenSSL don't have both isn't first

        my @args = ('--tlsv1.3', '--curves', 'X25519', @$args);

        my $seen = $t->get('/', args => \@args)->{body};

        is($seen, $t->get('/', args => \@args, $_ => 1)->{body},
           "@$args, as with $_") for qw(http1 http2);
    }

    my $ours = ['--curves', 'X25519:P-256:P-384'];

    is($t->get('/', host => 'p384.test', args => $ours)->{body}, 'secp384r1',
       "the server's group");
    is($t->get('/', host => 'ours.test', args => $ours)->{body}, 'prime256v1',
       'its order');
    is($t->get('/', host => 'aes.test', args => $ours)->{body},
       'TLS_AES_256_GCM_SHA384 X25519', 'its suite');
    isnt($t->get('/', host => 'aes.test',
                 args => ['--tls13-ciphers', 'TLS_AES_128_GCM_SHA256'])
         ->{exit}, 0, 'no common suite');
    isnt($t->get('/', host => 'p384.test', args => ['--curves', 'X25519'])
         ->{exit}, 0, 'no common group');
    is(join(' ', map { $t->get('/', host => 'alpn.test', $_ => 1)->{body} }
                 qw(http1 http2 http3)), 'http/1.1 h2 h3', 'protocol');

    # what only one of the libraries has

    my $hybrid = ['--curves', 'X25519MLKEM768'];
    my $both = ['--curves', 'X25519MLKEM768:X25519'];

    if ($aws_lc) {
        is($t->get('/', host => 'chacha.test')->{body},
           'TLS_CHACHA20_POLY1305_SHA256', 'only ChaCha20');
        is($t->get('/', host => 'group.test', args => $hybrid)->{body},
           'X25519MLKEM768', 'only X25519MLKEM768');
        is($t->get('/', host => 'group.test', args => $both)->{body},
           'X25519MLKEM768', 'X25519MLKEM768 before X25519');

    } else {
        isnt($t->get('/', host => 'group.test', args => $hybrid)->{exit}, 0,
             'no X25519MLKEM768');
        is($t->get('/', host => 'group.test', args => $both)->{body},
           'X25519', 'X25519 after X25519MLKEM768');
    }

    my ($library) = $t->read_file('error.log')
                    =~ /\[notice\] .*: QUIC module with (.+)/;

    like($library, qr/^(?:BoringSSL|AWS-LC \d[\d.]*)$/, 'the TLS library');
    is(lc((split ' ', $library)[0]), $ENV{TLS} || $t->tls, 'is the one wanted');

    my ($id, $other, @tcp) = map { $t->get('/', host => 'id.test',
                                           $_ => 1)->{body} }
                             qw(http3 http3 http1 http2);

    like($id, qr/^[0-9a-f]{64}$/, 'ID of a session');
    like($_, qr/^[0-9a-f]{64}$/, 'as over TCP') for @tcp;
    isnt($id, $other, 'another connection has another');

    $t->stop;
    $t->no_alerts;
}


# Variables that nginx has since 1.29.3, and knows with OpenSSL 3.5.

sub signatures {
    my ($t, $ca) = nginx();

    SKIP: {
        my ($major, $minor, $patch) = split /\./, $t->version;

        skip 'no $ssl_sigalg', 1
            if $major == 1 && $minor * 1000 + $patch < 29_003;

        $ca->issue($_, type => $_, by => 'root') for qw(ec rsa p384 ed25519);

        my $certs = join "\n", map { "ssl_certificate %%DIR%%/$_.crt;
                                      ssl_certificate_key %%DIR%%/$_.key;" }
                               qw(ec rsa ed25519);

        $t->run("ssl_protocols TLSv1.3;
        server { listen 127.0.0.1:%%PORT%% quic; listen 127.0.0.1:%%PORT%% ssl;
                 $certs
                 ssl_verify_client optional;
                 ssl_client_certificate %%DIR%%/root.crt;
                 location /server { return 200 \$ssl_sigalg; }
                 location /client { return 200 \$ssl_client_sigalg; }
                 location /ech { return 200 =\$ssl_ech_status; } }");

        my $dir = $t->dir;

        # the choice among several is each library's own

        for my $sigalg (qw(ecdsa_secp256r1_sha256 ed25519
                           rsa_pss_rsae_sha256 rsa_pss_rsae_sha512))
        {
            is($t->get('/server', args => ['--sigalgs', $sigalg],
                       $_ => 1)->{body}, $sigalg, "$sigalg over $_")
                for qw(http1 http3);
        }

        for (['ec', 'ecdsa_secp256r1_sha256'],
             ['p384', 'ecdsa_secp384r1_sha384'], ['rsa', 'rsa_pss_rsae_sha256'])
        {
            my ($name, $sigalg) = @$_;
            my @args = ('--cert', "$dir/$name.crt", '--key', "$dir/$name.key");

            is($t->get('/client', args => \@args, $_ => 1)->{body}, $sigalg,
               "client's $sigalg over $_") for qw(http1 http3);
        }

        is($t->get('/client', $_ => 1)->{body}, '', "no client's over $_")
            for qw(http1 http3);
        is($t->get('/ech')->{body}, '=', 'no ECH');

        $t->stop;
        $t->no_alerts;
    }
}


sub dynamic {
    my ($t, $ca) = nginx();

    $ca->issue("$_.test", by => 'root', names => ["$_.test"]) for qw(a b c);
    $ca->issue('rsa', by => 'root', type => 'rsa', names => ['two.test'],
               password => 'rsa sesame');
    $t->file('passwords', "none\nrsa sesame\n");
    $ca->issue('ec', by => 'root', names => ['two.test']);

    my $pem = $ca->read_pem('c.test.crt') . $ca->read_pem('c.test.key');

    $t->run("map \$ssl_server_name \$pem { c.test '$pem'; }
    server {
        listen 127.0.0.1:%%PORT%% quic;
        ssl_certificate     \$ssl_server_name.crt;
        ssl_certificate_key %%DIR%%/\$ssl_server_name.key;
        location / { return 200 '\$ssl_server_name'; }
    }
    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name c.test;
        ssl_certificate     data:\$pem;
        ssl_certificate_key data:\$pem;
        location / { return 200 '\$ssl_server_name'; }
    }
    server {
        listen 127.0.0.1:%%PORT%% quic;
        server_name two.test;
        ssl_password_file   %%DIR%%/passwords;
        ssl_certificate     %%DIR%%/\${empty}rsa.crt;
        ssl_certificate_key %%DIR%%/\${empty}rsa.key;
        ssl_certificate     %%DIR%%/\${empty}ec.crt;
        ssl_certificate_key %%DIR%%/\${empty}ec.key;
        location / { return 200 '\$ssl_server_name'; }
    }
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        location / { stub_status; }
    }
    map '' \$empty { default ''; }");

    for my $name (qw(a.test b.test a.test c.test c.test)) {
        is(join(' ', curl($t, $name)), "0 $name $name", "certificate of $name");
    }

    for my $type (['rsa_pss_rsae_sha256', 'rsa'],
                  ['ecdsa_secp256r1_sha256', 'ec'])
    {
        is(join(' ', curl($t, 'two.test', '-k', '--sigalgs', $type->[0])),
           "0 two.test $type->[1]", "$type->[1] of two");
    }

    # another one in the same file: the next handshake has it

    for (1 .. 2) {
        $ca->issue('a.test', by => 'root', names => ['a.test'],
                   subject => "/CN=new-$_");
        is(join(' ', curl($t, 'a.test')), "0 a.test new-$_", 'a new one');
    }

    my ($exit) = curl($t, 'none.test');
    isnt($exit, 0, 'no certificate');
    is(join(' ', curl($t, 'b.test')), '0 b.test b.test', 'another one');

    my $dir = $t->dir;
    like($t->read_file('error.log'),
         qr/\[error\] .*cannot load certificate "\Q$dir\E\/none.test.crt"/,
         'is logged');

    # a name that is a path to another file

    my $port = $t->port;
    my $script = <<"EOF";
import asyncio
from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration

async def main():
    conf = QuicConfiguration(alpn_protocols=["h3"], verify_mode=0,
                             server_name="../a.test")
    async with connect("127.0.0.1", $port, configuration=conf):
        pass

asyncio.run(main())
EOF

    my $evil = $t->client([$t->program('python3-aioquic'), '-c', $script],
                          timeout => 60);

    ok($t->wait_for(sub {
        $t->read_file('error.log') =~ /server name refused/;
    }), 'a name that is none') or diag($evil->{err});

    # a request there was for each that came through, and no more

    is(scalar($t->access_log(10)), 10, 'log has requests alone');
    like($t->get('/', http1 => 1)->{body},
         qr/ 11 \nReading: 0 Writing: 1 /, 'and so has the status page');

    # more names than are kept

    if (!$QuicTest::small) {
        my @names = map { "n$_.test" } 1 .. 80;

        for my $ext (qw(crt key)) {
            link "$dir/b.test.$ext", "$dir/$_.$ext" for @names;
        }

        my @bad = grep { (curl($t, $_, '-k'))[2] ne 'b.test' }
                  @names, @names[0 .. 3];

        is("@bad", '', 'many names');
    }

    $t->stop;
    $t->no_alerts;
}


# A renewal has written one of two files, or removed them for a moment: the pair
# of before serves on, which the log tells once.

sub renewal {
    my ($t, $ca) = nginx(workers => 1);
    my $issue = sub { $ca->issue('a.test', by => 'root', names => ['a.test'],
                                 subject => "/CN=$_[0]") };

    $issue->('old');
    $t->run('server { listen 127.0.0.1:%%PORT%% quic;
                      ssl_certificate     %%DIR%%/$ssl_server_name.crt;
                      ssl_certificate_key %%DIR%%/$ssl_server_name.key;
                      return 200 ok; }');

    is(join(' ', curl($t, 'a.test')), '0 ok old', 'before a renewal');

    my $key = $ca->read_pem('a.test.key');
    $issue->('new');
    my %new = map { ($_ => $ca->read_pem("a.test.$_")) } qw(crt key);

    my $told = sub {
        my @lines = split /\n/, $t->read_file('error.log');

        return join ' ', scalar(grep { /\[error\] .*$_[0]/ } @lines),
               scalar(grep { /\[warn\] .*a.test.crt" as it was/ } @lines);
    };

    unlink $t->dir . "/a.test.$_" for qw(crt key);
    is(join(' ', curl($t, 'a.test')), '0 ok old', 'no files') for 1 .. 3;
    is($told->('No such file'), '1 1', 'the log tells it once');

    $t->file('a.test.key', $key);
    $t->file('a.test.crt', $new{crt});
    is(join(' ', curl($t, 'a.test')), '0 ok old', 'new certificate, old key')
        for 1 .. 3;
    is($told->('cannot use certificate'), '1 2', 'this as well');

    $t->file('a.test.key', $new{key});
    is(join(' ', curl($t, 'a.test')), '0 ok new', 'both are new');

    $t->stop;
    $t->no_alerts;
}


sub stapling {
    my ($t, $ca) = nginx();

    $ca->issue('stapled', by => 'root',
               names => ['localhost', 'none.test', 'other.test']);
    $t->file('root.db', "V\t400101000000Z\t\t$ca->{serials}{stapled}"
                        . "\tunknown\t/CN=stapled\n");
    $ca->openssl('ocsp', '-index', 'root.db', '-CA', 'root.crt', '-rsigner',
                 'root.crt', '-rkey', 'root.key', '-issuer', 'root.crt',
                 '-cert', 'stapled.crt', '-respout', 'stapled.der',
                 '-ndays', 2);

    # curl looks for the issuer in what the server sends

    $ca->chain('stapled-chain', 'stapled', 'root');

    my $certs = 'ssl_certificate %%DIR%%/stapled-chain.crt;
                 ssl_certificate_key %%DIR%%/stapled.key;';

    $t->run("server { listen 127.0.0.1:%%PORT%% quic; server_name none.test;
                      $certs return 200 ok; }
             server { listen 127.0.0.1:%%PORT%% quic; server_name localhost;
                      $certs ssl_stapling on;
                      ssl_stapling_file %%DIR%%/stapled.der;
                      return 200 ok; }
             map \$ssl_server_name \$stapled { default stapled; }
             server { listen 127.0.0.1:%%PORT%% quic; server_name other.test;
                      ssl_certificate     %%DIR%%/\$stapled-chain.crt;
                      ssl_certificate_key %%DIR%%/\$stapled.key;
                      ssl_stapling on;
                      ssl_stapling_file %%DIR%%/stapled.der;
                      return 200 ok; }");

    is(join(' ', curl($t, 'localhost', '--cert-status')), '0 ok stapled',
       'response is stapled');
    is((curl($t, 'none.test', '--cert-status'))[0], 91, 'and elsewhere not');

    # nobody knows which of them the response would be for

    is((curl($t, 'other.test', '--cert-status'))[0], 91,
       'nor to a certificate whose name has variables');
    is(join(' ', curl($t, 'other.test')), '0 ok stapled', 'that is there');

    $t->stop;
    $t->no_alerts;
}


sub reload {
    my ($t, $ca) = nginx();

    my $body = 'r' x 300_000;

    $ca->issue('localhost', by => 'root', names => ['localhost'],
               subject => '/CN=before');
    $t->file('html/slow', $body);
    $t->run('server { listen 127.0.0.1:%%PORT%% quic;
                      location / { return 200 ok; }
                      location = /slow { limit_rate 100k; } }');

    my $port = $t->port;
    my $slow = $t->begin([$t->{curl}, '-q', '-sS', '-k', '--http3-only', '-m',
                          60, '--connect-to', "::127.0.0.1:$port",
                          "https://localhost:$port/slow"], timeout => 60);

    is(join(' ', curl($t, 'localhost')), '0 ok before', 'before');
    ok($t->wait_for(sub { -s $t->dir . "/$slow->{name}.out" }), 'it runs');

    $ca->issue('localhost', by => 'root', names => ['localhost'],
               subject => '/CN=after');
    my @old = $t->reload;

    # old workers take no new connections when they have been told to quit; for
    # a moment the new ones are there beside them

    ok(!(grep { !QuicTest::is_leaving($_) } @old), 'old workers are told');
    is(join(' ', curl($t, 'localhost')), '0 ok after', 'after') for 1 .. 2;

    ok($t->finish($slow)->{out} eq $body, 'the running one goes on');

    # a certificate that is none: all stays as it is

    $t->file('localhost.crt', "none\n");
    $t->signal('HUP');
    ok($t->wait_for(sub { $t->read_file('error.log') =~ /\[emerg\]/ }),
       'a bad one');
    is(join(' ', curl($t, 'localhost')), '0 ok after', 'is not taken');

    $t->stop;
    $t->no_alerts(qr/localhost\.crt/);
}


# The lines that both sides have written.

sub secrets {
    my ($t, $name) = @_;

    my @lines = sort grep { /^[A-Z]+_.*TRAFFIC_SECRET|^EXPORTER/ }
                     split /\n/, $t->read_file($name);

    return @lines;
}


sub key_log {
    my ($t, $ca) = nginx();

    $t->run('quic_key_log keys.log;
             server { listen 127.0.0.1:%%PORT%% quic;
                      location / { return 200 ok; } }
             server { listen 127.0.0.1:%%PORT%% quic; server_name off.test;
                      quic_key_log off;
                      location / { return 200 ok; } }');

    local $ENV{SSLKEYLOGFILE} = $t->dir . '/client.log';

    $t->get('/') for 1 .. 3;

    my @client = secrets($t, 'client.log');
    my $seen = join '', map { "$_\n" } @client;

    cmp_ok(scalar(@client), '>=', 12, "the client's secrets");
    is(join('', map { "$_\n" } secrets($t, 'keys.log')), $seen,
       'are those in the log');

    $t->get('/', host => 'off.test');
    is(scalar(secrets($t, 'keys.log')), scalar(@client), 'off in a server');

    # moved away, and opened anew

    my $dir = $t->dir;

    rename "$dir/keys.log", "$dir/keys.old";
    $t->signal('USR1');

    ok($t->wait_for(sub {
        $t->get('/');
        return -s "$dir/keys.log";
    }), 'opened anew');

    is((stat "$dir/keys.log")[2] & 0777, 0600, "nobody else's");
    like($t->read_file('error.log') . $t->read_file('stderr'),
         qr/\[warn\] .*secrets of QUIC connections are written to/,
         'a warning at start');

    # logrotate's "create" has made it, with rights that stay

    unlike($t->read_file('error.log'), qr/may read secrets/, 'no warning');
    rename "$dir/keys.log", "$dir/keys.older";
    $t->file('keys.log', '');
    chmod 0640, "$dir/keys.log";
    $t->signal('USR1');

    ok($t->wait_for(sub {
        return $t->read_file('error.log')
               =~ /\[warn\] .*others than its owner may read secrets/;
    }), 'a warning of rights');

    $t->stop;
    $t->no_alerts;
}


sub key_log_full {
    my ($t, $ca) = nginx(workers => 1);

    $t->run('quic_key_log /dev/full;
             server { listen 127.0.0.1:%%PORT%% quic;
                      location / { return 200 ok; } }');

    is($t->get('/')->{body}, 'ok', 'disk is full') for 1 .. 3;

    my @lines = grep { /\[alert\]/ } split /\n/, $t->read_file('error.log');

    is(scalar(@lines), 1, 'one line tells it')
        or diag(join "\n", @lines);
    like($lines[0] // '', qr{write\(\) to "/dev/full" failed}, 'and why');

    $t->stop;
    $t->no_alerts(qr{/dev/full});
}


# A server without a certificate asks clients for one as the default server does,
# and is stricter.

sub shared {
    my ($t, $ca) = nginx();

    $ca->issue('client', by => 'root');
    $t->write_conf('ssl_client_certificate %%DIR%%/root.crt;
    server { listen 127.0.0.1:%%PORT%% quic; server_name a.test;
             ssl_certificate     %%DIR%%/root.crt;
             ssl_certificate_key %%DIR%%/root.key;
             ssl_verify_client optional;
             return 200 "a $ssl_client_verify"; }
    server { listen 127.0.0.1:%%PORT%% quic; server_name b.test;
             ssl_verify_client on;
             return 200 "b $ssl_client_verify $ssl_client_s_dn"; }');

    # but none for all servers

    $t->file('nginx.conf', $t->read_file('nginx.conf')
                           =~ s/^    ssl_certificate.*\n//mgr);
    $t->start;

    my $dir = $t->dir;
    my @cert = ('--cert', "$dir/client.crt", '--key', "$dir/client.key");

    is($t->get('/', host => 'a.test')->{body}, 'a NONE', 'optional');
    is($t->get('/', host => 'b.test')->{status}, 400,
       'another one without a certificate demands it');
    is($t->get('/', host => 'b.test', args => \@cert)->{body},
       'b SUCCESS CN=client', 'and knows it');

    $t->stop;
    $t->no_alerts;
}


# The log line of a request whose connection is gone.

sub gone {
    my ($t, $ca) = nginx();

    $ca->issue('client', by => 'root');

    my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
        or BAIL_OUT("listen: $!");
    my $port = $silent->sockport;

    $t->run("log_format gone '\$status \$ssl_protocol \$ssl_cipher \$ssl_curve '
                '\$ssl_server_name \$ssl_client_verify \$ssl_client_s_dn';
    access_log %%DIR%%/gone.log gone;
    ssl_verify_client on;
    ssl_client_certificate %%DIR%%/root.crt;
    server { listen 127.0.0.1:%%PORT%% quic;
             location / { proxy_pass http://127.0.0.1:$port; } }");

    my $dir = $t->dir;

    $t->get('/', args => [QuicTest::GIVE_UP, '--cert', "$dir/client.crt",
                          '--key', "$dir/client.key", '--curves', 'P-256']);

    my ($line) = $t->access_log(1, 'gone.log');

    like($line // '',
         qr/^499 TLSv1.3 TLS_\w+ prime256v1 localhost SUCCESS CN=client$/,
         'log of a request that was given up');

    $t->stop;
    $t->no_alerts;
}


certificates();
variables();
signatures();
dynamic();
renewal();
stapling();
reload();
key_log();
key_log_full();
shared();
gone();

done_testing();
