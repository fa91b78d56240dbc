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
    return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx";
});
my $port = $backend->port;
$t->run(<<'EOC' =~ s/%%BACKEND%%/$port/gr);
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /add/ { add_header X-Uri $uri; return 200 ok; }
        location /trailer/ { add_trailer X-Uri $uri; return 200 ok; }
        location /type/ { default_type "text/plain; x=$uri"; return 200 ok; }
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

    for my $place (qw(add trailer type redirect rewrite basic)) {
        my $raw = $t->raw("GET /$place/$evil HTTP/1.1\r\nHost: x\r\n"
            . "Connection: close\r\n\r\n")->raw;
        my ($head) = $raw =~ /\A(.*?)\r\n\r\n/s;

        like $raw, qr{\AHTTP/1\.1 \d{3} }, "$place, $break: answered";
        unlike $raw, qr/[\r\n]X-Evil/, "$place, $break: no field of its own";
        unlike $head, qr/\r(?!\n)|(?<!\r)\n/, "$place, $break: no bare CR or LF";
    }
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
