#!/usr/bin/perl

# What "nginx -t" says of ssl_ directives where there is "listen ... quic": each
# mistake is one line, which names it, and so is what can't mean the same.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;
use TestCA;

my $t = QuicTest->new;
my $ca = TestCA->new($t->dir);

$ca->issue('root', ca => 1);
$ca->issue('second');
$ca->issue('locked', password => 'open sesame');
$ca->issue('ed448', type => 'ed448');
$ca->issue('pss', type => 'pss');
$ca->issue('k256', type => 'k256');
$ca->crl('root');

$t->file('garbage', "no PEM\n");
$t->file('empty', '');
$t->file('wrong', "open barley\n");
$t->file('right', "open barley\nopen sesame\n");


sub check {
    my ($conf) = @_;

    $t->write_conf("access_log off;\nserver {\nlisten %%PORT%% quic;\n"
                   . "server_name a;\n$conf\n}");

    my $dir = $t->dir;
    my $out = qx{$t->{nginx} -t -p $dir/ -c $dir/nginx.conf -e stderr 2>&1};

    return ($? >> 8, $out);
}


# Lines at that level and above it: exactly one, with all of these words; or
# none.

sub says {
    my ($name, $conf, $level, @words) = @_;

    my ($status, $out) = check($conf);
    my @lines = grep { /\[(?:warn|error|crit|alert|emerg)\]/ } split /\n/, $out;

    my $ok = $status == ($level eq 'emerg' ? 1 : 0)
             && @lines == ($level eq 'ok' ? 0 : 1);

    for (@lines) {
        $ok &&= /\[$level\]/;

        for my $word (@words) {
            $ok &&= index($_, $word) >= 0;
        }
    }

    ok($ok, "$name: $level") or diag($conf, "\n", $out);
}


# What the module says has the server block's place, which nginx's lines of this
# kind have as well; nginx's own about files of OpenSSL's don't.

my $dir = $t->dir;
my $where = 'directive in ' . $dir . '/nginx.conf:';

sub cert { return "ssl_certificate $dir/$_[0]; ssl_certificate_key $dir/$_[1];" }

says('certificate', cert('second.crt', 'second.key'), 'ok');
says('no such certificate', cert('none.crt', 'second.key'), 'emerg',
     "cannot load certificate \"$dir/none.crt\"", 'No such file');
says('no such key', cert('second.crt', 'none.key'), 'emerg',
     "cannot load certificate key \"$dir/none.key\"", 'No such file');
says('a directory', cert('tmp', 'second.key'), 'emerg', "$dir/tmp");
says('no certificate in it', cert('garbage', 'second.key'), 'emerg',
     "$dir/garbage", 'no start line');
says('nothing in it', cert('second.crt', 'empty'), 'emerg', "$dir/empty");
says('key of another', cert('second.crt', 'root.key'), 'emerg',
     "$dir/root.key", 'key values mismatch');
says('certificate without key', cert('second.crt', 'second.key')
     . "ssl_certificate $dir/root.crt;", 'emerg',
     'no "ssl_certificate_key" is defined', "$dir/root.crt");
says('password', cert('locked.crt', 'locked.key')
     . "ssl_password_file $dir/right;", 'ok');
says('wrong password', cert('locked.crt', 'locked.key')
     . "ssl_password_file $dir/wrong;", 'emerg', "$dir/locked.key");
says('no such password file', "ssl_password_file $dir/none;", 'emerg',
     "open() \"$dir/none\" failed");
says('engine', cert('second.crt', '') =~ s/key [^ ]*$/key engine:none:key;/r,
     'emerg', 'none');

# keys that OpenSSL can use in TLS 1.3 and 1.2, but the module's library not

for my $type (qw(ed448 pss k256)) {
    says("key of type $type", cert("$type.crt", "$type.key"), 'emerg',
         "$dir/$type.");
}

says('client CA', "ssl_verify_client on; ssl_client_certificate $dir/root.crt;",
     'ok');
