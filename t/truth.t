# SPDX-License-Identifier: BSD-2-Clause
#
# The table of observed behaviour, t/truth: one test for each group of cases.
# What they are and how they are written is told at the head of truth/run.py.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT free_ports binary_path);

# These pass whole.
my @groups = qw(
    protocol keepalive location servername static range proxypass errorpage
    headers upstream rewrite recent access variables tls proxyssl
    fastcgi scgi uwsgi memcached tunnel limits misc gzip gunzip cache
    autoindex files dav sub charset ssi addition filters upstreamvars
    http2 resolve sticky
);

plan skip_all => 'a table of what weir does' if is_oracle();
plan skip_all => 'no python3' if system('python3 -c 1 2>/dev/null') != 0;

# The standard lines of the table name folders of every gateway.
my @drop = map { ('--drop', "${_}_temp_path") }
    grep { !has_module("http_$_") } qw(fastcgi uwsgi scgi);
push @drop, '--drop', 'ssi', '--drop', 'ssi_types' if !has_module('http_ssi');
my $ports = free_ports(24);

# group($name): (passed, what the runner printed)
sub group {
    my ($name) = @_;

    open my $run, '-|', 'python3', "$FindBin::Bin/truth/run.py",
        '--binary', binary_path(), '--group', $name, '--port-base', $ports,
        @drop or die "python3: $!\n";
    my $text = do { local $/; <$run> } // '';
    close $run;
    return ($? == 0, $text);
}

for my $name (@groups) {
    my ($passed, $text) = group($name);
    ok $passed, $name or diag $text;
}

done_testing;
