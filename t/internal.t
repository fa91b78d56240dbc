# SPDX-License-Identifier: BSD-2-Clause
#
# internal: locations that only the server itself comes to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/index.html', 'front');
my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /hidden/accel\r\n"
        . "Content-Length: 0\r\n\r\n";
});
my $up = $backend->port;
$t->run(<<"EOC");
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /hidden { internal; return 200 "hidden \$uri"; }
        location = /static.txt { internal; alias %%TESTDIR%%/html/index.html; }
        location /error { error_page 404 = /hidden/error; return 404; }
        location /try { try_files /none /hidden/try; }
        location /rewrite { rewrite ^ /hidden/rewrite last; }
        location /index/ { alias %%TESTDIR%%/html/; index /hidden/index; }
        location /accel { proxy_pass http://127.0.0.1:$up; }
        location /named { error_page 404 = \@named; return 404; }
        location \@named { internal; return 200 named; }
        location ~ ^/secret/ { internal; return 200 secret; }
        location /custom { internal; error_page 404 /page; }
        location /page { return 200 page; }
        location /outer/ {
            internal;
            location ~ \.txt\$ { return 200 "nested \$uri"; }
            location = /outer/x { return 200 exact; }
        }
        location /nested { try_files /none /outer/a.txt; }
    }
}
EOC

is $t->get("/$_")->status, 404, "/$_ from outside"
    for qw(hidden hidden/x static.txt secret/x hidden?a outer/a.txt outer/x);
my $r = $t->get('/custom');
is $r->status . ' ' . $r->body, '404 page', 'its error_page counts';
is $t->get("/$_")->body, "hidden /hidden/$_", "by $_"
    for qw(error try rewrite accel);
is $t->get('/index/')->body, 'hidden /hidden/index', 'by index';
is $t->get('/nested')->body, 'nested /outer/a.txt', 'one nested in another';
is $t->get('/named')->body, 'named', 'a named location';
is $t->get('/hidden/../hidden')->status, 404, 'by dots';
is $t->get('/%68idden')->status, 404, 'by an escape';

done_testing;
