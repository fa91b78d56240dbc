# SPDX-License-Identifier: BSD-2-Clause
#
# Running out of connections and of descriptors: idle connections go first,
# what nobody can take is refused, and without descriptors accepting waits; all
# recover, without burning the processor.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(time sleep);
use Weir::Test;

# Seconds of processor time that a process has taken.
sub cpu_time {
    my @f = split ' ', Weir::Test::slurp("/proc/$_[0]/stat") =~ s/^.*\) //sr;

    return ($f[11] + $f[12]) / 100;
}

my $common = <<'EOC';
%%GLOBALS%%
%%EXTRA%%
events { worker_connections %%LIMIT%%; }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$pid\n"; }
        location = /big { limit_rate 10k; }
        location /loop { proxy_pass http://127.0.0.1:%%PORT%%; }
    }
}
EOC

sub server {
    my ($limit, $extra) = @_;
    my $t = Weir::Test->new;
    (my $conf = $common) =~ s/%%LIMIT%%/$limit/;

    $conf =~ s/%%EXTRA%%/$extra/;
    $t->write('html/big', 'x' x 30_000);
    $t->run($conf);
    $t->expect_log(qr{worker_connections are not enough|Too many open files});
    return $t;
}

# kept-alive connections make room
my $t = server(20, '');
my @idle = map { my $c = $t->connect; $c->get('/'); $c } 1 .. 16;
my @more = map { $t->connect } 1 .. 8;
my $good = grep { $_->get('/')->status == 200 } @more;
is $good, 8, 'newcomers are served when idle connections fill the worker';
ok $t->wait_log(qr/\[warn\] \d+#\d+: 20 worker_connections are not enough, reusing connections$/),
    'log: some had to go';
my $gone = grep { $_->closed(0.05) } @idle;
cmp_ok $gone, '>', 0, 'idle ones were closed';
ok $idle[0]->closed(0.05), 'the oldest among them';

# busy ones do not
my $u = server(20, '');
my @busy = map { my $c = $u->connect; $c->send_request('GET', '/big'); $c } 1 .. 16;
sleep 0.3;
my @late = map { my $c = $u->connect; $c->send_request('GET', '/big'); $c } 1 .. 10;
my ($worker) = $u->worker_pids;
my $before = cpu_time($worker);
sleep 1;
cmp_ok cpu_time($worker) - $before, '<', 0.3, 'a full worker does not spin';
my %late = (served => 0, refused => 0, waiting => 0);
for my $c (@late) {
    my $status = $c->read_response(timeout => 0.1)->status // '';

    $late{ $status eq 200 ? 'served' : $c->closed(0.1) ? 'refused'
           : 'waiting' }++;
}
is $late{waiting}, 0, 'nobody is left waiting';
cmp_ok $late{refused}, '>', 0, 'whom there is no room for is refused';
is scalar(grep { length $_->read_response->body == 30_000 } @busy), 16,
    'the busy connections are served to their end';
ok wait_until(sub { $u->get('/')->status == 200 }), 'and new ones after that';

# a location that asks itself again and again takes all that there is
my $w = server(40, '');
my $asked = $w->connect;
$asked->send_request('GET', '/loop');
sleep 0.5;
is $w->get('/')->status, 200, 'behind a loop of requests, others are served';
like $asked->read_response->status, qr/^50[02]$/, 'the loop ends in an error';

# descriptors
my $v = server(100, 'worker_rlimit_nofile 26;');
my @silent = map { $v->connect } 1 .. 30;
sleep 0.3;
($worker) = $v->worker_pids;
$before = cpu_time($worker);
sleep 1;
cmp_ok cpu_time($worker) - $before, '<', 0.3, 'out of descriptors: no spinning';
ok $v->wait_log(qr/\[crit\] \d+#\d+: accept4\(\) failed \(24: Too many open files\)$/),
    'log: out of descriptors';
$_->close for @silent;
ok wait_until(sub { $v->get('/')->status == 200 }), 'it recovers';

done_testing;
