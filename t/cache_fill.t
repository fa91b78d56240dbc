# SPDX-License-Identifier: BSD-2-Clause
#
# A response that is being stored: it goes on without the client that asked for
# it, and whatever that client does; others wait for it or read it as it comes;
# what is not complete is not stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::H2;
use Weir::Test;

my $t = Weir::Test->new;
my $top = $t->dir;
my ($half, $rest) = ('h' x 30000, 'r' x 30000);

# The second half comes when the file go-NAME is there; /.../cut/ ends behind the
# first one, /.../chunked/ has no length.
my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my ($name) = $uri =~ m{/(\w+)$};
    my $n = length "$half$rest";
    my $is_chunked = $uri =~ /chunked/;
    my $framed = sub {
        return $is_chunked ? sprintf("%x\r\n", length $_[0]) . "$_[0]\r\n" : $_[0];
    };

    if ($uri =~ m{/huge/}) {
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n");
        $c->send('x' x 1_000_000) for 1 .. 20;
        return undef;
    }
    $c->send("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nAccept-Ranges: bytes\r\n"
        . ($uri =~ /vary/ ? "Vary: Accept-Language\r\n" : '')
        . ($is_chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                       : "Content-Length: $n\r\n\r\n")
        . $framed->($half));
    if ($uri =~ /drip/) {
        sleep(0.25), $c->send($framed->(substr $rest, 0, 10)) for 1 .. 6;
        $c->send($framed->(substr $rest, 60));
    } else {
        for (1 .. 1000) {
            last if -e "$top/go-$name";
            sleep 0.02;
        }
        if ($uri =~ /cut/) {
            $c->close;
            return undef;
        }
        $c->send($framed->($rest));
    }
    $c->send("0\r\n\r\n") if $is_chunked;
    return undef;
});
my $up = $backend->port;
my $streaming = is_oracle() ? 'on' : 'streaming';
my $h2 = is_oracle() ? '' : 'http2 on;';

