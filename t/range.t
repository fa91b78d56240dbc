# SPDX-License-Identifier: BSD-2-Clause
#
# Byte ranges: one, several, none that can be met, If-Range, max_ranges.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Time::HiRes qw(time);

my $t = Weir::Test->new;
my $text = join '', map { sprintf '%02d', $_ } 0 .. 49;      # 100 bytes
my $big = join '', map { pack 'N', $_ * 7919 } 1 .. 100_000;
$t->write('html/f.txt', $text, mtime => 1700000000);
$t->write('html/big.txt', $big);
$t->write('html/empty.txt', '');
$t->run(<<'EOC');
%%HTTP%%
    types { text/plain txt; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /none/ { alias %%TESTDIR%%/html/; max_ranges 0; }
        location /two/ { alias %%TESTDIR%%/html/; max_ranges 2; }
        location /copy/ { alias %%TESTDIR%%/html/; sendfile off; }
        location /send/ { alias %%TESTDIR%%/html/; sendfile on; }
    }
}
EOC

sub range {
    my ($range, %opt) = @_;

    return $t->get($opt{uri} // '/f.txt',
                   headers => [Range => $range, @{ $opt{headers} // [] }]);
}

# ---- one range ----

my @one = (
    # range                 first  last
    'bytes=0-0'         => [0, 0],
    'bytes=0-9'         => [0, 9],
    'bytes=10-19'       => [10, 19],
    'bytes=90-'         => [90, 99],
    'bytes=-5'          => [95, 99],
    'bytes=-200'        => [0, 99],
    'bytes=0-999'       => [0, 99],
    'bytes=99-99'       => [99, 99],
    'bytes= 1-2'        => [1, 2],
    'Bytes=1-2'         => [1, 2],
);
while (my ($range, $wanted) = splice @one, 0, 2) {
    my ($first, $last) = @$wanted;
    my $r = range($range);
    is $r->status, 206, $range;
    is $r->body, substr($text, $first, $last - $first + 1), "$range: body";
    is $r->header('Content-Range'), "bytes $first-$last/100",
        "$range: Content-Range";
    is $r->header('Content-Length'), $last - $first + 1, "$range: length";
    is $r->header('Content-Type'), 'text/plain', "$range: type";
}
my $r;
is $t->head('/f.txt', headers => [Range => 'bytes=10-19'])->status, 206,
    'HEAD';

# ---- ranges that cannot be met, and those that are none ----

for my $range ('bytes=100-', 'bytes=100-200', 'bytes=5-4', 'bytes=a-b',
               'bytes=-0', 'bytes=1', 'bytes=--1',
               'bytes=99999999999999999999-') {
    my $r = range($range);
    is $r->status, 416, $range;
    is $r->header('Content-Range'), 'bytes */100', "$range: Content-Range";
}
for my $range ('items=0-5', '0-5', 'bytes 0-5', 'bytes=') {
    my $r = range($range);
    is $r->status . $r->body, "200$text", "$range is ignored";
}
is range('bytes=0-', uri => '/empty.txt')->status, 200, 'an empty file';
is $t->post('/f.txt', '', headers => [Range => 'bytes=0-1'])->status, 405,
    'not with POST';

# ---- several ranges ----

$r = range('bytes=0-1,10-11,-2');
is $r->status, 206, 'several ranges';
my ($boundary) = ($r->header('Content-Type') // '')
    =~ m{^multipart/byteranges; boundary=(\S+)$};
ok defined $boundary, 'several ranges: type';
SKIP: {
    skip 'an nginx counts', 2 if is_oracle();
    like $boundary, qr/^\d{20}$/, 'the boundary';
    my %high;
    for (1 .. 4) {
        my ($n) = range('bytes=0-1,10-11,98-')->header('Content-Type') =~ /=(\d+)$/;
        $high{ $n >> 32 } = 1;
    }
    is scalar keys %high, 4, 'has nothing of the clock nor of an address';
}
is $r->body, join('', map {
    my ($first, $last) = @$_;
    "\r\n--$boundary\r\nContent-Type: text/plain\r\n"
        . "Content-Range: bytes $first-$last/100\r\n\r\n"
        . substr($text, $first, $last - $first + 1)
} [0, 1], [10, 11], [98, 99]) . "\r\n--$boundary--\r\n",
    'several ranges: body';
is $r->header('Content-Length'), length $r->body, 'several ranges: length';
is $r->header('Content-Range'), undef, 'several ranges: no Content-Range';
is range('bytes=0-0,500-600')->header('Content-Range'), 'bytes 0-0/100',
    'one of two can be met';
is range('bytes=500-600,700-800')->status, 416, 'none of two can be met';
$r = range('bytes=0-60,20-99');
is $r->status . $r->body, "200$text", 'more than the whole: the whole';

# ---- limits ----

$r = range('bytes=0-1', uri => '/none/f.txt');
is $r->status . $r->body, "200$text", 'max_ranges 0';
is $r->header('Accept-Ranges'), undef, 'max_ranges 0: no Accept-Ranges';
is range('bytes=0-1,3-4', uri => '/two/f.txt')->status, 206, 'max_ranges 2';
is range('bytes=0-1,3-4,6-7', uri => '/two/f.txt')->status, 200,
    'max_ranges 2: three asked';

# ---- If-Range ----

my $etag = $t->get('/f.txt')->header('ETag');
my @if = (
    $etag => 206, '"other"' => 200, "W/$etag" => 200,
    'Tue, 14 Nov 2023 22:13:20 GMT' => 206,
    'Tue, 14 Nov 2023 22:13:21 GMT' => 200,
    'junk' => 200,
);
while (my ($value, $wanted) = splice @if, 0, 2) {
    is range('bytes=0-1', headers => ['If-Range' => $value])->status, $wanted,
        "If-Range: $value";
}

# ---- bytes of a big file ----

for my $place ('copy', 'send') {
    $r = range('bytes=65530-200001', uri => "/$place/big.txt");
    ok $r->body eq substr($big, 65530, 200002 - 65530),
        "$place: across buffers";
    $r = range('bytes=100000-100009,300000-399999', uri => "/$place/big.txt");
    like $r->body, qr/\r\n\r\n\Q${\ substr $big, 300000, 100000}\E\r\n--/,
        "$place: the second of two";
}

# What the client does not want is not read either.
truncate $t->path('html/big.txt'), 3_000_000_000;
my $start = time;
for my $place ('copy', 'send') {
    is length range("bytes=$_-", uri => "/$place/big.txt")->body,
        3_000_000_000 - $_, "$place: from $_" for (2_999_999_990) x 10;
    like range('bytes=0-9,2999999990-', uri => "/$place/big.txt")->body,
        qr{/3000000000\r\n\r\n\0{10}\r\n--\d+--\r\n$}, "$place: both ends";
}
cmp_ok time - $start, '<', 3, 'the rest is not read';

done_testing;
