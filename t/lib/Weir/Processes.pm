# SPDX-License-Identifier: BSD-2-Clause
#
# The processes of a test, by /proc, and the limit of its time.

package Weir::Processes;

use strict;
use warnings;

use Carp ();
use Exporter 'import';
use POSIX ();

our @EXPORT_OK = qw(children process_title);

my $owner = $$;


# children($pid): the pids of a process's children.
sub children {
    my ($pid) = @_;

    return split ' ', slurp("/proc/$pid/task/$pid/children");
}

sub descendants { return map { ($_, descendants($_)) } children($_[0]) }

# process_title($pid): as ps shows it.
sub process_title {
    my ($pid) = @_;
    my $title = slurp("/proc/$pid/cmdline");

    $title =~ s/\0+$//;
    $title =~ tr/\0/ /;
    return $title;
}

# others($folder): the processes that are still there: our descendants, and
# those that have become strangers (a master in the background, workers without
# one) but have their working folder in ours.
sub others {
    my ($folder) = @_;
    my %found = map { $_ => 1 } descendants($$);
    my $ours = $folder // 'none';

    for my $pid (map { m{/(\d+)$} } glob '/proc/[0-9]*') {
        my $at = readlink "/proc/$pid/cwd";
        $found{$pid} = 1 if defined $at && "$at/" =~ m{^\Q$ours\E/};
    }
    delete $found{$$};
    return sort keys %found;
}

# limit_time($seconds, $folder, $log): ends a test that hangs, in its END too,
# with all that it has started, and says what it waited for; its folder is left.
# The callbacks give the folder of the test and the lines of its error logs.
sub limit_time {
    my ($seconds, $folder, $log) = @_;

    $SIG{ALRM} = sub {
        POSIX::_exit(1) if $$ != $owner;
        print STDERR Carp::longmess("# $0 takes too long: it is ended");
        my @others = others($folder->());
        for my $pid ($$, @others) {
            print STDERR "# $pid in ", slurp("/proc/$pid/wchan") || 'no call',
                ': ', process_title($pid), "\n";
        }
        my @lines = $log->();
        print STDERR map { "# $_\n" } splice @lines, @lines > 40 ? -40 : 0;
        kill 'KILL', @others;
        POSIX::_exit(1);
    };
    # Whoever started the test may have blocked signals.
    POSIX::sigprocmask(POSIX::SIG_SETMASK, POSIX::SigSet->new);
    alarm $seconds;
}

sub slurp {
    my ($path) = @_;

    open my $in, '<', $path or return '';
    local $/;
    return scalar(<$in>) // '';
}

1;
