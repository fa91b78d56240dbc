# SPDX-License-Identifier: BSD-2-Clause
#
# Several requests for the same: proxy_cache_lock, what is stale and being
# updated, in front and behind, and revalidation.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep time);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my ($wait) = $uri =~ /wait=([\d.]+)/;
    my $age = $uri =~ /old/ ? 'max-age=1' : 'max-age=100';

    sleep $wait if $wait;
    return undef if $uri =~ /never/ && !sleep 60;
    if (($request->header('If-None-Match') // '') eq '"same"') {
        my $new = $uri =~ /without/ ? '' : "Cache-Control: max-age=100\r\n";
        return "HTTP/1.1 304 Not Modified\r\nX-New: yes\r\n$new\r\n";
    }
    $age = 'no-store' if $uri =~ /private/;
    my $etag = $uri =~ /same/ ? 'same' : time;
    my $body = "by $$";
    return "HTTP/1.1 200 OK\r\nCache-Control: $age\r\nETag: \"$etag\"\r\n"
        . "Connection: close\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->mkdir('c');
$t->run(<<"EOC");
worker_processes 2;
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_cache one;
        proxy_cache_key \$uri;
        proxy_cache_lock on;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /brief { proxy_cache_lock_timeout 300ms;
            proxy_pass http://127.0.0.1:$up; }
        location /age { proxy_cache_lock_age 300ms;
            proxy_pass http://127.0.0.1:$up; }
        location /none { proxy_cache_lock off; proxy_pass http://127.0.0.1:$up; }
        location /old { proxy_cache_use_stale updating;
            proxy_pass http://127.0.0.1:$up; }
        location /old/behind { proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            proxy_pass http://127.0.0.1:$up; }
        location /old/same { proxy_cache_revalidate on;
            add_header X-Cache \$upstream_cache_status;
            add_header X-Tag [\$upstream_cache_etag];
            proxy_pass http://127.0.0.1:$up; }
        location /old/strict { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC

# at_once($n, $uri): the responses to $n requests on as many connections.
sub at_once {
    my ($n, $uri) = @_;
    my @c = map { $t->connect } 1 .. $n;

    $_->send_request('GET', $uri) for @c;
    return map { $_->read_response } @c;
}

sub asked { my ($uri) = @_; return scalar grep { $_->uri eq $uri } $backend->requests }
sub kinds { return join ' ', sort map { $_->header('X-Cache') // '-' } @_ }
sub bodies { my %seen = map { $_->body => 1 } @_; return scalar keys %seen }


subtest 'a lock' => sub {
    my @r = at_once(8, '/a?wait=0.3');
    is asked('/a?wait=0.3'), 1, 'one asks';
    is kinds(@r), 'HIT HIT HIT HIT HIT HIT HIT MISS', 'the others wait';
    is bodies(@r), 1, '... for the same';

    @r = at_once(4, '/none?wait=0.2');
    is asked('/none?wait=0.2'), 4, 'without one all ask';

    my $start = time;
    @r = at_once(3, '/brief?wait=1');
    is kinds(@r), 'MISS MISS MISS', 'after the timeout they ask';
    is asked('/brief?wait=1'), 3, '... each';

    @r = at_once(2, '/age?wait=0.8');
    is asked('/age?wait=0.8'), 2, 'after the age of the lock, too';

    @r = at_once(3, '/private?wait=0.1');
    is asked('/private?wait=0.1'), 3, 'what is not stored is asked for by all';
    is kinds(@r), 'MISS MISS MISS', '... one after another';
};

subtest 'one leaves' => sub {
    plan skip_all => 'nginx goes on asking' if is_oracle();
    my $first = $t->connect;
    $first->send_request('GET', '/never');
    wait_until(sub { asked('/never') });
    $first->abort;
    my $second = $t->connect;
    $second->send_request('GET', '/never');
    wait_until(sub { asked('/never') >= 1 });
    $second->abort;
    pass 'waiting ends with the client';
};

subtest 'stale' => sub {
    $t->get($_) for '/old', '/old/strict', '/old/behind', '/old/same',
        '/old/same/without', '/old/same/damaged';
    sleep 2.1;
    my $c = $t->connect;
    $c->send_request('GET', '/old?wait=0.4');
    wait_until(sub { asked('/old?wait=0.4') });
    is $t->get('/old')->header('X-Cache'), 'UPDATING', 'while it is updated';
    is $c->read_response->header('X-Cache'), 'EXPIRED', 'by the first';
    wait_until(sub { $t->get('/old')->header('X-Cache') eq 'HIT' });
    is $t->get('/old')->header('X-Cache'), 'HIT', 'then it is fresh';

    $c = $t->connect;
    $c->send_request('GET', '/old/strict?wait=0.3');
    wait_until(sub { asked('/old/strict?wait=0.3') });
    is $t->get('/old/strict')->header('X-Cache'), 'EXPIRED',
        'where that is not allowed, others ask';
    $c->read_response;

    my $before = $t->get('/old/behind?wait=0.2');
    is $before->header('X-Cache'), 'STALE', 'updated behind';
    wait_until(sub { asked('/old/behind?wait=0.2') });
    wait_until(sub { $t->get('/old/behind')->header('X-Cache') eq 'HIT' });
    isnt $t->get('/old/behind')->body, $before->body, '... it is new';

    my $r = $t->get('/old/same');
    is $r->header('X-Cache'), 'REVALIDATED', 'the same as before';
    is $r->header('X-New'), undef, '... with its fields';
    my ($asked) = grep { $_->uri eq '/old/same' && $_->header('If-None-Match') }
        $backend->requests;
    is $asked->header('If-None-Match'), '"same"', '... asked for by its tag';
    is $t->get('/old/same')->header('X-Cache'), 'HIT', '... and fresh again';
    is $t->get('/old/same/without')->header('X-Cache'), 'REVALIDATED',
        'by a response without times';
    SKIP: {
        skip 'nginx sends what is left of it', 3 if is_oracle();
        $t->expect_log(qr/contains invalid header/);
        my ($file) = glob $t->path('c/one/*/*/' . md5_hex('/old/same/damaged'));
        truncate $file, (-s $file) - 1;
        my $whole = $t->get('/old/same/damaged');
        is $whole->header('X-Cache'), 'EXPIRED', 'what is damaged is replaced';
        like $whole->body, qr/^by \d+$/, '... by what the peer sends';
        my @asked = map { $_->header('If-None-Match') // '-' }
            grep { $_->uri eq '/old/same/damaged' } $backend->requests;
        is "@asked", '- "same" -', '... when it is asked again';
    }
    sleep 2.1;
    is $t->get('/old/same')->header('X-Cache'), 'HIT',
        'for the time that the new response says';
    is $t->get('/old/same/without')->header('X-Cache'), 'REVALIDATED',
        '... or that what is stored says';
};

subtest 'a process that dies' => sub {
    plan skip_all => 'nginx waits for the age of the lock' if is_oracle();
    $t->expect_log(qr/exited on signal 9/);
    my $c = $t->connect;
    $c->send_request('GET', '/dies?wait=1');
    wait_until(sub { asked('/dies?wait=1') });
    my @workers = $t->worker_pids;
    kill 'KILL', @workers;
    wait_until(sub {
        my @now = $t->worker_pids;
        @now == @workers && !grep { my $p = $_; grep { $_ == $p } @workers } @now;
    });
    my $start = time;
    my ($r) = at_once(1, '/dies');
    is $r->header('X-Cache'), 'MISS', 'its lock goes with it';
    cmp_ok time - $start, '<', 4, '... at once';
    is $t->get('/dies')->header('X-Cache'), 'HIT', 'and it works on';
};

done_testing;
