# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_pass with a URI after rewrite, where "break" keeps the location: the
# rewritten URI goes out as it is, wherever it leads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /in/ {
            rewrite ^/in/(.*)$ /in/new/$1 break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /out/ {
            rewrite ^/out/(.*)$ /else/$1 break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /if/ {
            if ($arg_x) { rewrite ^ /if/z break; }
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /apart/ {
            rewrite ^/apart/(.*)$ /else/$1;
            break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /same/ {
            rewrite ^/same/(.*)$ /same/$1;
            break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /ifapart/ {
            if ($arg_x) { rewrite ^ /else/z; break; }
            break;
            proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
        }
        location /outer/ {
            location /outer/in/ {
                rewrite ^ /new;
                break;
                proxy_pass http://127.0.0.1:%%PORT_up%%/base/;
            }
        }
        location = /short { rewrite ^ /s; break;
                            proxy_pass http://127.0.0.1:%%PORT_up%%/base; }
        location /page/ { error_page 404 = /apart/page; return 404; }
        location /two/ { rewrite ^/two/(.*)$ /plain/$1 last; }
        location /plain/ { proxy_pass http://127.0.0.1:%%PORT_up%%/base/; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name server.test;
        rewrite ^/a/(.*)$ /b/$1; break;
        location /b/ { proxy_pass http://127.0.0.1:%%PORT_up%%/base/; }
    }
    server {
        listen 127.0.0.1:%%PORT_up%%;
        return 200 $request_uri;
    }
}
EOC

$t->answers(
    '/in/a' => '/in/new/a',
    '/in/a?b=c' => '/in/new/a?b=c',
    '/out/a' => '/else/a',
    '/if/a' => '/base/a',
    '/if/a?x=1' => '/if/z?x=1',
    '/plain/a' => '/base/a',
    '/apart/a' => '/else/a',
    '/apart/a?b=c' => '/else/a?b=c',
    '/same/a%20b' => '/same/a%20b',
    '/ifapart/a' => '/base/a',
    '/ifapart/a?x=1' => '/else/z?x=1',
    '/outer/in/a' => '/new',
    '/short' => '/s',
    '/page/a' => '/else/page',
    '/two/a' => '/base/a',
);
is $t->get('/a/x', host => 'server.test')->body, '/b/x',
    'rewritten by the server';
is $t->get('/b/x', host => 'server.test')->body, '/base/x', '... or not';

done_testing();
