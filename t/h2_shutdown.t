# SPDX-License-Identifier: BSD-2-Clause
#
# A worker ends while streams are open: each client hears at once that it should
# go elsewhere, and what is under way is finished; until worker_shutdown_timeout.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::Test;

need_module('http_v2');

my $on = is_oracle() ? '' : 'http2 on;';
my $h2 = is_oracle() ? ' http2' : '';

# started(settings): a server, whose upstream answers /NAME when go() was called.
sub started {
    my ($settings) = @_;
    my $t = Weir::Test->new;
    my $flag = $t->path('go');
    my $backend = Weir::Backend->http(sub {
        for (1 .. 600) {
            last if -e $flag;
            select undef, undef, undef, 0.05;
        }
        return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone";
    });

    $t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
$settings
events {}
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%$h2;
        $on
        location / { proxy_pass http://127.0.0.1:${\ $backend->port}; }
        location /fine { return 200 fine; }
    }
}
EOC
    return ($t, $backend);
}

my ($t, $backend) = started('');
my @c = map { Weir::H2->new(port => $t->port) } 1 .. 3;
my @ids = map { $_->get('/fine'); $_->request('GET', '/') } @c;
$_->ping for @c;
$t->signal('QUIT');
for my $c (@c) {
    ok $c->until(sub { defined $c->goaway }), 'a client with a stream hears of it';
    is $c->goaway, 0, 'NO_ERROR';
    ok !$c->stream($ids[0])->{done}, 'before the stream has ended';
    $c->until(sub { $c->{last} == $ids[0] });
    is $c->{last}, $ids[0], 'and which one is the last';
}
$t->write('go', '');
for my $c (@c) {
    is $c->wait($ids[0])->{body}, 'done', 'a stream is finished';
    ok $c->until_closed, 'then the connection ends';
}
is $t->wait_exit(Weir::Test::slow(10)), 0, 'and the server does' if !is_oracle();
$t->forget_server if is_oracle();

if (!is_oracle()) {
    ($t, $backend) = started('worker_shutdown_timeout 500ms;');
    my $c = Weir::H2->new(port => $t->port);
    my @open = ($c->request('GET', '/'), $c->request('POST', '/', body => 'a',
        open => 1));
    $c->ping;
    $t->signal('QUIT');
    ok $c->until_closed, 'worker_shutdown_timeout: it ends anyway';
    is $c->goaway, 0, 'the client had heard of it';
    ok !$c->stream($_)->{status}, 'no response is made up' for @open;
    is $t->wait_exit(Weir::Test::slow(10)), 0, 'the server ends';
}
done_testing;
