# SPDX-License-Identifier: BSD-2-Clause
#
# Files: where they are looked for, types, validators and conditional
# requests, directories, methods; every byte of big ones; and that what
# changes on disk is never served stale, new connection or kept-alive one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $then = 1700000000;      # Tue, 14 Nov 2023 22:13:20 GMT
my $date = 'Tue, 14 Nov 2023 22:13:20 GMT';
my %html = (
    'index.html' => 'front page', 'a.txt' => 'text', 'page.html' => 'page',
    'noext' => 'no extension', 'odd.zzz' => 'odd', 'X.TXT' => 'capitals',
    'sp ace.txt' => 'space', 'empty' => '', 'dir/index.html' => 'dir',
    'second/b.htm' => 'b', 'none/x' => 'x', 'per%cent' => 'percent',
    'multi.tar.gz' => 'tar',
);
$t->write("html/$_", $html{$_}, mtime => $then) for keys %html;
$t->write('other/f.txt', 'aliased');
$t->write('secret/x', 'no', mode => 0);
my $big = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 400_000;
$t->write('html/big', $big);

$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    types { text/html html htm; text/plain txt; application/gzip gz; }
    default_type application/x-default;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name a.test;
        location /alias/ { alias %%TESTDIR%%/other/; }
        location = /one { alias %%TESTDIR%%/other/f.txt; }
        location ~ ^/re/(.+)$ { alias %%TESTDIR%%/other/$1; }
        location /other/ { root %%TESTDIR%%; }
        location /var/ { root %%TESTDIR%%/$arg_d; }
        location /second/ { index a.htm b.htm; }
        location /indexvar/ { alias %%TESTDIR%%/html/; index $arg_i; }
        location /absolute/ { index no /a.txt; alias %%TESTDIR%%/html/none/; }
        location /secret/ { root %%TESTDIR%%; }
        location /noetag/ { alias %%TESTDIR%%/html/; etag off; }
        location /exactsince/ { alias %%TESTDIR%%/html/; }
        location /before/ { alias %%TESTDIR%%/html/;
                            if_modified_since before; }
        location /never/ { alias %%TESTDIR%%/html/; if_modified_since off; }
        location /types/ { alias %%TESTDIR%%/html/; types { } 
                           default_type text/x-all; }
        location /relative/ { alias %%TESTDIR%%/html/;
                              absolute_redirect off; }
        location /nosend/ { alias %%TESTDIR%%/html/; sendfile off; }
        location /send/ { alias %%TESTDIR%%/html/; sendfile on;
                          tcp_nopush on; }
        location /small/ { alias %%TESTDIR%%/html/; sendfile on;
                           sendfile_max_chunk 10k; }
        location /buffers/ { alias %%TESTDIR%%/html/; sendfile off;
                             output_buffers 1 999; }
        location /direct/ { alias %%TESTDIR%%/html/; directio 512; }
    }
}
EOC

# ---- finding files ----

my @bodies = (
    '/' => 'front page', '/index.html' => 'front page', '/a.txt' => 'text',
    '/dir/' => 'dir', '/second/' => 'b', '/sp%20ace.txt' => 'space',
    '/per%25cent' => 'percent', '/empty' => '', '/alias/f.txt' => 'aliased',
    '/one' => 'aliased', '/re/f.txt' => 'aliased',
    '/other/f.txt' => 'aliased', '/indexvar/?i=a.txt' => 'text',
    '/absolute/' => 'text', '/a.txt?query' => 'text',
    '/dir/../a.txt' => 'text',
);
while (my ($uri, $wanted) = splice @bodies, 0, 2) {
    my $r = $t->get($uri);
    is $r->status . ' ' . $r->body, "200 $wanted", $uri;
}
is $t->get('/none/')->status, 403, 'a directory without an index';
is $t->get('/nosuch')->status, 404, 'no such file';
is $t->get('/nosuch/')->status, 404, 'no such directory';
is $t->get('/a.txt/')->status, 404, 'a file is no directory';
is $t->get('/a.txt/x')->status, 404, 'below a file';
is $t->get('/' . 'n' x 300)->status, 404, 'a name too long';
# A root that reads everything would see no refusal.
my $plain_user = $> || $t->expand('%%GLOBALS%%') !~ /user root/;
SKIP: {
    skip 'permissions', 1 if !$plain_user;
    is $t->get('/secret/x')->status, 403, 'no permission';
}

