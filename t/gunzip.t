# SPDX-License-Identifier: BSD-2-Clause
#
# gunzip: for whom, and that bodies are whole whatever way they come, and cut
# where they are broken.

use strict;
use warnings;

use Compress::Zlib ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding qw(decode can_decode);
use Weir::Test;

need_module(qw(http_gunzip http_gzip http_proxy));

my $text = join '', map { "line $_ of a text\n" } 1 .. 1000;
my $zipped = Compress::Zlib::memGzip($text);
my $bomb = Compress::Zlib::memGzip("\0" x 20_000_000);

my %bodies = (
    text => $zipped, two => $zipped . Compress::Zlib::memGzip('more'),
    empty => Compress::Zlib::memGzip(''), nothing => '',
    short => substr($zipped, 0, -1), half => substr($zipped, 0, 500),
    behind => $zipped . 'x', junk => 'no gzip at all', bomb => $bomb,
    crc => substr($zipped, 0, -8) . 'xxxx' . substr($zipped, -4),
    many => Compress::Zlib::memGzip('ab') x 3000,
);

my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($what, $how) = $request->uri =~ /\?(\w+)(?:,(\w+))?/;
    my $body = $bodies{$what};
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        . 'Content-Encoding: ' . ($how && $how eq 'upper' ? 'GZIP' : 'gzip')
        . "\r\nETag: \"a\"\r\nAccept-Ranges: bytes\r\n";

    return $head . 'Content-Length: ' . length($body) . "\r\n\r\n"
        . ($request->method eq 'HEAD' ? '' : $body)
        if !$how || $how eq 'upper';
    if ($how eq 'cut') {
        $c->send($head . 'Content-Length: ' . length($body) . "\r\n\r\n"
                 . substr $body, 0, 500);
        $c->close;
        return undef;
    }
    my $n = $how eq 'bytes' ? 1 : 77;
    $c->send("${head}Transfer-Encoding: chunked\r\n\r\n");
    $c->send(sprintf "%x\r\n%s\r\n", length, $_) for unpack "(a$n)*", $body;
    return "0\r\n\r\n";
});
my $backend = $up->port;

my $t = Weir::Test->new;
my $others = join '', map { has_module($_) ? "$_ on; ${_}_types text/plain;" : () } qw(brotli zstd);
$t->write('html/plain.txt', $text);
$t->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        gunzip on;
        location / { proxy_pass http://127.0.0.1:$backend; }
        location /off { gunzip off; proxy_pass http://127.0.0.1:$backend; }
        location /small { gunzip_buffers 1 1; proxy_pass http://127.0.0.1:$backend; }
        location /now { proxy_buffering off;
                        proxy_pass http://127.0.0.1:$backend; }
        location /vary { gzip_vary on; proxy_pass http://127.0.0.1:$backend; }
        location /proxied { gzip_proxied off;
                            proxy_pass http://127.0.0.1:$backend; }
        location /again { gzip on; gzip_types text/plain; gzip_proxied off;
                          proxy_pass http://127.0.0.1:$backend; }
        location /other { $others
                          proxy_pass http://127.0.0.1:$backend; }
        location /plain.txt { root %%TESTDIR%%/html; }
    }
}
EOC

sub is_text {
    my ($r, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $r->header('Content-Encoding'), undef, "$name: no coding" or return;
    ok $r->body eq $body && $r->complete, "$name: body";
}

# ---- heads ----

my $r = $t->get('/?text');
is_text $r, $text, 'for who does not accept gzip';
is $r->header('Content-Length'), undef, 'no length';
is $r->header('Accept-Ranges'), undef, 'no ranges';
is $r->header('ETag'), 'W/"a"', 'a weak tag';
is $r->header('Vary'), undef, 'no Vary';
$r = $t->get('/?text', headers => ['Accept-Encoding', 'gzip']);
is $r->header('Content-Encoding'), 'gzip', 'for who accepts it';
ok $r->body eq $zipped, 'as it came';
is $r->header('ETag'), '"a"', 'its tag stays';
is $t->get('/vary?text', headers => ['Accept-Encoding', $_])->header('Vary'),
    'Accept-Encoding', "Vary: $_" for 'gzip', 'br';
is_text $t->get('/?text', headers => ['Accept-Encoding', 'gzip;q=0']), $text,
    'q=0';
is_text $t->get('/?text,upper'), $text, 'GZIP';
is $t->get('/off?text')->header('Content-Encoding'), 'gzip', 'off';
is_text $t->get('/plain.txt'), $text, 'what is not coded';
is_text $t->get('/?text', version => '1.0',
                headers => ['Accept-Encoding', 'gzip']), $text,
    'HTTP/1.0 gets none';
is_text $t->get('/proxied?text', headers => ['Accept-Encoding', 'gzip',
                                             'Via', '1.1 p']), $text,
    'gzip_proxied counts';
is_text $t->get('/again?text', headers => ['Accept-Encoding', 'gzip',
                                           'Via', '1.1 p']), $text,
    'it is not compressed again';
$r = $t->head('/?text');
is $r->header('Content-Encoding'), undef, 'HEAD';
is $r->header('Content-Length'), undef, 'HEAD: no length';

# ---- bodies ----

is_text $t->get("/?text,$_"), $text, "in pieces: $_" for qw(some bytes);
is_text $t->get("/now?text,$_"), $text, "now, in pieces: $_" for qw(some bytes);
is_text $t->get('/small?text'), $text, 'the smallest buffers';
is_text $t->get('/?empty'), '', 'nothing, compressed';
is_text $t->get('/?two'), $text . 'more', 'two members';
is_text $t->get('/?two,bytes'), $text . 'more', 'two members in pieces';
is_text $t->get('/small?many'), 'ab' x 3000, 'many members';

for my $what (qw(short half behind junk crc nothing)) {
    $r = $t->get("/?$what");
    ok !$r->complete, "$what: cut" or diag $r->raw;
}
ok !$t->get('/?text,cut')->complete, 'a short upstream: cut';
like join("\n", $t->log), qr/inflate\(\) failed: /, 'logged';
like join("\n", $t->log), qr/inflate\(\) returned -5 on response end/, 'logged: too short';

# A body that becomes a thousand times larger is decompressed as it is read.
is length $t->get('/?bomb')->body, 20_000_000, 'a large one';
# ... also where another coding makes so little of it that nothing is sent.
for my $coding (qw(br zstd)) {
  SKIP: {
        skip "no $coding", 1 if !has_module($coding eq 'br' ? 'brotli' : $coding) || !can_decode($coding);
        my $got = $t->get('/other?bomb', headers => ['Accept-Encoding' => $coding]);
        is length((decode($coding, $got->body))[0]), 20_000_000, "... becomes $coding";
    }
}
SKIP: {
    skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS};
    my $c = $t->connect;
    $c->send("GET /?bomb HTTP/1.1\r\nHost: a\r\n\r\n");
    $c->read_until(qr/\r\n\r\n/);
    select undef, undef, undef, 0.5;
    my @rss = map { /^VmRSS:\s+(\d+)/m ? $1 : () }
        map { $t->read("/proc/$_/status") } $t->worker_pids;
    cmp_ok $rss[0], '<', 40_000, 'is not held in memory';
    $c->abort;
}
is_text $t->get('/?text'), $text, 'one more';

for my $line ('gunzip maybe', 'gunzip_buffers 0 4k') {
    my $said = conf_test("events {}\nhttp {\n$line;\n}\n");
    is $said->{code}, 1, $line;
}

done_testing;
