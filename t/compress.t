# SPDX-License-Identifier: BSD-2-Clause
#
# What all content codings have in common: the choice between them, what must
# not be compressed, streams, and the memory for many of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test;

plan(skip_all => 'what weir adds') if is_oracle();
need_module(qw(http_gzip http_proxy brotli zstd));

my $text = join '', map { "line $_ of a text\n" } 1 .. 1000;
my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($field) = $request->uri =~ /\?(.*)/;

    if ($request->uri =~ m{/events}) {
        my ($n, $pause) = $request->uri =~ /n=(\d+),([\d.]+)/;
        $c->send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                 . ($request->uri =~ /accel/ ? "X-Accel-Buffering: no\r\n" : '')
                 . "Transfer-Encoding: chunked\r\n\r\n");
        for my $event (1 .. $n) {
            $c->send(sprintf "%x\r\n%s\r\n", length, $_)
                for "data: event $event\n\n";
            select undef, undef, undef, $pause;
        }
        return "0\r\n\r\n";
    }
    $field =~ s/\+/ /g;
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n$field\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
});
my $backend = $up->port;

my $t = Weir::Test->new;
$t->write('html/f.txt', $text, mtime => 1700000000);
$t->run(<<"EOC");
%%HTTP%%
    map \$arg_type \$cc { default "public"; fixed "public, No-Transform"; }
    server {
        listen 127.0.0.1:%%PORT%%;
        gzip on; gzip_types text/plain text/event-stream;
        brotli on; brotli_types text/plain text/event-stream;
        zstd on; zstd_types text/plain text/event-stream;
        gzip_vary on;
        location / { root %%TESTDIR%%/html; }
        location /order/ { compress_order gzip zstd;
                           alias %%TESTDIR%%/html/; }
        location /fixed/ { add_header Cache-Control \$cc;
                           alias %%TESTDIR%%/html/; }
        location /up { proxy_pass http://127.0.0.1:$backend; }
        location /events/ { proxy_pass http://127.0.0.1:$backend; }
        location /events/now/ { proxy_buffering off;
                                proxy_pass http://127.0.0.1:$backend; }
    }
}
EOC

sub coding_of {
    my ($uri, $accepted, @fields) = @_;

    return $t->get($uri, headers => ['Accept-Encoding', $accepted, @fields])
        ->header('Content-Encoding') // '';
}

# ---- the choice ----

my @cases = (
    # accepted                              /      /order/
    'gzip, deflate, br, zstd'           => ['br',   'gzip'],
    'zstd, gzip'                        => ['zstd', 'gzip'],
    'br, zstd'                          => ['br',   'zstd'],
    'br'                                => ['br',   'br'],
    'gzip;q=1, br;q=0.9, zstd;q=0.999'  => ['gzip', 'gzip'],
    'gzip;q=0.8, br;q=0.9, zstd;q=0.9'  => ['br',   'zstd'],
    'gzip;q=0, br;q=0, zstd'            => ['zstd', 'zstd'],
    'gzip;q=0.5, identity'              => ['',     ''],
    'gzip;q=0.5, identity;q=0.5'        => ['gzip', 'gzip'],
    'identity;q=0'                      => ['',     ''],
    '*'                                 => ['',     ''],
    '*;q=0'                             => ['',     ''],
    'gzip, *;q=0'                       => ['gzip', 'gzip'],
    'identity;q=0, *'                   => ['br',   'gzip'],
    'br;q=0, identity;q=0, *;q=0.1'     => ['zstd', 'gzip'],
    'br;q=2, gzip;q=0.1'                => ['gzip', 'gzip'],
    ''                                  => ['',     ''],
);
while (my ($accepted, $wanted) = splice @cases, 0, 2) {
    is join(' ', map { coding_of($_, $accepted) } '/f.txt', '/order/f.txt'),
        "@$wanted", "accepted: $accepted";
}

# ---- what is left as it is ----

is coding_of('/fixed/f.txt', 'gzip'), 'gzip', 'Cache-Control: public';
is coding_of('/fixed/f.txt?type=fixed', 'gzip'), '', 'no-transform';
is coding_of('/up?Cache-Control:+no-transform', 'br'), '',
    'no-transform of an upstream';
is coding_of('/up?Content-Encoding:+x', 'br'), 'x', 'coded already';
is $t->get('/f.txt')->header('Vary'), 'Accept-Encoding',
    'Vary with what is not compressed';

# ---- files that change ----

# A small file is compressed once, until it changes; the first responses come
# before the cache trusts that it is at rest.
for my $coding (grep { can_decode($_) } qw(gzip br zstd)) {
    my $is = sub {
        my ($name, $plain) = @_;
        my $r = $t->get('/changing.txt',
                        headers => ['Accept-Encoding', $coding]);
        my ($got, $wrong) = decode($coding, $r->body);
        ok $wrong eq '' && $r->complete && $got eq $plain, "$coding: $name";
    };

    $t->write('html/changing.txt', "one $text", mtime => 1700000000);
    select undef, undef, undef, 0.2;
    $is->("a file, time $_", "one $text") for 1 .. 3;
    $t->write('html/changing.txt', "two $text", mtime => 1700000000);
    $is->("changed, time $_", "two $text") for 1 .. 3;
}

# ---- streams ----

# Each event can be read before the next one comes.
for my $coding (qw(gzip br zstd)) {
    for my $how ('buffered', 'now', 'accel') {
        SKIP: {
            skip "no program decodes $coding", 1
                if !can_decode($coding eq 'br' ? 'node' : $coding);
            my $c = $t->connect;
            my ($in, $seen) = ('', '');

            $c->send("GET /events/@{[ $how eq 'now' ? 'now/' : '' ]}$how"
                     . "?n=2,1 HTTP/1.1\r\n"
                     . "Host: a\r\nAccept-Encoding: $coding\r\n\r\n");
            like $c->read_until(qr/\r\n\r\n/), qr/Content-Encoding: $coding/i,
                "$coding, $how: a head";
            while ($in !~ /event 1\n\n/) {
                my $size = $c->read_until(qr/^[0-9a-f]+\r\n/) // last;
                my $n = hex(($size =~ /(\w+)/)[0]) or last;
                my $piece = $c->read_until(qr/^.{$n}\r\n/s) // last;
                $seen .= substr $piece, 0, $n;
                $in = partly($coding, $seen);
            }
            is $in, "data: event 1\n\n", "$coding, $how: the first event";
            $c->abort;
        }
    }
}

# partly($coding, $bytes): what can be decoded of a beginning.
sub partly {
    my ($coding, $bytes) = @_;

    return (decode($coding, $bytes))[0] if $coding ne 'br';
    $t->write('beginning', $bytes);
    return run_node($t->path('beginning'));
}

# The program brotli only writes what is whole.
sub run_node {
    my ($file) = @_;

    open my $pipe, '-|', qw(timeout 20 node -e), <<'EOJ', $file or die $!;
const z = require('zlib');
process.stdout.write(z.brotliDecompressSync(
    require('fs').readFileSync(process.argv[1]),
    { finishFlush: z.constants.BROTLI_OPERATION_FLUSH }));
EOJ
    return do { local $/; <$pipe> } // '';
}

# ---- memory ----

SKIP: {
    skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS};
    my ($worker) = $t->worker_pids;
    my $private = sub {
        my $text = $t->read("/proc/$worker/smaps_rollup");
        my $n = 0;
        $n += $1 while $text =~ /^Private_(?:Clean|Dirty):\s+(\d+)/mg;
        return $n;
    };
    my @open;
    my $open = sub {
        my ($n) = @_;
        for (1 .. $n) {
            my $c = $t->connect;
            $c->send("GET /events/now/?n=2,60 HTTP/1.1\r\nHost: a\r\n"
                     . "Accept-Encoding: gzip\r\n\r\n");
            push @open, $c;
        }
        $_->read_until(qr/\r\n\r\n.+\r\n/s) for @open[-$n .. -1];
    };

    $open->(20);
    my $before = $private->();
    my $n = $ENV{TEST_SOAK} ? 300 : 80;
    $open->($n);
    my $each = ($private->() - $before) / $n;
    cmp_ok $each, '<', 40, "an event stream through gzip takes $each kB";
    $_->abort for @open;
}

# ---- the directive ----

my $said = conf_test("events {}\nhttp {\ncompress_order gzip deflate;\n}\n");
is $said->{code}, 1, 'compress_order: an unknown coding';
like $said->{err}, qr/\[emerg\] invalid value "deflate" in /, 'said';
$said = conf_test("events {}\nhttp {\ncompress_order gzip gzip;\n}\n");
like $said->{err}, qr/\[warn\] duplicate value "gzip" in /, 'a coding twice';

done_testing;
