# SPDX-License-Identifier: BSD-2-Clause
#
# What is asked for often is kept by each worker, and is gone from there when the
# file is: unlinked, replaced, moved away (alone or with its folder), or fetched anew
# by another worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($size) = $request->uri =~ /size=(\d+)/;
    my $said = $request->header('X-Say') // 'first';
    my $lang = $request->header('Accept-Language') // '';
    my $body = "$said $lang";

    $body .= 'x' x ($size - length $body) if $size;
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
        . "\r\nConnection: close\r\nETag: \"$said\"\r\nX-Said: $said\r\n"
        . "Accept-Ranges: bytes\r\n"
        . ($request->uri =~ /vary/ ? "Vary: Accept-Language\r\n" : '')
        . "\r\n$body";
});
my $up = $backend->port;
my $memory = is_oracle() ? '' : 'memory=0';
my $conf = <<"EOC";
worker_processes 1;
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/hot keys_zone=hot:1m levels=1:2;
    proxy_cache_path %%TESTDIR%%/c/none keys_zone=none:1m levels=1 $memory;
    proxy_cache_valid 1h;
    proxy_cache_key \$request_uri;
    proxy_cache_bypass \$http_x_bypass;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_cache hot; proxy_pass http://127.0.0.1:$up; }
        location /none { proxy_cache none; proxy_pass http://127.0.0.1:$up; }
    }
}
EOC

my $t = Weir::Test->new;
$t->mkdir('c');
# A worker may not make the cache's folder again.
$t->expect_log(qr{(?:mkdir|rename)\(\) .*/c/hot/});
$t->run($conf);

