# SPDX-License-Identifier: BSD-2-Clause
#
# Free TCP and UDP ports on the loopback address, handed out without races
# between test files that run in parallel: a port belongs to the process that
# holds the lock on its file.  Files and locks go when the process ends.

package Weir::Ports;

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock O_CREAT O_RDWR O_NOFOLLOW);
use File::Spec ();
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port free_ports);

# Below the range from which the kernel takes ports of outgoing connections;
# 21000 to 21999 are those of the corpus (t/corpus.t).
use constant { FIRST => 22000, LAST => 31999 };

my $owner = $$;
my $folder;
my %locks;          # by the file's name


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

    for my $port ($first .. $first + $n - 1) {
        my $file = use_folder() . "/$port";
        next if lock_file($file) && is_free($port);
        give_back($_) for grep { $locks{$_} }
            map { "$folder/$_" } $first .. $port;
        return 0;
    }
    return 1;
}

sub is_free {
    my ($port) = @_;

    for my $host ('127.0.0.1', '0.0.0.0') {
        my %at = (LocalAddr => $host, LocalPort => $port);
        IO::Socket::INET->new(%at, Proto => 'tcp', Listen => 1, ReuseAddr => 1)
            && IO::Socket::INET->new(%at, Proto => 'udp')
            or return 0;
    }
    return 1;
}

# lock_file($file): true when it is ours now.  Who ends removes its files: one
# that was removed between opening and locking it locks nothing.
sub lock_file {
    my ($file) = @_;

    return 0 if $locks{$file};
    sysopen my $lock, $file, O_CREAT | O_RDWR | O_NOFOLLOW, 0600 or return 0;
    flock $lock, LOCK_EX | LOCK_NB or return 0;
    my ($mine, $there) = ((stat $lock)[1], (lstat $file)[1]);
    return 0 if !defined $there || $there != $mine;
    $locks{$file} = $lock;
    return 1;
}

sub give_back {
    my ($file) = @_;

    unlink $file;
    close delete $locks{$file};
}

# use_folder(): the folder of the locks, the same for all of this user's tests.
# The first call decides, before a test has a temporary folder of its own.
sub use_folder {
    $folder //= File::Spec->tmpdir . "/weir-test-ports-$>";
    mkdir $folder, 0700;
    my @st = lstat $folder;
    die "$folder is not a folder of this user\n"
        unless @st && -d _ && $st[4] == $>;
    return $folder;
}

END {
    if ($$ == $owner && defined $folder) {
        give_back($_) for keys %locks;
        rmdir $folder;              # if no other test has a port
    }
}

1;
