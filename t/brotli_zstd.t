# SPDX-License-Identifier: BSD-2-Clause
#
# brotli, zstd and their directives: which responses, for whom.  That bodies are
# whole whatever way they come is in compress_matrix.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test qw(:DEFAULT top_folder);

need_module(qw(http_proxy http_rewrite));

my $load = load_brotli(is_oracle(), 'filter');
plan(skip_all => 'no brotli module') if !defined $load;
my @codings = grep { is_oracle() ? $_->[0] eq 'brotli' : has_module($_->[0]) }
    ['brotli', 'br', 0, 11], ['zstd', 'zstd', 1, 22];
plan(skip_all => 'neither brotli nor zstd') if !@codings;

my $text = do { local (@ARGV, $/) = top_folder() . '/README.md'; <> };
my $big = join '', map { sprintf '%d %s', $_ * 7919, 'abc' x ($_ % 7) }
    1 .. 50_000;
my $short = 'short ' x 100;

my $up = Weir::Backend->http(sub {
    my ($request) = @_;
    my ($field) = $request->uri =~ /\?(.*)/;

    $field =~ s/\+/ /g;
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n$field\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
});
my $backend = $up->port;

my $t = Weir::Test->new;
$t->write('html/f.txt', $text, mtime => 1700000000);
$t->write("html/f.$_", $text) for qw(html css bin);
$t->write('html/big.txt', $big);
$t->write('html/empty.txt', '');
$t->write("html/$_.txt", 'x' x $_) for 19, 20;

