# SPDX-License-Identifier: BSD-2-Clause
#
# allow, deny, satisfy and limit_except.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/f', 'file');
$t->write('html/static', 'file');
$t->run(<<'EOC');
%%HTTP%%
    default_type text/plain;
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/a.sock;
        location /all/ { alias %%TESTDIR%%/html/; allow all; }
        location /none/ { alias %%TESTDIR%%/html/; deny all; }
        location /one/ { alias %%TESTDIR%%/html/;
                         allow 127.0.0.1; deny all; }
        location /but/ { alias %%TESTDIR%%/html/;
                         deny 127.0.0.1; allow all; }
        location /net/ { alias %%TESTDIR%%/html/;
                         deny 127.0.0.8/29; allow 127.0.0.0/8; deny all; }
        location /v6/ { alias %%TESTDIR%%/html/;
                        allow ::1; allow 2001:db8::/32; deny all; }
        location /unix/ { alias %%TESTDIR%%/html/; allow unix:; deny all; }
        location /open/ { alias %%TESTDIR%%/html/; deny 10.0.0.0/8; }
        location /outer/ { deny all;
            location /outer/in/ { alias %%TESTDIR%%/html/; }
            location /outer/own/ { alias %%TESTDIR%%/html/; allow all; } }
        location /page/ { deny all; error_page 403 /allowed; }
        location /allowed { alias %%TESTDIR%%/html/f; allow all; }
        location /return { deny all; return 200 returned; }
        location /any/ { satisfy any; allow all; deny all;
                         alias %%TESTDIR%%/html/; }

        location /get/ { alias %%TESTDIR%%/html/;
                         limit_except GET { deny all; } }
        location /put/ { proxy_pass http://127.0.0.1:%%PORT_up%%;
                         limit_except GET PUT { deny all; } }
        location /other/ { proxy_pass http://127.0.0.1:%%PORT_up%%;
                           limit_except GET {
                               proxy_pass http://127.0.0.1:%%PORT_up2%%; } }
        location /from/ { proxy_pass http://127.0.0.1:%%PORT_up%%;
                          limit_except GET { allow 127.0.0.9; deny all; } }
    }
    server { listen 127.0.0.1:%%PORT_up%%;
             location / { return 200 "up $request_method $uri"; } }
    server { listen 127.0.0.1:%%PORT_up2%%;
             location / { return 200 "up2 $request_method $uri"; } }
}
EOC

my @table = (
    # request        from           status
    ['/all/f',       '127.0.0.1',   200],
    ['/none/f',      '127.0.0.1',   403],
    ['/one/f',       '127.0.0.1',   200],
    ['/one/f',       '127.0.0.2',   403],
    ['/but/f',       '127.0.0.1',   403],
    ['/but/f',       '127.0.0.2',   200],
    ['/net/f',       '127.0.0.7',   200],
    ['/net/f',       '127.0.0.8',   403],
    ['/net/f',       '127.0.0.15',  403],
    ['/net/f',       '127.0.0.16',  200],
    ['/v6/f',        '127.0.0.1',   403],
    ['/unix/f',      '127.0.0.1',   403],
    ['/open/f',      '127.0.0.1',   200],
    ['/outer/in/f',  '127.0.0.1',   403],
    ['/outer/own/f', '127.0.0.1',   200],
    ['/any/f',       '127.0.0.1',   200],
    ['/return',      '127.0.0.1',   200],
);
for my $row (@table) {
    my ($uri, $from, $status) = @$row;
    is $t->get($uri, local => $from)->status, $status, "$uri from $from";
}
is $t->get('/unix/f', unix => 'a.sock')->status, 200, 'allow unix:';
is $t->get('/one/f', unix => 'a.sock')->status, 403,
    'an address is not a unix socket';
my $r = $t->get('/page/x');
is $r->status . ' ' . $r->body, '403 file', 'error_page is not denied';
my $denied = 'access forbidden by rule, client: 127.0.0.2, server: , '
    . 'request: "GET /one/f HTTP/1.1", host: "localhost"';
ok $t->wait_log(qr{\[error\] .* \Q$denied\E$}), 'the log';

my @methods = (
    # request       method   status
    ['/get/f',      GET     => 200],
    ['/get/f',      HEAD    => 200],
    ['/get/f',      POST    => 403],
    ['/get/f',      DELETE  => 403],
    ['/get/f',      ODD     => 403],
    ['/put/f',      GET     => 200],
    ['/put/f',      PUT     => 200],
    ['/put/f',      POST    => 403],
    ['/from/f',     GET     => 200],
    ['/from/f',     POST    => 403],
);
for my $row (@methods) {
    my ($uri, $method, $status) = @$row;
    is $t->request($method, $uri)->status, $status, "$method $uri";
}
is $t->get('/other/x')->body, 'up GET /other/x', 'limit_except: outside';
is $t->post('/other/x', 'b')->body, 'up2 POST /other/x',
    'limit_except: proxy_pass inside';
is $t->post('/from/f', 'b', local => '127.0.0.9')->status, 200,
    'limit_except: allow inside';

done_testing;
