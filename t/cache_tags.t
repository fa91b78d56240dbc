# SPDX-License-Identifier: BSD-2-Clause
#
# Purging as the commercial edition of nginx does (strings that are conditions,
# keys that end with *), by tags, and softly; what survives a restart, and what
# becomes of responses that were being fetched meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep time);
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();

my $go = Weir::Test->new;    # a folder for what both sides look at
my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my ($tags) = $uri =~ /tags=([^&]*)/;
    my $head = defined $tags ? 'Cache-Tag: ' . ($tags =~ tr/+/ /r) . "\r\n" : '';
    my $body = "$uri " . time;

    if ($uri =~ /join/ && !-f $go->path('joined')) {
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nold ");
        $go->write('joined', '1');
        wait_until(sub { -f $go->path('go') });
        $c->send('body');
        return '';
    }
    if ($uri =~ /slow/) {
        $go->write('came', '1');
        wait_until(sub { -f $go->path('go') });
    }
    $head .= "Vary: X-Kind\r\n" if $uri =~ /vary/;
    return "HTTP/1.1 200 OK\r\n${head}Content-Length: " . length($body)
        . "\r\n\r\n$body";
});
my $up = $backend->port;

my $conf = <<"EOC";
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    proxy_cache_path %%TESTDIR%%/c/two levels=1:2 keys_zone=two:1m purger=on
        purger_files=20 purger_sleep=10ms purger_threshold=100ms;
    proxy_cache_path %%TESTDIR%%/c/few keys_zone=few:32k;
    proxy_cache_key \$request_method\$uri;
    proxy_cache_valid 1h;
    proxy_cache_convert_head off;
    proxy_cache_tag \$upstream_http_cache_tag;
    proxy_cache_purge_tag \$http_purge_tag;
    proxy_cache_purge_soft \$http_purge_soft;
    map \$request_method \$is_purge { PURGE 1; default 0; }
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_cache_purge \$is_purge;
        location / { proxy_pass http://127.0.0.1:$up; proxy_cache one; }
        location /two/ { proxy_pass http://127.0.0.1:$up; proxy_cache two; }
        location /few/ { proxy_pass http://127.0.0.1:$up; proxy_cache few; }
        location /join { proxy_pass http://127.0.0.1:$up; proxy_cache one;
            proxy_cache_lock streaming; }
        location /all { proxy_pass http://127.0.0.1:$up; proxy_cache one;
            proxy_cache_purge PURGE purge_all from 127.0.0.1; }
    }
}
EOC
my $t = Weir::Test->new;
$t->mkdir('c');
$t->run($conf);

# how($uri, %options): the status of the cache
sub how { return $t->get(@_)->header('X-Cache') // '-' }

# fill(@uris): they are stored
sub fill {
    for my $uri (@_) {
        wait_until(sub { how($uri) eq 'HIT' }) or fail("$uri is stored");
    }
}

# purge($uri, @headers): the status
sub purge {
    my ($uri, @headers) = @_;
    return $t->request('PURGE', $uri, headers => \@headers)->status;
}

sub file {
    my ($cache, $uri) = @_;
    my $name = md5_hex("GET$uri");
    return $t->path("c/$cache/" . substr($name, -1) . '/'
                    . substr($name, -3, 2) . "/$name");
}

subtest 'keys' => sub {
    fill('/k/1', '/k/2');
    is purge('/k/1'), 204, 'purged, by the key of GET';
    is purge('/k/1'), 404, 'there is nothing any more';
    is how('/k/1'), 'MISS', 'so it is fetched';
    is how('/k/2'), 'HIT', 'the other one is not';
    fill('/k/1');
};

subtest 'what keys begin with' => sub {
    fill('/w/a/1', '/w/a/2', '/w/b');
    is purge('/w/a/*'), 204, 'purged';
    ok -f file('one', '/w/a/1'), 'the file is still there';
    is how('/w/a/1'), 'MISS', 'but not used';
    fill('/w/a/1');
    is how('/w/a/2'), 'MISS', 'nor is the second';
    is how('/w/b'), 'HIT', 'another one is';
    is how('/w/a/1'), 'HIT', 'what was stored since then, too';

    fill('/two/a', '/two/b');
    is purge('/two/a*'), 204, 'with a purger';
    ok wait_until(sub { !-f file('two', '/two/a') }), 'which deletes the file';
    ok -f file('two', '/two/b'), 'and not another one';
};

subtest 'everything' => sub {
    fill('/e/1', '/e/2');
    is $t->request('PURGE', '/all')->status, 200, 'purged';
    is how("/e/$_"), 'MISS', "$_ has gone" for 1, 2;
};

subtest 'tags' => sub {
    fill('/t/1?tags=red,blue', '/t/2?tags=red++green', '/t/3?tags=blue', '/t/4');
    is purge('/x', 'Purge-Tag' => 'red'), 204, 'purged';
    is how('/t/1?tags=red,blue'), 'MISS', 'the first of a list';
    is how('/t/2?tags=red++green'), 'MISS', 'separated by spaces';
    is how('/t/3?tags=blue'), 'HIT', 'other tags';
    is how('/t/4'), 'HIT', 'none';
    fill('/t/1?tags=red,blue');
    is purge('/x', 'Purge-Tag' => 'green, blue'), 204, 'several';
    is how('/t/1?tags=red,blue'), 'MISS', 'the second of a list';
    is how('/t/3?tags=blue'), 'MISS', 'the only one';
    is purge('/x', 'Purge-Tag' => join ' ', 1 .. 1001), 400, 'too many';
};

subtest 'variants' => sub {
    my @a = (headers => ['X-Kind' => 'a']);
    my @b = (headers => ['X-Kind' => 'b']);
    for my $o (\@a, \@b) {
        ok wait_until(sub { how('/vary', @$o) eq 'HIT' }), 'stored';
    }
    is purge('/vary'), 204, 'purged';
    ok wait_until(sub { how('/vary', @a) eq 'HIT' }), 'one is stored again';
    is how('/vary', @b), 'MISS', 'the other one has gone, too';
};

subtest 'softly' => sub {
    fill('/s/1', '/s/2?tags=t', '/s/3');
    my $old = $t->get('/s/1')->body;
    is purge('/s/1', 'Purge-Soft' => 1), 204, 'purged';
    my $r = $t->get('/s/1');
    is $r->header('X-Cache'), 'STALE', 'it is stale';
    is $r->body, $old, 'and used';
    ok wait_until(sub { how('/s/1') eq 'HIT' }), 'until it was fetched';
    isnt $t->get('/s/1')->body, $old, 'anew';
    is purge('/s/x', 'Purge-Soft' => 1), 404, 'nothing to purge';
    purge('/s/x', 'Purge-Soft' => 1, 'Purge-Tag' => 't');
    is how('/s/2?tags=t'), 'STALE', 'by a tag';
    purge('/s/3*', 'Purge-Soft' => 1);
    is how('/s/3'), 'STALE', 'by what the key begins with';
    purge('/s/3*');
    is how('/s/3'), 'MISS', 'a hard one is harder';
};

subtest 'what is being fetched' => sub {
    my $slow = $t->connect;
    $slow->send_request('GET', '/slow', close => 1);
    ok wait_until(sub { -f $go->path('came') }), 'it is asked for';
    purge('/slow');
    $go->write('go', '1');
    is $slow->read_response->header('X-Cache'), 'MISS', 'and comes';
    is how('/slow'), 'MISS', 'but what is older than the purge is not used';
    ok wait_until(sub { how('/slow') eq 'HIT' }), 'what is newer, is';
};

subtest 'what others read while it comes' => sub {
    unlink $go->path('go');
    my @c = map { $t->connect } 1 .. 2;
    $c[0]->send_request('GET', '/join', close => 1);
    ok wait_until(sub { -f $go->path('joined') }), 'half of it has come';
    purge('/join');
    $c[1]->send_request('GET', '/join', close => 1);
    sleep 0.3;
    $go->write('go', '1');
    is $c[0]->read_response->body, 'old body', 'it is completed';
    like $c[1]->read_response->body, qr{^/join}, 'who came after the purge has a new one';
};

subtest 'more rules than there is room for' => sub {
    fill('/few/x/keep', '/few/y?tags=keep');
    purge("/few/x/$_/*") for 1 .. 20;
    purge('/few/x', 'Purge-Tag' => join ' ', map { "t$_" } 1 .. 900);
    fill('/few/x/1/a');
    is purge('/few/x/1/*'), 204, 'purged';
    is how('/few/x/1/a'), 'MISS', 'what was purged is not used';
};

subtest 'a restart' => sub {
    # what is found in the folder is as old as its second
    sleep 2;
    fill('/r/1', '/r/2?tags=r', '/r/3', '/r/4');
    sleep 2;
    purge('/r/1*');
    purge('/r/x', 'Purge-Tag' => 'r');
    purge('/r/3', 'Purge-Soft' => 1);
    $t->stop;
    $t->run($conf);
    is how('/r/1'), 'MISS', 'purged by its key';
    is how('/r/2?tags=r'), 'MISS', 'by its tag';
    is how('/r/3'), 'STALE', 'softly';
    is how('/r/4'), 'HIT', 'not at all';
};

done_testing;
