# SPDX-License-Identifier: BSD-2-Clause
#
# Fields that come twice, of requests and of upstreams' responses; and Date and
# Server of upstreams that send none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $sent = $request->header('X-Send') =~ s/\|/\r\n/gr;

    return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n$sent\r\n\r\n";
});
my $up = $backend->port;
my @names = qw(x_many expires etag location refresh last_modified content_type
    date server link cache_control vary set_cookie);
my $got = join '', map { "[$_=\$upstream_http_$_]" } @names;
$t->run(<<"EOC");
%%HTTP%%
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /asked {
            return 200 "[\$http_user_agent][\$http_referer][\$content_type][\$http_x_many][\$http_cookie]";
        }
        location / {
            proxy_pass http://127.0.0.1:$up;
            add_header X-Got "$got" always;
        }
        location /own {
            proxy_pass http://127.0.0.1:$up/;
            proxy_pass_header Date;
            proxy_pass_header Server;
        }
        location /date { proxy_pass http://127.0.0.1:$up/; proxy_pass_header Date; }
    }
}
EOC

# ---- requests

SKIP: {
    skip_before('1.23.0', 'joined', 1);
    is $t->raw(join "\r\n", 'GET /asked HTTP/1.1', 'Host: x', 'User-Agent: a',
        'Referer: http://a', 'Content-Type: a/b', 'X-Many: 1', 'Cookie: a=1',
        'user-agent: b', 'referer: http://b', 'content-type: c/d', 'x-many: 2',
        'cookie: b=2', 'Connection: close', '', '')->body,
        '[a, b][http://a, http://b][a/b, c/d][1, 2][a=1; b=2]',
        'fields of requests are joined';
}
sub twice { my ($line) = @_;
    return $t->raw("GET /asked HTTP/1.1\r\nHost: x\r\n$line\r\n$line\r\n"
        . "Connection: close\r\n\r\n")->status }
is twice('Authorization: Basic YTpi'), 400, 'Authorization twice';
is twice('Range: bytes=0-1'), 200, 'Range twice';
SKIP: {
    skip_before('1.29.7', 'Proxy-Authorization', 2);
    is twice('Proxy-Authorization: Basic YTpi'), 400,
        'Proxy-Authorization twice';
    ok $t->wait_log(qr/client sent duplicate header line: "Proxy-Authorization/),
        'and the log says so';
}

# ---- responses

sub sent { my ($path, @fields) = @_;
    return $t->get($path, headers => [ 'X-Send' => join '|', @fields ]) }
my $date = 'Thu, 01 Jan 2026 00:00:00 GMT';

SKIP: {
    skip_before('1.23.0', 'the first of single fields', 28);
    my %single = (
        Expires => $date, ETag => '"a"', Location => 'http://a.test/',
        Refresh => '1', 'Last-Modified' => $date, 'Content-Type' => 'a/b',
        Date => $date, Server => 'one');
    for my $name (sort keys %single) {
        my $r = sent('/', "$name: $single{$name}", lc($name) . ': other');
        my $variable = lc $name =~ tr/-/_/r;

        like $r->header('X-Got'), qr/\[$variable=\Q$single{$name}\E\]/,
            "$name: the first";
        unlike $r->raw, qr/other/, "$name: the second is not passed on";
        ok $t->wait_log(qr/\[warn\].*upstream sent duplicate header line: "\L$name\E: other", previous value: "$name: \Q$single{$name}\E", ignored/),
            "$name: the log says so";
    }
    my $r = sent('/', map { ("$_: a", "$_: b") }
        qw(X-Many Link Cache-Control Vary Set-Cookie));
    like $r->header('X-Got'), qr/\[$_=a, b\]/, "$_: joined"
        for qw(x_many link cache_control vary);
}

# ---- Date and Server of an upstream that sends none

is sent('/own', "Date: $date", 'Server: one')->header('Date'), $date,
    'proxy_pass_header: Date';
my $r = sent('/own', 'X-A: b');
is $r->header('Date'), undef, 'proxy_pass_header: no Date is added';
is $r->header('Server'), undef, 'proxy_pass_header: no Server is added';
$r = sent('/date', 'Server: one');
is $r->header('Date'), undef, 'proxy_pass_header Date: none is added';
like $r->header('Server'), qr{^(nginx|weir)/}, 'Server is ours';
ok sent('/', 'X-A: b')->header('Date'), 'else Date is ours';

done_testing;
