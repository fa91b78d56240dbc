# SPDX-License-Identifier: BSD-2-Clause
#
# queue with a zone is one queue of all workers: in the order in which requests
# came, as long as it may be, whoever gives a server back; and nothing of a worker
# that is killed or stuck holds up the others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson' if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;

# /hold/NAME is answered when the file NAME exists.
my $b = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($name) = $request->uri =~ m{^/hold/(\w+)};

    wait_until(sub { -e $t->path("go-$name") }) if defined $name;
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
});
my $port = $b->port;

sub conf {
    my ($word) = @_;

    return <<"EOC";
%%GLOBALS%%
worker_processes 4;
events {}
http {
    %%GLOBALS_HTTP%%
    access_log off;
    keepalive_timeout 600s;
    keepalive_requests 100000;
    proxy_read_timeout 60s;
    upstream one { zone one 128k; server 127.0.0.1:$port max_conns=1; queue 20; }
    server {
        listen 127.0.0.1:%%PORT%% reuseport;
        location /word { return 200 $word; }
        location /pid { return 200 \$pid; }
        location /one/ { proxy_pass http://one/; }
        location /api/ { api; }
    }
}
EOC
}

$t->run(conf('w0'));
$t->expect_log(qr/upstream queue is full|exited on signal 9|prematurely closed/);

# Connections to all workers, by pid.
my %to;

sub connect_all {
    %to = ();
    for (1 .. 400) {
        my $c = $t->connect(timeout => 30);

        $c->send_request('GET', '/pid');
        push @{ $to{ $c->read_response->body } }, $c;
        last if keys %to == 4 && !grep { @$_ < 8 } values %to;
    }
    return scalar keys %to;
}

# The next connection to that worker, on which the request waits now.
sub begin {
    my ($worker, $uri) = @_;
    my $c = shift @{ $to{$worker} };

    $c->send_request('GET', $uri);
    return $c;
}

sub queue { return decode_json($t->get('/api/9/http/upstreams/one')->body)->{queue} }

sub size_is {
    my ($n) = @_;

    return wait_until(sub { queue()->{size} == $n });
}

sub hold {
    my ($worker, $name) = @_;
    my $c = begin($worker, "/one/hold/$name");

    wait_until(sub { grep { $_->uri eq "/hold/$name" } $b->requests }) or die "not held\n";
    return $c;
}

sub go { $t->write("go-$_[0]", '') }

sub came { my ($re) = @_; return join ' ', grep { $_ =~ $re } map { $_->uri } $b->requests }

is connect_all(), 4, 'there are four workers';
my @workers = sort keys %to;

# in order, and no more than there may be
my $held = hold($workers[0], 'a');
my @waiting;
for my $i (0 .. 19) {
    push @waiting, begin($workers[$i * 7 % 4], sprintf '/one/a%02d', $i);
    size_is($i + 1) or die "it does not wait\n";
}
is queue()->{size}, 20, 'twenty wait, in four workers';
my $before = queue()->{overflows};
for my $w (@workers) {
    my $c = begin($w, '/one/a_too_many');

    is $c->read_response->status, 502, 'one more is refused, in each worker';
    push @{ $to{$w} }, $c;
}
is queue()->{overflows} - $before, 4, 'which is counted';
go('a');
is scalar(grep { $_->read_response->status == 200 } $held, @waiting), 21, 'all are served';
is came(qr{^/a\d}), join(' ', map { sprintf '/a%02d', $_ } 0 .. 19), 'in the order in which they came';
ok size_is(0), 'nobody waits';

# A worker is killed.
ok connect_all() == 4, 'four workers';
$held = hold($workers[0], 'b');
my $lost = begin($workers[1], '/one/b_lost');
ok size_is(1), 'one waits in another worker';
my $next = begin($workers[2], '/one/b_next');
ok size_is(2), 'and one behind it';
kill 'KILL', $workers[1];
ok size_is(1), 'what a killed worker had in the queue goes with it';
go('b');
is $_->read_response->status, 200, 'the others are served' for $held, $next;
is came(qr{^/b_}), '/b_next', 'none but those';

# A worker is stuck.
connect_all();
@workers = sort keys %to;
is scalar @workers, 4, 'there are four workers again';
$held = hold($workers[0], 'c');
my $late = begin($workers[1], '/one/c_late');
ok size_is(1), 'one waits';
$next = begin($workers[2], '/one/c_next');
ok size_is(2), 'and another one';
kill 'STOP', $workers[1];
go('c');
is $_->read_response->status, 200, 'those of a stuck worker are passed over' for $held, $next;
kill 'CONT', $workers[1];
is $late->read_response->status, 200, 'and served when it goes on';

# The one who holds the only connection is killed: the next one gets it.
connect_all();
@workers = sort keys %to;
$held = hold($workers[0], 'd');
$next = begin($workers[1], '/one/d_next');
ok size_is(1), 'one waits';
kill 'KILL', $workers[0];
is $next->read_response->status, 200, 'what a killed worker had in use is free again';
go('d');

# A reload in the middle.
connect_all();
@workers = sort keys %to;
$held = hold($workers[0], 'e');
@waiting = ();
for my $i (0 .. 19) {
    ok $t->reload(conf('w1')), 'a reload' if $i == 12;
    my $c = $i < 12 ? begin($workers[$i % 4], sprintf '/one/e%02d', $i) : $t->connect(timeout => 30);

    $c->send_request('GET', sprintf '/one/e%02d', $i) if $i >= 12;
    push @waiting, $c;
    size_is($i + 1) or die "it does not wait\n";
}
go('e');
is scalar(grep { $_->read_response->status == 200 } $held, @waiting), 21, 'two generations wait in one queue';
is came(qr{^/e\d}), join(' ', map { sprintf '/e%02d', $_ } 0 .. 19), 'in the order in which they came';
ok size_is(0), 'nobody waits';

done_testing;
