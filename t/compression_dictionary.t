# SPDX-License-Identifier: BSD-2-Clause
#
# compression_dictionary: who gets dcz and with what, responses that become
# dictionaries, and that Chromium uses them.

use strict;
use warnings;

use Digest::SHA qw(sha256_base64 sha256);
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Backend;
use Weir::Coding;
use Weir::Test;
use Weir::TLS;

plan skip_all => 'an nginx has none' if is_oracle();
need_module('zstd');
need_tls();
plan skip_all => 'no zstd program' if !can_decode('zstd');

# Words that are nowhere else, so that nothing but the dictionary explains a
# small response.
my $seed = 7;
sub words {
    return join "\n", map {
        $seed = ($seed * 1103515245 + 12345) % 2147483648;
        sprintf 'let v%08x = "%x";', $seed, $seed * 77 % 1000003;
    } 1 .. $_[0];
}

sub available { return 'Available-Dictionary: :' . sha256_base64($_[0]) . '=:' }

my $old = words(4000);
my $new = $old =~ s/let v0/var w0/gr . "\ndone();\n";
my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a', names => ['localhost', '127.0.0.1']);
$t->write('html/app.1.js', $old);
$t->write('html/app.2.js', $new);
$t->write('html/app.2.js.zst', 'not looked at');
$t->write('html/deep/app.3.js', $new);
$t->write('html/big.js', $new x 40);
$t->write('old/one.js', $old);
$t->write('old/two.js', words(500));
$t->write('old/tiny.js', 'x');
$t->write('html/page.html', <<'EOP');
<!doctype html><title>a</title><p id=p>
<script type=module>
const say = (s) => { document.getElementById('p').append(s + ' '); };
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
await (await fetch('/learnt/app.1.js')).text();
for (let i = 0; i < 20; i++) {
    await wait(100);
    const text = await (await fetch('/learnt/app.2.js?' + i)).text();
    if (i === 19) say('length ' + text.length);
}
</script>
EOP

my %offers = (first => 'match="/up/*", id="a\\"b"',
              typed => 'match="/up/*", type=bin',
              broken => 'match="/up/*',
              private => 'match="/up/*"', cut => 'match="/up/*"');
my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($name) = $request->uri =~ m{^/up/(\w+)};
    my $offer = $offers{$name};
    my $body = $offer ? "$old/* $name */" : $new;

    $c->send("HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n"
        . ($offer ? "Use-As-Dictionary: $offer\r\n" : '')
        . ($name eq 'private' ? "Cache-Control: private\r\n" : '')
        . ($name eq 'first' ? "ETag: \"1\"\r\n" : '')
        . ($name eq 'stream' ? "X-Accel-Buffering: no\r\n" : '')
        . ($name =~ /unknown|stream/ ? '' : 'Content-Length: '
            . (length($body) + ($name eq 'cut' ? 9 : 0)) . "\r\n")
        . "Connection: close\r\n\r\n$body");
    $c->close;
    return;
});

