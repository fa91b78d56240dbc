# SPDX-License-Identifier: BSD-2-Clause
#
# Moving over from a running nginx, and back to it, by replacing the binary and
# USR2: no connection is refused on the way.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $nginx = '/usr/sbin/nginx';
plan(skip_all => 'no nginx to take over from') if !-x $nginx;
plan(skip_all => 'nginx itself') if is_oracle();

my $t = Weir::Test->new;
my $user = $> == 0 ? 'user ' . join(' ', Weir::Test::worker_user()) . ';' : '';
my $weir = readlink Weir::Test::binary_path();

# What both can do: the folders of all gateways are named.
my $temp = join '', map { "${_}_temp_path %%TESTDIR%%/${_}_temp;\n" }
    qw(client_body proxy fastcgi uwsgi scgi);
$t->conf(<<"EOC");
daemon on;
pid %%TESTDIR%%/nginx.pid;
error_log %%TESTDIR%%/error.log info;
$user
worker_processes 2;
events { }
http {
    access_log off;
    $temp
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_each%% reuseport;
        listen unix:%%TESTDIR%%/socket;
        location / { return 200 "\$nginx_version \$pid\\n"; }
    }
}
EOC

sub use_binary {
    my ($path) = @_;

    unlink $t->path('nginx');
    symlink $path, $t->path('nginx') or die "symlink: $!\n";
}

sub pid_now { return $t->read('nginx.pid') =~ /^(\d+)\n\z/ ? $1 : 0 }

# change($binary): another binary in place of the one that runs; its pid.
sub change {
    my ($path) = @_;
    my $old = pid_now();

    use_binary($path);
    $t->signal('USR2', $old);
    my $new = $t->new_pid($old);
    wait_until(sub { Weir::Test::children($new) == 2 });
    $t->signal('QUIT', $old);
    wait_until(sub { !-e "/proc/$old" });
    return $new;
}

sub versions {
    my %seen;

    for (1 .. 5) {
        for my $where ([], [port => 'each'], [unix => 'socket']) {
            my $r = eval { $t->get('/', @$where) };
            $seen{ $r && $r->status == 200 ? ($r->body =~ /^(\S+)/)[0] : 'failed' }++;
        }
    }
    return join ' ', sort keys %seen;
}

use_binary($nginx);
chdir $t->dir;
system $t->path('nginx'), '-p', $t->dir, '-c', 'nginx.conf', '-e', 'error.log';
ok wait_until(sub { pid_now() && Weir::Test::children(pid_now()) == 2 }),
    'an nginx runs';
my $first = versions();
isnt $first, server_version(), 'and serves';

change($weir);
is versions(), server_version(), 'then another serves';
like $t->read('error.log'), qr/using inherited sockets from "\d+;\d+;\d+;\d+;"/,
    'on the same sockets';
change($nginx);
is versions(), $first, 'and it serves again';
change($weir);
is versions(), server_version(), 'there again';

my $last = pid_now();
$t->signal('QUIT', $last);
ok wait_until(sub { !-e "/proc/$last" }), 'the end';
ok !-e $t->path('socket'), 'no socket is left';

done_testing;
