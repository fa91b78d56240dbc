# SPDX-License-Identifier: BSD-2-Clause
#
# PHP-FPM for a test, which ends with it:
#
#     use Weir::PHP;
#
#     need_php();                                 # or else all is skipped
#     my $php = Weir::PHP->new($t, children => 2);
#     $php->socket;  $php->port;                  # it listens on both

package Weir::PHP;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Test::More ();
use Time::HiRes ();

use Weir::Ports ();

our @EXPORT = qw(need_php);

my $owner = $$;
my @all;

sub binary { return (grep { -x } glob '/usr/sbin/php-fpm*')[0] }

sub need_php {
    Test::More::plan(skip_all => 'no php-fpm: sh auto/deps test installs it')
        if !binary();
}

sub new {
    my ($class, $t, %opt) = @_;
    my $p = bless { socket => $t->path('php.sock'),
                    port => Weir::Ports::free_port() }, $class;
    my $user = $> == 0 ? "user = nobody\ngroup = nogroup\n" : '';
    my $log = $t->path('php.log');
    my $uploads = $t->mkdir('uploads');
    my $pools = '';

    chmod 0777, $uploads;

    for my $pool ([unix => $p->{socket}], [tcp => "127.0.0.1:$p->{port}"]) {
        $pools .= "[$pool->[0]]\n${user}listen = $pool->[1]\n"
            . "listen.mode = 0666\npm = static\n"
            . 'pm.max_children = ' . ($opt{children} // 2) . "\n"
            . "php_admin_value[post_max_size] = 128M\n"
            . "php_admin_value[upload_max_filesize] = 128M\n"
            . "php_admin_value[memory_limit] = 512M\n"
            . "php_admin_value[upload_tmp_dir] = $uploads\n";
    }
    my $conf = $t->write('php-fpm.conf', "[global]\nerror_log = $log\n"
                         . "daemonize = no\npid = " . $t->path('php.pid')
                         . "\n$pools");
    $p->start($conf);
    return $p;
}

sub start {
    my ($p, $conf) = @_;

    $p->{pid} = fork // die "fork: $!\n";
    if ($p->{pid} == 0) {
        open STDERR, '>', '/dev/null';
        exec binary(), '--nodaemonize', '--fpm-config', $conf
            or POSIX::_exit(127);
    }
    push @all, $p;
    for (1 .. 500) {
        return if -S $p->{socket};
        Time::HiRes::sleep(0.02);
    }
    die "php-fpm does not start\n";
}

sub socket { return $_[0]{socket} }
sub port { return $_[0]{port} }

sub stop {
    my ($p) = @_;
    my $pid = delete $p->{pid} or return;

    local $?;
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

END {
    if ($$ == $owner) { $_->stop for @all }
}

1;
