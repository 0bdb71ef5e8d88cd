package QuicTest;

# An nginx with the module, in a folder of its own, and a client for it.
#
#     my $t = QuicTest->new;
#
#     $t->file('html/index.html', "hello\n");
#     $t->run(<<'EOF');
#         server {
#             listen      127.0.0.1:%%PORT%% quic;
#             server_name localhost;
#         }
#     EOF
#
#     my $r = $t->get('/');
#     is($r->{status}, 200);
#
#     $t->stop;
#     $t->no_alerts;
#
# What run() gets goes into http{}.  %%PORT%% is a port that is free for both
# UDP and TCP, %%PORT_1%%, %%PORT_2%%, ... are others; %%DIR%% is the folder.
#
# The environment may name the parts: NGINX, QUIC_MODULE, CURL_H3; by default
# they are the installed nginx and what `make` has built.  With QUIC_KEEP the
# folder stays.  QUIC_SMALL asks for smaller sizes and numbers, as programs with
# sanitizers are slow.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

# Seconds, for what takes none on a machine that has nothing else to do.

use constant TIMEOUT => 60;

# Arguments for a curl that goes away, a second after it has asked (without
# them it would be by a time from its own start, before it may have asked), with
# exit code 28.

use constant GIVE_UP => ('--speed-time', 1, '--speed-limit', 1_000_000_000);

our $small = $ENV{QUIC_SMALL} ? 1 : 0;

# Not to be seen by nginx, to which it means sockets that it inherits.

my $nginx = delete $ENV{NGINX};

my $top = abs_path(dirname(__FILE__) . '/../..');

my (%running, %clients, @dirs);
my (@ports, @blocks);


sub new {
    my ($class, %opt) = @_;

    my $dir = tempdir('quic-test-XXXXXX', TMPDIR => 1,
                      CLEANUP => !$ENV{QUIC_KEEP});
    chmod 0755, $dir;
    diag("the folder is $dir") if $ENV{QUIC_KEEP};
    push @dirs, $dir;

    my $self = bless {
        dir    => $dir,
        nginx  => $nginx || find('nginx', '/usr/sbin/nginx'),
        module => $ENV{QUIC_MODULE} || "$top/build/ngx_http_quic_module.so",
        curl   => $ENV{CURL_H3} || find('curl-h3', "$top/build/bin/curl-h3"),
        ports  => {},
        level  => 'info',
        main   => '',
        events => '',
        workers => 1,
        daemon => 0,
        user => 'root',
        %opt
    }, $class;

    for my $file (@$self{qw(nginx module curl)}) {
        die "no $file: make test prepares it\n" unless $file && -e $file;
    }

    $self->certificate('localhost');

    return $self;
}


sub find {
    my ($name, $default) = @_;

    for my $dir (split /:/, $ENV{PATH}) {
        return "$dir/$name" if -x "$dir/$name";
    }

    return $default;
}


sub dir { return $_[0]{dir} }


sub version {
    my ($self) = @_;

    my ($version) = `$self->{nginx} -v 2>&1` =~ m{nginx/([\d.]+)};

    return $version;
}


# "http2" is a parameter of listen in old versions, a directive in new ones: what
# to write behind the one, and in its server{}.

sub http2 {
    my ($self) = @_;

    my ($major, $minor) = split /\./, $self->version;

    return $major == 1 && $minor < 25 ? (' http2', '') : ('', 'http2 on;');
}


sub certificate {
    my ($self, @names) = @_;

    my $name = $names[0];
    my $alt = join ',', map { "DNS:$_" } @names;

    my @cmd = ('openssl', 'req', '-x509', '-nodes', '-days', 3,
               '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
               '-subj', "/CN=$name", '-addext', "subjectAltName=$alt",
               '-keyout', "$self->{dir}/$name.key",
               '-out', "$self->{dir}/$name.crt");

    my $out = qx{@cmd 2>&1};

    BAIL_OUT("no certificate for $name: $out") if $?;
}


