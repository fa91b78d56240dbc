# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_pass with a URI after rewrite ... break: the rewritten URI goes out as
# it is, wherever it leads.

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
        location /plain/ { proxy_pass http://127.0.0.1:%%PORT_up%%/base/; }
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
);

done_testing();
