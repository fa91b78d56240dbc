# SPDX-License-Identifier: BSD-2-Clause
#
# Idle connections of HTTP/2: what they have used goes back to the system, and they
# go on as before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::Processes qw(children);
use Weir::Test;

plan skip_all => 'memory of weir' if is_oracle();
need_module('http_v2');

my $t = Weir::Test->new;
$t->run(<<'EOC');
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    access_log off;
    http2 on;
    keepalive_timeout 60s;
    server {
        listen 127.0.0.1:%%PORT%%;
        http2_max_concurrent_streams 300;
        location / { add_header X-A "$arg_a"; return 200 "$request_uri"; }
    }
    server {
        listen 127.0.0.1:%%PORT_short%%;
        keepalive_timeout 1300ms;
        location / { return 200; }
    }
    server {
        listen 127.0.0.1:%%PORT_many%%;
        http2_max_concurrent_streams 4000;
        location / { return 200; }
    }
}
EOC

# Private memory of the worker, in kB, but for what it has of files: that is private
# only while no other process has it.
sub memory {
    my $worker = (children($t->pid))[0] // $t->pid; # behind a response: it is there
    return $t->read("/proc/$worker/smaps_rollup") =~ /^Private_Dirty:\s+(\d+)/m ? $1 : 0;
}

use constant MANY => 200;
my @all = map { Weir::H2->new(port => $t->port) } 1 .. MANY;
# None goes to sleep before the others are there, as each has a request that has not
# ended.
my @ids = map { $_->fields([$_->head('POST', '/?a=first')], open => 1) } @all;
is scalar(grep { $all[$_]->wait($ids[$_]); $all[$_]->stream($ids[$_])->{status} == 200 } 0 .. $#all),
    MANY, 'many connections';
$all[$_]->raw(frame(0, 1, $ids[$_])) for 0 .. $#all;
$all[-1]->ping;
my $awake = memory();

# 8 kB of each; as much as is certain where a few have gone to sleep already.
SKIP: {
    skip 'a sanitizer keeps it', 1 if !lives_on();
    ok wait_until(sub { memory() < $awake - MANY * 4 }), 'idle ones give memory back';
}

my $good = 0;
for my $c (@all) {
    my @ids = map { $c->request('GET', "/$_?a=second") } 1 .. 3;
    $c->wait(@ids);
    $good += grep { my $s = $c->stream($ids[$_ - 1]); $s->{body} eq "/$_?a=second"
        && $c->value($s, 'x-a') eq 'second' } 1 .. 3;
}
is $good, 3 * MANY, 'all of them go on';

# More streams at once than the table had room for, before and behind a rest.
my $c = $all[0];
for my $round (1 .. 2) {
    my @ids = map { $c->fields([$c->head('POST', "/$_")], open => 1) } 1 .. 250;
    $c->raw(join '', map { frame(0, 1, $_) } @ids);
    $c->wait(@ids);
    is scalar(grep { ($c->stream($_)->{status} // 0) == 200 } @ids), 250, "250 streams at once, $round";
    $c->until(sub { $c->eof }, 1.2) if $round == 1;
}
ok !$c->eof, 'and it is still open';
$_->close for @all;

# A burst of streams on one connection, which stays open.
SKIP: {
    skip 'a sanitizer keeps it', 2 if !lives_on();
    $c = Weir::H2->new(port => $t->port('many'));
    $c->get('/');
    my $before = memory();
    my @ids = map { $c->request('POST', '/', open => 1) } 1 .. 4000;
    $c->until(sub { !grep { !$c->stream($_)->{status} } @ids });
    my $peak = memory();
    cmp_ok $peak, '>', $before + 12000, 'streams take memory';
    $c->raw(join '', map { frame(0, 1, $_) } @ids);
    $c->ping;
    ok wait_until(sub { memory() < ($before + $peak) / 2 }), '... and give it back';
    $c->get('/');
    $c->close;
}

$c = Weir::H2->new(port => $t->port('short'));
$c->get('/');
ok $c->until_closed, 'keepalive_timeout ends it';
is $c->goaway, 0, 'with GOAWAY';
$c->close;

done_testing;