sub file_of {
    my ($uri, $zone) = @_;
    my $md5 = md5_hex($uri);

    return $t->path(($zone // 'hot') eq 'hot'
        ? 'c/hot/' . substr($md5, -1) . '/' . substr($md5, -3, 2) . "/$md5"
        : 'c/none/' . substr($md5, -1) . "/$md5");
}

sub ask {
    my ($uri, @fields) = @_;
    my $r = $t->get($uri, headers => \@fields);

    return ($r->header('X-Cache') // '-') . ' ' . substr $r->body, 0, 12;
}

# heat($uri): asks until it is kept.
sub heat { my ($uri) = @_; ask($uri, @_[1 .. $#_]) for 1 .. 4 }

# Whether some worker watches the file.
sub is_kept {
    my ($file) = @_;
    my $inode = sprintf 'ino:%x ', (stat $file)[1] // return 0;

    for my $pid ($t->worker_pids) {
        for my $info (glob "/proc/$pid/fdinfo/*") {
            open my $f, '<', $info or next;
            return 1 if grep { /^inotify / && /\Q$inode\E/ } <$f>;
        }
    }
    return 0;
}

subtest 'unlinked, replaced, moved' => sub {
    plan tests => 14;
    for my $uri ('/1', '/big?size=100000', '/none/1') {
        my $zone = $uri =~ /none/ ? 'none' : 'hot';
        my $file = file_of($uri, $zone);

        heat($uri);
      SKIP: {
            skip 'nginx keeps nothing', 1 if is_oracle();
            ok is_kept($file), "$uri: kept";
        }
        is substr(ask($uri), 0, 9), 'HIT first', '... and answered';
        unlink $file or die "$file: $!";
        is substr(ask($uri, 'X-Say' => 'second'), 0, 11),
            'MISS second',
            '... not when its file is unlinked';
    }
    my ($file, $other) = map { file_of($_) } '/2', '/3';
    heat('/2');
    heat('/3', 'X-Say' => 'third');
    my $text = Weir::Test::slurp($other);
    $text =~ s{KEY: /3}{KEY: /2} or die;
    substr $text, 48, 4, substr Weir::Test::slurp($file), 48, 4; # the CRC
    $t->write('c/new', $text);
    chmod 0644, $t->path('c/new');
    chown +(stat $file)[4, 5], $t->path('c/new');
    rename $t->path('c/new'), $file or die $!;
    is ask('/2'), 'HIT third ', 'replaced by another file';
    heat('/4');
    rename file_of('/4'), $t->path('c/moved') or die $!;
    is ask('/4', 'X-Say' => 'second'), 'MISS second ', 'it is moved away';
    (my $folder = $file) =~ s{/[^/]+/[^/]+$}{};
    rename $folder, $t->path('c/level') or die $!;
    is ask('/2'), 'MISS first ', 'its folder is moved away';
    heat('/2');
    rename $t->path('c/hot'), $t->path('c/away') or die $!;
    is ask('/2', 'X-Say' => 'again'), 'MISS again ', 'the whole cache is';
    system 'rm', '-rf', $t->path('c/hot'); # which may have been made again
    rename $t->path('c/away'), $t->path('c/hot') or die $!;
    is ask('/2'), 'HIT first ', 'and comes back';
};

subtest 'fetched anew' => sub {
    plan tests => 3;
    heat('/4');
    is ask('/4', 'X-Bypass' => 1, 'X-Say' => 'new'), 'BYPASS new ', 'a bypass';
    is ask('/4'), 'HIT new ', '... replaces what is kept';
    is $t->get('/4')->header('X-Said'), 'new', '... its head, too';
};

subtest 'variants' => sub {
    plan tests => 5;
    for my $lang ('de', 'en') {
        heat('/vary', 'Accept-Language' => $lang) for 1, 2;
    }
    is ask('/vary', 'Accept-Language' => $_), "HIT first $_", "in $_"
        for 'de', 'en', 'de';
    is ask('/vary', 'Accept-Language' => 'fr'), 'MISS first fr', 'not so far';
    ask('/vary', 'Accept-Language' => 'en', 'X-Bypass' => 1, 'X-Say' => 'new');
    is ask('/vary', 'Accept-Language' => 'en'), 'HIT new en', 'one is replaced';
};

subtest 'other requests' => sub {
    plan tests => 6;
    heat('/5');
    my $r = $t->head('/5');
    is $r->header('Content-Length'), 6, 'HEAD';
    is $r->body, '', '... has no body';
    $r = $t->get('/5', headers => ['If-None-Match' => '"first"']);
    is $r->status, 304, 'a condition';
    $r = $t->get('/5', headers => ['Range' => 'bytes=1-2']);
    is $r->status, 206, 'a range';
    is $r->body, 'ir', '... of the copy';
    is ask('/5'), 'HIT first ', 'all of it';
};

subtest 'over a reload' => sub {
    plan tests => 3;
    heat('/6');
    $t->reload;
    is ask('/6'), 'HIT first ', 'kept';
    unlink file_of('/6') or die $!;
    is ask('/6', 'X-Say' => 'second'), 'MISS second ', 'unlinked';
    heat('/6');
    is ask('/6'), 'HIT second ', 'kept again';
};

subtest 'two workers' => sub {
    plan tests => 2;
    (my $two = $conf) =~ s/worker_processes 1/worker_processes 2/;
    $t->reload($two);
    my @c = map { my $c = $t->connect; $c->request('GET', '/7'); $c } 1 .. 8;
    my %said;
    $_->request('GET', '/7') for @c, @c;
    $c[0]->request('GET', '/7',
        headers => ['X-Bypass' => 1, 'X-Say' => 'new']);
    $said{ $_->request('GET', '/7')->header('X-Said') }++ for @c;
    is join(' ', %said), 'new 8', 'each has what one of them has fetched';
    unlink file_of('/7');
    my %body = map {
        $_->request('GET', '/7', headers => ['X-Say' => 'last'])->body => 1
    } @c;
    is join(' ', keys %body), 'last ', 'and none what was unlinked';
};

subtest 'more than fits' => sub {
    plan skip_all => 'nginx keeps nothing' if is_oracle();
    plan tests => 2;
    (my $small = $conf) =~ s/memory=0/memory=64k/;
    $t->reload($small);
    my $bad = 0;
    for my $round (1 .. 3) {
        for my $i (1 .. 40) {
            my $r = $t->get("/none/$i?size=4000");
            $bad++ if length $r->body != 4000 || $r->status != 200;
        }
    }
    is $bad, 0, 'all are answered';
    my $kept = grep { is_kept(file_of("/none/$_?size=4000", 'none')) } 1 .. 40;
    ok $kept > 2 && $kept < 20, 'some are kept' or diag $kept;
};

subtest 'the parameter' => sub {
    plan skip_all => 'nginx has none' if is_oracle();
    plan tests => 1;
    my $c = $conf =~ s/memory=0/memory=x/r;
    like Weir::Test::conf_test($c)->{first},
        qr/^invalid memory value "memory=x"/, 'a value that is no size';
};

done_testing;