sub file {
    my ($self, $name, $text) = @_;

    my $path = "$self->{dir}/$name";

    make_path(dirname($path));
    open my $fh, '>:raw', $path or BAIL_OUT("$path: $!");
    print $fh $text;
    close $fh or BAIL_OUT("$path: $!");

    return $path;
}


sub read_file {
    my ($self, $name) = @_;

    open my $fh, '<:raw', "$self->{dir}/$name" or return '';
    local $/;

    my $text = <$fh>;

    return defined $text ? $text : '';
}


# Those of a log that are whole: of a long one that is being written the kernel
# shows one page before the other.

sub lines {
    my ($self, $name) = @_;

    return $self->read_file($name) =~ /^(.*)\n/mg;
}


# Both protocols, as servers often listen on both.

sub port {
    my ($self, $n) = @_;

    my $name = $n ? "PORT_$n" : 'PORT';

    return $self->{ports}{$name} ||= do {
        my ($port, $tcp, $udp);

        for (1 .. 500) {
            @ports = ports() unless @ports;
            $port = shift @ports;
            $tcp = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1',
                                         LocalPort => $port, Proto => 'tcp')
                or next;
            $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                         LocalPort => $port, Proto => 'udp')
                and last;
        }

        BAIL_OUT('no free port') unless $udp;

        $port;
    };
}


# A hundred ports for this test alone, as others may run beside it: a socket
# whose name has their number says whose they are, for as long as the test lives.
# They are none of those that the kernel gives to clients.

sub ports {
    for (1 .. 1000) {
        my $n = int rand 200;
        my $block = IO::Socket::UNIX->new(Local => "\0quic-test-ports-$n",
                                          Listen => 1)
            or next;

        push @blocks, $block;

        return map { 11_000 + 100 * $n + $_ } 0 .. 99;
    }

    BAIL_OUT('no free ports');
}


# Macros in a text.

sub expand {
    my ($self, $text) = @_;

    $text =~ s/%%PORT(?:_(\d+))?%%/$self->port($1)/ge;
    $text =~ s/%%DIR%%/$self->{dir}/g;

    return $text;
}


sub write_conf {
    my ($self, $http) = @_;

    my $user = $> == 0 ? "user $self->{user};" : '';
    my $daemon = $self->{daemon} ? 'on' : 'off';
    my $temp = join "\n", map { "    ${_}_temp_path %%DIR%%/tmp/$_;" }
               qw(client_body proxy fastcgi uwsgi scgi);

    make_path("$self->{dir}/tmp", "$self->{dir}/html");

    $self->file('nginx.conf', $self->expand(<<"EOF"));
$user
daemon $daemon;
worker_processes $self->{workers};
load_module $self->{module};
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log $self->{level};
$self->{main}

events {
    $self->{events}
}

http {
    access_log %%DIR%%/access.log;
    root %%DIR%%/html;
$temp

    ssl_certificate     %%DIR%%/localhost.crt;
    ssl_certificate_key %%DIR%%/localhost.key;

$http
}
EOF
}


sub run {
    my ($self, $http) = @_;

    $self->write_conf($http);
    $self->start;

    return $self;
}


