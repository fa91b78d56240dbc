# SPDX-License-Identifier: BSD-2-Clause
#
# Request bodies: how they are read, kept and refused.  A proxied location
# shows what was read, as nothing reads the body of a static one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $got = $request->body;

    return "HTTP/1.1 200 OK\r\nContent-Length: " . length($got)
        . "\r\n\r\n$got";
});
my $up = $backend->port;
$t->write('html/f', 'file');
$t->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        client_max_body_size 200k;
        client_header_buffer_size 1k;
        location / { proxy_pass http://127.0.0.1:$up;
                     client_body_buffer_size 2k; }
        location /memory { proxy_pass http://127.0.0.1:$up;
                           client_body_buffer_size 300k;
                           add_header X-File "[\$request_body_file]"; }
        location /spilled { proxy_pass http://127.0.0.1:$up;
                            client_body_buffer_size 1k;
                            add_header X-File "\$request_body_file"; }
        location /only { proxy_pass http://127.0.0.1:$up;
                         client_body_in_file_only on;
                         client_body_temp_path %%TESTDIR%%/kept 1 2;
                         add_header X-File "\$request_body_file"; }
        location /quarter { proxy_pass http://127.0.0.1:$up;
                            client_body_buffer_size 4k;
                            add_header X-File "[\$request_body_file]"; }
        location /single { proxy_pass http://127.0.0.1:$up;
                           client_body_in_single_buffer on;
                           client_body_buffer_size 64k; }
        location /small { proxy_pass http://127.0.0.1:$up;
                          client_max_body_size 10; }
        location /any { proxy_pass http://127.0.0.1:$up;
                        client_max_body_size 0; }
        location /timeout { proxy_pass http://127.0.0.1:$up;
                            client_body_timeout 300ms; }
        location /return { client_max_body_size 10; return 200 ok; }
        location /moved { return 302 http://b/; }
        location /page { error_page 404 = \@moved; return 404; }
        location \@moved { return 301 http://b/; }
        location /static { alias %%TESTDIR%%/html/f; }
        location /unwanted { return 200 ok; }
    }
}
EOC

my %bodies = (
    'empty' => '', 'one byte' => 'x', '1 kB' => 'a' x 1024,
    '2 kB, the buffer' => 'b' x 2048, '2 kB and one' => 'c' x 2049,
    '100 kB' => join('', map { pack 'N', $_ } 1 .. 25_600),
);

# ---- whole, cut, chunked ----

for my $name (sort keys %bodies) {
    my $body = $bodies{$name};
    is $t->post('/', $body)->body, $body, "$name";
    ok $t->request('POST', '/', chunks => [grep { length } $body])->body
        eq $body, "$name: one chunk";
    ok $t->request('POST', '/', chunks => [unpack '(a97)*', $body])->body
        eq $body, "$name: many chunks" if length $body < 5000;
    ok $t->post('/memory', $body)->body eq $body, "$name: in memory";
    ok $t->post('/spilled', $body)->body eq $body, "$name: in a file";
    ok $t->post('/single', $body)->body eq $body, "$name: in one buffer"
        if length $body <= 65536;
}
is $t->request('PUT', '/', body => 'put')->body, 'put', 'PUT';
is $t->request('GET', '/', body => 'get')->body, 'get', 'GET with a body';

my $head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
for my $way (["${head}Content-Length: 10\r\n\r\n0123456789", 'a length'],
             ["${head}Transfer-Encoding: chunked\r\n\r\n"
              . "4\r\n0123\r\n6;ext=1\r\n456789\r\n0\r\nTr: x\r\n\r\n",
              'chunks, an extension and a trailer']) {
    my ($bytes, $name) = @$way;
    my $c = $t->connect;
    $c->send_pieces($bytes, 1, 0);
    is $c->read_response->body, '0123456789', "byte by byte: $name";
}
my $c = $t->connect;
$c->send("${head}Content-Length: 6\r\n\r\nabc");
ok $c->quiet(0.1), 'it waits for the rest';
$c->send('def');
is $c->read_response->body, 'abcdef', 'and takes it';

