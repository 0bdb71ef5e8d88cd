package Parity;

# The same requests to one nginx over HTTP/2 and over HTTP/3: whatever comes
# back, and whatever nginx logs, has to be the same.
#
#     my $t = QuicTest->new;
#     my $p = Parity->new($t);
#
#     $t->run($p->http . <<"EOC");
#         server {
#             @{[ $p->listen ]}
#             return 200 "x";
#         }
#     EOC
#
#     $p->compare(
#         ['a page', '/'],
#         ['a range of it', '/', headers => ['Range: bytes=0-1']],
#     );
#
# A case has a name, a URI and the options of QuicTest's get(): method, headers,
# body, host, args.  More options:
#
#     target    what goes into :path instead of the URI
#     status    the status that both must have: by default 2xx, so that a
#               mistake in a configuration isn't taken for agreement
#     like      what the body, or the header, has to look like
#     mask      a pattern of what may differ: times, random numbers
#     log       fields of the log that may differ
#     log_like  { name => pattern }: what a field must look like
#     head      0: not asked again with HEAD, as GET requests are by default, but
#               not with QUIC_SMALL
#     lines     in the log; the last is compared.  Default 1
#
# The log is one line for each request: http() says in what format.  Error log
# lines that speak of a request are compared as well; before the first case
# there may be { mask => pattern } of what may differ in them.

use strict;
use warnings;

use Test::More;

use QuicTest;


# What is in the log, beyond "case": names of variables.

my @fields = qw(
    request status body_bytes_sent request_completion request_method
    request_uri uri args query_string is_args document_uri document_root
    request_filename realpath_root http_host host hostname server_name
    server_port server_addr remote_addr realip_remote_addr remote_user scheme
    https server_protocol content_type content_length http_user_agent
    http_referer http_cookie http_x_forwarded_for pipe limit_rate
    sent_http_content_type sent_http_content_length sent_http_location
    sent_http_last_modified sent_http_etag sent_http_cache_control
    sent_http_connection sent_http_keep_alive sent_http_transfer_encoding
    sent_http_link sent_http_server proxy_protocol_addr
    proxy_protocol_port proxy_protocol_server_addr proxy_protocol_server_port
    proxy_host upstream_addr upstream_status upstream_response_length
    gzip_ratio ssl_session_reused ssl_client_verify ssl_early_data
    nginx_version invalid_referer
);


sub new {
    my ($class, $t) = @_;

    my ($param, $directive) = $t->http2;

    return bless { t => $t, param => $param, directive => $directive,
                   n => 0, seen => 0 }, $class;
}


sub listen {
    my ($self, @params) = @_;

    my $params = join '', map { " $_" } @params;

    return "listen 127.0.0.1:%%PORT%% ssl$self->{param}$params;
            listen 127.0.0.1:%%PORT%% quic$params;
            $self->{directive}";
}


# What stands in http{}: the log, and what makes both protocols comparable.

sub http {
    my ($self) = @_;

    my $format = join '', map { "'$_=\$$_\x01'\n" } @fields;

    return "
    log_format parity 'case=\$http_x_case\x01'
                      $format;
    access_log        %%DIR%%/parity.log parity;
    http3_alt_svc     off;
    keepalive_requests 10000;
    ";
}


sub compare {
    my ($self, @cases) = @_;

    my $mask = ref $cases[0] eq 'HASH' ? (shift @cases)->{mask} : undef;

    @cases = map { with_head($_) } @cases;

    my $h2 = $self->ask('2', @cases);
    my $h3 = $self->ask('3', @cases);

    for my $i (0 .. $#cases) {
        my ($name, $uri, %opt) = @{$cases[$i]};
        my ($two, $three) = ($h2->[$i], $h3->[$i]);

        my @wrong = (expected($two, %opt), differences($two, $three, %opt));

        ok(!@wrong, $name) or diag(join "\n", @wrong);
    }

    my ($two, $three) = map { comparable(join("\n", @{$self->{errors}{$_}}),
                                         $mask) } 2, 3;

    is($three, $two, 'the same errors are logged');
}