says('no client CA', 'ssl_verify_client on;', 'emerg',
     'no ssl_client_certificate for ssl_verify_client');
says('without client CA', 'ssl_verify_client optional_no_ca;', 'ok');
says('no such client CA',
     "ssl_verify_client on; ssl_client_certificate $dir/none;", 'emerg',
     "$dir/none", 'No such file');
says('client CA is none',
     "ssl_verify_client on; ssl_client_certificate $dir/garbage;", 'emerg',
     "$dir/garbage");
says('no such trusted CA', "ssl_verify_client optional_no_ca;
     ssl_trusted_certificate $dir/none;", 'emerg', "$dir/none");
says('CRL', "ssl_verify_client on; ssl_client_certificate $dir/root.crt;
     ssl_crl $dir/root.crl;", 'ok');
says('no such CRL', "ssl_verify_client optional_no_ca; ssl_crl $dir/none;",
     'emerg', "$dir/none");
says('CRL is none', "ssl_verify_client optional_no_ca; ssl_crl $dir/garbage;",
     'emerg', "$dir/garbage");
says('verify', 'ssl_verify_client maybe;', 'emerg', 'invalid value "maybe"',
     "$dir/nginx.conf:");
says('depth', 'ssl_verify_depth deep;', 'emerg', 'invalid number',
     "$dir/nginx.conf:");
says('OCSP of clients', "ssl_verify_client on; ssl_ocsp on; resolver 127.0.0.1;
     ssl_client_certificate $dir/root.crt;", 'emerg',
     '"ssl_ocsp" is not supported', $where);

says('versions', 'ssl_protocols TLSv1.2 TLSv1.3;', 'ok');
says('no TLS 1.3', 'ssl_protocols TLSv1.1 TLSv1.2;', 'emerg',
     '"ssl_protocols" must enable TLSv1.3', $where);
says('unknown version', 'ssl_protocols TLSv1.4;', 'emerg',
     'invalid value "TLSv1.4"', "$dir/nginx.conf:");

says('groups', 'ssl_ecdh_curve X25519:prime256v1:secp384r1:P-521;', 'ok');
says('no such group', 'ssl_ecdh_curve X25520;', 'emerg', 'X25520');
says('another group', 'ssl_ecdh_curve X25519:X448;', 'warn',
     'group "X448" in "X25519:X448" is ignored', $where);
says('only other groups', 'ssl_ecdh_curve X448:ffdhe3072;', 'emerg',
     'has none of the groups in "X448:ffdhe3072"', $where);

sub suites {
    return 'ssl_conf_command Ciphersuites '
           . join(':', map { "TLS_$_" } @_) . ';';
}

my @suites = qw(AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256 AES_128_GCM_SHA256);

says('all suites', suites(@suites), 'ok');
says('AES', suites(@suites[0, 2]), 'ok');
says('AES-256', suites($suites[0]), 'ok');

# BoringSSL has policies in place of a choice

my $known = '"ssl_conf_command Ciphersuites TLS_AES_128_CCM_SHA256" is not'
            . ' supported';

if ($t->tls eq 'boringssl') {
    says('256 bits', suites(@suites[0, 1]), 'warn',
         '"ssl_conf_command Ciphersuites" allows more', $where,
         'BoringSSL can leave out ChaCha20');
    says('ChaCha20', suites($suites[1]), 'emerg',
         'Ciphersuites TLS_CHACHA20_POLY1305_SHA256" is not supported', $where,
         'BoringSSL can leave out ChaCha20');
    says('only another suite', suites('AES_128_CCM_SHA256'), 'emerg', $known,
         $where, 'BoringSSL can leave out ChaCha20');

} else {
    says('256 bits', suites(@suites[0, 1]), 'ok');
    says('ChaCha20', suites($suites[1]), 'ok');
    says('only another suite', suites('AES_128_CCM_SHA256'), 'emerg', $known,
         $where, 'AWS-LC has TLS_AES_128_GCM_SHA256');
}

says('no such suite', suites('ROT13'), 'emerg', 'TLS_ROT13');

for my $ok ('MinProtocol TLSv1.2', 'MaxProtocol TLSv1.3', 'Groups P-256',
            'CipherString HIGH', 'RecordPadding 0', 'Options NoRenegotiation',
            'Options -MiddleboxCompat,KTLS')
{
    says($ok, "ssl_conf_command $ok;", 'ok');
}

says('version by command', 'ssl_conf_command MaxProtocol TLSv1.2;', 'emerg',
     '"ssl_conf_command MaxProtocol" must enable TLSv1.3', $where);
says('tickets by command', 'ssl_conf_command Options Bugs,-SessionTicket;',
     'emerg', '"ssl_session_tickets off" is', $where);
says('preference by command', 'ssl_conf_command Options ServerPreference;',
     'emerg', '"ssl_prefer_server_ciphers on" is', $where);
says('ChaCha20 first', 'ssl_conf_command Options PrioritizeChaCha;', 'warn',
     'Options PrioritizeChaCha" is ignored', $where);
says('another command', 'ssl_conf_command VerifyMode Require;', 'emerg',
     '"ssl_conf_command VerifyMode" is not supported', $where);
says('no such command', 'ssl_conf_command Colour red;', 'emerg', 'Colour');

says('no such response', "ssl_stapling on; ssl_stapling_file $dir/none;",
     'emerg', "$dir/none");
says('response is none', "ssl_stapling on; ssl_stapling_file $dir/garbage;",
     'emerg', "$dir/garbage");
says('response for any certificate', cert('$ssl_server_name.crt', 'second.key')
     . "ssl_stapling on; ssl_stapling_file $dir/none;", 'warn',
     '"ssl_stapling" is ignored', $where);

says('key log', 'quic_key_log keys.log;', 'warn',
     "secrets of QUIC connections are written to \"$dir/keys.log\"",
     "$dir/nginx.conf:");
is((stat "$dir/keys.log")[2] & 0777, 0600, 'rights of the key log');
says('no key log', 'quic_key_log off;', 'ok');
says('key log that can not be', 'quic_key_log none/keys.log;', 'emerg',
     "open() \"$dir/none/keys.log\" failed");
says('two key logs', 'quic_key_log off; quic_key_log off;', 'emerg',
     '"quic_key_log" directive is duplicate', "$dir/nginx.conf:");

# one that is there already, and others'

sub key_log {
    my ($mode, $user) = @_;

    $t->file('seen.log', '');
    chmod $mode, "$dir/seen.log";
    chown $user, -1, "$dir/seen.log" if $user;

    my ($status, $out) = check('quic_key_log seen.log;');

    is($status, 0, sprintf 'key log with mode %o is no error', $mode);
    is((stat "$dir/seen.log")[2] & 0777, $mode, 'the mode stays');

    return join ' ', $out =~ /\[warn\] [^"]* (\w+) may read secrets of QUIC /g;
}

is(key_log(0600), '', 'nobody else reads the key log');
is(key_log($_), 'owner', sprintf 'warning of mode %o', $_) for 0644, 0640, 0604;

SKIP: {
    skip 'no rights to', 3 if $> != 0;
    is(key_log(0600, 1), 'user', 'warning of another user');
}

# nginx has something to say of this as well

my ($status, $out) = check(cert('second.crt', 'second.key')
                           . 'ssl_stapling on;');
like($out, qr/\[warn\] .*"ssl_stapling" without "ssl_stapling_file" is ignored/,
     'stapling: warn');
is($status, 0, 'is no error');

# What is wrong in one of several servers is found as well.

$t->write_conf('server { listen %%PORT%% quic; server_name a; }
server { listen %%PORT%% quic; server_name b; ssl_protocols TLSv1.2; }');
$out = qx{$t->{nginx} -t -p $dir/ -c $dir/nginx.conf -e stderr 2>&1};
like($out, qr/"ssl_protocols" must enable TLSv1.3/, 'in another server');

done_testing();
