# SPDX-License-Identifier: BSD-2-Clause
#
# $upstream_... and $proxy_...: in fields that are added and in the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;

    sleep 0.2 if $request->uri =~ /slow/;
    return "HTTP/1.1 201 Made\r\nX-One: 1\r\nX-One: 2\r\nSet-Cookie: a=b; Path=/\r\n"
        . "Set-Cookie: c=d\r\nX-Dash-Name: e\r\nTransfer-Encoding: chunked\r\n"
        . "\r\n5\r\nhello\r\n0\r\nX-Trail: t\r\nX-Trail-Two: u\r\n\r\n";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    log_format up "\$request_uri|\$upstream_addr|\$upstream_status|"
                  "\$upstream_response_time|\$upstream_connect_time|"
                  "\$upstream_header_time|\$upstream_response_length|"
                  "\$upstream_bytes_sent|\$upstream_bytes_received|"
                  "\$upstream_cache_status|\$proxy_host|\$proxy_port";
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream group { server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        access_log %%TESTDIR%%/up.log up;
        add_header X-Got "\$upstream_http_x_one|\$upstream_http_x_dash_name|\$upstream_http_none|\$upstream_cookie_a|\$upstream_cookie_c|\$upstream_cookie_x";
        add_header X-State "\$upstream_status|\$upstream_addr";
        location / { proxy_pass http://127.0.0.1:$up; }
        location /group { proxy_pass http://group; }
        location /dead { proxy_pass http://127.0.0.1:%%PORT_dead%%;
                         error_page 502 = /after; }
        location /after { proxy_pass http://group; }
        location /none { return 200 none; }
    }
}
EOC

my $r = $t->get('/x');
is $r->status, 201, 'the status';
is $r->reason, 'Made', 'and its words';
is $r->header('X-State'), "201|127.0.0.1:$up", 'status and address';
my $one = version_at_least('1.23.0') ? '1, 2' : '1';
is $r->header('X-Got'), "$one|e||b|d|", 'fields and cookies';
like $t->wait_log(qr{^/x\|}, 'up.log'),
    qr{^/x\|127\.0\.0\.1:$up\|201\|0\.\d{3}\|0\.\d{3}\|0\.\d{3}\|43\|\d\d+\|\d{3}\|-\|127\.0\.0\.1:$up\|$up$},
    'logged';
$t->get('/slow');
like $t->wait_log(qr{^/slow\|}, 'up.log'),
    qr{^/slow\|[^|]*\|201\|0\.[2-9]\d\d\|0\.0\d\d\|0\.[2-9]\d\d\|}, 'times';
$t->get('/group');
like $t->wait_log(qr{^/group\|}, 'up.log'), qr{\|group\|80$}, 'of a group';
$r = $t->get('/dead');
like $r->header('X-State'), qr/^502 : 201\|127\.0\.0\.1:\d+ : 127\.0\.0\.1:$up$/,
    'two gateways';
like $t->wait_log(qr{^/dead\|}, 'up.log'),
    qr{\|502 : 201\|0\.\d{3} : 0\.\d{3}\|- : 0\.\d{3}\|- : 0\.\d{3}\|0 : 43\|0 : \d+\|0 : \d+\|},
    'and their times';
is $t->get('/none')->header('X-State'), '|', 'no upstream';
like $t->wait_log(qr{^/none\|}, 'up.log'), qr{^/none(\|-){11}$}, 'logged as -';

# ---- what counts as a response's length, and bodies of requests ----

my $plain = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my $n = $request->uri =~ /large/ ? 300_000 : 5;

    return "HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nbad"
        if $request->uri =~ /fails/;
    return "HTTP/1.1 200 OK\r\nContent-Length: $n\r\n\r\n" . 'B' x $n;
})->port;
{
    my $s = Weir::Test->new;
    $s->run(<<"EOC");
%%HTTP%%
    log_format l '\$uri|\$upstream_response_length|\$request_body|\$content_length|\$sent_http_content_type|\$sent_http_content_length|';
    access_log %%TESTDIR%%/l.log l;
    log_subrequest on;
    upstream two { server 127.0.0.1:$plain; server 127.0.0.1:%%PORT_dead%% backup; }
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Length \$upstream_response_length always;
        client_max_body_size 100;
        location / { proxy_pass http://127.0.0.1:$plain; }
        location /unbuffered { proxy_buffering off;
            proxy_pass http://127.0.0.1:$plain; }
        location /fails { proxy_pass http://127.0.0.1:$plain;
            proxy_intercept_errors on; error_page 503 =200 /after; }
        location /after { proxy_pass http://127.0.0.1:$plain; }
        location = /gated { auth_request /gate;
            proxy_pass http://127.0.0.1:$plain; }
        location = /mirrored { mirror /copy; proxy_pass http://127.0.0.1:$plain; }
        location = /empty { default_type text/css; return 204; }
        location /stream { proxy_request_buffering off; proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:$plain; }
    }
}
EOC
    my $line = sub { $s->wait_log(qr{^\Q$_[0]\E\|.*}m, 'l.log');
                     $s->read('l.log') =~ m{^\Q$_[0]\E(\|.*)}m ? $1 : '' };

    for my $uri (qw(/a /large /unbuffered /unbuffered/large)) {
        my $n = $uri =~ /large/ ? 300000 : 5;
        is $s->get($uri)->header('X-Length'), 0, "$uri: none before the body";
        like $line->($uri), qr/^\|$n\|/, "$uri: all of it in the log";
    }
    is $s->get('/fails')->header('X-Length'), '0 : 0', 'not passed on';
    like $line->('/after'), qr/^\|0 : 5\|/, 'does not count';
    $s->get('/gated');
    like $line->('/gate'), qr/^\|0\|/, 'nor what auth_request drops';
    $s->get('/mirrored');
    like $line->('/copy'), qr/^\|0\|/, 'nor what mirror drops';
    $s->get('/empty');
    is $line->('/empty'), '|-|-|-|-|-|', '204 has no type and no length';

    $s->post('/stream/a', 'x' x 20);
    like $line->('/stream/a'), qr/^\|5\|x{20}\|20\|/,
        'a body that is not buffered and came with the head';
    my $c = $s->connect;
    $c->send("POST /stream/b HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
        . "Connection: close\r\n\r\nabcde");
    select undef, undef, undef, 0.2;
    $c->send('fghij');
    $c->read_response;
    like $line->('/stream/b'), qr/^\|5\|-\|10\|/, 'that came later';

    $c = $s->connect;
    $c->send("POST /chunked HTTP/1.1\r\nHost: a\r\n"
        . "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        . "C8\r\n" . 'q' x 200 . "\r\n0\r\n\r\n");
    is $c->read_response->status, 413, 'chunks, too many';
    $c->close;
    like $line->('/chunked'), qr/^\|-\|-\|0\|/, 'neither body nor length';
}

# ---- trailers ----

SKIP: {
    skip_before '1.27.2', 'no trailers', 3;
    my $s = Weir::Test->new;
    $s->run(<<"EOC");
%%HTTP%%
    log_format up "\$upstream_trailer_x_trail";
    server {
        listen 127.0.0.1:%%PORT%%;
        access_log %%TESTDIR%%/up.log up;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /pass { proxy_pass http://127.0.0.1:$up;
                         proxy_pass_trailers on; }
    }
}
EOC
    like $s->get('/pass')->raw, qr/\r\n0\r\nX-Trail: t\r\n/, 'trailers pass';
    unlike $s->get('/')->raw, qr/X-Trail/, 'unless they are not to';
    ok $s->wait_log(qr/^t$/, 'up.log'), '$upstream_trailer_';
}

done_testing;
