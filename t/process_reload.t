# SPDX-License-Identifier: BSD-2-Clause
#
# Ten reloads under load: no request fails, and a connection that streams
# through all of them is not cut.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Load;
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/big', join '', map { sprintf "%09d\n", $_ } 1 .. 30_000);
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    access_log off;
    keepalive_requests 20;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$pid\n"; }
        location = /big { limit_rate 30k; }
    }
    server {
        listen 127.0.0.1:%%PORT_many%% reuseport;
        location / { return 200 "$pid\n"; }
    }
}
EOC

my $stream = $t->connect(timeout => 30);
$stream->send_request('GET', '/big');
wait_until(sub { $t->worker_pids == 2 });
my %first = map { $_ => 1 } $t->worker_pids;

my @loads = map { Weir::Load->start(Weir::Load::asking($t, @$_)) }
    [], [keep => 1], [port => 'many', keep => 1];
my $good = 0;
for (1 .. 10) {
    sleep 0.1;
    $good++ if $t->reload;
}
is $good, 10, 'ten reloads';
sleep 0.2;
for my $load (@loads) {
    my ($made, $failed, $why) = $load->stop;
    cmp_ok $made, '>', 50, 'requests were made';
    is $failed, 0, 'none failed' or diag $why;
}

my $r = $stream->read_response(timeout => 30);
is length $r->body, 300_000, 'a response that began before all of them is whole';
is scalar(grep { $first{$_} } $t->worker_pids), lives_on() ? 2 : 0,
    'in the same workers, or beside new ones';

done_testing;