# ---- types ----

my @types = (
    '/page.html' => 'text/html', '/a.txt' => 'text/plain',
    '/X.TXT' => 'text/plain', '/noext' => 'application/x-default',
    '/odd.zzz' => 'application/x-default',
    '/multi.tar.gz' => 'application/gzip', '/types/a.txt' => 'text/x-all',
);
while (my ($uri, $type) = splice @types, 0, 2) {
    is $t->get($uri)->header('Content-Type'), $type, "type of $uri";
}

# ---- fields, HEAD and other methods ----

my $r = $t->get('/a.txt');
my $etag = sprintf '"%x-%x"', $then, 4;
is $r->header('Last-Modified'), $date, 'Last-Modified';
is $r->header('ETag'), $etag, 'ETag';
is $r->header('Accept-Ranges'), 'bytes', 'Accept-Ranges';
is $r->header('Content-Length'), 4, 'Content-Length';
is join(' ', $r->names), 'Server Date Content-Type Content-Length '
    . 'Last-Modified Connection ETag Accept-Ranges', 'order of the fields';
is $t->get('/noetag/a.txt')->header('ETag'), undef, 'etag off';
$r = $t->head('/a.txt');
is $r->header('Content-Length'), 4, 'HEAD: Content-Length';
is $r->body, '', 'HEAD: no body';
for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
    is $t->request($method, '/a.txt')->status, 405, $method;
}
is $t->post('/dir/', 'x')->status, 405, 'POST to a directory';

# ---- conditional requests ----

sub condition {
    my ($uri, $fields, $wanted, $name) = @_;
    my $r = $t->get($uri, headers => $fields);

    is $r->status, $wanted, $name;
    is $r->body, '', "$name: no body" if $wanted == 304;
}

my $later = 'Wed, 15 Nov 2023 22:13:20 GMT';
my $earlier = 'Mon, 13 Nov 2023 22:13:20 GMT';
condition('/a.txt', ['If-Modified-Since' => $date], 304, 'same date');
condition('/a.txt', ['If-Modified-Since' => $later], 200,
          'a later date is not exact');
condition('/a.txt', ['If-Modified-Since' => $earlier], 200, 'earlier date');
condition('/a.txt', ['If-Modified-Since' => 'junk'], 200, 'no date at all');
condition('/before/a.txt', ['If-Modified-Since' => $later], 304,
          'if_modified_since before');
condition('/never/a.txt', ['If-Modified-Since' => $date], 200,
          'if_modified_since off');
condition('/a.txt', ['If-None-Match' => $etag], 304, 'same tag');
condition('/a.txt', ['If-None-Match' => "\"x\", W/$etag"], 304,
          'a weak tag in a list');
condition('/a.txt', ['If-None-Match' => '*'], 304, 'any tag');
condition('/a.txt', ['If-None-Match' => '"other"'], 200, 'other tag');
condition('/a.txt', ['If-None-Match' => '"other"',
                     'If-Modified-Since' => $date], 200,
          'the tag outranks the date');
condition('/a.txt', ['If-Match' => $etag], 200, 'If-Match');
condition('/a.txt', ['If-Match' => '"other"'], 412, 'If-Match, another');
condition('/a.txt', ['If-Match' => '*'], 200, 'If-Match, any');
condition('/a.txt', ['If-Unmodified-Since' => $date], 200,
          'If-Unmodified-Since');
condition('/a.txt', ['If-Unmodified-Since' => $earlier], 412,
          'If-Unmodified-Since, earlier');
$r = $t->get('/a.txt', headers => ['If-None-Match' => $etag]);
is $r->header('ETag'), $etag, '304 has the tag';
is $r->header('Last-Modified'), $date, '304 has the date';
is $r->header('Content-Length'), undef, '304 has no length';
is $r->header('Content-Type'), undef, '304 has no type';

# ---- directories are redirected ----

my $port = $t->port;
$r = $t->get('/dir', host => 'b.test');
is $r->status, 301, 'a directory without its slash';
is $r->header('Location'), "http://b.test:$port/dir/", 'its Location';
is $t->get('/dir?a=b')->header('Location'), "http://localhost:$port/dir/?a=b",
    'arguments are kept';
