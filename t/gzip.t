# SPDX-License-Identifier: BSD-2-Clause
#
# Compressed responses: which, for whom, and that they are whole whatever way
# the body comes.

use strict;
use warnings;

use Compress::Raw::Zlib;
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module(qw(http_gzip http_proxy http_rewrite http_access));

my $text = join '', map { "line $_ of a text\n" } 1 .. 1000;
my $big = join '', map { sprintf '%d %s', $_ * 7919, 'abc' x ($_ % 7) }
    1 .. 100_000;

my $short = 'short ' x 100;

# What the query asks for, as a response.
my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($what) = $request->uri =~ /\?(\w+)/;
    $what //= '';
    my %fields = (
        lm => 'Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT',
        etag => 'ETag: "a"', weak => 'ETag: W/"a"', bare => 'ETag: a',
        past => 'Expires: Tue, 14 Nov 2023 22:13:20 GMT',
        future => 'Expires: Thu, 14 Nov 2099 22:13:20 GMT',
        junk => 'Expires: -1', nocache => 'Cache-Control: no-cache',
        nostore => 'Cache-Control: max-age=1, no-store',
        private => 'Cache-Control: private', public => 'Cache-Control: public',
        coded => 'Content-Encoding: x', nocode => 'Content-Encoding: ',
        accept => 'Accept-Ranges: bytes', vary => 'Vary: Cookie',
    );

    if ($what eq 'slow') {
        $c->send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                 . "Transfer-Encoding: chunked\r\n\r\n");
        for my $piece (1 .. 3) {
            $c->send("6\r\npiece$piece\r\n");
            select undef, undef, undef, 0.3;
        }
        return "0\r\n\r\n";
    }
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
                   unpack '(a5000)*', $big) . "0\r\n\r\n" if $what eq 'chunks';
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        . "Content-Length: 4\r\n\r\n" . 'four' if $what eq 'four';
    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($text)
        . "\r\n\r\n$text" if $what eq 'untyped';
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        . (exists $fields{$what} ? "$fields{$what}\r\n" : '')
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
});

my $t = Weir::Test->new;
$t->write('html/f.txt', $text, mtime => 1700000000);
$t->write('html/f.html', $text);
$t->write('html/f.css', $text);
$t->write('html/f.bin', $text);
$t->write('html/big.txt', $big);
$t->write('html/empty.txt', '');
$t->write("html/$_.txt", 'x' x $_) for 19, 20, 1700, 1800, 7900, 8000, 32600;
$t->write('html/404.html', $text);
my $backend = $up->port;

my @proxied = qw(off expired no-cache no-store private no_last_modified
                 no_etag auth any);
my $proxied = join '', map {
    "location /px/$_/ { gzip_proxied $_;\n"
        . "proxy_pass http://127.0.0.1:$backend/; }\n"
} @proxied;
my $levels = join '', map {
    "location /level/$_/ { gzip_comp_level $_; alias %%TESTDIR%%/html/; }\n"
} 1 .. 9;

