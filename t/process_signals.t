# SPDX-License-Identifier: BSD-2-Clause
#
# Signals to the master and what they do: reload, a refused reload, reopening
# logs, ending gracefully and at once; titles, pid file and log lines.
# smoke

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test;

my $conf = <<'EOC';
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "one $pid\n"; }
        location /slow/ { alias %%TESTDIR%%/html/; limit_rate 10k; }
    }
}
EOC
(my $second = $conf) =~ s/"one /"two /;
# so that new workers start for it
$second = "worker_rlimit_core 1m;\n$second";
(my $broken = $conf) =~ s/return 200/retur 200/;

sub log_since { my ($t, $size) = @_; return substr $t->read('error.log'), $size }

my $t = Weir::Test->new;
$t->write('html/big', 'x' x 30_000);
$t->run($conf);
my $pid = $t->pid;

is $t->read('nginx.pid'), "$pid\n", 'the pid file';
ok wait_until(sub { $t->worker_pids == 2 }), 'two workers';
like Weir::Test::process_title($pid), qr/^nginx: master process \S*nginx -p /,
    'title of the master';
my @workers = $t->worker_pids;
is Weir::Test::process_title($workers[0]), 'nginx: worker process',
    'title of a worker';
is Weir::Test::slurp("/proc/$pid/comm"), "nginx\n", 'name of the process';
like $t->get('/')->body, qr/^one (\d+)$/, 'it serves';

for my $line ('start worker processes', "start worker process $workers[0]",
              'using the "epoll" event method', 'nginx/[\d.]+',
              'OS: \S+ \S+', 'getrlimit\(RLIMIT_NOFILE\): \d+:\d+') {
    like $t->read('error.log'), qr/ \[notice\] \d+#\d+: $line/, "log: $line";
}

# reload: what is in flight goes on
my $slow = $t->connect;
$slow->send_request('GET', '/slow/big');
sleep 0.2;
my $size = length $t->read('error.log');
ok $t->reload($second), 'HUP: new workers';
like $t->get('/')->body, qr/^two/, 'on the new configuration';
like log_since($t, $size),
    qr/signal 1 \(SIGHUP\) received from $$, reconfiguring$/m, 'log: the signal';
like log_since($t, $size), qr/\[notice\] $pid#$pid: reconfiguring$/m,
    'log: reconfiguring';
like log_since($t, $size), qr/gracefully shutting down$/m,
    'log: gracefully shutting down';
ok((grep { Weir::Test::process_title($_)
           eq 'nginx: worker process is shutting down' }
    Weir::Test::children($pid)), 'title of a worker that is leaving');
my $r = $slow->read_response;
is length $r->body, 30_000, 'a response of before is finished';
ok wait_until(sub { my %now = map { $_ => 1 } Weir::Test::children($pid);
                    return !grep { $now{$_} } @workers }),
    'then the old workers are gone';
ok $t->wait_log(qr/worker process $workers[0] exited with code 0/),
    'log: how it ended';

# a broken configuration
$t->expect_log(qr/unknown directive "retur"/);
$size = length $t->read('error.log');
my @before = sort $t->worker_pids;
$t->conf($broken);
$t->signal('HUP');
ok $t->wait_log(qr/\[emerg\] $pid#$pid: unknown directive "retur" in /),
    'a broken configuration is refused with its message';
like $t->get('/')->body, qr/^two/, 'the old one goes on';
is_deeply [sort $t->worker_pids], \@before, 'in the same workers';

# a port that is taken, and one more log: nothing is half done
$t->expect_log(qr/bind\(\) to|still could not bind/);
my $other = Weir::Test->new;
(my $taken = $second) =~ s/listen 127.0.0.1:%%PORT%%;/$& listen 127.0.0.1:%%PORT_x%%;/;
my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                 LocalPort => $t->port('x'), ReuseAddr => 1);
$t->conf($taken);
$t->signal('HUP');
ok $t->wait_log(qr/still could not bind\(\)/), 'a busy address is refused too';
like $t->get('/')->body, qr/^two/, 'and the old configuration goes on';
close $busy;
ok $t->reload($taken), 'later it is accepted';
is $t->get('/', port => 'x')->status, 200, 'and served';
ok $t->reload($second), 'the address is given up again';
ok wait_until(sub {
    return !IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                  PeerPort => $t->port('x')) }),
    'nobody listens there any more';

# logs
rename $t->path('access.log'), $t->path('access.old');
rename $t->path('error.log'), $t->path('error.old');
$t->signal('USR1');
ok wait_until(sub { -e $t->path('access.log') && -e $t->path('error.log') }),
    'USR1: logs are opened again';
ok wait_until(sub { $t->get('/'); $t->read('access.log') =~ /GET/ }),
    'the new access log is written to';
my $old_size = -s $t->path('access.old');
$t->get('/');
is -s $t->path('access.old'), $old_size, 'the old one is not';
like $t->read('error.old'),
    qr/signal 10 \(SIGUSR1\) received from $$, reopening logs$/m,
    'log: the signal';
SKIP: {
    skip 'not root', 1 if $> != 0;
    my ($user) = Weir::Test::worker_user();
    is scalar getpwuid((stat $t->path('access.log'))[4]), $user,
        'the new logs belong to the user of the workers';
}

# quit: what is in flight ends first, what is idle is closed
my $idle = $t->connect;
is $idle->get('/')->status, 200, 'a connection is kept alive';
$slow = $t->connect;
$slow->send_request('GET', '/slow/big');
sleep 0.2;
$t->signal('QUIT');
ok wait_until(sub {
    return !IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                  PeerPort => $t->port) }),
    'QUIT: nobody listens any more';
ok $idle->closed(2), 'idle connections are closed';
is length $slow->read_response->body, 30_000, 'the last response is finished';
is $t->wait_exit(5), 0, 'exit code';
ok !-e $t->path('nginx.pid'), 'the pid file is gone';
like $t->read('error.log'), qr/\[notice\] $pid#$pid: exit\n\z/, 'log: exit';

# at once
my $u = Weir::Test->new;
$u->write('html/big', 'x' x 300_000);
$u->run($conf);
$slow = $u->connect;
$slow->send_request('GET', '/slow/big');
sleep 0.2;
my $start = time;
is $u->stop('TERM'), 0, 'TERM: exit code';
cmp_ok time - $start, '<', 3, 'without waiting';

# workers that do not end are killed
my $v = Weir::Test->new;
$v->run($conf);
wait_until(sub { $v->worker_pids == 2 });
my ($stuck) = $v->worker_pids;
kill 'STOP', $stuck;
$v->expect_log(qr/exited on signal 9/);
$start = time;
is $v->stop('TERM'), 0, 'a worker that is stuck does not hold the end up';
cmp_ok time - $start, '<', 5, 'for long';

done_testing;