sub start {
    my ($self) = @_;

    my $dir = $self->{dir};
    my @cmd = ($self->{nginx}, '-p', "$dir/", '-c', "$dir/nginx.conf",
               '-e', "$dir/error.log");

    unlink "$dir/nginx.pid";

    my $pid = fork;
    BAIL_OUT("fork: $!") unless defined $pid;

    if ($pid == 0) {
        open STDOUT, '>>', "$dir/stdout";
        open STDERR, '>>', "$dir/stderr";

        @ENV{qw(LD_PRELOAD HEAP_COUNT)} = ($self->{heap}, "$dir/heap")
            if $self->{heap};

        # where sanitizers report to, if it was built with some

        for my $name (qw(ASAN UBSAN LSAN)) {
            $ENV{"${name}_OPTIONS"} = join ':', "log_path=$dir/sanitizer",
                                      'print_stacktrace=1',
                                      $ENV{"${name}_OPTIONS"} || ();
        }

        exec @cmd or POSIX::_exit(127);
    }

    $self->{pid} = $pid;
    $running{$pid} = 1;

    my $ok = $self->wait_for(sub {
        return -s "$dir/nginx.pid" || !$self->{daemon} && $self->exited;
    });

    waitpid $pid, 0 if $self->{daemon};

    if (!$ok || !$self->{daemon} && $self->exited) {
        BAIL_OUT('nginx does not start'
                 . ($ok ? " (status $self->{status}):\n" : " in time:\n")
                 . join '', map { $self->read_file(s{.*/}{}r) }
                            glob "$dir/stderr $dir/error.log $dir/sanitizer.*");
    }

    $self->adopt if $self->{daemon};
    $self->wait_for_workers;
}


# They take a moment more than the master's number, one after the other.

sub wait_for_workers {
    my ($self) = @_;

    return if $self->{main} =~ /\bmaster_process\s+off/;

    $self->wait_for(sub {
        my @workers = $self->workers;

        return @workers >= $self->{workers};
    });
}


# With "daemon on" the master is nobody's child; so can it be told to start a
# new binary, for which it wouldn't listen to its own parent.

sub adopt {
    my ($self) = @_;

    delete $running{$self->{pid}};

    ($self->{pid}) = $self->read_file('nginx.pid') =~ /(\d+)/;
    $running{$self->{pid}} = 1;
}


# A new binary takes over from the old one, as packages do it.

sub upgrade {
    my ($self) = @_;

    my $old = $self->{pid};

    $self->signal('USR2');

    $self->wait_for(sub {
        return $self->read_file('nginx.pid') =~ /(\d+)/ && $1 != $old;
    }) or BAIL_OUT("no new binary:\n" . $self->read_file('error.log'));

    $self->adopt;
    $self->wait_for_workers;

    kill 'QUIT', $old;

    return $old;
}


sub exited {
    my ($self) = @_;

    return 1 unless $self->{pid};

    if ($self->{daemon} ? is_gone($self->{pid})
                        : waitpid($self->{pid}, WNOHANG) == $self->{pid})
    {
        delete $running{delete $self->{pid}};
        return 1;
    }

    return 0;
}


# The workers' process IDs.

sub workers {
    my ($self) = @_;

    return () unless $self->{pid};

    open my $fh, '<', "/proc/$self->{pid}/task/$self->{pid}/children"
        or return ($self->{pid});

    return split ' ', <$fh> // '';
}


# Who isn't our child may be a zombie for as long as his parent likes.

