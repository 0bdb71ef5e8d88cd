#!/usr/bin/perl

# What "nginx -t" says: of "listen ... quic" and its parameters, of the other
# directives, of certificates and of names.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;

use QuicTest;

my $t = QuicTest->new;
my $ssl = "ssl_certificate %%DIR%%/localhost.crt;
           ssl_certificate_key %%DIR%%/localhost.key;";

$t->file('key', 'k' x 32);
$t->file('key2', 'K' x 16);
$t->file('short', 'k' x 15);


# The whole of http{}; no certificate in it unless it says so.

sub check {
    my ($http, $events) = @_;

    $events = '' unless defined $events;

    my $dir = $t->dir;
    my $user = $> == 0 ? 'user root;' : '';

    make_temp();
    $t->file('nginx.conf', $t->expand(<<"EOC"));
$user
load_module $t->{module};
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/test.log;
events { $events }
http {
    access_log off;
    client_body_temp_path %%DIR%%/tmp/1;
    proxy_temp_path       %%DIR%%/tmp/2;
    fastcgi_temp_path     %%DIR%%/tmp/3;
    uwsgi_temp_path       %%DIR%%/tmp/4;
    scgi_temp_path        %%DIR%%/tmp/5;
    $http
}
EOC

    my $out = qx{$t->{nginx} -t -p $dir/ -c $dir/nginx.conf 2>&1};

    return ($? >> 8, $out);
}


sub make_temp { mkdir $t->dir . '/tmp' }


sub good {
    my ($name, $http, $events) = @_;

    my ($status, $out) = check($http, $events);

    ok($status == 0 && $out !~ /\[(?:emerg|alert|warn)\]/, $name)
        or diag($out);
}


sub bad {
    my ($name, $http, $message, $events) = @_;

    my ($status, $out) = check($http, $events);

    my ($line) = grep { /\[emerg\]/ } split /\n/, $out;

    ok($status == 1 && defined $line && index($line, $message) >= 0, $name)
        or diag("wanted: $message\n$out");
}


sub servers {
    return join "\n", "$ssl\n", map { "server { $_ }" } @_;
}


# Addresses

