# SPDX-License-Identifier: BSD-2-Clause
#
# Connections to upstreams that are used again, and those that must not be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($kind) = $request->uri =~ m{(\w+)$};
    my $n = "N" . $request->{conn};
    my $ok = "HTTP/1.1 200 OK\r\n";
    my $length = "Content-Length: " . length($n) . "\r\n";

    return "${ok}$length\r\n" if $request->method eq 'HEAD';
    return "$ok$length\r\n$n" if $kind eq 'length';
    return "${ok}Transfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n", length $n) . "$n\r\n0\r\n\r\n"
        if $kind eq 'chunked';
    return "${ok}Connection: close\r\n$length\r\n$n" if $kind eq 'close';
    return "HTTP/1.0 200 OK\r\n$length\r\n$n" if $kind eq 'old';
    return "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n$length\r\n$n"
        if $kind eq 'oldkept';
    return "HTTP/1.1 204 No\r\nX-N: $n\r\n\r\n" if $kind eq 'none';
    return "HTTP/1.1 304 No\r\nX-N: $n\r\n\r\n" if $kind eq 'same';
    return "$ok$length\r\n${n}more" if $kind eq 'more';
    if ($kind eq 'bye') { # as if it were kept
        $c->send("$ok$length\r\n$n");
        $c->close;
    }
    if ($kind eq 'late') { # kept for a moment only
        $c->send("$ok$length\r\n$n");
        sleep 0.3;
        $c->close;
    }
    if ($kind eq 'drop') { # the second request finds a closed door
        return "$ok$length\r\n$n" if !$c->{dropping}++;
        $c->close;
    }
    return undef;
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    upstream kept { server 127.0.0.1:$up; keepalive 4; }
    upstream few { server 127.0.0.1:$up; keepalive 4; keepalive_requests 2; }
    upstream brief { server 127.0.0.1:$up; keepalive 4;
                     keepalive_timeout 300ms; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {
        listen 127.0.0.1:%%PORT%%;
        location /kept { proxy_pass http://kept; }
        location /few { proxy_pass http://few; }
        location /brief { proxy_pass http://brief; }
        location /body { proxy_pass http://kept;
                         proxy_request_buffering off; }
        location /vars { proxy_pass http://kept;
            add_header X-Times "\$upstream_connect_time \$upstream_addr"; }
    }
}
EOC

# fresh($uri): what a connection that nobody has used says.
sub number { return $t->get($_[0])->body }

sub used_again {
    my ($uri, $name) = @_;
    my $before = $backend->connections;

    $t->get($uri);
    $t->get($uri);
    my $more = $backend->connections - $before;
    return $more < 2;
}

ok used_again("/kept/$_"), "$_: used again"
    for 'length', 'chunked', 'none', 'same', 'oldkept';
for my $kind ('close', 'old', 'more') {
    $backend->forget;
    $t->get("/kept/$kind") for 1 .. 3;
    cmp_ok $backend->connections, '>=', 2, "$kind: not used again";
}
ok used_again('/kept/length'), 'still works';
$t->head('/kept/length');
is $t->get('/kept/length')->status, 200, 'after HEAD';

# ---- limits ----

$backend->forget;
my @numbers = map { number('/few/length') } 1 .. 6;
is $numbers[0], $numbers[1], 'the second request: the same connection';
isnt $numbers[1], $numbers[2], 'the third: another';
is scalar(keys %{ { map { $_ => 1 } @numbers } }), 3, 'keepalive_requests';
my $n = number('/brief/length');
is number('/brief/length'), $n, 'soon: the same';
sleep 0.7;
isnt number('/brief/length'), $n, 'keepalive_timeout: another';

# ---- the other side closes ----

for (1 .. 5) {
    is $t->get('/kept/bye')->status, 200, 'closed behind the answer';
}
is $t->get('/kept/late')->status, 200, 'closed while idle';
sleep 0.5;
is $t->get('/kept/length')->status, 200, 'is noticed';
my @statuses = map { $t->get('/kept/drop')->status } 1 .. 6;
is "@statuses", '200 200 200 200 200 200',
    'closed upon the request: asked again';

# ---- bodies ----

$backend->forget;
is $t->post('/kept/length', 'x' x 1000)->status, 200, 'POST' for 1 .. 3;
cmp_ok $backend->connections, '<=', 1, 'POST: used again';
is $t->post('/body/length', 'x' x 1000)->status, 200, 'streamed' for 1 .. 3;
cmp_ok $backend->connections, '<=', 1, 'streamed: used again';
my @all = $backend->requests;
is scalar(grep { length $_->body == 1000 } @all), 6, 'all bodies came';

like $t->get('/vars/length')->header('X-Times'),
    qr/^0\.\d{3} 127\.0\.0\.1:$up$/, 'variables';

# ---- bodies that must not come: behind HEAD, 204 and 304 ----

my $flag = 0;
my $promised = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($kind) = $request->uri =~ m{(\w+)$};
    my $ok = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";

    return "${ok}honest" if $kind eq 'plain' && !$c->{owed};
    # Behind the next request, and before its response.
    return delete($c->{owed}) . "${ok}honest" if $kind eq 'plain';
    if ($kind eq 'owed') {
        $c->{owed} = "stray\n" x 10;
        return $request->method eq 'HEAD' ? $ok : $ok =~ s/200 OK/204 No/r;
    }
    # When the next request is there, but not read.
    $c->send($kind eq 'none' ? $ok =~ s/200 OK/204 No/r : $kind eq 'same' ? $ok =~ s/200 OK/304 No/r : $ok);
    wait_until(sub { -e $request->header('X-Flag') });
    return 'strays';
});
my $two = Weir::Test->new;
$two->run(<<"EOC");
%%HTTP%%
    upstream u { server 127.0.0.1:@{[ $promised->port ]}; keepalive 4; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://u; } }
}
EOC

sub asked { my ($c, @request) = @_; $c->send_request(@request); return $c->read_response }

sub text { return $_[0]->status . ' ' . $_[0]->body }

SKIP: {
    skip 'nginx takes what comes for the next response', 13 if is_oracle();
    wait_until(sub { scalar $two->worker_pids });
    my ($worker) = $two->worker_pids;
    for my $case (['HEAD', '/late'], ['GET', '/none'], ['GET', '/same']) {
        my $name = "@$case";
        my $file = $two->path('flag' . $flag++);
        my ($first, $second) = map { $two->connect } 1, 2;
        is asked($second, 'GET', '/plain')->body, 'honest', "$name: another client";
        asked($first, @$case, headers => ['X-Flag' => $file]);
        kill 'STOP', $worker;
        $second->send_request('GET', '/plain');
        sleep 0.1;
        $two->write('flag' . ($flag - 1), '');
        sleep 0.2;
        kill 'CONT', $worker;
        is text($second->read_response), '200 honest', "$name: a body that comes meanwhile";
    }
    unlike $two->read('error.log'), qr/no valid HTTP/, 'it was seen before the next request was sent';
    for my $case (['HEAD', '/owed'], ['GET', '/owed']) {
        my $c = $two->connect;
        asked($c, @$case);
        is text(asked($c, 'GET', '/plain')), '200 honest', "@$case: a body that comes later";
        asked($c, @$case);
        is asked($c, 'POST', '/plain', body => 'x')->status, 502, '... a request that is not sent again';
    }
    like $two->read('error.log'), qr/upstream sent no valid HTTP\/1.0 header/, '... is logged';
    is asked($two->connect, 'GET', '/plain')->body, 'honest', 'still works';
}

# ---- more than may be kept go, also while others come back from HEAD ----

{
    my $flag = $two->path('all');
    my $many = Weir::Backend->http(sub {
        my ($request) = @_;

        wait_until(sub { -e $flag }) if $request->uri eq '/slow';
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-N: N$request->{conn}\r\n\r\n"
            . ($request->method eq 'HEAD' ? '' : 'x');
    });
    my $three = Weir::Test->new;
    $three->run(<<"EOC");
%%HTTP%%
    upstream u { server 127.0.0.1:@{[ $many->port ]}; keepalive 2; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server { listen 127.0.0.1:%%PORT%%; location / { proxy_pass http://u; } }
}
EOC
    my @clients = map { $three->connect } 1 .. 8;
    $_->send_request('GET', '/slow') for @clients;
    wait_until(sub { $many->requests == 8 });
    $two->write('all', '');
    $_->read_response for @clients;
    my (%used, $asked);
    for my $until (map { time + $_ } 0.5, 1) { # what the second half uses counts
        ($asked, %used) = (0);
        while (time < $until) {
            $used{ asked($clients[0], 'HEAD', '/')->header('X-N') }++;
            $asked++;
            sleep 0.02;
        }
    }
    cmp_ok $asked, '>', 8, 'one after the other';
    cmp_ok scalar keys %used, '<=', 2, 'connections that are too many go, whatever else is used';
}

done_testing;
