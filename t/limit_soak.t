# SPDX-License-Identifier: BSD-2-Clause
#
# Limits are kept to the request, whichever workers the requests of a client come to:
# over reloads and the death of a worker.
#
# TEST_SOAK=1: also a minute of load from 50 addresses, each of which gets its rate
# within 1%.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Time::HiRes qw(sleep time);
use Weir::Test;

need_module('http_limit_req', 'http_limit_conn');

my $SECONDS = 60;
my ($RATE, $BURST) = (10, 10);

my $t = Weir::Test->new;
$t->write('html/x', 'x');
my $prefix = is_oracle() ? '$binary_remote_addr' : '$remote_prefix';
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 4;
events { }
http {
    %%GLOBALS_HTTP%%
    limit_req_log_level info;
    limit_req_zone \$binary_remote_addr zone=count:1m rate=1r/m;
    limit_req_zone $prefix zone=rate:1m rate=${RATE}r/s;
    limit_conn_zone \$binary_remote_addr zone=conns:1m;
    limit_conn_zone \$server_name zone=all:1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name a;
        root %%TESTDIR%%/html;
        limit_conn conns 50;
        limit_conn all 500;
        location / { limit_req zone=count burst=20 nodelay; }
        location /rate { limit_req zone=rate burst=$BURST nodelay; alias %%TESTDIR%%/html/x; }
        location /late { limit_req zone=rate burst=$BURST; alias %%TESTDIR%%/html/x; }
        location /one { limit_conn conns 1; alias %%TESTDIR%%/html/x; }
    }
}
EOC

# What each of n processes prints, with its number from 1.
sub together {
    my ($n, $does) = @_;
    my @pipes;

    for my $i (1 .. $n) {
        open my $pipe, '-|' // die or do {
            print eval { $does->($i) } // "died: $@";
            close STDOUT;
            POSIX::_exit(0);
        };
        push @pipes, $pipe;
    }
    return map { local $/; my $got = readline $_; close $_; $got } @pipes;
}

sub address { return '127.0.1.' . $_[0] }

# How many of n requests from an address were let through; those that a worker took
# with it when it died are not known.
sub passed {
    my ($i, $n) = @_;

    return scalar grep { $t->get('/x', local => address($i))->status == 200 } 1 .. $n;
}

sub kill_one {
    my @pids = $t->worker_pids;
    my $victim = $pids[0];

    $t->expect_log(qr/\[alert\] .* worker process $victim exited on signal 9/);
    kill 'KILL', $victim;
    return wait_until(sub {
        my @now = $t->worker_pids;
        return @now == 4 && !grep { $_ == $victim } @now;
    });
}

my @got = together(10, sub { passed($_[0], 12) });
is "@got", join(' ', (12) x 10), 'within the burst';
ok $t->reload, 'a reload';
@got = together(10, sub { passed($_[0], 5) });
is "@got", join(' ', (5) x 10), '... keeps what was counted';
wait_until(sub { $t->worker_pids == 4 });
ok kill_one(), 'a worker dies';
@got = together(10, sub { passed($_[0], 12) });
is "@got", join(' ', (4) x 10), '21 in all, from each address';
is $t->get('/one', local => address(1))->status, 200, 'no connection is counted any more';

if ($ENV{TEST_SOAK}) {
    my $end = time + $SECONDS;

    # Even ones are delayed, odd ones are refused and try twice as often as they may.
    my $client = sub {
        my ($i) = @_;
        my $uri = $i % 2 ? '/rate' : '/late';
        my ($n, $asked, $first, $last, $c) = (0, 0);

        sleep 0.05 * rand;
        while (time < $end) {
            $c = undef if $asked % 5 == 0;
            $c //= $t->connect(local => address(100 + $i), timeout => 5);
            $first //= time;
            my $status = eval { $c->request('GET', $uri)->status } // 0;
            $asked++;
            $last = time;
            $n++ if $status == 200;
            $c = undef if $status != 200 && $status != 503;
            my $due = $first + $asked / (2 * $RATE);
            sleep $due - time if $i % 2 && $due > time;
        }
        return join ' ', $n, $last - $first, $asked;
    };
    my $disturber = fork // die;
    if ($disturber == 0) {
        for my $at (1 .. $SECONDS / 10 - 1) {
            sleep 10;
            kill 'HUP', $t->pid;
            next if $at != 2;
            sleep 1;
            kill 'KILL', ($t->worker_pids)[0];
        }
        POSIX::_exit(0);
    }
    $t->expect_log(qr/\[alert\] .* worker process \d+ exited on signal 9/);
    my ($worst, $most, $least) = (0, 0, 9e9);
    my @results = together(50, $client);
    waitpid $disturber, 0;
    for my $i (1 .. 50) {
        my ($n, $took, $asked) = split ' ', $results[$i - 1];
        my $fair = $RATE * $took + 1 + ($i % 2 ? $BURST : 0);
        my $off = ($n - $fair) / $fair;

        $worst = $off if abs($off) > abs($worst);
        $most = $n if $n > $most;
        $least = $n if $n < $least;
        ok abs($n - $fair) <= $fair / 100,
            sprintf '%s: %d of %d requests in %.1f s, %.2f%% off', address(100 + $i), $n, $asked,
            $took, 100 * $off;
    }
    diag sprintf 'between %d and %d requests; at worst %.2f%% off', $least, $most, 100 * $worst;
}

done_testing;