my $conf = $t->expand(<<'EOC') =~ s/PORT_up/$b->port/er;
%%HTTP%%
    types { text/html html; text/javascript js; }
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    log_format coding '$uri $sent_http_content_encoding';
    access_log %%TESTDIR%%/coding.log coding;
    zstd on;
    zstd_types text/javascript;
    zstd_comp_level 3;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_tls%% ssl;
        root %%TESTDIR%%/html;
        location / { }
        location /file/ { alias %%TESTDIR%%/html/;
            compression_dictionary %%TESTDIR%%/html/app.1.js match=/file/app.*.js
                                   match-dest=script,document "id=x\"y"; }
        location /folder/ { alias %%TESTDIR%%/html/; gzip_vary on;
            compression_dictionary %%TESTDIR%%/old/; }
        location /offers/ { alias %%TESTDIR%%/html/;
            compression_dictionary %%TESTDIR%%/html match=/offers/*; }
        location /static/ { alias %%TESTDIR%%/html/; zstd_static on;
            compression_dictionary %%TESTDIR%%/old; }
        location /plain/ { alias %%TESTDIR%%/html/; zstd off;
            compression_dictionary %%TESTDIR%%/old; }
        location /learnt/ { alias %%TESTDIR%%/html/; expires 1h;
            compression_dictionary on;
            add_header Use-As-Dictionary 'match="/learnt/*"'; }
        location /up/ { proxy_pass http://127.0.0.1:PORT_up;
            compression_dictionary on; }
        location /off/ { alias %%TESTDIR%%/html/; compression_dictionary off; }
    }
}
EOC
my $said = conf_test($conf);
like $said->{err}, qr/"\S+tiny.js" is too small for a dictionary/,
    'a file that is too small is left out';
$t->expect_log(qr/too small for a dictionary/, qr/prematurely closed/);
$t->run($conf);
my $port = $t->port('tls');

# ask($path, @headers): head and body
sub ask {
    my ($path, @headers) = @_;
    my $url = $path =~ /^http/ ? $path : "https://127.0.0.1:$port$path";
    my ($text) = Weir::TLS::curl($url, '-i', map { ('-H', $_) } @headers);
    my ($head, $body) = split /\r\n\r\n/, $text // '', 2;

    return ($head // '', $body // '');
}

sub coding { return $_[0] =~ /^Content-Encoding: (\S+)\r?$/mi ? $1 : 'none' }

# The response with a dictionary: what it stands for.
sub undo {
    my ($body, $dictionary) = @_;

    $t->write('dictionary', $dictionary);
    $t->write('body.zst', $body);
    my $name = $t->path('dictionary');
    my $out = `timeout 20 zstd -dc -D '$name' < '@{[ $t->path('body.zst') ]}' 2>&1`;
    return $out;
}

sub is_dcz {
    my ($head, $body, $dictionary, $want, $name) = @_;

    is coding($head), 'dcz', "$name: the coding";
    is substr($body, 0, 40),
        "\x5e\x2a\x4d\x18\x20\0\0\0" . sha256($dictionary), '... its head';
    ok undo($body, $dictionary) eq $want, '... and what it stands for';
    like $head, qr/^Vary: Accept-Encoding, Available-Dictionary, Sec-Fetch-Site\r?$/m,
        '... Vary';
}

my @dcz = ('Accept-Encoding: gzip, br, zstd, dcz', available($old));

my ($head, $body) = ask('/file/app.2.js', @dcz);
is_dcz($head, $body, $old, $new, 'a file as dictionary');
cmp_ok length $body, '<', length($new) / 10, '... it is small';
like $head, qr/^ETag: W\//m, '... a weak tag';
my $first = $body;
ok +(ask('/file/app.2.js', @dcz))[1] eq $first, '... the same again';

($head, $body) = ask('/file/app.1.js', $dcz[0]);
like $head,
    qr{^Use-As-Dictionary: match="/file/app\.\*\.js", match-dest=\("script" "document"\), id="x\\"y"\r?$}m,
    'the file says that it is one';
is coding($head), 'zstd', '... and is compressed as ever';
like $head, qr/^Vary: Accept-Encoding, Available-Dictionary/m, '... Vary';
unlike +(ask('/file/app.2.js', @dcz))[0], qr/Use-As/, 'another file does not';
unlike +(ask('/file/none.js', @dcz))[0], qr/Use-As/, 'nor does what is not there';

is_dcz(ask('/folder/app.2.js', @dcz), $old, $new, 'a folder');
is_dcz(ask('/folder/app.2.js', $dcz[0], available($t->read('old/two.js'))),
       $t->read('old/two.js'), $new, 'another file of it');
like +(ask('/offers/app.2.js', $dcz[0]))[0], qr/^Use-As-Dictionary: match/m,
    'a file of a folder is offered';
unlike +(ask('/offers/deep/app.3.js', $dcz[0]))[0], qr/^Use-As-Dictionary/m,
    '... that of an inner one is not';
is_dcz(ask('/static/app.2.js', @dcz), $old, $new, 'before precompressed files');
is coding(+(ask('/static/app.2.js', $dcz[0]))[0]), 'zstd',
    '... which the others get';
is_dcz(ask('/file/big.js', @dcz), $old, $new x 40, 'a large one');

# ---- who does not ----------------------------------------------------------

my %others = (
    'no dictionary' => [$dcz[0]],
    'an unknown one' => [$dcz[0], available('x')],
    'not base64' => [$dcz[0], 'Available-Dictionary: :' . '*' x 44 . ':'],
    'no byte sequence' => [$dcz[0], 'Available-Dictionary: '
                           . sha256_base64($old) . '='],
    'too short' => [$dcz[0], 'Available-Dictionary: :AAAA:'],
    'dcz not accepted' => ['Accept-Encoding: zstd', $dcz[1]],
    'any accepted' => ['Accept-Encoding: zstd, *', $dcz[1]],
    'dcz refused' => ['Accept-Encoding: zstd, dcz;q=0', $dcz[1]],
    'zstd preferred' => ['Accept-Encoding: zstd, dcz;q=0.5', $dcz[1]],
    'another site' => [@dcz, 'Sec-Fetch-Site: cross-site'],
    'another origin' => [@dcz, 'Sec-Fetch-Site: same-site'],
);
is coding(+(ask('/file/app.2.js', @{ $others{$_} }))[0]), 'zstd', $_
    for sort keys %others;
is coding(+(ask('/file/app.2.js', @dcz, "Sec-Fetch-Site: $_"))[0]), 'dcz',
    "a request from $_" for qw(same-origin none);
is coding(+(ask("http://127.0.0.1:@{[ $t->port ]}/file/app.2.js", @dcz))[0]),
    'zstd', 'without TLS';
($head) = ask("http://127.0.0.1:@{[ $t->port ]}/file/app.1.js", @dcz);
unlike $head, qr/Use-As|Vary/, '... where none is offered';
is coding(+(ask("/$_/app.2.js", @dcz))[0]), $_ eq 'plain' ? 'none' : 'zstd',
    "/$_/" for qw(off plain);
is coding(+(ask('/file/app.2.js', 'Accept-Encoding: dcz', $dcz[1]))[0]), 'dcz',
    'a client that accepts nothing else';

# ---- responses that become one ------------------------------------------

is coding(+(ask('/learnt/app.2.js', @dcz))[0]), 'zstd', 'not seen so far';
is length +(ask('/learnt/app.1.js', 'Range: bytes=0-4999'))[1], 5000,
    'a part of one is none';
ok +(ask('/learnt/app.1.js'))[1] eq $old, 'a response that is one';
is_dcz(ask('/learnt/app.2.js', @dcz), $old, $new, 'from then on');
is coding(+(ask('/learnt/app.2.js', @dcz, 'Host: other'))[0]), 'zstd',
    'not for another origin';

for my $name (sort keys %offers) {
    (undef, my $sent) = ask("/up/$name");
    my $is_one = $name eq 'first';
    my @with = ($dcz[0], available($name eq 'cut' ? "$old/* cut */" : $sent));

    is coding(+(ask('/up/page', @with))[0]), $is_one ? 'dcz' : 'zstd',
        "of an upstream: $name";
}
my $of = "$old/* first */";
my @up = ($dcz[0], available($of));
is_dcz(ask('/up/page', @up), $of, $new, 'a proxied response');
is_dcz(ask('/up/unknown', @up), $of, $new, '... of unknown length');
is coding(+(ask('/up/stream', @up))[0]), 'zstd', '... not a stream';
ok +(ask('/up/first'))[1] eq $of, 'the dictionary again';
($head, $body) = Weir::TLS::curl("https://127.0.0.1:$port/up/page", '-I',
                                 map { ('-H', $_) } @up);
