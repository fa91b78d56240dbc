# SPDX-License-Identifier: BSD-2-Clause
#
# Workers that die are replaced at once, and the log says how they ended.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test;

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 "$pid\n"; } }
}
EOC
my $pid = $t->pid;
wait_until(sub { $t->worker_pids == 2 });

for my $case (['TRAP', 5], ['KILL', 9], ['ABRT', 6]) {
    my ($name, $number) = @$case;
    my ($victim) = $t->worker_pids;
    my $start = time;

    $t->expect_log(qr/worker process $victim exited on signal $number/);
    kill $name, $victim;
    ok wait_until(sub { my @now = $t->worker_pids;
                        return @now == 2 && !grep { $_ == $victim } @now }, 3),
        "$name: the worker is replaced";
    cmp_ok time - $start, '<', 1, 'at once';
    ok $t->wait_log(qr/\[alert\] $pid#$pid: worker process $victim exited on signal $number(?: \(core dumped\))?$/),
        'log: how it ended';
    my ($fresh) = grep { $_ != $victim } $t->worker_pids;
    ok $t->wait_log(qr/\[notice\] $pid#$pid: start worker process $fresh$/),
        'log: the new one';
    is $t->get('/')->status, 200, 'requests are served';
}

# told to end by somebody else, it is replaced as well
my ($victim) = $t->worker_pids;
kill 'QUIT', $victim;
ok $t->wait_log(qr/worker process $victim exited with code 0$/), 'QUIT to a worker';
ok wait_until(sub { $t->worker_pids == 2 }), 'another takes its place';
ok $t->wait_log(qr/$victim#$victim: signal 3 \(SIGQUIT\) received from $$, shutting down$/),
    'log: who told it';

# a crash while others are at work costs nobody else
my @conns = map { $t->connect } 1 .. 20;
my %of;
for my $c (@conns) {
    my ($who) = $c->get('/')->body =~ /(\d+)/;
    push @{ $of{$who} }, $c;
}
my ($one) = sort keys %of;
$t->expect_log(qr/worker process $one exited on signal 9/);
kill 'KILL', $one;
sleep 0.2;
for my $who (grep { $_ ne $one } keys %of) {
    my $good = grep { $_->get('/')->status == 200 } @{ $of{$who} };
    is $good, scalar @{ $of{$who} }, 'connections of other workers go on';
}
is $t->get('/')->status, 200, 'new ones are served';

# one that dies again and again is started again, but not in a tight loop
my $v = Weir::Test->new;
$v->run(<<'EOC');
%%GLOBALS%%
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 "$pid\n"; } }
}
EOC
$v->expect_log(qr/exited on signal 9/);
my $end = time + 2;
while (time < $end) {
    kill 'KILL', $v->worker_pids;
    sleep 0.01;
}
ok wait_until(sub { $v->get('/')->status == 200 }), 'killed for two seconds, it serves again';
SKIP: {
    skip 'an nginx starts one after the other', 1 if is_oracle();
    cmp_ok scalar(grep { /start worker process \d/ } $v->log), '<', 20,
        'few were started';
}

# one that cannot start is not started for ever
SKIP: {
    skip 'not root', 3 if $> != 0;
    my $u = Weir::Test->new;
    $u->mkdir('away');
    chmod 0755, $u->path('away');
    $u->run(<<'EOC');
%%GLOBALS%%
working_directory %%TESTDIR%%/away;
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 "$pid\n"; } }
}
EOC
    my ($worker);
    ok wait_until(sub {
        ($worker) = $u->worker_pids;
        return $worker
            && readlink("/proc/$worker/cwd") eq $u->path('away');
    }), 'working_directory';
    rmdir $u->path('away');
    $u->expect_log(qr/chdir\(|exited on signal 9|fatal code 2/);
    kill 'KILL', $worker;
    ok $u->wait_log(qr/\[alert\] \d+#\d+: chdir\("\S+away"\) failed \(2: /),
        'log: why it cannot start';
    ok $u->wait_log(qr/\[alert\] \d+#\d+: worker process \d+ exited with fatal code 2 and cannot be respawned$/),
        'log: that no other is started';
}

done_testing;
