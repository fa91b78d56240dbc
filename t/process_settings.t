# SPDX-License-Identifier: BSD-2-Clause
#
# What the main level says about processes: who they run as, their number,
# limits, priority and processors, the environment, starting in the
# background, and what keeps a server from starting.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test;

my $root = $> == 0;
my $http = <<'EOC';
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$pid\n"; }
        location = /big { limit_rate 1k; }
    }
}
EOC

sub status_of {
    my ($pid, $field) = @_;

    return Weir::Test::slurp("/proc/$pid/status") =~ /^$field:[ \t]*(.*)$/m ? $1 : '';
}

sub limit_of {
    my ($pid, $name) = @_;

    return Weir::Test::slurp("/proc/$pid/limits") =~ /^$name\s+(\S+)\s+(\S+)/m
        ? "$1 $2" : '';
}

# limits, priority, processors, environment; without rights no process may have
# a better priority than it had
my $priority = getpriority(0, 0) + 5;
$priority = 19 if $priority > 19;
my $t = Weir::Test->new;
$t->run(<<"EOC", env => { KEPT => 'yes', LOST => 'x', TZ => 'Asia/Tokyo' });
%%GLOBALS%%
worker_processes 3;
worker_priority $priority;
worker_rlimit_nofile 321;
worker_rlimit_core 1m;
worker_cpu_affinity 01;
env KEPT;
env MADE=here;
$http
EOC
ok wait_until(sub { $t->worker_pids == 3 }), 'worker_processes';
my ($w) = $t->get('/')->body =~ /(\d+)/;
is((split ' ', Weir::Test::slurp("/proc/$w/stat") =~ s/^.*\) //sr)[16], $priority,
   'worker_priority');
is limit_of($w, 'Max open files'), '321 321', 'worker_rlimit_nofile';
is limit_of($w, 'Max core file size'), '1048576 1048576', 'worker_rlimit_core';
is status_of($w, 'Cpus_allowed_list'), '0', 'worker_cpu_affinity';
like $t->read('error.log') . $t->read('stderr'), qr/\A(?!.*\[emerg\])/s,
    'nothing to complain of';
my $log_time = ($t->log)[0] // '';
SKIP: {
    skip 'no log', 1 if $log_time !~ /^\S+ (\d\d):/;
    is $1 + 0, ((gmtime)[2] + 9) % 24, 'TZ is kept';
}
if ($root) {
    my ($user) = Weir::Test::worker_user();
    is scalar getpwuid((split ' ', status_of($w, 'Uid'))[1]), $user, 'user';
    like status_of($w, 'Groups'), qr/^\d*\s*$/, 'no groups of the master';
    is scalar getpwuid((stat "/proc/$w/mem")[4]), $user, 'whose core may be had by its user';
    if (!is_oracle()) {
        my $closed = Weir::Test->new;
        $closed->run("%%GLOBALS%%\nworker_processes 1; worker_rlimit_core 0;\n$http");
        my ($pid) = $closed->get('/')->body =~ /(\d+)/;
        is((stat "/proc/$pid/mem")[4], 0, 'without a core, nobody of that user reads its memory');
    }
}
is $t->get('/')->status, 200, 'it serves';

# each on its own processor
my $auto = Weir::Test->new;
$auto->run("%%GLOBALS%%\nworker_processes auto; worker_cpu_affinity auto;\n$http");
SKIP: {
    chomp(my $n = `nproc`);
    ok wait_until(sub { $auto->worker_pids == $n }), 'worker_processes auto'
        or skip 'a quota', 1;
    wait_until(sub { $auto->get('/')->status == 200 });
    sleep 0.3;
    my %on = map { status_of($_, 'Cpus_allowed_list') => 1 } $auto->worker_pids;
    is scalar keys %on, $n, 'worker_cpu_affinity auto';
}

# idle workers take turns
my $both = Weir::Test->new;
$both->run("%%GLOBALS%%\nworker_processes 2;\n$http");
wait_until(sub { $both->worker_pids == 2 });
sleep 0.3;
my %served;
$served{ $both->get('/')->body }++ for 1 .. 100;
is scalar keys %served, 2, 'both workers accept';
cmp_ok((sort { $a <=> $b } values %served)[0], '>=', 20, 'about as much');

# ending takes no longer than worker_shutdown_timeout
my $s = Weir::Test->new;
$s->write('html/big', 'x' x 100_000);
$s->run("%%GLOBALS%%\nworker_shutdown_timeout 500ms;\n$http");
my $slow = $s->connect;
$slow->send_request('GET', '/big');
sleep 0.3;
my $start = time;
is $s->stop('QUIT'), 0, 'worker_shutdown_timeout: exit code';
cmp_ok time - $start, '<', 3, 'it ends';
cmp_ok time - $start, '>=', 0.4, 'not before';

