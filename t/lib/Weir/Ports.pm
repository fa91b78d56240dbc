# SPDX-License-Identifier: BSD-2-Clause
#
# Free TCP and UDP ports on the loopback address, handed out without races
# between test files that run in parallel: a port belongs to the process that
# holds the lock on its file.  The locks go when the process ends.

package Weir::Ports;

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock O_CREAT O_RDWR O_NOFOLLOW);
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port free_ports);

# Below the range from which the kernel takes ports of outgoing connections;
# 21000 to 21999 are those of the corpus (t/corpus.t).
use constant { FIRST => 22000, LAST => 31999 };

my @locks;


# free_port(): one free port.
sub free_port { return free_ports(1) }

# free_ports($n): the first of $n free ports in a row.
sub free_ports {
    my ($n) = @_;

    for (1 .. 500) {
        my $first = FIRST + int rand(LAST - FIRST - $n);
        return $first if take_all($first, $n);
    }
    die "no free ports on 127.0.0.1\n";
}

sub take_all {
    my ($first, $n) = @_;
    my @taken;

    for my $port ($first .. $first + $n - 1) {
        my $lock = take($port) or return 0;
        push @taken, $lock;
    }
    push @locks, @taken;
    return 1;
}

sub take {
    my ($port) = @_;

    sysopen my $lock, folder() . "/$port", O_CREAT | O_RDWR | O_NOFOLLOW, 0600
        or return;
    flock $lock, LOCK_EX | LOCK_NB or return;

    for my $host ('127.0.0.1', '0.0.0.0') {
        my %at = (LocalAddr => $host, LocalPort => $port);
        IO::Socket::INET->new(%at, Proto => 'tcp', Listen => 1, ReuseAddr => 1)
            or return;
        IO::Socket::INET->new(%at, Proto => 'udp') or return;
    }
    return $lock;
}

my $folder;

sub folder {
    return $folder if defined $folder;

    $folder = ($ENV{TMPDIR} || '/tmp') . "/weir-test-ports-$>";
    mkdir $folder, 0700;
    my @st = lstat $folder;
    die "$folder is not a folder of this user\n"
        unless @st && -d _ && $st[4] == $>;
    return $folder;
}

1;
