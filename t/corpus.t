# SPDX-License-Identifier: BSD-2-Clause
#
# Configurations of real projects, each asked what nginx 1.31.5 was asked, and
# compared with what that answered and what its upstreams saw.  They are no
# part of the tree: $TEST_CORPUS, or ../shared/corpus, is where they are, with
# the program that compares.
#
# data/corpus.pass names those that pass, so that none is lost.  To write it
# anew, from all of them:
#
#     TEST_CORPUS_WRITE=1 prove -It/lib t/corpus.t

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT binary_path top_folder);

my $corpus = $ENV{TEST_CORPUS} // top_folder() . '/../shared/corpus';
my $list = "$FindBin::Bin/data/corpus.pass";

plan skip_all => 'no corpus at hand' if !-e "$corpus/probe.py";
plan skip_all => 'no python3' if system('python3 -c 1 2>/dev/null') != 0;
plan skip_all => 'answers of another version' if is_oracle();

# probe(@names): what was said of each that did not pass, by its name; the
# names that passed.
sub probe {
    my (%said, %passed, $name);

    open my $run, '-|', 'python3', "$corpus/probe.py", '--binary',
        binary_path(), '--strict', @_ or die "python3: $!\n";
    while (<$run>) {
        if (/^pass (\S+)/) {
            $passed{$1} = 1;
            undef $name;
        } elsif (/^fail (\S+)/) {
            $name = $1;
            $said{$name} = '';
        } elsif (/^\s/ && defined $name) {
            $said{$name} .= $_;
        }
    }
    close $run;
    return (\%said, \%passed);
}

if ($ENV{TEST_CORPUS_WRITE}) {
    my ($said, $passed) = probe('open.list');
    open my $out, '>', $list or die "$list: $!\n";
    print $out "$_\n" for sort keys %$passed;
    close $out or die "$list: $!\n";
    note "$_\n$said->{$_}" for sort keys %$said;
    cmp_ok keys %$passed, '>', 0, scalar(keys %$passed) . ' pass';
    done_testing;
    exit;
}

# One that is no longer there is no failure.
my @names = grep { -d "$corpus/$_" } split ' ', Weir::Test::slurp($list);
plan skip_all => 'no entries' if !@names;
my ($said, $passed) = probe(@names);

# Ports that another program took meanwhile are no fault of ours.
my ($still) = keys %$said ? probe(sort keys %$said) : {};
for my $name (@names) {
    ok $passed->{$name} || !exists $still->{$name}, $name
        or diag $still->{$name};
}

done_testing;
