# SPDX-License-Identifier: BSD-2-Clause
#
# The cache of proxied responses: what is stored under which name, hits in all
# their forms, and what must never be stored.  What becomes of single fields is
# in t/truth/cache.tsv.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use File::Path qw(remove_tree);
use Weir::Test;

my $big = join '', map { pack 'N', $_ } 1 .. 100_000;

my $n = 0;
my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $uri = $request->uri;
    my $body = $uri =~ /big/ ? $big : $uri =~ /huge/ ? $big x 20 : "body of $uri for " . $request->method;
    my $head = "X-From: $$\r\nETag: \"e\"\r\n";

    if ($uri =~ /cut/) {
        $c->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
        $c->close;
        return undef;
    }
    if ($uri =~ /broken/) {
        $c->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 . "5\r\nshort\r\n5\r\nsh");
        $c->close;
        return undef;
    }
    if ($uri =~ /chunked/) {
        return "HTTP/1.1 200 OK\r\n${head}Transfer-Encoding: chunked\r\n\r\n"
            . "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    }
    $head .= "Keep-Alive: timeout=5\r\nConnection: keep-alive, X-Hop\r\n"
        . "X-Hop: 1\r\n" if $uri =~ /alive/;
    $head .= "Accept-Ranges: bytes\r\n" if $uri =~ /ranges/;
    $head .= "Content-Type: text/html\r\n" if $uri =~ /text/;
    $head .= "X-Accel-Redirect: /v/inner\r\n" if $uri =~ /jump/;
    if ($uri =~ /slice/) {
        my ($from, $to) = $request->header('Range') =~ /(\d+)-(\d+)/;
        $to = 9 if $to > 9;
        return "HTTP/1.1 206 Partial\r\nETag: \"s\"\r\nContent-Range: "
            . "bytes $from-$to/10\r\nContent-Length: " . ($to - $from + 1)
            . "\r\n\r\n" . substr('0123456789', $from, $to - $from + 1);
    }
    return "HTTP/1.1 200 OK\r\n${head}Content-Length: " . length($body)
        . "\r\n\r\n" . ($request->method eq 'HEAD' ? '' : $body);
});
my $up = $backend->port;

# Fails after its head, or in it.
my $fails = Weir::Backend->http(sub {
    my ($request, $c) = @_;

    return "HTTP/1.1 500 Failed\r\nX-Failed: yes\r\nContent-Length: 0\r\n"
        . "Connection: close\r\n\r\n" if $request->uri !~ /inside/;
    $c->send("HTTP/1.1 200 OK\r\nX-Failed: yes\r\n");
    $c->close;
    return undef;
});
my $failing = $fails->port;