sub with_head {
    my ($case) = @_;

    my ($name, $uri, %opt) = @$case;

    return $case if defined $opt{method} || defined $opt{body}
                    || defined $opt{head} || $QuicTest::small;

    return $case, ["$name, HEAD", $uri, %opt, method => 'HEAD',
                   like => undef, log_like => undef];
}


# One curl makes all requests, one after the other, on few connections.

sub ask {
    my ($self, $version, @cases) = @_;

    my $t = $self->{t};
    my $dir = $t->dir;
    my $first = $self->{n};
    my $config = join "next\n", map { $self->request($version, $_) } @cases;

    $t->file("curl.$version", $config);

    my $r = $t->client([$t->{curl}, '-q', '-K', "$dir/curl.$version"],
                       timeout => 600);

    my %info = map { /^(\d+) (.*)/ ? ($1 => $2) : () } split /\n/, $r->{out};
    my @answers = map { $self->answer($version, $first + 1 + $_, $cases[$_],
                                      $info{$first + 1 + $_}) } 0 .. $#cases;

    $self->logged($version, \@answers);
    $self->{errors}{$version} = $self->errors;
    $self->{n} = $first if $version eq '2';

    return \@answers;
}


sub request {
    my ($self, $version, $case) = @_;

    my ($name, $uri, %opt) = @$case;

    my $t = $self->{t};
    my $n = ++$self->{n};
    my $dir = $t->dir;
    my $port = $opt{port} || $t->port;
    my $host = $opt{host} || 'localhost';
    my $out = "$dir/answer.$n.$version";

    my @lines = (['url', "https://$host:$port$uri"],
                 ['connect-to', "::127.0.0.1:$port"],
                 [$version eq '2' ? 'http2' : 'http3-only'],
                 ['insecure'], ['path-as-is'], ['globoff'], ['silent'],
                 ['max-time', QuicTest::TIMEOUT],
                 ['output', "$out.body"], ['dump-header', "$out.head"],
                 ['header', sprintf 'X-Case: %05d', $n],
                 ['write-out', "$n %{http_code} %{http_version} %{exitcode}\\n"],
                 map { ['header', $_] } @{$opt{headers} || []});

    push @lines, ['request-target', $opt{target}] if defined $opt{target};

    if (defined $opt{method}) {
        push @lines, $opt{method} eq 'HEAD' ? ['head']
                                            : ['request', $opt{method}];
    }

    if (defined $opt{body}) {
        $t->file("content.$n", $opt{body});
        push @lines, ['data-binary', "\@$dir/content.$n"];
    }

    push @lines, @{$opt{args} || []};

    return join '', map { option(@$_) } @lines;
}


