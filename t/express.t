# SPDX-License-Identifier: BSD-2-Clause
#
# A real application, in Express with the ws package, behind a configuration
# as sites have it: a server for each domain on one port, three instances of
# the application, WebSockets, Server-Sent Events, uploads; one instance killed
# and the configuration reloaded while requests are made.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha1_hex);
use JSON::PP qw(decode_json);
use Time::HiRes qw(sleep time);
use Weir::Load;
use Weir::Node;
use Weir::Test qw(:DEFAULT slow);
use Weir::WebSocket;

need_node();

my $t = Weir::Test->new;


start_instance('server.js', $_, $t->port($_)) for qw(one two three);


# ---- the server ----

$t->write('html/static/site.css', "body { color: green }\n" x 50);
$t->write('html/maintenance.html', 'back soon');
$t->run(<<'EOC');
%%GLOBALS%%
worker_processes 2;
events { worker_connections 512; }
http {
    %%GLOBALS_HTTP%%
    types { text/css css; text/html html; }
    sendfile on;
    client_max_body_size 1m;

    upstream app {
        server 127.0.0.1:%%PORT_one%%;
        server 127.0.0.1:%%PORT_two%%;
        server 127.0.0.1:%%PORT_three%%;
        keepalive 16;
    }

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;

    map $http_upgrade $connection_upgrade {
        default upgrade;
        ''      close;
    }

    server {
        listen 127.0.0.1:%%PORT%% default_server;
        return 404 "no such site\n";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name app.test www.app.test;
        error_page 502 503 504 /maintenance.html;

        location / { proxy_pass http://app; }
        location /static/ {
            root %%TESTDIR%%/html;
            expires 1h;
        }
        location = /maintenance.html {
            root %%TESTDIR%%/html;
            internal;
        }
        location /ws {
            proxy_pass http://app;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Host $host;
            proxy_read_timeout 1h;
        }
        location /events {
            proxy_pass http://app;
            proxy_buffering off;
            proxy_read_timeout 1h;
        }
        location /stream/ {
            proxy_pass http://app;
            proxy_request_buffering off;
        }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name bare.test;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        location / { proxy_pass http://app; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name one.test;
        location / { proxy_pass http://127.0.0.1:%%PORT_one%%; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name *.old.test;
        return 301 http://app.test$request_uri;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name gone.test;
        error_page 502 /maintenance.html;
        location / { proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location = /maintenance.html { root %%TESTDIR%%/html; internal; }
    }
}
EOC

sub app { my ($uri, @opt) = @_; return $t->get($uri, host => 'app.test', @opt) }


# ---- requests and answers ----

my $said = decode_json(app('/?a=1', local => '127.0.0.2')->body);
is $said->{host}, 'app.test', 'the application sees the host';
is $said->{ip}, '127.0.0.2', 'and the address of the client';
is $said->{realIp}, '127.0.0.2', 'also in X-Real-IP';
is $said->{protocol}, 'http', 'and the scheme';
is $said->{url}, '/?a=1', 'and the URI';
$said = decode_json(app('/', local => '127.0.0.2',
                        headers => ['X-Forwarded-For' => '203.0.113.7'])->body);
is $said->{forwarded}, '203.0.113.7, 127.0.0.2', 'X-Forwarded-For is a list';
is $said->{ip}, '127.0.0.2', 'of which only the last is believed';

my %seen;
$seen{ app('/')->header('X-Instance') }++ for 1 .. 12;
is join(' ', sort keys %seen), 'one three two', 'every instance answers';

is decode_json($t->get('/', host => 'one.test')->body)->{instance}, 'one',
    'another domain: its own upstream';
is $t->get('/', host => 'none.test')->body, "no such site\n",
    'an unknown domain';
my $r = $t->get('/x?y', host => 'a.old.test');
is $r->status . ' ' . $r->header('Location'), '301 http://app.test/x?y',
    'an old domain redirects';
$r = $t->get('/', host => 'gone.test');
is $r->status . ' ' . $r->body, '502 back soon',
    'nobody behind it: the page of our own';
$r = app('/static/site.css');
is $r->status, 200, 'a file beside the application';
is $r->header('Content-Type'), 'text/css', 'its type';
is $r->header('Cache-Control'), 'max-age=3600', 'its lifetime';

$r = app('/page');
cmp_ok length $r->body, '>', 16_000, 'a page';
my $tag = $r->header('ETag');
$r = app('/page', headers => ['If-None-Match' => $tag]);
is $r->status, 304, 'the same, not modified';
is $r->body, '', 'has no body';
$r = $t->head('/page', host => 'app.test');
is $r->status . $r->body, 200, 'HEAD';
$r = app('/login');
is $r->status, 302, 'a redirect';
is $r->header('Location'), 'http://app.test/home?from=login', 'to its place';
is $r->header('Set-Cookie'), 'session=a%20b%3Bc; Path=/; HttpOnly', 'a cookie';
$r = $t->post('/json', '{"a":[1,2]}', host => 'app.test',
              headers => ['Content-Type' => 'application/json']);
is $r->status . $r->body, '201{"got":{"a":[1,2]}}', 'JSON posted';
$r = $t->post('/json', '{"a":', host => 'app.test',
              headers => ['Content-Type' => 'application/json']);
is $r->status, 400, "an error of the application's passes";
is app('/nothing')->status, 404, 'a missing page as well';


# ---- uploads and headers, to the limits and past them ----

my $cap = 1 << 20;
my $bytes = join '', map { pack 'N', $_ * 2654435761 % 4294967296 }
    1 .. $cap / 4;

for my $uri ('/upload', '/stream/upload') {
    my %to = (host => 'app.test');

    $r = $t->post($uri, $bytes, %to);
    is $r->status, 200, "$uri: to the cap";
    is $r->body, qq({"bytes":$cap,"sha1":") . sha1_hex($bytes) . '"}',
        "$uri: arrives whole";
    my @pieces = unpack '(a65000)*', $bytes;
    $r = $t->request('POST', $uri, %to, chunks => \@pieces);
    is $r->body, qq({"bytes":$cap,"sha1":") . sha1_hex($bytes) . '"}',
        "$uri: in chunks";
    is $t->post($uri, $bytes . 'x', %to)->status, 413, "$uri: past the cap";
}
is $t->request('POST', '/upload', host => 'app.test',
               chunks => [($bytes) x 2])->status, 413, 'in chunks past the cap';

is app('/', headers => ['X-Big' => 'x' x 7_000])->status, 200,
    'a header to the limit';
is app('/', headers => ['X-Big' => 'x' x 9_000])->status, 400,
    'an oversized header';
is app('/', headers => [map { ("X-Big$_" => 'x' x 7_000) } 1 .. 5])->status,
    400, 'too many of them';
is $t->get('/' . 'x' x 9_000, host => 'app.test')->status, 414,
    'an oversized line';


# ---- Server-Sent Events ----

# Reads $n events; how many milliseconds each took, and the ids.
sub read_events {
    my ($c, $n) = @_;
    my (@took, @ids);

    for (1 .. $n) {
        my $text = $c->read_until(qr/data: [\d.]+\n\n/) // last;
        my $now = time * 1000;
        $text =~ /id: (\d+)\ndata: ([\d.]+)\n\n/ or last;
        push @ids, $1;
        push @took, $now - $2;
    }
    return (\@took, \@ids);
}

# A machine that is busy may be late now and then; a server that gathers
# events is late with most of them.
my $stream = $t->connect;
$stream->send_request('GET', '/events?n=100', host => 'app.test');
my ($took, $ids) = read_events($stream, 100);
is "@$ids", join(' ', 1 .. 100), 'every event, in order';
my @sorted = sort { $a <=> $b } @$took;
cmp_ok $sorted[50] // 1e9, '<', slow(50), 'most in under 50 ms';
cmp_ok $sorted[-1] // 1e9, '<', slow(1000), 'none held back';
note sprintf 'events: median %.1f ms, max %.1f ms', @sorted[50, -1];
like $stream->read_until(qr/\r\n0\r\n\r\n/) // 'nothing', qr/0\r\n\r\n/,
    'the stream ends well';

$stream = $t->connect;
$stream->send_request('GET', '/events', host => 'one.test');
read_events($stream, 3);
sub count { return decode_json($t->get('/counts', host => 'one.test')->body) }
is count()->{streams}, 1, 'a stream is open';
$stream->close;
ok wait_until(sub { count()->{streams} == 0 }),
    'the application hears when the client leaves';


# ---- WebSocket ----

my ($ws, $open) = ws_open($t, '/ws', host => 'app.test',
                          local => '127.0.0.3');
is $open->status, 101, 'a WebSocket opens';
like +(ws_read($ws))[1], qr/^(?:one|two|three) 127\.0\.0\.3$/,
    'the application greets, and knows who it is';
for my $text ('hello', '', 'x' x 125, 'x' x 126, 'y' x 65_536,
              substr $bytes, 0, 500_000) {
    my $type = length $text > 65_536 ? 2 : 1;
    ws_send($ws, $text, $type);
    my ($got, $echo) = ws_read($ws);
    is $got, $type, 'the echo of ' . length($text) . ' bytes';
    ok $echo eq $text, 'is the same';
}


# ---- under load ----

# under_load($what, sub { ... }): no request fails while it runs.
sub under_load {
    my ($what, $act) = @_;
    my @page = (request => ['GET', '/page', host => 'app.test']);
    my $load = Weir::Load->start(
        Weir::Load::asking($t, @page),
        Weir::Load::asking($t, @page, keep => 1),
        Weir::Load::asking($t, @page, keep => 1),
    );

    sleep 0.3;
    $act->();
    sleep 0.3;
    my ($made, $failed, $why) = $load->stop;
    cmp_ok $made, '>', 5, "$what: requests were made";
    is $failed, 0, "$what: none of them failed" or diag $why;
    note "$what: $made requests";
}

# An instance that has no WebSocket, which could not survive it.
sub spare {
    for my $name (qw(three two one)) {
        my $counts = decode_json(
            $t->get('/counts', port => $name)->body);
        return $name if $counts->{sockets} == 0;
    }
    die "every instance has one\n";
}

under_load('an instance killed', sub {
    kill_instance(spare());
    sleep 1;
});

my %left;
$left{ app('/')->header('X-Instance') }++ for 1 .. 12;
is scalar(keys %left), 2, 'the other two go on';
start_instance('server.js', $_, $t->port($_))
    for grep { !$left{$_} } qw(one two three);

under_load('reloads', sub {
    my $good = 0;
    for (1 .. 10) {
        $good++ if $t->reload;
        ws_send($ws, "reload $_");
        my (undef, $echo) = ws_read($ws);
        $good++ if $echo eq "reload $_";
    }
    is $good, 20, 'ten reloads, and the WebSocket lives';
});

SKIP: {
    skip 'nginx needs proxy_set_header', 2 if is_oracle();
    my ($bare, $opened) = ws_open($t, '/ws', host => 'bare.test');
    is $opened->status, 101, 'a WebSocket opens without proxy_set_header';
    like +(ws_read($bare))[1], qr/^(?:one|two|three) /, '... and is greeted';
    $bare->close;
}
ws_send($ws, pack('n', 1000), 8);
is +(ws_read($ws))[0], 8, 'the WebSocket is closed from both sides';
ok $ws->closed(slow(10)), 'and so is its connection';
ok wait_until(sub { $t->worker_pids == 2 && !grep { /shutting down/ }
    map { Weir::Test::process_title($_) } Weir::Test::children($t->pid) }),
    'no worker of before stays';

done_testing;