my $t = Weir::Test->new;
$t->mkdir('c');
$t->run(<<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    proxy_cache_path %%TESTDIR%%/c/flat keys_zone=flat:1m use_temp_path=off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_cache_valid 200 206 1h;
    add_header X-Cache \$upstream_cache_status;
    upstream two { server 127.0.0.1:$failing max_fails=0;
        server 127.0.0.1:$up backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_cache one;
        proxy_cache_key \$uri\$is_args\$args\$slice_range;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /flat { proxy_cache flat; proxy_pass http://127.0.0.1:$up; }
        location /v/ { proxy_pass http://127.0.0.1:$up; }
        location /key/ { proxy_cache_key "a \$uri"; proxy_pass http://127.0.0.1:$up/k/; }
        location /zip { gzip on; gzip_min_length 1; proxy_pass http://127.0.0.1:$up; }
        location /slice { slice 4; proxy_set_header Range \$slice_range;
            proxy_pass http://127.0.0.1:$up; }
        location /spill { proxy_buffers 4 4k; proxy_buffer_size 4k;
            proxy_busy_buffers_size 8k; proxy_pass http://127.0.0.1:$up; }
        location /long { proxy_buffer_size 1k; proxy_pass http://127.0.0.1:$up; }
        location /next { proxy_next_upstream error http_500;
            proxy_pass http://two; }
        location /sent { add_after_body /v/part; addition_types *;
            proxy_cache off; proxy_pass http://127.0.0.1:$up; }
    }
    server {
        listen 127.0.0.1:%%PORT_plain%%;
        location / { proxy_cache one; proxy_pass http://127.0.0.1:$up; }
        location /sub/ { proxy_cache one; proxy_pass http://127.0.0.1:$up/x/; }
    }
}
EOC
$t->expect_log(qr/cache file .* (?:has md5 collision|contains invalid header|is too small)/);

# file($cache, $key, @levels): where the file of a key is.
sub file {
    my ($cache, $key, @levels) = @_;
    my $name = md5_hex($key);
    my $path = $t->path("c/$cache");
    my $end = length $name;

    for my $digits (@levels) {
        $end -= $digits;
        $path .= '/' . substr $name, $end, $digits;
    }
    return "$path/$name";
}

# asked($uri, @options): "STATUS CACHE BODY"
sub asked {
    my $r = $t->get(@_);
    return join ' ', $r->status, $r->header('X-Cache') // '-', $r->body;
}

# stored($file): nginx renames it when the response has been sent.
sub stored {
    my ($file) = @_;
    return wait_until(sub { -f $file });
}

sub file_text { return Weir::Test::slurp($_[0]) }


subtest 'files' => sub {
    is asked('/a?x=1'), '200 MISS body of /a?x=1 for GET', 'the first';
    is asked('/a?x=1'), '200 HIT body of /a?x=1 for GET', 'the second';
    my $file = file('one', '/a?x=1', 1, 2);
    ok stored($file), 'where nginx has it';
    like file_text($file),
        qr{\A\x05\0{7}.{328}\nKEY: /a\?x=1\nHTTP/1\.1 200 OK\r\n.*\r\n\r\nbody of}s,
        'and how';
    is sprintf('%o', (stat $file)[2] & 07777), '600', 'for its owner';
    is scalar(() = glob $t->path('c/one/*/*/*')), 1, 'nothing else';

    $t->get('/flat/a');
    ok stored(file('flat', '/flat/a')), 'without levels';
    $t->get('/key/z');
    ok stored(file('one', 'a /key/z', 1, 2)), 'a key of its own';
    $t->get('/a?x=2', port => $t->port('plain'));
    ok stored(file('one', "http://127.0.0.1:$up/a?x=2", 1, 2)), 'the default key';
    $t->get('/sub/q%20r', port => $t->port('plain'));
    ok stored(file('one', "http://127.0.0.1:$up/x/q%20r", 1, 2)), 'as it is asked for';
};

subtest 'files that vanish' => sub {
    $t->get('/gone');
    stored(file('one', '/gone', 1, 2));
    unlink file('one', '/gone', 1, 2);
    like asked('/gone'), qr/^200 MISS/, 'unlinked';
    like asked('/gone'), qr/^200 HIT/, 'stored again';
    remove_tree($t->path('c/one'), { keep_root => 1 });
    like asked('/gone'), qr/^200 MISS/, 'the folders, too';
    like asked('/gone'), qr/^200 HIT/, 'made again';
    SKIP: {
        skip 'a worker that may not write there', 2 if $> == 0;
        remove_tree($t->path('c/flat'));
        like asked('/flat/b'), qr/^200 MISS/, 'all of it';
        like asked('/flat/b'), qr/^200 HIT/, 'made again';
    }
};

subtest 'files that are broken' => sub {
    my $file = file('one', '/bad', 1, 2);

    $t->get('/bad');
    stored($file);
    my $good = file_text($file);
    my @cuts = (0, 100, 336, 350, index($good, "\r\n\r\n"));
    for my $n (@cuts) {
        my ($fh, $before) = (undef, (stat $file)[1]);
        open $fh, '>', $file and print {$fh} substr $good, 0, $n;
        close $fh;
        like asked('/bad'), qr/^200 MISS body of .bad/, "$n bytes of it";
        wait_until(sub { ((stat $file)[1] // 0) != $before });
    }
    SKIP: {
        skip 'nginx sends what is there', 1 if is_oracle();
        truncate $file, length($good) - 3;
        like asked('/bad'), qr/^200 MISS body of .bad for GET$/, 'not the end';
    }
    open my $fh, '>', $file;
    print {$fh} $good =~ s/\nKEY: \/bad/\nKEY: \/bax/r;
    close $fh;
    like asked('/bad'), qr/^200 MISS body of .bad/, 'of another key';
};

subtest 'hits' => sub {
    my $first = $t->get('/big/ranges');
    is md5_hex($first->body), md5_hex($big), 'the whole';
    my $r = $t->get('/big/ranges');
    is $r->header('X-Cache'), 'HIT', 'from the file';
    is md5_hex($r->body), md5_hex($big), 'the same';
    $r = $t->get('/big/ranges', headers => ['Range', 'bytes=1000-1009']);
    is $r->status, 206, 'a range';
    is unpack('H*', $r->body), unpack('H*', substr $big, 1000, 10), '... of it';
    $r = $t->get('/big/ranges', headers => ['Range', 'bytes=0-1,399990-']);
    like $r->header('Content-Type'), qr/^multipart/, 'several';
    $r = $t->head('/big/ranges');
    is $r->header('Content-Length'), length $big, 'HEAD';
    is $t->get('/big/ranges', headers => ['If-None-Match', '"e"'])->status, 304,
        'the client has it';
    is $t->get('/big/ranges', headers => ['If-Match', '"x"'])->status, 412, 'another one';

    $t->get('/chunked');
    is asked('/chunked'), '200 HIT hello world', 'of unknown length';
    $t->get('/alive');
    $r = $t->get('/alive');
    is $r->header('X-Cache') // '-', 'HIT', 'with fields of its connection';
    is $r->header('Keep-Alive'), undef, '... which are not those of ours';
    $t->get('/zip/text');
    $r = $t->get('/zip/text', headers => ['Accept-Encoding', 'gzip']);
    is $r->header('Content-Encoding'), 'gzip', 'compressed on the way';
    is $r->header('X-Cache'), 'HIT', '... from what is not';
};

subtest 'head' => sub {
    my $r = $t->head('/headed');
    is $r->header('X-Cache'), 'MISS', 'asked for';
    is asked('/headed'), '200 HIT body of /headed for GET', 'asked with GET';
    $r = $t->head('/big/headed');
    is $r->header('Content-Length'), length $big, 'of a large one';
    is md5_hex($t->get('/big/headed')->body), md5_hex($big), 'is whole';
};

subtest 'not whole' => sub {
    for my $uri ('/cut', '/broken') {
        $t->get($uri) for 1 .. 2;
        ok !-e file('one', $uri, 1, 2), "$uri: not stored";
    }
    is scalar(grep { $_->uri eq '/cut' } $backend->requests), 2, 'asked twice';
    my @left = grep { -f } glob $t->path('*_temp/*');
    is "@left", '', 'nothing is left of them';
};

subtest 'after another peer has failed' => sub {
    for my $uri ('/next/after', '/next/inside') {
        my $body = "body of $uri for GET";

        is asked($uri), "200 MISS $body", "$uri: the next one answers";
        my $r = $t->get($uri);
        is join(' ', $r->status, $r->header('X-Cache') // '-', $r->body),
            "200 HIT $body", '... whose response is stored';
        is $r->header('X-Failed'), undef, '... with its fields only';
    }
    is scalar($fails->requests), 2, 'the first one was asked';
};

subtest 'a slow client' => sub {
    my $c = $t->connect;
    my $sum = md5_hex($big x 20);

    $c->send_request('GET', '/spill/huge');
    ok stored(file('one', '/spill/huge', 1, 2)), 'it is stored meanwhile'
        if !is_oracle();
    is md5_hex($t->get('/spill/huge')->body), $sum, 'others get it'
        if !is_oracle();
    is md5_hex($c->read_response->body), $sum, 'gets all';
    is md5_hex($t->get('/spill/huge')->body), $sum, 'as others do';
    my @left = grep { -f } glob $t->path('*_temp/*');
    is "@left", '', 'nothing is left beside the file';
};

subtest 'with others' => sub {
    is asked('/slice'), '200 MISS 0123456789', 'slices';
    is asked('/slice'), '200 HIT 0123456789', 'from the cache';
    my $r = $t->get('/slice', headers => ['Range', 'bytes=5-8']);
    is $r->status . $r->body, '2065678', 'a range of them';
    ok stored(file('one', '/slicebytes=4-7', 1, 2)), 'each is a file';

    is asked('/jump'), '200 MISS body of /v/inner for GET', 'X-Accel-Redirect';
    is asked('/jump'), '200 HIT body of /v/inner for GET',
        '... is followed each time';
    SKIP: {
        skip 'no addition', 1 if !has_module('http_addition');
        $t->get('/sent');
        like $t->get('/sent')->body, qr/^body of .sent.*body of .v.part/s,
            'a subrequest';
        is scalar(grep { $_->uri eq '/v/part' } $backend->requests), 1,
            '... is cached';
    }
};

subtest 'a long key' => sub {
    my $uri = '/long/' . 'k' x 800;

    like asked($uri), qr/^200 - /, 'is not used' for 1 .. 2;
    like $t->read('error.log'), qr/proxy_buffer_size 1024 is not enough for cache key, it should be increased to at least 2048/,
        'and it is said';
};

done_testing;
