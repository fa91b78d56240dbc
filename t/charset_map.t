# SPDX-License-Identifier: BSD-2-Clause
#
# charset_map: text is converted from and to UTF-8 and between other character
# sets, however it is cut; which responses are, and what is refused.

use strict;
use warnings;

use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_charset', 'http_proxy', 'http_rewrite');

my $text = Encode::decode('utf-8', join "\n", map { "$_ Съешь ещё этих мягких "
    . "французских булок, да выпей чаю. ИЄЇҐ" } 1 .. 300);
my %texts = (
    utf => Encode::encode('utf-8', $text),
    koi => Encode::encode('koi8-u', $text),
    win => Encode::encode('cp1251', $text),
    ascii => "only letters\n" x 2000,
    broken => "a\xff\xfez\xd0|",
    cut => "ab\xd0",
    others => Encode::encode('utf-8', "\x{42f}|\x{20ac}|\x{1f600}|\x{fffd}"),
    mixed => "a\xd7\xc1\xd7z",
);

my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($what, $type, $n, $more) = $request->uri =~ m{\?(\w+)(?:,([^,]*))?(?:,(\d+))?(?:,(.*))?};
    my $body = $texts{$what};
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/html" . ($type // '')
        . "\r\nETag: \"a\"\r\n" . (defined $more ? "$more\r\n" : '');

    $head =~ s/%([0-9A-F]{2})/chr hex $1/ge;
    return $head . 'Content-Length: ' . length($body) . "\r\n\r\n"
        . ($request->method eq 'HEAD' ? '' : $body) if !$n;
    return "${head}Transfer-Encoding: chunked\r\n\r\n"
        . (join '', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack "(a$n)*", $body)
        . "0\r\n\r\n";
});
my $pass = 'proxy_pass http://127.0.0.1:' . $up->port . ';';
my $conf = "$FindBin::Bin/../conf";
my $ssi = has_module('http_ssi') ? "location /ssi/ { ssi on; ssi_types *; charset utf-8; source_charset koi8-r; alias %%TESTDIR%%/html/; }" : '';

my $t = Weir::Test->new;
$t->write('html/koi.html', $texts{koi});
$t->write('html/inc.html', "\xc1<!--#include virtual=\"/plain?koi,;charset=koi8-r\" -->"
    . '<!--#include virtual="/plain?koi" --><!--#include virtual="/from1251?win" -->');
$t->run(<<"EOC");
%%HTTP%%
    include $conf/koi-utf;
    include $conf/koi-win;
    include $conf/win-utf;
    charset_map few utf-8 { C1 D0B0; c2 d0b1; 1 e282ac; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /plain { $pass }
        location /toutf { charset utf-8; source_charset koi8-r; $pass }
        location /tokoi { charset koi8-r; source_charset utf-8; $pass }
        location /from1251 { charset utf-8; source_charset windows-1251; $pass }
        location /koiwin { charset windows-1251; source_charset koi8-r; $pass }
        location /winkoi { charset koi8-r; source_charset windows-1251; $pass }
        location /few { charset utf-8; source_charset few; $pass }
        location /tofew { charset few; source_charset utf-8; $pass }
        location /override { charset utf-8; override_charset on; $pass }
        location /now { charset utf-8; source_charset koi8-r; proxy_buffering off; $pass }
        location /back { charset koi8-r; source_charset utf-8; proxy_buffering off; $pass }
        location /var { charset \$arg_to; source_charset \$arg_from; $pass }
        location /if { charset utf-8; if (\$arg_koi) { source_charset koi8-r; $pass } $pass }
        location /file/ { charset utf-8; source_charset koi8-r; alias %%TESTDIR%%/html/; }
        location /filewin/ { charset windows-1251; source_charset koi8-r; alias %%TESTDIR%%/html/; }
        $ssi
    }
}
EOC

