# SPDX-License-Identifier: BSD-2-Clause
#
# image_filter: what is an image and how large it is, smaller, cut and turned
# images, and what is no image, or too large.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $module = '/usr/lib/nginx/modules/ngx_http_image_filter_module.so';
need_module('http_image_filter');
if (is_oracle() && !-e $module) {
    plan(skip_all => "no $module");
    exit;
}

my $t = Weir::Test->new;
my %image;
for my $type (qw(jpg png gif webp)) { # 120x80 pixels
    open my $in, '<:raw', "$FindBin::Bin/data/images/a.$type" or die "$type: $!\n";
    local $/;
    $image{$type} = <$in>;
    $t->write("html/a.$type", $image{$type});
}
$t->write('html/text', 'some text, longer than sixteen bytes');
$t->write('html/empty', '');
$t->write('html/short', substr $image{png}, 0, 10);
$t->write('html/cut.png', substr $image{png}, 0, 300);
chmod 0777, $t->mkdir('stored');
$t->write('html/no_image', 'no image');

# A few bytes that claim 30000 x 30000 pixels
sub chunk {
    my ($data) = @_;
    my $crc = 0xffffffff;
    for my $byte (unpack 'C*', $data) {
        $crc ^= $byte;
        $crc = $crc & 1 ? $crc >> 1 ^ 0xedb88320 : $crc >> 1 for 1 .. 8;
    }
    return pack('N', length($data) - 4) . $data . pack('N', $crc ^ 0xffffffff);
}
$t->write('html/huge.png', substr($image{png}, 0, 8)
    . chunk('IHDR' . pack 'NNC5', 30000, 30000, 8, 2, 0, 0, 0)
    . chunk('IDAT' . pack 'H*', '789c63601805b402000064000 1' =~ s/ //r) . chunk('IEND'));

# The backend sends an image in pieces, or not all of it.
my $b = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($type) = $request->uri =~ /\.(\w+)/;
    my $body = $image{ $type // '' } // 'some text, longer than sixteen bytes';
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nETag: \"e\"\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n";

    if ($request->uri =~ /mixed/) {
        return "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; a=b\r\n"
            . "Content-Length: 0\r\n\r\n";
    }
    if ($request->uri =~ /unsized/) {
        $c->send("HTTP/1.1 200 OK\r\n\r\n" . ('x' x 5000));
        $c->close;
        return;
    }
    if ($request->uri =~ /cut/) {
        $c->send($head . substr $body, 0, 500);
        $c->close;
        return;
    }
    if ($request->uri =~ /bytes/) {
        $c->send($head);
        for my $byte (split //, substr $body, 0, 40) {
            $c->send($byte);
            select undef, undef, undef, 0.002;
        }
        $c->send(substr $body, 40);
        return;
    }
    return $head . $body;
});

my $globals = is_oracle() ? "load_module $module;\n%%HTTP%%" : '%%HTTP%%';
$t->run(<<"EOC" =~ s/%%BACKEND%%/'127.0.0.1:' . $b->port/gre);
$globals
    types { image/png png; image/jpeg jpg; image/gif gif; image/webp webp; }
    log_format brief "\$uri|\$status|\$body_bytes_sent";
    access_log %%TESTDIR%%/access.log brief;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /test/ { alias %%TESTDIR%%/html/; image_filter test; }
        location /size/ { alias %%TESTDIR%%/html/; image_filter size; }
        location /small/ { alias %%TESTDIR%%/html/; image_filter resize 60 60; }
        location /high/ { alias %%TESTDIR%%/html/; image_filter resize - 20; }
        location /large/ { alias %%TESTDIR%%/html/; image_filter resize 500 500; }
        location /crop/ { alias %%TESTDIR%%/html/; image_filter crop \$arg_w \$arg_h; }
        location /both/ { alias %%TESTDIR%%/html/;
            image_filter crop \$arg_w \$arg_h; image_filter rotate \$arg_r; }
        location /resize/ { alias %%TESTDIR%%/html/;
            image_filter resize \$arg_w \$arg_h; image_filter rotate \$arg_r; }
        location /turn/ { alias %%TESTDIR%%/html/; image_filter rotate \$arg_r; }
        location /180/ { alias %%TESTDIR%%/html/; image_filter rotate 180; }
        location /quality/ { alias %%TESTDIR%%/html/; image_filter resize 60 60;
            image_filter_jpeg_quality \$arg_q; image_filter_webp_quality \$arg_q;
            image_filter_interlace on; }
        location /sharp/ { alias %%TESTDIR%%/html/; image_filter resize 60 60;
            image_filter_sharpen 150; image_filter_transparency off; }
        location /tight/ { alias %%TESTDIR%%/html/; image_filter size;
            image_filter_buffer 600; }
        location /page/ { alias %%TESTDIR%%/html/; image_filter test;
            error_page 415 = /no_image; expires 1d; add_header X-Old yes;
            charset utf-8; charset_types *; }
        location /off/ { image_filter test;
            location /off/on/ { alias %%TESTDIR%%/html/; image_filter off; } }
        location /up/ { proxy_pass http://%%BACKEND%%; image_filter resize 60 -;
            image_filter_buffer 4900; }
        location /uptest/ { proxy_pass http://%%BACKEND%%; image_filter test; }
        location /stored/ { proxy_pass http://%%BACKEND%%; image_filter test;
            proxy_store %%TESTDIR%%/stored/it; }
        location /raw/ { proxy_pass http://%%BACKEND%%; proxy_buffering off;
            image_filter test; }
    }
}
EOC
$t->expect_log(qr{image filter: |gdImageCreateFrom\w+Ptr\(\) failed|failed \(2: |prematurely closed});

# The type and size that the bytes of an image say
sub size_of {
    my ($in) = @_;
    return sprintf 'png %dx%d', unpack 'x16NN', $in if $in =~ /^\x89PNG/;
    return sprintf 'gif %dx%d', unpack 'x6vv', $in if $in =~ /^GIF8/;
    return sprintf 'webp %dx%d', map { $_ & 0x3fff } unpack 'x26vv', $in
        if $in =~ /^RIFF....WEBPVP8 /s;
    return sprintf 'jpg %2$dx%1$d', unpack 'nn', $1
        if $in =~ /^\xff\xd8.*?\xff[\xc0\xc2]...(....)/s;
    return 'none';
}
sub size { my ($uri) = @_; return size_of($t->get($uri)->body) }

# ---- test and size

my %name = (jpg => 'jpeg', png => 'png', gif => 'gif', webp => 'webp');
for my $type (sort keys %image) {
    my $r = $t->get("/test/a.$type");
    is $r->status, 200, "$type is an image";
    ok $r->body eq $image{$type}, '... unchanged';
    is $r->header('Content-Length'), length $image{$type}, '... with its length';
    is $r->header('Accept-Ranges'), undef, '... without ranges';
    $r = $t->get("/size/a.$type");
    is $r->body, "{ \"img\" : { \"width\": 120, \"height\": 80, "
        . "\"type\": \"$name{$type}\" } }\r\n", "the size of $type";
    is $r->header('Content-Type'), 'application/json', '... as JSON';
    is $r->header('Last-Modified'), undef, '... without the date of the file';
    is size("/small/a.$type"), "$type 60x40", "$type, smaller";
    is size("/high/a.$type"), "$type 30x20", '... by its height';
    $r = $t->get("/small/a.$type");
    is $r->header('Content-Type'), "image/$name{$type}", '... has its type';
    like $r->header('ETag'), qr/^W\//, '... and a weak ETag';
    is $r->header('Content-Length'), length $r->body, '... and its length';
    $r = $t->get("/large/a.$type");
    ok $r->body eq $image{$type}, 'small enough: unchanged';
    like $r->header('ETag'), qr/^"/, '... and its ETag strong';
    is size("/turn/a.$type?r=90"), "$type 80x120", '... turned';
}
for my $name (qw(text empty short)) {
    is $t->get("/test/$name")->status, 415, "$name is no image";
    is $t->get("/size/$name")->body, "{}\r\n", '... and has no size';
    is $t->get("/small/$name")->status, 415, '... and is not made smaller';
    my $r = $t->get("/page/$name");
    is $r->status . ' ' . $r->body, '200 no image', '... which has a page';
    is join(' ', map { $r->header($_) // '-' }
            qw(Expires Cache-Control X-Old Content-Type)),
        '- - - text/plain', '... and nothing of the other head';
}
is $t->get('/page/')->status, 415, '... but a page about a folder has none';
is $t->get('/test/none')->status, 415, 'nor is a page about a missing file';
is $t->get('/size/none')->body, "{}\r\n", '... which has no size';
is $t->get('/test/cut.png')->status, 200, 'test does not look further';
is $t->get('/small/cut.png')->status, 415, 'a broken image';
is $t->get('/tight/a.jpg')->status, 415, 'too many bytes';
is $t->get('/off/on/text')->status, 200, 'off';
my $since = $t->get('/small/a.png')->header('Last-Modified');
is $t->get('/small/a.png', headers => ['If-Modified-Since' => $since])->status,
    304, '304 passes';
is $t->get('/small/a.png', headers => [Range => 'bytes=0-9'])->status, 200,
    'no ranges of what changes';

# ---- sizes, as nginx has them

for ([ 'w=60&h=20', '60x20' ], [ 'w=20&h=60', '20x60' ], [ 'w=-&h=20', '120x20' ],
     [ 'w=50&h=-', '50x80' ], [ 'w=100&h=90', '100x80' ], [ 'w=500&h=500', '120x80' ],
     [ 'w=40&h=60', '40x60' ])
{
    is size("/crop/a.png?$_->[0]"), "png $_->[1]", "crop $_->[0]";
}
for ([ 'w=60&h=20&r=270', '40x20' ], [ 'w=40&h=20&r=90', '26x20' ],
     [ 'w=60&h=20&r=180', '60x20' ], [ 'w=100&h=60&r=90', '66x60' ])
{
    is size("/both/a.png?$_->[0]"), "png $_->[1]", "crop and rotate, $_->[0]";
}
is size('/resize/a.png?w=60&h=60&r=90'), 'png 40x60', 'resize and rotate';
is size('/resize/a.png?w=60&h=60&r=45'), 'png 60x40', '... by no such angle';
is $t->get("/crop/a.png?$_")->status, 415, "crop $_"
    for 'w=0&h=20', 'w=x&h=20', 'w=20', 'w=99999999999999999999&h=20';
is $t->get("/turn/a.png?r=$_")->status, 415, "rotate $_" for 0, 45, 360, 'x';
my $turned = $t->get('/180/a.png')->body;
is size_of($turned), 'png 120x80', 'turned by 180';
ok $turned ne $image{png}, '... is another image';
for my $type (qw(jpg webp)) {
    my ($low, $high) = map { length $t->get("/quality/a.$type?q=$_")->body } 10, 95;
    cmp_ok $low, '<', $high, "quality of $type";
    is $t->get("/quality/a.$type?q=$_")->status, 415, "... $_" for 0, 'x';
}
like $t->get('/quality/a.jpg?q=50')->body, qr/\xff\xc2/, 'a progressive JPEG';
like $t->get('/small/a.jpg')->body, qr/\xff\xc0/, '... if wanted';
is ord(substr $t->get('/quality/a.png?q=50')->body, 28), 1, 'an interlaced PNG';
ok $t->get('/sharp/a.png')->body ne $t->get('/small/a.png')->body, 'sharper';
is size('/sharp/a.gif'), 'gif 60x40', '... without transparency';

# ---- upstreams

is size("/up/bytes.$_"), ($_ eq 'jpg' ? 'jpg' : $_) . ' 60x40',
    "$_, byte for byte" for sort keys %image;
ok $t->get("/uptest/bytes.$_")->body eq $image{$_}, '... passes test',
    for sort keys %image;
is $t->get("/$_/text")->status, 415, "$_: text" for qw(up uptest raw stored);
is $t->get('/up/unsized')->status, 415, 'too much of unknown length';
is $t->get('/stored/a.png')->status, 200, 'proxy_store';

# ---- connections stay usable

my $c = $t->connect;
for my $uri ('/test/text', '/size/a.png', '/test/none', '/up/text', '/small/a.gif') {
    my $r = $c->request('GET', $uri);
    ok defined $r && ($r->header('Connection') // '') ne 'close', "$uri keeps the connection";
}

SKIP: {
    skip 'nginx does not answer, or decodes it', 8 if is_oracle();
    my $r = $t->get('/small/huge.png');
    is $r->status, 415, 'too many pixels';
    ok scalar(grep { /an image of 30000 x 30000 pixels/ } $t->log), '... are not decoded';
    is $t->get('/size/huge.png')->body, "{ \"img\" : { \"width\": 30000, "
        . "\"height\": 30000, \"type\": \"png\" } }\r\n", '... but told';
    is $t->head('/size/a.png')->header('Content-Length'), 59, 'HEAD: size';
    is $t->head('/small/a.png')->status, 200, 'HEAD: an image';
    is $t->get('/up/cut.png')->status, 415, 'half of an image';
    is $t->get('/uptest/mixed')->status, 415, 'multipart/x-mixed-replace';
    ok $t->get('/raw/bytes.png')->body eq $image{png}, 'unbuffered';
}

# ---- configuration

for ([ 'image_filter;', 'invalid number of arguments in "image_filter" directive' ],
     [ 'image_filter x;', 'invalid parameter "x"' ],
     [ 'image_filter resize 10;', 'invalid parameter "resize"' ],
     [ 'image_filter crop 0 10;', 'invalid parameter "0"' ],
     [ 'image_filter rotate 45;', 'invalid parameter "45"' ],
     [ 'image_filter_jpeg_quality 0;', 'invalid value "0"' ],
     [ 'image_filter_webp_quality x;', 'invalid value "x"' ])
{
    my $load = is_oracle() ? "load_module $module; " : '';
    my $r = conf_test("${load}events { }\nhttp { server { listen 127.0.0.1:1;\n"
                      . "location / { $_->[0] } } }\n");
    like $r->{lines}[0], qr/^nginx: \[emerg\] \Q$_->[1]\E/, $_->[0];
}

done_testing;