is $t->get('/relative/dir')->header('Location'), '/relative/dir/',
    'absolute_redirect off';

# ---- big files ----

# Some file systems take no O_DIRECT.
$t->expect_log(qr/fcntl\(O_DIRECT\)/);
for my $place (qw(nosend send small buffers direct)) {
    my $c = $t->connect;
    for my $try (1, 2) {
        $c->send_request('GET', "/$place/big");
        my $r = $c->read_response;
        ok $r->complete && $r->body eq $big, "$place: all bytes, try $try";
    }
}

# ---- fresh after every change ----

# Each change is made between two requests: of new connections first, of one
# kept-alive connection then.
sub freshness {
    my ($kind, $get) = @_;
    my $dir = $t->mkdir("html/$kind");
    my $is = sub {
        my ($uri, $wanted, $name) = @_;
        my $r = $get->("/$kind/$uri");
        is $r->status == 200 ? $r->body : $r->status, $wanted,
            "$kind: $name";
    };

    $is->('f', 404, 'nothing yet');
    $t->write("$dir/f", 'one');
    $is->('f', 'one', 'created');
    $t->write("$dir/f", 'two');
    $is->('f', 'two', 'rewritten in place, same size');
    $t->write("$dir/f", 'three and longer');
    $is->('f', 'three and longer', 'rewritten in place, longer');
    open my $out, '>>', "$dir/f"; print $out '!'; close $out;
    $is->('f', 'three and longer!', 'appended to');
    truncate "$dir/f", 5;
    $is->('f', 'three', 'truncated');
    $t->write("$dir/g", 'four');
    rename "$dir/g", "$dir/f";
    $is->('f', 'four', 'renamed over');
    unlink "$dir/f";
    $is->('f', 404, 'deleted');
    $t->mkdir("$dir/f");
    $is->('f', 301, 'a directory in its place');
    rmdir "$dir/f";
    $t->write("$dir/f", 'five');
    $is->('f', 'five', 'created again');

    $t->write("$dir/v1/x", 'version 1');
    $t->write("$dir/v2/x", 'version 2');
    symlink 'v1', "$dir/now";
    $is->('now/x', 'version 1', 'through a symlink');
    symlink 'v2', "$dir/next";
    rename "$dir/next", "$dir/now";
    $is->('now/x', 'version 2', 'the symlink switched');
    symlink 'v1/x', "$dir/link";
    $is->('link', 'version 1', 'a symlink to a file');
    unlink "$dir/link";
    symlink 'v2/x', "$dir/link";
    $is->('link', 'version 2', 'another one in its place');
    $t->write("$dir/v2/x", 'version 2b');
    $is->('link', 'version 2b', 'its target rewritten');

    $t->write("$dir/d1/x", 'first');
    $is->('d1/x', 'first', 'in a directory');
    rename "$dir/d1", "$dir/d2";
    $is->('d1/x', 404, 'the directory renamed');
    $is->('d2/x', 'first', 'found under its new name');
    $t->write("$dir/d1/x", 'second');
    $is->('d1/x', 'second', 'another directory of the old name');

    chmod 0, "$dir/f";
    $is->('f', 403, 'permission taken') if $plain_user;
    chmod 0644, "$dir/f";
    $is->('f', 'five', 'permission given');
    chmod 0700, "$dir/d1";
    $is->('d1/x', 403, 'no way into the directory')
        if $> == 0 && $plain_user;
    chmod 0755, "$dir/d1";
    $is->('d1/x', 'second', 'a way again');

    utime $then, $then, "$dir/f";
    is $get->("/$kind/f")->header('Last-Modified'), $date,
        "$kind: the time of the file was set";
}

freshness('new', sub { $t->get(@_) });
my $kept = $t->connect;
freshness('kept', sub {
    # Error pages close no connection; if it was closed all the same, the
    # next request says so.
    return $kept->get(@_);
});

# Many rewrites, none of them missed.
my $misses = 0;
for my $i (1 .. 500) {
    $t->write('html/again', "version $i");
    $misses++ if $kept->get('/again')->body ne "version $i";
}
is $misses, 0, 'each of 500 versions was seen';

done_testing;
