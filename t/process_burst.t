# SPDX-License-Identifier: BSD-2-Clause
#
# All connections of a worker are idle and kept, and ask for something at
# once.  Making room for one never runs the request of another, so that a
# small stack is enough, and nobody whose request has come is closed for it.

use strict;
use warnings;

# Recursion over hundreds of connections is to be noticed.
exec 'sh', '-c', 'ulimit -s 160 && SMALL_STACK=1 exec "$@"', 'sh', $^X,
    (map { "-I$_" } @INC), $0 if !$ENV{SMALL_STACK} && !$ENV{ASAN_OPTIONS};

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $most = 600;

my $t = Weir::Test->new;
$t->expect_log(qr/worker_connections are not enough/);
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
worker_rlimit_nofile 4096;
events { worker_connections $most; }
http {
    %%GLOBALS_HTTP%%
    keepalive_requests 10000;
    server {
        listen 127.0.0.1:%%PORT%% backlog=1024;
        location = /own { return 200 own; }
        location / { proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
    }
}
EOC
$t->get('/own'); # so that the worker is there
my ($worker) = Weir::Test::children($t->pid);

my @idle = map { $t->connect } 1 .. $most - 8;
for my $c (@idle) {
    $c->send_request('GET', '/own');
    $c->read_response;
}
kill 'STOP', $worker; # so that they come in one turn
$_->send_request('GET', '/x') for @idle;
kill 'CONT', $worker;
my $refused = grep { ($_->read_response->status // 0) =~ /^50[02]$/ } @idle;

is((Weir::Test::children($t->pid))[0], $worker, 'the worker lives');
SKIP: {
    skip 'an nginx closes some that have asked', 1 if is_oracle();
    is $refused, scalar @idle, 'all are answered';
}
$_->close for @idle;
ok wait_until(sub { $t->get('/own')->body eq 'own' }), 'and it serves';

done_testing;