sub is_gone {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return 1;

    return (<$fh> // ') Z') =~ /\) Z/;
}


# With another configuration, if that's given: the workers that have been told
# to go, which take no new connections any more, and may be gone.

sub reload {
    my ($self, $conf) = @_;

    my @old = $self->workers;
    my %old = map { $_ => 1 } @old;

    $self->write_conf($conf) if $conf;
    $self->signal('HUP');

    $self->wait_for(sub { @old <= grep { !$old{$_} } $self->workers });
    $self->wait_for(sub { !grep { !is_leaving($_) } @old });

    return @old;
}


# A worker that is gone, or knows that it is to go: its title says so.

sub is_leaving {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/cmdline" or return 1;

    return (<$fh> // 'shutting down') =~ /shutting down/;
}


sub signal {
    my ($self, $signal) = @_;

    kill $signal, $self->{pid} if $self->{pid};
}


# Quits gracefully, or else by force, which is a failure of the test.

sub stop {
    my ($self, $signal) = @_;

    return unless $self->{pid};

    $self->signal($signal || 'QUIT');

    return if $self->wait_for(sub { $self->exited });

    fail('nginx stops');
    $self->signal('KILL');
    $self->wait_for(sub { $self->exited });
}


sub wait_for {
    my ($self, $condition, $timeout) = @_;

    my $end = time + ($timeout || TIMEOUT);

    while (time < $end) {
        return 1 if $condition->();
        sleep 0.02;
    }

    # the time may have been over because nobody let us run

    return $condition->() ? 1 : 0;
}


# Lines of the error log at "alert" and above, but those that are expected,
# crashes, and what sanitizers have found: one test.

sub no_alerts {
    my ($self, $expected) = @_;

    my @bad = grep { !defined $expected || !/$expected/ }
              grep { /\[(?:alert|emerg)\]|exited (?:on signal|with code [1-9])
                     |Sanitizer|runtime\ error:/x }
              map { split /\n/, $self->read_file($_) } qw(error.log stderr);

    push @bad, map { my ($name) = m{([^/]+)$}; $self->read_file($name) }
               glob "$self->{dir}/sanitizer.*";

    ok(!@bad, 'no alerts') or diag(join "\n", @bad[0 .. ($#bad > 9 ? 9 : $#bad)]);
}


# The memory of a process that is in RAM and its own, in KB: pages of files
# come and go without anybody's doing.

sub memory {
    my ($self, $pid) = @_;

    open my $fh, '<', "/proc/$pid/status" or return 0;

    my ($kb) = map { /^RssAnon:\s*(\d+)/ } <$fh>;

    return $kb;
}


# Starts a program, or a process that runs a function, and returns at once;
# finish() waits for it.  Options: timeout in seconds, stdin (a file).  When
# the time is over the program and all that it has started are killed.

sub begin {
    my ($self, $cmd, %opt) = @_;

    my $n = ++$self->{clients};
    my $out = "$self->{dir}/client.$n";
    my $pid = fork;

    BAIL_OUT("fork: $!") unless defined $pid;

    if ($pid == 0) {
        setpgrp;
        open STDIN, '<', $opt{stdin} ? "$self->{dir}/$opt{stdin}"
                                     : '/dev/null';
        open STDOUT, '>', "$out.out";
        open STDERR, '>', "$out.err";

        if (ref $cmd eq 'CODE') {
            $cmd->();
            POSIX::_exit(0);
        }

        exec @$cmd or POSIX::_exit(127);
    }

    # whoever comes first: it can be killed from now on

    setpgrp $pid, $pid;

    $clients{$pid} = 1;

    return { pid => $pid, name => "client.$n", start => time,
             end => time + ($opt{timeout} || TIMEOUT) };
}


# exit (its code; 128 and more: a signal; "timeout"), out, err, seconds.

sub finish {
    my ($self, $client) = @_;

    sleep 0.005 until $self->ended($client);

    my $pid = $client->{pid};
    my $status = $client->{status};

    kill 'KILL', -$pid;
    delete $clients{$pid};
    waitpid $pid, 0 unless defined $status;

    return {
        exit    => !defined $status ? 'timeout'
                   : $status & 127  ? 128 + ($status & 127) : $status >> 8,
        out     => $self->read_file("$client->{name}.out"),
        err     => $self->read_file("$client->{name}.err"),
        seconds => time - $client->{start},
    };
}


# By itself, or by the time.

sub ended {
    my ($self, $client) = @_;

    if (!defined $client->{status}
        && waitpid($client->{pid}, WNOHANG) == $client->{pid})
    {
        $client->{status} = $?;
    }

    return defined $client->{status} || time > $client->{end};
}


sub client {
    my ($self, @args) = @_;

    return $self->finish($self->begin(@args));
}


# Is it an nginx with an address sanitizer?  That one keeps what is freed, and
# looks for leaks itself.

sub sanitized {
    my ($self) = @_;

    open my $fh, '<:raw', $self->{nginx} or return 0;
    local $/;

    return index(<$fh>, '__asan_init') >= 0;
}


# The TLS library in the module, with the name that TLS= knows it by.

sub tls {
    my ($self) = @_;

    open my $fh, '<:raw', $self->{module} or die "$self->{module}: $!\n";
    local $/;

    return index(<$fh>, 'AWS-LC ') >= 0 ? 'aws-lc' : 'boringssl';
}


# From the next start on, what processes have allocated and not yet freed is
# counted.

sub count_heap {
    my ($self) = @_;

    return if $self->sanitized;

    my $so = "$self->{dir}/heap.so";

    system('cc', '-O2', '-shared', '-fPIC', '-o', $so, "$top/t/leak/heap.c")
        == 0 or BAIL_OUT('no heap.so');

    $self->{heap} = $so;
}


# Of each worker: what it has allocated and not freed, and the memory that it
# holds after giving back what is free, in KB.  Requests for "uri" make it do
# so.

sub heaps {
    my ($self, $uri) = @_;

    my @pids = $self->workers;

    for my $pid (@pids) {
        open my $fh, '+<:raw', "$self->{dir}/heap.$pid" or die "heap.$pid: $!";
        seek $fh, 8, 0;
        print $fh pack 'q', 1;
        close $fh;
    }

    $self->wait_for(sub {
        $self->get($uri);
        return !grep { (unpack 'q2', $self->read_file("heap.$_"))[1] } @pids;
    }, 60);

    # the requests leave nothing behind, but it takes a moment

    sleep 1;

    return map { $self->heap($_) } @pids;
}


sub heap {
    my ($self, $pid) = @_;

    return { pid => $pid, memory => $self->memory($pid),
             heap => int(unpack('q', $self->read_file("heap.$pid")) / 1024) };
}


# Workers keep free memory, as much as 16 MB (QUIC_MAX_CACHED_MEMORY).  Large
# responses that are not waited for leave that much, and in the largest pieces.
# The clients' windows bound what there is of them: how much more malloc() keeps
# is a matter of the largest heap that there was.

sub fill_memory {
    my ($self, $uri) = @_;

    my $client = $self->begin([$self->program('h2load-h3'), '--alpn-list=h3',
                               '-D', 60, '-c', 100, '-m', 10,
                               '-w', 18, '-W', 18,
                               'https://127.0.0.1:' . $self->port . $uri],
                              timeout => 2);

    $self->finish($client);
    ok($self->all_ended, 'connections of clients that are gone end');
}


# By the log each connection that was begun has ended: clients that are gone
# without a word are missed after the idle timeout, or 3 PTO, which is longer
# where all that runs has to wait for its turn.

sub all_ended {
    my ($self) = @_;

    return $self->wait_for(sub {
        my $log = $self->read_file('error.log');
        my %open = map { $_ => 1 }
                   $log =~ /\*(\d+) client connected over QUIC/g;

        delete @open{$log =~ /\*(\d+) quic connection (?:ended|closed)/g};
        sleep 0.1 if %open;

        return !%open;
    });
}


# What of it has grown since heaps() said "before", a reference to its answer:
# "heap" and "memory" are the KB that neither may have reached.  What ends late
# goes, what leaks stays.

sub heaps_flat {
    my ($self, $uri, $before, $heap, $memory) = @_;

    my @before = @$before;

    for my $now ($self->heaps($uri)) {
        my $was = shift @before;
        my %grown;

        $self->wait_for(sub {
            $now = $self->heap($now->{pid}) if %grown;
            %grown = map { $_ => $now->{$_} - $was->{$_} } qw(heap memory);

            return $grown{heap} < $heap && $grown{memory} < $memory;
        }, 20);

        note("$was->{memory} KB, $was->{heap} KB of them in use;"
             . " grown by $grown{memory} and $grown{heap} KB");

        cmp_ok($grown{heap}, '<', $heap, 'no more is in use');
        cmp_ok($grown{memory}, '<', $memory,
               'and not much more memory is taken for it');
    }
}


# A program that the tests get by auto/clients.

sub program {
    my ($self, $name) = @_;

    my $path = find($name, "$top/build/bin/$name");

    die "no $name: make test prepares it\n" unless -x $path;

    return $path;
}


# A program of our own, built by t/FOLDER/Makefile: its path.

sub own_program {
    my ($class, $folder, $name) = @_;

    my $build = "$top/build";
    my $tls = $ENV{TLS} || 'boringssl';

    system("mkdir -p $build/lock && flock $build/lock/test"
           . " make -s -f $top/t/$folder/Makefile >&2") == 0
        or BAIL_OUT("t/$folder does not compile");

    $build .= "/with-$tls" if $tls ne 'boringssl';

    return "$build/test/$folder/$name";
}


# A request over HTTP/3 by curl.  Options: method, headers => [...], body,
# stdin (a file, with it "-T -" sends content of unknown length), host (TLS
# name and authority), port, http1 or http2 (over TCP), args => [...] for curl,
# more => [URIs] that follow on the same connection, background.
#
# The answer: status, headers => { name => value } (several ones joined with
# "\n"), order => [names], body, version, exit (curl's), error.

sub get {
    my ($self, $uri, %opt) = @_;

    my $host = $opt{host} || 'localhost';
    my $port = $opt{port} || $self->port;
    my $dir = $self->{dir};
    my $to = "$dir/" . ($opt{background} ? 'background' : 'response');

    my @cmd = ($self->{curl}, '-q', '-sS', '-k', '--path-as-is',
               $opt{http1} ? '--http1.1'
               : $opt{http2} ? '--http2' : '--http3-only',
               '-m', TIMEOUT, '--connect-to', "$host:$port:127.0.0.1:$port",
               '-D', "$to.head",
               '-w', '%{http_code} %{http_version} %{exitcode}\n');

    if (defined $opt{method}) {
        push @cmd, $opt{method} eq 'HEAD' ? '-I' : ('-X', $opt{method});
    }

    push @cmd, map { ('-H', $_) } @{$opt{headers} || []};

    if (defined $opt{body}) {
        $self->file('request.body', $opt{body});
        push @cmd, '--data-binary', "\@$dir/request.body";
    }

    push @cmd, @{$opt{args} || []},
               '-o', "$to.body", "https://$host:$port$uri";

    push @cmd, map { ('-o', "$to.more", "https://$host:$port$_") }
               @{$opt{more} || []};

    my $stdin = $opt{stdin} ? "$dir/$opt{stdin}" : '/dev/null';

    unlink "$to.head", "$to.body";

    return $self->background(@cmd) if $opt{background};

    open my $pipe, '-|', shell(@cmd) . " <$stdin 2>$dir/curl.stderr"
        or BAIL_OUT("curl: $!");
    my $info = join '', <$pipe>;
    close $pipe;

    return $self->response($info);
}


# With "background" a request's process ID is returned; it belongs to the test.
# What comes is in files of its own, as others may be asking meanwhile.

sub background {
    my ($self, @cmd) = @_;

    my $pid = fork;
    BAIL_OUT("fork: $!") unless defined $pid;

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec @cmd or POSIX::_exit(127);
    }

    return $pid;
}


sub shell {
    return join ' ', map { my $s = $_; $s =~ s/'/'\\''/g; "'$s'" } @_;
}


sub response {
    my ($self, $info) = @_;

    my ($status, $version, $exit) = split ' ', $info;
    my (%headers, @order);

    # only the last of several responses, as with 1xx

    my $head = (split /\r\n\r\n/, $self->read_file('response.head'))[-1] // '';

    for my $line (split /\r\n/, $head) {
        my ($name, $value) = $line =~ /^([^:]+): ?(.*)$/ or next;

        push @order, $name;
        $headers{$name} = defined $headers{$name} ? "$headers{$name}\n$value"
                                                  : $value;
    }

    return {
        status   => $status || 0,
        version  => $version,
        exit     => $exit,
        headers  => \%headers,
        order    => \@order,
        body     => $self->read_file('response.body'),
        error    => $self->read_file('curl.stderr'),
    };
}


# For http{}, if same() is to be used.

sub same_log {
    return <<'EOF';
    log_format same '$http_x_number $request_method $request_uri $status'
                    ' $body_bytes_sent "$upstream_status"'
                    ' "$upstream_response_length" "$upstream_cache_status"'
                    ' "$request_completion"';

    access_log %%DIR%%/http2.log same if=$http2;
    access_log %%DIR%%/http3.log same if=$http3;
EOF
}


# A request over HTTP/2 and the same one over HTTP/3, to a server that listens
# on %%PORT%% for both: one test, that the answers are the same, and what is
# logged of them (the header X-Number is to find that).  Options as of get();
# "expect" says what they are to be: a hash of some of what answer() gives,
# values or patterns, of headers again a hash.  Returns get()'s answer over
# HTTP/3.

sub same {
    my ($self, $what, $uri, %opt) = @_;

    my ($r, %answers);
    my $expect = delete $opt{expect} || {};
    my $number = ++$self->{requests};
    my @headers = (@{$opt{headers} || []}, "X-Number: $number");

    for my $version ('http2', 'http3') {
        my $log = '';

        $r = $self->get($uri, %opt, headers => \@headers, $version => 1);
        $r->{body} = '' if ($opt{method} // '') eq 'HEAD';

        $self->wait_for(sub {
            ($log) = map { /^$number (.*)/ } $self->lines("$version.log");
        });

        $answers{$version} = answer($r, $log // 'nothing');
    }

    my $answer = $answers{http3};
    my %expected = %$answer;

    while (my ($name, $e) = each %$expect) {
        my $value = $answer->{$name} // '';

        $expected{$name} = ref $e eq 'HASH'   ? { %$value, %$e }
                         : ref $e ne 'Regexp' ? $e
                         : $value =~ $e       ? $value : "$e";
    }

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply(\%answers, { http2 => \%expected, http3 => \%expected }, $what)
        or diag($r->{error});

    return $r;
}


# What is comparable of an answer: status, headers, body, how ("whole" or
# "broken") and the log's line.  How much has come of one that breaks off is
# anybody's guess: with send_timeout RESET_STREAM overtakes what was sent before.

sub answer {
    my ($r, $log) = @_;

    if ($r->{exit}) {
        my ($short, $status) = $log =~ /^(\S+ \S+ (\S+))/;

        return { how => 'broken', status => $status, log => $short };
    }

    my %headers = %{$r->{headers}};

    delete $headers{'alt-svc'};
    $headers{date} &&= 'a date';

    return { how => 'whole', status => $r->{status}, headers => \%headers,
             body => $r->{body}, log => $log };
}


# The access log's lines; waits for "n" of them.

sub access_log {
    my ($self, $n, $name) = @_;

    my @lines;

    $self->wait_for(sub {
        @lines = $self->lines($name || 'access.log');
        return @lines >= ($n || 1);
    });

    return @lines;
}


sub DESTROY {
    my ($self) = @_;

    if ($self->{pid} && $running{$self->{pid}}) {
        kill 'KILL', $self->workers, $self->{pid};
        waitpid $self->{pid}, 0;
    }
}


# What nginx said, if the test has failed: its folder goes away now.

sub logged {
    for my $dir (@dirs) {
        open my $log, '<', "$dir/error.log" or next;

        my @lines = grep { !/ \[(?:debug|info|notice)\] / } <$log>;

        splice @lines, 0, @lines - 40 if @lines > 40;
        diag("$dir/error.log:\n", @lines) if @lines;
    }
}


# Programs of tests that have ended early.

END {
    my $code = $?;

    logged() unless Test::More->builder->is_passing;

    for my $pid (keys %clients) {
        kill 'KILL', -$pid;
        waitpid $pid, 0;
    }

    $? = $code;
}


1;
