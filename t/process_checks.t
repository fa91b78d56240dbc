# SPDX-License-Identifier: BSD-2-Clause
#
# A worker whose check fails, here for want of memory: it says so and ends, and
# another takes its place; with "debug_points stop" it waits for a debugger.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'the checks of weir' if is_oracle();
plan skip_all => 'memory under a sanitizer' if $ENV{ASAN_OPTIONS};
plan skip_all => 'no prlimit' if system('prlimit --version >/dev/null 2>&1');

sub state_of { return Weir::Test::slurp("/proc/$_[0]/stat") =~ /\) (\S)/ ? $1 : '' }

# limited($bytes): of address space, for this process and what it starts.
sub limited { return system("prlimit --pid $$ --as=$_[0]: 2>/dev/null") == 0 }

# A sanitizer takes more at once than any limit here.
plan skip_all => 'no limit can be set' if !limited(600 << 20);
{
    my ($code) = run_binary('-v');
    limited('unlimited');
    plan skip_all => 'a binary that needs much' if $code;
}

for my $how ('', 'debug_points abort;', 'debug_points stop;') {
    my $t = Weir::Test->new;
    my $name = $how || 'without debug_points';

    limited(600 << 20);
    $t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
$how
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; return 200 "\$pid"; }
    server {
        listen 127.0.0.1:%%PORT_large%%;
        client_header_buffer_size 1024m;
        large_client_header_buffers 4 1024m;
        return 200;
    }
}
EOC
    limited('unlimited');
    my $victim = $t->get('/')->body;
    like $victim, qr/^\d+$/, "$name: it serves";

    $t->expect_log(qr/out of memory|worker process $victim exited/);
    my $c = $t->connect(port => 'large');
    $c->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ok $t->wait_log(qr/\[alert\] $victim#$victim: out of memory: \d+ bytes wanted/),
        "$name: it says why";
    if ($how =~ /stop/) {
        ok wait_until(sub { state_of($victim) eq 'T' }), "$name: it waits";
        kill 'CONT', $victim;
    } else {
        ok wait_until(sub { state_of($victim) =~ /^Z?$/ }), "$name: it ends";
    }
    ok $t->wait_log(qr/worker process $victim exited on signal 6/),
        "$name: by signal 6";
    like $t->get('/')->body, qr/^(?!$victim$)\d+$/,
        "$name: another takes its place";
    $t->stop;
}

done_testing;