$t->run(<<"EOC");
%%HTTP%%
    types { text/plain txt; text/html html; text/css css; }
    default_type application/octet-stream;
    log_format ratio '\$request_uri \$gzip_ratio';
    access_log %%TESTDIR%%/ratio.log ratio;
    gzip on;
    gzip_types text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /off/ { gzip off; alias %%TESTDIR%%/html/; }
        location /vary/ { gzip_vary on; gzip_types text/css;
                          alias %%TESTDIR%%/html/;
                          location /vary/off/ { gzip off;
                                                alias %%TESTDIR%%/html/; } }
        location /vary/up { gzip_vary on;
                            proxy_pass http://127.0.0.1:$backend; }
        location /all/ { gzip_types *; alias %%TESTDIR%%/html/; }
        location /none/ { gzip_min_length 0; alias %%TESTDIR%%/html/; }
        location /v10/ { gzip_http_version 1.0; alias %%TESTDIR%%/html/; }
        location /msie/ { gzip_disable msie6; alias %%TESTDIR%%/html/; }
        location /agent/ { gzip_disable "^bad" msie6; gzip_disable robot;
                           alias %%TESTDIR%%/html/; }
        location /if/ { gzip off; if (\$arg_zip) { gzip on; }
                        alias %%TESTDIR%%/html/; }
        location /small/ { gzip_buffers 1 1; gzip_window 512; gzip_hash 512;
                           alias %%TESTDIR%%/html/; }
        location /hash/ { gzip_hash 128k; gzip_comp_level 9;
                          alias %%TESTDIR%%/html/; }
        location /file/ { gzip_proxied no_last_modified;
                          alias %%TESTDIR%%/html/; }
        location /tag/ { gzip_proxied no_etag; alias %%TESTDIR%%/html/; }
        location /eager/ { gzip_no_buffer on; alias %%TESTDIR%%/html/; }
        location /later/ { postpone_gzipping 10k;
                           alias %%TESTDIR%%/html/;
                           location /later/up {
                               proxy_pass http://127.0.0.1:$backend; } }
        location /copy/ { sendfile off; output_buffers 1 1k;
                          alias %%TESTDIR%%/html/; }
        location /any/up { gzip_types *;
                           proxy_pass http://127.0.0.1:$backend; }
        location /up { proxy_pass http://127.0.0.1:$backend; }
        location /now { proxy_buffering off;
                        proxy_pass http://127.0.0.1:$backend; }
        location /error { error_page 404 /404.html; error_page 403 /404.html;
                          error_page 410 /404.html;
                          location /error/404 { return 404; }
                          location /error/403 { deny all; }
                          location /error/410 { return 410; } }
        location /code { default_type text/plain;
                         location /code/201 { return 201 "$short"; }
                         location /code/200 { return 200 "$short"; } }
        $proxied
        $levels
    }
}
EOC

# plain($response): (its body without gzip, what is wrong with it)
sub plain {
    my ($r) = @_;
    my ($z, $status) = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => WANT_GZIP, -AppendOutput => 1);
    my $in = $r->body;
    my $out = '';

    $status = $z->inflate($in, $out);
    return ($out, $status == Z_STREAM_END && $in eq '' && $r->complete
                  ? '' : "$status, " . length $in);
}

# zipped($uri, %opt): asks for gzip; the response.
sub zipped {
    my ($uri, %opt) = @_;

    return $t->get($uri, %opt, headers => ['Accept-Encoding' => 'gzip',
                                           @{ $opt{headers} // [] }]);
}

# is_gzip($response, $body, $name)
sub is_gzip {
    my ($r, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $r->header('Content-Encoding'), 'gzip', "$name: gzip" or return;
    my ($plain, $wrong) = plain($r);
    is $wrong, '', "$name: is whole";
    ok $plain eq $body, "$name: body";
}

sub is_plain {
    my ($r, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $r->header('Content-Encoding'), undef, "$name: no gzip";
    ok $r->body eq $body, "$name: body";
}

# ---- the head ----

my $r = zipped('/f.txt');
is_gzip $r, $text, 'a file';
is $r->header('Content-Length'), undef, 'no length';
is $r->header('Transfer-Encoding'), 'chunked', 'chunked';
is $r->header('Accept-Ranges'), undef, 'no ranges';
like $r->header('ETag'), qr{^W/"[^"]+"$}, 'a weak tag';
is $r->header('Last-Modified'), 'Tue, 14 Nov 2023 22:13:20 GMT',
    'Last-Modified stays';
is $r->header('Vary'), undef, 'no Vary unless asked';
my $etag = $r->header('ETag');
is zipped('/f.txt', headers => ['If-None-Match', $etag])->status, 304,
    'the weak tag is known again';
is_gzip zipped('/f.txt', headers => ['Range', 'bytes=0-4']), $text,
    'no ranges of it';

$r = $t->head('/f.txt', headers => ['Accept-Encoding', 'gzip']);
is $r->header('Content-Encoding'), 'gzip', 'HEAD';
is $r->header('Content-Length'), undef, 'HEAD: no length';
is $r->header('Transfer-Encoding'), undef, 'HEAD: not chunked';
{
    my $c = $t->connect;
    $c->request('HEAD', '/f.txt', headers => ['Accept-Encoding', 'gzip']);
    is_gzip $c->get('/f.txt', headers => ['Accept-Encoding', 'gzip']), $text,
        'behind HEAD';
    is_gzip $c->get('/f.html', headers => ['Accept-Encoding', 'gzip']), $text,
        'one more on the connection';
}

is zipped('/up?weak')->header('ETag'), 'W/"a"', 'a weak tag stays so';
is zipped('/up?etag')->header('ETag'), 'W/"a"', 'one of an upstream';
is zipped('/up?bare')->header('ETag'), undef, 'what is no tag goes';
is zipped('/up?accept')->header('Accept-Ranges'), undef,
    'Accept-Ranges of an upstream';

# ---- which responses ----

is_plain $t->get('/f.txt'), $text, 'not asked';
is_plain zipped('/off/f.txt'), $text, 'off';
is_gzip zipped('/f.html'), $text, 'text/html always';
is_plain zipped('/f.css'), $text, 'a type that is not listed';
is_gzip zipped('/all/f.css'), $text, 'all types';
is_gzip zipped('/any/up?untyped'), $text, 'all types, and none';
is_plain zipped('/up?untyped'), $text, 'no type';
is_plain zipped('/19.txt'), 'x' x 19, 'below the least length';
is_gzip zipped('/20.txt'), 'x' x 20, 'the least length';
is_plain zipped('/empty.txt'), '', 'nothing';
is_plain zipped('/up?four'), 'four', 'a short one of an upstream';
is_gzip zipped('/none/empty.txt'), '', 'nothing, with no least length';
is_gzip zipped('/if/f.txt?zip=1'), $text, 'in if';
is_plain zipped('/if/f.txt'), $text, 'not in if';
is zipped('/up?coded')->header('Content-Encoding'), 'x', 'coded already';
is zipped('/up?coded')->body, $text, 'coded already: body';
$r = zipped('/up?nocode');
is_deeply [grep { length } $r->headers('Content-Encoding')], ['gzip'],
    'an empty coding is none';
is_gzip zipped('/code/200'), $short, '200';
is_plain zipped('/code/201'), $short, '201';
is zipped("/error/$_")->status, $_, "status $_" for 404, 403, 410;
is_gzip zipped('/error/404'), $text, '404';
is_gzip zipped('/error/403'), $text, '403';
is_plain zipped('/error/410'), $text, '410';
is zipped('/nowhere')->header('Content-Encoding'), 'gzip', 'a built-in page';

# ---- Vary ----

is zipped('/vary/f.css')->header('Vary'), 'Accept-Encoding', 'Vary';
is $t->get('/vary/f.css')->header('Vary'), 'Accept-Encoding',
    'Vary for those who take none';
is $t->get('/vary/f.css', version => '1.0')->header('Vary'),
    'Accept-Encoding', 'Vary for HTTP/1.0';
is zipped('/vary/f.bin')->header('Vary'), undef, 'no Vary for other types';
is zipped('/vary/off/f.css')->header('Vary'), undef, 'no Vary where off';
is zipped('/vary/19.txt')->header('Vary'), undef, 'no Vary for short ones';
is_deeply [zipped('/vary/up?vary')->headers('Vary')],
    ['Accept-Encoding', 'Cookie'], 'beside one of an upstream';

# ---- which clients ----

for my $case (['gzip, deflate', 1], ['deflate, gzip', 1], ['GZIP', 1],
              ['x-gzip', 0], ['gzipped', 0], ['*', 0], ['identity', 0],
              ['gzip;q=0', 0], ['gzip;q=0.000', 0], ['gzip;q=0.001', 1],
              ['gzip;q=0.0001', 0], ['gzip;q=1', 1], ['gzip;q=1.000', 1],
              ['gzip;q=1.001', 0], ['gzip;q=2', 0], ['gzip; Q=0.5, br', 1],
              ['gzip ;q=0.5', 1], ['gzip;q =1', 0], ['gzip;q=', 0],
              ['gzip;', 1], ['gzip;x=1', 0], ['br;q=1, gzip;q=.5', 0],
              ['gzip;q=0, gzip', 0], ['gzi', 0])
{
    my ($value, $wanted) = @$case;
    $r = $t->get('/f.txt', headers => ['Accept-Encoding', $value]);
    is defined $r->header('Content-Encoding') ? 1 : 0, $wanted,
        "Accept-Encoding: $value";
}

is_plain zipped('/f.txt', version => '1.0'), $text, 'HTTP/1.0';
$r = zipped('/v10/f.txt', version => '1.0');
is_gzip $r, $text, 'HTTP/1.0 that may';
is $r->header('Transfer-Encoding'), undef, 'HTTP/1.0: not chunked';
is $r->header('Connection'), 'close', 'HTTP/1.0: closed';
is_gzip zipped('/v10/f.txt'), $text, 'gzip_http_version 1.0: HTTP/1.1';

my @agents = (
    # User-Agent                                       msie agent
    'Mozilla/4.0 (compatible; MSIE 6.0; Windows)'     => [0, 0],
    'Mozilla/4.0 (compatible; MSIE 6.0; Windows; SV1)' => [1, 1],
    'Mozilla/4.0 (compatible; MSIE 5.5; SV1)'         => [0, 0],
    'Mozilla/4.0 (compatible; MSIE 7.0; Windows)'     => [1, 1],
    'Mozilla/4.0 (compatible; MSIE 6.0; Windows) Opera 8.50' => [1, 1],
    'MSIE 4'                                          => [1, 1],
    'MSIE 4.0'                                        => [0, 0],
    'Badger'                                          => [1, 0],
    'a badger'                                        => [1, 1],
    'some Robot'                                      => [1, 0],
);
while (my ($agent, $wanted) = splice @agents, 0, 2) {
    my @got = map {
        defined zipped("/$_/f.txt", headers => ['User-Agent', $agent])
            ->header('Content-Encoding') ? 1 : 0
    } qw(msie agent);
    is "@got", "@$wanted", "gzip_disable: $agent";
}

# ---- gzip_proxied ----

my %given = (
    off => '', any => 'lm etag past future junk nocache nostore private '
        . 'public plain',
    # Where neither field is there to say no, nothing does.
    expired => 'lm etag past plain',
    'no-cache' => 'lm etag nocache plain',
    'no-store' => 'lm etag nostore plain',
    private => 'lm etag private plain',
    no_last_modified => 'etag plain', no_etag => 'lm plain',
    auth => 'lm etag plain',
);
for my $how (@proxied) {
    my @got = grep {
        defined zipped("/px/$how/?$_", headers => [Via => '1.1 p'])
            ->header('Content-Encoding')
    } qw(lm etag past future junk nocache nostore private public plain);
    is "@got", $given{$how}, "gzip_proxied $how";
}
is zipped('/px/auth/?public',
          headers => [Via => '1.1 p', Authorization => 'Basic YTpi'])
    ->header('Content-Encoding'), 'gzip', 'gzip_proxied auth';
is_gzip zipped('/file/f.txt', headers => [Via => '1.1 p']), $text,
    'gzip_proxied no_last_modified: that of a file does not count';
is_plain zipped('/tag/f.txt', headers => [Via => '1.1 p']), $text,
    'gzip_proxied no_etag: that of a file does';
is_gzip zipped('/px/off/?plain'), $text, 'without Via';
is_plain zipped('/f.txt', headers => [Via => '1.1 p']), $text,
    'off is the default';

# ---- bodies of any size and in any pieces ----

is_gzip zipped("/$_.txt"), 'x' x $_, "$_ bytes"
    for 1700, 1800, 7900, 8000, 32600;
is_gzip zipped('/big.txt'), $big, 'a large file';
is_gzip zipped('/small/big.txt'), $big, 'the least memory';
is_gzip zipped('/hash/big.txt'), $big, 'the most memory';
is_gzip zipped('/copy/f.txt'), $text, 'read in small pieces';
is_gzip zipped('/later/big.txt'), $big, 'postponed';
is_gzip zipped('/later/f.txt'), $text, 'postponed, a short file';
is_gzip zipped('/later/20.txt'), 'x' x 20, 'postponed to the end';
is_gzip zipped('/later/up?chunks'), $big, 'postponed, of an upstream';
SKIP: {
    skip 'nginx damages long ones', 3 if is_oracle();
    is_gzip zipped('/eager/big.txt'), $big, 'gzip_no_buffer';
}
is_gzip zipped('/up?chunks'), $big, 'chunks of an upstream';
is_gzip zipped('/now?chunks'), $big, 'chunks without buffering';
is_gzip zipped('/up?slow'), 'piece1piece2piece3', 'a slow upstream';

my @size = map { length zipped("/level/$_/big.txt")->body } 1 .. 9;
cmp_ok $size[8], '<', $size[0], 'level 9 makes less than level 1';
is_gzip zipped("/level/$_/big.txt"), $big, "level $_" for 9, 1, 6;

# Without buffering each piece can be read when it has come.
{
    my $c = $t->connect;
    my $z = Compress::Raw::Zlib::Inflate->new(-WindowBits => WANT_GZIP,
                                              -AppendOutput => 1);
    $c->send("GET /now?slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
             . "Accept-Encoding: gzip\r\n\r\n");
    ok $c->read_until(qr/\r\n\r\n/), 'a head';
    my ($got, $early) = ('', '');
    while ($got !~ /piece1/ && defined $c->read_until(qr/^[0-9a-f]+\r\n/)) {
        my $bytes = $c->read_until(qr/^.*?\r\n(?=[0-9a-f]+\r\n|\z)/s) // last;
        $bytes =~ s/\r\n\z//;
        $z->inflate($bytes, $got);
        $early = $got;
    }
    is $early, 'piece1', 'the first piece, before the others';
    ok length $c->read_all, 'and the rest';
}

# One that leaves in the middle gives its state back.
for (1 .. 3) {
    my $c = $t->connect;
    $c->send("GET /level/9/big.txt HTTP/1.1\r\nHost: a\r\n"
             . "Accept-Encoding: gzip\r\n\r\n");
    $c->read_until(qr/\r\n\r\n/);
    $c->abort;
}
is_gzip zipped('/big.txt'), $big, 'after some have left';

# ---- $gzip_ratio ----

my $length = length zipped('/none/f.txt')->body;
$t->get('/none/f.txt?plain');
$t->stop;
my %ratio = map { split } split /\n/, $t->read('ratio.log');
is $ratio{'/none/f.txt'}, ratio_text(length($text), $length),
    'the ratio';
is $ratio{'/none/f.txt?plain'}, '-', 'no ratio without gzip';

sub ratio_text {
    my ($in, $out) = @_;
    my $hundredths = int((int($in * 1000 / $out) + 5) / 10);

    return sprintf '%d.%02d', $hundredths / 100, $hundredths % 100;
}

# ---- what configurations say wrong ----

my @wrong = (
    'gzip_window 3k;' => '"gzip_window" directive must be 512, 1k, 2k, 4k, '
        . '8k, 16k, or 32k in ',
    'gzip_window 64k;' => '"gzip_window" directive must be 512, ',
    'gzip_hash 256;' => '"gzip_hash" directive must be 512, 1k, 2k, 4k, 8k, '
        . '16k, 32k, 64k, or 128k in ',
    'gzip_comp_level 0;' => 'value must be between 1 and 9 in ',
    'gzip_http_version 2.0;' => 'invalid value "2.0" in ',
    'gzip_proxied of;' => 'invalid value "of" in ',
    'gzip_disable "((";' => 'pcre2_compile() failed: ',
    'gzip_buffers 0 4k;' => '"gzip_buffers" directive invalid value in ',
    'gzip_min_length x;' => '"gzip_min_length" directive invalid value in ',
    'gzip on; gzip off;' => '"gzip" directive is duplicate in ',
);
while (my ($line, $error) = splice @wrong, 0, 2) {
    my $said = conf_test("events {}\nhttp {\n$line\n}\n");
    is $said->{code}, 1, $line;
    like $said->{err}, qr/\Q[emerg] $error\E/, "$line: said";
}
my $said = conf_test("events {}\nhttp {\n"
    . "gzip_proxied auth auth; gzip_types text/html; }\n");
is $said->{code}, 0, 'what is only doubtful';
like $said->{err}, qr/\[warn\] duplicate value "auth" in /, 'a word twice';
like $said->{err}, qr{\[warn\] duplicate MIME type "text/html" in },
    'a type twice';

done_testing;