sub option {
    my ($name, $value) = @_;

    return "$name\n" unless defined $value;

    $value =~ s/(["\\])/\\$1/g unless $name eq 'write-out';

    return "$name = \"$value\"\n";
}


sub answer {
    my ($self, $version, $n, $case, $info) = @_;

    my $t = $self->{t};
    my (undef, undef, %opt) = @$case;
    my ($status, $http, $exit) = split ' ', $info // '';

    return {
        status  => $status // 'none',
        version => $http // '',
        failed  => $exit ? 'yes' : defined $exit ? 'no' : 'not asked',
        header  => header($t->read_file("answer.$n.$version.head")),
        body    => ($opt{method} // '') eq 'HEAD' ? ''
                   : $t->read_file("answer.$n.$version.body"),
        n       => sprintf('%05d', $n),
        lines   => $opt{lines} // 1,
    };
}


# Without the first line, in the order in which they came; names are in lower
# case in both.

sub header {
    my ($text) = @_;

    return join "\n", grep { !/^date:/ } map { split /\r\n/ }
                      map { s{^HTTP/[23] (\d+) ?\r\n}{}r }
                      split /\r\n\r\n/, $text;
}


sub logged {
    my ($self, $version, $answers) = @_;

    my $t = $self->{t};
    my %lines;

    # a request that is refused early has no X-Case yet; what else isn't logged
    # is found when all are compared

    my @wanted = grep { $_->{status} ne '400' } @$answers;

    $t->wait_for(sub {
        %lines = ();

        for my $line (grep { m{HTTP/$version\.0} } $t->lines('parity.log')) {
            push @{$lines{$1}}, $2 if $line =~ /^case=(\d+)\x01(.*)/;
        }

        return !grep { @{$lines{$_->{n}} || []} < $_->{lines} } @wanted;
    });

    for my $answer (@$answers) {
        $answer->{log} = { map { /^(\w+)=(.*)/ ? ($1 => $2) : () }
                           split /\x01/, $lines{$answer->{n}}[-1] // '' };
    }
}


# New lines of the error log that speak of a request, without time, process and
# connection.  How "info" puts what is wrong with a request is each protocol's
# own; when a response is buffered is a matter of time; and WebDAV is shown
# another scheme.

sub errors {
    my ($self) = @_;

    my @lines = $self->{t}->lines('error.log');

    splice @lines, 0, $self->{seen};
    $self->{seen} += @lines;

    return [map { s/("Destination".*?")https?:/$1http:/r }
            map { s/^\S+ \S+ (\[\w+\]) \d+#\d+: \*\d+ /$1 /r }
            grep { /, request: "/
                   && !/\[info\]| is buffered to a temporary file / } @lines];
}


sub expected {
    my ($answer, %opt) = @_;

    my @wrong;
    my $status = $opt{status} // '2\d\d';

    if ($answer->{status} !~ /^(?:$status)$/) {
        push @wrong, "HTTP/2: status $answer->{status} instead of $status";
    }

    if (defined $opt{like} && "$answer->{header}\n\n$answer->{body}"
                              !~ $opt{like})
    {
        push @wrong, "HTTP/2: not like $opt{like}:\n$answer->{header}\n\n"
                     . substr $answer->{body}, 0, 500;
    }

    for my $name (sort keys %{$opt{log_like} || {}}) {
        my $value = $answer->{log}{$name} // 'undefined';

        if ($value !~ $opt{log_like}{$name}) {
            push @wrong, "HTTP/2: \$$name: $value";
        }
    }

    return @wrong;
}


sub differences {
    my ($two, $three, %opt) = @_;

    my @wrong;
    my %ignored = map { $_ => 1 } qw(ssl_session_reused), @{$opt{log} || []};

    # RFC 9114, 4.1.2: behind the response, the stream ends in an error

    if ($opt{malformed}) {
        push @wrong, 'HTTP/3 does not fail' if $three->{failed} ne 'yes';
        $three = { %$three, failed => $two->{failed} };
    }

    for my $name (qw(status failed header body)) {
        push @wrong, difference($name, $two->{$name}, $three->{$name}, %opt);
    }

    if ($three->{status} ne '000' && $three->{version} ne '3') {
        push @wrong, "version $three->{version}";
    }

    return @wrong if $two->{status} eq '400' && !%{$two->{log}};

    for my $name (grep { !$ignored{$_} } @fields) {
        push @wrong, difference("\$$name", $two->{log}{$name} // 'not logged',
                                $three->{log}{$name} // 'not logged', %opt);
    }

    return @wrong;
}


sub difference {
    my ($name, $two, $three, %opt) = @_;

    my ($a, $b) = map { comparable($_, $opt{mask}) } $two, $three;

    return () if $a eq $b;

    for ($two, $three) {
        $_ = substr($_, 0, 1500) . '... ' . length($_) if length > 1500;
    }

    return "$name:\n  HTTP/2: $two\n  HTTP/3: $three";
}


sub comparable {
    my ($text, $mask) = @_;

    $text =~ s{HTTP/[23]\.0}{HTTP/x}g;
    $text =~ s{^--\d{20}|(?<=boundary=)\d{20}}{boundary}mg;
    $text =~ s{$mask}{...}g if $mask;

    return $text;
}


1;