sub becomes {
    my ($uri, $type, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $r = $t->get($uri);

    $name //= $uri;
    is $r->header('Content-Type'), $type, "$name: type";
    ok $r->complete && $r->body eq $body, "$name: body" or diag unpack 'H*', substr $r->body, 0, 100;
    return $r;
}

my $utf = 'text/html; charset=utf-8';
my $r = becomes '/toutf?koi', $utf, $texts{utf};
is $r->header('Content-Length'), undef, 'the length is unknown';
is $r->header('ETag'), '"a"', 'the tag stays';
becomes '/tokoi?utf', 'text/html; charset=koi8-r', $texts{koi};
becomes '/from1251?win', $utf, $texts{utf};
$r = becomes '/koiwin?koi', 'text/html; charset=windows-1251', $texts{win};
is $r->header('Content-Length'), length $texts{win}, 'a byte for a byte: the length stays';
becomes '/winkoi?win', 'text/html; charset=koi8-r', $texts{koi};
becomes '/file/koi.html', $utf, $texts{utf};
becomes '/toutf?ascii', $utf, $texts{ascii};
becomes '/tokoi?ascii', 'text/html; charset=koi8-r', $texts{ascii};
becomes '/if?koi&koi=1', $utf, $texts{utf};
becomes '/if?koi', $utf, $texts{koi};
is $t->get('/filewin/koi.html', headers => [Range => 'bytes=3-40'])->body,
    substr($texts{win}, 3, 38), 'a range of bytes';
$r = $t->head('/toutf?koi');
is $r->header('Content-Length'), undef, 'HEAD';

# ---- which ----

becomes '/toutf?koi,;charset=koi8-r', 'text/html;charset=koi8-r', $texts{koi}, 'named already';
becomes '/override?koi,;charset=koi8-r', $utf, $texts{utf}, 'named, override';
becomes '/override?koi,;charset=%22KOI8-R%22', $utf, $texts{utf}, 'named in quotes';
becomes '/override?koi,;v=1;charset=koi8-r', 'text/html;v=1; charset=utf-8', $texts{utf}, 'behind a parameter';
becomes '/override?koi,;charset=foo', 'text/html;charset=foo', $texts{koi}, 'named, without a map';
becomes '/override?utf,;charset=utf-8', $utf, $texts{utf}, 'named, the same';
becomes '/toutf?koi,,0,Content-Encoding:%20gzip', 'text/html', $texts{koi}, 'compressed';
becomes '/koiwin?koi,,0,X-Accel-Charset:%20utf-8', $utf, $texts{utf}, 'X-Accel-Charset';
becomes '/koiwin?koi,,0,X-Accel-Charset:%20foo', 'text/html', $texts{koi}, '... unknown';
becomes '/var?koi&from=koi8-r&to=UTF-8', 'text/html; charset=UTF-8', $texts{utf}, 'variables';
becomes '/var?koi&from=koi8-r&to=koi8-r', 'text/html; charset=koi8-r', $texts{koi}, '... the same';
becomes '/var?koi&from=koi8-r&to=foo', 'text/html', $texts{koi}, '... without a map';
like join("\n", $t->log), qr/no "charset_map" between the charsets "koi8-r" and "foo"/, 'logged';
like join("\n", $t->log), qr/unknown charset "foo" to override/, '... that, too';
becomes '/ssi/inc.html', $utf, "\xd0\xb0" . $texts{utf} . $texts{koi} . $texts{utf},
    'what is included' if $ssi;

# ---- characters without a counterpart ----

becomes '/tofew?others', 'text/html; charset=few', "&#1071;|\1|&#128512;|&#65533;", 'entities';
becomes '/tofew?cut', 'text/html; charset=few', 'ab', 'a character that is cut';

if (!is_oracle()) { # nginx 1.31 does; a body in several buffers is ours alone
    becomes '/tofew?broken', 'text/html; charset=few', 'a??z?|', 'broken characters';
    becomes '/few?mixed', $utf, "a\xd7\xd0\xb0?z", 'bytes without a character';
    becomes "/back?broken,,$_", 'text/html; charset=koi8-r', 'a??z?|', "broken, in pieces of $_"
        for 1 .. 4;
}

# ---- pieces ----

becomes "/now?koi,,$_", $utf, $texts{utf}, "in pieces of $_"
    for is_oracle() ? (1000) : (1, 2, 3, 1000); # nginx fails with small ones
becomes "/back?utf,,$_", 'text/html; charset=koi8-r', $texts{koi}, "back, in pieces of $_"
    for 1, 2, 3, 5, 1001;

# ---- refused ----

my $same = 'charset_map a b {}';
for my $case (
    ['charset_map a A {}', '"charset_map" between the same charsets "a" and "A" in F:1'],
    ["$same $same", 'duplicate "charset_map" between "a" and "b" in F:1'],
    ["$same charset_map b a {}", 'duplicate "charset_map" between "b" and "a" in F:1'],
    ['charset_map a b { C1; }', 'invalid parameters number in F:1'],
    ['charset_map a b { C1 D0 D1; }', 'invalid parameters number in F:1'],
    ['charset_map a b { G1 D0; }', 'invalid value "G1" in F:1'],
    ['charset_map a b { 100 D0; }', 'invalid value "100" in F:1'],
    ['charset_map a b { C1 D0D1; }', 'invalid value "D0D1" in F:1'],
    ['charset_map a utf-8 { C1 FFFF; }', 'invalid value "FFFF" in F:1'],
    ['charset_map a utf-8 { C1 30; }', 'invalid value "30" in F:1'],
    ['charset_map a utf-8 { C1 F09F9880; }', 'invalid value "F09F9880" in F:1'],
    ['charset_map a utf-8 { "" D0B0; }', 'invalid value "" in F:1'],
    ['source_charset a; server { charset b; }', 'no "charset_map" between the charsets "a" and "b"'],
    ['source_charset off; server { charset b; }', 'no "charset_map" between the charsets "off" and "b"'],
    ['charset_map a {}', 'invalid number of arguments in "charset_map" directive in F:1'],
) {
    is conf_test("events {} http { $case->[0] }")->{first}, $case->[1], $case->[0];
}
if (!is_oracle()) { # since nginx 1.31.3
    is conf_test('events {} http { charset_map UTF-8 b {} }')->{first},
        '"charset_map" with "utf-8" charset should be given in the second column in F:1',
        'utf-8 first';
}

done_testing;