# in the background
my $d = Weir::Test->new;
$d->run("daemon on; pid %%TESTDIR%%/nginx.pid;\n"
        . "error_log %%TESTDIR%%/error.log info;\n"
        . ($root ? 'user ' . join(' ', Weir::Test::worker_user()) . ";\n" : '')
        . $http);
my $pid = $d->pid;
# The pid file may be there before the process has left its terminal.
sub becomes {
    my ($fd, $wanted, $name) = @_;

    wait_until(sub { (readlink("/proc/$pid/fd/$fd") // '') eq $wanted });
    is readlink("/proc/$pid/fd/$fd"), $wanted, "daemon: $name";
}
becomes(0, '/dev/null', 'standard input');
becomes(1, '/dev/null', 'standard output');
becomes(2, $d->path('error.log'), 'standard error is the log');
is $d->get('/')->status, 200, 'it serves when the parent has gone';

sub command { return ('-p', $d->dir . '/', '-c', 'nginx.conf', '-e', 'error.log', @_) }

# the parent says whether the start has failed; nothing is half started
$d->expect_log(qr/bind\(\) to|still could not bind/);
my ($code, $out, $err) = run_binary(command());
is $code, 1, 'a second one does not start';
is scalar(() = $err =~ /^nginx: \[emerg\] bind\(\) to 127.0.0.1:\d+ failed \(98: Address already in use\)$/mg),
    5, 'after five tries';
like $err, qr/^nginx: \[emerg\] still could not bind\(\)$/m, 'and says so';
is $d->read('nginx.pid'), "$pid\n", 'the pid file is the first one\'s';

# -s
($code) = run_binary(command('-s', 'reopen'));
is $code, 0, '-s reopen';
ok $d->wait_log(qr/\[notice\] \d+#\d+: reopening logs/), 'it reopens';
($code) = run_binary(command('-s', 'reload'));
is $code, 0, '-s reload';
ok $d->wait_log(qr/signal 1 \(SIGHUP\) received from \d+, reconfiguring/), 'it reloads';
wait_until(sub { $d->worker_pids == 1 });
($code) = run_binary(command('-s', 'quit'));
is $code, 0, '-s quit';
ok wait_until(sub { !-e "/proc/$pid" }), 'it ends';
($code, $out, $err) = run_binary(command('-s', 'stop'));
is $code, 1, '-s without a pid file';
is $err, 'nginx: [error] open() "' . $d->path('nginx.pid')
    . qq{" failed (2: No such file or directory)\n}, 'what it says';
$d->write('nginx.pid', "x1\n");
($code, $out, $err) = run_binary(command('-s', 'stop'));
is $err, 'nginx: [error] invalid PID number "x1" in "' . $d->path('nginx.pid')
    . qq{"\n}, '-s with rubbish in the pid file';
unlink $d->path('nginx.pid');
$d->forget_server;

# a pid file that cannot be had
my $p = Weir::Test->new;
$p->conf("daemon on; pid %%TESTDIR%%/none/nginx.pid;\n"
         . "error_log %%TESTDIR%%/error.log;\n$http");
($code, $out, $err) = run_binary('-p', $p->dir . '/', '-c', 'nginx.conf',
                                 '-e', 'error.log');
SKIP: {
    skip 'an nginx has left its parent by then', 1 if is_oracle();
    is $code, 1, 'a pid file that cannot be written';
}
like $p->read('error.log'), qr{open\(\) "\S+/none/nginx.pid" failed \(2: }, 'and the reason';
SKIP: {
    skip 'an nginx goes on without one', 1 if is_oracle();
    ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $p->port),
        'nobody listens';
}
for my $pid (grep { Weir::Test::process_title($_) =~ /master process .*\Q@{[$p->dir]}/ }
             map { m{/(\d+)$} } glob '/proc/[0-9]*') {
    kill 'TERM', $pid;
}

# systemd is told when it is up
SKIP: {
    skip 'an nginx does not tell', 2 if is_oracle();
    my $n = Weir::Test->new;
    my $socket = IO::Socket::UNIX->new(Type => IO::Socket::SOCK_DGRAM(),
                                       Local => $n->path('notify'));
    $n->run("%%GLOBALS%%\n$http", env => { NOTIFY_SOCKET => $n->path('notify') });
    my $text = '';
    ok wait_until(sub { $socket->blocking(0); $socket->recv($text, 100);
                        return length $text }), 'NOTIFY_SOCKET';
    is $text, "READY=1\nMAINPID=" . $n->pid, 'what it says';
}

# folders
my $f = Weir::Test->new;
($code, $out, $err) = @{ conf_test(<<'EOC', test => $f) }{qw(code out err)};
pid %%TESTDIR%%/nginx.pid;
events { }
http { client_body_temp_path %%TESTDIR%%/none/body; }
EOC
is $code, 1, 'a temporary folder that cannot be made';
like $err, qr{\[emerg\] mkdir\(\) "\S+/none/body" failed \(2: No such file or directory\)\n},
    'and the reason';

done_testing;
