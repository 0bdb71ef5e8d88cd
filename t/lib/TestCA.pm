package TestCA;

# Certificates of all kinds, made by openssl in a folder.
#
#     my $ca = TestCA->new($t->dir);
#
#     $ca->issue('root', ca => 1);
#     $ca->issue('middle', ca => 1, by => 'root');
#     $ca->issue('leaf', by => 'middle', type => 'rsa', names => ['a.test']);
#     $ca->chain('leaf-chain', 'leaf', 'middle');
#     $ca->crl('root', 'leaf');
#
# NAME.crt and NAME.key are made, resp. NAME.crl.

use strict;
use warnings;

use Test::More;

my %types = (
    ec      => ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    p384    => ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1'],
    rsa     => ['rsa:2048'],
    rsa1968 => ['rsa:1968'],
    rsa1024 => ['rsa:1024'],
    rsa512  => ['rsa:512'],
    params  => ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                '-pkeyopt', 'ec_param_enc:explicit'],
    ed25519 => ['ed25519'],
    ed448   => ['ed448'],
    pss     => ['rsa-pss'],
    k256    => ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
);


sub new {
    my ($class, $dir) = @_;

    return bless { dir => $dir, serial => 4096 }, $class;
}


sub openssl {
    my ($self, @args) = @_;

    my $cmd = join ' ', map { my $s = $_; $s =~ s/'/'\\''/g; "'$s'" }
                        'openssl', @args;
    my $out = qx{cd $self->{dir} && $cmd 2>&1};

    BAIL_OUT("$cmd: $out") if $?;

    return $out;
}


# Options: type, by (the issuer; itself without), ca, days, subject, names (DNS),
# password, ext => [...], bare (nothing but these), sign => [...] (openssl's
# options for the signature).

sub issue {
    my ($self, $name, %opt) = @_;

    my $serial = ++$self->{serial};
    my $by = $opt{by} || $name;
    my $subject = $opt{subject} || "/CN=$name";
    my @ext = (@{$opt{ext} || []},
               $opt{bare} ? () :
               $opt{ca} ? ('basicConstraints=critical,CA:TRUE',
                           'keyUsage=keyCertSign,cRLSign,digitalSignature')
                        : 'basicConstraints=CA:FALSE');

    push @ext, 'subjectAltName=' . join ',', map { "DNS:$_" } @{$opt{names}}
        if $opt{names};

    $self->{serials}{$name} = sprintf '%X', $serial;

    $self->openssl('req', '-new', '-newkey', @{$types{$opt{type} || 'ec'}},
                   '-subj', $subject, '-utf8', '-keyout', "$name.key",
                   '-out', "$name.csr", '-passout',
                   'pass:' . ($opt{password} // ''),
                   defined $opt{password} ? () : '-nodes');

    open my $fh, '>', "$self->{dir}/$name.ext" or BAIL_OUT("$name.ext: $!");
    print $fh map { "$_\n" } @ext;
    close $fh;

    $self->openssl('x509', '-req', '-in', "$name.csr", '-out', "$name.crt",
                   '-set_serial', $serial, '-days', $opt{days} // 30,
                   '-extfile', "$name.ext", @{$opt{sign} || []},
                   $opt{by} ? ('-CA', "$by.crt", '-CAkey', "$by.key")
                            : ('-signkey', "$name.key", '-passin',
                               'pass:' . ($opt{password} // '')));
}


sub read_pem {
    my ($self, $name) = @_;

    open my $fh, '<', "$self->{dir}/$name" or BAIL_OUT("$name: $!");
    local $/;

    return <$fh>;
}


# Certificates in one file.

sub chain {
    my ($self, $name, @parts) = @_;

    open my $fh, '>', "$self->{dir}/$name.crt" or BAIL_OUT("$name.crt: $!");
    print $fh map { $self->read_pem("$_.crt") } @parts;
    close $fh;
}


# A list of certificates that "by" has revoked.

sub crl {
    my ($self, $by, @revoked) = @_;

    open my $db, '>', "$self->{dir}/$by.db" or BAIL_OUT("$by.db: $!");
    print $db map { "R\t400101000000Z\t240101000000Z\t$self->{serials}{$_}"
                    . "\tunknown\t/CN=$_\n" } @revoked;
    close $db;

    open my $conf, '>', "$self->{dir}/$by.cnf" or BAIL_OUT("$by.cnf: $!");
    print $conf "[ca]\ndefault_ca = this\n[this]\ndatabase = $by.db\n"
                . "default_md = sha256\ndefault_crl_days = 30\n";
    close $conf;

    $self->openssl('ca', '-gencrl', '-config', "$by.cnf", '-cert', "$by.crt",
                   '-keyfile', "$by.key", '-out', "$by.crl");
}


1;
