# SPDX-License-Identifier: BSD-2-Clause
#
# Line breaks that come decoded in variables end no field, no request line and
# no head: neither to clients nor to upstreams.  nginx passes them on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'weir only' if is_oracle();

my $t = Weir::Test->new;
my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: text/plain\r\n"
        . "Connection: close\r\n\r\nx";
});
my $port = $backend->port;
$t->write('html/page.txt', "0123456789");
$t->run(<<'EOC' =~ s/%%BACKEND%%/$port/gr);
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /add/ { add_header X-Uri $uri; return 200 ok; }
        location /trailer/ { add_trailer X-Uri $uri; return 200 ok; }
        location /type/ { default_type "text/plain; x=$uri"; return 200 ok; }
        location ~ ^/charset/(?<named>(?s).*) {
            charset $named;
            charset_types text/plain;
            try_files /page.txt =404;
        }
        location ~ ^/from/(?<named>(?s).*) {
            charset $named;
            charset_types text/plain;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location ~ ^/given/(?<named>(?s).*) {
            more_set_headers "Content-Type: text/x; a=$named";
            return 200 ok;
        }
        location /redirect/ { return 302 http://example.test$uri; }
        location /rewrite/ { rewrite ^/rewrite(.*) http://example.test$1 redirect; }
        location /basic/ { auth_basic $uri; auth_basic_user_file none; }
        location /set/ {
            proxy_set_header X-Uri $uri;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
        location /uri/ { proxy_pass http://127.0.0.1:%%BACKEND%%/at$uri; }
        location /method/ {
            proxy_method $arg_m$uri;
            proxy_pass http://127.0.0.1:%%BACKEND%%;
        }
    }
}
EOC

for my $break ('%0d%0a', '%0a', '%0d', '%0d%0a%0d%0a') {
    my $evil = "a${break}X-Evil:%20yes";

    for my $place (qw(add trailer type charset given redirect rewrite basic)) {
        my $raw = $t->raw("GET /$place/$evil HTTP/1.1\r\nHost: x\r\n"
            . "Connection: close\r\n\r\n")->raw;
        my ($head) = $raw =~ /\A(.*?)\r\n\r\n/s;

        like $raw, qr{\AHTTP/1\.1 \d{3} }, "$place, $break: answered";
        unlike $raw, qr/[\r\n]X-Evil/, "$place, $break: no field of its own";
        unlike $head, qr/\r(?!\n)|(?<!\r)\n/, "$place, $break: no bare CR or LF";
    }
    like $t->raw("GET /from/$evil HTTP/1.1\r\nHost: x\r\n"
        . "Connection: close\r\n\r\n")->raw,
        qr/^Content-Type: text\/plain; charset=a[^\r\n]*X-Evil: yes\r$/m,
        "$break: the charset of an upstream's response stays in its line";

    my $ranges = $t->raw("GET /charset/$evil HTTP/1.1\r\nHost: x\r\n"
        . "Range: bytes=0-0,2-2\r\nConnection: close\r\n\r\n")->raw;

    like $ranges, qr{\AHTTP/1\.1 206 }, "$break: several ranges";
    unlike $ranges, qr/[\r\n]X-Evil/, "$break: no field in the head of a part";
    for my $place (qw(set uri method)) {
        $backend->forget;
        is $t->get("/$place/$evil")->status, 200,
            "$place, $break: answered";
        my @got = $backend->requests;

        is scalar(@got), 1, "$place, $break: one request";
        is $got[0]->header('X-Evil'), undef, "$place, $break: no such field";
    }
}

done_testing;
