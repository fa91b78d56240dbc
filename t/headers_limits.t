# SPDX-License-Identifier: BSD-2-Clause
#
# How much header a client may send: client_header_buffer_size,
# large_client_header_buffers, max_headers; and which names are taken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $max_headers = version_at_least('1.29.8')
    || conf_test("events {} http { max_headers 5; }")->{code} == 0;
my $limit = $max_headers ? 'max_headers 5;' : '';

my $t = Weir::Test->new->run(<<"EOC");
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "\$request_length"; }
    }
    server {
        listen 127.0.0.1:%%PORT_small%%;
        client_header_buffer_size 128;
        large_client_header_buffers 2 512;
        location / { return 200 "[\$http_x_a][\$http_x_b]"; }
    }
    server {
        listen 127.0.0.1:%%PORT_names%%;
        underscores_in_headers on;
        ignore_invalid_headers off;
        location / { return 200 "[\$http_x_a]"; }
    }
    server {
        listen 127.0.0.1:%%PORT_few%%;
        $limit
        location / { return 200 ok; }
    }
    server {
        listen 127.0.0.1:%%PORT_page%%;
        error_page 494 =431 /large;
        error_page 414 /long;
        location /large { return 200 "too large"; }
        location /long { return 200 "too long"; }
    }
}
EOC

sub line { return 'X-A: ' . 'a' x ($_[0] - 7) . "\r\n" }

sub status {
    my ($fields, $uri, @opt) = @_;

    return $t->raw('GET ' . ($uri // '/') . " HTTP/1.1\r\nHost: a\r\n"
                   . "Connection: close\r\n$fields\r\n", @opt)->status;
}

# ---- the defaults: 1k, 4 of 8k ----

is status(''), 200, 'a small header';
is status(line(1000)), 200, 'beyond the first buffer';
is status(line(8000)), 200, 'a line of 8000 bytes';
is status(line(9000)), 400, 'a line of 9000 bytes';
is status(line(7000) x 3), 200, '3 lines of 7000 bytes';
is status(line(7000) x 5), 400, '5 lines of 7000 bytes';
is status('', '/' . 'u' x 8000), 200, 'a URI of 8000 bytes';
is status('', '/' . 'u' x 9000), 414, 'a URI of 9000 bytes';
is status("X-A: b\r\n" x 900), 200, '900 fields';
like $t->raw("GET / HTTP/1.1\r\nHost: a\r\n" . line(9000) . "\r\n")->body,
    qr/Request Header Or Cookie Too Large/, 'the page says why';
ok $t->wait_log(qr/client sent too long header line: "X-A: aa+\.\.\." while/),
    'the log says it' if version_at_least('1.31.5');
ok $t->wait_log(qr/client sent too long URI while reading client request line/),
    'the log says it of a URI';

my $bytes = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . line(3000) . line(5000) . "\r\n";
is $t->raw($bytes)->body, length $bytes, '$request_length over buffers';

# ---- small buffers ----

my @at = (port => 'small');
is status('', '/', @at), 200, 'small buffers: all fits';
is status(line(400), '/', @at), 200, 'small buffers: a large line';
is status(line(600), '/', @at), 400, 'small buffers: one too large';
is status('', '/' . 'u' x 400, @at), 200, 'small buffers: a long URI';
is status('', '/' . 'u' x 600, @at), 414, 'small buffers: one too long';
is $t->raw("GET / HTTP/1.1\r\nHost: a\r\nX-A: " . 'a' x 300 . "\r\nX-B: "
           . 'b' x 300 . "\r\nConnection: close\r\n\r\n", @at)->body,
    '[' . 'a' x 300 . '][' . 'b' x 300 . ']',
    'small buffers: fields in several';

# Every length around the edges of the buffers gives one answer or the other.
for my $size (80 .. 140, 495 .. 515) {
    my $value = join '', map { chr(97 + $_ % 26) } 1 .. $size;
    my $r = $t->raw("GET / HTTP/1.1\r\nHost: a\r\nX-A: $value\r\n"
                    . "X-B: after\r\nConnection: close\r\n\r\n", @at);
    ok $r->body eq "[$value][after]" || $r->status == 400,
        "small buffers: $size bytes";
}
my $c = $t->connect(@at);
for my $try (1 .. 5) {
    my $value = $try x 200;
    is $c->get('/', headers => ['X-A' => $value])->body, "[$value][]",
        "small buffers: request $try of a connection";
}
$c = $t->connect(@at);
$c->send(join '', map { "GET / HTTP/1.1\r\nHost: a\r\nX-A: $_\r\n\r\n" }
         map { chr(96 + $_) x (20 * $_) } 1 .. 10);
is $c->read_response->body, '[' . (chr(96 + $_) x (20 * $_)) . '][]',
    "small buffers: pipelined $_" for 1 .. 10;

# ---- names ----

@at = (port => 'names');
is $t->get('/', @at, headers => ['X_A' => 'u'])->body, '[u]',
    'underscores_in_headers on';
is $t->get('/', @at, headers => ['X@A' => 'u'])->status, 200,
    'ignore_invalid_headers off: an odd name is taken';
is $t->get('/', headers => ['X@A' => 'u'])->status, 200,
    'ignore_invalid_headers on: it is left out';

# ---- how many ----

SKIP: {
    skip 'no max_headers', 2 if !$max_headers;
    is status("X-A: b\r\n" x 3, '/', port => 'few'), 200, 'max_headers';
    is status("X-A: b\r\n" x 4, '/', port => 'few'), 400,
        'max_headers: one more';
}

# ---- pages of one's own ----

my $r = $t->raw("GET / HTTP/1.1\r\nHost: a\r\n" . line(9000) . "\r\n",
                port => 'page');
is $r->status . ' ' . $r->body, '431 too large', 'error_page 494';
is $r->header('Connection'), 'close', 'and the connection ends';
$r = $t->raw('GET /' . 'u' x 9000 . " HTTP/1.1\r\n\r\n", port => 'page');
is $r->status . ' ' . $r->body, '414 too long', 'error_page 414';

done_testing;