my ($seen) = grep { $_->header('Content-Length') } $backend->requests;
ok $seen, 'the upstream is told the length';
is scalar(grep { ($_->header('Transfer-Encoding') // '') ne '' }
          $backend->requests), 0,
    'a chunked body is given to the upstream with its length';

# ---- files ----

is $t->post('/memory', 'x' x 1000)->header('X-File'), '[]',
    'a small body makes no file';
my $r = $t->post('/spilled', 'y' x 5000);
like $r->header('X-File'), qr{/client_body_temp/\d{10}$},
    'a large one makes a file';
ok wait_until(sub { !-e $r->header('X-File') }), 'which is gone afterwards';
# A quarter more than the buffer is let pass; the head comes by itself.
for ([ 4097, 1 ], [ 5119, 1 ], [ 5120, 0 ]) {
    my ($n, $in_memory) = @$_;
    my $c = $t->connect;

    $c->send("POST /quarter HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        . "Content-Length: $n\r\n\r\n");
    select undef, undef, undef, 0.1;
    $c->send('q' x $n);
    my $name = $c->read_response->header('X-File') // '';
    is $name eq '[]' ? 1 : 0, $in_memory, "$n bytes, a buffer of 4096";
}
$r = $t->post('/only', 'kept body');
like $r->header('X-File'), qr{/kept/\d/\d\d/\d{10}$},
    'client_body_in_file_only on: the name';
is $t->read($r->header('X-File')), 'kept body', 'its text';

# ---- limits ----

$r = $t->post('/small', 'x' x 10);
is $r->status, 200, 'client_max_body_size: just so';
$r = $t->post('/small', 'x' x 11, close => 0);
is $r->status, 413, 'client_max_body_size: one more';
is $r->header('Connection'), 'close', 'and the connection ends';
like $t->wait_log(qr/too large body/) // '',
    qr/\[error\] .*: \*\d+ client intended to send too large body: 11 bytes, /,
    'the log';
is $t->request('POST', '/small', chunks => ['x' x 11])->status, 413,
    'chunked: one more';
like $t->wait_log(qr/too large chunked body/) // '',
    qr/client intended to send too large chunked body: 0\+11 bytes, /,
    'chunked: the log';
is $t->request('POST', '/small', chunks => ['x' x 5, 'x' x 5])->status, 200,
    'chunked: just so';
is length $t->post('/any', 'x' x 1_500_000)->body, 1_500_000,
    'client_max_body_size 0';
$r = $t->raw("POST /small HTTP/1.1\r\nHost: a\r\n"
             . "Content-Length: 99999999999999999999\r\n\r\n");
is $r->status, 400, 'a length beyond all numbers';
$r = $t->raw("POST /small HTTP/1.1\r\nHost: a\r\n"
             . "Content-Length: 999999999999\r\n\r\n");
is $r->status, 413, 'a great length';
is $t->post('/return', 'x' x 11)->status, 413,
    'also where nothing reads the body';

# ---- Expect: 100-continue ----

$c = $t->connect;
$c->send("${head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
my $interim = $c->read_until(qr/\r\n\r\n/) // '';
is $interim, "HTTP/1.1 100 Continue\r\n\r\n", '100 Continue';
$c->send('hello');
is $c->read_response->body, 'hello', 'the body after it';
$c = $t->connect;
$c->send("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n"
         . "Expect: 100-continue\r\n\r\n");
$r = $c->read_response;
is $r->status, 413, 'no 100 for a body too large';
is scalar($r->interim), 0, 'no 100 for a body too large: just that';
$r = $t->request('POST', '/', version => '1.0', body => 'x',
                 headers => [Expect => '100-continue']);
is scalar($r->interim), 0, 'HTTP/1.0 gets no 100';

# ---- bad ones ----

for my $chunks ("g\r\nx\r\n0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n",
                "\r\nx\r\n0\r\n\r\n",
                "1\r\nxx\r\n0\r\n\r\n", "ffffffffffffffffff\r\n") {
    (my $name = $chunks) =~ s/\r\n/|/g;
    is $t->raw("${head}Transfer-Encoding: chunked\r\n\r\n$chunks")->status,
        400, "chunks: $name";
    is $t->raw("POST $_ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               . "Transfer-Encoding: chunked\r\n\r\n$chunks")->status,
        400, "chunks, nobody reads them: $_, $name" for '/moved', '/page';
}
SKIP: {
    skip_before('1.29.0', 'LF at the end of trailers', 3);
    for my $chunks ("0\r\nA: b\n\r\n", "0\r\nA: b\nC: d\r\n\r\n",
                    "0\r\nA: b\r\n\n") {
        (my $name = $chunks) =~ s/\r\n/|/g;
        $name =~ s/\n/LF/g;
        is $t->raw("${head}Transfer-Encoding: chunked\r\n\r\n$chunks")
            ->status, 400, "trailers: $name";
    }
}
$c = $t->connect;
$c->send("POST /timeout HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
$r = $c->read_response;
ok $r->status == 408 || $r->raw eq '', 'client_body_timeout';
my $before = $backend->requests;
$c = $t->connect;
$c->send("${head}Content-Length: 5\r\n\r\nab");
$c->shutdown_write;
$c->read_all;
is scalar($backend->requests), $before,
    'half a body is not sent to the upstream';

# ---- bodies that nobody asks for ----

$c = $t->connect;
$c->send_request('POST', '/unwanted', body => 'z' x 100_000);
is $c->read_response->body, 'ok', 'a body that nothing reads';
is $c->get('/static')->body, 'file', 'and the connection goes on';
$c->send_request('GET', '/static', chunks => ['abc', 'def']);
is $c->read_response->body, 'file', 'a chunked one with a file';
is $c->get('/static')->body, 'file', 'and the connection goes on again';

done_testing;
