# SPDX-License-Identifier: BSD-2-Clause
#
# What t/truth.t asks, of a server that was started with something else: one
# server goes through the configurations of all groups, by a reload each, and
# back to its first.
#
# TEST_SOAK=1: also a server for each group, as a start has none of the others
# before it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT free_ports binary_path);

plan skip_all => 'workers are replaced' if !lives_on();
plan skip_all => 'no python3' if system('python3 -c 1 2>/dev/null') != 0;

# The standard lines of the table name folders of every gateway.
my @drop = map { ('--drop', "${_}_temp_path") }
    grep { !has_module("http_$_") } qw(fastcgi uwsgi scgi);
push @drop, '--drop', 'ssi', '--drop', 'ssi_types' if !has_module('http_ssi');

for my $mode ('walk', $ENV{TEST_SOAK} ? 'reload' : ()) {
    open my $run, '-|', 'python3', "$FindBin::Bin/truth/run.py", "--$mode",
        '--binary', binary_path(), '--port-base', free_ports(24), @drop
        or die "python3: $!\n";
    my @lines = <$run>;
    close $run;
    my $is_good = $? == 0;

    # A line that begins with the group comes behind the cases of it.
    my @said;
    for my $line (@lines) {
        if ($line =~ /^(\w+)\s+\d+ passed, (\d+) failed/) {
            ok $2 == 0, "$mode: $1" or diag @said, $line;
            @said = ();
        } else {
            push @said, $line;
        }
    }
    ok $is_good, "$mode: as a whole" or diag @said;
}

done_testing;
