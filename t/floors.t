#!/usr/bin/perl

# The house has five floors: a file includes only what stands on its own floor
# or below, what lies outside is known on one floor each, and no files include
# each other in a circle.

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

chdir dirname(__FILE__) . '/../src' or BAIL_OUT("no src/: $!");

my @floors = qw(wire crypto quic h3 nginx);
my %height = map { $floors[$_] => $_ } 0 .. $#floors;

# Headers from outside that only one floor may know.

my @outside = (
    [ qr{^openssl/},                    'crypto' ],
    [ qr{^nghttp3/},                    'h3' ],
    [ qr{^ngx_(event|http|stream|mail)}, 'nginx' ],
);

my @files = sort glob '*/*.[ch]';
my %includes;

cmp_ok(scalar @files, '>', 0, 'there are source files');

for my $file (@files) {
    my ($floor) = split m{/}, $file;

    ok(exists $height{$floor}, "$file stands on a floor") or next;

    my @wrong = check($file, $floor);

    ok(!@wrong, "$file knows its place") or diag(@wrong);
}

my @circle = circle();

ok(!@circle, 'no files include each other in a circle')
    or diag(join ' -> ', @circle);

done_testing();


sub check {
    my ($file, $floor) = @_;
    my @wrong;

    open my $fh, '<', $file or die "$file: $!";

    while (<$fh>) {
        next unless m{^\s*#\s*include\s*(["<])([^">]+)[">]};

        my ($quote, $name) = ($1, $2);

        if ($quote eq '"') {
            push @{ $includes{$file} }, $name;
            push @wrong, "line $.: \"$name\": " . ours($floor, $name);

        } else {
            push @wrong, "line $.: <$name>: " . foreign($floor, $name);
        }

        pop @wrong if $wrong[-1] =~ /: $/;
    }

    return map { "$_\n" } @wrong;
}


sub ours {
    my ($floor, $name) = @_;
    my ($other) = split m{/}, $name;

    return 'there is no such file'  unless -f $name;
    return 'stands outside'         unless exists $height{$other};
    return "stands higher"          if $height{$other} > $height{$floor};
    return '';
}


sub foreign {
    my ($floor, $name) = @_;

    for (@outside) {
        my ($pattern, $only) = @$_;

        return "is for src/$only alone" if $name =~ $pattern && $floor ne $only;
    }

    return '';
}


# A depth-first walk: who meets a file again that it comes from has found one.

sub circle {
    my (%done, @path, $visit);

    $visit = sub {
        my ($file) = @_;

        for my $i (0 .. $#path) {
            return (@path[$i .. $#path], $file) if $path[$i] eq $file;
        }

        return if $done{$file}++;

        push @path, $file;

        for my $next (@{ $includes{$file} || [] }) {
            my @found = $visit->($next);
            return @found if @found;
        }

        pop @path;
        return;
    };

    for my $file (@files) {
        my @found = $visit->($file);
        return @found if @found;
    }

    return;
}