$t->mkdir('c');
$t->run(<<"EOC");
worker_processes 2;
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    proxy_cache_path %%TESTDIR%%/c/small levels=1 keys_zone=small:1m max_size=1m;
    proxy_cache_valid 1h;
    proxy_cache_key \$uri;
    proxy_cache one;
    proxy_cache_lock on;
    proxy_cache_lock_timeout 60s;
    proxy_cache_lock_age 60s;
    proxy_http_version 1.1;
    add_header X-Cache \$upstream_cache_status;
    server {
        $h2
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /h2/slow/ { send_timeout 500ms;
            proxy_pass http://127.0.0.1:$up; }
        location /drip/ { proxy_cache_lock_age 800ms;
            proxy_pass http://127.0.0.1:$up; }
        location /stream/ { proxy_cache_lock $streaming;
            proxy_pass http://127.0.0.1:$up; }
        location /small/ { proxy_cache small; proxy_pass http://127.0.0.1:$up; }
        location /small/stream/ { proxy_cache small; proxy_cache_lock $streaming;
            proxy_pass http://127.0.0.1:$up; }
    }
}
EOC

sub asked { my ($uri) = @_; return scalar grep { $_->uri eq $uri } $backend->requests }

# start($uri): asks, and reads the head and the first half of the body.
sub start {
    my ($uri, @fields) = @_;
    my $c = $t->connect;

    $c->send_request('GET', $uri, close => 1, headers => \@fields);
    my $head = $c->read_until(qr/\r\n\r\n/) // '';
    $c->read_until(qr/h{1000}/);
    return wantarray ? ($c, $head) : $c;
}

sub go { $t->write("go-$_[0]", '') }

sub is_stored { return $t->get($_[0])->header('X-Cache') eq 'HIT' }

subtest 'the client leaves' => sub {
    plan tests => 4;
    for my $uri ('/leaves', '/chunked/leaves2') {
        my ($name) = $uri =~ m{(\w+)$};
        start($uri)->abort;
        sleep 0.1;
        go($name);
        wait_until(sub { is_stored($uri) });
        is $t->get($uri)->body, "$half$rest", 'the response is stored';
        is asked($uri), 1, '... by that request';
    }
};

subtest 'a stream is reset' => sub {
    plan skip_all => 'nginx has no HTTP/2 here' if is_oracle();
    plan tests => 6;
    for my $how ('reset', 'closed') {
        my $uri = "/h2/$how";
        my $h2 = Weir::H2->new(port => $t->port);
        my $id = $h2->request('GET', $uri);
        ok $h2->until(sub { length $h2->stream($id)->{body} }), "$how: it comes";
        $how eq 'reset' ? $h2->send(Weir::H2::RST_STREAM, 0, $id, pack 'N', 8)
                        : $h2->close;
        sleep 0.1;
        go($how);
        wait_until(sub { is_stored($uri) });
        is $t->get($uri)->body, "$half$rest", "$how: the response is stored";
        is asked($uri), 1, '... by that request';
    }
};

subtest 'a stream whose client takes nothing' => sub {
    plan skip_all => 'nginx has no HTTP/2 here' if is_oracle();
    plan tests => 5;
    my $h2 = Weir::H2->new(port => $t->port, settings => [4 => 100], closed => 1);
    my $id = $h2->request('GET', '/h2/slow/1');
    ok $h2->until(sub { defined $h2->stream($id)->{reset} }), 'it is reset in time';
    is length $h2->stream($id)->{body}, 100, '... behind what was taken';
    my $other = $h2->request('GET', '/h2/slow/x', headers => [range => 'bytes=0-9']);
    go($_) for 1, 'x';
    wait_until(sub { is_stored('/h2/slow/1') });
    is $t->get('/h2/slow/1')->body, "$half$rest", 'the response is stored';
    is asked('/h2/slow/1'), 1, '... by that request';
    ok $h2->until(sub { length $h2->stream($other)->{body} }), 'the connection goes on';
};

subtest 'the client reads nothing' => sub {
    plan tests => 2;
    my $c = $t->connect;
    $c->send_request('GET', '/huge/1');
    wait_until(sub { asked('/huge/1') });
    my $r = $t->get('/huge/1', timeout => 30);
    is $r->header('X-Cache') . ' ' . length $r->body, 'HIT 20000000',
        'the response is stored';
    is asked('/huge/1'), 1, '... and was asked for once';
    $c->abort;
};

subtest 'larger than the cache' => sub {
    plan skip_all => 'nginx stores it' if is_oracle();
    plan tests => 2;
    my $r = $t->get('/small/huge/1', timeout => 30);
    is length $r->body, 20000000, 'passed on';
    my @files = glob $t->path('c/small/*/*');
    is scalar @files, 0, 'not stored';
};

subtest 'the age of a lock' => sub {
    plan skip_all => 'nginx counts from the beginning' if is_oracle();
    plan tests => 2;
    my $first = start('/drip/1');
    my $second = $t->get('/drip/1');
    is $second->header('X-Cache'), 'HIT', 'the other one waits while bytes come';
    is asked('/drip/1'), 1, '... longer than for the age';
};

subtest 'not complete' => sub {
    plan tests => 3;
    $t->expect_log(qr/prematurely closed connection/);
    for my $uri ('/cut/a', '/chunked/cut/b') {
        my $c = start($uri);
        go(substr $uri, -1);
        $c->read_all;
        isnt $t->get($uri)->header('X-Cache'), 'HIT', "$uri: not stored";
    }
    wait_until(sub { !glob $t->path('proxy_temp/*') });
    pass 'nothing is left';
};

subtest 'streaming' => sub {
    plan skip_all => 'nginx cannot' if is_oracle();
    plan tests => 22;
    for my $uri ('/stream/1', '/stream/chunked/2') {
        my $name = substr $uri, -1;
        my $first = start($uri);
        my @others = map { [start($uri)] } 1 .. 6;
        ok 1, "$uri: the others get the first half before the second is there";
        like $others[0][1], qr/X-Cache: HIT/, '... as a hit';
        my ($c, $head) = start($uri, 'Range' => 'bytes=10-19');
        like $head, qr/^HTTP\/1.1 206 /, '... or a part of it' if $name == 1;
        my $head_only = $t->connect;
        $head_only->send_request('HEAD', $uri);
        like $head_only->read_until(qr/\r\n\r\n/), qr/^HTTP\/1.1 200 /, 'HEAD';
        is $t->get($uri, headers => ['If-None-Match' => '"e"'])->status, 304,
            'a condition';
        go($name);
        my %length = map {
            my $all = $_->[0]->read_all // '';
            ($all =~ tr/r//) . ' ' => 1
        } @others;
        is join(',', keys %length), '30000 ', '... and the rest with it'
            if $name == 1;
        $first->read_all;
        is asked($uri), 1, 'one has asked';
        is $t->get($uri)->body, "$half$rest", 'it is stored';
        is $t->get($uri)->header('X-Cache'), 'HIT', '... as any other';
    }
    $t->expect_log(qr/prematurely closed connection/);
    for my $uri ('/stream/cut/c', '/stream/chunked/cut/d') {
        my $first = start($uri);
        my $other = start($uri);
        go(substr $uri, -1);
        my $all = $other->read_all;
        unlike $all, qr/r|0\r\n\r\n$/, "$uri: breaks off where the first does";
        isnt $t->get($uri)->header('X-Cache'), 'HIT', '... and is not stored';
    }
    my $first = start('/stream/vary/e', 'Accept-Language' => 'de');
    my $same = start('/stream/vary/e', 'Accept-Language' => 'de');
    my $other = $t->connect;
    $other->send_request('GET', '/stream/vary/e',
                         headers => ['Accept-Language' => 'en']);
    ok $other->quiet(0.3), 'another variant is not sent';
    go('e');
    like $other->read_until(qr/\r\n\r\n/), qr/X-Cache: MISS/, '... but asked for';
};

subtest 'a process dies' => sub {
    plan skip_all => 'nginx cannot' if is_oracle();
    plan tests => 3;
    $t->expect_log(qr/exited on signal 9/);
    my $first = start('/stream/dies');
    my @others = map { scalar start('/stream/dies') } 1 .. 4;
    kill 'KILL', ($t->worker_pids)[0];
    go('dies');
    my @all = map { $_->read_all } $first, @others;
    is scalar(grep { tr/r// > 0 && tr/r// < 30000 } @all), 0,
        'the others get all, or break off';
    wait_until(sub { my $r = eval { $t->get('/stream/dies') };
        $r && $r->body eq "$half$rest" });
    pass 'it is answered afterwards';
    is $t->get('/stream/dies')->header('X-Cache'), 'HIT', '... and stored';
};

done_testing;
