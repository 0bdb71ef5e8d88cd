package Backend;

# An upstream of a test's own, which can do what real ones do only when they
# are broken.
#
#     my $backend = Backend->new($t, 1, 'http', {
#         '/hello' => sub {
#             my ($r) = @_;
#
#             $r->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
#         },
#     });
#
# listens on %%PORT_1%% and speaks HTTP/1, or "fastcgi", "scgi" or "uwsgi"; of
# a "raw" connection the handler for '' reads all with take().
# What is to be done is looked up by path, without "?" and what follows; '' is
# for all others.  Each connection is a process.  What these write with note() the
# test gets from notes().
#
# In a handler: $r->{method}, {uri}, {params} (headers by name, in lower case,
# resp. parameters); read() is some more of the content, '' at its end, undef
# when the connection has ended before that; content() is all of it; send() is
# false when the connection has ended; gone() waits for that, finish() sends
# the end and waits.  respond() and cgi() send in the protocol's form.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Test::More import => [qw(BAIL_OUT diag ok)];
use Time::HiRes qw(sleep time);

use constant TIMEOUT => 60;

my %readers = (
    http    => \&read_http,
    fastcgi => \&read_fastcgi,
    scgi    => \&read_scgi,
    uwsgi   => \&read_uwsgi,
    raw     => sub { $_[0]{uri} = ''; return 1 },
);


sub new {
    my ($class, $t, $n, $protocol, $handlers) = @_;

    my $listener = IO::Socket::INET->new(
        Listen => 128, LocalAddr => '127.0.0.1', LocalPort => $t->port($n),
        Proto => 'tcp', ReuseAddr => 1) or BAIL_OUT("socket: $!");

    my $self = bless { t => $t, name => "backend.$n",
                       protocol => $protocol, handlers => $handlers }, $class;

    $t->file($self->{name}, '');
    $self->{path} = $t->dir . "/$self->{name}";
    $t->begin(sub { $self->serve($listener) }, timeout => 600);

    return $self;
}


# The lines that match.

sub notes {
    my ($self, $pattern) = @_;

    return grep { !defined $pattern || /$pattern/ }
           split /\n/, $self->{t}->read_file($self->{name});
}


# One test: a line that matches comes.

sub notes_ok {
    my ($self, $pattern, $what) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($self->{t}->wait_for(sub { $self->notes($pattern) }), $what)
        or diag("no $pattern in:\n", join "\n", $self->notes);
}


# What follows runs in the backend's processes.

sub serve {
    my ($self, $listener) = @_;

    local $SIG{CHLD} = 'IGNORE';

    while (1) {
        my $socket = $listener->accept or next;
        my $pid = fork;

        if (defined $pid && $pid == 0) {
            $self->connection($socket);
            POSIX::_exit(0);
        }
    }
}


sub connection {
    my ($self, $socket) = @_;

    local $SIG{PIPE} = 'IGNORE';
    $socket->autoflush;

    my $number = 0;

    while (1) {
        my $r = bless { %$self, socket => $socket, in => '', params => {},
                        number => ++$number }, ref $self;

        $readers{$self->{protocol}}->($r) or return;

        my ($path) = $r->{uri} =~ /^([^?]*)/;
        my $handler = $self->{handlers}{$path} || $self->{handlers}{''};

        $handler->($r);

        return unless $r->{keep};
    }
}


sub note {
    my ($self, $text) = @_;

    open my $fh, '>>', $self->{path} or return;
    syswrite $fh, "$text\n";
}


# Bytes: until there are "n", or "end" matches; false if there won't be.

sub fill {
    my ($self, $n, $end) = @_;

    until (defined $end ? $self->{in} =~ /$end/ : length $self->{in} >= $n) {
        sysread $self->{socket}, $self->{in}, 65536, length $self->{in}
            or return 0;
    }

    return 1;
}


sub take {
    my ($self, $n) = @_;

    return $self->fill($n) ? substr $self->{in}, 0, $n, '' : undef;
}


sub line {
    my ($self) = @_;

    return $self->fill(0, qr/\n/) && $self->{in} =~ s/^(.*?)\r?\n// ? $1
                                                                    : undef;
}


sub read_http {
    my ($self) = @_;

    my $line = $self->line // return 0;

    @$self{qw(method uri version)} = split ' ', $line;

    while (1) {
        $line = $self->line // return 0;

        last if $line eq '';

        my ($name, $value) = $line =~ /^([^:]+):\s*(.*)/;

        $self->{params}{lc $name} = $value;
    }

    $self->{rest} = $self->{params}{'content-length'} // 0;
    $self->{chunked} = defined $self->{params}{'transfer-encoding'};

    return 1;
}