my $servers = '';
for (@codings) {
    my ($name, $coding, $least, $most) = @$_;
    my $window = $name eq 'brotli' ? 'brotli_window 1k;' : '';
    my $levels = join "\n", map {
        "location /level/$_/ { ${name}_comp_level $_; alias %%TESTDIR%%/html/; }"
    } $least, $least + 1, 4, 9, $most;

    $servers .= <<"EOC";
    server {
        listen 127.0.0.1:%%PORT_$name%%;
        types { text/html html; text/css css; text/plain txt; }
        $name on;
        ${name}_types text/plain;
        location / { root %%TESTDIR%%/html; }
        location /off/ { $name off; alias %%TESTDIR%%/html/; }
        location /vary/ { gzip_vary on; alias %%TESTDIR%%/html/; }
        location /all/ { ${name}_types *; alias %%TESTDIR%%/html/; }
        location /none/ { ${name}_min_length 0; alias %%TESTDIR%%/html/; }
        location /small/ { ${name}_buffers 1 1k; $window
                           alias %%TESTDIR%%/html/; }
        location /if/ { $name off; if (\$arg_zip) { $name on; }
                        alias %%TESTDIR%%/html/; }
        location /gz/ { gzip on; gzip_types text/plain;
                        alias %%TESTDIR%%/html/; }
        location /up { proxy_pass http://127.0.0.1:$backend; }
        location /code { default_type text/plain;
                         location /code/201 { return 201 "$short"; }
                         location /code/200 { return 200 "$short"; } }
        location /ratio/ { access_log %%TESTDIR%%/$name.log $name;
                           alias %%TESTDIR%%/html/; }
        $levels
    }
EOC
}
my $formats = join "\n", map { "log_format $_->[0] \$$_->[0]_ratio;" } @codings;
$t->run($load . "%%HTTP%%\n$formats\n$servers\n}\n");

for (@codings) {
    my ($name, $coding, $least, $most) = @$_;

    SKIP: {
        skip "no program decodes $coding", 1 if !can_decode($coding);
        check($name, $coding, $least, $most);
    }
}

sub check {
    my ($name, $coding, $least, $most) = @_;
    my $port = $t->port($name);
    my $get = sub {
        my ($uri, $accepted, %opt) = @_;
        return $t->get($uri, port => $port, %opt, headers =>
            [defined $accepted ? ('Accept-Encoding', $accepted) : (),
             @{ $opt{headers} // [] }]);
    };
    my $is_coded = sub {
        my ($r, $body, $what) = @_;
        local $Test::Builder::Level = $Test::Builder::Level + 1;

        is $r->header('Content-Encoding'), $coding, "$name, $what: coding"
            or return;
        my ($plain, $wrong) = decode($coding, $r->body);
        is $wrong, '', "$name, $what: is whole";
        ok $plain eq $body && $r->complete, "$name, $what: body";
    };
    my $is_plain = sub {
        my ($r, $body, $what) = @_;
        local $Test::Builder::Level = $Test::Builder::Level + 1;

        is $r->header('Content-Encoding'), undef, "$name, $what: no coding";
        ok $r->body eq $body, "$name, $what: body";
    };

    my $r = $get->('/f.txt', $coding);
    $is_coded->($r, $text, 'a file');
    is $r->header('Content-Length'), undef, "$name: no length";
    is $r->header('Accept-Ranges'), undef, "$name: no ranges";
    like $r->header('ETag'), qr{^W/"[^"]+"$}, "$name: a weak tag";
    is $r->header('Vary'), undef, "$name: no Vary unless asked";
    is $get->('/f.txt', $coding, headers => ['If-None-Match',
                                             $r->header('ETag')])->status,
        304, "$name: the tag is known again";
    $is_coded->($get->('/f.txt', $coding, headers => ['Range', 'bytes=0-4']),
                $text, 'no ranges of it');
    $r = $t->head('/f.txt', port => $port,
                  headers => ['Accept-Encoding', $coding]);
    is $r->header('Content-Encoding'), $coding, "$name: HEAD";
    is $r->header('Content-Length'), undef, "$name: HEAD has no length";

    $is_plain->($get->('/f.txt'), $text, 'not asked');
    $is_plain->($get->('/f.txt', "$coding;q=0"), $text, 'q=0');
    $is_plain->($get->('/f.txt', "x$coding"), $text, 'another name');
    $is_plain->($get->('/f.txt', '*'), $text, '*');
    $is_coded->($get->('/f.txt', uc $coding), $text, 'upper case');
    $is_plain->($get->('/off/f.txt', $coding), $text, 'off');
    $is_coded->($get->('/f.html', $coding), $text, 'text/html always');
    $is_plain->($get->('/f.css', $coding), $text, 'another type');
    $is_coded->($get->('/all/f.css', $coding), $text, 'all types');
    $is_plain->($get->('/19.txt', $coding), 'x' x 19, 'too short');
    $is_coded->($get->('/20.txt', $coding), 'x' x 20, 'just long enough');
    $is_coded->($get->('/none/empty.txt', $coding), '', 'nothing')
        if !is_oracle();
    $is_coded->($get->('/if/f.txt?zip=1', $coding), $text, 'in if');
    $is_plain->($get->('/if/f.txt', $coding), $text, 'not in if');
    $is_coded->($get->('/code/200', $coding), $short, '200');
    $is_plain->($get->('/code/201', $coding), $short, '201');
    is $get->('/nowhere', $coding)->header('Content-Encoding'), $coding,
        "$name: a built-in page of 404";
    is $get->('/vary/f.txt', $_)->header('Vary'), 'Accept-Encoding',
        "$name: Vary for $_" for $coding, 'x';
    is $get->('/gz/f.txt', "gzip, $coding")->header('Content-Encoding'),
        $coding, "$name: precedes gzip";
    is $get->('/gz/f.txt', 'gzip')->header('Content-Encoding'), 'gzip',
        "$name: gzip beside it";
    # The rules of gzip are only for that.
    $is_coded->($get->('/f.txt', $coding, headers => ['Via', '1.1 p']), $text,
                'through a proxy');
    is $get->('/up?Content-Encoding:+x', $coding)->header('Content-Encoding'),
        'x', "$name: coded already";
    is $get->('/up?ETag:+"a"', $coding)->header('ETag'), 'W/"a"',
        "$name: the tag of an upstream";

    $is_coded->($get->('/big.txt', $coding), $big, 'a large file');
    $is_coded->($get->('/small/big.txt', $coding), $big, 'the least memory');
    my @size = map {
        my $r = $get->("/level/$_/f.txt", $coding);
        $is_coded->($r, $text, "level $_");
        length $r->body;
    } $least, $least + 1, 4, 9, $most;
    cmp_ok $size[-1], '<', $size[0], "$name: the last level makes less";

    my $length = length $get->('/ratio/f.txt', $coding)->body;
    $get->('/ratio/f.txt', 'x');
    wait_until(sub { my @lines = $t->log("$name.log"); @lines == 2 }, 5);
    is join(' ', $t->log("$name.log")),
        sprintf('%.2f -', int(length($text) * 1000 / $length / 10 + 0.5) / 100),
        "$name: the ratio" if !is_oracle();

    for my $case (["${name}_comp_level " . ($most + 1),
                   "value must be between $least and $most in "],
                  ["${name}_min_length x", "\"${name}_min_length\" directive "
                   . 'invalid value in '],
                  ["${name}_buffers 0 4k", "\"${name}_buffers\" directive "
                   . 'invalid value in '],
                  ["$name maybe", "invalid value \"maybe\" in \"$name\" "
                   . 'directive, it must be "on" or "off" in '])
    {
        my $said = conf_test($load . "events {}\nhttp {\n$case->[0];\n}\n");
        is $said->{code}, 1, $case->[0];
        like $said->{err}, qr/\Q[emerg] $case->[1]\E/, "$case->[0]: said";
    }
}

for my $size (qw(3k 512 32m)) {
    my $said = conf_test($load . "events {}\nhttp {\nbrotli_window $size;\n}\n");
    like $said->{err}, qr/"brotli_window" directive must be 1k, 2k, 4k, 8k, /,
        "brotli_window $size";
}

for my $file (qw(brotli_filter brotli_static zstd_filter zstd_static)) {
    my $said = conf_test("load_module modules/ngx_http_${file}_module.so;\n"
                         . "events {}\n");
    is $said->{code}, 0, "load_module of $file" if !is_oracle();
}

done_testing;
