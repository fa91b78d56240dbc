# SPDX-License-Identifier: BSD-2-Clause
#
# Strictness towards request lines and fields, in samples; each is sent whole
# and byte by byte, and must be answered alike.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$request_method $uri $args"; }
        location /x { return 200 "[$http_x_a]"; }
        location /host { return 200 $host; }
    }
}
EOC

my $end = "Host: a\r\nConnection: close\r\n\r\n";
my @table = (
    # request                                  status  body, if asked
    ["GET / HTTP/1.1\r\n$end",                    200, 'GET / '],
    ["\r\n\r\nGET / HTTP/1.1\r\n$end",            200],
    ["GET / HTTP/1.1\nHost: a\nConnection: close\n\n", 200],
    ["GET  /  HTTP/1.1 \r\n$end",                 200],
    ["GET / HTTP/1.0\r\n\r\n",                    200],
    ["GET / HTTP/1.9\r\n$end",                    200],
    ["M-X_Y / HTTP/1.1\r\n$end",                  200, 'M-X_Y / '],
    ["GET http://b.test/p?q HTTP/1.1\r\n$end",    200, 'GET /p q'],
    ["GET http://b.test HTTP/1.1\r\n$end",        200, 'GET / '],
    ["GET http://b.test:80/host HTTP/1.1\r\n$end", 200, 'b.test'],
    ["GET HTTPS://b.test/host HTTP/1.1\r\n$end",  200, 'b.test'],
    ["GET /a%20b?c%20d HTTP/1.1\r\n$end",         200, 'GET /a b c%20d'],
    ["GET /a//b/./c/../d HTTP/1.1\r\n$end",       200, 'GET /a/b/d '],
    ["GET /a\xe9 HTTP/1.1\r\n$end",               200, "GET /a\xe9 "],
    ["GET /?a?b#c HTTP/1.1\r\n$end",              200, 'GET / a?b'],
    ["GET /a+b HTTP/1.1\r\n$end",                 200, 'GET /a+b '],
    ["get / HTTP/1.1\r\n$end",                    400],
    ["G\@T / HTTP/1.1\r\n$end",                   400],
    [" GET / HTTP/1.1\r\n$end",                   400],
    ["GET\t/ HTTP/1.1\r\n$end",                   400],
    ["GET / HTTP/1.1x\r\n$end",                   400],
    ["GET / http/1.1\r\n$end",                    400],
    ["GET / HTTP/1\r\n$end",                      400],
    ["GET / FTP/1.1\r\n$end",                     400],
    ["GET a HTTP/1.1\r\n$end",                    400],
    ["GET ?a HTTP/1.1\r\n$end",                   400],
    ["GET /a b HTTP/1.1\r\n$end",                 400],
    ["GET /a\0b HTTP/1.1\r\n$end",                400],
    ["GET /a\x01b HTTP/1.1\r\n$end",              400],
    ["GET /a\x7fb HTTP/1.1\r\n$end",              400],
    ["GET /.. HTTP/1.1\r\n$end",                  400],
    ["GET /a/../../b HTTP/1.1\r\n$end",           400],
    ["GET /%2e%2e HTTP/1.1\r\n$end",              400],
    ["GET /%0 HTTP/1.1\r\n$end",                  400],
    ["GET /%00 HTTP/1.1\r\n$end",                 400],
    ["OPTIONS * HTTP/1.1\r\n$end",                400],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",          400],
    ["\x16\x03\x01\x02\x00\x01",                  400],
    ["GET / HTTP/2.0\r\n$end",                    505],
    ["GET / HTTP/3.5\r\n$end",                    505],
    ["TRACE / HTTP/1.1\r\n$end",                  405],
    ["CONNECT b:80 HTTP/1.1\r\n$end",             405, undef, '1.31.5'],
    ["CONNECT / HTTP/1.1\r\n$end",                400, undef, '1.31.5'],

    ["GET / HTTP/1.1\r\n\r\n",                    400],
    ["GET / HTTP/1.1\r\nHost:\r\n\r\n",           400],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",       400],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n",       400],
    ["GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",      400, undef, '1.31.5'],
    ["GET / HTTP/1.1\r\nHost: u\@a\r\n\r\n",      400, undef, '1.31.5'],
    ["GET / HTTP/1.1\r\nHost: a:x\r\n\r\n",       400, undef, '1.31.5'],
    ["GET /host HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
                                                  200, '[::1]'],
    ["GET /x HTTP/1.1\r\nX-A:  a b  \r\n$end",    200, '[a b]'],
    ["GET /x HTTP/1.1\r\nx-a:\r\n$end",           200, '[]'],
    ["GET /x HTTP/1.1\r\nX-A: \xe9\r\n$end",      200, "[\xe9]"],
    ["GET /x HTTP/1.1\r\nX_A: b\r\n$end",         200, '[]'],
    ["GET /x HTTP/1.1\r\nX\@A: b\r\n$end",        200, '[]'],
    ["GET /x HTTP/1.1\r\nX-A : b\r\n$end",        400],
    ["GET /x HTTP/1.1\r\nX A: b\r\n$end",         400],
    ["GET /x HTTP/1.1\r\n X-A: b\r\n$end",        400],
    ["GET /x HTTP/1.1\r\nX-A: b\r\n c\r\n$end",   400],
    ["GET /x HTTP/1.1\r\n: b\r\n$end",            400],
    ["GET /x HTTP/1.1\r\nX-A: a\0b\r\n$end",      400],
    ["POST / HTTP/1.1\r\nContent-Length: x\r\n$end", 400],
    ["POST / HTTP/1.1\r\nContent-Length: -1\r\n$end", 400],
    ["POST / HTTP/1.1\r\nContent-Length: +1\r\n$end", 400],
    ["POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n${end}x", 400],
    ["POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n${end}x",
                                                  400],
    ["POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
     . "${end}0\r\n\r\n",                         400],
    ["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n$end", 501],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n$end", 501],
);

for my $row (@table) {
    my ($bytes, $status, $body, $since) = @$row;
    my $name = $bytes =~ s/[^ -~]/sprintf '\\x%02x', ord $&/ger;
    $name =~ s/\\x0d\\x0a/|/g;
    $name = substr $name, 0, 60;

    SKIP: {
        skip_before $since, $name, 1 if $since;
        my $r = $t->raw($bytes);
        my $label = "$status for $name";
        defined $body ? is($r->status . ' ' . $r->body, "$status $body", $label)
                      : is($r->status, $status, $label);

        my $c = $t->connect;
        $c->send_pieces($bytes, 1, 0);
        my $again = $c->read_response;
        is $again->status . ' ' . $again->body, $r->status . ' ' . $r->body,
            "and byte by byte";
    }
}

is $t->raw("GET /x\r\n")->raw, '[]', 'HTTP/0.9: a bare body';

done_testing;
