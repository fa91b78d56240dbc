# SPDX-License-Identifier: BSD-2-Clause
#
# Programs that a test starts beside the server, and that end with it:
#
#     use Weir::Program;
#
#     need_program('memcached');                # or else all is skipped
#     my $p = Weir::Program->new(
#         command => ['memcached', '-l', '127.0.0.1', '-p', $port],
#         ports => [$port],                     # until it listens on these
#         log => $t->path('memcached.log'));    # what it prints

package Weir::Program;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use Test::More ();

use Weir::Test ();

our @EXPORT = qw(need_program);

my $owner = $$;
my @all;

# path($name): where it is; undef: it is not installed.
sub path {
    my ($name) = @_;

    return (grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}),
            '/usr/sbin', '/usr/bin')[0];
}

sub need_program {
    my ($name) = @_;

    Test::More::plan(skip_all => "no $name: sh auto/deps test installs it")
        if !path($name);
}

sub listens {
    my ($port) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
}

sub new {
    my ($class, %opt) = @_;
    my ($name, @args) = @{ $opt{command} };
    my $log = $opt{log} // '/dev/null';
    my $pid = Weir::Test::start_process($name, path($name), \@args, $log, $log,
                                        $opt{dir}, $opt{env});
    my $p = bless { pid => $pid }, $class;

    push @all, $p;
    Weir::Test::wait_until(sub {
        return !grep { !listens($_) } @{ $opt{ports} };
    }, Weir::Test::slow(20)) or die "$name does not start\n";
    return $p;
}

sub stop {
    my ($p) = @_;
    my $pid = delete $p->{pid} or return;

    local $?;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

END {
    if ($$ == $owner) { $_->stop for @all }
}

1;
