# SPDX-License-Identifier: BSD-2-Clause
#
# Counters over reloads and the deaths of workers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$pid\n"; }
        location = /status { stub_status; }
    }
}
EOC

# What the page says.
sub status {
    my ($text) = $t->get('/status')->body =~ /\A(.*)\z/s;
    my %n;

    @n{qw(active accepts handled requests reading writing waiting)} = $text =~
        /^Active\ connections:\ (\d+)\ \n
          server\ accepts\ handled\ requests\n
          \ (\d+)\ (\d+)\ (\d+)\ \n
          Reading:\ (\d+)\ Writing:\ (\d+)\ Waiting:\ (\d+)\ \n\z/x;
    return \%n;
}

# Ends a worker and waits for another in its place.
sub kill_worker {
    my ($victim) = @_;

    $t->expect_log(qr/worker process $victim exited on signal 9/);
    kill 'KILL', $victim;
    return wait_until(sub { my @now = $t->worker_pids;
                            return @now == 2 && !grep { $_ == $victim } @now });
}

my $n = status();
is $n->{active}, 1, 'the connection that asks';
is $n->{accepts}, $n->{requests}, 'a connection a request';
is $n->{writing}, 1, 'which is being answered';

my $kept = $t->connect;
my ($pid) = $kept->get('/')->body =~ /(\d+)/;
is $kept->get('/')->status, 200, 'two requests on one connection';
my $next = status();
is $next->{accepts}, $n->{accepts} + 2, 'connections are counted';
is $next->{handled}, $next->{accepts}, 'all were handled';
is $next->{requests}, $n->{requests} + 3, 'requests are counted';
ok wait_until(sub { $next = status(); $next->{active} == 2 && $next->{waiting} == 1 }),
    'the kept connection is there, and waits'; # others may take a moment to close

ok kill_worker($pid), 'its worker is killed';
$n = status();
is $n->{requests}, $next->{requests} + 1, 'requests counted by it stay';
is $n->{accepts}, $next->{accepts} + 1, 'and so do connections';
SKIP: {
    skip 'an nginx keeps what is lost', 2 if is_oracle();
    ok wait_until(sub { status()->{active} == 1 }),
        'its open connections are gone';
    is status()->{waiting}, 0, 'none waits';
}

ok $t->reload, 'a reload';
$next = status();
cmp_ok $next->{requests}, '>=', $n->{requests} + 1, 'requests are counted on';
cmp_ok $next->{accepts}, '>=', $n->{accepts} + 1, 'and connections';
is $next->{writing}, 1, 'and what is under way';

done_testing;
