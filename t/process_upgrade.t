# SPDX-License-Identifier: BSD-2-Clause
#
# Changing the binary without losing a connection: USR2, WINCH, QUIT, and the
# way back; and sockets handed over by NGINX=.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $user = $> == 0 ? 'user ' . join(' ', Weir::Test::worker_user()) . ';' : '';
my $t = Weir::Test->new;
$t->write('html/big', 'x' x 30_000);
$t->run(<<"EOC");
daemon on;
pid %%TESTDIR%%/nginx.pid;
error_log %%TESTDIR%%/error.log info;
$user
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/socket;
        location / { return 200 "\$pid\\n"; }
        location = /big { limit_rate 10k; }
    }
}
EOC
my ($pid_file, $old_file) = map { $t->path($_) } 'nginx.pid', 'nginx.pid.oldbin';
my $old = $t->pid;

sub served_by {
    my ($master) = @_;
    my %workers = map { $_ => 1 } Weir::Test::children($master);

    return scalar grep { $workers{$_} } map { $t->get('/')->body =~ /(\d+)/ } 1 .. 10;
}

sub pid_in { return (Weir::Test::slurp($_[0]) =~ /^(\d+)\n\z/)[0] // 0 }

is pid_in($pid_file), $old, 'the pid file, when the parent has gone';
isnt $old, $$, 'it is in the background';
is +(split ' ', Weir::Test::slurp("/proc/$old/stat"))[5], $old,
    'in a session of its own';
ok wait_until(sub { Weir::Test::children($old) == 2 }), 'it has workers';
is served_by($old), 10, 'it serves';
is $t->get('/', unix => 'socket')->status, 200, 'on a unix socket too';

# there
$t->signal('USR2');
my $new = $t->new_pid($old);
ok $new, 'USR2: a new master writes the pid file';
is pid_in($old_file), $old, 'the old one has another';
ok wait_until(sub { Weir::Test::children($new) == 2 }), 'the new one has workers';
like Weir::Test::process_title($new), qr/^nginx: master process \S*nginx -p .* error.log$/,
    'its title';
like $t->read('error.log'), qr/\[notice\] $old#$old: changing binary$/m,
    'log: changing binary';
like $t->read('error.log'), qr/start new binary process $new$/m,
    'log: the new binary';
like $t->read('error.log'), qr/using inherited sockets from "\d+;\d+;"$/m,
    'log: its sockets';
is $t->get('/')->status, 200, 'requests are served';

$t->signal('USR2');
$t->expect_log(qr/changing binary signal is ignored/);
ok $t->wait_log(qr/the changing binary signal is ignored: you should shutdown/),
    'a second USR2 is ignored';

my $slow = $t->connect;
wait_until(sub {
    $slow = $t->connect;
    $slow->send_request('GET', '/big');
    return 1;
});
sleep 0.2;
$t->signal('WINCH');
ok wait_until(sub { served_by($new) == 10 }), 'WINCH: only the new one serves';
is length $slow->read_response->body, 30_000, 'what was in flight ends';
ok wait_until(sub { my @c = grep { $_ != $new } Weir::Test::children($old);
                    return !@c }), 'the old workers are gone';

# and back
$t->signal('HUP');
ok wait_until(sub { served_by($old) }), 'HUP: the old one serves again';
$t->signal('QUIT', $new);
ok wait_until(sub { pid_in($pid_file) == $old }),
    'QUIT to the new one: the pid file is the old one again';
ok !-e $old_file, 'there is no other';
ok wait_until(sub { served_by($old) == 10 }), 'the old one serves alone';
is $t->get('/', unix => 'socket')->status, 200, 'on the unix socket too';
like $t->read('error.log'), qr/new binary process $new exited with code 0$/m,
    'log: how the new one ended';

# there, to stay
$t->signal('USR2');
my $last = $t->new_pid($old);
ok $last, 'USR2 again';
wait_until(sub { Weir::Test::children($last) == 2 });
$t->signal('QUIT');
ok wait_until(sub { !-e "/proc/$old" }), 'QUIT: the old master goes';
is pid_in($pid_file), $last, 'the pid file stays';
ok !-e $old_file, 'the other is gone';
is served_by($last), 10, 'the new one serves';
is $t->get('/', unix => 'socket')->status, 200, 'on the unix socket too';

# and once more from there
$t->{pid} = $last;
ok $t->reload, 'the new one reloads';
$t->signal('USR2');
my $third = $t->new_pid($last);
ok $third, 'and is upgraded in turn';
wait_until(sub { Weir::Test::children($third) == 2 });
$t->signal('QUIT', $last);
ok wait_until(sub { !-e "/proc/$last" }), 'it goes';
is served_by($third), 10, 'the next one serves';

$t->{pid} = $third;
$t->signal('QUIT', $third);
is $t->wait_exit(5), 0, 'the end';
ok !-e $pid_file, 'no pid file is left';
ok !-e $t->path('socket'), 'and no socket';

done_testing;