good('port', servers('listen %%PORT%% quic;'));
good('IPv4', servers('listen 127.0.0.1:%%PORT%% quic;'));
good('IPv6', servers('listen [::1]:%%PORT%% quic;'));
good('IPv6 wildcard', servers('listen [::]:%%PORT%% quic;'));
good('both families', servers('listen %%PORT%% quic;
                               listen [::]:%%PORT%% quic;'));
good('both families on one socket',
     servers('listen [::]:%%PORT%% quic ipv6only=off;'));
good('address without port', servers('listen 127.0.0.1:%%PORT%%;
                                      listen localhost:%%PORT%% quic;'));
good('wildcard and address', servers('listen %%PORT%% quic;
                                      listen 127.0.0.1:%%PORT%% quic;'));
good('an address that does not exist, below a wildcard',
     servers('listen %%PORT%% quic; listen 192.0.2.1:%%PORT%% quic;'));
good('TCP and UDP of one port',
     servers('listen %%PORT%% ssl; listen %%PORT%% quic;'));

bad('unix socket', servers('listen unix:%%DIR%%/s quic;'),
    '"quic" is not supported on addr "unix:');
bad('invalid port', servers('listen 127.0.0.1:99999 quic;'),
    'invalid port in "127.0.0.1:99999" of the "listen" directive');
bad('no address', servers('listen quic;'),
    'host not found in "quic" of the "listen" directive');
bad('an address that does not exist',
    servers('listen 192.0.2.1:%%PORT%% quic;'), 'bind() to 192.0.2.1:');
bad('an address that does not exist, with a socket of its own',
    servers('listen %%PORT%% quic; listen 192.0.2.1:%%PORT%% quic bind;'),
    'bind() to 192.0.2.1:');

# Parameters

for my $param (qw(default_server default bind reuseport rcvbuf=64k
                  sndbuf=1m rcvbuf=0))
{
    good($param, servers("listen %%PORT%% quic $param;"));
    good("$param before quic", servers("listen %%PORT%% $param quic;"));
}

good('ipv6only=on', servers('listen [::]:%%PORT%% quic ipv6only=on;'));
good('all of them',
     servers('listen [::1]:%%PORT%% quic default_server bind reuseport
                     rcvbuf=64k sndbuf=64k ipv6only=on;'));

for my $param (qw(ssl http2 proxy_protocol backlog=511 deferred fastopen=5
                  accept_filter=dataready setfib=1 so_keepalive=on))
{
    my ($name) = $param =~ /^(\w+)/;

    for my $order ("quic $param", "$param quic") {
        bad($order, servers("listen %%PORT%% $order;"),
            "\"$name\" parameter is incompatible with \"quic\"");
    }
}

for my $param (qw(quick quic=on default_servers sslx rcvbuf ipv6only)) {
    bad($param, servers("listen %%PORT%% quic $param;"),
        "invalid parameter \"$param\"");
}

bad('rcvbuf=x', servers('listen %%PORT%% quic rcvbuf=x;'),
    'invalid rcvbuf "rcvbuf=x"');
bad('sndbuf=', servers('listen %%PORT%% quic sndbuf=;'),
    'invalid sndbuf "sndbuf="');
bad('sndbuf=3g', servers('listen %%PORT%% quic sndbuf=3072m;'),
    'invalid sndbuf "sndbuf=3072m"');
bad('ipv6only=maybe', servers('listen [::]:%%PORT%% quic ipv6only=maybe;'),
    'invalid ipv6only flags "maybe"');
bad('ipv6only with IPv4', servers('listen 127.0.0.1:%%PORT%% quic ipv6only=on;'),
    'ipv6only is not supported on addr "127.0.0.1:');

# Several servers, several listens

good('two servers', servers('listen %%PORT%% quic;',
                            'listen %%PORT%% quic; server_name b;'));
good('options in one of two servers',
     servers('listen %%PORT%% quic;',
             'listen %%PORT%% quic reuseport default_server; server_name b;'));
bad('duplicate options',
    servers('listen %%PORT%% quic reuseport;',
            'listen %%PORT%% quic reuseport;'),
    'duplicate listen options for 0.0.0.0:');
bad('duplicate options, other ones',
    servers('listen %%PORT%% quic rcvbuf=1m;',
            'listen 0.0.0.0:%%PORT%% quic bind;'),
    'duplicate listen options for 0.0.0.0:');
bad('duplicate default server',
    servers('listen %%PORT%% quic default_server;',
            'listen %%PORT%% quic default_server;'),
    'a duplicate default server for 0.0.0.0:');
bad('duplicate listen',
    servers('listen %%PORT%% quic; listen *:%%PORT%% quic;'),
    'a duplicate listen 0.0.0.0:');
good('default servers of TCP and of UDP',
     servers('listen %%PORT%% ssl default_server;
              listen %%PORT%% quic;',
             'listen %%PORT%% ssl;
              listen %%PORT%% quic default_server; server_name b;'));
good('options of TCP and of UDP',
     servers('listen %%PORT%% ssl reuseport; listen %%PORT%% quic reuseport;'));

# nginx's own listens are nginx's own

good('TCP', servers('listen %%PORT%% default_server reuseport backlog=5;'));
good('TCP with all', servers('listen %%PORT%% ssl proxy_protocol deferred
                                     fastopen=3 so_keepalive=on;'));
good('unix', servers('listen unix:%%DIR%%/s;'));
bad('TCP: duplicate listen', servers('listen %%PORT%%; listen %%PORT%%;'),
    'a duplicate listen 0.0.0.0:');
bad('TCP: invalid parameter', servers('listen %%PORT%% quack;'),
    'invalid parameter "quack"');
bad('TCP: duplicate options', servers('listen %%PORT%% backlog=1;',
                                      'listen %%PORT%% backlog=2;'),
    'duplicate listen options for 0.0.0.0:');

# Names

good('names', servers('listen %%PORT%% quic; server_name a *.a a.* ~^c(\d)$;',
                      'listen %%PORT%% quic; server_name .b ~d "";'));

my ($status, $out) = check(servers('listen %%PORT%% quic; server_name a;',
                                   'listen %%PORT%% quic; server_name a;'));

like($out, qr/\[warn\].*conflicting server name "a" on 0.0.0.0:\d+, ignored/,
     'conflicting server names');
is($status, 0, 'are no error');

bad('invalid name', servers('listen %%PORT%% quic; server_name a*b;',
                            'listen %%PORT%% quic;'),
    'invalid server name or wildcard "a*b" on 0.0.0.0:');

# Certificates

bad('no certificate', 'server { listen %%PORT%% quic; }',
    'no "ssl_certificate" is defined for the "listen ... quic" directive in ');
bad('no certificate in the default server',
    "server { listen %%PORT%% quic; server_name a; }
     server { listen %%PORT%% quic; $ssl }",
    'no "ssl_certificate" is defined for the "listen ... quic" directive in ');
good('no certificate in another server',
     "server { listen %%PORT%% quic; server_name a; }
      server { listen %%PORT%% quic default_server; $ssl }");
good('ssl_reject_handshake',
     'server { listen %%PORT%% quic; ssl_reject_handshake on; }');
good('ssl_reject_handshake by default',
     "server { listen %%PORT%% quic; ssl_reject_handshake on; }
      server { listen %%PORT%% quic; server_name a; $ssl }");
bad('ssl_reject_handshake by default, no certificate',
    "server { listen %%PORT%% quic; ssl_reject_handshake on; }
     server { listen %%PORT%% quic; server_name a; }",
    'no "ssl_certificate" is defined for the "listen ... quic" directive in ');

# TLS is the default server's then, so what clients are asked for must be as well

$t->certificate('other');

sub ask { return "ssl_verify_client $_[0];
                  ssl_client_certificate %%DIR%%/$_[1].crt;" }

sub two {
    my ($default, $other) = @_;

    return "server { listen %%PORT%% quic; $ssl $default }
            server { listen %%PORT%% quic; server_name a; $other }";
}

for my $other (['CAs', ask('on', 'other')],
               ['trusted CAs', ask('on', 'localhost')
                . 'ssl_trusted_certificate %%DIR%%/other.crt;'],
               ['revocation list', ask('on', 'localhost')
                . 'ssl_crl %%DIR%%/none.crl;'],
               ['depth', ask('on', 'localhost') . 'ssl_verify_depth 2;'],
               ['OCSP', ask('on', 'localhost')
                . 'ssl_ocsp on; resolver 127.0.0.1;'])
{
    bad("no certificate, and other $other->[0]",
        two(ask('optional', 'localhost'), $other->[1]),
        'no "ssl_certificate" is defined for the "listen ... quic" directive '
        . 'in ');
}

bad('no certificate, and only one asks for clients\'',
    two('', ask('optional', 'localhost')),
    'whose "ssl_verify_client" asks for something else than the default '
    . 'server\'s');
good('no certificate, and both ask for the same',
     ask('on', 'localhost') . two('', ''));
good('no certificate, and they differ in what they do about it',
     two(ask('optional', 'localhost'), ask('on', 'localhost')));
good('no certificate, and only the default server asks for clients\'',
     two(ask('on', 'localhost'), ''));
good('certificate for all, and other CAs',
     $ssl . two(ask('optional', 'localhost'), ask('on', 'other')));

good('variables in the names of certificates',
     'server { listen %%PORT%% quic; ssl_certificate $host.crt;
               ssl_certificate_key $host.key; }');
bad('ssl_protocols without TLSv1.3',
    servers('listen %%PORT%% quic; ssl_protocols TLSv1.2;'),
    '"ssl_protocols" must enable TLSv1.3 for the "listen ... quic" directive');

# Other directives

for my $directive ('http3 on', 'http3 off', 'quic_retry on',
                   'quic_retry off', 'quic_retry auto', 'quic_gso off',
                   'quic_gso on', 'http3_max_concurrent_streams 1',
                   'http3_max_concurrent_streams 65536',
                   'http3_max_table_capacity 0',
                   'http3_max_table_capacity 64k',
                   'http3_max_blocked_streams 0',
                   'http3_max_blocked_streams 1000',
                   'http3_stream_buffer_size 1k',
                   'http3_stream_buffer_size 32m',
                   'quic_active_connection_id_limit 2',
                   'quic_active_connection_id_limit 8',
                   'quic_mtu 1280',
                   'quic_mtu 65000',
                   'quic_congestion_control cubic',
                   'quic_congestion_control reno',
                   'quic_preferred_address off',
                   'quic_preferred_address 192.0.2.1:%%PORT%%',
                   'quic_congestion_control bbr',
                   'quic_host_key %%DIR%%/key')
{
    good("$directive in server{}",
         servers("listen %%PORT%% quic; $directive;"));
    good("$directive in http{}",
         "$directive;" . servers('listen %%PORT%% quic;'));

    my ($name) = $directive =~ /^(\w+)/;

    bad("$name twice",
        servers("listen %%PORT%% quic; $directive; $directive;"),
        "\"$name\" directive is duplicate");
    bad("$name in location{}",
        servers("listen %%PORT%% quic; location / { $directive; }"),
        "\"$name\" directive is not allowed here");
}

bad('quic_retry maybe', 'quic_retry maybe;', 'invalid value "maybe"');

for my $name (qw(http3 quic_gso)) {
    bad("$name maybe", "$name maybe;",
        "invalid value \"maybe\" in \"$name\" directive");
}

bad('http3_max_concurrent_streams 0', 'http3_max_concurrent_streams 0;',
    'value must be between 1 and 65536');
bad('http3_max_concurrent_streams 65537',
    'http3_max_concurrent_streams 65537;',
    'value must be between 1 and 65536');
bad('quic_active_connection_id_limit 1', 'quic_active_connection_id_limit 1;',
    'value must be between 2 and 8');
bad('quic_active_connection_id_limit 9', 'quic_active_connection_id_limit 9;',
    'value must be between 2 and 8');
for my $address ('', '192.0.2.1', '192.0.2.1:0', '192.0.2.1:65536', ':443',
                 '0.0.0.0:443', '[::]:443', '2001:db8::1', 'localhost:443',
                 'unix:/tmp/x', 'off:1')
{
    bad("quic_preferred_address '$address'",
        "quic_preferred_address '$address';",
        "invalid address \"$address\" in \"quic_preferred_address\" directive");
}

# Which of the preferred addresses somebody serves.

for my $row (
    ['listen %%PORT%% quic', '192.0.2.1:%%PORT%%'],
    ['listen %%PORT%% quic', '192.0.2.1:443', '192.0.2.1:443'],
    ['listen 127.0.0.1:%%PORT%% quic', '127.0.0.1:%%PORT%%'],
    ['listen 127.0.0.1:%%PORT%% quic', '127.0.0.2:%%PORT%%', '127.0.0.2:'],
    ['listen [::1]:%%PORT%% quic', '[::1]:%%PORT%%'],
    ['listen [::1]:%%PORT%% quic', '[::2]:%%PORT%%', '[::2]:'],
    ['listen [::]:%%PORT%% quic', '[::2]:%%PORT%%'],
    ['listen [::]:%%PORT%% quic', '127.0.0.1:%%PORT%%', '127.0.0.1:'],
    ['listen [::]:%%PORT%% quic ipv6only=off', '127.0.0.1:%%PORT%%'],
    ['listen %%PORT%% quic', '[::1]:%%PORT%%', '[::1]:'],
    ['listen %%PORT%% quic; listen [::1]:%%PORT%% quic',
     '[::1]:%%PORT%% 127.0.0.1:%%PORT%%'],
    ['listen %%PORT%% quic; listen %%PORT_1%% quic',
     '192.0.2.1:%%PORT%%'],
    ['listen %%PORT%%', '192.0.2.1:443'],
    ['listen %%PORT%% quic', '[::1]:443 192.0.2.1:443',
     '192.0.2.1:443', '[::1]:443'])
{
    my ($listen, $address, @unserved) = @$row;

    my ($status, $out) =
        check(servers("$listen;")
              . "\nquic_preferred_address $address;\n");

    my @lines = grep { /\[warn\]/ } split /\n/, $out;

    my @said = grep {
        index($lines[$_], "no \"listen ... quic\" directive serves "
                          . $unserved[$_]) >= 0
        && $lines[$_] =~ / of the "quic_preferred_address" directive in \S+:\d+$/
    } 0 .. $#unserved;

    ok($status == 0 && @lines == @unserved && @said == @unserved,
       "$listen, preferred $address: " . (@unserved ? 'a warning' : 'served'))
        or diag($out);
}

bad('two preferred addresses of IPv4',
    'quic_preferred_address 192.0.2.1:443 192.0.2.2:443;',
    'two IPv4 addresses in "quic_preferred_address" directive');
bad('two preferred addresses of IPv6',
    'quic_preferred_address [::1]:443 [::2]:443;',
    'two IPv6 addresses in "quic_preferred_address" directive');
bad('an address of a third family, as it were',
    'quic_preferred_address 192.0.2.1:443 off;', 'invalid address "off"');
bad('quic_mtu 1279', 'quic_mtu 1279;', 'value must be between 1280 and 65000');
bad('quic_mtu 65001', 'quic_mtu 65001;',
    'value must be between 1280 and 65000');
bad('quic_congestion_control vegas', 'quic_congestion_control vegas;',
    'unknown congestion control "vegas"');
bad('http3_stream_buffer_size 1023', 'http3_stream_buffer_size 1023;',
    'value must be 1k or more');
bad('http3_stream_buffer_size 33m', 'http3_stream_buffer_size 33m;',
    'value must be 32m or less');
bad('http3_max_table_capacity 65537', 'http3_max_table_capacity 65537;',
    'value must be 64k or less');
bad('http3_max_blocked_streams 1001', 'http3_max_blocked_streams 1001;',
    'value must be between 0 and 1000');
bad('http3_stream_buffer_size x', 'http3_stream_buffer_size x;',
    '"http3_stream_buffer_size" directive invalid value');

bad('no such host key', 'quic_host_key none;', '/none" failed (2: No such');
bad('short host key', 'quic_host_key %%DIR%%/short;', 'is too short');
good('host keys of server{} that agree',
     servers('listen %%PORT%% quic; quic_host_key %%DIR%%/key;',
             'listen %%PORT%% quic; quic_host_key key; server_name b;'));
bad('host keys that do not',
    servers('listen %%PORT%% quic; quic_host_key %%DIR%%/key;',
            'listen %%PORT%% quic; quic_host_key %%DIR%%/key2;'),
    'conflicting "quic_host_key" files');

# Event methods; the configuration has events{} before http{}

for my $method (qw(poll select)) {
SKIP: {
    my ($status) = check('server { listen %%PORT%%; }', "use $method;");

    skip "nginx was built without $method", 1 if $status;

    bad("use $method", servers('listen %%PORT%% quic;'), "use $method",
        "use $method;");
}
}

good('use epoll', servers('listen %%PORT%% quic;'), 'use epoll;');

# A server that is running does not disturb the test, nor the test the server.

$t->run('server { listen 127.0.0.1:%%PORT%% quic reuseport;
                  location / { return 200 "fine\n"; } }');

my $dir = $t->dir;

$out = qx{$t->{nginx} -t -p $dir/ -c $dir/nginx.conf 2>&1};
is($?, 0, 'test while running') or diag($out);

$out = qx{$t->{nginx} -T -p $dir/ -c $dir/nginx.conf 2>&1};
like($out, qr/listen 127.0.0.1:\d+ quic reuseport/, 'nginx -T');

my $ok = 0;

for (1 .. 10) {
    $ok++ if $t->get('/')->{body} eq "fine\n";
}

is($ok, 10, 'requests of the running server');

$t->stop;
$t->no_alerts;

done_testing();