sub read_scgi {
    my ($self) = @_;

    $self->fill(0, qr/^\d+:/) or return 0;
    $self->{in} =~ s/^(\d+)://;

    my $head = $self->take($1 + 1) // return 0;

    chop $head;
    $self->parameters(split /\0/, $head, -1);

    return 1;
}


sub read_uwsgi {
    my ($self) = @_;

    my ($modifier, $size) = unpack 'Cv', $self->take(4) // return 0;
    my $head = $self->take($size) // return 0;

    $self->parameters(unpack '(v/a)*', $head);

    return 1;
}


sub parameters {
    my ($self, @pairs) = @_;

    pop @pairs if @pairs % 2;

    my $params = $self->{params} = { @pairs };

    $self->{method} = $params->{REQUEST_METHOD};
    $self->{uri} = $params->{REQUEST_URI};
    $self->{rest} = $params->{CONTENT_LENGTH} || 0;
}


sub read_fastcgi {
    my ($self) = @_;

    my $head = '';

    while (1) {
        my ($type, $content) = $self->record or return 0;

        last if $type == 4 && $content eq '';
        $head .= $content if $type == 4;
    }

    my @pairs;

    while ($head ne '') {
        my ($name, $value) = map { fastcgi_length(\$head) } 1, 2;

        push @pairs, substr($head, 0, $name, ''), substr($head, 0, $value, '');
    }

    $self->parameters(@pairs);

    return 1;
}


sub fastcgi_length {
    my ($in) = @_;

    my $n = unpack 'C', $$in;

    return unpack 'C', substr $$in, 0, 1, '' if $n < 128;
    return 0x7fffffff & unpack 'N', substr $$in, 0, 4, '';
}


sub record {
    my ($self) = @_;

    my (undef, $type, undef, $length, $padding)
        = unpack 'CCnnC', $self->take(8) // return;
    my $content = $self->take($length + $padding) // return;

    return ($type, substr $content, 0, $length);
}


sub read {
    my ($self) = @_;

    if ($self->{protocol} eq 'fastcgi') {
        return '' if $self->{ended};

        my ($type, $content) = $self->record or return undef;

        $self->{ended} = $content eq '';
        return $content;
    }

    if ($self->{chunked}) {
        return '' if $self->{ended};

        my $length = hex($self->line // return undef);
        my $content = $self->take($length + 2) // return undef;

        $self->{ended} = $length == 0;
        return substr $content, 0, $length;
    }

    return '' if $self->{rest} == 0;

    $self->fill(1) or return undef;

    my $content = substr $self->{in}, 0, $self->{rest}, '';

    $self->{rest} -= length $content;

    return $content;
}


sub content {
    my ($self) = @_;

    my $content = '';

    while (1) {
        my $some = $self->read;

        return undef unless defined $some;
        return $content if $some eq '';

        $content .= $some;
    }
}


sub send {
    my ($self, $data) = @_;

    while ($data ne '') {
        my $n = syswrite $self->{socket}, $data or return 0;

        substr $data, 0, $n, '';
    }

    return 1;
}


# A whole response, with whatever of its framing the protocol has.

sub respond {
    my ($self, $status, $headers, $content) = @_;

    my $head = join '', map { "$_\r\n" } @$headers;

    if ($self->{protocol} ne 'http') {
        return $self->cgi("Status: $status\r\n$head\r\n$content");
    }

    $self->{keep} = 1;

    return $self->send("HTTP/1.1 $status OK\r\n$head"
                       . 'Content-Length: ' . length($content)
                       . "\r\n\r\n$content");
}


# ... of a CGI program: what it prints, and its end unless "part" is set.

sub cgi {
    my ($self, $text, $part) = @_;

    if ($self->{protocol} eq 'uwsgi') {
        $text =~ s/^Status: (\d+)\r\n/HTTP\/1.1 $1 OK\r\n/;
    }

    return $self->send($text) if $self->{protocol} ne 'fastcgi';

    my $records = join '', map { fastcgi_record(6, $_) }
                  unpack '(a32000)*', $text;

    $records .= fastcgi_record(6, '') . fastcgi_record(3, "\0" x 8)
        unless $part;

    return $self->send($records);
}


sub fastcgi_record {
    my ($type, $content) = @_;

    return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}


# Nothing more will be sent.  Who closes while there is something to read
# resets the connection.

sub finish {
    my ($self) = @_;

    shutdown $self->{socket}, 1;

    return $self->gone;
}


# The other side closes the connection.

sub gone {
    my ($self) = @_;

    my $end = time + TIMEOUT;

    while (IO::Select->new($self->{socket})->can_read($end - time)) {
        return 1 unless sysread $self->{socket}, my $some, 65536;
    }

    return 0;
}


1;
