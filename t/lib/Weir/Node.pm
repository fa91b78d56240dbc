# SPDX-License-Identifier: BSD-2-Clause
#
# Instances of the applications in t/data/express, each a process of its own
# that ends with the test:
#
#     use Weir::Node;
#
#     need_node();                              # or else all is skipped
#     start_instance('server.js', one => $t->port('one'));
#     kill_instance('one');
#
# Their packages are installed by ./configure --install-deps=test.

package Weir::Node;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use POSIX ();
use Test::More ();

our @EXPORT = qw(need_node start_instance kill_instance);

my $folder = dirname(__FILE__) . '/../../data/express';
my $owner = $$;
my %instance;       # name => { pid, in: what keeps it alive }

# need_node(@packages): besides those that all need.
sub need_node {
    my (@packages) = @_;

    Test::More::plan(skip_all => 'no node')
        if system('node -e 0 2>/dev/null') != 0;
    Test::More::plan(skip_all => "no packages in t/data/express: "
                     . 'sh auto/deps test installs them')
        if grep { !-d "$folder/node_modules/$_" } qw(express ws), @packages;
}

# start_instance($script, $name, $port): back when it listens.
sub start_instance {
    my ($script, $name, $port) = @_;

    pipe my $in, my $keep or die "pipe: $!\n";
    pipe my $said, my $out or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<&', $in;
        open STDOUT, '>&', $out;
        close $_ for $keep, $said, map { $_->{in} } values %instance;
        exec 'node', "$folder/$script", $name, $port
            or POSIX::_exit(127);
    }
    close $in;
    close $out;
    $instance{$name} = { pid => $pid, in => $keep };
    my $line = <$said> // '';
    die "instance $name does not start\n" if $line ne "ready\n";
}

sub kill_instance {
    my ($name) = @_;
    my $it = delete $instance{$name} or return;

    local $?;
    kill 'KILL', $it->{pid};
    waitpid $it->{pid}, 0;
}

END {
    if ($$ == $owner) { kill_instance($_) for keys %instance }
}

1;
