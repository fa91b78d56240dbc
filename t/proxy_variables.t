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
