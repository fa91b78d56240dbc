# SPDX-License-Identifier: BSD-2-Clause
#
# What people are told of the cache: $upstream_cache_reason, Cache-Status
# (RFC 9211), weir cache ls, top, stats, purge and explain, and counters.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Time::HiRes qw(sleep);
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $uri = $request->uri;
    my $head = $uri =~ /cc=([^&]*)/ ? 'Cache-Control: ' . $1 . "\r\n" : '';

    $head .= "Set-Cookie: a=b\r\n" if $uri =~ /cookie/;
    $head .= "Vary: X-Kind\r\n" if $uri =~ /vary/;
    $head .= "Vary: *\r\n" if $uri =~ /star/;
    $head .= "Cache-Tag: t\r\n";
    return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if $uri =~ /fails/ && -f $ENV{FAILS};
    return "HTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\nhi";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->mkdir('c');
$t->run(my $conf = <<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one keys_zone=one:1m levels=1:2;
    proxy_cache_path %%TESTDIR%%/c/two keys_zone=two:1m;
    proxy_cache one;
    proxy_cache_key \$uri;
    proxy_cache_tag \$upstream_http_cache_tag;
    proxy_cache_bypass \$arg_bypass;
    proxy_no_cache \$arg_nocache;
    cache_status on;
    add_header X-Reason \$upstream_cache_reason always;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /uses { proxy_cache_min_uses 2; proxy_pass http://127.0.0.1:$up; }
        location /valid { proxy_cache_valid 200 1h; proxy_pass http://127.0.0.1:$up; }
        location /two { proxy_cache two; proxy_pass http://127.0.0.1:$up; }
        location /off { proxy_cache off; proxy_pass http://127.0.0.1:$up; }
        location /live { proxy_buffering off; proxy_pass http://127.0.0.1:$up; }
        location /rfc { cache_rfc on; proxy_pass http://127.0.0.1:$up; }
        location = /metrics { stub_status; }
    }
}
EOC

# told($uri, $reason, $status, %options): of one request.
sub told {
    my ($uri, $reason, $status, %o) = @_;
    my $r = $t->request(delete $o{method} // 'GET', $uri, %o);

    is $r->header('X-Reason'), $reason, "$uri: the reason";
    like $r->header('Cache-Status') // '-', $status, 'Cache-Status';
}

sub stored {
    my ($uri) = @_;
    $t->get("$uri?cc=max-age=100");
    wait_until(sub { $t->get($uri)->header('X-Reason') eq 'fresh' });
}

subtest 'reasons' => sub {
    told('/a?cc=max-age=100', 'new', qr/^\w+; fwd=uri-miss; fwd-status=200; stored$/);
    told('/a', 'fresh', qr/^\w+; hit; ttl=\d+$/);
    told('/a?bypass=1', 'bypass, not stored: no lifetime', qr/^\w+; fwd=bypass; fwd-status=200; detail="no lifetime"$/);
    told('/b', 'new, not stored: no lifetime', qr/^\w+; fwd=uri-miss; fwd-status=200; detail="no lifetime"$/);
    told('/b?cc=no-store', 'new, not stored: Cache-Control', qr/detail="Cache-Control"/);
    told('/b?cc=max-age=9&cookie', 'new, not stored: Set-Cookie', qr/detail="Set-Cookie"/);
    told('/b?cc=max-age=9&star', 'new, not stored: Vary', qr/detail="Vary"/);
    told('/b?cc=max-age=9&nocache=1', 'new, not stored: no_cache', qr/detail="no_cache"/);
    told('/live?cc=max-age=9', 'new, not stored: not buffered', qr/detail=/);
    told('/uses?cc=max-age=9', 'min_uses', qr/^\w+; fwd=uri-miss; fwd-status=200$/);
    told('/vary?cc=max-age=9', 'new', qr/stored/);
    told('/vary?cc=max-age=9', 'variant', qr/^\w+; fwd=vary-miss/, headers => ['X-Kind' => 'x']);
    told('/a', undef, qr/^\w+; fwd=method; fwd-status=200$/, method => 'POST', body => '');
    told('/rfc?cc=max-age=9', 'new', qr/stored/);
    told('/rfc?cc=private', 'request, not stored: private', qr/^\w+; fwd=request/,
         headers => ['Cache-Control' => 'no-cache']);
    told('/rfc', 'fresh', qr/hit/);
    my $r = $t->get('/off');
    is $r->header('Cache-Status'), undef, 'nothing without a cache';
};

sub weir { return run_binary({ dir => $t->dir }, 'cache', @_, '-c', $t->path('nginx.conf'), '-p', $t->dir) }

subtest 'weir cache' => sub {
    stored($_) for '/w/1', '/w/2', '/w/3', '/w/a', '/two/x';
    $t->get('/w/2') for 1 .. 5;
    my ($code, $out) = weir('stats');
    is $code, 0, 'stats';
    like $out, qr/^one\t\d+\t\d+\t\d+\t0\t\S+c\/one(?:\tloading)?$/m, 'of a cache';
    like $out, qr/^two\t1\t/m, 'of the other';
    like $out, qr/^requests\t$_\t[1-9]\d*$/m, "reasons: $_" for qw(fresh new variant bypass min_uses);
    ($code, $out) = weir('stats', '--zone', 'two', '--json');
    like $out, qr/^\{"caches":\[\{"zone":"two",.*"loading":(?:true|false)\}\],"requests":\{.*\}\}$/,
        'as JSON';
    ($code, $out) = weir('ls', '--zone', 'two');
    like $out, qr/\Atwo\t\d+\t4096\t\d+\t\/two\/x\n\z/, 'ls';
    ($code, $out) = weir('top', '--limit', 3);
    is scalar(() = $out =~ /\n/g), 3, 'top';

    is((weir('purge', '/w/1'))[0], 0, 'purge');
    told('/w/1', 'new, not stored: no lifetime', qr/uri-miss/);
    is((weir('purge', '/w/1'))[0], 1, 'of what is not there');
    is((weir('purge', '/w/a*', '--zone', 'one'))[0], 0, 'all that begin so');
    told('/w/a', 'purged, not stored: no lifetime', qr/uri-miss/);
    is((weir('purge', '--tag', 't', '--soft'))[0], 0, 'by a tag, softly');
    is $t->get('/w/2')->header('X-Reason'), 'updating', 'it is updated behind the request';
    is((weir('purge', '--all'))[0], 0, 'everything');
    told('/w/3', 'purged, not stored: no lifetime', qr/uri-miss/);

    for (['purge'], ['purge', '/a', '--all'], ['foo'], [], ['ls', '--soft'],
         ['ls', '--limit', 0], ['stats', '--zone']) {
        is((weir(@$_))[0], 1, "refused: @$_");
    }
    is((weir('purge', '/a', '--zone', 'none'))[0], 1, 'no such zone');
};

subtest 'explain' => sub {
    my $url = 'http://127.0.0.1:' . $t->port;
    my $file = $t->path('c/one/' . join '/', md5_hex('/e') =~ /^.*(?=(..)(.)$)/ ? ($2, $1) : ()) . '/' . md5_hex('/e');

    my ($code, $out) = weir('explain', "$url/e");
    is $code, 0, 'explained';
    like $out, qr/^\s+cache\s+zone one\s+nginx\.conf:\d+$/m, 'the zone';
    like $out, qr/^\s+key \/e\s+nginx\.conf:\d+$/m, 'the key';
    like $out, qr/^\s+file \Q$file\E \(it is not there\)$/m, 'the file';
    like $out, qr/^\s+MISS /m, 'a miss';
    like $out, qr/^\s+not stored nothing says how long/m, 'that is not stored';
    stored('/e');
    wait_until(sub { -f $file });
    ($code, $out) = weir('explain', "$url/e");
    like $out, qr/^\s+HIT fresh for \d+ seconds, stored \d+ seconds ago$/m, 'a hit';
    ($code, $out) = weir('explain', "$url/e?bypass=1");
    like $out, qr/^\s+BYPASS .*nginx\.conf:\d+$/m, 'a bypass';
    ($code, $out) = weir('explain', "$url/valid", '--answer', 'X: y');
    like $out, qr/^\s+stored for 3600 seconds\s+nginx\.conf:\d+$/m, 'by proxy_cache_valid';
    ($code, $out) = weir('explain', "$url/valid", '--answer', 'Set-Cookie: a');
    like $out, qr/^\s+not stored Set-Cookie$/m, 'not by Set-Cookie';
    ($code, $out) = weir('explain', "$url/valid?nocache=1");
    like $out, qr/^\s+not stored a condition.*nginx\.conf:\d+$/m, 'not by proxy_no_cache';
    ($code, $out) = weir('explain', "POST $url/e");
    like $out, qr/^\s+cache\s+passed on POST/m, 'another method';
    ($code, $out) = weir('explain', "$url/off");
    like $out, qr/^no cache is asked$/m, 'no cache';
    ($code, $out) = run_binary({ dir => $t->dir }, 'explain', "$url/vary", '-H', 'X-Kind: z',
                               '-c', $t->path('nginx.conf'), '-p', $t->dir);
    like $out, qr/^\s+varies X-Kind$/m, 'variants';
    like $out, qr/^\s+variant \S+ \(it is not there\)$/m, 'and that of the request';
};

done_testing;