like $head, qr/^Content-Encoding: dcz/mi, 'HEAD';

$t->reload if lives_on();
is_dcz(ask('/file/app.2.js', @dcz), $old, $new, 'after a reload: a file');
is_dcz(ask('/learnt/app.2.js', @dcz), $old, $new, '... what was seen')
    if lives_on();

# ---- configurations ------------------------------------------------------

sub refused {
    my ($line, $re, $name) = @_;
    my $r = conf_test("events {}\nhttp {\n$line\n}\n");

    is $r->{code}, 1, $name;
    like $r->{err}, $re, '... its message';
}

my $file = $t->path('html/app.1.js');
refused('compression_dictionary /none;', qr/stat\(\) "\/none" failed/, 'no file');
refused("compression_dictionary $file id=x;", qr/no "match" for "id=x"/,
        'an id without match');
refused("compression_dictionary $file $_;", qr/invalid parameter "\Q$_\E"/, $_)
    for 'match=', 'match=x', 'match=//other/x', 'match=/(a|b)', 'id=',
        'match-dest=A', 'other=1';
refused('compression_dictionary on match=/;', qr/invalid parameter "match=\/"/,
        'on with match');
refused("compression_dictionary off; compression_dictionary on;",
        qr/compression_dictionary/, 'off beside others');

# ---- Chromium -------------------------------------------------------------

SKIP: {
    skip 'no chromium', 1 if !grep { -x "$_/chromium" } split /:/, $ENV{PATH};
    my $page = qx{timeout 60 chromium --headless --no-sandbox --disable-gpu \\
        --no-first-run --disable-background-networking --disable-dev-shm-usage \\
        --ignore-certificate-errors --virtual-time-budget=20000 \\
        --user-data-dir='@{[ $t->path('chromium') ]}' --dump-dom \\
        https://localhost:$port/page.html 2>/dev/null};

    skip 'chromium does not run here', 1 if $page !~ /<html/;
    like $page, qr/length @{[ length $new ]}/, 'Chromium reads all of it';
    ok $t->wait_log(qr{^/learnt/app.2.js dcz$}, 'coding.log'),
        '... with the dictionary';
}

done_testing;
